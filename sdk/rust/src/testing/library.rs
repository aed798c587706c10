//! A library in memory.

use crate::library::{self, Asset, Filter, Order};
use std::cell::{Cell, RefCell};
use std::cmp::Reverse;

/// A library for tests: what the host would lend, and how much of it was looked at.
#[derive(Debug, Default)]
pub struct Library {
    assets: Vec<Asset>,
    /// Places of the assets that pass a filter, in order; kept until assets change.
    sorted: RefCell<Vec<(Filter, Order, Vec<usize>)>>,
    pages: Cell<u32>,
    handed_out: Cell<u32>,
}

impl Library {
    /// A library of these assets.
    pub fn of(assets: impl IntoIterator<Item = Asset>) -> Self {
        Self {
            assets: assets.into_iter().collect(),
            ..Self::default()
        }
    }

    /// What a policy is lent.
    pub fn lend(&self) -> library::Library<'_> {
        library::Library::over(self)
    }

    /// The assets, to change them between calls: what was played, what came and went.
    pub fn assets_mut(&mut self) -> &mut Vec<Asset> {
        self.sorted.get_mut().clear();
        &mut self.assets
    }

    /// Pages asked for so far.
    pub fn pages(&self) -> u32 {
        self.pages.get()
    }

    /// Assets handed out so far, in pages and one by one.
    pub fn assets_handed_out(&self) -> u32 {
        self.handed_out.get()
    }

    pub(crate) fn count(&self, filter: &Filter) -> u32 {
        self.assets
            .iter()
            .filter(|asset| passes(asset, filter))
            .count() as u32
    }

    pub(crate) fn page(
        &self,
        filter: &Filter,
        order: Order,
        offset: u32,
        limit: u32,
    ) -> Vec<Asset> {
        let mut sorted = self.sorted.borrow_mut();
        let known = |(of, by, _): &(Filter, Order, _)| of == filter && *by == order;
        let place = sorted.iter().position(known).unwrap_or_else(|| {
            sorted.push((filter.clone(), order, self.sort(filter, order)));
            sorted.len() - 1
        });
        let limit = limit.min(library::PAGE) as usize;
        let places = sorted[place].2.iter().skip(offset as usize).take(limit);
        let page: Vec<_> = places.map(|place| self.assets[*place].clone()).collect();
        self.pages.set(self.pages.get() + 1);
        self.handed_out
            .set(self.handed_out.get() + page.len() as u32);
        page
    }

    pub(crate) fn get(&self, id: &str) -> Option<Asset> {
        let found = self.assets.iter().find(|asset| asset.id == id).cloned();
        self.handed_out
            .set(self.handed_out.get() + u32::from(found.is_some()));
        found
    }

    fn sort(&self, filter: &Filter, order: Order) -> Vec<usize> {
        let all = self.assets.iter().enumerate();
        let mut places: Vec<(usize, &Asset)> = all.filter(|(_, it)| passes(it, filter)).collect();
        match order {
            Order::LeastRecentlyPlayed => {
                places.sort_by_key(|(_, it)| (it.last_played_unix_ms, &it.id));
            }
            Order::Id => places.sort_by_key(|(_, it)| &it.id),
            Order::Newest => places.sort_by_key(|(_, it)| (Reverse(it.added_unix_ms), &it.id)),
        }
        places.into_iter().map(|(place, _)| place).collect()
    }
}

fn passes(asset: &Asset, filter: &Filter) -> bool {
    let within = |folder: &String| {
        let below = asset.folder.strip_prefix(folder.as_str());
        folder.is_empty() || below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    filter.folder.as_ref().is_none_or(within)
        && filter
            .tag
            .as_ref()
            .is_none_or(|tag| asset.tags.contains(tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asset(id: &str, folder: &str, played: Option<u64>) -> Asset {
        Asset {
            id: id.into(),
            folder: folder.into(),
            last_played_unix_ms: played,
            added_unix_ms: id.len() as u64,
            ..Asset::default()
        }
    }

    #[test]
    fn orders_are_those_of_the_wit_file() {
        let shelf = Library::of([
            asset("c", "", Some(5)),
            asset("bbb", "", None),
            asset("a", "", Some(5)),
            asset("aa", "", None),
        ]);
        let ids = |order| -> Vec<String> {
            shelf
                .lend()
                .assets(Filter::all(), order)
                .map(|asset| asset.id)
                .collect()
        };
        assert_eq!(ids(Order::LeastRecentlyPlayed), ["aa", "bbb", "a", "c"]);
        assert_eq!(ids(Order::Id), ["a", "aa", "bbb", "c"]);
        assert_eq!(ids(Order::Newest), ["bbb", "aa", "a", "c"]);
    }

    #[test]
    fn a_folder_holds_what_is_below_it_but_not_its_namesakes() {
        let shelf = Library::of([
            asset("in", "news", None),
            asset("below", "news/today", None),
            asset("beside", "newsreel", None),
        ]);
        assert_eq!(shelf.lend().count(&Filter::folder("news")), 2);
        assert_eq!(shelf.lend().count(&Filter::folder("")), 3);
    }
}
