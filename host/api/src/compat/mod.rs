//! The documented routes of smaller systems that people come from, one file each: thin adapters
//! over the same commands. Each is on or off by a key of `[compat]`.

pub(crate) mod distribution;
