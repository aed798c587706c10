//! One FFmpeg that decodes once and encodes many: what renditions and regions have in common.

mod arguments;
mod feed;
mod outlets;
mod run;
mod shape;

pub(crate) use arguments::{Branch, From, Plan, Sound};
pub(crate) use outlets::Outlets;
pub(crate) use run::{End, Intake, prepare, run};
pub(crate) use shape::{Shape, shape_of};
