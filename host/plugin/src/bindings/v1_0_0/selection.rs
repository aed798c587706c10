//! `selection`: requests are lent, clips taken over.

use super::{exports::selection as wit, lend};
use crate::guest::Guest;
use model::selection as newest;
use wasmtime::Store;
use wasmtime::component::Resource;

/// The one catalogue there is in a call; the guest's handle needs no table to tell it by.
const CATALOGUE: u32 = 0;

pub(super) async fn ask(
    selection: &wit::Guest,
    store: &mut Store<Guest>,
    request: &newest::SelectionRequest,
    config: &str,
) -> wasmtime::Result<Result<newest::Clip, String>> {
    let history: Vec<_> = request.history.iter().map(lend_item).collect();
    let (labels, attributes) = (lend(&request.labels), lend(&request.attributes));
    let request = wit::Request {
        channel: &request.channel,
        now_unix_ms: request.now_unix_ms,
        utc_offset_minutes: request.utc_offset_minutes,
        starts_unix_ms: request.starts_unix_ms,
        wanted_ms: request.wanted_ms,
        history: &history,
        labels: &labels,
        attributes: &attributes,
    };
    let library = Resource::new_own(CATALOGUE);
    let answer = selection
        .call_select(store, request, library, config)
        .await?;
    Ok(answer.map(newest::Clip::from))
}

fn lend_item(item: &newest::PlayedItem) -> wit::Item<'_> {
    wit::Item {
        asset: &item.asset,
        start_ms: item.start_ms,
        end_ms: item.end_ms,
        at_unix_ms: item.at_unix_ms,
    }
}

impl From<wit::Clip> for newest::Clip {
    fn from(clip: wit::Clip) -> Self {
        Self {
            asset: clip.asset,
            start_ms: clip.start_ms,
            end_ms: clip.end_ms,
            reason: clip.reason,
            attributes: clip.attributes.into_iter().collect(),
        }
    }
}
