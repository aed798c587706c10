//! Who may come in, by the shipped `keys`: each answer from a fresh instance.

use super::{Rounds, Stand, Times};
use crate::Options;
use crate::contender::Built;
use crate::report::{Figure, Spread};
use anyhow::{Result, bail, ensure};
use control::Decider;
use hub::Doorman;
use hub::doorman::Verdict;
use model::{Ask, Intent, PolicyKind, Protocol};
use serde_json::json;
use std::time::{Duration, Instant};

/// Microseconds at the median.
const WANTED_US: f64 = 50.0;
/// Decisions a second on one core, as the time of one of them.
const WANTED_A_SECOND: f64 = 10_000.0;

const CALLS: usize = 10_000;

/// The time of one, and how many a second.
pub(super) async fn admit(options: &Options, built: &Built) -> Result<[Figure; 2]> {
    let key = |n: usize| json!({ "name": format!("camera {n}"), "key": format!("a-long-random-key-{n}") });
    let keys: Vec<_> = (0..10).map(key).collect();
    let config = json!({ "rules": [{ "streams": "live/*", "keys": keys, "ttl_ms": 60_000 }] });
    let stand = Stand::with(built.component("plugins/keys")?, PolicyKind::Auth, config).await?;
    let decider = stand.decider();
    let ask = Ask {
        token: Some("a-long-random-key-7".to_owned()),
        ..Ask::new(
            "live/cam1".parse()?,
            Intent::Publish,
            Protocol::Rtmp,
            ([127, 0, 0, 1], 9).into(),
        )
    };
    let (mut rounds, mut each) = (Rounds::default(), Spread::default());
    for _ in 0..options.rounds {
        let began = Instant::now();
        rounds.add(&Times::of(CALLS, || once(&decider, &ask)).await?);
        // Those that warm up count, too.
        each.add(began.elapsed().as_secs_f64() * 1e6 / (CALLS + CALLS / 10) as f64);
    }
    let rate = 1e6 / each.median();
    Ok([
        rounds.figure("admission by plugins/keys, median", WANTED_US),
        Figure::new(
            "admissions on one core, time of each",
            each.median(),
            "µs",
            1e6 / WANTED_A_SECOND,
        )
        .note(format!("{rate:.0} a second, logged"))
        .number("a_second", rate),
    ])
}

async fn once(decider: &Decider, ask: &Ask) -> Result<Duration> {
    let began = Instant::now();
    let Verdict::Asked(asked) = decider.admit(ask) else {
        bail!("nobody was asked")
    };
    let admission = asked.await;
    let took = began.elapsed();
    ensure!(
        admission.is_ok_and(|it| it.ttl.is_some()),
        "the key was refused"
    );
    Ok(took)
}
