//! A running host, spoken to through its REST API.

use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use ureq::http::{HeaderValue, Request, Response, header};
use ureq::middleware::{Middleware, MiddlewareNext};
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig, TlsProvider, parse_pem};
use ureq::{Body, SendBody};

/// Compiling a large component takes its time, on a busy machine minutes.
const LIMIT: Duration = Duration::from_secs(330);

/// What is read of an answer.
const ANSWER_BYTES: u64 = 8 << 20;

/// Where the running host is.
#[derive(Debug, Clone, Args)]
pub struct Api {
    /// Address of the host's API.
    #[arg(
        long,
        value_name = "URL",
        env = "POINTSMAN_API",
        default_value = "http://127.0.0.1:8080"
    )]
    api: String,
    /// A key of the host (`pointsman key add`), or what its auth policy wants to see.
    #[arg(
        long,
        value_name = "TOKEN",
        env = "POINTSMAN_TOKEN",
        hide_env_values = true
    )]
    token: Option<String>,
    /// Trust certificates of this file (PEM) instead of this machine's; for an https address.
    #[arg(long, value_name = "FILE", env = "POINTSMAN_CA")]
    ca: Option<PathBuf>,
    /// Trust whoever answers at an https address: nothing is safe from who sits in between.
    #[arg(long, conflicts_with = "ca")]
    insecure: bool,
}

impl Api {
    /// An address that the host names; paths are on the host itself.
    pub(super) fn absolute(&self, address: &str) -> String {
        match address.starts_with('/') {
            true => format!("{}{address}", self.api.trim_end_matches('/')),
            false => address.to_owned(),
        }
    }

    /// The way to talk to it.
    ///
    /// # Errors
    /// A token that no header can carry; certificates that cannot be read.
    pub(super) fn client(&self) -> anyhow::Result<Client> {
        self.client_with(Some(LIMIT))
    }

    /// The same, for an answer that has no end.
    pub(super) fn endless_client(&self) -> anyhow::Result<Client> {
        self.client_with(None)
    }

    fn client_with(&self, limit: Option<Duration>) -> anyhow::Result<Client> {
        // Problem documents come with 4xx and 5xx and are to be read, not thrown.
        let mut config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(limit)
            .tls_config(tls(self)?);
        if let Some(token) = &self.token {
            let bearer = HeaderValue::try_from(format!("Bearer {token}"));
            let bearer = bearer.context("the token has characters that no header can carry")?;
            config = config.middleware(Shows(bearer));
        }
        Ok(Client {
            base: self.api.trim_end_matches('/').to_owned(),
            agent: config.build().into(),
        })
    }
}

fn tls(api: &Api) -> anyhow::Result<TlsConfig> {
    let config = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .disable_verification(api.insecure);
    let roots = match &api.ca {
        Some(file) => certificates(file)?,
        // Looked up only if they are needed: it takes a while.
        None if api.api.starts_with("https") && !api.insecure => {
            let found = rustls_native_certs::load_native_certs().certs;
            let found = found.iter().map(|it| Certificate::from_der(it).to_owned());
            found.collect()
        }
        None => Vec::new(),
    };
    Ok(config.root_certs(RootCerts::from(roots)).build())
}

fn certificates(file: &Path) -> anyhow::Result<Vec<Certificate<'static>>> {
    let text = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut found = Vec::new();
    for item in parse_pem(&text) {
        if let PemItem::Certificate(it) = item.with_context(|| file.display().to_string())? {
            found.push(it);
        }
    }
    anyhow::ensure!(
        !found.is_empty(),
        "{} has no certificate in PEM form",
        file.display()
    );
    Ok(found)
}

/// Shows the same credentials with each request.
struct Shows(HeaderValue);

impl Middleware for Shows {
    fn handle(
        &self,
        mut request: Request<SendBody<'_>>,
        next: MiddlewareNext<'_>,
    ) -> Result<Response<Body>, ureq::Error> {
        let headers = request.headers_mut();
        headers.insert(header::AUTHORIZATION, self.0.clone());
        next.handle(request)
    }
}

/// The API of a running host.
pub(super) struct Client {
    base: String,
    pub(super) agent: ureq::Agent,
}

impl Client {
    /// The address of a path below `/api/v1/`.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}/api/v1/{path}", self.base)
    }

    pub(super) fn get(&self, path: &str) -> anyhow::Result<Value> {
        self.answer(self.agent.get(self.url(path)).call())
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.answer(self.agent.post(self.url(path)).send_json(body))
    }

    pub(super) fn put(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.answer(self.agent.put(self.url(path)).send_json(body))
    }

    pub(super) fn patch(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        self.answer(self.agent.patch(self.url(path)).send_json(body))
    }

    pub(super) fn delete(&self, path: &str) -> anyhow::Result<Value> {
        self.answer(self.agent.delete(self.url(path)).call())
    }

    /// The answer's JSON; a problem document (RFC 9457) becomes an error in its own words.
    pub(super) fn answer(
        &self,
        response: Result<Response<Body>, ureq::Error>,
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
        bail!("the host refused ({status}): {}", words(&body))
    }
}

/// Each field at fault on a line of its own, or else the problem as it is told.
fn words(problem: &Value) -> String {
    let text = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
    let errors = problem.get("errors").and_then(Value::as_array);
    let fields: Vec<_> = errors
        .into_iter()
        .flatten()
        .filter_map(|error| {
            let (item, field) = (text(error, "item")?, text(error, "field")?);
            Some(format!("\n  {item}: {field}: {}", text(error, "problem")?))
        })
        .collect();
    match fields.is_empty() {
        false => format!("nothing is changed{}", fields.concat()),
        true => text(problem, "detail")
            .or_else(|| text(problem, "title"))
            .unwrap_or_else(|| "without saying why".to_owned()),
    }
}

/// A name in a path.
pub(super) fn segment(name: &impl ToString) -> String {
    name.to_string().replace('/', "%2F")
}

/// Prints JSON for programs.
pub(super) fn print_json(value: &Value) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_problem_is_told_field_by_field_or_in_its_own_words() {
        let fault = json!({"item": "input a", "field": "name", "problem": "is missing"});
        let several = json!({"detail": "long", "errors": [fault, fault]});
        assert_eq!(
            words(&several),
            "nothing is changed\n  input a: name: is missing\n  input a: name: is missing"
        );
        assert_eq!(words(&json!({"detail": "busy"})), "busy");
        assert_eq!(words(&Value::Null), "without saying why");
    }
}
