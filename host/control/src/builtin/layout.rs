//! The layout of a composite that no plugin decides for: an equal grid.

use model::layout::{Arrangement, Rect, Scene, SceneSource, Tile};

/// Every connected source in a cell of its own, in the operator's order, row by row.
///
/// Cells are equal and as square as the count allows; a picture whose size is known keeps its
/// proportions within its cell.
pub fn arrangement(scene: &Scene) -> Arrangement {
    let shown: Vec<_> = scene.sources.iter().filter(|it| it.connected).collect();
    let columns = (1..)
        .find(|columns| columns * columns >= shown.len())
        .unwrap_or(1)
        .max(1);
    let rows = shown.len().div_ceil(columns).max(1);
    let cells = (0..rows).flat_map(|row| (0..columns).map(move |column| (row, column)));
    let tiles = shown.iter().zip(cells).map(|(source, (row, column))| Tile {
        source: source.id.clone(),
        part: Rect::WHOLE,
        area: fitted(cell(scene, (rows, columns), (row, column)), source),
        z: 0,
        rotation: 0,
        alpha: 1.0,
        border: None,
        attributes: Default::default(),
    });
    Arrangement {
        tiles: tiles.collect(),
        reason: "built-in: an equal grid".to_owned(),
        ..Arrangement::default()
    }
}

/// On whole pixels, so that neighbours neither overlap nor leave a gap.
fn cell(scene: &Scene, of: (usize, usize), at: (usize, usize)) -> Rect {
    let edge =
        |length: u32, parts: usize, n: usize| (f64::from(length) * n as f64 / parts as f64).round();
    let (width, height) = (scene.canvas.width, scene.canvas.height);
    let (x, y) = (edge(width, of.1, at.1), edge(height, of.0, at.0));
    Rect {
        x,
        y,
        width: edge(width, of.1, at.1 + 1) - x,
        height: edge(height, of.0, at.0 + 1) - y,
    }
}

/// The largest rectangle of the source's proportions, in the middle of the cell.
fn fitted(cell: Rect, source: &SceneSource) -> Rect {
    if source.width == 0 || source.height == 0 {
        return cell;
    }
    let (width, height) = (f64::from(source.width), f64::from(source.height));
    let scale = (cell.width / width).min(cell.height / height);
    let (width, height) = ((width * scale).round(), (height * scale).round());
    Rect {
        x: cell.x + ((cell.width - width) / 2.0).round(),
        y: cell.y + ((cell.height - height) / 2.0).round(),
        width,
        height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::layout::Canvas;

    fn scene(count: usize, size: (u32, u32)) -> Scene {
        let source = |n| SceneSource {
            id: format!("s{n}"),
            connected: true,
            width: size.0,
            height: size.1,
            ..SceneSource::default()
        };
        let canvas = Canvas {
            width: 1920,
            height: 1080,
            ..Canvas::default()
        };
        let sources = (0..count).map(source).collect();
        Scene {
            canvas,
            sources,
            ..Scene::default()
        }
    }

    #[test]
    fn cells_of_any_count_fill_the_canvas_without_overlap() {
        for (count, columns, rows) in [(1, 1, 1), (2, 2, 1), (4, 2, 2), (5, 3, 2), (7, 3, 3)] {
            let tiles = arrangement(&scene(count, (0, 0))).tiles;
            assert_eq!(tiles.len(), count);
            let right = tiles.iter().map(|tile| tile.area.x + tile.area.width);
            assert_eq!(right.fold(0.0, f64::max), 1920.0, "{count}");
            for tile in &tiles {
                assert!((tile.area.width - 1920.0 / f64::from(columns)).abs() < 1.0);
                assert!((tile.area.height - 1080.0 / f64::from(rows)).abs() < 1.0);
            }
            let edges = tiles
                .windows(2)
                .filter(|pair| pair[0].area.y == pair[1].area.y);
            for pair in edges {
                assert_eq!(pair[0].area.x + pair[0].area.width, pair[1].area.x);
            }
        }
    }

    #[test]
    fn a_picture_keeps_its_proportions_and_one_that_is_gone_has_no_cell() {
        let tall = arrangement(&scene(1, (1080, 1920)));
        let area = tall.tiles[0].area;
        assert_eq!((area.width, area.height, area.y), (608.0, 1080.0, 0.0));
        assert_eq!(area.x, 656.0);
        let mut half = scene(2, (0, 0));
        half.sources[0].connected = false;
        let tiles = arrangement(&half).tiles;
        assert_eq!((tiles.len(), tiles[0].source.as_str()), (1, "s1"));
        assert_eq!(arrangement(&scene(0, (0, 0))).tiles, []);
    }
}
