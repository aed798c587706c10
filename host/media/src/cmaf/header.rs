//! What a player needs before the first part: initialization segments.

use super::boxes::{boxed, full, put16, put32, put64, zeros};
use super::entry;
use crate::codec::aac::AudioSpecificConfig;
use crate::codec::codec_string;
use crate::frame::{Audio, Video};
use crate::{Codec, Track, TrackId, Tracks};
use bytes::Bytes;

/// The tracks of a stream as CMAF carries them, in force for every part that points here.
#[derive(Debug)]
pub struct Header {
    /// In the order of the source.
    pub renditions: Vec<Rendition>,
    /// One initialization segment for all of them, for players that take the parts of all tracks
    /// in one file.
    pub muxed: Bytes,
}

/// One track, which is one CMAF track file.
#[derive(Debug, Clone)]
pub struct Rendition {
    /// Its track.
    pub track: TrackId,
    /// `ftyp` and `moov` of this track alone.
    pub init: Bytes,
    /// RFC 6381; `None` if its configuration cannot be read.
    pub codec: Option<String>,
    /// Ticks a second of its parts.
    pub timescale: u32,
    /// What its pictures look like.
    pub video: Option<Video>,
    /// What it sounds like.
    pub audio: Option<Audio>,
    /// ISO 639-2 code, if signalled.
    pub language: Option<[u8; 3]>,
    /// Samples of sound in each frame, where they are always as many.
    pub(super) frame_samples: Option<u64>,
}

impl Header {
    /// Of those tracks that CMAF has a place for.
    pub fn of(tracks: &Tracks) -> Self {
        let carried: Vec<_> = tracks.list.iter().filter(|it| is_carried(it)).collect();
        let renditions = carried.iter().map(|track| Rendition::of(track)).collect();
        Self {
            renditions,
            muxed: write(&carried),
        }
    }

    /// The rendition of that track.
    pub fn rendition(&self, track: TrackId) -> Option<&Rendition> {
        self.renditions.iter().find(|it| it.track == track)
    }

    /// The one whose random access points cut segments: the first video, else the first audio.
    pub fn leader(&self) -> Option<&Rendition> {
        let video = self.renditions.iter().find(|it| it.video.is_some());
        video.or(self.renditions.first())
    }

    /// The `CODECS` of all renditions together; `None` if one of them cannot be named.
    pub fn codecs(&self) -> Option<Vec<&str>> {
        let names = self.renditions.iter().map(|it| it.codec.as_deref());
        names.collect()
    }
}

impl Rendition {
    fn of(track: &Track) -> Self {
        Self {
            track: track.id,
            init: write(&[track]),
            codec: codec_string(&track.codec).ok(),
            timescale: timescale(track),
            video: track.codec.video(),
            audio: track.codec.audio(),
            language: track.language,
            frame_samples: frame_samples(&track.codec),
        }
    }
}

/// Whether CMAF has a place for the track.
pub(super) fn is_carried(track: &Track) -> bool {
    entry::kind(&track.codec).is_some()
}

fn frame_samples(codec: &Codec) -> Option<u64> {
    let Codec::Aac { config, .. } = codec else {
        return None;
    };
    let config = AudioSpecificConfig::parse(config).ok()?;
    Some(u64::from(config.samples_per_frame).max(1))
}

fn timescale(track: &Track) -> u32 {
    entry::kind(&track.codec).map_or(90_000, |kind| kind.timescale)
}

/// `track_ID` must not be 0 (ISO/IEC 14496-12 §8.3.2).
pub(super) fn track_number(id: TrackId) -> u32 {
    u32::from(id.0) + 1
}

fn write(tracks: &[&Track]) -> Bytes {
    let mut out = Vec::with_capacity(256 + 640 * tracks.len());
    boxed(&mut out, b"ftyp", |out| {
        out.extend_from_slice(b"iso6\0\0\0\0iso6cmfcmp41");
    });
    boxed(&mut out, b"moov", |out| {
        movie(out);
        for track in tracks {
            boxed(out, b"trak", |out| trak(track, out));
        }
        boxed(out, b"mvex", |out| {
            for track in tracks {
                full(out, b"trex", 0, 0, |out| {
                    put32(out, track_number(track.id));
                    put32(out, 1); // sample_description_index
                    zeros(out, 12); // every part says the rest
                });
            }
        });
    });
    out.into()
}

/// Times and durations are 0: the movie itself has no samples, fragments have.
fn movie(out: &mut Vec<u8>) {
    full(out, b"mvhd", 0, 0, |out| {
        zeros(out, 8);
        put32(out, 1000);
        put32(out, 0);
        put32(out, 0x0001_0000); // rate
        put16(out, 0x0100); // volume
        zeros(out, 10);
        matrix(out);
        zeros(out, 24);
        put32(out, u32::MAX); // next_track_ID: search
    });
}

fn matrix(out: &mut Vec<u8>) {
    for value in [0x0001_0000, 0, 0, 0, 0x0001_0000, 0, 0, 0, 0x4000_0000] {
        put32(out, value);
    }
}

fn trak(track: &Track, out: &mut Vec<u8>) {
    let video = track.codec.video();
    full(out, b"tkhd", 0, 3, |out| {
        zeros(out, 8);
        put32(out, track_number(track.id));
        zeros(out, 4 + 4 + 8 + 2 + 2);
        put16(out, if video.is_some() { 0 } else { 0x0100 });
        put16(out, 0);
        matrix(out);
        let pixels = |value: u32| value.min(0xffff) << 16;
        put32(out, pixels(video.unwrap_or_default().width));
        put32(out, pixels(video.unwrap_or_default().height));
    });
    boxed(out, b"mdia", |out| {
        full(out, b"mdhd", 0, 0, |out| {
            zeros(out, 8);
            put32(out, timescale(track));
            put32(out, 0);
            put16(out, packed_language(track.language));
            put16(out, 0);
        });
        full(out, b"hdlr", 0, 0, |out| {
            put32(out, 0);
            out.extend_from_slice(if video.is_some() { b"vide" } else { b"soun" });
            zeros(out, 12);
            out.push(0); // name
        });
        boxed(out, b"minf", |out| media_information(track, out));
    });
}

fn media_information(track: &Track, out: &mut Vec<u8>) {
    if track.codec.is_video() {
        full(out, b"vmhd", 0, 1, |out| zeros(out, 8));
    } else {
        full(out, b"smhd", 0, 0, |out| zeros(out, 4));
    }
    boxed(out, b"dinf", |out| {
        full(out, b"dref", 0, 0, |out| {
            put32(out, 1);
            full(out, b"url ", 0, 1, |_| {}); // in this file
        });
    });
    boxed(out, b"stbl", |out| {
        full(out, b"stsd", 0, 0, |out| {
            put32(out, 1);
            entry::write(&track.codec, out);
        });
        full(out, b"stts", 0, 0, |out| put32(out, 0));
        full(out, b"stsc", 0, 0, |out| put32(out, 0));
        full(out, b"stsz", 0, 0, |out| put64(out, 0));
        full(out, b"stco", 0, 0, |out| put32(out, 0));
    });
}

/// Three letters of five bits (ISO/IEC 14496-12 §8.4.2.3); undetermined unless it is letters.
fn packed_language(language: Option<[u8; 3]>) -> u16 {
    let code = language
        .filter(|code| code.iter().all(u8::is_ascii_lowercase))
        .unwrap_or(*b"und");
    code.iter()
        .fold(0, |packed, letter| (packed << 5) | u16::from(letter - 0x60))
}
