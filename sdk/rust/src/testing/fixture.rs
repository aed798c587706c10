//! Fixtures: a question with all that it is asked over, and the answer expected.

use super::compare::difference;
use super::host;
use super::{Answer, Library, Policy, Question};
use crate::http::{self, Response};
use crate::kv::Entry;
use crate::library::Asset;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// One fixture; `sdk/fixtures/README.md` describes the form.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// What is asked.
    pub question: Question,
    /// The operator's configuration.
    #[serde(default = "no_config")]
    pub config: Value,
    /// The assets of a selection's library.
    #[serde(default)]
    pub library: Vec<Asset>,
    /// The plugin's entries before the call.
    #[serde(default)]
    pub kv: BTreeMap<String, Value>,
    /// What the world answers to requests; every other one is denied.
    #[serde(default)]
    http: Vec<Web>,
    expect: Expected,
}

/// An answer to a request.
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

impl Web {
    fn response(&self) -> Response {
        let lower = |(name, value): (&String, &String)| (name.to_ascii_lowercase(), value.clone());
        Response {
            status: self.status,
            headers: self.headers.iter().map(lower).collect(),
            body: match &self.body {
                Value::Null => Vec::new(),
                Value::String(text) => text.clone().into_bytes(),
                other => other.to_string().into_bytes(),
            },
        }
    }
}

/// What is none may be left out or `null`.
fn forget_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, field| !field.is_null());
            fields.values_mut().for_each(forget_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_nulls),
        _ => {}
    }
}

fn no_config() -> Value {
    Value::Object(Map::new())
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
enum Expected {
    Output(Map<String, Value>),
    Error(String),
}

/// Why a fixture is not passed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FixtureError {
    /// A file or folder cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no fixture.
    #[error("this is no fixture: {0}")]
    Malformed(#[from] serde_json::Error),
    /// Another answer than the expected one.
    #[error("{0}")]
    Different(String),
}

impl Fixture {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// [`FixtureError::Malformed`].
    pub fn parse(json: &str) -> Result<Self, FixtureError> {
        let mut file: Value = serde_json::from_str(json)?;
        if let Value::Object(parts) = &mut file {
            parts.retain(|_, part| !part.is_null());
            for name in ["question", "library"] {
                if let Some(part) = parts.get_mut(name) {
                    forget_nulls(part);
                }
            }
        }
        Ok(serde_json::from_value(file)?)
    }

    /// Asks the policy, on a fresh host, and compares.
    ///
    /// # Errors
    ///
    /// [`FixtureError::Different`] says where the first difference is.
    pub fn run<P: Policy>(&self) -> Result<(), FixtureError> {
        let answer = self.ask::<P>();
        let different = |text| Err(FixtureError::Different(text));
        match (&self.expect, answer) {
            (Expected::Error(expected), Err(got)) if got.contains(expected) => Ok(()),
            (Expected::Error(expected), Err(got)) => {
                different(format!("expected the error {expected:?}, got {got:?}"))
            }
            (Expected::Error(expected), Ok(got)) => {
                let got = serde_json::to_string(&got)?;
                different(format!("expected the error {expected:?}, got {got}"))
            }
            (Expected::Output(_), Err(got)) => different(format!("unexpected error: {got}")),
            (Expected::Output(expected), Ok(got)) => self.compare(expected, &got),
        }
    }

    fn ask<P: Policy>(&self) -> Result<Answer, String> {
        super::reset();
        let entry = |(key, value): (&String, &Value)| {
            let value = value.to_string().into_bytes();
            (key.clone(), Entry { value, revision: 1 })
        };
        host::with(|host| {
            host.now_unix_ms = self.question.now_unix_ms();
            host.entries = self.kv.iter().map(entry).collect();
        });
        let web = self.http.clone();
        super::http::answer(move |request| {
            let fits = |web: &&Web| (&web.method, &web.url) == (&request.method, &request.url);
            let denied = || http::Error::Denied("the fixture has no answer to this".to_owned());
            web.iter().find(fits).map(Web::response).ok_or_else(denied)
        });
        let library = Library::of(self.library.clone());
        P::answer(
            self.question.clone(),
            library.lend(),
            &self.config.to_string(),
        )
    }

    fn compare(&self, expected: &Map<String, Value>, got: &Answer) -> Result<(), FixtureError> {
        // Read as an answer, so that what is left out gets its default.
        let filled = serde_json::json!({ "kind": self.question.kind(), "output": expected });
        let filled: Answer = serde_json::from_value(filled)?;
        let (filled, mut got) = (serde_json::to_value(filled)?, serde_json::to_value(got)?);
        if let (None, Some(reason)) = (expected.get("reason"), got.pointer_mut("/output/reason")) {
            *reason = Value::String(String::new());
        }
        let empty = Value::Null;
        let output = |answer: &'_ Value| answer.get("output").unwrap_or(&empty).clone();
        match difference("", &output(&filled), &output(&got)) {
            None => Ok(()),
            Some(text) => Err(FixtureError::Different(text)),
        }
    }
}

/// Runs every fixture of a folder (`*.json`) against a policy: the last line of most tests.
///
/// Relative folders are relative to the crate's own, where `cargo test` runs.
///
/// # Panics
///
/// If one is not passed, naming all that are not; and if there is none.
#[track_caller]
pub fn pass_fixtures<P: Policy>(folder: impl AsRef<Path>) {
    let folder = folder.as_ref();
    let failed = match run_folder::<P>(folder) {
        Ok(failed) => failed,
        Err(error) => vec![error.to_string()],
    };
    assert!(failed.is_empty(), "not passed:\n  {}", failed.join("\n  "));
}

fn run_folder<P: Policy>(folder: &Path) -> Result<Vec<String>, FixtureError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| FixtureError::File { path, source }
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(at(folder))? {
        files.push(entry.map_err(at(folder))?.path());
    }
    files.retain(|path| path.extension().is_some_and(|it| it == "json"));
    files.sort();
    if files.is_empty() {
        return Ok(vec![format!("{}: no fixtures in it", folder.display())]);
    }
    let mut failed = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).map_err(at(&path))?;
        if let Err(error) = Fixture::parse(&text).and_then(|fixture| fixture.run::<P>()) {
            failed.push(format!("{}: {error}", path.display()));
        }
    }
    Ok(failed)
}
