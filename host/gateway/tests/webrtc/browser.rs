//! A real browser: Chromium watches what an encoder sends, and publishes what its camera shows.

use crate::house::{House, LIVE, PATIENCE};
use axum::Router;
use axum::extract::RawQuery;
use axum::response::Html;
use axum::routing::get;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Nothing but the page: no first run, no updates, no calls home; media may start by itself, and
/// the camera is a pattern that beeps.
const QUIET: &str = "--headless --disable-gpu --disable-quic --no-first-run --no-sandbox \
    --disable-background-networking --disable-component-update --disable-sync \
    --disable-default-apps --disable-extensions --disable-breakpad --disable-dev-shm-usage \
    --no-default-browser-check --autoplay-policy=no-user-gesture-required --mute-audio \
    --use-fake-device-for-media-stream --use-fake-ui-for-media-stream \
    --allow-loopback-in-peer-connection";

type Report = HashMap<String, f64>;

/// What the page reported, the newest last, and what went wrong there.
#[derive(Clone, Default)]
struct Reports {
    figures: Arc<Mutex<Vec<Report>>>,
    errors: Arc<Mutex<Vec<String>>>,
}

impl Reports {
    fn pages(&self) -> Router {
        let reports = self.clone();
        let report = move |RawQuery(query): RawQuery| {
            let mut report = Report::new();
            for (key, value) in url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()) {
                match value.parse() {
                    Ok(value) => drop(report.insert(key.into_owned(), value)),
                    Err(_) => reports.errors.lock().push(format!("{key}: {value}")),
                }
            }
            reports.figures.lock().push(report);
            std::future::ready("")
        };
        Router::new()
            .route("/", get(|| std::future::ready(Html(PAGE))))
            .route("/report", get(report))
    }

    fn newest(&self) -> Report {
        let errors = self.errors.lock();
        assert!(errors.is_empty(), "{errors:?}");
        self.figures.lock().last().cloned().unwrap_or_default()
    }

    async fn until(&self, what: &str, enough: impl Fn(&Report) -> bool) -> Report {
        let began = Instant::now();
        loop {
            let newest = self.newest();
            if enough(&newest) {
                return newest;
            }
            assert!(began.elapsed() < PATIENCE, "no {what}: {newest:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn figure(report: &Report, name: &str) -> f64 {
    report.get(name).copied().unwrap_or_default()
}

/// A browser with that page; ends when dropped.
struct Browser {
    _child: tokio::process::Child,
    _profile: tempfile::TempDir,
}

fn open(house: &House, fragment: &str) -> Browser {
    open_at(house, &format!("#{fragment}"))
}

fn open_at(house: &House, path: &str) -> Browser {
    let profile = tempfile::tempdir().unwrap();
    let child = tokio::process::Command::new("chromium")
        .args(QUIET.split_whitespace())
        .arg(format!("--user-data-dir={}", profile.path().display()))
        .arg(format!("http://{}/{path}", house.http))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("chromium (scripts/setup.sh test)");
    Browser {
        _child: child,
        _profile: profile,
    }
}

async fn watched_by_chromium(encode: &str) -> Report {
    let reports = Reports::default();
    let house = House::with(|_| {}, reports.pages()).await;
    house.on_air("live/a", encode);
    let _browser = open(&house, "whep/live/a");
    let report = reports
        .until("75 pictures shown and sound", |report| {
            figure(report, "shown") >= 75.0 && figure(report, "loudness") > 0.05
        })
        .await;
    assert_eq!(house.viewers("live/a"), 1);
    house.context.close().await;
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_shows_and_hears_h264_and_aac() {
    let report = watched_by_chromium(LIVE).await;
    assert_eq!(figure(&report, "width"), 320.0);
    assert!(figure(&report, "packets_lost") < 5.0, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn chromium_shows_high_profile() {
    let encode = LIVE.replace("-profile:v main", "-profile:v high -x264-params 8x8dct=1");
    let report = watched_by_chromium(&encode).await;
    assert_eq!(figure(&report, "width"), 320.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_chromium_publishes_another_chromium_watches() {
    let reports = Reports::default();
    let house = House::with(|_| {}, reports.pages()).await;
    let _publisher = open(&house, "whip/cam");
    house
        .until("the publisher", |it| {
            it.context
                .registry()
                .get("cam")
                .is_some_and(|it| it.form().is_some())
        })
        .await;
    let _viewer = open(&house, "whep/cam");
    let report = reports
        .until("75 pictures shown and sound", |report| {
            figure(report, "shown") >= 75.0 && figure(report, "loudness") > 0.01
        })
        .await;
    println!("{report:?}");
    house.context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_glass_to_glass_it_takes_less_than_300_ms() {
    let reports = Reports::default();
    let house = House::with(|_| {}, reports.pages()).await;
    let _browser = open(&house, "glass/clock");
    let report = reports
        .until("a clock read 100 times", |report| {
            figure(report, "read") >= 100.0
        })
        .await;
    println!("{report:?}");
    assert!(figure(&report, "glass_ms") < 300.0, "{report:?}");
    assert!(figure(&report, "glass_ms") > 0.0, "{report:?}");
    house.context.close().await;
}

/// As `api` serves the page: nothing comes from elsewhere, and no script stands in it.
const POLICY: &str = "default-src 'self'; media-src 'self' blob:";

/// The page of a host at `/webrtc/NAME`, and a script that tells how many pictures it showed.
fn own_page(reports: &Reports) -> Router {
    const HTML: &str = include_str!("../../../api/ui/webrtc.html");
    const SCRIPT: &str = include_str!("../../../api/ui/webrtc.js");
    const COUNT: &str = "setInterval(() => fetch('/report?shown=' + \
                         video.getVideoPlaybackQuality().totalVideoFrames), 250);";
    let page = HTML.replace(
        "</body>",
        "<script src=\"/count.js\" defer></script></body>",
    );
    let script = |text: &'static str| {
        let kind = [("content-type", "text/javascript")];
        get(move || std::future::ready((kind, text)))
    };
    let html = [
        ("content-type", "text/html"),
        ("content-security-policy", POLICY),
    ];
    reports
        .pages()
        .route(
            "/webrtc/{*name}",
            get(move || std::future::ready((html, page.clone()))),
        )
        .route("/ui/webrtc.js", script(SCRIPT))
        .route("/count.js", script(COUNT))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_hosts_own_page_shows_a_stream_once_it_is_there() {
    let reports = Reports::default();
    let house = House::with(|_| {}, own_page(&reports)).await;
    let _browser = open_at(&house, "webrtc/live/a");
    let refused = |house: &House| {
        let counters = house.context.counters();
        counters.of(model::Protocol::Webrtc).refused.get()
    };
    house
        .until("a request too early", |it| refused(it) > 0)
        .await;
    house.on_air("live/a", LIVE);
    reports
        .until("50 pictures", |report| figure(report, "shown") >= 50.0)
        .await;
    assert_eq!(house.viewers("live/a"), 1);
    house.context.close().await;
}

const PAGE: &str = r#"<!doctype html>
<meta charset="utf-8">
<title>a page that watches or publishes</title>
<video id="video" autoplay playsinline></video>
<script>
  const video = document.getElementById('video');
  const tell = (figures) => fetch('/report?' + new URLSearchParams(figures));
  async function statistics(connection) {
    const figures = {};
    for (const it of (await connection.getStats()).values()) {
      if (it.type !== 'inbound-rtp') continue;
      if (it.kind === 'audio') figures.concealed = it.concealedSamples;
      if (it.kind === 'video') {
        figures.decoded = it.framesDecoded;
        figures.packets_lost = it.packetsLost;
        figures.jitter_ms = 1000 * it.jitterBufferDelay / Math.max(1, it.jitterBufferEmittedCount);
      }
    }
    return figures;
  }
  // How loud it is: the greatest sample of 40 ms, of 1.
  let loudness = () => 0;
  function hear(media) {
    const context = new AudioContext();
    const analyser = context.createAnalyser();
    context.createMediaStreamSource(media).connect(analyser);
    const samples = new Float32Array(analyser.fftSize);
    loudness = () => {
      analyser.getFloatTimeDomainData(samples);
      return samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0);
    };
  }
  // A picture of the clock: its milliseconds in binary, a bar for each bit.
  const BITS = 20;
  function clock() {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [320, 240];
    const pen = canvas.getContext('2d');
    setInterval(() => {
      const now = Math.floor(performance.now());
      for (let bit = 0; bit < BITS; bit++) {
        pen.fillStyle = (now >> bit) & 1 ? 'white' : 'black';
        pen.fillRect(bit * 16, 0, 16, 240);
      }
    }, 33);
    return canvas.captureStream(30);
  }
  // How old the clock is that is shown, the median of what was read.
  function readClock() {
    const canvas = document.createElement('canvas');
    [canvas.width, canvas.height] = [320, 240];
    const pen = canvas.getContext('2d', { willReadFrequently: true });
    const ages = [];
    const read = () => {
      pen.drawImage(video, 0, 0, 320, 240);
      const { data } = pen.getImageData(0, 120, 320, 1);
      let shown = 0;
      for (let bit = 0; bit < BITS; bit++) {
        if (data[4 * (bit * 16 + 8)] > 128) shown |= 1 << bit;
      }
      const age = Math.floor(performance.now()) - shown;
      if (shown > 0 && age < 60000) ages.push(age);
      const sorted = ages.toSorted((a, b) => a - b);
      if (ages.length % 20 === 0) tell({ read: ages.length, glass_ms: sorted[sorted.length >> 1] ?? 0 });
      video.requestVideoFrameCallback(read);
    };
    video.requestVideoFrameCallback(read);
  }
  async function glass(name) {
    await run('whip/' + name, clock());
    readClock();
    await run('whep/' + name, null);
  }
  async function run(path, shown) {
    const connection = new RTCPeerConnection();
    if (path.startsWith('whip/')) {
      const camera = { video: { width: 320, height: 240 }, audio: true };
      const media = shown ?? await navigator.mediaDevices.getUserMedia(camera);
      for (const track of media.getTracks()) {
        const transceiver = connection.addTransceiver(track, { direction: 'sendonly', streams: [media] });
        if (track.kind !== 'video') continue;
        const { codecs } = RTCRtpSender.getCapabilities('video');
        const h264 = codecs.filter((codec) => codec.mimeType === 'video/H264');
        if (h264.length === 0) throw new Error('this browser encodes no H.264');
        transceiver.setCodecPreferences(h264);
      }
    } else {
      connection.addTransceiver('video', { direction: 'recvonly' });
      connection.addTransceiver('audio', { direction: 'recvonly' });
      const media = new MediaStream();
      connection.ontrack = ({ track }) => {
        media.addTrack(track);
        video.srcObject = media;
        if (track.kind === 'audio') hear(media);
      };
      if (shown !== null) setInterval(async () => {
        const figures = await statistics(connection);
        figures.shown = video.getVideoPlaybackQuality().totalVideoFrames;
        figures.width = video.videoWidth;
        figures.loudness = loudness();
        tell(figures);
      }, 250);
    }
    await connection.setLocalDescription();
    const headers = { 'content-type': 'application/sdp' };
    const answer = await fetch('/' + path, { method: 'POST', headers, body: connection.localDescription.sdp });
    if (answer.status !== 201) throw new Error(await answer.text());
    await connection.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
  }
  const path = location.hash.slice(1);
  const begun = path.startsWith('glass/') ? glass(path.slice(6)) : run(path);
  begun.catch((error) => tell({ error: String(error) }));
</script>
"#;
