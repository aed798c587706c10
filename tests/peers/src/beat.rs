//! A stream whose datagrams are numbered: a sender, and sinks that count what is missing.

use crate::ports;
use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Bytes of a transport packet.
const PACKET: usize = 188;
/// Packets of media in a datagram; the seventh carries the number.
const MEDIA_PACKETS: usize = 6;
/// Between two datagrams: 2 Mb/s.
const STEP: Duration = Duration::from_millis(5);
/// How often threads look whether they are to end.
const GLANCE: Duration = Duration::from_millis(50);
/// Room for what comes while a thread does not run; the system may grant less.
const BUFFER: usize = 8 << 20;

/// A null packet (PID 0x1FFF), which every multiplexer and router passes on or drops whole.
const NULL_HEADER: [u8; 4] = [0x47, 0x1F, 0xFF, 0x10];
const MAGIC: [u8; 8] = *b"pm-beat.";

/// Sends numbered datagrams of a clip over and over until dropped.
#[derive(Debug)]
pub struct Beat {
    sent: Arc<Mutex<u64>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Beat {
    /// Sends to this port of loopback.
    ///
    /// # Panics
    /// When FFmpeg does not make the clip.
    pub fn to(port: u16) -> Self {
        Self::from(port, 0)
    }

    /// As [`Beat::to`], counting on from a number.
    ///
    /// # Panics
    /// When FFmpeg does not make the clip.
    pub fn from(port: u16, first: u64) -> Self {
        let clip = clip();
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let (sent, stop) = (Arc::new(Mutex::new(first)), Arc::<AtomicBool>::default());
        let (counted, stopped) = (sent.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let mut next = Instant::now();
            let pieces = clip.chunks_exact(MEDIA_PACKETS * PACKET).cycle();
            for (number, piece) in (first..).zip(pieces) {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let datagram = [piece, &mark(number)].concat();
                // Nobody listening yet is no error.
                let _ = socket.send_to(&datagram, ("127.0.0.1", port));
                *counted.lock().unwrap() = number + 1;
                next += STEP;
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
        });
        Self {
            sent,
            stop,
            thread: Some(thread),
        }
    }

    /// The number that comes next.
    ///
    /// # Panics
    /// When its thread panicked.
    pub fn next(&self) -> u64 {
        *self.sent.lock().unwrap()
    }
}

impl Drop for Beat {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Receives on a port of loopback and notes the numbers.
#[derive(Debug)]
pub struct Sink {
    /// Its port.
    pub port: u16,
    seen: Arc<Mutex<BTreeSet<u64>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Sink {
    /// Listens from its return on.
    ///
    /// # Panics
    /// When there is no port.
    pub fn open() -> Self {
        let port = ports::free();
        let socket = UdpSocket::bind(("127.0.0.1", port)).expect("a free port");
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(BUFFER);
        socket.set_read_timeout(Some(GLANCE)).expect("a timeout");
        let (seen, stop) = (
            Arc::<Mutex<BTreeSet<u64>>>::default(),
            Arc::<AtomicBool>::default(),
        );
        let (noted, stopped) = (seen.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let mut datagram = vec![0; 64 << 10];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok(length) = socket.recv(&mut datagram) {
                    noted.lock().unwrap().extend(numbers(&datagram[..length]));
                }
            }
        });
        Self {
            port,
            seen,
            stop,
            thread: Some(thread),
        }
    }

    /// The newest number so far.
    ///
    /// # Panics
    /// When its thread panicked.
    pub fn newest(&self) -> Option<u64> {
        self.seen.lock().unwrap().last().copied()
    }

    /// How many numbers are missing between the first and the newest.
    ///
    /// # Panics
    /// When its thread panicked.
    pub fn missing(&self) -> u64 {
        let seen = self.seen.lock().unwrap();
        match (seen.first(), seen.last()) {
            (Some(first), Some(last)) => last - first + 1 - seen.len() as u64,
            _ => 0,
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The numbers in whole transport packets.
pub fn numbers(packets: &[u8]) -> impl Iterator<Item = u64> {
    packets.chunks_exact(PACKET).filter_map(|packet| {
        let rest = packet.strip_prefix(&NULL_HEADER)?.strip_prefix(&MAGIC)?;
        Some(u64::from_be_bytes(*rest.first_chunk()?))
    })
}

fn mark(number: u64) -> [u8; PACKET] {
    let mut packet = [0xFF; PACKET];
    let fields = NULL_HEADER
        .into_iter()
        .chain(MAGIC)
        .chain(number.to_be_bytes());
    packet
        .iter_mut()
        .zip(fields)
        .for_each(|(place, byte)| *place = byte);
    packet
}

/// Two seconds of transport stream with a key frame each half second.
fn clip() -> Vec<u8> {
    let mut command = Command::new("ffmpeg");
    command.args([
        "-hide_banner",
        "-nostdin",
        "-loglevel",
        "error",
        "-f",
        "lavfi",
    ]);
    command.args(["-i", "testsrc2=size=320x180:rate=25:duration=2", "-g", "12"]);
    command.args([
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-f",
        "mpegts",
        "-",
    ]);
    let made = command.stderr(Stdio::inherit()).output();
    let made = made.expect("ffmpeg is needed (make setup-test)");
    assert!(made.status.success() && !made.stdout.is_empty(), "no clip");
    made.stdout
}
