use super::*;
use model::access::Who;
use model::{LinkState, StreamName};
use std::time::Duration;
use tokio::sync::broadcast;

fn stream(name: &str) -> StreamName {
    name.parse().unwrap()
}

fn started(name: &str) -> Event {
    Event::StreamStarted {
        stream: stream(name),
    }
}

fn refused(code: &str) -> Event {
    Event::PeerRefused {
        protocol: Protocol::Srt,
        code: code.to_owned(),
    }
}

fn all() -> Filter {
    Filter::of(Who::local())
}

fn tell(journal: &Journal, event: Event) {
    journal.tell(event, 1, &mut Refusals::default());
    journal.wake();
}

/// What there is to hear right now, without what makes each run another.
fn heard(cursor: &mut Cursor) -> Vec<String> {
    let mut heard = Vec::new();
    while let Some(item) = futures_now(cursor.next()) {
        heard.push(match item {
            Item::Hello(_) => continue,
            Item::Event(told) => format!("{} {}", told.position.number, told.event.kind()),
            Item::Missed(count) => format!("missed {count:?}"),
            Item::TooSlow(count) => format!("too slow {count}"),
            Item::Figures(message) => String::from_utf8(message.json().to_vec()).unwrap(),
        });
    }
    heard
}

fn futures_now<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match std::pin::pin!(future).poll(&mut context) {
        std::task::Poll::Ready(item) => Some(item),
        std::task::Poll::Pending => None,
    }
}

#[test]
fn a_listener_hears_what_happens_from_then_on_and_goes_on_where_it_was() {
    let journal = Journal::new(0xabc);
    tell(&journal, started("before"));
    let mut cursor = journal.listen(all(), None);
    assert!(heard(&mut cursor).is_empty());
    tell(&journal, started("a"));
    tell(&journal, started("b"));
    assert_eq!(heard(&mut cursor), ["1 stream_started", "2 stream_started"]);
    let after: Position = "abc-1".parse().unwrap();
    let mut again = journal.listen(all(), Some(after));
    assert_eq!(heard(&mut again), ["2 stream_started"]);
    assert_eq!(again.position().to_string(), "abc-2");
}

#[test]
fn an_event_is_one_text_with_its_id_and_time() {
    let journal = Journal::new(0xabc);
    tell(&journal, refused("x"));
    let mut cursor = journal.listen(all(), None);
    tell(&journal, started("a/b"));
    let greeting = futures_now(cursor.next()).unwrap().message();
    assert_eq!(
        greeting.sse(),
        "id: abc-0\ndata: {\"type\":\"hello\",\"id\":\"abc-0\"}\n\n"
    );
    let Some(Item::Event(told)) = futures_now(cursor.next()) else {
        panic!("an event")
    };
    let json = r#"{"id":"abc-1","time_unix_ms":1,"type":"stream_started","stream":"a/b"}"#;
    assert_eq!(told.message.json(), json);
    assert_eq!(told.message.sse(), format!("id: abc-1\ndata: {json}\n\n"));
}

#[test]
fn who_was_away_for_too_long_is_told_how_much_is_gone() {
    let journal = Journal::new(1);
    for _ in 0..5_000 {
        tell(&journal, started("a"));
    }
    let after = Some(journal.at(3));
    let mut cursor = journal.listen(all(), after);
    // 5000 told, 4096 kept: 0 to 903 are gone, of which 0 to 3 were seen.
    let heard = heard(&mut cursor);
    assert_eq!(heard[..2], ["missed Some(900)", "904 stream_started"]);
    assert_eq!(heard.len(), 1 + 4_096);
}

#[test]
fn an_id_of_another_run_says_nothing_about_this_one() {
    let journal = Journal::new(2);
    for _ in 0..9 {
        tell(&journal, started("a"));
    }
    let other: Position = "1-3".parse().unwrap();
    let mut cursor = journal.listen(all(), Some(other));
    assert_eq!(heard(&mut cursor), ["missed None"]);
    for bad in ["", "-", "1", "x-1", "1-", "1-2-3", "1-11111111111111111"] {
        assert_eq!(bad.parse::<Position>(), Err(BadPosition), "{bad}");
    }
}

#[test]
fn who_is_overtaken_is_told_so_and_holds_nobody_up() {
    let journal = Journal::new(1);
    let mut slow = journal.listen(all(), None);
    for _ in 0..4_100 {
        tell(&journal, started("a"));
    }
    assert_eq!(heard(&mut slow), ["too slow 4"]);
    let long = Event::AlertRaised {
        stream: stream("a"),
        code: "x".repeat(1 << 20),
        severity: model::routing::Severity::Info,
        message: String::new(),
    };
    for _ in 0..9 {
        tell(&journal, long.clone());
    }
    let ring = journal.0.ring.read();
    assert_eq!(ring.next() - ring.first(), 3, "bounded in bytes, too");
}

#[test]
fn a_tenant_hears_of_its_own_streams_and_of_nothing_else() {
    let journal = Journal::new(1);
    let mut who = Who::local();
    who.tenant = Some("acme".parse().unwrap());
    let mut cursor = journal.listen(Filter::of(who), None);
    tell(&journal, started("other/cam"));
    tell(&journal, refused("banned"));
    tell(&journal, started("acme/cam"));
    assert_eq!(heard(&mut cursor), ["2 stream_started"]);
}

#[test]
fn types_and_streams_narrow_what_is_heard() {
    let journal = Journal::new(1);
    let types = all().types(["stream_ended"].into_iter()).unwrap();
    let mut ended = journal.listen(types, None);
    let mut live = journal.listen(all().streams("live/*".parse().unwrap()), None);
    tell(&journal, started("live/a"));
    tell(&journal, refused("banned"));
    tell(
        &journal,
        Event::StreamEnded {
            stream: stream("b"),
        },
    );
    assert_eq!(heard(&mut ended), ["2 stream_ended"]);
    assert_eq!(heard(&mut live), ["0 stream_started"]);
    let error = all().types(["nonsense"].into_iter()).unwrap_err();
    assert!(error.to_string().contains("output_changed"), "{error}");
}

#[test]
fn refusals_of_one_kind_are_told_once_a_second() {
    let mut refusals = Refusals::default();
    let mut admitted = |code, ms| refusals.admit(&refused(code), ms);
    assert!(admitted("banned", 5_000));
    assert!(!admitted("banned", 5_999));
    assert!(admitted("full", 5_999), "kinds are apart");
    assert!(admitted("banned", 6_000));
    assert!(admitted("banned", 1_000), "a clock set back");
}

fn view(name: &str, bytes: u64) -> StreamView {
    let snapshot = hub::StreamSnapshot {
        merged: None,
        name: stream(name),
        declared: true,
        uptime_ms: 0,
        form: None,
        on_air: None,
        serving: None,
        bitrate_bps: 0,
        bytes,
        discontinuities: 0,
        held_bytes: 0,
        sources: vec![],
        viewers: vec![],
    };
    let parts = crate::view::Parts {
        input: None,
        labels: Default::default(),
        alerts: vec![],
        source_links: BTreeMap::new(),
        outputs: vec![],
        routing: Default::default(),
        srt: &[],
    };
    StreamView::new(&snapshot, parts)
}

#[test]
fn figures_are_made_only_while_somebody_looks_and_say_what_changed() {
    let journal = Journal::new(1);
    assert!(!journal.is_watched());
    let mut cursor = journal.listen(all(), None);
    assert!(journal.is_watched());
    journal.show(&[view("a", 1), view("b", 1)], 7);
    let [whole] = &heard(&mut cursor)[..] else {
        panic!("one text")
    };
    let whole: serde_json::Value = serde_json::from_str(whole).unwrap();
    assert_eq!(whole["type"], "figures");
    assert_eq!(whole["streams"].as_array().unwrap().len(), 2);
    journal.show(&[view("a", 1), view("b", 2)], 8);
    let mut late = journal.listen(all(), None);
    let [change] = &heard(&mut cursor)[..] else {
        panic!("one text")
    };
    assert!(
        change.contains(r#""b""#) && !change.contains(r#""a""#),
        "{change}"
    );
    assert!(
        heard(&mut late)[0].contains(r#""a""#),
        "a newcomer sees all"
    );
    journal.show(&[view("a", 1), view("b", 2)], 9);
    assert!(heard(&mut cursor).is_empty(), "nothing moved");
    drop((cursor, late));
    assert!(!journal.is_watched());
}

#[test]
fn figures_of_others_streams_are_not_shown() {
    let journal = Journal::new(1);
    let mut who = Who::local();
    who.tenant = Some("acme".parse().unwrap());
    let mut cursor = journal.listen(Filter::of(who), None);
    journal.show(&[view("acme/a", 1), view("other/b", 1)], 7);
    let [text] = &heard(&mut cursor)[..] else {
        panic!("one text")
    };
    assert!(text.contains("acme/a") && !text.contains("other"), "{text}");
    journal.show(&[view("acme/a", 1), view("other/b", 2)], 8);
    assert!(heard(&mut cursor).is_empty());
}

#[tokio::test]
async fn what_the_hub_announces_is_told_in_order_and_all_listeners_wake() {
    let journal = Journal::new(1);
    let events = broadcast::Sender::new(4);
    let mut cursors = [0; 3].map(|_| journal.listen(all(), None));
    let writing = tokio::spawn(journal.clone().write(events.subscribe()));
    events.send(started("a")).unwrap();
    events
        .send(Event::OutputChanged {
            stream: stream("a"),
            output: "x".parse().unwrap(),
            link: model::LinkStatus {
                state: LinkState::Live,
                ..model::LinkStatus::default()
            },
        })
        .unwrap();
    for cursor in &mut cursors {
        assert!(matches!(cursor.next().await, Item::Hello(_)));
        for expected in ["stream_started", "output_changed"] {
            let next = tokio::time::timeout(Duration::from_secs(10), cursor.next()).await;
            let Ok(Item::Event(told)) = next else {
                panic!("{expected}")
            };
            assert_eq!(told.event.kind(), expected);
        }
    }
    drop(events);
    writing.await.unwrap();
}
