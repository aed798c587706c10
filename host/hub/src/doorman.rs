//! Who may come in, and for how long: the question that a gateway asks before any media, and
//! the terms that hold afterwards.

use crate::meter::Meter;
use crate::registry::Registry;
use model::{Admission, Ask, Refusal, StreamName, Terms};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How often a peer with a limited bitrate is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// What is handed over at once when a peer comes is no measure of its bitrate.
const BEGIN: Duration = Duration::from_secs(1);

/// Over how long the bitrate of a connection is measured.
const WINDOW: Duration = Duration::from_secs(5);

/// The doorman's answer.
pub enum Verdict<'a> {
    /// It is known at once: no policy has to be asked.
    Known(Result<Admission, Refusal>),
    /// It has to be waited for. Nothing happens before it is.
    Asked(Pin<Box<dyn Future<Output = Result<Admission, Refusal>> + Send + 'a>>),
}

impl Verdict<'_> {
    /// The answer once it is there.
    pub async fn wait(self) -> Result<Admission, Refusal> {
        match self {
            Self::Known(verdict) => verdict,
            Self::Asked(verdict) => verdict.await,
        }
    }
}

/// Decides who may publish or read. The hub asks it through [`Registry::admit`].
pub trait Doorman: Send + Sync {
    /// Whether this peer may come in, and on what terms. Has to answer within seconds,
    /// whatever happens: the peer waits.
    fn admit<'a>(&'a self, ask: &'a Ask) -> Verdict<'a>;
}

/// Lets everybody in.
#[derive(Debug, Clone, Copy, Default)]
pub struct OpenDoor;

impl Doorman for OpenDoor {
    fn admit<'a>(&'a self, _ask: &'a Ask) -> Verdict<'a> {
        Verdict::Known(Ok(Admission::default()))
    }
}

/// A peer that the doorman let in.
#[derive(Debug, Clone)]
pub struct Pass {
    ask: Ask,
    stream: StreamName,
    terms: Admission,
    since: Instant,
}

impl Pass {
    /// For a peer that nobody has to be asked about: without limits.
    pub fn free(ask: Ask) -> Self {
        Self::new(ask, Admission::default(), Instant::now())
    }

    pub(crate) fn new(ask: Ask, terms: Admission, now: Instant) -> Self {
        let stream = terms.stream.clone().unwrap_or_else(|| ask.stream.clone());
        Self {
            ask,
            stream,
            terms,
            since: now,
        }
    }

    /// What was asked, under the name that was asked for.
    pub const fn ask(&self) -> &Ask {
        &self.ask
    }

    /// The stream it may have, by its own name.
    pub const fn stream(&self) -> &StreamName {
        &self.stream
    }

    /// On what terms.
    pub const fn terms(&self) -> &Admission {
        &self.terms
    }
}

/// A peer's stay: whether the terms on which it was let in still hold.
///
/// A state machine without task or clock. [`Registry::watch`] drives one for a connection; where
/// nobody is connected (HLS), requests do.
#[derive(Debug)]
pub struct Stay {
    pass: Pass,
    window: Duration,
    /// When it is asked for again.
    renew_at: Option<Instant>,
    look_at: Option<Instant>,
    /// Bytes moved by then, oldest first; as many as the window takes.
    looks: VecDeque<(Instant, u64)>,
}

/// What is to be done about a stay.
#[derive(Debug, PartialEq, Eq)]
pub enum Due {
    /// Nothing yet.
    Nothing,
    /// Ask the doorman this, and tell [`Stay::renewed`] the answer.
    Renew(Box<Ask>),
    /// The peer has to go.
    Leave(Terms),
}

impl Stay {
    /// Begins with the pass.
    pub fn new(pass: Pass) -> Self {
        let mut stay = Self {
            window: WINDOW,
            renew_at: None,
            look_at: None,
            looks: VecDeque::new(),
            pass,
        };
        stay.begin_terms(stay.pass.since);
        stay
    }

    /// Measures the bitrate over so long, for peers that take a lot at a time.
    pub fn over(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }

    /// The pass it began with, its terms as last renewed.
    pub const fn pass(&self) -> &Pass {
        &self.pass
    }

    /// When [`Stay::handle_timeout`] is to be called next; never where there are no terms.
    pub fn poll_timeout(&self) -> Option<Instant> {
        let ends = self.ends_at();
        [ends, self.renew_at, self.look_at]
            .into_iter()
            .flatten()
            .min()
    }

    /// Looks at the clock and at how many bytes the peer has moved since it came.
    pub fn handle_timeout(&mut self, now: Instant, bytes: u64) -> Due {
        if let (Some(ends), Some(allowed)) = (self.ends_at(), self.pass.terms.max_duration)
            && now >= ends
        {
            return Due::Leave(Terms::Duration(allowed));
        }
        if self.is_too_fast(now, bytes)
            && let Some(allowed_bps) = self.pass.terms.max_bitrate_bps
        {
            return Due::Leave(Terms::Bitrate { allowed_bps });
        }
        match self.renew_at {
            Some(at) if now >= at => {
                // Not again until the answer is there.
                self.renew_at = None;
                let renewal = true;
                let ask = self.pass.ask.clone();
                Due::Renew(Box::new(Ask { renewal, ..ask }))
            }
            _ => Due::Nothing,
        }
    }

    /// The doorman's answer to a renewal; its terms hold from now on, while the time allowed
    /// goes on from when the peer came.
    ///
    /// # Errors
    /// The peer has to go.
    pub fn renewed(
        &mut self,
        now: Instant,
        verdict: Result<Admission, Refusal>,
    ) -> Result<(), Terms> {
        let terms = verdict.map_err(|_| Terms::Renewal)?;
        let stream = terms.stream.as_ref().unwrap_or(&self.pass.ask.stream);
        if *stream != self.pass.stream {
            return Err(Terms::Renamed);
        }
        self.pass.terms = terms;
        self.begin_terms(now);
        Ok(())
    }

    fn begin_terms(&mut self, now: Instant) {
        self.renew_at = self.pass.terms.ttl.map(|ttl| now + ttl);
        if self.pass.terms.max_bitrate_bps.is_none() {
            self.look_at = None;
            self.looks.clear();
        } else if self.look_at.is_none() {
            self.look_at = Some(now + BEGIN);
        }
    }

    fn ends_at(&self) -> Option<Instant> {
        let allowed = self.pass.terms.max_duration?;
        self.pass.since.checked_add(allowed)
    }

    /// Takes a look if one is due; a window that is not full yet is no reason.
    fn is_too_fast(&mut self, now: Instant, bytes: u64) -> bool {
        let Some(allowed) = self.pass.terms.max_bitrate_bps else {
            return false;
        };
        if self.look_at.is_none_or(|at| now < at) {
            return false;
        }
        self.look_at = Some(now + LOOK);
        self.looks.push_back((now, bytes));
        // The oldest look that is a whole window ago stays, for the next one to be compared with.
        while let Some((second, _)) = self.looks.get(1)
            && now.saturating_duration_since(*second) >= self.window
        {
            self.looks.pop_front();
        }
        let Some((since, before)) = self.looks.front() else {
            return false;
        };
        let elapsed = now.saturating_duration_since(*since);
        let bits = bytes.saturating_sub(*before) as f64 * 8.0;
        elapsed >= self.window && bits > allowed as f64 * elapsed.as_secs_f64()
    }
}

impl Registry {
    /// Resolves when a connected peer has to go, because the terms of its pass have run out;
    /// never, where it has none. `traffic` counts what it moves.
    pub async fn watch(&self, pass: Pass, traffic: Arc<Meter>) -> Refusal {
        let mut stay = Stay::new(pass);
        loop {
            match stay.poll_timeout() {
                Some(at) => tokio::time::sleep_until(at.into()).await,
                None => std::future::pending().await,
            }
            let due = stay.handle_timeout(Instant::now(), traffic.bytes());
            let left = match due {
                Due::Nothing => continue,
                Due::Leave(terms) => Err(terms),
                Due::Renew(ask) => {
                    let verdict = self.renew(&ask).await;
                    stay.renewed(Instant::now(), verdict)
                }
            };
            if let Err(terms) = left {
                return self.cut_off(stay.pass(), terms);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Intent, Protocol};

    const S: Duration = Duration::from_secs(1);

    fn stay(terms: Admission, now: Instant) -> Stay {
        let (stream, peer) = ("key".parse().unwrap(), ([127, 0, 0, 1], 1).into());
        let ask = Ask::new(stream, Intent::Publish, Protocol::Srt, peer);
        Stay::new(Pass::new(ask, terms, now))
    }

    #[test]
    fn without_terms_there_is_nothing_to_wait_for() {
        let now = Instant::now();
        let mut free = stay(Admission::default(), now);
        assert_eq!(free.poll_timeout(), None);
        assert_eq!(free.handle_timeout(now + 9999 * S, 1 << 40), Due::Nothing);
    }

    #[test]
    fn a_peer_goes_when_its_time_is_over_however_often_it_is_renewed() {
        let t0 = Instant::now();
        let terms = || Admission {
            max_duration: Some(10 * S),
            ttl: Some(4 * S),
            ..Admission::default()
        };
        let mut stay = stay(terms(), t0);
        for at in [4, 8] {
            assert_eq!(stay.poll_timeout(), Some(t0 + at * S));
            let Due::Renew(ask) = stay.handle_timeout(t0 + at * S, 0) else {
                panic!("no renewal after {at} s")
            };
            assert!(ask.renewal);
            assert_eq!(stay.handle_timeout(t0 + at * S, 0), Due::Nothing, "once");
            stay.renewed(t0 + at * S, Ok(terms())).unwrap();
        }
        assert_eq!(stay.poll_timeout(), Some(t0 + 10 * S));
        let leave = Due::Leave(Terms::Duration(10 * S));
        assert_eq!(stay.handle_timeout(t0 + 10 * S, 0), leave);
    }

    #[test]
    fn a_renewal_that_is_denied_or_names_another_stream_ends_the_stay() {
        let t0 = Instant::now();
        let to = |name: &str| Admission {
            stream: Some(name.parse().unwrap()),
            ttl: Some(S),
            ..Admission::default()
        };
        let mut stay = stay(to("live/a"), t0);
        assert_eq!(stay.pass().stream().as_str(), "live/a");
        assert_eq!(stay.renewed(t0, Ok(to("live/a"))), Ok(()));
        assert_eq!(stay.renewed(t0, Ok(to("live/b"))), Err(Terms::Renamed));
        let plain = Ok(Admission::default());
        assert_eq!(stay.renewed(t0, plain), Err(Terms::Renamed));
        assert_eq!(
            stay.renewed(t0, Err(Refusal::Forbidden)),
            Err(Terms::Renewal)
        );
    }

    #[test]
    fn bitrate_is_judged_over_a_window_that_leaves_out_the_beginning() {
        let t0 = Instant::now();
        let run = |per_s: u64, at_once: u64| {
            let terms = Admission {
                max_bitrate_bps: Some(8_000),
                ..Admission::default()
            };
            let mut stay = stay(terms, t0);
            for second in 1..60 {
                let now = t0 + second * S;
                assert!(stay.poll_timeout().is_some_and(|at| at <= now));
                if stay.handle_timeout(now, at_once + per_s * u64::from(second)) != Due::Nothing {
                    return Some(second);
                }
            }
            None
        };
        assert_eq!(run(1_000, 1_000_000), None, "exactly as fast as allowed");
        assert_eq!(run(1_001, 0), Some(6), "as soon as a window is full");
    }
}
