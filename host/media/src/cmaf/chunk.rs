//! One `moof` and its `mdat`: a CMAF chunk (ISO/IEC 23000-19 §7.3.2.3).

use super::boxes::{boxed, full, put32, put64};
use bytes::Bytes;

/// `sample_depends_on` 2: a picture that needs no other.
const SYNC: u32 = 0x0200_0000;
/// `sample_depends_on` 1, `sample_is_non_sync_sample`.
const NOT_SYNC: u32 = 0x0101_0000;

/// `default-base-is-moof` (ISO/IEC 14496-12 §8.8.7).
const BASE_IS_MOOF: u32 = 0x02_0000;
/// Offset, durations, sizes, flags and composition offsets are present (§8.8.8).
const RUN_FIELDS: u32 = 0x0f01;

const BOX_HEAD: usize = 8;

/// One access unit of a chunk.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) payload: Bytes,
    /// In ticks of the track.
    pub(super) duration: u32,
    /// Presentation minus decoding time.
    pub(super) composition: i32,
    pub(super) sync: bool,
}

/// Writes the samples of one track, of which the first is decoded at `time`, behind the boxes in
/// `before`.
pub(super) fn write(
    before: Vec<u8>,
    sequence: u32,
    track: u32,
    time: u64,
    samples: &[Sample],
) -> Bytes {
    let media: usize = samples.iter().map(|sample| sample.payload.len()).sum();
    let mut out = before;
    let moof_at = out.len();
    out.reserve(128 + 16 * samples.len() + media);
    let mut offset_at = 0;
    boxed(&mut out, b"moof", |out| {
        full(out, b"mfhd", 0, 0, |out| put32(out, sequence));
        boxed(out, b"traf", |out| {
            full(out, b"tfhd", 0, BASE_IS_MOOF, |out| put32(out, track));
            full(out, b"tfdt", 1, 0, |out| put64(out, time));
            full(out, b"trun", 1, RUN_FIELDS, |out| {
                put32(out, samples.len() as u32);
                offset_at = out.len();
                put32(out, 0);
                for sample in samples {
                    put32(out, sample.duration);
                    put32(out, sample.payload.len() as u32);
                    put32(out, if sample.sync { SYNC } else { NOT_SYNC });
                    out.extend_from_slice(&sample.composition.to_be_bytes());
                }
            });
        });
    });
    let data_offset = (out.len() - moof_at + BOX_HEAD) as u32;
    if let Some(place) = out.get_mut(offset_at..offset_at + 4) {
        place.copy_from_slice(&data_offset.to_be_bytes());
    }
    boxed(&mut out, b"mdat", |out| {
        for sample in samples {
            out.extend_from_slice(&sample.payload);
        }
    });
    out.into()
}
