//! The configuration file and the document that is applied, up to the check of the whole.
#![no_main]
// Taken in by path: `host/app` and `host/control` themselves bring the plugin engine along.
extern crate self as control;

#[path = "../../../host/app/src/config/mod.rs"]
#[allow(dead_code, unused_imports)]
mod config;

#[path = "../../../host/control/src/desired/mod.rs"]
#[allow(dead_code)]
pub mod desired;

use desired::Desired;
use libfuzzer_sys::fuzz_target;
use model::Site;

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    // Lines that begin so are the environment; the rest is the file.
    let (variables, file): (Vec<&str>, Vec<&str>) = text
        .split('\n')
        .partition(|line| line.starts_with("POINTSMAN_"));
    let variables = variables
        .iter()
        .filter_map(|line| line.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    match config::parse_with(&file.join("\n"), variables) {
        Ok(config) => check(config.site(), config.rules()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    if let Ok(site) = serde_json::from_str::<Site>(text) {
        check(site, desired::Rules::default());
    }
});

/// Checking what was checked changes nothing.
fn check(site: Site, rules: desired::Rules) {
    let sound = |_: &_| Ok(());
    let first = match Desired::check(site, rules, &Site::default(), sound) {
        Ok(first) => first,
        Err(faults) => return assert!(!faults.to_string().is_empty()),
    };
    let again = Desired::check(first.site().clone(), rules, first.site(), sound);
    assert_eq!(again, Ok(first));
}
