use super::*;

#[test]
fn grids_fill_the_canvas_for_any_count_and_tiles_never_overlap() {
    for (width, height) in [(1920, 1080), (1080, 1920), (3840, 720), (641, 359)] {
        for count in 1..=64 {
            for config in [
                "{}",
                r#"{"gap": 2.5, "margin": 3, "fit": "stretch"}"#,
                r#"{"last_row": "stretch", "fit": "cover"}"#,
            ] {
                let tiles = arrange(scene(width, height, numbered(count)), config);
                assert_eq!(tiles.len(), count);
                for (n, tile) in tiles.iter().enumerate() {
                    let area = tile.area;
                    assert!(
                        area.x >= 0.0 && area.right() <= f64::from(width),
                        "{area:?}"
                    );
                    assert!(
                        area.y >= 0.0 && area.bottom() <= f64::from(height),
                        "{area:?}"
                    );
                    assert!(
                        [area.x, area.y, area.width, area.height]
                            .iter()
                            .all(|it| it.fract() == 0.0)
                    );
                    let apart = |other: &Tile| {
                        let other = other.area;
                        area.right() <= other.x
                            || other.right() <= area.x
                            || area.bottom() <= other.y
                            || other.bottom() <= area.y
                    };
                    assert!(
                        tiles[..n].iter().all(apart),
                        "{count} on {width} x {height}: {area:?}"
                    );
                }
            }
        }
    }
}

#[test]
fn as_many_columns_as_make_the_pictures_largest() {
    let reason = |width, height, count| {
        let reason = try_arrange(scene(width, height, numbered(count)), "{}")
            .unwrap()
            .reason;
        reason.rsplit(" in ").next().unwrap().to_owned()
    };
    assert_eq!(reason(1920, 1080, 4), "2 x 2");
    assert_eq!(reason(1920, 1080, 5), "3 x 2");
    assert_eq!(reason(1920, 1080, 7), "3 x 3");
    assert_eq!(reason(3840, 1080, 2), "2 x 1");
    assert_eq!(reason(1080, 1920, 3), "1 x 3");
}

#[test]
fn the_last_row_is_centred_left_or_stretched() {
    let last = |last_row: &str| {
        let config =
            format!(r#"{{"columns": 3, "gap": 30, "fit": "stretch", "last_row": "{last_row}"}}"#);
        areas(&arrange(scene(990, 630, numbered(5)), &config))[3..].to_vec()
    };
    assert_eq!(
        last("left"),
        [(30.0, 330.0, 290.0, 270.0), (350.0, 330.0, 290.0, 270.0)]
    );
    assert_eq!(
        last("centre"),
        [(190.0, 330.0, 290.0, 270.0), (510.0, 330.0, 290.0, 270.0)]
    );
    assert_eq!(
        last("stretch"),
        [(30.0, 330.0, 450.0, 270.0), (510.0, 330.0, 450.0, 270.0)]
    );
}

#[test]
fn rows_and_columns_are_grids_of_one() {
    let rows = arrange(
        scene(300, 300, numbered(3)),
        r#"{"mode": "rows", "fit": "stretch"}"#,
    );
    assert_eq!(areas(&rows)[1], (0.0, 100.0, 300.0, 100.0));
    let columns = arrange(
        scene(300, 300, numbered(3)),
        r#"{"mode": "columns", "fit": "stretch"}"#,
    );
    assert_eq!(areas(&columns)[1], (100.0, 0.0, 100.0, 300.0));
}

#[test]
fn fit_contains_covers_or_stretches_by_the_sources_size() {
    let tile = |width, height, fit: &str| {
        let scene = scene(1000, 1000, vec![sized("a", width, height)]);
        arrange(scene, &format!(r#"{{"fit": "{fit}"}}"#)).remove(0)
    };
    let wide = tile(2000, 1000, "contain");
    assert_eq!(
        (four(&wide.area), wide.part),
        ((0.0, 250.0, 1000.0, 500.0), Rect::WHOLE)
    );
    assert_eq!(
        four(&tile(500, 1000, "contain").area),
        (250.0, 0.0, 500.0, 1000.0)
    );
    let wide = tile(2000, 1000, "cover");
    assert_eq!(
        (four(&wide.area), four(&wide.part)),
        ((0.0, 0.0, 1000.0, 1000.0), (0.25, 0.0, 0.5, 1.0))
    );
    assert_eq!(four(&tile(500, 1000, "cover").part), (0.0, 0.25, 1.0, 0.5));
    for (width, height, fit) in [
        (2000, 1000, "stretch"),
        (0, 0, "contain"),
        (0, 1000, "cover"),
    ] {
        let tile = tile(width, height, fit);
        assert_eq!(
            (four(&tile.area), tile.part),
            ((0.0, 0.0, 1000.0, 1000.0), Rect::WHOLE)
        );
    }
}

#[test]
fn sources_are_chosen_and_ordered_by_pattern() {
    let mut sources: Vec<_> = ["cam/a", "cam/b", "logo", "gone"].map(source).into();
    sources[3].connected = false;
    let ids = |config: &str| -> Vec<String> {
        let tiles = arrange(scene(900, 900, sources.clone()), config);
        tiles.into_iter().map(|tile| tile.source).collect()
    };
    assert_eq!(ids("{}"), ["cam/a", "cam/b", "logo"]);
    assert_eq!(
        ids(r#"{"sources": ["logo", "cam/b", "*", "gone"]}"#),
        ["logo", "cam/b", "cam/a"]
    );
    assert_eq!(ids(r#"{"sources": ["other"]}"#), Vec::<String>::new());
}

#[test]
fn borders_are_drawn_in_their_colour() {
    let config = r##"{"border": {"width": 3, "colour": "#ff000080"}}"##;
    let border = arrange(scene(100, 100, numbered(1)), config)[0]
        .border
        .unwrap();
    assert_eq!((border.width, border.rgba), (3, 0xff00_0080));
    let opaque = Colour::try_from("#010203".to_owned());
    assert_eq!(opaque, Ok(Colour(0x0102_03ff)));
    for wrong in ["010203", "#01020", "#0102030", "#+10203", "red"] {
        assert!(Colour::try_from(wrong.to_owned()).is_err(), "{wrong}");
    }
}

#[test]
fn gaps_that_take_all_room_are_an_error_that_says_so() {
    for config in [
        r#"{"gap": 60}"#,
        r#"{"margin": 50}"#,
        r#"{"mode": "featured", "gap": 100}"#,
        r#"{"mode": "featured", "featured": {"others": "corner"}, "gap": 49.5}"#,
    ] {
        let error = try_arrange(scene(100, 100, numbered(6)), config).unwrap_err();
        assert!(
            error.to_string().contains("have no room on"),
            "{config}: {error}"
        );
    }
}

#[test]
fn the_featured_one_has_its_share_and_the_others_the_rest() {
    let large = |others: &str, count| {
        let config = format!(
            r#"{{"mode": "featured", "fit": "stretch", "gap": 20, "margin": 0, "featured": {{"others": "{others}", "share": 0.8}}}}"#
        );
        areas(&arrange(scene(1020, 520, numbered(count)), &config))
    };
    assert_eq!(large("right", 3)[0], (0.0, 0.0, 800.0, 520.0));
    assert_eq!(large("right", 3)[1], (820.0, 0.0, 200.0, 250.0));
    assert_eq!(
        large("left", 2),
        [(220.0, 0.0, 800.0, 520.0), (0.0, 0.0, 200.0, 520.0)]
    );
    assert_eq!(
        large("bottom", 2),
        [(0.0, 0.0, 1020.0, 400.0), (0.0, 420.0, 1020.0, 100.0)]
    );
    assert_eq!(
        large("top", 2),
        [(0.0, 120.0, 1020.0, 400.0), (0.0, 0.0, 1020.0, 100.0)]
    );
    assert_eq!(large("right", 1), [(0.0, 0.0, 1020.0, 520.0)]);
}

#[test]
fn around_the_corner_stand_five_or_seven_as_large_as_each_other() {
    let config = r#"{"mode": "featured", "fit": "stretch", "featured": {"others": "corner"}}"#;
    let six = areas(&arrange(scene(900, 600, numbered(6)), config));
    assert_eq!(
        six,
        [
            (0.0, 0.0, 600.0, 400.0),
            (600.0, 0.0, 300.0, 200.0),
            (600.0, 200.0, 300.0, 200.0),
            (600.0, 400.0, 300.0, 200.0),
            (0.0, 400.0, 300.0, 200.0),
            (300.0, 400.0, 300.0, 200.0),
        ]
    );
    let eight = areas(&arrange(scene(800, 400, numbered(8)), config));
    assert_eq!((eight.len(), eight[0]), (8, (0.0, 0.0, 600.0, 300.0)));
}

#[test]
fn small_pictures_stack_from_their_corner_and_stand_above() {
    let tiles = |corner: &str, count| {
        let config = format!(
            r#"{{"mode": "pip", "gap": 10, "pip": {{"corner": "{corner}", "size": 0.2, "margin": 20}}}}"#
        );
        arrange(scene(1600, 900, numbered(count)), &config)
    };
    let bottom_right = tiles("bottom-right", 3);
    assert_eq!(
        areas(&bottom_right),
        [
            (0.0, 0.0, 1600.0, 900.0),
            (1260.0, 700.0, 320.0, 180.0),
            (1260.0, 510.0, 320.0, 180.0),
        ]
    );
    assert_eq!(
        bottom_right.iter().map(|it| it.z).collect::<Vec<_>>(),
        [0, 1, 2]
    );
    assert_eq!(areas(&tiles("top-left", 2))[1], (20.0, 20.0, 320.0, 180.0));
    // Four fit above each other; the fifth begins the next stack, and after four stacks it is full.
    assert_eq!(
        areas(&tiles("top-right", 6))[5],
        (930.0, 20.0, 320.0, 180.0)
    );
    assert_eq!(tiles("top-right", 40).len(), 17);
}

#[test]
fn a_small_picture_keeps_its_shape_or_is_cut_to_the_canvas() {
    let config = |fit: &str| {
        format!(
            r#"{{"mode": "pip", "fit": "{fit}", "pip": {{"size": 0.5, "margin": 0, "corner": "top-left"}}}}"#
        )
    };
    let scene = || scene(800, 400, vec![source("a"), sized("square", 500, 500)]);
    assert_eq!(
        areas(&arrange(scene(), &config("contain")))[1],
        (0.0, 0.0, 400.0, 400.0)
    );
    let cut = &arrange(scene(), &config("cover"))[1];
    assert_eq!(
        (four(&cut.area), four(&cut.part)),
        ((0.0, 0.0, 400.0, 200.0), (0.0, 0.25, 1.0, 0.5))
    );
}

#[test]
fn every_mode_takes_a_scene_without_sources() {
    for mode in [
        "grid", "rows", "columns", "featured", "pip", "speaker", "span",
    ] {
        let config = format!(r#"{{"mode": "{mode}"}}"#);
        let answer = try_arrange(scene(640, 360, Vec::new()), &config).unwrap();
        assert_eq!(
            (answer.tiles.len(), answer.reason.as_str()),
            (0, "no source is connected")
        );
    }
}
