//! Sans-IO media formats: bytes and `now` in, values out.
//!
//! Opens no socket, spawns no task, reads no clock; builds for wasm32-unknown-unknown.

#![forbid(unsafe_code)]

pub mod cmaf;
pub mod codec;
pub mod convert;
pub mod dash;
pub mod flv;
pub mod frame;
pub mod hls;
pub mod jpeg;
pub mod multipart;
pub mod ogg;
pub mod profile;
pub mod rtp;
pub mod still;
pub mod time;
pub mod timeline;
pub mod ts;
pub mod wall;

pub use convert::Convert;
pub use frame::{Codec, Frame, Track, TrackId, Tracks};
pub use time::Ticks90k;
pub use ts::TsChunk;
