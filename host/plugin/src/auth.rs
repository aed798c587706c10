//! The auth kind: the bounds on what comes back, and a sample to try candidates on.

use crate::bounds::{Checked, MAX_TEXT_BYTES, pairs, refuse, text};
use model::StreamName;
use model::auth::{AuthAction, AuthRequest, Verdict};
use std::net::{IpAddr, Ipv4Addr};

/// The least time to live of a verdict, milliseconds.
pub const MIN_TTL_MS: u64 = 1_000;

/// Whether a verdict keeps within the bounds its WIT file names.
pub(crate) fn check(verdict: &Verdict) -> Checked {
    text("reason", &verdict.reason, MAX_TEXT_BYTES)?;
    if let Some(name) = &verdict.stream
        && let Err(error) = name.parse::<StreamName>()
    {
        return refuse(format!("stream {name:?}: {error}"));
    }
    if let Some(ttl_ms) = verdict.ttl_ms.filter(|ttl| *ttl < MIN_TTL_MS) {
        return refuse(format!(
            "a time to live of {ttl_ms} ms, at least {MIN_TTL_MS} are taken"
        ));
    }
    pairs("attributes", &verdict.attributes)
}

/// A request like those in real use, for trying a candidate and for measuring.
pub fn sample_request() -> AuthRequest {
    AuthRequest {
        action: AuthAction::Publish,
        protocol: "rtmp".to_owned(),
        stream: "live/sample".to_owned(),
        peer_ip: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        peer_port: 50_000,
        user: None,
        token: Some("sample".to_owned()),
        query: vec![("key".to_owned(), "sample".to_owned())],
        now_unix_ms: 1_767_225_600_000,
        renewal: false,
        attributes: Default::default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn verdicts_that_cannot_be_carried_out_are_refused() {
        let good = Verdict {
            stream: Some("live/other".to_owned()),
            ttl_ms: Some(MIN_TTL_MS),
            ..Verdict::allow("known")
        };
        assert_eq!(check(&good), Ok(()));
        let bad: [fn(&mut Verdict); 4] = [
            |it| it.stream = Some("../x".to_owned()),
            |it| it.stream = Some(String::new()),
            |it| it.ttl_ms = Some(999),
            |it| it.reason = "x".repeat(1_025),
        ];
        for (number, change) in bad.into_iter().enumerate() {
            let mut verdict = good.clone();
            change(&mut verdict);
            assert_eq!(
                check(&verdict).unwrap_err().code(),
                "bad-result",
                "case {number}"
            );
        }
    }
}
