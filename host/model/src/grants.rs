//! Which hosts a plugin may reach: what its metadata asks for, and what the operator allows.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What the operator opens to a plugin. Nothing unless told otherwise.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Grants {
    /// Hosts that it may send requests to, at public addresses.
    pub http: Vec<HostRule>,
    /// Hosts that it may send requests to wherever they are: at private, loopback and link-local
    /// addresses, too.
    pub private: Vec<HostRule>,
}

/// A host by name or address: `hooks.example.com`, `*.example.com` (every name below it), `10.0.0.7`,
/// `::1`, or `*` (every one).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct HostRule(Box<str>);

/// Why a text is no [`HostRule`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no host: write a name (hooks.example.com), *.DOMAIN for every name below it, an address \
     or *; no scheme, port or path"
)]
pub struct HostRuleError(String);

impl HostRule {
    /// Whether a host, a name or an address in lower case, is meant.
    pub fn matches(&self, host: &str) -> bool {
        match self.0.strip_prefix('*') {
            Some("") => true,
            // What follows begins with a dot.
            Some(domain) => host.len() > domain.len() && host.ends_with(domain),
            None => host == &*self.0,
        }
    }

    /// The rule as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for HostRule {
    type Err = HostRuleError;

    fn from_str(text: &str) -> Result<Self, HostRuleError> {
        let wrong = || HostRuleError(text.to_owned());
        let host = text.trim_end_matches('.').to_ascii_lowercase();
        if let Ok(address) = host.parse::<std::net::IpAddr>() {
            return Ok(Self(address.to_string().into()));
        }
        if host == "*" {
            return Ok(Self(host.into()));
        }
        let name = host.strip_prefix("*.").unwrap_or(&host);
        let part = |part: &str| {
            !part.is_empty()
                && part.len() <= 63
                && part
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        if name.len() <= 253 && name.split('.').all(part) {
            return Ok(Self(host.into()));
        }
        Err(wrong())
    }
}

impl fmt::Display for HostRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for HostRule {
    type Error = HostRuleError;

    fn try_from(text: String) -> Result<Self, HostRuleError> {
        text.parse()
    }
}

impl From<HostRule> for String {
    fn from(rule: HostRule) -> Self {
        rule.0.into()
    }
}

impl Grants {
    /// Whether the operator opens this host.
    pub fn allow(&self, host: &str) -> bool {
        let mut rules = self.http.iter().chain(&self.private);
        rules.any(|rule| rule.matches(host))
    }
}

/// The entry of a component's `grants` that asks for every host it is allowed.
const ANY_HOST: &str = "http";

/// Whether a component asks for this host.
pub fn asks(asked: &[String], host: &str) -> bool {
    asked.iter().any(|grant| match rule_of(grant) {
        Some(rule) => rule.is_ok_and(|rule| rule.matches(host)),
        None => grant == ANY_HOST,
    })
}

/// Whether what a component asks for can be understood; grants of other kinds are nobody's business.
///
/// # Errors
/// With the host that is none.
pub fn check_asked(asked: &[String]) -> Result<(), HostRuleError> {
    asked
        .iter()
        .filter_map(|grant| rule_of(grant))
        .try_for_each(|rule| rule.map(drop))
}

/// The host of an `http:HOST`.
fn rule_of(grant: &str) -> Option<Result<HostRule, HostRuleError>> {
    Some(grant.strip_prefix("http:")?.parse())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> HostRule {
        text.parse().unwrap()
    }

    #[test]
    fn a_domain_means_every_name_below_it_and_not_itself() {
        let below = rule("*.Example.com");
        assert!(below.matches("hooks.example.com") && below.matches("a.b.example.com"));
        assert!(!below.matches("example.com") && !below.matches("badexample.com"));
        assert!(rule("example.com.").matches("example.com"));
        assert!(!rule("example.com").matches("hooks.example.com"));
        assert!(rule("*").matches("anything"));
        assert!(rule("::1").matches("::1") && rule("10.0.0.7").matches("10.0.0.7"));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            "http://a.b",
            "a.b:80",
            "a.b/c",
            "a..b",
            "*a.b",
            "a.*.b",
            "**",
            "a b",
        ] {
            assert!(text.parse::<HostRule>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_component_asks_for_some_hosts_or_for_all_it_is_allowed() {
        let asked = |grants: &[&str]| {
            grants
                .iter()
                .map(|it| str::to_owned(it))
                .collect::<Vec<_>>()
        };
        assert!(asks(&asked(&["http"]), "any.example"));
        assert!(asks(&asked(&["gpu", "http:*.example"]), "any.example"));
        assert!(!asks(&asked(&["http:other.example"]), "any.example"));
        assert!(!asks(&[], "any.example"));
        assert!(check_asked(&asked(&["http", "http:a.example", "something-else"])).is_ok());
        assert!(check_asked(&asked(&["http:http://a.example"])).is_err());
    }
}
