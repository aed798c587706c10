//! What a policy gets of the host, and that a replay gets the same.

use crate::common::{install, open, plane, plane_with, probe};
use model::auth::AuthRequest;
use model::selection::Asset;
use model::{Answer, Catalogue, Label, Question};
use parking_lot::Mutex;
use plugin::{
    Call, Entry, HostCall, Keeper, Mode, Outcome, Plugin, Plugins, Tape, auth, selection,
};
use serde_json::{Value, json};
use std::sync::Arc;

async fn probed() -> (Plugins, Plugin, tempfile::TempDir) {
    let (plugins, dir) = plane().await;
    install(&plugins, "probe", probe().await).await.unwrap();
    let plugin = plugins.get("probe").unwrap();
    (plugins, plugin, dir)
}

/// Has the probe take these steps.
async fn outcome(plugin: &Plugin, steps: Value, mode: Mode) -> Outcome {
    let config = plugin.config("test", &json!({ "steps": steps })).unwrap();
    let question = Question::Auth(auth::sample_request());
    let call = Call {
        question: &question,
        config: &config,
        library: None,
        mode,
    };
    plugin.decide(call).await
}

fn answers(outcome: &Outcome) -> Vec<String> {
    let attributes = match outcome.result.as_ref().unwrap() {
        Answer::Auth(verdict) => &verdict.attributes,
        Answer::Selection(clip) => &clip.attributes,
        other => panic!("{other:?}"),
    };
    attributes.values().cloned().collect()
}

async fn ask(plugin: &Plugin, steps: Value) -> Vec<String> {
    answers(&outcome(plugin, steps, Mode::Live).await)
}

fn again(outcome: &Outcome) -> Mode {
    // As it comes back from the decision log.
    let json = serde_json::to_string(&outcome.tape).unwrap();
    Mode::Replay(Arc::new(serde_json::from_str(&json).unwrap()))
}

#[tokio::test]
async fn the_time_is_the_decisions() {
    let (_plugins, plugin, _dir) = probed().await;
    let now = auth::sample_request().now_unix_ms.to_string();
    assert_eq!(
        ask(&plugin, json!(["now", "now"])).await,
        [now.clone(), now]
    );
}

#[tokio::test]
async fn random_numbers_differ_from_call_to_call_and_come_again_in_a_replay() {
    let (_plugins, plugin, _dir) = probed().await;
    let steps = json!(["random", { "bytes": 5_000 }, "random"]);
    let first = outcome(&plugin, steps.clone(), Mode::Live).await;
    let second = outcome(&plugin, steps.clone(), Mode::Live).await;
    assert_ne!(answers(&first)[0], answers(&second)[0]);
    assert_ne!(answers(&first)[0], answers(&first)[2]);
    assert_eq!(answers(&first)[1], "4096");
    let replayed = outcome(&plugin, steps, again(&first)).await;
    assert_eq!(answers(&replayed), answers(&first));
    assert_eq!(replayed.tape, first.tape);
}

#[tokio::test]
async fn entries_are_kept_from_call_to_call_and_counted() {
    let (plugins, plugin, _dir) = probed().await;
    let steps = json!([{ "get": "a" }, { "set": ["a", "x"] }, { "set": ["b/1", "y"] }]);
    assert_eq!(ask(&plugin, steps).await, ["none", "Ok(1)", "Ok(1)"]);
    let steps = json!([
        { "get": "a" }, { "set": ["a", "z"] }, { "get": "a" }, { "keys": "" }, { "keys": "b" },
        { "compare-and-set": ["a", 1, "no"] }, { "compare-and-set": ["a", 2, "yes"] },
        { "compare-and-set": ["c", 0, "new"] }, { "delete": "a" }, { "delete": "a" },
        { "set": ["", "x"] },
    ]);
    assert_eq!(
        ask(&plugin, steps).await,
        [
            "1 x",
            "Ok(2)",
            "2 z",
            "a b/1",
            "b/1",
            "Err(Conflict(2))",
            "Ok(3)",
            "Ok(1)",
            "true",
            "false",
            "Err(Invalid(\"the key has 0 bytes, 1 to 128 are taken\"))",
        ]
    );
    let used = plugins.list()[0].kv;
    assert_eq!((used.keys, used.bytes), (2, "b/1y".len() + "cnew".len()));
}

#[tokio::test]
async fn no_plugin_sees_the_entries_of_another_and_versions_share_theirs() {
    let (plugins, plugin, _dir) = probed().await;
    ask(&plugin, json!([{ "set": ["a", "mine"] }])).await;
    install(&plugins, "other", probe().await).await.unwrap();
    let other = plugins.get("other").unwrap();
    assert_eq!(ask(&other, json!([{ "get": "a" }])).await, ["none"]);
    let next = crate::common::variant(&probe().await, 1);
    install(&plugins, "probe", next).await.unwrap();
    assert_eq!(ask(&plugin, json!([{ "get": "a" }])).await, ["1 mine"]);
}

#[tokio::test]
async fn a_plugin_that_fills_its_quota_is_told_and_its_calls_go_on() {
    let (plugins, _dir) = plane_with(|settings| {
        let name: Label = "small".parse().unwrap();
        let mut limits = settings.limits.default.clone();
        limits.kv_keys = 2;
        settings.limits.named.insert(name, limits);
    })
    .await;
    install(&plugins, "small", probe().await).await.unwrap();
    let small = plugins.get("small").unwrap();
    let steps =
        json!([{ "set": ["a", ""] }, { "set": ["b", ""] }, { "set": ["c", ""] }, { "keys": "" }]);
    assert_eq!(
        ask(&small, steps).await,
        ["Ok(1)", "Ok(1)", "Err(Full)", "a b"]
    );
}

#[tokio::test]
async fn what_a_trial_writes_is_seen_by_it_alone() {
    let (_plugins, plugin, _dir) = probed().await;
    ask(&plugin, json!([{ "set": ["a", "live"] }])).await;
    let steps =
        json!([{ "get": "a" }, { "set": ["a", "tried"] }, { "get": "a" }, { "delete": "a" }]);
    let tried = outcome(&plugin, steps, Mode::Trial).await;
    assert_eq!(answers(&tried), ["1 live", "Ok(2)", "2 tried", "true"]);
    assert_eq!(ask(&plugin, json!([{ "get": "a" }])).await, ["1 live"]);
}

#[tokio::test]
async fn a_replay_finds_the_entries_of_its_time_and_writes_none() {
    let (_plugins, plugin, _dir) = probed().await;
    ask(&plugin, json!([{ "set": ["a", "then"] }])).await;
    let steps = json!([
        { "get": "a" }, { "set": ["a", "after"] }, { "get": "a" }, { "keys": "" },
        { "compare-and-set": ["a", 9, "no"] }, { "delete": "gone" },
    ]);
    let recorded = outcome(&plugin, steps.clone(), Mode::Live).await;
    ask(
        &plugin,
        json!([{ "set": ["a", "now"] }, { "set": ["b", "now"] }]),
    )
    .await;
    let replayed = outcome(&plugin, steps, again(&recorded)).await;
    assert_eq!(answers(&replayed), answers(&recorded));
    assert_eq!(replayed.tape, recorded.tape);
    assert_eq!(ask(&plugin, json!([{ "get": "a" }])).await, ["3 now"]);

    // What is not on the tape is not there, whatever is there now.
    let otherwise = json!([{ "get": "b" }, { "set": ["b", "x"] }, { "get": "b" }]);
    let otherwise = outcome(&plugin, otherwise, again(&recorded)).await;
    assert_eq!(answers(&otherwise), ["none", "Ok(1)", "1 x"]);
}

/// A plugin's writes, in order.
type Writes = Vec<(String, Option<Entry>)>;

#[derive(Default)]
struct Notebook(Mutex<Writes>);

impl Keeper for Notebook {
    fn load(&self, plugin: &Label) -> Vec<(String, Entry)> {
        assert_eq!(plugin.as_str(), "probe");
        let kept = self.0.lock();
        let mut entries = std::collections::BTreeMap::new();
        for (key, entry) in kept.iter() {
            match entry {
                Some(entry) => entries.insert(key.clone(), entry.clone()),
                None => entries.remove(key),
            };
        }
        entries.into_iter().collect()
    }

    fn save(&self, _plugin: &Label, key: &str, entry: Option<&Entry>) {
        self.0.lock().push((key.to_owned(), entry.cloned()));
    }
}

#[tokio::test]
async fn entries_outlive_a_restart_by_their_keeper_and_go_with_their_plugin() {
    let keeper = Arc::new(Notebook::default());
    let dir = tempfile::tempdir().unwrap();
    let with_keeper = |settings: &mut plugin::Settings| settings.keeper = keeper.clone();
    let plugins = open(&dir, with_keeper).await;
    install(&plugins, "probe", probe().await).await.unwrap();
    let plugin = plugins.get("probe").unwrap();
    ask(
        &plugin,
        json!([{ "set": ["a", "1"] }, { "set": ["b", "2"] }, { "delete": "a" }]),
    )
    .await;
    outcome(&plugin, json!([{ "set": ["c", "3"] }]), Mode::Trial).await;
    let written = keeper.0.lock().clone();
    let keys: Vec<_> = written
        .iter()
        .map(|(key, entry)| (key.as_str(), entry.is_some()))
        .collect();
    assert_eq!(keys, [("a", true), ("b", true), ("a", false)]);
    drop((plugin, plugins));

    let plugins = open(&dir, with_keeper).await;
    let plugin = plugins.get("probe").unwrap();
    assert_eq!(
        ask(&plugin, json!([{ "get": "b" }, { "keys": "" }])).await,
        ["1 2", "b"]
    );
    plugins.remove(&"probe".parse().unwrap()).await.unwrap();
    assert_eq!(keeper.0.lock().last(), Some(&("b".to_owned(), None)));
}

fn library(count: u64) -> Catalogue {
    let asset = |number: u64| Asset {
        id: format!("clips/{number:05}.ts"),
        title: format!("Clip {number}"),
        folder: if number.is_multiple_of(2) {
            "even".to_owned()
        } else {
            "odd".to_owned()
        },
        duration_ms: 1_000,
        last_played_unix_ms: (number != 1).then_some(10_000 - number),
        ..Asset::default()
    };
    Catalogue::new((0..count).map(asset))
}

async fn select(plugin: &Plugin, steps: Value, library: Option<Catalogue>, mode: Mode) -> Outcome {
    let config = plugin.config("test", &json!({ "steps": steps })).unwrap();
    let question = Question::Selection(selection::sample_request());
    let call = Call {
        question: &question,
        config: &config,
        library: library.map(|library| Arc::new(library) as _),
        mode,
    };
    plugin.decide(call).await
}

#[tokio::test]
async fn the_library_is_looked_at_in_pages_and_recorded() {
    let (_plugins, plugin, _dir) = probed().await;
    let steps = json!([
        { "count": "" }, { "count": "even" }, { "page": [0, 2] }, { "page": [1, 9_999] },
        { "asset": "clips/00007.ts" }, { "asset": "none" },
    ]);
    let recorded = select(&plugin, steps.clone(), Some(library(300)), Mode::Live).await;
    assert_eq!(
        answers(&recorded),
        [
            "300",
            "150",
            "2: clips/00001.ts clips/00299.ts",
            "256: clips/00299.ts clips/00298.ts clips/00297.ts",
            "Some(\"Clip 7\")",
            "None",
        ]
    );
    let replayed = select(&plugin, steps.clone(), None, again(&recorded)).await;
    assert_eq!(answers(&replayed), answers(&recorded));
    // Without a library, and without a tape, there is nothing in it.
    for mode in [Mode::Live, Mode::Replay(Arc::default())] {
        let empty = select(&plugin, steps.clone(), None, mode).await;
        assert_eq!(answers(&empty), ["0", "0", "0: ", "0: ", "None", "None"]);
    }
}

#[tokio::test]
async fn a_tape_that_grows_too_long_is_cut_and_says_so() {
    let (_plugins, plugin, _dir) = probed().await;
    let pages: Vec<_> = (0..10)
        .map(|page| json!({ "page": [page * 256, 256] }))
        .collect();
    let outcome = select(&plugin, json!(pages), Some(library(3_000)), Mode::Live).await;
    assert!(outcome.tape.truncated);
    let kept = serde_json::to_string(&outcome.tape).unwrap().len();
    assert!(
        kept < 320 << 10 && outcome.tape.calls.len() >= 2,
        "{kept} bytes"
    );
}

#[tokio::test]
async fn a_call_tells_what_it_took() {
    let (_plugins, plugin, _dir) = probed().await;
    let outcome = outcome(&plugin, json!(["now"]), Mode::Live).await;
    assert_eq!(outcome.hash, plugin.hash());
    assert_eq!(outcome.version, "1.0.0");
    assert!(outcome.memory_bytes >= 64 << 10, "{}", outcome.memory_bytes);
    assert!(!outcome.took.is_zero() && outcome.fuel.is_none());
    assert_eq!(outcome.tape.calls, Vec::<HostCall>::new());
}

#[tokio::test]
async fn instructions_are_counted_for_tools() {
    let (plugins, _dir) = plane_with(|settings| settings.count_fuel = true).await;
    install(&plugins, "probe", probe().await).await.unwrap();
    let plugin = plugins.get("probe").unwrap();
    let little = outcome(&plugin, json!(["now"]), Mode::Live)
        .await
        .fuel
        .unwrap();
    let much = outcome(&plugin, json!(vec!["random"; 60]), Mode::Live)
        .await
        .fuel
        .unwrap();
    assert!(little > 1_000 && much > little, "{little} {much}");
    let replayed = outcome(
        &plugin,
        json!(["now"]),
        Mode::Replay(Arc::new(Tape::default())),
    )
    .await;
    assert_eq!(replayed.fuel, Some(little));
}

#[tokio::test]
async fn peers_and_queries_reach_an_auth_policy_whole() {
    let (_plugins, plugin, _dir) = probed().await;
    let request = AuthRequest {
        peer_ip: "2001:db8::7".parse().unwrap(),
        query: (0..64).map(|n| (n.to_string(), "x".repeat(100))).collect(),
        ..auth::sample_request()
    };
    let config = plugin.config("test", &json!({ "steps": [] })).unwrap();
    let question = Question::Auth(request);
    let call = Call {
        question: &question,
        config: &config,
        library: None,
        mode: Mode::Live,
    };
    plugin.decide(call).await.result.unwrap();
}
