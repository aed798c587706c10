//! MJPEG: JPEG pictures over plain HTTP, which every browser shows in an `<img>`.
//!
//! | path | what |
//! |---|---|
//! | `POST /publish/NAME` | one picture (raw, or the field `frame` of a form), or as many as come: `multipart/x-mixed-replace`, or pictures one behind the other; NAME may have slashes |
//! | `GET /stream/NAME` | the stream as `multipart/x-mixed-replace; boundary=frame` |
//!
//! A publisher is made with its first picture, and stays connected over single requests until it
//! has sent nothing for [`Settings::idle`]. Its pictures are frames of a stream like any other.
//!
//! A viewer gets the newest picture there is whenever its connection has room: one that is slow
//! skips pictures, and holds no more than the few its connection is writing. A picture is one
//! piece of memory for all of them. A stream whose video is not JPEG is shown through one FFmpeg
//! for all its viewers ([`Settings::view`]); the other way, an input with a source of type `stream`
//! encodes the pictures of another stream ([`encode`]).

mod answer;
pub(crate) mod encode;
mod feed;
mod feeds;
mod figures;
mod ingest;
mod intake;
mod publication;
mod publishers;
mod serve;
mod transcode;

pub use figures::PublisherFigures;

use crate::Context;
use axum::Router;
use axum::routing::any;
use feeds::Feeds;
use model::StreamName;
use publishers::Publishers;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Semaphore;

/// How MJPEG is taken and shown.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// Publishers at once.
    pub max_publishers: usize,
    /// Bytes of one picture.
    pub max_frame_bytes: usize,
    /// Pictures a second that a publisher may send; what is above is left out and counted.
    pub max_fps: u32,
    /// A publisher that sends nothing for so long is let go, and its stream with it.
    pub idle: Duration,
    /// A picture has to be whole so long after its first byte: who sends slower holds memory for
    /// nothing.
    pub picture_timeout: Duration,
    /// A viewer that takes nothing for so long is let go.
    pub stall: Duration,
    /// How video that is not JPEG is shown.
    pub view: View,
}

/// What FFmpeg makes of video for those who watch it as JPEG.
#[derive(Debug, Clone, Copy)]
pub struct View {
    /// Pictures a second at most, 1 to 30; a stream that has fewer keeps its own.
    pub fps: u32,
    /// 1 to 100.
    pub quality: u8,
    /// Pixels at most, 16 to 3840; the height follows. `None`: as the stream's.
    pub width: Option<u32>,
    /// Streams shown so at once: each is a process that decodes.
    pub max_streams: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_publishers: 50,
            max_frame_bytes: 10 << 20,
            max_fps: 60,
            idle: Duration::from_secs(300),
            picture_timeout: Duration::from_secs(20),
            stall: Duration::from_secs(30),
            view: View::default(),
        }
    }
}

impl Default for View {
    fn default() -> Self {
        Self {
            fps: 10,
            quality: 80,
            width: None,
            max_streams: 8,
        }
    }
}

/// Viewers that wait for their first picture at once, over all streams.
const MAX_WAITING: usize = 1024;

/// Everybody who publishes or watches JPEG pictures; clones share them.
#[derive(Clone)]
pub struct Service(Arc<Inner>);

struct Inner {
    context: Context,
    settings: Settings,
    publishers: Arc<Publishers>,
    feeds: Arc<Feeds>,
    waiting: Semaphore,
}

impl Service {
    /// Of this host.
    pub fn new(context: &Context, settings: Settings) -> Self {
        Self(Arc::new(Inner {
            context: context.clone(),
            settings,
            publishers: Publishers::new(context.clone(), settings),
            feeds: Feeds::new(context.clone(), settings),
            waiting: Semaphore::new(MAX_WAITING),
        }))
    }

    /// What it was made with.
    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// Who publishes, by name.
    pub fn publishers(&self) -> Vec<PublisherFigures> {
        let now = Instant::now();
        let mut all: Vec<_> = self.0.publishers.list();
        all.sort_unstable_by(|a, b| a.name().cmp(b.name()));
        let figures = all.iter().map(|it| figures::of(it, &self.0.feeds, now));
        figures.collect()
    }

    /// The publisher of that stream.
    pub fn publisher(&self, stream: &StreamName) -> Option<PublisherFigures> {
        let found = self.0.publishers.of_stream(stream)?;
        Some(figures::of(&found, &self.0.feeds, Instant::now()))
    }

    /// Lets the publisher of a stream go, and ends the stream unless an input declares it;
    /// whether there was one. It may come again.
    pub fn remove(&self, stream: &StreamName) -> bool {
        let Some(found) = self.0.publishers.of_stream(stream) else {
            return false;
        };
        found.close();
        let registry = self.0.context.registry();
        let ends = registry
            .get(stream.as_str())
            .is_some_and(|it| !it.snapshot(Instant::now()).declared);
        if ends {
            registry.withdraw(stream);
        }
        true
    }
}

/// The routes. The server must give each request its peer as a [`axum::extract::ConnectInfo`] of a
/// [`std::net::SocketAddr`], and must bound neither the time nor the bodies of these requests:
/// that is done here.
pub fn router(service: &Service) -> Router {
    Router::new()
        .route("/publish/{*name}", any(ingest::publish))
        .route("/stream/{*name}", any(serve::view))
        .with_state(service.clone())
}
