//! A session with a server that this host calls, up to where it publishes or plays.

use super::abilities;
use super::connection::until;
use crate::context::Context;
use crate::tcp::{Wire, WriteError};
use ::rtmp::session::{Client, ClientConfig, ClientEvent, Error, Role};
use bytes::{Bytes, BytesMut};
use link::LinkError;
use media::flv::Abilities;
use model::{Protocol, endpoint};
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::time::Instant;

/// The connection and its session.
pub(super) struct Caller {
    wire: Wire,
    client: Client,
    input: BytesMut,
}

impl Caller {
    /// Connects; nothing is agreed on yet.
    pub(super) async fn connect(
        context: &Context,
        endpoint: &endpoint::Rtmp,
        role: Role,
    ) -> Result<Self, LinkError> {
        let url = endpoint
            .url
            .parse()
            .map_err(|error| LinkError::Misconfigured {
                what: format!("{error}"),
                remedy: "correct the url",
            })?;
        let wire = Wire::connect(context, &endpoint.host, endpoint.port, endpoint.tls).await?;
        context.counters().of(Protocol::Rtmp).connections.add(1);
        let config = ClientConfig::new(url, role);
        let seed = RandomState::new().hash_one(&endpoint.host);
        let client = Client::new(Instant::now(), config, seed).map_err(link_error)?;
        Ok(Self {
            wire,
            client,
            input: BytesMut::new(),
        })
    }

    /// Waits for the server's word that it is ready; the message stream to use, and what the
    /// server understands.
    pub(super) async fn until_ready(&mut self) -> Result<(u32, Abilities), LinkError> {
        loop {
            self.flush().await?;
            self.converse().await?;
            while let Some(event) = self.next_event()? {
                if let ClientEvent::Ready {
                    stream_id,
                    enhanced,
                } = event
                {
                    return Ok((stream_id, abilities(&enhanced)));
                }
            }
        }
    }

    /// Waits for something from the server, or for the session's own deadline. Cancel safe.
    pub(super) async fn converse(&mut self) -> Result<(), LinkError> {
        let now = tokio::select! {
            read = self.wire.read(&mut self.input) => {
                if read.map_err(LinkError::io("the RTMP server's connection"))? == 0 {
                    return Err(LinkError::Ended);
                }
                let input = self.input.split().freeze();
                return self.client.handle_input(Instant::now(), input).map_err(link_error);
            }
            () = until(self.client.poll_timeout()) => Instant::now(),
        };
        self.client.handle_timeout(now);
        Ok(())
    }

    /// What came of it; an end is an error.
    pub(super) fn next_event(&mut self) -> Result<Option<ClientEvent>, LinkError> {
        match self.client.poll_event() {
            Some(ClientEvent::Closed(reason)) => {
                tracing::debug!(?reason, "the RTMP session is over");
                Err(LinkError::Ended)
            }
            Some(ClientEvent::Status { code, description }) => {
                tracing::debug!(code, description, "the RTMP server says");
                Ok(Some(ClientEvent::Status { code, description }))
            }
            event => Ok(event),
        }
    }

    /// Writes what the session has to say.
    pub(super) async fn flush(&mut self) -> Result<(), LinkError> {
        while let Some(output) = self.client.poll_output() {
            self.wire.write(&[output]).await.map_err(write_error)?;
        }
        Ok(())
    }

    /// Writes media.
    pub(super) async fn write(&mut self, messages: &[Bytes]) -> Result<(), LinkError> {
        self.wire.write(messages).await.map_err(write_error)
    }

    /// A farewell lets the server free the name at once; whether it hears it is its affair.
    pub(super) async fn take_leave(&mut self) {
        let _ = self.client.finish();
        let _ = self.flush().await;
    }
}

fn link_error(error: Error) -> LinkError {
    LinkError::Passing(error.to_string())
}

fn write_error(error: WriteError) -> LinkError {
    error.on("the RTMP server's connection")
}
