//! What enhanced RTMP adds (Veovera, "Enhanced RTMP", v1 and v2): FourCCs instead of codec
//! numbers, several tracks in a message, and what a peer says that it understands.

use super::{FlvError, fourcc_name};
use bytes::Bytes;

/// Tracks of one message; nobody sends a camera wall in one.
const MAX_TRACKS: usize = 32;
/// Modifiers before a packet.
const MAX_MODIFIERS: usize = 8;
/// `VideoPacketType.ModEx` and `AudioPacketType.ModEx`.
const MOD_EX: u8 = 7;

/// `AvMultitrackType`.
const ONE_TRACK: u8 = 0;
const MANY_TRACKS: u8 = 1;
const MANY_TRACKS_MANY_CODECS: u8 = 2;

/// A codec that has a FourCC, and a place in FLV.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FourCc {
    /// H.264.
    Avc1,
    /// H.265.
    Hvc1,
    /// AV1.
    Av01,
    /// VP9.
    Vp09,
    /// AAC.
    Mp4a,
    /// Opus.
    Opus,
}

impl FourCc {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Avc1,
        Self::Hvc1,
        Self::Av01,
        Self::Vp09,
        Self::Mp4a,
        Self::Opus,
    ];

    /// Its four characters.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Avc1 => "avc1",
            Self::Hvc1 => "hvc1",
            Self::Av01 => "av01",
            Self::Vp09 => "vp09",
            Self::Mp4a => "mp4a",
            Self::Opus => "Opus",
        }
    }

    /// Its four bytes.
    pub(super) const fn bytes(self) -> [u8; 4] {
        match self {
            Self::Avc1 => *b"avc1",
            Self::Hvc1 => *b"hvc1",
            Self::Av01 => *b"av01",
            Self::Vp09 => *b"vp09",
            Self::Mp4a => *b"mp4a",
            Self::Opus => *b"Opus",
        }
    }

    /// `None` for what has no place in frames.
    pub(super) fn of(bytes: [u8; 4]) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.bytes() == bytes)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// What a peer must understand to take a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Need {
    /// FLV as Adobe left it: H.264 and AAC, one track each.
    #[default]
    Nothing,
    /// That FourCC.
    FourCc(FourCc),
    /// Several tracks, and that FourCC.
    Track(FourCc),
}

/// What a peer understands, by its `connect` or the answer to ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Abilities {
    fourccs: u8,
    multitrack: bool,
}

impl Abilities {
    /// Of a peer that announced nothing: FLV as Adobe left it.
    pub const NONE: Self = Self {
        fourccs: 0,
        multitrack: false,
    };

    /// All there is.
    pub const ALL: Self = Self {
        fourccs: u8::MAX,
        multitrack: true,
    };

    /// Of a peer that takes those FourCCs, and perhaps several tracks.
    pub fn new(takes: impl Fn(FourCc) -> bool, multitrack: bool) -> Self {
        let known = FourCc::ALL.into_iter().filter(|fourcc| takes(*fourcc));
        Self {
            fourccs: known.fold(0, |all, fourcc| all | fourcc.bit()),
            multitrack,
        }
    }

    /// Whether a message of that need is understood.
    pub const fn meet(self, need: Need) -> bool {
        match need {
            Need::Nothing => true,
            Need::FourCc(fourcc) => self.fourccs & fourcc.bit() != 0,
            Need::Track(fourcc) => self.multitrack && self.fourccs & fourcc.bit() != 0,
        }
    }
}

/// The body of an enhanced tag behind its first byte, taken apart.
pub(super) struct Packets {
    /// Of all its tracks.
    pub(super) packet_type: u8,
    pub(super) parts: Parts,
}

/// Whose packets they are.
pub(super) enum Parts {
    /// Of the only track, number 0.
    One([u8; 4], Bytes),
    /// Of numbered ones.
    Many(Vec<(u8, [u8; 4], Bytes)>),
}

impl Packets {
    /// Reads modifiers, the multitrack head and FourCCs. `multitrack` is the packet type that
    /// means several tracks; `rest` begins behind the tag's first byte.
    pub(super) fn parse(
        kind: &'static str,
        packet_type: u8,
        multitrack: u8,
        mut rest: Bytes,
    ) -> Result<Self, FlvError> {
        let packet_type = skip_modifiers(kind, packet_type, &mut rest)?;
        if packet_type != multitrack {
            let fourcc = take(kind, &mut rest)?;
            return Ok(Self {
                packet_type,
                parts: Parts::One(fourcc, rest),
            });
        }
        let [head] = take(kind, &mut rest)?;
        let (layout, packet_type) = (head >> 4, head & 0x0F);
        // A multitrack packet within one, or a layout that is not known.
        if layout > MANY_TRACKS_MANY_CODECS || packet_type == multitrack {
            return Err(FlvError::PacketType {
                kind,
                packet_type: head,
            });
        }
        Ok(Self {
            packet_type,
            parts: Parts::Many(tracks(kind, layout, rest)?),
        })
    }
}

fn tracks(
    kind: &'static str,
    layout: u8,
    mut rest: Bytes,
) -> Result<Vec<(u8, [u8; 4], Bytes)>, FlvError> {
    let common = match layout {
        ONE_TRACK | MANY_TRACKS => Some(take(kind, &mut rest)?),
        _ => None,
    };
    let mut found = Vec::new();
    while !rest.is_empty() && found.len() < MAX_TRACKS {
        let fourcc = match common {
            Some(fourcc) => fourcc,
            None => take(kind, &mut rest)?,
        };
        let [number] = take(kind, &mut rest)?;
        let data = if layout == ONE_TRACK {
            std::mem::take(&mut rest)
        } else {
            let [a, b, c] = take(kind, &mut rest)?;
            let size = u32::from_be_bytes([0, a, b, c]) as usize;
            if size > rest.len() {
                return Err(FlvError::Truncated(kind));
            }
            rest.split_to(size)
        };
        found.push((number, fourcc, data));
    }
    Ok(found)
}

/// Passes over `ModEx` packets, whose only known content is nanoseconds for the time stamp;
/// yields the type of the packet behind them.
fn skip_modifiers(
    kind: &'static str,
    mut packet_type: u8,
    rest: &mut Bytes,
) -> Result<u8, FlvError> {
    for _ in 0..MAX_MODIFIERS {
        if packet_type != MOD_EX {
            return Ok(packet_type);
        }
        let [size] = take(kind, rest)?;
        let mut size = usize::from(size) + 1;
        if size == 256 {
            size = usize::from(u16::from_be_bytes(take(kind, rest)?)) + 1;
        }
        if size > rest.len() {
            return Err(FlvError::Truncated(kind));
        }
        let _ = rest.split_to(size);
        let [next] = take(kind, rest)?;
        packet_type = next & 0x0F;
    }
    Err(FlvError::PacketType { kind, packet_type })
}

fn take<const N: usize>(kind: &'static str, rest: &mut Bytes) -> Result<[u8; N], FlvError> {
    let taken = *rest.first_chunk().ok_or(FlvError::Truncated(kind))?;
    let _ = rest.split_to(N);
    Ok(taken)
}

/// The error for a FourCC that has no place in frames.
pub(super) fn unknown(kind: &'static str, fourcc: [u8; 4]) -> FlvError {
    FlvError::Format {
        kind,
        name: fourcc_name(fourcc),
    }
}

/// `AvMultitrackType.OneTrack` above the packet's own type.
pub(super) const fn one_track(packet_type: u8) -> u8 {
    ONE_TRACK << 4 | packet_type
}
