//! What a selection policy is told and what it answers: the newest `selection` and `library` of
//! `wit/`, as the host sees them.

use crate::routing::Attributes;
use serde::{Deserialize, Serialize};

/// What is asked for when a channel needs its next clip.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SelectionRequest {
    /// The channel.
    pub channel: String,
    /// Time of the decision, Unix milliseconds.
    pub now_unix_ms: u64,
    /// The host's offset from UTC now, minutes, east positive.
    #[serde(default)]
    pub utc_offset_minutes: i32,
    /// When the clip will begin, Unix milliseconds.
    #[serde(default)]
    pub starts_unix_ms: u64,
    /// The length that is wished for; none: a whole clip.
    #[serde(default)]
    pub wanted_ms: Option<u64>,
    /// What was played or is queued, the latest first.
    #[serde(default)]
    pub history: Vec<PlayedItem>,
    /// The operator's labels of the channel.
    #[serde(default)]
    pub labels: Attributes,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

/// Something played or queued.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlayedItem {
    /// The asset's id.
    pub asset: String,
    /// Where it began within the asset.
    #[serde(default)]
    pub start_ms: u64,
    /// Where it ended within the asset.
    #[serde(default)]
    pub end_ms: u64,
    /// When it began or will begin, Unix milliseconds.
    #[serde(default)]
    pub at_unix_ms: u64,
}

/// What plays next.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clip {
    /// The asset's id.
    pub asset: String,
    /// Where to begin within the asset.
    #[serde(default)]
    pub start_ms: u64,
    /// Where to end; none: at its end.
    #[serde(default)]
    pub end_ms: Option<u64>,
    /// Why, in a few words, for the operator.
    #[serde(default)]
    pub reason: String,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

/// A clip of a library.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asset {
    /// Unique within the library, stable as long as the clip exists.
    pub id: String,
    /// For people.
    #[serde(default)]
    pub title: String,
    /// Folder within the library, parts joined by `/`; empty at the top.
    #[serde(default)]
    pub folder: String,
    /// Length.
    pub duration_ms: u64,
    /// In byte order.
    #[serde(default)]
    pub tags: Vec<String>,
    /// When any of it was last played, Unix milliseconds; none: never.
    #[serde(default)]
    pub last_played_unix_ms: Option<u64>,
    /// How often any of it was played.
    #[serde(default)]
    pub plays: u32,
    /// The parts played, by start.
    #[serde(default)]
    pub segments: Vec<PlayedSegment>,
    /// When it came into the library, Unix milliseconds.
    #[serde(default)]
    pub added_unix_ms: u64,
    /// What newer versions add.
    #[serde(default)]
    pub attributes: Attributes,
}

/// A part of an asset that was played.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlayedSegment {
    /// Where it began within the asset.
    pub start_ms: u64,
    /// Where it ended within the asset.
    pub end_ms: u64,
    /// When it was last played, Unix milliseconds.
    pub played_unix_ms: u64,
}

/// Which assets of a library; all conditions hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssetFilter {
    /// In this folder or below it.
    #[serde(default)]
    pub folder: Option<String>,
    /// With this tag.
    #[serde(default)]
    pub tag: Option<String>,
}

/// In which order a library is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AssetOrder {
    /// Never played first (by id), then the longest not played first.
    LeastRecentlyPlayed,
    /// By id.
    Id,
    /// The newest first.
    Newest,
}

/// The clips that a channel may play, looked at in pages.
///
/// Called while a policy waits, so it answers from memory: a page of a hundred thousand clips
/// well within a millisecond.
pub trait Library: Send + Sync {
    /// How many assets there are.
    fn count(&self, filter: &AssetFilter) -> u32;

    /// From `offset`, at most `limit` assets.
    fn page(&self, filter: &AssetFilter, order: AssetOrder, offset: u32, limit: u32) -> Vec<Asset>;

    /// One asset.
    fn get(&self, id: &str) -> Option<Asset>;
}
