//! What a layout policy is told and what it answers: the newest `layout` of `wit/`, as the host
//! sees it.

use crate::routing::Attributes;
use serde::{Deserialize, Serialize};

/// A rectangle: in a source fractions of its size, on the canvas pixels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rect {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Extent to the right.
    pub width: f64,
    /// Extent downwards.
    pub height: f64,
}

impl Rect {
    /// A whole source.
    pub const WHOLE: Self = Self {
        x: 0.0,
        y: 0.0,
        width: 1.0,
        height: 1.0,
    };
}

/// What is drawn on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canvas {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Thousandths of a frame per second.
    #[serde(default)]
    pub fps_milli: u32,
    /// The screens that show it; empty when it is not split.
    #[serde(default)]
    pub screens: Vec<Screen>,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

/// A screen of a wall.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Screen {
    /// Unique within the canvas.
    pub id: String,
    /// Its part of the canvas, pixels.
    pub area: Rect,
    /// Row in the wall, from 0 at the top.
    pub row: u32,
    /// Column in the wall, from 0 at the left.
    pub column: u32,
    /// The frames around its picture.
    #[serde(default)]
    pub bezel: Bezel,
}

/// Widths of a screen's frame, pixels of its picture.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bezel {
    /// At the left.
    #[serde(default)]
    pub left: f64,
    /// At the top.
    #[serde(default)]
    pub top: f64,
    /// At the right.
    #[serde(default)]
    pub right: f64,
    /// At the bottom.
    #[serde(default)]
    pub bottom: f64,
}

/// A picture that may be shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SceneSource {
    /// Unique within the scene.
    pub id: String,
    /// For people.
    #[serde(default)]
    pub title: String,
    /// Whether pictures arrive.
    #[serde(default)]
    pub connected: bool,
    /// Pixels; 0 when unknown.
    #[serde(default)]
    pub width: u32,
    /// Pixels; 0 when unknown.
    #[serde(default)]
    pub height: u32,
    /// Level of its sound over the last 400 ms, dBFS; none without sound.
    #[serde(default)]
    pub audio_level_db: Option<f64>,
    /// The operator's labels.
    #[serde(default)]
    pub labels: Attributes,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

/// Everything there is to arrange.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// The composite's name.
    pub name: String,
    /// Time of the decision, Unix milliseconds.
    pub now_unix_ms: u64,
    /// The host's offset from UTC now, minutes, east positive.
    #[serde(default)]
    pub utc_offset_minutes: i32,
    /// What is drawn on.
    pub canvas: Canvas,
    /// What may be drawn, in the operator's order.
    #[serde(default)]
    pub sources: Vec<SceneSource>,
    /// The tiles in force; empty at first.
    #[serde(default)]
    pub tiles: Vec<Tile>,
    /// Since when they are, Unix milliseconds.
    #[serde(default)]
    pub since_unix_ms: u64,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

/// A line around a tile, drawn inside its rectangle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Border {
    /// Pixels.
    pub width: u32,
    /// Red, green, blue, alpha, 8 bits each from the highest.
    pub rgba: u32,
}

/// A picture on the canvas.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tile {
    /// Id of the source.
    pub source: String,
    /// The part of the source shown, fractions.
    #[serde(default = "whole")]
    pub part: Rect,
    /// Where, pixels.
    pub area: Rect,
    /// Those with a higher one cover those with a lower.
    #[serde(default)]
    pub z: i32,
    /// Clockwise, degrees: 0, 90, 180 or 270.
    #[serde(default)]
    pub rotation: u32,
    /// Opacity, 0 to 1.
    #[serde(default = "opaque")]
    pub alpha: f64,
    /// A line around it.
    #[serde(default)]
    pub border: Option<Border>,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

fn whole() -> Rect {
    Rect::WHOLE
}

fn opaque() -> f64 {
    1.0
}

/// What is seen from the next frame on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrangement {
    /// Every tile.
    #[serde(default)]
    pub tiles: Vec<Tile>,
    /// Why, in a few words, for the operator.
    #[serde(default)]
    pub reason: String,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}
