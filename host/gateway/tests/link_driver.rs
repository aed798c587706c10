//! The driver of a link, in virtual time.

mod udp_support;

use link::LinkHandle;
use link::{self, Dial, Direction, LinkError, Policy, Session, Wiring};
use model::LinkState;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use udp_support::{Host, label, state};

/// What a peer does with one session.
#[derive(Clone, Copy)]
enum Act {
    Fail,
    Reject,
    /// Takes bytes for this long, then closes.
    Take(Duration),
    /// Takes bytes until told to go, and needs a moment then.
    TakeAndSayGoodbye,
}

/// Does one act after another, the last one for ever; notes when it was called.
struct Peer {
    acts: Vec<Act>,
    calls: Arc<Mutex<Vec<Instant>>>,
    goodbyes: Arc<Mutex<u32>>,
}

impl Dial for Peer {
    async fn session(&mut self, session: &Session) -> Result<(), LinkError> {
        let call = {
            let mut calls = self.calls.lock();
            calls.push(Instant::now());
            calls.len() - 1
        };
        match self.acts[call.min(self.acts.len() - 1)] {
            Act::Fail => Err(LinkError::Passing("down".to_owned())),
            Act::Reject => Err(LinkError::Rejected("never".to_owned())),
            Act::Take(time) => {
                let _ = tokio::time::timeout(time, take(session)).await;
                Ok(())
            }
            Act::TakeAndSayGoodbye => {
                tokio::select! {
                    () = take(session) => {}
                    () = session.cancelled().cancelled() => {
                        sleep(Duration::from_millis(300)).await;
                        *self.goodbyes.lock() += 1;
                    }
                }
                Ok(())
            }
        }
    }
}

async fn take(session: &Session) {
    session.live();
    loop {
        session.moved(1000);
        sleep(Duration::from_millis(100)).await;
    }
}

struct Bench {
    link: LinkHandle,
    calls: Arc<Mutex<Vec<Instant>>>,
    goodbyes: Arc<Mutex<u32>>,
    _host: Host,
}

fn start(acts: &[Act], retry: Policy) -> Bench {
    let host = Host::new();
    let (calls, goodbyes) = (Arc::default(), Arc::default());
    let peer = Peer {
        acts: acts.to_vec(),
        calls: Arc::clone(&calls),
        goodbyes: Arc::clone(&goodbyes),
    };
    let wiring = Wiring {
        context: host.context.links().clone(),
        stream: host.stream.clone(),
        label: label("out"),
        direction: Direction::Out,
        retry,
    };
    Bench {
        link: link::spawn(wiring, peer),
        calls,
        goodbyes,
        _host: host,
    }
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_is_down_is_called_at_growing_intervals_up_to_the_cap() {
    let bench = start(&[Act::Fail], Policy::default());
    sleep(Duration::from_secs(200)).await;
    let calls = bench.calls.lock().clone();
    let waits: Vec<f64> = calls
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs_f64())
        .collect();
    for (wait, nominal) in waits
        .iter()
        .zip([0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0])
    {
        assert!(
            (0.8 * nominal..=1.2 * nominal + 0.01).contains(wait),
            "{wait} for {nominal}"
        );
    }
    let snapshot = bench.link.snapshot();
    assert_eq!(snapshot.status.state, LinkState::Retrying);
    assert_eq!(snapshot.status.last_error.as_deref(), Some("down"));
    assert_eq!(snapshot.status.attempt as usize, calls.len());
}

#[tokio::test(start_paused = true)]
async fn after_a_stable_session_the_first_wait_is_short_again() {
    let long = Duration::from_secs(60);
    let bench = start(
        &[
            Act::Fail,
            Act::Fail,
            Act::Fail,
            Act::Take(long),
            Act::TakeAndSayGoodbye,
        ],
        Policy::default(),
    );
    sleep(Duration::from_secs(100)).await;
    let calls = bench.calls.lock().clone();
    assert_eq!(calls.len(), 5);
    let wait = calls[4] - calls[3] - long;
    assert!(wait < Duration::from_millis(650), "{wait:?}");
    let snapshot = bench.link.snapshot();
    assert_eq!(
        (snapshot.status.state, snapshot.status.reconnects),
        (LinkState::Live, 1)
    );
    assert!(snapshot.bytes > 600_000, "counted over both sessions");
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_rejects_is_not_called_again() {
    let bench = start(&[Act::Reject], Policy::default());
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(
        (bench.calls.lock().len(), state(&bench.link)),
        (1, LinkState::Failed)
    );
}

#[tokio::test(start_paused = true)]
async fn attempts_run_out_where_they_are_limited() {
    let bench = start(
        &[Act::Fail],
        Policy {
            max_attempts: Some(4),
            ..Policy::default()
        },
    );
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(
        (bench.calls.lock().len(), state(&bench.link)),
        (4, LinkState::Exhausted)
    );
}

#[tokio::test(start_paused = true)]
async fn stopping_lets_the_session_say_goodbye_but_not_for_ever() {
    let bench = start(&[Act::TakeAndSayGoodbye], Policy::default());
    sleep(Duration::from_secs(1)).await;
    bench.link.stop().await;
    assert_eq!(*bench.goodbyes.lock(), 1);

    let deaf = start(&[Act::Take(Duration::from_secs(3600))], Policy::default());
    sleep(Duration::from_secs(1)).await;
    let before = Instant::now();
    deaf.link.stop().await;
    assert!(before.elapsed() <= Duration::from_millis(1100));
}

#[tokio::test(start_paused = true)]
async fn stopping_while_waiting_to_retry_is_immediate() {
    let bench = start(&[Act::Fail], Policy::default());
    sleep(Duration::from_secs(40)).await;
    let before = Instant::now();
    bench.link.stop().await;
    assert!(before.elapsed() < Duration::from_millis(10));
}
