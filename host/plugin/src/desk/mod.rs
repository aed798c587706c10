//! A component on its author's desk: asked by hand, through the real engine, without being
//! installed anywhere.

mod compare;
mod fixture;

use crate::build::BuildError;
use crate::build::error::at;
use crate::call::{CallError, Mode, Outcome};
use crate::compile::{Compiler, Workshop};
use crate::component::{self, Component, Draft, Hash, Info};
use crate::config::Config;
use crate::engine::Runtime;
use crate::error::InstallError;
use crate::home::Home;
use crate::hosting::{Hosting, Scripted};
use crate::plugins::Bound;
use crate::tape::Tape;
pub use fixture::{Expected, Fixture, FixtureError, compare_answers};
use model::limits::Limits;
use model::selection::Library;
use model::{Catalogue, PluginLimits, Question};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a call may take at the desk, ms. A host's deadline is for a host: here the machine may
/// be busy with builds, and whoever reads the figures sees what is too slow.
const DEADLINE_MS: u64 = 2_000;

/// A component that is ready to be asked, with the default limits and nothing granted. Only the
/// deadline is longer, 2 s.
///
/// What it writes to `kv` is thrown away after each question.
pub struct Desk {
    home: Home,
    component: Component,
    path: Box<Path>,
}

impl Desk {
    /// Compiles and inspects a component, as an installation would.
    ///
    /// Counting instructions slows a guest down: figures of time are those of a desk that does not.
    ///
    /// # Errors
    ///
    /// [`BuildError::Refused`] with what an installation would say.
    pub async fn open(path: &Path, counts_fuel: bool) -> Result<Self, BuildError> {
        let bytes: Arc<[u8]> = tokio::fs::read(path).await.map_err(at(path))?.into();
        let limits = PluginLimits {
            instances: 1,
            default: Limits {
                deadline_ms: DEADLINE_MS,
                ..Limits::default()
            },
            ..PluginLimits::default()
        };
        let runtime = Runtime::new(&limits, counts_fuel)?;
        component::sniff(&bytes, limits.component_bytes)?;
        let hash = Hash::of(&bytes);
        let folder = tempfile::tempdir().map_err(at(path))?;
        let dir = folder.path().join("compiled");
        let workshop = Arc::new(Workshop::open(dir, Compiler::InProcess, Duration::MAX)?);
        let code = workshop.compile(&runtime, &bytes, &hash).await?;
        let home = Home::of_tool(runtime, &path.display().to_string());
        let draft = Draft::inspect(&home, &code, &bytes, hash)?;
        let component = draft.describe(&home).await?;
        Ok(Self {
            home,
            component,
            path: path.into(),
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its content.
    pub fn hash(&self) -> &Hash {
        &self.component.hash
    }

    /// Bytes.
    pub fn size(&self) -> usize {
        self.component.size
    }

    /// What it says of itself.
    pub fn info(&self) -> &Info {
        &self.component.info
    }

    /// What it imports.
    pub fn imports(&self) -> &[String] {
        &self.component.imports
    }

    /// Tries it on a sample of each of its kinds. False: it was not tried, since its schema wants
    /// more than `{}` and no configuration is given.
    ///
    /// # Errors
    ///
    /// What an installation would say.
    pub async fn try_with(&self, config: Option<&Value>) -> Result<bool, InstallError> {
        let bound = |config: &Value| {
            let kinds = self.component.info.kinds.iter();
            kinds
                .map(|kind| Bound {
                    what: "the command line".to_owned(),
                    kind: *kind,
                    config: config.clone(),
                    recorded: Vec::new(),
                })
                .collect::<Vec<_>>()
        };
        let bound = config.map(bound).unwrap_or_default();
        self.component.try_with(&self.home, &bound).await
    }

    /// Checks a configuration against its schema.
    ///
    /// # Errors
    ///
    /// [`InstallError::Config`] with the places.
    pub fn config(&self, what: &str, config: &Value) -> Result<Config, InstallError> {
        self.component.accept(what, config)
    }

    /// Asks what a fixture asks: random numbers of seed 0, and of the world only what it holds.
    ///
    /// # Errors
    ///
    /// [`InstallError::Config`] when its configuration is not accepted, [`FixtureError`] when its
    /// entries do not fit the store. A policy's own error is in the outcome.
    pub async fn ask(&self, fixture: &Fixture) -> Result<Outcome, FixtureError> {
        let config = self.config("the fixture", fixture.config())?;
        let library: Arc<dyn Library> = Arc::new(Catalogue::new(fixture.library.iter().cloned()));
        let scripted = Scripted {
            entries: fixture.entries(),
            answers: fixture.answers(),
        };
        let now = fixture.question.now_unix_ms();
        let hosting = Hosting::of_fixture(&self.home, now, library, scripted);
        let hosting = hosting.map_err(FixtureError::Kv)?;
        Ok(self.run(&fixture.question, &config, hosting).await)
    }

    /// Makes a logged decision again, with the answers of its tape.
    pub async fn replay(&self, question: &Question, config: &Config, tape: Tape) -> Outcome {
        let mode = Mode::Replay(Arc::new(tape));
        let (now, grants) = (question.now_unix_ms(), &self.component.grants);
        let hosting = Hosting::of_call(&self.home, grants, now, None, mode);
        self.run(question, config, hosting).await
    }

    async fn run(&self, question: &Question, config: &Config, hosting: Hosting) -> Outcome {
        let began = Instant::now();
        let ran = self
            .component
            .decide(&self.home, question, config.as_json(), hosting)
            .await;
        Outcome {
            result: ran.result,
            hash: Some(self.component.hash.clone()),
            version: self.component.info.version.clone(),
            tape: ran.tape,
            took: began.elapsed(),
            memory_bytes: ran.memory_bytes,
            fuel: ran.fuel,
        }
    }
}

/// The text that a policy's error is compared by; none for a call that failed otherwise.
pub(crate) fn own_words(error: &CallError) -> Option<&str> {
    match error {
        CallError::Refused(words) => Some(words),
        _ => None,
    }
}
