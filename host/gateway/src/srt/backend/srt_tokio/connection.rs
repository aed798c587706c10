//! One `srt-tokio` connection.

use super::super::{Connection, Error, Outlet, RECV_BATCH, Stats};
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, SinkExt, StreamExt};
use parking_lot::Mutex;
use srt_tokio::{SocketStatistics, SrtSocket};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;

/// A connection of `srt-tokio`'s.
pub struct SrtTokioConnection {
    socket: SrtSocket,
    peer: SocketAddr,
    stream_id: Box<[u8]>,
    payload_bytes: usize,
    figures: Mutex<Figures>,
    _permit: Option<OwnedSemaphorePermit>,
}

struct Figures {
    updates: BoxStream<'static, SocketStatistics>,
    latest: SocketStatistics,
}

impl SrtTokioConnection {
    pub(super) fn new(
        mut socket: SrtSocket,
        stream_id: Box<[u8]>,
        payload_bytes: usize,
        permit: Option<OwnedSemaphorePermit>,
    ) -> Self {
        let updates = socket.statistics().clone().boxed();
        Self {
            peer: socket.settings().remote,
            socket,
            stream_id,
            payload_bytes,
            figures: Mutex::new(Figures {
                updates,
                latest: SocketStatistics::default(),
            }),
            _permit: permit,
        }
    }

    fn check(&self, message: &Bytes) -> Result<(), Error> {
        if message.len() > self.payload_bytes {
            return Err(Error::TooLarge {
                len: message.len(),
                limit: self.payload_bytes,
            });
        }
        Ok(())
    }
}

impl Connection for SrtTokioConnection {
    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn stream_id(&self) -> &[u8] {
        &self.stream_id
    }

    async fn recv(&mut self, into: &mut Vec<Bytes>) -> Result<(), Error> {
        let peer = self.peer;
        let mut next = self.socket.next().await;
        for _ in 1..RECV_BATCH {
            match next {
                Some(Ok((_, message))) => into.push(message),
                Some(Err(_)) | None => return Err(Error::Closed { peer }),
            }
            // What ends the connection is found by the next call.
            match self.socket.next().now_or_never() {
                Some(Some(Ok(more))) => next = Some(Ok(more)),
                _ => return Ok(()),
            }
        }
        if let Some(Ok((_, message))) = next {
            into.push(message);
        }
        Ok(())
    }

    async fn send(&mut self, message: &Bytes) -> Result<(), Error> {
        self.check(message)?;
        let peer = self.peer;
        let item = (Instant::now(), message.clone());
        let sent = self.socket.send(item).await;
        sent.map_err(|_| Error::Closed { peer })
    }

    /// None: its sockets are sent by whoever owns them.
    fn outlet(&self) -> Option<Arc<dyn Outlet>> {
        None
    }

    async fn closed(&mut self) -> Error {
        while let Some(Ok(_)) = self.socket.next().await {}
        Error::Closed { peer: self.peer }
    }

    fn stats(&self) -> Result<Stats, Error> {
        let mut figures = self.figures.lock();
        while let Some(Some(latest)) = figures.updates.next().now_or_never() {
            figures.latest = latest;
        }
        let settings = self.socket.settings();
        let mut stats = stats_from(&figures.latest);
        stats.latency_ms = millis(settings.recv_tsbpd_latency);
        stats.peer_latency_ms = millis(settings.send_tsbpd_latency);
        Ok(stats)
    }
}

fn stats_from(raw: &SocketStatistics) -> Stats {
    let mut stats = Stats::default();
    stats.age_ms = u64::from(millis(raw.elapsed_time));
    stats.rtt_ms = raw.tx_average_rtt.max(raw.rx_average_rtt).as_secs_f64() * 1e3;
    stats.sent_packets = raw.tx_data;
    stats.sent_bytes = raw.tx_bytes;
    stats.sent_unique_packets = raw.tx_unique_data;
    stats.send_lost_packets = raw.tx_loss_data;
    stats.retransmitted_packets = raw.tx_retransmit_data;
    stats.send_dropped_packets = raw.tx_dropped_data;
    stats.received_packets = raw.rx_data;
    stats.received_bytes = raw.rx_bytes;
    stats.received_unique_packets = raw.rx_unique_data;
    stats.receive_lost_packets = raw.rx_loss_data;
    stats.receive_retransmitted_packets = raw.rx_retransmit_data;
    stats.receive_dropped_packets = raw.rx_dropped_data;
    stats.undecrypted_packets = raw.rx_decrypt_errors;
    stats.send_buffer_ms = millis(raw.tx_buffered_time);
    stats.receive_buffer_ms = millis(raw.rx_acknowledged_time);
    stats
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}
