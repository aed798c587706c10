//! JPEG pictures (ITU-T T.81): whether it is one, how large it is, and where it ends.
//!
//! Nothing here decodes a picture. Its markers are walked from SOI to EOI, so that what a
//! decoder of a viewer gets is one whole picture of a size it can be expected to bear.

mod scan;
mod splitter;

pub use splitter::Splitter;

use crate::frame::Video;

/// SOI, with which every picture begins (T.81 table B.1).
pub const SOI: [u8; 2] = [0xFF, 0xD8];

/// What a picture may be at most. The defaults bear what cameras make (8K with room to spare)
/// and keep a decoder below 200 MB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a picture, SOI and EOI included.
    pub bytes: usize,
    /// Pixels in one direction.
    pub side: u32,
    /// Pixels in all.
    pub pixels: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            bytes: 10 << 20,
            side: 16_384,
            pixels: 64 << 20,
        }
    }
}

/// Why bytes are not a picture that is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JpegError {
    /// No SOI.
    #[error("it does not begin with FF D8; send JPEG pictures")]
    NotJpeg,
    /// The end came before EOI.
    #[error("the picture is cut short after {bytes} bytes: EOI (FF D9) is missing")]
    Truncated {
        /// Bytes that there were.
        bytes: usize,
    },
    /// A byte that cannot stand where it does.
    #[error("byte {at} should begin a marker and is {found:#04x}")]
    NoMarker {
        /// Its offset.
        at: usize,
        /// Its value.
        found: u8,
    },
    /// A segment whose length is shorter than its own length field, or than it must be.
    #[error("the segment {marker:#04x} at byte {at} has the impossible length {length}")]
    BadLength {
        /// The second byte of its marker.
        marker: u8,
        /// Where it begins.
        at: usize,
        /// What it says.
        length: usize,
    },
    /// A scan or EOI before any frame header.
    #[error("there is no frame header (SOF) before byte {at}")]
    NoFrame {
        /// Where one was needed.
        at: usize,
    },
    /// The header means no picture: no width, no height (DNL), no components.
    #[error("the frame header means no picture: {width}x{height}, {components} components")]
    Empty {
        /// Pixels.
        width: u16,
        /// Pixels.
        height: u16,
        /// Count.
        components: u8,
    },
    /// Lossless, hierarchical or arithmetic coding, which no browser shows.
    #[error("its coding (SOF {marker:#04x}) is not baseline, extended or progressive Huffman")]
    Coding {
        /// The second byte of its marker.
        marker: u8,
    },
    /// Larger than [`Limits`] allows.
    #[error("the picture is {width}x{height}; at most {side} a side and {pixels} pixels are taken")]
    TooLarge {
        /// Pixels.
        width: u16,
        /// Pixels.
        height: u16,
        /// As [`Limits::side`].
        side: u32,
        /// As [`Limits::pixels`].
        pixels: u64,
    },
    /// More bytes than [`Limits`] allows.
    #[error("the picture has more than the {limit} bytes allowed")]
    TooLong {
        /// As [`Limits::bytes`].
        limit: usize,
    },
}

/// A picture found at the start of some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Its size; without a frame rate, which no header tells.
    pub video: Video,
    /// Its length: EOI included, and nothing that stands behind.
    pub bytes: usize,
}

/// The picture that `data` begins with. What stands behind its EOI is left alone: cameras pad.
///
/// # Errors
/// When it is none, or none that `limits` allows.
pub fn inspect(data: &[u8], limits: &Limits) -> Result<Picture, JpegError> {
    let mut scan = scan::Scan::default();
    match scan.advance(data, limits)? {
        Some(picture) => Ok(picture),
        None => Err(JpegError::Truncated { bytes: data.len() }),
    }
}

#[cfg(test)]
mod tests;
