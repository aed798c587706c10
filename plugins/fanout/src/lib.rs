//! Routes streams by name pattern, as its config says.
