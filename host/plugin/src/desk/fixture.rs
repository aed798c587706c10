//! Fixtures: a question, all that it is asked over, and the answer that is right. One form in
//! every language; `sdk/fixtures/README.md` describes it.

use super::compare::places;
use super::own_words;
use crate::call::CallError;
use crate::error::InstallError;
use crate::http::{Answer as HttpAnswer, HttpError};
use crate::kv::KvError;
use model::selection::Asset;
use model::{Answer, Question};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// One fixture.
#[derive(Debug, Clone)]
pub struct Fixture {
    /// What is asked.
    pub question: Question,
    /// The assets of a selection's library.
    pub library: Vec<Asset>,
    /// The answer that is right.
    pub expect: Expected,
    config: Option<Value>,
    kv: BTreeMap<String, Value>,
    http: Vec<Web>,
}

/// The answer that is right.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum Expected {
    /// This one; what it leaves out is the default, but for the reason, which may be any.
    Output(Map<String, Value>),
    /// An error of the policy's own with this text in it.
    Error(String),
}

/// What a host answers to a request.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Web {
    #[serde(default = "get")]
    method: String,
    url: String,
    #[serde(default = "ok")]
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// A text as it stands; anything else as its JSON.
    #[serde(default)]
    body: Value,
}

fn get() -> String {
    "GET".to_owned()
}

fn ok() -> u16 {
    200
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    question: Value,
    config: Option<Value>,
    #[serde(default)]
    library: Value,
    kv: Option<BTreeMap<String, Value>>,
    http: Option<Vec<Web>>,
    expect: Expected,
}

/// Why a fixture cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FixtureError {
    /// A file or folder cannot be read.
    #[error("cannot read {}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It has not the form of a fixture.
    #[error(
        "this is no fixture, its {what} is not right (`pointsman plugin test --help` shows the form)"
    )]
    Malformed {
        /// Which part of it.
        what: &'static str,
        /// What is wrong there.
        source: serde_json::Error,
    },
    /// Its entries are none that a plugin can have.
    #[error(
        "its kv entries do not fit the plugin's store ({0:?}): keys have 1 to 128 bytes, values at most 64 KiB, and all together 256 KiB"
    )]
    Kv(KvError),
    /// The component does not take its configuration.
    #[error(transparent)]
    Config(#[from] InstallError),
}

impl Fixture {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// [`FixtureError::Malformed`] says which part.
    pub fn parse(text: &str) -> Result<Self, FixtureError> {
        let File {
            question,
            config,
            library,
            kv,
            http,
            expect,
        } = serde_json::from_str(text).map_err(malformed("outer form"))?;
        let question = filled(without_nulls(question));
        let library = match without_nulls(library) {
            Value::Null => Vec::new(),
            mut library => {
                of_any_length(&mut library);
                serde_json::from_value(library).map_err(malformed("library"))?
            }
        };
        Ok(Self {
            question: serde_json::from_value(question).map_err(malformed("question"))?,
            library,
            expect,
            config,
            kv: kv.unwrap_or_default(),
            http: http.unwrap_or_default(),
        })
    }

    /// Reads a file.
    ///
    /// # Errors
    ///
    /// [`FixtureError`].
    pub fn read(path: &Path) -> Result<Self, FixtureError> {
        let text = std::fs::read_to_string(path).map_err(|source| FixtureError::File {
            path: path.to_owned(),
            source,
        })?;
        Self::parse(&text)
    }

    /// Files of a folder that are fixtures (`*.json`), sorted by name.
    ///
    /// # Errors
    ///
    /// [`FixtureError::File`].
    pub fn files(folder: &Path) -> Result<Vec<PathBuf>, FixtureError> {
        let at = |source| FixtureError::File {
            path: folder.to_owned(),
            source,
        };
        let entries = std::fs::read_dir(folder).map_err(at)?;
        let paths: Result<Vec<_>, _> = entries.map(|entry| Ok(entry?.path())).collect();
        let mut paths = paths.map_err(at)?;
        paths.retain(|path| path.extension().is_some_and(|it| it == "json"));
        paths.sort();
        Ok(paths)
    }

    /// Gives it a configuration, if it brings none.
    pub fn configure(&mut self, config: &Value) {
        self.config.get_or_insert_with(|| config.clone());
    }

    /// The operator's configuration; `{}` unless there is another.
    pub fn config(&self) -> &Value {
        static EMPTY: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| json!({}));
        self.config.as_ref().unwrap_or(&EMPTY)
    }

    /// What is in the plugin's store before the call.
    pub(super) fn entries(&self) -> Vec<(String, Vec<u8>)> {
        let entry = |(key, value): (&String, &Value)| (key.clone(), value.to_string().into_bytes());
        self.kv.iter().map(entry).collect()
    }

    /// What the world answers: method, URL and answer.
    pub(super) fn answers(&self) -> Vec<(String, String, Result<HttpAnswer, HttpError>)> {
        let lower = |(name, value): (&String, &String)| (name.to_ascii_lowercase(), value.clone());
        let answer = |web: &Web| HttpAnswer {
            status: web.status,
            headers: web.headers.iter().map(lower).collect(),
            body: match &web.body {
                Value::Null => Vec::new(),
                Value::String(text) => text.clone().into_bytes(),
                other => other.to_string().into_bytes(),
            },
        };
        let all = self.http.iter();
        all.map(|web| (web.method.clone(), web.url.clone(), Ok(answer(web))))
            .collect()
    }

    /// What is wrong with an answer: lines for people, none if it is right.
    pub fn judge(&self, got: &Result<Answer, CallError>) -> Vec<String> {
        match (&self.expect, got) {
            (Expected::Output(expected), Ok(got)) => self.compare(expected, got),
            (Expected::Output(_), Err(error)) => vec![format!("expected an answer, got: {error}")],
            (Expected::Error(expected), Ok(got)) => {
                let got = output(got);
                vec![format!(
                    "expected an error with {expected:?}, got the answer {got}"
                )]
            }
            (Expected::Error(expected), Err(error)) => match own_words(error) {
                Some(words) if words.contains(expected) => Vec::new(),
                _ => vec![format!("expected an error with {expected:?}, got: {error}")],
            },
        }
    }

    fn compare(&self, expected: &Map<String, Value>, got: &Answer) -> Vec<String> {
        // Read as an answer, so that what is left out gets its default.
        let bare = without_nulls(Value::Object(expected.clone()));
        let document = json!({ "kind": self.question.kind(), "output": bare });
        let right = match serde_json::from_value::<Answer>(document) {
            Ok(right) => output(&right),
            Err(error) => {
                return vec![format!(
                    "the expected output is no answer of this kind: {error}"
                )];
            }
        };
        let mut got = output(got);
        if let (None | Some(Value::Null), Some(reason)) =
            (expected.get("reason"), got.get_mut("reason"))
        {
            *reason = json!("");
        }
        let told = |(path, right, got)| format!("{path}: expected {right}, got {got}");
        places(&right, &got).map(told).collect()
    }
}

/// Where two answers differ, whatever reasons they give: lines for people.
pub fn compare_answers(was: &Answer, now: &Answer) -> Vec<String> {
    let (mut was, mut now) = (output(was), output(now));
    for answer in [&mut was, &mut now] {
        if let Some(reason) = answer.get_mut("reason") {
            *reason = json!("");
        }
    }
    let told = |(path, was, now)| format!("{path}: was {was}, would be {now}");
    places(&was, &now).map(told).collect()
}

fn output(answer: &Answer) -> Value {
    let mut document = serde_json::to_value(answer).unwrap_or_default();
    document
        .get_mut("output")
        .map(Value::take)
        .unwrap_or_default()
}

fn malformed(what: &'static str) -> impl Fn(serde_json::Error) -> FixtureError {
    move |source| FixtureError::Malformed { what, source }
}

/// In fixtures `null` is the same as nothing.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let kept = object.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(
                kept.map(|(key, value)| (key, without_nulls(value)))
                    .collect(),
            )
        }
        Value::Array(items) => Value::Array(items.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

/// How long assets are does not matter to every fixture.
fn of_any_length(library: &mut Value) {
    let assets = library.as_array_mut().into_iter().flatten();
    for asset in assets.filter_map(Value::as_object_mut) {
        asset.entry("duration_ms").or_insert(json!(0));
    }
}

/// The host always knows these; a fixture may leave out what does not matter to it.
fn filled(mut question: Value) -> Value {
    let defaults = match question.get("kind").and_then(Value::as_str) {
        Some("routing") => json!({ "stream": "", "now_unix_ms": 0 }),
        Some("selection") => json!({ "channel": "", "now_unix_ms": 0 }),
        Some("layout") => {
            json!({ "name": "", "now_unix_ms": 0, "canvas": { "width": 1280, "height": 720, "fps_milli": 25_000 } })
        }
        Some("auth") => json!({ "action": "read", "protocol": "", "peer_ip": "127.0.0.1" }),
        _ => return question,
    };
    let input = question.get_mut("input").and_then(Value::as_object_mut);
    if let (Some(input), Value::Object(defaults)) = (input, defaults) {
        for (key, value) in defaults {
            input.entry(key).or_insert(value);
        }
    }
    question
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routing(expect: Value) -> Fixture {
        let question =
            json!({ "kind": "routing", "input": { "stream": "live/a", "sources": null } });
        let fixture = json!({ "question": question, "expect": expect });
        Fixture::parse(&fixture.to_string()).unwrap()
    }

    fn plan(on_air: &str, reason: &str) -> Result<Answer, CallError> {
        Ok(Answer::Routing(model::routing::Plan {
            on_air: Some(on_air.to_owned()),
            reason: reason.to_owned(),
            ..Default::default()
        }))
    }

    #[test]
    fn what_is_left_out_is_the_default_and_the_reason_may_be_any() {
        let fixture = routing(json!({ "output": { "on_air": "a", "slate": null } }));
        assert!(fixture.judge(&plan("a", "whatever")).is_empty());
        assert_eq!(
            fixture.judge(&plan("b", "")),
            [r#"on_air: expected "a", got "b""#]
        );
        let exact = routing(json!({ "output": { "on_air": "a", "reason": "heard" } }));
        assert_eq!(
            exact.judge(&plan("a", "seen")),
            [r#"reason: expected "heard", got "seen""#]
        );
    }

    #[test]
    fn an_error_is_right_only_in_the_policys_own_words() {
        let fixture = routing(json!({ "error": "no source" }));
        let refused = |words: &str| Err(CallError::Refused(words.to_owned()));
        assert!(fixture.judge(&refused("there is no source")).is_empty());
        assert!(!fixture.judge(&refused("nothing")).is_empty());
        let cause = "no source".to_owned();
        assert!(!fixture.judge(&Err(CallError::Trap { cause })).is_empty());
        assert!(!fixture.judge(&plan("a", "")).is_empty());
    }

    #[test]
    fn a_fixture_with_a_word_that_means_nothing_is_refused() {
        for text in [
            "{}",
            r#"{"question": {"kind": "routing", "input": {}}, "expect": {"output": {}}, "confg": {}}"#,
            r#"{"question": {"kind": "rooting", "input": {}}, "expect": {"output": {}}}"#,
            r#"{"question": {"kind": "routing", "input": {}}, "expect": {}}"#,
        ] {
            assert!(Fixture::parse(text).is_err(), "{text}");
        }
    }
}
