//! Files below the media folder: looped as sources, recorded as targets.
//!
//! [`ingest`] plays a file in real time, over and over; [`push`] records a stream. Whatever the operator or a policy names,
//! only what is below the [`folder`] is opened.

mod folder;
pub mod ingest;
pub mod push;
