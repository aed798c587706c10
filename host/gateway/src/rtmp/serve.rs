//! Viewers who come to us: the shared wire messages of a stream, to one player.
//!
//! What is played is written by the crowd that the player sits in; its own task listens to it, and
//! writes what its socket did not take at once.

use super::connection::{Connection, Failure, until};
use super::crowd;
use super::player::Player;
use super::seat::{End, Seat};
use super::write::flush_server;
use crate::tcp::STALL;
use ::rtmp::session::ServerEvent;
use bytes::Buf;
use hub::Viewer;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;

/// Plays until the player stops or leaves, or the stream ends.
pub(super) async fn run(connection: &mut Connection, viewer: Viewer) -> Result<(), Failure> {
    flush_server(&mut connection.wire, &mut connection.session).await?;
    let stream = viewer.stream().name().clone();
    let player = Player::new(connection.abilities, connection.peer, stream);
    match connection.wire.plain() {
        Some(tcp) => in_crowd(connection, tcp, viewer, player).await,
        None => super::sealed::run(connection, viewer, player).await,
    }
}

async fn in_crowd(
    connection: &mut Connection,
    tcp: Arc<TcpStream>,
    viewer: Viewer,
    player: Player,
) -> Result<(), Failure> {
    let seat = Arc::new(Seat::new(tcp.clone(), viewer, player, Instant::now()));
    let seated = crowd::join(&connection.context, connection.merge, seat).await;
    let seat = &*seated.seat;
    loop {
        while let Some(event) = connection.session.poll_event() {
            match event {
                ServerEvent::Pause(paused) => seat.pause(paused),
                ServerEvent::Stop => return leave(&tcp, seat).await,
                ServerEvent::Closed(_) => return Ok(()),
                _ => {}
            }
        }
        say(connection, seat);
        match seat.end() {
            Some(End::Stream) if seat.waits_since().is_none() => {
                return Ok(connection.session.finish_play()?);
            }
            Some(End::Broken | End::Left) => return Ok(()),
            _ => {}
        }
        let waits_since = seat.waits_since();
        tokio::select! {
            biased;
            read = connection.wire.read(&mut connection.block) => {
                if !connection.take_in(read?)? {
                    return Ok(());
                }
            }
            flushed = flush(&tcp, seat), if waits_since.is_some() => flushed?,
            () = seat.news() => {}
            () = until(connection.session.poll_timeout()) => {
                connection.session.handle_timeout(Instant::now());
            }
        }
    }
}

/// The connection goes on without the stream: a message that is partly written has to be ended.
async fn leave(tcp: &TcpStream, seat: &Seat) -> Result<(), Failure> {
    seat.finish(End::Left);
    seat.cut_short();
    while seat.waits_since().is_some() {
        flush(tcp, seat).await?;
    }
    Ok(())
}

/// Passes on what the session itself has to say.
fn say(connection: &mut Connection, seat: &Seat) {
    while let Some(output) = connection.session.poll_output() {
        if output.has_remaining() {
            seat.say(Instant::now(), output);
        }
    }
}

/// Writes once the socket takes something.
async fn flush(tcp: &TcpStream, seat: &Seat) -> Result<(), Failure> {
    let until = seat.waits_since().map(|since| (since + STALL).into());
    let writable = poll_fn(|cx| tcp.poll_write_ready(cx));
    match until {
        Some(at) => tokio::time::timeout_at(at, writable)
            .await
            .map_err(|_| Failure::Stalled)??,
        None => writable.await?,
    }
    seat.flush(Instant::now());
    Ok(())
}
