//! The document that is applied, and its parts, up to the check of the whole.
#![no_main]
// Taken in by path: `host/control` itself brings the plugin engine along.
#[path = "../../../host/control/src/desired/mod.rs"]
#[allow(dead_code, unused_imports)]
mod desired;
#[path = "../../../host/control/src/schedule.rs"]
#[allow(dead_code)]
mod schedule;
#[path = "../../../host/control/src/template.rs"]
#[allow(dead_code)]
mod template;
#[path = "../../../host/control/src/wall.rs"]
#[allow(dead_code)]
mod wall;

use desired::{Desired, Rules};
use libfuzzer_sys::fuzz_target;
use model::Site;

fuzz_target!(|data: &[u8]| {
    if let Ok(site) = serde_json::from_slice::<Site>(data) {
        check(site, &Rules::default());
    }
});

/// Checking what was checked changes nothing.
fn check(site: Site, rules: &Rules) {
    let sound = |_: &_| Ok(());
    let first = match Desired::check(site, rules, &Site::default(), sound) {
        Ok(first) => first,
        Err(faults) => return assert!(!faults.to_string().is_empty()),
    };
    let again = Desired::check(first.site().clone(), rules, first.site(), sound);
    assert_eq!(again, Ok(first));
}
