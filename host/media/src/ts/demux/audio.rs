//! AAC in ADTS frames, cut out of PES packets.

use crate::codec::{CodecError, adts};
use crate::frame::Codec;
use bytes::{Bytes, BytesMut};

/// The longest ADTS frame (13-bit length).
const MAX_FRAME_BYTES: usize = 0x1FFF;

/// One AAC frame and how long after the PES packet's stamp it starts, in 90 kHz ticks.
#[derive(Debug)]
pub(super) struct AudioFrame {
    pub(super) payload: Bytes,
    pub(super) after: i64,
}

/// Cuts the ADTS frames of one stream.
#[derive(Debug, Default)]
pub(super) struct AudioUnits {
    carry: Bytes,
    skipped: u64,
    known: Option<(u8, u32, u8)>,
}

impl AudioUnits {
    /// Cuts the frames that end in `payload`. Puts a new configuration in `codec`.
    ///
    /// A frame that began in an earlier PES packet starts before this one's stamp, which
    /// belongs to the first frame that begins here (ISO/IEC 13818-1 §2.4.3.7).
    ///
    /// # Errors
    /// If a new configuration has no place in `Frames`; frames under it are left out.
    pub(super) fn convert(
        &mut self,
        payload: Bytes,
        codec: &mut Option<Codec>,
        out: &mut Vec<AudioFrame>,
    ) -> Result<(), CodecError> {
        let carried = self.carry.len();
        let bytes = self.join(payload);
        let mut frames = adts::frames(&bytes);
        let mut samples = 0i64;
        let mut result = Ok(());
        let mut begins = 0;
        while let Some(frame) = frames.next() {
            let rate = i64::from(frame.header.sample_rate_hz);
            let length = 1024 * i64::from(frame.header.raw_data_blocks);
            if begins == 0 && frames.skipped() == 0 && carried > 0 {
                samples = -length;
            }
            begins += 1;
            let after = samples * 90_000 / rate.max(1);
            samples += length;
            match self.configure(&frame.header, codec) {
                // Seven bytes that claim a frame: nothing to decode, and a lot of frames.
                Ok(()) if frame.payload.is_empty() => {}
                Ok(()) => out.push(AudioFrame {
                    payload: bytes.slice_ref(frame.payload),
                    after,
                }),
                Err(error) => result = Err(error),
            }
        }
        self.skipped += frames.skipped() as u64;
        let rest = frames.rest();
        self.carry = if rest.len() > MAX_FRAME_BYTES {
            Bytes::new()
        } else {
            Bytes::copy_from_slice(rest)
        };
        result
    }

    /// Forgets the beginning of a frame: its end was lost.
    pub(super) fn reset(&mut self) {
        self.carry = Bytes::new();
    }

    fn join(&mut self, payload: Bytes) -> Bytes {
        if self.carry.is_empty() {
            return payload;
        }
        let mut joined = BytesMut::with_capacity(self.carry.len() + payload.len());
        joined.extend_from_slice(&self.carry);
        joined.extend_from_slice(&payload);
        joined.freeze()
    }

    fn configure(
        &mut self,
        header: &adts::Header,
        codec: &mut Option<Codec>,
    ) -> Result<(), CodecError> {
        if header.raw_data_blocks > 1 {
            return Err(CodecError::Unsupported {
                what: "an ADTS frame of several blocks",
            });
        }
        let key = (
            header.object_type,
            header.sample_rate_hz,
            header.channel_configuration,
        );
        if self.known == Some(key) && codec.is_some() {
            return Ok(());
        }
        let config = header.config()?;
        *codec = Some(Codec::Aac {
            config: config.build()?,
            audio: config.audio(),
        });
        self.known = Some(key);
        Ok(())
    }
}
