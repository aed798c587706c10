//! The streams that a stage fills.

use hub::{Registry, Source, Stream};
use link::LinkError;
use model::{Label, Protocol, StreamName};
use std::sync::Arc;

/// The streams that one FFmpeg after another fills, by one source each.
///
/// A source stays connected while FFmpeg is started anew: times come from what is encoded and go
/// on by themselves, in all streams alike, so nothing is to be moved where one broke off.
pub(crate) struct Outlets {
    registry: Registry,
    label: Label,
    peer: String,
    open: Vec<Outlet>,
}

struct Outlet {
    stream: Arc<Stream>,
    source: Source,
    /// It was made here, and goes with this.
    ours: bool,
}

impl Outlets {
    /// None yet; sources are called `label`, and what they are made of is `peer`.
    pub(crate) fn new(registry: &Registry, label: Label, peer: String) -> Self {
        Self {
            registry: registry.clone(),
            label,
            peer,
            open: Vec::new(),
        }
    }

    /// Opens these and no others. A stream that nobody declared is made, and taken back once it is
    /// not wanted.
    ///
    /// # Errors
    /// Too many streams, or one has such a source connected already.
    pub(crate) fn set(&mut self, names: &[StreamName]) -> Result<(), LinkError> {
        let mut before = std::mem::take(&mut self.open);
        for name in names {
            let known = before.iter().position(|it| it.stream.name() == name);
            let outlet = match known {
                Some(at) => before.swap_remove(at),
                None => self.make(name)?,
            };
            self.open.push(outlet);
        }
        for outlet in before {
            self.close(outlet);
        }
        Ok(())
    }

    /// In the order they were named.
    pub(crate) fn sources(&mut self) -> impl Iterator<Item = &mut Source> {
        self.open.iter_mut().map(|outlet| &mut outlet.source)
    }

    fn make(&self, name: &StreamName) -> Result<Outlet, LinkError> {
        let known = self.registry.get(name.as_str());
        let ours = known.is_none();
        let stream = match known {
            Some(stream) => stream,
            None => self.registry.declare(name, None)?,
        };
        let peer = Some(self.peer.clone());
        let source = stream.connect_source(&self.label, Protocol::Stream, peer);
        let source = source.inspect_err(|_| {
            if ours {
                self.registry.withdraw(name);
            }
        })?;
        Ok(Outlet {
            stream,
            source,
            ours,
        })
    }

    fn close(&self, outlet: Outlet) {
        let Outlet {
            stream,
            source,
            ours,
        } = outlet;
        drop(source);
        match ours {
            true => self.registry.withdraw(stream.name()),
            false => stream.remove_source(&self.label),
        }
    }
}

impl Drop for Outlets {
    fn drop(&mut self) {
        for outlet in std::mem::take(&mut self.open) {
            self.close(outlet);
        }
    }
}
