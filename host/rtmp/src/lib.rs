//! Sans-IO RTMP: handshake, chunk layer, AMF, and the sessions of a server and a client.
#![forbid(unsafe_code)]
pub mod handshake;
