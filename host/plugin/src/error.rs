//! Why a component was not installed.

use crate::call::CallError;
use model::Label;
use std::path::PathBuf;

/// Why a component was not installed, or another version not taken up. Whatever ran goes on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InstallError {
    /// More bytes than are taken.
    #[error(
        "the component has {size} bytes, at most {limit} are taken: strip it, or raise the limit"
    )]
    TooBig {
        /// Its size.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Not WebAssembly at all.
    #[error(
        "this is not a WebAssembly component: it begins with {found:?}, not \"\\0asm\"; send the .wasm file that `pointsman plugin build` wrote"
    )]
    NotAComponent {
        /// Its first bytes, as text.
        found: String,
    },
    /// A core module.
    #[error(
        "this is a core WebAssembly module, not a component: build it with `pointsman plugin build`, or wrap it with `wasm-tools component new`"
    )]
    CoreModule,
    /// Other bytes than were announced.
    #[error(
        "the component's SHA-256 is {found}, not {wanted} as announced: it was damaged or exchanged on the way; fetch it again"
    )]
    Sha256 {
        /// What was announced.
        wanted: String,
        /// What came.
        found: String,
    },
    /// Nobody signed it, and somebody has to.
    #[error(
        "the component is not signed, and this host takes only what a trusted key signed: sign it with `pointsman plugin sign` and send the .minisig along"
    )]
    Unsigned,
    /// Its signature is not good.
    #[error("the component's signature is not accepted: {reason}")]
    Signature {
        /// Why not.
        reason: String,
    },
    /// Invalid, or not to be compiled.
    #[error("the component does not compile: {reason}")]
    DoesNotCompile {
        /// What the compiler says, with the offset in the file where it knows it.
        reason: String,
    },
    /// Compiling takes too long.
    #[error("compiling took longer than {seconds} s and was stopped: make the component smaller")]
    CompileTimeout {
        /// The limit.
        seconds: u64,
    },
    /// The compiling process itself failed.
    #[error(
        "the compiling process failed, which says nothing of the component: {reason}; see the log, then try again"
    )]
    Compiler {
        /// What happened.
        reason: String,
    },
    /// Wants what the host does not offer.
    #[error("the component imports what no policy gets: {}; see wit/ for what there is, `pointsman plugin build` for how to build without more", imports.join(", "))]
    UnknownImports {
        /// The names.
        imports: Vec<String>,
    },
    /// Exports no policy of a kind and version known here.
    #[error(
        "the component exports no policy: it needs pointsman:policy/metadata@1.0.0 and a kind such as pointsman:policy/routing@1.0.0, and has {}",
        some(exports)
    )]
    MissingExports {
        /// What it exports.
        exports: Vec<String>,
    },
    /// The right names with other types.
    #[error(
        "the component's types are not those of the WIT package it names: {reason}; build it against the published wit/"
    )]
    WrongTypes {
        /// Which.
        reason: String,
    },
    /// `describe` tells nonsense.
    #[error("the component's metadata is wrong: {field}: {reason}")]
    Metadata {
        /// The field of `info`.
        field: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// Its configuration schema is none.
    #[error("the component's config-schema is no JSON Schema: {reason}")]
    Schema {
        /// What is wrong with it.
        reason: String,
    },
    /// It does not take a configuration that is in use.
    #[error("the component does not accept the configuration of {bound}: {}", violations.join("; "))]
    Config {
        /// Which policy's configuration.
        bound: String,
        /// Places and what is wrong there.
        violations: Vec<String>,
    },
    /// It lacks a kind that a policy needs.
    #[error(
        "the component has no {kind} policy, and {bound} needs one: unbind that first, or install it under another name"
    )]
    MissingKind {
        /// Which policy needs it.
        bound: String,
        /// The kind.
        kind: &'static str,
    },
    /// It failed where the version before answered.
    #[error("the component failed when decision {id}, on {subject:?}, was made again: {cause}")]
    Replay {
        /// The decision's number in the log.
        id: u64,
        /// What it was about.
        subject: String,
        /// How it failed.
        cause: CallError,
    },
    /// It failed when it was tried.
    #[error("the component failed its trial ({step}): {cause}")]
    Trial {
        /// What was tried.
        step: String,
        /// How it failed.
        cause: CallError,
    },
    /// The disk.
    #[error("cannot store the plugin at {}: {source}; check space and permissions", path.display())]
    Storage {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No such plugin.
    #[error("no plugin is named {name}")]
    Unknown {
        /// The name.
        name: Label,
    },
    /// Nothing older is kept.
    #[error("no older version of plugin {name} is kept")]
    NoOlderVersion {
        /// The name.
        name: Label,
    },
    /// A version failed, and there is none to take over from it.
    #[error(
        "the active version of plugin {name} fails, and no kept one can take over ({tried}): \
         install one that serves the policies bound now"
    )]
    NoSuccessor {
        /// The name.
        name: Label,
        /// The versions that are kept, each with what is wrong with it.
        tried: String,
    },
}

impl InstallError {
    /// Stable name for the API and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooBig { .. } => "too-big",
            Self::NotAComponent { .. } => "not-a-component",
            Self::CoreModule => "core-module",
            Self::Sha256 { .. } => "sha256-mismatch",
            Self::Unsigned => "unsigned",
            Self::Signature { .. } => "bad-signature",
            Self::DoesNotCompile { .. } => "does-not-compile",
            Self::CompileTimeout { .. } => "compile-timeout",
            Self::Compiler { .. } => "compiler-failed",
            Self::UnknownImports { .. } => "unknown-imports",
            Self::MissingExports { .. } => "missing-exports",
            Self::WrongTypes { .. } => "wrong-types",
            Self::Metadata { .. } => "bad-metadata",
            Self::Schema { .. } => "bad-schema",
            Self::Config { .. } => "config-rejected",
            Self::MissingKind { .. } => "missing-kind",
            Self::Replay { .. } => "replay-failed",
            Self::Trial { cause, .. } => match cause {
                CallError::Deadline { .. } => "trial-deadline",
                CallError::Memory { .. } => "trial-memory",
                CallError::BadResult(_) => "trial-bad-result",
                CallError::Busy { .. } => "trial-busy",
                _ => "trial-trap",
            },
            Self::Storage { .. } => "storage",
            Self::Unknown { .. } => "unknown-plugin",
            Self::NoOlderVersion { .. } => "no-older-version",
            Self::NoSuccessor { .. } => "no-successor",
        }
    }

    /// Whether the component is at fault, rather than this host.
    pub const fn is_components_fault(&self) -> bool {
        !matches!(
            self,
            Self::Compiler { .. }
                | Self::Storage { .. }
                | Self::Trial {
                    cause: CallError::Busy { .. },
                    ..
                }
        )
    }
}

fn some(names: &[String]) -> String {
    if names.is_empty() {
        return "none".to_owned();
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_leave_the_process_do_not_change() {
        let trial = |cause| InstallError::Trial {
            step: "route".into(),
            cause,
        };
        let name: Label = "x".parse().unwrap();
        let text = String::new;
        let errors = [
            InstallError::TooBig { size: 0, limit: 0 },
            InstallError::NotAComponent { found: text() },
            InstallError::CoreModule,
            InstallError::Sha256 {
                wanted: text(),
                found: text(),
            },
            InstallError::Unsigned,
            InstallError::Signature { reason: text() },
            InstallError::DoesNotCompile { reason: text() },
            InstallError::CompileTimeout { seconds: 0 },
            InstallError::Compiler { reason: text() },
            InstallError::UnknownImports { imports: vec![] },
            InstallError::MissingExports { exports: vec![] },
            InstallError::WrongTypes { reason: text() },
            InstallError::Metadata {
                field: "name",
                reason: text(),
            },
            InstallError::Schema { reason: text() },
            InstallError::Config {
                bound: text(),
                violations: vec![],
            },
            InstallError::MissingKind {
                bound: text(),
                kind: "auth",
            },
            InstallError::Replay {
                id: 1,
                subject: text(),
                cause: CallError::BadResult(text()),
            },
            trial(CallError::Deadline { deadline_ms: 50 }),
            trial(CallError::Memory { limit_bytes: 1 }),
            trial(CallError::BadResult(text())),
            trial(CallError::Busy { waited_ms: 1 }),
            trial(CallError::Trap { cause: text() }),
            InstallError::Storage {
                path: PathBuf::new(),
                source: std::io::Error::other("x"),
            },
            InstallError::Unknown { name: name.clone() },
            InstallError::NoOlderVersion { name: name.clone() },
            InstallError::NoSuccessor {
                name,
                tried: text(),
            },
        ];
        let codes: Vec<_> = errors.iter().map(InstallError::code).collect();
        assert_eq!(
            codes,
            [
                "too-big",
                "not-a-component",
                "core-module",
                "sha256-mismatch",
                "unsigned",
                "bad-signature",
                "does-not-compile",
                "compile-timeout",
                "compiler-failed",
                "unknown-imports",
                "missing-exports",
                "wrong-types",
                "bad-metadata",
                "bad-schema",
                "config-rejected",
                "missing-kind",
                "replay-failed",
                "trial-deadline",
                "trial-memory",
                "trial-bad-result",
                "trial-busy",
                "trial-trap",
                "storage",
                "unknown-plugin",
                "no-older-version",
                "no-successor",
            ]
        );
    }
}
