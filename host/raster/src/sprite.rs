//! Small pictures with transparency: logos and lines of text.

use crate::Picture;
use crate::colour::{round, ycbcr};
use crate::picture::PlaneMut;

/// The longest side of a sprite, pixels.
pub const MAX_SPRITE_SIDE: u32 = 4_096;

/// Why pixels are no sprite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SpriteError {
    /// A side is 0 or too long.
    #[error(
        "a sprite of {width}x{height} is not possible; both sides have to be 1 to {MAX_SPRITE_SIDE}"
    )]
    Size {
        /// Asked for.
        width: u32,
        /// Asked for.
        height: u32,
    },
    /// Not four bytes a pixel.
    #[error("{given} bytes are not the {needed} of its pixels, four each")]
    Length {
        /// Bytes given.
        given: usize,
        /// Bytes that its size needs.
        needed: usize,
    },
}

/// A picture with transparency, ready to be laid over others: its samples are multiplied by how
/// opaque they are, and what shines through is kept beside them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sprite {
    width: u32,
    height: u32,
    luma: Layer,
    u: Layer,
    v: Layer,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Layer {
    width: usize,
    /// Value times opacity.
    over: Vec<u8>,
    /// 255 less opacity.
    through: Vec<u8>,
}

impl Sprite {
    /// From rows of red, green, blue and opacity, 8 bits each, the colours multiplied by the
    /// opacity already (`premultiplied`) or not.
    ///
    /// # Errors
    /// The bytes are not those of such a size, or the size is none.
    pub fn of_rgba(
        width: u32,
        height: u32,
        rgba: &[u8],
        premultiplied: bool,
    ) -> Result<Self, SpriteError> {
        let good = |side: u32| (1..=MAX_SPRITE_SIDE).contains(&side);
        if !good(width) || !good(height) {
            return Err(SpriteError::Size { width, height });
        }
        let (columns, rows) = (width as usize, height as usize);
        let needed = columns * rows * 4;
        if rgba.len() != needed {
            let given = rgba.len();
            return Err(SpriteError::Length { given, needed });
        }
        let (pixels, _) = rgba.as_chunks::<4>();
        let pixels: Vec<[f32; 4]> = pixels
            .iter()
            .map(|pixel| samples(*pixel, premultiplied))
            .collect();
        let half = (columns.div_ceil(2), rows.div_ceil(2));
        Ok(Self {
            width,
            height,
            luma: layer(columns, rows, |x, y| pixel(&pixels, columns, x, y), 0),
            u: layer(half.0, half.1, |x, y| square(&pixels, columns, x, y), 1),
            v: layer(half.0, half.1, |x, y| square(&pixels, columns, x, y), 2),
        })
    }

    /// Pixels.
    pub const fn width(&self) -> u32 {
        self.width
    }

    /// Pixels.
    pub const fn height(&self) -> u32 {
        self.height
    }
}

impl Picture {
    /// Lays a sprite over it, its upper left corner at the nearest even pixel to `(x, y)`;
    /// `opacity` 0 to 256. What lies outside is left out.
    pub fn lay(&mut self, sprite: &Sprite, x: i32, y: i32, opacity: u16) {
        let even = |edge: i32| edge.saturating_add(1) & !1;
        let (x, y, opacity) = (even(x), even(y), opacity.min(256));
        let [luma, u, v] = self.planes_mut();
        lay(luma, &sprite.luma, x, y, opacity);
        lay(u, &sprite.u, x >> 1, y >> 1, opacity);
        lay(v, &sprite.v, x >> 1, y >> 1, opacity);
    }
}

/// Luma, both chroma and opacity (0 to 255), the first three multiplied by the last.
fn samples([r, g, b, a]: [u8; 4], premultiplied: bool) -> [f32; 4] {
    let opacity = f32::from(a) / 255.0;
    // Premultiplied colours are never above the opacity; what claims so is cut.
    let colour = |value: u8| match premultiplied {
        true => f32::from(value.min(a)),
        false => f32::from(value) * opacity,
    };
    let [y, u, v] = ycbcr([colour(r), colour(g), colour(b)]);
    [
        16.0 * opacity + y,
        128.0 * opacity + u,
        128.0 * opacity + v,
        a.into(),
    ]
}

fn pixel(pixels: &[[f32; 4]], columns: usize, x: usize, y: usize) -> [f32; 4] {
    pixels.get(y * columns + x).copied().unwrap_or_default()
}

/// The mean of the four pixels that share a sample of colour; beyond the edge nothing is seen.
fn square(pixels: &[[f32; 4]], columns: usize, x: usize, y: usize) -> [f32; 4] {
    let mut sum = [0.0; 4];
    for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
        if 2 * x + dx < columns {
            let pixel = pixel(pixels, columns, 2 * x + dx, 2 * y + dy);
            sum.iter_mut()
                .zip(pixel)
                .for_each(|(sum, it)| *sum += it / 4.0);
        }
    }
    sum
}

fn layer(
    width: usize,
    height: usize,
    sample: impl Fn(usize, usize) -> [f32; 4],
    value: usize,
) -> Layer {
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
    let samples = places.map(|(x, y)| sample(x, y));
    let (over, through) = samples
        .map(|sample| {
            let value = sample.get(value).copied().unwrap_or_default();
            (round(value), 255 - round(sample[3]))
        })
        .unzip();
    Layer {
        width,
        over,
        through,
    }
}

fn lay(mut plane: PlaneMut<'_>, layer: &Layer, x: i32, y: i32, opacity: u16) {
    let skipped = |at: i64| usize::try_from(-at).unwrap_or(0);
    let (left, top) = (i64::from(x), i64::from(y));
    let seen = layer
        .width
        .min(usize::try_from(plane.width as i64 - left).unwrap_or(0));
    let first = skipped(left);
    if first >= seen {
        return;
    }
    let rows = layer
        .over
        .chunks_exact(layer.width)
        .zip(layer.through.chunks_exact(layer.width));
    for (n, (over, through)) in rows.enumerate().skip(skipped(top)) {
        let at = top + n as i64;
        if at >= plane.height as i64 {
            break;
        }
        let (from, to) = (
            (left + first as i64) as usize,
            (left + seen as i64) as usize,
        );
        let row = plane.row(at as usize, from, to);
        let seen = over.iter().zip(through).skip(first);
        for (to, (&over, &through)) in row.iter_mut().zip(seen) {
            *to = laid(*to, over, through, opacity);
        }
    }
}

#[inline(always)]
fn laid(under: u8, over: u8, through: u8, opacity: u16) -> u8 {
    let (over, through) = match opacity {
        256.. => (u16::from(over), u16::from(through)),
        _ => (
            (u16::from(over) * opacity + 128) >> 8,
            255 - (((255 - u16::from(through)) * opacity + 128) >> 8),
        ),
    };
    // Division by 255, rounded, without dividing (Blinn, 1995).
    let product = u16::from(under).wrapping_mul(through).wrapping_add(128);
    let under = product.wrapping_add(product >> 8) >> 8;
    over.wrapping_add(under).min(255) as u8
}
