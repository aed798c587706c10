//! SRT: connections that carry MPEG-TS, and the names callers give.
//!
//! [`backend`] makes and keeps connections, [`stream_id`] reads what a caller asks for, and
//! [`reject`] says no in SRT's words. Nothing here knows streams: who may connect is asked
//! of an [`backend::Admission`].

pub mod backend;
pub mod reject;
pub mod stream_id;
