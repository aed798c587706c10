//! The built `pointsman` among peers of other makes: FFmpeg, GStreamer, VLC, nginx-rtmp, PostgreSQL,
//! srt-live-transmit and Chromium, all on loopback.
//!
//! A [`Host`] is the program with a configuration of its own, a [`Peer`] another program. What
//! comes out is judged by the [`clapper`]: a picture that flashes while a tone beeps, once a
//! second, so that a reader's decoded frames show losses, gaps and audio that has drifted from
//! its picture, and not only that bytes flow.

#![forbid(unsafe_code)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "the harness fails as tests do, and real peers live in real time"
)]

pub mod beat;
pub mod browser;
pub mod clapper;
mod desk;
mod events;
pub mod ffmpeg;
pub mod herd;
mod host;
mod nginx;
mod peer;
pub mod ports;
mod postgres;
pub mod processes;
pub mod product;
mod tap;
pub mod tools;
mod wait;

pub use desk::{Desk, Ran};
pub use events::Events;
pub use host::{Demo, Host, Http, SHUTDOWN, key};
pub use nginx::Nginx;
pub use peer::{Ended, Peer};
pub use postgres::Postgres;
pub use tap::Tap;
pub use wait::{PATIENCE, until, until_some};
