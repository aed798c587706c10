//! `pointsman`: command line, configuration, wiring, shutdown; the only place that knows
//! everything.

#![deny(unsafe_code)]

pub mod cli;
pub mod config;
pub mod demo;
pub mod doctor;
pub mod host;
mod log;
mod noting;
mod sys;

pub use log::start as start_log;
pub use sys::{prepare_descriptors, prepare_memory};
