//! The figures of all streams at one moment, each stream's serialized once for all listeners.

use super::message::Message;
use crate::view::{OutputView, SourceView, SrtView, StreamView};
use bytes::Bytes;
use model::{Label, LinkState, StreamName};
use serde::Serialize;

/// What is shown once a second.
#[derive(Debug)]
pub(super) struct Frame {
    /// Grows by one from frame to frame.
    number: u64,
    head: String,
    parts: Vec<Part>,
    /// What differs from the frame before, for those who saw that and see everything.
    delta: Message,
}

/// One stream's.
#[derive(Debug)]
struct Part {
    stream: StreamName,
    json: Bytes,
    /// The frame in which it last changed.
    changed: u64,
}

impl Frame {
    /// `before`: the frame that it follows.
    pub(super) fn new(streams: &[StreamView], unix_ms: u64, before: Option<&Self>) -> Self {
        let number = before.map_or(1, |before| before.number + 1);
        let part = |view: &StreamView| {
            let json = serde_json::to_vec(&StreamFigures::from(view)).unwrap_or_default();
            let was = before.and_then(|before| before.of(&view.name));
            match was {
                Some(was) if was.json == json => Part {
                    stream: was.stream.clone(),
                    json: was.json.clone(),
                    changed: was.changed,
                },
                _ => Part {
                    stream: view.name.clone(),
                    json: json.into(),
                    changed: number,
                },
            }
        };
        let mut frame = Self {
            number,
            head: format!(r#"{{"type":"figures","time_unix_ms":{unix_ms},"streams":["#),
            parts: streams.iter().map(part).collect(),
            delta: Message::of(&[]),
        };
        frame.delta = frame.written(number - 1, |_| true).0;
        frame
    }

    /// Views come sorted by name.
    fn of(&self, stream: &StreamName) -> Option<&Part> {
        let at = self.parts.binary_search_by(|part| part.stream.cmp(stream));
        at.ok().and_then(|at| self.parts.get(at))
    }

    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// Whether anything differs from the frame before.
    pub(super) fn moved(&self) -> bool {
        self.parts.iter().any(|part| part.changed == self.number)
    }

    /// What changed since frame `seen`; none if nothing did. Before frame 1 there was nothing.
    pub(super) fn since(
        &self,
        seen: u64,
        all: bool,
        admits: impl Fn(&StreamName) -> bool,
    ) -> Option<Message> {
        if all && seen + 1 == self.number {
            return self.moved().then(|| self.delta.clone());
        }
        let (message, streams) = self.written(seen, admits);
        (streams > 0).then_some(message)
    }

    fn written(&self, seen: u64, admits: impl Fn(&StreamName) -> bool) -> (Message, usize) {
        let fresh = self.parts.iter().filter(|part| part.changed > seen);
        let mut pieces: Vec<&[u8]> = vec![self.head.as_bytes()];
        let mut streams = 0;
        for part in fresh.filter(|part| admits(&part.stream)) {
            if streams > 0 {
                pieces.push(b",");
            }
            pieces.push(&part.json);
            streams += 1;
        }
        pieces.push(b"]}");
        (Message::of(&pieces), streams)
    }
}

#[derive(Serialize)]
struct StreamFigures<'a> {
    stream: &'a StreamName,
    on_air: Option<&'a Label>,
    bitrate_bps: u64,
    bytes: u64,
    discontinuities: u32,
    readers: usize,
    sources: Vec<SourceFigures<'a>>,
    outputs: Vec<OutputFigures<'a>>,
}

#[derive(Serialize)]
struct SourceFigures<'a> {
    id: &'a Label,
    connected: bool,
    on_air: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<LinkState>,
    bitrate_bps: u64,
    bytes: u64,
    continuity_errors: u64,
    #[serde(flatten)]
    srt: Option<SrtFigures>,
}

#[derive(Serialize)]
struct OutputFigures<'a> {
    name: &'a str,
    state: LinkState,
    attempt: u32,
    reconnects: u32,
    bitrate_bps: u64,
    bytes: u64,
    drops: u64,
    #[serde(flatten)]
    srt: Option<SrtFigures>,
}

#[derive(Serialize)]
struct SrtFigures {
    rtt_ms: f64,
    packets: u64,
    lost_packets: u64,
    retransmitted_packets: u64,
    dropped_packets: u64,
}

impl<'a> From<&'a StreamView> for StreamFigures<'a> {
    fn from(view: &'a StreamView) -> Self {
        Self {
            stream: &view.name,
            on_air: view.on_air.as_ref(),
            bitrate_bps: view.bitrate_bps,
            bytes: view.bytes,
            discontinuities: view.discontinuities,
            readers: view.readers,
            sources: view.sources.iter().map(SourceFigures::from).collect(),
            outputs: view.outputs.iter().map(OutputFigures::from).collect(),
        }
    }
}

impl<'a> From<&'a SourceView> for SourceFigures<'a> {
    fn from(view: &'a SourceView) -> Self {
        Self {
            id: &view.id,
            connected: view.connected,
            on_air: view.on_air,
            state: view.link.as_ref().map(|link| link.state),
            bitrate_bps: view.bitrate_bps,
            bytes: view.bytes,
            continuity_errors: view.continuity_errors,
            srt: view.srt.map(SrtFigures::from),
        }
    }
}

impl<'a> From<&'a OutputView> for OutputFigures<'a> {
    fn from(view: &'a OutputView) -> Self {
        Self {
            name: &view.name,
            state: view.link.state,
            attempt: view.link.attempt,
            reconnects: view.link.reconnects,
            bitrate_bps: view.bitrate_bps,
            bytes: view.bytes,
            drops: view.drops,
            srt: view.srt.map(SrtFigures::from),
        }
    }
}

impl From<SrtView> for SrtFigures {
    fn from(view: SrtView) -> Self {
        Self {
            rtt_ms: view.rtt_ms,
            packets: view.packets,
            lost_packets: view.lost_packets,
            retransmitted_packets: view.retransmitted_packets,
            dropped_packets: view.dropped_packets,
        }
    }
}
