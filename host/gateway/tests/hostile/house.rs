//! A host with every TCP port, and a stream whose frames are numbered.

use crate::tls_support::{Shown, certificate};
use bytes::Bytes;
use gateway::{Context, dash, hls, mjpeg, mp4, rtmp, rtsp};
use hub::{Pass, Registry, Source};
use media::frame::Audio;
use media::{Codec, Frame, Ticks90k, Track, TrackId, Tracks};
use model::{Ask, Intent, Protocol};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// No wait in these tests is longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(90);

pub(crate) struct House {
    pub(crate) context: Context,
    pub(crate) http: SocketAddr,
    pub(crate) rtsp: SocketAddr,
    pub(crate) rtsps: SocketAddr,
    pub(crate) rtmp: SocketAddr,
    pub(crate) rtmps: SocketAddr,
    /// Where `cert.pem` is.
    pub(crate) dir: tempfile::TempDir,
}

/// What the ports let happen.
#[derive(Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) connections: usize,
    pub(crate) setup: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connections: 8192,
            setup: Duration::from_secs(10),
        }
    }
}

impl House {
    pub(crate) async fn open(bounds: Bounds) -> Self {
        let registry = Registry::new(hub::Settings::default());
        let context = Context::new(registry, CancellationToken::new());
        let dir = tempfile::tempdir().unwrap();
        let shown = Shown(Mutex::new(certificate(dir.path(), "host.test")));
        let tls = Arc::new(shown).config();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let mut on_rtsp = rtsp::Config::new(any);
        on_rtsp.udp_port = None;
        on_rtsp.max_connections = bounds.connections;
        on_rtsp.limits.setup_timeout = bounds.setup;
        let mut on_rtmp = rtmp::Config::new(any);
        on_rtmp.max_connections = bounds.connections;
        on_rtmp.limits.setup_timeout = bounds.setup;
        let plain = rtsp::serve(&context, on_rtsp.clone()).await.unwrap();
        let sealed = rtsp::serve_tls(&context, on_rtsp, tls.clone()).await;
        Self {
            http: http(&context).await,
            rtsp: plain.address,
            rtsps: sealed.unwrap(),
            rtmp: rtmp::serve(&context, on_rtmp).await.unwrap(),
            rtmps: rtmp::serve_tls(&context, on_rtmp, tls).await.unwrap(),
            context,
            dir,
        }
    }

    pub(crate) fn viewers(&self, name: &str) -> usize {
        let stream = self.context.registry().get(name);
        stream.map_or(0, |stream| stream.snapshot(Instant::now()).viewers.len())
    }

    pub(crate) fn refused(&self, protocol: Protocol) -> u64 {
        self.context.counters().of(protocol).refused.get()
    }
}

/// The routes of every protocol over HTTP, served.
async fn http(context: &Context) -> SocketAddr {
    let pictures = mjpeg::Service::new(context, mjpeg::Settings::default());
    let routes = hls::router(context)
        .merge(dash::router(context))
        .merge(mp4::router(context))
        .merge(mjpeg::router(&pictures));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let routes = routes.into_make_service_with_connect_info::<SocketAddr>();
    let shutdown = context.shutdown().clone();
    context.tasks().spawn(async move {
        let serving = axum::serve(listener, routes);
        shutdown.run_until_cancelled(serving.into_future()).await;
    });
    address
}

/// A stream of sound whose every frame holds its own number.
pub(crate) struct Feed {
    source: Source,
    tracks: Arc<Tracks>,
    pub(crate) next: u32,
    bytes: usize,
}

impl Feed {
    pub(crate) fn new(house: &House, name: &str, bytes: usize) -> Self {
        let (name, peer) = (name.parse().unwrap(), ([127, 0, 0, 1], 1).into());
        let pass = Pass::free(Ask::new(name, Intent::Publish, Protocol::Udp, peer));
        let audio = Audio {
            sample_rate_hz: 48_000,
            channels: 2,
        };
        let codec = Codec::Aac {
            config: Bytes::from_static(&[0x11, 0x90]),
            audio,
        };
        let track = Track {
            id: TrackId(1),
            codec,
            language: None,
        };
        Self {
            source: house.context.registry().publish(&pass).unwrap(),
            tracks: Arc::new(Tracks { list: vec![track] }),
            next: 0,
            bytes,
        }
    }

    pub(crate) fn push(&mut self, frames: u32) {
        let made = (self.next..self.next + frames).map(|number| {
            let mut payload = vec![0; self.bytes];
            payload[..4].copy_from_slice(&number.to_be_bytes());
            let time = Ticks90k(i64::from(number) * 1_920);
            Frame {
                tracks: self.tracks.clone(),
                track: TrackId(1),
                dts: time,
                pts: time,
                random_access: true,
                epoch: 0,
                payload: payload.into(),
            }
        });
        self.source.push_frames(made);
        self.next += frames;
    }
}

/// What this process holds in memory, in MiB (`proc_pid_status(5)`).
pub(crate) fn resident_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib: u64 = line
        .unwrap()
        .trim()
        .trim_end_matches(" kB")
        .parse()
        .unwrap();
    kib / 1024
}

pub(crate) async fn bounded<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}

pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    bounded(what, async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}
