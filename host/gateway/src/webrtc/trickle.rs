//! What a `PATCH` of a session carries (RFC 9725 §4.3, RFC 8840 §9).
//!
//! The peer's candidates are read over, never used: an ICE-lite host calls nobody (RFC 8445 §2.5),
//! the peer's checks come by themselves and show where it is. So what matters is whether the peer
//! wants to restart ICE, which shows in its new user name.

/// Why a fragment was not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FragmentError {
    /// Not a fragment at all.
    #[error("line {line} is no SDP: a letter and an equals sign come first")]
    Line {
        /// Counted from 1.
        line: usize,
    },
}

/// The peer's `a=ice-ufrag` in an `application/trickle-ice-sdpfrag`, if it says one.
///
/// # Errors
/// When it is no such fragment.
pub fn user_fragment(text: &str) -> Result<Option<&str>, FragmentError> {
    let mut found = None;
    for (line, text) in (1..).zip(text.lines()) {
        let text = text.trim_end();
        let mut characters = text.chars();
        match (characters.next(), characters.next()) {
            (None, _) => {}
            (Some(kind), Some('=')) if kind.is_ascii_lowercase() => {
                found = found.or_else(|| text.strip_prefix("a=ice-ufrag:"));
            }
            _ => return Err(FragmentError::Line { line }),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAGMENT: &str = "a=group:BUNDLE 0 1\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
        a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n\
        a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0\r\n\
        a=candidate:1 1 udp 2122260223 d3ad.local 61764 typ host\r\na=end-of-candidates\r\n";

    #[test]
    fn the_user_fragment_is_found_and_absence_is_no_fault() {
        assert_eq!(user_fragment(FRAGMENT), Ok(Some("EsAw")));
        assert_eq!(user_fragment("a=end-of-candidates\n\n"), Ok(None));
        assert_eq!(user_fragment(""), Ok(None));
    }

    #[test]
    fn nonsense_is_named_by_its_line() {
        for (text, line) in [
            ("a=x\nhello", 2),
            ("\u{e4}=x", 1),
            ("=", 1),
            ("a", 1),
            ("{\"a\":1}", 1),
        ] {
            assert_eq!(
                user_fragment(text),
                Err(FragmentError::Line { line }),
                "{text}"
            );
        }
    }
}
