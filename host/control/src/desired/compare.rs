//! What differs between two documents, item by item, for people to look at before it is done.

use super::merge::same_place;
pub use model::event::How;
use model::{InputSpec, Site, StreamName};
use serde::Serialize;
use serde_json::Value;
use std::fmt;

/// One item that a change of the document touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Touched {
    /// The item, as in [`super::Fault::item`]; an output as `input live/cam1 output archive`.
    pub item: String,
    /// What becomes of it.
    pub change: How,
    /// Which of its fields, where it is changed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<&'static str>,
    /// What it was, secrets and all; for the log of changes.
    #[serde(skip)]
    pub(crate) before: Option<Value>,
    /// What it is now.
    #[serde(skip)]
    pub(crate) after: Option<Value>,
}

impl Touched {
    /// The input or group it is, or is part of. Names have no spaces, so the item tells.
    pub fn stream(&self) -> Option<StreamName> {
        let kinds = ["input ", "group "];
        let name = kinds.iter().find_map(|kind| self.item.strip_prefix(kind))?;
        let name = name.split(' ').next()?;
        name.parse().ok()
    }
}

/// Every difference; what is the same on both sides, and so is not touched, is not listed.
pub fn compare(before: &Site, after: &Site) -> Vec<Touched> {
    let mut touched = Vec::new();
    each(
        &before.tenants,
        &after.tenants,
        |was, now| was.name == now.name,
        |was, now| {
            let item = format!("tenant {}", now.or(was)?.name);
            let fields = both(was, now, |was, now| {
                let differ = [
                    ("inputs", was.inputs != now.inputs),
                    ("outputs", was.outputs != now.outputs),
                    ("bitrate_bps", was.bitrate_bps != now.bitrate_bps),
                ];
                differing(&differ)
            });
            Some((item, fields))
        },
        &mut touched,
    );
    each(
        &before.policies,
        &after.policies,
        same_place,
        |was, now| {
            let item = now.or(was)?.what();
            let fields = both(was, now, |was, now| {
                let differ = [
                    ("plugin", was.plugin != now.plugin),
                    ("config", was.config != now.config),
                    ("percent", was.percent != now.percent),
                ];
                differing(&differ)
            });
            Some((item, fields))
        },
        &mut touched,
    );
    each(
        &before.inputs,
        &after.inputs,
        |was, now| was.name == now.name,
        |was, now| {
            let item = format!("input {}", now.or(was)?.name);
            let fields = both(was, now, |was, now| {
                let differ = [
                    ("sources", was.sources != now.sources),
                    ("merge_ms", was.merge_ms != now.merge_ms),
                    ("freeze_ms", was.freeze_ms != now.freeze_ms),
                    ("black_ms", was.black_ms != now.black_ms),
                    ("encode", was.encode != now.encode),
                    ("hls", was.hls != now.hls),
                    ("labels", was.labels != now.labels),
                ];
                differing(&differ)
            });
            Some((item, fields))
        },
        &mut touched,
    );
    each(
        &before.groups,
        &after.groups,
        |was, now| was.name == now.name,
        |was, now| {
            let item = format!("group {}", now.or(was)?.name);
            let fields = both(was, now, |was, now| {
                let differ = [
                    ("screens", was.screens != now.screens),
                    ("direction", was.direction != now.direction),
                    ("delay_ms", was.delay_ms != now.delay_ms),
                    ("playing", was.playing != now.playing),
                    ("labels", was.labels != now.labels),
                ];
                differing(&differ)
            });
            Some((item, fields))
        },
        &mut touched,
    );
    each(
        &before.templates,
        &after.templates,
        |was, now| was.name == now.name,
        |was, now| {
            let item = format!("template {}", now.or(was)?.name);
            let fields = both(was, now, |was, now| {
                let differ = [
                    ("variables", was.variables != now.variables),
                    ("outputs", was.outputs != now.outputs),
                ];
                differing(&differ)
            });
            Some((item, fields))
        },
        &mut touched,
    );
    for now in &after.inputs {
        let was = before.inputs.iter().find(|was| was.name == now.name);
        outputs(was, now, &mut touched);
    }
    each(
        &before.webhooks,
        &after.webhooks,
        |was, now| was.name == now.name,
        |was, now| {
            let item = format!("webhook {}", now.or(was)?.name);
            let fields = both(was, now, |was, now| {
                let differ = [
                    ("url", was.url != now.url),
                    ("secret", was.secret != now.secret),
                    ("events", was.events != now.events),
                    ("streams", was.streams != now.streams),
                    ("enabled", was.enabled != now.enabled),
                ];
                differing(&differ)
            });
            Some((item, fields))
        },
        &mut touched,
    );
    touched
}

/// Outputs of an input that goes, go with it unmentioned.
fn outputs(was: Option<&InputSpec>, now: &InputSpec, touched: &mut Vec<Touched>) {
    let before = was.map(|was| was.outputs.as_slice()).unwrap_or_default();
    each(
        before,
        &now.outputs,
        |was, now| was.name == now.name,
        |was, output| {
            let item = format!("input {} output {}", now.name, output.or(was)?.name);
            let fields = both(was, output, |was, now| {
                let differ = [
                    ("url", was.url != now.url),
                    ("enabled", was.enabled != now.enabled),
                    ("retry", was.retry != now.retry),
                    ("schedule", was.schedule != now.schedule),
                ];
                differing(&differ)
            });
            Some((item, fields))
        },
        touched,
    );
}

/// Calls `describe` for every pair of equals and for everything that stands alone.
fn each<T: Serialize>(
    before: &[T],
    after: &[T],
    same: impl Fn(&T, &T) -> bool,
    describe: impl Fn(Option<&T>, Option<&T>) -> Option<(String, Vec<&'static str>)>,
    touched: &mut Vec<Touched>,
) {
    let gone = before
        .iter()
        .filter(|was| !after.iter().any(|now| same(was, now)))
        .map(|was| (Some(was), None));
    let stays = after
        .iter()
        .map(|now| (before.iter().find(|was| same(was, now)), Some(now)));
    for (was, now) in gone.chain(stays) {
        let change = match (was, now) {
            (Some(_), None) => How::Removed,
            (None, _) => How::Added,
            (Some(_), Some(_)) => How::Changed,
        };
        match describe(was, now) {
            Some((_, fields)) if change == How::Changed && fields.is_empty() => {}
            Some((item, fields)) => touched.push(Touched {
                before: side(was, &item, change),
                after: side(now, &item, change),
                item,
                change,
                fields,
            }),
            None => {}
        }
    }
}

/// An input without its outputs, each of which is an item of its own; those of an input that goes,
/// go with it.
fn side<T: Serialize>(item: Option<&T>, name: &str, change: How) -> Option<Value> {
    // The nouns of the model always have a JSON form.
    let mut side = serde_json::to_value(item?).ok()?;
    if change != How::Removed
        && name.starts_with("input ")
        && let Some(members) = side.as_object_mut()
    {
        members.remove("outputs");
    }
    Some(side)
}

fn both<T>(
    was: Option<&T>,
    now: Option<&T>,
    fields: impl Fn(&T, &T) -> Vec<&'static str>,
) -> Vec<&'static str> {
    match (was, now) {
        (Some(was), Some(now)) => fields(was, now),
        _ => Vec::new(),
    }
}

fn differing(fields: &[(&'static str, bool)]) -> Vec<&'static str> {
    let differing = fields.iter().filter(|(_, differs)| *differs);
    differing.map(|(name, _)| *name).collect()
}

impl fmt::Display for Touched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.change {
            How::Added => '+',
            How::Changed => '~',
            How::Removed => '-',
        };
        write!(f, "{sign} {}", self.item)?;
        if self.fields.is_empty() {
            return Ok(());
        }
        write!(f, ": {}", self.fields.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_differs_is_told_output_by_output() {
        let site = |document| serde_json::from_value::<Site>(document).unwrap();
        let before = site(json!({
            "policies": [{"kind": "routing", "plugin": "one"}, {"kind": "auth", "plugin": "keys"}],
            "inputs": [
                {"name": "a", "outputs": [{"name": "x", "url": "udp://h:1"}, {"name": "y", "url": "udp://h:2"}]},
                {"name": "b", "outputs": [{"name": "x", "url": "udp://h:3"}]}]}));
        let after = site(json!({
            "policies": [{"kind": "routing", "plugin": "two"}, {"kind": "auth", "plugin": "keys"}],
            "inputs": [
                {"name": "c"},
                {"name": "a", "labels": {"room": "3"}, "outputs": [
                    {"name": "y", "url": "udp://h:2", "enabled": false}, {"name": "z", "url": "udp://h:4"}]}]}));
        let told: Vec<_> = compare(&before, &after)
            .iter()
            .map(Touched::to_string)
            .collect();
        assert_eq!(
            told,
            [
                "~ policy routing for *: plugin",
                "- input b",
                "+ input c",
                "~ input a: labels",
                "- input a output x",
                "~ input a output y: enabled",
                "+ input a output z",
            ]
        );
        assert_eq!(compare(&after, &after), []);
    }
}
