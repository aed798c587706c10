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
            intake.push_into(&mut source);
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

/// What turns a peer's messages into frames.
#[derive(Default)]
pub(super) struct Intake {
    demuxer: flv::Demuxer,
    frames: Vec<Frame>,
    ended: bool,
}

impl Intake {
    fn take(&mut self, event: ServerEvent) {
        match event {
            ServerEvent::Media(media) => self.take_media(media),
            ServerEvent::Unpublish | ServerEvent::Closed(_) => self.ended = true,
            _ => {}
        }
    }

    /// Takes a message in.
    pub(super) fn take_media(&mut self, media: Media) {
        let kind = match media.kind {
            MediaKind::Audio => flv::Kind::Audio,
            MediaKind::Video => flv::Kind::Video,
            MediaKind::Data => flv::Kind::Data,
        };
        let (at, payload) = (media.timestamp_ms, &media.payload);
        self.demuxer.push(kind, at, payload, &mut self.frames);
    }

    /// Pushes what has come of them: one wake-up of the readers.
    pub(super) fn push_into(&mut self, source: &mut Source) {
        source.note_stamps(self.demuxer.stamps());
        source.push_frames(self.frames.drain(..));
        for complaint in self.demuxer.complaints() {
            tracing::warn!(stream = %source.stream().name(), "{complaint}");
        }
    }
}
