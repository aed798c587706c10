//! Plays what was not played for longest; long videos in segments.
//!
//! - The asset's turn: strictly the least recently played one comes next, what was never played
//!   first. The channel's history counts beside the library's own times, since what is queued was
//!   not played yet. The asset that came last is passed over if there is another.
//! - The segment: see [`segments`].

#![forbid(unsafe_code)]

mod config;
mod segments;

pub use config::Config;

use pointsman_sdk::library::{Asset, Library, Order};
use pointsman_sdk::selection::{Clip, Request, Selection};
use pointsman_sdk::{Error, export};
use segments::Segment;

/// The policy.
#[derive(Debug)]
pub struct Lru;

impl Selection for Lru {
    type Config = Config;

    fn select(request: Request, library: Library<'_>, config: Config) -> Result<Clip, Error> {
        let asset = least_recent(&request, library, &config)?;
        let shape = config.shape(request.wanted_ms);
        let segment = segments::least_recent(&asset, &request.history, shape);
        Ok(clip(&asset, &segment, &request))
    }
}

/// When an asset was last played or will be, milliseconds since 1970; none: never.
type Played = Option<u64>;

/// The asset whose turn it is.
fn least_recent(request: &Request, library: Library<'_>, config: &Config) -> Result<Asset, Error> {
    let latest = request.latest().map(|item| item.asset.as_str());
    let mut best: Option<(Played, Asset)> = None;
    let mut repeat = None;
    for filter in config.filters() {
        for asset in library.assets(filter, Order::LeastRecentlyPlayed) {
            if asset.duration_ms == 0 {
                continue; // nothing to see
            }
            if latest == Some(asset.id.as_str()) {
                repeat.get_or_insert(asset);
                continue;
            }
            let played = last_played(&asset, request);
            let in_order = played == asset.last_played_unix_ms;
            let rank = |played: Played, asset: &Asset| (played, asset.id.clone());
            if best
                .as_ref()
                .is_none_or(|(at, it)| rank(played, &asset) < rank(*at, it))
            {
                best = Some((played, asset));
            }
            // The library's order is by its own times, and history only makes them later: whoever
            // follows one without history was played no earlier than that one.
            if in_order {
                break;
            }
        }
    }
    let chosen = best.map(|(_, asset)| asset).or(repeat);
    chosen.ok_or_else(|| Error::new(config.nothing_to_play()))
}

fn last_played(asset: &Asset, request: &Request) -> Played {
    let queued = request.history.iter().filter(|item| item.asset == asset.id);
    let queued = queued.map(|item| item.at_unix_ms).max();
    asset.last_played_unix_ms.max(queued)
}

fn clip(asset: &Asset, segment: &Segment, request: &Request) -> Clip {
    let when = |played: Played| match played {
        None => "never played".to_owned(),
        Some(at) => format!(
            "last played {} ago",
            span(request.now_unix_ms.saturating_sub(at))
        ),
    };
    if segment.of == 1 {
        return Clip::whole(asset).because(when(last_played(asset, request)));
    }
    let place = format!("segment {} of {}", segment.index + 1, segment.of);
    let when = when(segment.played_unix_ms);
    Clip::part(asset, segment.start_ms, segment.end_ms).because(format!("{place}, {when}"))
}

/// A span of time for people, in its two largest units.
fn span(ms: u64) -> String {
    let (seconds, minutes, hours) = (ms / 1_000, ms / 60_000, ms / 3_600_000);
    match (hours / 24, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        (days, _, _) => format!("{days} d {} h", hours % 24),
    }
}

export!(Lru, kinds: [selection], schema: include_str!("../config.schema.json"));

#[cfg(test)]
mod tests;
