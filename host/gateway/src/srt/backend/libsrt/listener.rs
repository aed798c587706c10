//! A libsrt port that takes callers.

use super::super::gate::Gate;
use super::super::{
    Admission, Error, ListenConfig, Listener, Refused, RejectReason, Request, Verdict, Why,
};
use super::connection::LibsrtConnection;
use super::library_error;
use super::reactor::{Reactor, ReadWaker, Registration};
use parking_lot::Mutex;
use srt_sys::{Decision, ErrorKind, Handshake, Socket, SocketId, SocketState};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::OwnedSemaphorePermit;

/// How often admitted handshakes are looked at that are neither accepted nor failed yet.
/// Both happen within the library's same call, so one look is nearly always enough.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// A port of libsrt's.
#[derive(Debug)]
pub struct LibsrtListener {
    // Before the listener: fields are dropped in this order.
    registration: Registration,
    listener: srt_sys::Listener,
    reactor: Arc<Reactor>,
    door: Arc<Door>,
    local: SocketAddr,
    payload_bytes: usize,
}

/// What libsrt's thread and the accepting task share.
struct Door {
    gate: Gate,
    admission: Arc<dyn Admission>,
    /// Admitted, neither accepted nor failed. Bounded by the gate's permits.
    admitted: Mutex<HashMap<SocketId, Admitted>>,
}

#[derive(Debug)]
struct Admitted {
    peer: SocketAddr,
    stream_id: Box<[u8]>,
    permit: OwnedSemaphorePermit,
}

impl LibsrtListener {
    pub(super) fn start(
        socket: Socket,
        reactor: Arc<Reactor>,
        config: &ListenConfig,
        admission: Arc<dyn Admission>,
    ) -> Result<Self, srt_sys::Error> {
        let registration = reactor.register(&socket)?;
        let local = socket.local_addr().unwrap_or(config.local);
        let door = Arc::new(Door {
            gate: Gate::new(
                config.max_connections,
                config.handshakes_per_s,
                Instant::now(),
            ),
            admission,
            admitted: Mutex::default(),
        });
        let (at_door, waker) = (Arc::clone(&door), registration.read_waker());
        let listener = srt_sys::Listener::new(socket, config.backlog, move |handshake| {
            at_door.decide(handshake, &waker)
        })?;
        Ok(Self {
            registration,
            listener,
            reactor,
            door,
            local,
            payload_bytes: config.payload_bytes,
        })
    }

    /// Takes the next caller, if one waits.
    fn try_accept(&self) -> Result<Option<LibsrtConnection>, Error> {
        loop {
            let (socket, _) = match self.listener.accept() {
                Ok(accepted) => accepted,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
                Err(error) => return Err(library_error(error)),
            };
            let Some(admitted) = self.door.admitted.lock().remove(&socket.id()) else {
                continue; // failed between the library's queue and here
            };
            let Ok(registration) = self.reactor.register(&socket) else {
                continue; // the caller is gone already
            };
            let Admitted {
                peer,
                stream_id,
                permit,
            } = admitted;
            let connection =
                LibsrtConnection::new(socket, registration, peer, stream_id, self.payload_bytes);
            return Ok(Some(connection.with_permit(permit)));
        }
    }
}

impl Listener for LibsrtListener {
    type Connection = LibsrtConnection;

    fn local_addr(&self) -> SocketAddr {
        self.local
    }

    async fn accept(&mut self) -> Result<LibsrtConnection, Error> {
        loop {
            if let Some(connection) = self.try_accept()? {
                return Ok(connection);
            }
            if self.door.report_failed() {
                let _ = tokio::time::timeout(LOOK_AGAIN, self.registration.readable()).await;
            } else {
                self.registration.readable().await;
            }
        }
    }
}

impl Door {
    /// Runs in libsrt's receiving thread, within the handshake.
    fn decide(&self, handshake: &Handshake<'_>, waker: &ReadWaker) -> Decision {
        let request = Request {
            // On a port of both families IPv4 callers come as ::ffff:a.b.c.d.
            peer: SocketAddr::new(handshake.peer.ip().to_canonical(), handshake.peer.port()),
            stream_id: handshake.stream_id,
        };
        let permit = match self.gate.enter(Instant::now()) {
            Ok(permit) => permit,
            Err(why) => return self.refuse(request, why, RejectReason::OVERLOAD),
        };
        let passphrase = match self.admission.admit(&request) {
            Verdict::Accept { passphrase } => passphrase,
            Verdict::Reject(reason) => {
                return self.refuse(request, Why::Denied(reason), reason);
            }
        };
        if let Some(passphrase) = passphrase {
            let secret = passphrase.expose().as_bytes();
            if let Err(error) = handshake.require_passphrase(secret) {
                tracing::error!(peer = %request.peer, %error, "cannot demand a passphrase");
                let reason = RejectReason::ISE;
                return self.refuse(request, Why::Denied(reason), reason);
            }
        }
        let admitted = Admitted {
            peer: request.peer,
            stream_id: request.stream_id.into(),
            permit,
        };
        self.admitted.lock().insert(handshake.id, admitted);
        waker.wake();
        Decision::Accept
    }

    fn refuse(&self, request: Request<'_>, why: Why, reason: RejectReason) -> Decision {
        self.admission.refused(&Refused { request, why });
        Decision::Reject(reason)
    }

    /// Reports admitted callers whose handshake has failed; says whether some are still open.
    ///
    /// libsrt does not tell a listener of failed handshakes, but closes the socket it made
    /// (`CUDTUnited::newConnection`, api.cpp).
    fn report_failed(&self) -> bool {
        // Not asked under the lock: libsrt's answer takes a lock of its own.
        let mut closed: Vec<SocketId> = self.admitted.lock().keys().copied().collect();
        closed.retain(|id| id.state() == SocketState::Closed);
        let mut admitted = self.admitted.lock();
        let failed: Vec<Admitted> = closed.iter().filter_map(|id| admitted.remove(id)).collect();
        let some_open = !admitted.is_empty();
        drop(admitted);
        for caller in &failed {
            let request = Request {
                peer: caller.peer,
                stream_id: &caller.stream_id,
            };
            let why = Why::Handshake;
            self.admission.refused(&Refused { request, why });
        }
        some_open
    }
}

impl std::fmt::Debug for Door {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Door")
            .field("gate", &self.gate)
            .field("admitted", &self.admitted.lock().len())
            .finish_non_exhaustive()
    }
}
