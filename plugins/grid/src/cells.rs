//! A part of the canvas divided into equal cells.

use crate::config::LastRow;
use pointsman_sdk::layout::{Rect, Source};

/// Width to height of a picture whose size nobody knows.
const USUAL_ASPECT: f64 = 16.0 / 9.0;

/// The gaps take all there is.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error(
    "{columns} x {rows} tiles, {gap} pixels apart, have no room on {width} x {height} pixels: \
     make the gap or the margin smaller"
)]
pub(crate) struct NoRoom {
    pub(crate) columns: u32,
    pub(crate) rows: u32,
    pub(crate) gap: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

/// Cells for so many sources, row by row.
pub(crate) fn grid(
    area: Rect,
    gap: f64,
    columns: u32,
    count: u32,
    last_row: LastRow,
) -> Result<Vec<Rect>, NoRoom> {
    let rows = count.div_ceil(columns);
    let (width, height) = (
        share(area.width, gap, columns),
        share(area.height, gap, rows),
    );
    if width < 1.0 || height < 1.0 {
        return Err(NoRoom {
            columns,
            rows,
            gap,
            width: area.width,
            height: area.height,
        });
    }
    let cell = |n: u32| {
        let (row, column) = (n / columns, n % columns);
        let in_row = columns.min(count - row * columns);
        let (left, width) = match last_row {
            LastRow::Stretch => (0.0, share(area.width, gap, in_row)),
            LastRow::Left => (0.0, width),
            LastRow::Centre => (f64::from(columns - in_row) * (width + gap) / 2.0, width),
        };
        let x = area.x + left + f64::from(column) * (width + gap);
        let y = area.y + f64::from(row) * (height + gap);
        Rect::new(x, y, width, height)
    };
    Ok((0..count).map(cell).collect())
}

/// The number of columns with which the sources are seen largest; of equals the one with the
/// fewest places left empty, and of those the one with more columns.
pub(crate) fn best_columns(area: Rect, gap: f64, sources: &[&Source]) -> u32 {
    let count = sources.len() as u32; // a scene has at most 256
    let aspect = sources
        .iter()
        .find_map(|source| source.aspect())
        .unwrap_or(USUAL_ASPECT);
    let score = |columns: u32| {
        let rows = count.div_ceil(columns);
        let (width, height) = (
            share(area.width, gap, columns),
            share(area.height, gap, rows),
        );
        let empty = columns * rows - count;
        // Whole pixels: a smaller difference is none.
        (height.min(width / aspect).floor(), std::cmp::Reverse(empty))
    };
    let better = |best: u32, next: u32| match score(next).partial_cmp(&score(best)) {
        Some(std::cmp::Ordering::Less) => best,
        _ => next,
    };
    (1..=count).reduce(better).unwrap_or(1)
}

/// The part of a length that one of several has, with gaps between them.
fn share(length: f64, gap: f64, parts: u32) -> f64 {
    (length - gap * f64::from(parts.saturating_sub(1))) / f64::from(parts.max(1))
}
