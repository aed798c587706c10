//! The live window of one stream: kept by one task while anybody asks, shared by all.

use super::sessions::Sessions;
use crate::Context;
use bytes::Bytes;
use hub::{ReadError, Start, Stream};
use media::hls::{Window, WindowConfig, media_playlist};
use model::StreamName;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// A window that nobody watches is dropped after this long, and with it the stream's segmenter.
const IDLE: Duration = Duration::from_secs(30);

/// How often a window looks whether anybody still asks.
const TICK: Duration = Duration::from_secs(1);

/// How often an ended window looks whether its viewers saw the end.
const LOOK: Duration = Duration::from_millis(100);

/// A viewer that has not asked for this many target durations is gone: players ask for the
/// playlist once each (RFC 8216 §6.3.4).
const SESSION_TARGETS: u32 = 3;

/// The window as its viewers see it at one moment; cloning is two reference counts.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    /// Set with the first segment.
    pub(super) playlist: Option<Bytes>,
    window: Arc<Window>,
}

/// What a viewer has fetched.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Fetched {
    /// A playlist that says that no segment will follow.
    pub(super) end: bool,
    /// The newest segment.
    pub(super) newest: Option<u64>,
}

impl Shown {
    fn new(window: Window) -> Self {
        let playlist = media_playlist(&window, |segment| format!("{}.ts", segment.sequence));
        Self {
            playlist: playlist.map(Bytes::from),
            window: Arc::new(window),
        }
    }

    /// Whether that is its playlist, and says that no segment will follow.
    pub(super) fn is_end(&self, playlist: &Bytes) -> bool {
        self.window.has_ended() && self.playlist.as_ref() == Some(playlist)
    }

    /// Whether a viewer has fetched all there will be.
    fn is_all(&self, fetched: Fetched) -> bool {
        let last = self.window.listed().next_back();
        fetched.end && last.is_none_or(|last| fetched.newest >= Some(last.sequence))
    }

    /// The segment of that media sequence number, listed or only just not.
    pub(super) fn segment(&self, sequence: u64) -> Option<&Bytes> {
        self.window.get(sequence).map(|segment| &segment.data)
    }
}

/// One stream's window.
pub(super) struct Live {
    stream: Arc<Stream>,
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

    /// Whether it is kept still, and of this stream (or any, if there is none now).
    fn shows(&self, stream: Option<&Arc<Stream>>) -> bool {
        self.shown.has_changed().is_ok()
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
        let live = present.get(name).filter(|live| live.shows(stream))?;
        Some(live.clone())
    }

    /// The window of a stream; begun if it has none.
    pub(super) fn open(self: &Arc<Self>, stream: &Arc<Stream>) -> Arc<Live> {
        let mut present = self.present.lock();
        if let Some(live) = present
            .get(stream.name())
            .filter(|live| live.shows(Some(stream)))
        {
            return live.clone();
        }
        let (show, shown) = watch::channel(Shown::new(Window::new(WindowConfig::default())));
        let live = Arc::new(Live {
            stream: stream.clone(),
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
        let mut writer = Writer::new(self.first_sequence());
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

    fn first_sequence(&self) -> u64 {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        wall.max(self.next_sequence.load(Ordering::Relaxed))
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

/// What turns a stream's segments into pictures of its window.
struct Writer {
    window: Window,
    next_sequence: u64,
    /// Segments were lost since the last one.
    gap: bool,
}

impl Writer {
    fn new(next_sequence: u64) -> Self {
        Self {
            window: Window::new(WindowConfig::default()),
            next_sequence,
            gap: false,
        }
    }

    /// Segmenters count from zero whenever they start; here the count goes on.
    fn extend(&mut self, segment: &media::hls::Segment, stream: &StreamName) -> Shown {
        let mut segment = segment.clone();
        segment.sequence = self.next_sequence;
        segment.discontinuity |= std::mem::take(&mut self.gap);
        self.next_sequence += 1;
        if let Some(raised) = self.window.push(segment) {
            tracing::warn!(
                %stream, from_s = raised.from_s, to_s = raised.to_s,
                "HLS target duration had to grow; give the encoder a key frame every 2 s"
            );
        }
        Shown::new(self.window.clone())
    }

    fn end(mut self) -> Shown {
        self.window.end();
        Shown::new(self.window)
    }

    /// After how long without a request a viewer is gone.
    fn session_idle(&self) -> Duration {
        SESSION_TARGETS * Duration::from_secs(self.window.target_s())
    }
}
