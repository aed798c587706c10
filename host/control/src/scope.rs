//! What of the document somebody sees and may change.
//!
//! Looked at where a change is checked, whatever way it came: over REST, as a whole document, or
//! by an adapter of an older API.

use crate::error::ControlError;
use model::{InputSpec, Role, Site, SourceSpec, StreamName, Who};
use std::sync::Arc;

/// The document as they see it: a tenant's inputs, and nothing of the host.
pub(crate) fn shown(who: &Who, site: Arc<Site>) -> Arc<Site> {
    if who.sees_the_host() {
        return site;
    }
    let inputs = site.inputs.iter().filter(|input| who.sees(&input.name));
    Arc::new(Site {
        inputs: inputs.cloned().collect(),
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
    let foreign = wanted.inputs.iter().find(|input| !who.sees(&input.name));
    if let Some(foreign) = foreign {
        return Err(ControlError::NotYours(foreign.name.clone()));
    }
    site.inputs.retain(|input| !who.sees(&input.name));
    site.inputs.extend(wanted.inputs);
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
    let same = |one: &InputSpec, list: &[InputSpec]| list.contains(one);
    let taken = before.inputs.iter().filter(|it| !same(it, &after.inputs));
    let given = after.inputs.iter().filter(|it| !same(it, &before.inputs));
    let mut changed = taken.chain(given.clone());
    if let Some(foreign) = changed.find(|input| !who.sees(&input.name)) {
        return Err(ControlError::NotYours(foreign.name.clone()));
    }
    let sources = given.flat_map(|input| &input.sources);
    match sources.filter_map(foreign_to(who)).next() {
        Some(foreign) => Err(ControlError::NotYours(foreign.clone())),
        None => Ok(()),
    }
}

/// The stream that a source takes, if they do not see it.
fn foreign_to<'a>(who: &'a Who) -> impl Fn(&'a SourceSpec) -> Option<&'a StreamName> {
    |source| source.takes().into_iter().find(|name| !who.sees(name))
}

/// Everything but the inputs, which takes an admin of the whole host to change.
fn rest(site: &Site) -> Site {
    Site {
        inputs: Vec::new(),
        ..site.clone()
    }
}

fn lacks(who: &Who, needs: Role, of_host: bool) -> ControlError {
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
        // A tenant's admin is none of the host, and b is not the tenant's.
        assert!(!may(&tenant(Role::Admin), &policy) && !may(&tenant(Role::Admin), &input));
    }
}
