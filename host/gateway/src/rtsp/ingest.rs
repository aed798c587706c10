//! Media in: a publisher's packets become frames of a source.

use super::connection::{Connection, Failure, until};
use super::intake::Intake;
use super::ports::Datagram;
use ::rtsp::session::ServerEvent;
use hub::Source;
use std::time::Instant;

/// Takes the publisher's media until it leaves.
pub(super) async fn run(
    connection: &mut Connection,
    mut source: Source,
    mut intake: Intake,
) -> Result<(), Failure> {
    let stream = source.stream().name().clone();
    tracing::info!(%stream, peer = %connection.peer, "RTSP publisher");
    let ended = record(connection, &mut source, &mut intake).await;
    let lost = intake.lost();
    tracing::info!(%stream, peer = %connection.peer, lost, "RTSP publisher left");
    ended
}

async fn record(
    connection: &mut Connection,
    source: &mut Source,
    intake: &mut Intake,
) -> Result<(), Failure> {
    loop {
        let now = Instant::now();
        let mut closed = false;
        // All that one read brought is one push: one wake-up of the readers.
        while let Some(event) = connection.session.poll_event(now)? {
            match event {
                ServerEvent::Packet {
                    track,
                    rtcp,
                    payload,
                } => intake.take(now, track, rtcp, payload),
                ServerEvent::Closed => closed = true,
                _ => {}
            }
        }
        intake.push_into(source);
        connection.flush().await?;
        if closed {
            return Ok(());
        }
        tokio::select! {
            read = connection.wire.read(&mut connection.block) => {
                if !connection.take_in(read?) {
                    return Ok(());
                }
            }
            Some(datagram) = connection.datagrams.recv() => take_datagrams(connection, intake, datagram),
            () = until(connection.session.poll_timeout()) => {
                connection.session.handle_timeout(Instant::now())?;
            }
            () = until(intake.poll_timeout()) => intake.handle_timeout(Instant::now()),
        }
    }
}

/// What has come since is taken along.
fn take_datagrams(connection: &mut Connection, intake: &mut Intake, first: Datagram) {
    let now = Instant::now();
    connection.session.alive(now);
    let mut next = Some(first);
    while let Some(Datagram {
        track,
        rtcp,
        payload,
    }) = next
    {
        intake.take(now, track, rtcp, payload);
        next = connection.datagrams.try_recv().ok();
    }
}
