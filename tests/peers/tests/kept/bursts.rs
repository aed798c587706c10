//! A host that is killed in the middle of a burst of changes.

use peers::{Host, Http};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Whether an input has to be there: as it was answered last.
#[derive(Default)]
struct Answered {
    there: BTreeMap<String, bool>,
    /// The input whose change was not answered.
    open: Option<String>,
}

/// Adds inputs and takes every other one back, until the host does not answer.
fn burst(http: &Http, prefix: &str, begun: &AtomicBool) -> Answered {
    let mut answered = Answered::default();
    for n in 0.. {
        let name = format!("live/{prefix}-{n}");
        let input = json!({"name": name, "sources": [{"type": "publish"}],
            "outputs": [{"name": "x", "url": "udp://127.0.0.1:9", "enabled": false}]});
        match http.try_post_json("/api/v1/inputs", &input) {
            Some((201, _)) => drop(answered.there.insert(name.clone(), true)),
            Some((status, problem)) => panic!("{status}: {problem}"),
            None => {
                answered.open = Some(name);
                break;
            }
        }
        begun.store(true, Ordering::Release);
        if n % 2 == 0 {
            continue;
        }
        let path = format!("/api/v1/inputs/{}", name.replace('/', "%2F"));
        match http.try_delete(&path) {
            Some(204) => drop(answered.there.insert(name, false)),
            Some(status) => panic!("{status}"),
            None => {
                answered.there.remove(&name);
                answered.open = Some(name);
                break;
            }
        }
    }
    answered
}

#[test]
fn every_answered_change_is_there_after_a_kill_at_any_instant() {
    let mut host = Host::start("[limits]\ninputs = 10000\noutputs = 10000");
    for round in 0_u64..8 {
        let http = host.http.clone();
        let begun = AtomicBool::new(false);
        let answers: Vec<Answered> = std::thread::scope(|scope| {
            let bursts: Vec<_> = ["a", "b"]
                .map(|who| {
                    let (http, begun) = (&http, &begun);
                    scope.spawn(move || burst(http, &format!("{who}{round}"), begun))
                })
                .into();
            while !begun.load(Ordering::Acquire) {
                std::thread::sleep(Duration::from_millis(1));
            }
            // Another instant of the burst each time.
            std::thread::sleep(Duration::from_millis(round * 37));
            host.kill_and_start_again();
            bursts.into_iter().map(|it| it.join().unwrap()).collect()
        });
        let site = crate::wanted(&host);
        let there = crate::names(&site);
        for answered in answers {
            for (name, expected) in &answered.there {
                assert_eq!(
                    there.contains(&name.as_str()),
                    *expected,
                    "{name}, round {round}"
                );
            }
            assert!(answered.open.is_some(), "the burst ended by itself");
        }
    }
    host.stop();
}
