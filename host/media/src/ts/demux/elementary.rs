//! One elementary stream of the program.

use super::assembler::{Assembler, Pes};
use super::audio::{AudioFrame, AudioUnits};
use super::video::VideoUnits;
use super::{data, opus};
use crate::TrackId;
use crate::codec::CodecError;
use crate::codec::scte35;
use crate::frame::Codec;
use crate::ts::packet::Packet;
use crate::ts::psi::{PmtStream, Sections, StreamKind};
use bytes::Bytes;

/// The longest PES packet that is put together: a very large intra picture.
const MAX_VIDEO_BYTES: usize = 8 << 20;
/// And of sound, whose PES packets have no open length (ISO/IEC 13818-1 §2.4.3.7), but in the
/// field sometimes do.
const MAX_AUDIO_BYTES: usize = 256 << 10;
/// And of metadata, whose PES packets always say their length.
const MAX_DATA_BYTES: usize = 64 << 10;

/// A stream that has a place in `Frames`: its PES in work, its units, its configuration.
#[derive(Debug)]
pub(super) struct Elementary {
    pub(super) stream: PmtStream,
    pub(super) track: TrackId,
    /// Once seen in the stream.
    pub(super) codec: Option<Codec>,
    assembler: Assembler,
    damaged_seen: u64,
    units: Units,
}

#[derive(Debug)]
enum Units {
    Video(VideoUnits),
    Audio(AudioUnits),
    Opus,
    Data,
    Sections(Sections),
}

/// One access unit, placed relative to its PES packet.
pub(super) struct Unit {
    pub(super) payload: Bytes,
    pub(super) random_access: bool,
    /// 90 kHz ticks after the stamp of the PES packet; may be negative.
    pub(super) after: i64,
}

impl Elementary {
    /// None if the kind has no place in `Frames`.
    pub(super) fn new(stream: &PmtStream, track: TrackId) -> Option<Self> {
        let codec = match stream.kind {
            StreamKind::Opus(code) => Some(opus::codec(code).ok()?),
            StreamKind::Scte35 => Some(Codec::Scte35),
            StreamKind::Id3 => Some(Codec::Id3),
            StreamKind::Klv | StreamKind::KlvCells => Some(Codec::Klv),
            _ => None,
        };
        let units = match stream.kind {
            StreamKind::H264 | StreamKind::Hevc => Units::Video(VideoUnits::new(stream.kind)),
            StreamKind::AacAdts => Units::Audio(AudioUnits::default()),
            StreamKind::Opus(_) => Units::Opus,
            StreamKind::Scte35 => Units::Sections(Sections::default()),
            StreamKind::Id3 | StreamKind::Klv | StreamKind::KlvCells => Units::Data,
            StreamKind::AacLatm | StreamKind::Other(_) => return None,
        };
        Some(Self {
            stream: stream.clone(),
            track,
            codec,
            assembler: Assembler::default(),
            damaged_seen: 0,
            units,
        })
    }

    /// The same stream, as another PMT announces it.
    pub(super) fn announced(self, stream: &PmtStream, track: TrackId) -> Self {
        Self {
            stream: stream.clone(),
            track,
            ..self
        }
    }

    /// Whether it is metadata, for which nobody waits.
    pub(super) const fn is_data(&self) -> bool {
        self.stream.kind.is_data()
    }

    /// Holds no more than `max_bytes` of a PES packet, and no more than its kind needs.
    pub(super) fn bound(&mut self, max_bytes: usize) {
        let needed = match self.units {
            Units::Video(_) => MAX_VIDEO_BYTES,
            Units::Audio(_) | Units::Opus => MAX_AUDIO_BYTES,
            Units::Data | Units::Sections(_) => MAX_DATA_BYTES,
        };
        self.assembler.bound(needed.min(max_bytes));
    }

    /// Takes a packet of a PID that carries sections; gives those that end with it and are
    /// splice information, undamaged.
    pub(super) fn sections(&mut self, packet: Packet<'_>) -> Vec<Bytes> {
        let mut whole = Vec::new();
        if let Units::Sections(sections) = &mut self.units {
            sections.push(packet, |section| {
                if scte35::check(section).is_ok() {
                    whole.push(Bytes::copy_from_slice(section));
                }
            });
        }
        whole
    }

    /// Takes a packet of its PID; gives the PES packets that end with it.
    pub(super) fn push(&mut self, packet: Packet<'_>) -> [Option<Pes>; 2] {
        let done = self.assembler.push(packet);
        self.note_damage();
        done
    }

    /// Ends the PES packet in work.
    pub(super) fn finish(&mut self) -> Option<Pes> {
        let done = self.assembler.finish();
        self.note_damage();
        done
    }

    /// PES packets dropped because part of them was lost.
    pub(super) const fn damaged(&self) -> u64 {
        self.assembler.damaged()
    }

    /// Cuts a PES packet into access units. True beside them if the configuration changed.
    ///
    /// # Errors
    /// If a configuration cannot be used; what came before stays in force.
    pub(super) fn units(
        &mut self,
        pes: Pes,
        out: &mut Vec<Unit>,
    ) -> (bool, Result<(), CodecError>) {
        let before = self.codec.clone();
        let result = match &mut self.units {
            Units::Video(units) => units
                .convert(&pes.payload, pes.indicated, &mut self.codec)
                .map(|unit| {
                    out.extend(unit.map(|unit| Unit {
                        payload: unit.payload,
                        random_access: unit.random_access,
                        after: 0,
                    }));
                }),
            Units::Audio(units) => {
                let mut frames = Vec::new();
                let result = units.convert(pes.payload, &mut self.codec, &mut frames);
                out.extend(
                    frames
                        .into_iter()
                        .map(|AudioFrame { payload, after }| Unit {
                            payload,
                            random_access: false,
                            after,
                        }),
                );
                result
            }
            Units::Opus => opus::cut(&pes.payload, out),
            Units::Data | Units::Sections(_) => {
                let units = data::cut(self.stream.kind, &pes.payload);
                out.extend(units.into_iter().map(|payload| Unit {
                    payload,
                    random_access: false,
                    after: 0,
                }));
                Ok(())
            }
        };
        (self.codec != before, result)
    }

    fn note_damage(&mut self) {
        let damaged = self.assembler.damaged();
        if std::mem::replace(&mut self.damaged_seen, damaged) != damaged
            && let Units::Audio(units) = &mut self.units
        {
            units.reset();
        }
    }
}
