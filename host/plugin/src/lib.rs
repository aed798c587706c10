//! The plugin plane: wasmtime engine, bindings per WIT version, swap, limits.
