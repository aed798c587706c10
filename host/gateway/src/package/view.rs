//! What viewers see of a stream's renditions at one moment.

use bytes::Bytes;
use media::cmaf::{Header, RenditionName, Window};
use media::hls::{Notes, low_latency_playlist, rendition_playlist};
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// One rendition at one moment. Its playlists are written when the first viewer asks.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) name: RenditionName,
    pub(crate) window: Window,
    pub(crate) notes: Notes,
    whole: OnceLock<Option<Bytes>>,
    delta: OnceLock<Option<Bytes>>,
}

/// A rendition, and how it goes on.
#[derive(Debug, Clone)]
pub(crate) struct Shelf {
    pub(crate) name: RenditionName,
    pub(super) views: watch::Receiver<Arc<View>>,
}

/// All renditions.
#[derive(Debug, Default)]
pub(crate) struct Board {
    /// The tracks in force; `None` before the first part.
    pub(crate) header: Option<Arc<Header>>,
    /// In the order they came.
    pub(crate) shelves: Vec<Shelf>,
    /// Players have something to begin with.
    pub(crate) ready: bool,
    /// No part will follow.
    pub(crate) ended: bool,
}

impl View {
    pub(super) const fn new(name: RenditionName, window: Window, notes: Notes) -> Self {
        Self {
            name,
            window,
            notes,
            whole: OnceLock::new(),
            delta: OnceLock::new(),
        }
    }

    /// The media playlist, or what changed in it lately; `None` before the first whole segment.
    pub(crate) fn playlist(&self, skip: bool) -> Option<Bytes> {
        let kept = if skip { &self.delta } else { &self.whole };
        let write = || low_latency_playlist(self.name, &self.window, &self.notes, skip);
        kept.get_or_init(|| write().map(Bytes::from)).clone()
    }
}

impl Shelf {
    /// As it is now.
    pub(crate) fn view(&self) -> Arc<View> {
        self.views.borrow().clone()
    }

    /// As it will be.
    pub(crate) fn follow(&self) -> watch::Receiver<Arc<View>> {
        self.views.clone()
    }
}

impl Board {
    pub(crate) fn shelf(&self, name: RenditionName) -> Option<&Shelf> {
        self.shelves.iter().find(|shelf| shelf.name == name)
    }

    /// Each rendition as it is now.
    pub(crate) fn views(&self) -> Vec<Arc<View>> {
        self.shelves.iter().map(Shelf::view).collect()
    }

    /// The multivariant playlist.
    pub(crate) fn playlist(&self) -> Option<Bytes> {
        let views = self.views();
        let ready = views.iter().map(|view| &view.window);
        let ready: Vec<_> = ready.filter(|window| window.is_ready()).collect();
        rendition_playlist(self.header.as_ref()?, &ready).map(Bytes::from)
    }
}
