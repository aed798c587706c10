//! The encoder: one FFmpeg for the life of a canvas, and another within a moment if it dies.

use super::arguments;
use super::control::Composite;
use super::engine::{CANVASES, Frame};
use bytes::Bytes;
use ffmpeg::{Input, Job};
use hub::Stream;
use link::{LinkError, Session};
use model::composite::CompositeSpec;
use model::{Label, Protocol};
use parking_lot::Mutex;
use raster::Picture;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Frames that wait for it; beyond, frames are left out.
const WAITING: usize = CANVASES - 2;
/// An encoder that makes nothing of what it is given for so long is killed. One that is stopped is
/// known by its state at once; one that others leave no time for deserves some patience.
const STALL: Duration = Duration::from_secs(4);
/// An encoder that lived so long had nothing wrong with it.
const SOUND_FOR: Duration = Duration::from_secs(5);
/// Encoders in a row that did not.
const TRIES: u32 = 5;
/// The wait after the first of them; doubled with each.
const PAUSE: Duration = Duration::from_millis(50);

/// Where frames are left for whichever encoder runs.
#[derive(Debug, Default)]
pub(super) struct Inlet(Mutex<Option<Pipes>>);

#[derive(Debug)]
struct Pipes {
    pictures: mpsc::Sender<Arc<Picture>>,
    sound: mpsc::Sender<Bytes>,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offered {
    /// The encoder gets it.
    Taken,
    /// Left out: the encoder is too slow.
    Full,
    /// Left out: no encoder runs at this moment.
    Closed,
}

impl Inlet {
    /// Leaves a frame, picture and sound, or neither, so that they keep together.
    pub(super) fn offer(&self, frame: Frame) -> Offered {
        let pipes = self.0.lock();
        let Some(pipes) = &*pipes else {
            return Offered::Closed;
        };
        let (Ok(picture), Ok(sound)) = (pipes.pictures.try_reserve(), pipes.sound.try_reserve())
        else {
            return Offered::Full;
        };
        picture.send(frame.picture);
        sound.send(frame.sound);
        Offered::Taken
    }
}

/// What an encoder feeds.
pub(super) struct Outlet<'a> {
    pub(super) links: &'a link::Context,
    pub(super) composite: &'a Composite,
    pub(super) stream: &'a Arc<Stream>,
    pub(super) label: &'a Label,
    pub(super) session: &'a Session,
}

/// Keeps an encoder running until the session ends.
///
/// # Errors
/// None lives.
pub(super) async fn run(
    spec: &CompositeSpec,
    inlet: &Inlet,
    outlet: &Outlet<'_>,
) -> Result<(), LinkError> {
    let mut failed = 0;
    loop {
        let begun = Instant::now();
        outlet
            .composite
            .figures
            .encoders
            .fetch_add(1, Ordering::Relaxed);
        let ended = one(spec, inlet, outlet).await;
        inlet.0.lock().take();
        let Err(error) = ended else {
            return Ok(());
        };
        failed = if begun.elapsed() >= SOUND_FOR {
            0
        } else {
            failed + 1
        };
        if failed >= TRIES {
            return Err(error);
        }
        let (stream, code) = (outlet.stream.name(), error.code());
        tracing::warn!(%stream, code, "the encoder of a composite is started again: {error}");
        tokio::time::sleep(PAUSE * (1 << failed.min(4))).await;
    }
}

/// One encoder. What it makes goes on where the one before ended.
async fn one(spec: &CompositeSpec, inlet: &Inlet, outlet: &Outlet<'_>) -> Result<(), LinkError> {
    let links = outlet.links;
    let name = outlet.composite.name().as_str();
    let mut job = Job::new(links.children(), "composite encoder", name).watched(STALL);
    let (pictures, sound) = (job.input()?, job.input()?);
    let told = arguments::encoder(spec, &pictures.name(), &sound.name());
    let ffmpeg = job.start(told, Stdio::null())?;
    let (to_pictures, from_pictures) = mpsc::channel(WAITING);
    let (to_sound, from_sound) = mpsc::channel(WAITING);
    *inlet.0.lock() = Some(Pipes {
        pictures: to_pictures,
        sound: to_sound,
    });
    let peer = Some(name.to_owned());
    let mut source = outlet
        .stream
        .connect_source(outlet.label, Protocol::Composite, peer)?;
    tokio::select! {
        ended = link::feed(ffmpeg, &mut source, outlet.session) => ended,
        () = write_pictures(pictures, from_pictures) => Ok(()),
        () = write_sound(sound, from_sound) => Ok(()),
    }
}

/// Until the inlet closes. Why FFmpeg takes no more is told on its other side.
async fn write_pictures(mut to: Input, mut from: mpsc::Receiver<Arc<Picture>>) {
    while let Some(picture) = from.recv().await {
        if to.write_all(picture.bytes()).await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// As [`write_pictures`].
async fn write_sound(mut to: Input, mut from: mpsc::Receiver<Bytes>) {
    while let Some(sound) = from.recv().await {
        if to.write_all(&sound).await.is_err() {
            return std::future::pending().await;
        }
    }
}
