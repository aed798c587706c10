//! Viewers who come to us: the shared wire messages of a stream, to one player.

use super::connection::{Connection, Failure, until};
use super::write::flush_server;
use ::rtmp::session::ServerEvent;
use bytes::Bytes;
use hub::{Preface, ReadError, RtmpMessage, Start, Viewer};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;

/// Messages taken at a time; a new player begins with a whole group of pictures.
const BATCH: usize = 256;

/// Plays until the player stops or leaves, or the stream ends.
pub(super) async fn run(connection: &mut Connection, viewer: Viewer) -> Result<(), Failure> {
    let mut reader = viewer.stream().read_rtmp(Start::RandomAccess);
    let mut player = Player::new(viewer);
    let mut messages = Vec::with_capacity(BATCH);
    loop {
        while let Some(event) = connection.session.poll_event() {
            match event {
                ServerEvent::Pause(paused) => player.pause(paused),
                ServerEvent::Stop | ServerEvent::Closed(_) => return Ok(()),
                _ => {}
            }
        }
        flush_server(&connection.tcp, &mut connection.session).await?;
        tokio::select! {
            biased;
            // Not `readable()`, which would join and leave a list of waiters for each message.
            ready = poll_fn(|cx| connection.tcp.poll_read_ready(cx)) => {
                ready?;
                if !connection.read_ready()? {
                    return Ok(());
                }
            }
            read = reader.recv_many(&mut messages, BATCH) => match read {
                Ok(_) => player.play(connection, &mut messages).await?,
                Err(ReadError::Lagged(lost)) => player.viewer.lost(lost),
                Err(ReadError::Closed) => {
                    connection.session.finish_play()?;
                    return Ok(());
                }
            },
            () = until(connection.session.poll_timeout()) => {
                connection.session.handle_timeout(Instant::now());
            }
        }
    }
}

struct Player {
    viewer: Viewer,
    /// What the player was told last.
    preface: Arc<Preface>,
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
    fn new(viewer: Viewer) -> Self {
        Self {
            viewer,
            preface: Arc::default(),
            state: State::Playing,
            wire: Vec::new(),
        }
    }

    fn pause(&mut self, paused: bool) {
        match (&self.state, paused) {
            (_, true) => self.state = State::Paused,
            (State::Paused, false) => self.state = State::Resuming,
            (_, false) => {}
        }
    }

    fn wants(&mut self, message: &RtmpMessage) -> bool {
        if self.state == State::Resuming && message.random_access {
            self.state = State::Playing;
        }
        self.state == State::Playing
    }

    async fn play(
        &mut self,
        connection: &Connection,
        messages: &mut Vec<RtmpMessage>,
    ) -> Result<(), Failure> {
        for message in messages.drain(..) {
            if !self.wants(&message) {
                continue;
            }
            if !Arc::ptr_eq(&self.preface, &message.preface) {
                self.preface = message.preface;
                self.wire.push(self.preface.wire(message.timestamp_ms));
            }
            self.wire.push(message.wire);
        }
        let bytes = self.wire.iter().map(Bytes::len).sum();
        connection.write(&self.wire).await?;
        self.viewer.sent(bytes);
        self.wire.clear();
        Ok(())
    }
}
