//! Recorded decisions, made again by a candidate before it takes over.

use crate::common::{bound, fanout, hostile, install, install_for, plane, variant};
use model::routing::RoutingState;
use model::{Answer, PolicyKind, Question};
use plugin::routing::sample_state;
use plugin::{Bound, Call, Mode, Plugin, Recorded};
use serde_json::{Value, json};

async fn record(plugin: &Plugin, config: &Value, count: u64) -> Vec<Recorded> {
    let config = plugin.config("test", config).unwrap();
    let mut recorded = Vec::new();
    for id in 1..=count {
        let question = Question::Routing(RoutingState {
            stream: format!("live/cam{id}"),
            ..sample_state()
        });
        let call = Call {
            question: &question,
            config: &config,
            library: None,
            mode: Mode::Live,
        };
        let outcome = plugin.decide(call).await;
        let answer = outcome.result.unwrap();
        let tape = outcome.tape;
        recorded.push(Recorded {
            id,
            question,
            answer,
            tape,
        });
    }
    recorded
}

fn with(recorded: Vec<Recorded>, config: Value) -> [Bound; 1] {
    [Bound {
        recorded,
        ..bound("policy routing for *", PolicyKind::Routing, config)
    }]
}

#[tokio::test]
async fn a_version_that_decides_alike_shows_no_difference() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "p", fanout().await).await.unwrap();
    let plugin = plugins.get("p").unwrap();
    let config = json!({ "rules": [{ "serve": ["hls"] }] });
    let bound = with(record(&plugin, &config, 5).await, config);
    let next = variant(&fanout().await, 1);
    let installed = install_for(&plugins, "p", next, &bound).await.unwrap();
    assert_eq!((installed.compared, installed.differing), (5, 0));
    assert_eq!(installed.differences, []);
    let stats = plugin.stats();
    assert_eq!(stats.calls, 5, "replays count in no figure");
}

#[tokio::test]
async fn differences_are_counted_and_the_first_twenty_shown() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "p", fanout().await).await.unwrap();
    let plugin = plugins.get("p").unwrap();
    let was = record(&plugin, &json!({ "rules": [{ "serve": ["hls"] }] }), 30).await;
    // The same bytes decide otherwise under another configuration.
    let bound = with(was, json!({ "rules": [{ "serve": ["srt"] }] }));
    let installed = install_for(&plugins, "p", fanout().await, &bound)
        .await
        .unwrap();
    assert_eq!((installed.compared, installed.differing), (30, 30));
    assert_eq!(installed.differences.len(), 20);
    let first = &installed.differences[0];
    assert_eq!((first.id, first.subject.as_str()), (1, "live/cam1"));
    let serves = |answer: &Answer| match answer {
        Answer::Routing(plan) => plan.serve.clone().unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(serves(&first.was), ["hls"]);
    assert_eq!(serves(first.now.as_ref().unwrap()), ["srt"]);
}

#[tokio::test]
async fn an_answer_that_becomes_an_error_is_a_difference() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "p", hostile().await).await.unwrap();
    let plugin = plugins.get("p").unwrap();
    let was = record(&plugin, &json!({ "act": "behave" }), 1).await;
    let bound = with(was, json!({ "act": "refuse" }));
    let installed = install_for(&plugins, "p", hostile().await, &bound)
        .await
        .unwrap();
    let error = installed.differences[0].now.clone().unwrap_err();
    assert!(error.contains("not this stream"), "{error}");
}

#[tokio::test]
async fn a_candidate_that_fails_where_the_old_one_answered_is_refused() {
    let (plugins, _dir) = plane().await;
    install(&plugins, "p", fanout().await).await.unwrap();
    let plugin = plugins.get("p").unwrap();
    let hash = plugin.hash();
    let was = record(&plugin, &json!({}), 3).await;
    // It behaves on the sample, and traps on streams of this name.
    let bound = with(was, json!({ "act": "panic-on-cam2" }));
    let refused = install_for(&plugins, "p", hostile().await, &bound)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "replay-failed");
    let told = refused.to_string();
    assert!(
        told.contains("decision 2") && told.contains("live/cam2"),
        "{told}"
    );
    assert_eq!(plugin.hash(), hash);
}
