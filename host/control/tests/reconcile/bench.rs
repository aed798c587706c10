//! A control plane over a real hub, real UDP links and real plugins.

use bytes::Bytes;
use control::decide::{self, DecidedBy};
use control::log::{Decision, Filter};
use control::view::{OutputView, StreamView};
use control::{Archive, Control, ControlHandle, Expect, Settings};
use hub::Registry;
use media::frame::Video;
use media::ts::mux::Muxer;
use media::{Codec, Convert, Frame, Ticks90k, Track, TrackId, Tracks, TsChunk};
use model::routing::Plan;
use model::{Answer, Event, PolicyKind, Site};
use plugin::{BuildOptions, Compiler, Origin, Plugins, build};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tempfile::TempDir;
use tokio::net::UdpSocket;
use tokio::sync::OnceCell;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// No condition takes longer, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Bench {
    pub(crate) control: ControlHandle,
    pub(crate) registry: Registry,
    actor: JoinHandle<()>,
    _dir: TempDir,
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::with(decide::Settings::default()).await
    }

    pub(crate) async fn with(decisions: decide::Settings) -> Self {
        Self::keeping(decisions, None).await
    }

    /// With a place where documents are kept.
    pub(crate) async fn keeping(
        decisions: decide::Settings,
        archive: Option<Arc<dyn Archive>>,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let settings = plugin::Settings::new(dir.path(), Compiler::InProcess);
        let (plugins, _) = Plugins::open(settings).await.unwrap();
        let registry = Registry::new(hub::Settings::default());
        let context = gateway::Context::new(registry.clone(), CancellationToken::new());
        let settings = Settings {
            utc_offset_minutes: |_| 60,
            tick: Duration::from_millis(500),
            decisions,
            archive,
            ..Settings::default()
        };
        let (actor, control) = Control::new(registry.clone(), context, plugins, settings);
        let actor = tokio::spawn(actor.run());
        Self {
            control,
            registry,
            actor,
            _dir: dir,
        }
    }

    pub(crate) async fn apply(&self, document: Value) -> Site {
        let site: Site = serde_json::from_value(document).unwrap();
        let changed = self.control.apply(site, Expect::Anything).await;
        changed.unwrap().site
    }

    pub(crate) async fn install(&self, name: &str, component: Arc<[u8]>) {
        let mut events = self.registry.events();
        let installing =
            self.control
                .install_plugin(name.parse().unwrap(), component, Origin::default());
        let installed = installing.await.unwrap();
        if installed.replaced.as_ref() == Some(&installed.hash) {
            return;
        }
        // The actor takes notice of a swap when it is done, and figures of policies begin anew then.
        let noticed = async {
            while let Ok(event) = events.recv().await {
                if matches!(&event, Event::PluginActivated { plugin, .. } if plugin.as_str() == name)
                {
                    return;
                }
            }
        };
        tokio::time::timeout(PATIENCE, noticed).await.unwrap();
    }

    /// Logged decisions of a kind, oldest first.
    pub(crate) fn decisions(&self, kind: PolicyKind) -> Vec<Arc<Decision>> {
        self.control.decider().recent(&Filter {
            kind: Some(kind),
            ..Filter::default()
        })
    }

    /// Waits until a logged decision fits.
    pub(crate) async fn decided(
        &self,
        kind: PolicyKind,
        fits: impl Fn(&Decision) -> bool,
    ) -> Arc<Decision> {
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                let found = self.decisions(kind).into_iter().find(|it| fits(it));
                if let Some(found) = found {
                    return found;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        let log = || self.decisions(kind);
        waited
            .await
            .unwrap_or_else(|_| panic!("not decided: {:#?}", log()))
    }

    pub(crate) async fn view(&self, stream: &str) -> Option<StreamView> {
        self.control.stream(stream.parse().unwrap()).await.ok()
    }

    /// The stream once it looks as it should.
    pub(crate) async fn until(
        &self,
        stream: &str,
        what: &str,
        fits: impl Fn(&StreamView) -> bool,
    ) -> StreamView {
        let mut last = None;
        let waited = tokio::time::timeout(PATIENCE, async {
            loop {
                match self.view(stream).await {
                    Some(view) if fits(&view) => return view,
                    other => last = other,
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        waited
            .await
            .unwrap_or_else(|_| panic!("{stream} never has {what}: {last:#?}"))
    }

    pub(crate) async fn stop(self) {
        self.control.shutdown().await.unwrap();
        tokio::time::timeout(PATIENCE, self.actor)
            .await
            .unwrap()
            .unwrap();
        assert!(self.registry.list().is_empty(), "streams are left");
    }
}

/// The plan of a routing decision.
pub(crate) fn plan(decision: &Decision) -> &Plan {
    match decision.answer.as_deref() {
        Some(Answer::Routing(plan)) => plan,
        other => panic!("no plan: {other:?}"),
    }
}

pub(crate) fn is_by(decided_by: DecidedBy) -> impl Fn(&Decision) -> bool {
    move |decision| decision.decided_by == decided_by
}

/// Somewhere an output can send.
pub(crate) struct Sink {
    socket: UdpSocket,
}

impl Sink {
    pub(crate) async fn new() -> Self {
        Self {
            socket: UdpSocket::bind("127.0.0.1:0").await.unwrap(),
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("udp://{}", self.socket.local_addr().unwrap())
    }

    pub(crate) async fn hears(&self) -> bool {
        let mut datagram = [0; 2048];
        tokio::time::timeout(PATIENCE, self.socket.recv(&mut datagram))
            .await
            .is_ok()
    }
}

/// An address that is free now.
pub(crate) fn free_address() -> SocketAddr {
    std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
}

/// Sends transport packets to an address until dropped.
pub(crate) struct Camera(JoinHandle<()>);

impl Camera {
    pub(crate) fn to(target: SocketAddr) -> Self {
        Self(tokio::spawn(async move {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            // Null packets (ISO/IEC 13818-1 §2.4.1): media enough for links and meters.
            let mut packet = [0xff_u8; 188];
            packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
            let datagram = packet.repeat(7);
            loop {
                // Nobody listens before the input is declared.
                let _ = socket.send_to(&datagram, target).await;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }))
    }
}

impl Camera {
    /// As [`Camera::to`], with pictures that a stream can be entered at: what takes over does so
    /// at one of them.
    pub(crate) fn with_pictures(target: SocketAddr) -> Self {
        Self(tokio::spawn(async move {
            let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let (mut muxer, tracks) = (Muxer::new("test", "test"), tracks());
            let mut ticks = tokio::time::interval(Duration::from_millis(40));
            for n in 0.. {
                ticks.tick().await;
                let mut chunks: Vec<TsChunk> = Vec::new();
                muxer.convert(SystemTime::UNIX_EPOCH, &picture(n, &tracks), &mut chunks);
                for chunk in chunks {
                    for datagram in chunk.data.chunks(7 * 188) {
                        let _ = socket.send_to(datagram, target).await;
                    }
                }
            }
        }))
    }
}

/// One video track.
fn tracks() -> Arc<Tracks> {
    // From x264: baseline, 64x48, 25 pictures a second.
    let avcc = b"\x01\x42\xc0\x0a\xff\xe1\x00\x17\x67\x42\xc0\x0a\xd9\x04\x7b\x01\x10\x00\x00\
        \x03\x00\x10\x00\x00\x03\x03\x20\xf1\x22\x64\x80\x01\x00\x05\x68\xcb\x83\xcb\x20";
    let codec = Codec::H264 {
        config: Bytes::from_static(avcc),
        video: Video {
            width: 64,
            height: 48,
            fps_milli: 25_000,
        },
    };
    let track = Track {
        id: TrackId(0),
        codec,
        language: None,
    };
    Arc::new(Tracks { list: vec![track] })
}

/// Every fifth is a key picture.
fn picture(n: i64, tracks: &Arc<Tracks>) -> Frame {
    let key = n % 5 == 0;
    let nal = [0, 0, 0, 3, if key { 0x65 } else { 0x41 }, 0x88, 1];
    let time = Ticks90k(n * 3_600);
    Frame {
        tracks: tracks.clone(),
        track: TrackId(0),
        dts: time,
        pts: time,
        random_access: key,
        epoch: 0,
        payload: Bytes::copy_from_slice(&nal),
    }
}

impl Drop for Camera {
    fn drop(&mut self) {
        self.0.abort();
    }
}

pub(crate) fn source(address: SocketAddr) -> Value {
    json!({"type": "udp", "address": address.to_string()})
}

pub(crate) fn output<'a>(view: &'a StreamView, name: &str) -> &'a OutputView {
    view.outputs
        .iter()
        .find(|output| output.name == name)
        .unwrap()
}

/// `plugins/fanout` as it is shipped.
pub(crate) async fn fanout() -> Arc<[u8]> {
    static BUILT: OnceCell<Arc<[u8]>> = OnceCell::const_new();
    BUILT
        .get_or_init(|| make("../../plugins/fanout"))
        .await
        .clone()
}

/// The plugin plane's guest that misbehaves as its configuration says.
pub(crate) async fn hostile() -> Arc<[u8]> {
    static BUILT: OnceCell<Arc<[u8]>> = OnceCell::const_new();
    BUILT
        .get_or_init(|| make("../plugin/tests/hostile"))
        .await
        .clone()
}

/// A guest that answers what its configuration says.
pub(crate) async fn scripted() -> Arc<[u8]> {
    static BUILT: OnceCell<Arc<[u8]>> = OnceCell::const_new();
    BUILT.get_or_init(|| make("tests/scripted")).await.clone()
}

async fn make(folder: &str) -> Arc<[u8]> {
    let desk = tempfile::tempdir().unwrap();
    let output = desk.path().join("guest.wasm");
    let options = BuildOptions {
        folder: Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
        output: output.clone(),
        target_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join("guests")),
        offline: false,
    };
    build::build(options).await.unwrap();
    std::fs::read(output).unwrap().into()
}
