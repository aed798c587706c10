//! An output: the stream published to another RTMP server.

use super::connection::{Failure, until};
use super::write::{STALL, write_all};
use crate::context::Context;
use crate::link::{self, Dial, LinkError, LinkHandle, Session, Wiring};
use ::rtmp::message::{Kind, set_data_frame};
use ::rtmp::session::{Client, ClientConfig, ClientEvent, Error, Role};
use ::rtmp::wire;
use bytes::{Bytes, BytesMut};
use hub::{Preface, ReadError, RtmpMessage, Start, Stream};
use media::flv;
use model::{Protocol, endpoint};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::io;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpStream;

/// Messages taken at a time.
const BATCH: usize = 256;

/// What another server may say at once; it has little to say to a publisher.
const READ_BYTES: usize = 4 << 10;

/// Publishes the stream to `endpoint`, until stopped.
pub fn start(wiring: Wiring, endpoint: endpoint::Rtmp) -> LinkHandle {
    let dial = Push {
        context: wiring.context.clone(),
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
        let (host, port) = (self.endpoint.host.as_str(), self.endpoint.port);
        let tcp = link::connect(&self.context, host, port).await?;
        self.context
            .counters()
            .of(Protocol::Rtmp)
            .connections
            .add(1);
        let url = self
            .endpoint
            .url
            .parse()
            .map_err(|error| LinkError::Misconfigured {
                what: format!("{error}"),
                remedy: "correct the output's url",
            })?;
        let config = ClientConfig::new(url, Role::Publish);
        let seed = RandomState::new().hash_one(&self.endpoint.host);
        let client = Client::new(Instant::now(), config, seed).map_err(link_error)?;
        let mut publisher = Publisher {
            tcp,
            client,
            stream_id: None,
            preface: Arc::default(),
            wire: Vec::new(),
        };
        let ended = tokio::select! {
            ended = publisher.run(&self.stream, session) => ended,
            () = session.cancelled().cancelled() => Ok(()),
        };
        // A farewell lets the server free the name at once; whether it hears it is its affair.
        let _ = publisher.client.finish();
        let _ = publisher.flush().await;
        ended
    }
}

struct Publisher {
    tcp: TcpStream,
    client: Client,
    /// The message stream to publish on, once the server agreed.
    stream_id: Option<u32>,
    preface: Arc<Preface>,
    wire: Vec<Bytes>,
}

impl Publisher {
    async fn run(&mut self, stream: &Arc<Stream>, session: &Session) -> Result<(), LinkError> {
        while self.stream_id.is_none() {
            self.flush().await?;
            self.converse().await?;
        }
        session.live();
        let mut reader = stream.read_rtmp(Start::RandomAccess);
        let mut messages = Vec::with_capacity(BATCH);
        loop {
            self.flush().await?;
            tokio::select! {
                read = reader.recv_many(&mut messages, BATCH) => match read {
                    Ok(_) => {
                        let bytes = self.send(&mut messages).await?;
                        session.moved(bytes);
                    }
                    Err(ReadError::Lagged(lost)) => session.dropped(lost),
                    Err(ReadError::Closed) => return Ok(()),
                },
                answered = self.converse() => answered?,
            }
        }
    }

    /// Waits for something from the server, and takes it in. Cancel safe.
    async fn converse(&mut self) -> Result<(), LinkError> {
        tokio::select! {
            ready = self.tcp.readable() => {
                ready.map_err(LinkError::io("the RTMP server's connection"))?;
                self.read_ready()?;
            }
            () = until(self.client.poll_timeout()) => self.client.handle_timeout(Instant::now()),
        }
        while let Some(event) = self.client.poll_event() {
            match event {
                ClientEvent::Ready { stream_id } => self.stream_id = Some(stream_id),
                ClientEvent::Closed(_) => return Err(LinkError::Ended),
                ClientEvent::Status { code, description } => {
                    tracing::debug!(code, description, "the RTMP server says");
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn read_ready(&mut self) -> Result<(), LinkError> {
        let mut input = BytesMut::with_capacity(READ_BYTES);
        match self.tcp.try_read_buf(&mut input) {
            Ok(0) => Err(LinkError::Ended),
            Ok(_) => self
                .client
                .handle_input(Instant::now(), input.freeze())
                .map_err(link_error),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            Err(error) => Err(LinkError::io("the RTMP server's connection")(error)),
        }
    }

    async fn flush(&mut self) -> Result<(), LinkError> {
        while let Some(output) = self.client.poll_output() {
            write_all(&self.tcp, &[output]).await.map_err(write_error)?;
        }
        Ok(())
    }

    async fn send(&mut self, messages: &mut Vec<RtmpMessage>) -> Result<usize, LinkError> {
        let stream_id = self.stream_id.unwrap_or(wire::STREAM_ID);
        for message in messages.drain(..) {
            if !Arc::ptr_eq(&self.preface, &message.preface) {
                self.preface = message.preface;
                introduce(
                    &self.preface,
                    message.timestamp_ms,
                    stream_id,
                    &mut self.wire,
                );
            }
            self.wire.push(match stream_id {
                wire::STREAM_ID => message.wire,
                other => wire::readdressed(&message.wire, other),
            });
        }
        let bytes = self.wire.iter().map(Bytes::len).sum();
        write_all(&self.tcp, &self.wire)
            .await
            .map_err(write_error)?;
        self.wire.clear();
        Ok(bytes)
    }
}

/// Metadata goes to a server in an `@setDataFrame`, unlike to a player.
fn introduce(preface: &Preface, timestamp_ms: u32, stream_id: u32, out: &mut Vec<Bytes>) {
    for message in preface.messages() {
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

fn link_error(error: Error) -> LinkError {
    LinkError::Passing(error.to_string())
}

fn write_error(failure: Failure) -> LinkError {
    match failure {
        Failure::Stalled => LinkError::Stalled {
            seconds: STALL.as_secs(),
        },
        Failure::Io(error) => LinkError::io("the RTMP server's connection")(error),
        Failure::Session(error) => link_error(error),
        // Said to those who come, not by those we call.
        Failure::CutOff(refusal) => LinkError::Passing(refusal.to_string()),
    }
}
