//! The next clip, out of a hundred thousand, by the shipped `lru`.

use super::{Rounds, Stand, Times};
use crate::Options;
use crate::contender::Built;
use crate::report::Figure;
use anyhow::{Context, Result, ensure};
use control::Decider;
use model::selection::{Asset, Library, SelectionRequest};
use model::{Catalogue, PolicyKind};
use serde_json::json;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Microseconds at the median.
const WANTED_US: f64 = 1_000.0;

const ASSETS: u64 = 100_000;
const CALLS: usize = 500;

/// With the library in memory, as the host lends it.
pub(super) async fn select(options: &Options, built: &Built) -> Result<Figure> {
    let component = built.component("plugins/lru")?;
    let stand = Stand::with(component, PolicyKind::Selection, json!({})).await?;
    let (decider, library) = (
        stand.decider(),
        Arc::new(Catalogue::new((0..ASSETS).map(asset))),
    );
    let mut rounds = Rounds::default();
    for _ in 0..options.rounds {
        rounds.add(&Times::of(CALLS, || once(&decider, Arc::clone(&library))).await?);
    }
    Ok(rounds.figure("selection from 100,000 clips, median", WANTED_US))
}

/// All were played, each at another time.
fn asset(n: u64) -> Asset {
    Asset {
        id: format!("clips/{n:06}.ts"),
        title: format!("Clip {n}"),
        folder: format!("clips/{}", n % 100),
        duration_ms: 30_000,
        tags: vec!["short".to_owned()],
        last_played_unix_ms: Some(1_700_000_000_000 + (n * 7_919) % ASSETS),
        plays: 3,
        ..Asset::default()
    }
}

async fn once(decider: &Decider, library: Arc<Catalogue>) -> Result<Duration> {
    let library: Arc<dyn Library> = library;
    let request = SelectionRequest {
        channel: "channels/one".to_owned(),
        now_unix_ms: 1_800_000_000_000,
        starts_unix_ms: 1_800_000_005_000,
        ..SelectionRequest::default()
    };
    let began = Instant::now();
    let clip = decider.select(request, library).await.context("no clip")?;
    let took = began.elapsed();
    ensure!(clip.asset == "clips/000000.ts", "{} was chosen", clip.asset);
    Ok(took)
}
