//! The selection kind: the bounds on what comes back, and a sample to try candidates on.

use crate::bounds::{Checked, MAX_TEXT_BYTES, pairs, refuse, text};
use model::Catalogue;
use model::selection::{Asset, Clip, PlayedItem, PlayedSegment, SelectionRequest};

/// Whether a clip keeps within the bounds its WIT file names. Whether there is such an asset, only
/// who holds the library can tell.
pub(crate) fn check(clip: &Clip) -> Checked {
    if clip.asset.is_empty() {
        return refuse("the clip names no asset");
    }
    text("asset", &clip.asset, MAX_TEXT_BYTES)?;
    if let Some(end_ms) = clip.end_ms.filter(|end| *end <= clip.start_ms) {
        let start_ms = clip.start_ms;
        return refuse(format!(
            "the clip ends at {end_ms} ms, not after its start at {start_ms} ms"
        ));
    }
    text("reason", &clip.reason, MAX_TEXT_BYTES)?;
    pairs("attributes", &clip.attributes)
}

/// A request like those in real use, for trying a candidate and for measuring.
pub fn sample_request() -> SelectionRequest {
    let now_unix_ms = 1_767_225_600_000;
    SelectionRequest {
        channel: "channels/sample".to_owned(),
        now_unix_ms,
        starts_unix_ms: now_unix_ms + 5_000,
        history: vec![PlayedItem {
            asset: "clips/0.ts".to_owned(),
            start_ms: 0,
            end_ms: 30_000,
            at_unix_ms: now_unix_ms - 25_000,
        }],
        labels: [("site".to_owned(), "sample".to_owned())].into(),
        ..SelectionRequest::default()
    }
}

/// The library to that request: three clips, of which one was played.
pub fn sample_library() -> Catalogue {
    let asset = |number: u64| Asset {
        id: format!("clips/{number}.ts"),
        title: format!("Clip {number}"),
        folder: "clips".to_owned(),
        duration_ms: 30_000 * (number + 1),
        tags: vec!["sample".to_owned()],
        added_unix_ms: 1_767_000_000_000 + number,
        ..Asset::default()
    };
    let played = 1_767_225_575_000;
    let first = Asset {
        last_played_unix_ms: Some(played),
        plays: 1,
        segments: vec![PlayedSegment {
            start_ms: 0,
            end_ms: 30_000,
            played_unix_ms: played,
        }],
        ..asset(0)
    };
    Catalogue::new([first, asset(1), asset(2)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clip_ends_after_its_start_or_not_at_all() {
        let clip = |asset: &str, start_ms, end_ms| Clip {
            asset: asset.to_owned(),
            start_ms,
            end_ms,
            ..Clip::default()
        };
        assert!(check(&clip("a", 5, Some(6))).is_ok() && check(&clip("a", 5, None)).is_ok());
        for bad in [
            clip("a", 5, Some(5)),
            clip("", 0, None),
            clip(&"x".repeat(1_025), 0, None),
        ] {
            assert_eq!(check(&bad).unwrap_err().code(), "bad-result", "{bad:?}");
        }
    }
}
