//! `pointsman plugin replay`: logged decisions, made again by another component.

use super::json_argument;
use anyhow::Context;
use clap::Args;
use model::{Answer, Question};
use plugin::desk::compare_answers;
use plugin::{Desk, Tape};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Something would differ.
const DIFFERENT: u8 = 3;
/// The log or the component cannot be used.
const UNUSABLE: u8 = 2;

const HELP: &str = "\
A log is what a host exports, one decision a line:

  curl -H 'Accept: application/jsonl' 'http://127.0.0.1:8080/api/v1/decisions?plugin=my-policy&limit=10000' > log.jsonl

Each decision carries all that it came from: the question, the configuration, the random seed,
and what the host answered to kv, library and http. So the component is asked the very same, and
nothing is sent or kept. Reasons are not compared.

Decisions of other kinds, those that no plugin was asked for, and those of auth (whose log hides
secrets, unless the host is told to keep them) are passed over and counted.

Exit code: 0 nothing would differ, 3 something would, 2 the log or the component cannot be used.
";

/// What to make again.
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct ReplayArgs {
    /// The log, JSON lines; `-` reads standard input.
    log: PathBuf,
    /// The component to ask.
    #[arg(long, value_name = "FILE.wasm")]
    component: PathBuf,
    /// Configuration in place of the logged ones, as JSON or @FILE.
    #[arg(long, value_name = "JSON")]
    config: Option<String>,
    /// Print one JSON document.
    #[arg(long)]
    json: bool,
}

/// A line of the log; what a replay has no use for is left out.
#[derive(Deserialize)]
struct Logged {
    id: u64,
    question: Question,
    answer: Option<Answer>,
    #[serde(default)]
    decided_by: String,
    error: Option<Failure>,
    config: Option<Value>,
    tape: Option<Tape>,
}

#[derive(Deserialize)]
struct Failure {
    code: String,
    message: String,
}

/// A decision that would be another.
#[derive(Serialize)]
struct Difference {
    id: u64,
    kind: &'static str,
    subject: String,
    was: Came,
    now: Came,
    /// `path: was, would be`
    places: Vec<String>,
}

/// What came of a call.
#[derive(Serialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Came {
    Answer(Answer),
    Error(String),
}

#[derive(Default)]
struct Tally {
    compared: usize,
    /// Of other kinds.
    other_kinds: usize,
    /// No plugin was asked, or its secrets are gone.
    without_tape: usize,
    /// Some answers of the host were too big to be kept.
    cut_tapes: usize,
    differences: Vec<Difference>,
}

impl ReplayArgs {
    pub(super) async fn run(self) -> anyhow::Result<ExitCode> {
        match self.replay().await {
            Ok(code) => Ok(ExitCode::from(code)),
            Err(error) => {
                eprintln!("pointsman: {error:#}");
                Ok(ExitCode::from(UNUSABLE))
            }
        }
    }

    async fn replay(&self) -> anyhow::Result<u8> {
        let config = self.config.as_deref().map(json_argument).transpose()?;
        let desk = Desk::open(&self.component, false).await?;
        let mut tally = Tally::default();
        for (at, line) in open(&self.log)?.lines().enumerate() {
            let line = line.with_context(|| format!("cannot read {}", self.log.display()))?;
            if line.trim().is_empty() {
                continue;
            }
            let logged: Logged = serde_json::from_str(&line).with_context(|| {
                format!("line {} of {} is no decision", at + 1, self.log.display())
            })?;
            tally.take(&desk, logged, config.as_ref()).await;
        }
        anyhow::ensure!(
            tally.compared > 0,
            "no decision in {} can be made again with {}: {}",
            self.log.display(),
            self.component.display(),
            tally.passed_over()
        );
        if self.json {
            println!("{}", tally.document(&desk));
        } else {
            tally.print();
        }
        Ok(if tally.differences.is_empty() {
            0
        } else {
            DIFFERENT
        })
    }
}

fn open(log: &Path) -> anyhow::Result<Box<dyn BufRead>> {
    if log == Path::new("-") {
        return Ok(Box::new(BufReader::new(io::stdin())));
    }
    let file = File::open(log).with_context(|| format!("cannot read {}", log.display()))?;
    Ok(Box::new(BufReader::new(file)))
}

impl Tally {
    async fn take(&mut self, desk: &Desk, logged: Logged, config: Option<&Value>) {
        let kind = logged.question.kind();
        if !desk.info().kinds.contains(&kind) {
            self.other_kinds += 1;
            return;
        }
        let (Some(was), Some(tape)) = (logged.came(), logged.tape) else {
            self.without_tape += 1;
            return;
        };
        self.compared += 1;
        self.cut_tapes += usize::from(tape.truncated);
        let empty = json!({});
        let config = config.or(logged.config.as_ref()).unwrap_or(&empty);
        let now = match desk.config(&format!("decision {}", logged.id), config) {
            Ok(config) => {
                let outcome = desk.replay(&logged.question, &config, tape).await;
                outcome
                    .result
                    .map_or_else(|error| Came::Error(error.to_string()), Came::Answer)
            }
            Err(refused) => Came::Error(refused.to_string()),
        };
        let places = match (&was, &now) {
            (Came::Answer(was), Came::Answer(now)) if was.agrees_with(now) => return,
            (Came::Error(_), Came::Error(_)) => return,
            (Came::Answer(was), Came::Answer(now)) => compare_answers(was, now),
            _ => Vec::new(),
        };
        self.differences.push(Difference {
            id: logged.id,
            kind: kind.as_str(),
            subject: logged.question.subject().to_owned(),
            was,
            now,
            places,
        });
    }

    fn passed_over(&self) -> String {
        format!(
            "{} of other kinds, {} without what a plugin was told",
            self.other_kinds, self.without_tape
        )
    }

    fn print(&self) {
        for it in &self.differences {
            println!("decision {} ({} of {}):", it.id, it.kind, it.subject);
            match (&it.was, &it.now) {
                (Came::Answer(_), Came::Answer(_)) => {
                    it.places.iter().for_each(|place| println!("    {place}"));
                }
                (was, now) => println!("    {}, and now {}", was.words(), now.words()),
            }
        }
        let differing = self.differences.len();
        println!(
            "{} decisions made again, {differing} would differ",
            self.compared
        );
        if self.other_kinds + self.without_tape > 0 {
            println!("passed over: {}", self.passed_over());
        }
        if self.cut_tapes > 0 {
            println!(
                "{} were recorded in part only, and may differ for that",
                self.cut_tapes
            );
        }
    }

    fn document(&self, desk: &Desk) -> Value {
        json!({
            "component": desk.hash(),
            "compared": self.compared,
            "differing": self.differences.len(),
            "passed_over": { "other_kinds": self.other_kinds, "without_tape": self.without_tape },
            "recorded_in_part": self.cut_tapes,
            "differences": self.differences,
        })
    }
}

impl Logged {
    /// What came of the call; none if no plugin was asked.
    fn came(&self) -> Option<Came> {
        if self.decided_by == "plugin" {
            return self.answer.clone().map(Came::Answer);
        }
        let failure = self.error.as_ref()?;
        Some(Came::Error(format!(
            "{}: {}",
            failure.code, failure.message
        )))
    }
}

impl Came {
    fn words(&self) -> String {
        match self {
            Self::Answer(answer) => format!("it answered ({})", answer.reason()),
            Self::Error(error) => format!("it failed ({error})"),
        }
    }
}
