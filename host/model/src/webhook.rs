//! Webhooks: who is told by HTTP of what happens.

use crate::{Event, Label, StreamPattern};
use serde::{Deserialize, Serialize};
use std::fmt;
use url::Url;

/// Characters that a secret may have.
const SECRET: std::ops::RangeInclusive<usize> = 16..=128;

/// Somebody who is told of events: each is sent to a URL, signed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhookSpec {
    /// Unique among webhooks.
    pub name: Label,
    /// `http://` or `https://`.
    pub url: String,
    /// 16 to 128 characters; `whsec_` and base64 stand for the bytes they encode. Without it
    /// nothing is signed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// Types of events; empty: all.
    #[serde(default)]
    pub events: Vec<String>,
    /// Of which streams; `*`: of all, and of the host.
    #[serde(default = "StreamPattern::any")]
    pub streams: StreamPattern,
    /// Wanted.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

impl WebhookSpec {
    /// What is wrong with it, each with its field.
    pub fn faults(&self) -> Vec<(&'static str, String)> {
        let mut faults = Vec::new();
        if let Err(problem) = self.check_url() {
            faults.push(("url", problem.to_owned()));
        }
        let length = self.secret.as_deref().map(str::len);
        if length.is_some_and(|length| !SECRET.contains(&length)) {
            faults.push(("secret", "must have 16 to 128 characters".to_owned()));
        }
        for kind in &self.events {
            if !Event::KINDS.contains(&kind.as_str()) {
                let given: String = kind.chars().take(40).collect();
                let known = Event::KINDS.join(", ");
                faults.push(("events", format!("{given:?} is none; there are {known}")));
            }
        }
        faults
    }

    fn check_url(&self) -> Result<(), &'static str> {
        let url = Url::parse(&self.url).map_err(|_| "is no URL; write https://HOST/PATH")?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err("must be http:// or https:// and name a host");
        }
        match url.username().is_empty() && url.password().is_none() && url.fragment().is_none() {
            true => Ok(()),
            false => Err("takes no user, password or fragment; the signature says who calls"),
        }
    }
}

impl fmt::Debug for WebhookSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookSpec")
            .field("name", &self.name)
            .field("signed", &self.secret.is_some())
            .field("events", &self.events)
            .field("streams", &self.streams)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_is_told_with_its_field() {
        let read = |json: &str| serde_json::from_str::<WebhookSpec>(json).unwrap();
        let sound = read(r#"{"name":"a","url":"https://h/p?q=1","secret":"0123456789abcdef"}"#);
        assert!(sound.faults().is_empty() && sound.enabled);
        assert!(!format!("{sound:?}").contains("0123"));
        let bad = read(r#"{"name":"a","url":"ftp://h","secret":"short","events":["nonsense"]}"#);
        let fields: Vec<_> = bad.faults().into_iter().map(|(field, _)| field).collect();
        assert_eq!(fields, ["url", "secret", "events"]);
        for url in ["h", "https://u:p@h/", "https://h/#x", "https://"] {
            let spec = WebhookSpec {
                url: url.to_owned(),
                ..sound.clone()
            };
            assert_eq!(spec.faults().len(), 1, "{url}");
        }
    }
}
