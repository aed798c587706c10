use super::*;
use pointsman_sdk::library::PlayedSegment;
use pointsman_sdk::selection::Item;
use pointsman_sdk::testing;

const NOW: u64 = 1_800_000_000_000;

/// An asset of a minute, played so many milliseconds ago.
fn asset(id: &str, played_ago: Option<u64>) -> Asset {
    Asset {
        id: id.into(),
        duration_ms: 60_000,
        last_played_unix_ms: played_ago.map(|ago| NOW - ago),
        ..Asset::default()
    }
}

fn queued(asset: &str, ago_ms: i64) -> Item {
    Item {
        asset: asset.into(),
        start_ms: 0,
        end_ms: 60_000,
        at_unix_ms: NOW.saturating_add_signed(-ago_ms),
    }
}

fn select(library: &testing::Library, history: &[Item], config: &str) -> Result<Clip, Error> {
    let request = Request {
        now_unix_ms: NOW,
        starts_unix_ms: NOW,
        history: history.to_vec(),
        ..Request::default()
    };
    Lru::select(
        request,
        library.lend(),
        serde_json::from_str(config).unwrap(),
    )
}

fn chosen(library: &testing::Library, history: &[Item], config: &str) -> String {
    select(library, history, config).unwrap().asset
}

#[test]
fn never_played_first_then_the_longest_not_played() {
    let library =
        testing::Library::of([asset("b", Some(10)), asset("a", Some(20)), asset("z", None)]);
    assert_eq!(chosen(&library, &[], "{}"), "z");
    let library = testing::Library::of([asset("b", Some(10)), asset("a", Some(20))]);
    let clip = select(&library, &[], "{}").unwrap();
    assert_eq!(
        (clip.asset.as_str(), clip.start_ms, clip.end_ms),
        ("a", 0, None)
    );
    assert_eq!(clip.reason, "last played 0 s ago");
}

#[test]
fn what_is_queued_but_not_played_yet_has_had_its_turn() {
    let library =
        testing::Library::of([asset("a", None), asset("b", None), asset("c", Some(5_000))]);
    let history = [queued("b", -60_000), queued("a", 0)];
    assert_eq!(chosen(&library, &history, "{}"), "c");
}

#[test]
fn of_queued_ones_the_earliest_queued_comes_first() {
    let library = testing::Library::of(["a", "b", "c"].map(|id| asset(id, None)));
    let history = [queued("a", -120_000), queued("b", -60_000), queued("c", 0)];
    assert_eq!(chosen(&library, &history, "{}"), "c");
}

#[test]
fn an_old_history_does_not_hide_who_was_played_even_longer_ago() {
    // The library knows of "a" only from long ago, the history from later, but earlier than "b".
    let library = testing::Library::of([asset("a", Some(90_000)), asset("b", Some(10_000))]);
    let history = [queued("other", 0), queued("a", 50_000)];
    assert_eq!(chosen(&library, &history, "{}"), "a");
}

#[test]
fn the_latest_is_not_repeated_if_there_is_another() {
    // The library knows nothing of either yet, and the clock stood still.
    let library = testing::Library::of([asset("a", None), asset("b", Some(0))]);
    assert_eq!(chosen(&library, &[queued("a", 50_000)], "{}"), "b");
    let alone = testing::Library::of([asset("a", None)]);
    assert_eq!(chosen(&alone, &[queued("a", 0)], "{}"), "a");
}

#[test]
fn assets_without_a_length_are_never_played() {
    let empty = Asset {
        duration_ms: 0,
        ..asset("a", None)
    };
    let library = testing::Library::of([empty.clone(), asset("b", Some(1))]);
    assert_eq!(chosen(&library, &[], "{}"), "b");
    let error = select(&testing::Library::of([empty]), &[], "{}").unwrap_err();
    assert_eq!(error.to_string(), "the library has no asset");
}

#[test]
fn of_several_tags_the_least_recent_of_all_is_taken() {
    let with = |id: &str, ago, tag: &str, folder: &str| Asset {
        tags: vec![tag.into()],
        folder: folder.into(),
        ..asset(id, Some(ago))
    };
    let library = testing::Library::of([
        with("old-ad", 9_000, "ad", "x"),
        with("trailer", 3_000, "trailer", "x"),
        with("short", 5_000, "short", "x/y"),
        with("elsewhere", 8_000, "short", "z"),
    ]);
    let config = r#"{"tags": ["trailer", "short"], "folder": "x"}"#;
    assert_eq!(chosen(&library, &[], config), "short");
    let error = select(&library, &[], r#"{"tags": ["a", "b"], "folder": "x"}"#).unwrap_err();
    assert_eq!(error.to_string(), "no asset in \"x\" has a tag of a, b");
}

#[test]
fn a_long_video_advances_by_a_segment_each_turn() {
    let film = Asset {
        duration_ms: 1_500_000,
        segments: vec![PlayedSegment {
            start_ms: 0,
            end_ms: 600_000,
            played_unix_ms: NOW - 9_000_000,
        }],
        ..asset("film", Some(9_000_000))
    };
    let library = testing::Library::of([film, asset("b", Some(5))]);
    let config = r#"{"segment_ms": 600000, "min_segment_ms": 400000}"#;
    let clip = select(&library, &[], config).unwrap();
    assert_eq!((clip.start_ms, clip.end_ms), (600_000, Some(1_500_000)));
    assert_eq!(clip.reason, "segment 2 of 2, never played");
    let both = [
        queued("x", 0),
        Item {
            start_ms: 600_000,
            end_ms: 1_500_000,
            ..queued("film", 7_000_000)
        },
    ];
    let clip = select(&library, &both, config).unwrap();
    assert_eq!(clip.reason, "segment 1 of 2, last played 2 h 30 min ago");
}

#[test]
fn a_channel_that_wishes_for_less_gets_less() {
    let library = testing::Library::of([asset("a", None)]);
    let wish = |wanted_ms| {
        let request = Request {
            wanted_ms: Some(wanted_ms),
            ..Request::default()
        };
        let config = serde_json::from_str(r#"{"segment_ms": 45000, "min_segment_ms": 0}"#).unwrap();
        let clip = Lru::select(request, library.lend(), config).unwrap();
        clip.end_ms.unwrap() - clip.start_ms
    };
    assert_eq!(
        (wish(20_000), wish(90_000), wish(0)),
        (20_000, 45_000, 45_000)
    );
}

#[test]
fn a_hundred_thousand_assets_cost_a_page() {
    let library =
        testing::Library::of((0..100_000).map(|n| asset(&format!("{n:06}"), Some(200_000 - n))));
    let history: Vec<_> = (0..20).map(|n| queued(&format!("{n:06}"), -n)).collect();
    assert_eq!(chosen(&library, &history, "{}"), "000020");
    assert!(library.pages() <= 2 && library.assets_handed_out() <= 80);
}

#[test]
fn turns_are_strictly_round_robin_over_time() {
    let mut library = testing::Library::of((0..7).map(|n| asset(&n.to_string(), None)));
    let mut order = String::new();
    for turn in 0..21 {
        let id = chosen(&library, &[], "{}");
        let assets = library.assets_mut();
        let played = assets.iter_mut().find(|it| it.id == id).unwrap();
        played.last_played_unix_ms = Some(NOW + turn);
        order.push_str(&id);
    }
    assert_eq!(order, "012345601234560123456");
}
