//! Connections that say nothing, or half a word.

use crate::house::{Bounds, Feed, House, bounded, until};
use crate::players::Listener;
use crate::tls_support::connect;
use model::Protocol;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Whatever has come until the end.
async fn hung_up(mut socket: TcpStream) {
    bounded("the end", async {
        // A reset ends it, too.
        let _ = socket.read_to_end(&mut Vec::new()).await;
    })
    .await;
}

async fn half(address: SocketAddr, words: &[u8]) -> TcpStream {
    let mut socket = TcpStream::connect(address).await.unwrap();
    socket.write_all(words).await.unwrap();
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_half_a_word_is_let_go_and_its_place_is_free_again() {
    let places = 4;
    let bounds = Bounds {
        connections: places,
        setup: Duration::from_secs(1),
    };
    let house = House::open(bounds).await;
    // A TLS record that is announced and does not come; a handshake of RTMP; a request of RTSP.
    let cases: [(SocketAddr, Protocol, &[u8]); 6] = [
        (house.rtsp, Protocol::Rtsp, b""),
        (house.rtsp, Protocol::Rtsp, b"DESCRIBE rtsp://h/a RT"),
        (house.rtsps, Protocol::Rtsp, &[22, 3, 1, 2, 0, 1]),
        (house.rtmp, Protocol::Rtmp, b""),
        (house.rtmp, Protocol::Rtmp, &[3; 1000]),
        (house.rtmps, Protocol::Rtmp, &[22, 3, 1, 2, 0, 1]),
    ];
    for (address, protocol, words) in cases {
        let mut waiting = Vec::new();
        for _ in 0..places {
            waiting.push(half(address, words).await);
        }
        // Accepted in their order, so the fifth finds no place.
        let refused = house.refused(protocol);
        hung_up(half(address, words).await).await;
        assert!(house.refused(protocol) > refused, "{words:?}");
        for socket in waiting {
            hung_up(socket).await;
        }
    }
    let mut feed = Feed::new(&house, "live/a", 100);
    feed.push(1);
    until("a player", || house.viewers("live/a") == 0).await;
    Listener::join(&house, "live/a").await.hears(0).await;
    connect(house.dir.path(), house.rtsps).await;
    connect(house.dir.path(), house.rtmps).await;
    house.context.close().await;
}
