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

/// Keeps the tape of a call under way.
pub(crate) struct Recorder {
    tape: Tape,
    room: usize,
}

impl Recorder {
    pub(crate) fn new(seed: u64) -> Self {
        let tape = Tape {
            seed,
            ..Tape::default()
        };
        let room = TAPE_BYTES;
        Self { tape, room }
    }

    /// Keeps one answer. What comes after the first that finds no room is not kept either: a tape
    /// with holes would answer wrongly instead of not at all.
    pub(crate) fn record(&mut self, call: impl FnOnce() -> HostCall) {
        if self.tape.truncated {
            return;
        }
        let call = call();
        match self.room.checked_sub(call.bytes()) {
            Some(room) => {
                self.room = room;
                self.tape.calls.push(call);
            }
            None => self.tape.truncated = true,
        }
    }

    pub(crate) fn into_tape(self) -> Tape {
        self.tape
    }
}

/// What names and braces of a record take in JSON.
const FRAME_BYTES: usize = 64;

impl HostCall {
    /// About as many bytes as its JSON has.
    fn bytes(&self) -> usize {
        let texts = match self {
            Self::KvGet { key, found } => {
                key.len() + found.as_ref().map_or(0, |entry| entry.value.len())
            }
            Self::KvSet { key, .. }
            | Self::KvCompareAndSet { key, .. }
            | Self::KvDelete { key, .. } => key.len(),
            Self::KvKeys { prefix, keys } => prefix.len() + of_texts(keys),
            Self::LibraryCount { .. } => 0,
            Self::LibraryPage { assets, .. } => assets.iter().map(of_asset).sum(),
            Self::LibraryGet { id, asset } => id.len() + asset.as_ref().map_or(0, of_asset),
            Self::HttpFetch {
                method,
                url,
                result,
            } => {
                let answer = result.as_ref().map_or(0, |answer| {
                    let headers = answer.headers.iter();
                    let headers: usize =
                        headers.map(|(name, value)| name.len() + value.len()).sum();
                    headers + answer.body.len()
                });
                method.len() + url.len() + answer
            }
        };
        FRAME_BYTES + texts
    }
}

fn of_texts(texts: &[String]) -> usize {
    texts.iter().map(|text| text.len() + 3).sum()
}

fn of_asset(asset: &Asset) -> usize {
    let attributes = asset.attributes.iter();
    let attributes: usize = attributes
        .map(|(key, value)| key.len() + value.len() + 6)
        .sum();
    let texts = asset.id.len() + asset.title.len() + asset.folder.len() + of_texts(&asset.tags);
    3 * FRAME_BYTES + texts + attributes + asset.segments.len() * FRAME_BYTES
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_key(key: String) -> HostCall {
        HostCall::KvDelete {
            key,
            existed: false,
        }
    }

    #[test]
    fn a_tape_is_bounded_and_says_that_it_is_cut() {
        let mut recorder = Recorder::new(7);
        for _ in 0..10 {
            recorder.record(|| of_key("x".repeat(TAPE_BYTES / 9)));
        }
        recorder.record(|| of_key("small".to_owned()));
        let tape = recorder.into_tape();
        assert!(
            tape.truncated && tape.calls.len() == 8,
            "{}",
            tape.calls.len()
        );
        assert!(serde_json::to_string(&tape).unwrap().len() <= TAPE_BYTES);
    }

    #[test]
    fn the_estimate_is_near_the_json() {
        let asset = Asset {
            id: "clips/0001.ts".to_owned(),
            tags: vec!["news".to_owned(), "short".to_owned()],
            duration_ms: 1_800_000,
            last_played_unix_ms: Some(1_767_225_600_000),
            plays: 3,
            segments: vec![
                model::selection::PlayedSegment {
                    start_ms: 600_000,
                    end_ms: 900_000,
                    played_unix_ms: 1_767_225_600_000,
                };
                3
            ],
            added_unix_ms: 1_767_000_000_000,
            ..Asset::default()
        };
        let call = HostCall::LibraryPage {
            filter: AssetFilter::default(),
            order: AssetOrder::Id,
            offset: 0,
            limit: 200,
            assets: vec![asset; 200],
        };
        let json = serde_json::to_string(&call).unwrap().len();
        let (low, high) = (json * 3 / 4, json * 5 / 4);
        assert!(
            (low..high).contains(&call.bytes()),
            "{json} {}",
            call.bytes()
        );
    }

    #[test]
    fn a_tape_survives_json() {
        let result = Err(HttpError::Denied("private".to_owned()));
        let calls = vec![
            of_key("k".to_owned()),
            HostCall::HttpFetch {
                method: "GET".to_owned(),
                url: "http://a/".to_owned(),
                result,
            },
        ];
        let tape = Tape {
            seed: (1 << 53) - 1,
            calls,
            truncated: true,
        };
        let json = serde_json::to_string(&tape).unwrap();
        assert_eq!(serde_json::from_str::<Tape>(&json).unwrap(), tape, "{json}");
    }
}
