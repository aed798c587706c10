//! A UDP receiver of transport streams that counts what is missing.

use crate::ports;
use crate::wait::until;
use std::collections::HashMap;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// Bytes of a transport packet.
const PACKET: usize = 188;
const NULL_PID: u16 = 0x1FFF;
/// How often the thread looks whether it is to end.
const GLANCE: Duration = Duration::from_millis(50);
/// Room for what comes while the thread does not run; the system may grant less.
const BUFFER: usize = 8 << 20;

/// Receives on a port of loopback until dropped.
#[derive(Debug)]
pub struct Tap {
    /// Its port.
    pub port: u16,
    seen: Arc<Mutex<Seen>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Seen {
    packets: u64,
    gaps: u64,
    /// The last continuity counter of each PID.
    counters: HashMap<u16, u8>,
}

impl Tap {
    /// Listens from its return on.
    ///
    /// # Panics
    /// When there is no port.
    pub fn open() -> Self {
        let port = ports::free();
        let socket = UdpSocket::bind(("127.0.0.1", port)).expect("a free port");
        let _ = socket2::SockRef::from(&socket).set_recv_buffer_size(BUFFER);
        socket.set_read_timeout(Some(GLANCE)).expect("a timeout");
        let (seen, stop) = (Arc::<Mutex<Seen>>::default(), Arc::<AtomicBool>::default());
        let (noted, stopped) = (seen.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            let mut datagram = vec![0; 64 << 10];
            while !stopped.load(Ordering::Relaxed) {
                if let Ok(length) = socket.recv(&mut datagram) {
                    noted.lock().unwrap().note(&datagram[..length]);
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

    /// Its address, as the URL of an output.
    pub fn url(&self) -> String {
        format!("udp://127.0.0.1:{}", self.port)
    }

    /// Transport packets so far.
    ///
    /// # Panics
    /// When its thread panicked.
    pub fn packets(&self) -> u64 {
        self.seen.lock().unwrap().packets
    }

    /// Where continuity counters did not go on by one (ISO/IEC 13818-1 §2.4.3.3), so far.
    ///
    /// # Panics
    /// When its thread panicked.
    pub fn gaps(&self) -> u64 {
        self.seen.lock().unwrap().gaps
    }

    /// Forgets what it saw: another sender begins.
    ///
    /// # Panics
    /// When its thread panicked.
    pub fn begin_anew(&self) {
        *self.seen.lock().unwrap() = Seen::default();
    }

    /// Waits for so many packets more.
    ///
    /// # Panics
    /// When they do not come in time.
    pub fn await_more(&self, packets: u64, when: &str) {
        let from = self.packets();
        until(&format!("{packets} packets more, {when}"), || {
            self.packets() >= from + packets
        });
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Seen {
    fn note(&mut self, datagram: &[u8]) {
        for packet in datagram.chunks_exact(PACKET) {
            self.packets += 1;
            let pid = u16::from_be_bytes([packet[1] & 0x1F, packet[2]]);
            let (has_payload, counter) = (packet[3] & 0x10 != 0, packet[3] & 0x0F);
            if pid == NULL_PID || !has_payload {
                continue;
            }
            let before = self.counters.insert(pid, counter);
            if before.is_some_and(|before| (before + 1) & 0x0F != counter) {
                self.gaps += 1;
            }
        }
    }
}
