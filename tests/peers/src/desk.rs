//! An author's or operator's desk: a folder, and the program's command line.

use crate::product;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A folder of its own to run `pointsman` in.
#[derive(Debug)]
pub struct Desk(TempDir);

/// What came of a command line.
#[derive(Debug, Clone)]
pub struct Ran {
    /// Its exit code; -1 if a signal ended it.
    pub code: i32,
    /// What it wrote to standard output.
    pub out: Vec<u8>,
    /// The same and standard error, for people.
    pub said: String,
}

impl Desk {
    /// An empty one.
    ///
    /// # Panics
    /// When no folder can be made.
    pub fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    /// A path on it.
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.path().join(name)
    }

    /// Puts a file there.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        std::fs::write(self.path(name), content).expect("a file");
    }

    /// Runs `pointsman plugin` with these arguments there.
    ///
    /// # Panics
    /// When the program is not there.
    pub fn runs(&self, arguments: &[&str]) -> Ran {
        let mut command = product::tool();
        command
            .arg("plugin")
            .args(arguments)
            .current_dir(self.0.path());
        let ran = command.output().expect("pointsman runs");
        let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
        Ran {
            code: ran.status.code().unwrap_or(-1),
            said: text(&ran.stdout) + &text(&ran.stderr),
            out: ran.stdout,
        }
    }

    /// As [`runs`](Self::runs), and it has to succeed; what it said.
    ///
    /// # Panics
    /// When it does not.
    pub fn run(&self, arguments: &[&str]) -> String {
        let ran = self.runs(arguments);
        assert_eq!(ran.code, 0, "pointsman plugin {arguments:?}: {}", ran.said);
        ran.said
    }
}

impl Default for Desk {
    fn default() -> Self {
        Self::new()
    }
}
