//! The configuration, as `config.schema.json` describes it.

use pointsman_sdk::layout;
use serde::Deserialize;

/// The operator's settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the arrangement is.
    pub mode: Mode,
    /// Patterns over source ids: which are shown, in which order; empty: all of them.
    pub sources: Vec<String>,
    /// How a picture fills its tile.
    pub fit: Fit,
    /// Between two tiles, pixels.
    pub gap: f64,
    /// Between the tiles and the canvas's edge, pixels; none: as the gap.
    pub margin: Option<f64>,
    /// Around every tile.
    pub border: Option<Border>,
    /// Of a grid; none: as many as make the pictures largest.
    pub columns: Option<u32>,
    /// Of a grid.
    pub last_row: LastRow,
    /// Of the modes that have one large picture.
    pub featured: Featured,
    /// Of picture-in-picture.
    pub pip: Pip,
    /// Of the active speaker.
    pub speaker: Speaker,
}

impl Config {
    /// Between the tiles and the canvas's edge, pixels.
    pub(crate) fn margin(&self) -> f64 {
        self.margin.unwrap_or(self.gap)
    }
}

/// What an arrangement is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Equal tiles.
    #[default]
    Grid,
    /// One above the other.
    Rows,
    /// Side by side.
    Columns,
    /// The first one large.
    Featured,
    /// The first one everywhere, the others small in a corner.
    Pip,
    /// Whoever speaks first.
    Speaker,
    /// The first one over all screens.
    Span,
}

/// How a picture fills its tile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// All of it, with room left beside it.
    #[default]
    Contain,
    /// The middle of it, without room left.
    Cover,
    /// All of it, out of proportion.
    Stretch,
}

/// Where the tiles of a last row stand that is not full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LastRow {
    /// In its middle.
    #[default]
    Centre,
    /// At its left.
    Left,
    /// Over all of it.
    Stretch,
}

/// One large picture and others.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Featured {
    /// Where the others stand.
    pub others: Others,
    /// The large one's share of the canvas's width or height.
    pub share: f64,
}

impl Default for Featured {
    fn default() -> Self {
        Self {
            others: Others::Right,
            share: 0.75,
        }
    }
}

/// Where the others stand beside the large one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Others {
    /// At its right.
    Right,
    /// Below it.
    Bottom,
    /// At its left.
    Left,
    /// Above it.
    Top,
    /// At its right and below it.
    Corner,
}

/// Small pictures in a corner.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Pip {
    /// Where the first of them stands.
    pub corner: Corner,
    /// Width of each as a share of the canvas's.
    pub size: f64,
    /// Between them and the canvas's edges, pixels.
    pub margin: f64,
}

impl Default for Pip {
    fn default() -> Self {
        Self {
            corner: Corner::BottomRight,
            size: 0.25,
            margin: 32.0,
        }
    }
}

/// A corner of the canvas.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs)]
pub enum Corner {
    TopLeft,
    TopRight,
    BottomLeft,
    BottomRight,
}

/// Who speaks, and what is made of it.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Speaker {
    /// What is made of the speaker and the others.
    pub style: Style,
    /// A speaker is shown for at least so long, milliseconds.
    pub hold_ms: u64,
    /// Somebody else has to be louder by so much, dB.
    pub margin_db: f64,
    /// Who is not louder than this does not speak, dBFS.
    pub silence_db: f64,
    /// Around the speaker's tile, instead of the common one.
    pub border: Option<Border>,
}

impl Default for Speaker {
    fn default() -> Self {
        Self {
            style: Style::Featured,
            hold_ms: 2_000,
            margin_db: 6.0,
            silence_db: -50.0,
            border: None,
        }
    }
}

/// What is made of the speaker and the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// The speaker is large.
    Featured,
    /// The speaker is everywhere, the others are small in a corner.
    Pip,
    /// Only the speaker is shown.
    Alone,
}

/// A line around a tile.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Border {
    /// Pixels.
    pub width: u32,
    /// Its colour.
    pub colour: Colour,
}

impl From<Border> for layout::Border {
    fn from(border: Border) -> Self {
        Self {
            width: border.width,
            rgba: border.colour.0,
        }
    }
}

/// A colour, written `#RRGGBB` or `#RRGGBBAA`; red, green, blue, alpha from the highest bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Colour(pub u32);

impl TryFrom<String> for Colour {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parse = || {
            let digits = text.strip_prefix('#')?;
            if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return None; // the parser would take a sign
            }
            let bits = u32::from_str_radix(digits, 16).ok()?;
            match digits.len() {
                6 => Some(Self(bits << 8 | 0xff)),
                8 => Some(Self(bits)),
                _ => None,
            }
        };
        parse().ok_or_else(|| format!("{text:?} is no colour: write #RRGGBB or #RRGGBBAA"))
    }
}
