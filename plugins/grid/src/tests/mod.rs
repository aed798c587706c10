use super::*;
use pointsman_sdk::layout::{Canvas, Rect};

mod modes;
mod speaker;
mod wall;

const NOW: u64 = 1_800_000_000_000;

/// A connected source of 1920 x 1080.
fn source(id: &str) -> Source {
    sized(id, 1920, 1080)
}

fn sized(id: &str, width: u32, height: u32) -> Source {
    Source {
        id: id.into(),
        connected: true,
        width,
        height,
        ..Source::default()
    }
}

fn scene(width: u32, height: u32, sources: Vec<Source>) -> Scene {
    Scene {
        name: "wall/lobby".into(),
        now_unix_ms: NOW,
        canvas: Canvas {
            width,
            height,
            fps_milli: 25_000,
            ..Canvas::default()
        },
        sources,
        ..Scene::default()
    }
}

fn numbered(count: usize) -> Vec<Source> {
    (0..count).map(|n| source(&n.to_string())).collect()
}

fn try_arrange(scene: Scene, config: &str) -> Result<Arrangement, Error> {
    Grid::arrange(scene, serde_json::from_str(config).unwrap())
}

fn arrange(scene: Scene, config: &str) -> Vec<Tile> {
    try_arrange(scene, config).unwrap().tiles
}

/// Left, top, width and height of each tile.
fn areas(tiles: &[Tile]) -> Vec<(f64, f64, f64, f64)> {
    tiles.iter().map(|tile| four(&tile.area)).collect()
}

fn four(rect: &Rect) -> (f64, f64, f64, f64) {
    (rect.x, rect.y, rect.width, rect.height)
}

#[track_caller]
fn near(got: &Rect, expected: (f64, f64, f64, f64)) {
    let (x, y, width, height) = expected;
    let pairs = [
        (got.x, x),
        (got.y, y),
        (got.width, width),
        (got.height, height),
    ];
    let equal = pairs
        .iter()
        .all(|(got, expected)| (got - expected).abs() < 1e-9);
    assert!(equal, "{got:?} is not {expected:?}");
}
