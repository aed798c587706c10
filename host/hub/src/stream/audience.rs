//! Who may watch a stream.

use super::Stream;
use crate::doorman::Pass;
use crate::viewer::Viewer;
use model::{Protocol, Refusal};
use std::sync::Arc;

impl Stream {
    /// Over which protocols viewers may take it; `None`: over all. Who watches already goes on.
    pub fn serve_over(&self, protocols: Option<Vec<Protocol>>) {
        *self.serving.write() = protocols;
    }

    /// Lets a viewer in.
    pub(crate) fn admit_viewer(self: &Arc<Self>, pass: &Pass) -> Result<Viewer, Refusal> {
        self.may_read(pass)?;
        let limit = self.viewer_limit(pass);
        // Asked again under the lock: others may have come meanwhile.
        Viewer::enter(self.clone(), pass.ask(), limit).ok_or(full(limit))
    }

    /// Whether [`Stream::admit_viewer`] would let a viewer in now.
    pub(crate) fn may_read(&self, pass: &Pass) -> Result<(), Refusal> {
        let protocol = pass.ask().protocol;
        let serving = self.serving.read();
        if serving
            .as_ref()
            .is_some_and(|only| !only.contains(&protocol))
        {
            return Err(Refusal::NotServed {
                stream: pass.ask().stream.clone(),
                protocol,
            });
        }
        let limit = self.viewer_limit(pass);
        if self.viewers.count() >= limit {
            return Err(full(limit));
        }
        Ok(())
    }

    /// The host's limit, the publisher's and the viewer's own: the least of them.
    fn viewer_limit(&self, pass: &Pass) -> usize {
        let terms = [*self.max_viewers.read(), pass.terms().max_readers];
        let terms = terms.into_iter().flatten();
        terms
            .map(|limit| usize::try_from(limit).unwrap_or(usize::MAX))
            .fold(self.settings.max_viewers, usize::min)
    }
}

const fn full(limit: usize) -> Refusal {
    Refusal::Overloaded {
        what: "viewers of a stream",
        limit,
    }
}
