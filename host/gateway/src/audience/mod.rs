//! Who watches over plain HTTP, where every request stands for itself: let in once, counted while
//! they ask, answered with the headers that players and caches need.

pub(crate) mod answer;
pub(crate) mod door;
pub(crate) mod sessions;

pub(crate) use answer::Problem;
pub(crate) use door::{Door, Guest};
pub(crate) use sessions::{Fetched, Sessions};

use crate::Context;
use hub::{Pass, Viewer};
use model::{Protocol, Refusal};

/// Lets one who was admitted watch, and counts it at the edge of `protocol`.
pub(crate) fn let_in(
    context: &Context,
    protocol: Protocol,
    pass: &Pass,
) -> Result<Viewer, Refusal> {
    let edge = context.counters().of(protocol);
    let verdict = context.registry().read(pass);
    match &verdict {
        Ok(_) => edge.connections.add(1),
        Err(_) => edge.refused.add(1),
    }
    verdict
}
