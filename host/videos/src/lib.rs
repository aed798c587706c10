//! Files that operators upload: taken, probed, listed, deleted.

#![forbid(unsafe_code)]
