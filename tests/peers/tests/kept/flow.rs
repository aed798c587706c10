//! Packets with numbers, in at one end of a host and out at the other.

use peers::{ports, until};
use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const PACKET: usize = 188;
/// Packets of a datagram.
const TOGETHER: usize = 7;

/// A sender and a sink with the host between them.
pub(crate) struct Flow {
    input: u16,
    sink: Arc<Sink>,
    threads: Vec<JoinHandle<()>>,
}

#[derive(Default)]
struct Sink {
    stop: AtomicBool,
    seen: AtomicU64,
    lost: AtomicU64,
}

impl Flow {
    /// Ports for an input and its output: the lines of a configuration, and the flow, which does
    /// not flow yet.
    pub(crate) fn new() -> (String, Self) {
        let input = ports::free();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let output = socket.local_addr().unwrap();
        let sink = Arc::<Sink>::default();
        let config = format!(
            "[[inputs]]\nname = \"live/cam\"\n\
             sources = [{{ type = \"udp\", address = \"127.0.0.1:{input}\" }}]\n\
             outputs = [{{ name = \"sink\", url = \"udp://{output}\" }}]\n"
        );
        let counting = sink.clone();
        let threads = vec![std::thread::spawn(move || counting.count(&socket))];
        let flow = Self {
            input,
            sink,
            threads,
        };
        (config, flow)
    }

    /// Sends until it is dropped; returns once packets come out.
    pub(crate) fn start(&mut self) {
        let (input, sink) = (self.input, self.sink.clone());
        let sender = std::thread::spawn(move || send(input, &sink.stop));
        self.threads.push(sender);
        self.goes_on();
    }

    /// Waits until a good many more packets have come out.
    pub(crate) fn goes_on(&self) {
        let before = self.sink.seen.load(Ordering::Relaxed);
        until("packets come out", || {
            self.sink.seen.load(Ordering::Relaxed) >= before + 500
        });
    }

    /// Packets that were missing among those that came.
    pub(crate) fn lost(&self) -> u64 {
        self.sink.lost.load(Ordering::Relaxed)
    }
}

impl Drop for Flow {
    fn drop(&mut self) {
        self.sink.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Sink {
    fn count(&self, socket: &UdpSocket) {
        socket
            .set_read_timeout(Some(Duration::from_millis(100)))
            .unwrap();
        let mut datagram = [0; 2048];
        let mut last = None;
        while !self.stop.load(Ordering::Relaxed) {
            let Ok(length) = socket.recv(&mut datagram) else {
                continue;
            };
            for packet in datagram[..length].chunks_exact(PACKET) {
                let number = u64::from_be_bytes(packet[4..12].try_into().unwrap());
                if let Some(last) = last {
                    let missing = number.saturating_sub(last + 1);
                    self.lost.fetch_add(missing, Ordering::Relaxed);
                }
                last = Some(number);
                self.seen.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// Transport packets of one stream, each with its number, some 3 Mb/s.
fn send(port: u16, stop: &AtomicBool) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut number = 0_u64;
    while !stop.load(Ordering::Relaxed) {
        let mut datagram = Vec::with_capacity(TOGETHER * PACKET);
        for _ in 0..TOGETHER {
            let counter = 0x10 | (number & 0x0f) as u8;
            datagram.extend([0x47, 0x01, 0x00, counter]);
            datagram.extend(number.to_be_bytes());
            datagram.resize(datagram.len() + PACKET - 12, 0xff);
            number += 1;
        }
        // Nobody may listen yet, or any more.
        let _ = socket.send_to(&datagram, ("127.0.0.1", port));
        std::thread::sleep(Duration::from_millis(3));
    }
}
