//! The documented routes of smaller systems that people come from, one file each: thin adapters
//! over the same commands. Each is on or off by a key of `[compat]`.

mod distribution;
pub(crate) mod mjpeg;

use crate::app::Compat;
use crate::routes::Route;

/// Every route that is on.
pub(crate) fn table(on: Compat) -> impl Iterator<Item = Route> {
    let distribution = on.distribution.then(distribution::table);
    let mjpeg = on.mjpeg.then(mjpeg::table);
    let all = distribution.into_iter().flatten();
    all.chain(mjpeg.into_iter().flatten())
}
