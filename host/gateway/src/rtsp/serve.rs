//! Viewers who come to us: the shared packets of a stream, to one player.

use super::connection::{Connection, Failure, until};
use ::rtsp::message::{FRAME_HEADER_BYTES, frames};
use ::rtsp::session::ServerEvent;
use bytes::Bytes;
use hub::{ReadError, RtpPackets, RtpSession, Start, Viewer};
use std::sync::Arc;
use std::time::Instant;

/// Access units taken at a time; a new player begins with a whole group of pictures.
const BATCH: usize = 256;

/// Plays until the player leaves, or the stream ends.
pub(super) async fn run(
    connection: &mut Connection,
    viewer: Viewer,
    session: Arc<RtpSession>,
) -> Result<(), Failure> {
    let mut reader = viewer.stream().read_rtp(Start::RandomAccess);
    let mut player = Player::new(connection, viewer, session);
    let mut units = Vec::with_capacity(BATCH);
    loop {
        while let Some(event) = connection.session.poll_event(Instant::now())? {
            match event {
                ServerEvent::Pause => player.state = State::Paused,
                ServerEvent::Play => {
                    player.go_on();
                    connection.session.accept(Instant::now());
                }
                ServerEvent::Closed => return connection.flush().await,
                // Receiver reports tell that the player lives, which the session has seen.
                _ => {}
            }
        }
        connection.flush().await?;
        tokio::select! {
            biased;
            read = connection.wire.read(&mut connection.block) => {
                if !connection.take_in(read?) {
                    return Ok(());
                }
            }
            Some(_) = connection.datagrams.recv() => connection.session.alive(Instant::now()),
            read = reader.recv_many(&mut units, BATCH) => match read {
                Ok(_) => player.play(connection, &mut units).await?,
                Err(ReadError::Lagged(lost)) => player.viewer.lost(lost),
                Err(ReadError::Closed) => return Ok(()),
            },
            () = until(connection.session.poll_timeout()) => {
                connection.session.handle_timeout(Instant::now())?;
            }
        }
    }
}

struct Player {
    viewer: Viewer,
    /// What the player was told.
    session: Arc<RtpSession>,
    /// Of each track, whether it is wanted.
    wanted: Vec<bool>,
    interleaved: bool,
    state: State,
    wire: Vec<Bytes>,
}

#[derive(PartialEq, Eq)]
enum State {
    Playing,
    Paused,
    /// Played on after a pause: goes on with the next key frame. What passed meanwhile was
    /// live, and is gone.
    Resuming,
}

impl Player {
    fn new(connection: &Connection, viewer: Viewer, session: Arc<RtpSession>) -> Self {
        let transports = connection.session.transports();
        Self {
            viewer,
            session,
            wanted: transports.map(|track| track.is_some()).collect(),
            interleaved: connection.session.is_interleaved(),
            state: State::Playing,
            wire: Vec::new(),
        }
    }

    fn go_on(&mut self) {
        if self.state == State::Paused {
            self.state = State::Resuming;
        }
    }

    fn wants(&mut self, unit: &RtpPackets) -> bool {
        if self.state == State::Resuming && unit.random_access {
            self.state = State::Playing;
        }
        self.state == State::Playing
    }

    fn wants_track(&self, track: usize) -> bool {
        self.wanted.get(track).copied().unwrap_or_default()
    }

    async fn play(
        &mut self,
        connection: &mut Connection,
        units: &mut Vec<RtpPackets>,
    ) -> Result<(), Failure> {
        for unit in units.drain(..) {
            if !Arc::ptr_eq(&self.session, &unit.session) {
                if !self.session.continues(&unit.session) {
                    return Err(Failure::Changed);
                }
                self.session = unit.session.clone();
            }
            if !self.wants(&unit) {
                continue;
            }
            if self.wanted.iter().all(|wanted| *wanted) {
                self.wire.push(unit.wire);
            } else {
                let tracks = frames(&unit.wire);
                let wanted =
                    tracks.filter(|(channel, _)| self.wants_track(usize::from(channel / 2)));
                let wanted: Vec<_> = wanted.map(|(_, frame)| frame).collect();
                self.wire.extend(wanted);
            }
        }
        let bytes = self.wire.iter().map(Bytes::len).sum();
        match self.interleaved {
            true => connection.wire.write(&self.wire).await?,
            false => self.send(connection).await,
        }
        self.viewer.sent(bytes);
        self.wire.clear();
        Ok(())
    }

    /// Datagrams that the system does not take are lost, as others are on their way.
    async fn send(&self, connection: &Connection) {
        for (channel, frame) in self.wire.iter().flat_map(frames) {
            let (track, rtcp) = (usize::from(channel / 2), channel % 2 == 1);
            let mut registrations = connection.registrations.iter();
            if let Some(registration) = registrations.find(|it| it.track() == track) {
                let packet = frame.get(FRAME_HEADER_BYTES..).unwrap_or_default();
                if !registration.send(rtcp, packet).await {
                    self.viewer.lost(1);
                }
            }
        }
    }
}
