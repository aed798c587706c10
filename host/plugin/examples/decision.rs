//! Times one routing decision through the whole host path: the state is lent to the guest, a
//! fresh instance is made, called and thrown away, the plan is taken over and checked.
//!
//! `cargo run --release -p pointsman-plugin --example decision [COMPONENT.wasm]`; without a file
//! it builds `plugins/fanout`. Prints medians in microseconds.

use plugin::{BuildOptions, Compiler, Origin, Plugins, Settings, build, routing::sample_state};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const CALLS: usize = 20_000;

type AnyError = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let desk = tempfile::tempdir()?;
    let path = match std::env::args_os().nth(1) {
        Some(path) => PathBuf::from(path),
        None => build_fanout(desk.path()).await?,
    };
    let (plugins, _) = Plugins::open(Settings::new(desk.path(), Compiler::InProcess)).await?;
    let name = "measured".parse()?;

    let bytes = std::fs::read(&path)?;
    let began = Instant::now();
    plugins
        .install(&name, bytes.clone(), &Origin::default(), &[])
        .await?;
    println!("install, compiled    {:>10.1} ms", millis(began.elapsed()));
    let began = Instant::now();
    plugins
        .install(&name, bytes, &Origin::default(), &[])
        .await?;
    println!("install, from cache  {:>10.1} ms", millis(began.elapsed()));

    let plugin = plugins.get("measured").ok_or("not installed")?;
    let config = plugin.config(
        "the measurement",
        &json!({ "rules": [
        { "streams": "live/*", "serve": ["hls"], "outputs": [
            { "name": "push", "url": "udp://127.0.0.1:7000?pkt_size=1316" } ] },
        { "streams": "test/*", "serve": [] },
    ] }),
    )?;
    let state = sample_state();
    let mut times = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let began = Instant::now();
        plugin.route(&state, &config).await?;
        times.push(began.elapsed());
    }
    times.drain(..CALLS / 10); // warming up
    times.sort_unstable();
    for (what, share) in [("median", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let at = (times.len() as f64 * share) as usize;
        let time = times.get(at).copied().unwrap_or_default();
        println!("decision, {what:<10} {:>10.1} µs", millis(time) * 1_000.0);
    }
    Ok(())
}

async fn build_fanout(desk: &Path) -> Result<PathBuf, AnyError> {
    let report = build::build(BuildOptions {
        folder: Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins/fanout"),
        output: desk.join("fanout.wasm"),
        target_dir: None,
        offline: false,
    });
    Ok(report.await?.path)
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
