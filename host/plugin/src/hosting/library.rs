//! The library that is lent to a selection.

use super::Hosting;
use crate::tape::HostCall;
use model::selection::{Asset, AssetFilter, AssetOrder, Library};
use std::sync::Arc;

/// Assets in a page.
const MAX_PAGE: u32 = 256;

/// The library of a call; none is an empty one.
pub(super) struct Lent(pub(super) Option<Arc<dyn Library>>);

impl Hosting {
    pub(crate) fn library_count(&mut self, filter: AssetFilter) -> u32 {
        let count = match (&mut self.player, &self.library.0) {
            (Some(player), _) => player
                .answer(|call| match call {
                    HostCall::LibraryCount {
                        filter: asked,
                        count,
                    } if *asked == filter => Some(count),
                    _ => None,
                })
                .unwrap_or_default(),
            (None, Some(library)) => library.count(&filter),
            (None, None) => 0,
        };
        self.recorder
            .record(|| HostCall::LibraryCount { filter, count });
        count
    }

    pub(crate) fn library_page(
        &mut self,
        filter: AssetFilter,
        order: AssetOrder,
        offset: u32,
        limit: u32,
    ) -> Vec<Asset> {
        let limit = limit.min(MAX_PAGE);
        let assets = match (&mut self.player, &self.library.0) {
            (Some(player), _) => player
                .answer(|call| match call {
                    HostCall::LibraryPage {
                        filter: f,
                        order: o,
                        offset: from,
                        limit: most,
                        assets,
                    } if (f, *o, *from, *most) == (&filter, order, offset, limit) => Some(assets),
                    _ => None,
                })
                .unwrap_or_default(),
            (None, Some(library)) => library.page(&filter, order, offset, limit),
            (None, None) => Vec::new(),
        };
        self.recorder.record(|| HostCall::LibraryPage {
            filter,
            order,
            offset,
            limit,
            assets: assets.clone(),
        });
        assets
    }

    pub(crate) fn library_get(&mut self, id: String) -> Option<Asset> {
        let asset = match (&mut self.player, &self.library.0) {
            (Some(player), _) => player
                .answer(|call| match call {
                    HostCall::LibraryGet { id: asked, asset } if *asked == id => Some(asset),
                    _ => None,
                })
                .flatten(),
            (None, Some(library)) => library.get(&id),
            (None, None) => None,
        };
        self.recorder.record(|| HostCall::LibraryGet {
            id,
            asset: asset.clone(),
        });
        asset
    }
}
