//! Multipart bodies, as they come: `multipart/form-data` (RFC 7578), and
//! `multipart/x-mixed-replace`, which cameras and FFmpeg send without an end; both in the form of
//! RFC 2046 §5.1.
//!
//! Takes what senders get wrong where it cannot be misread: a boundary announced with the dashes
//! that only its delimiter has, LF for CRLF, none or several line ends behind a body of known
//! length.

mod header;
mod parser;

pub use header::{boundary_of, media_type};
pub use parser::{Limits, MultipartError, Parser, Part};

#[cfg(test)]
mod tests;
