//! The multivariant playlist (RFC 8216 §4.3.4, "master playlist").

use super::Window as TsWindow;
use crate::Tracks;
use crate::cmaf::{File, Header, Rendition, RenditionName, Window};
use crate::codec::codec_string;
use std::fmt::Write;

/// One rendition of the stream.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variant {
    /// Of its media playlist.
    pub uri: String,
    /// Peak segment bit rate.
    pub bandwidth_bps: u64,
    /// Mean segment bit rate; 0 if unknown.
    pub average_bandwidth_bps: u64,
    /// RFC 6381 names; empty if unknown.
    pub codecs: Vec<String>,
    /// Width and height in pixels.
    pub resolution: Option<(u32, u32)>,
    /// Frames per 1000 s; 0 if unknown.
    pub fps_milli: u32,
}

impl Variant {
    /// Describes what `window` holds of a stream with these tracks.
    ///
    /// One track that cannot be named leaves out `CODECS` altogether: a list must be whole.
    pub fn of(tracks: &Tracks, window: &TsWindow, uri: String) -> Self {
        let (bandwidth_bps, average_bandwidth_bps) = window.bandwidth_bps();
        let names: Result<Vec<_>, _> = tracks
            .list
            .iter()
            .map(|track| codec_string(&track.codec))
            .collect();
        let video = tracks.video().and_then(|track| track.codec.video());
        let video = video.unwrap_or_default();
        let has_size = video.width > 0 && video.height > 0;
        Self {
            uri,
            bandwidth_bps,
            average_bandwidth_bps,
            codecs: names.unwrap_or_default(),
            resolution: has_size.then_some((video.width, video.height)),
            fps_milli: video.fps_milli,
        }
    }
}

/// Writes the playlist that lists `variants`, in this order. All segments are said to be
/// independent if `independent`.
pub fn multivariant_playlist(variants: &[Variant], independent: bool) -> String {
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:3\n");
    if independent {
        text.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
    }
    for variant in variants {
        // Writing to a String cannot fail.
        let _ = write_variant(variant, false, &mut text);
    }
    text
}

fn write_variant(variant: &Variant, audio: bool, out: &mut String) -> std::fmt::Result {
    // BANDWIDTH is required; a rendition without segments has none yet.
    write!(
        out,
        "#EXT-X-STREAM-INF:BANDWIDTH={}",
        variant.bandwidth_bps.max(1)
    )?;
    if variant.average_bandwidth_bps > 0 {
        write!(out, ",AVERAGE-BANDWIDTH={}", variant.average_bandwidth_bps)?;
    }
    if !variant.codecs.is_empty() {
        write!(out, ",CODECS=\"{}\"", variant.codecs.join(","))?;
    }
    if let Some((width, height)) = variant.resolution {
        write!(out, ",RESOLUTION={width}x{height}")?;
    }
    if variant.fps_milli > 0 {
        write!(
            out,
            ",FRAME-RATE={}.{:03}",
            variant.fps_milli / 1000,
            variant.fps_milli % 1000
        )?;
    }
    if audio {
        out.push_str(",AUDIO=\"audio\"");
    }
    writeln!(out, "\n{}", variant.uri)
}

/// One sound beside the pictures (§4.3.4.1).
struct Sound {
    name: String,
    language: Option<String>,
    channels: u8,
    uri: String,
}

/// Writes the multivariant playlist of CMAF renditions: each video is a variant, with all sounds
/// as its group; without video each sound is one. Renditions without a window are left out.
///
/// `None` while there is nothing to play.
pub fn rendition_playlist(header: &Header, windows: &[&Window]) -> Option<String> {
    let bandwidth = |track| {
        let window = windows
            .iter()
            .find(|window| window.rendition().is_some_and(|it| it.track == track));
        window.map_or((0, 0), |window| window.bandwidth_bps())
    };
    let there = |it: &&Rendition| {
        let tracks = windows.iter().filter_map(|window| window.rendition());
        tracks
            .map(|rendition| rendition.track)
            .any(|track| track == it.track)
    };
    let (video, audio): (Vec<_>, Vec<_>) = header
        .renditions
        .iter()
        .filter(there)
        .partition(|it| it.video.is_some());
    let leads = if video.is_empty() { &audio } else { &video };
    if leads.is_empty() {
        return None;
    }
    let group = if video.is_empty() {
        &[][..]
    } else {
        &audio[..]
    };
    let loudest = group
        .iter()
        .map(|it| bandwidth(it.track))
        .max()
        .unwrap_or((0, 0));
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    for (index, sound) in group.iter().enumerate() {
        // Writing to a String cannot fail.
        let _ = write_sound(&Sound::of(sound, index), index == 0, &mut text);
    }
    for lead in leads {
        let (peak, mean) = bandwidth(lead.track);
        let heard = group.first();
        let codecs = std::iter::once(lead)
            .chain(heard)
            .map(|it| it.codec.clone());
        let size = lead.video.filter(|it| it.width > 0 && it.height > 0);
        let variant = Variant {
            uri: RenditionName::of(lead).file(File::Playlist).to_string(),
            bandwidth_bps: peak + loudest.0,
            average_bandwidth_bps: mean + loudest.1,
            codecs: codecs.collect::<Option<_>>().unwrap_or_default(),
            resolution: size.map(|it| (it.width, it.height)),
            fps_milli: lead.video.map_or(0, |it| it.fps_milli),
        };
        let _ = write_variant(&variant, heard.is_some(), &mut text);
    }
    Some(text)
}

impl Sound {
    fn of(rendition: &Rendition, index: usize) -> Self {
        let letters = rendition
            .language
            .filter(|code| code.iter().all(u8::is_ascii_lowercase));
        let language =
            letters.map(|code| code.iter().map(|it| char::from(*it)).collect::<String>());
        let number = index + 1;
        let name = match &language {
            Some(code) => format!("{code} {number}"),
            None => format!("audio {number}"),
        };
        Self {
            name,
            language,
            channels: rendition.audio.map_or(2, |audio| audio.channels),
            uri: RenditionName::of(rendition)
                .file(File::Playlist)
                .to_string(),
        }
    }
}

fn write_sound(sound: &Sound, first: bool, out: &mut String) -> std::fmt::Result {
    let Sound {
        name,
        channels,
        uri,
        ..
    } = sound;
    write!(
        out,
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"{name}\""
    )?;
    if let Some(language) = &sound.language {
        write!(out, ",LANGUAGE=\"{language}\"")?;
    }
    let default = if first { "YES" } else { "NO" };
    writeln!(
        out,
        ",DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"{channels}\",URI=\"{uri}\""
    )
}
