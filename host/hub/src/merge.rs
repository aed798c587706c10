//! Sources of a stream that carry the same transport stream over several paths: on air they are
//! one.

use crate::air::Connection;
use bytes::Bytes;
use media::TsChunk;
use media::ts::merge::{Figures, Merger};
use media::ts::monitor::Monitor;
use model::Label;
use parking_lot::Mutex;
use std::time::{Duration, Instant};

/// Such sources.
pub(crate) struct Merge {
    /// Each a path, numbered in this order. Not empty.
    members: Vec<Label>,
    hold: Duration,
    /// Under the name of the first.
    connection: Connection,
    /// The one that is said to be on air: whichever was asked for.
    shown: Mutex<Label>,
    state: Mutex<State>,
}

struct State {
    merger: Merger,
    monitor: Monitor,
    runs: Vec<Bytes>,
}

impl Merge {
    pub(crate) fn new(members: Vec<Label>, hold: Duration, connection: Connection) -> Self {
        Self {
            members,
            hold,
            shown: Mutex::new(connection.source.clone()),
            connection,
            state: Mutex::new(State {
                merger: Merger::new(hold),
                monitor: Monitor::new(),
                runs: Vec::new(),
            }),
        }
    }

    /// Whether it is of these sources, with this delay.
    pub(crate) fn is(&self, members: &[Label], hold: Duration) -> bool {
        self.members == members && self.hold == hold
    }

    pub(crate) const fn hold(&self) -> Duration {
        self.hold
    }

    pub(crate) fn members(&self) -> &[Label] {
        &self.members
    }

    pub(crate) fn path(&self, source: &Label) -> Option<usize> {
        self.members.iter().position(|member| member == source)
    }

    pub(crate) const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Names it after a member.
    pub(crate) fn show(&self, member: &Label) {
        self.shown.lock().clone_from(member);
    }

    pub(crate) fn shown(&self) -> Label {
        self.shown.lock().clone()
    }

    pub(crate) fn figures(&self) -> Figures {
        self.state.lock().merger.figures()
    }

    /// A member is connected no more, or anew.
    pub(crate) fn forget(&self, path: usize) {
        self.state.lock().merger.forget(path);
    }

    /// Takes what a path brings; leaves in `chunks` what is to go on air now.
    pub(crate) fn pass(&self, now: Instant, path: usize, chunks: &mut Vec<TsChunk>) {
        let mut state = self.state.lock();
        let State {
            merger,
            monitor,
            runs,
        } = &mut *state;
        for chunk in chunks.drain(..) {
            merger.push(now, path, &chunk.data);
        }
        merger.poll(now, runs);
        chunks.extend(runs.drain(..).map(|data| TsChunk {
            random_access: monitor.inspect(&data).random_access,
            data,
            epoch: 0,
        }));
    }
}
