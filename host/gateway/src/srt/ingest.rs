//! Media in: a peer's messages fill a source.

use super::backend::{Backend, Connection, Error, Libsrt, Listener, RejectReason, Verdict};
use super::connections::{Account, LOOK, Place};
use super::listener::Door;
use super::{call, link_error, port};
use crate::context::Context;
use bytes::Bytes;
use hub::{Source, Stream};
use link::{Dial, LinkError, LinkHandle, Session, Wiring};
use media::ts::{PACKET_BYTES, SYNC_BYTE};
use model::endpoint::{self, SrtMode};
use model::{Label, Protocol};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;
use tokio::time::MissedTickBehavior;

/// Calls `endpoint`, or is called there, and feeds source `id` of the stream, until stopped.
///
/// As a listener it takes one publisher at a time, whatever its stream id.
pub fn start(context: &Context, wiring: Wiring, endpoint: endpoint::Srt) -> LinkHandle {
    let dial = Ingest {
        context: context.clone(),
        stream: wiring.stream.clone(),
        id: wiring.label.clone(),
        endpoint,
    };
    link::spawn(wiring, dial)
}

/// Takes a publisher's media until it leaves or the stream ends.
pub(super) async fn run(
    context: &Context,
    mut connection: impl Connection,
    mut source: Source,
) -> Result<(), Error> {
    let (stream, peer) = (source.stream().clone(), connection.peer());
    let place = Place::take(context, stream.name(), peer, Account::Publisher);
    tracing::info!(stream = %stream.name(), %peer, "SRT publisher");
    let ended = tokio::select! {
        error = receive(context, &mut connection, &mut source, &place) => Err(error),
        () = stream.ended() => Ok(()),
    };
    tracing::info!(stream = %stream.name(), %peer, "SRT publisher left");
    ended
}

struct Ingest {
    context: Context,
    stream: Arc<Stream>,
    id: Label,
    endpoint: endpoint::Srt,
}

impl Dial for Ingest {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        tokio::select! {
            ended = async {
                match self.endpoint.mode {
                    SrtMode::Caller | SrtMode::Rendezvous => {
                        let connection = call(&self.context, &self.endpoint).await?;
                        session.live();
                        self.take(connection, session).await
                    }
                    SrtMode::Listener => self.listen(session).await,
                }
            } => ended,
            () = session.cancelled().cancelled() => Ok(()),
        }
    }
}

impl Ingest {
    /// Takes one publisher after another.
    async fn listen(&self, session: &Session) -> Result<(), LinkError> {
        let config = port(&self.endpoint).await?;
        let busy = Arc::new(AtomicBool::new(false));
        let at_door = busy.clone();
        let door = Door::new(&self.context, move |_| {
            if at_door.load(Ordering::Acquire) {
                Verdict::Reject(RejectReason::CONFLICT)
            } else {
                Verdict::Accept { passphrase: None }
            }
        });
        let backend = Libsrt::new().map_err(link_error)?;
        let listening = backend.listen(&config, Arc::new(door)).await;
        let mut listener = listening.map_err(link_error)?;
        session.live();
        loop {
            let connection = listener.accept().await.map_err(link_error)?;
            busy.store(true, Ordering::Release);
            let ended = tokio::select! {
                ended = self.take(connection, session) => ended,
                error = turn_away(&mut listener) => return Err(link_error(error)),
            };
            if let Err(error) = ended {
                tracing::info!(stream = %self.stream.name(), source = %self.id, "{error}");
            }
            busy.store(false, Ordering::Release);
        }
    }

    /// Feeds the source from this peer until it leaves.
    async fn take(
        &self,
        mut connection: impl Connection,
        session: &Session,
    ) -> Result<(), LinkError> {
        let peer = connection.peer();
        self.context.counters().of(Protocol::Srt).connections.add(1);
        let address = Some(format!("srt://{peer}"));
        let mut source = self
            .stream
            .connect_source(&self.id, Protocol::Srt, address)?;
        let account = Account::Source(session.clone());
        let place = Place::take(&self.context, self.stream.name(), peer, account);
        let end = receive(&self.context, &mut connection, &mut source, &place).await;
        Err(link_error(end))
    }
}

/// Lets go those who were admitted in the moment before the first of them was accepted.
async fn turn_away(listener: &mut impl Listener) -> Error {
    loop {
        if let Err(error) = listener.accept().await {
            return error;
        }
    }
}

/// Pushes what arrives into the source; returns why it ended.
async fn receive(
    context: &Context,
    connection: &mut impl Connection,
    source: &mut Source,
    place: &Place,
) -> Error {
    let mut looks = tokio::time::interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut messages = Vec::new();
    loop {
        let went = tokio::select! {
            received = connection.recv(&mut messages) => received,
            _ = looks.tick() => place.look(connection),
        };
        if let Err(error) = went {
            return error;
        }
        if !messages.is_empty() {
            count_garbage(context, source, &messages);
            place.moved(messages.iter().map(Bytes::len).sum());
            source.push_ts(messages.drain(..));
        }
    }
}

/// The hub finds packets in anything; this only says that somebody sends something else.
fn count_garbage(context: &Context, source: &Source, messages: &[Bytes]) {
    let odd = |message: &&Bytes| {
        !message.len().is_multiple_of(PACKET_BYTES) || message.first() != Some(&SYNC_BYTE)
    };
    let bytes: usize = messages.iter().filter(odd).map(Bytes::len).sum();
    if bytes == 0 {
        return;
    }
    let edge = context.counters().of(Protocol::Srt);
    edge.garbage_bytes.add(bytes as u64);
    if let Some(held_back) = context.complaints().admit("srt garbage", Instant::now()) {
        tracing::warn!(
            stream = %source.stream().name(), bytes, held_back,
            "SRT messages that are not whole transport packets of 188 bytes; is the sender MPEG-TS?"
        );
    }
}
