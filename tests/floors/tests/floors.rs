//! The house has floors, and dependencies point down only (ARCHITECTURE.md, "The house").

#![allow(clippy::unwrap_used, clippy::expect_used)] // A test that cannot go on says so.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use std::collections::BTreeMap;

/// Each crate of the host and its floor. A crate missing here fails the test: decide where it
/// lives before it is built.
const FLOORS: [(&str, u8); 18] = [
    ("pointsman-model", 0),
    ("pointsman-media", 0),
    ("pointsman-rtmp", 0),
    ("pointsman-rtsp", 0),
    ("pointsman-raster", 0),
    ("pointsman-srt-sys", 0),
    ("pointsman-hub", 1),
    ("pointsman-ffmpeg", 1),
    ("pointsman-link", 2),
    ("pointsman-gateway", 3),
    ("pointsman-stage", 3),
    ("pointsman-videos", 3),
    ("pointsman-docker", 3),
    ("pointsman-plugin", 3),
    ("pointsman-store", 3),
    ("pointsman-control", 4),
    ("pointsman-api", 5),
    ("pointsman", 6),
];

/// What the sans-IO crates may use: nothing that opens, spawns or waits.
const PURE: [(&str, &[&str]); 5] = [
    (
        "pointsman-model",
        &["serde", "serde_json", "thiserror", "url"],
    ),
    ("pointsman-media", &["bytes", "memchr", "thiserror"]),
    ("pointsman-raster", &["thiserror"]),
    (
        "pointsman-rtmp",
        &["bytes", "hmac", "rml_amf0", "sha2", "thiserror"],
    ),
    (
        "pointsman-rtsp",
        &[
            "base64",
            "bytes",
            "md-5",
            "rtsp-types",
            "sdp-types",
            "sha2",
            "thiserror",
        ],
    ),
];

fn metadata() -> Metadata {
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.toml");
    MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .unwrap()
}

fn host_crates(metadata: &Metadata) -> impl Iterator<Item = &Package> {
    let host = metadata.workspace_root.join("host");
    metadata
        .packages
        .iter()
        .filter(move |package| package.manifest_path.starts_with(&host))
}

fn normal_dependencies(package: &Package) -> impl Iterator<Item = &str> {
    let normal = package
        .dependencies
        .iter()
        .filter(|d| d.kind == DependencyKind::Normal);
    normal.map(|dependency| dependency.name.as_str())
}

#[test]
fn every_host_crate_sees_only_lower_floors() {
    let floors: BTreeMap<&str, u8> = FLOORS.into_iter().collect();
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in host_crates(&metadata) {
        let name = package.name.as_str();
        let Some(floor) = floors.get(name) else {
            wrong.push(format!("{name} has no floor; add it to FLOORS"));
            continue;
        };
        for seen in normal_dependencies(package) {
            if floors.get(seen).is_some_and(|other| other >= floor) {
                wrong.push(format!("{name} (L{floor}) must not see {seen}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_ground_floor_uses_nothing_that_does_io() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for (name, allowed) in PURE {
        let package = host_crates(&metadata)
            .find(|package| package.name.as_str() == name)
            .unwrap();
        let strangers = normal_dependencies(package).filter(|seen| !allowed.contains(seen));
        wrong.extend(strangers.map(|seen| format!("{name} must stay sans-IO, but uses {seen}")));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn guests_and_the_sdk_see_nothing_of_the_host() {
    let metadata = metadata();
    let host: Vec<&str> = host_crates(&metadata)
        .map(|package| package.name.as_str())
        .collect();
    let guests = metadata.packages.iter().filter(|package| {
        let path = package
            .manifest_path
            .strip_prefix(&metadata.workspace_root)
            .unwrap();
        path.starts_with("plugins") || path.starts_with("sdk")
    });
    let mut wrong = Vec::new();
    for guest in guests {
        let seen = normal_dependencies(guest).filter(|seen| host.contains(seen));
        wrong.extend(seen.map(|seen| format!("{} must not see {seen}", guest.name)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
