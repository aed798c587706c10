//! A picture: three planes in one buffer.

use crate::Colour;

/// The longest side of a picture, pixels.
pub const MAX_SIDE: u32 = 16_384;

/// A size that no picture has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a picture of {width}x{height} is not possible; both sides have to be even, 2 to {MAX_SIDE}"
)]
pub struct SizeError {
    /// Asked for.
    pub width: u32,
    /// Asked for.
    pub height: u32,
}

/// A picture in I420: 8 bits a sample, colour at half the samples either way, the planes Y, U and V
/// one after another without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    width: usize,
    height: usize,
    bytes: Vec<u8>,
}

/// A plane that is looked at.
#[derive(Clone, Copy)]
pub(crate) struct Plane<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    bytes: &'a [u8],
}

/// A plane that is drawn on.
pub(crate) struct PlaneMut<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    bytes: &'a mut [u8],
}

impl Picture {
    /// A black one.
    ///
    /// # Errors
    /// The size is none for a picture.
    pub fn new(width: u32, height: u32) -> Result<Self, SizeError> {
        let good = |side: u32| (2..=MAX_SIDE).contains(&side) && side.is_multiple_of(2);
        if !good(width) || !good(height) {
            return Err(SizeError { width, height });
        }
        let (width, height) = (width as usize, height as usize);
        let bytes = vec![0; width * height / 2 * 3];
        let mut picture = Self {
            width,
            height,
            bytes,
        };
        picture.clear(Colour::BLACK);
        Ok(picture)
    }

    /// Pixels.
    pub const fn width(&self) -> u32 {
        self.width as u32
    }

    /// Pixels.
    pub const fn height(&self) -> u32 {
        self.height as u32
    }

    /// All of it, as FFmpeg's `rawvideo` has it in `yuv420p`.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// All of it, to be filled.
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    /// One colour all over.
    pub fn clear(&mut self, colour: Colour) {
        for (plane, value) in self.planes_mut().into_iter().zip(colour.samples()) {
            plane.bytes.fill(value);
        }
    }

    pub(crate) fn planes(&self) -> [Plane<'_>; 3] {
        let (luma, chroma) = self.bytes.split_at(self.width * self.height);
        let (u, v) = chroma.split_at(chroma.len() / 2);
        let plane = |bytes, shift| Plane {
            width: self.width >> shift,
            height: self.height >> shift,
            bytes,
        };
        [plane(luma, 0), plane(u, 1), plane(v, 1)]
    }

    pub(crate) fn planes_mut(&mut self) -> [PlaneMut<'_>; 3] {
        let (width, height) = (self.width, self.height);
        let (luma, chroma) = self.bytes.split_at_mut(width * height);
        let (u, v) = chroma.split_at_mut(chroma.len() / 2);
        let plane = |bytes, shift| PlaneMut {
            width: width >> shift,
            height: height >> shift,
            bytes,
        };
        [plane(luma, 0), plane(u, 1), plane(v, 1)]
    }
}

impl Colour {
    /// In the order of the planes.
    pub(crate) const fn samples(self) -> [u8; 3] {
        [self.y, self.u, self.v]
    }
}

impl<'a> Plane<'a> {
    /// A row; empty beyond the last.
    pub(crate) fn row(self, y: usize) -> &'a [u8] {
        let from = y * self.width;
        self.bytes.get(from..from + self.width).unwrap_or_default()
    }
}

impl PlaneMut<'_> {
    /// Part of a row; empty if any of it is outside.
    pub(crate) fn row(&mut self, y: usize, from: usize, to: usize) -> &mut [u8] {
        let start = y * self.width;
        match to <= self.width {
            true => self
                .bytes
                .get_mut(start + from..start + to)
                .unwrap_or_default(),
            false => &mut [],
        }
    }

    /// Samples from `(x, y)` on, each one row below the one before.
    pub(crate) fn column(
        &mut self,
        x: usize,
        y: usize,
    ) -> impl DoubleEndedIterator<Item = &mut u8> {
        let rows = self.bytes.chunks_exact_mut(self.width).skip(y);
        rows.filter_map(move |row| row.get_mut(x))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_lie_one_after_another_and_a_new_picture_is_black() {
        let mut picture = Picture::new(6, 4).unwrap();
        assert_eq!(picture.bytes().len(), 24 + 6 + 6);
        assert!(picture.bytes()[..24].iter().all(|&y| y == 16));
        assert!(picture.bytes()[24..].iter().all(|&c| c == 128));
        let [y, u, v] = picture.planes_mut();
        y.bytes[23] = 1;
        u.bytes[0] = 2;
        v.bytes[5] = 3;
        assert_eq!(
            [
                picture.bytes()[23],
                picture.bytes()[24],
                picture.bytes()[35]
            ],
            [1, 2, 3]
        );
    }

    #[test]
    fn sizes_that_no_picture_has_are_refused() {
        for (width, height) in [(0, 2), (2, 0), (3, 2), (2, 3), (16_386, 2), (u32::MAX, 2)] {
            let error = Picture::new(width, height).unwrap_err();
            assert!(error.to_string().contains(&width.to_string()), "{error}");
        }
    }
}
