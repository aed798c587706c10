//! The one UDP port of all sessions: whose a datagram is, and how a run of them is sent.
//!
//! A session is found by the address that a datagram comes from. A new address belongs to nobody
//! until a binding request comes from it that names the session's own ICE user fragment, and the
//! session has found the password right; only then is the address the session's.

use super::settings::ServeError;
use super::stun;
use crate::Context;
use bytes::{Bytes, BytesMut};
use model::Protocol;
use parking_lot::RwLock;
use quinn_udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use socket2::{Domain, Socket, Type};
use std::collections::HashMap;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::mpsc;

/// Messages taken by one system call; each may be a train of datagrams.
const MESSAGES: usize = 16;
/// The longest train that receive offload (GRO) makes.
const MESSAGE_BYTES: usize = 64 << 10;
/// For all sessions together: a key frame to each of a hundred viewers.
const SOCKET_BUFFER: usize = 8 << 20;
/// Datagrams that wait for a session; beyond it they are lost, as in any router.
const INBOX: usize = 512;
/// Addresses of one session. A peer moves between networks, but not through more than these.
const MAX_ADDRESSES: usize = 8;
/// How long a full send buffer is waited for, before a run of datagrams is dropped.
const SEND_PATIENCE: Duration = Duration::from_millis(20);

/// A datagram for a session.
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) at: Instant,
    pub(super) source: SocketAddr,
    /// Which of this host's addresses it was sent to, where the system says.
    pub(super) local: Option<IpAddr>,
    pub(super) bytes: Bytes,
}

/// The port.
pub(super) struct Port {
    socket: UdpSocket,
    offload: UdpSocketState,
    address: SocketAddr,
    routes: RwLock<Routes>,
    serial: AtomicU64,
}

#[derive(Default)]
struct Routes {
    by_fragment: HashMap<String, Inbox>,
    by_address: HashMap<SocketAddr, Inbox>,
}

#[derive(Clone)]
struct Inbox {
    serial: u64,
    datagrams: mpsc::Sender<Datagram>,
}

/// A session's place at the port; given back when dropped.
pub(super) struct Berth {
    port: Arc<Port>,
    fragment: String,
    inbox: Inbox,
    addresses: Vec<SocketAddr>,
}

impl Port {
    /// Opens it, and receives until the context shuts down.
    pub(super) fn open(context: &Context, listen: SocketAddr) -> Result<Arc<Self>, ServeError> {
        let named = |source| ServeError::Bind {
            address: listen,
            source,
        };
        let (socket, offload) = bind(listen).map_err(named)?;
        let address = socket.local_addr().map_err(named)?;
        let port = Arc::new(Self {
            socket,
            offload,
            address,
            routes: RwLock::default(),
            serial: AtomicU64::new(0),
        });
        let (receiving, shutdown) = (port.clone(), context.shutdown().clone());
        let context_of_task = context.clone();
        context.tasks().spawn(async move {
            tokio::select! {
                () = receiving.receive(&context_of_task) => {}
                () = shutdown.cancelled() => {}
            }
        });
        Ok(port)
    }

    /// Where it is bound.
    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// A place for a session whose ICE user fragment is this.
    pub(super) fn enter(self: &Arc<Self>, fragment: &str) -> (Berth, mpsc::Receiver<Datagram>) {
        let (datagrams, inbox) = mpsc::channel(INBOX);
        let berth = Berth {
            port: self.clone(),
            fragment: fragment.to_owned(),
            inbox: Inbox {
                serial: self.serial.fetch_add(1, Ordering::Relaxed),
                datagrams,
            },
            addresses: Vec::new(),
        };
        let mut routes = self.routes.write();
        routes
            .by_fragment
            .insert(berth.fragment.clone(), berth.inbox.clone());
        drop(routes);
        (berth, inbox)
    }

    /// Datagrams that one call sends at most, all but the last of one size.
    pub(super) fn max_segments(&self) -> usize {
        self.offload.max_gso_segments().max(1)
    }

    /// Sends a run: waits a little for a full buffer, then lets it go. Media is sent again when
    /// the peer misses it.
    pub(super) async fn send(&self, run: &Transmit<'_>) -> io::Result<()> {
        let send = || {
            self.socket.try_io(Interest::WRITABLE, || {
                self.offload.try_send(UdpSockRef::from(&self.socket), run)
            })
        };
        match send() {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            sent => return sent,
        }
        let retried = async {
            loop {
                self.socket.writable().await?;
                match send() {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    sent => return sent,
                }
            }
        };
        tokio::time::timeout(SEND_PATIENCE, retried)
            .await
            .unwrap_or(Err(io::ErrorKind::WouldBlock.into()))
    }

    async fn receive(&self, context: &Context) {
        let mut landing = vec![0; MESSAGES * MESSAGE_BYTES];
        let mut got = Vec::new();
        loop {
            let ready = self.socket.readable().await;
            let received = ready.and_then(|()| {
                self.socket.try_io(Interest::READABLE, || {
                    self.receive_into(&mut landing, &mut got)
                })
            });
            match received {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(error) => {
                    // Of a datagram sent before: nobody is there any more.
                    tracing::debug!(%error, "WebRTC port");
                    tokio::task::yield_now().await;
                    continue;
                }
            }
            let mut garbage = 0;
            let routes = self.routes.read();
            for datagram in got.drain(..) {
                garbage += routes.pass_on(datagram);
            }
            drop(routes);
            if garbage > 0 {
                let edge = context.counters().of(Protocol::Webrtc);
                edge.garbage_bytes.add(garbage as u64);
            }
        }
    }

    fn receive_into(&self, landing: &mut [u8], out: &mut Vec<Datagram>) -> io::Result<()> {
        let mut metas = [RecvMeta::default(); MESSAGES];
        let count = {
            let mut messages = landing.chunks_exact_mut(MESSAGE_BYTES);
            let mut slices: [_; MESSAGES] =
                std::array::from_fn(|_| IoSliceMut::new(messages.next().unwrap_or_default()));
            self.offload
                .recv(UdpSockRef::from(&self.socket), &mut slices, &mut metas)?
        };
        let at = Instant::now();
        let metas = metas.get(..count).unwrap_or_default();
        let mut packed = BytesMut::with_capacity(metas.iter().map(|meta| meta.len).sum());
        for (meta, message) in metas.iter().zip(landing.chunks_exact(MESSAGE_BYTES)) {
            packed.extend_from_slice(message.get(..meta.len).unwrap_or_default());
            let mut train = packed.split().freeze();
            while !train.is_empty() {
                let stride = if meta.stride == 0 {
                    train.len()
                } else {
                    meta.stride
                };
                out.push(Datagram {
                    at,
                    source: meta.addr,
                    local: meta.dst_ip,
                    bytes: train.split_to(stride.min(train.len())),
                });
            }
        }
        Ok(())
    }
}

impl Routes {
    /// Returns the bytes of what belongs to nobody.
    fn pass_on(&self, datagram: Datagram) -> usize {
        let named = stun::local_fragment(&datagram.bytes);
        let named = named.and_then(|fragment| self.by_fragment.get(fragment));
        let known = named.or_else(|| self.by_address.get(&datagram.source));
        let bytes = datagram.bytes.len();
        match known {
            // A session that does not keep up loses datagrams, and nobody waits for it.
            Some(inbox) => {
                let _ = inbox.datagrams.try_send(datagram);
                0
            }
            None => bytes,
        }
    }
}

impl Berth {
    /// From now on what comes from there is the session's, which has found out that its peer is
    /// there. An address that another session has stays with it: who can forge one shall not cut
    /// others off.
    pub(super) fn learn(&mut self, source: SocketAddr) {
        if self.addresses.contains(&source) {
            return;
        }
        let mut routes = self.port.routes.write();
        if routes.by_address.contains_key(&source) {
            return;
        }
        if self.addresses.len() >= MAX_ADDRESSES {
            let oldest = self.addresses.remove(0);
            routes.forget(oldest, self.inbox.serial);
        }
        routes.by_address.insert(source, self.inbox.clone());
        self.addresses.push(source);
    }

    /// The port.
    pub(super) const fn port(&self) -> &Arc<Port> {
        &self.port
    }
}

impl Routes {
    /// Unless the address is another session's.
    fn forget(&mut self, address: SocketAddr, serial: u64) {
        if self
            .by_address
            .get(&address)
            .is_some_and(|inbox| inbox.serial == serial)
        {
            self.by_address.remove(&address);
        }
    }
}

impl Drop for Berth {
    fn drop(&mut self) {
        let mut routes = self.port.routes.write();
        routes.by_fragment.remove(&self.fragment);
        for address in &self.addresses {
            routes.forget(*address, self.inbox.serial);
        }
    }
}

fn bind(listen: SocketAddr) -> io::Result<(UdpSocket, UdpSocketState)> {
    let socket = Socket::new(
        Domain::for_address(listen),
        Type::DGRAM,
        Some(socket2::Protocol::UDP),
    )?;
    socket.set_nonblocking(true)?;
    // What the system grants of it is enough for a few viewers, and a matter of sysctl for more.
    socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    socket.set_send_buffer_size(SOCKET_BUFFER)?;
    socket.bind(&listen.into())?;
    let socket = UdpSocket::from_std(socket.into())?;
    let offload = UdpSocketState::new(UdpSockRef::from(&socket))?;
    Ok((socket, offload))
}
