//! One player under TLS: its own task writes to it, since what it is sent is sealed for it alone.

use super::connection::{Connection, Failure, until};
use super::player::Player;
use super::write::flush_server;
use ::rtmp::session::ServerEvent;
use bytes::Bytes;
use hub::{ReadError, RtmpMessage, Start, Viewer};
use std::time::Instant;

/// Messages taken at a time; a new player begins with a whole group of pictures.
const BATCH: usize = 256;

/// Plays until the player stops or leaves, or the stream ends.
pub(super) async fn run(
    connection: &mut Connection,
    viewer: Viewer,
    mut player: Player,
) -> Result<(), Failure> {
    let mut reader = viewer.stream().read_rtmp(Start::RandomAccess);
    let mut messages = Vec::with_capacity(BATCH);
    loop {
        while let Some(event) = connection.session.poll_event() {
            match event {
                ServerEvent::Pause(paused) => player.pause(paused),
                ServerEvent::Stop | ServerEvent::Closed(_) => return Ok(()),
                _ => {}
            }
        }
        flush_server(&mut connection.wire, &mut connection.session).await?;
        tokio::select! {
            biased;
            read = connection.wire.read(&mut connection.block) => {
                if !connection.take_in(read?)? {
                    return Ok(());
                }
            }
            read = reader.recv_many(&mut messages, BATCH) => match read {
                Ok(_) => {
                    let wire = told(&mut player, &mut messages);
                    connection.wire.write(&wire).await?;
                    viewer.sent(wire.iter().map(Bytes::len).sum());
                }
                Err(ReadError::Lagged(lost)) => {
                    viewer.lost(lost);
                    player.restart();
                }
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

fn told(player: &mut Player, messages: &mut Vec<RtmpMessage>) -> Vec<Bytes> {
    let taken = messages
        .drain(..)
        .filter_map(|message| player.take(&message));
    taken
        .flat_map(|(preface, message)| preface.into_iter().chain([message]))
        .collect()
}
