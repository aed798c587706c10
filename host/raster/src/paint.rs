//! Puts a part of one picture onto another.

use crate::picture::{Plane, PlaneMut};
use crate::scale::{Axis, Window};
use crate::{Area, Part, Picture, Turn};
use std::ops::Range;

/// One picture put onto another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stroke {
    /// What is shown of the source; what lies outside of it is left out.
    pub part: Part,
    /// Where on the canvas; see [`Area::aligned`].
    pub area: Area,
    /// How it is turned within that area.
    pub turn: Turn,
    /// 0 (unseen) to 256 (nothing shines through).
    pub opacity: u16,
}

/// Paints one source after another. Keeps what scaling needs: one for each tile saves working
/// that out in every frame.
#[derive(Debug, Default)]
pub struct Painter {
    /// Of luma, of chroma.
    scales: [Scale; 2],
}

#[derive(Debug, Default)]
struct Scale {
    columns: Axis,
    rows: Axis,
    /// A row of sums, in 256ths.
    sums: Vec<u16>,
    /// A row as it is shown.
    row: Vec<u8>,
}

/// What of a scaled picture is seen, and where.
struct Cut {
    /// Of the scaled picture, before it is turned.
    columns: Range<usize>,
    rows: Range<usize>,
    /// Where its first sample would be if nothing were cut off.
    x: i32,
    y: i32,
    /// Its whole size on the canvas, turned.
    width: usize,
    height: usize,
}

impl Painter {
    /// Paints a part of `source`. What lies outside the canvas is cut off.
    pub fn paint(&mut self, canvas: &mut Picture, source: &Picture, stroke: &Stroke) {
        let area = stroke.area.aligned();
        if area.is_empty() || stroke.opacity == 0 {
            return;
        }
        let planes = canvas.planes_mut().into_iter().zip(source.planes());
        for (n, (to, from)) in planes.enumerate() {
            let (area, scale) = match n {
                0 => (area, &mut self.scales[0]),
                _ => (area.halved(), &mut self.scales[1]),
            };
            scale.paint(to, from, area, stroke);
        }
    }
}

impl Scale {
    fn paint(&mut self, mut to: PlaneMut<'_>, from: Plane<'_>, area: Area, stroke: &Stroke) {
        let Some(cut) = cut(area, stroke.turn, to.width, to.height) else {
            return;
        };
        let (width, height) = match stroke.turn.is_sideways() {
            true => (cut.height, cut.width),
            false => (cut.width, cut.height),
        };
        let part = stroke.part;
        let across = Window::of(from.width, part.x, part.width);
        let down = Window::of(from.height, part.y, part.height);
        let (left, top) = (across.identity(width), down.identity(height));
        if let (Some(left), Some(top)) = (left, top) {
            for y in cut.rows.clone() {
                let row = from.row(top + y);
                let seen = row.get(left + cut.columns.start..left + cut.columns.end);
                put(&mut to, &cut, y, seen.unwrap_or_default(), stroke);
            }
            return;
        }
        self.columns.prepare(across, width);
        self.rows.prepare(down, height);
        self.row.resize(cut.columns.len(), 0);
        for y in cut.rows.clone() {
            self.add_rows(from, y);
            self.columns
                .apply(&self.sums, cut.columns.start, &mut self.row);
            put(&mut to, &cut, y, &self.row, stroke);
        }
    }

    /// The rows that row `y` is made of, added up.
    fn add_rows(&mut self, from: Plane<'_>, y: usize) {
        let spare = self.columns.taps();
        self.sums.resize(from.width + spare, 0);
        let mut first = true;
        for (at, weight) in self.rows.of(y) {
            let samples = self.sums.iter_mut().zip(from.row(at));
            // 255 times weights that add up to 256 is below 2^16: nothing wraps, and without a check
            // for it these are vector instructions in every build.
            match std::mem::take(&mut first) {
                true => {
                    samples.for_each(|(sum, &sample)| *sum = u16::from(sample).wrapping_mul(weight))
                }
                false => samples.for_each(|(sum, &sample)| {
                    *sum = sum.wrapping_add(u16::from(sample).wrapping_mul(weight));
                }),
            }
        }
    }
}

/// Which samples of the scaled picture lie on the canvas.
fn cut(area: Area, turn: Turn, canvas_width: usize, canvas_height: usize) -> Option<Cut> {
    let seen = |from: i32, extent: u32, canvas: usize| {
        let (from, extent, canvas) = (i64::from(from), i64::from(extent), canvas as i64);
        let (first, last) = ((-from).max(0), (canvas - from).min(extent));
        (first < last).then_some(first as usize..last as usize)
    };
    let x = seen(area.x, area.width, canvas_width)?;
    let y = seen(area.y, area.height, canvas_height)?;
    let (width, height) = (area.width as usize, area.height as usize);
    let mirrored = |range: &Range<usize>, of: usize| of - range.end..of - range.start;
    let (columns, rows) = match turn {
        Turn::None => (x, y),
        Turn::Half => (mirrored(&x, width), mirrored(&y, height)),
        // Its rows become columns, the first of them at the right.
        Turn::Quarter => (y, mirrored(&x, width)),
        // The first of them at the left, from below.
        Turn::ThreeQuarters => (mirrored(&y, height), x),
    };
    Some(Cut {
        columns,
        rows,
        x: area.x,
        y: area.y,
        width,
        height,
    })
}

/// Puts the seen samples of row `row` of the scaled picture to where they belong.
fn put(to: &mut PlaneMut<'_>, cut: &Cut, row: usize, samples: &[u8], stroke: &Stroke) {
    // Seen samples are on the canvas, so none of these is negative.
    let place = |origin: i32, offset: usize| (i64::from(origin) + offset as i64) as usize;
    let (columns, opacity) = (&cut.columns, stroke.opacity);
    match stroke.turn {
        Turn::None => {
            let (x, y) = (place(cut.x, columns.start), place(cut.y, row));
            blend_row(to.row(y, x, x + samples.len()), samples, opacity);
        }
        Turn::Half => {
            let x = place(cut.x, cut.width - columns.end);
            let y = place(cut.y, cut.height - 1 - row);
            let to = to.row(y, x, x + samples.len()).iter_mut();
            blend(to.zip(samples.iter().rev()), opacity);
        }
        Turn::Quarter => {
            let x = place(cut.x, cut.width - 1 - row);
            let to = to.column(x, place(cut.y, columns.start));
            blend(to.zip(samples), opacity);
        }
        Turn::ThreeQuarters => {
            let (x, y) = (place(cut.x, row), place(cut.y, cut.height - columns.end));
            blend(to.column(x, y).zip(samples.iter().rev()), opacity);
        }
    }
}

fn blend_row(to: &mut [u8], samples: &[u8], opacity: u16) {
    match opacity {
        256.. if to.len() == samples.len() => to.copy_from_slice(samples),
        _ => blend(to.iter_mut().zip(samples), opacity),
    }
}

fn blend<'a>(pairs: impl Iterator<Item = (&'a mut u8, &'a u8)>, opacity: u16) {
    match opacity {
        256.. => pairs.for_each(|(to, sample)| *to = *sample),
        _ => pairs.for_each(|(to, &sample)| *to = mix(*to, sample, opacity)),
    }
}

/// `opacity` 256ths of a sample over another.
#[inline(always)]
pub(crate) const fn mix(under: u8, over: u8, opacity: u16) -> u8 {
    let over = (over as u16).wrapping_mul(opacity);
    let under = (under as u16).wrapping_mul(256_u16.wrapping_sub(opacity));
    (over.wrapping_add(under).wrapping_add(128) >> 8) as u8
}
