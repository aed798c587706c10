//! The wanted shape: the document and the plans put together.

use crate::desired::{Desired, Input};
use crate::diff::{SourceShape, StreamShape};
use crate::plan::Resolved;
use model::StreamName;

/// What one stream shall look like.
///
/// Until the first decision no output runs: starting one only for the plan to stop it would
/// send media where nobody wants it.
pub(crate) fn shape(input: Option<&Input>, decided: Option<&Resolved>) -> StreamShape {
    let mut shape = StreamShape::default();
    if let Some(input) = input {
        shape.declared = true;
        shape.publisher = input.publisher().cloned();
        let sources = input.sources.iter().map(|source| {
            let shape = SourceShape {
                protocol: source.protocol(),
                endpoint: source.endpoint.clone(),
                retry: source.retry,
            };
            (source.id.clone(), shape)
        });
        shape.sources = sources.collect();
        shape.merged = input.merged();
        shape.pictures = input.pictures;
        shape.made.clone_from(&input.made);
    }
    if let Some(decided) = decided {
        let outputs = decided.outputs.iter();
        shape.outputs = outputs
            .map(|(name, to)| (name.clone(), to.shape()))
            .collect();
        shape.on_air.clone_from(&decided.on_air);
        shape.serve.clone_from(&decided.serve);
    }
    shape
}

/// The declared input of that name.
pub(crate) fn input<'a>(desired: &'a Desired, stream: &StreamName) -> Option<&'a Input> {
    desired.inputs().get(stream)
}
