//! Draws a frame: tiles from below to above, their lines and names, then what lies over all.

use super::plan::Tile;
use super::text::Lettering;
use model::composite::{CompositeSpec, Overlay, TextStyle};
use raster::{Area, Colour, Painter, Picture, Sprite, Stroke};
use std::collections::HashMap;
use std::sync::Arc;

/// What a tile without pictures is filled with.
const SLATE: [u8; 3] = [38, 44, 54];
/// The name on it.
const SLATE_RGBA: u32 = 0xd8de_e6ff;
/// Nothing shines through.
const OPAQUE: u16 = 256;

/// What there is to see of a source.
#[derive(Debug, Clone, Default)]
pub(super) struct Look {
    /// Its name for people.
    pub(super) name: Arc<str>,
    /// Its newest picture; without one, a slate.
    pub(super) picture: Option<Arc<Picture>>,
}

/// What a frame shows beside its sources.
pub(super) struct Over<'a> {
    pub(super) spec: &'a CompositeSpec,
    /// Local time of day, as a clock shows it.
    pub(super) time: &'a str,
    /// Images by their overlay's place in the list.
    pub(super) images: &'a HashMap<usize, Arc<Sprite>>,
}

/// Draws frames, and keeps what it needs for the next.
#[derive(Default)]
pub(super) struct Brush {
    painters: HashMap<(Arc<str>, u32), Painter>,
    lettering: Lettering,
}

impl Brush {
    pub(super) fn new(lettering: Lettering) -> Self {
        Self {
            painters: HashMap::new(),
            lettering,
        }
    }

    /// Draws a whole frame. Tiles of sources that are not there are left out.
    pub(super) fn draw<'a>(
        &mut self,
        canvas: &mut Picture,
        tiles: &[Tile],
        look: impl Fn(&str) -> Option<&'a Look>,
        over: &Over<'_>,
    ) {
        let [_, r, g, b] = over.spec.background_rgb.to_be_bytes();
        if !is_covered(canvas, tiles, &look) {
            canvas.clear(Colour::of_rgb([r, g, b]));
        }
        let seen =
            |key: &(Arc<str>, u32)| tiles.iter().any(|it| it.source == key.0 && it.nth == key.1);
        self.painters.retain(|key, _| seen(key));
        for tile in tiles {
            if let Some(look) = look(&tile.source) {
                self.tile(canvas, tile, look, over.spec.name_tags);
            }
        }
        for (n, overlay) in over.spec.overlays.iter().enumerate() {
            self.overlay(canvas, n, overlay, over);
        }
    }

    fn tile(&mut self, canvas: &mut Picture, tile: &Tile, look: &Look, tags: Option<TextStyle>) {
        let (area, opacity) = (tile.area(), tile.opacity());
        match &look.picture {
            Some(picture) => {
                let key = (tile.source.clone(), tile.nth);
                let stroke = Stroke {
                    part: tile.part(),
                    area,
                    turn: tile.turn,
                    opacity,
                };
                let painter = self.painters.entry(key).or_default();
                painter.paint(canvas, picture, &stroke);
            }
            None => self.slate(canvas, area, &look.name, opacity),
        }
        if let Some(border) = tile.border {
            let [r, g, b, a] = border.rgba.to_be_bytes();
            let opacity = u32::from(opacity) * u32::from(a) / 255;
            canvas.frame(
                area,
                border.width,
                Colour::of_rgb([r, g, b]),
                opacity as u16,
            );
        }
        if let Some(style) = tags
            && look.picture.is_some()
            && area.height >= 2 * style.size
        {
            let border = tile
                .border
                .map_or(0, |border| border.width.min(area.height / 4));
            let room = area.width.saturating_sub(2 * border);
            if let Some(line) = self.lettering.fitted(&look.name, style, room) {
                let down = area.height.saturating_sub(line.height() + border);
                let (x, y) = (
                    area.x.saturating_add_unsigned(border),
                    area.y.saturating_add_unsigned(down),
                );
                canvas.lay(&line, x, y, opacity);
            }
        }
    }

    fn slate(&mut self, canvas: &mut Picture, area: Area, name: &str, opacity: u16) {
        canvas.fill(area, Colour::of_rgb(SLATE), opacity);
        let style = TextStyle {
            size: (area.height / 8).clamp(8, 64) & !3,
            rgba: SLATE_RGBA,
            box_rgba: 0,
        };
        if let Some(line) = self.lettering.fitted(name, style, area.width)
            && line.height() <= area.height
        {
            let middle = |from: i32, room: u32, extent: u32| {
                from.saturating_add_unsigned(room.saturating_sub(extent) / 2)
            };
            let x = middle(area.x, area.width, line.width());
            canvas.lay(
                &line,
                x,
                middle(area.y, area.height, line.height()),
                opacity,
            );
        }
    }

    fn overlay(&mut self, canvas: &mut Picture, n: usize, overlay: &Overlay, over: &Over<'_>) {
        match overlay {
            Overlay::Image { x, y, alpha, .. } => {
                if let Some(image) = over.images.get(&n) {
                    canvas.lay(image, *x, *y, (alpha * f64::from(OPAQUE)).round() as u16);
                }
            }
            Overlay::Text { text, x, y, style } => self.line(canvas, text, (*x, *y), *style),
            Overlay::Clock { x, y, style } => self.line(canvas, over.time, (*x, *y), *style),
        }
    }

    fn line(&mut self, canvas: &mut Picture, text: &str, (x, y): (i32, i32), style: TextStyle) {
        if let Some(line) = self.lettering.line(text, style) {
            canvas.lay(&line, x, y, OPAQUE);
        }
    }
}

/// Whether one opaque tile covers it all, or tiles without gaps do so evidently: those that do not
/// overlap and together have as many pixels.
fn is_covered<'a>(
    canvas: &Picture,
    tiles: &[Tile],
    look: &impl Fn(&str) -> Option<&'a Look>,
) -> bool {
    let (width, height) = (i64::from(canvas.width()), i64::from(canvas.height()));
    let seen = tiles
        .iter()
        .filter(|tile| tile.opacity() == OPAQUE && look(&tile.source).is_some());
    let clipped = seen.map(|tile| {
        let area = tile.area();
        let span = |from: i32, extent: u32, most: i64| {
            let from = i64::from(from);
            (
                from.clamp(0, most),
                (from + i64::from(extent)).clamp(0, most),
            )
        };
        (
            span(area.x, area.width, width),
            span(area.y, area.height, height),
        )
    });
    let clipped: Vec<_> = clipped.collect();
    let meet = |a: (i64, i64), b: (i64, i64)| a.0 < b.1 && b.0 < a.1;
    let apart = clipped.iter().enumerate().all(|(n, a)| {
        let before = clipped.iter().take(n);
        before
            .into_iter()
            .all(|b| !(meet(a.0, b.0) && meet(a.1, b.1)))
    });
    let pixels: i64 = clipped.iter().map(|(x, y)| (x.1 - x.0) * (y.1 - y.0)).sum();
    apart && pixels == width * height
}
