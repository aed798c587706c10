use super::*;
use crate::layout::Bezel;
use crate::wall::Direction;
use proptest::prelude::*;
use serde_json::{Value, json};

fn group(document: Value) -> GroupSpec {
    let group: GroupSpec = serde_json::from_value(document).unwrap();
    assert_eq!(group.faults(), []);
    group
}

fn parts(regions: &[Region]) -> Vec<(String, [f64; 4])> {
    let parts = regions.iter().map(|it| {
        let round = |value: f64| (value * 1e6).round() / 1e6;
        let Rect {
            x,
            y,
            width,
            height,
        } = it.part;
        (it.screen.to_string(), [x, y, width, height].map(round))
    });
    parts.collect()
}

#[test]
fn four_screens_with_frames_show_what_a_window_of_four_panes_would() {
    let bezel = json!({"left": 10.0, "right": 10.0, "top": 10.0, "bottom": 10.0});
    let screen = |id: &str| json!({"id": id, "width": 960, "height": 540, "bezel": bezel});
    let screens = ["a", "b", "c", "d"].map(screen);
    let group = group(json!({"name": "w", "direction": "grid", "screens": screens}));
    let wall = Wall::of(&group).unwrap();
    // Two pictures and the two frames between them; outer frames hide nothing.
    assert_eq!(wall.size(), (1940.0, 1100.0));
    let (x, y) = (980.0 / 1940.0, 560.0 / 1100.0);
    let regions = wall.regions(None, Fit::Cover);
    let found = &regions[3].part;
    assert!(
        (found.x - x).abs() < 1e-9 && (found.y - y).abs() < 1e-9,
        "{found:?}"
    );
    assert!((found.x + found.width - 1.0).abs() < 1e-9, "{found:?}");
    assert_eq!(regions[3].stream.as_str(), "w/d");
    // A policy draws without room for frames.
    let canvas = wall.canvas();
    assert_eq!((canvas.width, canvas.height), (1920, 1080));
    assert_eq!(canvas.screens[3].area.x, 960.0);
    assert_eq!(canvas.screens[3].bezel.left, 10.0);
}

#[test]
fn a_picture_of_other_proportions_covers_the_wall_or_is_stretched_over_it() {
    let group = group(json!({"name": "w", "screens": [
        {"id": "l", "width": 1080, "height": 1080}, {"id": "r", "width": 1080, "height": 1080}]}));
    let wall = Wall::of(&group).unwrap();
    let covered = parts(&wall.regions(Some((1920, 1080)), Fit::Cover));
    let top = (1.0f64 - 960.0 / 1080.0) / 2.0;
    let round = |value: f64| (value * 1e6).round() / 1e6;
    assert_eq!(
        covered,
        [
            (
                "l".to_owned(),
                [0.0, round(top), 0.5, round(1.0 - 2.0 * top)]
            ),
            (
                "r".to_owned(),
                [0.5, round(top), 0.5, round(1.0 - 2.0 * top)]
            ),
        ]
    );
    let stretched = parts(&wall.regions(Some((1920, 1080)), Fit::Stretch));
    assert_eq!(stretched[1].1, [0.5, 0.0, 0.5, 1.0]);
}

#[test]
fn a_turned_screen_takes_the_room_it_hangs_in_and_its_picture_is_turned_back() {
    let group = group(json!({"name": "w", "screens": [
        {"id": "tall", "rotation": 90}, {"id": "wide"}]}));
    let wall = Wall::of(&group).unwrap();
    assert_eq!(wall.size(), (1080.0 + 1920.0, 1920.0));
    let regions = wall.regions(None, Fit::Stretch);
    assert_eq!((regions[0].turn, regions[1].turn), (270, 0));
    assert_eq!((regions[0].width, regions[0].height), (1920, 1080));
    let tall = regions[0].part;
    assert!((tall.width - 1080.0 / 3000.0).abs() < 1e-9 && tall.height == 1.0);
    // The wide one hangs in the middle of its row.
    assert!((regions[1].part.y - 420.0 / 1920.0).abs() < 1e-9);
}

#[test]
fn what_a_policy_arranged_is_cut_out_of_the_source_if_that_can_be() {
    let group = group(json!({"name": "w", "screens": [
        {"id": "l", "width": 100, "height": 100}, {"id": "r", "width": 100, "height": 100}]}));
    let wall = Wall::of(&group).unwrap();
    let tile = |x: f64, width: f64, part: Rect| Tile {
        source: "cam".to_owned(),
        part,
        area: Rect {
            x,
            y: 0.0,
            width,
            height: 100.0,
        },
        z: 0,
        rotation: 0,
        alpha: 1.0,
        border: None,
        attributes: Default::default(),
    };
    let one = [tile(0.0, 200.0, Rect::WHOLE)];
    let regions = wall.regions_of_tiles(&one).unwrap();
    assert_eq!(parts(&regions)[1].1, [0.5, 0.0, 0.5, 1.0]);
    let half = Rect {
        width: 0.5,
        ..Rect::WHOLE
    };
    let mirrored = [
        tile(0.0, 100.0, Rect { x: 0.5, ..half }),
        tile(100.0, 100.0, half),
    ];
    let regions = wall.regions_of_tiles(&mirrored).unwrap();
    assert_eq!((regions[0].part.x, regions[1].part.x), (0.5, 0.0));
    let too_small = [
        tile(0.0, 100.0, Rect::WHOLE),
        tile(110.0, 50.0, Rect::WHOLE),
    ];
    assert_eq!(wall.regions_of_tiles(&too_small), None);
    let turned = [Tile {
        rotation: 90,
        ..tile(0.0, 200.0, Rect::WHOLE)
    }];
    assert_eq!(wall.regions_of_tiles(&turned), None);
    assert_eq!(wall.regions_of_tiles(&[]), None);
}

#[test]
fn there_is_no_wall_without_screens_and_a_huge_one_is_composed_smaller() {
    let none = GroupSpec::new("w".parse().unwrap());
    assert_eq!(Wall::of(&none), None);
    let screens: Vec<_> = (0..64).map(|at| json!({"id": format!("s{at}")})).collect();
    let group = group(json!({"name": "w", "direction": "grid", "screens": screens}));
    let wall = Wall::of(&group).unwrap();
    assert_eq!(wall.size(), (8.0 * 1920.0, 8.0 * 1080.0));
    let canvas = wall.canvas();
    assert_eq!((canvas.width, canvas.height), (3840, 2160));
    assert_eq!(canvas.screens[63].area.width, 480.0);
}

fn any_screen() -> impl Strategy<Value = (u32, u32, [f64; 4], u32)> {
    let side = || (8u32..=2_000).prop_map(|half| half * 2);
    (side(), side(), prop::array::uniform4(0.0..200.0), 0u32..4)
}

fn any_group() -> impl Strategy<Value = GroupSpec> {
    let direction = prop_oneof![
        Just(Direction::Horizontal),
        Just(Direction::Vertical),
        Just(Direction::Grid)
    ];
    let screens = prop::collection::vec(any_screen(), 1..=12);
    (direction, screens, any::<bool>()).prop_map(|(direction, screens, placed)| {
        let count = screens.len();
        let screens = screens.into_iter().enumerate().map(|(at, it)| {
            let (width, height, [left, top, right, bottom], quarter) = it;
            // Anywhere, holes and all, and no two at one place.
            let place = |factor: usize| Some(u32::try_from(at * factor % 13).unwrap());
            ScreenSpec {
                row: place(5).filter(|_| placed),
                column: place(7).filter(|_| placed),
                width,
                height,
                bezel: Bezel {
                    left,
                    top,
                    right,
                    bottom,
                },
                rotation: quarter * 90,
                ..ScreenSpec::new(format!("s{at}-of-{count}").parse().unwrap())
            }
        });
        GroupSpec {
            direction,
            screens: screens.collect(),
            ..GroupSpec::new("w".parse().unwrap())
        }
    })
}

proptest! {
    #[test]
    fn regions_lie_within_the_source_apart_from_each_other_and_reach_its_edges(
        group in any_group(), width in 1u32..10_000, height in 1u32..10_000, cover: bool,
    ) {
        prop_assert_eq!(group.faults(), vec![]);
        let wall = Wall::of(&group).unwrap();
        let fit = if cover { Fit::Cover } else { Fit::Stretch };
        let regions = wall.regions(Some((width, height)), fit);
        prop_assert_eq!(regions.len(), group.screens.len());
        for (at, region) in regions.iter().enumerate() {
            let part = region.part;
            prop_assert!(part.x >= 0.0 && part.y >= 0.0 && part.width > 0.0 && part.height > 0.0);
            prop_assert!(part.x + part.width <= 1.0 + 1e-9 && part.y + part.height <= 1.0 + 1e-9);
            for other in &regions[at + 1..] {
                let apart = part.x + part.width <= other.part.x + 1e-9
                    || other.part.x + other.part.width <= part.x + 1e-9
                    || part.y + part.height <= other.part.y + 1e-9
                    || other.part.y + other.part.height <= part.y + 1e-9;
                prop_assert!(apart, "{:?} and {:?}", region, other);
            }
        }
        // Of one that covers, one direction is shown whole; of a stretched one both are.
        let left = regions.iter().map(|it| it.part.x).fold(1.0, f64::min);
        let top = regions.iter().map(|it| it.part.y).fold(1.0, f64::min);
        let whole = (left < 1e-9, top < 1e-9);
        prop_assert!(whole.0 || whole.1);
        prop_assert!(cover || (whole.0 && whole.1));
    }

    /// A pixel of the wall is as large on every screen: circles go over frames and stay round.
    #[test]
    fn all_screens_show_the_picture_at_one_scale(group in any_group(), width in 16u32..8_000, height in 16u32..8_000) {
        let wall = Wall::of(&group).unwrap();
        for region in wall.regions(Some((width, height)), Fit::Cover) {
            let upright = region.turn % 180 == 0;
            let (across, down) = if upright { (region.width, region.height) } else { (region.height, region.width) };
            let scale_x = f64::from(across) / (region.part.width * f64::from(width));
            let scale_y = f64::from(down) / (region.part.height * f64::from(height));
            prop_assert!((scale_x / scale_y - 1.0).abs() < 1e-6, "{:?}", region);
        }
    }

    #[test]
    fn areas_of_the_canvas_lie_on_it_and_are_cut_out_of_it(group in any_group()) {
        let wall = Wall::of(&group).unwrap();
        let canvas = wall.canvas();
        prop_assert!(canvas.width <= 3_840 && canvas.height <= 2_160);
        prop_assert!(canvas.width.is_multiple_of(2) && canvas.height.is_multiple_of(2));
        let regions = wall.regions_of_canvas();
        for (screen, region) in canvas.screens.iter().zip(&regions) {
            // A canvas of whole pairs of pixels is at most one pixel smaller than the screens.
            prop_assert!(screen.area.x + screen.area.width <= f64::from(canvas.width) + 1.0);
            prop_assert!((region.part.x * f64::from(canvas.width) - screen.area.x).abs() < 1.0);
        }
    }

    #[test]
    fn one_tile_over_the_whole_canvas_is_the_canvas(group in any_group()) {
        let wall = Wall::of(&group).unwrap();
        let canvas = wall.canvas();
        let area = Rect { x: 0.0, y: 0.0, width: f64::from(canvas.width), height: f64::from(canvas.height) };
        let tile: Tile = serde_json::from_value(json!({"source": "s", "area": area})).unwrap();
        if let Some(regions) = wall.regions_of_tiles(&[tile]) {
            prop_assert_eq!(regions, wall.regions_of_canvas());
        }
    }
}
