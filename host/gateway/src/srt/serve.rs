//! The packets of a stream, as they are, to one peer: alone until it has caught up, and then
//! together with its other readers.

use super::backend::{Connection, Error, Outlet};
use super::connections::{Account, LOOK, Place};
use super::crowd::{self, End, Seated};
use super::message::lay_out;
use crate::context::Context;
use hub::{ReadError, Reader, Start, Stream, Viewer};
use media::TsChunk;
use std::sync::Arc;
use tokio::time::{Interval, MissedTickBehavior};

/// Chunks taken at a time.
const BATCH: usize = 256;

/// Serves the viewer until it leaves or the stream ends.
pub(super) async fn run(
    context: &Context,
    mut connection: impl Connection,
    viewer: Viewer,
) -> Result<(), Error> {
    let (stream, peer) = (viewer.stream().clone(), connection.peer());
    let place = Place::take(context, stream.name(), peer, Account::Viewer(viewer));
    tracing::info!(stream = %stream.name(), %peer, "SRT viewer");
    let ended = send(context, &mut connection, &stream, place).await;
    tracing::info!(stream = %stream.name(), %peer, "SRT viewer left");
    ended
}

/// Sends the stream until it ends.
///
/// A full send buffer makes only this reader wait: the lane goes on without it, what it misses
/// is counted, and it resumes at a random access point.
///
/// # Errors
/// When the peer is gone.
pub(super) async fn send(
    context: &Context,
    connection: &mut impl Connection,
    stream: &Arc<Stream>,
    place: Place,
) -> Result<(), Error> {
    let place = Arc::new(place);
    let mut entry = Entry::new(stream);
    loop {
        let Some(outlet) = alone(connection, stream, &place, &mut entry).await? else {
            return Ok(());
        };
        let position = entry.reader.position();
        let seated = crowd::sit(context, stream, outlet, &place, position).await;
        match in_crowd(connection, &place, &seated).await? {
            End::Behind { messages, position } => {
                for message in messages {
                    connection.send(&message).await?;
                    place.moved(message.len());
                }
                entry.reader.seek(position);
            }
            End::Broken(error) => return Err(error),
            End::Stream | End::Left => return Ok(()),
        }
    }
}

/// Sends until the reader has all there is, so that a crowd can go on with it, or to the end of
/// the stream: then there is nothing to go on with.
async fn alone(
    connection: &mut impl Connection,
    stream: &Arc<Stream>,
    place: &Place,
    entry: &mut Entry,
) -> Result<Option<Arc<dyn Outlet>>, Error> {
    let mut looks = looks();
    let (mut chunks, mut messages) = (Vec::with_capacity(BATCH), Vec::new());
    loop {
        tokio::select! {
            read = entry.reader.recv_many(&mut chunks, BATCH) => match read {
                Ok(_) => {
                    entry.found();
                    lay_out(chunks.drain(..).map(|chunk: TsChunk| chunk.data), &mut messages);
                    for message in messages.drain(..) {
                        connection.send(&message).await?;
                        place.moved(message.len());
                    }
                    if entry.reader.behind() == 0 && let Some(outlet) = connection.outlet() {
                        return Ok(Some(outlet));
                    }
                }
                Err(ReadError::Lagged(lost)) => {
                    place.lost(lost);
                    entry.lost();
                }
                Err(ReadError::Closed) => return Ok(None),
            },
            _ = looks.tick() => {
                place.look_at_reader(connection)?;
                entry.look(stream);
            }
        }
    }
}

/// Keeps the account of a reader whom the crowd serves.
async fn in_crowd(
    connection: &mut impl Connection,
    place: &Place,
    seated: &Seated,
) -> Result<End, Error> {
    let mut looks = looks();
    loop {
        tokio::select! {
            end = seated.end() => return Ok(end),
            _ = looks.tick() => place.look_at_reader(connection)?,
        }
    }
}

fn looks() -> Interval {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    looks
}

/// Looks without a random access point, before a reader gives up waiting for one.
const PATIENT_LOOKS: u32 = 3;

/// Where a peer enters the stream: at a random access point. A lane of a stream that has any
/// nearly always holds one; codecs that are only passed on have none that is known here, and
/// their readers begin anywhere.
struct Entry {
    reader: Reader<TsChunk>,
    /// Looks since it waits; `None` once it has found its way in.
    waits: Option<u32>,
}

impl Entry {
    fn new(stream: &Arc<Stream>) -> Self {
        Self {
            reader: stream.read_ts(Start::RandomAccess),
            waits: Some(0),
        }
    }

    fn found(&mut self) {
        self.waits = None;
    }

    fn lost(&mut self) {
        self.waits = Some(0);
    }

    fn look(&mut self, stream: &Arc<Stream>) {
        let Some(waits) = &mut self.waits else {
            return;
        };
        // Before the first media there is nothing to give up on.
        if stream.form().is_some() {
            *waits += 1;
        }
        if *waits > PATIENT_LOOKS {
            self.reader = stream.read_ts(Start::Live);
            self.waits = None;
        }
    }
}
