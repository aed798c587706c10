//! Areas and lines of one colour.

use crate::paint::mix;
use crate::picture::PlaneMut;
use crate::{Area, Colour, Picture};

impl Picture {
    /// Fills an area with a colour, `opacity` 0 to 256; what lies outside is left out. At odd
    /// edges colour reaches a pixel further than brightness.
    pub fn fill(&mut self, area: Area, colour: Colour, opacity: u16) {
        let opacity = opacity.min(256);
        let planes = self.planes_mut().into_iter().zip(colour.samples());
        for (n, (mut plane, value)) in planes.enumerate() {
            fill(&mut plane, area, u32::from(n > 0), value, opacity);
        }
    }

    /// Draws a line of `width` pixels along the inside of an area's edges. One that is wider than
    /// half the area fills it.
    pub fn frame(&mut self, area: Area, width: u32, colour: Colour, opacity: u16) {
        if width.saturating_mul(2) >= area.width.min(area.height) {
            return self.fill(area, colour, opacity);
        }
        let inner = area.height - 2 * width;
        let down = |pixels: u32| area.y.saturating_add_unsigned(pixels);
        let across = |pixels: u32| area.x.saturating_add_unsigned(pixels);
        let bar = |x, y, width, height| Area {
            x,
            y,
            width,
            height,
        };
        for bar in [
            bar(area.x, area.y, area.width, width),
            bar(area.x, down(area.height - width), area.width, width),
            bar(area.x, down(width), width, inner),
            bar(across(area.width - width), down(width), width, inner),
        ] {
            self.fill(bar, colour, opacity);
        }
    }
}

fn fill(plane: &mut PlaneMut<'_>, area: Area, shift: u32, value: u8, opacity: u16) {
    let span = |from: i32, extent: u32, samples: usize| {
        let (first, last) = (i64::from(from), i64::from(from) + i64::from(extent));
        let round_up = (1_i64 << shift) - 1;
        let samples = samples as i64;
        let first = (first >> shift).clamp(0, samples) as usize;
        (
            first,
            ((last + round_up) >> shift).clamp(0, samples) as usize,
        )
    };
    let (left, right) = span(area.x, area.width, plane.width);
    let (top, bottom) = span(area.y, area.height, plane.height);
    if left >= right {
        return;
    }
    for y in top..bottom {
        let row = plane.row(y, left, right);
        match opacity {
            256.. => row.fill(value),
            _ => row.iter_mut().for_each(|to| *to = mix(*to, value, opacity)),
        }
    }
}
