//! Sources that stand in, alerts and labels: what a plan says beyond its outputs.

use crate::bench::{Bench, Camera, free_address, plan, scripted, source};
use control::view::StreamView;
use model::{Event, PolicyKind, Question};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;

fn id(address: SocketAddr) -> String {
    format!("udp-127.0.0.1-{}", address.port())
}

fn on_air(id: String) -> impl Fn(&StreamView) -> bool {
    move |view| view.on_air.as_ref().is_some_and(|air| air.as_str() == id)
}

fn document(sources: &[SocketAddr], plan: Value) -> Value {
    let sources: Vec<_> = sources.iter().map(|address| source(*address)).collect();
    json!({
        "policies": [{"kind": "routing", "plugin": "scripted", "config": {"plan": plan}}],
        "inputs": [{"name": "cam", "sources": sources, "labels": {"site": "north"}}]})
}

async fn told(events: &mut Receiver<Event>, fits: impl Fn(&Event) -> bool) -> Event {
    let wait = async {
        loop {
            let event = events.recv().await.unwrap();
            if fits(&event) {
                return event;
            }
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(20), wait).await;
    told.expect("the event comes")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_host_goes_over_by_itself_and_back_though_the_policy_says_nothing_new() {
    let bench = Bench::new().await;
    bench.install("scripted", scripted().await).await;
    let (main, spare, slate) = (free_address(), free_address(), free_address());
    let plan = json!({"on_air": id(main), "failover": [id(spare)], "slate": id(slate)});
    let _loop = Camera::with_pictures(slate);
    let (main_camera, spare_camera) = (Camera::with_pictures(main), Camera::with_pictures(spare));
    bench.apply(document(&[main, spare, slate], plan)).await;
    let view = bench.until("cam", "main on air", on_air(id(main))).await;
    assert_eq!(view.routing.failover.len(), 1);

    drop(main_camera);
    bench
        .until("cam", "the spare on air", on_air(id(spare)))
        .await;
    drop(spare_camera);
    bench
        .until("cam", "the slate on air", on_air(id(slate)))
        .await;
    let _spare_again = Camera::with_pictures(spare);
    bench
        .until("cam", "the spare again", on_air(id(spare)))
        .await;
    let _main_again = Camera::with_pictures(main);
    bench.until("cam", "main again", on_air(id(main))).await;
    let said = bench.decisions(PolicyKind::Routing);
    let wishes: Vec<_> = said
        .iter()
        .map(|it| crate::bench::plan(it).on_air.clone())
        .collect();
    assert!(
        wishes.iter().all(|wish| *wish == Some(id(main))),
        "{wishes:?}"
    );
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_goes_over_while_the_policy_has_not_answered_yet() {
    let bench = Bench::new().await;
    bench.install("scripted", scripted().await).await;
    let (main, spare) = (free_address(), free_address());
    let plan = json!({"on_air": id(main), "failover": [id(spare)]});
    let (camera, _standby) = (Camera::with_pictures(main), Camera::with_pictures(spare));
    bench.apply(document(&[main, spare], plan)).await;
    bench.until("cam", "main on air", on_air(id(main))).await;
    // From now on every call takes its deadline and fails: the last good plan stays in force.
    let mut hanging = document(&[main, spare], json!({}));
    hanging["policies"][0]["config"] = json!({"hang": true});
    bench.apply(hanging).await;
    bench
        .until("cam", "an error", |view| view.routing.error.is_some())
        .await;
    drop(camera);
    bench
        .until("cam", "the spare on air", on_air(id(spare)))
        .await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_are_told_when_they_come_and_go_and_labels_reach_later_decisions() {
    let bench = Bench::new().await;
    bench.install("scripted", scripted().await).await;
    let mut events = bench.registry.events();
    let address = free_address();
    let _camera = Camera::to(address);
    let alert = |severity: &str| json!({"code": "no-backup", "severity": severity, "message": "one source"});
    let labels = json!({"site": "from-the-plan", "tier": "gold"});
    let warns = json!({"labels": labels, "alerts": [alert("warning")]});
    bench.apply(document(&[address], warns)).await;
    let is_alert = |event: &Event| {
        matches!(
            event,
            Event::AlertRaised { .. } | Event::AlertCleared { .. }
        )
    };
    let raised = told(&mut events, is_alert).await;
    let Event::AlertRaised { code, message, .. } = raised else {
        panic!("{raised:?}")
    };
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("no-backup", "one source")
    );
    let view = bench
        .until("cam", "an alert", |view| view.alerts.len() == 1)
        .await;
    assert_eq!(view.labels["site"], "north", "the operator's win");
    assert_eq!(view.labels["tier"], "gold");

    // Decided again on every tick, it is told once; then it becomes graver.
    let critical = json!({"alerts": [alert("critical")]});
    bench.apply(document(&[address], critical)).await;
    let graver = told(&mut events, is_alert).await;
    assert!(matches!(graver, Event::AlertRaised { .. }), "{graver:?}");
    let asked = bench
        .decided(PolicyKind::Routing, |it| plan(it).labels.is_empty())
        .await;
    let Question::Routing(state) = &*asked.question else {
        panic!()
    };
    assert_eq!(state.labels["tier"], "gold", "as the plan before said");
    bench.apply(document(&[address], json!({}))).await;
    let cleared = told(&mut events, is_alert).await;
    assert!(matches!(cleared, Event::AlertCleared { .. }), "{cleared:?}");
    bench
        .until("cam", "no alert", |view| view.alerts.is_empty())
        .await;
    bench.stop().await;
}
