use super::StateError;
use crate::value::Timestamp;

/// Takes numbers and texts off bytes that nobody vouches for.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    /// Where `bytes` begins in the whole.
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8], offset: usize) -> Self {
        Reader { bytes, offset }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    /// All that is left.
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes
    }

    pub(crate) fn corrupt(&self, expected: &str) -> StateError {
        StateError::corrupt(self.offset, expected)
    }

    fn truncated(&self) -> StateError {
        StateError::new(
            "truncated",
            self.offset,
            format!("the bytes end at {}, where more was expected", self.offset + self.bytes.len()),
        )
    }

    pub(crate) fn take(&mut self, length: usize) -> Result<&'a [u8], StateError> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or_else(|| self.truncated())?;
        self.bytes = rest;
        self.offset += length;
        Ok(taken)
    }

    /// A reader for the next `length` bytes alone.
    pub(crate) fn part(&mut self, length: usize) -> Result<Reader<'a>, StateError> {
        let offset = self.offset;
        Ok(Reader { bytes: self.take(length)?, offset })
    }

    pub(crate) fn byte(&mut self) -> Result<u8, StateError> {
        let (byte, rest) = self.bytes.split_first().ok_or_else(|| self.truncated())?;
        self.bytes = rest;
        self.offset += 1;
        Ok(*byte)
    }

    pub(crate) fn varint(&mut self) -> Result<u64, StateError> {
        // Most numbers are small.
        if let Some((byte, rest)) = self.bytes.split_first()
            && *byte < 0x80
        {
            self.bytes = rest;
            self.offset += 1;
            return Ok(u64::from(*byte));
        }
        let mut number = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.corrupt("a number of at most 64 bits"))
    }

    pub(crate) fn signed(&mut self) -> Result<i64, StateError> {
        let number = self.varint()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    pub(crate) fn wide(&mut self) -> Result<i128, StateError> {
        let bytes = self.take(16)?;
        bytes.try_into().map(i128::from_le_bytes).map_err(|_| self.truncated())
    }

    pub(crate) fn eight(&mut self) -> Result<u64, StateError> {
        let bytes = self.take(8)?;
        bytes.try_into().map(u64::from_le_bytes).map_err(|_| self.truncated())
    }

    /// How many things of at least `least` bytes each follow; never more than there is room for, so that memory may be taken
    /// for all of them at once.
    pub(crate) fn count(&mut self, least: usize) -> Result<usize, StateError> {
        let number = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
        if number > self.bytes.len() / least.max(1) {
            return Err(self.truncated());
        }
        Ok(number)
    }

    pub(crate) fn text(&mut self) -> Result<&'a str, StateError> {
        let length = self.count(1)?;
        self.utf8(length)
    }

    pub(crate) fn utf8(&mut self, length: usize) -> Result<&'a str, StateError> {
        let offset = self.offset;
        std::str::from_utf8(self.take(length)?).map_err(|_| StateError::corrupt(offset, "text in UTF-8"))
    }

    pub(crate) fn time(&mut self) -> Result<Timestamp, StateError> {
        let micros = self.signed()?;
        self.instant(micros)
    }

    pub(crate) fn instant(&self, micros: i64) -> Result<Timestamp, StateError> {
        Timestamp::from_micros(micros).map_err(|_| self.corrupt("a time between the years 1 and 9999"))
    }

    pub(crate) fn flag(&mut self) -> Result<bool, StateError> {
        match self.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(self.corrupt("0 or 1")),
        }
    }

    /// Refuses anything left over.
    pub(crate) fn end(&self) -> Result<(), StateError> {
        if self.bytes.is_empty() { Ok(()) } else { Err(self.corrupt("the end of the section")) }
    }
}
