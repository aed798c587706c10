//! How Opus stands in a transport stream: channel configuration codes and control headers
//! ("Opus in MPEG-2 TS", the draft that FFmpeg and GStreamer write and read).

use crate::codec::CodecError;
use crate::codec::opus::{Head, Mapping};
use bytes::{BufMut, BytesMut};

/// `control_header_prefix` in the upper eleven bits.
const PREFIX: u16 = 0x7FE0;
const START_TRIM: u16 = 0x10;
const END_TRIM: u16 = 0x08;
const EXTENSION: u16 = 0x04;

/// What stands before each Opus packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ts) struct ControlHeader {
    /// Of itself.
    pub(in crate::ts) bytes: usize,
    /// Of the packet behind it.
    pub(in crate::ts) payload_bytes: usize,
}

impl ControlHeader {
    /// Reads one; what it says to trim is left to decoders, which have the time stamps.
    pub(in crate::ts) fn parse(bytes: &[u8]) -> Result<Self, CodecError> {
        const WHAT: &str = "Opus control header";
        let cut = CodecError::Truncated {
            what: WHAT,
            bytes: bytes.len(),
        };
        let prefix = u16::from_be_bytes(*bytes.first_chunk().ok_or(cut)?);
        if prefix & 0xFFE0 != PREFIX {
            return Err(CodecError::Invalid {
                what: WHAT,
                value: prefix.into(),
            });
        }
        let (mut at, mut payload_bytes) = (2, 0);
        loop {
            let byte = *bytes.get(at).ok_or(cut)?;
            at += 1;
            payload_bytes += usize::from(byte);
            if byte != 0xFF {
                break;
            }
        }
        at += 2 * usize::from(prefix & START_TRIM != 0);
        at += 2 * usize::from(prefix & END_TRIM != 0);
        if prefix & EXTENSION != 0 {
            at += 1 + usize::from(*bytes.get(at).ok_or(cut)?);
        }
        Ok(Self {
            bytes: at,
            payload_bytes,
        })
    }

    /// Appends the header of a packet of that length, without trimming.
    pub(in crate::ts) fn write(payload_bytes: usize, out: &mut BytesMut) {
        out.put_u16(PREFIX);
        out.put_bytes(0xFF, payload_bytes / 255);
        out.put_u8((payload_bytes % 255) as u8);
    }
}

/// The identification header of a `channel_config_code`: 0 is dual mono, 1 to 8 the channels in
/// Vorbis order.
pub(in crate::ts) fn head_of(channel_config: u8) -> Result<Head, CodecError> {
    let head = if channel_config == 0 {
        Head {
            mapping_family: 255,
            mapping: Some(Mapping {
                streams: 2,
                coupled: 0,
                channels: vec![0, 1],
            }),
            ..Head::new(2)
        }
    } else {
        Head::surround(channel_config)?
    };
    // What is to be dropped stands in the control headers.
    Ok(Head {
        pre_skip: 0,
        ..head
    })
}

/// The `channel_config_code` of an identification header.
pub(in crate::ts) fn channel_config(head: &Head) -> Result<u8, CodecError> {
    let code = if head.mapping_family == 255 {
        0
    } else {
        head.channels
    };
    match head_of(code) {
        Ok(known) if known.mapping == head.mapping => Ok(code),
        _ => Err(CodecError::Unsupported {
            what: "this Opus channel mapping in a transport stream",
        }),
    }
}
