//! The next clip of a channel that no plugin chooses for: the one not played for longest.

use model::selection::{
    Asset, AssetFilter, AssetOrder, Clip, Library, PlayedItem, SelectionRequest,
};

/// Assets looked at at a time, as many as `library.page` gives (`wit/1.0.0/library.wit`).
const PAGE: u32 = 256;

/// The asset that was not played for longest and is not queued; of a long one the part that was
/// not played for longest, if a length is wished for. None if the library is empty.
pub fn clip(request: &SelectionRequest, library: &dyn Library) -> Option<Clip> {
    let asset = asset(&request.history, library)?;
    let (start_ms, end_ms) = match request.wanted_ms {
        Some(wanted) if wanted > 0 && wanted < asset.duration_ms => {
            part(&asset, wanted, &request.history)
        }
        _ => (0, None),
    };
    Some(Clip {
        asset: asset.id,
        start_ms,
        end_ms,
        reason: "built-in: not played for longest".to_owned(),
        ..Clip::default()
    })
}

/// The first that is neither queued nor was just played, else the one queued longest ago. The
/// history holds at most a page, so two pages hold one that is not in it, if there is any.
fn asset(history: &[PlayedItem], library: &dyn Library) -> Option<Asset> {
    let (filter, order) = (AssetFilter::default(), AssetOrder::LeastRecentlyPlayed);
    let recent = |asset: &Asset| history.iter().position(|item| item.asset == asset.id);
    let first = library.page(&filter, order, 0, PAGE);
    let later = if first.iter().all(|asset| recent(asset).is_some()) {
        library.page(&filter, order, PAGE, PAGE)
    } else {
        Vec::new()
    };
    // Of those that are in the history, the one furthest back.
    let rank = |asset: &Asset| recent(asset).map_or(usize::MAX, |at| at);
    let all = first.into_iter().chain(later);
    // The first of equals: `max_by_key` would take the last.
    all.reduce(|best, next| {
        if rank(&next) > rank(&best) {
            next
        } else {
            best
        }
    })
}

/// The asset as a row of parts of the wanted length: the one never played, or longest ago.
fn part(asset: &Asset, wanted_ms: u64, history: &[PlayedItem]) -> (u64, Option<u64>) {
    let played: Vec<(u64, u64, u64)> = asset
        .segments
        .iter()
        .map(|it| (it.start_ms, it.end_ms, it.played_unix_ms))
        .chain(
            history
                .iter()
                .filter(|it| it.asset == asset.id)
                .map(|it| (it.start_ms, it.end_ms, it.at_unix_ms)),
        )
        .collect();
    let last_played = |start: u64| {
        let overlap = |(from, to, _): &&(u64, u64, u64)| *from < start + wanted_ms && *to > start;
        let times = played.iter().filter(overlap).map(|(_, _, at)| *at);
        times.max().unwrap_or_default()
    };
    let starts = (0..asset.duration_ms / wanted_ms).map(|n| n * wanted_ms);
    let start = starts.min_by_key(|start| last_played(*start));
    let start = start.unwrap_or_default();
    (start, Some(start + wanted_ms))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Catalogue;
    use model::selection::PlayedSegment;

    fn asset(id: &str, last_played: Option<u64>) -> Asset {
        Asset {
            id: id.into(),
            duration_ms: 10_000,
            last_played_unix_ms: last_played,
            ..Asset::default()
        }
    }

    fn played(id: &str, start_ms: u64) -> PlayedItem {
        PlayedItem {
            asset: id.into(),
            start_ms,
            end_ms: start_ms + 3_000,
            at_unix_ms: 9,
        }
    }

    fn chosen(history: Vec<PlayedItem>, assets: Vec<Asset>) -> Option<String> {
        let request = SelectionRequest {
            history,
            ..SelectionRequest::default()
        };
        clip(&request, &Catalogue::new(assets)).map(|clip| clip.asset)
    }

    #[test]
    fn the_clip_not_played_for_longest_plays_unless_it_is_queued() {
        let assets = || vec![asset("b", Some(5)), asset("a", Some(7)), asset("new", None)];
        assert_eq!(chosen(vec![], vec![]), None);
        assert_eq!(chosen(vec![], assets()).as_deref(), Some("new"));
        let queued = vec![played("new", 0)];
        assert_eq!(chosen(queued, assets()).as_deref(), Some("b"));
        let all = ["b", "new", "a"].map(|id| played(id, 0)).to_vec();
        assert_eq!(chosen(all, assets()).as_deref(), Some("a"), "longest ago");
    }

    #[test]
    fn a_full_history_does_not_hide_the_clips_behind_it() {
        let name = |n: usize| format!("clip{n:03}");
        let assets = (0..300).map(|n| asset(&name(n), None)).collect();
        let history = (0..256).map(|n| played(&name(n), 0)).collect();
        assert_eq!(chosen(history, assets).as_deref(), Some("clip256"));
    }

    #[test]
    fn of_a_long_clip_an_unplayed_part_plays_first() {
        let mut long = asset("a", Some(9));
        let segment = |start_ms, played_unix_ms| PlayedSegment {
            start_ms,
            end_ms: start_ms + 3_000,
            played_unix_ms,
        };
        long.segments = vec![segment(0, 5), segment(6_000, 4)];
        let library = Catalogue::new(vec![long]);
        let mut request = SelectionRequest {
            wanted_ms: Some(3_000),
            ..SelectionRequest::default()
        };
        let part = |request: &SelectionRequest| {
            let clip = clip(request, &library).unwrap();
            (clip.start_ms, clip.end_ms)
        };
        assert_eq!(part(&request), (3_000, Some(6_000)));
        request.history = vec![played("a", 3_000)];
        assert_eq!(part(&request), (6_000, Some(9_000)), "then the oldest");
        request.wanted_ms = Some(60_000);
        assert_eq!(part(&request), (0, None), "shorter than wished for");
    }
}
