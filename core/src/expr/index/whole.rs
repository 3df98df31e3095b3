//! The index of a set of some hundred rules: a whole bitmap per slot and code, met one after the other.

use super::constraint::{both, conjuncts};
use super::demand::{Demand, demands};
use super::layout::{CodeRanges, Coded, Coding, Layout};
use super::row::Row;
use super::shape::Shape;

/// The bitmaps of all slots.
#[derive(Debug)]
pub(in crate::expr) struct Whole {
    /// Words of a bitmap.
    words: usize,
    rows: Box<[u64]>,
    everyone: Box<[u64]>,
    slots: Box<[Rows]>,
    lists: Box<[Rows]>,
}

/// The bitmaps of a slot: one of the rules that do not read it, then one per code or element.
#[derive(Debug)]
struct Rows {
    slot: u16,
    first: u32,
    count: u32,
    /// Of a list: its words in a row of facts.
    elements: (usize, usize),
}

/// Memory of a question.
#[derive(Debug, Clone, Default)]
pub(in crate::expr) struct Met {
    alive: Vec<u64>,
    any: Vec<u64>,
}

/// At most so many rules.
const RULES: usize = 2_048;
/// At most so many bytes of bitmaps.
const BYTES: usize = 1 << 20;

impl Whole {
    /// Whether rules are few enough, and their constants.
    pub(in crate::expr) fn suits(rules: usize, layout: &Layout) -> bool {
        let codes: usize = layout.slots.iter().map(|slot| 1 + count(&slot.coding, slot.codes) as usize).sum();
        rules <= RULES && codes * rules.div_ceil(64) * 8 <= BYTES
    }

    /// An index over rules, each with the number of its first parts that are verified anyway.
    pub(in crate::expr) fn new<'s>(
        rules: impl ExactSizeIterator<Item = (&'s Shape, usize)>,
        layout: &Layout,
        literals: &[Coded],
    ) -> Self {
        let words = rules.len().div_ceil(64);
        let everyone: Vec<u64> = (0..words)
            .map(|word| match rules.len() - word * 64 {
                rest @ 0..64 => (1 << rest) - 1,
                _ => u64::MAX,
            })
            .collect();
        let (mut next, mut rows) = (0, Vec::new());
        for (slot, of) in (0..).zip(&layout.slots) {
            let (count, elements) = match of.coding {
                Coding::Elements { first, count, .. } => (count, (first as usize / 64, (count as usize).div_ceil(64))),
                _ => (of.codes, (0, 0)),
            };
            rows.push(Rows { slot, first: next, count, elements });
            next += count + 1;
        }
        let mut bits = vec![0_u64; next as usize * words];
        for rows in &rows {
            // Before any rule everything is possible, and no rule demands an element.
            let open = if rows.elements.1 > 0 { 1 } else { rows.count + 1 };
            for row in rows.first..rows.first + open {
                bits[row as usize * words..(row as usize + 1) * words].copy_from_slice(&everyone);
            }
        }
        let mut uses = vec![0_u32; rows.len()];
        for (rule, (shape, verified)) in rules.enumerate() {
            let parts = conjuncts(shape);
            let parts = if verified < parts.len() { &parts[verified..] } else { parts };
            let mut set = |row: u32, on: bool| {
                let word = &mut bits[row as usize * words + rule / 64];
                *word = *word & !(1 << (rule % 64)) | u64::from(on) << (rule % 64);
            };
            let mut codes: Vec<(u16, CodeRanges)> = Vec::new();
            for demand in demands(parts, literals).into_iter().flatten() {
                match demand {
                    Demand::Codes(slot, ranges) => match codes.iter_mut().find(|(same, _)| *same == slot) {
                        Some((_, known)) => *known = both(known, &ranges),
                        None => codes.push((slot, ranges.into_owned())),
                    },
                    Demand::List(slot, elements) => {
                        let Rows { first, elements: (word, _), .. } = rows[usize::from(slot)];
                        uses[usize::from(slot)] += 1;
                        set(first, false);
                        elements.iter().for_each(|bit| set(first + 1 + bit - word as u32 * 64, true));
                    }
                }
            }
            for (slot, ranges) in codes {
                let Rows { first, count, .. } = rows[usize::from(slot)];
                uses[usize::from(slot)] += 1;
                (first..=first + count).for_each(|row| set(row, false));
                for (low, high) in ranges {
                    (low..=high.min(count.saturating_sub(1))).for_each(|code| set(first + 1 + code, true));
                }
            }
        }
        rows.retain(|rows| uses[usize::from(rows.slot)] > 0);
        rows.sort_by_key(|rows| std::cmp::Reverse(uses[usize::from(rows.slot)]));
        let (lists, slots): (Vec<Rows>, Vec<Rows>) = rows.into_iter().partition(|rows| rows.elements.1 > 0);
        Whole { words, rows: bits.into(), everyone: everyone.into(), slots: slots.into(), lists: lists.into() }
    }

    /// Calls `found` with each rule that is still possible.
    #[inline]
    pub(in crate::expr) fn candidates(&self, row: &Row, met: &mut Met, mut found: impl FnMut(u32)) {
        let Met { alive, any } = met;
        alive.clear();
        alive.extend_from_slice(&self.everyone);
        for rows in &self.slots {
            let code = row.code(rows.slot);
            and(alive, self.row(rows.first + if code < rows.count { 1 + code } else { 0 }));
        }
        for list in &self.lists {
            any.clear();
            any.extend_from_slice(self.row(list.first));
            for (at, word) in (0_u32..).zip(row.element_words(list.elements.0, list.elements.1)) {
                let mut word = *word;
                while word != 0 {
                    or(any, self.row(list.first + 1 + at * 64 + word.trailing_zeros()));
                    word &= word - 1;
                }
            }
            and(alive, any);
        }
        for (at, word) in (0_u32..).zip(alive.iter()) {
            let mut word = *word;
            while word != 0 {
                found(at * 64 + word.trailing_zeros());
                word &= word - 1;
            }
        }
    }

    #[inline]
    fn row(&self, row: u32) -> &[u64] {
        &self.rows[row as usize * self.words..(row as usize + 1) * self.words]
    }

    /// Bytes on the heap.
    pub(in crate::expr) fn bytes(&self) -> usize {
        size_of_val(&*self.rows)
    }
}

fn count(coding: &Coding, codes: u32) -> u32 {
    if let Coding::Elements { count, .. } = coding { *count } else { codes }
}

#[inline]
fn and(to: &mut [u64], other: &[u64]) {
    to.iter_mut().zip(other).for_each(|(word, other)| *word &= other);
}

#[inline]
fn or(to: &mut [u64], other: &[u64]) {
    to.iter_mut().zip(other).for_each(|(word, other)| *word |= other);
}
