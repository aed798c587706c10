//! What listeners are sent, serialized once for all of them.

use bytes::Bytes;
use serde::Serialize;
use std::ops::Range;

const DATA: &[u8] = b"data: ";
const END: &[u8] = b"\n\n";

/// A JSON object, and the server-sent event that carries it; both are the same bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    whole: Bytes,
    json: Range<usize>,
}

impl Message {
    /// With an id, from which a listener can go on.
    pub(super) fn of_event(id: &str, event: &impl Serialize) -> Self {
        let mut text = format!("id: {id}\n").into_bytes();
        text.extend_from_slice(DATA);
        let begin = text.len();
        // The nouns of the model always have a JSON form.
        let _ = serde_json::to_writer(&mut text, event);
        Self::ending(text, begin)
    }

    /// Without an id: it is not in the ring.
    pub(super) fn of(json: &[&[u8]]) -> Self {
        let mut text = DATA.to_vec();
        let begin = text.len();
        text.extend(json.iter().copied().flatten());
        Self::ending(text, begin)
    }

    fn ending(mut text: Vec<u8>, begin: usize) -> Self {
        let end = text.len();
        text.extend_from_slice(END);
        Self {
            whole: text.into(),
            json: begin..end,
        }
    }

    /// As a server-sent event (HTML standard, section 9.2.6), the empty line at its end included.
    pub fn sse(&self) -> Bytes {
        self.whole.clone()
    }

    /// The JSON object alone.
    pub fn json(&self) -> Bytes {
        self.whole.slice(self.json.clone())
    }

    /// Bytes it takes.
    pub(super) fn len(&self) -> usize {
        self.whole.len()
    }
}
