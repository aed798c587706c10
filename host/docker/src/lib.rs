//! Screens that run as containers, found through the Engine API.

#![forbid(unsafe_code)]
