//! What a call used of the host besides its input, so that it can be made again.

use crate::http::{Answer, HttpError};
use crate::kv::{Entry, KvError};
use model::selection::{Asset, AssetFilter, AssetOrder};
use serde::{Deserialize, Serialize};

/// Bytes that one call's tape may take, about as many as its JSON.
pub const TAPE_BYTES: usize = 256 << 10;

/// A call's seed, and what the host answered to it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tape {
    /// Where its random numbers begin. Below 2^53, so that it survives every reader of JSON.
    pub seed: u64,
    /// Answers that do not follow from the input, in the order they were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<HostCall>,
    /// Whether answers are missing, since they took more than [`TAPE_BYTES`]: a replay may then
    /// come to something else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// A call of the guest to the host, and the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "kebab-case")]
pub enum HostCall {
    /// `kv.get`.
    KvGet {
        /// The key.
        key: String,
        /// What was there.
        found: Option<Entry>,
    },
    /// `kv.set`.
    KvSet {
        /// The key.
        key: String,
        /// The new revision.
        result: Result<u64, KvError>,
    },
    /// `kv.compare-and-set`.
    KvCompareAndSet {
        /// The key.
        key: String,
        /// The revision that it was expected to have.
        revision: u64,
        /// The new one.
        result: Result<u64, KvError>,
    },
    /// `kv.delete`.
    KvDelete {
        /// The key.
        key: String,
        /// Whether there was an entry.
        existed: bool,
    },
    /// `kv.keys`.
    KvKeys {
        /// What they begin with.
        prefix: String,
        /// In byte order.
        keys: Vec<String>,
    },
    /// `catalogue.count`.
    LibraryCount {
        /// Of which assets.
        filter: AssetFilter,
        /// How many.
        count: u32,
    },
    /// `catalogue.page`.
    LibraryPage {
        /// Of which assets.
        filter: AssetFilter,
        /// In which order.
        order: AssetOrder,
        /// From which on.
        offset: u32,
        /// How many at most.
        limit: u32,
        /// The assets.
        assets: Vec<Asset>,
    },
    /// `catalogue.get`.
    LibraryGet {
        /// The asset's id.
        id: String,
        /// The asset.
        asset: Option<Asset>,
    },
    /// `http.fetch`.
    HttpFetch {
        /// The method.
        method: String,
        /// The whole URL.
        url: String,
        /// What came of it.
        result: Result<Answer, HttpError>,
    },
}
