//! Refusals in SRT's words: the access-control codes of libsrt's `access_control.h`.

pub use srt_sys::RejectReason;

use super::stream_id::StreamIdError;
use model::Refusal;

/// The reject reason that tells a caller of this refusal.
pub const fn reason_for(refusal: &Refusal) -> RejectReason {
    match refusal {
        Refusal::BadRequest(_) => RejectReason::BAD_REQUEST,
        Refusal::UnknownStream(_) => RejectReason::NOTFOUND,
        Refusal::Conflict { .. } => RejectReason::CONFLICT,
        Refusal::Unauthorized => RejectReason::UNAUTHORIZED,
        Refusal::Overloaded { .. } | Refusal::Stopping => RejectReason::OVERLOAD,
        // Refusal grows in other crates; whatever it says, the answer here is no.
        _ => RejectReason::FORBIDDEN,
    }
}

impl From<&StreamIdError> for RejectReason {
    fn from(error: &StreamIdError) -> Self {
        match error {
            StreamIdError::Mode(_) => Self::BAD_MODE,
            StreamIdError::Media(_) => Self::NOTSUP_MEDIA,
            _ => Self::BAD_REQUEST,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Protocol, StreamName};

    #[test]
    fn the_codes_that_callers_see_do_not_change() {
        let stream: StreamName = "a".parse().unwrap();
        let cases = [
            (Refusal::BadRequest(String::new()), 1400),
            (Refusal::UnknownStream(stream.clone()), 1404),
            (
                Refusal::Conflict {
                    stream: stream.clone(),
                    why: "",
                },
                1409,
            ),
            (
                Refusal::NotServed {
                    stream,
                    protocol: Protocol::Srt,
                },
                1403,
            ),
            (Refusal::Overloaded { what: "", limit: 1 }, 1402),
            (Refusal::Unauthorized, 1401),
            (Refusal::Forbidden, 1403),
        ];
        for (refusal, code) in cases {
            assert_eq!(reason_for(&refusal).code(), code, "{refusal:?}");
        }
        let errors = [
            (StreamIdError::Missing, 1400),
            (StreamIdError::Mode(String::new()), 1405),
            (StreamIdError::Media(String::new()), 1415),
        ];
        for (error, code) in errors {
            assert_eq!(RejectReason::from(&error).code(), code, "{error:?}");
        }
    }
}
