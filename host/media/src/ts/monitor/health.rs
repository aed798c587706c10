//! First and second priority of ETSI TR 101 290 §5.2: what is wrong with a transport stream.
//!
//! Errors are counted as they are seen. A condition begins with its first error, and ends when
//! there was none for [`HOLD`], so that a stream that limps tells of it once. Intervals are
//! those of arrival, and are looked at while packets come: silence is told of elsewhere.

use crate::ts::packet::Pcr;
use std::time::{Duration, Instant};

/// A condition ends after this long without an error.
pub const HOLD: Duration = Duration::from_secs(5);

/// A PAT and a PMT at least this often (1.3, 1.5).
const TABLES: Duration = Duration::from_millis(500);
/// A packet of each announced PID at least this often (1.6; the standard leaves it to the user).
const PIDS: Duration = Duration::from_secs(5);
/// A PCR at least this often (2.3a).
const PCRS: Duration = Duration::from_millis(100);
/// PCR values further apart than this, in 27 MHz ticks, are a discontinuity (2.3b): 100 ms.
const PCR_STEP: u64 = 2_700_000;
/// How exact a PCR is to be (2.4): 500 ns in 27 MHz ticks, rounded up.
const PCR_EXACT: u64 = 14;
/// Further off than this (100 us) it is no inaccuracy, but a bitrate that varies, in which
/// positions say nothing of time.
const PCR_VARIABLE: u64 = 2_700;
/// A PTS at least this often (2.5).
const PTS: Duration = Duration::from_millis(700);
/// A CAT at least this often while something is scrambled (2.6; the standard names no interval).
const CATS: Duration = Duration::from_secs(5);
/// Two packets out of sync are a loss (1.1).
const SYNC_LOSS_BYTES: u64 = 2 * 188;

/// What TR 101 290 measures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Condition {
    /// 1.1: at least two packets in a row without their sync byte.
    SyncLoss,
    /// 1.2: a sync byte that is not 0x47.
    SyncByte,
    /// 1.3: no PAT within 500 ms, another table in its place, or it is scrambled.
    Pat,
    /// 1.4: packets lost, out of order or sent more than twice.
    Continuity,
    /// 1.5: no PMT within 500 ms, or it is scrambled.
    Pmt,
    /// 1.6: a PID of the PMT does not come for 5 s.
    Pid,
    /// 2.1: a packet that a demodulator marked as damaged.
    Transport,
    /// 2.2: the CRC of a PAT or PMT is wrong.
    Crc,
    /// 2.3a: more than 100 ms between two PCR.
    PcrRepetition,
    /// 2.3b: PCR values more than 100 ms apart, or running back, without being announced.
    PcrDiscontinuity,
    /// 2.4: a PCR more than 500 ns from where its position puts it. Measured where the bitrate
    /// is constant.
    PcrAccuracy,
    /// 2.5: more than 700 ms between two PTS.
    Pts,
    /// 2.6: scrambled packets without a CAT for 5 s, or another table in its place.
    Cat,
}

/// What is known of a condition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reading {
    /// Which.
    pub condition: Condition,
    /// Errors since the start.
    pub errors: u64,
    /// There was an error within the last [`HOLD`].
    pub active: bool,
}

/// How many conditions there are.
const COUNT: usize = 13;

impl Condition {
    /// All, in the standard's order.
    pub const ALL: [Self; COUNT] = [
        Self::SyncLoss,
        Self::SyncByte,
        Self::Pat,
        Self::Continuity,
        Self::Pmt,
        Self::Pid,
        Self::Transport,
        Self::Crc,
        Self::PcrRepetition,
        Self::PcrDiscontinuity,
        Self::PcrAccuracy,
        Self::Pts,
        Self::Cat,
    ];

    /// The name used in the API, in metrics and in events.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SyncLoss => "sync-loss",
            Self::SyncByte => "sync-byte",
            Self::Pat => "pat",
            Self::Continuity => "continuity",
            Self::Pmt => "pmt",
            Self::Pid => "pid",
            Self::Transport => "transport",
            Self::Crc => "crc",
            Self::PcrRepetition => "pcr-repetition",
            Self::PcrDiscontinuity => "pcr-discontinuity",
            Self::PcrAccuracy => "pcr-accuracy",
            Self::Pts => "pts",
            Self::Cat => "cat",
        }
    }

    /// 1: the stream cannot be decoded; 2: it should be watched.
    pub const fn priority(self) -> u8 {
        if (self as u8) < Self::Transport as u8 {
            1
        } else {
            2
        }
    }
}

/// All conditions of one stream.
#[derive(Debug)]
pub(super) struct Health {
    now: Option<Instant>,
    states: [State; COUNT],
    changes: Vec<Reading>,
    pat: Option<Instant>,
    pmt: Option<Instant>,
    cat: Option<Instant>,
    clock: Clock,
}

#[derive(Debug, Clone, Copy, Default)]
struct State {
    errors: u64,
    last: Option<Instant>,
    active: bool,
}

/// The last two PCR and where they stood.
#[derive(Debug, Default)]
struct Clock {
    arrived: Option<Instant>,
    last: Option<Mark>,
    before: Option<Mark>,
}

/// A PCR and the packet that carried it.
#[derive(Debug, Clone, Copy)]
struct Mark {
    pcr: Pcr,
    packet: u64,
}

impl Health {
    pub(super) fn new() -> Self {
        Self {
            now: None,
            states: [State::default(); COUNT],
            changes: Vec::new(),
            pat: None,
            pmt: None,
            cat: None,
            clock: Clock::default(),
        }
    }

    /// What comes from now on arrives at `now`; what is overdue by then is an error.
    pub(super) fn tick(&mut self, now: Instant, scrambled: bool) {
        self.now = Some(now);
        if overdue(&mut self.pat, now, TABLES) {
            self.error(Condition::Pat);
        }
        if overdue(&mut self.pmt, now, TABLES) {
            self.error(Condition::Pmt);
        }
        if !scrambled {
            self.cat = None;
        } else if overdue(&mut self.cat, now, CATS) {
            self.error(Condition::Cat);
        }
        for (condition, state) in Condition::ALL.into_iter().zip(&mut self.states) {
            let over = |last: Instant| now.saturating_duration_since(last) >= HOLD;
            if state.active && state.last.is_none_or(over) {
                state.active = false;
                self.changes.push(state.reading(condition));
            }
        }
    }

    /// When what is looked at now arrived; none if nobody ever said.
    pub(super) const fn now(&self) -> Option<Instant> {
        self.now
    }

    pub(super) fn error(&mut self, condition: Condition) {
        let Some(state) = self.states.get_mut(condition as usize) else {
            return;
        };
        state.errors += 1;
        state.last = self.now;
        // Without a clock nothing would ever end.
        if self.now.is_some() && !std::mem::replace(&mut state.active, true) {
            self.changes.push(state.reading(condition));
        }
    }

    /// Bytes that belonged to no packet.
    pub(super) fn skipped(&mut self, bytes: u64) {
        if bytes > 0 {
            self.error(Condition::SyncByte);
        }
        if bytes >= SYNC_LOSS_BYTES {
            self.error(Condition::SyncLoss);
        }
    }

    pub(super) const fn pat_seen(&mut self) {
        self.pat = self.now;
    }

    pub(super) const fn pmt_seen(&mut self) {
        self.pmt = self.now;
    }

    pub(super) const fn cat_seen(&mut self) {
        self.cat = self.now;
    }

    /// A PCR of the program's clock, in the packet of that number. `announced`: it may jump.
    pub(super) fn pcr(&mut self, pcr: Pcr, packet: u64, announced: bool) {
        let arrived = std::mem::replace(&mut self.clock.arrived, self.now);
        let late = self.now.zip(arrived);
        if late.is_some_and(|(now, then)| now.saturating_duration_since(then) > PCRS) {
            self.error(Condition::PcrRepetition);
        }
        let mark = Mark { pcr, packet };
        let before = self.clock.before.take();
        let Some(last) = self.clock.last.replace(mark).filter(|_| !announced) else {
            return;
        };
        if pcr.wrapping_since(last.pcr) > PCR_STEP {
            return self.error(Condition::PcrDiscontinuity);
        }
        self.clock.before = Some(last);
        if before.is_some_and(|before| is_inexact(before, last, mark)) {
            self.error(Condition::PcrAccuracy);
        }
    }

    /// Packets are missing: positions say nothing of the time between the PCR around them.
    pub(super) const fn gap(&mut self) {
        self.clock.before = None;
        self.clock.last = None;
    }

    pub(super) fn readings(&self) -> [Reading; COUNT] {
        let mut all = Condition::ALL.map(|condition| State::default().reading(condition));
        for (reading, state) in all.iter_mut().zip(&self.states) {
            *reading = state.reading(reading.condition);
        }
        all
    }

    pub(super) fn take_changes(&mut self) -> Vec<Reading> {
        std::mem::take(&mut self.changes)
    }
}

impl State {
    const fn reading(&self, condition: Condition) -> Reading {
        Reading {
            condition,
            errors: self.errors,
            active: self.active,
        }
    }
}

/// What the standard asks of one elementary stream's times of arrival.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Arrivals {
    packet: Option<Instant>,
    pts: Option<Instant>,
}

impl Arrivals {
    pub(super) const fn packet(&mut self, now: Option<Instant>) {
        self.packet = now;
    }

    /// True if it comes too late after the one before.
    pub(super) fn pts(&mut self, now: Option<Instant>) -> bool {
        let before = std::mem::replace(&mut self.pts, now);
        let both = now.zip(before);
        both.is_some_and(|(now, before)| now.saturating_duration_since(before) > PTS)
    }

    /// True if its PID does not come any more.
    pub(super) fn is_overdue(&mut self, now: Instant) -> bool {
        overdue(&mut self.packet, now, PIDS)
    }
}

/// Whether `last` is longer ago than it may be; if so it counts anew. Starts with the first look.
fn overdue(last: &mut Option<Instant>, now: Instant, interval: Duration) -> bool {
    let since = *last.get_or_insert(now);
    let late = now.saturating_duration_since(since) > interval;
    if late {
        *last = Some(now);
    }
    late
}

/// Whether the middle PCR is off the line between the others, where there is a line.
fn is_inexact(before: Mark, middle: Mark, after: Mark) -> bool {
    let time = after.pcr.wrapping_since(before.pcr);
    let (whole, part) = (
        after.packet.saturating_sub(before.packet),
        middle.packet.saturating_sub(before.packet),
    );
    // Times are below 200 ms and packets of that time below 2^32: no overflow.
    let Some(expected) = (time * part + whole / 2).checked_div(whole) else {
        return false;
    };
    let off = middle.pcr.wrapping_since(before.pcr).abs_diff(expected);
    off > PCR_EXACT && off <= PCR_VARIABLE
}
