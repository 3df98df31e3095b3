//! The index of many rules: blocks of rules that are found by the same two facts, a column for each, and records that decide.
//!
//! A question passes over the heads of all blocks, which say for which values of the two facts any rule of the block is possible,
//! then over the columns of the blocks that are left, then through the records of the rules that are left. None of it has a
//! branch that depends on the facts, except where lists of what is left end.

use super::entry::{Entries, Entry, Key, Popular};
use super::layout::{Coded, Coding, Layout};
use super::order::Odds;
use super::pieces::{PIECES, Pieces, Prepared, Tests};
use super::record::{NOTHING, PROGRAM, REJECT, RULE, Record, Records};
use super::row::Row;
use super::shape::Shape;

/// Rules of a block.
const BLOCK: usize = 32;
/// Up to so many rules, blocks are hard to fill.
const FEW: usize = 1 << 16;
/// Lanes that are compared at once.
const LANES: usize = 8;

/// The index.
#[derive(Debug)]
pub(in crate::expr) struct Blocks {
    pieces: Pieces,
    heads: Box<[Head]>,
    columns: Box<[Columns]>,
    /// Those of the rules of the blocks, then further ones of the same rules.
    records: Box<[Record]>,
    /// Where blocks begin whose second key, and whose first key, too, is one of bits; and where they end.
    bits: [usize; 3],
}

/// For which facts any rule of a block is possible.
#[derive(Debug, Clone, Copy)]
struct Head {
    sources: [u16; 2],
    words: [u32; 2],
}

/// The low and high halves of the words of the first key of the rules of a block, then those of the second.
type Columns = [[u16; BLOCK]; 4];

/// Memory of a question.
#[derive(Debug, Clone, Default)]
pub(in crate::expr) struct Left {
    prepared: Prepared,
    blocks: Vec<u32>,
    masks: Vec<(u32, u64)>,
    records: Vec<u32>,
    found: Vec<u32>,
}

/// What a key reads.
trait Source {
    /// Whether a word of a head admits the facts.
    fn admits(facts: u32, word: u32) -> bool;
    /// The same for the halves of a word.
    fn holds(facts: u32, low: u16, high: u16) -> bool;
    /// A word that admits everything that some words admit.
    fn hull(words: &mut dyn Iterator<Item = u32>) -> u32;
    /// A word that admits nothing.
    const NOTHING: u32;
}

/// A range of codes.
struct Code;
/// Any of some bits.
struct Bits;

impl Source for Code {
    #[inline(always)]
    fn admits(facts: u32, word: u32) -> bool {
        facts.wrapping_sub(word) & 0xffff <= word >> 16
    }

    #[inline(always)]
    fn holds(facts: u32, low: u16, high: u16) -> bool {
        low_half(facts).wrapping_sub(low).saturating_sub(high) == 0
    }

    fn hull(words: &mut dyn Iterator<Item = u32>) -> u32 {
        let ends = words.map(|word| (word & 0xffff, (word & 0xffff) + (word >> 16)));
        let (low, high) = ends.fold((0xffff, 0), |(low, high), (from, to)| (from.min(low), to.max(high)));
        low | high.saturating_sub(low) << 16
    }

    // No code is as high, and it is not what stands for unknown.
    const NOTHING: u32 = 0xfffe;
}

impl Source for Bits {
    #[inline(always)]
    fn admits(facts: u32, word: u32) -> bool {
        facts & word != 0
    }

    #[inline(always)]
    fn holds(facts: u32, low: u16, high: u16) -> bool {
        low_half(facts) & low | low_half(facts >> 16) & high != 0
    }

    fn hull(words: &mut dyn Iterator<Item = u32>) -> u32 {
        words.fold(0, |all, word| all | word)
    }

    const NOTHING: u32 = 0;
}

impl Blocks {
    /// An index over rules.
    pub(in crate::expr) fn new(shapes: &[Shape], layout: &Layout, literals: &[Coded], odds: &Odds) -> Self {
        let pieces = Pieces::new(layout);
        let codes: Vec<u32> = layout
            .slots
            .iter()
            .map(|slot| if let Coding::Elements { count, .. } = slot.coding { count } else { slot.codes })
            .collect();
        let first = |coding: &Coding| if let Coding::Elements { first, .. } = coding { *first } else { 0 };
        let firsts: Vec<u32> = layout.slots.iter().map(|slot| first(&slot.coding)).collect();
        let mut finder =
            Entries { literals, odds, pieces: &pieces, codes: &codes, firsts: &firsts, popular: Popular::default() };
        let all = |finder: &Entries<'_>| {
            let mut entries = Vec::with_capacity(shapes.len());
            for (rule, shape) in (0..).zip(shapes) {
                // A rule that is never true has no entry.
                if *shape != Shape::Or(Vec::new()) {
                    finder.add(rule, shape, &mut entries);
                }
            }
            entries
        };
        let mut entries = all(&finder);
        if shapes.len() <= FEW {
            for entry in &entries {
                *finder.popular.entry(entry.keys.map(|key| key.source)).or_insert(0) += 1;
            }
            entries = all(&finder);
        }
        let blocks = blocks(&mut entries, &pieces);
        let of_slot = |slot: u16| codes.get(usize::from(slot)).copied().unwrap_or(0);
        let tests: Vec<Option<Tests>> = literals
            .iter()
            .map(|literal| match literal {
                Coded::Codes { slot, .. } | Coded::Elements { slot, .. } => pieces.tests(literal, of_slot(*slot)),
                Coded::Opaque { .. } => None,
            })
            .collect();
        let before = blocks.len() * BLOCK;
        let mut index = Blocks {
            heads: Box::default(),
            columns: Box::default(),
            records: Box::default(),
            bits: [0, 0, blocks.len()],
            pieces,
        };
        let mut writer = Records { literals: &tests, more: Vec::new(), before };
        let (mut heads, mut columns) = (Vec::with_capacity(blocks.len()), Vec::with_capacity(blocks.len()));
        let mut records = Vec::with_capacity(before + before / 8);
        for (number, block) in blocks.iter().enumerate() {
            let sources = block[0].keys.map(|key| key.source);
            let kinds = sources.map(|source| index.pieces.is_bits(source));
            if !kinds[1] {
                index.bits[0] = number + 1;
            }
            if !kinds[0] {
                index.bits[1] = number + 1;
            }
            let words = [0, 1].map(|key| hull(kinds[key], &mut block.iter().map(|entry| entry.keys[key].word)));
            heads.push(Head { sources, words });
            let nothing = kinds.map(|bits| if bits { Bits::NOTHING } else { Code::NOTHING });
            let mut column = [nothing[0], nothing[0] >> 16, nothing[1], nothing[1] >> 16].map(|half| [low_half(half); BLOCK]);
            for (place, entry) in block.iter().enumerate() {
                let place = stored(place);
                for (key, halves) in entry.keys.iter().zip(column.chunks_exact_mut(2)) {
                    halves[0][place] = low_half(key.word);
                    halves[1][place] = low_half(key.word >> 16);
                }
                records.push(writer.write(&shapes[entry.rule as usize], entry.settled, entry.rule));
            }
            columns.push(column);
            records.resize((number + 1) * BLOCK, NOTHING);
        }
        records.extend(writer.more);
        index.heads = heads.into();
        index.columns = columns.into();
        index.records = records.into();
        index
    }

    /// Calls `found` with each rule that is true, perhaps more than once, and whether its program has to agree.
    #[inline]
    pub(in crate::expr) fn matches(&self, row: &Row, left: &mut Left, mut found: impl FnMut(u32, bool)) {
        self.pieces.prepare(row, &mut left.prepared);
        let Left { prepared, blocks, masks, records, found: ends } = left;
        masks.clear();
        let [second, first, end] = self.bits;
        self.pass::<Code, Code>(0, second, &prepared.keys, blocks, masks);
        self.pass::<Code, Bits>(second, first, &prepared.keys, blocks, masks);
        self.pass::<Bits, Bits>(first, end, &prepared.keys, blocks, masks);
        let possible = spread(masks, records);
        ends.resize(ends.len().max(possible + 1), REJECT);
        let count = self.decide(&prepared.pieces, &mut records[..possible], ends);
        for end in &ends[..count] {
            found(end & (PROGRAM - 1), end & PROGRAM != 0);
        }
    }

    /// The blocks from one on up to another in which rules are possible, and which.
    fn pass<A: Source, B: Source>(
        &self,
        from: usize,
        to: usize,
        keys: &[u32],
        blocks: &mut Vec<u32>,
        masks: &mut Vec<(u32, u64)>,
    ) {
        let heads = self.heads.get(from..to).unwrap_or(&[]);
        let key = |source: u16| keys.get(usize::from(source)).copied().unwrap_or(0);
        blocks.resize(blocks.len().max(heads.len() + 1), 0);
        let mut count = 0;
        for (number, head) in (0_u32..).zip(heads) {
            blocks[count] = number;
            let [first, second] = head.sources;
            count += usize::from(A::admits(key(first), head.words[0]) & B::admits(key(second), head.words[1]));
        }
        let start = masks.len();
        masks.resize(start + count + 1, (0, 0));
        let (mut kept, columns) = (start, &self.columns[from..to]);
        for number in &blocks[..count] {
            let [first, second] = heads[*number as usize].sources;
            let possible = possible::<A, B>(key(first), key(second), &columns[*number as usize]);
            masks[kept] = (from as u32 + number, possible);
            kept += usize::from(possible != 0);
        }
        masks.truncate(kept);
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

    /// Bytes on the heap.
    pub(in crate::expr) fn bytes(&self) -> usize {
        size_of_val(&*self.heads) + size_of_val(&*self.columns) + size_of_val(&*self.records) + self.pieces.bytes()
    }
}

/// Sorts entries and cuts them into blocks. Those that read the same two keys are neighbours; among them, strips of the first key are
/// sorted by the second, so that a block covers little of either.
fn blocks<'e>(entries: &'e mut [Entry], pieces: &Pieces) -> Vec<&'e [Entry]> {
    let sources = |entry: &Entry| {
        let [first, second] = entry.keys.map(|key| key.source);
        (pieces.is_bits(first), pieces.is_bits(second), first, second)
    };
    entries.sort_by_cached_key(|entry| (sources(entry), entry.rule));
    let mut blocks = Vec::with_capacity(entries.len() / BLOCK * 5 / 4);
    for same in entries.chunk_by_mut(|a, b| sources(a) == sources(b)) {
        let count = same.len().div_ceil(BLOCK);
        let strip = count.div_ceil(count.isqrt().max(1)) * BLOCK;
        same.sort_by_cached_key(|entry| place(entry.keys[0], pieces));
        for strip in same.chunks_mut(strip) {
            strip.sort_by_cached_key(|entry| place(entry.keys[1], pieces));
        }
        blocks.extend(same.chunks(BLOCK));
    }
    blocks
}

/// A number by which keys of one source are sorted: nested ranges from the rarest on, others by where they are.
fn place(key: Key, pieces: &Pieces) -> (u8, u32) {
    // Odds are not negative, so that their bits are in their order.
    let (low, more, odds) = (key.word & 0xffff, key.word >> 16, key.odds.to_bits());
    match (pieces.is_bits(key.source), low, more) {
        (true, ..) => (3, key.word.reverse_bits()),
        (_, 0, _) => (0, odds),
        (_, low, 0) => (1, low),
        _ => (2, odds),
    }
}

fn hull(bits: bool, words: &mut dyn Iterator<Item = u32>) -> u32 {
    if bits { Bits::hull(words) } else { Code::hull(words) }
}

/// Which rules of a block both columns admit: a bit each, at four times sixteen.
#[inline(always)]
fn possible<A: Source, B: Source>(first: u32, second: u32, columns: &Columns) -> u64 {
    let [low, high, low_too, high_too] = columns;
    let mut lanes = [0_u16; LANES];
    // Lanes outside, so that each is a place in a register of eight.
    for (lane, bits) in lanes.iter_mut().enumerate() {
        for step in 0..BLOCK / LANES {
            let at = step * LANES + lane;
            let holds = A::holds(first, low[at], high[at]) & B::holds(second, low_too[at], high_too[at]);
            *bits |= if holds { 1 << step } else { 0 };
        }
    }
    let four = |from: usize| {
        let lane = |number: usize| u64::from(lanes[from + number]) << (16 * number);
        lane(0) | lane(1) | lane(2) | lane(3)
    };
    four(0) | four(4) << (BLOCK / LANES)
}

/// Where a rule of a block stands in its columns, so that the bits of `possible` are in the order of rules.
fn stored(place: usize) -> usize {
    let (quarter, within) = (place / (BLOCK / 4), place % (BLOCK / 4));
    let (half, step) = (within / (BLOCK / LANES), within % (BLOCK / LANES));
    step * LANES + quarter + 4 * half
}

/// The numbers of the rules that are left in blocks: how many there are.
fn spread(masks: &[(u32, u64)], records: &mut Vec<u32>) -> usize {
    let mut count = 0;
    for (block, mask) in masks {
        let (mut mask, first) = (*mask, block * BLOCK as u32);
        if records.len() < count + BLOCK {
            records.resize(count + 64 * BLOCK, 0);
        }
        while mask != 0 {
            let bit = mask.trailing_zeros();
            records[count] = first + (bit >> 4) * (BLOCK as u32 / 4) + (bit & 15);
            count += 1;
            mask &= mask - 1;
        }
    }
    count
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
#[inline(always)]
fn low_half(word: u32) -> u16 {
    word as u16
}
