//! CMAF (ISO/IEC 23000-19): access units packed into parts that HLS, DASH and MSE players take.
//!
//! [`Packager`] makes [`Part`]s, one track each, of about a fifth of a second; a run of parts is
//! a segment, and [`Window`] keeps the latest segments of one track. A track is one rendition
//! (CMAF has one track a file), so HLS and DASH list the same bytes, and a stream may have several
//! sounds. Parts of different tracks behind [`Header::muxed`] are one playable file too, because
//! tracks keep their numbers: that is what goes out as endless MP4.
//!
//! Splices travel beside the parts ([`Cue`]), since playlists tell of them; ID3 tags within them
//! (`emsg`, "Carriage of ID3 Timed Metadata in CMAF" of the Alliance for Open Media).

mod boxes;
mod chunk;
mod cue;
mod entry;
mod event;
mod header;
mod name;
mod packager;
mod segment;
mod track;
mod window;

pub use cue::{Break, Cue, Cues};
pub(crate) use event::ID3_SCHEME;
pub use header::{Header, Rendition};
pub use name::{File, FileName, RenditionName};
pub use packager::{Packager, Packaging};
pub use segment::{Segment, Stored};
pub use track::Part;
pub use window::{Window, WindowConfig};
