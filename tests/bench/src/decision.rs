//! One routing decision through the whole plugin plane, warm.

use crate::Options;
use crate::contender::Built;
use crate::report::Figure;
use anyhow::{Context, Result};
use model::Question;
use plugin::routing::sample_state;
use plugin::{Call, Compiler, Mode, Origin, Plugins, Settings};
use serde_json::json;
use std::time::{Duration, Instant};

/// Microseconds at the median.
const WANTED_US: f64 = 20.0;

const CALLS: usize = 20_000;

/// Times calls of the shipped plugin, each with a fresh instance, as the host makes them.
pub(crate) fn decide(options: &Options, built: &Built) -> Result<Figure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let mut medians = crate::report::Spread::default();
    let mut all = Vec::new();
    for _ in 0..options.rounds {
        let mut times = runtime.block_on(time_calls(built))?;
        medians.add(microseconds(quantile(&mut times, 0.5)));
        all.append(&mut times);
    }
    let at = |share, times: &mut Vec<Duration>| microseconds(quantile(times, share));
    let p99 = at(0.99, &mut all);
    let figure = Figure::new(
        "routing decision in Rust, warm, median",
        medians.median(),
        "µs",
        WANTED_US,
    )
    .note(format!(
        "least median {:.1} µs; p99 {p99:.1} µs; {} calls",
        medians.min(),
        all.len()
    ))
    .number("least_median_us", medians.min())
    .number("p99_us", p99);
    Ok(figure)
}

async fn time_calls(built: &Built) -> Result<Vec<Duration>> {
    let folder = tempfile::tempdir()?;
    let (plugins, _) = Plugins::open(Settings::new(folder.path(), Compiler::InProcess)).await?;
    let component = std::fs::read(&built.plugin)?;
    plugins
        .install(&"measured".parse()?, component, &Origin::default(), &[])
        .await?;
    let plugin = plugins.get("measured").context("the plugin is not there")?;
    let output = json!({ "name": "push", "url": "udp://127.0.0.1:7000?pkt_size=1316" });
    let rules = json!({ "rules": [
        { "streams": "live/*", "serve": ["hls"], "outputs": [output] },
        { "streams": "test/*", "serve": [] },
    ] });
    let config = plugin.config("the measurement", &rules)?;
    let question = Question::Routing(sample_state());
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let began = Instant::now();
        let call = Call {
            question: &question,
            config: &config,
            library: None,
            mode: Mode::Live,
        };
        plugin.decide(call).await.result?;
        times.push(began.elapsed());
    }
    times.drain(..CALLS / 10); // warming up
    Ok(times)
}

fn quantile(times: &mut [Duration], share: f64) -> Duration {
    times.sort_unstable();
    times
        .get((times.len() as f64 * share) as usize)
        .copied()
        .unwrap_or_default()
}

fn microseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
