//! This host pulls from another and pushes to another, which ask for passwords.

use crate::support::*;
use gateway::{Context, rtsp, start_output, start_source};
use hub::{Registry, Settings, Stream};
use link::LinkHandle;
use model::{Endpoint, LinkState, Protocol, Retry};
use std::sync::Arc;
use std::time::Instant;
use tokio_util::sync::CancellationToken;

/// A host that lets in who proves to know the password, by Digest or Basic.
async fn guarded() -> House {
    let house = House::with(|config| {
        config.account = Some(rtsp::Account {
            user: "cam".into(),
            password: "p@ss".into(),
        });
    })
    .await;
    house.context.registry().appoint(Arc::new(OnlyCam));
    house
}

struct OnlyCam;

impl hub::Doorman for OnlyCam {
    fn admit<'a>(&'a self, ask: &'a model::Ask) -> hub::doorman::Verdict<'a> {
        let shown = (ask.user.as_deref(), ask.token.as_deref());
        hub::doorman::Verdict::Known(match shown {
            (Some("cam"), Some("p@ss")) => Ok(model::Admission::default()),
            (None, None) => Err(model::Refusal::Unauthorized),
            _ => Err(model::Refusal::Forbidden),
        })
    }
}

fn own() -> (Context, Arc<Stream>) {
    let context = Context::new(Registry::new(Settings::default()), CancellationToken::new());
    let name = "pulled".parse().unwrap();
    let stream = context.registry().declare(&name, None).unwrap();
    (context, stream)
}

fn with_account(house: &House, scheme: &str, account: &str, name: &str) -> Endpoint {
    let url = format!("{scheme}://{account}@{}/{name}", house.address);
    url.parse().unwrap()
}

fn pull(context: &Context, stream: &Arc<Stream>, endpoint: Endpoint) -> LinkHandle {
    let id = "camera".parse().unwrap();
    stream.declare_source(&id, Protocol::Rtsp);
    let link = start_source(
        context,
        stream.clone(),
        id.clone(),
        endpoint,
        Retry::default(),
    );
    stream.take(&id);
    link
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_camera_that_asks_for_a_password_is_pulled_both_ways_and_again_when_it_returns() {
    let camera = guarded().await;
    let url = format!("rtsp://cam:p%40ss@{}/live/cam", camera.address);
    let mut publisher = publish(&url, "tcp", H264, AAC);
    camera.on_air("live/cam").await;
    for scheme in ["rtsp", "rtspu"] {
        let (context, stream) = own();
        let link = pull(
            &context,
            &stream,
            with_account(&camera, scheme, "cam:p%40ss", "live/cam"),
        );
        let mut reader = stream.read_frames(hub::Start::RandomAccess);
        let (mut pictures, mut sounds) = (0, 0);
        bounded("frames", async {
            while pictures < 30 || sounds < 30 {
                let frame = reader.recv().await.unwrap();
                let track = frame.tracks.get(frame.track).unwrap();
                *(if track.codec.is_video() {
                    &mut pictures
                } else {
                    &mut sounds
                }) += 1;
            }
        })
        .await;
        assert_eq!(link.snapshot().status.state, LinkState::Live, "{scheme}");
        link.stop().await;
        until("the camera to be left", || camera.viewers("live/cam") == 0).await;
    }
    // The camera goes, the link tries again, the camera comes back.
    let (context, stream) = own();
    let link = pull(
        &context,
        &stream,
        with_account(&camera, "rtsp", "cam:p%40ss", "live/cam"),
    );
    until("the link", || {
        link.snapshot().status.state == LinkState::Live
    })
    .await;
    publisher.kill().await.unwrap();
    camera
        .context
        .registry()
        .withdraw(&"live/cam".parse().unwrap());
    until("the link to notice", || {
        link.snapshot().status.state != LinkState::Live
    })
    .await;
    let before = link.snapshot().bytes;
    let _publisher = publish(&url, "tcp", H264, AAC);
    until("media again", || link.snapshot().bytes > before + 10_000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_fails_the_link_for_good_and_says_why() {
    let camera = guarded().await;
    let (context, stream) = own();
    let link = pull(
        &context,
        &stream,
        with_account(&camera, "rtsp", "cam:guess", "live/cam"),
    );
    until("the failure", || {
        link.snapshot().status.state == LinkState::Failed
    })
    .await;
    let text = format!("{:?}", link.snapshot().status);
    assert!(text.contains("user and a password"), "{text}");
    assert!(!text.contains("guess"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_pushed_both_ways_to_a_server_that_asks_for_a_password() {
    let server = guarded().await;
    let own = House::start().await;
    let _publisher = publish(&own.url("a"), "tcp", HEVC, OPUS);
    own.on_air("a").await;
    let stream = own.context.registry().get("a").unwrap();
    for (scheme, name) in [("rtsp", "by/tcp"), ("rtspu", "by/udp")] {
        let endpoint = with_account(&server, scheme, "cam:p%40ss", name);
        let output = name[3..].parse().unwrap();
        let link = start_output(
            &own.context,
            stream.clone(),
            output,
            endpoint,
            Retry::default(),
        );
        server.on_air(name).await;
        assert_eq!(server.codecs(name), ["hevc", "opus"]);
        let url = format!("rtsp://cam:p%40ss@{}/{name}", server.address);
        let (pictures, samples, complaints) = decoded(&url, "tcp").await;
        assert!(pictures >= 45, "{scheme}: {pictures} {complaints}");
        assert!(samples > 80_000, "{scheme}: {samples} {complaints}");
        link.stop().await;
        let gone = || {
            let stream = server.context.registry().get(name).unwrap();
            let sources = stream.snapshot(Instant::now()).sources;
            sources.iter().all(|source| !source.connected)
        };
        until("the server to be told goodbye", gone).await;
    }
}
