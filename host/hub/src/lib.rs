//! Streams: lanes, publishers, readers, the registry.
