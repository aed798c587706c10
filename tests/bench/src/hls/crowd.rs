//! Many players of one rendition in one thread.

use super::http::Connection;
use super::playlist;
use crate::os;
use crate::report::Latency;
use anyhow::{Context, Result};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What is asked for, and when.
pub(super) enum Plan {
    /// The playlist when it has a new part (blocking reload), then that part.
    Blocking { folder: String, playlist: String },
    /// Two files of a server of files, one after the other, at every tick.
    Files {
        list: String,
        part: String,
        every: Duration,
    },
}

/// A crowd, and what it got.
pub(super) struct Crowd {
    plan: Plan,
    players: Vec<Player>,
    poller: os::Poller,
    /// When the first of all players heard of a part.
    announced: HashMap<String, Instant>,
    next_tick: Instant,
    pub(super) got: Got,
}

/// What came since counting began.
#[derive(Default)]
pub(super) struct Got {
    pub(super) playlists: u64,
    pub(super) parts: u64,
    /// Of parts, heads included.
    pub(super) part_bytes: u64,
    /// Of playlists, heads included.
    pub(super) playlist_bytes: u64,
    /// From the first announcement of a part to its last byte.
    pub(super) delivery: Latency,
}

struct Player {
    connection: Connection,
    waits: Waits,
    /// The segment and part to ask for next.
    next: (u64, u64),
    /// Of its connection before the answer that is on its way.
    received: u64,
}

enum Waits {
    Playlist,
    Part(Option<Instant>),
    Tick,
}

impl Crowd {
    /// So many players, who have asked for their first playlist.
    pub(super) fn join(server: SocketAddr, count: usize, plan: Plan) -> Result<Self> {
        let mut crowd = Self {
            plan,
            players: Vec::with_capacity(count),
            poller: os::Poller::new()?,
            announced: HashMap::new(),
            next_tick: Instant::now(),
            got: Got::default(),
        };
        for token in 0..count {
            let mut connection = Connection::open(server)?;
            crowd.poller.watch(connection.socket(), token)?;
            let waits = match &crowd.plan {
                Plan::Blocking { folder, playlist } => {
                    connection.get(&format!("{folder}{playlist}"), true)?;
                    Waits::Playlist
                }
                Plan::Files { .. } => Waits::Tick,
            };
            crowd.players.push(Player {
                connection,
                waits,
                next: (0, 0),
                received: 0,
            });
        }
        Ok(crowd)
    }

    /// Plays for so long.
    pub(super) fn run_for(&mut self, time: Duration) -> Result<()> {
        let deadline = Instant::now() + time;
        while Instant::now() < deadline {
            self.tick()?;
            let until = match self.plan {
                Plan::Blocking { .. } => deadline,
                Plan::Files { .. } => deadline.min(self.next_tick),
            };
            let left = until.saturating_duration_since(Instant::now());
            let ready: Vec<usize> = self.poller.wait(left)?.collect();
            for token in ready {
                self.serve(token)?;
            }
        }
        Ok(())
    }

    /// Begins counting anew.
    pub(super) fn forget(&mut self) {
        self.got = Got::default();
    }

    /// Sends everybody who has what it wanted for the files again.
    fn tick(&mut self) -> Result<()> {
        let Plan::Files { list, every, .. } = &self.plan else {
            return Ok(());
        };
        if Instant::now() < self.next_tick {
            return Ok(());
        }
        self.next_tick = Instant::now() + *every;
        let idle = |player: &&mut Player| matches!(player.waits, Waits::Tick);
        for player in self.players.iter_mut().filter(idle) {
            player.connection.get(list, true)?;
            player.waits = Waits::Playlist;
        }
        Ok(())
    }

    fn serve(&mut self, token: usize) -> Result<()> {
        let Some(player) = self.players.get_mut(token) else {
            return Ok(());
        };
        if !player.connection.advance()? {
            return Ok(());
        }
        let bytes = player.connection.received - player.received;
        player.received = player.connection.received;
        let got = &mut self.got;
        match (&player.waits, &self.plan) {
            (Waits::Playlist, plan) => {
                got.playlists += 1;
                got.playlist_bytes += bytes;
                let (part, told) = match plan {
                    Plan::Files { part, .. } => (part.clone(), None),
                    Plan::Blocking { folder, .. } => {
                        let text = std::str::from_utf8(player.connection.body())?;
                        let listing = playlist::read(text).context("no part is listed")?;
                        player.next = listing.next;
                        let path = format!("{folder}{}", listing.newest);
                        let told = self.announced.entry(listing.newest);
                        (path, Some(*told.or_insert_with(Instant::now)))
                    }
                };
                player.connection.get(&part, false)?;
                player.waits = Waits::Part(told);
            }
            (Waits::Part(told), plan) => {
                got.parts += 1;
                got.part_bytes += bytes;
                if let Some(told) = told {
                    got.delivery.record(told.elapsed());
                }
                player.waits = match plan {
                    Plan::Files { .. } => Waits::Tick,
                    Plan::Blocking { folder, playlist } => {
                        let (segment, part) = player.next;
                        let when = format!("_HLS_msn={segment}&_HLS_part={part}&_HLS_skip=YES");
                        let path = format!("{folder}{playlist}?{when}");
                        player.connection.get(&path, true)?;
                        Waits::Playlist
                    }
                };
            }
            // Nothing was asked for.
            (Waits::Tick, _) => {}
        }
        Ok(())
    }
}
