//! Plays the clip of a tag that was not played for longest.

#![forbid(unsafe_code)]

use pointsman_sdk::library::{Filter, Library, Order};
use pointsman_sdk::selection::{Clip, Request, Selection};
use pointsman_sdk::{Error, export};
use serde::Deserialize;

/// The operator's settings.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Only assets with this tag; none: all of them.
    pub tag: Option<String>,
    /// How many of the latest items of the history are not played again, if there is another asset.
    pub avoid: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            tag: None,
            avoid: 1,
        }
    }
}

/// The policy.
#[derive(Debug)]
pub struct LeastPlayed;

impl Selection for LeastPlayed {
    type Config = Config;

    fn select(request: Request, library: Library<'_>, config: Config) -> Result<Clip, Error> {
        let filter = Filter {
            tag: config.tag,
            folder: None,
        };
        let lately = |id: &str| {
            request
                .history
                .iter()
                .take(config.avoid)
                .any(|it| it.asset == id)
        };
        let mut first = None;
        for asset in library.assets(filter.clone(), Order::LeastRecentlyPlayed) {
            if !lately(&asset.id) {
                let never = asset.last_played_unix_ms.is_none();
                let reason = if never {
                    "never played"
                } else {
                    "not played for longest"
                };
                return Ok(Clip::whole(&asset).because(reason));
            }
            first.get_or_insert(asset);
        }
        match (first, filter.tag) {
            (Some(asset), _) => Ok(Clip::whole(&asset).because("all were played lately")),
            (None, Some(tag)) => Err(Error::new(format!("no asset has the tag {tag:?}"))),
            (None, None) => Err(Error::new("the library is empty")),
        }
    }
}

export!(
    LeastPlayed,
    kinds: [selection],
    schema: include_str!("../../../../fixtures/least-played.schema.json"),
);

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        pointsman_sdk::testing::pass_fixtures::<super::LeastPlayed>(
            "../../../fixtures/least-played",
        );
    }
}
