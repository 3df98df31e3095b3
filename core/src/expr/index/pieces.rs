//! The facts of a question in pieces of sixteen bits, so that every test of every rule is the same few instructions.

use super::layout::{CodeRanges, Coded, Coding, Layout, Slot};
use super::literal::SlotId;
use super::row::Row;
use smallvec::SmallVec;

/// One test of a piece: `(piece & mask) - low`, around the corner, is below the limit.
///
/// With all bits in the mask that is a range of codes; with `low` 1 and the highest limit, any bit of the mask being set; with
/// `low` 0 and limit 1, none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) at: u16,
    pub(super) mask: u16,
    pub(super) low: u16,
    pub(super) limit: u16,
}

/// A test that holds for no row.
pub(super) const NEVER: Piece = Piece { at: 0, mask: 0, low: 0, limit: 0 };

/// How many pieces there may be: as many as sixteen bits can number, so that no number is out of bounds.
pub(super) const PIECES: usize = 1 << 16;
/// The piece of a code that is not known, which lies in no range.
const NOTHING: u16 = u16::MAX;
/// Codes of a slot, at most, that have a bit each beside the code.
const BITS: u32 = 64;
/// Tests of one literal, at most.
const TESTS: usize = 8;

/// The tests of a literal, any or all of which must hold.
#[derive(Debug, Clone)]
pub(super) struct Tests {
    pub(super) all: bool,
    pub(super) tests: SmallVec<[Piece; 2]>,
}

/// Where the pieces of all slots are.
#[derive(Debug)]
pub(super) struct Pieces {
    slots: Box<[Place]>,
    /// Those that tests read: of codes, the slots; of bits, the places.
    codes: Box<[SlotId]>,
    bits: Box<[Place]>,
}

/// The pieces of a slot. Its code is the piece of its number.
#[derive(Debug, Clone, Copy)]
struct Place {
    slot: SlotId,
    /// Whether each code fits into a piece.
    exact: bool,
    /// The pieces with a bit per code or element; none when `count` is 0.
    first: u16,
    count: u16,
    /// Of a list: its words in a row of facts.
    words: (usize, usize),
}

impl Pieces {
    pub(super) fn new(layout: &Layout) -> Self {
        let mut next = layout.slots.len();
        let mut take = |bits: u32| {
            let (first, count) = (next, bits.div_ceil(16) as usize);
            match (u16::try_from(first), u16::try_from(count)) {
                (Ok(at), Ok(number)) if first + count <= PIECES => {
                    next = first + count;
                    (at, number)
                }
                _ => (0, 0),
            }
        };
        let place = |(slot, of): (SlotId, &Slot)| {
            let ((first, count), words) = match of.coding {
                Coding::Elements { first, count, .. } => {
                    // A piece too many, where a word of the row has bits without an element.
                    (take(count.next_multiple_of(64)), (first as usize / 64, count.div_ceil(64) as usize))
                }
                _ if (3..=BITS).contains(&of.codes) => (take(of.codes), (0, 0)),
                _ => ((0, 0), (0, 0)),
            };
            Place { slot, exact: of.codes < u32::from(NOTHING), first, count, words }
        };
        let slots: Box<[Place]> = (0..).zip(&layout.slots).map(place).collect();
        Pieces { codes: slots.iter().map(|place| place.slot).collect(), bits: slots.clone(), slots }
    }

    /// Prepares from now on only what some tests read.
    pub(super) fn keep(&mut self, tests: impl Iterator<Item = Piece>) {
        let mut read = vec![false; PIECES];
        tests.for_each(|test| read[usize::from(test.at)] = true);
        let any = |first: u16, count: u16| read.iter().skip(usize::from(first)).take(usize::from(count)).any(|read| *read);
        self.codes = self.slots.iter().map(|place| place.slot).filter(|slot| any(*slot, 1)).collect();
        self.bits = self.slots.iter().filter(|place| any(place.first, place.count)).copied().collect();
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.slots) + size_of_val(&*self.codes) + size_of_val(&*self.bits)
    }

    /// The tests of a literal; `None` when only its program can decide it.
    pub(super) fn tests(&self, literal: &Coded, layout: &Layout) -> Option<Tests> {
        match literal {
            Coded::Codes { slot, ranges } => self
                .ranges(*slot, ranges, layout.slot(*slot).map_or(0, |slot| slot.codes))
                .map(|tests| Tests { all: false, tests }),
            Coded::Elements { slot, bits, within } => {
                let place = self.slots.get(usize::from(*slot))?;
                let mut tests: SmallVec<[Piece; 2]> = SmallVec::new();
                if !within {
                    tests.push(Piece { at: *slot, mask: u16::MAX, low: 0, limit: NOTHING });
                }
                let known = tests.len();
                for bit in bits {
                    let bit = *bit as usize - place.words.0 * 64;
                    let at = place.first + u16::try_from(bit / 16).ok().filter(|at| *at < place.count)?;
                    match tests[known..].iter_mut().find(|test| test.at == at) {
                        Some(test) => test.mask |= 1 << (bit % 16),
                        None => tests.push(bits_of(at, 1 << (bit % 16), *within)),
                    }
                    if tests.len() > TESTS {
                        return None;
                    }
                }
                if tests.is_empty() {
                    tests.push(NEVER);
                }
                Some(Tests { all: !within, tests })
            }
            Coded::Opaque { .. } => None,
        }
    }

    fn ranges(&self, slot: u16, ranges: &CodeRanges, codes: u32) -> Option<SmallVec<[Piece; 2]>> {
        let place = self.slots.get(usize::from(slot)).filter(|place| place.exact)?;
        let mut tests: SmallVec<[Piece; 2]> = SmallVec::new();
        if ranges.len() > 1 && place.count > 0 {
            let mut masks = [0_u16; BITS as usize / 16];
            for code in ranges.iter().flat_map(|(low, high)| *low..=(*high).min(codes.saturating_sub(1))) {
                masks[code as usize / 16] |= 1 << (code % 16);
            }
            let set = (place.first..).zip(masks).filter(|(_, mask)| *mask != 0);
            tests.extend(set.map(|(at, mask)| bits_of(at, mask, true)));
        } else if ranges.len() <= TESTS {
            for (low, high) in ranges {
                let high = (*high).min(codes.saturating_sub(1));
                tests.push(match (u16::try_from(*low), u16::try_from(high)) {
                    (Ok(low), Ok(high)) if low <= high => Piece { at: slot, mask: u16::MAX, low, limit: high - low + 1 },
                    _ => NEVER,
                });
            }
        } else {
            return None;
        }
        if tests.is_empty() {
            tests.push(NEVER);
        }
        Some(tests)
    }

    /// Prepares the facts of a row.
    pub(super) fn prepare(&self, row: &Row, pieces: &mut Vec<u16>) {
        if pieces.is_empty() {
            // Zeroes as the system gives them: most are never touched.
            *pieces = vec![0; PIECES];
        }
        for slot in &self.codes {
            pieces[usize::from(*slot)] = u16::try_from(row.code(*slot)).unwrap_or(NOTHING);
        }
        for place in &self.bits {
            let own = &mut pieces[usize::from(place.first)..usize::from(place.first) + usize::from(place.count)];
            if place.words.1 > 0 {
                let words = row.element_words(place.words.0, place.words.1);
                for (word, pieces) in words.iter().zip(own.chunks_exact_mut(4)) {
                    for (number, piece) in (0..).zip(pieces) {
                        *piece = low_quarter(word >> (16 * number));
                    }
                }
                continue;
            }
            let code = row.code(place.slot);
            for (number, piece) in (0..).zip(own) {
                *piece = u16::from(code / 16 == number) << (code % 16);
            }
        }
    }
}

/// Any bit of a mask, or none, is set.
fn bits_of(at: u16, mask: u16, any: bool) -> Piece {
    if any { Piece { at, mask, low: 1, limit: u16::MAX } } else { Piece { at, mask, low: 0, limit: 1 } }
}

#[expect(clippy::cast_possible_truncation, reason = "the low quarter is meant")]
fn low_quarter(word: u64) -> u16 {
    word as u16
}
