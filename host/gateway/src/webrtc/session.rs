//! A session's life: its peer comes through, media flows, it ends.

use super::feed::Feed;
use super::ingest::{self, Intake};
use super::negotiate::Agreed;
use super::peer::Peer;
use super::publishers::{Listening, Publishers};
use super::serve::{self, Outlets};
use super::sessions::Entry;
use crate::Context;
use hub::{Pass, Source, Viewer};
use model::{Intent, Protocol, Refusal};
use std::sync::Arc;
use std::time::{Duration, Instant};
use str0m::{Event, RtcError};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Why a session ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("the peer left")]
    PeerLeft,
    #[error("the peer did not come through in time: are the advertised addresses reachable?")]
    NeverCame,
    #[error("no media came in time")]
    NoMedia,
    #[error("the stream ended")]
    OfStream,
    #[error("by request")]
    Deleted,
    #[error("this host stops")]
    Stopping,
    #[error(transparent)]
    CutOff(Refusal),
    #[error("{0}")]
    Failed(RtcError),
}

/// What a session does once its peer has come through.
pub(super) enum Task {
    Publish(Box<Publish>),
    Watch(Watch),
}

/// What a publisher's session needs.
pub(super) struct Publish {
    pub(super) intake: Intake,
    pub(super) source: Source,
    pub(super) listening: Listening,
    pub(super) wishes: mpsc::Receiver<()>,
    pub(super) media_timeout: Duration,
}

/// What a viewer's session needs.
pub(super) struct Watch {
    pub(super) viewer: Viewer,
    pub(super) feed: Arc<Feed>,
    pub(super) outlets: Outlets,
    pub(super) publishers: Publishers,
}

/// A session that was agreed on.
pub(super) struct Session {
    pub(super) context: Context,
    pub(super) entry: Entry,
    pub(super) pass: Pass,
    pub(super) peer: Peer,
    pub(super) end: CancellationToken,
    pub(super) connect_timeout: Duration,
    pub(super) task: Task,
}

impl Agreed {
    /// Where pictures and sound of a stream go: in its profile, as far as the viewer takes it.
    pub(super) fn outlets(&self, profile_idc: Option<u8>) -> Outlets {
        // Until a stream has shown its profile, what everybody takes.
        const BASELINE: u8 = 66;
        let profile = profile_idc.unwrap_or(BASELINE);
        let of = |line: &super::negotiate::Line| Some((line.mid, line.best(profile)?));
        Outlets {
            video: self.video.as_ref().and_then(of),
            audio: self.audio.as_ref().and_then(of),
        }
    }
}

impl Session {
    /// Runs it to its end.
    pub(super) async fn run(self) {
        let Self {
            context,
            entry,
            pass,
            mut peer,
            end,
            connect_timeout,
            task,
        } = self;
        let (stream, address) = (pass.stream().clone(), pass.ask().peer);
        let intent = pass.ask().intent;
        let traffic = match &task {
            Task::Publish(publish) => publish.source.traffic(),
            Task::Watch(watch) => watch.viewer.traffic(),
        };
        let (registry, shutdown) = (context.registry().clone(), context.shutdown().clone());
        let ended = tokio::select! {
            ended = flow(&mut peer, &entry, connect_timeout, task) => ended,
            refusal = registry.watch(pass, traffic) => Ended::CutOff(refusal),
            () = end.cancelled() => Ended::Deleted,
            () = shutdown.cancelled() => Ended::Stopping,
        };
        let edge = context.counters().of(Protocol::Webrtc);
        edge.garbage_bytes.add(peer.take_garbage());
        peer.close().await;
        drop(entry);
        let role = match intent {
            Intent::Publish => "publisher",
            Intent::Read => "viewer",
        };
        match &ended {
            Ended::NeverCame | Ended::CutOff(_) | Ended::Failed(_) => {
                if let Ended::CutOff(_) = ended {
                    edge.refused.add(1);
                }
                let now = Instant::now();
                if let Some(held_back) = context.complaints().admit("webrtc session", now) {
                    tracing::warn!(%stream, peer = %address, role, held_back, "WebRTC session ended: {ended}");
                }
            }
            _ if intent == Intent::Publish => {
                tracing::info!(%stream, peer = %address, "WebRTC publisher: {ended}");
            }
            _ => tracing::debug!(%stream, peer = %address, "WebRTC viewer: {ended}"),
        }
    }
}

async fn flow(peer: &mut Peer, entry: &Entry, patience: Duration, task: Task) -> Ended {
    match tokio::time::timeout(patience, connect(peer)).await {
        Ok(Ok(())) => entry.connected(),
        Ok(Err(ended)) => return ended,
        Err(_) => return Ended::NeverCame,
    }
    match task {
        Task::Publish(publish) => ingest::run(peer, *publish).await,
        Task::Watch(watch) => serve::run(peer, watch).await,
    }
}

/// Until ICE and DTLS are through.
async fn connect(peer: &mut Peer) -> Result<(), Ended> {
    peer.drain().await.map_err(Ended::Failed)?;
    loop {
        while let Some(event) = peer.event() {
            match event {
                Event::Connected => return Ok(()),
                Event::Closed => return Err(Ended::PeerLeft),
                _ => {}
            }
        }
        let heard = peer.listen().await;
        peer.take(heard).await.map_err(Ended::Failed)?;
    }
}
