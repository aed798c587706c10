//! RTP packets from frames: made once, written by every player's socket as they are.
//!
//! Sequence numbers, timestamps and sources are the same for all players; who comes later begins
//! in the midst of them.

mod describe;

use crate::forms::{RtpPackets, RtpSession};
use bytes::{BufMut, Bytes, BytesMut};
use media::rtp::{Packer, Piece};
use media::{Codec, Convert, Frame, Ticks90k, TrackId, Tracks};
use model::StreamName;
use rtsp::message::{FRAME_HEADER_BYTES, frame};
use rtsp::rtp::rtcp::{Ntp, SenderReport};
use rtsp::rtp::{HEADER_BYTES, Header};
use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::SystemTime;

/// The first dynamic payload type (RFC 3551 §3).
const PAYLOAD_TYPE: u8 = 96;

/// How long a player may have to wait for the next sender reports.
const REPORT_EVERY: Ticks90k = Ticks90k(5 * 90_000);

/// Where every frame is a random access point, reports go before one of so many.
const REPORT_PAUSE: Ticks90k = Ticks90k(90_000);

/// Packs frames and gives each packet its header.
pub(crate) struct Encoder {
    /// Makes sources and first sequence numbers that nobody can guess (RFC 3550 §5.1).
    seeds: RandomState,
    name: StreamName,
    /// The tracks that the lines were made of.
    tracks: Arc<Tracks>,
    session: Arc<RtpSession>,
    lines: Vec<Line>,
    /// The wall's time at one point of the timeline.
    anchor: Option<(SystemTime, Ticks90k)>,
    reported: Option<Ticks90k>,
    pieces: Vec<Piece>,
    said: HashSet<&'static str>,
    complaints: Vec<String>,
}

/// One track on its way.
struct Line {
    id: TrackId,
    codec: Codec,
    packer: Packer,
    clock_hz: u32,
    ssrc: u32,
    sequence: u16,
    /// Added to every timestamp.
    offset: u32,
    /// Without the offset: of the next access unit, if it follows the last.
    expected: Option<u32>,
    packets: u32,
    bytes: u32,
}

impl Encoder {
    pub(crate) fn new(name: &StreamName) -> Self {
        Self {
            seeds: RandomState::new(),
            name: name.clone(),
            tracks: Arc::default(),
            session: Arc::default(),
            lines: Vec::new(),
            anchor: None,
            reported: None,
            pieces: Vec::new(),
            said: HashSet::new(),
            complaints: Vec::new(),
        }
    }

    /// Lines for new tracks. A track that goes on, with other parameters at most, keeps its line.
    fn adopt(&mut self, tracks: &Arc<Tracks>) {
        self.tracks = tracks.clone();
        let mut before = std::mem::take(&mut self.lines);
        for track in tracks.list.iter().take(rtsp::sdp::MAX_TRACKS) {
            let packer = match Packer::new(&track.codec) {
                Ok(Some(packer)) => packer,
                Ok(None) => {
                    self.complain(track.codec.name());
                    continue;
                }
                Err(_) => continue,
            };
            let clock_hz = media::rtp::clock_hz(&track.codec).unwrap_or(90_000);
            let known = before.iter().position(|line| {
                let same = line.codec.name() == track.codec.name();
                line.id == track.id && same && line.clock_hz == clock_hz
            });
            let line = match known {
                Some(at) => Line {
                    codec: track.codec.clone(),
                    packer,
                    ..before.swap_remove(at)
                },
                None => self.begin(track.id, &track.codec, packer, clock_hz),
            };
            self.lines.push(line);
        }
        let lines = self.lines.iter().enumerate();
        let described = lines.map(|(index, line)| {
            describe::track(
                index,
                PAYLOAD_TYPE + index as u8,
                &line.codec,
                line.clock_hz,
            )
        });
        self.session = Arc::new(RtpSession {
            tracks: described.collect(),
            ssrcs: self.lines.iter().map(|line| line.ssrc).collect(),
        });
        self.reported = None;
    }

    fn begin(&self, id: TrackId, codec: &Codec, packer: Packer, clock_hz: u32) -> Line {
        let seed = self.seeds.hash_one((&self.name, id.0, self.packets()));
        Line {
            id,
            codec: codec.clone(),
            packer,
            clock_hz,
            ssrc: (seed >> 32) as u32,
            sequence: seed as u16,
            offset: seed as u32,
            expected: None,
            packets: 0,
            bytes: 0,
        }
    }

    fn packets(&self) -> u32 {
        let lines = self.lines.iter().map(|line| line.packets);
        lines.fold(0, u32::wrapping_add)
    }

    fn complain(&mut self, codec: &'static str) {
        if self.said.insert(codec) {
            self.complaints.push(format!(
                "{codec} has no RTP payload format here and is left out over RTSP"
            ));
        }
    }

    /// Whether reports are due before a frame.
    fn reports_due(&self, frame: &Frame) -> bool {
        self.reported.is_none_or(|last| {
            let since = frame.dts - last;
            let sound_only = self.tracks.video().is_none();
            since >= REPORT_EVERY
                || since < Ticks90k::ZERO
                || (frame.random_access && (!sound_only || since >= REPORT_PAUSE))
        })
    }

    fn report(&mut self, now: SystemTime, frame: &Frame, out: &mut BytesMut) {
        let (wall, zero) = *self.anchor.get_or_insert((now, frame.dts));
        let since = frame.dts - zero;
        let at = match since >= Ticks90k::ZERO {
            true => wall + since.as_duration(),
            false => wall - (Ticks90k::ZERO - since).as_duration(),
        };
        for (index, line) in self.lines.iter().enumerate() {
            let report = SenderReport {
                ssrc: line.ssrc,
                ntp: Ntp::of(at),
                timestamp: line.timestamp(frame.dts).wrapping_add(line.offset),
                packets: line.packets,
                bytes: line.bytes,
            };
            out.put_slice(&frame_of(2 * index + 1, SenderReport::BYTES));
            report.write(out);
        }
        self.reported = Some(frame.dts);
    }
}

impl Convert for Encoder {
    type In = Frame;
    type Out = RtpPackets;

    fn convert(&mut self, now: SystemTime, frame: &Frame, out: &mut Vec<RtpPackets>) {
        if !Arc::ptr_eq(&self.tracks, &frame.tracks) {
            self.adopt(&frame.tracks);
        }
        let Some(track) = self.lines.iter().position(|line| line.id == frame.track) else {
            return;
        };
        let mut wire = BytesMut::new();
        if self.reports_due(frame) {
            self.report(now, frame, &mut wire);
        }
        let Some(line) = self.lines.get_mut(track) else {
            return;
        };
        line.packer.pack(frame, &mut self.pieces);
        line.write(track, frame, &self.pieces, &mut wire);
        self.pieces.clear();
        if wire.is_empty() {
            return;
        }
        out.push(RtpPackets {
            session: self.session.clone(),
            track,
            wire: Bytes::from(wire),
            random_access: frame.random_access,
            can_wait: !line.codec.is_video() && !frame.random_access,
        });
    }

    fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }
}

impl Line {
    /// A time in units of the track's clock, without the offset.
    fn timestamp(&self, time: Ticks90k) -> u32 {
        (i128::from(time.0) * i128::from(self.clock_hz)).div_euclid(90_000) as u32
    }

    /// As [`Line::timestamp`]; sound that follows what went before follows it to the sample.
    fn next_timestamp(&mut self, frame: &Frame) -> u32 {
        let exact = self.timestamp(frame.pts);
        let near = |expected: &u32| {
            let apart = exact.wrapping_sub(*expected) as i32;
            apart.unsigned_abs() <= self.clock_hz / 1000
        };
        let timestamp = self.expected.filter(near).unwrap_or(exact);
        let lasts = media::rtp::duration(&self.codec, &frame.payload);
        self.expected = lasts.map(|lasts| timestamp.wrapping_add(lasts));
        timestamp.wrapping_add(self.offset)
    }

    fn write(&mut self, track: usize, frame: &Frame, pieces: &[Piece], out: &mut BytesMut) {
        let timestamp = self.next_timestamp(frame);
        let overhead = FRAME_HEADER_BYTES + HEADER_BYTES;
        out.reserve(pieces.iter().map(|piece| overhead + piece.bytes()).sum());
        for piece in pieces {
            let header = Header {
                marker: piece.marker,
                payload_type: PAYLOAD_TYPE + track as u8,
                sequence: self.sequence,
                timestamp,
                ssrc: self.ssrc,
            };
            out.put_slice(&frame_of(2 * track, HEADER_BYTES + piece.bytes()));
            header.write(out);
            out.put_slice(piece.head());
            out.put_slice(&piece.body);
            self.sequence = self.sequence.wrapping_add(1);
            self.packets = self.packets.wrapping_add(1);
            self.bytes = self.bytes.wrapping_add(piece.bytes() as u32);
        }
    }
}

/// The header of an interleaved packet; tracks and payloads are bounded far below its fields.
const fn frame_of(channel: usize, bytes: usize) -> [u8; FRAME_HEADER_BYTES] {
    frame(channel as u8, bytes as u16)
}

#[cfg(test)]
mod tests;
