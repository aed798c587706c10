//! The document and the plans are made true, and nothing else is touched.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod bench;
mod documents;
mod doors;
mod kinds;
mod policies;
mod scenes;
mod standby;
mod trying;

use bench::{Bench, Camera, Sink, free_address, output, plan, source};
use control::log::Decision;
use control::{ControlError, Expect};
use hub::Pass;
use model::{Ask, Intent, LinkState, PolicyKind, Protocol};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declared_input_flows_to_its_enabled_outputs() {
    let bench = Bench::new().await;
    let (address, wanted, disabled) = (free_address(), Sink::new().await, Sink::new().await);
    let _camera = Camera::to(address);
    bench
        .apply(json!({"inputs": [{
            "name": "cam", "sources": [source(address)],
            "outputs": [
                {"name": "wanted", "url": wanted.url()},
                {"name": "disabled", "url": disabled.url(), "enabled": false}]}]}))
        .await;
    assert!(wanted.hears().await);
    let view = bench
        .until("cam", "media", |view| view.bitrate_bps > 0)
        .await;
    assert_eq!(output(&view, "disabled").link.state, LinkState::Stopped);
    assert_eq!(output(&view, "disabled").bytes, 0);
    bench
        .until("cam", "a live output", |view| {
            output(view, "wanted").link.state == LinkState::Live
        })
        .await;
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changing_one_output_restarts_no_other_and_not_the_source() {
    let bench = Bench::new().await;
    let address = free_address();
    let _camera = Camera::to(address);
    let (steady, before, after) = (Sink::new().await, Sink::new().await, Sink::new().await);
    let document = |moved: &Sink| {
        json!({"inputs": [{
            "name": "cam", "sources": [source(address)],
            "outputs": [
                {"name": "steady", "url": steady.url()}, {"name": "moved", "url": moved.url()}]}]})
    };
    bench.apply(document(&before)).await;
    let live = |name: &'static str| {
        move |view: &control::view::StreamView| output(view, name).link.state == LinkState::Live
    };
    bench.until("cam", "a live output", live("moved")).await;
    let first = bench.until("cam", "a live output", live("steady")).await;

    bench.apply(document(&after)).await;
    assert!(after.hears().await);
    let second = bench.until("cam", "a live output", live("moved")).await;
    assert_eq!(
        output(&first, "steady").link,
        output(&second, "steady").link
    );
    let link = |view: &control::view::StreamView| view.sources[0].link.clone();
    assert_eq!(link(&first), link(&second));
    assert!(output(&second, "steady").bytes >= output(&first, "steady").bytes);

    let decisions = bench.decisions(PolicyKind::Routing);
    let told =
        serde_json::to_string(&decisions.iter().map(|d| &d.changes).collect::<Vec<_>>()).unwrap();
    assert_eq!(
        told.matches("\"output\":\"steady\"").count(),
        1,
        "started once: {told}"
    );
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_at_fault_changes_nothing() {
    let bench = Bench::new().await;
    bench.apply(json!({"inputs": [{"name": "cam"}]})).await;
    let site = serde_json::from_value(json!({"inputs": [
        {"name": "other"}, {"name": "bad", "outputs": [{"name": "o", "url": "gopher://h"}]}]}));
    let refused = bench
        .control
        .apply(site.unwrap(), Expect::Anything)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "invalid-document");
    let ControlError::Invalid(faults) = refused else {
        panic!("{refused}")
    };
    assert_eq!(faults.0[0].item, "input bad");
    assert!(bench.view("cam").await.is_some());
    assert!(bench.view("other").await.is_none());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_withdrawn_input_frees_its_port_for_another() {
    let bench = Bench::new().await;
    let address = free_address();
    let _camera = Camera::to(address);
    let input = |name: &str| json!({"inputs": [{"name": name, "sources": [source(address)]}]});
    bench.apply(input("first")).await;
    bench.until("first", "media", |view| view.bytes > 0).await;
    bench.apply(input("second")).await;
    bench.until("second", "media", |view| view.bytes > 0).await;
    assert!(bench.view("first").await.is_none());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unannounced_stream_is_routed_as_long_as_it_lives() {
    let bench = Bench::new().await;
    let (name, peer) = ("guest".parse().unwrap(), ([127, 0, 0, 1], 9).into());
    let publisher = Pass::free(Ask::new(name, Intent::Publish, Protocol::Srt, peer));
    let source = bench.registry.publish(&publisher).unwrap();
    let view = bench
        .until("guest", "a decision", |view| {
            !view.routing.reason.is_empty()
        })
        .await;
    assert!(!view.declared);
    assert_eq!(view.sources[0].protocol, Protocol::Srt);
    // It becomes an input while it is fed, and its publisher stays.
    bench.apply(json!({"inputs": [{"name": "guest"}]})).await;
    let view = bench
        .until("guest", "a declaration", |view| view.declared)
        .await;
    assert!(view.sources[0].connected);
    drop(source);
    bench.apply(json!({})).await;
    assert!(bench.view("guest").await.is_none());
    bench.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_source_gives_way_to_one_that_delivers() {
    let bench = Bench::new().await;
    let (main, spare) = (free_address(), free_address());
    let camera = Camera::to(main);
    let _standby = Camera::to(spare);
    bench
        .apply(json!({"inputs": [{"name": "cam", "sources": [source(main), source(spare)]}]}))
        .await;
    let id = |address: std::net::SocketAddr| format!("udp-127.0.0.1-{}", address.port());
    let on_air = |view: &control::view::StreamView| view.on_air.as_ref().map(ToString::to_string);
    let view = bench
        .until("cam", "a source on air", |view| view.on_air.is_some())
        .await;
    let (first, second) = match on_air(&view).unwrap() {
        air if air == id(main) => (camera, id(spare)),
        _ => (_standby, id(main)),
    };
    drop(first);
    let takes = |decision: &Decision| plan(decision).on_air.as_ref() == Some(&second);
    bench.decided(PolicyKind::Routing, takes).await;
    bench.stop().await;
}
