//! HLS over real sockets, fed and played by FFmpeg.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use bytes::Bytes;
use gateway::package;
use gateway::{Context, hls};
use hub::{Pass, Registry, Settings, Source};
use model::{Ask, HlsForm, Intent, Protocol, StreamName};
use std::net::SocketAddr;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

/// A host with an HLS edge and one declared stream.
struct Host {
    context: Context,
    address: SocketAddr,
}

/// An answer, taken apart.
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

const NAME: &str = "live/stage/cam1";

impl Host {
    async fn start() -> Self {
        let context = Context::new(Registry::new(Settings::default()), CancellationToken::new());
        context.packages().configure(package::Settings {
            form: HlsForm::Ts,
            ..package::Settings::default()
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = hls::router(&context).into_make_service_with_connect_info::<SocketAddr>();
        let shutdown = context.shutdown().clone().cancelled_owned();
        context.tasks().spawn(async move {
            axum::serve(listener, app)
                .with_graceful_shutdown(shutdown)
                .await
                .unwrap();
        });
        Self { context, address }
    }

    fn publish(&self, name: &str) -> Source {
        let stream: StreamName = name.parse().unwrap();
        let registry = self.context.registry();
        registry
            .declare(&stream, Some("main".parse().unwrap()))
            .unwrap();
        let peer = "127.0.0.1:1".parse().unwrap();
        let (intent, protocol) = (Intent::Publish, Protocol::Srt);
        let ask = Ask::new(stream, intent, protocol, peer);
        registry.publish(&Pass::free(ask)).unwrap()
    }

    fn url(&self) -> String {
        format!("http://{}/hls/{NAME}/index.m3u8", self.address)
    }

    fn viewers(&self) -> usize {
        self.context
            .registry()
            .get(NAME)
            .unwrap()
            .snapshot(Instant::now())
            .viewers
            .len()
    }

    async fn ask(&self, method: &str, path: &str, agent: &str) -> Answer {
        let mut socket = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: x\r\nuser-agent: {agent}\r\nconnection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut bytes = Vec::new();
        socket.read_to_end(&mut bytes).await.unwrap();
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8(bytes[..end].to_vec())
            .unwrap()
            .to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer {
            status,
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, "test").await
    }

    async fn playlist(&self) -> String {
        let answer = self.get(&format!("/hls/{NAME}/index.m3u8")).await;
        assert_eq!(answer.status, 200, "{}", answer.head);
        String::from_utf8(answer.body).unwrap()
    }
}

/// A moving picture with a key frame a second and a tone.
async fn transport_stream(seconds: u32) -> Vec<u8> {
    let output = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=size=160x90:rate=25",
        ])
        .args(["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000"])
        .args([
            "-t",
            &seconds.to_string(),
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-g",
            "25",
        ])
        .args(["-pix_fmt", "yuv420p", "-c:a", "aac", "-f", "mpegts", "-"])
        .output()
        .await
        .expect("ffmpeg is installed");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

/// Pushes like a network would: in datagrams, over the time given.
async fn push_over(source: &mut Source, stream: &[u8], time: Duration) {
    let datagrams: Vec<_> = stream.chunks(7 * 188).map(Bytes::copy_from_slice).collect();
    let bursts = datagrams.chunks((datagrams.len() / 200).max(1));
    let mut pace = tokio::time::interval(time / 200);
    for burst in bursts {
        pace.tick().await;
        source.push_ts(burst.iter().cloned());
    }
}

fn media_sequence(playlist: &str) -> u64 {
    let tag = "#EXT-X-MEDIA-SEQUENCE:";
    playlist
        .lines()
        .find_map(|line| line.strip_prefix(tag))
        .unwrap()
        .parse()
        .unwrap()
}

fn segments(playlist: &str) -> Vec<u64> {
    let names = playlist.lines().filter_map(|line| line.strip_suffix(".ts"));
    names.map(|number| number.parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn ffmpeg_plays_a_live_stream_without_a_complaint() {
    let host = Host::start().await;
    let mut source = host.publish(NAME);
    let stream = transport_stream(24).await;
    let player = Command::new("ffmpeg")
        .args([
            "-v",
            "warning",
            "-i",
            &host.url(),
            "-frames:v",
            "150",
            "-map",
            "0:v",
        ])
        .args(["-f", "framecrc", "-"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let feeding = push_over(&mut source, &stream, Duration::from_secs(12));
    let playing = tokio::time::timeout(Duration::from_secs(40), player.wait_with_output());
    let ((), played) = tokio::join!(feeding, playing);
    let played = played.expect("the player ends").unwrap();
    let frames = String::from_utf8_lossy(&played.stdout);
    let frames = frames.lines().filter(|line| !line.starts_with('#')).count();
    let complaints = String::from_utf8_lossy(&played.stderr);
    assert_eq!((frames, complaints.as_ref()), (150, ""));
    host.context.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_request_waits_for_the_first_segment_and_all_share_its_bytes() {
    let host = Host::start().await;
    let mut source = host.publish(NAME);
    let stream = transport_stream(8).await;
    let feeding = push_over(&mut source, &stream, Duration::from_secs(1));
    let ((), playlist) = tokio::join!(feeding, host.playlist());
    assert!(playlist.starts_with("#EXTM3U\n"), "{playlist}");
    for tag in [
        "#EXT-X-PROGRAM-DATE-TIME:",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        "#EXT-X-TARGETDURATION:",
    ] {
        assert!(playlist.contains(tag), "{tag} in {playlist}");
    }
    let path = format!("/hls/{NAME}/{}.ts", segments(&playlist)[0]);
    let (one, other) = tokio::join!(host.ask("GET", &path, "a"), host.ask("GET", &path, "b"));
    assert_eq!(
        (one.status, one.body.len() % 188, one.body[0]),
        (200, 0, 0x47)
    );
    assert_eq!(one.body, other.body);
    assert_eq!(
        host.viewers(),
        3,
        "an address with a user agent is a viewer"
    );
    host.ask("GET", &path, "b").await;
    assert_eq!(host.viewers(), 3, "and remains the same one");
    host.context.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn media_sequence_numbers_never_go_back_when_a_stream_comes_again() {
    let host = Host::start().await;
    let stream = transport_stream(60).await;
    let mut newest = 0;
    for round in 0..2 {
        let mut source = host.publish(NAME);
        // A minute of media in a second: the numbers run ahead of the wall clock.
        let feeding = push_over(&mut source, &stream, Duration::from_secs(1));
        let ((), first) = tokio::join!(feeding, host.playlist());
        assert!(
            media_sequence(&first) > newest,
            "round {round}: {newest}, then {first}"
        );
        newest = *segments(&host.playlist().await).last().unwrap();
        host.context.registry().withdraw(&NAME.parse().unwrap());
        drop(source);
    }
    host.context.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_watched_sees_the_end_and_who_comes_later_is_told_there_is_no_stream() {
    let host = Host::start().await;
    let mut source = host.publish(NAME);
    let stream = transport_stream(8).await;
    let feeding = push_over(&mut source, &stream, Duration::from_secs(1));
    tokio::join!(feeding, host.playlist());
    host.context.registry().withdraw(&NAME.parse().unwrap());
    let deadline = Instant::now() + Duration::from_secs(3);
    while !host.playlist().await.ends_with("#EXT-X-ENDLIST\n") {
        assert!(Instant::now() < deadline, "the playlist is ended");
    }
    let late = host
        .ask("GET", &format!("/hls/{NAME}/index.m3u8"), "late")
        .await;
    assert_eq!(late.status, 404);
    host.context.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_waiting_request_is_answered_as_soon_as_the_stream_ends() {
    let host = Host::start().await;
    let _source = host.publish(NAME);
    let begun = Instant::now();
    let path = format!("/hls/{NAME}/index.m3u8");
    let waiting = host.get(&path);
    let ending = async {
        while host.viewers() == 0 {
            tokio::task::yield_now().await;
        }
        host.context.registry().withdraw(&NAME.parse().unwrap());
    };
    let (answer, ()) = tokio::join!(waiting, ending);
    assert_eq!(answer.status, 503);
    assert!(answer.head.contains("retry-after: "), "{}", answer.head);
    assert!(begun.elapsed() < Duration::from_secs(5));
    host.context.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_carry_what_players_caches_and_other_origins_need() {
    let host = Host::start().await;
    let mut source = host.publish(NAME);
    let stream = transport_stream(8).await;
    let feeding = push_over(&mut source, &stream, Duration::from_secs(1));
    let ((), playlist) = tokio::join!(feeding, host.playlist());
    let index = format!("/hls/{NAME}/index.m3u8");
    let segment = format!("/hls/{NAME}/{}.ts", segments(&playlist)[0]);
    let long = format!("/hls/{}/index.m3u8", "a".repeat(5000));
    let cases = [
        (
            "GET",
            index.as_str(),
            200,
            "content-type: application/vnd.apple.mpegurl",
        ),
        ("GET", &index, 200, "cache-control: no-cache"),
        ("HEAD", &segment, 200, "content-type: video/mp2t"),
        ("GET", &segment, 200, "immutable"),
        (
            "OPTIONS",
            &index,
            204,
            "access-control-allow-methods: get, head, options",
        ),
        ("POST", &index, 405, "allow: get, head, options"),
        (
            "GET",
            "/hls/live/none/index.m3u8",
            404,
            "application/problem+json",
        ),
        (
            "GET",
            "/hls/live/stage/cam1/7.ts",
            404,
            "application/problem+json",
        ),
        (
            "GET",
            "/hls/live/stage/cam1",
            404,
            "application/problem+json",
        ),
        (
            "GET",
            "/hls/a%2f..%2fb/index.m3u8",
            400,
            "application/problem+json",
        ),
        (
            "GET",
            "/hls/%ff%fe/index.m3u8",
            400,
            "application/problem+json",
        ),
        ("GET", &long, 400, "application/problem+json"),
    ];
    for (method, path, status, header) in cases {
        let answer = host.ask(method, path, "test").await;
        let shown = format!("{method} {:.80}: {}", path, answer.head);
        assert_eq!(answer.status, status, "{shown}");
        assert!(answer.head.contains(header), "{header} in {shown}");
        assert!(
            answer.head.contains("access-control-allow-origin: *"),
            "{shown}"
        );
        assert_eq!(
            method == "HEAD" || status == 204,
            answer.body.is_empty(),
            "{shown}"
        );
    }
    host.context
        .registry()
        .get(NAME)
        .unwrap()
        .serve_over(Some(vec![Protocol::Srt]));
    assert_eq!(host.ask("GET", &index, "new").await.status, 403);
    assert_eq!(host.get(&index).await.status, 200, "who watches goes on");
    host.context.close().await;
}
