//! `pointsman apply`, `export` and `status`: everything that a running host wants, at once.

use super::client::{Api, print_json};
use super::input::Shown;
use super::output;
use super::table::{bitrate, text};
use crate::config;
use anyhow::Context;
use clap::Args;
use model::Site;
use serde_json::Value;
use std::io::Write;
use std::path::PathBuf;
use std::time::Duration;

/// Between two looks at a host that is watched.
const WATCH: Duration = Duration::from_secs(1);

const APPLY_HELP: &str = "\
The host wants exactly what the file says: its policies and inputs, with their outputs. What is
the same is not touched; if anything is at fault, nothing is applied. Other sections of the file
are for `pointsman run` and have no effect here.

Example:
  pointsman export --secrets > site.toml; $EDITOR site.toml
  pointsman apply -f site.toml --dry-run
  pointsman apply -f site.toml
";

/// What to apply.
#[derive(Debug, Args)]
#[command(after_help = APPLY_HELP)]
pub(super) struct ApplyArgs {
    /// A configuration file (TOML).
    #[arg(long, short, value_name = "FILE")]
    file: PathBuf,
    /// Only say what would be touched.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    shown: Shown,
}

/// What to export.
#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Write passphrases and stream keys out, so that another host can take the document.
    #[arg(long)]
    secrets: bool,
    #[command(flatten)]
    shown: Shown,
}

/// What to show.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Look again every second, until Ctrl-C.
    #[arg(long, short)]
    watch: bool,
    #[command(flatten)]
    shown: Shown,
}

impl ApplyArgs {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let file = self.file.display();
        let text = std::fs::read_to_string(&self.file);
        let text = text.with_context(|| format!("cannot read {file}"))?;
        // Without the environment: it is that of another process.
        let config = config::parse(&text).with_context(|| file.to_string())?;
        let path = format!("apply?dry_run={}", self.dry_run);
        let body = serde_json::to_value(config.site())?;
        let answer = self.shown.api.client()?.post(&path, &body)?;
        if self.shown.json {
            return print_json(&answer);
        }
        println!("{}", changes(&answer, self.dry_run));
        Ok(())
    }
}

impl ExportArgs {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        let path = format!("export?secrets={}", self.secrets);
        let document = self.shown.api.client()?.post(&path, &Value::Null)?;
        if self.shown.json {
            return print_json(&document);
        }
        let site: Site =
            serde_json::from_value(document).context("the host is of another version")?;
        print!("{}", toml::to_string(&site)?);
        Ok(())
    }
}

impl StatusArgs {
    pub(super) fn run(&self) -> anyhow::Result<()> {
        loop {
            let streams = streams(&self.shown.api)?;
            if self.shown.json {
                print_json(&streams)?;
            } else {
                if self.watch {
                    // Home, and erase to the end (ECMA-48 §8.3.21, §8.3.39).
                    print!("\x1b[H\x1b[2J");
                }
                print!("{}", status(&streams));
                std::io::stdout().flush()?;
            }
            if !self.watch {
                return Ok(());
            }
            std::thread::sleep(WATCH);
        }
    }
}

fn streams(api: &Api) -> anyhow::Result<Value> {
    api.client()?.get("streams")
}

fn status(streams: &Value) -> String {
    let streams = streams.get("streams").and_then(Value::as_array);
    let mut lines = String::new();
    for stream in streams.into_iter().flatten() {
        let readers = stream.get("readers").map(|readers| text(readers, "total"));
        let line = format!(
            "{}  on air {}  {}  {} readers\n",
            text(stream, "name"),
            text(stream, "on_air"),
            bitrate(stream),
            readers.unwrap_or_default(),
        );
        lines.push_str(&line);
        let outputs = stream.get("outputs").and_then(Value::as_array);
        let outputs: Vec<_> = outputs.into_iter().flatten().collect();
        if !outputs.is_empty() {
            let table = output::table(outputs.into_iter()).to_string();
            table
                .lines()
                .for_each(|line| lines.push_str(&format!("  {line}\n")));
        }
    }
    if lines.is_empty() {
        lines.push_str("no stream; see pointsman input add --help\n");
    }
    lines
}

fn changes(answer: &Value, dry_run: bool) -> String {
    let changes = answer.get("changes").and_then(Value::as_array);
    let told: Vec<_> = changes
        .into_iter()
        .flatten()
        .map(|change| {
            let fields = change.get("fields").and_then(Value::as_array);
            let fields: Vec<_> = fields
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            let fields = match fields.is_empty() {
                true => String::new(),
                false => format!(": {}", fields.join(", ")),
            };
            format!(
                "{:<8} {}{fields}",
                text(change, "change"),
                text(change, "item")
            )
        })
        .collect();
    match (told.is_empty(), dry_run) {
        (true, _) => "nothing differs".to_owned(),
        (false, true) => format!("{}\nnothing is changed: a dry run", told.join("\n")),
        (false, false) => told.join("\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_an_apply_touched_is_told_line_by_line() {
        let answer = json!({"changes": [
            {"item": "input a", "change": "added"},
            {"item": "input b output x", "change": "changed", "fields": ["url", "enabled"]}]});
        assert_eq!(
            changes(&answer, true),
            "added    input a\nchanged  input b output x: url, enabled\nnothing is changed: a dry run"
        );
        assert_eq!(changes(&json!({"changes": []}), false), "nothing differs");
    }

    #[test]
    fn an_exported_document_is_a_configuration_file() {
        let site: Site = serde_json::from_value(json!({
            "policies": [{"kind": "routing", "plugin": "fanout", "config": {"rules": [{"streams": "a"}]}}],
            "inputs": [{"name": "live/a", "sources": [{"type": "udp"}, {"type": "publish"}],
                "outputs": [{"name": "x", "url": "udp://h:1"}], "labels": {"room": "2"}}]}))
        .unwrap();
        let text = toml::to_string(&site).unwrap();
        assert_eq!(config::parse(&text).unwrap().site(), site);
    }
}
