//! Sequence headers, and access units in the form that frames have.

use super::{AudioCodec, VideoCodec};
use crate::Codec;
use crate::codec::aac::AudioSpecificConfig;
use crate::codec::nal::{self, LengthSize};
use crate::codec::{CodecError, av1, h264, hevc, opus, vp9};
use crate::frame::Video;
use bytes::{Bytes, BytesMut};

/// A longer configuration record is none: real ones have some hundred bytes. Its parameter sets
/// stand before every random access unit of a transport stream made from it.
const MAX_RECORD_BYTES: usize = 64 << 10;

/// A video track's configuration.
#[derive(Debug)]
pub(super) struct VideoConfig {
    pub(super) kind: VideoCodec,
    pub(super) codec: Codec,
    /// Of the publisher's access units; ours always have four bytes.
    pub(super) length_size: LengthSize,
}

impl VideoConfig {
    /// A picture size that cannot be read stays zero: the decoder may know better.
    pub(super) fn parse(kind: VideoCodec, record: &Bytes) -> Result<Self, CodecError> {
        bounded(record)?;
        match kind {
            VideoCodec::Avc => {
                let mut parsed = h264::DecoderConfig::parse(record)?;
                let length_size = std::mem::take(&mut parsed.length_size);
                let config = unless_rewritten(record, length_size, || parsed.build());
                let video = parsed.video().unwrap_or_default();
                Ok(Self {
                    kind,
                    codec: Codec::H264 { config, video },
                    length_size,
                })
            }
            VideoCodec::Hevc => {
                let mut parsed = hevc::DecoderConfig::parse(record)?;
                let length_size = std::mem::take(&mut parsed.length_size);
                let config = unless_rewritten(record, length_size, || parsed.build());
                let video = parsed.video().unwrap_or_default();
                Ok(Self {
                    kind,
                    codec: Codec::Hevc { config, video },
                    length_size,
                })
            }
            VideoCodec::Av1 => {
                let parsed = av1::DecoderConfig::parse(record)?;
                let video = parsed.video().unwrap_or_default();
                let config = record.clone();
                Ok(Self::unframed(kind, Codec::Av1 { config, video }))
            }
            VideoCodec::Vp9 => {
                // Some write the box's version (1) and flags before it; level 0 does not exist.
                let config = match record.get(..4) {
                    Some([1, 0, 0, 0]) => record.slice(4..),
                    _ => record.clone(),
                };
                vp9::DecoderConfig::parse(&config)?;
                let video = Video::default();
                Ok(Self::unframed(kind, Codec::Vp9 { config, video }))
            }
        }
    }

    const fn unframed(kind: VideoCodec, codec: Codec) -> Self {
        Self {
            kind,
            codec,
            length_size: LengthSize::Four,
        }
    }

    /// Takes the picture size from a key frame, where the record does not say it. True if it is
    /// another than before.
    pub(super) fn learn(&mut self, payload: &[u8]) -> bool {
        let (known, found) = match &mut self.codec {
            Codec::Vp9 { video, .. } => {
                let key = vp9::KeyFrame::parse(payload).ok().flatten();
                (video, key.map(|key| key.video))
            }
            Codec::Av1 { video, .. } => {
                let header = av1::sequence_header(payload);
                let parsed = header.and_then(|obu| av1::SequenceHeader::parse(obu.payload).ok());
                (video, parsed.map(|header| header.video))
            }
            _ => return false,
        };
        found.is_some_and(|found| std::mem::replace(known, found) != found)
    }
}

/// The codec of an audio track's configuration.
pub(super) fn audio(codec: AudioCodec, record: Bytes) -> Result<Codec, CodecError> {
    bounded(&record)?;
    match codec {
        AudioCodec::Aac => {
            let audio = AudioSpecificConfig::parse(&record)?.audio();
            Ok(Codec::Aac {
                audio,
                config: record,
            })
        }
        AudioCodec::Opus => Ok(Codec::Opus {
            audio: opus::Head::parse(&record)?.audio(),
            config: record,
        }),
    }
}

fn bounded(record: &Bytes) -> Result<(), CodecError> {
    match record.len() {
        ..=MAX_RECORD_BYTES => Ok(()),
        len => Err(CodecError::Invalid {
            what: "length of a configuration record",
            value: len as u64,
        }),
    }
}

/// The record as it came, unless our frames are framed otherwise than it says.
fn unless_rewritten(record: &Bytes, size: LengthSize, build: impl Fn() -> Bytes) -> Bytes {
    if size == LengthSize::Four {
        record.clone()
    } else {
        build()
    }
}

/// A question about a NAL unit.
type Test = fn(&[u8]) -> bool;

/// An access unit in the form that frames have.
pub(super) struct AccessUnit {
    pub(super) payload: Bytes,
    /// An IDR or IRAP picture.
    pub(super) clean: bool,
    pub(super) cut_short: bool,
}

impl AccessUnit {
    /// Copies only if units must be left out or get longer lengths.
    pub(super) fn read(codec: VideoCodec, size: LengthSize, data: &Bytes) -> Self {
        let (in_frame, is_random_access): (Test, Test) = match codec {
            VideoCodec::Av1 => return Self::av1(data),
            VideoCodec::Vp9 => {
                return Self {
                    payload: data.clone(),
                    clean: vp9::is_key(data),
                    cut_short: false,
                };
            }
            VideoCodec::Avc => (h264::in_frame, h264::is_random_access),
            VideoCodec::Hevc => (hevc::in_frame, hevc::is_random_access),
        };
        let (mut kept, mut clean, mut cut_short) = (0, false, false);
        for unit in nal::length_prefixed(data, size) {
            match unit {
                Ok(unit) if in_frame(unit) => {
                    kept += unit.len() + size.bytes();
                    clean |= is_random_access(unit);
                }
                Ok(_) => {}
                Err(_) => cut_short = true,
            }
        }
        let as_it_is = size == LengthSize::Four && kept == data.len();
        let payload = if as_it_is {
            data.clone()
        } else {
            filtered(data, size, kept, in_frame)
        };
        Self {
            payload,
            clean,
            cut_short,
        }
    }

    /// Copies only if there are units that ISOBMFF samples do without.
    fn av1(data: &Bytes) -> Self {
        let kept = || av1::obus(data).filter(|obu| av1::in_frame(obu.kind));
        let bytes: usize = kept().map(|obu| obu.whole.len()).sum();
        let all: usize = av1::obus(data).map(|obu| obu.whole.len()).sum();
        let payload = if bytes == data.len() {
            data.clone()
        } else {
            let mut out = BytesMut::with_capacity(bytes);
            kept().for_each(|obu| out.extend_from_slice(obu.whole));
            out.freeze()
        };
        Self {
            clean: av1::is_key(&payload),
            payload,
            cut_short: all < data.len(),
        }
    }
}

fn filtered(data: &[u8], size: LengthSize, kept: usize, keep: Test) -> Bytes {
    let mut out = BytesMut::with_capacity(kept);
    for unit in nal::length_prefixed(data, size)
        .flatten()
        .filter(|unit| keep(unit))
    {
        nal::put_length_prefixed(unit, &mut out);
    }
    out.freeze()
}
