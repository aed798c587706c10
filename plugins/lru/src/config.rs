//! The configuration, as `config.schema.json` describes it.

use crate::segments::Shape;
use pointsman_sdk::library::Filter;
use serde::Deserialize;

/// The operator's settings.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Only assets in this folder or below it.
    pub folder: Option<String>,
    /// Only assets with at least one of these tags; empty: all of them.
    pub tags: Vec<String>,
    /// Length of a segment, milliseconds; none: an asset is played whole.
    pub segment_ms: Option<u64>,
    /// A remainder shorter than this goes with the segment before it, milliseconds; none: half a
    /// segment.
    pub min_segment_ms: Option<u64>,
}

impl Config {
    /// What to look for in the library: one filter for each tag, since it knows no "or".
    pub(crate) fn filters(&self) -> Vec<Filter> {
        let filter = |tag: Option<&String>| Filter {
            folder: self.folder.clone(),
            tag: tag.cloned(),
        };
        if self.tags.is_empty() {
            return vec![filter(None)];
        }
        self.tags.iter().map(|tag| filter(Some(tag))).collect()
    }

    /// How assets are cut for a channel that wishes for clips of a length.
    pub(crate) fn shape(&self, wanted_ms: Option<u64>) -> Shape {
        let configured = self.segment_ms.unwrap_or(u64::MAX);
        let wanted = wanted_ms.filter(|ms| *ms > 0).unwrap_or(u64::MAX);
        let length_ms = configured.min(wanted).max(1);
        let min_ms = self.min_segment_ms.unwrap_or(length_ms / 2);
        Shape {
            length_ms,
            // A remainder of a whole segment or more does not exist.
            min_ms: min_ms.min(length_ms),
        }
    }

    /// The error of a library without an asset to play.
    pub(crate) fn nothing_to_play(&self) -> String {
        let folder = match &self.folder {
            Some(folder) => format!(" in {folder:?}"),
            None => String::new(),
        };
        match self.tags.as_slice() {
            [] => format!("the library has no asset{folder}"),
            tags => format!("no asset{folder} has a tag of {}", tags.join(", ")),
        }
    }
}
