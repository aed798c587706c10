//! What strangers may try, and what they get.

use crate::client::{Client, Offer};
use crate::house::{House, LIVE};
use gateway::webrtc::IceServer;
use model::Protocol;
use std::time::Duration;
use str0m::media::Direction;
use tokio::net::UdpSocket;

const SDP: &str = "content-type: application/sdp\r\n";
const FRAGMENT: &str = "content-type: application/trickle-ice-sdpfrag\r\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nonsense_is_refused_with_its_reason_and_leaves_nothing_behind() {
    let house = House::new().await;
    let long = "a".repeat((64 << 10) + 1);
    let vp8 = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=sendonly\r\n\
        a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\na=setup:actpass\r\n\
        a=fingerprint:sha-256 00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00\r\n\
        a=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n";
    for (line, headers, body, status) in [
        ("POST /whip/a", SDP, "", 400),
        ("POST /whip/a", SDP, "v=0\r\n", 400),
        ("POST /whip/a", SDP, "{\"sdp\":1}", 400),
        ("POST /whip/a", SDP, &long, 413),
        ("POST /whip/a", SDP, vp8, 406),
        ("POST /whip/a", "", "v=0", 415),
        (
            "POST /whip/a",
            "content-type: application/json\r\n",
            "{}",
            415,
        ),
        ("POST /whip/a:b", SDP, "v=0", 400),
        ("POST /whip/..%2Fa", SDP, "v=0", 400),
        ("GET /whip/a", "", "", 405),
        ("PATCH /whip/a", FRAGMENT, "", 405),
        ("POST /whip/session:x", SDP, "v=0", 405),
        ("DELETE /whip/session:x", "", "", 404),
        ("PATCH /whep/session:x", FRAGMENT, "", 404),
    ] {
        let answer = house.request(line, headers, body).await;
        assert_eq!(answer.status, status, "{line} {body:.60}: {answer:?}");
        let kind = answer.header("content-type");
        assert_eq!(kind, Some("application/problem+json"), "{line}");
    }
    let offer = Offer::new(Direction::RecvOnly).await;
    assert_eq!(offer.post(&house, "/whep/nobody").await.status, 404);
    assert!(house.context.registry().list().is_empty());
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_of_other_sites_are_allowed_and_told_the_servers() {
    let servers = vec![IceServer {
        url: "stun:stun.example.net".into(),
        username: None,
        credential: None,
    }];
    let house = House::with(|it| it.ice_servers = servers, axum::Router::new()).await;
    let preflight = house.request("OPTIONS /whip/a", "", "").await;
    assert_eq!(preflight.status, 204);
    for (name, part) in [
        ("access-control-allow-origin", "*"),
        ("access-control-allow-methods", "PATCH, DELETE"),
        ("access-control-allow-headers", "Authorization"),
        ("access-control-expose-headers", "Location"),
        ("accept-post", "application/sdp"),
        ("link", "<stun:stun.example.net>; rel=\"ice-server\""),
    ] {
        let value = preflight.header(name).unwrap_or_default();
        assert!(value.contains(part), "{name}: {value}");
    }
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn candidates_are_taken_under_the_right_tag_and_a_restart_is_not() {
    let house = House::new().await;
    let offer = Offer::new(Direction::SendOnly).await;
    let answer = offer.post(&house, "/whip/a").await;
    let second = Offer::new(Direction::SendOnly).await;
    assert_eq!(
        second.post(&house, "/whip/a").await.status,
        409,
        "a second publisher"
    );
    let user = offer
        .sdp
        .lines()
        .find(|line| line.starts_with("a=ice-ufrag:"));
    let body = format!(
        "{}\r\na=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n",
        user.unwrap()
    );
    let client = offer.accept(&answer);
    let patch = format!("PATCH {}", client.resource);
    let tagged = format!("{FRAGMENT}if-match: {}\r\n", client.tag);
    let other = format!("{FRAGMENT}if-match: \"x\"\r\n");
    for (headers, body, status) in [
        (tagged.as_str(), body.as_str(), 204),
        (FRAGMENT, &body, 428),
        (&other, &body, 412),
        (&tagged, "a=ice-ufrag:other\r\na=ice-pwd:x\r\n", 422),
        (&tagged, "nonsense", 400),
    ] {
        let answer = house.request(&patch, headers, body).await;
        assert_eq!(answer.status, status, "{body}: {answer:?}");
    }
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn datagrams_of_strangers_are_counted_and_disturb_nobody() {
    let house = House::new().await;
    house.on_air("a", LIVE);
    let mut viewer = Client::join(&house, "/whep/a", Direction::RecvOnly).await;
    viewer.connect().await;
    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut garbage: Vec<Vec<u8>> = (0..=255).map(|n| vec![n; 60]).collect();
    garbage.extend([
        vec![0],
        vec![],
        vec![0x80; 1500],
        binding_request("nobody:x"),
    ]);
    // The right name without the password: nothing is learned from it.
    garbage.push(binding_request(&format!("{}:x", viewer.fragment)));
    let count = || {
        house
            .context
            .counters()
            .of(Protocol::Webrtc)
            .garbage_bytes
            .get()
    };
    for datagram in &garbage {
        stranger.send_to(datagram, house.media).await.unwrap();
        viewer.turn(Duration::from_millis(1)).await;
    }
    house
        .until("the garbage to be counted", |_| count() > 250 * 60)
        .await;
    let before = viewer.pictures().count();
    viewer
        .until("pictures to go on", |it| {
            it.pictures().count() >= before + 50
        })
        .await;
    let mut buffer = [0; 2048];
    assert!(
        stranger.try_recv(&mut buffer).is_err(),
        "a stranger was answered"
    );
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_viewer_that_moves_to_another_address_goes_on() {
    let house = House::new().await;
    house.on_air("a", LIVE);
    let mut viewer = Client::join(&house, "/whep/a", Direction::RecvOnly).await;
    viewer.connect().await;
    viewer
        .until("pictures", |it| it.pictures().count() >= 10)
        .await;
    // What a translator of addresses does when it forgets: another port for the same peer.
    viewer.claims = Some(viewer.local());
    viewer.socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let before = viewer.pictures().count();
    viewer
        .until("pictures at the other port", |it| {
            it.pictures().count() >= before + 50
        })
        .await;
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_sessions_is_bounded_and_those_whose_peer_never_comes_end() {
    let short = |it: &mut gateway::webrtc::Settings| it.connect_timeout = Duration::from_secs(10);
    let house = House::with(short, axum::Router::new()).await;
    let offer = Offer::new(Direction::SendOnly).await;
    let (mut taken, mut refused) = (0, 0);
    for n in 0..80 {
        match offer.post(&house, &format!("/whip/{n}")).await.status {
            201 => taken += 1,
            503 => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!(
        refused > 0 && taken <= 80,
        "{taken} taken, {refused} refused"
    );
    let idle = |it: &House| {
        let streams = it.context.registry().list();
        let now = std::time::Instant::now();
        streams
            .iter()
            .all(|it| it.snapshot(now).sources.iter().all(|it| !it.connected))
    };
    house.until("them to end", idle).await;
    assert_eq!(offer.post(&house, "/whip/again").await.status, 201);
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publisher_that_sends_nothing_is_let_go() {
    let short = |it: &mut gateway::webrtc::Settings| it.media_timeout = Duration::from_secs(1);
    let house = House::with(short, axum::Router::new()).await;
    let mut publisher = Client::join(&house, "/whip/a", Direction::SendOnly).await;
    publisher.connect().await;
    publisher.until("a goodbye", |it| it.closed).await;
    house.context.close().await;
}

/// A binding request without integrity.
fn binding_request(user: &str) -> Vec<u8> {
    let mut attribute = vec![0, 6, 0, user.len() as u8];
    attribute.extend(user.as_bytes());
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    let mut message = vec![0, 1, 0, attribute.len() as u8, 0x21, 0x12, 0xa4, 0x42];
    message.extend([9; 12]);
    message.extend(attribute);
    message
}
