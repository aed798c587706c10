//! Runs the sessions of a link, one after another, as its state machine says.

use crate::backoff::Policy;
use crate::context::Context;
use crate::error::LinkError;
use crate::figures::{Figures, LinkSnapshot, Session};
use crate::state::{Direction, Machine, Moment, Wants};
use hub::Stream;
use model::{Event, Label, LinkState, LinkStatus};
use parking_lot::Mutex;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// How one protocol connects; runs a single session.
pub trait Dial: Send + 'static {
    /// Connects, calls [`Session::live`], moves media until the session ends. `Ok` and
    /// passing errors lead to another session after a wait. Dropping the future must end
    /// everything it began.
    fn session(&mut self, session: &Session) -> impl Future<Output = Result<(), LinkError>> + Send;
}

/// What a link hangs on.
#[derive(Clone)]
pub struct Wiring {
    /// The gateways' context.
    pub context: Context,
    /// The stream it feeds or takes.
    pub stream: Arc<Stream>,
    /// The source's or output's name within the stream.
    pub label: Label,
    /// Which way media flows.
    pub direction: Direction,
    /// When to try again.
    pub retry: Policy,
}

/// A running link. Stops when dropped; [`LinkHandle::stop`] also waits for its end.
pub struct LinkHandle {
    shared: Arc<Shared>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

struct Shared {
    machine: Mutex<Machine>,
    figures: Arc<Figures>,
    /// The machine was told something while no session runs.
    told: Notify,
}

/// The target of log lines that only repeat what was said: to be counted, not to be written.
pub const AGAIN: &str = "again";

/// How often a running session is looked at.
const TICK: Duration = Duration::from_millis(500);

/// What a session has to say goodbye, once cancelled.
const GOODBYE: Duration = Duration::from_secs(1);

/// Starts a link; it runs until stopped, shut down, failed or exhausted.
pub fn spawn(wiring: Wiring, dial: impl Dial) -> LinkHandle {
    let seed = {
        let mut hasher = DefaultHasher::new();
        (wiring.stream.name(), &wiring.label).hash(&mut hasher);
        hasher.finish()
    };
    let machine = Machine::new(wiring.direction, wiring.retry, seed, now());
    let figures = Arc::new(Figures::new());
    let shared = Arc::new(Shared {
        machine: Mutex::new(machine),
        figures,
        told: Notify::new(),
    });
    let stop = wiring.context.shutdown().child_token();
    let tasks = wiring.context.tasks().clone();
    let driver = Driver {
        wiring,
        shared: shared.clone(),
        stop: stop.clone(),
    };
    let task = tasks.spawn(driver.run(dial));
    LinkHandle { shared, stop, task }
}

impl LinkHandle {
    /// Everything there is to know.
    pub fn snapshot(&self) -> LinkSnapshot {
        let figures = &self.shared.figures;
        LinkSnapshot {
            status: self.shared.machine.lock().status().clone(),
            bytes: figures.meter.bytes(),
            bitrate_bps: figures.meter.rate_bps(Instant::now().into_std()),
            drops: figures.drops.load(Ordering::Relaxed),
            details: figures.details.lock().clone(),
        }
    }

    /// Tries again at once, as if nothing had failed before. A link that has a session goes on.
    pub fn retry(&self) {
        self.shared.machine.lock().try_again(now());
        self.shared.told.notify_one();
    }

    /// Follows other rules about tries from now on. A link that has a session goes on.
    pub fn adopt(&self, policy: Policy) {
        let (before, after) = {
            let mut machine = self.shared.machine.lock();
            let before = machine.wants();
            machine.adopt(policy, now());
            (before, machine.wants())
        };
        if before != after {
            self.shared.told.notify_one();
        }
    }

    /// Ends the session and waits until everything of it is closed.
    pub async fn stop(mut self) {
        self.stop.cancel();
        // The task neither panics nor is aborted; if it were, it is gone all the same.
        let _ = (&mut self.task).await;
    }
}

impl Drop for LinkHandle {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

fn now() -> Moment {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Moment {
        at: Instant::now().into_std(),
        unix_ms: unix.as_millis() as u64,
    }
}

struct Driver {
    wiring: Wiring,
    shared: Arc<Shared>,
    stop: CancellationToken,
}

impl Driver {
    async fn run(self, mut dial: impl Dial) {
        let begun = self.shared.machine.lock().status().clone();
        self.announce(begun);
        loop {
            let wants = self.shared.machine.lock().wants();
            match wants {
                Wants::Session => {
                    let result = self.run_session(&mut dial).await;
                    if self.is_over() {
                        break;
                    }
                    if let Err(error) = &result {
                        self.log_failure(error);
                    }
                    self.change(|machine| machine.ended(result, now()));
                }
                Wants::WaitUntil(at) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(at.into()) => {}
                        () = self.shared.told.notified() => continue,
                        () = self.over() => break,
                    }
                    self.change(|machine| machine.retry(now()));
                }
                // Failed or exhausted: stays so, to be seen, until somebody says otherwise.
                Wants::Nothing => tokio::select! {
                    () = self.shared.told.notified() => {}
                    () = self.over() => break,
                },
            }
        }
        self.change(|machine| machine.stop(now()));
    }

    fn is_over(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Resolves when the link is to stop, for its own or its stream's sake.
    async fn over(&self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.wiring.stream.ended() => self.stop.cancel(),
        }
    }

    async fn run_session(&self, dial: &mut impl Dial) -> Result<(), LinkError> {
        let session = Session {
            figures: self.shared.figures.clone(),
            established: Arc::new(AtomicBool::new(false)),
            cancel: self.stop.child_token(),
        };
        session.figures.quiet.store(true, Ordering::Release);
        let mut running = std::pin::pin!(dial.session(&session));
        let (result, cut_short) = tokio::select! {
            result = &mut running => (result, false),
            error = self.watch(&session) => (Err(error), true),
            () = self.over() => (Ok(()), true),
        };
        session.cancel.cancel();
        if cut_short {
            let _ = tokio::time::timeout(GOODBYE, running).await;
        }
        session.figures.details.lock().take();
        result
    }

    /// Feeds the state machine while a session runs; resolves when the session must end.
    async fn watch(&self, session: &Session) -> LinkError {
        let figures = &self.shared.figures;
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut moved, mut flowed) = (figures.meter.bytes(), None);
        let mut established = false;
        loop {
            let ticked = tokio::select! {
                _ = ticks.tick() => true,
                () = figures.news.notified() => false,
            };
            let has_peer = session.established.load(Ordering::Acquire);
            if std::mem::replace(&mut established, has_peer) != has_peer {
                self.change(|machine| match has_peer {
                    true => machine.established(now()),
                    false => machine.vacant(now()),
                });
            }
            let bytes = figures.meter.bytes();
            let advanced = std::mem::replace(&mut moved, bytes) != bytes;
            if advanced {
                self.change(|machine| machine.moved(now()));
            }
            if ticked {
                // Looked up only while nothing moves: a snapshot takes the stream's locks.
                let seen = (!advanced).then(|| self.stream_bytes());
                let flows = advanced || flowed.is_some_and(|before| seen != Some(before));
                flowed = seen;
                if let Err(error) = self.change(|machine| machine.tick(flows, now())) {
                    return error;
                }
            }
            let live = self.shared.machine.lock().status().state == LinkState::Live;
            figures.quiet.store(!live, Ordering::Release);
        }
    }

    fn stream_bytes(&self) -> u64 {
        self.wiring.stream.snapshot(Instant::now().into_std()).bytes
    }

    /// Applies a change and announces the state if it is a new one.
    fn change<T>(&self, apply: impl FnOnce(&mut Machine) -> T) -> T {
        let (result, news) = {
            let mut machine = self.shared.machine.lock();
            let before = machine.status().state;
            let result = apply(&mut machine);
            let after = machine.status();
            (result, (after.state != before).then(|| after.clone()))
        };
        if let Some(status) = news {
            self.announce(status);
        }
        result
    }

    /// Sources are announced by the hub, which sees what they deliver.
    fn announce(&self, link: LinkStatus) {
        let Wiring {
            context,
            stream,
            label,
            direction,
            ..
        } = &self.wiring;
        tracing::debug!(stream = %stream.name(), link = %label, state = %link.state, "link");
        if *direction == Direction::Out {
            let (stream, output) = (stream.name().clone(), label.clone());
            context.registry().announce(Event::OutputChanged {
                stream,
                output,
                link,
            });
        }
    }

    /// The first failure in a row is said; those that follow are only counted.
    fn log_failure(&self, error: &LinkError) {
        let attempt = self.shared.machine.lock().status().attempt;
        let Wiring { stream, label, .. } = &self.wiring;
        let (stream, code) = (stream.name(), error.code());
        if attempt <= 1 || error.is_permanent() {
            tracing::warn!(%stream, link = %label, code, "{error}");
        } else {
            tracing::warn!(target: AGAIN, %stream, link = %label, code, "{error}");
        }
    }
}
