//! Packets of a session to frames of a source: order, payloads, one timeline, decoding times.

use super::tracks;
use ::rtsp::rtp::clock::Clock;
use ::rtsp::rtp::reorder::Reorder;
use ::rtsp::rtp::{Packet, rtcp};
use ::rtsp::sdp;
use bytes::Bytes;
use hub::Source;
use media::rtp::{Unit, Unpacker};
use media::timeline::{Counters, DecodingOrder, Timeline};
use media::{Codec, Frame, Ticks90k, Track, TrackId, Tracks};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long pictures may keep what they are coded with to themselves, before the rest goes on
/// without them.
const HEADER_WAIT: Duration = Duration::from_secs(2);

/// None of the tracks can be taken.
#[derive(Debug, thiserror::Error)]
#[error(
    "no track of {0} can be taken; known over RTSP are H264, H265, MPEG4-GENERIC (AAC-hbr), MP4A-LATM (cpresent=0) and opus"
)]
pub(super) struct Unsupported(String);

/// What turns a peer's packets into frames.
pub(super) struct Intake {
    start: Instant,
    lines: Vec<Option<Line>>,
    clock: Clock,
    timeline: Timeline,
    repaired_dts: u64,
    /// `None` until the codecs of all lines are known, or were waited for.
    tracks: Option<Arc<Tracks>>,
    frames: Vec<Frame>,
    packets: Vec<Packet>,
    units: Vec<Unit>,
}

struct Line {
    payload_type: u8,
    reorder: Reorder,
    unpacker: Unpacker,
    order: DecodingOrder,
    /// The sequence number after the last one.
    next: Option<u16>,
    /// What the tracks in force say.
    codec: Option<Codec>,
}

impl Intake {
    /// For the tracks of a description. Those that are not known here are left out.
    pub(super) fn new(now: Instant, described: &[sdp::Track]) -> Result<Self, Unsupported> {
        let line = |track: &sdp::Track| {
            let unpacker = tracks::unpacker(track)?;
            Some(Line {
                payload_type: track.payload_type,
                reorder: Reorder::default(),
                unpacker,
                order: DecodingOrder::default(),
                next: None,
                codec: None,
            })
        };
        let lines: Vec<_> = described.iter().map(line).collect();
        if lines.iter().all(Option::is_none) {
            let names: Vec<_> = described
                .iter()
                .map(|track| track.encoding.as_str())
                .collect();
            return Err(Unsupported(names.join(", ")));
        }
        Ok(Self {
            start: now,
            lines,
            clock: Clock::new(described.iter().map(|track| track.clock_hz)),
            timeline: Timeline::default(),
            repaired_dts: 0,
            tracks: None,
            frames: Vec::new(),
            packets: Vec::new(),
            units: Vec::new(),
        })
    }

    /// Whether packets of that track are understood.
    pub(super) fn wants(&self, track: usize) -> bool {
        self.lines.get(track).is_some_and(Option::is_some)
    }

    /// Takes an RTP or RTCP packet; what makes no sense is left out.
    pub(super) fn take(&mut self, now: Instant, track: usize, rtcp: bool, packet: Bytes) {
        if rtcp {
            let since = now.saturating_duration_since(self.start);
            for report in rtcp::parse(&packet).0 {
                self.clock.report(track, &report, since);
            }
            return;
        }
        let Some(Some(line)) = self.lines.get_mut(track) else {
            return;
        };
        let Ok(packet) = Packet::parse(packet) else {
            return;
        };
        if packet.header.payload_type == line.payload_type {
            line.reorder.push(now, packet, &mut self.packets);
            self.unpack(now, track);
        }
    }

    /// When [`Intake::handle_timeout`] is to be called.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let lines = self.lines.iter().flatten();
        lines.filter_map(|line| line.reorder.poll_timeout()).min()
    }

    /// Gives up packets that were waited for long enough.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        for track in 0..self.lines.len() {
            if let Some(Some(line)) = self.lines.get_mut(track) {
                line.reorder.handle_timeout(now, &mut self.packets);
            }
            self.unpack(now, track);
        }
    }

    /// Pushes what has come of it: one wake-up of the readers.
    pub(super) fn push_into(&mut self, source: &mut Source) {
        source.note_stamps(self.stamps());
        source.push_frames(self.frames.drain(..));
    }

    /// Each mark of this timeline is a jump: drift is followed by sender reports.
    fn stamps(&self) -> Counters {
        let marks = self.timeline.epoch().into();
        Counters {
            jumps: marks,
            wraps: self.clock.wraps(),
            repaired_dts: self.repaired_dts,
            drifts: self.clock.drifts(),
            drift_ms: Ticks90k(self.clock.moved()).as_ms(),
            discontinuities: marks,
        }
    }

    /// Packets that never came.
    pub(super) fn lost(&self) -> u64 {
        let lines = self.lines.iter().flatten();
        lines.map(|line| line.reorder.lost()).sum()
    }

    /// Packets in order to units to frames.
    fn unpack(&mut self, now: Instant, track: usize) {
        let Some(Some(line)) = self.lines.get_mut(track) else {
            return;
        };
        for packet in self.packets.drain(..) {
            line.unpack(&packet, &mut self.units);
        }
        let mut units = std::mem::take(&mut self.units);
        for unit in units.drain(..) {
            self.frame(now, track, unit);
        }
        self.units = units;
    }

    fn frame(&mut self, now: Instant, index: usize, unit: Unit) {
        let since = now.saturating_duration_since(self.start);
        let Some(placed) = self.clock.place(index, unit.timestamp, since) else {
            return;
        };
        let tracks = self.adopt(since);
        let Some(Some(line)) = self.lines.get_mut(index) else {
            return;
        };
        let track = TrackId(index as u8); // a description has at most 16
        let Some(known) = tracks.as_ref().and_then(|tracks| tracks.get(track)) else {
            return;
        };
        let video = known.codec.is_video();
        let pts = Ticks90k(placed);
        let dts = if video { line.order.place(pts) } else { pts };
        self.repaired_dts += u64::from(dts != pts);
        let repaired = self.timeline.repair(track, dts);
        let has_video = tracks
            .as_ref()
            .is_some_and(|tracks| tracks.video().is_some());
        self.frames.push(Frame {
            track,
            dts: repaired.time,
            pts: pts + repaired.offset,
            random_access: unit.random_access && (video || !has_video),
            epoch: repaired.epoch,
            payload: unit.payload,
            tracks: tracks.unwrap_or_default(),
        });
    }

    /// The tracks in force: made anew when a codec became known or changed.
    fn adopt(&mut self, since: Duration) -> Option<Arc<Tracks>> {
        let lines = || self.lines.iter().flatten();
        let complete = lines().all(|line| line.unpacker.codec().is_some());
        if self.tracks.is_none() && !complete && since < HEADER_WAIT {
            return None;
        }
        let changed = lines().any(|line| line.unpacker.codec() != line.codec.as_ref());
        if changed {
            for line in self.lines.iter_mut().flatten() {
                line.adopt();
            }
            let lines = self.lines.iter().enumerate();
            let list = lines.filter_map(|(index, line)| {
                let codec = line.as_ref()?.codec.clone()?;
                Some(Track {
                    id: TrackId(index as u8),
                    codec,
                    language: None,
                })
            });
            let list = list.collect();
            self.tracks = Some(Arc::new(Tracks { list }));
        }
        self.tracks.clone()
    }
}

impl Line {
    fn unpack(&mut self, packet: &Packet, out: &mut Vec<Unit>) {
        let header = packet.header;
        if self.next.is_some_and(|next| next != header.sequence) {
            self.unpacker.lost();
        }
        self.next = Some(header.sequence.wrapping_add(1));
        self.unpacker
            .push(header.timestamp, header.marker, &packet.payload, out);
    }

    fn adopt(&mut self) {
        let codec = self.unpacker.codec();
        if codec == self.codec.as_ref() {
            return;
        }
        self.codec = codec.cloned();
        if let Some(codec) = &self.codec {
            self.order.configure(codec);
        }
    }
}
