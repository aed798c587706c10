//! Makes one core module of the many that a component was linked from.
//!
//! componentize-qjs links an engine, a libc and glue as modules of their own, with stubs for WASI
//! around them. All of that is put together again for each call: half the time that a small policy
//! took went into it (150 µs of a call became 70), most of it into filling the engine's function table,
//! which wasmtime does at once when the table is another module's, and when needed when it is the
//! module's own.
//!
//! What is kept: the functions, tables, memories, globals, elements and data of all modules, each
//! import bound to what it was instantiated with. What becomes of the others: imports of policies'
//! interfaces stay imports, every other function of the component's world is one that traps, as
//! it did; a component whose stubs do anything else is refused, and stays as it is.
//! Then the module is wrapped into a component again, in the world of the first one.

mod graph;
mod link;
mod module;
mod names;
#[cfg(test)]
mod tests;
mod write;

use wit_component::{ComponentEncoder, DecodedWasm, StringEncoding};

/// Imports of interfaces of this package stay imports.
const OURS: &str = "pointsman:policy/";

/// Why a component stays as it is.
#[derive(Debug, thiserror::Error)]
pub(super) enum FlattenError {
    /// It is malformed.
    #[error("it cannot be read: {0}")]
    Read(#[from] wasmparser::BinaryReaderError),
    /// It is made in a way that is not known here.
    #[error("{0}")]
    Unknown(String),
    /// The module cannot be written, or wrapped again.
    #[error("it cannot be put together again: {0}")]
    Write(String),
}

/// The same component, of one module.
pub(super) fn flatten(component: &[u8]) -> Result<Vec<u8>, FlattenError> {
    let graph = graph::Graph::read(component)?;
    let mut module = write::write(&graph)?;
    let broken = |error| FlattenError::Write(format!("{error:#}"));
    let decoded = wit_component::decode(component).map_err(broken)?;
    let DecodedWasm::Component(mut resolve, world) = decoded else {
        return Err(unknown("it is a WIT package"));
    };
    // What the linker's own tools left over is no part of a policy.
    let mut ours = resolve.worlds[world].clone();
    ours.imports
        .retain(|key, _| resolve.name_world_key(key).starts_with(OURS));
    ours.exports
        .retain(|key, _| resolve.name_world_key(key).starts_with(OURS));
    resolve.worlds[world] = ours;
    wit_component::embed_component_metadata(
        &mut module,
        &resolve,
        world,
        StringEncoding::UTF8,
        false,
    )
    .map_err(broken)?;
    let whole = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| encoder.encode());
    whole.map_err(broken)
}

/// A component that is made in a way that is not known here.
fn unknown(what: impl Into<String>) -> FlattenError {
    FlattenError::Unknown(what.into())
}
