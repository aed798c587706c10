//! Plays in random order, fair over a cycle.
//!
//! Whoever was not played in this cycle stands at the front of the library's least recently played
//! order: everybody behind was played since the cycle began. So a cycle is nothing but its
//! starting time, where it ends in that order is found by bisection, and a draw is one place before
//! that. Assets that come and go change the order and nothing else.

#![forbid(unsafe_code)]

mod config;
mod cycle;
mod draw;

pub use config::Config;

use cycle::Cycle;
use draw::Draw;
use pointsman_sdk::library::{Asset, Filter, Library, Order};
use pointsman_sdk::selection::{Clip, Request, Selection};
use pointsman_sdk::{Error, export};

/// Draws that may hit an asset that is not wanted, before the rest is looked through in order.
/// Only what is queued is in the way, so that a second draw is rare.
const TRIES: u32 = 16;
/// Draws of a lottery until the heaviest one seen is taken. With weights of 0.05 to 20 that is
/// enough in all but made-up libraries.
const LOTTERY_TRIES: u32 = 256;
/// Assets looked through in order; more than a history is long.
const WALK: usize = 1_024;

/// The policy.
#[derive(Debug)]
pub struct Shuffle;

impl Selection for Shuffle {
    type Config = Config;

    fn select(request: Request, library: Library<'_>, config: Config) -> Result<Clip, Error> {
        let shelf = Shelf::new(&request, library, &config)?;
        let starts_unix_ms = request.starts_unix_ms.max(request.now_unix_ms);
        let before = Cycle::of(&request.channel, starts_unix_ms);
        let mut draw = Draw::new(config.seed, before.draws);
        let (mut cycle, asset, reason) = if config.weights.is_empty() {
            shelf.fair(before, starts_unix_ms, &mut draw)
        } else {
            shelf.lottery(before, &config, &mut draw)
        }
        .ok_or_else(|| Error::new("the library has only assets without a length"))?;
        cycle.draws += u64::from(config.seed.is_some());
        if cycle != before || cycle.started_unix_ms == starts_unix_ms {
            cycle.keep(&request.channel);
        }
        Ok(Clip::whole(&asset).because(reason))
    }
}

/// The library as one draw sees it.
struct Shelf<'a> {
    request: &'a Request,
    library: Library<'a>,
    filter: Filter,
    /// Assets in it, at least 1.
    len: u32,
    /// How many plays shall lie between two of the same asset; at most half of `len`.
    apart: u32,
}

/// What was drawn, of which cycle, and why.
type Drawn = Option<(Cycle, Asset, String)>;

impl<'a> Shelf<'a> {
    fn new(request: &'a Request, library: Library<'a>, config: &Config) -> Result<Self, Error> {
        let filter = config.filter();
        let len = library.count(&filter);
        if len == 0 {
            return Err(Error::new(config.nothing_to_play()));
        }
        let apart = config.no_repeat.min(len / 2);
        Ok(Self {
            request,
            library,
            filter,
            len,
            apart,
        })
    }

    /// One of those whose turn in the cycle did not come yet; if there is none, of the next cycle.
    fn fair(&self, cycle: Cycle, starts_unix_ms: u64, draw: &mut Draw) -> Drawn {
        let left = self.left(cycle.started_unix_ms);
        let drawn = self.draw(left, Some(cycle), draw);
        let (cycle, left, asset) = match drawn {
            Some(asset) => (cycle, left, Some(asset)),
            None => {
                let next = cycle.next(starts_unix_ms);
                (next, self.len, self.draw(self.len, Some(next), draw))
            }
        };
        // A library of one, or one of which all is queued: better again than nothing.
        let asset = asset.or_else(|| self.walk(self.len, |asset| asset.duration_ms > 0))?;
        let reason = format!("cycle {}, one of {left} left", cycle.number + 1);
        Some((cycle, asset, reason))
    }

    /// One of all but the last ones, heavy ones more often.
    fn lottery(&self, cycle: Cycle, config: &Config, draw: &mut Draw) -> Drawn {
        let top = config.top_weight();
        let mut heaviest: Option<(f64, Asset)> = None;
        for _ in 0..LOTTERY_TRIES {
            let Some(asset) = self.draw(self.len, None, draw) else {
                break;
            };
            let weight = config.weight(&asset);
            if draw.unit() * top < weight {
                return Some((cycle, asset, format!("drawn with weight {weight}")));
            }
            if heaviest.as_ref().is_none_or(|(most, _)| weight > *most) {
                heaviest = Some((weight, asset));
            }
        }
        let asset = match heaviest {
            Some((_, asset)) => asset,
            None => self.walk(self.len, |asset| asset.duration_ms > 0)?,
        };
        Some((cycle, asset, "drawn as the heaviest of many".to_owned()))
    }

    /// How many assets were not played since that time: they are the first of the order.
    fn left(&self, since_unix_ms: u64) -> u32 {
        let (mut low, mut high) = (0, self.len);
        while low < high {
            let middle = low + (high - low) / 2;
            let asset = self.at(middle);
            if asset.is_some_and(|it| it.last_played_unix_ms.is_none_or(|at| at < since_unix_ms)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// One of the first `left` of the order that is wanted; none if none of them is.
    fn draw(&self, left: u32, cycle: Option<Cycle>, draw: &mut Draw) -> Option<Asset> {
        let left = left.min(self.len - self.late(left));
        let wanted = |asset: &Asset| self.wanted(asset, cycle);
        if left == 0 {
            return None;
        }
        let drawn = (0..TRIES).find_map(|_| self.at(draw.below(left)).filter(wanted));
        drawn.or_else(|| self.walk(left, wanted))
    }

    /// How many at the end of the order were played too lately. Of those never played, none was.
    fn late(&self, left: u32) -> u32 {
        if left <= self.len - self.apart {
            return self.apart; // the rest ends before them
        }
        self.apart.min(self.len - self.left(0))
    }

    /// Whether an asset may be played: not one of the last, and not queued for this cycle already,
    /// of which the library does not know yet.
    fn wanted(&self, asset: &Asset, cycle: Option<Cycle>) -> bool {
        let mut history = self.request.history.iter().enumerate();
        let started = cycle.map_or(u64::MAX, |cycle| cycle.started_unix_ms);
        asset.duration_ms > 0
            && !history.any(|(n, item)| {
                item.asset == asset.id && (n < self.apart as usize || item.at_unix_ms >= started)
            })
    }

    /// The first of the first `left` that is wanted.
    fn walk(&self, left: u32, wanted: impl FnMut(&Asset) -> bool) -> Option<Asset> {
        let assets = self
            .library
            .assets(self.filter.clone(), Order::LeastRecentlyPlayed);
        assets.take((left as usize).min(WALK)).find(wanted)
    }

    fn at(&self, place: u32) -> Option<Asset> {
        let page = self
            .library
            .page(&self.filter, Order::LeastRecentlyPlayed, place, 1);
        page.into_iter().next()
    }
}

export!(Shuffle, kinds: [selection], schema: include_str!("../config.schema.json"));

#[cfg(test)]
mod tests;
