//! When media time zero was, stream by stream, and what streams of one picture agree on.
//!
//! A stream's packager knows it from when its frames come (`media::cmaf`); HLS tells it as
//! `EXT-X-PROGRAM-DATE-TIME`. Streams that are cut from one picture come from encoders that are done
//! at different moments, each a whole encoding later than the one before, so what is measured of them
//! is too far apart for screens side by side. But they have their key frames at the same pictures:
//! the media times of those tell exactly how their timelines lie to each other, whatever was spliced.

use hub::{Fragment, Registry, Start, Stream};
use model::StreamName;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

/// Encoders of one picture are done within this of each other; less than half the time between key
/// frames, which are half a second apart or more.
const APART_MS: f64 = 200.0;

/// Not worth telling.
const SAME_MS: f64 = 0.25;

/// Parts looked at: those since the newest random access point.
const PARTS: usize = 64;

/// What is seen of a stream.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Seen {
    /// When media time zero was, as far as that can be told from when frames came; Unix
    /// milliseconds.
    zero: f64,
    /// Media time of a key frame, milliseconds.
    key: f64,
}

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
            next.extend(agreed(&known.collect(), &self.0));
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

/// `None` until there is media. Looking keeps the packager at work for a while, so that there is
/// something to see the next time.
fn measured(stream: &Arc<Stream>) -> Option<Seen> {
    let mut reader = stream.read_fragments(Start::RandomAccess);
    let mut parts = Vec::new();
    // What is lost of a lane that goes on is of no matter; the next look is soon.
    let _ = reader.try_recv_many(&mut parts, PARTS);
    let key = parts.iter().find(|part| part.random_access)?;
    Some(Seen {
        zero: zero(parts.last()?)?,
        key: media_ms(key),
    })
}

fn zero(part: &Fragment) -> Option<f64> {
    let at = part.at.duration_since(UNIX_EPOCH).ok()?;
    Some(at.as_secs_f64() * 1_000.0 - media_ms(part))
}

fn media_ms(part: &Fragment) -> f64 {
    part.time as f64 * 1_000.0 / f64::from(part.timescale.max(1))
}

/// The zeros of streams that are cut from one picture, by the one that comes first. Of a stream that
/// is seen in the middle of another group of pictures, what was agreed before stays.
fn agreed(
    seen: &BTreeMap<StreamName, Seen>,
    before: &BTreeMap<StreamName, f64>,
) -> BTreeMap<StreamName, f64> {
    let first = seen
        .values()
        .min_by(|one, other| one.zero.total_cmp(&other.zero));
    let Some(first) = first else {
        return BTreeMap::new();
    };
    let zeros = seen.iter().map(|(name, its)| {
        let exact = first.zero - (its.key - first.key);
        let close = |zero: &f64| (zero - its.zero).abs() < APART_MS;
        let known = before.get(name).copied().filter(close);
        let zero = Some(exact).filter(close).or(known).unwrap_or(its.zero);
        (name.clone(), zero)
    });
    zeros.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn agree(seen: &[(&str, f64, f64)], before: &[(&str, f64)]) -> Vec<f64> {
        let name = |name: &str| name.parse::<StreamName>().unwrap();
        let seen = seen
            .iter()
            .map(|&(stream, zero, key)| (name(stream), Seen { zero, key }));
        let before = before.iter().map(|&(stream, zero)| (name(stream), zero));
        agreed(&seen.collect(), &before.collect())
            .into_values()
            .collect()
    }

    #[test]
    fn streams_of_one_picture_agree_however_long_their_encoders_take() {
        let seen = [
            ("w/a", 1_060.0, 5_000.0),
            ("w/b", 1_000.0, 5_000.0),
            ("w/c", 1_120.0, 5_000.0),
        ];
        assert_eq!(agree(&seen, &[]), [1_000.0; 3]);
        assert_eq!(agree(&[], &[]), [0.0; 0]);
    }

    #[test]
    fn a_stream_that_was_spliced_a_picture_later_has_its_zero_a_picture_earlier() {
        let seen = [("w/a", 1_000.0, 5_000.0), ("w/b", 1_003.0, 5_040.0)];
        assert_eq!(agree(&seen, &[]), [1_000.0, 960.0]);
    }

    #[test]
    fn one_that_is_seen_a_group_of_pictures_later_keeps_what_was_agreed() {
        let seen = [("w/a", 1_000.0, 5_000.0), ("w/b", 1_070.0, 6_000.0)];
        assert_eq!(agree(&seen, &[("w/b", 1_000.0)]), [1_000.0, 1_000.0]);
        // Of another life of the stream.
        assert_eq!(agree(&seen, &[("w/b", 9_000.0)]), [1_000.0, 1_070.0]);
    }
}
