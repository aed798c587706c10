//! The live window of one stream: kept by one task while anybody asks, shared by all.

use super::writer::{Keys, Shown, Writer, first_sequence};
use crate::Context;
use crate::audience::Sessions;
use crate::package::NoRandomness;
use bytes::Bytes;
use hub::{ReadError, Start, Stream};
use media::hls::KeyRotation;
use model::StreamName;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// A window that nobody watches is dropped after this long, and with it the stream's segmenter.
const IDLE: Duration = Duration::from_secs(30);

/// How often a window looks whether anybody still asks.
const TICK: Duration = Duration::from_secs(1);

/// How often an ended window looks whether its viewers saw the end.
const LOOK: Duration = Duration::from_millis(100);

/// One stream's window.
pub(super) struct Live {
    stream: Arc<Stream>,
    rotation: Option<KeyRotation>,
    pub(super) sessions: Sessions,
    /// Ends when the task does.
    shown: watch::Receiver<Shown>,
}

impl Live {
    /// What viewers see now.
    pub(super) fn shown(&self) -> Shown {
        self.shown.borrow().clone()
    }

    /// Waits for the first playlist; `None` if it does not come in time, or the stream ends.
    /// Costs a timer and a wake-up.
    pub(super) async fn first_playlist(&self, patience: Duration) -> Option<Bytes> {
        let mut shown = self.shown.clone();
        let first = shown.wait_for(|shown| shown.playlist.is_some());
        let shown = tokio::time::timeout(patience, first).await.ok()?.ok()?;
        shown.playlist.clone()
    }

    /// Whether it is kept still, under keys as they are wanted, and of this stream (or any, if there
    /// is none now).
    fn shows(&self, stream: Option<&Arc<Stream>>, rotation: Option<KeyRotation>) -> bool {
        self.shown.has_changed().is_ok()
            && self.rotation == rotation
            && stream.is_none_or(|stream| Arc::ptr_eq(&self.stream, stream))
    }
}

/// The windows of all streams in demand.
pub(super) struct Lives {
    present: Mutex<HashMap<StreamName, Arc<Live>>>,
    /// The lowest media sequence number that no window has used.
    ///
    /// A stream's numbers must never go back (RFC 8216 §6.2.1), also when its window was
    /// dropped and comes again, or the host was started anew. So a window begins at the
    /// wall clock in seconds (segments last a second or more, so that clock outruns them),
    /// or here, if that is more: one number for all streams, instead of one for every name
    /// that ever was.
    next_sequence: AtomicU64,
    context: Context,
}

impl Lives {
    pub(super) fn new(context: Context) -> Arc<Self> {
        let (present, next_sequence) = (Mutex::default(), AtomicU64::new(0));
        Arc::new(Self {
            present,
            next_sequence,
            context,
        })
    }

    /// The window under that name, if it is of that stream; or of one that has ended, if there
    /// is none now.
    pub(super) fn find(
        &self,
        name: &StreamName,
        stream: Option<&Arc<Stream>>,
    ) -> Option<Arc<Live>> {
        let present = self.present.lock();
        let rotation = self.rotation(name);
        let live = present
            .get(name)
            .filter(|live| live.shows(stream, rotation))?;
        Some(live.clone())
    }

    /// The window of a stream; begun if it has none.
    pub(super) fn open(self: &Arc<Self>, stream: &Arc<Stream>) -> Arc<Live> {
        let mut present = self.present.lock();
        let rotation = self.rotation(stream.name());
        if let Some(live) = present
            .get(stream.name())
            .filter(|live| live.shows(Some(stream), rotation))
        {
            return live.clone();
        }
        let (show, shown) = watch::channel(Shown::empty());
        let live = Arc::new(Live {
            stream: stream.clone(),
            rotation,
            sessions: Sessions::default(),
            shown,
        });
        present.insert(stream.name().clone(), live.clone());
        let (lives, kept) = (self.clone(), live.clone());
        self.context.tasks().spawn(async move {
            tokio::select! {
                () = lives.keep(&kept, show) => {}
                () = lives.context.shutdown().cancelled() => {}
            }
            lives.forget(&kept);
        });
        live
    }

    /// Keeps a window until its stream has ended or nobody asks any more.
    async fn keep(&self, live: &Live, show: watch::Sender<Shown>) {
        let awaited = self.context.farewells().token();
        let keys = match self.keys(live) {
            Ok(keys) => keys,
            Err(error) => return tracing::error!(stream = %live.stream.name(), "{error}"),
        };
        let mut writer = Writer::new(self.first_sequence(), keys);
        let mut reader = live.stream.read_segments(Start::RandomAccess);
        let mut tick = tokio::time::interval(TICK);
        let mut watched = Instant::now();
        loop {
            tokio::select! {
                read = reader.recv() => match read {
                    Ok(segment) => {
                        let shown = writer.extend(&segment, live.stream.name());
                        self.next_sequence.fetch_max(writer.next_sequence, Ordering::Relaxed);
                        show.send_replace(shown);
                    }
                    Err(ReadError::Lagged(_)) => writer.gap = true,
                    Err(ReadError::Closed) => break,
                },
                _ = tick.tick() => {
                    let now = Instant::now();
                    if live.sessions.expire(now, writer.session_idle()) > 0 {
                        watched = now;
                    } else if now.saturating_duration_since(watched) > IDLE {
                        return;
                    }
                }
            }
        }
        let (lingering, last) = (writer.session_idle(), writer.end());
        if last.playlist.is_some() {
            show.send_replace(last);
            let until = tokio::time::Instant::now() + lingering;
            let _ = tokio::time::timeout_at(until, all_saw_the_end(live)).await;
            drop(awaited);
            tokio::time::sleep_until(until).await;
        }
    }

    /// Under which keys the segments of a stream are to be.
    fn rotation(&self, stream: &StreamName) -> Option<KeyRotation> {
        self.context.packages().settings(stream).keys()
    }

    fn keys(&self, live: &Live) -> Result<Option<Keys>, NoRandomness> {
        let Some(rotation) = live.rotation else {
            return Ok(None);
        };
        let keyring = self.context.packages().keyring();
        let cipher = keyring.cipher(live.stream.name(), None, rotation)?;
        Ok(Some(Keys { cipher, rotation }))
    }

    fn first_sequence(&self) -> u64 {
        first_sequence().max(self.next_sequence.load(Ordering::Relaxed))
    }

    fn forget(&self, live: &Arc<Live>) {
        let mut present = self.present.lock();
        if present
            .get(live.stream.name())
            .is_some_and(|held| Arc::ptr_eq(held, live))
        {
            present.remove(live.stream.name());
        }
    }
}

/// Waits until each viewer of a window that has ended fetched the end.
async fn all_saw_the_end(live: &Live) {
    let shown = live.shown();
    let mut look = tokio::time::interval(LOOK);
    while live.sessions.any(|fetched| !shown.is_all(fetched)) {
        look.tick().await;
    }
}
