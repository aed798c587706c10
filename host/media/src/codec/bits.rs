//! Bit fields and Exp-Golomb codes, read and written most significant bit first.

use super::CodecError;

/// Reads bit fields of a header; knows the header's name, for its errors.
#[derive(Debug, Clone)]
pub struct BitReader<'a> {
    what: &'static str,
    bytes: &'a [u8],
    bit: usize,
}

impl<'a> BitReader<'a> {
    /// Starts at the first bit of `bytes`, which hold the header called `what`.
    pub const fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            what,
            bytes,
            bit: 0,
        }
    }

    /// `u(count)`: the next `count` bits, at most 32.
    ///
    /// # Errors
    /// [`CodecError::Truncated`] when fewer are left.
    pub fn bits(&mut self, count: u32) -> Result<u32, CodecError> {
        debug_assert!(count <= 32);
        let mut value = 0u64;
        let mut left = count as usize;
        while left > 0 {
            let byte = *self
                .bytes
                .get(self.bit / 8)
                .ok_or_else(|| self.truncated())?;
            let unread = 8 - self.bit % 8;
            let take = unread.min(left);
            let field = (u32::from(byte) >> (unread - take)) & ((1 << take) - 1);
            value = (value << take) | u64::from(field);
            self.bit += take;
            left -= take;
        }
        Ok(value as u32)
    }

    /// `u(8)` or less, as a byte.
    ///
    /// # Errors
    /// As [`Self::bits`].
    pub fn byte(&mut self, count: u32) -> Result<u8, CodecError> {
        debug_assert!(count <= 8);
        Ok(self.bits(count)? as u8)
    }

    /// `u(1)`.
    ///
    /// # Errors
    /// As [`Self::bits`].
    pub fn flag(&mut self) -> Result<bool, CodecError> {
        Ok(self.bits(1)? == 1)
    }

    /// `ue(v)` (ITU-T H.264 §9.1).
    ///
    /// # Errors
    /// As [`Self::bits`]; [`CodecError::Invalid`] for a code longer than 32 bits of prefix.
    pub fn ue(&mut self) -> Result<u32, CodecError> {
        let mut zeros = 0;
        while !self.flag()? {
            zeros += 1;
            if zeros > 31 {
                return Err(CodecError::Invalid {
                    what: self.what,
                    value: zeros.into(),
                });
            }
        }
        Ok((1u32 << zeros) - 1 + self.bits(zeros)?)
    }

    /// `ue(v)` with the bound its standard gives; `what` names the field.
    ///
    /// # Errors
    /// As [`Self::ue`]; [`CodecError::Invalid`] above `max`.
    pub fn ue_max(&mut self, what: &'static str, max: u32) -> Result<u32, CodecError> {
        match self.ue()? {
            value if value <= max => Ok(value),
            value => Err(CodecError::Invalid {
                what,
                value: value.into(),
            }),
        }
    }

    /// `se(v)` (ITU-T H.264 §9.1.1).
    ///
    /// # Errors
    /// As [`Self::ue`].
    pub fn se(&mut self) -> Result<i32, CodecError> {
        let code = i64::from(self.ue()?);
        let magnitude = (code + 1) / 2;
        Ok(if code % 2 == 0 { -magnitude } else { magnitude } as i32)
    }

    /// Passes over `count` bits.
    ///
    /// # Errors
    /// As [`Self::bits`].
    pub fn skip(&mut self, count: usize) -> Result<(), CodecError> {
        if count > self.left() {
            return Err(self.truncated());
        }
        self.bit += count;
        Ok(())
    }

    /// Passes over bits up to the next byte boundary.
    pub fn align(&mut self) {
        self.bit = self.bit.next_multiple_of(8);
    }

    /// Bits not read yet.
    pub const fn left(&self) -> usize {
        (self.bytes.len() * 8).saturating_sub(self.bit)
    }

    const fn truncated(&self) -> CodecError {
        CodecError::Truncated {
            what: self.what,
            bytes: self.bytes.len(),
        }
    }
}

/// Writes bit fields; the last byte is filled with zeros.
#[derive(Debug, Clone, Default)]
pub struct BitWriter {
    bytes: Vec<u8>,
    bit: usize,
}

impl BitWriter {
    /// Appends the low `count` bits of `value`.
    pub fn bits(&mut self, count: u32, value: u32) {
        for shift in (0..count).rev() {
            if self.bit.is_multiple_of(8) {
                self.bytes.push(0);
            }
            if let Some(last) = self.bytes.last_mut() {
                *last |= (((value >> shift) & 1) as u8) << (7 - self.bit % 8);
            }
            self.bit += 1;
        }
    }

    /// What was written.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exp_golomb_codes_of_the_standards_table_are_read() {
        // 1 010 011 00100 00101 (ITU-T H.264 table 9-2: 0 1 2 3 4)
        let bytes = [0b1010_0110, 0b0100_0010, 0b1000_0000];
        let mut reader = BitReader::new("test", &bytes);
        let codes: Vec<u32> = (0..5).map(|_| reader.ue().unwrap()).collect();
        assert_eq!(codes, [0, 1, 2, 3, 4]);
        let mut reader = BitReader::new("test", &bytes);
        let signed: Vec<i32> = (0..5).map(|_| reader.se().unwrap()).collect();
        assert_eq!(signed, [0, 1, -1, 2, -2]);
    }

    #[test]
    fn a_field_past_the_end_is_an_error_naming_the_header() {
        let mut reader = BitReader::new("thing", &[0xff]);
        assert_eq!(reader.bits(7), Ok(127));
        assert_eq!(
            reader.bits(2),
            Err(CodecError::Truncated {
                what: "thing",
                bytes: 1
            })
        );
        assert!(BitReader::new("thing", &[0; 9]).ue().is_err());
    }

    #[test]
    fn fields_written_are_read_back_across_bytes() {
        let mut writer = BitWriter::default();
        writer.bits(5, 0b10101);
        writer.bits(24, 0x00AB_CDEF);
        writer.bits(1, 1);
        let bytes = writer.finish();
        let mut reader = BitReader::new("test", &bytes);
        assert_eq!(reader.bits(5), Ok(0b10101));
        assert_eq!(reader.bits(24), Ok(0x00AB_CDEF));
        assert_eq!(reader.flag(), Ok(true));
        assert_eq!(reader.left(), 2);
    }
}
