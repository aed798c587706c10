//! A running host, spoken to through its REST API.

use anyhow::{Context, bail};
use model::{Label, StreamPattern};
use serde_json::{Value, json};
use std::time::Duration;

/// Compiling a large component takes its time.
const LIMIT: Duration = Duration::from_secs(90);

/// What is read of an answer.
const ANSWER_BYTES: u64 = 8 << 20;

/// The API of a running host.
pub(super) struct Remote {
    base: String,
    agent: ureq::Agent,
}

impl Remote {
    pub(super) fn new(base: String) -> Self {
        // Problem documents come with 4xx and 5xx and are to be read, not thrown.
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(LIMIT))
            .build();
        Self {
            base: base.trim_end_matches('/').to_owned(),
            agent: config.into(),
        }
    }

    pub(super) fn list_plugins(&self) -> anyhow::Result<()> {
        let answer = self.answer(self.agent.get(self.url("plugins")).call())?;
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

    pub(super) fn install_plugin(&self, name: &Label, bytes: &[u8]) -> anyhow::Result<()> {
        let request = self.agent.put(self.url(&format!("plugins/{name}")));
        self.answer(request.content_type("application/wasm").send(bytes))?;
        println!("{name} is active");
        Ok(())
    }

    pub(super) fn rollback_plugin(&self, name: &Label) -> anyhow::Result<()> {
        let request = self
            .agent
            .post(self.url(&format!("plugins/{name}/rollback")));
        self.answer(request.send_empty())?;
        println!("{name} is back at the version before");
        Ok(())
    }

    pub(super) fn remove_plugin(&self, name: &Label) -> anyhow::Result<()> {
        let request = self.agent.delete(self.url(&format!("plugins/{name}")));
        self.answer(request.call())?;
        println!("{name} is removed");
        Ok(())
    }

    pub(super) fn bind_routing(
        &self,
        name: &Label,
        streams: &StreamPattern,
        config: &Value,
    ) -> anyhow::Result<()> {
        let body = json!({"plugin": name, "streams": streams, "config": config}).to_string();
        let request = self.agent.put(self.url("policies/routing"));
        self.answer(request.content_type("application/json").send(&body))?;
        println!("{name} routes {streams}");
        Ok(())
    }

    fn url(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.base)
    }

    /// The answer's JSON; a problem document (RFC 9457) becomes an error in its own words.
    fn answer(
        &self,
        response: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
    ) -> anyhow::Result<Value> {
        let mut response = response.with_context(|| {
            format!("no host answers at {}; is it running? See --api", self.base)
        })?;
        let status = response.status();
        let text = response
            .body_mut()
            .with_config()
            .limit(ANSWER_BYTES)
            .read_to_string()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        if status.is_success() {
            return Ok(body);
        }
        let words = ["detail", "title"]
            .iter()
            .find_map(|key| body.get(key)?.as_str());
        bail!(
            "the host refused ({status}): {}",
            words.unwrap_or("without saying why")
        )
    }
}
