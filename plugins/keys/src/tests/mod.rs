use super::*;
use serde_json::{Value, json};

mod rules;
mod secrets;
mod tokens;

const NOW_S: u64 = 1_800_000_000;

/// Somebody who publishes to `live/cam1` from 192.0.2.7.
fn publisher() -> Request {
    Request {
        action: Action::Publish,
        protocol: "rtmp".into(),
        stream: "live/cam1".into(),
        peer_ip: "192.0.2.7".into(),
        now_unix_ms: NOW_S * 1_000,
        ..Request::default()
    }
}

fn with_token(token: &str) -> Request {
    Request {
        token: Some(token.into()),
        ..publisher()
    }
}

fn try_ask(request: Request, config: &Value) -> Result<Verdict, Error> {
    Keys::authorize(request, serde_json::from_value(config.clone()).unwrap())
}

fn ask(request: Request, config: &Value) -> Verdict {
    try_ask(request, config).unwrap()
}

/// One rule for everything.
fn rule(rule: &Value) -> Value {
    json!({ "rules": [rule] })
}

#[track_caller]
fn denied(verdict: &Verdict, reason: &str) {
    assert!(!verdict.allow, "let in: {}", verdict.reason);
    assert_eq!(verdict.reason, reason);
}
