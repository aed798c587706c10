//! What several fuzz targets share.

pub mod cut;
pub mod pipeline;
