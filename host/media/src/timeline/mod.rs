//! Wire clocks made continuous.
//!
//! [`Stamps`] is the whole of it for one source whose tracks share a clock; its parts are
//! [`Unwrap`], which undoes wraps, [`DecodingOrder`], which finds decoding times that were not
//! sent, [`Timeline`], which repairs jumps, and [`Drift`], which keeps sound beside pictures.
//! All only compute; the caller applies offsets to frames or to transport packets.
//!
//! | what a source does | what is done | counted as |
//! |---|---|---|
//! | its clock wraps | time goes on; nobody sees it | `wraps` |
//! | time jumps, beyond [`Limits`] | time goes on one step later, marked | `jumps`, `discontinuities` |
//! | one track alone jumps | the same; the others stay where they are | the same |
//! | pictures come without decoding times | they are made from the order of presentation | `repaired_dts` |
//! | sound slowly runs away from pictures | its stamps are drawn back, at most 2 ms a second | `drifts`, `drift_ms` |
//! | it runs away faster than that | at one second it is set back at once, marked | `drifts`, `discontinuities` |
//! | fields, variable rates, jitter, gaps | stamps stay as they came | |

mod decoding;
mod drift;
mod order;
mod repair;
mod stamps;
mod unwrap;

pub use drift::{Correction, Drift};
pub use order::DecodingOrder;
pub use repair::{Limits, Repaired, Timeline};
pub use stamps::{Counters, Placed, Stamps, Unit};
pub use unwrap::{TS_WRAP, Unwrap};
