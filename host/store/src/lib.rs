//! What is kept over restarts, in SQL. Media never waits for it.

#![forbid(unsafe_code)]
