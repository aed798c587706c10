//! Why a session ended.

use std::io;

/// Why a session ended, and whether another try may help.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The peer closed in good order.
    #[error("the peer ended the connection")]
    Ended,
    /// A host name gave no address.
    #[error("{host} has no address: {source}; check the name and the resolver")]
    Resolve {
        /// As configured.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// The operator's lists forbid it.
    #[error(transparent)]
    Forbidden(#[from] model::egress::Forbidden),
    /// The operating system refused something.
    #[error("{doing}: {source}")]
    Io {
        /// What was attempted, with its address.
        doing: String,
        /// What the system said.
        source: io::Error,
    },
    /// A protocol's failure that may pass.
    #[error("{0}")]
    Passing(String),
    /// The peer took nothing although the stream flows.
    #[error("the peer took nothing for {seconds} s")]
    Stalled {
        /// For how long.
        seconds: u64,
    },
    /// What FFmpeg was to make ended.
    #[error(transparent)]
    Ffmpeg(#[from] ffmpeg::Error),
    /// The stream has this source connected already, or is gone.
    #[error(transparent)]
    NotAdmitted(#[from] model::Refusal),
    /// The peer says no, and will say it again.
    #[error("{0}")]
    Rejected(String),
    /// What is configured cannot work.
    #[error("{what}; {remedy}")]
    Misconfigured {
        /// What is wrong.
        what: String,
        /// What to do.
        remedy: &'static str,
    },
}

impl LinkError {
    /// Stable short name.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Ended => "link-ended",
            Self::Resolve { .. } => "link-unresolved",
            Self::Forbidden(_) => "link-forbidden",
            Self::Io { .. } => "link-refused-by-system",
            Self::Passing(_) => "link-broke",
            Self::Stalled { .. } => "link-stalled",
            Self::Ffmpeg(error) => match error.trouble() {
                Some(ffmpeg::Trouble::TooSlow { .. }) => "link-too-slow",
                _ => "link-ffmpeg",
            },
            Self::NotAdmitted(_) => "link-not-admitted",
            Self::Rejected(_) => "link-rejected",
            Self::Misconfigured { .. } => "link-misconfigured",
        }
    }

    /// Whether only a change of configuration can help.
    pub const fn is_permanent(&self) -> bool {
        matches!(
            self,
            Self::Rejected(_) | Self::Misconfigured { .. } | Self::Forbidden(_)
        )
    }

    /// For `map_err`: what was attempted when the system refused.
    pub fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }
}
