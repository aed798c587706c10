//! What a Pointsman policy written in Rust imports.
