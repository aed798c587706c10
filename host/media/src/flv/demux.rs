//! Tag bodies to frames.

use super::{AudioTag, FlvError, Kind, VideoCodec, VideoTag};
use crate::codec::aac::AudioSpecificConfig;
use crate::codec::nal::{self, LengthSize};
use crate::codec::{CodecError, h264, hevc};
use crate::timeline::{Timeline, Unwrap};
use crate::{Codec, Frame, Ticks90k, Track, TrackId, Tracks};
use bytes::{Bytes, BytesMut};
use std::collections::HashSet;
use std::sync::Arc;

const VIDEO: TrackId = TrackId(0);
const AUDIO: TrackId = TrackId(1);
/// How much media may pass until both sequence headers must be there.
const HEADER_WAIT: Ticks90k = Ticks90k::SECOND;
/// What is kept meanwhile.
const HELD_FRAMES: usize = 512;
const HELD_BYTES: usize = 8 << 20;
/// A longer configuration record is none: real ones have some hundred bytes. Its parameter sets
/// stand before every random access unit of a transport stream made from it.
const MAX_RECORD_BYTES: usize = 64 << 10;
/// Different complaints in one life; a peer cannot make us remember more.
const MAX_COMPLAINTS: usize = 64;

/// Turns the messages of one publisher into frames. The video track is number 0, audio is 1.
///
/// The first frames wait until both sequence headers are known, or until a second of media
/// has passed with one; a header that comes later makes new [`Tracks`]. Payloads are slices of
/// the messages, unless they hold units that have no place in a frame.
#[derive(Debug)]
pub struct Demuxer {
    clock: Unwrap,
    timeline: Timeline,
    video: Option<VideoConfig>,
    audio: Option<Codec>,
    /// An IDR or IRAP picture was seen. Until then the publisher's key frame flag counts: open
    /// GOPs and periodic intra refresh have nothing better.
    clean_seen: bool,
    /// `None` while waiting for headers.
    tracks: Option<Arc<Tracks>>,
    held: Held,
    said: HashSet<String>,
    complaints: Vec<String>,
}

#[derive(Debug)]
struct VideoConfig {
    kind: VideoCodec,
    codec: Codec,
    /// Of the publisher's access units; ours always have four bytes.
    length_size: LengthSize,
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
            clock: Unwrap::ms32(),
            timeline: Timeline::default(),
            video: None,
            audio: None,
            clean_seen: false,
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
        let frame = match kind {
            Kind::Video => self.push_video(timestamp_ms, body),
            Kind::Audio => self.push_audio(timestamp_ms, body),
            Kind::Data => None,
        };
        if let Some(frame) = frame {
            self.emit(frame, out);
        }
    }

    /// What was left out since the last call, each said once: "FLV audio format MP3 is not
    /// supported".
    pub fn complaints(&mut self) -> Vec<String> {
        std::mem::take(&mut self.complaints)
    }

    /// The tracks in force; `None` until the first frame is out.
    pub const fn tracks(&self) -> Option<&Arc<Tracks>> {
        self.tracks.as_ref()
    }

    fn push_video(&mut self, timestamp_ms: u32, body: &Bytes) -> Option<Frame> {
        let tag = VideoTag::parse(body);
        match self.heard(tag)? {
            VideoTag::Config { codec, record } => {
                match bounded(&record).and_then(|()| VideoConfig::parse(codec, &record)) {
                    Ok(config) => {
                        self.video = Some(config);
                        self.headers_changed();
                    }
                    Err(error) => self.complain(format!("FLV video sequence header: {error}")),
                }
                None
            }
            VideoTag::Frame {
                codec,
                key,
                composition_ms,
                data,
            } => {
                let unit = self.access_unit(codec, &data)?;
                let random_access = unit.clean || (key && !self.clean_seen);
                let composition = Ticks90k::from_ms(composition_ms.max(0).into());
                Some(self.frame(
                    VIDEO,
                    timestamp_ms,
                    composition,
                    random_access,
                    unit.payload,
                ))
            }
            VideoTag::End | VideoTag::Other => None,
        }
    }

    /// `None` if nothing is left of it.
    fn access_unit(&mut self, codec: VideoCodec, data: &Bytes) -> Option<AccessUnit> {
        let Some(config) = self.video.as_ref().filter(|known| known.kind == codec) else {
            self.complain("FLV video frames without sequence header".to_owned());
            return None;
        };
        let unit = AccessUnit::read(codec, config.length_size, data);
        if unit.cut_short {
            self.complain("FLV video frame is cut short".to_owned());
        }
        self.clean_seen |= unit.clean;
        Some(unit).filter(|unit| !unit.payload.is_empty())
    }

    fn push_audio(&mut self, timestamp_ms: u32, body: &Bytes) -> Option<Frame> {
        let tag = AudioTag::parse(body);
        match self.heard(tag)? {
            AudioTag::Config(record) => {
                match bounded(&record).and_then(|()| AudioSpecificConfig::parse(&record)) {
                    Ok(config) => {
                        self.audio = Some(Codec::Aac {
                            audio: config.audio(),
                            config: record,
                        });
                        self.headers_changed();
                    }
                    Err(error) => self.complain(format!("FLV audio sequence header: {error}")),
                }
                None
            }
            AudioTag::Frame(_) if self.audio.is_none() => {
                self.complain("FLV audio frames without sequence header".to_owned());
                None
            }
            // FFmpeg sends empty ones at the end of a stream.
            AudioTag::Frame(payload) if payload.is_empty() => None,
            AudioTag::Frame(payload) => {
                Some(self.frame(AUDIO, timestamp_ms, Ticks90k::ZERO, true, payload))
            }
            AudioTag::End => None,
        }
    }

    /// Its tracks are set when it goes out.
    fn frame(
        &mut self,
        track: TrackId,
        timestamp_ms: u32,
        composition: Ticks90k,
        random_access: bool,
        payload: Bytes,
    ) -> Frame {
        let ms = self.clock.unwrap(timestamp_ms.into());
        let placed = self.timeline.repair(Ticks90k::from_ms(ms));
        Frame {
            tracks: Arc::default(),
            track,
            dts: placed.time,
            pts: placed.time + composition,
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
        (self.video.is_none() || self.audio.is_none())
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
        let video = self
            .video
            .as_ref()
            .map(|config| (VIDEO, config.codec.clone()));
        let audio = self.audio.as_ref().map(|codec| (AUDIO, codec.clone()));
        let list = video.into_iter().chain(audio);
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

fn bounded(record: &Bytes) -> Result<(), CodecError> {
    match record.len() {
        ..=MAX_RECORD_BYTES => Ok(()),
        len => Err(CodecError::Invalid {
            what: "length of a configuration record",
            value: len as u64,
        }),
    }
}

fn under(tracks: &Arc<Tracks>, mut frame: Frame) -> Frame {
    frame.random_access &= frame.track == VIDEO || tracks.video().is_none();
    frame.tracks = Arc::clone(tracks);
    frame
}

impl VideoConfig {
    /// A picture size that cannot be read stays zero: the decoder may know better.
    fn parse(kind: VideoCodec, record: &Bytes) -> Result<Self, CodecError> {
        match kind {
            VideoCodec::Avc => {
                let mut parsed = h264::DecoderConfig::parse(record)?;
                let length_size = std::mem::take(&mut parsed.length_size);
                let config = unless_rewritten(record, length_size, || parsed.build());
                let video = parsed.video().unwrap_or_default();
                Ok(Self {
                    kind,
                    codec: Codec::H264 { config, video },
                    length_size,
                })
            }
            VideoCodec::Hevc => {
                let mut parsed = hevc::DecoderConfig::parse(record)?;
                let length_size = std::mem::take(&mut parsed.length_size);
                let config = unless_rewritten(record, length_size, || parsed.build());
                let video = parsed.video().unwrap_or_default();
                Ok(Self {
                    kind,
                    codec: Codec::Hevc { config, video },
                    length_size,
                })
            }
        }
    }
}

/// The record as it came, unless our frames are framed otherwise than it says.
fn unless_rewritten(record: &Bytes, size: LengthSize, build: impl Fn() -> Bytes) -> Bytes {
    if size == LengthSize::Four {
        record.clone()
    } else {
        build()
    }
}

/// A question about a NAL unit.
type Test = fn(&[u8]) -> bool;

/// An access unit in the form that frames have.
struct AccessUnit {
    payload: Bytes,
    /// An IDR or IRAP picture.
    clean: bool,
    cut_short: bool,
}

impl AccessUnit {
    /// Copies only if units must be left out or get longer lengths.
    fn read(codec: VideoCodec, size: LengthSize, data: &Bytes) -> Self {
        let (in_frame, is_random_access): (Test, Test) = match codec {
            VideoCodec::Avc => (h264::in_frame, h264::is_random_access),
            VideoCodec::Hevc => (hevc::in_frame, hevc::is_random_access),
        };
        let (mut kept, mut clean, mut cut_short) = (0, false, false);
        for unit in nal::length_prefixed(data, size) {
            match unit {
                Ok(unit) if in_frame(unit) => {
                    kept += unit.len() + size.bytes();
                    clean |= is_random_access(unit);
                }
                Ok(_) => {}
                Err(_) => cut_short = true,
            }
        }
        let as_it_is = size == LengthSize::Four && kept == data.len();
        let payload = if as_it_is {
            data.clone()
        } else {
            filtered(data, size, kept, in_frame)
        };
        Self {
            payload,
            clean,
            cut_short,
        }
    }
}

fn filtered(data: &[u8], size: LengthSize, kept: usize, keep: Test) -> Bytes {
    let mut out = BytesMut::with_capacity(kept);
    for unit in nal::length_prefixed(data, size)
        .flatten()
        .filter(|unit| keep(unit))
    {
        nal::put_length_prefixed(unit, &mut out);
    }
    out.freeze()
}
