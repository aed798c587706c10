//! One large picture, the others beside it or around its corner.

use crate::cells::{self, NoRoom};
use crate::config::{Config, LastRow, Others};
use crate::frame;
use pointsman_sdk::layout::{Canvas, Rect, Source, Tile};

/// The first source large, the others small.
pub(crate) fn arrange(
    canvas: &Canvas,
    sources: &[&Source],
    config: &Config,
) -> Result<Vec<Tile>, NoRoom> {
    let area = frame::within(canvas.area(), config.margin());
    let places = places(area, sources, config)?;
    let tiles = places.into_iter().zip(sources);
    Ok(tiles
        .map(|(cell, source)| frame::tile(source, cell, config.fit, config.border))
        .collect())
}

fn places(area: Rect, sources: &[&Source], config: &Config) -> Result<Vec<Rect>, NoRoom> {
    let Some((_, small)) = sources.split_first().filter(|(_, small)| !small.is_empty()) else {
        return cells::grid(area, 0.0, 1, 1, LastRow::Left);
    };
    let count = small.len() as u32; // a scene has at most 256
    if config.featured.others == Others::Corner {
        return corner(area, config.gap, count);
    }
    let (large, rest) = divide(area, config);
    if large.width < 1.0 || large.height < 1.0 || rest.width < 1.0 || rest.height < 1.0 {
        let (width, height) = (area.width, area.height);
        return Err(NoRoom {
            columns: 1,
            rows: 1,
            gap: config.gap,
            width,
            height,
        });
    }
    let columns = cells::best_columns(rest, config.gap, small);
    let small = cells::grid(rest, config.gap, columns, count, LastRow::Centre)?;
    Ok(std::iter::once(large).chain(small).collect())
}

/// The large one's part of the area, and the others'.
fn divide(area: Rect, config: &Config) -> (Rect, Rect) {
    let Rect {
        x,
        y,
        width,
        height,
    } = area;
    let (gap, share) = (config.gap, config.featured.share);
    let (wide, high) = ((width - gap) * share, (height - gap) * share);
    let (beside, below) = (width - gap - wide, height - gap - high);
    match config.featured.others {
        Others::Left => (
            Rect::new(x + beside + gap, y, wide, height),
            Rect::new(x, y, beside, height),
        ),
        Others::Top => (
            Rect::new(x, y + below + gap, width, high),
            Rect::new(x, y, width, below),
        ),
        Others::Bottom => (
            Rect::new(x, y, width, high),
            Rect::new(x, y + high + gap, width, below),
        ),
        Others::Right | Others::Corner => (
            Rect::new(x, y, wide, height),
            Rect::new(x + wide + gap, y, beside, height),
        ),
    }
}

/// A square grid of which the large one takes all but the last column and the last row: the
/// others stand there, down the right and then along the bottom from the left.
fn corner(area: Rect, gap: f64, count: u32) -> Result<Vec<Rect>, NoRoom> {
    // A side of n leaves 2n - 1 places.
    let side = (count + 1).div_ceil(2).max(2);
    let grid = cells::grid(area, gap, side, side * side, LastRow::Left)?;
    let at = |row: u32, column: u32| grid.get((row * side + column) as usize).copied();
    let (Some(first), Some(last)) = (at(0, 0), at(side - 2, side - 2)) else {
        return Ok(Vec::new()); // the side is at least 2
    };
    let large = Rect::new(
        first.x,
        first.y,
        last.right() - first.x,
        last.bottom() - first.y,
    );
    let right = (0..side).filter_map(|row| at(row, side - 1));
    let bottom = (0..side - 1).filter_map(|column| at(side - 1, column));
    let small = right.chain(bottom).take(count as usize);
    Ok(std::iter::once(large).chain(small).collect())
}
