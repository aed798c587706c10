//! Lines for the operator's log; the host adds the plugin's name and the time.
//!
//! A call may write 64 lines, each cut at 4,096 bytes; a plugin 50 lines a second. What comes
//! beyond is dropped and counted. In native tests lines go to standard error.

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
    #[cfg(target_family = "wasm")]
    {
        use crate::bindings::pointsman::policy::log;
        let level = match level {
            Level::Trace => log::Level::Trace,
            Level::Debug => log::Level::Debug,
            Level::Info => log::Level::Info,
            Level::Warn => log::Level::Warn,
            Level::Error => log::Level::Error,
        };
        log::write(level, message);
    }
    #[cfg(not(target_family = "wasm"))]
    eprintln!("{level:?}: {message}");
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
