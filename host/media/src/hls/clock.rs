//! The time of the stream that cuts segments.

use crate::Ticks90k;
use crate::timeline::Unwrap;
use crate::ts::pes::PesHeader;

/// A step beyond this is a discontinuity that nobody marked.
const MAX_STEP: Ticks90k = Ticks90k(10 * 90_000);
/// A presentation time further from the decoding time than this is a mistake. Believed, it would
/// keep the stream from being cut for hours.
const MAX_REORDER: Ticks90k = MAX_STEP;
/// One picture at 25 Hz, until two pictures tell better.
const DEFAULT_STEP: Ticks90k = Ticks90k(3_600);

/// Unwraps stamps, and knows how long an access unit lasts.
#[derive(Debug)]
pub(super) struct Clock {
    wire: Unwrap,
    last_dts: Option<Ticks90k>,
    step: Ticks90k,
}

/// An access unit's presentation time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp {
    pub(super) pts: Ticks90k,
    /// It does not follow on from the unit before.
    pub(super) jumped: bool,
}

impl Clock {
    pub(super) const fn new() -> Self {
        Self {
            wire: Unwrap::mpeg_ts(),
            last_dts: None,
            step: DEFAULT_STEP,
        }
    }

    /// Places the access unit; `None` if it has no stamp.
    pub(super) fn read(&mut self, header: &PesHeader) -> Option<Stamp> {
        let (pts, dts) = (header.pts?, header.dts.or(header.pts)?);
        let mut decoded = Ticks90k(self.wire.unwrap(dts));
        let step = self.last_dts.replace(decoded).map(|last| decoded - last);
        let jumped = step.is_some_and(|step| step.0.abs() > MAX_STEP.0);
        if jumped {
            self.restart();
            decoded = Ticks90k(self.wire.unwrap(dts));
            self.last_dts = Some(decoded);
        } else if let Some(step) = step.filter(|step| *step > Ticks90k::ZERO) {
            self.step = step;
        }
        let shown = Ticks90k(self.wire.peek(pts));
        let mistaken = (shown - decoded).0.abs() > MAX_REORDER.0;
        Some(Stamp {
            pts: if mistaken { decoded } else { shown },
            jumped,
        })
    }

    /// How long the newest access unit lasts, judged by the decoding time before it.
    pub(super) const fn step(&self) -> Ticks90k {
        self.step
    }

    /// What comes next has another timeline, but most likely the same rate.
    pub(super) const fn restart(&mut self) {
        self.wire = Unwrap::mpeg_ts();
        self.last_dts = None;
    }
}
