//! What is wrong with the groups of a document.

use super::faults::{Faults, at_most};
use super::input::MAX_LABELS;
use model::{Site, StreamName};
use std::collections::BTreeMap;

/// Groups of one document.
const MAX_GROUPS: usize = 1_000;

/// Checks each group in itself, and that no two things make the same stream.
pub(super) fn check(site: &Site, faults: &mut Faults) {
    let count = site.groups.len();
    at_most(MAX_GROUPS, count, "document", "groups", faults);
    let mut streams: BTreeMap<StreamName, String> = BTreeMap::new();
    for input in &site.inputs {
        streams.insert(input.name.clone(), format!("input {}", input.name));
    }
    for group in &site.groups {
        let item = format!("group {}", group.name);
        if streams.get(&group.name) == Some(&item) {
            let problem = "declared twice; give each group a name of its own";
            faults.add(&item, "name", problem);
            continue;
        }
        let found = group.faults();
        let is_sound = found.is_empty();
        for (field, problem) in found {
            faults.add(&item, field, problem);
        }
        at_most(MAX_LABELS, group.labels.len(), &item, "labels", faults);
        if !is_sound {
            continue;
        }
        for stream in group.streams() {
            if let Some(other) = streams.get(&stream) {
                let problem = format!("its stream {stream} is that of {other}; rename one of them");
                faults.add(&item, "name", problem);
            } else {
                streams.insert(stream, item.clone());
            }
        }
    }
}
