//! What there is to know of a stream.

use super::Stream;
use crate::candidate::SourceSnapshot;
use crate::forms::Form;
use crate::viewer::ViewerSnapshot;
use media::ts::merge::Figures;
use model::{Label, Protocol, StreamName};
use std::time::Instant;

/// A stream at one moment.
#[derive(Debug, Clone)]
pub struct StreamSnapshot {
    /// Its name.
    pub name: StreamName,
    /// Declared as an input, or made by its publisher.
    pub declared: bool,
    /// Since it came into being.
    pub uptime_ms: u64,
    /// Native form, once media has come.
    pub form: Option<Form>,
    /// The source on air.
    pub on_air: Option<Label>,
    /// Protocols it is served over; `None`: all.
    pub serving: Option<Vec<Protocol>>,
    /// Bits per second on air.
    pub bitrate_bps: u64,
    /// Bytes on air so far.
    pub bytes: u64,
    /// Marked discontinuities so far.
    pub discontinuities: u32,
    /// Bytes its lanes hold.
    pub held_bytes: usize,
    /// Candidates, in the order of their labels.
    pub sources: Vec<SourceSnapshot>,
    /// What was done to make one stream of sources that are merged.
    pub merged: Option<Figures>,
    /// Who watches.
    pub viewers: Vec<ViewerSnapshot>,
}

impl Stream {
    /// Everything there is to know.
    pub fn snapshot(&self, now: Instant) -> StreamSnapshot {
        let (on_air, _) = self.on_air();
        let (form, discontinuities) = {
            let air = self.air.lock();
            (air.form(), air.discontinuities())
        };
        let merge = self.merge.read().clone();
        let mut sources: Vec<_> = self
            .sources
            .lock()
            .values()
            .map(|candidate| candidate.snapshot(now))
            .collect();
        for source in &mut sources {
            source.on_air = on_air.as_ref() == Some(&source.id);
        }
        StreamSnapshot {
            name: self.name.clone(),
            declared: self.is_declared(),
            uptime_ms: now.saturating_duration_since(self.started).as_millis() as u64,
            form,
            on_air,
            serving: self.serving.read().clone(),
            bitrate_bps: self.output.rate_bps(now),
            bytes: self.output.bytes(),
            discontinuities,
            held_bytes: self.lanes.held_bytes(),
            sources,
            merged: merge.map(|merge| merge.figures()),
            viewers: self.viewers.snapshot(now),
        }
    }
}
