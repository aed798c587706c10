//! The port that publishers and viewers call.

use crate::support::{Host, assert_whole, bounded, decode, opaque_packets, publisher, until};
use gateway::srt::Role;
use gateway::srt::backend::{Connection, Encryption, Error, KeyLength, Passphrase, RejectReason};
use model::Protocol;
use std::time::{Duration, Instant};

const SECRET: &str = "correct-horse-battery";

fn reason<T>(outcome: Result<T, Error>) -> Option<RejectReason> {
    match outcome {
        Err(Error::Rejected { reason, .. }) => Some(reason),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ffmpeg_publishes_by_either_stream_id_and_ffmpeg_decodes_what_it_reads() {
    let host = Host::new().await;
    for stream_id in ["publish:live/a", "#!::r=live/b,m=publish"] {
        let name = if stream_id.contains("/a") {
            "live/a"
        } else {
            "live/b"
        };
        let _publisher = publisher(&host.url(stream_id, ""));
        let stream = host.on_air(name).await;
        assert_whole(decode(&host.url(&format!("read:{name}"), "")).await);
        let source = stream.snapshot(Instant::now()).sources.remove(0);
        assert_eq!(
            (source.protocol, source.continuity_errors),
            (Protocol::Srt, 0)
        );
        assert_eq!(source.skipped_bytes, 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_show_their_figures_while_they_last() {
    let host = Host::new().await;
    let publisher = publisher(&host.url("publish:a", ""));
    let stream = host.on_air("a").await;
    let mut viewer = host.call("read:a", |_| {}).await.unwrap();
    let watching = tokio::spawn(async move {
        let mut messages = Vec::new();
        while viewer.recv(&mut messages).await.is_ok() {
            messages.clear();
        }
    });
    let seen = |role| {
        let figures = host.connections(role);
        figures.len() == 1 && figures[0].srt.packets > 20 && figures[0].srt.rtt_ms > 0.0
    };
    until("both are looked at", || {
        seen(Role::Publisher) && seen(Role::Viewer)
    })
    .await;
    let viewers = stream.snapshot(Instant::now()).viewers;
    assert_eq!((viewers.len(), viewers[0].protocol), (1, Protocol::Srt));
    watching.abort();
    let none = |role| host.connections(role).is_empty();
    until("the viewer is gone", || none(Role::Viewer)).await;
    assert!(stream.snapshot(Instant::now()).viewers.is_empty());
    drop(publisher);
    until("the publisher is gone", || none(Role::Publisher)).await;
    assert!(!stream.snapshot(Instant::now()).sources[0].connected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_are_refused_within_the_handshake_and_told_why() {
    let host = Host::new().await;
    let mut events = host.context.registry().events();
    let _source = host.publish("taken");
    host.publish("unserved")
        .stream()
        .serve_over(Some(vec![Protocol::Hls]));
    let cases = [
        ("read:none", 1404, "unknown-stream"),
        ("publish:taken", 1409, "conflict"),
        ("#!::r=taken,m=publish", 1409, "conflict"),
        ("read:unserved", 1403, "not-served"),
        ("taken", 1400, "bad-request"),
        ("", 1400, "bad-request"),
        ("#!::r=taken,m=bidirectional", 1405, "bad-request"),
    ];
    while events.try_recv().is_ok() {}
    for (index, (stream_id, code, name)) in cases.into_iter().enumerate() {
        let refused = reason(host.call(stream_id, |_| {}).await);
        assert_eq!(refused.map(RejectReason::code), Some(code), "{stream_id}");
        assert_eq!(host.refused(), index as u64 + 1);
        let event = format!("{:?}", events.try_recv().unwrap());
        assert!(event.contains(name), "{event}");
    }
    assert_eq!(
        host.context.counters().of(Protocol::Srt).connections.get(),
        0
    );
    assert!(
        host.context.registry().get("none").is_none(),
        "asking makes no stream"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_who_has_the_passphrase_publishes_and_reads() {
    let passphrase = || Passphrase::new(SECRET).unwrap();
    let host = Host::with(|config| {
        config.passphrase = Some(passphrase());
        config.pbkeylen = KeyLength::Aes256;
    })
    .await;
    let key = format!("&passphrase={SECRET}&pbkeylen=32");
    let _publisher = publisher(&host.url("publish:a", &key));
    host.on_air("a").await;
    assert_whole(decode(&host.url("read:a", &key)).await);
    let wrong = |config: &mut gateway::srt::backend::ConnectConfig| {
        config.encryption = Some(Encryption {
            passphrase: Passphrase::new("wrong-horse-battery").unwrap(),
            key_length: KeyLength::Aes256,
        });
    };
    let refused = reason(host.call("read:a", wrong).await);
    assert_eq!(refused, Some(RejectReason::BADSECRET));
    let refused = reason(host.call("read:a", |_| {}).await);
    assert_eq!(refused, Some(RejectReason::UNSECURE));
    until("both are counted", || host.refused() == 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_readers_of_one_port_decode_at_once() {
    let host = Host::new().await;
    let _publisher = publisher(&host.url("publish:a", ""));
    host.on_air("a").await;
    let url = host.url("read:a", "");
    let readers = (0..10).map(|_| decode(&url));
    for decoded in futures_util::future::join_all(readers).await {
        assert_whole(decoded);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_without_entry_points_is_served_from_anywhere() {
    let host = Host::new().await;
    let mut source = host.publish("a");
    let mut viewer = host.call("read:a", |_| {}).await.unwrap();
    let feeding = tokio::spawn(async move {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        for number in 0.. {
            ticks.tick().await;
            source.push_ts([opaque_packets(number)]);
        }
    });
    let mut messages = Vec::new();
    while messages.len() < 100 {
        bounded("messages", viewer.recv(&mut messages))
            .await
            .unwrap();
    }
    let numbers: Vec<u8> = messages.iter().map(|message| message[4]).collect();
    assert!(
        numbers
            .windows(2)
            .all(|pair| pair[1] == pair[0].wrapping_add(1)),
        "{numbers:?}"
    );
    feeding.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_does_not_read_is_overtaken_and_stalls_nobody() {
    let host = Host::new().await;
    let mut source = host.publish("a");
    let stream = source.stream().clone();
    let viewers = || stream.snapshot(Instant::now()).viewers;
    let _idle = host.call("read:a", |_| {}).await.unwrap();
    let mut reading = host.call("read:a", |_| {}).await.unwrap();
    until("both are in", || viewers().len() == 2).await;
    let mut number = 0;
    while viewers().iter().any(|viewer| viewer.bytes == 0) {
        source.push_ts([opaque_packets(number)]);
        number += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // More than the library's buffers on both sides and the lane hold together, at once.
    let began = Instant::now();
    for _ in 0..100 {
        source.push_ts((0..500).map(opaque_packets));
        tokio::task::yield_now().await;
    }
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "the source waited"
    );
    let overtaken = || viewers().iter().any(|viewer| viewer.lost_items > 0);
    until("the idle one is overtaken", overtaken).await;
    let mut messages = Vec::new();
    bounded("media", reading.recv(&mut messages)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutting_down_ends_every_connection_within_two_seconds() {
    let host = Host::new().await;
    let mut publisher = publisher(&host.url("publish:a", ""));
    host.on_air("a").await;
    let mut viewer = host.call("read:a", |_| {}).await.unwrap();
    until("the viewer is in", || {
        host.connections(Role::Viewer).len() == 1
    })
    .await;
    let began = Instant::now();
    host.context.close().await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
    assert!(host.context.srt().snapshot(Instant::now()).is_empty());
    let left = bounded("the viewer is told", viewer.closed()).await;
    assert!(matches!(left, Error::Closed { .. }), "{left}");
    bounded("ffmpeg is told", publisher.wait()).await.unwrap();
    let again = gateway::srt::Config::new(host.address);
    let context = gateway::Context::new(host.context.registry().clone(), Default::default());
    assert!(
        gateway::srt::serve(&context, again).await.is_ok(),
        "the port is free"
    );
    context.close().await;
}
