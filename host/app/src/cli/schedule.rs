//! When an output is wanted, in words of the command line.

use clap::Args;
use model::ScheduleSpec;
use model::schedule::{RecurringSpec, WindowSpec};
use serde_json::{Value, json};

/// When the output is wanted; left out: always.
#[derive(Debug, Args)]
pub(super) struct ScheduleArgs {
    /// Wanted from then on: 2026-01-31T18:00:00+01:00. With --to, until then.
    #[arg(long, value_name = "TIME")]
    from: Option<String>,
    /// Wanted until then.
    #[arg(long, value_name = "TIME")]
    to: Option<String>,
    /// Wanted again and again: minute, hour, day of month, month, day of week.
    #[arg(long, value_name = "CRON", requires = "ends")]
    every: Option<String>,
    /// Each time for so many seconds.
    #[arg(
        long = "for",
        value_name = "SECONDS",
        group = "ends",
        requires = "every"
    )]
    duration_s: Option<u64>,
    /// Each time until then.
    #[arg(long, value_name = "CRON", group = "ends", requires = "every")]
    until: Option<String>,
    /// Of --every and --until, for example Europe/Berlin; left out: UTC.
    #[arg(long, value_name = "ZONE", requires = "every")]
    time_zone: Option<String>,
}

impl ScheduleArgs {
    /// As a merge patch that leaves nothing of a schedule before; null if nothing was said.
    pub(super) fn whole(&self) -> Value {
        self.spec().map_or(Value::Null, |spec| {
            json!({
                "time_zone": spec.time_zone,
                "windows": spec.windows,
                "recurring": spec.recurring,
            })
        })
    }

    /// None if nothing was said.
    pub(super) fn spec(&self) -> Option<ScheduleSpec> {
        let window = WindowSpec {
            start: self.from.clone(),
            stop: self.to.clone(),
        };
        let recurring = self.every.clone().map(|start| RecurringSpec {
            start,
            stop: self.until.clone(),
            duration_s: self.duration_s,
        });
        if window == WindowSpec::default() && recurring.is_none() {
            return None;
        }
        let windows = Some(window).filter(|window| *window != WindowSpec::default());
        Some(ScheduleSpec {
            time_zone: self.time_zone.clone().unwrap_or_else(|| "UTC".to_owned()),
            windows: windows.into_iter().collect(),
            recurring: recurring.into_iter().collect(),
        })
    }
}
