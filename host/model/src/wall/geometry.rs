//! Where the screens of a group hang, and which part of a picture each of them shows.
//!
//! Rows and columns are as large as the largest screen in them, frames included, and numbers that no
//! screen has take no room; a smaller screen hangs in the middle of its place. The picture reaches
//! from the outermost pixel to the outermost pixel: what lies behind frames between screens is not
//! shown (bezel compensation), and nothing is lost behind the outer ones. The shipped layout policy
//! `grid` measures in the same way.

use super::{Fit, GroupSpec, ScreenSpec};
use crate::layout::{Canvas, Rect, Screen, Tile};
use crate::{Label, StreamName};
use std::collections::BTreeMap;

/// Pixels each way that a composed picture has at most; a larger wall is composed smaller, since
/// one encoder makes it in real time.
const COMPOSED: (f64, f64) = (3_840.0, 2_160.0);

/// What one screen shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Region {
    /// The screen.
    pub screen: Label,
    /// The stream of it.
    pub stream: StreamName,
    /// The part of the source, fractions of its size; it lies within the source.
    pub part: Rect,
    /// How far that part is to be turned clockwise, degrees, so that it is upright where the screen
    /// hangs.
    pub turn: u32,
    /// Pixels of the stream, after it is turned.
    pub width: u32,
    /// Pixels of the stream, after it is turned.
    pub height: u32,
}

/// Where the screens of a group hang.
#[derive(Debug, Clone, PartialEq)]
pub struct Wall<'a> {
    group: &'a GroupSpec,
    panes: Vec<Pane<'a>>,
    /// Pixels from the outermost to the outermost.
    width: f64,
    height: f64,
}

/// A screen's picture at its place.
#[derive(Debug, Clone, PartialEq)]
struct Pane<'a> {
    screen: &'a ScreenSpec,
    row: u32,
    column: u32,
    /// Pixels from the wall's upper left corner, frames between screens counted.
    seen: Rect,
}

impl<'a> Wall<'a> {
    /// The wall of a group; `None` without screens.
    pub fn of(group: &'a GroupSpec) -> Option<Self> {
        let places = group.screens.iter().enumerate().map(|(at, screen)| {
            let (row, column) = group.direction.place(at, group.screens.len());
            let given = screen.row.zip(screen.column);
            (screen, given.unwrap_or((row, column)))
        });
        let places: Vec<_> = places.collect();
        let columns = stretches(places.iter().map(|(it, at)| (at.1, framed(it).0)));
        let rows = stretches(places.iter().map(|(it, at)| (at.0, framed(it).1)));
        let middle = |stretch: Option<&Stretch>, size: f64| {
            stretch.map_or(0.0, |it| it.start + (it.size - size) / 2.0)
        };
        let hang = |(screen, (row, column)): (&'a ScreenSpec, (u32, u32))| {
            let ((width, height), (framed_width, framed_height)) = (hung(screen), framed(screen));
            Pane {
                screen,
                row,
                column,
                seen: Rect {
                    x: middle(columns.get(&column), framed_width) + screen.bezel.left,
                    y: middle(rows.get(&row), framed_height) + screen.bezel.top,
                    width,
                    height,
                },
            }
        };
        let mut panes: Vec<_> = places.into_iter().map(hang).collect();
        let around = panes.iter().map(|pane| pane.seen).reduce(around)?;
        for pane in &mut panes {
            pane.seen.x -= around.x;
            pane.seen.y -= around.y;
        }
        Some(Self {
            group,
            panes,
            width: around.width,
            height: around.height,
        })
    }

    /// Pixels of the wall, from the outermost to the outermost, frames between screens counted.
    pub fn size(&self) -> (f64, f64) {
        (self.width, self.height)
    }

    /// Which part of a picture each screen shows, if one picture fills the wall. `source` is the
    /// size of the picture in pixels; while it is not known, its proportions are taken to be the
    /// wall's.
    pub fn regions(&self, source: Option<(u32, u32)>, fit: Fit) -> Vec<Region> {
        let shown = match (source, fit) {
            (Some((width, height)), Fit::Cover) if width > 0 && height > 0 => {
                self.covering(f64::from(width), f64::from(height))
            }
            _ => Rect::WHOLE,
        };
        let part = |pane: &Pane<'_>| {
            within(Rect {
                x: shown.x + shown.width * pane.seen.x / self.width,
                y: shown.y + shown.height * pane.seen.y / self.height,
                width: shown.width * pane.seen.width / self.width,
                height: shown.height * pane.seen.height / self.height,
            })
        };
        self.each(part)
    }

    /// The middle of a picture that has the wall's proportions, fractions.
    fn covering(&self, width: f64, height: f64) -> Rect {
        let scale = (self.width / width).max(self.height / height);
        let (across, down) = (self.width / (width * scale), self.height / (height * scale));
        within(Rect {
            x: (1.0 - across) / 2.0,
            y: (1.0 - down) / 2.0,
            width: across,
            height: down,
        })
    }

    /// What a layout policy draws on, and what is composed: the screens' pictures side by side,
    /// without room for frames, which it is told of instead.
    pub fn canvas(&self) -> Canvas {
        let columns = stretches(self.panes.iter().map(|it| (it.column, it.seen.width)));
        let rows = stretches(self.panes.iter().map(|it| (it.row, it.seen.height)));
        let (width, height) = (extent(&columns), extent(&rows));
        let scale = (COMPOSED.0 / width).min(COMPOSED.1 / height).min(1.0);
        let screens = self.panes.iter().map(|pane| {
            let stretch = |of: &BTreeMap<u32, Stretch>, at: u32, size: f64| {
                of.get(&at)
                    .map_or(0.0, |it| it.start + (it.size - size) / 2.0)
            };
            let bezel = pane.screen.bezel;
            Screen {
                id: pane.screen.id.to_string(),
                area: Rect {
                    x: scale * stretch(&columns, pane.column, pane.seen.width),
                    y: scale * stretch(&rows, pane.row, pane.seen.height),
                    width: scale * pane.seen.width,
                    height: scale * pane.seen.height,
                },
                row: pane.row,
                column: pane.column,
                bezel: crate::layout::Bezel {
                    left: scale * bezel.left,
                    top: scale * bezel.top,
                    right: scale * bezel.right,
                    bottom: scale * bezel.bottom,
                },
            }
        });
        Canvas {
            width: even(scale * width),
            height: even(scale * height),
            screens: screens.collect(),
            ..Canvas::default()
        }
    }

    /// Which part of a picture composed on [`Wall::canvas`] each screen shows.
    pub fn regions_of_canvas(&self) -> Vec<Region> {
        let canvas = self.canvas();
        let (width, height) = (f64::from(canvas.width), f64::from(canvas.height));
        let areas: BTreeMap<_, _> = canvas
            .screens
            .into_iter()
            .map(|it| (it.id, it.area))
            .collect();
        self.each(|pane| {
            let area = areas.get(pane.screen.id.as_str()).copied();
            let area = area.unwrap_or_default();
            within(Rect {
                x: area.x / width,
                y: area.y / height,
                width: area.width / width,
                height: area.height / height,
            })
        })
    }

    /// Which part of its one source each screen shows, as a layout policy arranged it on
    /// [`Wall::canvas`]; `None` if that cannot be cut out of the source: a screen is not filled by
    /// one upright, opaque tile.
    pub fn regions_of_tiles(&self, tiles: &[Tile]) -> Option<Vec<Region>> {
        let canvas = self.canvas();
        let mut parts = BTreeMap::new();
        for screen in &canvas.screens {
            let fills = |tile: &&Tile| tile.rotation == 0 && fills(tile.area, screen.area);
            let mut over = tiles.iter().filter(|tile| meets(tile.area, screen.area));
            let tile = over.next().filter(fills).filter(|it| it.alpha >= 1.0)?;
            if over.next().is_some() {
                return None;
            }
            parts.insert(screen.id.clone(), cut(tile, screen.area));
        }
        Some(self.each(|pane| {
            let part = parts.get(pane.screen.id.as_str()).copied();
            part.unwrap_or(Rect::WHOLE)
        }))
    }

    fn each(&self, part: impl Fn(&Pane<'_>) -> Rect) -> Vec<Region> {
        let regions = self.panes.iter().filter_map(|pane| {
            Some(Region {
                screen: pane.screen.id.clone(),
                stream: self.group.stream_of(&pane.screen.id).ok()?,
                part: part(pane),
                turn: (360 - pane.screen.rotation % 360) % 360,
                width: pane.screen.width,
                height: pane.screen.height,
            })
        });
        regions.collect()
    }
}

/// The part of a tile's source that lies over an area.
fn cut(tile: &Tile, area: Rect) -> Rect {
    let (whole, part) = (tile.area, tile.part);
    within(Rect {
        x: part.x + part.width * (area.x - whole.x) / whole.width,
        y: part.y + part.height * (area.y - whole.y) / whole.height,
        width: part.width * area.width / whole.width,
        height: part.height * area.height / whole.height,
    })
}

/// Half a pixel, which a policy may round.
const HALF: f64 = 0.5;

fn fills(tile: Rect, area: Rect) -> bool {
    tile.width > 0.0
        && tile.height > 0.0
        && tile.x <= area.x + HALF
        && tile.y <= area.y + HALF
        && tile.x + tile.width >= area.x + area.width - HALF
        && tile.y + tile.height >= area.y + area.height - HALF
}

fn meets(tile: Rect, area: Rect) -> bool {
    tile.x < area.x + area.width - HALF
        && area.x < tile.x + tile.width - HALF
        && tile.y < area.y + area.height - HALF
        && area.y < tile.y + tile.height - HALF
}

/// Pixels of a screen's picture as it hangs.
fn hung(screen: &ScreenSpec) -> (f64, f64) {
    let (width, height) = (f64::from(screen.width), f64::from(screen.height));
    match screen.rotation {
        90 | 270 => (height, width),
        _ => (width, height),
    }
}

fn framed(screen: &ScreenSpec) -> (f64, f64) {
    let ((width, height), bezel) = (hung(screen), screen.bezel);
    (
        bezel.left + width + bezel.right,
        bezel.top + height + bezel.bottom,
    )
}

/// A row or a column, pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Stretch {
    start: f64,
    size: f64,
}

fn stretches(sizes: impl Iterator<Item = (u32, f64)>) -> BTreeMap<u32, Stretch> {
    let mut stretches: BTreeMap<u32, Stretch> = BTreeMap::new();
    for (number, size) in sizes {
        let stretch = stretches.entry(number).or_default();
        stretch.size = stretch.size.max(size);
    }
    let mut end = 0.0;
    for stretch in stretches.values_mut() {
        stretch.start = end;
        end += stretch.size;
    }
    stretches
}

fn extent(stretches: &BTreeMap<u32, Stretch>) -> f64 {
    stretches.values().map(|stretch| stretch.size).sum()
}

/// The smallest rectangle around two.
fn around(one: Rect, other: Rect) -> Rect {
    let (x, y) = (one.x.min(other.x), one.y.min(other.y));
    let right = (one.x + one.width).max(other.x + other.width);
    let bottom = (one.y + one.height).max(other.y + other.height);
    Rect {
        x,
        y,
        width: right - x,
        height: bottom - y,
    }
}

/// Rounding does not lead out of the source.
fn within(part: Rect) -> Rect {
    let (x, y) = (part.x.clamp(0.0, 1.0), part.y.clamp(0.0, 1.0));
    Rect {
        x,
        y,
        width: part.width.clamp(0.0, 1.0 - x),
        height: part.height.clamp(0.0, 1.0 - y),
    }
}

/// Whole pixels, in pairs as they are coded.
fn even(size: f64) -> u32 {
    // Walls are composed at no more than `COMPOSED`.
    let pairs = (size / 2.0).round().clamp(1.0, 16_384.0) as u32;
    pairs * 2
}

#[cfg(test)]
mod tests;
