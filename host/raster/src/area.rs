//! Where something is, and which way up.

/// A rectangle of a canvas, in pixels; any of it may lie outside.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Area {
    /// Left edge.
    pub x: i32,
    /// Upper edge.
    pub y: i32,
    /// Extent to the right.
    pub width: u32,
    /// Extent downwards.
    pub height: u32,
}

impl Area {
    /// The nearest whose edges fall between samples of colour, which are two pixels apart. What
    /// has any extent keeps some.
    #[must_use]
    pub fn aligned(self) -> Self {
        let (x, right) = aligned(self.x, self.width);
        let (y, bottom) = aligned(self.y, self.height);
        Self {
            x,
            y,
            width: right.abs_diff(x),
            height: bottom.abs_diff(y),
        }
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.width == 0 || self.height == 0
    }

    /// The same place on a plane with half the samples either way; only of aligned areas.
    pub(crate) const fn halved(self) -> Self {
        Self {
            x: self.x >> 1,
            y: self.y >> 1,
            width: self.width / 2,
            height: self.height / 2,
        }
    }
}

/// Edges beyond this are so far off every canvas that none is told from another.
const FAR: i32 = 1 << 20;

/// First and last edge, even.
fn aligned(from: i32, extent: u32) -> (i32, i32) {
    let even = |edge: i64| {
        let edge = edge.clamp(i64::from(-FAR), i64::from(FAR)) as i32;
        (edge + 1) & !1
    };
    let first = even(i64::from(from));
    match even(i64::from(from) + i64::from(extent)) {
        last if last > first => (first, last),
        _ if extent > 0 => (first, first + 2),
        _ => (first, first),
    }
}

/// A rectangle of a picture, in fractions of its width and height.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Extent to the right.
    pub width: f64,
    /// Extent downwards.
    pub height: f64,
}

impl Part {
    /// All of it.
    pub const WHOLE: Self = Self {
        x: 0.0,
        y: 0.0,
        width: 1.0,
        height: 1.0,
    };
}

/// How a picture is turned, clockwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Turn {
    /// Not at all.
    #[default]
    None,
    /// 90 degrees.
    Quarter,
    /// 180 degrees.
    Half,
    /// 270 degrees.
    ThreeQuarters,
}

impl Turn {
    /// From degrees, clockwise.
    pub const fn of_degrees(degrees: u32) -> Option<Self> {
        match degrees {
            0 => Some(Self::None),
            90 => Some(Self::Quarter),
            180 => Some(Self::Half),
            270 => Some(Self::ThreeQuarters),
            _ => None,
        }
    }

    /// Whether width and height change places.
    pub const fn is_sideways(self) -> bool {
        matches!(self, Self::Quarter | Self::ThreeQuarters)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_go_to_the_nearest_even_pixel_and_neighbours_still_meet() {
        let area = |x, y, width, height| Area {
            x,
            y,
            width,
            height,
        };
        assert_eq!(area(3, -3, 4, 7).aligned(), area(4, -2, 4, 6));
        assert_eq!(area(0, 0, 1, 1).aligned(), area(0, 0, 2, 2), "still seen");
        assert_eq!(area(5, 5, 0, 9).aligned().width, 0);
        for cut in 0..20 {
            let (left, right) = (area(0, 0, cut, 2), area(cut as i32, 0, 20 - cut, 2));
            let (left, right) = (left.aligned(), right.aligned());
            if cut > 1 && cut < 19 {
                assert_eq!(left.x + left.width as i32, right.x, "{cut}");
            }
        }
        let far = area(i32::MIN, i32::MAX, u32::MAX, u32::MAX).aligned();
        assert!(far.width % 2 == 0 && far.height % 2 == 0);
    }
}
