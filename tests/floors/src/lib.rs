//! Nothing to import: see `tests/floors.rs`.
