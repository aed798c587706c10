//! What viewers of a stream are sent: pictures and sound in the forms that WebRTC takes, made once
//! for all of them, and only while somebody watches.

use super::opus::Encoder;
use super::picture::annex_b_unit;
use crate::Context;
use hub::{Bounds, Item, Lane, ReadError, Reader, Start, Stream};
use media::codec::h264::DecoderConfig;
use media::{Codec, Frame, Ticks90k, TrackId, Tracks};
use model::StreamName;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// A feed that nobody reads from ends after this long, and the encoder of its sound with it.
const IDLE: Duration = Duration::from_secs(10);

/// How often it looks whether anybody does.
const LOOK: Duration = Duration::from_secs(2);

/// Held beyond the newest group of pictures: what is late is of no use to anybody live.
const BOUNDS: Bounds = Bounds {
    bytes: 16 << 20,
    age: Duration::from_millis(500),
};

/// Frames taken at a time.
const BATCH: usize = 256;

/// Packets of encoded sound that wait to be passed on.
const SOUNDS: usize = 64;

/// One picture or one packet of sound, as str0m takes it.
#[derive(Debug, Clone)]
pub(super) struct Sample {
    pub(super) medium: Medium,
    pub(super) pts: Ticks90k,
    /// A viewer can begin here.
    pub(super) key: bool,
    /// H.264 behind start codes, or one Opus packet.
    pub(super) data: Arc<[u8]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Medium {
    Video,
    Audio,
}

impl Item for Sample {
    fn bytes(&self) -> usize {
        size_of::<Self>() + self.data.len()
    }
    fn random_access(&self) -> bool {
        self.key
    }
}

/// What a stream can be watched as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Shown {
    /// `profile_idc` of its H.264 (ITU-T H.264 §7.4.2.1.1).
    pub(super) profile_idc: Option<u8>,
    /// It has sound.
    pub(super) audio: bool,
}

/// The feeds there are.
#[derive(Default)]
pub(super) struct Feeds(Mutex<HashMap<StreamName, Arc<Feed>>>);

/// The feed of one stream.
pub(super) struct Feed {
    stream: Arc<Stream>,
    lane: Lane<Sample>,
    shown: watch::Receiver<Option<Shown>>,
}

impl Feeds {
    /// The feed of a stream, which begins if it was not there, and a reader of it.
    pub(super) fn join(
        self: &Arc<Self>,
        context: &Context,
        stream: &Arc<Stream>,
    ) -> (Arc<Feed>, Reader<Sample>) {
        let mut open = self.0.lock();
        if let Some(feed) = open.get(stream.name())
            && Arc::ptr_eq(&feed.stream, stream)
        {
            return (feed.clone(), feed.read(Start::Live));
        }
        let (shows, shown) = watch::channel(None);
        let feed = Arc::new(Feed {
            stream: stream.clone(),
            lane: Lane::new(BOUNDS),
            shown,
        });
        let reader = feed.read(Start::Live);
        open.insert(stream.name().clone(), feed.clone());
        drop(open);
        let work = run(self.clone(), context.clone(), feed.clone(), shows);
        let shutdown = context.shutdown().clone();
        context.tasks().spawn(async move {
            tokio::select! {
                () = work => {}
                () = shutdown.cancelled() => {}
            }
        });
        (feed, reader)
    }

    /// Whether the feed may end; then there is room for a new one.
    fn release(&self, feed: &Arc<Feed>, ended: bool) -> bool {
        let mut open = self.0.lock();
        if !ended && feed.lane.readers() > 0 {
            return false;
        }
        let name = feed.stream.name();
        if open.get(name).is_some_and(|open| Arc::ptr_eq(open, feed)) {
            open.remove(name);
        }
        true
    }
}

impl Feed {
    /// Another reader, for who has one already.
    pub(super) fn read(&self, start: Start) -> Reader<Sample> {
        self.lane.subscribe(start)
    }

    /// What it can be watched as, once media has come; none if the stream ended before.
    pub(super) async fn shown(&self) -> Option<Shown> {
        let mut shown = self.shown.clone();
        let known = shown.wait_for(Option::is_some).await.ok()?;
        *known
    }
}

async fn run(
    feeds: Arc<Feeds>,
    context: Context,
    feed: Arc<Feed>,
    shows: watch::Sender<Option<Shown>>,
) {
    let stream = feed.stream.clone();
    let mut source = stream.read_frames(Start::RandomAccess);
    let (encoded, mut sounds) = mpsc::channel(SOUNDS);
    let mut maker = Maker::new(&context, stream.name(), encoded);
    let (mut batch, mut samples) = (Vec::with_capacity(BATCH), Vec::new());
    let mut last_read = Instant::now();
    let mut looks = tokio::time::interval(LOOK);
    loop {
        tokio::select! {
            read = source.recv_many(&mut batch, BATCH) => match read {
                Ok(_) => {
                    for frame in batch.drain(..) {
                        maker.take(&frame, &mut samples);
                    }
                    shows.send_if_modified(|shown| shown.replace(maker.shown) != Some(maker.shown));
                }
                Err(ReadError::Lagged(lost)) => {
                    tracing::warn!(stream = %stream.name(), lost, "what WebRTC is fed from was overtaken; this host is overloaded");
                }
                Err(ReadError::Closed) => {
                    feeds.release(&feed, true);
                    return feed.lane.close();
                }
            },
            Some(sound) = sounds.recv() => samples.push(sound),
            _ = looks.tick() => {}
        }
        let pictures = maker.shown.profile_idc.is_some();
        for sample in samples.iter_mut().filter(|it| it.medium == Medium::Audio) {
            sample.key = !pictures;
        }
        feed.lane.push(Instant::now(), samples.drain(..));
        if feed.lane.readers() > 0 {
            last_read = Instant::now();
        } else if last_read.elapsed() >= IDLE && feeds.release(&feed, false) {
            return;
        }
    }
}

/// Makes samples of frames.
struct Maker {
    context: Context,
    name: StreamName,
    encoded: mpsc::Sender<Sample>,
    tracks: Arc<Tracks>,
    video: Option<(TrackId, DecoderConfig)>,
    audio: Option<(TrackId, Sound)>,
    shown: Shown,
    newest: Option<Ticks90k>,
    said: Said,
}

enum Sound {
    /// It is Opus.
    Direct,
    /// It is encoded.
    Encoded(Encoder),
}

/// What was complained of; each is said once in the feed's life.
#[derive(Default)]
struct Said {
    reordered: bool,
    codecs: Vec<&'static str>,
}

impl Maker {
    fn new(context: &Context, name: &StreamName, encoded: mpsc::Sender<Sample>) -> Self {
        Self {
            context: context.clone(),
            name: name.clone(),
            encoded,
            tracks: Arc::default(),
            video: None,
            audio: None,
            shown: Shown::default(),
            newest: None,
            said: Said::default(),
        }
    }

    fn take(&mut self, frame: &Frame, out: &mut Vec<Sample>) {
        if !Arc::ptr_eq(&self.tracks, &frame.tracks) {
            if *self.tracks != *frame.tracks {
                self.learn(&frame.tracks);
            }
            self.tracks = frame.tracks.clone();
        }
        match (&self.video, &self.audio) {
            (Some((track, config)), _) if *track == frame.track => {
                let sets = frame.random_access.then_some(config);
                if let Some(data) = annex_b_unit(&frame.payload, sets) {
                    self.note_order(frame.pts);
                    out.push(sample(Medium::Video, frame, data));
                }
            }
            (_, Some((track, Sound::Direct))) if *track == frame.track => {
                out.push(sample(Medium::Audio, frame, frame.payload[..].into()));
            }
            (_, Some((track, Sound::Encoded(encoder)))) if *track == frame.track => {
                encoder.push(frame);
            }
            _ => {}
        }
    }

    fn learn(&mut self, tracks: &Tracks) {
        let video = tracks.list.iter().find_map(|track| match &track.codec {
            Codec::H264 { config, .. } => Some((track.id, DecoderConfig::parse(config).ok()?)),
            _ => None,
        });
        self.shown = Shown {
            profile_idc: video.as_ref().map(|(_, config)| config.profile_idc),
            audio: self.learn_sound(tracks),
        };
        self.video = video;
        for track in &tracks.list {
            let (codec, name) = (&track.codec, track.codec.name());
            let fits = matches!(
                codec,
                Codec::H264 { .. } | Codec::Opus { .. } | Codec::Aac { .. }
            );
            if (codec.is_video() || codec.is_audio()) && !fits && !self.said.codecs.contains(&name)
            {
                self.said.codecs.push(name);
                tracing::warn!(stream = %self.name, codec = name, "not sent over WebRTC, which takes H.264, Opus and AAC here");
            }
        }
    }

    /// Returns whether there is any. An encoder that runs goes on, so that sound of another rate
    /// does not stop it.
    fn learn_sound(&mut self, tracks: &Tracks) -> bool {
        let codecs = || tracks.list.iter().map(|track| (track.id, &track.codec));
        if let Some((id, _)) = codecs().find(|(_, codec)| matches!(codec, Codec::Opus { .. })) {
            self.audio = Some((id, Sound::Direct));
        } else if let Some((id, _)) = codecs().find(|(_, codec)| matches!(codec, Codec::Aac { .. }))
        {
            let encoder = match self.audio.take() {
                Some((_, Sound::Encoded(encoder))) => encoder,
                _ => Encoder::start(&self.context, self.name.clone(), self.encoded.clone()),
            };
            self.audio = Some((id, Sound::Encoded(encoder)));
        } else {
            self.audio = None;
        }
        self.audio.is_some()
    }

    fn note_order(&mut self, pts: Ticks90k) {
        let reordered = self.newest.is_some_and(|newest| pts < newest);
        self.newest = self.newest.max(Some(pts));
        if reordered && !std::mem::replace(&mut self.said.reordered, true) {
            tracing::warn!(
                stream = %self.name,
                "the stream has B-frames, which browsers show badly over WebRTC; encode it without (-bf 0)"
            );
        }
    }
}

fn sample(medium: Medium, frame: &Frame, data: Arc<[u8]>) -> Sample {
    Sample {
        medium,
        pts: frame.pts,
        key: frame.random_access,
        data,
    }
}
