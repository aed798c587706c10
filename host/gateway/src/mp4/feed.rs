//! What one viewer gets, in order.

use super::packets::Packets;
use bytes::Bytes;
use hub::{Fragment, ReadError, Reader, Start, Viewer};
use media::cmaf::Header;
use std::sync::Arc;
use std::time::Duration;

/// Parts taken at a time.
const BATCH: usize = 32;

/// One step of an endless file.
#[derive(Debug)]
pub(super) enum Step {
    /// Other tracks than before, and to begin with: what follows belongs to this header.
    Header(Arc<Header>),
    /// A part, or whole transport packets.
    Part(Bytes),
}

/// What a stream is sent as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Fragmented MP4.
    Mp4,
    /// The transport stream.
    Ts,
}

/// What one viewer gets, in the form it asked for.
pub(super) enum Feed {
    Mp4(Parts),
    Ts(Packets),
}

impl Feed {
    /// Begins at the newest random access point; `None` if there is none in time.
    pub(super) async fn begin(form: Form, viewer: Viewer, patience: Duration) -> Option<Self> {
        Some(match form {
            Form::Mp4 => Self::Mp4(Parts::begin(viewer, patience).await?),
            Form::Ts => Self::Ts(Packets::begin(viewer, patience).await?),
        })
    }

    pub(super) const fn viewer(&self) -> &Viewer {
        match self {
            Self::Mp4(parts) => &parts.viewer,
            Self::Ts(packets) => packets.viewer(),
        }
    }

    /// The next steps; `None` once the stream has ended. Cancel safe.
    pub(super) async fn next(&mut self) -> Option<Vec<Step>> {
        match self {
            Self::Mp4(parts) => parts.next().await,
            Self::Ts(packets) => packets.next().await,
        }
    }
}

/// Reads the parts of a stream for one viewer.
pub(super) struct Parts {
    viewer: Viewer,
    reader: Reader<Fragment>,
    batch: Vec<Fragment>,
    header: Option<Arc<Header>>,
}

impl Parts {
    async fn begin(viewer: Viewer, patience: Duration) -> Option<Self> {
        let reader = viewer.stream().read_fragments(Start::RandomAccess);
        let mut feed = Self {
            viewer,
            reader,
            batch: Vec::with_capacity(BATCH),
            header: None,
        };
        tokio::time::timeout(patience, feed.fill())
            .await
            .ok()?
            .then_some(feed)
    }

    async fn next(&mut self) -> Option<Vec<Step>> {
        if self.batch.is_empty() && !self.fill().await {
            return None;
        }
        let mut steps = Vec::with_capacity(self.batch.len() + 1);
        for part in self.batch.drain(..) {
            let known = self.header.as_ref();
            if known.is_none_or(|known| !Arc::ptr_eq(known, &part.header)) {
                self.header = Some(part.header.clone());
                steps.push(Step::Header(part.header));
            }
            steps.push(Step::Part(part.data));
        }
        Some(steps)
    }

    /// Waits for parts; false once the stream has ended.
    async fn fill(&mut self) -> bool {
        loop {
            match self.reader.recv_many(&mut self.batch, BATCH).await {
                Ok(_) => return true,
                Err(ReadError::Lagged(lost)) => self.viewer.lost(lost),
                Err(ReadError::Closed) => return false,
            }
        }
    }
}

/// What a player needs to know to make a buffer for it (RFC 6381); without names if one of the
/// codecs has none.
pub(super) fn mime(header: &Header) -> String {
    let video = header.renditions.iter().any(|it| it.video.is_some());
    let container = if video { "video/mp4" } else { "audio/mp4" };
    match header.codecs() {
        Some(codecs) => format!("{container}; codecs=\"{}\"", codecs.join(", ")),
        None => container.to_owned(),
    }
}
