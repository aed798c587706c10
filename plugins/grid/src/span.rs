//! One picture over all screens of a wall. The geometry is told in README.md.

use crate::config::Fit;
use crate::frame;
use pointsman_sdk::layout::{Canvas, Rect, Screen, Source, Tile};
use std::collections::BTreeMap;

/// A tile for each screen that shows some of the source; on a canvas without screens, one.
pub(crate) fn arrange(canvas: &Canvas, source: &Source, fit: Fit) -> Vec<Tile> {
    if canvas.screens.is_empty() {
        return vec![frame::tile(source, canvas.area(), fit, None)];
    }
    let panes = panes(&canvas.screens);
    let Some(wall) = panes.iter().map(|pane| pane.seen).reduce(around) else {
        return Vec::new();
    };
    let (part, picture) = frame::fitted(source.aspect(), wall, fit);
    panes
        .iter()
        .filter_map(|pane| pane.tile(source, part, picture))
        .collect()
}

/// A screen's picture at its place on the wall.
struct Pane<'a> {
    screen: &'a Screen,
    /// Pixels from the wall's upper left corner.
    seen: Rect,
}

impl Pane<'_> {
    /// What this screen shows of a picture, of whose source that part is shown at all.
    fn tile(&self, source: &Source, part: Rect, picture: Rect) -> Option<Tile> {
        let shown = common(picture, self.seen)?;
        let (x, width) = along(
            part.x,
            part.width,
            shown.x - picture.x,
            shown.width,
            picture.width,
        );
        let (y, height) = along(
            part.y,
            part.height,
            shown.y - picture.y,
            shown.height,
            picture.height,
        );
        let area = &self.screen.area;
        let (left, top) = (
            area.x + shown.x - self.seen.x,
            area.y + shown.y - self.seen.y,
        );
        Some(Tile {
            part: Rect::new(x, y, width, height),
            ..Tile::new(&source.id, Rect::new(left, top, shown.width, shown.height))
        })
    }
}

/// Where a stretch of the picture lies in the source, as start and length; rounding does not lead
/// out of it.
fn along(start: f64, length: f64, offset: f64, shown: f64, whole: f64) -> (f64, f64) {
    let begin = (start + length * offset / whole).clamp(0.0, 1.0);
    (begin, (length * shown / whole).min(1.0 - begin))
}

/// Puts the screens' frames side by side.
fn panes(screens: &[Screen]) -> Vec<Pane<'_>> {
    let columns = places(screens.iter().map(|it| (it.column, frame_width(it))));
    let rows = places(screens.iter().map(|it| (it.row, frame_height(it))));
    let middle = |place: Option<&Place>, size: f64| {
        place.map_or(0.0, |place| place.start + (place.size - size) / 2.0)
    };
    let panes = screens.iter().map(|screen| {
        let Screen {
            area,
            bezel,
            row,
            column,
            ..
        } = screen;
        let x = middle(columns.get(column), frame_width(screen)) + bezel.left;
        let y = middle(rows.get(row), frame_height(screen)) + bezel.top;
        Pane {
            screen,
            seen: Rect::new(x, y, area.width, area.height),
        }
    });
    panes.collect()
}

fn frame_width(screen: &Screen) -> f64 {
    screen.bezel.left + screen.area.width + screen.bezel.right
}

fn frame_height(screen: &Screen) -> f64 {
    screen.bezel.top + screen.area.height + screen.bezel.bottom
}

/// A column or a row of the wall, pixels.
#[derive(Default)]
struct Place {
    start: f64,
    size: f64,
}

/// Each column or row is as large as the largest in it, and begins where the one before it ends.
/// Numbers that no screen has take no room.
fn places(sizes: impl Iterator<Item = (u32, f64)>) -> BTreeMap<u32, Place> {
    let mut places: BTreeMap<u32, Place> = BTreeMap::new();
    for (number, size) in sizes {
        let place = places.entry(number).or_default();
        place.size = place.size.max(size);
    }
    let mut end = 0.0;
    for place in places.values_mut() {
        place.start = end;
        end += place.size;
    }
    places
}

/// The smallest rectangle around two.
fn around(a: Rect, b: Rect) -> Rect {
    let (x, y) = (a.x.min(b.x), a.y.min(b.y));
    Rect::new(
        x,
        y,
        a.right().max(b.right()) - x,
        a.bottom().max(b.bottom()) - y,
    )
}

/// What two rectangles have in common.
fn common(a: Rect, b: Rect) -> Option<Rect> {
    let (x, y) = (a.x.max(b.x), a.y.max(b.y));
    let (width, height) = (a.right().min(b.right()) - x, a.bottom().min(b.bottom()) - y);
    (width > 0.0 && height > 0.0).then(|| Rect::new(x, y, width, height))
}
