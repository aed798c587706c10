use super::*;
use pointsman_sdk::kv;
use pointsman_sdk::selection::Item;
use pointsman_sdk::testing;
use std::collections::{BTreeMap, BTreeSet};

const NOW: u64 = 1_800_000_000_000;
const MINUTE: u64 = 60_000;

fn asset(id: impl Into<String>) -> Asset {
    Asset {
        id: id.into(),
        duration_ms: MINUTE,
        ..Asset::default()
    }
}

fn numbered(count: u32) -> testing::Library {
    testing::Library::of((0..count).map(|n| asset(format!("{n:03}"))))
}

/// A channel that plays: what was selected begins a minute after what came before it, and the
/// library hears of it once so many more are queued.
struct Channel {
    library: testing::Library,
    config: Config,
    history: Vec<Item>,
    queue: usize,
    plays: u64,
}

impl Channel {
    fn new(library: testing::Library, config: &str) -> Self {
        testing::reset();
        let config = serde_json::from_str(config).unwrap();
        Self {
            library,
            config,
            history: Vec::new(),
            queue: 0,
            plays: 0,
        }
    }

    fn ask(&self) -> Result<Clip, Error> {
        let starts_unix_ms = NOW + self.plays * MINUTE;
        let request = Request {
            channel: "channels/one".into(),
            now_unix_ms: starts_unix_ms - self.queue as u64 * MINUTE,
            starts_unix_ms,
            history: self.history.clone(),
            ..Request::default()
        };
        Shuffle::select(request, self.library.lend(), self.config.clone())
    }

    fn play(&mut self) -> String {
        let id = self.ask().unwrap().asset;
        let at_unix_ms = NOW + self.plays * MINUTE;
        self.plays += 1;
        self.history.insert(
            0,
            Item {
                asset: id.clone(),
                start_ms: 0,
                end_ms: MINUTE,
                at_unix_ms,
            },
        );
        self.history.truncate(256);
        if let Some(item) = self.history.get(self.queue) {
            let assets = self.library.assets_mut();
            let played = assets.iter_mut().find(|it| it.id == item.asset).unwrap();
            played.last_played_unix_ms = Some(item.at_unix_ms);
        }
        id
    }

    fn plays(&mut self, count: usize) -> Vec<String> {
        (0..count).map(|_| self.play()).collect()
    }
}

fn distinct(plays: &[String]) -> usize {
    plays.iter().collect::<BTreeSet<_>>().len()
}

#[test]
fn each_cycle_plays_every_asset_once_and_in_another_order() {
    let mut channel = Channel::new(numbered(50), "{}");
    let cycles: Vec<_> = (0..4).map(|_| channel.plays(50)).collect();
    assert!(cycles.iter().all(|cycle| distinct(cycle) == 50));
    assert_eq!(cycles.iter().collect::<BTreeSet<_>>().len(), 4);
}

#[test]
fn no_asset_comes_again_within_the_distance_over_cycles_and_queues() {
    for queue in [0, 1, 3] {
        let mut channel = Channel::new(numbered(30), r#"{"no_repeat": 12}"#);
        channel.queue = queue;
        let plays = channel.plays(300);
        let near = plays.windows(13).all(|window| distinct(window) == 13);
        assert!(near, "queue of {queue}");
        assert!(
            plays.chunks(30).all(|cycle| distinct(cycle) == 30),
            "queue of {queue}"
        );
    }
}

#[test]
fn the_distance_is_kept_even_if_the_host_forgot_the_history() {
    for chance in 0..20 {
        let mut channel = Channel::new(numbered(30), r#"{"no_repeat": 12}"#);
        testing::random::seed(chance);
        let cycle = channel.plays(30);
        channel.history.clear();
        let next = channel.ask().unwrap().asset;
        assert!(!cycle[18..].contains(&next), "{next} after {cycle:?}");
    }
}

#[test]
fn a_small_library_keeps_half_of_itself_to_choose_from() {
    let mut channel = Channel::new(numbered(4), r#"{"no_repeat": 200}"#);
    let plays = channel.plays(400);
    assert!(plays.windows(3).all(|window| distinct(window) == 3));
    let orders: BTreeSet<_> = plays.chunks(4).collect();
    assert!(orders.len() > 4, "{orders:?}");
}

#[test]
fn one_asset_alone_is_repeated() {
    let mut channel = Channel::new(numbered(1), "{}");
    channel.queue = 2;
    assert_eq!(distinct(&channel.plays(5)), 1);
}

#[test]
fn a_seed_gives_the_same_order_again_and_another_seed_another() {
    let order = |config: &str, chance: u64| {
        let mut channel = Channel::new(numbered(40), config);
        testing::random::seed(chance);
        channel.plays(80)
    };
    assert_eq!(order(r#"{"seed": 7}"#, 1), order(r#"{"seed": 7}"#, 2));
    assert_ne!(order(r#"{"seed": 7}"#, 1), order(r#"{"seed": 8}"#, 1));
    assert_ne!(order("{}", 1), order("{}", 2));
}

#[test]
fn what_comes_into_the_library_joins_the_running_cycle() {
    let mut channel = Channel::new(numbered(20), r#"{"no_repeat": 2}"#);
    let mut cycle = channel.plays(10);
    channel
        .library
        .assets_mut()
        .extend([asset("new"), asset("newer")]);
    cycle.extend(channel.plays(12));
    assert_eq!(distinct(&cycle), 22);
}

#[test]
fn every_asset_is_drawn_first_about_as_often() {
    let mut first: BTreeMap<String, u32> = BTreeMap::new();
    for chance in 0..2_000 {
        let channel = Channel::new(numbered(10), "{}");
        testing::random::seed(chance);
        *first.entry(channel.ask().unwrap().asset).or_default() += 1;
    }
    assert_eq!(first.len(), 10);
    assert!(
        first.values().all(|count| (140..260).contains(count)),
        "{first:?}"
    );
}

#[test]
fn weights_make_assets_come_more_often_and_keep_the_distance() {
    let mut library = numbered(100);
    for asset in &mut library.assets_mut()[..20] {
        asset.tags = vec!["hit".into()];
    }
    let config = r#"{"no_repeat": 5, "weights": {"hit": 4, "nobody": 20, "rare": 0.05}}"#;
    let mut channel = Channel::new(library, config);
    let plays = channel.plays(3_000);
    assert!(plays.windows(6).all(|window| distinct(window) == 6));
    // 20 of weight 4 beside 80 of weight 1: half of all plays.
    let hits = plays.iter().filter(|id| id.as_str() < "020").count();
    assert!((1_350..1_650).contains(&hits), "{hits}");
}

#[test]
fn a_hundred_thousand_assets_cost_a_few_dozen_looks() {
    let mut channel = Channel::new(numbered(100_000), "{}");
    channel.plays(3);
    let (pages, assets) = (channel.library.pages(), channel.library.assets_handed_out());
    channel.ask().unwrap();
    assert!(channel.library.pages() - pages <= 40);
    assert!(channel.library.assets_handed_out() - assets <= 40);
}

#[test]
fn without_a_store_it_is_still_random_and_keeps_the_distance() {
    let mut channel = Channel::new(numbered(30), "{}");
    for n in 0.. {
        if kv::set(&n.to_string(), &[0; 60_000]).is_err() {
            break;
        }
    }
    while kv::keys("").len() < 1_024 && kv::set(&kv::keys("").len().to_string(), b"").is_ok() {}
    let plays = channel.plays(100);
    assert!(plays.windows(9).all(|window| distinct(window) == 9));
    assert!(
        testing::log::lines()
            .iter()
            .any(|(_, line)| line.contains("full"))
    );
}

#[test]
fn a_clock_that_goes_back_begins_a_cycle_and_repeats_nothing() {
    let mut channel = Channel::new(numbered(10), r#"{"no_repeat": 0}"#);
    channel.plays = 1_000_000;
    let mut cycle = channel.plays(4);
    channel.plays = 0;
    assert_eq!(channel.ask().unwrap().reason, "cycle 1, one of 6 left");
    cycle.extend(channel.plays(6));
    assert_eq!(distinct(&cycle), 10);
}

#[test]
fn what_is_queued_for_this_cycle_is_not_drawn_again_in_it() {
    let mut channel = Channel::new(numbered(12), r#"{"no_repeat": 0}"#);
    channel.queue = 4;
    let plays = channel.plays(120);
    assert!(plays.chunks(12).all(|cycle| distinct(cycle) == 12));
}

#[test]
fn assets_without_a_length_are_never_played() {
    let mut library = numbered(10);
    for asset in &mut library.assets_mut()[1..] {
        asset.duration_ms = 0;
    }
    assert_eq!(distinct(&Channel::new(library, "{}").plays(20)), 1);
    let mut empty = numbered(1);
    empty.assets_mut()[0].duration_ms = 0;
    let error = Channel::new(empty, "{}").ask().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the library has only assets without a length"
    );
}

#[test]
fn an_empty_choice_is_an_error_that_says_of_what() {
    let channel = Channel::new(numbered(1), r#"{"tag": "x", "folder": "y"}"#);
    let error = channel.ask().unwrap_err();
    assert_eq!(
        error.to_string(),
        "the library has no asset in \"y\" with the tag \"x\""
    );
}
