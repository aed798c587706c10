//! What host and plugins agree on is not changed unawares.

#![allow(clippy::unwrap_used)] // A test that cannot go on says so.

use std::fs;
use std::path::Path;

/// All files of a version in the order of their names, one after the other.
fn as_it_is(version: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../wit")
        .join(version);
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect()
}

#[test]
fn the_wit_is_the_stored_copy_of_it() {
    let stored = include_str!("../wit/1.0.0.wit");
    let now = as_it_is("1.0.0");
    let line = now
        .lines()
        .zip(stored.lines())
        .position(|(now, stored)| now != stored);
    assert!(
        now == stored,
        "wit/1.0.0 changed (line {line:?} of all). Until the first tagged release: say so in \
         wit/CHANGELOG.md, then `cat wit/1.0.0/*.wit > tests/floors/wit/1.0.0.wit`. After it: make \
         a new version instead."
    );
}
