//! A host with one stream, numbered datagrams, and bounded waits.
#![allow(dead_code, unreachable_pub)] // Each test binary takes what it needs.
#![allow(clippy::unwrap_used, clippy::expect_used)] // A test that cannot go on says so.

use bytes::Bytes;
use gateway::Context;
use hub::{Registry, Settings, Stream};
use link::LinkHandle;
use model::{Endpoint, Label, LinkState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio_util::sync::CancellationToken;

/// No wait in these tests is longer.
pub const PATIENCE: Duration = Duration::from_secs(15);

pub struct Host {
    pub context: Context,
    pub stream: Arc<Stream>,
}

impl Host {
    pub fn new() -> Self {
        let registry = Registry::new(Settings::default());
        let context = Context::new(registry.clone(), CancellationToken::new());
        let stream = registry
            .declare(&"live/test".parse().unwrap(), None)
            .unwrap();
        Self { context, stream }
    }

    pub fn source(&self, url: &str) -> LinkHandle {
        let endpoint: Endpoint = url.parse().unwrap();
        gateway::start_source(
            &self.context,
            self.stream.clone(),
            label("in"),
            endpoint,
            Default::default(),
        )
    }

    pub fn output(&self, name: &str, url: &str) -> LinkHandle {
        let endpoint: Endpoint = url.parse().unwrap();
        gateway::start_output(
            &self.context,
            self.stream.clone(),
            label(name),
            endpoint,
            Default::default(),
        )
    }

    /// A sender to a source of this host that already listens.
    pub async fn fed(&self) -> (LinkHandle, Feeder) {
        let port = free_port();
        let link = self.source(&format!("udp://127.0.0.1:{port}"));
        let stream = self.stream.clone();
        until("the source listens", || stream_connected(&stream)).await;
        (link, Feeder::to(([127, 0, 0, 1], port).into()).await)
    }
}

pub fn stream_connected(stream: &Stream) -> bool {
    let sources = stream.snapshot(std::time::Instant::now()).sources;
    sources.iter().any(|source| source.connected)
}

pub fn label(text: &str) -> Label {
    text.parse().unwrap()
}

pub fn state(link: &LinkHandle) -> LinkState {
    link.snapshot().status.state
}

/// A port nobody has right now.
pub fn free_port() -> u16 {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.local_addr().unwrap().port()
}

pub async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(
        tokio::time::timeout(PATIENCE, wait).await.is_ok(),
        "waited in vain: {what}"
    );
}

/// `packets` transport packets that carry `number`; no clock, no tables.
pub fn numbered(number: u64, packets: usize) -> Bytes {
    let mut datagram = Vec::with_capacity(packets * 188);
    for index in 0..packets as u64 {
        let counter = (number * 7 + index) % 16;
        datagram.extend([0x47, 0x01, 0x00, 0x10 | counter as u8]);
        datagram.extend(number.to_be_bytes());
        datagram.resize(datagram.len() + 188 - 12, index as u8);
    }
    datagram.into()
}

pub fn number_of(datagram: &[u8]) -> u64 {
    u64::from_be_bytes(datagram[4..12].try_into().unwrap())
}

/// Sends datagrams, seven packets each, numbered from 0.
pub struct Feeder {
    pub socket: UdpSocket,
    pub next: u64,
}

impl Feeder {
    pub async fn to(address: SocketAddr) -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(address).await.unwrap();
        Self { socket, next: 0 }
    }

    pub async fn send(&mut self) {
        self.socket.send(&numbered(self.next, 7)).await.unwrap();
        self.next += 1;
    }

    /// About 10 Mb/s until dropped or stopped; returns itself then.
    pub fn flow(mut self, stop: CancellationToken) -> tokio::task::JoinHandle<Self> {
        tokio::spawn(async move {
            let mut ticks = tokio::time::interval(Duration::from_millis(2));
            // A machine that stood still is not to be made up for in one burst.
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            while !stop.is_cancelled() {
                ticks.tick().await;
                self.send().await;
                self.send().await;
            }
            self
        })
    }
}

/// A receiver that keeps whatever comes.
pub struct Sink {
    pub url: String,
    received: Arc<parking_lot::Mutex<Vec<Vec<u8>>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Sink {
    pub async fn new() -> Self {
        Self::at(0).await
    }

    pub async fn at(port: u16) -> Self {
        Self::on(UdpSocket::bind(("127.0.0.1", port)).await.unwrap())
    }

    pub fn on(socket: UdpSocket) -> Self {
        let url = format!("udp://{}", socket.local_addr().unwrap());
        // The tests count what the host loses, so the sink itself must not: by default it would,
        // whenever its task waits 0.1 s for a processor.
        socket2::SockRef::from(&socket)
            .set_recv_buffer_size(4 << 20)
            .unwrap();
        let received = Arc::<parking_lot::Mutex<Vec<Vec<u8>>>>::default();
        let kept = received.clone();
        let task = tokio::spawn(async move {
            let mut buffer = vec![0; 65536];
            while let Ok(len) = socket.recv(&mut buffer).await {
                kept.lock().push(buffer[..len].to_vec());
            }
        });
        Self {
            url,
            received,
            task,
        }
    }

    pub fn count(&self) -> usize {
        self.received.lock().len()
    }

    pub fn datagrams(&self) -> Vec<Vec<u8>> {
        self.received.lock().clone()
    }

    pub fn numbers(&self) -> Vec<u64> {
        self.received
            .lock()
            .iter()
            .map(|datagram| number_of(datagram))
            .collect()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether numbers follow one another without a gap.
pub fn gapless(numbers: &[u64]) -> bool {
    numbers.windows(2).all(|pair| pair[1] == pair[0] + 1)
}
