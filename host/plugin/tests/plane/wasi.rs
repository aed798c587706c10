//! The closed WASI: a guest whose runtime imports it finds nothing behind it.

use crate::common::{Route, closed, install, plane};
use model::{Answer, Question};
use plugin::routing::sample_state;
use plugin::{Call, Config, Mode, Outcome, Plugin};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

async fn closed_plugin() -> (Plugin, tempfile::TempDir) {
    let (plugins, dir) = plane().await;
    install(&plugins, "closed", closed().await).await.unwrap();
    let imports = plugins.list()[0].imports.clone();
    assert!(
        imports.contains(&"wasi:cli/environment@0.2.0".to_owned()),
        "{imports:?}"
    );
    (plugins.get("closed").unwrap(), dir)
}

fn act(plugin: &Plugin, act: &str) -> Config {
    plugin.config("test", &json!({ "act": act })).unwrap()
}

async fn look(plugin: &Plugin, mode: Mode) -> Outcome {
    let (question, config) = (Question::Routing(sample_state()), act(plugin, "look"));
    let call = Call {
        question: &question,
        config: &config,
        library: None,
        mode,
    };
    plugin.decide(call).await
}

fn found(outcome: &Outcome) -> BTreeMap<String, String> {
    match outcome.result.as_ref().unwrap() {
        Answer::Routing(plan) => plan.attributes.clone(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn there_is_no_file_no_environment_no_socket_and_no_name_behind_it() {
    let (plugin, _dir) = closed_plugin().await;
    let found = found(&look(&plugin, Mode::Live).await);
    for (what, expected) in [
        ("environment", "0"),
        ("arguments", "0"),
        ("cwd", "None"),
        ("folders", "0"),
        ("now", "1767225600000"),
        ("ticks", "0"),
        ("socket", "access-denied"),
        ("name", "permanent-resolver-failure"),
    ] {
        assert_eq!(found[what], expected, "{what}");
    }
}

#[tokio::test]
async fn its_random_numbers_are_the_calls_and_come_again_in_a_replay() {
    let (plugin, _dir) = closed_plugin().await;
    let (first, second) = (
        look(&plugin, Mode::Live).await,
        look(&plugin, Mode::Live).await,
    );
    assert_ne!(found(&first)["random"], found(&second)["random"]);
    let replayed = look(&plugin, Mode::Replay(Arc::new(first.tape.clone()))).await;
    assert_eq!(found(&replayed), found(&first));
}

#[tokio::test]
async fn the_last_line_of_a_traceback_explains_the_trap() {
    let (plugin, _dir) = closed_plugin().await;
    let error = plugin
        .route(&sample_state(), &act(&plugin, "raise"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "trap");
    assert!(
        error.to_string().contains("ValueError: no points"),
        "{error}"
    );
}

#[tokio::test]
async fn a_flood_on_standard_output_does_not_fail_the_call() {
    let (plugin, _dir) = closed_plugin().await;
    plugin
        .route(&sample_state(), &act(&plugin, "flood"))
        .await
        .unwrap();
}

#[tokio::test]
async fn whoever_sleeps_is_cut_off_by_the_clock() {
    let (plugin, _dir) = closed_plugin().await;
    let began = Instant::now();
    let error = plugin
        .route(&sample_state(), &act(&plugin, "sleep"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "deadline");
    assert!(began.elapsed() < Duration::from_secs(10));
}
