//! `pointsman plugin bench`: what a call of a component costs.

use super::fixtures::{self, Named};
use super::{figures, json_argument};
use anyhow::bail;
use clap::Args;
use plugin::Desk;
use std::path::PathBuf;
use std::time::Instant;

/// What to measure.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// The component.
    file: PathBuf,
    /// The fixture that it is asked; see `pointsman plugin test --help`.
    #[arg(long, value_name = "FILE")]
    fixture: PathBuf,
    /// Calls to measure, one after the other, each with a fresh instance as on a host.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..))]
    calls: u32,
    /// Configuration, if the fixture brings none, as JSON or @FILE.
    #[arg(long, value_name = "JSON")]
    config: Option<String>,
}

impl BenchArgs {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let config = self.config.as_deref().map(json_argument).transpose()?;
        let Named { name, fixture } = fixtures::of_file(&self.fixture, config.as_ref())?;
        let desk = Desk::open(&self.file, false).await?;
        // A figure of wrong answers is of no use; this also warms up.
        let first = desk.ask(&fixture).await?;
        let wrong = fixture.judge(&first.result);
        if !wrong.is_empty() {
            bail!(
                "{name} is not passed, so it is not measured: {}",
                wrong.join("; ")
            );
        }
        for _ in 0..self.calls / 10 {
            desk.ask(&fixture).await?;
        }
        let (mut times, mut memory) = (Vec::with_capacity(self.calls as usize), 0);
        let began = Instant::now();
        for _ in 0..self.calls {
            let outcome = desk.ask(&fixture).await?;
            times.push(outcome.took);
            memory = memory.max(outcome.memory_bytes);
        }
        let rate = f64::from(self.calls) / began.elapsed().as_secs_f64();
        println!(
            "{name}: median {}, p99 {}, {} of memory, {rate:.0} calls a second on one core",
            figures::time(figures::quantile(&mut times, 0.5)),
            figures::time(figures::quantile(&mut times, 0.99)),
            figures::bytes(memory),
        );
        Ok(())
    }
}
