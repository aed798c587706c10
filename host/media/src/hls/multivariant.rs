//! The multivariant playlist (RFC 8216 §4.3.4, "master playlist").

use super::Window;
use crate::Tracks;
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
    pub fn of(tracks: &Tracks, window: &Window, uri: String) -> Self {
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
        let _ = write_variant(variant, &mut text);
    }
    text
}

fn write_variant(variant: &Variant, out: &mut String) -> std::fmt::Result {
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
    writeln!(out, "\n{}", variant.uri)
}
