//! What a server session has to say, written to its connection.

use super::connection::Failure;
use crate::tcp::Wire;
use ::rtmp::session::Server;
use bytes::Buf;

/// Writes what a server session has to say.
pub(super) async fn flush_server(wire: &mut Wire, session: &mut Server) -> Result<(), Failure> {
    while let Some(output) = session.poll_output() {
        if output.has_remaining() {
            wire.write(std::slice::from_ref(&output)).await?;
        }
    }
    Ok(())
}
