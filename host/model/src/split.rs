//! What is wanted of a split: regions of one picture, each a stream of its own.

use crate::StreamName;
use crate::encode::{AudioSpec, Fault, Hardware, within};
use crate::layout::Rect;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Regions of one split.
pub const MAX_REGIONS: usize = 64;

/// How far a part may reach beyond the picture and still be meant as its edge: thirds and
/// sevenths do not add up to one.
const SLACK: f64 = 1e-6;

/// One stream or file, decoded once, and parts of it encoded as streams of their own, with the same
/// timestamps and key frames at the same times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitSpec {
    /// What is split.
    pub from: SplitSource,
    /// Into what; 1 to [`MAX_REGIONS`].
    pub regions: Vec<Region>,
    /// What encodes.
    #[serde(default)]
    pub hardware: Hardware,
    /// A key frame every so many ms of the stream's time, 500 to 10000; usually 1000.
    #[serde(default = "second")]
    pub key_frame_ms: u32,
    /// The sound of the regions that have it.
    #[serde(default)]
    pub audio: AudioSpec,
}

/// What is split.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", deny_unknown_fields)]
pub enum SplitSource {
    /// A stream of this host.
    Stream(StreamName),
    /// A file, over and over, in real time. Who starts the split opens it.
    File(String),
}

/// One part of the picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// The stream that it becomes.
    pub stream: StreamName,
    /// Which part, in fractions of the picture.
    #[serde(default = "whole")]
    pub part: Rect,
    /// Clockwise, degrees: 0, 90, 180 or 270.
    #[serde(default)]
    pub rotation: u32,
    /// Pixels after rotation, 16 to 7680, even. The part is stretched to it.
    pub width: u32,
    /// As `width`.
    pub height: u32,
    /// Bits a second of its pictures, in thousands, 50 to 100000.
    pub video_kbps: u32,
    /// Whether it has the sound.
    #[serde(default = "yes")]
    pub audio: bool,
}

const fn second() -> u32 {
    1_000
}

const fn whole() -> Rect {
    Rect::WHOLE
}

const fn yes() -> bool {
    true
}

impl SplitSpec {
    /// Every field at fault, with what it must be; regions by their streams' names.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if !(1..=MAX_REGIONS).contains(&self.regions.len()) {
            faults.push(Fault::new("regions", format!("1 to {MAX_REGIONS}")));
        }
        for (n, region) in self.regions.iter().enumerate() {
            let mut others = self.regions.iter().take(n);
            if others.any(|other| other.stream == region.stream) {
                faults.push(region.fault("stream", "one that no other has"));
            }
            faults.extend(region.faults());
        }
        let range = 500..=10_000;
        faults.extend(within("key_frame_ms", self.key_frame_ms, range, "ms"));
        faults.extend(self.audio.faults());
        faults
    }
}

impl fmt::Display for SplitSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stream(name) => name.fmt(f),
            Self::File(path) => path.fmt(f),
        }
    }
}

impl Region {
    fn fault(&self, field: &str, must: impl Into<String>) -> Fault {
        Fault::new(format!("region {}: {field}", self.stream), must)
    }

    fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let Rect {
            x,
            y,
            width,
            height,
        } = self.part;
        let on = |from: f64, extent: f64| from >= -SLACK && from + extent <= 1.0 + SLACK;
        // What is no number is no extent either.
        if !(width >= SLACK && height >= SLACK) {
            faults.push(self.fault("part", "more than nothing of the picture"));
        } else if !(on(x, width) && on(y, height)) {
            faults.push(self.fault("part", "on the picture: from 0 to 1 both ways"));
        }
        if !matches!(self.rotation, 0 | 90 | 180 | 270) {
            faults.push(self.fault("rotation", "0, 90, 180 or 270 degrees"));
        }
        for (field, side) in [("width", self.width), ("height", self.height)] {
            if !(16..=7_680).contains(&side) || !side.is_multiple_of(2) {
                faults.push(self.fault(field, "16 to 7680 pixels, and even"));
            }
        }
        if !(50..=100_000).contains(&self.video_kbps) {
            faults.push(self.fault("video_kbps", "50 to 100000 kbit/s"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(regions: &str) -> SplitSpec {
        let json = format!(r#"{{"from":{{"stream":"live/cam"}},"regions":[{regions}]}}"#);
        serde_json::from_str(&json).unwrap()
    }

    fn region(part: &str) -> String {
        let part = part.split(',').zip(["x", "y", "width", "height"]);
        let part: Vec<_> = part
            .map(|(value, name)| format!("\"{name}\":{value}"))
            .collect();
        let part = part.join(",");
        format!(
            r#"{{"stream":"wall/a","part":{{{part}}},"width":640,"height":360,"video_kbps":900}}"#
        )
    }

    #[test]
    fn a_region_that_is_empty_or_off_the_picture_is_named() {
        for part in ["0,0,1,1", "0.333333333,0,0.666666667,1", "0.9,0.9,0.1,0.1"] {
            assert_eq!(spec(&region(part)).faults(), [], "{part}");
        }
        for (part, why) in [
            (
                "0,0,0,1",
                "region wall/a: part must be more than nothing of the picture",
            ),
            (
                "0,0,1,-1",
                "region wall/a: part must be more than nothing of the picture",
            ),
            (
                "0.5,0,0.6,1",
                "region wall/a: part must be on the picture: from 0 to 1 both ways",
            ),
            (
                "-0.1,0,0.5,1",
                "region wall/a: part must be on the picture: from 0 to 1 both ways",
            ),
        ] {
            let said: Vec<_> = spec(&region(part))
                .faults()
                .iter()
                .map(ToString::to_string)
                .collect();
            assert_eq!(said, [why], "{part}");
        }
        let mut broken = spec(&region("0,0,1,1"));
        broken.regions[0].part.width = f64::NAN;
        assert_eq!(broken.faults().len(), 1);
    }

    #[test]
    fn every_other_fault_names_its_region_and_range() {
        let one = r#"{"stream":"a","rotation":45,"width":641,"height":8,"video_kbps":1}"#;
        let said: Vec<_> = spec(one).faults().iter().map(ToString::to_string).collect();
        let expected = [
            "region a: rotation must be 0, 90, 180 or 270 degrees",
            "region a: width must be 16 to 7680 pixels, and even",
            "region a: height must be 16 to 7680 pixels, and even",
            "region a: video_kbps must be 50 to 100000 kbit/s",
        ];
        assert_eq!(said, expected);
        assert_eq!(spec("").faults()[0].to_string(), "regions must be 1 to 64");
        let twice = format!("{},{}", region("0,0,1,1"), region("0,0,1,1"));
        assert_eq!(spec(&twice).faults()[0].field, "region wall/a: stream");
    }
}
