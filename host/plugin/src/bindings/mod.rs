//! One module for each published version of the WIT package, each converting to the newest
//! types, those of `model`.

pub(crate) mod v1_0_0;

use crate::guest::Guest;
use wasmtime::component::Linker;

/// What a component may import, of all versions; besides `wasi:*`, which is closed.
pub(crate) const IMPORTS: &[&str] = &[
    "pointsman:policy/log@1.0.0",
    "pointsman:policy/clock@1.0.0",
    "pointsman:policy/random@1.0.0",
    "pointsman:policy/kv@1.0.0",
    "pointsman:policy/library@1.0.0",
    "pointsman:policy/http@1.0.0",
];

/// Offers the imports of every version.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    v1_0_0::add_to_linker(linker)
}
