//! The doorman's word holds: at the door, and as long as a peer stays.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a test fails by panicking

use hub::doorman::Verdict;
use hub::{Doorman, Meter, Registry, Settings};
use model::{Admission, Ask, Event, Intent, Protocol, Refusal, Terms};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// What no condition takes longer than.
const PATIENCE: Duration = Duration::from_secs(10);

/// Judges by the stream's name, and counts renewals.
#[derive(Default)]
struct Clerk {
    renewals: AtomicU32,
}

impl Clerk {
    fn verdict(&self, ask: &Ask) -> Result<Admission, Refusal> {
        let limits = Admission::default();
        match ask.stream.as_str() {
            "closed" if ask.shows_credentials() => Err(Refusal::Forbidden),
            "closed" => Err(Refusal::Unauthorized),
            "key" => Ok(Admission {
                stream: Some("live/cam1".parse().unwrap()),
                ..limits
            }),
            "brief" => Ok(Admission {
                max_duration: Some(Duration::from_millis(30)),
                ..limits
            }),
            "renewed"
                if self
                    .renewals
                    .fetch_add(u32::from(ask.renewal), Ordering::SeqCst)
                    >= 2 =>
            {
                Err(Refusal::Forbidden)
            }
            "renewed" => Ok(Admission {
                ttl: Some(Duration::from_millis(20)),
                ..limits
            }),
            "small" => Ok(Admission {
                max_readers: Some(1),
                ..limits
            }),
            _ => Ok(limits),
        }
    }
}

impl Doorman for Clerk {
    fn admit<'a>(&'a self, ask: &'a Ask) -> Verdict<'a> {
        Verdict::Asked(Box::pin(async move { self.verdict(ask) }))
    }
}

fn house() -> (Registry, Arc<Clerk>) {
    let (registry, clerk) = (Registry::new(Settings::default()), Arc::<Clerk>::default());
    registry.appoint(clerk.clone());
    (registry, clerk)
}

fn ask(stream: &str, intent: Intent) -> Ask {
    let peer = ([127, 0, 0, 1], 1234).into();
    Ask::new(stream.parse().unwrap(), intent, Protocol::Srt, peer)
}

fn quiet() -> Arc<Meter> {
    Arc::new(Meter::new(Instant::now()))
}

#[tokio::test]
async fn who_is_turned_away_is_announced_with_why() {
    let (registry, _) = house();
    let mut events = registry.events();
    let stranger = ask("closed", Intent::Read);
    let known = Ask {
        token: Some("wrong".into()),
        ..stranger.clone()
    };
    for (asked, code) in [(stranger, "unauthorized"), (known, "forbidden")] {
        assert_eq!(registry.admit(asked).await.unwrap_err().code(), code);
        let told = Event::PeerRefused {
            protocol: Protocol::Srt,
            code: code.to_owned(),
        };
        assert_eq!(events.try_recv().unwrap(), told);
    }
}

#[tokio::test]
async fn a_key_stands_for_a_stream_whose_own_name_a_stranger_does_not_learn() {
    let (registry, _) = house();
    let read = registry.admit(ask("key", Intent::Read)).await.unwrap();
    let refusal = registry.read(&read).unwrap_err();
    assert_eq!(refusal, Refusal::UnknownStream("key".parse().unwrap()));
    let publish = registry.admit(ask("key", Intent::Publish)).await.unwrap();
    let _source = registry.publish(&publish).unwrap();
    assert!(registry.get("live/cam1").is_some() && registry.get("key").is_none());
    assert!(registry.read(&read).is_ok());
}

#[tokio::test]
async fn the_readers_allowed_are_those_of_the_least_of_all_terms() {
    let (registry, _) = house();
    let publish = registry.admit(ask("small", Intent::Publish)).await.unwrap();
    let source = registry.publish(&publish).unwrap();
    // Whoever comes by other terms meets the publisher's.
    let free = hub::Pass::free(ask("small", Intent::Read));
    let _first = registry.read(&free).unwrap();
    let refusal = registry.read(&free).unwrap_err();
    assert!(matches!(refusal, Refusal::Overloaded { limit: 1, .. }));
    drop(source);
    let unlimited = hub::Pass::free(ask("small", Intent::Publish));
    let _source = registry.publish(&unlimited).unwrap();
    let _second = registry.read(&free).unwrap();
    let read = registry.admit(ask("small", Intent::Read)).await.unwrap();
    assert_eq!(registry.read(&read).unwrap_err().code(), "overloaded");
}

#[tokio::test]
async fn a_stay_ends_with_the_time_allowed_or_with_a_renewal_denied() {
    let (registry, clerk) = house();
    for (stream, code, terms) in [
        (
            "brief",
            "cut-off-duration",
            Terms::Duration(Duration::from_millis(30)),
        ),
        ("renewed", "cut-off-renewal", Terms::Renewal),
    ] {
        let pass = registry.admit(ask(stream, Intent::Read)).await.unwrap();
        let mut events = registry.events();
        let cut = tokio::time::timeout(PATIENCE, registry.watch(pass, quiet()));
        assert_eq!(cut.await.unwrap(), Refusal::CutOff(terms));
        let Ok(Event::PeerRefused { code: told, .. }) = events.try_recv() else {
            panic!("{stream}: not announced")
        };
        assert_eq!(told, code);
    }
    assert_eq!(clerk.renewals.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_closed_door_lets_nobody_in_and_nobody_out() {
    let (registry, _) = house();
    let publish = registry.admit(ask("open", Intent::Publish)).await.unwrap();
    let read = registry.admit(ask("open", Intent::Read)).await.unwrap();
    let _source = registry.publish(&publish).unwrap();
    let viewer = registry.read(&read).unwrap();
    registry.close_door();
    assert_eq!(registry.read(&read).err(), Some(Refusal::Stopping));
    assert_eq!(registry.may_read(&read), Err(Refusal::Stopping));
    assert_eq!(registry.may_publish(&publish), Err(Refusal::Stopping));
    let other = registry.admit(ask("other", Intent::Publish)).await.unwrap();
    assert_eq!(registry.publish(&other).err(), Some(Refusal::Stopping));
    assert_eq!(viewer.stream().name().as_str(), "open", "who is in stays");
    assert!(registry.get("other").is_none());
}
