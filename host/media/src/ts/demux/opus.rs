//! Opus packets, cut out of PES packets by their control headers
//! (ETSI TS 103 491 draft, "Opus in MPEG-2 TS", as FFmpeg writes and reads it).

use super::elementary::Unit;
use crate::codec::{CodecError, opus};
use crate::frame::Codec;
use crate::ts::opus::{ControlHeader, head_of};
use bytes::Bytes;

/// What tracks of this channel configuration are.
///
/// # Errors
/// If the configuration is none that this host knows.
pub(super) fn codec(channel_config: u8) -> Result<Codec, CodecError> {
    let head = head_of(channel_config)?;
    Ok(Codec::Opus {
        config: head.build(),
        audio: head.audio(),
    })
}

/// Cuts the packets of a PES packet, in which they are whole.
///
/// # Errors
/// At the first one that does not fit; those before it are out.
pub(super) fn cut(payload: &Bytes, out: &mut Vec<Unit>) -> Result<(), CodecError> {
    let mut rest = payload.clone();
    let mut samples = 0i64;
    while !rest.is_empty() {
        let header = ControlHeader::parse(&rest)?;
        let end = header.bytes + header.payload_bytes;
        let packet = rest
            .get(header.bytes..end)
            .map(|packet| rest.slice_ref(packet))
            .ok_or(CodecError::Truncated {
                what: "Opus packet in a transport stream",
                bytes: rest.len(),
            })?;
        let length = opus::packet_samples(&packet)?;
        out.push(Unit {
            payload: packet,
            random_access: false,
            after: samples * 90_000 / i64::from(opus::RATE_HZ),
        });
        samples += i64::from(length);
        rest = rest.slice(end..);
    }
    Ok(())
}
