//! Components fetched from where the operator allows it.

use model::Label;
use model::origin::Origin;
use plugin::http::Web;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// Redirects followed, each to an allowed place only.
const MAX_REDIRECTS: usize = 4;

/// How long a download may take.
const LIMIT: Duration = Duration::from_secs(45);

/// Why a component could not be fetched. Nothing was installed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FetchError {
    /// Not a URL of http or https.
    #[error("{0:?} is no URL to fetch a component from; give https://HOST/PATH")]
    NotAUrl(String),
    /// The operator does not allow it.
    #[error(
        "components may not be fetched from {origin}; allow it with [plugins] install_from = \
         [{origin:?}], or send the bytes to PUT /api/v1/plugins/{plugin}"
    )]
    NotAllowed {
        /// Where from.
        origin: String,
        /// Which plugin.
        plugin: Label,
    },
    /// No answer, or not the one wanted.
    #[error("{url} cannot be fetched: {reason}")]
    Failed {
        /// Without its query, which may be secret.
        url: String,
        /// What happened.
        reason: String,
    },
    /// More bytes than a component may have.
    #[error("{url} has more than the {limit} bytes that a component may have")]
    TooBig {
        /// Without its query.
        url: String,
        /// The limit.
        limit: usize,
    },
}

impl FetchError {
    /// Stable short name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotAUrl(_) => "not-a-url",
            Self::NotAllowed { .. } => "not-allowed",
            Self::Failed { .. } => "fetch-failed",
            Self::TooBig { .. } => "too-big",
        }
    }
}

/// Fetches a component of at most `limit` bytes from a place that is allowed.
pub(crate) async fn fetch(
    plugin: &Label,
    url: &str,
    allowed: &[Origin],
    limit: usize,
) -> Result<Arc<[u8]>, FetchError> {
    let shortened: String = url.chars().take(200).collect();
    let url = Url::parse(url).map_err(|_| FetchError::NotAUrl(shortened))?;
    if !allowed.iter().any(|origin| origin.covers(&url)) {
        return Err(FetchError::NotAllowed {
            origin: url.origin().ascii_serialization(),
            plugin: plugin.clone(),
        });
    }
    let shown = shown(&url);
    let failed = |error: reqwest::Error| FetchError::Failed {
        url: shown.clone(),
        // The chain's last link says what happened; the URL in the first may be secret.
        reason: root_of(&error.without_url()),
    };
    let web = Web::new(|| set_up(allowed.to_vec())).map_err(failed)?;
    let client = web.to(&url).map_err(|none| FetchError::Failed {
        url: shown.clone(),
        reason: none.to_string(),
    })?;
    let mut answer = client.get(url).send().await.map_err(failed)?;
    if !answer.status().is_success() {
        let reason = format!("it answered {}", answer.status());
        return Err(FetchError::Failed { url: shown, reason });
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(failed)? {
        if bytes.len() + chunk.len() > limit {
            return Err(FetchError::TooBig { url: shown, limit });
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

fn set_up(allowed: Vec<Origin>) -> reqwest::ClientBuilder {
    let follow = reqwest::redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > MAX_REDIRECTS {
            return attempt.error("too many redirects");
        }
        if allowed.iter().any(|origin| origin.covers(attempt.url())) {
            return attempt.follow();
        }
        let to = attempt.url().origin().ascii_serialization();
        attempt.error(format!(
            "it redirects to {to}, which [plugins] install_from does not allow"
        ))
    });
    reqwest::Client::builder()
        .redirect(follow)
        .timeout(LIMIT)
        .no_proxy()
}

fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    let _ = url.set_password(None);
    url.into()
}

fn root_of(error: &dyn std::error::Error) -> String {
    let links = std::iter::successors(Some(error), |error| error.source());
    links.last().map(ToString::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    /// A server that answers everything with this.
    async fn server(answer: String) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            loop {
                let (mut socket, _) = listener.accept().await.unwrap();
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let _ = socket.write_all(answer.as_bytes()).await;
            }
        });
        format!("http://{address}")
    }

    fn ok(body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
    }

    async fn fetched(url: &str, allowed: &[&str]) -> Result<usize, FetchError> {
        let allowed: Vec<_> = allowed.iter().map(|place| place.parse().unwrap()).collect();
        let name = "p".parse().unwrap();
        let bytes = fetch(&name, url, &allowed, 100).await;
        bytes.map(|bytes| bytes.len())
    }

    #[tokio::test]
    async fn only_allowed_places_are_fetched_from_also_after_a_redirect() {
        let here = server(ok("component")).await;
        let url = format!("{here}/a.wasm?token=hunter2");
        assert_eq!(fetched(&url, &[&here]).await.unwrap(), 9);
        let refused = fetched(&url, &["plugins.example.org"]).await.unwrap_err();
        assert_eq!(refused.code(), "not-allowed");
        assert!(refused.to_string().contains("install_from"), "{refused}");

        let moved =
            format!("HTTP/1.1 302 Found\r\nlocation: {here}/b\r\ncontent-length: 0\r\n\r\n");
        let other = server(moved).await;
        let url = format!("{other}/a.wasm?token=hunter2");
        assert_eq!(fetched(&url, &[&here, &other]).await.unwrap(), 9);
        let told = fetched(&url, &[&other]).await.unwrap_err().to_string();
        assert!(told.contains("does not allow"), "{told}");
        assert!(!told.contains("hunter2"), "{told}");
    }

    #[tokio::test]
    async fn what_is_too_large_or_not_there_is_told() {
        let large = server(ok(&"x".repeat(101))).await;
        let refused = fetched(&large, &[&large]).await.unwrap_err();
        assert_eq!(refused.code(), "too-big");
        let none = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned();
        let absent = server(none).await;
        let told = fetched(&absent, &[&absent]).await.unwrap_err().to_string();
        assert!(told.contains("404"), "{told}");
        let refused = fetched("not a url", &[]).await.unwrap_err();
        assert_eq!(refused.code(), "not-a-url");
    }
}
