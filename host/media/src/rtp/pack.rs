//! Frames to payloads.

use super::nal::{Head, Kind};
use super::{MAX_PAYLOAD_BYTES, aac};
use crate::codec::nal::{LengthSize, length_prefixed};
use crate::codec::{CodecError, h264, hevc};
use crate::{Codec, Frame};
use bytes::Bytes;

/// One packet's payload: some bytes before a slice of the frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    head: Head,
    /// What follows [`Piece::head`]; shares the frame's memory.
    pub body: Bytes,
    /// The packet's marker bit.
    pub marker: bool,
}

impl Piece {
    const fn whole(body: Bytes) -> Self {
        let head = Head {
            bytes: [0; 4],
            len: 0,
        };
        let marker = false;
        Self { head, body, marker }
    }

    /// What stands before the body.
    pub fn head(&self) -> &[u8] {
        self.head
            .bytes
            .get(..usize::from(self.head.len))
            .unwrap_or_default()
    }

    /// Of the payload.
    pub fn bytes(&self) -> usize {
        usize::from(self.head.len) + self.body.len()
    }
}

/// Makes the payloads of one track.
#[derive(Debug)]
pub struct Packer(Format);

#[derive(Debug)]
enum Format {
    /// With the payloads of the parameter sets, which go before every random access point.
    Nal(Kind, Vec<Piece>),
    Aac,
    Opus,
}

impl Packer {
    /// For frames of that codec; `None` if it has no payload format here.
    ///
    /// # Errors
    /// When the codec's configuration does not parse.
    pub fn new(codec: &Codec) -> Result<Option<Self>, CodecError> {
        Ok(Some(Self(match codec {
            Codec::H264 { config, .. } => {
                let config = h264::DecoderConfig::parse(config)?;
                let sets = [config.sps, config.pps].concat();
                Format::Nal(Kind::H264, parameter_sets(Kind::H264, &sets))
            }
            Codec::Hevc { config, .. } => {
                let config = hevc::DecoderConfig::parse(config)?;
                let sets = [config.vps, config.sps, config.pps].concat();
                Format::Nal(Kind::Hevc, parameter_sets(Kind::Hevc, &sets))
            }
            Codec::Aac { .. } => Format::Aac,
            Codec::Opus { .. } => Format::Opus,
            _ => return Ok(None),
        })))
    }

    /// Appends the payloads of a frame; nothing if it is empty or cannot be carried.
    pub fn pack(&self, frame: &Frame, out: &mut Vec<Piece>) {
        let before = out.len();
        match &self.0 {
            Format::Nal(kind, sets) => {
                if frame.random_access {
                    out.extend_from_slice(sets);
                }
                let units = length_prefixed(&frame.payload, LengthSize::Four);
                for nal in units.map_while(Result::ok) {
                    split(*kind, &frame.payload.slice_ref(nal), out);
                }
            }
            Format::Aac if frame.payload.len() <= aac::MAX_UNIT_BYTES => {
                let head = aac::head(frame.payload.len());
                for body in parts(&frame.payload, MAX_PAYLOAD_BYTES - usize::from(head.len)) {
                    let marker = false;
                    out.push(Piece { head, body, marker });
                }
            }
            Format::Opus if frame.payload.len() <= usize::from(u16::MAX) / 2 => {
                out.push(Piece::whole(frame.payload.clone()));
            }
            Format::Aac | Format::Opus => {}
        }
        // Of Opus the bit says that somebody began to talk (RFC 7587 §4.1).
        if !matches!(self.0, Format::Opus)
            && out.len() > before
            && let Some(last) = out.last_mut()
        {
            last.marker = true;
        }
    }
}

fn parts(payload: &Bytes, room: usize) -> impl Iterator<Item = Bytes> {
    let starts = (0..payload.len()).step_by(room.max(1));
    starts.map(move |from| payload.slice(from..(from + room).min(payload.len())))
}

fn parameter_sets(kind: Kind, sets: &[Bytes]) -> Vec<Piece> {
    let slices: Vec<&[u8]> = sets.iter().map(Bytes::as_ref).collect();
    if let Some(together) = kind.aggregate(&slices, MAX_PAYLOAD_BYTES) {
        return vec![Piece::whole(together)];
    }
    let mut pieces = Vec::new();
    for set in sets {
        split(kind, set, &mut pieces);
    }
    pieces
}

fn split(kind: Kind, nal: &Bytes, out: &mut Vec<Piece>) {
    if nal.len() <= MAX_PAYLOAD_BYTES {
        return out.push(Piece::whole(nal.clone()));
    }
    let fragments = kind.fragments(nal, MAX_PAYLOAD_BYTES).into_iter();
    out.extend(fragments.map(|(head, body)| Piece {
        head,
        body,
        marker: false,
    }));
}
