//! Media in: a publisher's messages become frames of a source.

use super::connection::{Connection, Failure};
use ::rtmp::session::{Media, MediaKind, ServerEvent};
use hub::Source;
use media::Frame;
use media::flv;

/// Takes the publisher's media until it stops publishing or leaves.
pub(super) async fn run(connection: &mut Connection, mut source: Source) -> Result<(), Failure> {
    let stream = source.stream().name().clone();
    tracing::info!(%stream, peer = %connection.peer, "RTMP publisher");
    let mut intake = Intake::default();
    let ended = async {
        while let Some(event) = connection.next_event().await? {
            intake.take(event);
            // All that one read brought is one push: one wake-up of the readers.
            while let Some(event) = connection.session.poll_event() {
                intake.take(event);
            }
            source.push_frames(intake.frames.drain(..));
            for complaint in intake.demuxer.complaints() {
                tracing::warn!(%stream, peer = %connection.peer, "{complaint}");
            }
            if intake.ended {
                break;
            }
        }
        Ok(())
    }
    .await;
    tracing::info!(%stream, peer = %connection.peer, "RTMP publisher left");
    ended
}

#[derive(Default)]
struct Intake {
    demuxer: flv::Demuxer,
    frames: Vec<Frame>,
    ended: bool,
}

impl Intake {
    fn take(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Media(Media {
                kind,
                timestamp_ms,
                payload,
            }) => {
                let kind = match kind {
                    MediaKind::Audio => flv::Kind::Audio,
                    MediaKind::Video => flv::Kind::Video,
                    MediaKind::Data => flv::Kind::Data,
                };
                self.demuxer
                    .push(kind, timestamp_ms, &payload, &mut self.frames);
            }
            ServerEvent::Unpublish | ServerEvent::Closed(_) => self.ended = true,
            _ => {}
        }
    }
}
