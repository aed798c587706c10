//! One thread waits for all of libsrt's sockets and wakes their tasks.

use parking_lot::Mutex;
use srt_sys::{Epoll, Error, Event, Events, Library, Socket, SocketId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::Notify;

/// Most events taken at a time.
const BATCH: u16 = 256;
/// How long one wait lasts; also how long the thread may outlive its last socket.
const TICK: Duration = Duration::from_millis(20);

/// The reactor in use; gone with its last socket. One for the process, because libsrt wakes
/// only one waiter for each event ([`Epoll`]).
static SHARED: Mutex<Weak<Reactor>> = Mutex::new(Weak::new());

/// Owns the thread that waits.
#[derive(Debug)]
pub(super) struct Reactor {
    inner: Arc<Inner>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Inner {
    epoll: Epoll,
    sockets: Mutex<HashMap<SocketId, Arc<Readiness>>>,
    stop: AtomicBool,
}

/// Wakes the tasks of one socket. A permit is kept when nobody waits yet, so no wake is lost
/// between "would block" and waiting.
#[derive(Debug, Default)]
struct Readiness {
    readable: Notify,
    writable: Notify,
}

/// A socket's place in the reactor, given up when dropped. Drop it before its socket.
#[derive(Debug)]
pub(super) struct Registration {
    reactor: Arc<Reactor>,
    id: SocketId,
    readiness: Arc<Readiness>,
}

/// Wakes the task that reads a socket, from elsewhere.
#[derive(Debug, Clone)]
pub(super) struct ReadWaker(Arc<Readiness>);

impl Reactor {
    /// The process's reactor, started unless it runs.
    pub(super) fn shared(library: Library) -> Result<Arc<Self>, Error> {
        let mut shared = SHARED.lock();
        if let Some(reactor) = shared.upgrade() {
            return Ok(reactor);
        }
        let inner = Arc::new(Inner {
            epoll: Epoll::new(library)?,
            sockets: Mutex::default(),
            stop: AtomicBool::new(false),
        });
        let worker = Arc::clone(&inner);
        let thread = thread::Builder::new()
            .name("srt-epoll".to_owned())
            .spawn(move || worker.run())
            .map_err(|_| Error::OUT_OF_THREADS)?;
        let reactor = Arc::new(Self {
            inner,
            thread: Some(thread),
        });
        *shared = Arc::downgrade(&reactor);
        Ok(reactor)
    }

    /// Watches a socket from now on.
    pub(super) fn register(self: &Arc<Self>, socket: &Socket) -> Result<Registration, Error> {
        let readiness = Arc::new(Readiness::default());
        let id = socket.id();
        // First the table, then the set: the first event may come at once.
        let mut sockets = self.inner.sockets.lock();
        self.inner.epoll.add(socket)?;
        sockets.insert(id, Arc::clone(&readiness));
        Ok(Registration {
            reactor: Arc::clone(self),
            id,
            readiness,
        })
    }
}

impl Drop for Reactor {
    fn drop(&mut self) {
        self.inner.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // Ends within a tick; waiting keeps it from using libsrt while the process exits.
            let _ = thread.join();
        }
    }
}

impl Inner {
    fn run(&self) {
        let mut events = Events::with_capacity(BATCH);
        while !self.stop.load(Ordering::Relaxed) {
            if let Err(error) = self.epoll.wait(&mut events, TICK) {
                // Only possible if something else released the set; spinning would not help.
                tracing::error!(%error, "waiting for SRT sockets failed");
                thread::sleep(TICK);
            }
            let sockets = self.sockets.lock();
            for event in events.iter() {
                if let Some(readiness) = sockets.get(&event.id) {
                    readiness.wake(event);
                }
            }
        }
    }
}

impl Readiness {
    fn wake(&self, event: Event) {
        if event.readable || event.failed {
            self.readable.notify_one();
        }
        if event.writable || event.failed {
            self.writable.notify_one();
        }
    }
}

impl Registration {
    /// Waits for an event since the last wait: data, a caller, or the end.
    pub(super) async fn readable(&self) {
        self.readiness.readable.notified().await;
    }

    /// Waits for an event since the last wait: room, a call's outcome, or the end.
    pub(super) async fn writable(&self) {
        self.readiness.writable.notified().await;
    }

    /// Lets others end a wait in [`Registration::readable`].
    pub(super) fn read_waker(&self) -> ReadWaker {
        ReadWaker(Arc::clone(&self.readiness))
    }
}

impl ReadWaker {
    /// Ends the wait, or the next one.
    pub(super) fn wake(&self) {
        self.0.readable.notify_one();
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.reactor.inner.epoll.remove(self.id);
        self.reactor.inner.sockets.lock().remove(&self.id);
    }
}
