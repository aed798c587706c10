//! Chromium with hls.js, dash.js, mpegts.js and bare Media Source Extensions.

use crate::support::*;
use axum::extract::State;
use axum::response::Html;
use axum::routing::{get, post};
use axum::{Json, Router};
use model::HlsForm;
use serde_json::Value;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// Nothing but the page; a video may start by itself.
const QUIET: &str = "--headless --disable-gpu --disable-quic --no-first-run --no-sandbox \
    --disable-background-networking --disable-component-update --disable-sync \
    --disable-default-apps --disable-extensions --disable-breakpad --disable-dev-shm-usage \
    --no-default-browser-check --autoplay-policy=no-user-gesture-required --mute-audio";

/// Where `scripts/setup.sh` installs npm's packages.
fn package(file: &str) -> String {
    let cache = || {
        let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .map(PathBuf::from)
            .or(home);
        cache.unwrap().join("pointsman/tools")
    };
    let tools = std::env::var_os("POINTSMAN_TOOLS").map_or_else(cache, PathBuf::from);
    let path = tools.join("node_modules").join(file);
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}; run scripts/setup.sh", path.display()))
}

#[derive(Clone, Default)]
struct Site {
    page: String,
    script: Arc<String>,
    reports: Arc<Mutex<Vec<Value>>>,
}

impl Site {
    /// A page of another site than the host's, with that script, which plays `player`.
    async fn open(script: String, player: &str) -> (Self, Child, tempfile::TempDir) {
        let site = Self {
            page: PAGE.replace("{player}", player),
            script: Arc::new(script),
            reports: Arc::default(),
        };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let app = Router::new()
            .route("/", get(async |State(site): State<Self>| Html(site.page)))
            .route(
                "/player.js",
                get(async |State(site): State<Self>| site.script.to_string()),
            )
            .route("/report", post(take_report))
            .with_state(site.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        let profile = tempfile::tempdir().unwrap();
        let browser = Command::new("chromium")
            .args(QUIET.split_whitespace())
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg(url)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("chromium is installed");
        (site, browser, profile)
    }

    /// Waits until the page has played for `seconds`; the first and the last report.
    async fn plays(&self, seconds: f64) -> (Value, Value) {
        let played = async {
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                let reports = self.reports.lock().unwrap().clone();
                if let Some(report) = reports
                    .iter()
                    .find(|it| it["fatal"] != Value::Array(vec![]))
                {
                    panic!("{report}");
                }
                let time = |report: &Value| report["time"].as_f64().unwrap();
                let first = reports.iter().find(|it| it["frames"].as_u64() > Some(10));
                let last = reports.last();
                if let (Some(first), Some(last)) = (first, last)
                    && time(last) - time(first) >= seconds
                {
                    return (first.clone(), last.clone());
                }
            }
        };
        let played = tokio::time::timeout(PATIENCE, played).await;
        played.unwrap_or_else(|_| panic!("{:?}", self.reports.lock().unwrap().last()))
    }
}

async fn take_report(State(site): State<Site>, Json(report): Json<Value>) {
    site.reports.lock().unwrap().push(report);
}

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<video id="video" muted autoplay playsinline></video>
<script src="/player.js"></script>
<script>
  const video = document.getElementById('video');
  const fatal = [];
  let latency = () => null;
  addEventListener('error', (event) => fatal.push(String(event.message)));
  const play = () => video.play().catch((error) => { if (error.name !== 'AbortError') fatal.push(String(error)); });
  {player}
  setInterval(() => {
    const quality = video.getVideoPlaybackQuality();
    fetch('/report', { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify({
      frames: quality.totalVideoFrames,
      time: video.currentTime,
      width: video.videoWidth,
      audio_bytes: video.webkitAudioDecodedByteCount,
      latency: latency(),
      fatal,
    }) });
  }, 500);
</script>
"#;

/// Picture and sound are decoded, and no further behind than that. The limits leave room for a
/// busy machine; what was measured is printed.
fn assert_plays(what: &str, (first, last): (Value, Value), latency_s: f64) {
    let frames = |report: &Value| report["frames"].as_u64().unwrap();
    println!("{what}: {last}");
    assert!(frames(&last) - frames(&first) >= 100, "{first} {last}");
    assert_eq!(last["width"], 320, "{last}");
    assert!(last["audio_bytes"].as_u64().unwrap() > 10_000, "{last}");
    assert!(last["latency"].as_f64().unwrap() < latency_s, "{last}");
}

#[tokio::test(flavor = "multi_thread")]
async fn hls_js_plays_with_low_latency() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    let url = host.url(&format!("/hls/{NAME}/index.m3u8"));
    let player = format!(
        "const hls = new Hls({{ lowLatencyMode: true }});
         hls.on(Hls.Events.ERROR, (_, data) => {{ if (data.fatal) fatal.push(data.details); }});
         hls.loadSource('{url}');
         hls.attachMedia(video);
         play();
         latency = () => hls.playingDate && (Date.now() - hls.playingDate) / 1000;"
    );
    let (site, _browser, _profile) = Site::open(package("hls.js/dist/hls.min.js"), &player).await;
    assert_plays("hls.js", site.plays(8.0).await, 4.0);
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hls_js_deciphers_what_is_encrypted_with_changing_keys() {
    let host = Host::start().await;
    host.encrypt(HlsForm::Cmaf, 2);
    let _feed = host.on_air(H264);
    let url = host.url(&format!("/hls/{NAME}/index.m3u8"));
    let player = format!(
        "const hls = new Hls();
         hls.on(Hls.Events.ERROR, (_, data) => {{ if (data.fatal) fatal.push(data.details); }});
         hls.loadSource('{url}');
         hls.attachMedia(video);
         play();
         latency = () => hls.latency;"
    );
    let (site, _browser, _profile) = Site::open(package("hls.js/dist/hls.min.js"), &player).await;
    assert_plays("hls.js, AES-128", site.plays(8.0).await, 15.0);
    host.close().await;
}

/// dash.js follows `play` events to know that it plays, and asks for no further manifest before:
/// an element that was told to play before dash.js had it stops after the first segments.
#[tokio::test(flavor = "multi_thread")]
async fn dash_js_plays_with_low_latency_and_without_a_stall() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    let url = host.url(&format!("/dash/{NAME}/manifest.mpd"));
    let player = format!(
        "const player = dashjs.MediaPlayer().create();
         const events = dashjs.MediaPlayer.events;
         player.on(events.ERROR, (event) => fatal.push(JSON.stringify(event.error)));
         player.on(events.PLAYBACK_STALLED, () => fatal.push('stalled'));
         player.initialize(video, '{url}', true);
         latency = () => player.getCurrentLiveLatency();"
    );
    let script = package("dashjs/dist/modern/umd/dash.all.min.js");
    let (site, _browser, _profile) = Site::open(script, &player).await;
    assert_plays("dash.js", site.plays(10.0).await, 4.0);
    host.close().await;
}

async fn mpegts_js_plays(scheme: &str) {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    let url = format!("{scheme}://{}/live/{NAME}.ts", host.address);
    let player = format!(
        "const player = mpegts.createPlayer({{ type: 'mpegts', isLive: true, url: '{url}' }});
         player.on(mpegts.Events.ERROR, (...error) => fatal.push(error.join(' ')));
         player.attachMediaElement(video);
         player.load();
         play();
         latency = () => video.buffered.length ? video.buffered.end(0) - video.currentTime : null;"
    );
    let (site, _browser, _profile) = Site::open(package("mpegts.js/dist/mpegts.js"), &player).await;
    assert_plays(
        &format!("mpegts.js over {scheme}"),
        site.plays(8.0).await,
        4.0,
    );
    host.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mpegts_js_plays_the_transport_stream_over_http() {
    mpegts_js_plays("http").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn mpegts_js_plays_the_transport_stream_over_a_websocket() {
    mpegts_js_plays("ws").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn media_source_extensions_play_the_websocket() {
    let host = Host::start().await;
    let _feed = host.on_air(H264);
    let url = format!("ws://{}/live/{NAME}.mp4", host.address);
    let player = MSE.replace("{url}", &url);
    let (site, _browser, _profile) = Site::open(String::new(), &player).await;
    assert_plays("MSE over WebSocket", site.plays(8.0).await, 2.0);
    host.close().await;
}

/// As small as a player can be: append what comes, stay near the end.
const MSE: &str = r#"
  play();
  const source = new MediaSource();
  video.src = URL.createObjectURL(source);
  source.addEventListener('sourceopen', () => {
    const socket = new WebSocket('{url}');
    socket.binaryType = 'arraybuffer';
    const queue = [];
    let buffer;
    const next = () => { if (buffer && !buffer.updating && queue.length) buffer.appendBuffer(queue.shift()); };
    const end = () => buffer && buffer.buffered.length ? buffer.buffered.end(buffer.buffered.length - 1) : null;
    latency = () => end() && end() - video.currentTime;
    socket.onmessage = ({ data }) => {
      if (typeof data === 'string') {
        buffer = source.addSourceBuffer(JSON.parse(data).mime);
        buffer.addEventListener('updateend', () => {
          if (end() && end() - video.currentTime > 1) video.currentTime = end() - 0.3;
          next();
        });
      } else {
        queue.push(data);
        next();
      }
    };
  });
"#;
