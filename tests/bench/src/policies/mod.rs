//! What the plugin platform costs: decisions through the whole host path, admissions, swaps, and
//! selections from a large library. In this process, one after the other, on one core.

mod admission;
mod catalogue;
mod routing;
mod stand;
mod swap;

use crate::Options;
use crate::contender::Built;
use crate::report::{Figure, Spread};
use anyhow::Result;
use stand::Stand;
use std::time::Duration;

/// Times of one round, sorted.
struct Times(Vec<Duration>);

/// All figures, each the median over the rounds of the rounds' medians.
pub(crate) fn measure(options: &Options, built: &Built) -> Result<Vec<Figure>> {
    // One thread: what is measured has no second core to hide on.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut figures = vec![
            routing::in_rust(options, built).await?,
            routing::in_javascript(options, built).await?,
        ];
        figures.extend(admission::admit(options, built).await?);
        figures.push(swap::swap(options, built).await?);
        figures.push(catalogue::select(options, built).await?);
        Ok(figures)
    })
}

impl Times {
    /// Takes the time of each of `calls`, after a tenth as many to warm up.
    async fn of<F>(calls: usize, mut once: impl FnMut() -> F) -> Result<Self>
    where
        F: Future<Output = Result<Duration>>,
    {
        for _ in 0..calls / 10 {
            once().await?;
        }
        let mut times = Vec::with_capacity(calls);
        for _ in 0..calls {
            times.push(once().await?);
        }
        times.sort_unstable();
        Ok(Self(times))
    }

    fn quantile_us(&self, share: f64) -> f64 {
        let at = (self.0.len() as f64 * share) as usize;
        self.0.get(at).map_or(0.0, |time| time.as_secs_f64() * 1e6)
    }
}

/// A figure out of rounds: medians of their medians.
#[derive(Default)]
struct Rounds {
    medians: Spread,
    p99s: Spread,
    calls: usize,
}

impl Rounds {
    fn add(&mut self, times: &Times) {
        self.medians.add(times.quantile_us(0.5));
        self.p99s.add(times.quantile_us(0.99));
        self.calls += times.0.len();
    }

    fn figure(&self, name: &str, wanted_us: f64) -> Figure {
        let (least, p99) = (self.medians.min(), self.p99s.median());
        let note = format!(
            "least median {least:.1} µs; p99 {p99:.1} µs; {} calls",
            self.calls
        );
        Figure::new(name, self.medians.median(), "µs", wanted_us)
            .note(note)
            .number("least_median_us", least)
            .number("p99_us", p99)
    }
}
