//! The selection kind: the bounds on what comes back, and a sample to try candidates on.

use crate::bounds::{Checked, MAX_TEXT_BYTES, pairs, refuse, text};
use model::selection::{
    Asset, AssetFilter, AssetOrder, Clip, Library, PlayedItem, PlayedSegment, SelectionRequest,
};
use std::cmp::Reverse;

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

/// A library that is a list: for tools, tests and samples. Each page costs a look at every asset.
#[derive(Debug, Clone, Default)]
pub struct Assets(pub Vec<Asset>);

impl Library for Assets {
    fn count(&self, filter: &AssetFilter) -> u32 {
        u32::try_from(self.matching(filter).len()).unwrap_or(u32::MAX)
    }

    fn page(&self, filter: &AssetFilter, order: AssetOrder, offset: u32, limit: u32) -> Vec<Asset> {
        let mut assets = self.matching(filter);
        assets.sort_by(|a, b| a.id.cmp(&b.id));
        match order {
            AssetOrder::Id => {}
            // `None` comes before every time.
            AssetOrder::LeastRecentlyPlayed => assets.sort_by_key(|it| it.last_played_unix_ms),
            AssetOrder::Newest => assets.sort_by_key(|it| Reverse(it.added_unix_ms)),
        }
        let page = assets
            .into_iter()
            .skip(offset as usize)
            .take(limit as usize);
        page.cloned().collect()
    }

    fn get(&self, id: &str) -> Option<Asset> {
        self.0.iter().find(|asset| asset.id == id).cloned()
    }
}

impl Assets {
    fn matching(&self, filter: &AssetFilter) -> Vec<&Asset> {
        let wanted = |asset: &&Asset| {
            let folder = filter.folder.as_deref().unwrap_or_default();
            let inside = match asset.folder.strip_prefix(folder) {
                Some(rest) => folder.is_empty() || rest.is_empty() || rest.starts_with('/'),
                None => false,
            };
            inside
                && filter
                    .tag
                    .as_ref()
                    .is_none_or(|tag| asset.tags.contains(tag))
        };
        self.0.iter().filter(wanted).collect()
    }
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
pub fn sample_library() -> Assets {
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
    Assets(vec![first, asset(1), asset(2)])
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

    #[test]
    fn a_listed_library_is_filtered_and_ordered() {
        let mut assets = sample_library();
        assets.0[2].folder = "clips/late".to_owned();
        assets.0[1].folder = "clipsandmore".to_owned();
        let filter = |folder: &str| AssetFilter {
            folder: Some(folder.to_owned()),
            tag: Some("sample".to_owned()),
        };
        assert_eq!(assets.count(&AssetFilter::default()), 3);
        assert_eq!(
            (
                assets.count(&filter("clips")),
                assets.count(&filter("clips/late"))
            ),
            (2, 1)
        );
        let ids = |order, offset| -> Vec<_> {
            let page = assets.page(&AssetFilter::default(), order, offset, 2);
            page.into_iter().map(|asset| asset.id).collect()
        };
        assert_eq!(
            ids(AssetOrder::LeastRecentlyPlayed, 1),
            ["clips/2.ts", "clips/0.ts"]
        );
        assert_eq!(ids(AssetOrder::Newest, 0), ["clips/2.ts", "clips/1.ts"]);
        assert_eq!(ids(AssetOrder::Id, 2), ["clips/2.ts"]);
    }
}
