//! What of the document somebody sees and may change.
//!
//! Looked at where a change is checked, whatever way it came: over REST, as a whole document, or
//! by an adapter of an older API.

use crate::error::ControlError;
use model::wall::Playing;
use model::{Role, Site, SourceSpec, StreamName, Who};
use std::sync::Arc;

/// The document as they see it: a tenant's inputs and groups, and nothing of the host.
pub(crate) fn shown(who: &Who, site: Arc<Site>) -> Arc<Site> {
    if who.sees_the_host() {
        return site;
    }
    let inputs = site.inputs.iter().filter(|input| who.sees(&input.name));
    let groups = site.groups.iter().filter(|group| who.sees(&group.name));
    Arc::new(Site {
        inputs: inputs.cloned().collect(),
        groups: groups.cloned().collect(),
        ..Site::default()
    })
}

/// The document with what they see replaced by what they want.
///
/// # Errors
/// They want something that is not theirs.
pub(crate) fn replaced(who: &Who, site: &mut Site, wanted: Site) -> Result<(), ControlError> {
    if who.sees_the_host() {
        *site = wanted;
        return Ok(());
    }
    if rest(&wanted) != Site::default() {
        return Err(lacks(who, Role::Admin, true));
    }
    let inputs = wanted.inputs.iter().map(|input| &input.name);
    let mut names = inputs.chain(wanted.groups.iter().map(|group| &group.name));
    if let Some(foreign) = names.find(|name| !who.sees(name)) {
        return Err(ControlError::NotYours(foreign.clone()));
    }
    site.inputs.retain(|input| !who.sees(&input.name));
    site.inputs.extend(wanted.inputs);
    site.groups.retain(|group| !who.sees(&group.name));
    site.groups.extend(wanted.groups);
    Ok(())
}

/// Whether they may make this of the document.
///
/// # Errors
/// It takes another role, or is not theirs.
pub(crate) fn permit(who: &Who, before: &Site, after: &Site) -> Result<(), ControlError> {
    if before == after {
        return Ok(());
    }
    if who.role < Role::Operator {
        return Err(lacks(who, Role::Operator, false));
    }
    let may_all = who.role == Role::Admin && who.sees_the_host();
    if !may_all && rest(before) != rest(after) {
        return Err(lacks(who, Role::Admin, true));
    }
    if who.sees_the_host() {
        return Ok(());
    }
    let inputs = only_in(&after.inputs, &before.inputs);
    let groups = only_in(&after.groups, &before.groups);
    let mut names = changed(before, after).chain(changed(after, before));
    if let Some(foreign) = names.find(|name| !who.sees(name)) {
        return Err(ControlError::NotYours(foreign.clone()));
    }
    let sources = inputs.flat_map(|input| &input.sources);
    let shown = groups.filter_map(|group| group.playing.as_ref());
    let shown = shown.flat_map(Playing::streams);
    let mut taken = sources.flat_map(SourceSpec::takes).chain(shown);
    match taken.find(|name| !who.sees(name)) {
        Some(foreign) => Err(ControlError::NotYours(foreign.clone())),
        None => Ok(()),
    }
}

/// What has a name and is not in the other document as it stands.
fn changed<'a>(site: &'a Site, other: &'a Site) -> impl Iterator<Item = &'a StreamName> {
    let inputs = only_in(&site.inputs, &other.inputs).map(|input| &input.name);
    let groups = only_in(&site.groups, &other.groups).map(|group| &group.name);
    inputs.chain(groups)
}

/// What of one list is not in the other as it stands.
fn only_in<'a, T: PartialEq>(list: &'a [T], other: &'a [T]) -> impl Iterator<Item = &'a T> {
    list.iter().filter(|one| !other.contains(one))
}

/// Everything but inputs and groups, which takes an admin of the whole host to change.
fn rest(site: &Site) -> Site {
    Site {
        inputs: Vec::new(),
        groups: Vec::new(),
        ..site.clone()
    }
}

pub(crate) fn lacks(who: &Who, needs: Role, of_host: bool) -> ControlError {
    ControlError::Forbidden {
        who: who.name.clone(),
        has: who.role,
        needs,
        of_host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn site(document: Value) -> Site {
        serde_json::from_value(document).unwrap()
    }

    fn tenant(role: Role) -> Who {
        Who {
            role,
            tenant: Some("acme".parse().unwrap()),
            ..Who::local()
        }
    }

    #[test]
    fn a_tenant_sees_and_replaces_its_own_inputs_only() {
        let whole = site(json!({
            "policies": [{"kind": "routing", "plugin": "p"}],
            "inputs": [{"name": "acme/a"}, {"name": "other/b"}, {"name": "acme/c"}]}));
        let who = tenant(Role::Operator);
        let own = shown(&who, Arc::new(whole.clone()));
        assert_eq!(
            *own,
            site(json!({"inputs": [{"name": "acme/a"}, {"name": "acme/c"}]}))
        );
        let mut next = whole.clone();
        let wanted = site(json!({"inputs": [{"name": "acme/d"}]}));
        replaced(&who, &mut next, wanted).unwrap();
        let names: Vec<_> = next.inputs.iter().map(|it| it.name.as_str()).collect();
        assert_eq!(names, ["other/b", "acme/d"]);
        assert_eq!(next.policies, whole.policies);
        permit(&who, &whole, &next).unwrap();
        for foreign in [
            json!({"inputs": [{"name": "other/b", "labels": {"mine": "now"}}]}),
            json!({"policies": [{"kind": "auth", "plugin": "p"}]}),
        ] {
            assert!(replaced(&who, &mut next, site(foreign)).is_err());
        }
    }

    #[test]
    fn what_takes_another_role_is_refused_whatever_way_it_came() {
        let before = site(json!({"inputs": [{"name": "acme/a"}, {"name": "b"}]}));
        let input = site(json!({"inputs": [{"name": "acme/a"}]}));
        let policy = Site {
            policies: site(json!({"policies": [{"kind": "auth", "plugin": "p"}]})).policies,
            ..before.clone()
        };
        let whole = |role| Who {
            role,
            ..Who::local()
        };
        let may = |who: &Who, after: &Site| permit(who, &before, after).is_ok();
        assert!(may(&whole(Role::Viewer), &before), "nothing is changed");
        assert!(!may(&whole(Role::Viewer), &input));
        assert!(may(&whole(Role::Operator), &input));
        assert!(!may(&whole(Role::Operator), &policy));
        assert!(may(&whole(Role::Admin), &policy));
        let taking = |name: &str| {
            let sources = json!([{"type": "stream", "name": name}]);
            site(json!({"inputs": [{"name": "acme/a", "sources": sources}, {"name": "b"}]}))
        };
        assert!(may(&tenant(Role::Operator), &taking("acme/c")));
        assert!(
            !may(&tenant(Role::Operator), &taking("b")),
            "not by another door"
        );
        let showing = |name: &str| {
            let playing = json!({"mode": "split", "source": {"type": "stream", "name": name}});
            let groups =
                json!([{"name": "acme/wall", "screens": [{"id": "a"}], "playing": playing}]);
            Site {
                groups: site(json!({ "groups": groups })).groups,
                ..before.clone()
            }
        };
        assert!(may(&tenant(Role::Operator), &showing("acme/c")));
        assert!(
            !may(&tenant(Role::Operator), &showing("b")),
            "nor on a wall"
        );
        // A tenant's admin is none of the host, and b is not the tenant's.
        assert!(!may(&tenant(Role::Admin), &policy) && !may(&tenant(Role::Admin), &input));
    }
}
