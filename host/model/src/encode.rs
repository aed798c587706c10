//! What is wanted of an encoder: the renditions of a stream.

use crate::{Label, NameError, StreamName};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::RangeInclusive;

/// Renditions of one stream at once.
pub const MAX_RENDITIONS: usize = 8;

/// What encodes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hardware {
    /// The first of `nvidia`, `vaapi` and `cpu` that passes a trial.
    #[default]
    Auto,
    /// x264.
    Cpu,
    /// NVENC.
    Nvidia,
    /// VA-API: graphics of Intel and AMD.
    Vaapi,
}

/// A named set of renditions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ladder {
    /// 1080, 720 and 480 lines.
    #[default]
    Standard,
    /// 720, 480 and 240 lines, for narrow networks.
    Mobile,
    /// 2160, 1080, 720 and 480 lines.
    Uhd,
}

/// What sound is encoded with.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AudioCodec {
    /// AAC-LC, which all players take.
    #[default]
    Aac,
    /// Opus, which browsers take over WebRTC, and few others do in MPEG-TS.
    Opus,
}

/// The renditions of a stream: `live/cam` becomes `live/cam@720p` and so on, all from one decoder,
/// with key frames at the same times.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct EncodeSpec {
    /// Which renditions, where none are listed.
    pub ladder: Ladder,
    /// Which renditions, largest first; at most [`MAX_RENDITIONS`]. None: those of `ladder`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub renditions: Vec<Rendition>,
    /// What encodes.
    pub hardware: Hardware,
    /// A key frame every so many ms of the stream's time, 500 to 10000.
    pub key_frame_ms: u32,
    /// The sound of every rendition.
    pub audio: AudioSpec,
}

/// One rendition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rendition {
    /// What follows the `@` in its stream's name.
    pub name: Label,
    /// Lines, 64 to 4320; the width follows from the source's shape. A rendition with more lines
    /// than the source is left out; were all left out, the smallest is made with the source's.
    pub height: u32,
    /// Bits a second of its pictures, in thousands, 50 to 100000.
    pub video_kbps: u32,
}

/// How sound is encoded: two channels at 48 kHz.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AudioSpec {
    /// With what.
    pub codec: AudioCodec,
    /// Bits a second, in thousands, 32 to 512.
    pub kbps: u32,
    /// Made so much louder, dB, -60 to 20. It is measured once and applied as it is, since what
    /// adapts at run time pumps.
    pub gain_db: f64,
}

/// A field out of its range.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} must be {must}")]
pub struct Fault {
    /// Its path in the document, such as `renditions[1].height`.
    pub field: String,
    /// What it must be.
    pub must: String,
}

impl Default for EncodeSpec {
    fn default() -> Self {
        Self {
            ladder: Ladder::default(),
            renditions: Vec::new(),
            hardware: Hardware::default(),
            key_frame_ms: 2_000,
            audio: AudioSpec::default(),
        }
    }
}

impl Default for AudioSpec {
    fn default() -> Self {
        Self {
            codec: AudioCodec::default(),
            kbps: 128,
            gain_db: 0.0,
        }
    }
}

impl Hardware {
    /// The name used in the API and the config.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cpu => "cpu",
            Self::Nvidia => "nvidia",
            Self::Vaapi => "vaapi",
        }
    }
}

impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Ladder {
    /// Lines and thousands of bits a second of each rendition, largest first.
    pub const fn levels(self) -> &'static [(u32, u32)] {
        match self {
            Self::Standard => &[(1_080, 4_500), (720, 2_500), (480, 1_000)],
            Self::Mobile => &[(720, 1_800), (480, 800), (240, 300)],
            Self::Uhd => &[(2_160, 14_000), (1_080, 5_000), (720, 2_800), (480, 1_200)],
        }
    }
}

impl EncodeSpec {
    /// The renditions that are wanted, whatever the source is like.
    pub fn wanted(&self) -> Vec<Rendition> {
        if !self.renditions.is_empty() {
            return self.renditions.clone();
        }
        let levels = self.ladder.levels().iter();
        let rendition = |&(height, video_kbps): &(u32, u32)| {
            let name = format!("{height}p").parse().ok()?;
            Some(Rendition {
                name,
                height,
                video_kbps,
            })
        };
        levels.filter_map(rendition).collect()
    }

    /// Every field at fault, with what it must be.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        if self.renditions.len() > MAX_RENDITIONS {
            faults.push(Fault::new(
                "renditions",
                format!("at most {MAX_RENDITIONS}"),
            ));
        }
        for (n, rendition) in self.renditions.iter().enumerate() {
            let field = |name: &str| format!("renditions[{n}].{name}");
            let taken = self.renditions.iter().take(n);
            if taken.clone().any(|other| other.name == rendition.name) {
                faults.push(Fault::new(field("name"), "one that no other has"));
            }
            faults.extend(within(
                field("height"),
                rendition.height,
                64..=4_320,
                "lines",
            ));
            let range = 50..=100_000;
            faults.extend(within(
                field("video_kbps"),
                rendition.video_kbps,
                range,
                "kbit/s",
            ));
        }
        let range = 500..=10_000;
        faults.extend(within("key_frame_ms", self.key_frame_ms, range, "ms"));
        faults.extend(self.audio.faults());
        faults
    }
}

impl AudioSpec {
    /// Every field at fault, with what it must be.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults: Vec<_> = within("audio.kbps", self.kbps, 32..=512, "kbit/s")
            .into_iter()
            .collect();
        if !(-60.0..=20.0).contains(&self.gain_db) {
            faults.push(Fault::new("audio.gain_db", "-60 to 20 dB"));
        }
        faults
    }
}

impl Fault {
    /// A field, and what it must be.
    pub fn new(field: impl Into<String>, must: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            must: must.into(),
        }
    }
}

/// The name of a stream's rendition: `live/cam@720p`.
///
/// # Errors
/// It would be too long.
pub fn rendition_name(stream: &StreamName, rendition: &Label) -> Result<StreamName, NameError> {
    format!("{stream}@{rendition}").parse()
}

/// The fault of a number outside of its range.
pub(crate) fn within(
    field: impl Into<String>,
    value: u32,
    range: RangeInclusive<u32>,
    unit: &str,
) -> Option<Fault> {
    let must = format!("{} to {} {unit}", range.start(), range.end());
    (!range.contains(&value)).then(|| Fault::new(field, must))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(json: &str) -> EncodeSpec {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn nothing_said_is_three_levels_and_aac() {
        let spec = spec("{}");
        let wanted: Vec<_> = spec
            .wanted()
            .into_iter()
            .map(|it| (it.name.to_string(), it.height))
            .collect();
        let expected = [("1080p", 1080), ("720p", 720), ("480p", 480)];
        assert_eq!(
            wanted,
            expected.map(|(name, height)| (name.to_owned(), height))
        );
        assert_eq!(spec.faults(), []);
        assert_eq!(
            (spec.audio.codec, spec.hardware),
            (AudioCodec::Aac, Hardware::Auto)
        );
    }

    #[test]
    fn every_fault_names_its_field_and_range() {
        let spec = spec(
            r#"{"renditions":[{"name":"a","height":720,"video_kbps":50},
                {"name":"a","height":9,"video_kbps":0}],
                "key_frame_ms":1,"audio":{"kbps":8,"gain_db":99.5}}"#,
        );
        let said: Vec<_> = spec.faults().iter().map(ToString::to_string).collect();
        let expected = [
            "renditions[1].name must be one that no other has",
            "renditions[1].height must be 64 to 4320 lines",
            "renditions[1].video_kbps must be 50 to 100000 kbit/s",
            "key_frame_ms must be 500 to 10000 ms",
            "audio.kbps must be 32 to 512 kbit/s",
            "audio.gain_db must be -60 to 20 dB",
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn unknown_keys_and_names_are_refused() {
        for json in [
            r#"{"ladders":"uhd"}"#,
            r#"{"hardware":"gpu"}"#,
            r#"{"audio":{"gain":1}}"#,
        ] {
            assert!(serde_json::from_str::<EncodeSpec>(json).is_err(), "{json}");
        }
    }
}
