//! AV1: OBUs, the sequence header, the decoder configuration record
//! (AV1 Bitstream & Decoding Process Specification; AV1 Codec ISO Media File Format Binding).

mod config;
mod obu;
mod sequence;

pub use config::DecoderConfig;
pub use obu::{Obu, ObuKind, in_frame, is_key, obus, sequence_header};
pub use sequence::{Color, SequenceHeader};
