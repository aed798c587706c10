//! Receivers over UDP.

use super::watch::GLANCE;
use super::{Reception, Schedule, Watch};
use crate::marker::mark_of;
use crate::os;
use anyhow::Result;
use socket2::SockRef;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

/// Room for what comes while the thread does not run; the system may grant less.
const BUFFER: usize = 4 << 20;

/// Bound sockets, at addresses that stay.
pub(crate) struct Sinks(Arc<Vec<UdpSocket>>);

impl Sinks {
    /// So many, on loopback.
    pub(crate) fn bind(count: usize) -> Result<Self> {
        let bind = |_| {
            let socket = UdpSocket::bind("127.0.0.1:0")?;
            SockRef::from(&socket).set_recv_buffer_size(BUFFER)?;
            Ok(socket)
        };
        Ok(Self(Arc::new((0..count).map(bind).collect::<Result<_>>()?)))
    }

    /// Where they are.
    pub(crate) fn addresses(&self) -> Result<Vec<SocketAddr>> {
        self.0
            .iter()
            .map(|socket| Ok(socket.local_addr()?))
            .collect()
    }

    /// Receives in a thread.
    pub(crate) fn watch(&self, schedule: &Schedule) -> Watch {
        let sockets = self.0.clone();
        Watch::start(sockets.len(), schedule, move |reception| {
            receive(&sockets, reception)
        })
    }
}

fn receive(sockets: &[UdpSocket], reception: &mut Reception) -> Result<()> {
    let mut poller = os::Poller::new()?;
    for (token, socket) in sockets.iter().enumerate() {
        poller.watch(socket, token)?;
    }
    let mut receiver = os::Receiver::new();
    while !reception.is_over() {
        for token in poller.wait(GLANCE)? {
            if let Some(socket) = sockets.get(token) {
                reception.note(token, receiver.receive(socket)?.filter_map(mark_of));
            }
        }
    }
    Ok(())
}
