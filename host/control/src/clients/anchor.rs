//! When media time zero was, stream by stream, and what streams of one picture agree on.
//!
//! A stream's packager knows it from when its frames come (`media::cmaf`); HLS tells it as
//! `EXT-X-PROGRAM-DATE-TIME`. Streams that were cut from one picture have the same timestamps, but
//! their encoders are done at different moments, so their zeros are some milliseconds apart; those
//! that are closer than [`CLOSE_MS`], which is less than a picture lasts, are the same moment.

use hub::{Fragment, Registry, Start, Stream};
use model::StreamName;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// Zeros of one group that are so close are one.
const CLOSE_MS: f64 = 20.0;

/// Not worth telling.
const SAME_MS: f64 = 0.25;

/// Parts looked at: those since the newest random access point.
const PARTS: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Anchors(BTreeMap<StreamName, f64>);

impl Anchors {
    pub(super) fn zero_of(&self, stream: &StreamName) -> Option<f64> {
        self.0.get(stream).copied()
    }

    /// Looks at the streams of each group; whether anything is another than before.
    pub(super) fn follow(&mut self, registry: &Registry, groups: &[Vec<StreamName>]) -> bool {
        let mut next = BTreeMap::new();
        for group in groups {
            let known = group.iter().filter_map(|name| {
                let stream = registry.get(name.as_str())?;
                Some((name.clone(), measured(&stream)?))
            });
            next.extend(agreed(known.collect()));
        }
        let same = |(name, zero): (&StreamName, &f64)| {
            let before = self.0.get(name);
            before.is_some_and(|before| (before - zero).abs() < SAME_MS)
        };
        let changed = next.len() != self.0.len() || !next.iter().all(same);
        if changed {
            self.0 = next;
        }
        changed
    }
}

/// When media time zero of a stream was, Unix milliseconds; `None` until there is media. Looking
/// keeps its packager at work for a while, so that there is something to see the next time.
fn measured(stream: &Arc<Stream>) -> Option<f64> {
    let mut reader = stream.read_fragments(Start::RandomAccess);
    let mut parts = Vec::new();
    // What is lost of a lane that goes on is of no matter; the next look is soon.
    let _ = reader.try_recv_many(&mut parts, PARTS);
    parts.last().and_then(zero)
}

fn zero(part: &Fragment) -> Option<f64> {
    let at = part.at.duration_since(UNIX_EPOCH).ok()?;
    let media_s = part.time as f64 / f64::from(part.timescale.max(1));
    Some((at.as_secs_f64() - media_s) * 1_000.0)
}

/// Streams that are close to the earliest begin with it.
fn agreed(mut zeros: BTreeMap<StreamName, f64>) -> BTreeMap<StreamName, f64> {
    let earliest = zeros.values().copied().fold(f64::INFINITY, f64::min);
    for zero in zeros.values_mut() {
        if *zero - earliest < CLOSE_MS {
            *zero = earliest;
        }
    }
    zeros
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_of_one_picture_agree_and_others_keep_their_own_time() {
        let zeros = [("w/a", 1_012.0), ("w/b", 1_000.0), ("w/c", 1_040.0)];
        let zeros = zeros.map(|(name, zero)| (name.parse().unwrap(), zero));
        let found: Vec<_> = agreed(zeros.into()).into_values().collect();
        assert_eq!(found, [1_000.0, 1_000.0, 1_040.0]);
        assert_eq!(agreed(BTreeMap::new()), BTreeMap::new());
    }
}
