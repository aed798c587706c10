//! RTMP messages from frames: encoded once, written by every player's socket as they are.

use crate::forms::{Preface, RtmpMessage};
use bytes::{Buf, Bytes};
use media::flv;
use media::{Convert, Frame, Ticks90k, Tracks};
use rtmp::wire;
use std::sync::Arc;
use std::time::SystemTime;

/// Muxes frames to FLV bodies and those to chunks.
#[derive(Default)]
pub(crate) struct Encoder {
    muxer: flv::Muxer,
    made: Vec<flv::Message>,
    /// The tracks the preface was made of.
    tracks: Arc<Tracks>,
    preface: Arc<Preface>,
    too_long: bool,
}

impl Convert for Encoder {
    type In = Frame;
    type Out = RtmpMessage;

    fn convert(&mut self, now: SystemTime, frame: &Frame, out: &mut Vec<RtmpMessage>) {
        if !Arc::ptr_eq(&self.tracks, &frame.tracks) {
            if *self.tracks != *frame.tracks {
                self.preface = Arc::new(Preface {
                    tracks: frame.tracks.clone(),
                });
            }
            self.tracks = frame.tracks.clone();
        }
        self.muxer.convert(now, frame, &mut self.made);
        for message in self.made.drain(..) {
            match encode(&message, message.timestamp_ms) {
                Ok(wire) => out.push(RtmpMessage {
                    preface: self.preface.clone(),
                    timestamp_ms: message.timestamp_ms,
                    wire,
                    need: message.need,
                    random_access: message.random_access,
                    can_wait: message.kind == flv::Kind::Audio && !message.random_access,
                }),
                Err(_) => self.too_long = true,
            }
        }
    }

    fn complaints(&mut self) -> Vec<String> {
        let mut complaints = self.muxer.complaints();
        if std::mem::take(&mut self.too_long) {
            complaints.push("an access unit above 16 MiB cannot be sent over RTMP".to_owned());
        }
        complaints
    }
}

impl Preface {
    /// The messages, for who has to wrap them in its own way.
    pub fn messages(&self, abilities: flv::Abilities) -> Vec<flv::Message> {
        // Who sends them stamps them.
        flv::preface(&self.tracks, Ticks90k::ZERO, abilities)
    }

    /// The wire form, stamped for a player that starts at `timestamp_ms`.
    pub fn wire(&self, timestamp_ms: u32, abilities: flv::Abilities) -> Bytes {
        let messages = self.messages(abilities);
        let messages = messages.iter();
        let encoded = messages.filter_map(|message| encode(message, timestamp_ms).ok());
        encoded.flatten().collect()
    }
}

fn encode(message: &flv::Message, timestamp_ms: u32) -> Result<Bytes, wire::Error> {
    let kind = match message.kind {
        flv::Kind::Audio => rtmp::message::Kind::Audio,
        flv::Kind::Video => rtmp::message::Kind::Video,
        flv::Kind::Data => rtmp::message::Kind::DataAmf0,
    };
    let body = message.header().chain(&message.payload[..]);
    wire::encode_message(kind, timestamp_ms, wire::STREAM_ID, body, wire::CHUNK_SIZE)
}
