//! Sans-IO RTMP: handshake, chunk layer, AMF, and the sessions of a server and a client.
//!
//! Nothing here opens a socket, starts a task, reads a clock or draws a random number: bytes,
//! times and seeds come in as arguments, and bytes and events go out as values. Layers, from the
//! wire up:
//!
//! - [`handshake`]: plain and digested, both sides.
//! - [`chunk`]: chunks to messages and back, for one connection.
//! - [`wire`]: messages to chunks once, for all players of a stream.
//! - [`amf`] and [`message`]: what is in a message.
//! - [`session`]: what happens on a connection, as server and as client.
//! - [`mod@url`], the addresses.
//!
//! Source, if not said otherwise: Adobe's Real Time Messaging Protocol specification 1.0
//! (December 2012), "RTMP 1.0" here.
#![forbid(unsafe_code)]

pub mod amf;
pub mod chunk;
pub mod handshake;
pub mod message;
pub mod session;
pub mod url;
pub mod wire;
