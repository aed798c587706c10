//! SRT: the doorman is asked within the handshake, as long as it can wait.

use crate::{House, bounded, refusal, until};
use gateway::srt;
use gateway::srt::backend::{Backend, ConnectConfig, Connection, Error, Libsrt, LibsrtConnection};
use model::{Intent, Protocol};
use std::net::SocketAddr;

async fn open(house: &House) -> SocketAddr {
    let config = srt::Config::new(([127, 0, 0, 1], 0).into());
    srt::serve(&house.context, config).await.unwrap()
}

async fn call(address: SocketAddr, stream_id: &str) -> Result<LibsrtConnection, Error> {
    let mut config = ConnectConfig::new(address);
    config.stream_id = stream_id.to_owned();
    Libsrt::new().unwrap().connect(&config).await
}

/// The reject code; none if the caller was let in.
async fn rejected(address: SocketAddr, stream_id: &str) -> Option<i32> {
    match call(address, stream_id).await {
        Ok(_) => None,
        Err(Error::Rejected { reason, .. }) => Some(reason.code()),
        Err(other) => panic!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_are_told_within_their_handshake_by_reject_code() {
    let house = House::new();
    let address = open(&house).await;
    let _source = house.publish("closed/b");
    let cases = [
        ("publish:closed/a", Some(1401)),
        ("publish:closed/a:joe:bad", Some(1403)),
        ("#!::r=closed/b,m=request", Some(1401)),
        ("#!::r=closed/b,m=request,s=bad", Some(1403)),
        ("read:closed/none:joe:good", Some(1404)),
        ("publish:closed/b::good", Some(1409)),
    ];
    let mut refused = 0;
    for (stream_id, code) in cases {
        // A busy machine may answer too late to say so in the handshake; then it is tried again.
        let mut told = rejected(address, stream_id).await;
        while told.is_none() {
            told = rejected(address, stream_id).await;
            refused += 1;
        }
        refused += 1;
        assert_eq!(told, code, "{stream_id}");
        until("all are counted", || {
            house.refused(Protocol::Srt) >= refused
        })
        .await;
    }
    for stream_id in [
        "publish:closed/a:joe:good",
        "#!::r=closed/b,s=good,x-site=north",
    ] {
        let connection = call(address, stream_id).await.unwrap();
        until("it is in", || {
            !house
                .context
                .srt()
                .snapshot(std::time::Instant::now())
                .is_empty()
        })
        .await;
        drop(connection);
    }
    let last = house.clerk.asked().pop().unwrap();
    assert_eq!(
        (last.intent, last.token.as_deref()),
        (Intent::Read, Some("good"))
    );
    assert_eq!(last.query, [("x-site".to_owned(), "north".to_owned())]);
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verdict_that_comes_late_holds_before_any_media() {
    let house = House::new();
    let address = open(&house).await;
    for (stream_id, is_let_in) in [
        ("publish:slow/a:joe:bad", false),
        ("publish:slow/a:joe:good", true),
    ] {
        let mut events = house.events();
        // The handshake is over long before the doorman answers.
        let mut connection = call(address, stream_id).await.unwrap();
        let packet = bytes::Bytes::from(vec![0x47; 188 * 7]);
        connection.send(&packet).await.unwrap();
        assert_eq!(house.streams(), [""; 0], "nothing is published yet");
        house.clerk.answer();
        if is_let_in {
            until("the stream is there", || house.streams() == ["slow/a"]).await;
        } else {
            assert_eq!(refusal(&mut events).await, "forbidden");
            let end = bounded("the end", connection.closed()).await;
            assert!(matches!(end, Error::Closed { .. }), "{end}");
            assert_eq!(house.refused(Protocol::Srt), 1);
        }
    }
    assert_eq!(house.clerk.asked().len(), 2, "each was asked about once");
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_stayed_long_enough_or_is_not_renewed_is_cut_off() {
    let house = House::new();
    let address = open(&house).await;
    house.clerk.lease(1);
    for (stream_id, code) in [
        ("publish:brief/a", "cut-off-duration"),
        ("publish:leased/a", "cut-off-renewal"),
    ] {
        let mut events = house.events();
        let mut connection = call(address, stream_id).await.unwrap();
        assert_eq!(refusal(&mut events).await, code);
        bounded("the end", connection.closed()).await;
    }
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_beyond_those_allowed_is_turned_away() {
    let house = House::new();
    let address = open(&house).await;
    let _source = house.publish("single/a");
    let first = call(address, "read:single/a").await.unwrap();
    let viewers = || {
        let stream = house.context.registry().get("single/a").unwrap();
        stream.snapshot(std::time::Instant::now()).viewers.len()
    };
    until("the first is in", || viewers() == 1).await;
    let mut told = rejected(address, "read:single/a").await;
    while told.is_none() {
        told = rejected(address, "read:single/a").await;
    }
    assert_eq!(told, Some(1402));
    drop(first);
    until("the first is gone", || viewers() == 0).await;
    assert_eq!(rejected(address, "read:single/a").await, None);
    house.context.close().await;
}
