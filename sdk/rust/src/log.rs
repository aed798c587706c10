//! Lines for the operator's log; the host adds the plugin's name and the time.
//!
//! A call may write 64 lines, each cut at 4,096 bytes; a plugin 50 lines a second. What comes
//! beyond is dropped and counted. In native tests lines go to standard error, and
//! [`testing::log::lines`](crate::testing::log::lines) gives them back.

use crate::bindings::host::pointsman::policy::log as wit;
use crate::host;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Every step.
    Trace,
    /// What an author needs to find a fault.
    Debug,
    /// Something an operator likes to know.
    Info,
    /// Something an operator should look into.
    Warn,
    /// Something that did not work.
    Error,
}

/// Writes one line.
pub fn write(level: Level, message: &str) {
    let level = match level {
        Level::Trace => wit::Level::Trace,
        Level::Debug => wit::Level::Debug,
        Level::Info => wit::Level::Info,
        Level::Warn => wit::Level::Warn,
        Level::Error => wit::Level::Error,
    };
    host::log::write(level, message);
}

/// Writes something an author needs to find a fault.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

/// Writes something an operator likes to know.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Writes something an operator should look into.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Writes something that did not work.
pub fn error(message: &str) {
    write(Level::Error, message);
}
