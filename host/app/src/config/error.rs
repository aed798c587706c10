//! What is wrong with a configuration, and where.

use std::fmt;
use std::path::{Path, PathBuf};

/// Where in a file, counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Character within the line.
    pub column: usize,
}

impl Position {
    /// The position of a byte offset; one outside the text is its end.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why a configuration was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: {error}; name another file with --config, or leave it out for the defaults", file.display())]
    Unreadable {
        /// As given.
        file: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// A key that means nothing.
    #[error("{at}: unknown key {key:?}{}", meant(nearest))]
    UnknownKey {
        /// Where.
        at: Position,
        /// The key with the sections it is in.
        key: String,
        /// The known key that resembles it most.
        nearest: Option<String>,
    },
    /// Not TOML, or a value of the wrong kind.
    #[error("{at}: {problem}")]
    Syntax {
        /// Where.
        at: Position,
        /// What is wrong.
        problem: String,
    },
    /// A value out of its range.
    #[error("{key} must be {expected}")]
    Range {
        /// The key with its section.
        key: &'static str,
        /// In words.
        expected: &'static str,
    },
    /// A variable's value does not fit its key.
    #[error("environment variable {variable}: {problem}")]
    Variable {
        /// Its name.
        variable: String,
        /// What is wrong.
        problem: String,
    },
    /// Any of the above in a file.
    #[error("{}: {error}", file.display())]
    InFile {
        /// Which.
        file: PathBuf,
        /// What is wrong in it.
        error: Box<ConfigError>,
    },
}

impl ConfigError {
    pub(super) fn syntax(text: &str, error: &toml::de::Error) -> Self {
        let offset = error.span().map_or(0, |span| span.start);
        // Only the first line: what follows are hints for the parser's author.
        let problem = error
            .message()
            .lines()
            .next()
            .unwrap_or("not TOML")
            .to_owned();
        Self::Syntax {
            at: Position::of(text, offset),
            problem,
        }
    }

    pub(super) const fn range(key: &'static str, expected: &'static str) -> Self {
        Self::Range { key, expected }
    }

    pub(super) fn in_file(self, path: Option<&Path>) -> Self {
        match (path, &self) {
            (Some(path), Self::UnknownKey { .. } | Self::Syntax { .. } | Self::Range { .. }) => {
                Self::InFile {
                    file: path.to_owned(),
                    error: Box::new(self),
                }
            }
            _ => self,
        }
    }
}

fn meant(nearest: &Option<String>) -> String {
    nearest
        .as_ref()
        .map(|key| format!("; did you mean {key:?}?"))
        .unwrap_or_default()
}
