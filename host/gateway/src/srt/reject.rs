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
        Refusal::Overloaded { .. } => RejectReason::OVERLOAD,
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
