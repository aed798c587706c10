//! Sending to the collector.

use super::Otlp;
use plugin::http::Web;
use reqwest::header::CONTENT_TYPE;
use reqwest::{ClientBuilder, RequestBuilder, Url};
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::Duration;

/// A collector that takes longer than this gets the next batch.
const LIMIT: Duration = Duration::from_secs(5);

/// The collector, and whether it took the last batch.
pub(super) struct Collector {
    endpoint: String,
    headers: BTreeMap<String, String>,
    web: Option<Web>,
    failing: bool,
}

impl Collector {
    pub(super) fn new(otlp: &Otlp) -> Self {
        let set_up = || -> ClientBuilder {
            reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .timeout(LIMIT)
                .no_proxy()
        };
        Self {
            endpoint: otlp.endpoint.trim_end_matches('/').to_owned(),
            headers: otlp.headers.clone(),
            web: Web::new(set_up).ok(),
            failing: false,
        }
    }

    /// Sends a document; one that is not taken is lost. The first failure in a row is told.
    pub(super) async fn send(&mut self, path: &str, document: Value) {
        let failure = match self.request(path, &document) {
            Ok(request) => match request.send().await {
                Ok(answer) if answer.status().is_success() => None,
                Ok(answer) => Some(format!("it answered {}", answer.status())),
                Err(error) => Some(error.without_url().to_string()),
            },
            Err(error) => Some(error),
        };
        let was_failing = std::mem::replace(&mut self.failing, failure.is_some());
        match failure {
            Some(error) if !was_failing => {
                let code = "otlp-failed";
                tracing::warn!(
                    code,
                    error,
                    "the collector of [otlp] takes nothing; what it misses is lost"
                );
            }
            None if was_failing => tracing::info!("the collector of [otlp] takes figures again"),
            _ => {}
        }
    }

    fn request(&self, path: &str, document: &Value) -> Result<RequestBuilder, String> {
        let url = format!("{}{path}", self.endpoint);
        let url: Url = url
            .parse()
            .map_err(|_| "its endpoint is no URL".to_owned())?;
        let web = self.web.as_ref().ok_or("there is no HTTP client")?;
        let client = web.to(&url).map_err(|none| none.to_string())?;
        let mut request = client.post(url).header(CONTENT_TYPE, "application/json");
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        Ok(request.body(document.to_string()))
    }
}
