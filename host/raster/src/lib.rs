//! Pictures in memory: scaled, turned, blended, written on. Sans-IO.

#![forbid(unsafe_code)]
