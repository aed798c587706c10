//! From component to native code, off the data path.
//!
//! Compiling beside traffic costs it a third of its throughput, so a child process of the lowest
//! priority does it on one thread, under limits of memory and time. What comes out is kept in
//! a cache keyed by the component's content and by everything the code depends on.

mod cache;
mod child;
mod system;

use crate::component::Hash;
use crate::engine::Runtime;
use crate::error::InstallError;
use cache::Cache;
pub(crate) use cache::write_atomically;
pub use child::compile_main;
use std::ffi::OsString;
use std::hash::{DefaultHasher, Hash as _, Hasher};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use wasmtime::Engine;
use wasmtime::component::Component as Code;

/// Who compiles.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Compiler {
    /// This process, on a blocking thread: for tools and tests, where no media flows.
    InProcess,
    /// A child: `program args... INPUT OUTPUT`, which calls [`compile_main`] with the two.
    Child {
        /// The host's own binary.
        program: PathBuf,
        /// What makes it a compiler: a hidden subcommand.
        args: Vec<OsString>,
    },
}

/// Compiles, or finds what it compiled before.
pub(crate) struct Workshop {
    cache: Cache,
    compiler: Compiler,
    timeout: Duration,
    /// One at a time: the processors are the media's.
    bench: Semaphore,
}

impl Workshop {
    pub(crate) fn open(
        dir: PathBuf,
        compiler: Compiler,
        timeout: Duration,
    ) -> Result<Self, InstallError> {
        Ok(Self {
            cache: Cache::open(dir)?,
            compiler,
            timeout,
            bench: Semaphore::new(1),
        })
    }

    /// The component's native code, loaded. Nothing waits for who has it in the cache.
    pub(crate) async fn compile(
        self: &Arc<Self>,
        runtime: &Arc<Runtime>,
        bytes: &Arc<[u8]>,
        hash: &Hash,
    ) -> Result<Code, InstallError> {
        let key = cache_key(&runtime.engine, hash);
        if let Some(code) = self.load(runtime, &key).await? {
            return Ok(code);
        }
        // Fails only if closed, and it never is.
        let _place = self.bench.acquire().await.ok();
        if let Some(code) = self.load(runtime, &key).await? {
            return Ok(code);
        }
        let native = match &self.compiler {
            Compiler::InProcess => in_process(runtime, bytes).await?,
            Compiler::Child { program, args } => {
                child::compile(program, args, bytes, self.cache.dir(), self.timeout).await?
            }
        };
        blocking({
            let (this, key) = (Arc::clone(self), key.clone());
            move || this.cache.store(&key, &native)
        })
        .await?;
        let code = self.load(runtime, &key).await?;
        code.ok_or_else(|| InstallError::Compiler {
            reason: "the code it made does not load into this host".to_owned(),
        })
    }

    async fn load(
        self: &Arc<Self>,
        runtime: &Arc<Runtime>,
        key: &str,
    ) -> Result<Option<Code>, InstallError> {
        let (this, runtime, key) = (Arc::clone(self), Arc::clone(runtime), key.to_owned());
        blocking(move || {
            let Some(native) = this.cache.find(&key) else {
                return Ok(None);
            };
            match system::load(&runtime.engine, &native) {
                Ok(code) => Ok(Some(code)),
                Err(error) => {
                    tracing::warn!("compiled code in the cache is of no use any more: {error:#}");
                    Ok(None)
                }
            }
        })
        .await
    }
}

async fn in_process(runtime: &Arc<Runtime>, bytes: &Arc<[u8]>) -> Result<Vec<u8>, InstallError> {
    let (runtime, bytes) = (Arc::clone(runtime), Arc::clone(bytes));
    blocking(move || {
        let native = runtime.engine.precompile_component(&bytes);
        native.map_err(|error| InstallError::DoesNotCompile {
            reason: format!("{error:#}"),
        })
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, InstallError> + Send + 'static,
) -> Result<T, InstallError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| {
        Err(InstallError::Compiler {
            reason: error.to_string(),
        })
    })
}

/// The component's content and whatever else the code depends on.
fn cache_key(engine: &Engine, hash: &Hash) -> String {
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("{hash}-{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::code_config;

    #[test]
    fn the_child_makes_code_for_the_very_engine_of_the_host() {
        let host = Runtime::new(&model::PluginLimits::default(), false).unwrap();
        let child = Engine::new(&code_config()).unwrap();
        let hash = Hash::of(b"x");
        assert_eq!(cache_key(&host.engine, &hash), cache_key(&child, &hash));
    }
}
