//! When an output is wanted: pure functions of a schedule and a moment.
//!
//! A moment is a Unix time in whole seconds. Recurring times are those of a clock on the wall of
//! their time zone: one that a change of clocks leaves out is the first moment after the gap, one
//! that it repeats counts once. Moments, windows and durations do not know about clocks.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use model::schedule::{RecurringSpec, ScheduleSpec, WindowSpec};
use serde::Serialize;
use std::str::FromStr;

/// Windows of one schedule.
const MAX_WINDOWS: usize = 32;
/// Recurring times of one schedule.
const MAX_RECURRING: usize = 8;
/// Characters of a cron expression; the longest sensible ones name a dozen minutes and days.
const MAX_CRON: usize = 120;
/// Seconds of the longest duration: a leap year.
const MAX_DURATION_S: u64 = 366 * 24 * 3600;
/// Starts and stops that are looked through for the next that makes a difference. Where windows
/// overlap without end, none does.
const MAX_LOOKED: usize = 32;

/// A schedule that makes sense.
#[derive(Debug, Clone)]
pub struct Schedule {
    spec: ScheduleSpec,
    zone: Tz,
    windows: Vec<Window>,
    recurring: Vec<Recurring>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    start: i64,
    stop: i64,
}

#[derive(Debug, Clone)]
struct Recurring {
    start: Cron,
    stop: Stop,
}

#[derive(Debug, Clone)]
enum Stop {
    At(Box<Cron>),
    After(i64),
}

/// What a schedule says at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Whether the output is wanted.
    pub on: bool,
    /// When it is wanted next, or again, Unix seconds; none: never, or not within sight.
    pub next_start: Option<i64>,
    /// When it is not wanted any more.
    pub next_stop: Option<i64>,
    /// Until when this holds; none: for ever.
    pub until: Option<i64>,
}

/// What is wrong with a schedule: the field within it, and the problem.
pub type Wrong = (String, String);

impl Schedule {
    /// Understands a schedule.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn parse(spec: &ScheduleSpec) -> Result<Self, Vec<Wrong>> {
        let mut wrong = Vec::new();
        if spec.windows.is_empty() && spec.recurring.is_empty() {
            let problem = "names no time; give windows or recurring times, or leave it out";
            wrong.push((String::new(), problem.to_owned()));
        }
        at_most(MAX_WINDOWS, spec.windows.len(), "windows", &mut wrong);
        at_most(MAX_RECURRING, spec.recurring.len(), "recurring", &mut wrong);
        let zone = Tz::from_str(&spec.time_zone).unwrap_or_else(|_| {
            let problem = "is no IANA time zone; they look like Europe/Berlin";
            wrong.push(("time_zone".to_owned(), problem.to_owned()));
            Tz::UTC
        });
        let windows = spec.windows.iter().take(MAX_WINDOWS).enumerate();
        let windows = windows
            .filter_map(|(at, spec)| window(spec, &format!("windows[{at}]"), &mut wrong))
            .collect();
        let recurring = spec.recurring.iter().take(MAX_RECURRING).enumerate();
        let recurring = recurring
            .filter_map(|(at, spec)| recurs(spec, &format!("recurring[{at}]"), &mut wrong))
            .collect();
        match wrong.is_empty() {
            true => Ok(Self {
                spec: spec.clone(),
                zone,
                windows,
                recurring,
            }),
            false => Err(wrong),
        }
    }

    /// As it was written.
    pub const fn spec(&self) -> &ScheduleSpec {
        &self.spec
    }

    /// What it says at a moment.
    pub fn at(&self, now: i64) -> Standing {
        let on = self.is_on(now);
        let (first, until) = self.change_after(now, on);
        let second = first.and_then(|first| self.change_after(first, !on).0);
        let (next_stop, next_start) = if on { (first, second) } else { (second, first) };
        Standing {
            on,
            next_start,
            next_stop,
            until,
        }
    }

    fn is_on(&self, now: i64) -> bool {
        let within = |window: &Window| (window.start..window.stop).contains(&now);
        self.windows.iter().any(within) || self.recurring.iter().any(|it| it.is_on(now, self.zone))
    }

    /// The next moment at which it is no longer so, if there is one within sight; and the last
    /// moment that was looked at, if there are more.
    fn change_after(&self, now: i64, on: bool) -> (Option<i64>, Option<i64>) {
        let mut looked = now;
        for _ in 0..MAX_LOOKED {
            let Some(edge) = self.edge_after(looked) else {
                return (None, None);
            };
            if self.is_on(edge) != on {
                return (Some(edge), Some(edge));
            }
            looked = edge;
        }
        (None, Some(looked))
    }

    /// The next moment at which anything in it starts or stops.
    fn edge_after(&self, now: i64) -> Option<i64> {
        let windows = self.windows.iter();
        let windows = windows.flat_map(|window| [window.start, window.stop]);
        let recurring = self.recurring.iter();
        let recurring = recurring.flat_map(|it| it.edges_after(now, self.zone));
        let later = windows.chain(recurring).filter(|edge| *edge > now);
        later.min().filter(|edge| *edge != i64::MAX)
    }
}

/// Two that say the same.
impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.spec == other.spec
    }
}

impl Recurring {
    fn is_on(&self, now: i64, zone: Tz) -> bool {
        let Some(started) = last(&self.start, now, zone) else {
            return false;
        };
        match &self.stop {
            Stop::After(seconds) => now < started.saturating_add(*seconds),
            Stop::At(stop) => last(stop, now, zone).is_none_or(|stopped| stopped < started),
        }
    }

    fn edges_after(&self, now: i64, zone: Tz) -> impl Iterator<Item = i64> + use<> {
        let stop = match &self.stop {
            Stop::After(seconds) => {
                last(&self.start, now, zone).map(|started| started.saturating_add(*seconds))
            }
            Stop::At(stop) => next(stop, now, zone),
        };
        next(&self.start, now, zone).into_iter().chain(stop)
    }
}

/// The first time after a moment.
fn next(cron: &Cron, now: i64, zone: Tz) -> Option<i64> {
    let found = cron.find_next_occurrence(&local(now, zone)?, false).ok()?;
    Some(found.timestamp())
}

/// The last time until a moment, itself included.
fn last(cron: &Cron, now: i64, zone: Tz) -> Option<i64> {
    let found = cron
        .find_previous_occurrence(&local(now, zone)?, true)
        .ok()?;
    Some(found.timestamp())
}

fn local(now: i64, zone: Tz) -> Option<DateTime<Tz>> {
    Some(DateTime::<Utc>::from_timestamp(now, 0)?.with_timezone(&zone))
}

fn window(spec: &WindowSpec, field: &str, wrong: &mut Vec<Wrong>) -> Option<Window> {
    if spec.start.is_none() && spec.stop.is_none() {
        let problem = "needs a start, a stop, or both";
        wrong.push((field.to_owned(), problem.to_owned()));
        return None;
    }
    let mut moment = |name: &str, text: &Option<String>, without: i64| match text {
        None => Some(without),
        Some(text) => match DateTime::parse_from_rfc3339(text) {
            Ok(moment) => Some(moment.timestamp()),
            Err(error) => {
                let problem = format!("{error}; it looks like 2026-01-31T18:00:00+01:00");
                wrong.push((format!("{field}.{name}"), problem));
                None
            }
        },
    };
    let start = moment("start", &spec.start, i64::MIN);
    let stop = moment("stop", &spec.stop, i64::MAX);
    let (start, stop) = (start?, stop?);
    if stop <= start {
        let problem = "is not after start";
        wrong.push((format!("{field}.stop"), problem.to_owned()));
        return None;
    }
    Some(Window { start, stop })
}

fn recurs(spec: &RecurringSpec, field: &str, wrong: &mut Vec<Wrong>) -> Option<Recurring> {
    let start = cron(&spec.start, &format!("{field}.start"), wrong);
    let stop = match (&spec.stop, spec.duration_s) {
        (Some(stop), None) => {
            cron(stop, &format!("{field}.stop"), wrong).map(|stop| Stop::At(Box::new(stop)))
        }
        (None, Some(seconds @ 1..=MAX_DURATION_S)) => i64::try_from(seconds).ok().map(Stop::After),
        (None, Some(_)) => {
            let problem = format!("must be 1 to {MAX_DURATION_S} seconds");
            wrong.push((format!("{field}.duration_s"), problem));
            None
        }
        (None, None) | (Some(_), Some(_)) => {
            let problem = "needs either stop, another cron expression, or duration_s";
            wrong.push((field.to_owned(), problem.to_owned()));
            None
        }
    };
    let (start, stop) = (start?, stop?);
    if let Stop::At(stop) = &stop
        && stop.pattern == start.pattern
    {
        let problem = "is the same as start";
        wrong.push((format!("{field}.stop"), problem.to_owned()));
        return None;
    }
    Some(Recurring { start, stop })
}

fn cron(text: &str, field: &str, wrong: &mut Vec<Wrong>) -> Option<Cron> {
    let understood = understand(text);
    understood
        .map_err(|problem| wrong.push((field.to_owned(), problem)))
        .ok()
}

fn understand(text: &str) -> Result<Cron, String> {
    if text.len() > MAX_CRON {
        return Err(format!("is longer than {MAX_CRON} characters"));
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed);
    let parser = parser.year(Year::Disallowed).build();
    let cron = parser.parse(text).map_err(|error| {
        format!(
            "{error} It is minute, hour, day of month, month, day of week, for example \
             \"0 18 * * MON-FRI\"."
        )
    })?;
    // A day such as the 30th of February. From any moment on: leap days come every eight years.
    match next(&cron, 0, Tz::UTC) {
        Some(_) => Ok(cron),
        None => Err("names a day that never comes".to_owned()),
    }
}

fn at_most(limit: usize, count: usize, field: &str, wrong: &mut Vec<Wrong>) {
    if count > limit {
        let problem = format!("{count} given, at most {limit} are allowed");
        wrong.push((field.to_owned(), problem));
    }
}

#[cfg(test)]
mod tests;
