//! Sending over HTTP, only where the operator lets it.

use super::courier::Letter;
use super::sign::signature;
use model::{Egress, WebhookSpec, egress::Forbidden};
use plugin::http::Web;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url};
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Characters of a refusing answer that are remembered.
const ANSWER_SHOWN: usize = 200;

/// Bytes of it that are read.
const ANSWER_BYTES: usize = 2_048;

/// Sends to receivers; clones share it. A name is resolved here, and every address that it has is
/// checked before one of them is connected to; redirects are not followed.
#[derive(Clone)]
pub struct Sender(Arc<Inner>);

struct Inner {
    egress: Arc<Egress>,
    /// Made for the first event: it loads the system's certificates.
    web: OnceLock<Result<Web, String>>,
}

/// What to do next.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Nothing: it was taken.
    Taken,
    /// Try again, after so long if the receiver said.
    Again(Option<Duration>),
    /// It will not be taken.
    Never,
}

/// What came of one try.
pub(super) struct Answer {
    pub(super) status: Option<u16>,
    pub(super) error: Option<String>,
    pub(super) verdict: Verdict,
}

impl Answer {
    fn none(error: String, verdict: Verdict) -> Self {
        Self {
            status: None,
            error: Some(error),
            verdict,
        }
    }
}

impl Sender {
    /// Reaches what these rules let be reached.
    pub fn new(egress: Egress) -> Self {
        Self(Arc::new(Inner {
            egress: Arc::new(egress),
            web: OnceLock::new(),
        }))
    }

    pub(super) async fn send(
        &self,
        spec: &WebhookSpec,
        letter: &Letter,
        unix_s: u64,
        limit: Duration,
    ) -> Answer {
        let Ok(url) = spec.url.parse::<Url>() else {
            return Answer::none("the URL is none".to_owned(), Verdict::Never);
        };
        // Brackets are the URL's, not the address's.
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        if let Err(forbidden) = self.0.egress.check_host(host) {
            return Answer::none(forbidden.to_string(), Verdict::Never);
        }
        let web = self.0.web.get_or_init(|| {
            let egress = &self.0.egress;
            Web::new(|| set_up(egress)).map_err(|error| error.to_string())
        });
        let client = match web.as_ref().map(|web| web.to(&url)) {
            Ok(Ok(client)) => client,
            Ok(Err(none)) => return Answer::none(none.to_string(), Verdict::Again(None)),
            Err(error) => return Answer::none(error.clone(), Verdict::Again(None)),
        };
        let mut request = client
            .post(url)
            .timeout(limit)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &letter.id)
            .header("webhook-timestamp", unix_s)
            .body(letter.body.clone());
        let sign = |secret: &String| signature(secret, &letter.id, unix_s, &letter.body);
        if let Some(signature) = spec.secret.as_ref().and_then(sign) {
            request = request.header("webhook-signature", signature);
        }
        match request.send().await {
            Ok(response) => judge(response).await,
            Err(error) => failed(error),
        }
    }
}

async fn judge(response: Response) -> Answer {
    let status = response.status();
    if status.is_success() {
        return Answer {
            status: Some(status.as_u16()),
            error: None,
            verdict: Verdict::Taken,
        };
    }
    let asked = response.headers().get(RETRY_AFTER);
    let asked = asked.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
    let why = if status.is_redirection() {
        "redirects are not followed; give the URL that it leads to".to_owned()
    } else {
        beginning(response).await
    };
    Answer {
        status: Some(status.as_u16()),
        error: Some(format!("{status}: {why}")),
        verdict: match status {
            // The receiver says that it is no more (Standard Webhooks, "Deactivating").
            StatusCode::GONE => Verdict::Never,
            _ => Verdict::Again(asked.map(Duration::from_secs)),
        },
    }
}

async fn beginning(mut response: Response) -> String {
    let mut bytes = Vec::new();
    while bytes.len() < ANSWER_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            _ => break,
        }
    }
    let text = String::from_utf8_lossy(&bytes);
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(ANSWER_SHOWN).collect()
}

/// The URL is left out: its path or query may be secret.
fn failed(error: reqwest::Error) -> Answer {
    let error = error.without_url();
    let mut links: Vec<&(dyn Error + 'static)> = vec![&error];
    let mut cause = error.source();
    while let Some(link) = cause {
        links.push(link);
        cause = link.source();
    }
    let forbidden = links
        .iter()
        .find_map(|link| link.downcast_ref::<Forbidden>());
    if let Some(forbidden) = forbidden {
        return Answer::none(forbidden.to_string(), Verdict::Never);
    }
    let last = links.last().map(ToString::to_string).unwrap_or_default();
    let text = match error.is_timeout() {
        true => "it did not answer in time".to_owned(),
        false => last,
    };
    Answer::none(text, Verdict::Again(None))
}

fn set_up(egress: &Arc<Egress>) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .dns_resolver(Checked(egress.clone()))
        // A proxy of the environment would resolve and connect unchecked.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(concat!("pointsman/", env!("CARGO_PKG_VERSION")))
        .pool_max_idle_per_host(1)
}

/// The system's resolver. What it hands out is connected to, so there is no moment in which a
/// name could come to mean another address.
struct Checked(Arc<Egress>);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.0.clone();
        Box::pin(async move {
            let host = name.as_str();
            let found = tokio::net::lookup_host((host, 0)).await?;
            let found: Vec<SocketAddr> = found.collect();
            for address in &found {
                // One bad address spoils the name: which one would be taken is chance.
                egress.check(host, address.ip())?;
            }
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}
