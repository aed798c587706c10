//! The SDKs bring a script each that builds a policy in their language, with their language's tools.

use super::error::at;
use super::{BuildError, BuildOptions, Language};
use std::ffi::OsString;
use std::path::Path;
use std::process::{Command, Stdio};

/// Runs a script with arguments `NAME=PATH`. Its messages, and those of the tools that it runs,
/// go to standard error.
pub(super) fn run(
    language: Language,
    interpreter: &Path,
    script: &Path,
    work: &[(&str, &Path)],
    options: &BuildOptions,
) -> Result<(), BuildError> {
    let mut command = Command::new(interpreter);
    command.arg(script).stdin(Stdio::null());
    // What a policy prints while it is looked at must not get into this program's own output.
    command.stdout(std::io::stderr());
    for (name, path) in work {
        let mut argument = OsString::from(name);
        argument.push("=");
        argument.push(path);
        command.arg(argument);
    }
    let status = command.status().map_err(at(interpreter))?;
    if status.success() {
        return Ok(());
    }
    let folder = options.folder.clone();
    Err(BuildError::Script { language, folder })
}
