//! Pictures between RTP and frames: H.264 behind start codes, as str0m packs and unpacks it, and
//! behind lengths, as [`media::Codec::H264`] has it.

use bytes::{Bytes, BytesMut};
use media::codec::CodecError;
use media::codec::h264::{DecoderConfig, NalType, in_frame, is_random_access};
use media::codec::nal;
use media::codec::nal::{LengthSize, annex_b, length_prefixed};
use std::sync::Arc;

/// Parameter sets of one stream at a time: more of them than any encoder has.
const MAX_SETS: usize = 8;

const START_CODE: [u8; 4] = [0, 0, 0, 1];

/// Pictures of a publisher, whose parameter sets come in band.
#[derive(Debug, Default)]
pub(super) struct Intake {
    sets: Vec<(NalType, Bytes)>,
    config: Option<DecoderConfig>,
}

/// A publisher's picture.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// The configuration, where the picture changed it.
    pub(super) config: Option<DecoderConfig>,
    /// Units behind lengths; empty if there was nothing but parameter sets.
    pub(super) payload: Bytes,
    /// It is an IDR picture.
    pub(super) key: bool,
}

impl Intake {
    /// Takes an access unit behind start codes; none before the first parameter sets.
    ///
    /// # Errors
    /// When a parameter set does not parse.
    pub(super) fn take(&mut self, unit: &[u8]) -> Result<Option<Taken>, CodecError> {
        let (mut payload, mut key, mut changed) =
            (BytesMut::with_capacity(unit.len()), false, false);
        for nal in annex_b(unit) {
            match NalType::of(nal) {
                Some(kind @ (NalType::Sps | NalType::Pps)) => changed |= self.learn(kind, nal),
                _ if in_frame(nal) => {
                    key |= is_random_access(nal);
                    nal::put_length_prefixed(nal, &mut payload);
                }
                _ => {}
            }
        }
        let mut config = None;
        if changed && let Some(learned) = self.configuration()? {
            config = (self.config.as_ref() != Some(&learned)).then(|| learned.clone());
            self.config = Some(learned);
        }
        let known = self.config.is_some();
        let payload = payload.freeze();
        Ok(known.then_some(Taken {
            config,
            payload,
            key,
        }))
    }

    /// Keeps a parameter set, in place of the one with its id; returns whether it is news.
    fn learn(&mut self, kind: NalType, nal: &[u8]) -> bool {
        if self.sets.iter().any(|(_, set)| set == nal) {
            return false;
        }
        let id = set_id(kind, nal);
        let same = |(other, set): &(NalType, Bytes)| *other == kind && set_id(kind, set) == id;
        if let Some(at) = self.sets.iter().position(same) {
            self.sets.remove(at);
        }
        if self.sets.len() >= MAX_SETS {
            self.sets.remove(0);
        }
        self.sets.push((kind, Bytes::copy_from_slice(nal)));
        true
    }

    fn configuration(&self) -> Result<Option<DecoderConfig>, CodecError> {
        let of = |wanted: NalType| -> Vec<Bytes> {
            let sets = self.sets.iter().filter(|(kind, _)| *kind == wanted);
            sets.map(|(_, set)| set.clone()).collect()
        };
        let (sps, pps) = (of(NalType::Sps), of(NalType::Pps));
        match sps.is_empty() || pps.is_empty() {
            true => Ok(None),
            false => DecoderConfig::new(sps, pps).map(Some),
        }
    }
}

/// `seq_parameter_set_id` or `pic_parameter_set_id` (ITU-T H.264 §7.3.2); none if it is cut.
fn set_id(kind: NalType, nal: &[u8]) -> Option<u32> {
    let at = match kind {
        NalType::Sps => 4,
        _ => 1,
    };
    // An exp-Golomb code of at most 31 leading zeros; ids go to 255, so 32 bits hold them.
    let mut four = [0; 4];
    for (byte, from) in four.iter_mut().zip(nal.get(at..)?) {
        *byte = *from;
    }
    let bits = u32::from_be_bytes(four);
    let zeros = bits.leading_zeros();
    let length = 2 * zeros + 1;
    (length <= 32).then(|| (bits >> (32 - length)) - 1)
}

/// A picture behind start codes, with its parameter sets if it is a key frame: made once for all
/// viewers. None if it is broken.
pub(super) fn annex_b_unit(payload: &[u8], sets: Option<&DecoderConfig>) -> Option<Arc<[u8]>> {
    let mut unit = Vec::with_capacity(payload.len() + 256);
    let sets = sets
        .into_iter()
        .flat_map(|config| config.sps.iter().chain(&config.pps));
    for set in sets {
        unit.extend_from_slice(&START_CODE);
        unit.extend_from_slice(set);
    }
    for nal in length_prefixed(payload, LengthSize::Four) {
        unit.extend_from_slice(&START_CODE);
        unit.extend_from_slice(nal.ok()?);
    }
    (!unit.is_empty()).then(|| unit.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 320 by 240, Constrained Baseline, of x264.
    const SPS: &[u8] = &[
        0x67, 0x42, 0xc0, 0x0d, 0xd9, 0x01, 0x41, 0xfb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10,
        0x00, 0x00, 0x03, 0x03, 0xc0, 0xf1, 0x42, 0x99, 0x20,
    ];
    const PPS: &[u8] = &[0x68, 0xcb, 0x83, 0xcb, 0x20];
    const IDR: &[u8] = &[0x65, 0x88, 0x84, 0x11];
    const SLICE: &[u8] = &[0x41, 0x9a, 0x02];

    fn unit(nals: &[&[u8]]) -> Vec<u8> {
        nals.iter()
            .flat_map(|nal| [&START_CODE[..], nal].concat())
            .collect()
    }

    #[test]
    fn pictures_before_the_parameter_sets_are_left_out_and_sets_are_told_once() {
        let mut intake = Intake::default();
        assert_eq!(intake.take(&unit(&[SLICE])).unwrap(), None);
        let first = intake
            .take(&unit(&[&[9, 0xf0], SPS, PPS, IDR]))
            .unwrap()
            .unwrap();
        assert!(first.key);
        let config = first.config.unwrap();
        assert_eq!(
            (config.sps, config.pps),
            (vec![SPS.into()], vec![PPS.into()])
        );
        assert_eq!(first.payload, [&[0, 0, 0, 4], IDR].concat());
        let again = intake.take(&unit(&[SPS, PPS, IDR])).unwrap().unwrap();
        assert_eq!(again.config, None);
        let next = intake.take(&unit(&[SLICE])).unwrap().unwrap();
        assert!(!next.key);
    }

    #[test]
    fn a_new_set_takes_the_place_of_the_one_with_its_id() {
        let mut intake = Intake::default();
        intake.take(&unit(&[SPS, PPS, IDR])).unwrap();
        let mut other = SPS.to_vec();
        other[3] = 0x1e;
        let changed = intake.take(&unit(&[&other, IDR])).unwrap().unwrap();
        assert_eq!(changed.config.unwrap().sps, [Bytes::from(other)]);
        for n in 0..100_u8 {
            let _ = intake.take(&unit(&[&[0x68, 0x01, n], IDR]));
            assert!(intake.sets.len() <= MAX_SETS);
        }
        assert!(intake.take(&unit(&[&[0x67, 1]])).is_err());
    }

    #[test]
    fn a_key_frame_goes_out_behind_its_parameter_sets() {
        let config = DecoderConfig::new(vec![SPS.into()], vec![PPS.into()]).unwrap();
        let payload = [&[0, 0, 0, 4], IDR].concat();
        let key = annex_b_unit(&payload, Some(&config)).unwrap();
        assert_eq!(&*key, unit(&[SPS, PPS, IDR]));
        assert_eq!(&*annex_b_unit(&payload, None).unwrap(), unit(&[IDR]));
        assert_eq!(annex_b_unit(&[0, 0, 0, 9, 1], None), None);
        assert_eq!(annex_b_unit(&[], None), None);
    }
}
