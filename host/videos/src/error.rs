//! Why a request about videos came to nothing.

use crate::probe::Unfit;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use link::problem::Kind;
use std::io;

/// Why there are no videos on this host.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Nothing is configured.
    #[error("this host has no media folder; set [media] dir in the configuration")]
    NoFolder,
    /// The folder cannot be made, or not written to.
    #[error(
        "cannot use the media folder {folder}: {source}; is it there, and may this host write to it?"
    )]
    Folder {
        /// As configured.
        folder: String,
        /// What the system said.
        source: io::Error,
    },
}

/// Why a request about videos came to nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// There is none of that name.
    #[error("no video is called {0:?}; GET /api/v1/videos lists those there are")]
    UnknownVideo(String),
    /// There is none of that id.
    #[error("there is no such upload; it is done, has expired, or never was")]
    UnknownUpload,
    /// Something plays it.
    #[error("{name} is in use by {user}; end that first")]
    InUse {
        /// The video.
        name: String,
        /// What plays it.
        user: String,
    },
    /// It is no video that this host can play.
    #[error("{0}")]
    Unfit(#[from] Unfit),
    /// As [`Error::Unfit`], of an upload that was judged before.
    #[error("{0}")]
    Refused(String),
    /// The name does not end like a video's.
    #[error("{name:?} does not end like the name of a video; these are taken: {known}")]
    Extension {
        /// The ending, or the whole name where it has none.
        name: String,
        /// All of them.
        known: String,
    },
    /// The file is larger than any that is taken.
    #[error("the file is larger than {limit} bytes, which is the most that is taken")]
    TooLarge {
        /// `[videos] max_bytes`, or what the upload was announced to have.
        limit: u64,
    },
    /// The disk is too full.
    #[error(
        "the disk of the media folder has {free} bytes free, and {kept} are to stay free; delete videos or recordings"
    )]
    NoSpace {
        /// What is free, less what unfinished uploads will take.
        free: u64,
        /// `[videos] keep_free_bytes`.
        kept: u64,
    },
    /// A limit of this host.
    #[error("there are {limit} {what} already; try again when some are done")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there may be.
        limit: u64,
    },
    /// The client sends too little.
    #[error("less than 64 KiB came within {seconds} s")]
    Slow {
        /// `[videos] patience_s`.
        seconds: u64,
    },
    /// The connection ended within the body.
    #[error("the body ended too early: {0}")]
    Broken(String),
    /// The request cannot be understood.
    #[error("{0}")]
    BadRequest(String),
    /// The body is of another type.
    #[error("the body has to be {0}")]
    ContentType(&'static str),
    /// The method is not among those of the path.
    #[error("this path takes {0}")]
    Method(&'static str),
    /// The client believes that another part comes next.
    #[error("the upload is at offset {at}, not at {told}; ask with HEAD and go on from there")]
    Offset {
        /// What has been received.
        at: u64,
        /// `Upload-Offset`.
        told: u64,
    },
    /// The client does not speak tus 1.0.0.
    #[error("the header Tus-Resumable has to be 1.0.0")]
    Version,
    /// What came is not what was sent.
    #[error("the bytes do not have the checksum that came with them; send them again")]
    Checksum,
    /// Another request goes on with the upload, or it is being looked at.
    #[error("another request is at work on this upload; try again")]
    Busy,
    /// Another request took the upload over.
    #[error("another request goes on with this upload")]
    TakenOver,
    /// There is no picture of the video.
    #[error("there is no picture of {name}: {why}")]
    NoPicture {
        /// The video.
        name: String,
        /// What was in the way.
        why: String,
    },
    /// The host shuts down.
    #[error("this host is shutting down; an upload over tus goes on once it is back")]
    Stopping,
    /// The system refused something.
    #[error("{doing}: {source}")]
    Io {
        /// What was attempted.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// For `map_err`: what was attempted when the system refused. A full disk is told as such.
    pub(crate) fn io(doing: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::NoSpace { free: 0, kept: 0 }
            }
            _ => Self::Io { doing, source },
        }
    }

    /// What kind of problem it is.
    pub fn kind(&self) -> Kind {
        match self {
            Self::UnknownVideo(_) => Kind::UnknownVideo,
            Self::UnknownUpload => Kind::UnknownUpload,
            Self::InUse { .. } | Self::Offset { .. } | Self::Busy | Self::TakenOver => {
                Kind::Conflict
            }
            Self::Unfit(_) | Self::Refused(_) => Kind::VideoRefused,
            Self::Extension { .. } | Self::ContentType(_) => Kind::UnsupportedMedia,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::NoSpace { .. } => Kind::NoSpace,
            Self::TooMany { .. } => Kind::Overloaded,
            Self::Slow { .. } => Kind::Timeout,
            Self::Broken(_) | Self::BadRequest(_) => Kind::BadRequest,
            Self::Method(_) => Kind::MethodNotAllowed,
            Self::Version => Kind::PreconditionFailed,
            Self::Checksum => Kind::ChecksumMismatch,
            Self::NoPicture { .. } => Kind::NotFound,
            Self::Stopping => Kind::Stopping,
            Self::Io { .. } => Kind::Internal,
        }
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Self::Io { .. } = self {
            tracing::error!(code = "videos-io", "{self}");
        }
        let mut response = self.kind().answer(self.to_string());
        if let Self::Method(allowed) = self {
            let allowed = HeaderValue::from_static(allowed);
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        response
    }
}
