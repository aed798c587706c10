//! HTTP to servers that this host calls.

use crate::LinkError;
use crate::address::to_call;
use crate::context::Context;
use crate::tls;
use model::Egress;
use model::egress::Forbidden;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Url};
use std::error::Error;
use std::time::Duration;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections to a host that are kept for the next request.
const KEPT_CONNECTIONS: usize = 2;

/// A client for requests to that URL's host: one that may be called, at addresses that were
/// checked. Redirects are answers like others, so nothing leads elsewhere.
///
/// # Errors
/// [`LinkError::Forbidden`]; for `https`, when this host has no certificates.
pub async fn client(context: &Context, url: &Url) -> Result<Client, LinkError> {
    let host = url.host_str().unwrap_or_default();
    // Brackets are the URL's, not the address's.
    let host = host.trim_matches(['[', ']']);
    context.egress().check_host(host)?;
    let tls = match url.scheme() {
        "https" => tls::config().await?,
        _ => tls::nobody_trusted()?,
    };
    let built = Client::builder()
        .tls_backend_preconfigured(tls.as_ref().clone())
        .dns_resolver(Checked(context.egress().clone()))
        // A proxy of the environment would resolve and connect unchecked.
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .user_agent(concat!("pointsman/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_max_idle_per_host(KEPT_CONNECTIONS)
        .build();
    built.map_err(|error| failed("the HTTP client did not start", &error))
}

/// A URL for people: without user, password and query, which may be secret.
pub fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // URLs of http always can have a user and a password.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.into()
}

/// What went wrong on the way. The first cause is left out if there are others: it only names
/// the URL, whose query may be secret.
pub fn failed(doing: &str, error: &reqwest::Error) -> LinkError {
    let first: &dyn Error = error;
    let causes = std::iter::successors(first.source(), |&error| error.source());
    let mut told = Vec::new();
    for cause in causes {
        if let Some(forbidden) = cause.downcast_ref::<Forbidden>() {
            return forbidden.clone().into();
        }
        told.push(cause.to_string());
    }
    LinkError::Passing(match told.is_empty() {
        true if error.is_timeout() => format!("{doing}: no answer in time"),
        true => format!("{doing}: the request failed"),
        false => format!("{doing}: {}", told.join(": ")),
    })
}

/// The system's resolver. What it hands out is connected to, so there is no moment between the
/// check and the connection in which a name could come to mean another address.
struct Checked(Egress);

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let egress = self.0.clone();
        Box::pin(async move {
            let found = to_call(&egress, name.as_str(), 0).await;
            let found = found.map_err(|error| match error {
                LinkError::Forbidden(forbidden) => Box::<dyn Error + Send + Sync>::from(forbidden),
                other => other.into(),
            })?;
            let found: Addrs = Box::new(found.into_iter());
            Ok(found)
        })
    }
}
