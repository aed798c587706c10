//! The client's side: the best challenge of a server, and answers to it.

use super::{Account, Algorithm, Answer, basic, pair, split_list};

/// What a server asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge(Kind);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Kind {
    Basic,
    Digest {
        realm: String,
        nonce: String,
        algorithm: Algorithm,
        quality: bool,
        /// Answers given with this nonce.
        count: u32,
    },
}

impl Challenge {
    /// The best challenge of a `WWW-Authenticate` header, or of several joined by commas: Digest
    /// with SHA-256, with MD5, Basic. `None` if none is understood.
    pub fn parse(header: &str) -> Option<Self> {
        let mut challenges: Vec<(String, Vec<(String, String)>)> = Vec::new();
        for item in split_list(header).take(64) {
            // A scheme stands before the first parameter, behind it a space.
            let (scheme, rest) = match item.split_once(' ') {
                Some((scheme, rest)) if !scheme.contains('=') => (Some(scheme), rest),
                None if !item.contains('=') => (Some(item), ""),
                _ => (None, item),
            };
            if let Some(scheme) = scheme {
                challenges.push((scheme.to_ascii_lowercase(), Vec::new()));
            }
            if let (Some((_, pairs)), Some(pair)) = (challenges.last_mut(), pair(rest)) {
                pairs.push(pair);
            }
        }
        let kinds = challenges.into_iter().filter_map(Kind::of);
        kinds.max_by_key(Kind::rank).map(Self)
    }

    /// The `Authorization` header of a request. `seed` makes the client's own nonce.
    pub fn answer(&mut self, account: &Account, method: &str, uri: &str, seed: u64) -> String {
        let Kind::Digest {
            realm,
            nonce,
            algorithm,
            quality,
            count,
        } = &mut self.0
        else {
            return basic(account);
        };
        *count += 1;
        let answer = Answer {
            user: account.user.clone(),
            realm: realm.clone(),
            nonce: nonce.clone(),
            uri: uri.to_owned(),
            response: String::new(),
            algorithm: *algorithm,
            quality: quality.then(|| (format!("{count:08x}"), format!("{seed:016x}"))),
        };
        answer.header(account, method)
    }
}

impl Kind {
    fn of((scheme, pairs): (String, Vec<(String, String)>)) -> Option<Self> {
        let get = |name: &str| {
            let found = pairs.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone())
        };
        match scheme.as_str() {
            "basic" => Some(Self::Basic),
            "digest" => Some(Self::Digest {
                realm: get("realm")?,
                nonce: get("nonce")?,
                algorithm: match get("algorithm") {
                    Some(name) => Algorithm::named(&name)?,
                    None => Algorithm::Md5,
                },
                quality: match get("qop") {
                    None => false,
                    Some(list) => split_list(&list).any(|one| one == "auth").then_some(true)?,
                },
                count: 0,
            }),
            _ => None,
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Basic => 0,
            Self::Digest {
                algorithm: Algorithm::Md5,
                ..
            } => 1,
            Self::Digest { .. } => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_of_several_challenges_is_answered() {
        let account = Account {
            user: "u".into(),
            password: "p".into(),
        };
        let answer = |header: &str| {
            let mut challenge = Challenge::parse(header).unwrap();
            challenge.answer(&account, "OPTIONS", "rtsp://h/", 1)
        };
        let (basic, md5, sha) = (
            "Basic realm=\"a, b\"",
            "Digest realm=\"a\", nonce=\"n\", qop=\"auth,auth-int\"",
            "Digest realm=\"a\", nonce=\"n\", algorithm=SHA-256",
        );
        assert!(answer(basic).starts_with("Basic "));
        assert!(
            answer(&format!("{md5}, {basic}")).contains("algorithm=MD5, qop=auth, nc=00000001")
        );
        assert!(answer(&format!("{basic}, {sha}, {md5}")).contains("algorithm=SHA-256"));
        for header in [
            "",
            "Negotiate",
            "Digest realm=x",
            "Digest realm=a, nonce=b, algorithm=X",
        ] {
            assert_eq!(Challenge::parse(header), None, "{header}");
        }
    }
}
