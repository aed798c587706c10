//! A cursor over outside bytes that keeps the budget.

use super::{Error, Limits};

#[derive(Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
    limits: Limits,
    depth: usize,
    values: usize,
    text_bytes: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8], limits: Limits) -> Self {
        Self {
            bytes,
            offset: 0,
            limits,
            depth: 0,
            values: 0,
            text_bytes: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.offset >= self.bytes.len()
    }

    pub(super) fn offset(&self) -> usize {
        self.offset
    }

    pub(super) fn take(&mut self, len: usize) -> Result<&'a [u8], Error> {
        let taken = self
            .bytes
            .get(self.offset..)
            .and_then(|rest| rest.get(..len))
            .ok_or(Error::Truncated {
                offset: self.bytes.len(),
            })?;
        self.offset += len;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let taken = self.take(N)?;
        taken.first_chunk().copied().ok_or(Error::Truncated {
            offset: self.offset,
        })
    }

    pub(super) fn u8(&mut self) -> Result<u8, Error> {
        Ok(u8::from_be_bytes(self.array()?))
    }

    pub(super) fn u16(&mut self) -> Result<u16, Error> {
        Ok(u16::from_be_bytes(self.array()?))
    }

    pub(super) fn u32(&mut self) -> Result<u32, Error> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(super) fn f64(&mut self) -> Result<f64, Error> {
        Ok(f64::from_be_bytes(self.array()?))
    }

    /// Text of `len` bytes. What is not UTF-8 is replaced, not refused: encoders put Latin-1
    /// into metadata.
    pub(super) fn text(&mut self, len: usize) -> Result<String, Error> {
        self.spend_text(len)?;
        Ok(String::from_utf8_lossy(self.take(len)?).into_owned())
    }

    /// Counts text that is about to be built.
    pub(super) fn spend_text(&mut self, len: usize) -> Result<(), Error> {
        self.text_bytes = self.text_bytes.saturating_add(len);
        if self.text_bytes > self.limits.max_text_bytes {
            return Err(Error::TooMuchText(self.limits.max_text_bytes));
        }
        Ok(())
    }

    /// Counts a value that is about to be built.
    pub(super) fn spend_value(&mut self) -> Result<(), Error> {
        self.values += 1;
        if self.values > self.limits.max_values {
            return Err(Error::TooManyValues(self.limits.max_values));
        }
        Ok(())
    }

    /// Runs `read` one level deeper.
    pub(super) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, Error>,
    ) -> Result<T, Error> {
        if self.depth >= self.limits.max_depth {
            return Err(Error::TooDeep(self.limits.max_depth));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }
}
