//! Segments from transport packets, shared by every HLS viewer.

use crate::forms::Segment;
use media::hls::{Cutting, Segmenter};
use media::{Convert, TsChunk};
use std::sync::Arc;
use std::time::SystemTime;

/// The segmenter, its segments behind reference counts.
pub(crate) struct Segments {
    segmenter: Segmenter,
    made: Vec<media::hls::Segment>,
}

impl Segments {
    pub(crate) fn new(cutting: Cutting) -> Self {
        Self {
            segmenter: Segmenter::new(cutting),
            made: Vec::new(),
        }
    }
}

impl Convert for Segments {
    type In = TsChunk;
    type Out = Segment;

    fn convert(&mut self, now: SystemTime, item: &TsChunk, out: &mut Vec<Segment>) {
        self.segmenter.convert(now, item, &mut self.made);
        out.extend(self.made.drain(..).map(Arc::new));
    }

    fn complaints(&mut self) -> Vec<String> {
        self.segmenter.complaints()
    }
}
