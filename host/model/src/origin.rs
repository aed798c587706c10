//! Where components may be fetched from.

use std::fmt;
use std::str::FromStr;
use url::Url;

/// Somewhere components may be fetched from: `HOST` or `HOST:PORT` by HTTPS, or
/// `http://HOST[:PORT]` without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(Url);

/// Why a text is no [`Origin`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no place to fetch from: write HOST or HOST:PORT (which means https), or \
     http://HOST:PORT; no path"
)]
pub struct BadOrigin(String);

impl Origin {
    /// Whether a URL leads there.
    pub fn covers(&self, url: &Url) -> bool {
        url.origin() == self.0.origin()
    }
}

impl FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let bad = || BadOrigin(text.chars().take(80).collect());
        let whole = match text.contains("://") {
            true => text.to_owned(),
            false => format!("https://{text}"),
        };
        let url = Url::parse(&whole).map_err(|_| bad())?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty();
        if plain { Ok(Self(url)) } else { Err(bad()) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.origin().ascii_serialization())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_host_and_nothing_beyond() {
        let covers = |place: &str, url: &str| {
            let place: Origin = place.parse().unwrap();
            place.covers(&url.parse().unwrap())
        };
        let place = "plugins.example.org";
        assert!(covers(place, "https://plugins.example.org/a.wasm"));
        assert!(!covers(place, "http://plugins.example.org/a.wasm"));
        assert!(!covers(place, "https://plugins.example.org:444/a.wasm"));
        assert!(!covers("example.org", "https://example.org.evil/a.wasm"));
        assert!(covers("http://[::1]:9", "http://[::1]:9/a"));
        for bad in ["", "a b", "ftp://h", "https://h/path", "https://u@h", "h?x"] {
            assert!(bad.parse::<Origin>().is_err(), "{bad}");
        }
    }
}
