//! What stands before a payload in a tag body.

/// Multitrack, FourCC, track number and composition time.
const MAX_BYTES: usize = 10;

/// A few bytes, in place.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Header {
    bytes: [u8; MAX_BYTES],
    len: u8,
}

impl Header {
    pub(super) fn new(bytes: &[u8]) -> Self {
        Self::default().with(bytes)
    }

    /// With more behind; all headers are our own, and shorter than there is room.
    pub(super) fn with(mut self, more: &[u8]) -> Self {
        debug_assert!(usize::from(self.len) + more.len() <= MAX_BYTES);
        let room = self.bytes.iter_mut().skip(self.len.into());
        room.zip(more).for_each(|(to, from)| *to = *from);
        self.len += more.len() as u8;
        self
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or_default()
    }
}
