use super::*;
use pointsman_sdk::layout::{Bezel, Screen};

fn bezel(left: f64, top: f64, right: f64, bottom: f64) -> Bezel {
    Bezel {
        left,
        top,
        right,
        bottom,
    }
}

/// Screens in a row on the canvas, each so many pixels wide and high.
fn wall(screens: &[(u32, u32, f64, f64, Bezel)]) -> Canvas {
    let mut x = 0.0;
    let mut place = |(row, column, width, height, bezel): &(u32, u32, f64, f64, Bezel)| {
        let area = Rect::new(x, 0.0, *width, *height);
        x += width;
        Screen {
            id: format!("{row}-{column}"),
            area,
            row: *row,
            column: *column,
            bezel: *bezel,
        }
    };
    let screens = screens.iter().map(&mut place).collect();
    Canvas {
        width: 16_384,
        height: 2_160,
        fps_milli: 25_000,
        screens,
        ..Canvas::default()
    }
}

fn span(canvas: Canvas, source: Source, fit: &str) -> Vec<Tile> {
    let scene = Scene {
        canvas,
        ..scene(1, 1, vec![source])
    };
    arrange(scene, &format!(r#"{{"mode": "span", "fit": "{fit}"}}"#))
}

#[test]
fn without_screens_the_picture_fills_the_canvas() {
    let tiles = arrange(scene(1920, 1080, numbered(2)), r#"{"mode": "span"}"#);
    assert_eq!(areas(&tiles), [(0.0, 0.0, 1920.0, 1080.0)]);
}

#[test]
fn what_lies_behind_the_bezels_between_is_left_out() {
    let frame = bezel(20.0, 10.0, 20.0, 10.0);
    let canvas = wall(&[(0, 0, 1920.0, 1080.0, frame), (0, 1, 1920.0, 1080.0, frame)]);
    let tiles = span(canvas, sized("film", 3840, 1080), "stretch");
    near(&tiles[0].part, (0.0, 0.0, 1920.0 / 3880.0, 1.0));
    near(&tiles[1].part, (1960.0 / 3880.0, 0.0, 1920.0 / 3880.0, 1.0));
    assert_eq!(
        areas(&tiles),
        [(0.0, 0.0, 1920.0, 1080.0), (1920.0, 0.0, 1920.0, 1080.0)]
    );
}

#[test]
fn two_by_two_with_mixed_bezels_meet_at_one_point_of_the_picture() {
    // Columns are as wide as their widest frame, and smaller frames stand in the middle.
    let canvas = wall(&[
        (0, 0, 1000.0, 500.0, bezel(10.0, 10.0, 10.0, 30.0)), // frame 1020 x 540
        (0, 1, 1000.0, 500.0, bezel(40.0, 10.0, 20.0, 30.0)), // frame 1060 x 540
        (1, 0, 1000.0, 500.0, bezel(30.0, 5.0, 30.0, 5.0)),   // frame 1060 x 510
        (1, 1, 1000.0, 500.0, bezel(0.0, 20.0, 0.0, 0.0)),    // frame 1000 x 520
    ]);
    // Pictures on the wall: x 30, 1100, 30, 1090; y 10, 10, 550, 560. Together 30..2100 x 10..1060.
    let (width, height) = (2070.0, 1050.0);
    let tiles = span(canvas, sized("film", 2070, 1050), "contain");
    let (x, y) = (1000.0 / width, 500.0 / height);
    near(&tiles[0].part, (0.0, 0.0, x, y));
    near(&tiles[1].part, (1070.0 / width, 0.0, x, y));
    near(&tiles[2].part, (0.0, 540.0 / height, x, y));
    near(&tiles[3].part, (1060.0 / width, 550.0 / height, x, y));
    assert!(
        tiles
            .iter()
            .all(|tile| (tile.area.width, tile.area.height) == (1000.0, 500.0))
    );
}

#[test]
fn screens_of_mixed_sizes_show_the_picture_at_one_scale() {
    let none = Bezel::default();
    let canvas = wall(&[(0, 0, 1000.0, 1000.0, none), (0, 1, 500.0, 600.0, none)]);
    let tiles = span(canvas, sized("film", 1500, 1000), "contain");
    near(&tiles[0].part, (0.0, 0.0, 2.0 / 3.0, 1.0));
    // 600 pixels high in the middle of 1000.
    near(&tiles[1].part, (2.0 / 3.0, 0.2, 1.0 / 3.0, 0.6));
    for tile in &tiles {
        near(
            &Rect::new(
                0.0,
                0.0,
                tile.part.width * 1500.0,
                tile.part.height * 1000.0,
            ),
            (0.0, 0.0, tile.area.width, tile.area.height),
        );
    }
}

#[test]
fn a_contained_picture_leaves_out_screens_that_it_does_not_reach() {
    let none = Bezel::default();
    let screens = [0, 1, 2, 3].map(|column| (0, column, 500.0, 500.0, none));
    let tiles = span(wall(&screens), sized("square", 100, 100), "contain");
    // 500 pixels in the middle of 2000: half of the second and half of the third screen.
    assert_eq!(
        areas(&tiles),
        [(750.0, 0.0, 250.0, 500.0), (1000.0, 0.0, 250.0, 500.0)]
    );
    near(&tiles[0].part, (0.0, 0.0, 0.5, 1.0));
    near(&tiles[1].part, (0.5, 0.0, 0.5, 1.0));
}

#[test]
fn a_covering_picture_is_cut_to_the_walls_shape() {
    let frame = bezel(0.0, 0.0, 50.0, 0.0);
    let canvas = wall(&[(0, 0, 475.0, 500.0, frame), (0, 1, 475.0, 500.0, frame)]);
    // The wall's picture is 1000 x 500, the source is square: the middle half of its height.
    let tiles = span(canvas, sized("square", 100, 100), "cover");
    near(&tiles[0].part, (0.0, 0.25, 0.475, 0.5));
    near(&tiles[1].part, (0.525, 0.25, 0.475, 0.5));
}

#[test]
fn numbers_without_a_screen_and_places_left_empty_do_no_harm() {
    let none = Bezel::default();
    let canvas = wall(&[(0, 7, 100.0, 100.0, none), (5, 2, 100.0, 100.0, none)]);
    let tiles = span(canvas, sized("film", 200, 200), "contain");
    near(&tiles[0].part, (0.5, 0.0, 0.5, 0.5));
    near(&tiles[1].part, (0.0, 0.5, 0.5, 0.5));
}

#[test]
fn parts_stay_within_the_source_whatever_the_sizes() {
    for width in [1.0 / 3.0, 640.1, 1919.7, 5000.3] {
        for left in [0.0, 0.1, 33.3] {
            let frame = bezel(left, 0.7, 1.3, left);
            let screens: Vec<_> = (0..9)
                .map(|n| (n / 3, n % 3, width, 1080.0, frame))
                .collect();
            for fit in ["contain", "cover", "stretch"] {
                for tile in span(wall(&screens), sized("film", 1919, 803), fit) {
                    let part = tile.part;
                    assert!(
                        part.x >= 0.0
                            && part.y >= 0.0
                            && part.right() <= 1.0
                            && part.bottom() <= 1.0,
                        "{part:?}"
                    );
                    assert!(part.width > 0.0 && part.height > 0.0, "{part:?}");
                }
            }
        }
    }
}
