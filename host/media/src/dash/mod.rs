//! MPEG-DASH (ISO/IEC 23009-1): the live manifest of the same CMAF segments that HLS lists.

mod event;
mod manifest;

pub use manifest::{Moment, live_manifest, origin};
