//! Streams whose every datagram is numbered: what is lost, doubled or late shows at the sinks.

use crate::{Host, ports, until};
use std::net::{Ipv4Addr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const PACKET: usize = 188;
const DATAGRAM: usize = 7 * PACKET;

/// Between two datagrams of a stream.
const INTERVAL: Duration = Duration::from_millis(10);

/// How often a thread looks whether it is over.
const LOOK: Duration = Duration::from_millis(200);

/// Some streams that flow, each over UDP from a sender through a host to a sink.
#[derive(Debug)]
pub struct Herd {
    streams: Vec<Way>,
    stop: Arc<AtomicBool>,
    senders: Vec<JoinHandle<()>>,
    sinks: Vec<JoinHandle<Taken>>,
}

/// Where a stream goes along.
#[derive(Debug, Clone)]
struct Way {
    name: String,
    way_in: u16,
    way_out: u16,
}

/// What a sink took.
#[derive(Debug)]
struct Taken {
    numbers: Vec<u64>,
    longest_pause: Duration,
}

impl Herd {
    /// `herd/0` and so on, still at rest; the sinks listen.
    ///
    /// # Panics
    /// When a port cannot be had.
    pub fn of(count: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let way = |n| Way {
            name: format!("herd/{n}"),
            way_in: ports::free(),
            way_out: ports::free(),
        };
        let streams: Vec<Way> = (0..count).map(way).collect();
        let sinks = streams.iter().map(|way| {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, way.way_out)).expect("a port");
            socket.set_read_timeout(Some(LOOK)).expect("a time-out");
            let stop = Arc::clone(&stop);
            std::thread::spawn(move || listen(&socket, &stop))
        });
        let sinks = sinks.collect();
        Self {
            streams,
            stop,
            senders: Vec::new(),
            sinks,
        }
    }

    /// The inputs, as they stand in a configuration.
    pub fn inputs(&self) -> String {
        let input = |Way {
                         name,
                         way_in,
                         way_out,
                     }: &Way| {
            format!(
                "[[inputs]]\nname = \"{name}\"\nsources = [{{ type = \"udp\", address = \"127.0.0.1:{way_in}\" }}]\n\
                 [[inputs.outputs]]\nname = \"sink\"\nurl = \"udp://127.0.0.1:{way_out}\"\n"
            )
        };
        self.streams.iter().map(input).collect()
    }

    /// Names of the streams.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.streams.iter().map(|way| way.name.as_str())
    }

    /// Sends from now on, once the host listens and its outputs run.
    ///
    /// # Panics
    /// When they do not in time.
    pub fn start(&mut self, host: &Host) {
        for Way { name, way_in, .. } in &self.streams {
            ports::until_listened(*way_in);
            until(&format!("the output of {name} runs"), || {
                let state = |view: serde_json::Value| {
                    view["outputs"][0]["state"].as_str().map(ToOwned::to_owned)
                };
                let state = host
                    .http
                    .json(&format!("/api/v1/streams/{name}"))
                    .and_then(state);
                state.is_some_and(|state| state != "stopped")
            });
        }
        for way in &self.streams {
            let (stop, port) = (Arc::clone(&self.stop), way.way_in);
            self.senders
                .push(std::thread::spawn(move || send(port, &stop)));
        }
    }

    /// Ends sending, and asserts that every sink took what was sent since its first datagram,
    /// each once and in order, without a pause longer than `longest_pause`.
    ///
    /// # Panics
    /// When one did not.
    pub fn assert_unharmed(self, longest_pause: Duration) {
        self.stop.store(true, Ordering::Relaxed);
        for sender in self.senders {
            sender.join().expect("a sender ends");
        }
        for (way, sink) in self.streams.iter().zip(self.sinks) {
            let Taken {
                numbers,
                longest_pause: pause,
            } = sink.join().expect("a sink ends");
            let first = numbers.first().copied().unwrap_or_default();
            let broken = numbers
                .iter()
                .zip(first..)
                .find(|(taken, due)| *taken != due);
            assert!(
                numbers.len() > 100,
                "{}: {} datagrams came",
                way.name,
                numbers.len()
            );
            assert_eq!(
                broken,
                None,
                "{}: (came, due) of {}",
                way.name,
                numbers.len()
            );
            assert!(pause < longest_pause, "{}: a pause of {pause:?}", way.name);
        }
    }
}

/// Null packets (ISO/IEC 13818-1 §2.4.1), which pass bit-exact; the first one carries a number.
fn send(port: u16, stop: &AtomicBool) {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let mut datagram = [0xff; DATAGRAM];
    for packet in datagram.chunks_mut(PACKET) {
        packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
    }
    let began = Instant::now();
    for number in 0_u64.. {
        if stop.load(Ordering::Relaxed) {
            return;
        }
        datagram[4..12].copy_from_slice(&number.to_be_bytes());
        socket
            .send_to(&datagram, (Ipv4Addr::LOCALHOST, port))
            .expect("it is sent");
        let due = INTERVAL * u32::try_from(number + 1).unwrap_or(u32::MAX);
        std::thread::sleep(due.saturating_sub(began.elapsed()));
    }
}

fn listen(socket: &UdpSocket, stop: &AtomicBool) -> Taken {
    let mut taken = Taken {
        numbers: Vec::new(),
        longest_pause: Duration::ZERO,
    };
    let mut last = None;
    let mut datagram = [0; 2 * DATAGRAM];
    loop {
        let Ok(len) = socket.recv(&mut datagram) else {
            // Nothing for a while; at the end that is all.
            if stop.load(Ordering::Relaxed) {
                return taken;
            }
            continue;
        };
        let now = Instant::now();
        if let Some(last) = last.replace(now) {
            taken.longest_pause = taken.longest_pause.max(now - last);
        }
        for packet in datagram[..len].chunks(PACKET) {
            // The others are stuffing, but for the numbered ones.
            if packet.len() == PACKET && packet[4..6] == [0, 0] {
                let number = packet[4..12].try_into().expect("eight bytes");
                taken.numbers.push(u64::from_be_bytes(number));
            }
        }
    }
}
