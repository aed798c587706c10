//! An output: the stream published to another RTMP server.

use super::caller::Caller;
use super::tell_left_out;
use crate::context::Context;
use ::rtmp::message::{Kind, set_data_frame};
use ::rtmp::session::Role;
use ::rtmp::wire;
use bytes::Bytes;
use hub::{Preface, ReadError, RtmpMessage, Start, Stream};
use link::{Dial, LinkError, LinkHandle, Session, Wiring};
use media::flv::{self, Abilities};
use model::endpoint;
use std::sync::Arc;

/// Messages taken at a time.
const BATCH: usize = 256;

/// Publishes the stream to `endpoint`, until stopped.
pub fn start(context: &Context, wiring: Wiring, endpoint: endpoint::Rtmp) -> LinkHandle {
    let dial = Push {
        context: context.clone(),
        stream: wiring.stream.clone(),
        endpoint,
    };
    link::spawn(wiring, dial)
}

struct Push {
    context: Context,
    stream: Arc<Stream>,
    endpoint: endpoint::Rtmp,
}

impl Dial for Push {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        let caller = tokio::select! {
            caller = Caller::connect(&self.context, &self.endpoint, Role::Publish) => caller?,
            () = session.cancelled().cancelled() => return Ok(()),
        };
        let mut publisher = Publisher {
            caller,
            peer: format!("{}:{}", self.endpoint.host, self.endpoint.port),
            stream_id: wire::STREAM_ID,
            abilities: Abilities::NONE,
            told: false,
            preface: Arc::default(),
            wire: Vec::new(),
        };
        let ended = tokio::select! {
            ended = publisher.run(&self.stream, session) => ended,
            () = session.cancelled().cancelled() => Ok(()),
        };
        publisher.caller.take_leave().await;
        ended
    }
}

struct Publisher {
    caller: Caller,
    /// Where it goes, without what is secret.
    peer: String,
    /// The message stream to publish on.
    stream_id: u32,
    abilities: Abilities,
    /// Something was left out, and said so.
    told: bool,
    preface: Arc<Preface>,
    wire: Vec<Bytes>,
}

impl Publisher {
    async fn run(&mut self, stream: &Arc<Stream>, session: &Session) -> Result<(), LinkError> {
        (self.stream_id, self.abilities) = self.caller.until_ready().await?;
        session.live();
        let mut reader = stream.read_rtmp(Start::RandomAccess);
        let mut messages = Vec::with_capacity(BATCH);
        loop {
            self.caller.flush().await?;
            tokio::select! {
                read = reader.recv_many(&mut messages, BATCH) => match read {
                    Ok(_) => {
                        let bytes = self.send(&mut messages, stream).await?;
                        session.moved(bytes);
                    }
                    Err(ReadError::Lagged(lost)) => session.dropped(lost),
                    Err(ReadError::Closed) => return Ok(()),
                },
                answered = self.caller.converse() => answered?,
            }
            while self.caller.next_event()?.is_some() {}
        }
    }

    async fn send(
        &mut self,
        messages: &mut Vec<RtmpMessage>,
        stream: &Stream,
    ) -> Result<usize, LinkError> {
        for message in messages.drain(..) {
            if !self.abilities.meet(message.need) {
                if !std::mem::replace(&mut self.told, true) {
                    tell_left_out(&self.peer, stream.name(), message.need);
                }
                continue;
            }
            if !Arc::ptr_eq(&self.preface, &message.preface) {
                self.preface = message.preface;
                introduce(
                    &self.preface,
                    message.timestamp_ms,
                    (self.stream_id, self.abilities),
                    &mut self.wire,
                );
            }
            self.wire.push(match self.stream_id {
                wire::STREAM_ID => message.wire,
                other => wire::readdressed(&message.wire, other),
            });
        }
        let bytes = self.wire.iter().map(Bytes::len).sum();
        self.caller.write(&self.wire).await?;
        self.wire.clear();
        Ok(bytes)
    }
}

/// Metadata goes to a server in an `@setDataFrame`, unlike to a player.
fn introduce(
    preface: &Preface,
    timestamp_ms: u32,
    (stream_id, abilities): (u32, Abilities),
    out: &mut Vec<Bytes>,
) {
    for message in preface.messages(abilities) {
        let (kind, body) = match message.kind {
            flv::Kind::Audio => (Kind::Audio, message.to_body()),
            flv::Kind::Video => (Kind::Video, message.to_body()),
            flv::Kind::Data => (Kind::DataAmf0, set_data_frame(&message.to_body())),
        };
        // Headers of at most some hundred bytes fit any message.
        out.extend(wire::encode_message(
            kind,
            timestamp_ms,
            stream_id,
            body,
            wire::CHUNK_SIZE,
        ));
    }
}
