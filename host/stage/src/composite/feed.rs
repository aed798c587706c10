//! Keeps one source coming: a decoder for its stream or file, another when that ends.

use super::arguments::{self, From};
use super::clock::Rate;
use super::intake::{Kinds, Sample};
use super::slot::Slot;
use super::y4m;
use ffmpeg::{Input, Job, Output};
use hub::{ReadError, Start, Stream};
use link::{LinkError, folder};
use media::TsChunk;
use media::profile::Profile;
use model::StreamName;
use model::composite::{CompositeSpec, Media};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;

/// The wait after a decoder ended; doubled with each that made nothing, up to the second.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// How often a stream that is not there is looked for.
const LOOK: Duration = Duration::from_millis(250);
/// What a stream carries comes in pieces, first its pictures, then its sound.
const SETTLING: Duration = Duration::from_millis(300);
/// A decoder that makes nothing of what it is given for so long is ended.
const STALL: Duration = Duration::from_secs(10);
/// Chunks taken at a time.
const BATCH: usize = 64;
/// Bytes of sound taken at a time.
const SOUND_BYTES: usize = 16 << 10;

/// What a source is kept coming with.
#[derive(Clone)]
pub(super) struct Feed {
    pub(super) links: link::Context,
    pub(super) composite: StreamName,
    pub(super) id: Arc<str>,
    pub(super) media: Media,
    pub(super) spec: Arc<CompositeSpec>,
    pub(super) slot: Arc<Slot>,
}

impl Feed {
    /// Runs until dropped.
    pub(super) async fn run(self) {
        let (mut pause, mut said) = (PAUSE, String::new());
        let mut tries = Tries::default();
        loop {
            let made = AtomicBool::new(false);
            let ended = match &self.media {
                Media::Stream(name) => self.stream(name, &made).await,
                Media::File(path) => self.file(path, &mut tries, &made).await,
            };
            pause = if made.into_inner() {
                PAUSE
            } else {
                (pause * 2).min(LONGEST_PAUSE)
            };
            if let Err(error) = ended {
                self.complain(&error, &mut said);
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// The same is said once.
    fn complain(&self, error: &LinkError, said: &mut String) {
        let (text, code) = (error.to_string(), error.code());
        let (stream, source) = (&self.composite, &self.id);
        if *said != text {
            tracing::warn!(%stream, %source, code, "source of a composite: {text}");
            *said = text;
        } else {
            tracing::warn!(target: link::AGAIN, %stream, %source, code, "source of a composite: {text}");
        }
    }

    async fn stream(&self, name: &StreamName, made: &AtomicBool) -> Result<(), LinkError> {
        let stream = loop {
            match self.links.registry().get(name.as_str()) {
                Some(stream) => break stream,
                None => tokio::time::sleep(LOOK).await,
            }
        };
        let mut profiles = stream.profile();
        let profile = loop {
            let known = *profiles.borrow_and_update();
            match known {
                Some(profile) if kinds_of(&profile).is_some() => break profile,
                _ => tokio::select! {
                    changed = profiles.changed() => if changed.is_err() { return Ok(()) },
                    () = stream.ended() => return Ok(()),
                },
            }
        };
        tokio::time::sleep(SETTLING).await;
        let profile = profiles.borrow_and_update().unwrap_or(profile);
        let Some(kinds) = kinds_of(&profile) else {
            return Ok(());
        };
        let mut decoder = self.start(From::Stream, kinds, Stdio::piped())?;
        let stdin = decoder.ffmpeg.stdin()?;
        tokio::select! {
            ended = self.follow(decoder, kinds, made) => ended,
            () = feed(&stream, stdin) => Ok(()),
            () = becomes_another(&mut profiles, &profile) => Ok(()),
        }
    }

    async fn file(
        &self,
        path: &str,
        tries: &mut Tries,
        made: &AtomicBool,
    ) -> Result<(), LinkError> {
        let file = folder::open(&self.links, path).await?;
        if is_image(&file) {
            let kinds = Kinds {
                pictures: true,
                sound: false,
            };
            let decoder = self.start(From::Image, kinds, file.into())?;
            self.hold(decoder).await?;
            // It is shown for as long as it is a source.
            return std::future::pending().await;
        }
        let kinds = tries.kinds();
        let decoder = self.start(From::Clip, kinds, file.into())?;
        let ended = self.follow(decoder, kinds, made).await;
        match tries.note(made.load(Ordering::Relaxed)) {
            true => ended,
            // It may well have less than was asked for.
            false => Ok(()),
        }
    }

    fn start(&self, from: From, kinds: Kinds, stdin: Stdio) -> Result<Decoder, LinkError> {
        let of = format!("{}: {}", self.composite, self.id);
        let mut job = Job::new(self.links.children(), "composite decoder", of);
        if from == From::Stream {
            job = job.watched(STALL);
        }
        let pipe = |wanted: bool, job: &mut Job| match wanted {
            true => job.output().map(Some),
            false => Ok(None),
        };
        let (pictures, sound) = (
            pipe(kinds.pictures, &mut job)?,
            pipe(kinds.sound, &mut job)?,
        );
        let name = |pipe: &Option<Output>| pipe.as_ref().map(Output::name).unwrap_or_default();
        let told = arguments::decoder(from, kinds, &self.spec, &name(&pictures), &name(&sound));
        let ffmpeg = job.start(told, stdin)?;
        Ok(Decoder {
            ffmpeg,
            pictures,
            sound,
        })
    }

    /// Takes what a decoder makes until it ends, which is an error.
    async fn follow(
        &self,
        decoder: Decoder,
        kinds: Kinds,
        made: &AtomicBool,
    ) -> Result<(), LinkError> {
        let rate = Rate::of_milli(self.spec.fps_milli);
        self.slot.begin(rate, kinds);
        let Decoder {
            ffmpeg,
            pictures,
            sound,
        } = decoder;
        let seeing = async {
            match pictures {
                Some(pictures) => see(pictures, &self.slot, made).await,
                None => std::future::pending().await,
            }
        };
        let hearing = async {
            match sound {
                Some(sound) => hear(sound, &self.slot, made).await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            ended = seeing => ended,
            ended = hearing => ended,
        };
        match ended {
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => {
                Err(LinkError::Passing(error.to_string()))
            }
            _ => Err(ffmpeg.explain().await.into()),
        }
    }

    /// Takes one picture.
    async fn hold(&self, decoder: Decoder) -> Result<(), LinkError> {
        let Decoder {
            ffmpeg,
            pictures: Some(mut pictures),
            ..
        } = decoder
        else {
            return Ok(());
        };
        let first = async {
            let size = y4m::size(&mut pictures).await?;
            y4m::picture(&mut pictures, size, &self.slot).await
        };
        match first.await {
            Ok(picture) => {
                self.slot.hold(picture);
                Ok(())
            }
            Err(_) => Err(ffmpeg.explain().await.into()),
        }
    }
}

struct Decoder {
    ffmpeg: ffmpeg::Ffmpeg,
    pictures: Option<Output>,
    sound: Option<Output>,
}

/// What a clip has shows when it is decoded: if nothing was made, less is asked for.
#[derive(Debug, Default)]
struct Tries(usize);

impl Tries {
    const KINDS: [Kinds; 3] = [
        Kinds {
            pictures: true,
            sound: true,
        },
        Kinds {
            pictures: true,
            sound: false,
        },
        Kinds {
            pictures: false,
            sound: true,
        },
    ];

    /// What to ask for.
    fn kinds(&self) -> Kinds {
        let [all, ..] = Self::KINDS;
        Self::KINDS.get(self.0).copied().unwrap_or(all)
    }

    /// Whether its end is to be told: it had made something, or nothing less can be asked for.
    fn note(&mut self, made: bool) -> bool {
        if made {
            return true;
        }
        self.0 = (self.0 + 1) % Self::KINDS.len();
        self.0 == 0
    }
}

async fn see(mut pictures: Output, slot: &Slot, made: &AtomicBool) -> io::Result<()> {
    let size = y4m::size(&mut pictures).await?;
    loop {
        let picture = y4m::picture(&mut pictures, size, slot).await?;
        slot.push_picture(picture);
        made.store(true, Ordering::Relaxed);
    }
}

async fn hear(mut sound: Output, slot: &Slot, made: &AtomicBool) -> io::Result<()> {
    let (mut block, mut samples) = (Vec::with_capacity(SOUND_BYTES), Vec::<Sample>::new());
    loop {
        let read = sound.read_buf(&mut block).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let (whole, rest) = block.as_chunks::<4>();
        let values = whole
            .iter()
            .map(|[a, b, c, d]| [i16::from_le_bytes([*a, *b]), i16::from_le_bytes([*c, *d])]);
        samples.clear();
        samples.extend(values);
        let used = block.len() - rest.len();
        block.drain(..used);
        slot.push_sound(&samples);
        made.fetch_or(!samples.is_empty(), Ordering::Relaxed);
    }
}

/// Writes the stream's packets until it ends, or they are of another time (a marked break), which
/// a decoder cannot follow. Whether FFmpeg takes them shows on its other side.
async fn feed(stream: &Arc<Stream>, mut stdin: Input) {
    let mut reader = stream.read_ts(Start::RandomAccess);
    let mut batch: Vec<TsChunk> = Vec::with_capacity(BATCH);
    let mut epoch = None;
    loop {
        match reader.recv_many(&mut batch, BATCH).await {
            Ok(_) => {}
            // Slower than the stream: it goes on at a key frame.
            Err(ReadError::Lagged(_)) => continue,
            Err(ReadError::Closed) => return,
        }
        for chunk in batch.drain(..) {
            if *epoch.get_or_insert(chunk.epoch) != chunk.epoch {
                return;
            }
            if stdin.write_all(&chunk.data).await.is_err() {
                return std::future::pending().await;
            }
        }
    }
}

/// What a stream has, as far as a decoder has to know it before.
fn kinds_of(profile: &Profile) -> Option<Kinds> {
    let kinds = Kinds {
        pictures: profile.picture.is_some(),
        sound: profile.sound.is_some(),
    };
    (kinds.pictures || kinds.sound).then_some(kinds)
}

/// Waits until another decoder is needed: pictures of another size, or sound that was not there.
async fn becomes_another(profiles: &mut watch::Receiver<Option<Profile>>, from: &Profile) {
    let size = |it: &Profile| {
        it.picture
            .map(|it| (it.video.width, it.video.height, it.sample_aspect))
    };
    let same = |it: &Profile| size(it) == size(from) && kinds_of(it) == kinds_of(from);
    loop {
        if profiles.changed().await.is_err() {
            return std::future::pending().await;
        }
        if profiles.borrow_and_update().is_some_and(|it| !same(&it)) {
            return;
        }
    }
}

/// PNG (RFC 2083, 3.1) or JPEG (ISO/IEC 10918-1, B.1.1.3), by how it begins.
pub(super) fn is_image(file: &File) -> bool {
    let mut head = [0; 8];
    let read = file.read_at(&mut head, 0).unwrap_or(0);
    let head = head.get(..read).unwrap_or_default();
    head.starts_with(b"\x89PNG\r\n\x1a\n") || head.starts_with(&[0xff, 0xd8, 0xff])
}
