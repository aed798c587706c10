//! Files that operators upload: taken, probed, listed, deleted.
//!
//! They lie in the media folder beside those that were put there by hand, and nowhere else is a
//! record of them: the [`index`](Videos::list) is what a look into the folder gives. What belongs
//! to no video yet, or to none by itself, is in `.pointsman` within the folder: unfinished
//! uploads, titles, thumbnails.
//!
//! An upload ([`form`], [`tus`]) is written beside the others, synced, looked at by FFmpeg, and
//! then gets its name. So nobody ever sees half of one.

#![forbid(unsafe_code)]

mod accept;
mod error;
mod form;
mod http;
mod index;
mod name;
mod pour;
mod probe;
mod settings;
mod shelf;
mod thumbnail;
mod tus;
mod uploads;
mod videos;

pub use error::{Error, OpenError};
pub use http::router;
pub use index::{Page, State, Video};
pub use probe::{About, Picture, Sound};
pub use settings::Settings;
pub use thumbnail::Thumbnail;
pub use videos::{InUse, Videos};
