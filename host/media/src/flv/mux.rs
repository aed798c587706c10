//! Frames to tag bodies.

use super::video::MAX_HEADER_BYTES;
use super::{AudioTag, Kind, VideoCodec, VideoTag, on_metadata};
use crate::{Codec, Convert, Frame, Ticks90k, Track, TrackId, Tracks};
use bytes::{Bytes, BytesMut};
use std::collections::HashSet;
use std::time::SystemTime;

/// One tag body. Header and payload stay apart, so that the payload is not copied.
#[derive(Debug, Clone)]
pub struct Message {
    /// What it carries.
    pub kind: Kind,
    /// Decoding time modulo 2^32 ms.
    pub timestamp_ms: u32,
    /// A player may start here: the frame's own [`Frame::random_access`].
    pub random_access: bool,
    /// The frame's payload, a configuration record, or script data.
    pub payload: Bytes,
    header: [u8; MAX_HEADER_BYTES],
    header_len: u8,
}

impl Message {
    fn new(kind: Kind, timestamp_ms: u32, head: &[u8], payload: Bytes) -> Self {
        let mut header = [0; MAX_HEADER_BYTES];
        for (to, from) in header.iter_mut().zip(head) {
            *to = *from;
        }
        let header_len = head.len().min(MAX_HEADER_BYTES) as u8;
        Self {
            kind,
            timestamp_ms,
            random_access: false,
            payload,
            header,
            header_len,
        }
    }

    /// What stands before the payload: at most 8 bytes, none for script data.
    pub fn header(&self) -> &[u8] {
        self.header
            .get(..self.header_len.into())
            .unwrap_or_default()
    }

    /// Bytes of the whole body.
    pub const fn body_bytes(&self) -> usize {
        self.header_len as usize + self.payload.len()
    }

    /// The whole body in one piece; copies the payload.
    pub fn to_body(&self) -> Bytes {
        let mut body = BytesMut::with_capacity(self.body_bytes());
        body.extend_from_slice(self.header());
        body.extend_from_slice(&self.payload);
        body.freeze()
    }
}

/// What a player must have before the first frame of `tracks`: `onMetaData` and the sequence
/// headers, in this order, stamped `at`.
pub fn preface(tracks: &Tracks, at: Ticks90k) -> Vec<Message> {
    let timestamp_ms = wire_ms(at);
    let mut messages = vec![Message::new(
        Kind::Data,
        timestamp_ms,
        &[],
        on_metadata(tracks),
    )];
    let firsts = tracks.video().into_iter().chain(tracks.audio());
    for track in firsts.filter(|track| has_place(&track.codec)) {
        let record = track.codec.config().clone();
        let (kind, head) = match video_codec(&track.codec) {
            Some(codec) => (Kind::Video, VideoTag::config_header(codec)),
            None => (Kind::Audio, AudioTag::CONFIG_HEADER.as_slice()),
        };
        messages.push(Message::new(kind, timestamp_ms, head, record));
    }
    messages
}

/// Turns frames into tag bodies, one to one.
///
/// A player needs [`preface`] of a frame's tracks before it, at the start and whenever the
/// tracks change; who plays sends it, since each player starts elsewhere. FLV carries one
/// video and one audio track: the first of each; others are left out.
#[derive(Debug, Default)]
pub struct Muxer {
    refused: HashSet<TrackId>,
    complaints: Vec<String>,
}

impl Convert for Muxer {
    type In = Frame;
    type Out = Message;

    fn convert(&mut self, _now: SystemTime, frame: &Frame, out: &mut Vec<Message>) {
        let Some(track) = frame.tracks.get(frame.track) else {
            return;
        };
        if !self.carries(&frame.tracks, track) {
            return;
        }
        out.push(message(track, frame));
    }

    fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }
}

impl Muxer {
    fn carries(&mut self, tracks: &Tracks, track: &Track) -> bool {
        let of_its_kind = if track.codec.is_video() {
            tracks.video()
        } else {
            tracks.audio()
        };
        let carried =
            has_place(&track.codec) && of_its_kind.is_some_and(|first| first.id == track.id);
        if !carried && self.refused.insert(track.id) {
            let kind = if track.codec.is_video() {
                "video"
            } else {
                "audio"
            };
            self.complaints.push(format!(
                "track {} ({}) has no place in FLV, which carries one {kind} track",
                track.id.0,
                track.codec.name()
            ));
        }
        carried
    }
}

fn message(track: &Track, frame: &Frame) -> Message {
    let timestamp_ms = wire_ms(frame.dts);
    let payload = frame.payload.clone();
    let mut message = match video_codec(&track.codec) {
        Some(codec) => {
            // Of the rounded stamps: so rounding does not add up over both.
            let composition_ms = frame.pts.as_ms() - frame.dts.as_ms();
            let (header, len) = VideoTag::frame_header(codec, frame.random_access, composition_ms);
            let head = header.get(..len).unwrap_or_default();
            Message::new(Kind::Video, timestamp_ms, head, payload)
        }
        None => Message::new(Kind::Audio, timestamp_ms, &AudioTag::FRAME_HEADER, payload),
    };
    message.random_access = frame.random_access;
    message
}

const fn has_place(codec: &Codec) -> bool {
    matches!(codec, Codec::Aac { .. }) || video_codec(codec).is_some()
}

const fn video_codec(codec: &Codec) -> Option<VideoCodec> {
    match codec {
        Codec::H264 { .. } => Some(VideoCodec::Avc),
        Codec::Hevc { .. } => Some(VideoCodec::Hevc),
        _ => None,
    }
}

/// Milliseconds modulo 2^32. Times before zero would look like the far end of the clock to a
/// player, and are stamped 0.
const fn wire_ms(time: Ticks90k) -> u32 {
    let ms = time.as_ms();
    if ms < 0 { 0 } else { ms as u32 }
}
