//! Sample entries: what a decoder is told before the first sample.

use super::boxes::{boxed, full, put16, put32, zeros};
use crate::Codec;
use crate::frame::{Audio, Video};

/// How media time is counted, and what the sample entry is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind {
    name: &'static [u8; 4],
    /// Ticks a second. Sound counts its samples, so that no frame's length is rounded.
    pub(super) timescale: u32,
}

/// `None` for what CMAF has no place for, and for a rate that no sound has.
pub(super) fn kind(codec: &Codec) -> Option<Kind> {
    let video = |name| {
        Some(Kind {
            name,
            timescale: 90_000,
        })
    };
    let audio = |name, audio: &Audio| {
        (audio.sample_rate_hz > 0).then_some(Kind {
            name,
            timescale: audio.sample_rate_hz,
        })
    };
    match codec {
        Codec::H264 { .. } => video(b"avc1"),
        Codec::Hevc { .. } => video(b"hvc1"),
        Codec::Av1 { .. } => video(b"av01"),
        Codec::Vp9 { .. } => video(b"vp09"),
        Codec::Aac { audio: sound, .. } => audio(b"mp4a", sound),
        Codec::Opus { audio: sound, .. } => audio(b"Opus", sound),
        Codec::Mjpeg { .. } | Codec::Scte35 | Codec::Id3 | Codec::Klv => None,
    }
}

/// Appends the sample entry; nothing for what has no [`kind`].
pub(super) fn write(codec: &Codec, out: &mut Vec<u8>) {
    let Some(Kind { name, .. }) = kind(codec) else {
        return;
    };
    boxed(out, name, |out| {
        zeros(out, 6);
        put16(out, 1); // data_reference_index
        if let Some(video) = codec.video() {
            visual(video, out);
        }
        if let Some(audio) = codec.audio() {
            sound(audio, out);
        }
        configuration(codec, out);
    });
}

/// `VisualSampleEntry` (ISO/IEC 14496-12 §12.1.3).
fn visual(video: Video, out: &mut Vec<u8>) {
    zeros(out, 16);
    put16(out, u16::try_from(video.width).unwrap_or(u16::MAX));
    put16(out, u16::try_from(video.height).unwrap_or(u16::MAX));
    put32(out, 0x0048_0000); // 72 dpi
    put32(out, 0x0048_0000);
    put32(out, 0);
    put16(out, 1); // frame_count
    zeros(out, 32); // compressorname
    put16(out, 0x18); // depth
    put16(out, 0xffff);
}

/// `AudioSampleEntry` (ISO/IEC 14496-12 §12.2.3). A rate above 16 bits is left to the
/// configuration.
fn sound(audio: Audio, out: &mut Vec<u8>) {
    zeros(out, 8);
    put16(out, u16::from(audio.channels));
    put16(out, 16); // samplesize
    zeros(out, 4);
    put16(out, u16::try_from(audio.sample_rate_hz).unwrap_or(0));
    put16(out, 0);
}

fn configuration(codec: &Codec, out: &mut Vec<u8>) {
    let record = codec.config();
    let as_it_is = |out: &mut Vec<u8>| out.extend_from_slice(record);
    match codec {
        Codec::H264 { .. } => boxed(out, b"avcC", as_it_is),
        Codec::Hevc { .. } => boxed(out, b"hvcC", as_it_is),
        Codec::Av1 { .. } => boxed(out, b"av1C", as_it_is),
        Codec::Vp9 { .. } => full(out, b"vpcC", 1, 0, as_it_is),
        Codec::Aac { .. } => full(out, b"esds", 0, 0, |out| elementary(record, out)),
        Codec::Opus { .. } => boxed(out, b"dOps", |out| opus(record, out)),
        Codec::Mjpeg { .. } | Codec::Scte35 | Codec::Id3 | Codec::Klv => {}
    }
}

/// `ES_Descriptor` with the decoder's configuration (ISO/IEC 14496-1 §7.2.6.5).
fn elementary(config: &[u8], out: &mut Vec<u8>) {
    let mut decoder = vec![0x40, 0x15]; // MPEG-4 audio; an audio stream
    zeros(&mut decoder, 3 + 4 + 4); // buffer size and bit rates: not told
    descriptor(0x05, config, &mut decoder);
    let mut stream = vec![0, 0, 0]; // ES_ID, no flags
    descriptor(0x04, &decoder, &mut stream);
    descriptor(0x06, &[2], &mut stream); // SLConfigDescriptor of MP4 files
    descriptor(0x03, &stream, out);
}

/// A tag and an expandable length (§8.3.3), always of four bytes.
fn descriptor(tag: u8, body: &[u8], out: &mut Vec<u8>) {
    let len = body.len() as u32;
    let seven = |shift: u32| ((len >> shift) & 0x7f) as u8;
    out.extend_from_slice(&[
        tag,
        seven(21) | 0x80,
        seven(14) | 0x80,
        seven(7) | 0x80,
        seven(0),
    ]);
    out.extend_from_slice(body);
}

/// `OpusSpecificBox` (Encapsulation of Opus in ISOBMFF §4.3.2) from an identification header
/// (RFC 7845 §5.1): the same fields, big-endian.
fn opus(head: &[u8], out: &mut Vec<u8>) {
    let field = |at: usize, len: usize| head.get(at..at + len).unwrap_or_default().iter();
    out.push(0); // Version
    out.extend(field(9, 1)); // OutputChannelCount
    out.extend(field(10, 2).rev()); // PreSkip
    out.extend(field(12, 4).rev()); // InputSampleRate
    out.extend(field(16, 2).rev()); // OutputGain
    out.extend_from_slice(head.get(18..).unwrap_or_default()); // mapping family and table
}
