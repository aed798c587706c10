//! Who may publish or watch: the question, the answers, and the ways to say no.

use crate::{Protocol, StreamName};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// Pairs of a query that are passed on (`wit/1.0.0/auth.wit`); more are left out.
pub const MAX_QUERY_PAIRS: usize = 64;

/// Keys under which a query carries a secret, the first that is there wins.
const TOKEN_KEYS: [&str; 4] = ["token", "key", "pass", "password"];

/// What a peer wants of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Intent {
    /// To feed it.
    Publish,
    /// To watch it.
    Read,
}

/// An admission question, asked by a gateway before any media flows.
#[derive(Clone, PartialEq, Eq)]
pub struct Ask {
    /// The stream wanted.
    pub stream: StreamName,
    /// To feed or to watch it.
    pub intent: Intent,
    /// By which protocol.
    pub protocol: Protocol,
    /// Where the peer comes from.
    pub peer: SocketAddr,
    /// The user it claims to be (SRT `u`, HTTP Basic, `user` in a query).
    pub user: Option<String>,
    /// The secret it shows (SRT `s`, HTTP Bearer or password, `token` or `key` in a query).
    pub token: Option<String>,
    /// The pairs of its URL's query, in order; at most [`MAX_QUERY_PAIRS`].
    pub query: Vec<(String, String)>,
    /// What program it says it is (HTTP `User-Agent`, RTMP `flashVer`).
    pub agent: Option<String>,
    /// It was let in before and is asked for again, since its time to live ended.
    pub renewal: bool,
}

impl Ask {
    /// By a peer that shows nothing.
    pub fn new(stream: StreamName, intent: Intent, protocol: Protocol, peer: SocketAddr) -> Self {
        Self {
            stream,
            intent,
            protocol,
            peer,
            user: None,
            token: None,
            query: Vec::new(),
            agent: None,
            renewal: false,
        }
    }

    /// With the pairs of its URL's query, which give user and token where nothing better did.
    pub fn with_query(mut self, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        self.query = pairs.into_iter().take(MAX_QUERY_PAIRS).collect();
        let (user, token) = credentials(&self.query);
        self.user = self.user.or(user);
        self.token = self.token.or(token);
        self
    }

    /// With the program that it says it is.
    pub fn with_agent(mut self, agent: &str) -> Self {
        self.agent = (!agent.is_empty()).then(|| agent.chars().take(256).collect());
        self
    }

    /// Whether it shows a secret or a name at all.
    pub const fn shows_credentials(&self) -> bool {
        self.user.is_some() || self.token.is_some()
    }
}

/// The user and the secret that a query carries.
pub fn credentials(query: &[(String, String)]) -> (Option<String>, Option<String>) {
    let token = TOKEN_KEYS.iter().find_map(|key| value_of(query, key));
    (value_of(query, "user"), token)
}

fn value_of(query: &[(String, String)], wanted: &str) -> Option<String> {
    let found = query.iter().find(|(key, _)| key == wanted);
    found
        .map(|(_, value)| value.clone())
        .filter(|value| !value.is_empty())
}

/// Without what may be secret.
impl fmt::Debug for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ask")
            .field("stream", &self.stream)
            .field("intent", &self.intent)
            .field("protocol", &self.protocol)
            .field("peer", &self.peer)
            .field("user", &self.user)
            .field("renewal", &self.renewal)
            .finish_non_exhaustive()
    }
}

/// On what terms a peer was let in. The default is without limits, for good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Admission {
    /// Another name for the stream; none leaves the one asked for.
    pub stream: Option<StreamName>,
    /// Bits per second over a few seconds above which it is cut off.
    pub max_bitrate_bps: Option<u64>,
    /// After which it is cut off, since it was let in.
    pub max_duration: Option<Duration>,
    /// Readers of the stream beyond which a reader is turned away. On a publisher's terms, this
    /// holds for every reader of what it publishes.
    pub max_readers: Option<u32>,
    /// After which it is asked for again.
    pub ttl: Option<Duration>,
}

/// Why a peer was turned away; each gateway says it in its protocol's own words
/// (HTTP status, SRT reject reason, RTMP `onStatus` code).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// The name or request cannot be understood.
    #[error("bad request: {0}")]
    BadRequest(String),
    /// Nobody feeds or declares this stream.
    #[error("no stream is called {0}; start its publisher or declare it as an input")]
    UnknownStream(StreamName),
    /// The stream has a publisher, or its input takes none.
    #[error("{stream} cannot be published to: {why}")]
    Conflict {
        /// The stream asked for.
        stream: StreamName,
        /// What stands in the way.
        why: &'static str,
    },
    /// The routing plan does not serve the stream over this protocol.
    #[error("{stream} is not served over {protocol}")]
    NotServed {
        /// The stream asked for.
        stream: StreamName,
        /// The protocol asked by.
        protocol: Protocol,
    },
    /// The auth policy wants to know who asks, and nothing was shown. Says no more: the policy's
    /// reason is for the operator.
    #[error("not authorized: show a user or a token")]
    Unauthorized,
    /// The auth policy said no to who asks, or could not be asked.
    #[error("not authorized")]
    Forbidden,
    /// The terms on which it was let in have run out.
    #[error("cut off: {0}")]
    CutOff(Terms),
    /// A limit of this host is reached.
    #[error("the host is at its limit of {limit} {what}")]
    Overloaded {
        /// What is limited, in the plural.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
    },
    /// Nobody new is let in any more.
    #[error("the host is shutting down")]
    Stopping,
}

/// Which of its [`Admission`]'s terms a peer broke or used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Terms {
    /// More bits per second than allowed, over a few seconds.
    #[error("above the {allowed_bps} bit/s allowed")]
    Bitrate {
        /// What was allowed.
        allowed_bps: u64,
    },
    /// As long as allowed.
    #[error("the {} s allowed are over", .0.as_secs())]
    Duration(Duration),
    /// It was asked for again and turned away.
    #[error("no longer authorized")]
    Renewal,
    /// It was asked for again, and the name stands for another stream now.
    #[error("the name stands for another stream now")]
    Renamed,
}

impl Terms {
    /// Whether what was allowed is used up, which asking anew does not change.
    pub const fn are_used_up(self) -> bool {
        matches!(self, Self::Bitrate { .. } | Self::Duration(_))
    }
}

impl Refusal {
    /// Stable short name for metrics and logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad-request",
            Self::UnknownStream(_) => "unknown-stream",
            Self::Conflict { .. } => "conflict",
            Self::NotServed { .. } => "not-served",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::CutOff(Terms::Bitrate { .. }) => "cut-off-bitrate",
            Self::CutOff(Terms::Duration(_)) => "cut-off-duration",
            Self::CutOff(Terms::Renewal | Terms::Renamed) => "cut-off-renewal",
            Self::Overloaded { .. } => "overloaded",
            Self::Stopping => "stopping",
        }
    }

    /// Whether an auth policy said so, now or when it was asked again.
    pub const fn is_of_auth(&self) -> bool {
        matches!(self, Self::Unauthorized | Self::Forbidden | Self::CutOff(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask() -> Ask {
        let (stream, peer) = ("a".parse().unwrap(), ([127, 0, 0, 1], 1).into());
        Ask::new(stream, Intent::Read, Protocol::Srt, peer)
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        let own = |(key, value): &(&str, &str)| (key.to_string(), value.to_string());
        list.iter().map(own).collect()
    }

    #[test]
    fn a_query_gives_user_and_token_only_where_nothing_better_did() {
        let asked = ask().with_query(pairs(&[("user", "joe"), ("key", "k"), ("token", "")]));
        assert_eq!(asked.user.as_deref(), Some("joe"));
        assert_eq!(asked.token.as_deref(), Some("k"));
        let own = Ask {
            token: Some("header".into()),
            ..ask()
        };
        let asked = own.with_query(pairs(&[("token", "query")]));
        assert_eq!(asked.token.as_deref(), Some("header"));
        assert_eq!(asked.query, pairs(&[("token", "query")]));
        assert!(!ask().with_query(pairs(&[("x", "1")])).shows_credentials());
    }

    #[test]
    fn strangers_do_not_fill_memory_or_the_log() {
        let many = (0..1000).map(|n| (format!("k{n}"), String::new()));
        assert_eq!(ask().with_query(many).query.len(), MAX_QUERY_PAIRS);
        let agent = ask().with_agent(&"x".repeat(10_000)).agent;
        assert_eq!(agent.map(|agent| agent.len()), Some(256));
        let asked = ask().with_query(pairs(&[("token", "hunter2")]));
        assert!(!format!("{asked:?}").contains("hunter2"));
    }
}
