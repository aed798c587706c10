//! What a caller asks for: the stream id of its handshake.
//!
//! Two forms are read, as MediaMTX does:
//!
//! | form | meaning |
//! |---|---|
//! | `publish:NAME` or `read:NAME` | also `ACTION:NAME:USER:TOKEN`; a last part `:QUERY` after either is a URL's query (`a=1&b=2`) |
//! | `#!::r=NAME,m=publish,u=USER,s=TOKEN` | libsrt's access control (docs/features/access-control.md): keys in any order, `m` is `request` unless given, keys not listed are passed on as a query, nothing is percent-decoded |
//!
//! A bare name is refused: whether it would feed or watch the stream would be a guess.

use model::{Intent, NameError, StreamName};
use std::fmt;

/// Longest stream id that a handshake carries (libsrt `CSrtConfig::MAX_SID_LENGTH`).
pub const MAX_BYTES: usize = srt_sys::MAX_STREAM_ID_BYTES;

/// What a caller asks for.
#[derive(Clone, PartialEq, Eq)]
pub struct StreamId {
    /// The stream wanted.
    pub stream: StreamName,
    /// To feed or to watch it.
    pub intent: Intent,
    /// `u`: the user it claims to be.
    pub user: Option<String>,
    /// `s`: the secret it shows.
    pub token: Option<String>,
    /// Every other pair, in order.
    pub query: Vec<(String, String)>,
}

/// Why a stream id was refused. Never repeats more than a few characters of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamIdError {
    /// None was sent.
    #[error("no stream id; give publish:NAME, read:NAME or #!::r=NAME,m=publish")]
    Missing,
    /// More than [`MAX_BYTES`].
    #[error("the stream id has {len} bytes; at most {MAX_BYTES} are allowed")]
    TooLong {
        /// Bytes given.
        len: usize,
    },
    /// Not text.
    #[error("the stream id is not UTF-8 at byte {at}")]
    NotText {
        /// Offset of the first bad byte.
        at: usize,
    },
    /// Neither of the two forms.
    #[error("the stream id is neither publish:NAME, read:NAME nor #!::r=NAME,m=publish")]
    Form,
    /// Something between the commas is not `key=value`.
    #[error("item {item} of the stream id is not key=value")]
    NotAPair {
        /// Its number, from 1.
        item: usize,
    },
    /// A key that must be unambiguous came twice.
    #[error("the stream id has {0} twice")]
    Repeated(char),
    /// A mode that does not exist or cannot be served.
    #[error("mode {0:?} is not supported; use publish or request")]
    Mode(String),
    /// A type other than `stream`.
    #[error("type {0:?} is not supported; use stream")]
    Media(String),
    /// The name is none.
    #[error(transparent)]
    Name(#[from] NameError),
}

/// Reads a stream id. Takes any bytes: they come from strangers.
///
/// # Errors
/// When it asks for nothing that can be named; [`super::reject::RejectReason`] can be made
/// from the error.
pub fn parse(raw: &[u8]) -> Result<StreamId, StreamIdError> {
    if raw.is_empty() {
        return Err(StreamIdError::Missing);
    }
    if raw.len() > MAX_BYTES {
        return Err(StreamIdError::TooLong { len: raw.len() });
    }
    let text = std::str::from_utf8(raw).map_err(|error| StreamIdError::NotText {
        at: error.valid_up_to(),
    })?;
    match text.strip_prefix("#!::") {
        Some(pairs) => parse_access_control(pairs),
        None => parse_action(text),
    }
}

fn parse_action(text: &str) -> Result<StreamId, StreamIdError> {
    let mut parts = text.split(':');
    let intent = match parts.next() {
        Some("publish") => Intent::Publish,
        Some("read") => Intent::Read,
        _ => return Err(StreamIdError::Form),
    };
    let rest: Vec<&str> = parts.take(5).collect();
    let (name, credentials, query) = match rest.as_slice() {
        [name] => (name, None, ""),
        [name, query] => (name, None, *query),
        [name, user, token] => (name, Some((user, token)), ""),
        [name, user, token, query] => (name, Some((user, token)), *query),
        _ => return Err(StreamIdError::Form),
    };
    let query = url::form_urlencoded::parse(query.as_bytes());
    Ok(StreamId {
        stream: name.parse()?,
        intent,
        user: credentials.and_then(|(user, _)| non_empty(user)),
        token: credentials.and_then(|(_, token)| non_empty(token)),
        query: query
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect(),
    })
}

fn parse_access_control(pairs: &str) -> Result<StreamId, StreamIdError> {
    let (mut name, mut mode, mut user, mut token) = (None, None, None, None);
    let mut query = Vec::new();
    for (index, pair) in pairs.split(',').enumerate() {
        let item = index + 1;
        let (key, value) = pair
            .split_once('=')
            .ok_or(StreamIdError::NotAPair { item })?;
        match key {
            "r" => set_once(&mut name, 'r', value)?,
            "m" => set_once(&mut mode, 'm', value)?,
            "u" => set_once(&mut user, 'u', value)?,
            "s" => set_once(&mut token, 's', value)?,
            "t" if value != "stream" => return Err(StreamIdError::Media(brief(value))),
            _ => query.push((key.to_owned(), value.to_owned())),
        }
    }
    let intent = match mode {
        Some("publish") => Intent::Publish,
        Some("request") | None => Intent::Read,
        Some(other) => return Err(StreamIdError::Mode(brief(other))),
    };
    Ok(StreamId {
        stream: name.unwrap_or_default().parse()?,
        intent,
        user: user.and_then(non_empty),
        token: token.and_then(non_empty),
        query,
    })
}

/// What another parser makes of the first or last of two values would be a way around auth.
fn set_once<'a>(
    place: &mut Option<&'a str>,
    key: char,
    value: &'a str,
) -> Result<(), StreamIdError> {
    match place.replace(value) {
        None => Ok(()),
        Some(_) => Err(StreamIdError::Repeated(key)),
    }
}

fn non_empty(value: &str) -> Option<String> {
    (!value.is_empty()).then(|| value.to_owned())
}

fn brief(value: &str) -> String {
    value.chars().take(16).collect()
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamId")
            .field("stream", &self.stream)
            .field("intent", &self.intent)
            .field("user", &self.user)
            .field("token", &self.token.as_ref().map(|_| "***"))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (String, Intent, Option<String>, Option<String>) {
        let id = parse(text.as_bytes()).unwrap();
        (id.stream.to_string(), id.intent, id.user, id.token)
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn both_forms_say_who_wants_what() {
        let plain = |name: &str, intent| (name.to_owned(), intent, None, None);
        for (text, expected) in [
            ("publish:live/cam1", plain("live/cam1", Intent::Publish)),
            ("read:live/cam1", plain("live/cam1", Intent::Read)),
            ("read:live/cam1:x=1", plain("live/cam1", Intent::Read)),
            ("#!::r=live/cam1", plain("live/cam1", Intent::Read)),
            ("#!::m=request,r=a", plain("a", Intent::Read)),
            ("#!::m=publish,r=a", plain("a", Intent::Publish)),
            ("#!::t=stream,h=x,r=a,acme_k=v=w", plain("a", Intent::Read)),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn users_and_tokens_come_from_either_form_and_stay_out_of_logs() {
        let expected = ("a".to_owned(), Intent::Publish, some("joe"), some("pw=1"));
        assert_eq!(read("publish:a:joe:pw=1"), expected);
        assert_eq!(read("publish:a:joe:pw=1:query"), expected);
        assert_eq!(read("#!::s=pw=1,u=joe,m=publish,r=a"), expected);
        let shown = format!("{:?}", parse(b"publish:a:joe:pw=1").unwrap());
        assert!(!shown.contains("pw"), "{shown}");
    }

    #[test]
    fn what_else_a_caller_says_is_passed_on() {
        let query = |text: &str| parse(text.as_bytes()).unwrap().query;
        let pairs = [("x".to_owned(), "1 2".to_owned()), ("y".into(), "".into())];
        assert_eq!(query("read:a:x=1+2&y"), pairs);
        assert_eq!(query("read:a:joe:pw:x=1+2&y"), pairs);
        assert_eq!(query("#!::r=a,x=1 2,u=joe,y="), pairs);
        assert_eq!(query("publish:a"), []);
    }

    #[test]
    fn what_cannot_be_served_is_refused_with_its_own_error() {
        for (raw, expected) in [
            (&b""[..], StreamIdError::Missing),
            (b"live/cam1", StreamIdError::Form),
            (b"watch:live/cam1", StreamIdError::Form),
            (b"read:a:b:c:d:e", StreamIdError::Form),
            (b"read:\xff", StreamIdError::NotText { at: 5 }),
            (b"#!::r=a,publish", StreamIdError::NotAPair { item: 2 }),
            (b"#!::r=a,r=b", StreamIdError::Repeated('r')),
            (
                b"#!::r=a,m=bidirectional",
                StreamIdError::Mode("bidirectional".into()),
            ),
            (b"#!::r=a,t=file", StreamIdError::Media("file".into())),
            (b"#!::m=publish", StreamIdError::Name(NameError::Empty)),
            (b"read:../etc", StreamIdError::Name(NameError::BadPart)),
            (&[b'x'; 513], StreamIdError::TooLong { len: 513 }),
        ] {
            assert_eq!(parse(raw), Err(expected), "{}", raw.escape_ascii());
        }
    }
}
