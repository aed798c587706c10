//! What one contender did, round by round.

use super::{Schedule, Tally, Watch};
use crate::machine::{self, Busyness};
use crate::report::{Latency, Spread};
use anyhow::Result;
use std::fmt;
use std::time::Duration;

/// Until everything has arrived.
const DRAIN: Duration = Duration::from_millis(500);

/// Cost, latency and losses of one contender.
#[derive(Default)]
pub(crate) struct Runs {
    /// Seconds of processor time a gigabit that arrived.
    pub(crate) cost: Spread,
    /// Processors kept busy all the time.
    pub(crate) cores: Spread,
    /// Percent of the whole machine.
    pub(crate) busy: Spread,
    /// Ages on arrival.
    pub(crate) latency: Latency,
    sent: u64,
    lost: u64,
}

impl Runs {
    /// One round, of which the sending has just begun.
    pub(crate) fn measure(&mut self, watch: Watch, schedule: &Schedule, pid: u32) -> Result<()> {
        std::thread::sleep(schedule.warm_up);
        let busy = Busyness::begin()?;
        let (bytes, before) = (watch.bytes(), machine::cpu_time(pid)?);
        std::thread::sleep(schedule.window);
        let used = machine::cpu_time(pid)? - before;
        // What arrived, not what was to be sent: a starved sender sends less.
        let gigabits = (watch.bytes() - bytes) as f64 * 8e-9;
        self.cost.add(used.as_secs_f64() / gigabits);
        self.cores
            .add(used.as_secs_f64() / schedule.window.as_secs_f64());
        self.busy.add(busy.percent()?);
        std::thread::sleep(DRAIN);
        self.count(&watch.finish()?, schedule);
        Ok(())
    }

    /// Adds what receivers got, without what it cost.
    pub(crate) fn count(&mut self, tallies: &[Tally], schedule: &Schedule) {
        let counted = schedule.counted();
        for tally in tallies {
            self.latency.merge(&tally.latency);
            self.sent += counted.end - counted.start;
            self.lost += (counted.end - counted.start).saturating_sub(tally.received);
        }
    }

    /// Datagrams that did not arrive.
    pub(crate) fn lost(&self) -> u64 {
        self.lost
    }

    /// The same in words.
    pub(crate) fn losses(&self) -> String {
        format!("{} of {}", self.lost, self.sent)
    }
}

/// The newest round.
impl fmt::Display for Runs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.4} CPU s/Gbit, {}, lost {}, busy {:.0} %",
            self.cost.last(),
            self.latency,
            self.lost,
            self.busy.last()
        )
    }
}
