//! A picture of the system is shared, and never older than what its viewer knows.

use crate::bench::Bench;
use model::{Event, InputSpec, StreamName};
use serde_json::json;
use std::sync::Arc;

fn name() -> StreamName {
    "cam".parse().unwrap()
}

#[tokio::test]
async fn whoever_changed_something_sees_it_at_once() {
    let bench = Bench::new().await;
    for turn in 0..20 {
        let input: InputSpec = serde_json::from_value(json!({"name": "cam"})).unwrap();
        bench.control.add_input(input).await.unwrap();
        let scene = bench.control.scene().await.unwrap();
        assert!(scene.stream(&name()).is_some(), "declared, turn {turn}");
        assert_eq!(scene.site.inputs.len(), 1);
        let removing = bench.control.remove_input(name(), Default::default());
        removing.await.unwrap();
        let scene = bench.control.scene().await.unwrap();
        assert!(scene.stream(&name()).is_none(), "gone, turn {turn}");
        assert!(scene.site.inputs.is_empty());
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_picture_serves_all_until_something_happens() {
    let bench = Bench::new().await;
    // A busy machine may let more time pass between two looks than a picture holds.
    let mut shared = None;
    for _ in 0..1_000 {
        let first = bench.control.scene().await.unwrap();
        let second = bench.control.scene().await.unwrap();
        if Arc::ptr_eq(&first, &second) {
            shared = Some(second);
            break;
        }
    }
    let shared = shared.expect("two looks at the same picture");
    bench
        .registry
        .announce(Event::StreamEnded { stream: name() });
    let next = bench.control.scene().await.unwrap();
    assert!(!Arc::ptr_eq(&shared, &next), "an event was announced since");
    bench.stop().await;
}
