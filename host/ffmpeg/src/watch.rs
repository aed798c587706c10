//! Looks after a child: whether it lives, whether it keeps up, what it costs.

use crate::stat::Stat;
use crate::vitals::{Usage, Vitals};
use crate::{Trouble, sys};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tokio::time::MissedTickBehavior;

/// How often a child is looked at.
const TICK: Duration = Duration::from_millis(250);

/// Below this percentage of real time a machine does not carry it. Reports come twice a second
/// and are that inexact.
const ENOUGH_PERCENT: u32 = 95;

/// What a child is held to.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rules {
    /// It may make nothing of what it is given for so long.
    pub(crate) stall: Option<Duration>,
    /// It must keep up with real time over such a window.
    pub(crate) pace: Option<Duration>,
}

/// A child at one look.
#[derive(Debug, Clone, Copy, Default)]
struct Look {
    stopped: bool,
    /// A writer waits for it, or it feeds itself.
    backed_up: bool,
    taken: u64,
    /// Grows with whatever it makes.
    made: u64,
    out_time_us: Option<i64>,
}

/// Judges looks.
#[derive(Debug, Default)]
struct Judge {
    rules: Rules,
    last: Option<(Instant, Look)>,
    /// It was given something, or waited for, for so long since it last made anything.
    idle: Duration,
    window: Option<Window>,
}

/// A time over which its pace is measured.
#[derive(Debug, Clone, Copy)]
struct Window {
    since: Instant,
    out_time_us: i64,
    looks: u32,
    backed_up: u32,
}

/// Looks until the child is gone, or has to be killed, and then is.
pub(crate) async fn run(pid: u32, vitals: Arc<Vitals>, rules: Rules) {
    let Some(first) = Stat::of(pid) else { return };
    let mut judge = Judge::new(rules);
    let mut before = (Instant::now(), first.cpu);
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = Instant::now();
        // Numbers of processes are used again.
        let Some(stat) = Stat::of(pid).filter(|stat| stat.began == first.began) else {
            return;
        };
        let (then, cpu) = std::mem::replace(&mut before, (now, stat.cpu));
        let passed = now.saturating_duration_since(then).as_secs_f64();
        let busy = stat.cpu.saturating_sub(cpu).as_secs_f64();
        vitals.show_usage(Usage {
            cpu_percent: if passed > 0.0 {
                100.0 * busy / passed
            } else {
                0.0
            },
            rss_bytes: stat.rss_bytes,
        });
        if let Some(trouble) = judge.handle_look(now, Look::of(&stat, &vitals)) {
            vitals.condemn(trouble);
            // It may end by itself at this very moment.
            let _ = sys::signal_group(pid, libc::SIGKILL);
            return;
        }
    }
}

impl Look {
    fn of(stat: &Stat, vitals: &Vitals) -> Self {
        let feeds_itself = vitals.inputs.load(Ordering::Relaxed) == 0;
        let progress = vitals.progress().unwrap_or_default();
        let out_time = progress.out_time_us.unwrap_or_default().unsigned_abs();
        let bytes = vitals.made.load(Ordering::Relaxed);
        Self {
            stopped: stat.stopped,
            backed_up: feeds_itself || vitals.waiting.load(Ordering::Relaxed) > 0,
            taken: vitals.taken.load(Ordering::Relaxed),
            made: bytes.wrapping_add(progress.frames).wrapping_add(out_time),
            out_time_us: progress.out_time_us,
        }
    }
}

impl Judge {
    fn new(rules: Rules) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// Why it has to be killed, if it has.
    fn handle_look(&mut self, now: Instant, look: Look) -> Option<Trouble> {
        let (then, last) = self.last.replace((now, look))?;
        if look.stopped && last.stopped {
            return Some(Trouble::Stopped);
        }
        let passed = now.saturating_duration_since(then);
        self.judge_life(passed, &look, &last)
            .or_else(|| self.judge_pace(now, &look))
    }

    fn judge_life(&mut self, passed: Duration, look: &Look, last: &Look) -> Option<Trouble> {
        let stall = self.rules.stall?;
        if look.made != last.made {
            self.idle = Duration::ZERO;
        } else if look.backed_up || look.taken != last.taken {
            self.idle += passed;
        }
        let seconds = self.idle.as_secs();
        (self.idle >= stall).then_some(Trouble::Stalled { seconds })
    }

    /// Whoever waits for media is not slow: only time in which it was backed up counts.
    fn judge_pace(&mut self, now: Instant, look: &Look) -> Option<Trouble> {
        let (length, out_time_us) = (self.rules.pace?, look.out_time_us?);
        let window = self.window.get_or_insert(Window {
            since: now,
            out_time_us,
            looks: 0,
            backed_up: 0,
        });
        window.looks += 1;
        window.backed_up += u32::from(look.backed_up);
        let passed = now.saturating_duration_since(window.since);
        if passed < length {
            return None;
        }
        let made = (out_time_us - window.out_time_us).max(0) as f64 / 1e6;
        let percent = (100.0 * made / passed.as_secs_f64()) as u32;
        let always = window.backed_up * 10 >= window.looks * 9;
        self.window = None;
        (always && percent < ENOUGH_PERCENT).then_some(Trouble::TooSlow { percent })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules {
        stall: Some(Duration::from_secs(5)),
        pace: Some(Duration::from_secs(8)),
    };

    /// Looks every 250 ms for 30 s; when it was killed, and why.
    fn judge(rules: Rules, look: impl Fn(u64) -> Look) -> Option<(u64, Trouble)> {
        let (mut judge, begin) = (Judge::new(rules), Instant::now());
        let mut ms = (0..30_000).step_by(250);
        ms.find_map(|ms| {
            let now = begin + Duration::from_millis(ms);
            judge.handle_look(now, look(ms)).map(|why| (ms, why))
        })
    }

    /// Makes media at a percentage of real time.
    fn at(percent: u64, backed_up: bool) -> impl Fn(u64) -> Look {
        move |ms| Look {
            backed_up,
            taken: ms,
            made: ms,
            out_time_us: Some((ms * percent * 10) as i64),
            ..Look::default()
        }
    }

    #[test]
    fn who_is_stopped_is_found_at_the_second_look() {
        let stopped = |ms| Look {
            stopped: ms >= 1_000,
            ..Look::default()
        };
        assert_eq!(
            judge(Rules::default(), stopped),
            Some((1_250, Trouble::Stopped))
        );
    }

    #[test]
    fn who_is_fed_and_makes_nothing_is_stalled_but_not_who_has_nothing_to_eat() {
        let fed = |ms| Look {
            taken: ms,
            ..Look::default()
        };
        assert_eq!(
            judge(RULES, fed),
            Some((5_000, Trouble::Stalled { seconds: 5 }))
        );
        let waited_for = |_| Look {
            backed_up: true,
            ..Look::default()
        };
        assert_eq!(
            judge(RULES, waited_for),
            Some((5_000, Trouble::Stalled { seconds: 5 }))
        );
        assert_eq!(judge(RULES, |_| Look::default()), None);
        assert_eq!(
            judge(Rules::default(), fed),
            None,
            "nobody said for how long"
        );
    }

    #[test]
    fn who_is_slower_than_real_time_is_told_but_not_who_waits_for_media() {
        let slow = judge(RULES, at(70, true)).unwrap();
        assert_eq!(slow, (8_250, Trouble::TooSlow { percent: 70 }));
        assert_eq!(judge(RULES, at(70, false)), None);
        assert_eq!(judge(RULES, at(99, true)), None);
    }
}
