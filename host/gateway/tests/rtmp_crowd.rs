//! The players of a stream are served together, and yet each for itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use ::rtmp::session::{Client, ClientConfig, ClientEvent, MediaKind, Role};
use bytes::{Buf, Bytes, BytesMut};
use gateway::{Context, rtmp};
use hub::{Pass, Registry, Settings, Source};
use media::frame::Audio;
use media::{Codec, Frame, Ticks90k, Track, TrackId, Tracks};
use model::{Ask, Intent, Protocol};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// No wait in these tests is longer.
const PATIENCE: Duration = Duration::from_secs(30);

async fn bounded<T>(what: &str, wait: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, wait).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not come"),
    }
}

/// A stream of sound whose every frame holds its own number.
struct Feed {
    source: Source,
    tracks: Arc<Tracks>,
    next: u32,
    bytes: usize,
}

impl Feed {
    fn new(context: &Context, bytes: usize) -> Self {
        let (name, peer) = ("live/a".parse().unwrap(), ([127, 0, 0, 1], 1).into());
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
            source: context.registry().publish(&pass).unwrap(),
            tracks: Arc::new(Tracks { list: vec![track] }),
            next: 0,
            bytes,
        }
    }

    fn push(&mut self, frames: u32) {
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

struct Player {
    tcp: TcpStream,
    client: Client,
    /// The numbers it was sent.
    heard: Vec<u32>,
    /// Sequence headers among them.
    headers: usize,
}

impl Player {
    async fn join(address: SocketAddr) -> Self {
        let url = format!("rtmp://{address}/live/a").parse().unwrap();
        let client = Client::new(Instant::now(), ClientConfig::new(url, Role::Play), 7);
        let mut player = Self {
            tcp: TcpStream::connect(address).await.unwrap(),
            client: client.unwrap(),
            heard: Vec::new(),
            headers: 0,
        };
        bounded("play", async { while !player.step().await {} }).await;
        player
    }

    /// Writes and looks, and reads if there was nothing to see; true once it plays.
    async fn step(&mut self) -> bool {
        while let Some(mut output) = self.client.poll_output() {
            while output.has_remaining() {
                self.tcp.write_all_buf(&mut output).await.unwrap();
            }
        }
        let (mut ready, before) = (false, self.heard.len());
        while let Some(event) = self.client.poll_event() {
            match event {
                ClientEvent::Ready { .. } => ready = true,
                ClientEvent::Media(message) if message.kind == MediaKind::Audio => {
                    match message.payload.get(..2) {
                        Some([_, 0]) => self.headers += 1,
                        _ => {
                            let number = message.payload.get(2..6).unwrap();
                            self.heard
                                .push(u32::from_be_bytes(number.try_into().unwrap()));
                        }
                    }
                }
                _ => {}
            }
        }
        if !ready && self.heard.len() == before {
            let mut input = BytesMut::with_capacity(64 << 10);
            let read = self.tcp.read_buf(&mut input).await.unwrap();
            assert_ne!(read, 0, "hung up");
            self.client
                .handle_input(Instant::now(), input.freeze())
                .unwrap();
        }
        ready
    }

    async fn hears(&mut self, number: u32) {
        bounded("a frame", async {
            while self.heard.last().is_none_or(|last| *last < number) {
                self.step().await;
            }
        })
        .await;
    }
}

async fn house(merge: rtmp::Merge) -> (Context, SocketAddr) {
    let context = Context::new(Registry::new(Settings::default()), CancellationToken::new());
    let config = rtmp::Config {
        merge,
        ..rtmp::Config::new(([127, 0, 0, 1], 0).into())
    };
    let address = rtmp::serve(&context, config).await.unwrap();
    (context, address)
}

fn is_without_a_gap(heard: &[u32]) -> bool {
    heard.windows(2).all(|pair| pair[1] == pair[0] + 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_joins_hears_everything_from_then_on_however_many_there_are() {
    let merge = rtmp::Merge {
        cap: Duration::from_millis(200),
    };
    let (context, address) = house(merge).await;
    let mut feed = Feed::new(&context, 400);
    let mut players = Vec::new();
    // Enough of them for messages to be gathered, while new ones still come.
    for _ in 0..rtmp::Merge::NONE + 20 {
        feed.push(3);
        players.push(Player::join(address).await);
    }
    feed.push(1);
    let last = feed.next - 1;
    for player in &mut players {
        player.hears(last).await;
        assert!(is_without_a_gap(&player.heard), "{:?}", player.heard);
        assert_eq!(player.headers, 1);
    }
    context.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_goes_on_where_the_stream_is_and_holds_up_nobody() {
    let (context, address) = house(rtmp::Merge::default()).await;
    let mut feed = Feed::new(&context, 60_000);
    feed.push(1);
    let mut sleeper = Player::join(address).await;
    let mut awake = Player::join(address).await;
    // Four times what may wait for one player.
    for _ in 0..(64 << 20) / 60_000 {
        feed.push(1);
        let newest = feed.next - 1;
        awake.hears(newest).await;
    }
    assert!(is_without_a_gap(&awake.heard));
    let newest = feed.next - 1;
    sleeper.hears(newest).await;
    let gaps = sleeper
        .heard
        .windows(2)
        .filter(|pair| pair[1] != pair[0] + 1);
    assert!(
        gaps.count() >= 1,
        "it was given everything: {}",
        sleeper.heard.len()
    );
    assert!(sleeper.headers >= 2, "it begins anew behind a gap");
    let streams = context.registry().list();
    let viewers = streams[0].snapshot(Instant::now()).viewers;
    assert!(viewers.iter().any(|viewer| viewer.lost_items > 0));
    assert!(viewers.iter().any(|viewer| viewer.lost_items == 0));
    context.close().await;
}
