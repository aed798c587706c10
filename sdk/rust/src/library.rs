//! The clips a channel may play, held by the host: a policy looks at pages of it, never at all.
//!
//! In native tests it is a [`testing::Library`](crate::testing::Library).

use crate::host::Catalogue;
use std::fmt;
use std::vec;

pub use crate::bindings::host::pointsman::policy::library::{Asset, Filter, Order, PlayedSegment};

/// The most assets a page has.
pub const PAGE: u32 = 256;
/// Assets of the first page that [`Library::assets`] asks for: most policies find theirs there.
const FIRST_PAGE: u32 = 16;

/// The library of one channel, lent for the time of a call.
#[derive(Clone, Copy)]
pub struct Library<'a>(&'a Catalogue);

impl<'a> Library<'a> {
    #[doc(hidden)]
    pub fn over(catalogue: &'a Catalogue) -> Self {
        Self(catalogue)
    }

    /// How many assets.
    pub fn count(self, filter: &Filter) -> u32 {
        self.0.count(filter)
    }

    /// A page of assets: from `offset`, at most `limit` and at most [`PAGE`] of them.
    pub fn page(self, filter: &Filter, order: Order, offset: u32, limit: u32) -> Vec<Asset> {
        self.0.page(filter, order, offset, limit)
    }

    /// One asset.
    pub fn get(self, id: &str) -> Option<Asset> {
        self.0.get(id)
    }

    /// All assets, fetched a page at a time as they are looked at. The first page is short, so
    /// that a policy which takes one of the first pays for few.
    pub fn assets(self, filter: Filter, order: Order) -> Assets<'a> {
        Assets {
            library: self,
            filter,
            order,
            offset: 0,
            limit: FIRST_PAGE,
            page: Vec::new().into_iter(),
        }
    }
}

impl fmt::Debug for Library<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Library")
    }
}

/// What [`Library::assets`] gives.
#[derive(Debug)]
pub struct Assets<'a> {
    library: Library<'a>,
    filter: Filter,
    order: Order,
    offset: u32,
    /// Assets of the next page; 0 after the last.
    limit: u32,
    page: vec::IntoIter<Asset>,
}

impl Iterator for Assets<'_> {
    type Item = Asset;

    fn next(&mut self) -> Option<Asset> {
        if self.page.len() == 0 && self.limit > 0 {
            let page = self
                .library
                .page(&self.filter, self.order, self.offset, self.limit);
            let len = page.len() as u32; // at most `PAGE`
            self.offset = self.offset.saturating_add(len);
            self.limit = if len < self.limit {
                0
            } else {
                (self.limit * 4).min(PAGE)
            };
            self.page = page.into_iter();
        }
        self.page.next()
    }
}

impl Filter {
    /// Every asset.
    pub fn all() -> Self {
        Self::default()
    }

    /// Those with a tag.
    pub fn tag(tag: impl Into<String>) -> Self {
        Self {
            tag: Some(tag.into()),
            ..Self::default()
        }
    }

    /// Those in a folder or below it.
    pub fn folder(folder: impl Into<String>) -> Self {
        Self {
            folder: Some(folder.into()),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn shelf(count: usize) -> testing::Library {
        let assets = (0..count).map(|n| Asset {
            id: format!("{n:04}"),
            ..Asset::default()
        });
        testing::Library::of(assets)
    }

    #[test]
    fn every_asset_comes_once_whatever_the_pages() {
        for count in [0, 1, 15, 16, 17, 80, 336, 337, 1000] {
            let shelf = shelf(count);
            let ids: Vec<_> = shelf
                .lend()
                .assets(Filter::all(), Order::Id)
                .map(|it| it.id)
                .collect();
            assert_eq!(ids.len(), count);
            assert!(ids.is_sorted());
        }
    }

    #[test]
    fn who_takes_the_first_pays_for_one_short_page() {
        let shelf = shelf(1000);
        assert!(
            shelf
                .lend()
                .assets(Filter::all(), Order::Id)
                .next()
                .is_some()
        );
        assert_eq!((shelf.pages(), shelf.assets_handed_out()), (1, 16));
    }
}
