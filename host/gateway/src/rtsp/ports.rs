//! The two UDP ports that all sessions share: RTP, and RTCP on the next.
//!
//! Packets are sent to, and taken from, only the address that a session of that very client has
//! named. What comes from anywhere else is counted and dropped.

use crate::context::Context;
use bytes::{Bytes, BytesMut};
use model::Protocol;
use parking_lot::RwLock;
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

/// A datagram is at most this long; media packets stay below 1500.
const MAX_DATAGRAM_BYTES: usize = 2048;

/// Read buffers are taken in blocks of this size.
const BLOCK_BYTES: usize = 64 << 10;

/// What a session may have waiting; more is dropped, as a full socket would.
pub(super) const QUEUE: usize = 1024;

/// How often a pair is looked for, where any will do.
const TRIES: usize = 32;

/// A datagram of a session's client.
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) track: usize,
    pub(super) rtcp: bool,
    pub(super) payload: Bytes,
}

/// Where datagrams of one address go.
#[derive(Debug)]
struct Peer {
    track: usize,
    rtcp: bool,
    session: mpsc::Sender<Datagram>,
}

/// The sockets, and whose packets are taken.
#[derive(Debug)]
pub(super) struct Ports {
    rtp: UdpSocket,
    rtcp: UdpSocket,
    pair: (u16, u16),
    peers: RwLock<HashMap<SocketAddr, Peer>>,
}

impl Ports {
    /// Opens both, and receives until the context shuts down.
    pub(super) async fn open(context: &Context, address: SocketAddr) -> io::Result<Arc<Self>> {
        let (rtp, rtcp, port) = bind_pair(address).await?;
        let ports = Arc::new(Self {
            rtp,
            rtcp,
            pair: (port, port + 1),
            peers: RwLock::default(),
        });
        for rtcp in [false, true] {
            let (ports, context) = (ports.clone(), context.clone());
            let shutdown = context.shutdown().clone();
            context.tasks().clone().spawn(async move {
                tokio::select! {
                    () = ports.receive(&context, rtcp) => {}
                    () = shutdown.cancelled() => {}
                }
            });
        }
        Ok(ports)
    }

    /// Of RTP and RTCP.
    pub(super) const fn pair(&self) -> (u16, u16) {
        self.pair
    }

    /// Takes the packets of a client's two ports for one track of its session; `None` if another
    /// session has them.
    pub(super) fn register(
        self: &Arc<Self>,
        ip: IpAddr,
        (rtp, rtcp): (u16, u16),
        track: usize,
        session: &mpsc::Sender<Datagram>,
    ) -> Option<Registration> {
        let ip = ip.to_canonical();
        let addresses = [SocketAddr::new(ip, rtp), SocketAddr::new(ip, rtcp)];
        let mut peers = self.peers.write();
        if addresses.iter().any(|address| peers.contains_key(address)) {
            return None;
        }
        for (address, rtcp) in addresses.into_iter().zip([false, true]) {
            let session = session.clone();
            peers.insert(
                address,
                Peer {
                    track,
                    rtcp,
                    session,
                },
            );
        }
        drop(peers);
        Some(Registration {
            ports: self.clone(),
            addresses,
            track,
        })
    }

    async fn receive(&self, context: &Context, rtcp: bool) {
        let socket = if rtcp { &self.rtcp } else { &self.rtp };
        let mut block = BytesMut::new();
        loop {
            if block.capacity() < MAX_DATAGRAM_BYTES {
                block.reserve(BLOCK_BYTES);
            }
            // Errors are of single datagrams (a port unreachable); the socket stays.
            let Ok((_, from)) = socket.recv_buf_from(&mut block).await else {
                block.clear();
                tokio::task::yield_now().await;
                continue;
            };
            let payload = block.split().freeze();
            let from = SocketAddr::new(from.ip().to_canonical(), from.port());
            let peers = self.peers.read();
            match peers.get(&from).filter(|peer| peer.rtcp == rtcp) {
                Some(peer) => {
                    let track = peer.track;
                    let datagram = Datagram {
                        track,
                        rtcp,
                        payload,
                    };
                    // Full: the session is too slow, and misses this packet.
                    let _ = peer.session.try_send(datagram);
                }
                None => {
                    let counters = context.counters().of(Protocol::Rtsp);
                    counters.garbage_bytes.add(payload.len() as u64);
                }
            }
        }
    }

    async fn send(&self, rtcp: bool, packet: &[u8], to: SocketAddr) -> bool {
        let socket = if rtcp { &self.rtcp } else { &self.rtp };
        match socket.try_send_to(packet, to) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                socket.send_to(packet, to).await.is_ok()
            }
            sent => sent.is_ok(),
        }
    }
}

/// An even port and the next one.
async fn bind_pair(address: SocketAddr) -> io::Result<(UdpSocket, UdpSocket, u16)> {
    let mut last = io::Error::from(io::ErrorKind::AddrInUse);
    for _ in 0..TRIES {
        let rtp = UdpSocket::bind(address).await?;
        let port = rtp.local_addr()?.port();
        if address.port() == 0 && port % 2 == 1 {
            continue;
        }
        let next = SocketAddr::new(address.ip(), port.saturating_add(1));
        match UdpSocket::bind(next).await {
            Ok(rtcp) => return Ok((rtp, rtcp, port)),
            Err(error) if address.port() == 0 => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// One track's two addresses of a client; given back when dropped.
#[derive(Debug)]
pub(super) struct Registration {
    ports: Arc<Ports>,
    addresses: [SocketAddr; 2],
    track: usize,
}

impl Registration {
    /// Which track of the session.
    pub(super) const fn track(&self) -> usize {
        self.track
    }

    /// Sends a packet to the client; false if the system did not take it.
    pub(super) async fn send(&self, rtcp: bool, packet: &[u8]) -> bool {
        let [rtp_at, rtcp_at] = self.addresses;
        let to = if rtcp { rtcp_at } else { rtp_at };
        self.ports.send(rtcp, packet, to).await
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut peers = self.ports.peers.write();
        for address in &self.addresses {
            peers.remove(address);
        }
    }
}
