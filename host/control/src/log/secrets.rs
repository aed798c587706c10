//! What of a decision stays in this process.
//!
//! A secret shows as `sha256:` and the first 8 digits of its SHA-256: enough to tell one from
//! another, too little to find it out. So an auth decision cannot be made again from what leaves
//! the process; an operator who needs that sets `[decisions] keep_secrets`.

use super::Decision;
use model::auth::AuthRequest;
use model::endpoint::redact;
use model::routing::Plan;
use model::{Answer, PolicyKind, Question};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Parts of keys whose values are secret.
const SECRET_KEYS: [&str; 8] = [
    "token", "key", "pass", "secret", "sig", "auth", "jwt", "streamid",
];

/// A copy without secrets.
pub(super) fn hide(decision: &Decision) -> Decision {
    let mut shown = decision.clone();
    shown.question = Arc::new(hide_question(
        &decision.question,
        decision.answer.as_deref(),
    ));
    shown.answer = decision.answer.as_deref().map(hide_answer).map(Arc::new);
    // A name that stood for another was a key.
    if let Some(Answer::Auth(verdict)) = decision.answer.as_deref()
        && let Some(stream) = &verdict.stream
    {
        shown.stream.clone_from(stream);
    }
    shown
}

/// An answer without secrets.
pub fn hide_answer(answer: &Answer) -> Answer {
    match answer {
        Answer::Routing(plan) => Answer::Routing(hide_plan(plan)),
        other => other.clone(),
    }
}

fn hide_question(question: &Question, answer: Option<&Answer>) -> Question {
    match question {
        Question::Routing(state) => {
            let mut state = state.clone();
            for output in &mut state.outputs {
                output.url = redact(&output.url);
            }
            Question::Routing(state)
        }
        Question::Auth(request) => {
            let is_key = matches!(answer, Some(Answer::Auth(verdict)) if verdict.stream.is_some());
            Question::Auth(hide_request(request, is_key))
        }
        other => other.clone(),
    }
}

fn hide_plan(plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    for output in &mut plan.outputs {
        output.url = output.url.as_deref().map(redact);
        for (key, value) in &mut output.params {
            if is_secret(key) {
                "***".clone_into(value);
            }
        }
    }
    plan
}

/// `is_key`: the stream's name stood for another, so it was a secret itself.
fn hide_request(request: &AuthRequest, is_key: bool) -> AuthRequest {
    let mut request = request.clone();
    let token = request.token.clone();
    for (key, value) in &mut request.query {
        if is_secret(key) || token.as_ref() == Some(value) {
            *value = mark(value);
        }
    }
    request.token = token.as_deref().map(mark);
    if is_key {
        request.stream = mark(&request.stream);
    }
    request
}

/// A policy's configuration without secrets; of auth nothing, since all of it may be.
pub fn hide_config(kind: PolicyKind, config: &Value) -> Value {
    if kind == PolicyKind::Auth {
        return Value::Null;
    }
    let mut config = config.clone();
    hide_value(&mut config);
    config
}

/// Masks secrets wherever they are: by their keys, and in URLs.
pub(crate) fn hide_value(value: &mut Value) {
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                if value.is_string() && is_secret(key) {
                    *value = "***".into();
                } else {
                    hide_value(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide_value),
        Value::String(text) if text.contains("://") => *text = redact(text),
        _ => {}
    }
}

fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_KEYS.iter().any(|part| key.contains(part))
}

fn mark(secret: &str) -> String {
    let digest = Sha256::digest(secret);
    let hex: String = digest
        .iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}
