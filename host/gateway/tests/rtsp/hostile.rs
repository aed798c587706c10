//! Clients that mean no good, or are broken: nothing ends but they.

use crate::support::*;
use bytes::BytesMut;
use model::{Intent, Protocol};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// A connection spoken by hand.
struct Peer(TcpStream);

impl Peer {
    async fn dial(house: &House) -> Self {
        Self(TcpStream::connect(house.address).await.unwrap())
    }

    /// The status of the answer.
    async fn ask(&mut self, request: &str) -> (String, String) {
        let wire = request.replace('\n', "\r\n");
        self.0.write_all(wire.as_bytes()).await.unwrap();
        let mut answer = BytesMut::new();
        bounded("an answer", async {
            while !String::from_utf8_lossy(&answer).contains("\r\n\r\n") {
                assert_ne!(self.0.read_buf(&mut answer).await.unwrap(), 0, "hung up");
            }
        })
        .await;
        let text = String::from_utf8_lossy(&answer).into_owned();
        (text.split(' ').nth(1).unwrap().to_owned(), text)
    }

    async fn hung_up(mut self) -> String {
        let mut said = Vec::new();
        bounded("the end", async {
            // A reset ends it, too.
            let _ = self.0.read_to_end(&mut said).await;
        })
        .await;
        String::from_utf8_lossy(&said).into_owned()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_and_endless_heads_end_their_connection_only() {
    let house = House::start().await;
    let mut witness = Peer::dial(&house).await;
    for (wire, said) in [
        (b"\x16\x03\x01\x02\x00".to_vec(), "RTSP/1.0 400"),
        (b"GET / HTTP/1.1\r\n\r\n".to_vec(), "RTSP/1.0 400"),
        (
            [b"OPTIONS * RTSP/1.0\r\nX: ".to_vec(), vec![b'x'; 20_000]].concat(),
            "RTSP/1.0 400",
        ),
        (
            b"ANNOUNCE rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\nContent-Length: 4294967295\r\n\r\n"
                .to_vec(),
            "RTSP/1.0 400",
        ),
    ] {
        let mut peer = Peer::dial(&house).await;
        peer.0.write_all(&wire).await.unwrap();
        assert!(
            peer.hung_up().await.starts_with(said),
            "{}",
            String::from_utf8_lossy(&wire)
        );
    }
    assert_eq!(
        witness.ask("OPTIONS * RTSP/1.0\nCSeq: 1\n\n").await.0,
        "200"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_come_to_the_point_is_let_go() {
    let house =
        House::with(|config| config.limits.setup_timeout = Duration::from_millis(300)).await;
    let mut half = Peer::dial(&house).await;
    half.0.write_all(b"OPTIONS * RTSP/1.0\r\nCS").await.unwrap();
    let silent = Peer::dial(&house).await;
    assert_eq!(half.hung_up().await, "");
    assert_eq!(silent.hung_up().await, "");
}

/// Sets a publisher up whose packets travel over UDP from `port`.
async fn announce_over_udp(house: &House, ports: (u16, u16), more: &str) -> (Peer, String) {
    let mut peer = Peer::dial(house).await;
    let url = house.url("a");
    let sdp = "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nt=0 0\r\nm=audio 0 RTP/AVP 97\r\n\
               a=rtpmap:97 opus/48000/2\r\na=control:0\r\n";
    let request = format!(
        "ANNOUNCE {url} RTSP/1.0\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{sdp}",
        sdp.len()
    );
    peer.0.write_all(request.as_bytes()).await.unwrap();
    let mut answer = BytesMut::new();
    bounded("an answer", peer.0.read_buf(&mut answer))
        .await
        .unwrap();
    let (rtp, rtcp) = ports;
    let setup = format!(
        "SETUP {url}/0 RTSP/1.0\nCSeq: 2\nTransport: RTP/AVP;unicast;client_port={rtp}-{rtcp};mode=record{more}\n\n"
    );
    let (status, _) = peer.ask(&setup).await;
    (peer, status)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn packets_are_neither_sent_to_strangers_nor_taken_from_them() {
    let house = House::start().await;
    let ports = (40_000, 40_001);
    for more in [";destination=192.0.2.7", ";destination=localhost.example"] {
        let (_, status) = announce_over_udp(&house, ports, more).await;
        assert_eq!(status, "461", "{more}");
    }
    let (mut peer, status) = announce_over_udp(&house, ports, "").await;
    assert_eq!(status, "200");
    // Nobody else gets the same ports while this session has them.
    let (_, status) = announce_over_udp(&house, ports, "").await;
    assert_eq!(status, "461");
    let (status, _) = peer
        .ask(&format!("RECORD {} RTSP/1.0\nCSeq: 3\n\n", house.url("a")))
        .await;
    assert_eq!(status, "200");
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let target = house.bound.udp.unwrap().0;
    let packet = [&[0x80, 97, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1][..], &[0xf8; 40]].concat();
    stranger
        .send_to(&packet, ("127.0.0.1", target))
        .await
        .unwrap();
    let counted = || {
        house
            .context
            .counters()
            .of(Protocol::Rtsp)
            .garbage_bytes
            .get()
    };
    until("the stranger's packet", || counted() == packet.len() as u64).await;
    let stream = house.context.registry().get("a").unwrap();
    assert_eq!(stream.snapshot(std::time::Instant::now()).bytes, 0);
}

/// `closed` wants the token `good`; nothing else is known.
struct Clerk(parking_lot::Mutex<Vec<model::Ask>>);

impl hub::Doorman for Clerk {
    fn admit<'a>(&'a self, ask: &'a model::Ask) -> hub::doorman::Verdict<'a> {
        self.0.lock().push(ask.clone());
        hub::doorman::Verdict::Known(match ask.token.as_deref() {
            Some("good") => Ok(model::Admission::default()),
            Some(_) => Err(model::Refusal::Forbidden),
            None => Err(model::Refusal::Unauthorized),
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_are_asked_for_basic_and_what_they_show_reaches_the_doorman() {
    let house = House::start().await;
    let clerk = Arc::new(Clerk(parking_lot::Mutex::default()));
    house.context.registry().appoint(clerk.clone());
    let describe = |query: &str, header: &str| {
        format!(
            "DESCRIBE {}{query} RTSP/1.0\nCSeq: 1\nUser-Agent: t\n{header}\n",
            house.url("a")
        )
    };
    let mut peer = Peer::dial(&house).await;
    let (status, text) = peer.ask(&describe("", "")).await;
    assert_eq!(status, "401");
    assert!(
        text.contains("WWW-Authenticate: Basic") && !text.contains("Digest"),
        "{text}"
    );
    // u:bad, u:good
    let (bad, good) = (
        "Authorization: Basic dTpiYWQ=\n",
        "Authorization: Basic dTpnb29k\n",
    );
    assert_eq!(peer.ask(&describe("", bad)).await.0, "403");
    assert_eq!(peer.ask(&describe("", good)).await.0, "404");
    assert_eq!(peer.ask(&describe("?token=good", "")).await.0, "404");
    assert_eq!(peer.ask(&describe("?token=bad", "")).await.0, "403");
    let asked = clerk.0.lock();
    assert_eq!(
        (asked[2].user.as_deref(), asked[2].intent),
        (Some("u"), Intent::Read)
    );
    assert_eq!(
        (asked[2].protocol, asked[2].agent.as_deref()),
        (Protocol::Rtsp, Some("t"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_an_account_strangers_are_asked_for_digest_and_no_policy_is_needed() {
    let house = House::with(|config| {
        config.account = Some(gateway::rtsp::Account {
            user: "u".into(),
            password: "good".into(),
        });
    })
    .await;
    let url = house.url("a");
    let describe = |header: &str| format!("DESCRIBE {url} RTSP/1.0\nCSeq: 1\n{header}\n");
    let mut peer = Peer::dial(&house).await;
    let (status, text) = peer.ask(&describe("")).await;
    assert_eq!(status, "401");
    assert!(text.contains("WWW-Authenticate: Digest"), "{text}");
    // u:bad, u:good
    let basic = |secret: &str| describe(&format!("Authorization: Basic {secret}\n"));
    assert_eq!(peer.ask(&basic("dTpiYWQ=")).await.0, "401");
    assert_eq!(peer.ask(&basic("dTpnb29k")).await.0, "404");
    // FFmpeg answers Digest as a publisher and as a player; with a wrong password it is let go.
    let with = |password: &str| url.replace("rtsp://", &format!("rtsp://u:{password}@"));
    let _publisher = publish(&with("good"), "tcp", H264, AAC);
    house.on_air("a").await;
    let (pictures, _, complaints) = decoded(&with("good"), "udp").await;
    assert!(pictures >= 45, "{pictures} {complaints}");
    let (pictures, _, complaints) = decoded(&with("bad"), "tcp").await;
    assert_eq!(pictures, 0);
    assert!(complaints.contains("401"), "{complaints}");
}
