//! The feeds of all streams that somebody watches as pictures.

use super::Settings;
use super::feed::{self, Shown};
use crate::Context;
use hub::Stream;
use model::StreamName;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::sync::{Semaphore, watch};

/// What a feed and its viewers share.
pub(super) struct Feed {
    pub(super) stream: Arc<Stream>,
    /// Ends when the feed does.
    pub(super) shown: watch::Receiver<Shown>,
    skipped: AtomicU64,
}

impl Feed {
    /// Counts pictures that a viewer was too slow for.
    pub(super) fn skip(&self, pictures: u64) {
        self.skipped.fetch_add(pictures, Ordering::Relaxed);
    }

    fn shows(&self, stream: &Arc<Stream>) -> bool {
        self.shown.has_changed().is_ok() && Arc::ptr_eq(&self.stream, stream)
    }
}

/// One feed a stream, made on demand by a task that ends when nobody watches.
pub(super) struct Feeds {
    pub(super) context: Context,
    pub(super) settings: Settings,
    /// Places for processes that decode.
    pub(super) decoders: Arc<Semaphore>,
    present: Mutex<HashMap<StreamName, Arc<Feed>>>,
}

impl Feeds {
    pub(super) fn new(context: Context, settings: Settings) -> Arc<Self> {
        Arc::new(Self {
            context,
            settings,
            decoders: Arc::new(Semaphore::new(settings.view.max_streams)),
            present: Mutex::default(),
        })
    }

    /// The feed of a stream; begun if it has none.
    pub(super) fn open(self: &Arc<Self>, stream: &Arc<Stream>) -> Arc<Feed> {
        let mut present = self.present.lock();
        if let Some(feed) = present.get(stream.name()).filter(|it| it.shows(stream)) {
            return feed.clone();
        }
        let (show, shown) = watch::channel(Shown::Nothing);
        let feed = Arc::new(Feed {
            stream: stream.clone(),
            shown,
            skipped: AtomicU64::new(0),
        });
        present.insert(stream.name().clone(), feed.clone());
        let (all, kept) = (self.clone(), feed.clone());
        self.context.tasks().spawn(async move {
            tokio::select! {
                () = feed::run(&all, &kept.stream, &show) => {}
                () = unwatched(&show) => {}
                () = kept.stream.ended() => {}
                () = all.context.shutdown().cancelled() => {}
            }
            all.forget(&kept);
            drop(show);
        });
        feed
    }

    /// Who watches the stream, over whatever protocol.
    pub(super) fn viewers(&self, name: &StreamName) -> usize {
        let stream = self.context.registry().get(name.as_str());
        stream.map_or(0, |it| it.snapshot(Instant::now()).viewers.len())
    }

    /// Pictures that viewers of the feed there is now were too slow for.
    pub(super) fn skipped(&self, name: &StreamName) -> u64 {
        let present = self.present.lock();
        let feed = present.get(name);
        feed.map_or(0, |it| it.skipped.load(Ordering::Relaxed))
    }

    fn forget(&self, feed: &Arc<Feed>) {
        let mut present = self.present.lock();
        let name = feed.stream.name();
        if present.get(name).is_some_and(|it| Arc::ptr_eq(it, feed)) {
            present.remove(name);
        }
    }
}

/// Resolves once nobody has watched for a while; the feed itself holds one receiver.
async fn unwatched(show: &watch::Sender<Shown>) {
    let mut tick = tokio::time::interval(feed::LOOK);
    let mut watched = Instant::now();
    while watched.elapsed() < feed::IDLE {
        tick.tick().await;
        if show.receiver_count() > 1 {
            watched = Instant::now();
        }
    }
}
