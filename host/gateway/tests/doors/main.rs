//! Who is let in, over every protocol: the doorman's word, said in the protocol's own words, and
//! the terms that hold afterwards.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

mod clerk;
mod hls;
mod rtmp;
mod srt;
mod webrtc;

use clerk::Clerk;
use gateway::Context;
use hub::{Pass, Registry, Settings, Source};
use media::frame::Audio;
use media::{Codec, Frame, Ticks90k, Track, TrackId, Tracks};
use model::{Ask, Event, Intent, Protocol};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio_util::sync::CancellationToken;

/// No wait in these tests is longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A house with a doorman, whose gateways each test opens itself.
struct House {
    context: Context,
    clerk: Arc<Clerk>,
}

impl House {
    fn new() -> Self {
        let registry = Registry::new(Settings::default());
        let clerk = Arc::<Clerk>::default();
        registry.appoint(clerk.clone());
        let context = Context::new(registry, CancellationToken::new());
        Self { context, clerk }
    }

    /// A stream that the test feeds itself.
    fn publish(&self, name: &str) -> Source {
        let (name, peer) = (name.parse().unwrap(), ([127, 0, 0, 1], 1).into());
        let ask = Ask::new(name, Intent::Publish, Protocol::Udp, peer);
        let pass = Pass::free(ask);
        self.context.registry().publish(&pass).unwrap()
    }

    fn events(&self) -> Receiver<Event> {
        self.context.registry().events()
    }

    fn refused(&self, protocol: Protocol) -> u64 {
        self.context.counters().of(protocol).refused.get()
    }

    fn streams(&self) -> Vec<String> {
        let streams = self.context.registry().list();
        streams
            .iter()
            .map(|stream| stream.name().to_string())
            .collect()
    }
}

/// Waits for a peer to be turned away or cut off, and tells why.
async fn refusal(events: &mut Receiver<Event>) -> String {
    let wait = async {
        loop {
            if let Event::PeerRefused { code, .. } = events.recv().await.unwrap() {
                return code;
            }
        }
    };
    bounded("a refusal", wait).await
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    bounded(what, wait).await;
}

async fn bounded<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}

/// A second of sound, `kbps` strong.
fn sound(second: i64, kbps: usize) -> Vec<Frame> {
    let codec = Codec::Aac {
        config: bytes::Bytes::from_static(&[0x11, 0x90]),
        audio: Audio {
            sample_rate_hz: 48_000,
            channels: 2,
        },
    };
    let track = Track {
        id: TrackId(0),
        codec,
        language: None,
    };
    let list = vec![track];
    let tracks = Arc::new(Tracks { list });
    let frame = |n: i64| {
        let time = Ticks90k(second * 90_000 + n * 1_920);
        Frame {
            track: TrackId(0),
            pts: time,
            dts: time,
            random_access: true,
            epoch: 0,
            payload: vec![0; kbps * 125 / 47].into(),
            tracks: tracks.clone(),
        }
    };
    (0..47).map(frame).collect()
}
