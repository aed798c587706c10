//! One module for each published version of the WIT package, each converting to the newest
//! types, those of `model`.

pub(crate) mod v1_0_0;

use crate::guest::Guest;
use wasmtime::component::Linker;

/// What a component may import, of all versions: everything else is refused by name.
pub(crate) const IMPORTS: &[&str] = &["pointsman:policy/log@1.0.0"];
/// The interface every component exports, of all versions.
pub(crate) const METADATA: &[&str] = &["pointsman:policy/metadata@1.0.0"];

/// Offers the imports of every version.
pub(crate) fn add_to_linker(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    v1_0_0::add_to_linker(linker)
}
