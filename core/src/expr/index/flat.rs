//! The flat program of a rule: a test of one slot each, and where to go when it holds or not.

use super::layout::{Coded, UNKNOWN};
use super::literal::Fold;
use super::row::Row;
use super::shape::Shape;
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::hash::BuildHasherDefault;

/// The place that means *true*; any other place without a test means *false*.
pub(in crate::expr) const ACCEPT: u16 = u16::MAX;
const REJECT: u16 = u16::MAX - 1;

/// One test: 16 bytes.
#[derive(Debug, Clone, Copy)]
pub(in crate::expr) struct Test {
    pub(in crate::expr) kind: Kind,
    /// The slot; of a set of elements the first word in the row.
    pub(in crate::expr) slot: u16,
    pub(in crate::expr) a: u32,
    pub(in crate::expr) b: u32,
    /// The next test when this one holds, else.
    pub(in crate::expr) yes: u16,
    pub(in crate::expr) no: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in crate::expr) enum Kind {
    /// The code lies from `a` to `a + b`.
    Range,
    /// The code is below 64 and its bit in the mask of low half `a` and high half `b` is set.
    Mask,
    /// The code's bit in the `b` words of the pool from `a` on is set.
    Set,
    /// The code lies in one of the `b` ranges in the pool from `a` on, which are sorted: both ends in the halves of a word.
    Sorted,
    /// Bit `a` of the row's elements is set.
    Element,
    /// Any bit of the pool's words from `a` on is set in the row, from word `slot` on; `b` words.
    AnyElement,
    /// The slot is known and the bit is not set.
    NoElement,
    /// The list is known (its code is that of `slot`) and none of the pool's words from `a` on are set; the first pool word
    /// says from where on in the row, `b` words follow.
    NoneOfElements,
    /// The reference finds part `a` to be true (`b` is 1) or false (0).
    Opaque,
}

/// Words that tests refer to; equal ones are kept once.
#[derive(Debug, Clone, Default)]
pub(in crate::expr) struct Pool {
    pub(in crate::expr) words: Vec<u64>,
    known: HashMap<Vec<u64>, u32, BuildHasherDefault<Fold>>,
}

impl Pool {
    fn number(&mut self, words: Vec<u64>) -> u32 {
        if let Some(number) = self.known.get(&words) {
            return *number;
        }
        let number = u32::try_from(self.words.len()).unwrap_or(UNKNOWN);
        self.words.extend_from_slice(&words);
        self.known.insert(words, number);
        number
    }

    /// Only the words, when no more will come.
    pub(in crate::expr) fn finish(self) -> Box<[u64]> {
        self.words.into()
    }
}

/// The tests of a literal: it is true when any of them holds.
pub(in crate::expr) fn tests_of(literal: &Coded, codes: &dyn Fn(u16) -> u32, pool: &mut Pool) -> SmallVec<[Test; 2]> {
    let test = |kind, slot, a, b| Test { kind, slot, a, b, yes: ACCEPT, no: REJECT };
    let mut tests = SmallVec::new();
    match literal {
        Coded::Codes { slot, ranges } => {
            let count = codes(*slot);
            let words = count.div_ceil(64) as usize;
            match &ranges[..] {
                [] => tests.push(never(*slot)),
                [(low, high)] => tests.push(test(Kind::Range, *slot, *low, high - low)),
                ranges if count <= 64 => {
                    let mask = bitset(ranges, 1)[0];
                    #[expect(clippy::cast_possible_truncation, reason = "halves of a word")]
                    tests.push(test(Kind::Mask, *slot, mask as u32, (mask >> 32) as u32));
                }
                ranges if ranges.len() <= 8 && words > 2 * ranges.len() => {
                    tests.extend(ranges.iter().map(|(low, high)| test(Kind::Range, *slot, *low, high - low)));
                }
                ranges if words <= 4 * ranges.len() => {
                    let offset = pool.number(bitset(ranges, words));
                    tests.push(test(Kind::Set, *slot, offset, u32::try_from(words).unwrap_or(0)));
                }
                // Few of very many codes: memory in proportion to the constants.
                ranges => {
                    let sorted = ranges.iter().map(|(low, high)| u64::from(*low) << 32 | u64::from(*high)).collect();
                    tests.push(test(Kind::Sorted, *slot, pool.number(sorted), u32::try_from(ranges.len()).unwrap_or(0)));
                }
            }
        }
        Coded::Elements { slot, bits, within } => match (&bits[..], within) {
            ([], true) => tests.push(never(*slot)),
            ([], false) => tests.push(test(Kind::Range, *slot, 0, 0)),
            ([bit], true) => tests.push(test(Kind::Element, *slot, *bit, 0)),
            ([bit], false) => tests.push(test(Kind::NoElement, *slot, *bit, 0)),
            (bits, within) => {
                let first = bits.first().map_or(0, |bit| bit / 64);
                let words = bits.last().map_or(1, |bit| bit / 64 - first + 1);
                let mut mask = vec![0; words as usize];
                for bit in bits {
                    mask[(bit / 64 - first) as usize] |= 1 << (bit % 64);
                }
                if *within && let Ok(first) = u16::try_from(first) {
                    tests.push(test(Kind::AnyElement, first, pool.number(mask), words));
                } else if *within {
                    tests.extend(bits.iter().map(|bit| test(Kind::Element, *slot, *bit, 0)));
                } else {
                    mask.insert(0, u64::from(first));
                    tests.push(test(Kind::NoneOfElements, *slot, pool.number(mask), words));
                }
            }
        },
        Coded::Opaque { part, wanted } => tests.push(test(Kind::Opaque, 0, *part, u32::from(*wanted))),
    }
    tests
}

fn bitset(ranges: &[(u32, u32)], words: usize) -> Vec<u64> {
    let mut bits = vec![0_u64; words];
    for code in ranges.iter().flat_map(|(low, high)| *low..=*high) {
        if let Some(word) = bits.get_mut(code as usize / 64) {
            *word |= 1 << (code % 64);
        }
    }
    bits
}

/// Writes programs.
pub(in crate::expr) struct Writer<'a> {
    /// The tests of each literal.
    pub(in crate::expr) literals: &'a dyn Fn(u32) -> SmallVec<[Test; 2]>,
    pub(in crate::expr) tests: Vec<Test>,
}

impl Writer<'_> {
    /// Appends the program of a rule; `None` when it has too many tests.
    pub(in crate::expr) fn write(&mut self, shape: &Shape) -> Option<()> {
        let start = self.tests.len();
        let size = self.size(shape);
        if size >= usize::from(REJECT) {
            return None;
        }
        match shape {
            // A program needs a test to begin with: one that always holds, or never.
            Shape::And(parts) if parts.is_empty() => self.tests.push(always(ACCEPT)),
            _ if size == 0 => {
                let truth = self.constant(shape);
                self.tests.push(always(if truth { ACCEPT } else { REJECT }));
            }
            _ => self.emit(shape, start, ACCEPT, REJECT),
        }
        Some(())
    }

    fn size(&self, shape: &Shape) -> usize {
        match shape {
            Shape::Literal(number) => (self.literals)(*number).len().max(1),
            Shape::And(parts) | Shape::Or(parts) => parts.iter().map(|part| self.size(part)).sum(),
        }
    }

    /// The truth of a shape without tests.
    fn constant(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Literal(_) => false,
            Shape::And(parts) => parts.iter().all(|part| self.constant(part)),
            Shape::Or(parts) => parts.iter().any(|part| self.constant(part)),
        }
    }

    /// Appends a shape that goes to `yes` or `no`; `start` is where the program begins.
    fn emit(&mut self, shape: &Shape, start: usize, yes: u16, no: u16) {
        match shape {
            Shape::Literal(number) => {
                let tests = (self.literals)(*number);
                if tests.is_empty() {
                    self.tests.push(always(no));
                }
                let last = tests.len().saturating_sub(1);
                for (i, test) in tests.into_iter().enumerate() {
                    let next = place(self.tests.len() + 1 - start);
                    self.tests.push(Test { yes, no: if i == last { no } else { next }, ..test });
                }
            }
            Shape::And(parts) | Shape::Or(parts) => {
                let all = matches!(shape, Shape::And(_));
                let sizes: Vec<usize> = parts.iter().map(|part| self.size(part)).collect();
                for (i, part) in parts.iter().enumerate() {
                    if sizes[i] == 0 {
                        continue; // settled by `simplify`
                    }
                    let next = place(self.tests.len() + sizes[i] - start);
                    let last = sizes[i + 1..].iter().all(|size| *size == 0);
                    match (all, last) {
                        (_, true) => self.emit(part, start, yes, no),
                        (true, false) => self.emit(part, start, next, no),
                        (false, false) => self.emit(part, start, yes, next),
                    }
                }
            }
        }
    }
}

fn place(at: usize) -> u16 {
    u16::try_from(at).unwrap_or(REJECT)
}

/// A test that holds for no code; unlike a constant it is not known when the slot is not.
fn never(slot: u16) -> Test {
    Test { kind: Kind::Range, slot, a: UNKNOWN - 1, b: 0, yes: ACCEPT, no: REJECT }
}

/// A test that leads to the same place whatever the row.
fn always(to: u16) -> Test {
    Test { kind: Kind::Mask, slot: 0, a: 0, b: 0, yes: to, no: to }
}

/// Runs a program. `opaque` decides the parts that only the reference can.
#[inline]
pub(in crate::expr) fn run(tests: &[Test], pool: &[u64], row: &Row, opaque: &mut impl FnMut(u32, bool) -> bool) -> bool {
    let mut at = 0_u16;
    while let Some(test) = tests.get(usize::from(at)) {
        at = if holds(test, pool, row, opaque) { test.yes } else { test.no };
    }
    at == ACCEPT
}

/// Runs a program without opaque parts on what may be true.
pub(in crate::expr) fn possible(tests: &[Test], pool: &[u64], row: &Row) -> bool {
    let mut at = 0_u16;
    while let Some(test) = tests.get(usize::from(at)) {
        let slot = match test.kind {
            Kind::AnyElement => row.slot_of_word(test.slot),
            _ => test.slot,
        };
        let unknown = row.code(slot) == UNKNOWN && test.yes != test.no;
        at = if unknown || holds(test, pool, row, &mut |_, _| false) { test.yes } else { test.no };
    }
    at == ACCEPT
}

#[inline]
fn holds(test: &Test, pool: &[u64], row: &Row, opaque: &mut impl FnMut(u32, bool) -> bool) -> bool {
    // Most tests are ranges: a branch that is foreseen, where the match below is not.
    if test.kind == Kind::Range {
        return row.code(test.slot).wrapping_sub(test.a) <= test.b;
    }
    match test.kind {
        Kind::Range => false,
        Kind::Mask => {
            let code = row.code(test.slot);
            let mask = u64::from(test.a) | u64::from(test.b) << 32;
            code < 64 && mask >> code & 1 == 1
        }
        Kind::Set => {
            let code = row.code(test.slot);
            code / 64 < test.b
                && pool.get(test.a as usize + code as usize / 64).is_some_and(|word| word >> (code % 64) & 1 == 1)
        }
        Kind::Sorted => {
            let code = u64::from(row.code(test.slot));
            let ranges = pool.get(test.a as usize..test.a as usize + test.b as usize).unwrap_or(&[]);
            let after = ranges.partition_point(|range| range >> 32 <= code);
            after > 0 && code <= ranges[after - 1] & u64::from(u32::MAX)
        }
        Kind::Element => row.element(test.a),
        Kind::AnyElement => row.any_element(usize::from(test.slot), pool, test.a, test.b),
        Kind::NoElement => row.code(test.slot) != UNKNOWN && !row.element(test.a),
        Kind::NoneOfElements => {
            let first = pool.get(test.a as usize).and_then(|first| usize::try_from(*first).ok()).unwrap_or(0);
            row.code(test.slot) != UNKNOWN && !row.any_element(first, pool, test.a + 1, test.b)
        }
        Kind::Opaque => opaque(test.a, test.b == 1),
    }
}
