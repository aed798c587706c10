//! Times decisions through the whole host path: the question is lent to the guest, a fresh
//! instance is made, called and thrown away, the answer is taken over and checked.
//!
//! `cargo run --release --example decision [COMPONENT.wasm [CONFIG.json]]`; without a file it builds
//! `plugins/fanout`. Prints medians in microseconds.

use model::{PolicyKind, Question};
use plugin::{
    BuildOptions, Call, Compiler, Config, Mode, Origin, Plugin, Plugins, Settings, build,
};
use plugin::{auth, layout, routing, selection};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const CALLS: usize = 20_000;
/// Enough for slow guests.
const LONGEST: Duration = Duration::from_secs(20);

type AnyError = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), AnyError> {
    let desk = tempfile::tempdir()?;
    let mut arguments = std::env::args_os().skip(1);
    let path = match arguments.next() {
        Some(path) => PathBuf::from(path),
        None => build_fanout(desk.path()).await?,
    };
    let config: Value = match arguments.next() {
        Some(path) => serde_json::from_slice(&std::fs::read(path)?)?,
        None => rules(),
    };
    let (plugins, _) = Plugins::open(Settings::new(desk.path(), Compiler::InProcess)).await?;
    let bytes: Arc<[u8]> = std::fs::read(&path)?.into();
    for what in ["compiled", "from cache", "from cache"] {
        let began = Instant::now();
        let origin = Origin::default();
        plugins
            .install(&"measured".parse()?, Arc::clone(&bytes), &origin, &[])
            .await?;
        println!(
            "install, {what:<12} {:>9.1} ms",
            micros(began.elapsed()) / 1_000.0
        );
    }
    let plugin = plugins.get("measured").ok_or("not installed")?;
    let config = plugin.config("the measurement", &config)?;
    for kind in plugin.kinds() {
        measure(&plugin, kind, &config).await?;
    }
    Ok(())
}

async fn measure(plugin: &Plugin, kind: PolicyKind, config: &Config) -> Result<(), AnyError> {
    let question = match kind {
        PolicyKind::Selection => Question::Selection(selection::sample_request()),
        PolicyKind::Layout => Question::Layout(layout::sample_scene()),
        PolicyKind::Auth => Question::Auth(auth::sample_request()),
        _ => Question::Routing(routing::sample_state()),
    };
    let library = Arc::new(selection::sample_library());
    let (began, mut memory_bytes) = (Instant::now(), 0);
    let mut times = Vec::with_capacity(CALLS);
    while times.len() < CALLS && began.elapsed() < LONGEST {
        let call = Call {
            question: &question,
            config,
            library: Some(Arc::clone(&library) as _),
            mode: Mode::Live,
        };
        let outcome = plugin.decide(call).await;
        outcome.result?;
        times.push(outcome.took);
        memory_bytes = outcome.memory_bytes;
    }
    times.drain(..times.len() / 10); // warming up
    times.sort_unstable();
    println!(
        "{kind}: {} calls, {} KiB of memory",
        times.len(),
        memory_bytes >> 10
    );
    for (what, share) in [("median", 0.5), ("p99", 0.99), ("p99.9", 0.999)] {
        let at = (times.len() as f64 * share) as usize;
        println!(
            "  {what:<8} {:>10.1} µs",
            micros(times.get(at).copied().unwrap_or_default())
        );
    }
    Ok(())
}

fn rules() -> Value {
    json!({ "rules": [
        { "streams": "live/*", "serve": ["hls"], "outputs": [
            { "name": "push", "url": "udp://127.0.0.1:7000?pkt_size=1316" } ] },
        { "streams": "test/*", "serve": [] },
    ] })
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

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}
