//! Many receivers in one thread: what came, how old, and the longest pause.

use super::media::Schedule;
use crate::marker::{DATAGRAM, Mark, mark_of};
use crate::os;
use crate::report::Latency;
use anyhow::{Context, Result, anyhow};
use socket2::SockRef;
use std::net::{SocketAddr, UdpSocket};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Room for what comes while the thread does not run; the system may grant less.
const BUFFER: usize = 4 << 20;

/// How often the thread looks whether it is to end.
const GLANCE: Duration = Duration::from_millis(50);

/// Bound sockets, at addresses that stay.
pub(crate) struct Sinks(Arc<Vec<UdpSocket>>);

/// Sinks that receive.
pub(crate) struct Watch {
    stop: Arc<AtomicBool>,
    /// Datagrams of all sinks so far.
    received: Arc<AtomicU64>,
    thread: JoinHandle<Result<Vec<Tally>>>,
}

/// What one sink got of the datagrams that count.
pub(crate) struct Tally {
    /// How many.
    pub(crate) received: u64,
    /// How old they were.
    pub(crate) latency: Latency,
    /// The longest time between two of them.
    pub(crate) longest_gap: Duration,
    counted: Range<u64>,
    last_ns: Option<u64>,
}

impl Sinks {
    /// So many, on loopback.
    pub(crate) fn bind(count: usize) -> Result<Self> {
        let bind = |_| {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            SockRef::from(&socket).set_recv_buffer_size(BUFFER)?;
            Ok(socket)
        };
        Ok(Self(Arc::new((0..count).map(bind).collect::<Result<_>>()?)))
    }

    /// Where they are.
    pub(crate) fn addresses(&self) -> Result<Vec<SocketAddr>> {
        self.0
            .iter()
            .map(|socket| Ok(socket.local_addr()?))
            .collect()
    }

    /// Receives in a thread.
    pub(crate) fn watch(&self, schedule: &Schedule) -> Watch {
        let (stop, received) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicU64::new(0)),
        );
        let mut reception = Reception {
            sockets: self.0.clone(),
            tallies: self
                .0
                .iter()
                .map(|_| Tally::new(schedule.counted()))
                .collect(),
            stop: stop.clone(),
            received: received.clone(),
        };
        let thread = std::thread::spawn(move || {
            reception.run()?;
            Ok(reception.tallies)
        });
        Watch {
            stop,
            received,
            thread,
        }
    }
}

impl Watch {
    /// Bytes of all sinks so far, whether they count or not.
    pub(crate) fn bytes(&self) -> u64 {
        self.received.load(Ordering::Relaxed) * DATAGRAM as u64
    }

    /// Ends, and tells what came, sink by sink.
    pub(crate) fn finish(self) -> Result<Vec<Tally>> {
        self.stop.store(true, Ordering::Relaxed);
        let tallies = self
            .thread
            .join()
            .map_err(|_| anyhow!("the sinks' thread broke off"))?;
        tallies.context("receiving over UDP")
    }
}

struct Reception {
    sockets: Arc<Vec<UdpSocket>>,
    tallies: Vec<Tally>,
    stop: Arc<AtomicBool>,
    received: Arc<AtomicU64>,
}

impl Reception {
    fn run(&mut self) -> Result<()> {
        let mut poller = os::Poller::new()?;
        for (token, socket) in self.sockets.iter().enumerate() {
            poller.watch(socket, token)?;
        }
        let mut receiver = os::Receiver::new();
        while !self.stop.load(Ordering::Relaxed) {
            for token in poller.wait(GLANCE)? {
                let (socket, tally) = (self.sockets.get(token), self.tallies.get_mut(token));
                let (Some(socket), Some(tally)) = (socket, tally) else {
                    continue;
                };
                let (datagrams, now_ns) = (receiver.receive(socket)?, os::monotonic_ns());
                for mark in datagrams.filter_map(mark_of) {
                    tally.note(mark, now_ns);
                    self.received.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        Ok(())
    }
}

impl Tally {
    fn new(counted: Range<u64>) -> Self {
        let (latency, longest_gap) = (Latency::default(), Duration::ZERO);
        Self {
            received: 0,
            latency,
            longest_gap,
            counted,
            last_ns: None,
        }
    }

    fn note(&mut self, mark: Mark, now_ns: u64) {
        if !self.counted.contains(&mark.sequence) {
            return;
        }
        self.received += 1;
        self.latency
            .record(Duration::from_nanos(now_ns.saturating_sub(mark.sent_ns)));
        if let Some(last_ns) = self.last_ns.replace(now_ns) {
            self.longest_gap = self.longest_gap.max(Duration::from_nanos(now_ns - last_ns));
        }
    }
}
