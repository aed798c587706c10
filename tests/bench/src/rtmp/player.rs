//! Many players in one thread. Most only count bytes, so that the machine's time goes to the
//! server; some read every message, to see how old frames are.

use super::publisher::config;
use crate::report::Latency;
use crate::{marker, os};
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use rtmp::session::{Client, ClientEvent, Media, MediaKind, Role};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// One of so many players reads its messages.
const SAMPLED: usize = 50;

/// Bytes taken from a socket at a time.
const TAKE: usize = 256 << 10;

/// Bytes after which a player says how much it has (RTMP 1.0 §5.4.3); half the window that
/// nginx-rtmp asks for.
const ACKNOWLEDGE: u64 = 2_500_000;

/// How long all players may take to be served their first bytes.
const PATIENCE: Duration = Duration::from_secs(30);

/// What serves a crowd.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Service<'a> {
    /// RTMP: each asks for its stream of this application.
    Rtmp { app: &'a str },
    /// Bytes for whoever connects.
    Bare,
}

/// A crowd, and what it got.
pub(crate) struct Players {
    players: Vec<Player>,
    poller: os::Poller,
    latency: Latency,
    buffer: Vec<u8>,
}

struct Player {
    tcp: TcpStream,
    mode: Mode,
    /// All that was ever received.
    received: u64,
    acknowledged: u64,
    /// Received since counting began.
    counted: u64,
    playing: bool,
    gone: bool,
}

enum Mode {
    /// Not playing yet, or playing and looking at everything.
    Session { client: Box<Client>, sampled: bool },
    /// Playing, and only counting; a server of RTMP is told how much.
    Counting { acknowledges: bool },
}

/// What a crowd got since counting began.
pub(crate) struct Delivered {
    /// All players' bytes.
    pub(crate) bytes: u64,
    /// The bytes of who got least.
    pub(crate) least_bytes: u64,
    /// The bytes of who got most.
    pub(crate) most_bytes: u64,
    /// Players whose connection ended.
    pub(crate) lost: usize,
    /// Ages of frames on arrival.
    pub(crate) latency: Latency,
}

impl Players {
    /// One player for each name; returns when all of them play.
    pub(crate) fn join(server: SocketAddr, service: Service<'_>, names: &[String]) -> Result<Self> {
        let mut crowd = Self {
            players: Vec::with_capacity(names.len()),
            poller: os::Poller::new()?,
            latency: Latency::default(),
            buffer: vec![0; TAKE],
        };
        for name in names {
            let player = Player::connect(server, service, name, crowd.players.len())?;
            crowd.poller.watch(&player.tcp, crowd.players.len())?;
            crowd.players.push(player);
            crowd.run_for(Duration::ZERO)?;
        }
        let deadline = Instant::now() + PATIENCE;
        while crowd
            .players
            .iter()
            .any(|player| !player.playing && !player.gone)
        {
            if Instant::now() > deadline {
                bail!(
                    "not all players came to play within {} s",
                    PATIENCE.as_secs()
                );
            }
            crowd.run_for(Duration::from_millis(50))?;
        }
        Ok(crowd)
    }

    /// Receives for so long.
    pub(crate) fn run_for(&mut self, time: Duration) -> Result<()> {
        let deadline = Instant::now() + time;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            for token in self.poller.wait(left)? {
                if let Some(player) = self.players.get_mut(token).filter(|player| !player.gone) {
                    player.receive(&mut self.buffer, &mut self.latency)?;
                }
            }
            if Instant::now() >= deadline {
                return Ok(());
            }
        }
    }

    /// Begins counting anew.
    pub(crate) fn forget(&mut self) {
        self.latency = Latency::default();
        self.players
            .iter_mut()
            .for_each(|player| player.counted = 0);
    }

    /// Closes all connections.
    pub(crate) fn finish(self) -> Delivered {
        let counted = || self.players.iter().map(|player| player.counted);
        Delivered {
            bytes: counted().sum(),
            least_bytes: counted().min().unwrap_or_default(),
            most_bytes: counted().max().unwrap_or_default(),
            lost: self.players.iter().filter(|player| player.gone).count(),
            latency: self.latency,
        }
    }
}

impl Player {
    fn connect(server: SocketAddr, service: Service<'_>, name: &str, index: usize) -> Result<Self> {
        let tcp = TcpStream::connect(server)?;
        tcp.set_nodelay(true)?;
        tcp.set_nonblocking(true)?;
        let mode = match service {
            Service::Bare => Mode::Counting {
                acknowledges: false,
            },
            Service::Rtmp { app } => {
                let config = config(server, app, name, Role::Play);
                let client = Client::new(Instant::now(), config, index as u64)?;
                Mode::Session {
                    client: Box::new(client),
                    sampled: index.is_multiple_of(SAMPLED),
                }
            }
        };
        let mut player = Self {
            tcp,
            mode,
            received: 0,
            acknowledged: 0,
            counted: 0,
            playing: matches!(service, Service::Bare),
            gone: false,
        };
        player.speak()?;
        Ok(player)
    }

    fn receive(&mut self, buffer: &mut [u8], latency: &mut Latency) -> Result<()> {
        let result = match self.mode {
            Mode::Counting { .. } => os::discard(&self.tcp, TAKE),
            Mode::Session { .. } => self.tcp.read(buffer),
        };
        let count = match result {
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Ok(0) | Err(_) => {
                self.gone = true;
                return Ok(());
            }
            Ok(count) => count,
        };
        self.received += count as u64;
        self.counted += count as u64;
        match self.mode {
            Mode::Counting { acknowledges: true } => self.acknowledge(),
            Mode::Counting { .. } => Ok(()),
            Mode::Session { .. } => {
                let input = Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default());
                self.converse(input, latency)
            }
        }
    }

    fn converse(&mut self, input: Bytes, latency: &mut Latency) -> Result<()> {
        let Mode::Session { client, sampled } = &mut self.mode else {
            return Ok(());
        };
        client.handle_input(Instant::now(), input)?;
        let mut counts_from_now = false;
        while let Some(event) = client.poll_event() {
            match event {
                ClientEvent::Media(Media {
                    kind: MediaKind::Video,
                    payload,
                    ..
                }) => {
                    let head = payload.get(..HEAD.min(payload.len())).unwrap_or_default();
                    if let Some(age) = marker::age_of_frame(head) {
                        latency.record(age);
                    }
                }
                ClientEvent::Ready { .. } => {
                    self.playing = true;
                    counts_from_now = !*sampled;
                }
                ClientEvent::Closed(_) => self.gone = true,
                _ => {}
            }
        }
        self.speak().context("a player's request")?;
        if counts_from_now {
            self.mode = Mode::Counting { acknowledges: true };
        }
        Ok(())
    }

    /// Writes what the session has to say; requests are far smaller than a socket's buffer.
    fn speak(&mut self) -> Result<()> {
        let Mode::Session { client, .. } = &mut self.mode else {
            return Ok(());
        };
        while let Some(output) = client.poll_output() {
            self.tcp.write_all(&output)?;
        }
        Ok(())
    }

    fn acknowledge(&mut self) -> Result<()> {
        if self.received - self.acknowledged < ACKNOWLEDGE {
            return Ok(());
        }
        self.acknowledged = self.received;
        // A full header (RTMP 1.0 §5.3.1): chunk stream 2, time 0, 4 bytes, type 3, stream 0.
        let mut message = [2, 0, 0, 0, 0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0];
        let total = (self.received as u32).to_be_bytes();
        if let Some(body) = message.last_chunk_mut() {
            *body = total;
        }
        self.tcp.write_all(&message)?;
        Ok(())
    }
}

/// Where in a frame its marker is looked for.
const HEAD: usize = 1024;
