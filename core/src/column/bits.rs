use super::{ColumnError, ColumnProblem};

/// Bits, one per row, the least significant of each byte first.
#[derive(Debug, Clone, Copy)]
pub struct Bits<'a> {
    bytes: &'a [u8],
    offset: usize,
    rows: usize,
}

impl<'a> Bits<'a> {
    /// `rows` bits, from bit `offset` on.
    ///
    /// # Errors
    /// `malformed` when there are not enough bytes.
    pub fn new(bytes: &'a [u8], offset: usize, rows: usize) -> Result<Self, ColumnError> {
        let needed = offset.checked_add(rows).map(|bits| bits.div_ceil(8));
        if needed.is_none_or(|needed| needed > bytes.len()) {
            return Err(ColumnProblem::Malformed {
                expected: format!("bytes for {rows} bits after bit {offset}").into(),
                found: format!("{} bytes", bytes.len()).into(),
            }
            .into());
        }
        // Whole bytes of the offset are dropped, so that reading adds a number below 8 and cannot overflow.
        Ok(Bits { bytes: bytes.get(offset / 8..).unwrap_or(&[]), offset: offset % 8, rows })
    }

    /// How many bits there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The bit of a row; `None` beyond the end.
    #[inline]
    #[must_use]
    pub fn get(&self, row: usize) -> Option<bool> {
        if row >= self.rows {
            return None;
        }
        let bit = self.offset + row;
        self.bytes.get(bit / 8).map(|byte| byte >> (bit % 8) & 1 == 1)
    }
}
