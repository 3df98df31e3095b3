//! How the values of each fact become codes: all values that no literal tells apart have one code.

use super::key::{KeyType, int_key};
use super::literal::{Constants, Fold, Literal, SlotId, TextTable};
use super::shape::{Constant, Lowering, SlotKind};
use crate::expr::ast::BinaryOp;
use crate::expr::{FactId, Schema};
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::hash::BuildHasherDefault;
use std::sync::Arc;

/// The code of a value that is not known. No literal holds for it.
pub(in crate::expr) const UNKNOWN: u32 = u32::MAX;

/// Codes of all facts that the rules of a set read.
#[derive(Debug)]
pub(in crate::expr) struct Layout {
    pub(in crate::expr) schema: Arc<Schema>,
    pub(in crate::expr) slots: Vec<Slot>,
    /// By the number of the fact.
    pub(in crate::expr) facts: Vec<Places>,
    pub(in crate::expr) names: Vec<Names>,
    /// How many words the elements of all lists take.
    pub(in crate::expr) words: usize,
}

/// Where a fact goes.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::expr) struct Places {
    pub(in crate::expr) value: Option<SlotId>,
    pub(in crate::expr) told: Option<SlotId>,
    /// Whether the value itself is kept, for parts that the reference evaluates.
    pub(in crate::expr) kept: bool,
}

/// How the values of one fact become codes.
#[derive(Debug)]
pub(in crate::expr) struct Slot {
    pub(in crate::expr) fact: FactId,
    pub(in crate::expr) coding: Coding,
    /// How many codes there are.
    pub(in crate::expr) codes: u32,
}

impl Slot {
    /// How many codes or elements there are.
    pub(in crate::expr) fn count(&self) -> u32 {
        if let Coding::Elements { count, .. } = self.coding { count } else { self.codes }
    }
}

#[derive(Debug)]
pub(in crate::expr) enum Coding {
    /// A code is the number of bounds that are not above the key.
    Keys { keys: KeyType, bounds: Box<[u64]> },
    /// Without an order: 0 for other texts, else the place of the constant and 1. With an order: twice the place of the first
    /// constant that is not less, and 1 when it is equal.
    Texts { table: TextTable, sorted: Box<[Box<str>]>, ordered: bool },
    /// A bit per constant.
    Elements { texts: TextTable, ints: HashMap<i64, u32, BuildHasherDefault<Fold>>, first: u32, count: u32 },
    /// 0 or 1.
    Told,
}

/// A level of the names by which JSON gives facts.
#[derive(Debug, Default)]
pub(in crate::expr) struct Names {
    /// What is left of a path: the fact there.
    pub(in crate::expr) facts: HashMap<Box<str>, FactId, BuildHasherDefault<Fold>>,
    /// The first segment of longer paths: the level below.
    pub(in crate::expr) below: HashMap<Box<str>, u32, BuildHasherDefault<Fold>>,
    /// A bit for each `mark` of a name: most names that mean nothing need no look-up.
    marks: u64,
}

impl Names {
    /// Whether a name may mean something here.
    #[inline]
    pub(in crate::expr) fn may_have(&self, name: &str) -> bool {
        self.marks >> mark(name) & 1 == 1
    }
}

/// A number below 64, from the length and the outer bytes.
#[inline]
fn mark(name: &str) -> u32 {
    let byte = |byte: Option<&u8>| byte.map_or(0, |byte| u32::from(*byte));
    let (first, last) = (byte(name.as_bytes().first()), byte(name.as_bytes().last()));
    (name.len() as u32).wrapping_mul(11).wrapping_add(first.wrapping_mul(3)).wrapping_add(last) % 64
}

/// Ranges of codes, both ends included, sorted.
pub(in crate::expr) type CodeRanges = SmallVec<[(u32, u32); 2]>;

/// A literal in codes.
#[derive(Debug, Clone)]
pub(in crate::expr) enum Coded {
    Codes {
        slot: SlotId,
        ranges: CodeRanges,
    },
    /// Bits of the row.
    Elements {
        slot: SlotId,
        bits: SmallVec<[u32; 4]>,
        within: bool,
    },
    Opaque {
        part: u32,
        wanted: bool,
    },
}

/// By slot, then by constant: its place in the order of the slot's texts.
type Ranks = Vec<Vec<u32>>;

impl Layout {
    /// Codes that tell apart what the literals tell apart, and the literals in them.
    pub(in crate::expr) fn new(lowering: Lowering, schema: Arc<Schema>, kept: &[FactId]) -> (Layout, Vec<Coded>) {
        let mut bounds: Vec<Vec<u64>> = vec![Vec::new(); lowering.slots.len()];
        let mut ordered = vec![false; lowering.slots.len()];
        for literal in lowering.literals.all() {
            match literal {
                Literal::Keys { slot, ranges } => {
                    for (low, high) in &ranges.0 {
                        bounds[usize::from(*slot)].extend([Some(*low), high.checked_add(1)].into_iter().flatten());
                    }
                }
                Literal::TextOrder { slot, .. } => ordered[usize::from(*slot)] = true,
                _ => {}
            }
        }
        let mut facts = vec![Places::default(); schema.facts().len()];
        for fact in kept {
            if let Some(places) = facts.get_mut(fact.0 as usize) {
                places.kept = true;
            }
        }
        let (mut slots, mut ranks, mut words) = (Vec::new(), Ranks::new(), 0);
        for (number, (fact, kind)) in lowering.slots.into_iter().enumerate() {
            if let (Some(places), Ok(number)) = (facts.get_mut(fact.0 as usize), SlotId::try_from(number)) {
                let place = if matches!(kind, SlotKind::Told) { &mut places.told } else { &mut places.value };
                *place = Some(number);
            }
            let (coding, codes, rank) = match kind {
                SlotKind::Keys(keys) => {
                    let mut bounds = std::mem::take(&mut bounds[number]);
                    bounds.sort_unstable();
                    bounds.dedup();
                    // Below the first bound lies nothing when it is the least key.
                    let codes = bounds.len() + 1;
                    (Coding::Keys { keys, bounds: bounds.into() }, codes, Vec::new())
                }
                SlotKind::Texts(constants) => texts(constants.all(), ordered[number]),
                SlotKind::Elements(constants) => {
                    let elements = elements(constants.all(), words);
                    words += constants.all().len().div_ceil(64);
                    (elements, 1, Vec::new())
                }
                SlotKind::Told => (Coding::Told, 2, Vec::new()),
            };
            slots.push(Slot { fact, coding, codes: u32::try_from(codes).unwrap_or(UNKNOWN) });
            ranks.push(rank);
        }
        let coded = lowering.literals.all().iter().map(|literal| coded(literal, &slots, &ranks)).collect();
        let names = names(&schema, &facts);
        (Layout { schema, slots, facts, names, words }, coded)
    }

    /// Where a fact goes.
    #[inline]
    pub(in crate::expr) fn places(&self, fact: FactId) -> Places {
        self.facts.get(fact.0 as usize).copied().unwrap_or_default()
    }

    #[inline]
    pub(in crate::expr) fn slot(&self, slot: SlotId) -> Option<&Slot> {
        self.slots.get(usize::from(slot))
    }

    /// By word of the elements: the list that has it.
    pub(in crate::expr) fn words_of_lists(&self) -> Vec<SlotId> {
        let mut words = vec![SlotId::MAX; self.words];
        for (number, slot) in (0..).zip(&self.slots) {
            if let Coding::Elements { first, count, .. } = slot.coding {
                let first = first as usize / 64;
                words[first..first + (count as usize).div_ceil(64)].fill(number);
            }
        }
        words
    }

    /// Bytes on the heap, roughly.
    pub(in crate::expr) fn bytes(&self) -> usize {
        let slot = |slot: &Slot| match &slot.coding {
            Coding::Keys { bounds, .. } => bounds.len() * 8,
            Coding::Texts { sorted, .. } => sorted.iter().map(|text| 2 * text.len() + 48).sum(),
            Coding::Elements { texts, ints, .. } => texts.keys().map(|text| text.len() + 32).sum::<usize>() + ints.len() * 24,
            Coding::Told => 0,
        };
        self.slots.iter().map(|one| slot(one) + size_of::<Slot>()).sum::<usize>() + self.facts.len() * size_of::<Places>()
    }
}

/// The code of a key.
#[inline]
pub(in crate::expr) fn key_code(bounds: &[u64], key: u64) -> u32 {
    #[expect(clippy::cast_possible_truncation, reason = "fewer bounds than literals, whose number is 32 bits")]
    let code = bounds.partition_point(|bound| *bound <= key) as u32;
    code
}

/// The code of a text.
#[inline]
pub(in crate::expr) fn text_code(table: &TextTable, sorted: &[Box<str>], ordered: bool, text: &str) -> u32 {
    match table.get(text) {
        Some(place) if ordered => 2 * place + 1,
        Some(place) => place + 1,
        None if ordered => u32::try_from(2 * sorted.partition_point(|constant| **constant < *text)).unwrap_or(UNKNOWN),
        None => 0,
    }
}

fn texts(constants: &[Constant], ordered: bool) -> (Coding, usize, Vec<u32>) {
    let text = |constant: &Constant| match constant {
        Constant::Text(text) => Box::from(&**text),
        Constant::Int(number) => number.to_string().into_boxed_str(),
    };
    let mut sorted: Vec<(Box<str>, usize)> =
        constants.iter().enumerate().map(|(number, constant)| (text(constant), number)).collect();
    sorted.sort();
    let mut rank = vec![0; constants.len()];
    let mut table = TextTable::default();
    for (place, (text, number)) in sorted.iter().enumerate() {
        let place = u32::try_from(place).unwrap_or(UNKNOWN);
        rank[*number] = place;
        table.insert(text.clone(), place);
    }
    let codes = if ordered { 2 * sorted.len() + 1 } else { sorted.len() + 1 };
    let sorted = sorted.into_iter().map(|(text, _)| text).collect();
    (Coding::Texts { table, sorted, ordered }, codes, rank)
}

fn elements(constants: &[Constant], words: usize) -> Coding {
    let (mut texts, mut ints) = (TextTable::default(), HashMap::default());
    for (number, constant) in (0..).zip(constants) {
        match constant {
            Constant::Text(text) => {
                texts.insert(Box::from(&**text), number);
            }
            Constant::Int(whole) => {
                ints.insert(*whole, number);
            }
        }
    }
    let number = |count: usize| u32::try_from(count).unwrap_or(UNKNOWN);
    Coding::Elements { texts, ints, first: number(words * 64), count: number(constants.len()) }
}

fn coded(literal: &Literal, slots: &[Slot], ranks: &Ranks) -> Coded {
    let slot_of = |slot: &SlotId| slots.get(usize::from(*slot)).map(|slot| &slot.coding);
    match literal {
        Literal::Keys { slot, ranges } => {
            let code = |key: u64| match slot_of(slot) {
                Some(Coding::Keys { bounds, .. }) => key_code(bounds, key),
                _ => u32::try_from(key).unwrap_or(UNKNOWN),
            };
            // Whether a fact is told has no other value than 0 and 1.
            let told = matches!(slot_of(slot), Some(Coding::Told));
            let ranges = ranges.0.iter().map(|(low, high)| (code(*low), code(if told { 1.min(*high) } else { *high })));
            Coded::Codes { slot: *slot, ranges: ranges.collect() }
        }
        Literal::Texts { slot, constants, within } => {
            let (rank, last) = text_ranks(*slot, slots, ranks);
            let ordered = matches!(slot_of(slot), Some(Coding::Texts { ordered: true, .. }));
            let mut codes: Vec<u32> = constants
                .iter()
                .filter_map(|constant| rank.get(*constant as usize))
                .map(|rank| if ordered { 2 * rank + 1 } else { rank + 1 })
                .collect();
            codes.sort_unstable();
            Coded::Codes { slot: *slot, ranges: runs(&codes, last, *within) }
        }
        Literal::TextOrder { slot, op, constant } => {
            let (rank, last) = text_ranks(*slot, slots, ranks);
            let code = 2 * rank.get(*constant as usize).copied().unwrap_or(0) + 1;
            let (low, high) = match op {
                BinaryOp::Less => (0, code - 1),
                BinaryOp::LessEqual => (0, code),
                BinaryOp::Greater => (code + 1, last),
                _ => (code, last),
            };
            Coded::Codes { slot: *slot, ranges: CodeRanges::from_slice(&[(low, high)]) }
        }
        Literal::Elements { slot, constants, within } => {
            let first = match slot_of(slot) {
                Some(Coding::Elements { first, .. }) => *first,
                _ => 0,
            };
            Coded::Elements { slot: *slot, bits: bits(constants, first), within: *within }
        }
        Literal::Opaque { part, wanted } => Coded::Opaque { part: *part, wanted: *wanted },
    }
}

fn text_ranks<'a>(slot: SlotId, slots: &[Slot], ranks: &'a Ranks) -> (&'a [u32], u32) {
    let rank = ranks.get(usize::from(slot)).map_or(&[][..], Vec::as_slice);
    (rank, slots.get(usize::from(slot)).map_or(0, |slot| slot.codes.saturating_sub(1)))
}

fn bits(constants: &Constants, first: u32) -> SmallVec<[u32; 4]> {
    constants.iter().map(|constant| first + constant).collect()
}

/// Sorted codes, or all others up to `last`, as ranges.
fn runs(codes: &[u32], last: u32, within: bool) -> CodeRanges {
    let mut ranges = CodeRanges::new();
    if within {
        for code in codes {
            match ranges.last_mut() {
                Some((_, high)) if *high + 1 == *code => *high = *code,
                _ => ranges.push((*code, *code)),
            }
        }
        return ranges;
    }
    let mut next = 0;
    for code in codes {
        if next < *code {
            ranges.push((next, code - 1));
        }
        next = code + 1;
    }
    if next <= last {
        ranges.push((next, last));
    }
    ranges
}

/// The paths of the facts that are read, by segments.
fn names(schema: &Schema, facts: &[Places]) -> Vec<Names> {
    let mut levels = vec![Names::default()];
    for (number, (declared, places)) in (0..).zip(schema.facts().iter().zip(facts)) {
        if places.value.is_none() && places.told.is_none() && !places.kept {
            continue;
        }
        let (mut level, mut rest) = (0_usize, &*declared.path);
        loop {
            levels[level].marks |= 1 << mark(rest);
            levels[level].facts.insert(rest.into(), FactId(number));
            let Some((segment, below)) = rest.split_once('.') else { break };
            levels[level].marks |= 1 << mark(segment);
            let next = match levels[level].below.get(segment) {
                Some(next) => *next as usize,
                None => {
                    levels.push(Names::default());
                    let next = levels.len() - 1;
                    levels[level].below.insert(segment.into(), u32::try_from(next).unwrap_or(u32::MAX));
                    next
                }
            };
            (level, rest) = (next, below);
        }
    }
    levels
}

/// The key of a truth value or whole number, for rows.
#[inline]
pub(in crate::expr) fn whole_key(keys: KeyType, number: i64) -> Option<u64> {
    match keys {
        KeyType::Int => Some(int_key(number)),
        KeyType::Uint => u64::try_from(number).ok(),
        _ => None,
    }
}
