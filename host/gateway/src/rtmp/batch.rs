//! Messages that go to all players of a crowd together.

use bytes::{Bytes, BytesMut};
use hub::{Preface, RtmpMessage};
use media::flv::Need;
use std::sync::Arc;

/// Messages that go to all players of a crowd together.
pub(super) struct Batch {
    pub(super) messages: Vec<RtmpMessage>,
    /// All of them in one piece: it is written to every player, so the copy costs each of them
    /// less than the pieces would.
    wire: Bytes,
    /// Of all of them; none if it changes among them.
    pub(super) preface: Option<Arc<Preface>>,
    /// What a player must understand to take all of them, each once.
    pub(super) needs: Vec<Need>,
}

impl Batch {
    pub(super) fn new(messages: Vec<RtmpMessage>) -> Self {
        let mut prefaces = messages.iter().map(|message| &message.preface);
        let first = prefaces.next();
        let same = first.filter(|first| prefaces.all(|other| Arc::ptr_eq(first, other)));
        let mut needs = Vec::new();
        for message in &messages {
            if !needs.contains(&message.need) {
                needs.push(message.need);
            }
        }
        Self {
            wire: joined(&messages),
            preface: same.cloned(),
            needs,
            messages,
        }
    }

    /// All bytes, for a player that takes every message just as it is.
    pub(super) fn wire(&self) -> &[u8] {
        &self.wire
    }

    /// What is left of each message beyond the first `written` bytes of all, and how many bytes of
    /// the first of these are written already.
    pub(super) fn beyond(&self, written: usize) -> (usize, impl Iterator<Item = Bytes>) {
        let (mut end, mut skip) = (0, 0);
        let mut whole = Vec::new();
        for message in &self.messages {
            let start = end;
            end += message.wire.len();
            if end > written {
                if whole.is_empty() {
                    skip = written - start;
                }
                whole.push(self.wire.slice(start..end));
            }
        }
        (skip, whole.into_iter())
    }

    /// The messages, for their memory to be used again.
    pub(super) fn into_messages(mut self) -> Vec<RtmpMessage> {
        self.messages.clear();
        self.messages
    }
}

fn joined(messages: &[RtmpMessage]) -> Bytes {
    if let [only] = messages {
        return only.wire.clone();
    }
    let bytes = messages.iter().map(|message| message.wire.len()).sum();
    let mut joined = BytesMut::with_capacity(bytes);
    for message in messages {
        joined.extend_from_slice(&message.wire);
    }
    joined.freeze()
}
