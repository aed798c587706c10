//! Picture-in-picture.

use crate::config::{Config, Corner, Fit};
use crate::frame;
use pointsman_sdk::layout::{Canvas, Rect, Source, Tile};

/// The first source over all of the canvas, the others small in a corner: one above the other
/// while there is room, then beside those. Who finds no room is not shown.
pub(crate) fn arrange(canvas: &Canvas, sources: &[&Source], config: &Config) -> Vec<Tile> {
    let Some((first, small)) = sources.split_first() else {
        return Vec::new();
    };
    let mut tiles = vec![frame::tile(first, canvas.area(), config.fit, None)];
    let places = stack(canvas, small, config);
    for ((place, source), z) in places.into_iter().zip(small).zip(1..) {
        tiles.push(Tile {
            z,
            ..frame::tile(source, place, config.fit, config.border)
        });
    }
    tiles
}

/// Places for the small ones, away from the corner.
fn stack(canvas: &Canvas, small: &[&Source], config: &Config) -> Vec<Rect> {
    let whole = canvas.area();
    let room = frame::within(whole, config.pip.margin);
    let width = (whole.width * config.pip.size).min(room.width);
    // How far the next one is from the corner: sideways, and up or down.
    let (mut across, mut along) = (0.0, 0.0);
    let mut places = Vec::new();
    for source in small {
        let height = width / aspect(source, &whole, config.fit);
        if along > 0.0 && along + height > room.height {
            (across, along) = (across + width + config.gap, 0.0);
        }
        if width < 1.0 || height < 1.0 || height > room.height || across + width > room.width {
            break;
        }
        places.push(from_corner(
            room,
            config.pip.corner,
            across,
            along,
            width,
            height,
        ));
        along += height + config.gap;
    }
    places
}

/// Small pictures have the canvas's shape, unless that would leave room beside them.
fn aspect(source: &Source, canvas: &Rect, fit: Fit) -> f64 {
    let canvas = canvas.width / canvas.height;
    match fit {
        Fit::Contain => source.aspect().unwrap_or(canvas),
        Fit::Cover | Fit::Stretch => canvas,
    }
}

fn from_corner(
    room: Rect,
    corner: Corner,
    across: f64,
    along: f64,
    width: f64,
    height: f64,
) -> Rect {
    let x = match corner {
        Corner::TopLeft | Corner::BottomLeft => room.x + across,
        Corner::TopRight | Corner::BottomRight => room.right() - across - width,
    };
    let y = match corner {
        Corner::TopLeft | Corner::TopRight => room.y + along,
        Corner::BottomLeft | Corner::BottomRight => room.bottom() - along - height,
    };
    Rect::new(x, y, width, height)
}
