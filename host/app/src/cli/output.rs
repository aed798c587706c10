//! `pointsman output ...`: where the inputs of a running host are sent.

use super::client::{print_json, segment};
use super::input::Shown;
use super::schedule::ScheduleArgs;
use super::table::{Table, bitrate, text};
use anyhow::bail;
use clap::{Args, Subcommand};
use model::{Label, StreamName};
use serde_json::{Map, Value, json};

const ADD_HELP: &str = "\
Targets:
  udp://HOST:PORT            unicast or multicast (ttl, interface)
  srt://HOST:PORT            calls, or mode=listener; latency in ms, passphrase, streamid
  rtmp://HOST/APP/NAME       an RTMP server; rtmps:// under TLS
  https://HOST/x/index.m3u8  HLS, put to a web server; http:// without TLS
  file:///cam1-%Y%m%d-%H%M%S.ts  a recording below [media] dir, a new one for each start

Examples:
  pointsman output add live/cam1 'srt://192.0.2.9:9000?latency=200' --name hall
  pointsman output add live/cam1 udp://192.0.2.7:5000 --retry attempts=10 --retry cap_ms=5000
  pointsman output stop live/cam1 hall
";

const SCHEDULE_HELP: &str = "\
Outside its times the output is stopped. One that is stopped by hand stays so.

Examples:
  pointsman output schedule live/cam1 hall --from 2026-01-31T18:00:00Z --to 2026-01-31T20:00:00Z
  pointsman output schedule live/cam1 hall --every '0 18 * * MON-FRI' --for 7200 --time-zone Europe/Berlin
  pointsman output schedule live/cam1 hall
";

/// What can be done with outputs.
#[derive(Debug, Subcommand)]
pub(super) enum OutputCommand {
    /// List the outputs of an input with their states.
    List {
        /// The input.
        input: StreamName,
        /// How.
        #[command(flatten)]
        shown: Shown,
    },
    /// Send an input somewhere. No other output is disturbed.
    #[command(after_help = ADD_HELP)]
    Add(AddArgs),
    /// Send an output somewhere else. No other output is disturbed.
    Move {
        /// The output.
        #[command(flatten)]
        output: OutputName,
        /// Where to.
        url: String,
    },
    /// Change when an output is tried again; what is live stays so.
    Tune {
        /// The output.
        #[command(flatten)]
        output: OutputName,
        /// As with add; without any, as usual.
        #[arg(value_name = "KEY=NUMBER")]
        retry: Vec<String>,
    },
    /// Say when an output is wanted; with no times, always.
    #[command(after_help = SCHEDULE_HELP)]
    Schedule {
        /// The output.
        #[command(flatten)]
        output: OutputName,
        /// When.
        #[command(flatten)]
        when: ScheduleArgs,
    },
    /// Want an output to run.
    Start(OutputName),
    /// Want an output not to run; it stays declared.
    Stop(OutputName),
    /// Try an output again now.
    Retry(OutputName),
    /// Take an output back.
    Remove(OutputName),
}

/// An output of an input.
#[derive(Debug, Args)]
pub(super) struct OutputName {
    /// The input.
    input: StreamName,
    /// The output.
    name: Label,
    #[command(flatten)]
    shown: Shown,
}

/// What to add.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// The input.
    input: StreamName,
    /// Where to send it.
    url: String,
    /// What the output is called; left out: after its scheme, as in srt-1.
    #[arg(long)]
    name: Option<Label>,
    /// Declare it without starting it.
    #[arg(long)]
    stopped: bool,
    /// When to try again: initial_ms, factor, cap_ms, jitter_percent, attempts, stable_after_ms.
    #[arg(long, value_name = "KEY=NUMBER")]
    retry: Vec<String>,
    #[command(flatten)]
    when: ScheduleArgs,
    #[command(flatten)]
    shown: Shown,
}

impl OutputCommand {
    pub(super) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::List { input, shown } => {
                let path = format!("inputs/{}/outputs", segment(&input));
                let answer = shown.api.client()?.get(&path)?;
                if shown.json {
                    return print_json(&answer);
                }
                let outputs = answer.get("outputs").and_then(Value::as_array);
                print!("{}", table(outputs.into_iter().flatten()));
                Ok(())
            }
            Self::Add(arguments) => arguments.run(),
            Self::Move { output, url } => {
                let body = json!({ "url": url });
                let answer = output.shown.api.client()?.patch(&output.path(""), &body)?;
                told(&answer, &output.shown)
            }
            Self::Tune { output, retry } => {
                // Null first, so that what is not named is as usual again.
                let client = output.shown.api.client()?;
                let mut patch = spec_of(&retry)?;
                if let Some(members) = patch.as_object_mut() {
                    for key in RETRY_KEYS {
                        members.entry(key).or_insert(Value::Null);
                    }
                }
                let answer = client.patch(&output.path(""), &json!({ "retry": patch }))?;
                told(&answer, &output.shown)
            }
            Self::Schedule { output, when } => {
                let body = json!({ "schedule": when.whole() });
                let answer = output.shown.api.client()?.patch(&output.path(""), &body)?;
                told(&answer, &output.shown)
            }
            Self::Start(output) => output.post("/start"),
            Self::Stop(output) => output.post("/stop"),
            Self::Retry(output) => output.post("/retry"),
            Self::Remove(output) => {
                let answer = output.shown.api.client()?.delete(&output.path(""))?;
                if output.shown.json {
                    return print_json(&answer);
                }
                println!("{} of {} is taken back", output.name, output.input);
                Ok(())
            }
        }
    }
}

impl OutputName {
    fn path(&self, verb: &str) -> String {
        format!(
            "inputs/{}/outputs/{}{verb}",
            segment(&self.input),
            self.name
        )
    }

    fn post(&self, verb: &str) -> anyhow::Result<()> {
        let client = self.shown.api.client()?;
        told(&client.post(&self.path(verb), &json!({}))?, &self.shown)
    }
}

impl AddArgs {
    fn run(&self) -> anyhow::Result<()> {
        let mut body = json!({"url": self.url, "enabled": !self.stopped});
        if let (Some(name), Some(body)) = (&self.name, body.as_object_mut()) {
            body.insert("name".to_owned(), name.as_str().into());
        }
        if let (false, Some(body)) = (self.retry.is_empty(), body.as_object_mut()) {
            body.insert("retry".to_owned(), spec_of(&self.retry)?);
        }
        if let (Some(when), Some(body)) = (self.when.spec(), body.as_object_mut()) {
            body.insert("schedule".to_owned(), json!(when));
        }
        let path = format!("inputs/{}/outputs", segment(&self.input));
        let output = self.shown.api.client()?.post(&path, &body)?;
        told(&output, &self.shown)
    }
}

/// What can be said about tries.
const RETRY_KEYS: [&str; 6] = [
    "initial_ms",
    "factor",
    "cap_ms",
    "jitter_percent",
    "attempts",
    "stable_after_ms",
];

/// `KEY=NUMBER` of each as an object; the host says which numbers it takes.
fn spec_of(retry: &[String]) -> anyhow::Result<Value> {
    let mut members = Map::new();
    for pair in retry {
        let known = pair
            .split_once('=')
            .filter(|(key, _)| RETRY_KEYS.contains(key));
        let number = known.and_then(|(key, value)| Some((key, value.parse::<u32>().ok()?)));
        let Some((key, number)) = number else {
            bail!(
                "{pair:?} is not KEY=NUMBER with one of {}",
                RETRY_KEYS.join(", ")
            )
        };
        members.insert(key.to_owned(), number.into());
    }
    Ok(members.into())
}

fn told(output: &Value, shown: &Shown) -> anyhow::Result<()> {
    if shown.json {
        return print_json(output);
    }
    println!(
        "{} to {} is {}",
        text(output, "name"),
        text(output, "url"),
        text(output, "state")
    );
    Ok(())
}

/// Outputs with their states, for people.
pub(super) fn table<'a>(outputs: impl Iterator<Item = &'a Value>) -> Table<5> {
    let mut table = Table::new(["OUTPUT", "STATE", "BITRATE", "TO", "LAST ERROR"]);
    for output in outputs {
        table.row([
            text(output, "name"),
            text(output, "state"),
            bitrate(output),
            text(output, "url"),
            text(output, "last_error"),
        ]);
    }
    table
}
