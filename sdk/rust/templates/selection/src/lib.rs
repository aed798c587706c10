//! Plays what was not played for longest.

use pointsman_sdk::library::{Filter, Library, Order};
use pointsman_sdk::selection::{Clip, Request, Selection};
use pointsman_sdk::{Error, export};
use serde::Deserialize;

/// The operator's settings, as `config.schema.json` describes them.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    tag: Option<String>,
}

struct Policy;

impl Selection for Policy {
    type Config = Config;

    /// Called when the channel needs its next clip.
    fn select(request: Request, library: Library<'_>, config: Config) -> Result<Clip, Error> {
        let filter = Filter {
            tag: config.tag,
            ..Filter::all()
        };
        let queued = |id: &str| request.history.iter().any(|item| item.asset == id);
        let mut assets = library.assets(filter, Order::LeastRecentlyPlayed);
        let asset = assets
            .find(|asset| !queued(&asset.id))
            .ok_or_else(|| Error::new("no clip is left that was not played lately"))?;
        Ok(Clip::whole(&asset).because("not played for longest"))
    }
}

export!(Policy, kinds: [selection], schema: include_str!("../config.schema.json"));

#[cfg(test)]
mod tests {
    #[test]
    fn fixtures() {
        pointsman_sdk::testing::pass_fixtures::<super::Policy>("fixtures");
    }
}
