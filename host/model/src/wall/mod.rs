//! Video walls: groups of screens, and what they play together.
//!
//! A group named `lobby` with a screen `left` makes the stream `lobby/left`, which is that screen's
//! part of the picture; `lobby` itself is the whole picture, where this host composes it. So whoever
//! owns the name of a group owns its streams.

mod check;
mod geometry;

pub use geometry::{Region, Wall};

use crate::layout::Bezel;
use crate::{Label, NameError, StreamName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Screens of one group.
pub const MAX_SCREENS: usize = 64;
/// Sources that one group shows beside each other.
pub const MAX_SOURCES: usize = 64;

/// Screens that show one thing together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupSpec {
    /// Begins the names of its streams.
    pub name: StreamName,
    /// At most [`MAX_SCREENS`].
    #[serde(default)]
    pub screens: Vec<ScreenSpec>,
    /// How screens stand that have no place of their own.
    #[serde(default, skip_serializing_if = "Direction::is_usual")]
    pub direction: Direction,
    /// So long after its time by the host's clock a picture is shown, on all screens at once;
    /// 300 to 30000 ms. It is what the slowest screen needs to get and decode it.
    #[serde(default = "usual_delay")]
    pub delay_ms: u32,
    /// What it shows; none: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playing: Option<Playing>,
    /// For policies to read; the host gives them no meaning.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
}

/// A screen. Sizes are those of the picture that is sent to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScreenSpec {
    /// Unique in its group.
    pub id: Label,
    /// Row in the wall, 0 to 63 from the top. All screens of a group have a place, or none has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<u32>,
    /// Column in the wall, 0 to 63 from the left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<u32>,
    /// Pixels, 16 to 7680, even.
    #[serde(default = "usual_width")]
    pub width: u32,
    /// Pixels, 16 to 7680, even.
    #[serde(default = "usual_height")]
    pub height: u32,
    /// The frame around its picture as it hangs, 0 to 1000 pixels each; what lies behind is not
    /// shown.
    #[serde(default, skip_serializing_if = "is_frameless")]
    pub bezel: Bezel,
    /// How far it is turned where it hangs, clockwise, degrees: 0, 90, 180 or 270. Its picture is
    /// turned back.
    #[serde(default, skip_serializing_if = "is_upright")]
    pub rotation: u32,
}

/// How screens stand that have no place of their own, in the order of their list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// Side by side.
    #[default]
    Horizontal,
    /// One below the other.
    Vertical,
    /// Row by row, as many in a row as there are rows, or one more.
    Grid,
}

/// What a group shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "lowercase", deny_unknown_fields)]
pub enum Playing {
    /// One picture over all screens.
    Split {
        /// Whose.
        source: WallSource,
        /// What becomes of a picture of other proportions than the wall's.
        #[serde(default, skip_serializing_if = "Fit::is_usual")]
        fit: Fit,
    },
    /// Several pictures beside each other, as the layout policy for the group's name arranges them.
    Multi {
        /// 1 to [`MAX_SOURCES`], in the operator's order.
        sources: Vec<WallSource>,
        /// How they stand if no policy says otherwise.
        #[serde(default = "grid", skip_serializing_if = "Direction::is_grid")]
        layout: Direction,
    },
}

/// Where a picture of a wall comes from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase", deny_unknown_fields)]
pub enum WallSource {
    /// A stream of this host.
    Stream {
        /// Its name; it may come later.
        name: StreamName,
    },
    /// A file, over and over.
    File {
        /// Below the media folder (`[media] dir`).
        path: String,
    },
}

/// What becomes of a picture of other proportions than the wall's.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// It fills the wall, and loses what stands out at two sides.
    #[default]
    Cover,
    /// It fills the wall, and is distorted.
    Stretch,
}

impl GroupSpec {
    /// One without screens, as it is if nothing else is said.
    pub fn new(name: StreamName) -> Self {
        Self {
            name,
            screens: Vec::new(),
            direction: Direction::default(),
            delay_ms: usual_delay(),
            playing: None,
            labels: BTreeMap::new(),
        }
    }

    /// A screen.
    pub fn screen(&self, id: &Label) -> Option<&ScreenSpec> {
        self.screens.iter().find(|screen| screen.id == *id)
    }

    /// The stream of a screen's part of the picture.
    ///
    /// # Errors
    /// It is too long for the name of a stream.
    pub fn stream_of(&self, screen: &Label) -> Result<StreamName, NameError> {
        format!("{}/{screen}", self.name).parse()
    }

    /// The streams that it has, its own name first.
    pub fn streams(&self) -> impl Iterator<Item = StreamName> {
        let parts = self.screens.iter();
        let parts = parts.filter_map(|screen| self.stream_of(&screen.id).ok());
        std::iter::once(self.name.clone()).chain(parts)
    }
}

impl ScreenSpec {
    /// A usual one: upright, 1920 x 1080, without a frame.
    pub fn new(id: Label) -> Self {
        Self {
            id,
            row: None,
            column: None,
            width: usual_width(),
            height: usual_height(),
            bezel: Bezel::default(),
            rotation: 0,
        }
    }
}

impl Playing {
    /// What it shows.
    pub fn sources(&self) -> &[WallSource] {
        match self {
            Self::Split { source, .. } => std::slice::from_ref(source),
            Self::Multi { sources, .. } => sources,
        }
    }

    /// The streams of this host that it shows.
    pub fn streams(&self) -> impl Iterator<Item = &StreamName> {
        self.sources().iter().filter_map(|source| match source {
            WallSource::Stream { name } => Some(name),
            WallSource::File { .. } => None,
        })
    }
}

impl Direction {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    fn is_grid(&self) -> bool {
        *self == Self::Grid
    }
}

impl Fit {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

const fn usual_delay() -> u32 {
    1_000
}

const fn usual_width() -> u32 {
    1_920
}

const fn usual_height() -> u32 {
    1_080
}

const fn grid() -> Direction {
    Direction::Grid
}

fn is_frameless(bezel: &Bezel) -> bool {
    *bezel == Bezel::default()
}

fn is_upright(rotation: &u32) -> bool {
    *rotation == 0
}
