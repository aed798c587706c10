//! One axis of a scaling: which samples make which, and how much of each.
//!
//! A pixel that grows is read between its two neighbours; one that shrinks is the mean of the area
//! it stands for. Weights are 256ths: rows are added up in 16 bits, eight to a vector register.

/// What the weights of a sample add up to.
const WHOLE: u32 = 256;
/// Fractions of a sample that positions are counted in.
pub(crate) const UNIT: i64 = 1 << 16;

/// The part of an axis that is shown, in [`UNIT`]ths of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) from: i64,
    pub(crate) length: i64,
}

impl Window {
    /// Of an axis of so many samples: the part between two fractions, at least one sample of it.
    pub(crate) fn of(samples: usize, from: f64, extent: f64) -> Self {
        let whole = samples as i64 * UNIT;
        let edge = |fraction: f64| ((fraction * whole as f64).round() as i64).clamp(0, whole);
        let (first, last) = (edge(from), edge(from + extent));
        let first = first.min(whole - UNIT);
        Self {
            from: first,
            length: (last - first).max(UNIT),
        }
    }

    /// Where whole samples shrink evenly: how many make how many, in the smallest numbers.
    fn blocks(self, count: usize) -> Option<(usize, usize)> {
        let whole = self.from % UNIT == 0 && self.length % UNIT == 0;
        let samples = (self.length / UNIT) as usize;
        let (mut divisor, mut rest) = (samples, count);
        while rest > 0 {
            (divisor, rest) = (rest, divisor % rest);
        }
        (whole && samples > count).then(|| (samples / divisor, count / divisor))
    }

    /// The first sample, if every one of them is taken as it is.
    pub(crate) const fn identity(self, count: usize) -> Option<usize> {
        match self.from % UNIT == 0 && self.length == count as i64 * UNIT {
            true => Some((self.from / UNIT) as usize),
            false => None,
        }
    }
}

/// How the samples of one axis are made of those of another.
#[derive(Debug, Default)]
pub(crate) struct Axis {
    key: Option<(Window, usize)>,
    taps: usize,
    /// The first sample that each is made of.
    first: Vec<u32>,
    /// `taps` weights for each.
    weights: Vec<u16>,
    /// Where so many samples always make so many in the same way: those two numbers.
    blocks: Option<(usize, usize)>,
}

impl Axis {
    /// Makes `count` samples of a window; does nothing if that is what it does already.
    pub(crate) fn prepare(&mut self, window: Window, count: usize) {
        if self.key == Some((window, count)) {
            return;
        }
        self.key = Some((window, count));
        self.blocks = window.blocks(count);
        let step = window.length as f64 / count.max(1) as f64;
        // An area of that extent may touch one more sample at either end.
        self.taps = match step > UNIT as f64 {
            true => (step / UNIT as f64).ceil() as usize + 1,
            false => 2,
        };
        self.first.clear();
        self.weights.clear();
        let mut exact = Vec::with_capacity(self.taps);
        for n in 0..count {
            exact.clear();
            let first = match step > UNIT as f64 {
                true => area(window, step, n, &mut exact),
                false => between(window, step, n, &mut exact),
            };
            exact.resize(self.taps, 0.0);
            self.first.push(first);
            self.push_rounded(&exact);
        }
    }

    /// In 256ths that add up to a whole: the running sum is rounded, not each.
    fn push_rounded(&mut self, exact: &[f64]) {
        let total: f64 = exact.iter().sum();
        let (mut sum, mut given) = (0.0, 0);
        for weight in exact {
            sum += weight;
            let upto = (sum / total * f64::from(WHOLE)).round() as u32;
            self.weights.push((upto - given) as u16);
            given = upto;
        }
    }

    /// Samples that a sample is made of at most.
    pub(crate) const fn taps(&self) -> usize {
        self.taps
    }

    /// What the n-th is made of: samples and their weights, without those that weigh nothing.
    pub(crate) fn of(&self, n: usize) -> impl Iterator<Item = (usize, u16)> {
        let first = self.first.get(n).copied().unwrap_or(0) as usize;
        let weights = self.weights.get(n * self.taps..(n + 1) * self.taps);
        let weights = weights.unwrap_or_default().iter().copied();
        (first..).zip(weights).filter(|(_, weight)| *weight > 0)
    }

    /// Makes samples `from..` of a row in 256ths, as many as there is room for. The row has
    /// [`Axis::taps`] spare samples behind its last.
    pub(crate) fn apply(&self, row: &[u16], from: usize, to: &mut [u8]) {
        let done = self.apply_blocks(row, from, to);
        let (from, to) = (from + done, to.get_mut(done..).unwrap_or_default());
        let first = self.first.get(from..).unwrap_or_default();
        let weights = self.weights.get(from * self.taps..).unwrap_or_default();
        match self.taps {
            2 => apply::<2>(row, first, weights, to),
            3 => apply::<3>(row, first, weights, to),
            4 => apply::<4>(row, first, weights, to),
            5 => apply::<5>(row, first, weights, to),
            taps => {
                let made = first.iter().zip(weights.chunks_exact(taps));
                for (sample, (&first, weights)) in to.iter_mut().zip(made) {
                    let row = row.get(first as usize..).unwrap_or_default();
                    *sample = weighed(row, weights);
                }
            }
        }
    }
}

impl Axis {
    /// As [`Axis::apply`], as far as whole blocks go; how many samples those are. The usual grids
    /// come down to few sizes of blocks, with which the compiler knows what is read and written.
    fn apply_blocks(&self, row: &[u16], from: usize, to: &mut [u8]) -> usize {
        let run = match self.blocks {
            Some((2, 1)) => blocks::<2, 1>,
            Some((3, 1)) => blocks::<3, 1>,
            Some((4, 1)) => blocks::<4, 1>,
            Some((3, 2)) => blocks::<3, 2>,
            Some((4, 3)) => blocks::<4, 3>,
            Some((8, 3)) => blocks::<8, 3>,
            _ => return 0,
        };
        run(self, row, from, to)
    }

    /// The weights of each sample of a block in each that is made of it, in 65,536ths.
    fn pattern<const FROM: usize, const TO: usize>(&self) -> [[u16; FROM]; TO] {
        let start = self.first.first().copied().unwrap_or(0) as usize;
        let mut pattern = [[0; FROM]; TO];
        for (n, weights) in pattern.iter_mut().enumerate() {
            for (at, weight) in self.of(n) {
                if let Some(place) = weights.get_mut(at - start) {
                    // Below a whole, since a sample that shrinks is never all of one.
                    *place = weight << 8;
                }
            }
        }
        pattern
    }
}

/// As [`Axis::apply_blocks`], with blocks of that size.
fn blocks<const FROM: usize, const TO: usize>(
    axis: &Axis,
    row: &[u16],
    from: usize,
    to: &mut [u8],
) -> usize {
    if !from.is_multiple_of(TO) {
        return 0;
    }
    let pattern = axis.pattern::<FROM, TO>();
    let start = axis.first.get(from).copied().unwrap_or(0) as usize;
    let (samples, _) = row.get(start..).unwrap_or_default().as_chunks::<FROM>();
    let (made, _) = to.as_chunks_mut::<TO>();
    let mut done = 0_usize;
    for (samples, made) in samples.iter().zip(made) {
        for (made, weights) in made.iter_mut().zip(&pattern) {
            let mut sum = 128_u16;
            for (sample, weight) in samples.iter().zip(weights) {
                // The upper half of the product, for which there is an instruction.
                let product = u32::from(*sample).wrapping_mul(u32::from(*weight)) >> 16;
                sum = sum.wrapping_add(product as u16);
            }
            *made = (sum >> 8) as u8;
        }
        done = done.wrapping_add(TO);
    }
    done
}

/// With the number of taps known, the inner loop is unrolled.
fn apply<const TAPS: usize>(row: &[u16], first: &[u32], weights: &[u16], to: &mut [u8]) {
    let (weights, _) = weights.as_chunks::<TAPS>();
    for (sample, (&first, weights)) in to.iter_mut().zip(first.iter().zip(weights)) {
        let first = first as usize;
        let Some(row) = row.get(first..first + TAPS) else {
            return;
        };
        *sample = weighed(row, weights);
    }
}

#[inline(always)]
fn weighed(row: &[u16], weights: &[u16]) -> u8 {
    let parts = row.iter().zip(weights);
    let sum: u32 = parts
        .map(|(&sample, &weight)| u32::from(sample).wrapping_mul(u32::from(weight)))
        .fold(0, u32::wrapping_add);
    // 256ths of 256ths.
    (sum.wrapping_add(1 << 15) >> 16) as u8
}

/// Samples of a window: the first and the one behind the last.
fn bounds(window: Window) -> (i64, i64) {
    let last = (window.from + window.length + UNIT - 1) / UNIT;
    (window.from / UNIT, last)
}

/// The samples under the n-th area, and how much of each; returns the first.
fn area(window: Window, step: f64, n: usize, weights: &mut Vec<f64>) -> u32 {
    let (_, end) = bounds(window);
    let unit = UNIT as f64;
    let from = (window.from as f64 + n as f64 * step) / unit;
    let to = (from + step / unit).min(end as f64);
    // What rounding left of the sample before is none of it.
    let first = (from + 1e-9) as i64;
    let covered = (first..end).map(|sample| {
        let (left, right) = (sample as f64, (sample + 1) as f64);
        right.min(to) - left.max(from)
    });
    weights.extend(covered.take_while(|covered| *covered > 1e-9));
    if weights.is_empty() {
        weights.push(1.0);
    }
    first.min(end - 1) as u32
}

/// The two samples next to the middle of the n-th; at the edges of the window one alone, since
/// what is beyond is not shown. Returns the first.
fn between(window: Window, step: f64, n: usize, weights: &mut Vec<f64>) -> u32 {
    let (start, end) = bounds(window);
    let middle = (window.from as f64 + (n as f64 + 0.5) * step) / UNIT as f64 - 0.5;
    let middle = middle.clamp(start as f64, (end - 1) as f64);
    let first = middle as i64;
    let share = middle - first as f64;
    weights.extend([1.0 - share, share]);
    first as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(samples: usize) -> Window {
        Window::of(samples, 0.0, 1.0)
    }

    #[test]
    fn weights_always_add_up_and_never_reach_beyond_the_window() {
        for (samples, from, extent) in [
            (7, 0.0, 1.0),
            (640, 0.2, 0.5),
            (2, 0.9, 0.1),
            (99, 0.5, 0.5),
        ] {
            let window = Window::of(samples, from, extent);
            for count in [1, 2, 3, 5, 31, 64, 1_000] {
                let mut axis = Axis::default();
                axis.prepare(window, count);
                let (start, end) = bounds(window);
                for n in 0..count {
                    let made: Vec<_> = axis.of(n).collect();
                    let sum: u32 = made.iter().map(|(_, weight)| u32::from(*weight)).sum();
                    assert_eq!(sum, WHOLE, "{samples} {count} {n}");
                    let within = |at: usize| (start..end).contains(&(at as i64)) && at < samples;
                    assert!(
                        made.iter().all(|(at, _)| within(*at)),
                        "{made:?} of {samples}"
                    );
                }
            }
        }
    }

    #[test]
    fn half_the_size_is_the_mean_of_two() {
        let mut axis = Axis::default();
        axis.prepare(whole(8), 4);
        for n in 0..4 {
            let made: Vec<_> = axis.of(n).collect();
            assert_eq!(made, [(2 * n, 128), (2 * n + 1, 128)]);
        }
    }

    #[test]
    fn blocks_make_what_taps_make() {
        let row: Vec<u16> = (0..300).map(|n| (n * 7_919 % 256 * 256) as u16).collect();
        for (samples, count) in [
            (240, 120),
            (240, 80),
            (240, 60),
            (240, 160),
            (240, 180),
            (240, 90),
        ] {
            let mut axis = Axis::default();
            axis.prepare(whole(samples), count);
            assert!(axis.blocks.is_some());
            for from in [0, 3, 6, 7] {
                let (mut fast, mut slow) = (vec![0; count - from - 1], vec![0; count - from - 1]);
                axis.apply(&row, from, &mut fast);
                axis.blocks = None;
                axis.apply(&row, from, &mut slow);
                axis.blocks = whole(samples).blocks(count);
                let off = fast
                    .iter()
                    .zip(&slow)
                    .map(|(a, b): (&u8, &u8)| a.abs_diff(*b));
                assert!(off.max() <= Some(1), "{samples} to {count} from {from}");
            }
        }
    }

    #[test]
    fn only_whole_samples_of_the_same_number_are_taken_as_they_are() {
        assert_eq!(whole(8).identity(8), Some(0));
        assert_eq!(Window::of(8, 0.5, 0.5).identity(4), Some(4));
        assert_eq!(Window::of(8, 0.3, 0.5).identity(4), None);
        assert_eq!(whole(8).identity(7), None);
    }
}
