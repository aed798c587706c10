//! The edges: one folder a protocol, the same file names in each.

pub mod srt;
