//! The desk in front of the SRT port: asks the doorman about each caller within its handshake.
//!
//! A caller can be told why not only within its handshake, and that runs in the one thread which
//! receives for every connection of the port. So a handshake waits [`WAIT`] for the doorman, and
//! all of them together [`BUDGET`] in a second, less than any receiver's latency has to spare.
//! Who cannot be judged in that time is let through the handshake and judged right after it,
//! before any media; turned away then, it only sees its connection close.

use super::backend::{Request, Verdict};
use super::reject::{RejectReason, reason_for};
use super::stream_id::StreamIdError;
use super::{Failure, ask};
use crate::context::Context;
use hub::Pass;
use model::{Ask, Event, Intent, Protocol, Refusal};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

/// How long one handshake waits for the doorman.
const WAIT: Duration = Duration::from_millis(20);

/// How long all handshakes of a second wait together.
const BUDGET: Duration = Duration::from_millis(100);

/// A handshake that is not done by then has failed; libsrt gives up after 3 s.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Who asked for what: a caller may make several connections from one port.
type Caller = (SocketAddr, Box<[u8]>);

type Judged = Result<Pass, Refusal>;

/// What is known of a caller between its handshake and its connection.
enum Waiting {
    Judged(Box<Pass>),
    Asked(JoinHandle<Judged>),
}

impl Waiting {
    fn judged(pass: Pass) -> Self {
        Self::Judged(Box::new(pass))
    }
}

/// One port's desk.
pub(super) struct Desk {
    context: Context,
    runtime: Handle,
    waiting: Mutex<HashMap<Caller, (Instant, Waiting)>>,
    patience: Mutex<Patience>,
}

impl Desk {
    /// Asks on the runtime that this is called in.
    pub(super) fn new(context: &Context) -> Self {
        Self {
            context: context.clone(),
            runtime: Handle::current(),
            waiting: Mutex::default(),
            patience: Mutex::new(Patience::new(Instant::now())),
        }
    }

    /// What a caller is told within its handshake. Blocks, within bounds.
    pub(super) fn judge(&self, request: &Request<'_>) -> Verdict {
        let asked = match ask(request.stream_id, request.peer) {
            Ok(asked) => asked,
            Err(error) => return self.misunderstood(&error),
        };
        let judged = match self.context.registry().admit_now(&asked) {
            Some(judged) => judged.map(Waiting::judged),
            None => self.ask_in(asked),
        };
        match judged.and_then(|waiting| self.may_go_on(waiting)) {
            Ok(waiting) => {
                self.keep(request, waiting);
                Verdict::Accept { passphrase: None }
            }
            Err(refusal) => Verdict::Reject(reason_for(&refusal)),
        }
    }

    /// What came of a caller whose handshake is done; waits for the doorman if that is needed.
    pub(super) async fn collect(
        &self,
        peer: SocketAddr,
        stream_id: &[u8],
    ) -> Result<Pass, Failure> {
        let waiting = self.waiting.lock().remove(&(peer, stream_id.into()));
        match waiting {
            Some((_, Waiting::Judged(pass))) => return Ok(*pass),
            Some((_, Waiting::Asked(judged))) => {
                if let Ok(judged) = judged.await {
                    return Ok(judged?);
                }
            }
            // Its handshake took longer than any should.
            None => {}
        }
        let ask = ask(stream_id, peer)?;
        Ok(self.context.registry().admit(ask).await?)
    }

    /// Asks beside the handshake, and waits as long as it may.
    fn ask_in(&self, ask: Ask) -> Result<Waiting, Refusal> {
        let registry = self.context.registry().clone();
        let (tell, told) = mpsc::sync_channel(1);
        let asking = async move {
            let judged = registry.admit(ask).await;
            // The handshake may have gone on.
            let _ = tell.try_send(judged.clone());
            judged
        };
        let asked = self.context.tasks().spawn_on(asking, &self.runtime);
        let began = Instant::now();
        let patience = self.patience.lock().left(began);
        let judged = told.recv_timeout(patience);
        self.patience.lock().spend(began.elapsed());
        match judged {
            Ok(judged) => judged.map(Waiting::judged),
            Err(_) => Ok(Waiting::Asked(asked)),
        }
    }

    /// What the hub says beyond the doorman's word, as far as it is known.
    fn may_go_on(&self, waiting: Waiting) -> Result<Waiting, Refusal> {
        if let Waiting::Judged(pass) = &waiting {
            match pass.ask().intent {
                Intent::Publish => self.context.registry().may_publish(pass)?,
                Intent::Read => self.context.registry().may_read(pass)?,
            }
        }
        Ok(waiting)
    }

    fn misunderstood(&self, error: &StreamIdError) -> Verdict {
        let code = Refusal::BadRequest(String::new()).code().to_owned();
        self.context.registry().announce(Event::PeerRefused {
            protocol: Protocol::Srt,
            code,
        });
        Verdict::Reject(RejectReason::from(error))
    }

    fn keep(&self, request: &Request<'_>, waiting: Waiting) {
        let now = Instant::now();
        let mut all = self.waiting.lock();
        all.retain(|_, (since, _)| now.saturating_duration_since(*since) < HANDSHAKE);
        all.insert((request.peer, request.stream_id.into()), (now, waiting));
    }
}

/// How long handshakes may still wait: refilled as time passes.
struct Patience {
    left: Duration,
    filled: Instant,
}

impl Patience {
    const fn new(now: Instant) -> Self {
        Self {
            left: BUDGET,
            filled: now,
        }
    }

    fn left(&mut self, now: Instant) -> Duration {
        let since = now.saturating_duration_since(self.filled);
        self.filled = now;
        let refill = BUDGET.mul_f64(since.as_secs_f64().min(1.0));
        self.left = (self.left + refill).min(BUDGET);
        self.left.min(WAIT)
    }

    fn spend(&mut self, waited: Duration) {
        self.left = self.left.saturating_sub(waited);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_handshakes_stops_the_thread_for_a_tenth_of_the_time_at_most() {
        let t0 = Instant::now();
        let mut patience = Patience::new(t0);
        let (mut now, mut waited) = (t0, Duration::ZERO);
        while now < t0 + Duration::from_secs(10) {
            let wait = patience.left(now);
            assert!(wait <= WAIT);
            patience.spend(wait);
            waited += wait;
            now += wait + Duration::from_micros(100);
        }
        assert!(waited <= Duration::from_millis(1_110), "{waited:?}");
        assert!(waited >= Duration::from_millis(900), "{waited:?}");
    }
}
