//! A link that cannot work as it is configured.

use crate::{Dial, LinkError, LinkHandle, Session, Wiring};

/// A link that fails at once, and stays so to be seen: `what` is wrong, `remedy` is what to do.
pub fn misconfigured(wiring: Wiring, what: String, remedy: &'static str) -> LinkHandle {
    crate::spawn(wiring, Misconfigured { what, remedy })
}

struct Misconfigured {
    what: String,
    remedy: &'static str,
}

impl Dial for Misconfigured {
    async fn session(&mut self, _: &Session) -> Result<(), LinkError> {
        Err(LinkError::Misconfigured {
            what: self.what.clone(),
            remedy: self.remedy,
        })
    }
}
