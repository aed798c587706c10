//! A composite: several pictures on one canvas, their sound mixed, encoded once.

use crate::layout::Canvas;
use crate::routing::Attributes;
use crate::{Endpoint, StreamName};
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Sources of one composite at most, as in `wit/`.
pub const MAX_SOURCES: usize = 256;
/// Overlays of one composite at most.
pub const MAX_OVERLAYS: usize = 64;
/// Longest title or text, bytes.
pub const MAX_TEXT_BYTES: usize = 256;

/// What a composite is made of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompositeSpec {
    /// Of the canvas: pixels, even, 64 to 7,680.
    pub width: u32,
    /// Of the canvas: pixels, even, 64 to 4,320.
    pub height: u32,
    /// Thousandths of a frame per second, 1,000 to 120,000; 29,970 is 30,000/1,001 exactly.
    #[serde(default = "fps_milli")]
    pub fps_milli: u32,
    /// What may be shown, in the operator's order; at most [`MAX_SOURCES`].
    #[serde(default)]
    pub sources: Vec<CompositeSource>,
    /// What is drawn over all tiles, one after another; at most [`MAX_OVERLAYS`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<Overlay>,
    /// The titles of sources, each in the lower left corner of its tiles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name_tags: Option<TextStyle>,
    /// Where no tile is: red, green and blue, 8 bits each from the highest of 24.
    #[serde(default)]
    pub background_rgb: u32,
    /// How one arrangement becomes the next.
    #[serde(default)]
    pub transition: Transition,
    /// How long the last picture of a source that sends no more is shown before a slate is, ms, 0
    /// to 600,000.
    #[serde(default = "hold_ms")]
    pub hold_ms: u32,
    /// Whose voice makes the others quieter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ducking: Option<Ducking>,
    /// How it is encoded.
    #[serde(default)]
    pub encoding: Encoding,
}

/// Something that may be shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CompositeSource {
    /// What tiles name it by; unique within the composite.
    pub id: String,
    /// For people: on its name tag and its slate; without one, its id.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Where it comes from.
    pub from: Media,
    /// How loud it is, dB, -60 to 20.
    #[serde(default)]
    pub gain_db: f64,
    /// Not heard at all. Its level is measured all the same.
    #[serde(default)]
    pub mute: bool,
    /// For layout policies.
    #[serde(default, skip_serializing_if = "Attributes::is_empty")]
    pub labels: Attributes,
}

/// Where pictures and sound of a source come from.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Media {
    /// A stream of this host.
    Stream(StreamName),
    /// A clip, over and over, or an image, below the media folder.
    File(String),
}

/// What is drawn over the tiles.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum Overlay {
    /// An image, for example a logo.
    Image {
        /// PNG or JPEG below the media folder.
        file: String,
        /// Its left edge on the canvas, pixels, -16,384 to 16,384.
        x: i32,
        /// Its upper edge on the canvas, pixels, -16,384 to 16,384.
        y: i32,
        /// As wide as that, pixels, 2 to 4,096; without, as wide as it is.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        width: Option<u32>,
        /// 0 (unseen) to 1.
        #[serde(default = "opaque")]
        alpha: f64,
    },
    /// A line of text.
    Text {
        /// What it says; at most [`MAX_TEXT_BYTES`].
        text: String,
        /// Its left edge on the canvas, pixels, -16,384 to 16,384.
        x: i32,
        /// Its upper edge on the canvas, pixels, -16,384 to 16,384.
        y: i32,
        /// How it looks.
        #[serde(default)]
        style: TextStyle,
    },
    /// The host's local time, to the second.
    Clock {
        /// Its left edge on the canvas, pixels, -16,384 to 16,384.
        x: i32,
        /// Its upper edge on the canvas, pixels, -16,384 to 16,384.
        y: i32,
        /// How it looks.
        #[serde(default)]
        style: TextStyle,
    },
}

/// How text looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextStyle {
    /// Height of a line, pixels, 8 to 512.
    pub size: u32,
    /// Red, green, blue and alpha of the letters, 8 bits each from the highest.
    pub rgba: u32,
    /// The same of the box behind them.
    pub box_rgba: u32,
}

/// How one arrangement becomes the next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Transition {
    /// How long it takes, ms, 0 (a cut) to 10,000.
    pub ms: u32,
    /// How it speeds up and slows down.
    pub easing: Easing,
}

/// How a movement speeds up and slows down.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Easing {
    /// Evenly.
    Linear,
    /// Slowly at both ends.
    #[default]
    InOut,
    /// Slowly at its end.
    Out,
}

/// Whose voice makes the others quieter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ducking {
    /// Id of the source that speaks.
    pub by: String,
    /// It speaks while its level is above, dBFS, -80 to 0.
    #[serde(default = "threshold_db")]
    pub threshold_db: f64,
    /// By how much the others are made quieter meanwhile, dB, 0 to 60.
    #[serde(default = "reduce_db")]
    pub reduce_db: f64,
}

/// How a composite is encoded: H.264 and AAC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Encoding {
    /// Of the pictures, kb/s, 100 to 100,000.
    pub video_kbps: u32,
    /// Of the sound, kb/s, 32 to 512.
    pub audio_kbps: u32,
    /// How much work is spent on a picture.
    pub preset: Preset,
    /// The time between key frames, ms, 250 to 10,000.
    pub keyframe_ms: u32,
}

/// How much work x264 spends on a picture: the less, the more bits it takes for the same quality.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The least.
    Ultrafast,
    /// Little.
    Superfast,
    /// What one core does at 1080p30.
    #[default]
    Veryfast,
    /// More.
    Faster,
    /// Much.
    Fast,
    /// x264's own choice.
    Medium,
}

impl Preset {
    /// As x264 calls it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ultrafast => "ultrafast",
            Self::Superfast => "superfast",
            Self::Veryfast => "veryfast",
            Self::Faster => "faster",
            Self::Fast => "fast",
            Self::Medium => "medium",
        }
    }
}

impl Default for TextStyle {
    fn default() -> Self {
        Self {
            size: 28,
            rgba: 0xffff_ffff,
            box_rgba: 0x0000_00a0,
        }
    }
}

impl Default for Encoding {
    fn default() -> Self {
        Self {
            video_kbps: 4_500,
            audio_kbps: 128,
            preset: Preset::default(),
            keyframe_ms: 2_000,
        }
    }
}

fn fps_milli() -> u32 {
    30_000
}

fn hold_ms() -> u32 {
    2_000
}

fn threshold_db() -> f64 {
    -40.0
}

fn reduce_db() -> f64 {
    12.0
}

fn opaque() -> f64 {
    1.0
}

/// What is wrong with a composite.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct CompositeError {
    /// Which field, for example `sources[2].gain_db`.
    pub field: String,
    /// What is wrong with it, and what is allowed.
    pub problem: String,
}

type Checked = Result<(), CompositeError>;

impl CompositeSpec {
    /// The streams that it shows.
    pub fn streams(&self) -> impl Iterator<Item = &StreamName> {
        self.sources.iter().filter_map(|source| match &source.from {
            Media::Stream(name) => Some(name),
            Media::File(_) => None,
        })
    }

    /// The canvas as layout policies see it.
    pub fn canvas(&self) -> Canvas {
        Canvas {
            width: self.width,
            height: self.height,
            fps_milli: self.fps_milli,
            ..Canvas::default()
        }
    }

    /// Holds every field against its range.
    ///
    /// # Errors
    /// The first that is wrong.
    pub fn check(&self) -> Checked {
        side("width", self.width, 64..=7_680)?;
        side("height", self.height, 64..=4_320)?;
        within("fps_milli", self.fps_milli, 1_000..=120_000)?;
        at_most("sources", self.sources.len(), MAX_SOURCES)?;
        at_most("overlays", self.overlays.len(), MAX_OVERLAYS)?;
        for (n, source) in self.sources.iter().enumerate() {
            let field = |name: &str| format!("sources[{n}].{name}");
            source.check(field)?;
            let before = self.sources.iter().take(n);
            if before.into_iter().any(|other| other.id == source.id) {
                let problem = format!("{:?} is another source's already", source.id);
                return wrong(field("id"), problem);
            }
        }
        for (n, overlay) in self.overlays.iter().enumerate() {
            overlay.check(|name| format!("overlays[{n}].{name}"))?;
        }
        if let Some(style) = &self.name_tags {
            within("name_tags.size", style.size, SIZES)?;
        }
        within("background_rgb", self.background_rgb, 0..=0xff_ffff)?;
        within("transition.ms", self.transition.ms, 0..=10_000)?;
        within("hold_ms", self.hold_ms, 0..=600_000)?;
        self.check_ducking()?;
        within(
            "encoding.video_kbps",
            self.encoding.video_kbps,
            100..=100_000,
        )?;
        within("encoding.audio_kbps", self.encoding.audio_kbps, 32..=512)?;
        within(
            "encoding.keyframe_ms",
            self.encoding.keyframe_ms,
            250..=10_000,
        )
    }

    fn check_ducking(&self) -> Checked {
        let Some(ducking) = &self.ducking else {
            return Ok(());
        };
        if !self.sources.iter().any(|source| source.id == ducking.by) {
            return wrong(
                "ducking.by",
                format!("no source has the id {:?}", ducking.by),
            );
        }
        within("ducking.threshold_db", ducking.threshold_db, -80.0..=0.0)?;
        within("ducking.reduce_db", ducking.reduce_db, 0.0..=60.0)
    }
}

/// Heights of text.
const SIZES: RangeInclusive<u32> = 8..=512;
/// Places of overlays.
const PLACES: RangeInclusive<i32> = -16_384..=16_384;

impl CompositeSource {
    /// What people call it.
    pub fn name(&self) -> &str {
        match self.title.as_str() {
            "" => &self.id,
            title => title,
        }
    }

    fn check(&self, field: impl Fn(&str) -> String) -> Checked {
        // Stream names are ids as they are.
        if let Err(error) = self.id.parse::<StreamName>() {
            return wrong(field("id"), error.to_string());
        }
        text(field("title"), &self.title)?;
        if let Media::File(path) = &self.from {
            file(field("from.file"), path)?;
        }
        within(field("gain_db"), self.gain_db, -60.0..=20.0)
    }
}

impl Overlay {
    fn check(&self, field: impl Fn(&str) -> String) -> Checked {
        let (Self::Image { x, y, .. } | Self::Text { x, y, .. } | Self::Clock { x, y, .. }) = self;
        within(field("x"), *x, PLACES)?;
        within(field("y"), *y, PLACES)?;
        match self {
            Self::Image {
                file: path,
                width,
                alpha,
                ..
            } => {
                file(field("file"), path)?;
                within(field("width"), width.unwrap_or(2), 2..=4_096)?;
                within(field("alpha"), *alpha, 0.0..=1.0)
            }
            Self::Text {
                text: it, style, ..
            } => {
                text(field("text"), it)?;
                within(field("style.size"), style.size, SIZES)
            }
            Self::Clock { style, .. } => within(field("style.size"), style.size, SIZES),
        }
    }
}

fn wrong(field: impl Into<String>, problem: impl Into<String>) -> Checked {
    Err(CompositeError {
        field: field.into(),
        problem: problem.into(),
    })
}

fn within<T: PartialOrd + std::fmt::Display>(
    field: impl Into<String>,
    value: T,
    range: RangeInclusive<T>,
) -> Checked {
    match range.contains(&value) {
        true => Ok(()),
        false => wrong(
            field,
            format!("{value} is not in {} to {}", range.start(), range.end()),
        ),
    }
}

fn side(field: &str, pixels: u32, range: RangeInclusive<u32>) -> Checked {
    within(field, pixels, range)?;
    match pixels % 2 {
        0 => Ok(()),
        _ => wrong(
            field,
            format!("{pixels} is odd; two pixels share their colour"),
        ),
    }
}

fn at_most(field: &str, count: usize, most: usize) -> Checked {
    match count <= most {
        true => Ok(()),
        false => wrong(field, format!("{count} are more than {most}")),
    }
}

fn text(field: String, text: &str) -> Checked {
    match text.len() <= MAX_TEXT_BYTES && !text.contains(char::is_control) {
        true => Ok(()),
        false => wrong(
            field,
            format!("at most {MAX_TEXT_BYTES} bytes and no control characters"),
        ),
    }
}

fn file(field: String, path: &str) -> Checked {
    match Endpoint::file(path) {
        Ok(_) => Ok(()),
        Err(error) => wrong(field, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: &str = r#"{
        "width": 1920, "height": 1080, "name_tags": {},
        "sources": [
            {"id": "live/a", "from": {"stream": "live/a"}, "gain_db": -3.5},
            {"id": "clip", "title": "A clip", "from": {"file": "shows/one.mp4"}, "mute": true}
        ],
        "overlays": [
            {"type": "image", "file": "logo.png", "x": 10, "y": 10, "alpha": 0.5},
            {"type": "clock", "x": 1700, "y": 20, "style": {"size": 40}}
        ],
        "ducking": {"by": "live/a"}, "transition": {"ms": 400, "easing": "out"}
    }"#;

    fn spec() -> CompositeSpec {
        serde_json::from_str(SPEC).unwrap()
    }

    #[test]
    fn a_spec_says_little_and_is_kept_as_it_was() {
        let spec = spec();
        spec.check().unwrap();
        assert_eq!(spec.fps_milli, 30_000);
        assert_eq!(
            [spec.sources[0].name(), spec.sources[1].name()],
            ["live/a", "A clip"]
        );
        let text = serde_json::to_string(&spec).unwrap();
        assert_eq!(serde_json::from_str::<CompositeSpec>(&text).unwrap(), spec);
        assert!(serde_json::from_str::<CompositeSpec>(&SPEC.replace("mute", "mut")).is_err());
        assert!(serde_json::from_str::<CompositeSpec>(&SPEC.replace("alpha", "beta")).is_err());
    }

    #[test]
    fn what_is_wrong_is_named_with_what_is_allowed() {
        let refused = |change: fn(&mut CompositeSpec)| {
            let mut spec = spec();
            change(&mut spec);
            spec.check().unwrap_err().to_string()
        };
        for (error, wanted) in [
            (refused(|it| it.width = 1_921), "width: 1921 is odd"),
            (
                refused(|it| it.height = 0),
                "height: 0 is not in 64 to 4320",
            ),
            (refused(|it| it.fps_milli = 500), "fps_milli: 500"),
            (
                refused(|it| it.sources[1].gain_db = f64::NAN),
                "sources[1].gain_db: NaN",
            ),
            (
                refused(|it| it.sources[1].id = "live/a".to_owned()),
                "sources[1].id: \"live/a\" is another",
            ),
            (
                refused(|it| it.sources[1].id = "-i|x".to_owned()),
                "sources[1].id: the name has '|'",
            ),
            (
                refused(|it| it.sources[1].from = Media::File("../x".to_owned())),
                "sources[1].from.file",
            ),
            (
                refused(|it| it.sources[1].from = Media::File("concat:a|b".to_owned())),
                "sources[1].from.file",
            ),
            (
                refused(|it| it.sources[0].title = "a\nb".to_owned()),
                "sources[0].title",
            ),
            (
                refused(|it| it.transition.ms = 10_001),
                "transition.ms: 10001",
            ),
            (
                refused(|it| it.encoding.audio_kbps = 1),
                "encoding.audio_kbps: 1 is not in 32 to 512",
            ),
            (
                refused(|it| it.ducking.as_mut().unwrap().by = "x".to_owned()),
                "ducking.by",
            ),
            (
                refused(|it| it.sources = vec![it.sources[0].clone(); 257]),
                "sources: 257 are more than 256",
            ),
        ] {
            assert!(error.starts_with(wanted), "{error}");
        }
    }
}
