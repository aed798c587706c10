//! Viewers who come to us: the packets of a stream, as they are, to one peer.

use super::backend::{Connection, Error};
use super::connections::{Account, LOOK, Place};
use super::message::lay_out;
use crate::context::Context;
use hub::{ReadError, Reader, Start, Viewer};
use media::TsChunk;
use tokio::time::MissedTickBehavior;

/// Chunks taken at a time.
const BATCH: usize = 256;

/// Serves the viewer until it leaves or the stream ends.
pub(super) async fn run(
    context: &Context,
    mut connection: impl Connection,
    viewer: Viewer,
) -> Result<(), Error> {
    let (stream, peer) = (viewer.stream().clone(), connection.peer());
    let reader = stream.read_ts(Start::RandomAccess);
    let place = Place::take(context, stream.name(), peer, Account::Viewer(viewer));
    tracing::info!(stream = %stream.name(), %peer, "SRT viewer");
    let ended = send(&mut connection, reader, &place).await;
    tracing::info!(stream = %stream.name(), %peer, "SRT viewer left");
    ended
}

/// Sends what the reader gives until the lane closes.
///
/// A full send buffer makes only this reader wait: the lane goes on without it, what it misses
/// is counted, and it resumes at a random access point.
///
/// # Errors
/// When the peer is gone.
pub(super) async fn send(
    connection: &mut impl Connection,
    mut reader: Reader<TsChunk>,
    place: &Place,
) -> Result<(), Error> {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut chunks, mut messages) = (Vec::with_capacity(BATCH), Vec::new());
    loop {
        tokio::select! {
            read = reader.recv_many(&mut chunks, BATCH) => match read {
                Ok(_) => {
                    lay_out(chunks.drain(..).map(|chunk: TsChunk| chunk.data), &mut messages);
                    for message in messages.drain(..) {
                        connection.send(&message).await?;
                        place.moved(message.len());
                    }
                }
                Err(ReadError::Lagged(lost)) => place.lost(lost),
                Err(ReadError::Closed) => return Ok(()),
            },
            _ = looks.tick() => place.look_at_reader(connection)?,
        }
    }
}
