//! A picture in its cell.

use crate::config::{Border, Fit};
use pointsman_sdk::layout::{Rect, Source, Tile};

/// A source in a cell; edges are whole pixels.
pub(crate) fn tile(source: &Source, cell: Rect, fit: Fit, border: Option<Border>) -> Tile {
    let (part, area) = fitted(source.aspect(), cell, fit);
    Tile {
        part,
        border: border.map(Into::into),
        ..Tile::new(&source.id, snapped(area))
    }
}

/// Which part of a picture goes to which part of a cell. A picture of unknown size fills it.
pub(crate) fn fitted(aspect: Option<f64>, cell: Rect, fit: Fit) -> (Rect, Rect) {
    // How much wider the picture is than the cell, in proportion.
    let wider = aspect.map_or(1.0, |aspect| aspect * cell.height / cell.width);
    match fit {
        Fit::Stretch => (Rect::WHOLE, cell),
        Fit::Contain => {
            let (width, height) = (cell.width * wider.min(1.0), cell.height / wider.max(1.0));
            (Rect::WHOLE, centred(cell, width, height))
        }
        Fit::Cover => {
            let (width, height) = (1.0 / wider.max(1.0), wider.min(1.0));
            (centred(Rect::WHOLE, width, height), cell)
        }
    }
}

/// The middle of a rectangle.
pub(crate) fn centred(of: Rect, width: f64, height: f64) -> Rect {
    let (x, y) = (
        of.x + (of.width - width) / 2.0,
        of.y + (of.height - height) / 2.0,
    );
    Rect::new(x, y, width, height)
}

/// A rectangle without its rim; of no size if the rim is all there is.
pub(crate) fn within(of: Rect, rim: f64) -> Rect {
    let (width, height) = (of.width - 2.0 * rim, of.height - 2.0 * rim);
    centred(of, width.max(0.0), height.max(0.0))
}

/// Edges moved to whole pixels. Two rectangles that touch still do, and none vanishes.
fn snapped(area: Rect) -> Rect {
    let (x, y) = (area.x.round(), area.y.round());
    let (right, bottom) = (area.right().round(), area.bottom().round());
    Rect::new(x, y, (right - x).max(1.0), (bottom - y).max(1.0))
}
