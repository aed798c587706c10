//! The hub: streams, their lanes, who feeds them and who watches.
//!
//! A [`Stream`] has candidate [`Source`]s, one of them on air. The source on air fills one
//! lane in its native [`Form`]; every other form is derived on demand. Gateways come here with
//! an [`model::Ask`], get a [`Pass`] from the [`Doorman`], and leave with a [`Source`] to push
//! into or a [`Viewer`] to read for.

#![forbid(unsafe_code)]

mod air;
mod candidate;
mod derived;
pub mod doorman;
mod forms;
pub mod lane;
mod merge;
pub mod meter;
mod news;
mod registry;
mod rtmp_form;
mod rtp_form;
mod segment_form;
mod source;
mod stream;
mod viewer;

pub use candidate::{SourceSnapshot, TrackSummary};
pub use doorman::{Doorman, Due, OpenDoor, Pass, Stay};
pub use forms::{Form, Fragment, Preface, RtmpMessage, RtpPackets, RtpSession, Segment};
pub use lane::{Bounds, Item, Lane, ReadError, Reader, Start};
pub use meter::Meter;
pub use registry::Registry;
pub use source::Source;
pub use stream::{Settings, Stream, StreamSnapshot};
pub use viewer::{Viewer, ViewerSnapshot};
