//! Decoding times of pictures, made where a source sends none.

use super::order::DecodingOrder;
use crate::{Codec, Ticks90k};

/// A step back beyond this is a restart of the clock, not an order of pictures.
const RESTART: Ticks90k = Ticks90k(3 * 90_000);

/// The decoding times of one video track.
///
/// As they come, while they grow. Where they run back, or lie behind the presentation, they are
/// none: pictures were stamped with when they are shown, in the order of decoding. Then they are
/// made from that order, until a group of pictures has times of its own again.
#[derive(Debug, Default)]
pub(super) struct Decoding {
    /// Follows all pictures, so that it knows how they are ordered once it is needed.
    order: DecodingOrder,
    /// Times are made.
    making: bool,
    config: Option<Codec>,
    /// The newest as it came.
    last: Option<Ticks90k>,
    /// Something was wrong since the last random access point.
    wrong: bool,
}

impl Decoding {
    /// What the pictures are coded with from now on.
    pub(super) fn configure(&mut self, codec: &Codec) {
        if self.config.as_ref() != Some(codec) {
            self.config = Some(codec.clone());
            self.order.configure(codec);
        }
    }

    /// The decoding time of the next picture; at most `pts` where it is made.
    pub(super) fn place(&mut self, dts: Ticks90k, pts: Ticks90k, random_access: bool) -> Ticks90k {
        let back = self
            .last
            .is_some_and(|last| dts < last && last - dts < RESTART);
        let wrong = back || pts < dts;
        self.last = Some(dts);
        if random_access && !wrong {
            self.making &= std::mem::take(&mut self.wrong);
        }
        self.wrong |= wrong;
        self.making |= wrong;
        let made = self.order.place(pts);
        match self.making {
            true => made,
            false => dts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Shown at these times, 25 a second; the first of each five is a random access point.
    fn made(decoding: &mut Decoding, shown: &[i64]) -> Vec<i64> {
        let places = shown.iter().enumerate().map(|(n, shown)| {
            let pts = Ticks90k(shown * 3_600);
            decoding.place(pts, pts, n % 5 == 0).0 / 3_600
        });
        places.collect()
    }

    #[test]
    fn times_that_grow_are_left_alone() {
        let mut decoding = Decoding::default();
        assert_eq!(made(&mut decoding, &[0, 1, 2, 2, 9]), [0, 1, 2, 2, 9]);
        let late = decoding.place(Ticks90k(36_000), Ticks90k(43_200), false);
        assert_eq!(late.0, 36_000, "what has both keeps both");
    }

    #[test]
    fn presentation_in_decoding_order_gets_decoding_times_that_grow_and_come_first() {
        let mut decoding = Decoding::default();
        let shown = [0, 4, 2, 1, 3, 5, 9, 7, 6, 8, 10, 14, 12, 11, 13];
        let decoded = made(&mut decoding, &shown);
        assert!(decoded.iter().zip(shown).all(|(dts, pts)| *dts <= pts));
        let settled = &decoded[5..];
        assert!(settled.windows(2).all(|two| two[1] > two[0]), "{decoded:?}");
    }

    #[test]
    fn one_slip_is_forgotten_with_the_next_whole_group_of_pictures() {
        let mut decoding = Decoding::default();
        let shown = [0, 1, 2, 4, 3, 5, 6, 7, 8, 9, 10, 11, 12];
        let decoded = made(&mut decoding, &shown);
        assert_eq!(decoded[10..], [10, 11, 12]);
        assert!(
            decoded[5..].windows(2).all(|two| two[1] > two[0]),
            "{decoded:?}"
        );
    }
}
