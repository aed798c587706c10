//! A test picture and a tone, made here: to try a way before there is a camera.

pub mod ingest;
