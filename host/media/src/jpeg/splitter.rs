//! Pictures one behind the other, as FFmpeg's `-f mjpeg` writes them.

use super::scan::Scan;
use super::{JpegError, Limits, Picture, SOI};
use bytes::{Buf, Bytes, BytesMut};

/// Cuts a run of bytes into pictures. Holds at most one picture that is not whole yet, and what
/// was pushed behind it.
#[derive(Debug)]
pub struct Splitter {
    limits: Limits,
    held: BytesMut,
    scan: Scan,
    failed: Option<JpegError>,
}

impl Splitter {
    /// For pictures within these limits.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            held: BytesMut::new(),
            scan: Scan::default(),
            failed: None,
        }
    }

    /// Takes bytes in any cut; [`Splitter::poll_picture`] gives what they complete. Poll until
    /// there is none before more is pushed, and no more than one picture is ever held.
    pub fn handle_input(&mut self, data: &[u8]) {
        self.held.extend_from_slice(data);
    }

    /// Room for a reader to fill, instead of [`Splitter::handle_input`]: saves a copy.
    pub const fn buffer(&mut self) -> &mut BytesMut {
        &mut self.held
    }

    /// The next whole picture; none until more comes.
    ///
    /// # Errors
    /// When what comes is no picture, from then on: where the next would begin is not known.
    pub fn poll_picture(&mut self) -> Result<Option<(Picture, Bytes)>, JpegError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        self.next().inspect_err(|error| {
            self.failed = Some(*error);
            self.held = BytesMut::new();
        })
    }

    fn next(&mut self) -> Result<Option<(Picture, Bytes)>, JpegError> {
        if !self.held.starts_with(&SOI) {
            self.skip_padding();
        }
        let Some(picture) = self.scan.advance(&self.held, &self.limits)? else {
            return Ok(None);
        };
        self.scan = Scan::default();
        let data = self.held.split_to(picture.bytes).freeze();
        Ok(Some((picture, data)))
    }

    /// Between pictures some writers leave zeros or line ends.
    fn skip_padding(&mut self) {
        let padding = |byte: &&u8| matches!(byte, 0 | b'\r' | b'\n');
        let padded = self.held.iter().take_while(padding).count();
        self.held.advance(padded);
    }

    /// Whether it stands between two pictures.
    pub fn is_between(&self) -> bool {
        self.held.is_empty()
    }

    /// To be asked when no more comes.
    ///
    /// # Errors
    /// When it ended within a picture.
    pub fn finish(&self) -> Result<(), JpegError> {
        match (self.failed, self.held.len()) {
            (Some(error), _) => Err(error),
            (None, 0) => Ok(()),
            (None, bytes) => Err(JpegError::Truncated { bytes }),
        }
    }
}
