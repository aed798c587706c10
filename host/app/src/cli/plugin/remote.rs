//! The plugins and policies of a running host, through its REST API.

use crate::cli::client::{Api, Client};
use anyhow::{Context, bail};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use model::{Label, PolicyKind, PolicyMode, StreamPattern};
use serde::Serialize;
use serde_json::{Value, json};
use std::time::Duration;

/// Between two looks for new lines.
const FOLLOW: Duration = Duration::from_secs(1);

/// What an operator vouches for.
pub(super) struct Origin {
    /// SHA-256 that the component must have, hexadecimal.
    pub(super) sha256: Option<String>,
    /// Text of its signature file.
    pub(super) signature: Option<String>,
}

/// A policy to bind.
#[derive(Serialize)]
pub(super) struct Binding<'a> {
    pub(super) plugin: &'a Label,
    pub(super) streams: &'a StreamPattern,
    pub(super) mode: PolicyMode,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) percent: Option<u8>,
    pub(super) config: &'a Value,
}

/// What is done with the plugins of a running host.
pub(super) struct Remote(Client);

impl Remote {
    pub(super) fn new(api: &Api) -> anyhow::Result<Self> {
        Ok(Self(api.client()?))
    }

    pub(super) fn list_plugins(&self) -> anyhow::Result<()> {
        let answer = self
            .0
            .answer(self.0.agent.get(self.0.url("plugins")).call())?;
        let plugins = answer.get("plugins").unwrap_or(&answer);
        let Some(plugins) = plugins.as_array() else {
            bail!("the host answered {answer}")
        };
        if plugins.is_empty() {
            println!("no plugin is installed; see pointsman plugin install --help");
        }
        for plugin in plugins {
            let text = |key: &str| plugin.get(key).and_then(Value::as_str).unwrap_or("-");
            let digest = |key| text(key).get(..12).unwrap_or(text(key)).to_owned();
            println!(
                "{:<24} {:<12} {}",
                text("name"),
                text("version"),
                digest("sha256")
            );
        }
        Ok(())
    }

    pub(super) fn install_plugin(
        &self,
        name: &Label,
        bytes: &[u8],
        origin: &Origin,
    ) -> anyhow::Result<()> {
        let mut request = self.0.agent.put(self.0.url(&format!("plugins/{name}")));
        if let Some(sha256) = &origin.sha256 {
            request = request.query("sha256", sha256);
        }
        if let Some(signature) = &origin.signature {
            // A header cannot carry the lines of the file.
            request = request.header("signature", BASE64_STANDARD.encode(signature));
        }
        let answer = self
            .0
            .answer(request.content_type("application/wasm").send(bytes))?;
        println!("{}", installed(name, &answer));
        Ok(())
    }

    pub(super) fn install_from(
        &self,
        name: &Label,
        url: &str,
        origin: &Origin,
    ) -> anyhow::Result<()> {
        let body = json!({ "url": url, "sha256": origin.sha256, "signature": origin.signature });
        let request = self
            .0
            .agent
            .post(self.0.url(&format!("plugins/{name}/install")));
        let answer = self.0.answer(
            request
                .content_type("application/json")
                .send(body.to_string()),
        )?;
        println!("{}", installed(name, &answer));
        Ok(())
    }

    pub(super) fn rollback_plugin(&self, name: &Label) -> anyhow::Result<()> {
        let request = self
            .0
            .agent
            .post(self.0.url(&format!("plugins/{name}/rollback")));
        self.0.answer(request.send_empty())?;
        println!("{name} is back at the version before");
        Ok(())
    }

    pub(super) fn remove_plugin(&self, name: &Label) -> anyhow::Result<()> {
        let request = self.0.agent.delete(self.0.url(&format!("plugins/{name}")));
        self.0.answer(request.call())?;
        println!("{name} is removed");
        Ok(())
    }

    pub(super) fn bind(&self, kind: PolicyKind, binding: &Binding<'_>) -> anyhow::Result<()> {
        let request = self.0.agent.put(self.0.url(&format!("policies/{kind}")));
        let body = serde_json::to_string(binding)?;
        let answer = self
            .0
            .answer(request.content_type("application/json").send(&body))?;
        let Binding {
            plugin,
            streams,
            mode,
            ..
        } = binding;
        println!(
            "{plugin} is bound to {kind} of {streams} ({})",
            mode.as_str()
        );
        if let Some(warning) = answer.get("warning").and_then(Value::as_str) {
            eprintln!("warning: {warning}");
        }
        Ok(())
    }

    pub(super) fn unbind(
        &self,
        kind: PolicyKind,
        streams: &StreamPattern,
        mode: PolicyMode,
    ) -> anyhow::Result<()> {
        let request = self.0.agent.delete(self.0.url(&format!("policies/{kind}")));
        let request = request
            .query("streams", streams.to_string())
            .query("mode", mode.as_str());
        self.0.answer(request.call())?;
        println!("{kind} of {streams} ({}) is unbound", mode.as_str());
        Ok(())
    }

    /// Prints the lines that the host keeps, and then, if wanted, new ones until Ctrl-C.
    pub(super) fn show_log(&self, name: &Label, follow: bool) -> anyhow::Result<()> {
        let mut shown = Vec::new();
        loop {
            let request = self
                .0
                .agent
                .get(self.0.url(&format!("plugins/{name}/logs")));
            let answer = self.0.answer(request.call())?;
            let lines = answer.get("lines").and_then(Value::as_array).cloned();
            let lines = lines.with_context(|| format!("the host answered {answer}"))?;
            news(&shown, &lines)
                .iter()
                .for_each(|line| println!("{}", log_line(line)));
            if !follow {
                return Ok(());
            }
            shown = lines;
            std::thread::sleep(FOLLOW);
        }
    }
}

/// What an installation brought, for people.
fn installed(name: &Label, answer: &Value) -> String {
    let count = |key: &str| answer.get(key).and_then(Value::as_u64).unwrap_or_default();
    match (count("compared"), count("differing")) {
        (0, _) => format!("{name} is active"),
        (compared, 0) => format!("{name} is active; {compared} logged decisions come to the same"),
        (compared, differing) => format!(
            "{name} is active; of {compared} logged decisions it makes {differing} otherwise:{}",
            differences(answer)
        ),
    }
}

fn differences(answer: &Value) -> String {
    let all = answer.get("differences").and_then(Value::as_array);
    let told = all.into_iter().flatten().map(|it| {
        let text = |key: &str| it.get(key).map(Value::to_string).unwrap_or_default();
        format!(
            "\n  {}: {} -> {}",
            text("subject"),
            text("was"),
            text("now")
        )
    });
    told.collect()
}

/// The lines that come after those shown; what the host dropped in between is gone.
fn news<'a>(shown: &[Value], lines: &'a [Value]) -> &'a [Value] {
    let overlap = |len: &usize| {
        let tail = shown
            .len()
            .checked_sub(*len)
            .and_then(|from| shown.get(from..));
        tail.is_some_and(|tail| lines.get(..*len) == Some(tail))
    };
    let known = (0..=shown.len().min(lines.len())).rev().find(overlap);
    lines.get(known.unwrap_or_default()..).unwrap_or_default()
}

/// `12:34:56.789 warn  no source`, UTC
fn log_line(line: &Value) -> String {
    let text = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default();
    let at = line
        .get("at_unix_ms")
        .and_then(Value::as_u64)
        .unwrap_or_default();
    let (ms, seconds) = (at % 1_000, at / 1_000 % 86_400);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!(
        "{hour:02}:{minute:02}:{second:02}.{ms:03} {:<5} {}",
        text("level"),
        text("message")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_lines_are_shown_even_if_old_ones_were_dropped() {
        let lines = |from: u64, to: u64| (from..to).map(Value::from).collect::<Vec<_>>();
        assert_eq!(news(&[], &lines(0, 3)), lines(0, 3));
        assert_eq!(news(&lines(0, 3), &lines(0, 3)), lines(3, 3));
        assert_eq!(news(&lines(0, 3), &lines(1, 5)), lines(3, 5));
        assert_eq!(news(&lines(0, 3), &lines(7, 9)), lines(7, 9));
    }

    #[test]
    fn a_line_of_the_log_tells_its_time() {
        let line = json!({ "at_unix_ms": 1_800_000_001_002_u64, "level": "warn", "message": "x" });
        assert_eq!(log_line(&line), "08:00:01.002 warn  x");
    }
}
