use super::*;
use pointsman_sdk::{kv, testing};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

const NOW: u64 = 1_800_000_000_000;

/// The service: what it answers next, and what it was asked.
struct Service {
    answer: Rc<RefCell<Result<http::Response, http::Error>>>,
    asked: Rc<Cell<u32>>,
    last: Rc<RefCell<Option<http::Request>>>,
    config: Value,
}

impl Service {
    fn new() -> Self {
        testing::reset();
        let service = Self {
            answer: Rc::new(RefCell::new(Err(http::Error::Timeout))),
            asked: Rc::default(),
            last: Rc::default(),
            config: json!({"url": "https://hooks.example.com/", "ttl_ms": 60_000, "deny_ttl_ms": 5_000}),
        };
        let (answer, asked, last) = (
            service.answer.clone(),
            service.asked.clone(),
            service.last.clone(),
        );
        testing::http::answer(move |request| {
            asked.set(asked.get() + 1);
            *last.borrow_mut() = Some(request.clone());
            answer.borrow().clone()
        });
        service
    }

    fn answers(&self, status: u16, body: &str) -> &Self {
        let body = body.as_bytes().to_vec();
        *self.answer.borrow_mut() = Ok(http::Response {
            status,
            headers: Vec::new(),
            body,
        });
        self
    }

    fn is_silent(&self) -> &Self {
        *self.answer.borrow_mut() = Err(http::Error::Timeout);
        self
    }

    /// Asks the policy so many milliseconds after [`NOW`].
    fn at(&self, ms: u64, change: impl FnOnce(&mut Request)) -> Verdict {
        let mut request = Request {
            stream: "live/cam1".into(),
            protocol: "srt".into(),
            peer_ip: "192.0.2.7".into(),
            token: Some("secret".into()),
            now_unix_ms: NOW + ms,
            ..Request::default()
        };
        change(&mut request);
        let config = serde_json::from_value(self.config.clone()).unwrap();
        WebhookAuth::authorize(request, config).unwrap()
    }
}

#[test]
fn the_service_is_asked_with_the_request_and_its_verdict_holds() {
    let mut service = Service::new();
    service.config["authorization"] = json!("Bearer x");
    service.answers(
        200,
        r#"{"allow": true, "reason": "anna", "stream": "live/b", "max_readers": 3}"#,
    );
    let expected = Verdict {
        stream: Some("live/b".into()),
        max_readers: Some(3),
        ttl_ms: Some(60_000),
        ..Verdict::allow("anna")
    };
    assert_eq!(service.at(0, |_| {}), expected);
    let request = service.last.borrow().clone().unwrap();
    assert_eq!(
        (request.method.as_str(), request.timeout_ms),
        ("POST", Some(1_000))
    );
    assert!(
        request
            .headers
            .contains(&("authorization".into(), "Bearer x".into()))
    );
    let body: Value = serde_json::from_slice(&request.body.unwrap()).unwrap();
    assert_eq!(
        (&body["stream"], &body["token"], &body["action"]),
        (&json!("live/cam1"), &json!("secret"), &json!("read"))
    );
}

#[test]
fn an_answer_is_remembered_until_it_ends_and_not_longer() {
    let service = Service::new();
    service.answers(204, "");
    service.at(0, |_| {});
    let later = service.at(59_000, |request| request.peer_port = 7);
    assert_eq!(
        (later.allow, later.ttl_ms, service.asked.get()),
        (true, Some(1_000), 1)
    );
    service.answers(403, "");
    assert!(service.at(59_999, |_| {}).allow);
    assert!(!service.at(60_000, |_| {}).allow);
    assert_eq!(service.asked.get(), 2);
    // The no is remembered too, but not as long.
    service.answers(204, "");
    assert!(!service.at(64_999, |_| {}).allow);
    assert!(service.at(65_000, |_| {}).allow);
}

#[test]
fn the_service_may_shorten_the_time_but_not_lengthen_it() {
    let service = Service::new();
    service.answers(200, r#"{"allow": true, "ttl_ms": 2000}"#);
    assert_eq!(service.at(0, |_| {}).ttl_ms, Some(2_000));
    service.answers(200, r#"{"allow": true, "ttl_ms": 999999999}"#);
    assert_eq!(service.at(2_000, |_| {}).ttl_ms, Some(60_000));
}

#[test]
fn nobody_gets_anothers_answer() {
    let service = Service::new();
    service.answers(204, "");
    service.at(0, |_| {});
    service.answers(403, "");
    let changes: [fn(&mut Request); 6] = [
        |it| it.token = Some("other".into()),
        |it| it.user = Some("anna".into()),
        |it| it.stream = "live/cam2".into(),
        |it| it.peer_ip = "192.0.2.8".into(),
        |it| it.action = pointsman_sdk::auth::Action::Publish,
        |it| it.query = vec![("a".into(), "b".into())],
    ];
    for (n, change) in changes.into_iter().enumerate() {
        assert!(!service.at(1, change).allow, "change {n}");
    }
    assert!(
        kv::keys("")
            .iter()
            .all(|key| key.len() == 64 && !key.contains("secret"))
    );
}

#[test]
fn no_answer_is_a_no_and_is_not_remembered() {
    let service = Service::new();
    for (status, body) in [
        (500, ""),
        (200, "yes"),
        (200, r#"{"alow": true}"#),
        (302, ""),
        (429, ""),
    ] {
        service.answers(status, body);
        let verdict = service.at(0, |_| {});
        assert!(
            !verdict.allow && verdict.reason.starts_with("no answer"),
            "{status} {body}: {}",
            verdict.reason
        );
    }
    assert!(!service.is_silent().at(0, |_| {}).allow);
    assert!(service.answers(204, "").at(0, |_| {}).allow);
}

#[test]
fn without_a_grant_nobody_gets_in() {
    let service = Service::new();
    *service.answer.borrow_mut() = Err(http::Error::Denied("hooks.example.com".into()));
    let verdict = service.at(0, |_| {});
    assert!(
        !verdict.allow && verdict.reason.contains("hooks.example.com"),
        "{}",
        verdict.reason
    );
}

#[test]
fn those_who_are_in_stay_in_for_the_grace_and_nobody_new_gets_in() {
    let mut service = Service::new();
    service.config["grace_ms"] = json!(30_000);
    service.answers(204, "").at(0, |_| {});
    service.is_silent();
    let renewal = |request: &mut Request| request.renewal = true;
    assert!(service.at(89_999, renewal).allow);
    assert!(!service.at(89_999, |_| {}).allow);
    assert!(!service.at(90_000, renewal).allow);
    // A no has no grace.
    service.answers(403, "").at(100_000, |_| {});
    assert!(!service.is_silent().at(105_000, renewal).allow);
}

#[test]
fn a_full_store_is_swept_and_never_keeps_anybody_out() {
    let service = Service::new();
    service.answers(204, "");
    for n in 0..1_500 {
        assert!(
            service
                .at(n, |it| it.user = Some(format!("user {n}")))
                .allow
        );
    }
    assert!(kv::keys("").len() <= 1_024);
    // The newest is still known.
    service.answers(403, "");
    assert!(
        service
            .at(1_500, |it| it.user = Some("user 1499".into()))
            .allow
    );
}
