//! `pointsman events`: what happens in a running host, line by line.

use super::client::Api;
use anyhow::Context as _;
use clap::Args;
use model::StreamPattern;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::time::Duration;

/// Between two tries to reach a host that went away.
const AGAIN: Duration = Duration::from_secs(1);

/// What one line of the stream may take; the host's are far below.
const LINE_BYTES: u64 = 1 << 20;

#[derive(Debug, Args)]
pub(super) struct EventsArgs {
    #[command(flatten)]
    api: Api,
    /// Only events of these types, such as output_changed; several times for several.
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
    /// Only what is about streams of these names, such as live/*.
    #[arg(long, value_name = "PATTERN")]
    streams: Option<StreamPattern>,
    /// Figures as well, once a second.
    #[arg(long)]
    figures: bool,
    /// Each event as one line of JSON, as the host sends it.
    #[arg(long)]
    json: bool,
}

impl EventsArgs {
    /// Until Ctrl-C. A host that goes away is waited for, and what was missed meanwhile is asked
    /// for by the id of the last event.
    pub(super) fn run(self) -> anyhow::Result<()> {
        let mut last = None;
        loop {
            let connected = self.follow(&mut last);
            match (connected, last.is_some()) {
                // It was never there: most likely the address is wrong.
                (Err(error), false) => return Err(error),
                (Err(error), true) => eprintln!("pointsman: {error:#}; trying again"),
                (Ok(()), _) => eprintln!("pointsman: the host closed the connection; trying again"),
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// Reads events until the connection ends.
    fn follow(&self, last: &mut Option<String>) -> anyhow::Result<()> {
        let client = self.api.endless_client()?;
        let mut request = client.agent.get(client.url("events"));
        if !self.types.is_empty() {
            request = request.query("types", self.types.join(","));
        }
        if let Some(pattern) = &self.streams {
            request = request.query("streams", pattern.as_str());
        }
        if let Some(id) = last.as_deref().filter(|id| !id.is_empty()) {
            request = request.header("Last-Event-ID", id);
        }
        let answer = request.call();
        let response = match answer {
            Ok(response) if response.status().is_success() => response,
            other => return client.answer(other).map(drop),
        };
        last.get_or_insert_default();
        let mut lines = BufReader::new(response.into_body().into_reader());
        let mut event = Event::default();
        loop {
            let mut line = String::new();
            let read = lines.by_ref().take(LINE_BYTES).read_line(&mut line);
            if read.context("the connection broke off")? == 0 {
                return Ok(());
            }
            if let Some(whole) = event.take(line.trim_end_matches(['\r', '\n'])) {
                if let Some(id) = &whole.id {
                    *last = Some(id.clone());
                }
                self.show(&whole)?;
            }
        }
    }

    fn show(&self, event: &Event) -> anyhow::Result<()> {
        let data: Value = serde_json::from_str(&event.data).unwrap_or(Value::Null);
        let kind = data.get("type").and_then(Value::as_str).unwrap_or_default();
        let unasked = kind == "figures" && self.types.is_empty() && !self.figures;
        // A greeting says where to go on from; nothing happened.
        if unasked || kind == "hello" {
            return Ok(());
        }
        let mut out = std::io::stdout().lock();
        match self.json {
            true => writeln!(out, "{}", event.data)?,
            false => writeln!(out, "{}", told(kind, &data))?,
        }
        out.flush().map_err(Into::into)
    }
}

/// An event of the stream (HTML §9.2.6), as far as it has come.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
struct Event {
    id: Option<String>,
    data: String,
}

impl Event {
    /// Takes a line; an empty one makes it whole.
    fn take(&mut self, line: &str) -> Option<Self> {
        if line.is_empty() {
            let whole = std::mem::take(self);
            return Some(whole).filter(|event| !event.data.is_empty());
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => self.id = Some(value.to_owned()),
            "data" if self.data.is_empty() => self.data = value.to_owned(),
            "data" => {
                self.data.push('\n');
                self.data.push_str(value);
            }
            _ => {}
        }
        None
    }
}

/// The type, then what it is about, as `key=value`.
fn told(kind: &str, data: &Value) -> String {
    let mut line = format!("{kind:<22}");
    for (key, value) in data.as_object().into_iter().flatten() {
        if key == "type" {
            continue;
        }
        let value = match value {
            Value::String(text) => text.escape_debug().to_string(),
            other => other.to_string(),
        };
        line.push_str(&format!(" {key}={value}"));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lines_become_events_and_comments_do_not() {
        let mut event = Event::default();
        let text = ":\n\nid: 7\ndata: {\"a\":\ndata: 1}\n\ndata: x\n\n";
        let events: Vec<_> = text.lines().filter_map(|line| event.take(line)).collect();
        let first = Event {
            id: Some("7".to_owned()),
            data: "{\"a\":\n1}".to_owned(),
        };
        assert_eq!(events.len(), 2);
        assert_eq!(events[0], first);
        assert_eq!(
            (events[1].id.as_deref(), events[1].data.as_str()),
            (None, "x")
        );
    }

    #[test]
    fn an_event_is_told_in_one_line_whatever_it_says() {
        let data = json!({"type": "output_changed", "output": "a", "why": "x\ny"});
        assert_eq!(
            told("output_changed", &data),
            "output_changed         output=a why=x\\ny"
        );
    }
}
