//! The kind `selection`: which clip a channel plays next.

use crate::library::{Asset, Library};
use crate::{Error, local_time, value_of};
use serde::de::DeserializeOwned;

pub use crate::bindings::selection::exports::pointsman::policy::selection::{Clip, Item, Request};

/// A policy that selects clips. It has no state, so the type implementing it is only a name.
pub trait Selection {
    /// The operator's configuration. It was checked against the schema before it comes here.
    type Config: DeserializeOwned;

    /// Decides what plays next. The library is lent for the time of the call.
    ///
    /// # Errors
    ///
    /// Text for the operator, when nothing can be chosen; the host then plays the clip that was
    /// not played for longest.
    fn select(request: Request, library: Library<'_>, config: Self::Config) -> Result<Clip, Error>;
}

impl Request {
    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        value_of(&self.labels, key)
    }

    /// The item played or queued last.
    pub fn latest(&self) -> Option<&Item> {
        self.history.first()
    }

    /// The host's local time of day when the clip will begin, minutes since midnight; 0 to 1439.
    pub fn local_minute_of_day(&self) -> u32 {
        local_time::minute_of_day(self.starts_unix_ms, self.utc_offset_minutes)
    }
}

impl Clip {
    /// The whole asset.
    pub fn whole(asset: &Asset) -> Self {
        Self {
            asset: asset.id.clone(),
            ..Self::default()
        }
    }

    /// A part of the asset, milliseconds from its start.
    pub fn part(asset: &Asset, start_ms: u64, end_ms: u64) -> Self {
        Self {
            asset: asset.id.clone(),
            start_ms,
            end_ms: Some(end_ms),
            ..Self::default()
        }
    }

    /// The same clip with a reason for the operator.
    pub fn because(mut self, reason: impl Into<String>) -> Self {
        self.reason = reason.into();
        self
    }
}
