//! What 64 events each come to, so that a long window is read block by block.

/// A property's signed numbers, 64 rows to a block. Derived from the column, and cut where that changes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Blocks {
    /// The property.
    pub(crate) property: u16,
    /// Every bit in which a number so far differed from its sign: bounds them all.
    spread: u64,
    blocks: Vec<Block>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Block {
    sum: i128,
    least: i64,
    greatest: i64,
}

/// How many rows make a block.
const ROWS: usize = 64;

impl Blocks {
    /// None yet.
    pub(crate) fn new(property: u16) -> Self {
        Blocks { property, spread: 0, blocks: Vec::new() }
    }

    /// Takes in the whole blocks of a column that are not there yet.
    pub(crate) fn extend(&mut self, bits: &[u64]) {
        for rows in bits.chunks_exact(ROWS).skip(self.blocks.len()) {
            let mut block = Block { sum: 0, least: i64::MAX, greatest: i64::MIN };
            for number in rows.iter().map(|bits| bits.cast_signed()) {
                block.sum += i128::from(number);
                block.least = block.least.min(number);
                block.greatest = block.greatest.max(number);
            }
            self.spread |= spread(rows);
            self.blocks.push(block);
        }
    }

    /// Rows from this one on have changed.
    pub(crate) fn forget(&mut self, row: usize) {
        self.blocks.truncate(row / ROWS);
    }

    /// Bytes in use, roughly.
    pub(crate) fn memory(&self) -> usize {
        self.blocks.capacity() * size_of::<Block>() + size_of::<Self>()
    }

    /// The sum of consecutive rows; `None` when it might leave 64 bits on the way and that would matter.
    pub(super) fn sum(&self, bits: &[u64], start: usize, end: usize, exact: bool) -> Option<i128> {
        let (before, inner, after) = self.parts(bits, start, end)?;
        if !exact && !small(self.spread | spread(before) | spread(after), end - start) {
            return None;
        }
        let inner: i128 = inner.iter().map(|block| block.sum).sum();
        Some(inner + before.iter().chain(after).map(|bits| i128::from(bits.cast_signed())).sum::<i128>())
    }

    /// The least or greatest of consecutive rows.
    pub(super) fn extreme(&self, bits: &[u64], start: usize, end: usize, least: bool) -> Option<i64> {
        let (before, inner, after) = self.parts(bits, start, end)?;
        let outer = before.iter().chain(after).map(|bits| bits.cast_signed());
        if least {
            outer.chain(inner.iter().map(|block| block.least)).min()
        } else {
            outer.chain(inner.iter().map(|block| block.greatest)).max()
        }
    }

    /// The rows before the first whole block, the whole blocks, and the rows after the last.
    fn parts<'a>(&'a self, bits: &'a [u64], start: usize, end: usize) -> Option<(&'a [u64], &'a [Block], &'a [u64])> {
        let (low, high) = (start.div_ceil(ROWS), (end / ROWS).min(self.blocks.len()));
        if low >= high {
            return Some((bits.get(start..end)?, &[], &[]));
        }
        Some((bits.get(start..low * ROWS)?, self.blocks.get(low..high)?, bits.get(high * ROWS..end)?))
    }
}

/// Every bit in which a number differs from its sign.
pub(super) fn spread(bits: &[u64]) -> u64 {
    bits.iter().fold(0, |spread, bits| spread | (bits ^ (bits.cast_signed() >> 63).cast_unsigned()))
}

/// Whether so many numbers of such a spread stay within 64 bits however they are added up.
pub(super) fn small(spread: u64, count: usize) -> bool {
    u64::BITS - spread.leading_zeros() + u64::BITS - (count as u64).leading_zeros() <= 62
}
