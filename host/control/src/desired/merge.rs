//! The configuration file and the changes made since, put together when a host starts.
//!
//! Three documents: the file as it was when the host last ran, the file now, and what was wanted
//! last. What the file says anew holds; everything else stays as it was left.

use model::{GroupSpec, InputSpec, OutputSpec, PolicySpec, Site, SourceSpec};

/// The document to begin with: what the file changed since `base` is taken from `file`, the rest
/// from `kept`. Items of the file come first, so that a clash is reported at the other one.
pub fn merge(base: &Site, file: &Site, kept: &Site) -> Site {
    Site {
        tenants: three_way(
            &base.tenants,
            &file.tenants,
            &kept.tenants,
            |one, other| one.name == other.name,
            |_, theirs, _| theirs.clone(),
        ),
        policies: three_way(
            &base.policies,
            &file.policies,
            &kept.policies,
            same_place,
            |_, theirs, _| theirs.clone(),
        ),
        inputs: three_way(
            &base.inputs,
            &file.inputs,
            &kept.inputs,
            |one, other| one.name == other.name,
            input,
        ),
        groups: three_way(
            &base.groups,
            &file.groups,
            &kept.groups,
            |one, other| one.name == other.name,
            group,
        ),
        templates: three_way(
            &base.templates,
            &file.templates,
            &kept.templates,
            |one, other| one.name == other.name,
            |_, theirs, _| theirs.clone(),
        ),
        webhooks: three_way(
            &base.webhooks,
            &file.webhooks,
            &kept.webhooks,
            |one, other| one.name == other.name,
            |_, theirs, _| theirs.clone(),
        ),
    }
}

/// Two policies that cannot both be bound.
pub(crate) fn same_place(one: &PolicySpec, other: &PolicySpec) -> bool {
    (one.kind, &one.streams, one.mode) == (other.kind, &other.streams, other.mode)
}

/// An input that the file changed and that is kept as well: what the file left alone within it
/// stays as it was left.
fn input(base: &InputSpec, file: &InputSpec, kept: &InputSpec) -> InputSpec {
    let same_name = |one: &OutputSpec, other: &OutputSpec| one.name == other.name;
    InputSpec {
        name: file.name.clone(),
        sources: if base.sources == file.sources {
            kept.sources.clone()
        } else {
            with_ports_of(&kept.sources, &file.sources)
        },
        outputs: three_way(
            &base.outputs,
            &file.outputs,
            &kept.outputs,
            same_name,
            |_, theirs, _| theirs.clone(),
        ),
        merge_ms: newer(&base.merge_ms, &file.merge_ms, &kept.merge_ms),
        freeze_ms: newer(&base.freeze_ms, &file.freeze_ms, &kept.freeze_ms),
        black_ms: newer(&base.black_ms, &file.black_ms, &kept.black_ms),
        encode: newer(&base.encode, &file.encode, &kept.encode),
        hls: newer(&base.hls, &file.hls, &kept.hls),
        labels: newer(&base.labels, &file.labels, &kept.labels),
    }
}

/// A group that the file changed and that is kept as well: what is played, for example, stays.
fn group(base: &GroupSpec, file: &GroupSpec, kept: &GroupSpec) -> GroupSpec {
    GroupSpec {
        name: file.name.clone(),
        screens: three_way(
            &base.screens,
            &file.screens,
            &kept.screens,
            |one, other| one.id == other.id,
            |_, theirs, _| theirs.clone(),
        ),
        direction: newer(&base.direction, &file.direction, &kept.direction),
        delay_ms: newer(&base.delay_ms, &file.delay_ms, &kept.delay_ms),
        playing: newer(&base.playing, &file.playing, &kept.playing),
        labels: newer(&base.labels, &file.labels, &kept.labels),
    }
}

/// What the file says, if it says something new; else what was kept.
fn newer<T: Clone + PartialEq>(base: &T, file: &T, kept: &T) -> T {
    match base == file {
        true => kept.clone(),
        false => file.clone(),
    }
}

/// The sources of the file; one that names no port keeps the one it was allotted.
fn with_ports_of(kept: &[SourceSpec], file: &[SourceSpec]) -> Vec<SourceSpec> {
    let allotted = |at: usize| match kept.get(at) {
        Some(SourceSpec::Udp { address, .. }) => address.clone(),
        _ => String::new(),
    };
    let sources = file.iter().cloned().enumerate();
    sources
        .map(|(at, mut source)| {
            if let SourceSpec::Udp { address, .. } = &mut source
                && address.is_empty()
            {
                *address = allotted(at);
            }
            source
        })
        .collect()
}

fn three_way<T: Clone + PartialEq>(
    base: &[T],
    file: &[T],
    kept: &[T],
    same: impl Fn(&T, &T) -> bool,
    both: impl Fn(&T, &T, &T) -> T,
) -> Vec<T> {
    let find = |list: &[T], item: &T| list.iter().find(|other| same(other, item)).cloned();
    let of_file = file.iter().filter_map(|item| {
        match (find(base, item), find(kept, item)) {
            // Taken back since, and the file says nothing new.
            (Some(before), None) if before == *item => None,
            (Some(before), Some(last)) if before == *item => Some(last),
            (Some(before), Some(last)) => Some(both(&before, item, &last)),
            (None | Some(_), _) => Some(item.clone()),
        }
    });
    let of_others = kept
        .iter()
        .filter(|item| find(file, item).is_none() && find(base, item).is_none());
    of_file.chain(of_others.cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn site(document: serde_json::Value) -> Site {
        serde_json::from_value(document).unwrap()
    }

    fn cam(outputs: &[(&str, u16)]) -> serde_json::Value {
        let outputs: Vec<_> = outputs
            .iter()
            .map(|(name, port)| json!({"name": name, "url": format!("udp://h:{port}")}))
            .collect();
        json!({"name": "cam", "outputs": outputs})
    }

    fn inputs(inputs: &[serde_json::Value]) -> Site {
        site(json!({ "inputs": inputs }))
    }

    #[test]
    fn a_file_that_says_nothing_new_changes_nothing() {
        let file = inputs(&[cam(&[("a", 1), ("b", 2)]), json!({"name": "old"})]);
        // Since: an output taken back, one added, one altered; an input taken back, one added.
        let kept = inputs(&[cam(&[("b", 22), ("c", 3)]), json!({"name": "new"})]);
        assert_eq!(merge(&file, &file, &kept), kept);
    }

    #[test]
    fn what_the_file_changed_holds_and_the_rest_stays_as_it_was_left() {
        let base = inputs(&[cam(&[("a", 1), ("b", 2)]), json!({"name": "gone"})]);
        let file = inputs(&[cam(&[("a", 11), ("b", 2)]), json!({"name": "fresh"})]);
        let kept = inputs(&[
            cam(&[("a", 5), ("b", 22), ("c", 3)]),
            json!({"name": "gone"}),
            json!({"name": "mine"}),
        ]);
        let expected = inputs(&[
            cam(&[("a", 11), ("b", 22), ("c", 3)]),
            json!({"name": "fresh"}),
            json!({"name": "mine"}),
        ]);
        assert_eq!(merge(&base, &file, &kept), expected);
    }

    #[test]
    fn what_a_group_plays_outlives_a_change_of_its_screens_in_the_file() {
        let group = |screens: &[&str], playing: Option<&str>| {
            let screens: Vec<_> = screens.iter().map(|id| json!({ "id": id })).collect();
            let source = playing.map(|name| json!({"type": "stream", "name": name}));
            let playing = source.map(|source| json!({"mode": "split", "source": source}));
            site(json!({"groups": [{"name": "lobby", "screens": screens, "playing": playing}]}))
        };
        let base = group(&["a", "b"], None);
        let file = group(&["a", "b", "c"], None);
        let kept = group(&["b", "a"], Some("cam"));
        assert_eq!(
            merge(&base, &file, &kept),
            group(&["a", "b", "c"], Some("cam"))
        );
        let anew = group(&["a", "b"], Some("film"));
        assert_eq!(
            merge(&base, &anew, &kept).groups[0].playing,
            anew.groups[0].playing
        );
    }

    #[test]
    fn an_allotted_port_outlives_a_change_of_the_file() {
        let with = |labels: serde_json::Value, sources: serde_json::Value| {
            inputs(&[json!({"name": "cam", "labels": labels, "sources": sources})])
        };
        let base = with(json!({}), json!([{"type": "udp"}]));
        let kept = with(
            json!({}),
            json!([{"type": "udp", "address": "127.0.0.1:5007"}]),
        );
        let relabelled = with(json!({"room": "3"}), json!([{"type": "udp"}]));
        let longer = with(json!({}), json!([{"type": "udp"}, {"type": "publish"}]));
        for file in [relabelled, longer] {
            let merged = merge(&base, &file, &kept);
            let SourceSpec::Udp { address, .. } = &merged.inputs[0].sources[0] else {
                panic!("a UDP source")
            };
            assert_eq!(address, "127.0.0.1:5007");
        }
    }

    #[test]
    fn a_policy_bound_elsewhere_stays_and_one_of_the_file_is_replaced_with_it() {
        let policy = |streams: &str, plugin: &str| json!({"kind": "routing", "streams": streams, "plugin": plugin});
        let policies = |policies: &[serde_json::Value]| site(json!({ "policies": policies }));
        let base = policies(&[policy("live/*", "one")]);
        let file = policies(&[policy("live/*", "two")]);
        let kept = policies(&[policy("live/*", "three"), policy("other/*", "mine")]);
        let expected = policies(&[policy("live/*", "two"), policy("other/*", "mine")]);
        assert_eq!(merge(&base, &file, &kept), expected);
    }
}
