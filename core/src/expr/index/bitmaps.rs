//! The index: a bitmap of the rules for each fact and group of its codes. All that the facts lead to are met, and records decide
//! what the groups leave open.
//!
//! None of it has a branch that depends on the facts, except where lists of what is left end.

use super::constraint::{Constraint, both, conjuncts};
use super::groups::Groups;
use super::layout::{Coded, Coding, Layout};
use super::literal::SlotId;
use super::order::Odds;
use super::pieces::{PIECES, Pieces, Tests};
use super::record::{PROGRAM, REJECT, RULE, Record, Records};
use super::row::Row;
use super::shape::Shape;
use smallvec::SmallVec;
use std::borrow::Cow;

/// Bytes of bitmaps that any set may take, and how many each rule adds.
const BYTES: usize = 1 << 20;
const BYTES_OF_RULE: usize = 96;
/// Rules of a word that are written down whether or not there are so many: few words have more.
const WRITTEN: usize = 2;
/// So few rules are decided by their programs: preparing facts for records takes as long.
const FEW: usize = 16;

/// The bitmaps, and the records of the rules.
#[derive(Debug)]
pub(in crate::expr) struct Bitmaps {
    /// Words of a bitmap.
    words: usize,
    bits: Box<[u64]>,
    slots: Box<[Slot]>,
    pieces: Pieces,
    /// Those that rules begin with, by rule, then further ones.
    records: Box<[Record]>,
    /// The rules of which the bitmaps say everything.
    settled: Box<[u64]>,
}

/// The bitmaps of a fact: first one of the rules that demand nothing of it, then one per group.
#[derive(Debug)]
struct Slot {
    slot: SlotId,
    first: u32,
    groups: Groups,
    /// Of a list: its words in a row of facts.
    elements: (usize, usize),
}

/// Memory of a question.
#[derive(Debug, Clone, Default)]
pub(in crate::expr) struct Left {
    pieces: Vec<u16>,
    /// The bitmaps of single values, and of elements.
    met: Vec<u32>,
    any: Vec<u32>,
    all: Vec<u64>,
    alive: Vec<u64>,
    /// Of these, the rules of which the bitmaps do not say everything.
    open: Vec<u64>,
    records: Vec<u32>,
    ends: Vec<u32>,
}

/// What a rule demands of one slot, and the parts of the rule that say so.
struct Demand<'a> {
    slot: SlotId,
    of: Constraint<'a>,
    parts: SmallVec<[usize; 4]>,
}

impl Bitmaps {
    /// An index over rules.
    pub(in crate::expr) fn new(shapes: &[Shape], layout: &Layout, literals: &[Coded], odds: &Odds) -> Self {
        let mut pieces = Pieces::new(layout);
        let words = shapes.len().div_ceil(64);
        let demands: Vec<Vec<Demand<'_>>> = shapes.iter().map(|shape| demands(shape, literals)).collect();
        let mut uses = vec![0_usize; layout.slots.len()];
        demands.iter().flatten().for_each(|demand| uses[usize::from(demand.slot)] += 1);
        let mut slots = slots(layout, odds, &uses, words);
        let rows = slots.last().map_or(1, |slot| slot.first + 1 + slot.groups.count()) as usize;
        let mut bits = vec![0_u64; rows * words];
        // The first bitmap is of all rules that can be true.
        for (rule, shape) in shapes.iter().enumerate() {
            bits[rule / 64] |= u64::from(*shape != Shape::Or(Vec::new())) << (rule % 64);
        }
        for slot in &slots {
            bits.copy_within(0..words, slot.first as usize * words);
        }
        let tests: Vec<Option<Tests>> = literals.iter().map(|literal| pieces.tests(literal, layout)).collect();
        let mut writer = Records { literals: &tests, more: Vec::new(), before: shapes.len() };
        let mut all_settled = vec![0_u64; words];
        let mut records = Vec::with_capacity(shapes.len() + shapes.len() / 4);
        for (rule, (shape, demands)) in (0_u32..).zip(shapes.iter().zip(&demands)) {
            let (word, bit) = (rule as usize / 64, 1_u64 << (rule % 64));
            let mut settled: SmallVec<[usize; 8]> = SmallVec::new();
            for demand in demands {
                let Ok(place) = slots.binary_search_by_key(&demand.slot, |slot| slot.slot) else { continue };
                let Slot { first, groups, elements, .. } = &mut slots[place];
                bits[*first as usize * words + word] &= !bit;
                let mut set = |group: u32| bits[(*first + 1 + group) as usize * words + word] |= bit;
                let exact = match &demand.of {
                    Constraint::Codes { ranges, .. } => groups.cover(ranges.iter().copied(), &mut set),
                    Constraint::Elements { bits: of, .. } => {
                        let base = u32::try_from(elements.0 * 64).unwrap_or(0);
                        let mut of: SmallVec<[u32; 4]> = of.iter().map(|bit| bit - base).collect();
                        of.sort_unstable();
                        of.dedup();
                        groups.cover(of.iter().map(|element| (*element, *element)), &mut set)
                    }
                };
                if exact {
                    settled.extend_from_slice(&demand.parts);
                }
            }
            records.push(writer.write(shape, &settled, rule));
            all_settled[word] |= u64::from(settled.len() == conjuncts(shape).len()) << (rule % 64);
        }
        for slot in slots.iter().filter(|slot| slot.elements.1 == 0) {
            let first = slot.first as usize * words;
            let (open, groups) = bits[first..].split_at_mut(words);
            for group in groups.chunks_exact_mut(words).take(slot.groups.count() as usize) {
                group.iter_mut().zip(&*open).for_each(|(word, open)| *word |= open);
            }
        }
        records.extend(writer.more);
        pieces.keep(records.iter().flat_map(|record| record.tests));
        Bitmaps { words, bits: bits.into(), slots: slots.into(), pieces, records: records.into(), settled: all_settled.into() }
    }

    /// Writes the rules that are true into `found`, in their order. `program` says what the program of a rule comes to.
    #[inline]
    pub(in crate::expr) fn matches<T: Copy>(
        &self,
        row: &Row,
        left: &mut Left,
        mut program: impl FnMut(u32) -> bool,
        found: &mut Vec<T>,
        make: impl Fn(u32) -> T,
    ) {
        let Left { pieces, met, any, all, alive, open, records, ends } = left;
        met.clear();
        for slot in self.slots.iter().filter(|slot| slot.elements.1 == 0) {
            met.push(slot.first + slot.groups.of(row.code(slot.slot)).map_or(0, |group| 1 + group));
        }
        alive.resize(self.words, 0);
        alive.copy_from_slice(self.row(0));
        for four in met.chunks(4) {
            let [a, b, c, d] = self.four(four, 0);
            for ((((word, a), b), c), d) in alive.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *word &= a & b & c & d;
            }
        }
        for list in self.slots.iter().filter(|slot| slot.elements.1 > 0) {
            any.clear();
            any.push(list.first);
            for (at, word) in (0_u32..).zip(row.element_words(list.elements.0, list.elements.1)) {
                let mut word = *word;
                while word != 0 {
                    let group = list.groups.of(at * 64 + word.trailing_zeros());
                    any.push(list.first + group.map_or(0, |group| 1 + group));
                    word &= word - 1;
                }
            }
            self.meet_any(any, all, alive);
        }
        open.clear();
        open.extend(alive.iter_mut().zip(&self.settled).map(|(alive, settled)| {
            let open = *alive & !settled;
            *alive &= settled;
            open
        }));
        let count = spread(open, records, |rule| rule);
        let mut set = |rule: u32| alive[rule as usize / 64] |= 1 << (rule % 64);
        if count <= FEW {
            records[..count].iter().filter(|rule| program(**rule)).for_each(|rule| set(*rule));
        } else {
            self.pieces.prepare(row, pieces);
            ends.resize(ends.len().max(count + 1), REJECT);
            let count = self.decide(pieces, &mut records[..count], ends);
            for end in &ends[..count] {
                let rule = end & (PROGRAM - 1);
                if end & PROGRAM == 0 || program(rule) {
                    set(rule);
                }
            }
        }
        let count = spread(alive, found, make);
        found.truncate(count);
    }

    /// Whether the bitmaps say everything of a rule.
    pub(in crate::expr) fn is_settled(&self, rule: u32) -> bool {
        self.settled.get(rule as usize / 64).is_some_and(|word| word >> (rule % 64) & 1 == 1)
    }

    /// Keeps what is in any of some bitmaps.
    fn meet_any(&self, any: &[u32], all: &mut Vec<u64>, alive: &mut [u64]) {
        all.clear();
        all.resize(self.words, 0);
        for four in any.chunks(4) {
            let [a, b, c, d] = self.four(four, four[0]);
            for ((((word, a), b), c), d) in all.iter_mut().zip(a).zip(b).zip(c).zip(d) {
                *word |= a | b | c | d;
            }
        }
        alive.iter_mut().zip(&*all).for_each(|(word, any)| *word &= any);
    }

    /// Four bitmaps, some of them `other` where there are fewer.
    #[inline(always)]
    fn four(&self, rows: &[u32], other: u32) -> [&[u64]; 4] {
        [0, 1, 2, 3].map(|number| self.row(rows.get(number).copied().unwrap_or(other)))
    }

    /// Follows records to their ends: how many of those are rules.
    fn decide(&self, pieces: &[u16], records: &mut [u32], ends: &mut [u32]) -> usize {
        let Ok(pieces) = <&[u16; PIECES]>::try_from(pieces) else { return 0 };
        // Reads each record once, so that all are on their way from memory before the first is needed.
        std::hint::black_box(records.iter().fold(0, |all, record| all | self.records[*record as usize].yes));
        let (mut left, mut found) = (records.len(), 0);
        while left > 0 {
            let mut kept = 0;
            for at in 0..left {
                let record = &self.records[records[at] as usize];
                let mut outcome = 0_u32;
                for test in &record.tests {
                    let piece = pieces[usize::from(test.at)] & test.mask;
                    outcome = outcome + outcome + u32::from(piece.wrapping_sub(test.low) < test.limit);
                }
                let next = if record.table >> outcome & 1 == 1 { record.yes } else { record.no };
                ends[found] = next;
                found += (next >> 31) as usize;
                records[kept] = next;
                kept += usize::from(next.wrapping_sub(1) < RULE - 1);
            }
            left = kept;
        }
        found
    }

    #[inline]
    fn row(&self, row: u32) -> &[u64] {
        &self.bits[row as usize * self.words..(row as usize + 1) * self.words]
    }

    /// Bytes on the heap.
    pub(in crate::expr) fn bytes(&self) -> usize {
        let groups: usize = self.slots.iter().map(|slot| slot.groups.bytes()).sum();
        size_of_val(&*self.bits)
            + size_of_val(&*self.settled)
            + size_of_val(&*self.slots)
            + groups
            + size_of_val(&*self.records)
            + self.pieces.bytes()
    }
}

/// What a rule demands, one demand per slot: a list is asked only once for any of some elements.
fn demands<'a>(shape: &Shape, literals: &'a [Coded]) -> Vec<Demand<'a>> {
    let mut all: Vec<Demand<'a>> = Vec::new();
    for (part, shape) in conjuncts(shape).iter().enumerate() {
        let Some(of) = Constraint::of(shape, literals) else { continue };
        let slot = of.slot();
        match (all.iter_mut().find(|demand| demand.slot == slot), of) {
            (None, of) => all.push(Demand { slot, of, parts: SmallVec::from_slice(&[part]) }),
            (Some(known), Constraint::Codes { ranges, .. }) => {
                if let Constraint::Codes { ranges: more, .. } = &mut known.of {
                    *more = Cow::Owned(both(more, &ranges));
                    known.parts.push(part);
                }
            }
            (Some(_), Constraint::Elements { .. }) => {}
        }
    }
    all
}

/// The slots that rules demand something of, with groups for as many bitmaps as may be. Those with few codes have one for each, the
/// others share what is left.
fn slots(layout: &Layout, odds: &Odds, uses: &[usize], words: usize) -> Vec<Slot> {
    let mut used: Vec<(u32, SlotId)> = (0..)
        .zip(&layout.slots)
        .filter(|(slot, _)| uses.get(usize::from(*slot)).is_some_and(|uses| *uses > 0))
        .map(|(slot, of)| (of.count(), slot))
        .collect();
    used.sort_unstable();
    let mut rows = (BYTES.max(words * 64 * BYTES_OF_RULE) / (words * 8).max(1)).saturating_sub(1);
    let (mut slots, mut others) = (Vec::with_capacity(used.len()), used.len());
    for (_, slot) in used {
        let Some(of) = layout.slots.get(usize::from(slot)) else { continue };
        let share = (rows / others).saturating_sub(1).max(2);
        let (weights, elements) = match of.coding {
            Coding::Elements { first, count, .. } => {
                (Cow::Owned(odds.element_sums(first, count)), (first as usize / 64, (count as usize).div_ceil(64)))
            }
            _ => (Cow::Borrowed(odds.sums(slot)), (0, 0)),
        };
        let groups = Groups::new(&weights, share);
        rows = rows.saturating_sub(1 + groups.count() as usize);
        others -= 1;
        slots.push(Slot { slot, first: 0, groups, elements });
    }
    slots.sort_unstable_by_key(|slot| slot.slot);
    let mut next = 1;
    for slot in &mut slots {
        slot.first = next;
        next += 1 + slot.groups.count();
    }
    slots
}

/// Writes down the bits that are set, and more behind them: how many there are.
#[inline]
fn spread<T: Copy>(words: &[u64], numbers: &mut Vec<T>, make: impl Fn(u32) -> T) -> usize {
    let mut count = 0;
    for (at, word) in (0_u32..).zip(words) {
        if numbers.len() < count + 64 {
            numbers.resize(count + 64, make(0));
        }
        let mut rest = *word;
        for _ in 0..WRITTEN {
            numbers[count] = make(at * 64 + rest.trailing_zeros());
            count += usize::from(rest != 0);
            rest &= rest.wrapping_sub(1);
        }
        while rest != 0 {
            numbers[count] = make(at * 64 + rest.trailing_zeros());
            count += 1;
            rest &= rest - 1;
        }
    }
    count
}
