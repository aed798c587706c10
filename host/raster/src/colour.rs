//! Colours as operators name them, and as pictures hold them.

/// A colour of the canvas: ITU-R BT.709, limited range (luma 16 to 235, chroma 16 to 240).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Colour {
    /// Luma.
    pub y: u8,
    /// Blue difference.
    pub u: u8,
    /// Red difference.
    pub v: u8,
}

impl Colour {
    /// Nothing lit.
    pub const BLACK: Self = Self {
        y: 16,
        u: 128,
        v: 128,
    };

    /// From red, green and blue, 0 to 255 each (ITU-R BT.709-6, items 3.2 to 3.4 and 4.6).
    pub fn of_rgb([r, g, b]: [u8; 3]) -> Self {
        let [y, u, v] = ycbcr([r.into(), g.into(), b.into()]);
        Self {
            y: round(16.0 + y),
            u: round(128.0 + u),
            v: round(128.0 + v),
        }
    }
}

/// Luma from 0 and chroma around 0, of red, green and blue in 0 to 255, in steps of the limited
/// range.
pub(crate) fn ycbcr([r, g, b]: [f32; 3]) -> [f32; 3] {
    let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
    [
        luma * (219.0 / 255.0),
        (b - luma) * (224.0 / 255.0 / 1.8556),
        (r - luma) * (224.0 / 255.0 / 1.5748),
    ]
}

/// To the nearest step.
pub(crate) fn round(value: f32) -> u8 {
    // `as` saturates, which is what is wanted.
    (value + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The 100 % colour bars of BT.709 in 8 bits.
    #[test]
    fn colour_bars_have_their_values() {
        for (rgb, (y, u, v)) in [
            ([255, 255, 255], (235, 128, 128)),
            ([255, 255, 0], (219, 16, 138)),
            ([0, 255, 255], (188, 154, 16)),
            ([0, 255, 0], (173, 42, 26)),
            ([255, 0, 255], (78, 214, 230)),
            ([255, 0, 0], (63, 102, 240)),
            ([0, 0, 255], (32, 240, 118)),
            ([0, 0, 0], (16, 128, 128)),
        ] {
            assert_eq!(Colour::of_rgb(rgb), Colour { y, u, v }, "{rgb:?}");
        }
    }
}
