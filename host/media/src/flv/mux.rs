//! Frames to tag bodies.

use super::enhanced::{Abilities, FourCc, Need};
use super::header::Header;
use super::{AudioCodec, AudioTag, Kind, VideoCodec, VideoTag, on_metadata};
use crate::frame::Medium;
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
    /// A player may start here: the frame's own [`Frame::random_access`], of the first track.
    pub random_access: bool,
    /// What a player must understand.
    pub need: Need,
    /// The frame's payload, a configuration record, or script data.
    pub payload: Bytes,
    header: Header,
}

impl Message {
    /// What stands before the payload: at most 10 bytes, none for script data.
    pub fn header(&self) -> &[u8] {
        self.header.bytes()
    }

    /// Bytes of the whole body.
    pub fn body_bytes(&self) -> usize {
        self.header().len() + self.payload.len()
    }

    /// The whole body in one piece; copies the payload.
    pub fn to_body(&self) -> Bytes {
        let mut body = BytesMut::with_capacity(self.body_bytes());
        body.extend_from_slice(self.header());
        body.extend_from_slice(&self.payload);
        body.freeze()
    }
}

/// What a player of those abilities must have before the first frame of `tracks`: `onMetaData`
/// and the sequence headers, in this order, stamped `at`.
pub fn preface(tracks: &Tracks, at: Ticks90k, abilities: Abilities) -> Vec<Message> {
    let timestamp_ms = wire_ms(at);
    let understood =
        |track: &&Track| Place::of(tracks, track).is_some_and(|place| abilities.meet(place.need()));
    let list: Vec<Track> = tracks.list.iter().filter(understood).cloned().collect();
    let told = Tracks { list };
    let mut messages = vec![Message {
        kind: Kind::Data,
        timestamp_ms,
        random_access: false,
        need: Need::Nothing,
        payload: on_metadata(&told),
        header: Header::default(),
    }];
    let firsts = [Medium::Video, Medium::Audio]
        .into_iter()
        .flat_map(|medium| {
            let of_kind = move |track: &&Track| track.codec.medium() == medium;
            told.list.iter().filter(of_kind)
        });
    for track in firsts {
        let Some(place) = Place::of(tracks, track) else {
            continue;
        };
        let (kind, header) = match place.coding {
            Coding::Video(codec) => (Kind::Video, VideoTag::config_header(codec, place.number)),
            Coding::Audio(codec) => (Kind::Audio, AudioTag::config_header(codec, place.number)),
        };
        messages.push(Message {
            kind,
            timestamp_ms,
            random_access: false,
            need: place.need(),
            payload: track.codec.config().clone(),
            header,
        });
    }
    messages
}

/// Turns frames into tag bodies, one to one.
///
/// A player needs [`preface`] of a frame's tracks before it, at the start and whenever the
/// tracks change; who plays sends it, since each player starts elsewhere. What the message says
/// it needs, not every player has: H.264 and AAC, one track each, are what all understand. What
/// FLV has no place for at all is left out.
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
        match Place::of(&frame.tracks, track) {
            Some(place) => out.push(message(place, frame)),
            None => self.refuse(track),
        }
    }

    fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }
}

impl Muxer {
    fn refuse(&mut self, track: &Track) {
        if self.refused.insert(track.id) {
            self.complaints.push(format!(
                "track {} ({}) has no place in FLV",
                track.id.0,
                track.codec.name()
            ));
        }
    }
}

/// How a track stands in FLV.
#[derive(Clone, Copy)]
struct Place {
    coding: Coding,
    /// Among those of its kind, in the order of the source.
    number: u8,
}

#[derive(Clone, Copy)]
enum Coding {
    Video(VideoCodec),
    Audio(AudioCodec),
}

impl Place {
    fn of(tracks: &Tracks, track: &Track) -> Option<Self> {
        let coding = match &track.codec {
            Codec::H264 { .. } => Coding::Video(VideoCodec::Avc),
            Codec::Hevc { .. } => Coding::Video(VideoCodec::Hevc),
            Codec::Av1 { .. } => Coding::Video(VideoCodec::Av1),
            Codec::Vp9 { .. } => Coding::Video(VideoCodec::Vp9),
            Codec::Aac { .. } => Coding::Audio(AudioCodec::Aac),
            Codec::Opus { .. } => Coding::Audio(AudioCodec::Opus),
            Codec::Mjpeg { .. } | Codec::Scte35 | Codec::Id3 | Codec::Klv => return None,
        };
        let medium = track.codec.medium();
        let alike = tracks
            .list
            .iter()
            .filter(|other| other.codec.medium() == medium);
        let before = alike.take_while(|other| other.id != track.id).count();
        Some(Self {
            coding,
            number: u8::try_from(before).ok()?,
        })
    }

    const fn need(self) -> Need {
        let fourcc = match self.coding {
            Coding::Video(codec) => codec.fourcc(),
            Coding::Audio(codec) => codec.fourcc(),
        };
        match (self.number, fourcc) {
            (0, FourCc::Avc1 | FourCc::Mp4a) => Need::Nothing,
            (0, _) => Need::FourCc(fourcc),
            _ => Need::Track(fourcc),
        }
    }
}

fn message(place: Place, frame: &Frame) -> Message {
    let (kind, header) = match place.coding {
        Coding::Video(codec) => {
            // Of the rounded stamps: so rounding does not add up over both.
            let composition_ms = frame.pts.as_ms() - frame.dts.as_ms();
            let key = frame.random_access;
            let header = VideoTag::frame_header(codec, place.number, key, composition_ms);
            (Kind::Video, header)
        }
        Coding::Audio(codec) => (Kind::Audio, AudioTag::frame_header(codec, place.number)),
    };
    Message {
        kind,
        timestamp_ms: wire_ms(frame.dts),
        random_access: frame.random_access && place.number == 0,
        need: place.need(),
        payload: frame.payload.clone(),
        header,
    }
}

/// Milliseconds modulo 2^32. Times before zero would look like the far end of the clock to a
/// player, and are stamped 0.
const fn wire_ms(time: Ticks90k) -> u32 {
    let ms = time.as_ms();
    if ms < 0 { 0 } else { ms as u32 }
}
