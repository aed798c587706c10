//! The layout kind: the bounds on what comes back, and a sample to try candidates on.

use crate::bounds::{Checked, MAX_TEXT_BYTES, most, pairs, refuse, text};
use model::layout::{Arrangement, Canvas, Rect, Scene, SceneSource, Tile};

/// Tiles in an arrangement.
pub const MAX_TILES: usize = 256;
/// Pixels of a border's width.
pub const MAX_BORDER: u32 = 256;
/// How far beyond its source a part may reach, for sums of fractions that do not come out even.
const ROUNDING: f64 = 1e-6;

/// Whether an arrangement keeps within the bounds its WIT file names.
pub(crate) fn check(arrangement: &Arrangement) -> Checked {
    most("tiles", arrangement.tiles.len(), MAX_TILES)?;
    text("reason", &arrangement.reason, MAX_TEXT_BYTES)?;
    pairs("attributes", &arrangement.attributes)?;
    arrangement.tiles.iter().try_for_each(check_tile)
}

fn check_tile(tile: &Tile) -> Checked {
    text("source of a tile", &tile.source, MAX_TEXT_BYTES)?;
    let Tile {
        source, part, area, ..
    } = tile;
    rect("part", part)?;
    rect("area", area)?;
    let (right, lower) = (part.x + part.width, part.y + part.height);
    if part.x < 0.0 || part.y < 0.0 || right.max(lower) > 1.0 + ROUNDING {
        return refuse(format!(
            "the part of {source:?} lies outside of it: {part:?}, fractions of 0 to 1"
        ));
    }
    if !matches!(tile.rotation, 0 | 90 | 180 | 270) {
        let rotation = tile.rotation;
        return refuse(format!("rotation {rotation}: 0, 90, 180 or 270 degrees"));
    }
    // Written so that NaN fails.
    if !(0.0..=1.0).contains(&tile.alpha) {
        return refuse(format!("alpha {}: 0 to 1", tile.alpha));
    }
    if let Some(border) = tile
        .border
        .filter(|it| !(1..=MAX_BORDER).contains(&it.width))
    {
        return refuse(format!(
            "border of {} pixels: 1 to {MAX_BORDER}",
            border.width
        ));
    }
    pairs("attributes of a tile", &tile.attributes)
}

fn rect(what: &str, rect: &Rect) -> Checked {
    let finite = [rect.x, rect.y, rect.width, rect.height]
        .iter()
        .all(|it| it.is_finite());
    if finite && rect.width > 0.0 && rect.height > 0.0 {
        return Ok(());
    }
    refuse(format!(
        "{what} {rect:?}: finite numbers, width and height above 0"
    ))
}

/// A scene like those in real use, for trying a candidate and for measuring: two cameras on a
/// picture of 1280 by 720.
pub fn sample_scene() -> Scene {
    let source = |id: &str, audio_level_db| SceneSource {
        id: id.to_owned(),
        title: id.to_owned(),
        connected: true,
        width: 1280,
        height: 720,
        audio_level_db: Some(audio_level_db),
        ..SceneSource::default()
    };
    Scene {
        name: "wall/sample".to_owned(),
        now_unix_ms: 1_767_225_600_000,
        canvas: Canvas {
            width: 1280,
            height: 720,
            fps_milli: 25_000,
            ..Canvas::default()
        },
        sources: vec![source("live/one", -18.0), source("live/two", -40.0)],
        ..Scene::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::layout::Border;

    fn tile() -> Tile {
        let area = Rect {
            x: -10.0,
            y: 0.0,
            width: 640.0,
            height: 360.0,
        };
        Tile {
            source: "live/one".to_owned(),
            part: Rect::WHOLE,
            area,
            z: 0,
            rotation: 90,
            alpha: 1.0,
            border: None,
            attributes: Default::default(),
        }
    }

    fn checked(change: impl FnOnce(&mut Tile)) -> Checked {
        let mut tile = tile();
        change(&mut tile);
        let tiles = vec![tile];
        check(&Arrangement {
            tiles,
            ..Arrangement::default()
        })
    }

    #[test]
    fn tiles_that_cannot_be_drawn_are_refused() {
        assert_eq!(checked(|_| {}), Ok(()));
        assert_eq!(
            checked(|it| it.border = Some(Border {
                width: 256,
                rgba: 0
            })),
            Ok(())
        );
        let bad: [fn(&mut Tile); 12] = [
            |it| it.area.x = f64::NAN,
            |it| it.area.y = f64::INFINITY,
            |it| it.area.width = -1.0,
            |it| it.area.height = 0.0,
            |it| it.part.x = 0.5,
            |it| it.part.y = -0.1,
            |it| it.part.width = f64::NAN,
            |it| it.rotation = 45,
            |it| it.alpha = f64::NAN,
            |it| it.alpha = 1.5,
            |it| it.border = Some(Border { width: 0, rgba: 0 }),
            |it| {
                it.border = Some(Border {
                    width: 257,
                    rgba: 0,
                })
            },
        ];
        for (number, change) in bad.into_iter().enumerate() {
            assert_eq!(
                checked(change).unwrap_err().code(),
                "bad-result",
                "case {number}"
            );
        }
    }

    #[test]
    fn thirds_that_do_not_sum_to_one_exactly_are_taken() {
        let third = 1.0 / 3.0;
        let result = checked(|it| {
            it.part.x = third + third;
            it.part.width = third + f64::EPSILON * 4.0;
        });
        assert_eq!(result, Ok(()));
    }
}
