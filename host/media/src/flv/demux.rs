//! Tag bodies to frames.

use super::config::{self, AccessUnit, VideoConfig};
use super::{AudioCodec, AudioTag, FlvError, Kind, VideoCodec, VideoTag};
use crate::frame::Medium;
use crate::timeline::{self, Counters, Stamps};
use crate::{Codec, Frame, Ticks90k, Track, TrackId, Tracks};
use bytes::Bytes;
use std::collections::HashSet;
use std::sync::Arc;

const VIDEO: TrackId = TrackId(0);
const AUDIO: TrackId = TrackId(1);
/// Further tracks are numbered from here on, as they come.
const FURTHER: u8 = 2;
/// Of one publisher, of both kinds.
const MAX_TRACKS: usize = 16;
/// How much media may pass until both sequence headers must be there.
const HEADER_WAIT: Ticks90k = Ticks90k::SECOND;
/// What is kept meanwhile.
const HELD_FRAMES: usize = 512;
const HELD_BYTES: usize = 8 << 20;
/// Different complaints in one life; a peer cannot make us remember more.
const MAX_COMPLAINTS: usize = 64;

/// Turns the messages of one publisher into frames. The first video track is number 0, the
/// first audio track 1; further ones of multitrack messages follow.
///
/// The first frames wait until a sequence header of each kind is known, or until a second of
/// media has passed with one; a header that comes later makes new [`Tracks`]. Payloads are
/// slices of the messages, unless they hold units that have no place in a frame.
#[derive(Debug)]
pub struct Demuxer {
    stamps: Stamps,
    videos: Vec<VideoTrack>,
    audios: Vec<AudioTrack>,
    /// `None` while waiting for headers.
    tracks: Option<Arc<Tracks>>,
    held: Held,
    said: HashSet<String>,
    complaints: Vec<String>,
}

#[derive(Debug)]
struct VideoTrack {
    /// The publisher's.
    number: u8,
    id: TrackId,
    config: VideoConfig,
    /// An IDR or IRAP picture was seen. Until then the publisher's key frame flag counts: open
    /// GOPs and periodic intra refresh have nothing better.
    clean_seen: bool,
}

#[derive(Debug)]
struct AudioTrack {
    number: u8,
    id: TrackId,
    codec: Codec,
}

/// Frames that wait for their tracks.
#[derive(Debug, Default)]
struct Held {
    frames: Vec<Frame>,
    bytes: usize,
}

impl Default for Demuxer {
    fn default() -> Self {
        Self::new()
    }
}

impl Demuxer {
    /// For a new publisher.
    pub fn new() -> Self {
        Self {
            stamps: Stamps::ms32(),
            videos: Vec::new(),
            audios: Vec::new(),
            tracks: None,
            held: Held::default(),
            said: HashSet::new(),
            complaints: Vec::new(),
        }
    }

    /// Takes one message; appends the frames that it completes or releases to `out`.
    ///
    /// `timestamp_ms` is the message's own, modulo 2^32.
    pub fn push(&mut self, kind: Kind, timestamp_ms: u32, body: &Bytes, out: &mut Vec<Frame>) {
        match kind {
            Kind::Video => match self.heard(VideoTag::parse(body)) {
                Some(VideoTag::Tracks(tags)) => {
                    for (number, tag) in tags {
                        self.video(number, timestamp_ms, tag, out);
                    }
                }
                Some(tag) => self.video(0, timestamp_ms, tag, out),
                None => {}
            },
            Kind::Audio => match self.heard(AudioTag::parse(body)) {
                Some(AudioTag::Tracks(tags)) => {
                    for (number, tag) in tags {
                        self.audio(number, timestamp_ms, tag, out);
                    }
                }
                Some(tag) => self.audio(0, timestamp_ms, tag, out),
                None => {}
            },
            Kind::Data => {}
        }
    }

    /// What was left out since the last call, each said once: "FLV audio format MP3 is not
    /// supported".
    pub fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }

    /// What was wrong with the publisher's timestamps so far.
    pub fn stamps(&self) -> Counters {
        self.stamps.counters()
    }

    /// The tracks in force; `None` until the first frame is out.
    pub const fn tracks(&self) -> Option<&Arc<Tracks>> {
        self.tracks.as_ref()
    }

    fn video(&mut self, number: u8, timestamp_ms: u32, tag: VideoTag, out: &mut Vec<Frame>) {
        match tag {
            VideoTag::Config { codec, record } => match VideoConfig::parse(codec, &record) {
                Ok(config) => self.configure_video(number, config),
                Err(error) => self.complain(format!("FLV video sequence header: {error}")),
            },
            VideoTag::Frame {
                codec,
                key,
                composition_ms,
                data,
            } => {
                let Some((id, unit)) = self.access_unit(number, codec, key, &data) else {
                    return;
                };
                let at = (timestamp_ms, composition_ms);
                let frame = self.frame(id, Medium::Video, at, unit.clean, unit.payload);
                self.emit(frame, out);
            }
            VideoTag::End | VideoTag::Other | VideoTag::Tracks(_) => {}
        }
    }

    /// `None` if nothing is left of it. What the publisher calls a key frame counts as clean
    /// until one is seen.
    fn access_unit(
        &mut self,
        number: u8,
        codec: VideoCodec,
        key: bool,
        data: &Bytes,
    ) -> Option<(TrackId, AccessUnit)> {
        let known = |known: &&mut VideoTrack| known.number == number && known.config.kind == codec;
        let Some(track) = self.videos.iter_mut().find(known) else {
            self.complain("FLV video frames without sequence header".to_owned());
            return None;
        };
        let mut unit = AccessUnit::read(codec, track.config.length_size, data);
        track.clean_seen |= unit.clean;
        let learnt = unit.clean && track.config.learn(&unit.payload);
        unit.clean |= key && !track.clean_seen;
        let id = track.id;
        if learnt {
            self.headers_changed();
        }
        if unit.cut_short {
            self.complain("FLV video frame is cut short".to_owned());
        }
        Some((id, unit)).filter(|(_, unit)| !unit.payload.is_empty())
    }

    fn configure_video(&mut self, number: u8, mut config: VideoConfig) {
        if let Some(known) = self.videos.iter_mut().find(|known| known.number == number) {
            // Repeated: what was learnt from frames stays.
            if known.config.codec.config() == config.codec.config() {
                std::mem::swap(&mut known.config.codec, &mut config.codec);
            }
            known.config = config;
        } else if let Some(id) = self.id_for(number, VIDEO) {
            self.videos.push(VideoTrack {
                number,
                id,
                config,
                clean_seen: false,
            });
        }
        if let Some(known) = self.videos.iter().find(|known| known.number == number) {
            self.stamps.configure(known.id, &known.config.codec);
        }
        self.videos.sort_by_key(|known| known.number);
        self.headers_changed();
    }

    fn audio(&mut self, number: u8, timestamp_ms: u32, tag: AudioTag, out: &mut Vec<Frame>) {
        match tag {
            AudioTag::Config { codec, record } => match config::audio(codec, record) {
                Ok(codec) => self.configure_audio(number, codec),
                Err(error) => self.complain(format!("FLV audio sequence header: {error}")),
            },
            // FFmpeg sends empty ones at the end of a stream.
            AudioTag::Frame { data, .. } if data.is_empty() => {}
            AudioTag::Frame { codec, data } => {
                let is_it = |known: &&AudioTrack| {
                    known.number == number
                        && matches!(
                            (&known.codec, codec),
                            (Codec::Aac { .. }, AudioCodec::Aac)
                                | (Codec::Opus { .. }, AudioCodec::Opus)
                        )
                };
                let Some(id) = self.audios.iter().find(is_it).map(|known| known.id) else {
                    return self.complain("FLV audio frames without sequence header".to_owned());
                };
                let frame = self.frame(id, Medium::Audio, (timestamp_ms, 0), true, data);
                self.emit(frame, out);
            }
            AudioTag::End | AudioTag::Other | AudioTag::Tracks(_) => {}
        }
    }

    fn configure_audio(&mut self, number: u8, codec: Codec) {
        if let Some(known) = self.audios.iter_mut().find(|known| known.number == number) {
            known.codec = codec;
        } else if let Some(id) = self.id_for(number, AUDIO) {
            self.audios.push(AudioTrack { number, id, codec });
        }
        self.audios.sort_by_key(|known| known.number);
        self.headers_changed();
    }

    /// The id of a new track: `first` for number 0, else one that is free.
    fn id_for(&mut self, number: u8, first: TrackId) -> Option<TrackId> {
        if number == 0 {
            return Some(first);
        }
        let taken = |id: TrackId| {
            self.videos.iter().any(|known| known.id == id)
                || self.audios.iter().any(|known| known.id == id)
        };
        let free = (FURTHER..FURTHER + MAX_TRACKS as u8).map(TrackId);
        let found = free.into_iter().find(|id| !taken(*id));
        if found.is_none() {
            self.complain(format!(
                "FLV tracks beyond the first {MAX_TRACKS} are left out"
            ));
        }
        found
    }

    /// `at` are its own timestamp and its composition time. Its tracks are set when it goes out.
    fn frame(
        &mut self,
        track: TrackId,
        medium: Medium,
        (timestamp_ms, composition_ms): (u32, i32),
        random_access: bool,
        payload: Bytes,
    ) -> Frame {
        let placed = self.stamps.place(&timeline::Unit {
            track,
            medium,
            dts: timestamp_ms.into(),
            pts: timestamp_ms.wrapping_add_signed(composition_ms).into(),
            random_access,
        });
        Frame {
            tracks: Arc::default(),
            track,
            dts: placed.dts,
            pts: placed.pts,
            random_access,
            epoch: placed.epoch,
            payload,
        }
    }

    fn emit(&mut self, frame: Frame, out: &mut Vec<Frame>) {
        if let Some(tracks) = &self.tracks {
            out.push(under(tracks, frame));
            return;
        }
        self.held.bytes += frame.payload.len();
        self.held.frames.push(frame);
        if self.must_wait() {
            return;
        }
        let tracks = self.tracks.insert(self.build_tracks().into());
        self.held.bytes = 0;
        out.extend(
            std::mem::take(&mut self.held.frames)
                .into_iter()
                .map(|f| under(tracks, f)),
        );
    }

    fn must_wait(&self) -> bool {
        let times = || self.held.frames.iter().map(|frame| frame.dts);
        let passed = times().max().unwrap_or_default() - times().min().unwrap_or_default();
        (self.videos.is_empty() || self.audios.is_empty())
            && passed < HEADER_WAIT
            && self.held.frames.len() < HELD_FRAMES
            && self.held.bytes < HELD_BYTES
    }

    /// Publishers repeat their headers; only a different one makes new tracks.
    fn headers_changed(&mut self) {
        let Some(tracks) = &self.tracks else { return };
        let new = self.build_tracks();
        if **tracks != new {
            self.tracks = Some(new.into());
        }
    }

    fn build_tracks(&self) -> Tracks {
        let videos = self.videos.iter();
        let videos = videos.map(|known| (known.id, known.config.codec.clone()));
        let audios = self.audios.iter();
        let audios = audios.map(|known| (known.id, known.codec.clone()));
        let list = videos.chain(audios);
        Tracks {
            list: list
                .map(|(id, codec)| Track {
                    id,
                    codec,
                    language: None,
                })
                .collect(),
        }
    }

    fn heard<T>(&mut self, tag: Result<T, FlvError>) -> Option<T> {
        tag.map_err(|error| self.complain(error.to_string())).ok()
    }

    fn complain(&mut self, text: String) {
        if self.said.len() < MAX_COMPLAINTS && !self.said.contains(&text) {
            self.said.insert(text.clone());
            self.complaints.push(text);
        }
    }
}

fn under(tracks: &Arc<Tracks>, mut frame: Frame) -> Frame {
    let is_video = tracks
        .get(frame.track)
        .is_some_and(|track| track.codec.is_video());
    frame.random_access &= is_video || tracks.video().is_none();
    frame.tracks = Arc::clone(tracks);
    frame
}
