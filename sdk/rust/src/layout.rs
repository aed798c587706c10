//! The kind `layout`: where pictures stand on a canvas.

use crate::{Error, value_of};
use serde::de::DeserializeOwned;

pub use crate::bindings::layout::exports::pointsman::policy::layout::{
    Arrangement, Bezel, Border, Canvas, Rect, Scene, Screen, Source, Tile,
};

/// A policy that arranges pictures. It has no state, so the type implementing it is only a name.
pub trait Layout {
    /// The operator's configuration. It was checked against the schema before it comes here.
    type Config: DeserializeOwned;

    /// Decides where the pictures stand.
    ///
    /// # Errors
    ///
    /// Text for the operator, when nothing sensible can be arranged; the last good arrangement
    /// stays.
    fn arrange(scene: Scene, config: Self::Config) -> Result<Arrangement, Error>;
}

impl Scene {
    /// The sources that pictures arrive from, in the operator's order.
    pub fn connected(&self) -> impl Iterator<Item = &Source> {
        self.sources.iter().filter(|source| source.connected)
    }

    /// The source of that id.
    pub fn source(&self, id: &str) -> Option<&Source> {
        self.sources.iter().find(|source| source.id == id)
    }
}

impl Source {
    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        value_of(&self.labels, key)
    }

    /// Width divided by height; none while it is unknown.
    pub fn aspect(&self) -> Option<f64> {
        let known = self.width > 0 && self.height > 0;
        known.then(|| f64::from(self.width) / f64::from(self.height))
    }
}

impl Canvas {
    /// All of it, pixels.
    pub fn area(&self) -> Rect {
        Rect::new(0.0, 0.0, f64::from(self.width), f64::from(self.height))
    }
}

impl Rect {
    /// A whole source, as fractions.
    pub const WHOLE: Self = Self::new(0.0, 0.0, 1.0, 1.0);

    /// A rectangle from its upper left corner.
    pub const fn new(x: f64, y: f64, width: f64, height: f64) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// Its right edge.
    pub fn right(&self) -> f64 {
        self.x + self.width
    }

    /// Its lower edge.
    pub fn bottom(&self) -> f64 {
        self.y + self.height
    }
}

impl Tile {
    /// A source, all of it, opaque, in that part of the canvas.
    pub fn new(source: impl Into<String>, area: Rect) -> Self {
        Self {
            source: source.into(),
            area,
            ..Self::default()
        }
    }
}

impl Default for Tile {
    /// Nowhere yet, but all of the source, and opaque.
    fn default() -> Self {
        Self {
            source: String::new(),
            part: Rect::WHOLE,
            area: Rect::default(),
            z: 0,
            rotation: 0,
            alpha: 1.0,
            border: None,
            attributes: Vec::new(),
        }
    }
}
