//! Decoding times, which RTP does not tell, from presentation times in decoding order.

use crate::codec::{h264, hevc};
use crate::{Codec, Ticks90k};

/// The deepest reordering that H.264 and H.265 allow.
const MAX_DEPTH: usize = 16;

/// Finds decoding times: with a reordering of `n` pictures, the time of the picture that is
/// shown `n` pictures before all that came since.
///
/// The depth is what the parameter sets say, and more once pictures come that contradict them.
#[derive(Debug, Default)]
pub struct DecodingOrder {
    depth: usize,
    /// The newest presentation times, sorted; at most `depth + 1`.
    newest: Vec<Ticks90k>,
    last: Option<Ticks90k>,
    /// Between two pictures.
    step: Ticks90k,
}

impl DecodingOrder {
    /// For a track of that codec, from its next picture on.
    pub fn configure(&mut self, codec: &Codec) {
        let signalled = match codec {
            Codec::H264 { config, .. } => h264_depth(config),
            Codec::Hevc { config, .. } => hevc_depth(config),
            _ => None,
        };
        self.depth = usize::from(signalled.unwrap_or_default()).min(MAX_DEPTH);
        self.newest.clear();
    }

    /// The decoding time of the next picture; never after its presentation.
    pub fn place(&mut self, pts: Ticks90k) -> Ticks90k {
        // Seconds away from its neighbours: another timeline begins.
        let jump = |near: &Ticks90k| (pts.0 - near.0).abs() > 5 * Ticks90k::SECOND.0;
        if self.newest.last().is_some_and(jump) {
            self.newest.clear();
            self.last = None;
        }
        if self.newest.is_empty() {
            self.begin(pts);
        }
        let at = self.newest.partition_point(|other| *other <= pts);
        self.newest.insert(at, pts);
        // Shown before the last one was decoded: the reordering is deeper than thought.
        if self.last.is_some_and(|last| pts < last) {
            self.depth = (self.depth + 1).min(MAX_DEPTH);
        }
        while self.newest.len() > self.depth + 1 {
            self.newest.remove(0);
        }
        let dts = self.newest.first().copied().unwrap_or(pts).min(pts);
        let monotonic = self.last.map_or(dts, |last| dts.max(last)).min(pts);
        self.last = Some(monotonic);
        monotonic
    }

    /// Pictures that were never there, one frame apart before the first.
    fn begin(&mut self, pts: Ticks90k) {
        let step = match self.step.0 {
            0 => 3_600,
            known => known,
        };
        let before = (1..=self.depth as i64).rev();
        self.newest = before.map(|n| pts - Ticks90k(n * step)).collect();
    }
}

fn h264_depth(record: &bytes::Bytes) -> Option<u8> {
    let config = h264::DecoderConfig::parse(record).ok()?;
    // The baseline profile has no B pictures.
    let sps = h264::Sps::parse(config.sps.first()?).ok()?;
    sps.reorder.or((config.profile_idc == 66).then_some(0))
}

fn hevc_depth(record: &bytes::Bytes) -> Option<u8> {
    let config = hevc::DecoderConfig::parse(record).ok()?;
    hevc::Sps::parse(config.sps.first()?).ok()?.reorder
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(order: &mut DecodingOrder, frames: &[i64]) -> Vec<i64> {
        let place = |n: &i64| order.place(Ticks90k(n * 3_600)).0 / 3_600;
        frames.iter().map(place).collect()
    }

    #[test]
    fn with_the_depth_known_every_picture_is_decoded_a_step_after_the_last() {
        let mut order = DecodingOrder {
            depth: 2,
            ..DecodingOrder::default()
        };
        // I P B B P B B, as x264 makes them with a pyramid.
        let decoded = placed(&mut order, &[0, 4, 2, 1, 3, 8, 6, 5, 7]);
        assert_eq!(decoded, [-2, -1, 0, 1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn without_reordering_decoding_is_presentation() {
        let mut order = DecodingOrder::default();
        assert_eq!(placed(&mut order, &[0, 1, 2, 5]), [0, 1, 2, 5]);
    }

    #[test]
    fn an_unknown_depth_is_learned_and_no_picture_is_decoded_after_it_is_shown() {
        let mut order = DecodingOrder::default();
        let shown = [0, 3, 1, 2, 6, 4, 5, 9, 7, 8];
        let decoded = placed(&mut order, &shown);
        assert!(decoded.iter().zip(shown).all(|(dts, pts)| *dts <= pts));
        assert_eq!(decoded[4..], [3, 4, 5, 6, 7, 8][..], "{decoded:?}");
    }
}
