//! Selection and layout through the decider: what plugins answer, and what holds when they fail.

use crate::bench::{Bench, scripted};
use control::decide::DecidedBy;
use control::log::{Decision, Filter};
use model::layout::{Scene, Tile};
use model::selection::{Asset, Library, SelectionRequest};
use model::{Catalogue, PolicyKind};
use serde_json::{Value, json};
use std::sync::Arc;

async fn bound(kind: &str, config: Value) -> Bench {
    let bench = Bench::new().await;
    bench.install("scripted", scripted().await).await;
    bind(&bench, kind, config).await;
    bench
}

async fn bind(bench: &Bench, kind: &str, config: Value) {
    let policy = json!({"kind": kind, "plugin": "scripted", "config": config});
    bench.apply(json!({"policies": [policy]})).await;
}

fn library() -> Arc<dyn Library> {
    let asset = |id: &str, played| Asset {
        id: id.into(),
        duration_ms: 10_000,
        last_played_unix_ms: Some(played),
        ..Asset::default()
    };
    Arc::new(Catalogue::new([asset("a", 2), asset("b", 1)]))
}

fn request() -> SelectionRequest {
    SelectionRequest {
        channel: "channels/one".into(),
        now_unix_ms: 5,
        ..SelectionRequest::default()
    }
}

fn last(bench: &Bench, kind: PolicyKind) -> Arc<Decision> {
    bench.decisions(kind).pop().expect("a decision")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clip_that_cannot_be_played_is_replaced_by_the_one_not_played_for_longest() {
    let bench = bound(
        "selection",
        json!({"clip": {"asset": "a", "start_ms": 1_000}}),
    )
    .await;
    let decider = bench.control.decider().clone();
    let clip = decider.select(request(), library()).await.unwrap();
    assert_eq!((clip.asset.as_str(), clip.start_ms), ("a", 1_000));
    let decision = last(&bench, PolicyKind::Selection);
    assert_eq!(decision.decided_by, DecidedBy::Plugin);
    assert_eq!(decision.stream, "channels/one");

    for (config, code) in [
        (json!({"clip": {"asset": "ghost"}}), "unusable"),
        (
            json!({"clip": {"asset": "a", "start_ms": 10_000}}),
            "unusable",
        ),
        (json!({"error": "no idea"}), "refused"),
        (json!({"hang": true}), "deadline"),
    ] {
        bind(&bench, "selection", config.clone()).await;
        let clip = decider.select(request(), library()).await.unwrap();
        assert_eq!(clip.asset, "b", "{config}");
        let decision = last(&bench, PolicyKind::Selection);
        assert_eq!(decision.decided_by, DecidedBy::BuiltIn);
        assert_eq!(decision.error.as_ref().unwrap().code, code);
    }
    let nothing = Arc::new(Catalogue::default());
    assert!(decider.select(request(), nothing).await.is_none());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_layout_that_fails_leaves_the_tiles_in_force_and_at_first_an_equal_grid() {
    let tile = json!({"source": "a", "part": {"x": 0.0, "y": 0.0, "width": 1.0, "height": 1.0},
        "area": {"x": 0.0, "y": 0.0, "width": 64.0, "height": 36.0}, "alpha": 1.0});
    let ghost = {
        let mut ghost = tile.clone();
        ghost["source"] = "ghost".into();
        ghost
    };
    let good = json!({"arrangement": {"tiles": [tile, ghost]}});
    let bench = bound("layout", good).await;
    let decider = bench.control.decider().clone();
    let scene = |tiles: Vec<Tile>| {
        let since_unix_ms = u64::from(!tiles.is_empty());
        let mut scene: Scene = serde_json::from_value(json!({
            "name": "wall/lobby", "now_unix_ms": 5, "canvas": {"width": 640, "height": 360},
            "sources": [{"id": "a", "connected": true}, {"id": "b", "connected": true}]}))
        .unwrap();
        scene.tiles = tiles;
        Scene {
            since_unix_ms,
            ..scene
        }
    };
    let arranged = decider.arrange(scene(vec![])).await;
    assert_eq!(arranged.tiles.len(), 1, "the unknown source has no tile");
    let decision = last(&bench, PolicyKind::Layout);
    assert!(
        decision.refused[0].contains("ghost"),
        "{:?}",
        decision.refused
    );

    bind(&bench, "layout", json!({"error": "not now"})).await;
    let kept = decider.arrange(scene(arranged.tiles.clone())).await;
    assert_eq!(kept.tiles, arranged.tiles);
    assert_eq!(
        last(&bench, PolicyKind::Layout).decided_by,
        DecidedBy::LastGood
    );
    let first = decider.arrange(scene(vec![])).await;
    assert_eq!(first.tiles.len(), 2, "an equal grid");
    let decision = last(&bench, PolicyKind::Layout);
    assert_eq!(decision.decided_by, DecidedBy::BuiltIn);
    let failures = Filter {
        failed: true,
        kind: Some(PolicyKind::Layout),
        ..Filter::default()
    };
    assert_eq!(decider.recent(&failures).len(), 2);
    assert_eq!(decider.totals(PolicyKind::Layout).failures, 2);
    bench.stop().await;
}
