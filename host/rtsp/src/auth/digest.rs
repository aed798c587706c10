//! Digest: the computation (RFC 7616 §3.4).

use super::{Account, pair, split_list};
use md5::{Digest, Md5};
use sha2::Sha256;
use std::fmt::{self, Write};

/// The hash in use. FFmpeg, VLC and GStreamer know MD5 only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// RFC 2617 and later.
    #[default]
    Md5,
    /// RFC 7616.
    Sha256,
}

impl Algorithm {
    pub(super) fn named(name: &str) -> Option<Self> {
        match name.to_ascii_uppercase().as_str() {
            "MD5" => Some(Self::Md5),
            "SHA-256" => Some(Self::Sha256),
            _ => None,
        }
    }

    /// In lower-case hexadecimal digits.
    fn hash(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text)),
            Self::Sha256 => hex(&Sha256::digest(text)),
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Md5 => "MD5",
            Self::Sha256 => "SHA-256",
        })
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // A string takes everything.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What a client answers to a challenge.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Who it says it is.
    pub user: String,
    /// Of the challenge.
    pub realm: String,
    /// Of the challenge.
    pub nonce: String,
    /// The URI of the request, as the client writes it.
    pub uri: String,
    /// The hash, in hexadecimal digits.
    pub response: String,
    /// Of the challenge.
    pub algorithm: Algorithm,
    /// With `qop=auth`: the count and the client's own nonce.
    pub quality: Option<(String, String)>,
}

impl Answer {
    /// The parameters of a header, behind `Digest`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let pairs: Vec<_> = split_list(text).take(32).filter_map(pair).collect();
        let get = |name: &str| {
            let found = pairs.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone())
        };
        let quality = match get("qop").as_deref() {
            None => None,
            Some("auth") => Some((get("nc")?, get("cnonce")?)),
            Some(_) => return None,
        };
        let algorithm = match get("algorithm") {
            Some(name) => Algorithm::named(&name)?,
            None => Algorithm::Md5,
        };
        Some(Self {
            user: get("username")?,
            realm: get("realm")?,
            nonce: get("nonce")?,
            uri: get("uri")?,
            response: get("response")?,
            algorithm,
            quality,
        })
    }

    /// What [`Answer::response`] has to be for that password.
    pub(super) fn expected(&self, password: &str, method: &str) -> String {
        let hash = |text: String| self.algorithm.hash(&text);
        let who = hash(format!("{}:{}:{password}", self.user, self.realm));
        let what = hash(format!("{method}:{}", self.uri));
        let nonce = &self.nonce;
        match &self.quality {
            Some((count, own)) => hash(format!("{who}:{nonce}:{count}:{own}:auth:{what}")),
            None => hash(format!("{who}:{nonce}:{what}")),
        }
    }

    /// As a header.
    pub(super) fn header(&self, account: &Account, method: &str) -> String {
        let response = self.expected(&account.password, method);
        let (user, realm, nonce, uri) = (&self.user, &self.realm, &self.nonce, &self.uri);
        let mut text = format!(
            "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
             response=\"{response}\", algorithm={}",
            self.algorithm
        );
        if let Some((count, own)) = &self.quality {
            let _ = write!(text, ", qop=auth, nc={count}, cnonce=\"{own}\"");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of RFC 7616 §3.9.1.
    #[test]
    fn the_examples_of_the_standard_hold() {
        let answer = |algorithm| Answer {
            user: "Mufasa".into(),
            realm: "http-auth@example.org".into(),
            nonce: "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v".into(),
            uri: "/dir/index.html".into(),
            response: String::new(),
            algorithm,
            quality: Some((
                "00000001".into(),
                "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ".into(),
            )),
        };
        let expected = |algorithm| answer(algorithm).expected("Circle of Life", "GET");
        assert_eq!(expected(Algorithm::Md5), "8ca523f5e9506fed4657c9700eebdbec");
        assert_eq!(
            expected(Algorithm::Sha256),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"
        );
    }

    #[test]
    fn what_cannot_be_checked_is_not_read() {
        for text in [
            "",
            "username=\"a\"",
            "username=a, realm=b, nonce=c, uri=d, response=e, qop=auth-int, nc=1, cnonce=x",
            "username=a, realm=b, nonce=c, uri=d, response=e, qop=auth, nc=1",
            "username=a, realm=b, nonce=c, uri=d, response=e, algorithm=MD5-sess",
        ] {
            assert_eq!(Answer::parse(text), None, "{text}");
        }
    }
}
