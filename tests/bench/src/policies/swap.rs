//! From the bytes of a component that was compiled before to the active version.

use super::{Rounds, Stand, Times};
use crate::Options;
use crate::contender::Built;
use crate::report::Figure;
use crate::swap::variant;
use anyhow::Result;
use model::PolicyKind;
use serde_json::json;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Microseconds at the median.
const WANTED_US: f64 = 20_000.0;

const SWAPS: usize = 50;

/// Two versions take turns.
pub(super) async fn swap(options: &Options, built: &Built) -> Result<Figure> {
    let component = built.plugin_bytes()?;
    let versions = [variant(&component, 1), variant(&component, 2)];
    let stand = Stand::with(component, PolicyKind::Routing, json!({ "rules": [] })).await?;
    for version in &versions {
        stand.install(version.clone()).await?;
    }
    let turn = Cell::new(0);
    let once = || {
        let [even, odd] = &versions;
        turn.set(turn.get() + 1);
        let version = if turn.get() % 2 == 0 { odd } else { even };
        timed(&stand, version.clone())
    };
    let mut rounds = Rounds::default();
    for _ in 0..options.rounds {
        rounds.add(&Times::of(SWAPS, once).await?);
    }
    Ok(rounds.figure("swap to a compiled version, median", WANTED_US))
}

async fn timed(stand: &Stand, version: Vec<u8>) -> Result<Duration> {
    let began = Instant::now();
    stand.install(version).await?;
    Ok(began.elapsed())
}
