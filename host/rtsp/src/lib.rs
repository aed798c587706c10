//! Sans-IO RTSP 1.0 (RFC 2326): messages, authentication, SDP, RTP and sessions.
//!
//! Bytes and `now` in, events and bytes out. What a payload means is for `media::rtp`; here it
//! is only carried, put in order and given its time.

#![forbid(unsafe_code)]

pub mod auth;
pub mod message;
pub mod rtp;
pub mod sdp;
pub mod session;
pub mod transport;

pub use rtsp_types::{Method, StatusCode, Url};
