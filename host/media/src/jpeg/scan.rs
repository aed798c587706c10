//! The walk over a picture's markers, which can stop where the bytes end and go on with more.

use super::{JpegError, Limits, Picture};
use crate::frame::Video;

/// Second bytes of the markers that matter (T.81 table B.1).
mod marker {
    pub(super) const TEM: u8 = 0x01;
    pub(super) const SOF0: u8 = 0xC0;
    pub(super) const SOF2: u8 = 0xC2;
    pub(super) const RST0: u8 = 0xD0;
    pub(super) const RST7: u8 = 0xD7;
    pub(super) const SOI: u8 = 0xD8;
    pub(super) const EOI: u8 = 0xD9;
    pub(super) const SOS: u8 = 0xDA;
}

/// Where a walk stands. `at` is the first byte that has not been understood.
#[derive(Debug, Default)]
pub(super) struct Scan {
    at: usize,
    begun: bool,
    /// Within entropy-coded data, which has no length.
    coded: bool,
    scanned: bool,
    video: Option<Video>,
}

/// What one step came to.
enum Step {
    On,
    /// The bytes end in the middle of something.
    Short,
    Done,
}

impl Scan {
    /// Walks on over `data`, the same bytes as before and any that have come since; the picture,
    /// once its end is there.
    pub(super) fn advance(
        &mut self,
        data: &[u8],
        limits: &Limits,
    ) -> Result<Option<Picture>, JpegError> {
        loop {
            let step = match (self.begun, self.coded) {
                (false, _) => self.begin(data)?,
                (true, true) => self.skip_coded(data),
                (true, false) => self.segment(data, limits)?,
            };
            if self.at > limits.bytes {
                let limit = limits.bytes;
                return Err(JpegError::TooLong { limit });
            }
            match step {
                Step::On => {}
                Step::Done => {
                    let video = self.video.ok_or(JpegError::NoFrame { at: self.at })?;
                    let bytes = self.at;
                    return Ok(Some(Picture { video, bytes }));
                }
                Step::Short if data.len() > limits.bytes => {
                    let limit = limits.bytes;
                    return Err(JpegError::TooLong { limit });
                }
                Step::Short => return Ok(None),
            }
        }
    }

    fn begin(&mut self, data: &[u8]) -> Result<Step, JpegError> {
        match data {
            [0xFF, marker::SOI, ..] => {
                (self.at, self.begun) = (2, true);
                Ok(Step::On)
            }
            [] | [0xFF] => Ok(Step::Short),
            _ => Err(JpegError::NotJpeg),
        }
    }

    /// To the next marker that is neither stuffing nor a restart (T.81 §B.1.1.5, §F.1.2.3).
    fn skip_coded(&mut self, data: &[u8]) -> Step {
        while let Some(rest) = data.get(self.at..) {
            let Some(found) = memchr::memchr(0xFF, rest) else {
                self.at = data.len();
                return Step::Short;
            };
            self.at += found;
            match data.get(self.at + 1) {
                None => return Step::Short,
                Some(0x00 | marker::RST0..=marker::RST7) => self.at += 2,
                Some(0xFF) => self.at += 1,
                Some(_) => {
                    self.coded = false;
                    return Step::On;
                }
            }
        }
        Step::Short
    }

    fn segment(&mut self, data: &[u8], limits: &Limits) -> Result<Step, JpegError> {
        let (at, rest) = (self.at, data.get(self.at..).unwrap_or_default());
        let kind = match rest {
            [0xFF, 0xFF, ..] => {
                // Fill bytes (T.81 §B.1.1.2).
                self.at += 1;
                return Ok(Step::On);
            }
            [] | [0xFF] => return Ok(Step::Short),
            &[0xFF, kind, ..] => kind,
            &[found, ..] => return Err(JpegError::NoMarker { at, found }),
        };
        match kind {
            marker::TEM | marker::RST0..=marker::RST7 => {
                self.at += 2;
                return Ok(Step::On);
            }
            marker::EOI if self.scanned => {
                self.at += 2;
                return Ok(Step::Done);
            }
            0x00 | marker::SOI | marker::EOI => {
                return Err(JpegError::NoMarker { at, found: kind });
            }
            _ => {}
        }
        let &[_, _, high, low, ..] = rest else {
            return Ok(Step::Short);
        };
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length < 2 {
            let marker = kind;
            return Err(JpegError::BadLength { marker, at, length });
        }
        let Some(body) = rest.get(4..2 + length) else {
            return Ok(Step::Short);
        };
        self.understand(kind, body, limits)?;
        self.at += 2 + length;
        Ok(Step::On)
    }

    fn understand(&mut self, kind: u8, body: &[u8], limits: &Limits) -> Result<(), JpegError> {
        match kind {
            marker::SOF0..=marker::SOF2 => {
                self.video = Some(frame_header(kind, self.at, body, limits)?)
            }
            // All SOFs but these; DHT, JPG and DAC stand between them.
            0xC3 | 0xC5..=0xC7 | 0xC9..=0xCB | 0xCD..=0xCF => {
                return Err(JpegError::Coding { marker: kind });
            }
            marker::SOS if self.video.is_none() => return Err(JpegError::NoFrame { at: self.at }),
            marker::SOS => (self.coded, self.scanned) = (true, true),
            _ => {}
        }
        Ok(())
    }
}

/// T.81 §B.2.2.
fn frame_header(kind: u8, at: usize, body: &[u8], limits: &Limits) -> Result<Video, JpegError> {
    let &[_precision, h1, h0, w1, w0, components, ref rest @ ..] = body else {
        let (marker, length) = (kind, body.len() + 2);
        return Err(JpegError::BadLength { marker, at, length });
    };
    if rest.len() != 3 * usize::from(components) {
        let (marker, length) = (kind, body.len() + 2);
        return Err(JpegError::BadLength { marker, at, length });
    }
    let (width, height) = (u16::from_be_bytes([w1, w0]), u16::from_be_bytes([h1, h0]));
    if width == 0 || height == 0 || components == 0 {
        return Err(JpegError::Empty {
            width,
            height,
            components,
        });
    }
    let (w, h) = (u32::from(width), u32::from(height));
    if w.max(h) > limits.side || u64::from(w) * u64::from(h) > limits.pixels {
        return Err(JpegError::TooLarge {
            width,
            height,
            side: limits.side,
            pixels: limits.pixels,
        });
    }
    Ok(Video {
        width: w,
        height: h,
        fps_milli: 0,
    })
}
