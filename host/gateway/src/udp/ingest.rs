//! Media in: a bound socket fills a source.

use super::pace::{Pace, READ};
use super::receive::Receiver;
use super::socket;
use crate::context::Context;
use bytes::Bytes;
use hub::{Source, Stream};
use link::{Dial, LinkError, LinkHandle, Session, Wiring};
use media::ts::{PACKET_BYTES, SYNC_BYTE};
use model::{Label, Protocol, endpoint};
use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Instant;

/// Listens on `endpoint` and feeds source `id` of the stream, until stopped.
pub fn start(context: &Context, wiring: Wiring, endpoint: endpoint::Udp) -> LinkHandle {
    let dial = Ingest {
        context: context.clone(),
        stream: wiring.stream.clone(),
        id: wiring.label.clone(),
        endpoint,
    };
    link::spawn(wiring, dial)
}

struct Ingest {
    context: Context,
    stream: Arc<Stream>,
    id: Label,
    endpoint: endpoint::Udp,
}

impl Dial for Ingest {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        let socket = socket::bind(&self.context, &self.endpoint).await?;
        let address = format!("udp://{}:{}", self.endpoint.host, self.endpoint.port);
        let mut source =
            self.stream
                .connect_source(&self.id, Protocol::Udp, Some(address.clone()))?;
        self.context.counters().of(Protocol::Udp).connections.add(1);
        session.live();
        let doing = format!("cannot receive on {address}");
        tokio::select! {
            result = self.receive(socket, &mut source, session) => {
                result.map_err(LinkError::io(doing))
            }
            () = session.cancelled().cancelled() => Ok(()),
        }
    }
}

impl Ingest {
    async fn receive(
        &self,
        socket: UdpSocket,
        source: &mut Source,
        session: &Session,
    ) -> std::io::Result<()> {
        let mut receiver = Receiver::new(socket)?;
        let mut pace = Pace::new(READ)?;
        let mut datagrams = Vec::new();
        let mut dense = false;
        loop {
            if dense {
                receiver.look_away();
                pace.gather().await?;
            } else {
                receiver.readable().await?;
                // A flood is never pending for long; others of this thread get their turn.
                tokio::task::consume_budget().await;
            }
            let bytes = receiver.try_receive(&mut datagrams)?;
            dense = pace.is_dense(datagrams.len(), Instant::now());
            if datagrams.is_empty() {
                continue;
            }
            self.count_garbage(&datagrams);
            session.moved(bytes);
            source.push_ts(datagrams.drain(..));
        }
    }

    /// The hub finds packets in anything; this only says that somebody sends something else.
    fn count_garbage(&self, datagrams: &[Bytes]) {
        let odd = |datagram: &&Bytes| {
            !datagram.len().is_multiple_of(PACKET_BYTES) || datagram.first() != Some(&SYNC_BYTE)
        };
        let bytes: usize = datagrams.iter().filter(odd).map(Bytes::len).sum();
        if bytes == 0 {
            return;
        }
        self.context
            .counters()
            .of(Protocol::Udp)
            .garbage_bytes
            .add(bytes as u64);
        if let Some(held_back) = self
            .context
            .complaints()
            .admit("udp garbage", Instant::now())
        {
            tracing::warn!(
                stream = %self.stream.name(), source = %self.id, bytes, held_back,
                "datagrams that are not whole transport packets of 188 bytes; is the sender MPEG-TS over plain UDP?"
            );
        }
    }
}
