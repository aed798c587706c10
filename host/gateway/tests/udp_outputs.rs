//! Outputs of one stream among themselves: none disturbs another.

mod udp_support;

use model::{Event, LinkState};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use udp_support::{Host, Sink, free_port, gapless, state, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_output_to_a_closed_port_retries_and_disturbs_no_other() {
    let host = Host::new();
    let (_source, feeder) = host.fed().await;
    let sink = Sink::new().await;
    let good = host.output("good", &sink.url);
    let port = free_port();
    let closed = host.output("closed", &format!("udp://127.0.0.1:{port}"));
    let stop = CancellationToken::new();
    let flow = feeder.flow(stop.clone());
    until("the good one is live", || state(&good) == LinkState::Live).await;
    until("the closed one retries", || {
        state(&closed) == LinkState::Retrying
    })
    .await;
    until("again", || closed.snapshot().status.attempt >= 3).await;
    let status = closed.snapshot().status;
    assert_eq!(
        status.last_error.unwrap(),
        format!("nobody listens at udp://127.0.0.1:{port}: connection refused")
    );
    assert_eq!(state(&good), LinkState::Live);
    // A receiver comes up late.
    let late = Sink::at(port).await;
    until("it is live now", || state(&closed) == LinkState::Live).await;
    let begun = late.count();
    until("it goes on", || late.count() > begun + 100).await;
    stop.cancel();
    let sent = flow.await.unwrap().next;
    until("the last arrived", || {
        sink.numbers().last() == Some(&(sent - 1))
    })
    .await;
    assert!(gapless(&sink.numbers()), "the other noticed nothing");
    assert!(gapless(&late.numbers()[begun..]));
    assert_eq!(good.snapshot().drops, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outputs_come_and_go_while_the_others_lose_nothing() {
    let host = Host::new();
    let (_source, feeder) = host.fed().await;
    let steady = [Sink::new().await, Sink::new().await];
    let links: Vec<_> = steady
        .iter()
        .map(|sink| host.output("steady", &sink.url))
        .collect();
    let stop = CancellationToken::new();
    let flow = feeder.flow(stop.clone());
    until("both flow", || steady.iter().all(|sink| sink.count() > 0)).await;
    for round in 0..30 {
        let guest = Sink::new().await;
        let link = host.output("guest", &guest.url);
        until("the guest is served", || guest.count() > 5).await;
        if round % 2 == 0 {
            link.stop().await;
        } else {
            drop(link);
        }
        assert!(gapless(&guest.numbers()));
    }
    stop.cancel();
    let sent = flow.await.unwrap().next;
    for sink in &steady {
        until("the last arrived", || {
            sink.numbers().last() == Some(&(sent - 1))
        })
        .await;
        assert!(gapless(&sink.numbers()));
    }
    assert!(links.iter().all(|link| link.snapshot().drops == 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_output_may_leave_and_a_new_one_come_at_any_moment() {
    let host = Host::new();
    let (_source, feeder) = host.fed().await;
    let stop = CancellationToken::new();
    let flow = feeder.flow(stop.clone());
    for _ in 0..100 {
        let sink = Sink::new().await;
        let link = host.output("only", &sink.url);
        until("served", || sink.count() > 0).await;
        // Not awaited: the next joins while this one leaves.
        drop(link);
    }
    stop.cancel();
    flow.await.unwrap();
    host.context.close().await;
}

#[tokio::test]
async fn a_silent_stream_is_source_lost_until_it_speaks_again() {
    let host = Host::new();
    let mut events = host.context.registry().events();
    let (source, mut feeder) = host.fed().await;
    let sink = Sink::new().await;
    let output = host.output("out", &sink.url);
    for _ in 0..100 {
        feeder.send().await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    until("live", || state(&output) == LinkState::Live).await;
    until("lost", || state(&output) == LinkState::SourceLost).await;
    until("the source waits", || {
        state(&source) == LinkState::Connecting
    })
    .await;
    feeder.send().await;
    until("live again", || state(&output) == LinkState::Live).await;
    assert_eq!(output.snapshot().status.reconnects, 0, "it never went down");
    output.stop().await;
    let mut states = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let Event::OutputChanged { link, .. } = event {
            states.push(link.state);
        }
    }
    use LinkState::{Connecting, Live, SourceLost, Stopped};
    assert_eq!(states, [Connecting, Live, SourceLost, Live, Stopped]);
}

#[tokio::test]
async fn an_output_ends_with_its_stream() {
    let host = Host::new();
    let (_source, mut feeder) = host.fed().await;
    let sink = Sink::new().await;
    let output = host.output("out", &sink.url);
    while sink.count() == 0 {
        feeder.send().await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    host.context.registry().withdraw(host.stream.name());
    until("stopped", || state(&output) == LinkState::Stopped).await;
}
