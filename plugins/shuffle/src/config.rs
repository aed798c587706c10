//! The configuration, as `config.schema.json` describes it.

use pointsman_sdk::library::{Asset, Filter};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The operator's settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Only assets in this folder or below it.
    pub folder: Option<String>,
    /// Only assets with this tag.
    pub tag: Option<String>,
    /// Makes the order repeatable.
    pub seed: Option<u64>,
    /// So many plays lie between two of the same asset.
    pub no_repeat: u32,
    /// By tag, how many times as often assets with it are played.
    pub weights: BTreeMap<String, f64>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            folder: None,
            tag: None,
            seed: None,
            no_repeat: 8,
            weights: BTreeMap::new(),
        }
    }
}

impl Config {
    /// What to look for in the library.
    pub(crate) fn filter(&self) -> Filter {
        Filter {
            folder: self.folder.clone(),
            tag: self.tag.clone(),
        }
    }

    /// How many times as often as one without tags an asset is played.
    pub(crate) fn weight(&self, asset: &Asset) -> f64 {
        asset
            .tags
            .iter()
            .filter_map(|tag| self.weights.get(tag))
            .product()
    }

    /// The highest weight that an asset can have.
    pub(crate) fn top_weight(&self) -> f64 {
        self.weights
            .values()
            .map(|weight| weight.max(1.0))
            .product()
    }

    /// The error of a library without an asset to play.
    pub(crate) fn nothing_to_play(&self) -> String {
        let folder = self.folder.as_ref().map(|folder| format!(" in {folder:?}"));
        let tag = self
            .tag
            .as_ref()
            .map(|tag| format!(" with the tag {tag:?}"));
        let (folder, tag) = (folder.unwrap_or_default(), tag.unwrap_or_default());
        format!("the library has no asset{folder}{tag}")
    }
}
