//! A library in memory: for dry runs, fixtures and tests, and for whoever has its clips at hand.

use crate::selection::{Asset, AssetFilter, AssetOrder, Library};
use std::collections::HashMap;

/// Assets, sorted once for each order.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    assets: Vec<Asset>,
    by_id: HashMap<String, usize>,
    /// Positions in `assets`, for each of [`ORDERS`].
    orders: [Vec<usize>; 3],
}

const ORDERS: [AssetOrder; 3] = [
    AssetOrder::LeastRecentlyPlayed,
    AssetOrder::Id,
    AssetOrder::Newest,
];

impl Catalogue {
    /// Of these assets; of two with the same id the first stays.
    pub fn new(assets: impl IntoIterator<Item = Asset>) -> Self {
        let mut catalogue = Self::default();
        for asset in assets {
            let at = catalogue.assets.len();
            let id = asset.id.clone();
            if let std::collections::hash_map::Entry::Vacant(free) = catalogue.by_id.entry(id) {
                free.insert(at);
                catalogue.assets.push(asset);
            }
        }
        let assets = &catalogue.assets;
        catalogue.orders = ORDERS.map(|order| sorted(assets, order));
        catalogue
    }

    fn matching<'a>(
        &'a self,
        filter: &'a AssetFilter,
        order: AssetOrder,
    ) -> impl Iterator<Item = &'a Asset> {
        let [least_recently_played, id, newest] = &self.orders;
        let order = match order {
            AssetOrder::LeastRecentlyPlayed => least_recently_played,
            AssetOrder::Id => id,
            AssetOrder::Newest => newest,
        };
        let assets = order.iter().filter_map(|at| self.assets.get(*at));
        assets.filter(|asset| fits(asset, filter))
    }
}

fn sorted(assets: &[Asset], order: AssetOrder) -> Vec<usize> {
    let mut sorted: Vec<(usize, &Asset)> = assets.iter().enumerate().collect();
    sorted.sort_by(|(_, a), (_, b)| {
        let by_time = match order {
            // Never comes before ever.
            AssetOrder::LeastRecentlyPlayed => a.last_played_unix_ms.cmp(&b.last_played_unix_ms),
            AssetOrder::Id => std::cmp::Ordering::Equal,
            AssetOrder::Newest => b.added_unix_ms.cmp(&a.added_unix_ms),
        };
        by_time.then_with(|| a.id.cmp(&b.id))
    });
    sorted.into_iter().map(|(at, _)| at).collect()
}

fn fits(asset: &Asset, filter: &AssetFilter) -> bool {
    let in_folder = |folder: &String| {
        let below = asset.folder.strip_prefix(folder.as_str());
        folder.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    filter.folder.as_ref().is_none_or(in_folder)
        && filter
            .tag
            .as_ref()
            .is_none_or(|tag| asset.tags.contains(tag))
}

impl Library for Catalogue {
    fn count(&self, filter: &AssetFilter) -> u32 {
        let count = if *filter == AssetFilter::default() {
            self.assets.len()
        } else {
            self.matching(filter, AssetOrder::Id).count()
        };
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    fn page(&self, filter: &AssetFilter, order: AssetOrder, offset: u32, limit: u32) -> Vec<Asset> {
        let found = self.matching(filter, order).skip(offset as usize);
        found.take(limit as usize).cloned().collect()
    }

    fn get(&self, id: &str) -> Option<Asset> {
        self.by_id
            .get(id)
            .and_then(|at| self.assets.get(*at))
            .cloned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(id: &str, folder: &str, tag: &str, played: Option<u64>, added: u64) -> Asset {
        Asset {
            id: id.into(),
            folder: folder.into(),
            tags: vec![tag.into()],
            last_played_unix_ms: played,
            added_unix_ms: added,
            ..Asset::default()
        }
    }

    fn ids(library: &Catalogue, filter: &AssetFilter, order: AssetOrder) -> Vec<String> {
        let page = library.page(filter, order, 0, 256);
        page.into_iter().map(|asset| asset.id).collect()
    }

    #[test]
    fn pages_come_in_the_order_and_of_the_assets_asked_for() {
        let library = Catalogue::new([
            asset("c", "news", "x", Some(3), 1),
            asset("b", "news/late", "y", None, 2),
            asset("a", "newsreel", "x", Some(1), 3),
            asset("a", "twice", "z", None, 9),
        ]);
        let all = AssetFilter::default();
        assert_eq!(ids(&library, &all, AssetOrder::Id), ["a", "b", "c"]);
        assert_eq!(ids(&library, &all, AssetOrder::Newest), ["a", "b", "c"]);
        let least = AssetOrder::LeastRecentlyPlayed;
        assert_eq!(ids(&library, &all, least), ["b", "a", "c"]);
        let below = |folder: &str, tag: Option<&str>| AssetFilter {
            folder: Some(folder.into()),
            tag: tag.map(Into::into),
        };
        assert_eq!(ids(&library, &below("news", None), least), ["b", "c"]);
        assert_eq!(ids(&library, &below("news", Some("x")), least), ["c"]);
        assert_eq!(library.count(&below("", Some("x"))), 2);
        assert_eq!(library.count(&all), 3);
        assert_eq!(library.page(&all, AssetOrder::Id, 1, 1)[0].id, "b");
        assert_eq!(library.get("a").unwrap().folder, "newsreel");
        assert!(library.get("d").is_none());
    }
}
