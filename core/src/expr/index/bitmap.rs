//! The index: for each slot and group of codes a bitmap of the rules that are still possible.
//!
//! The bitmaps of all slots are met with *and*, row after row, so that memory is read in a few long streams. A second bitmap tells
//! for which rules a group of codes says too little; only those run their whole program, others only the parts that read
//! several slots. Rules stand sorted by their constraint that rarely holds, so that those that are left are neighbours.

use super::constraint::{Constraint, both, conjuncts};
use super::layout::{CodeRanges, Coded, Coding, Layout, UNKNOWN};
use super::order::Odds;
use super::row::Row;
use super::shape::Shape;

/// 512 rules.
type Line = [u64; 8];
const BLOCK: usize = 512;

/// The bitmaps of all slots.
#[derive(Debug)]
pub(in crate::expr) struct Index {
    blocks: usize,
    /// By row, then by block.
    lines: Box<[Line]>,
    /// Every rule.
    everyone: Box<[Line]>,
    /// The slots with rows, those of many rules first.
    scalars: Box<[Scalar]>,
    lists: Box<[List]>,
    /// By row, of the first rows, then by block: the rules that are possible for some codes of the group and not for others.
    partial: Box<[Line]>,
    partial_rows: u32,
    /// Of each block: the rules of which the bitmaps do not say all that they could.
    inexact: Box<[Line]>,
}

/// The rows of a slot with codes.
#[derive(Debug)]
struct Scalar {
    slot: u16,
    /// By code: the row.
    rows: Box<[u32]>,
    /// The row when the value is unknown: rules that do not read it.
    free: u32,
}

/// The rows of a slot with elements.
#[derive(Debug)]
struct List {
    /// The words of the slot in a row of facts.
    first: usize,
    count: usize,
    /// The row of rules that demand no element.
    free: u32,
    /// The rows of the elements, from this on, so many of them.
    rows: u32,
    most: u32,
}

/// Memory of a question.
#[derive(Debug, Clone, Default)]
pub(in crate::expr) struct Chosen {
    scalars: Vec<u32>,
    alive: Vec<Line>,
    any: Vec<Line>,
    partial: Vec<Line>,
}

/// How many rows the index may have: more for few rules, where they are short.
fn row_budget(rules: usize) -> usize {
    ((8 << 20) / rules.max(1)).clamp(512, 16_384)
}

impl Index {
    /// An index over rules in the order given, each with the number of its first parts that are verified anyway.
    pub(in crate::expr) fn new<'s>(
        rules: impl ExactSizeIterator<Item = (&'s Shape, usize)>,
        layout: &Layout,
        literals: &[Coded],
        odds: &Odds,
    ) -> Self {
        let count = rules.len();
        let blocks = count.div_ceil(BLOCK);
        let needs: Vec<usize> = layout
            .slots
            .iter()
            .map(|slot| match slot.coding {
                Coding::Elements { count, .. } => count as usize,
                _ => slot.codes as usize,
            })
            .collect();
        let cap = share(&needs, row_budget(count));
        let mut rows = 0_u32;
        let mut take = |count: usize| {
            let first = rows;
            rows += u32::try_from(count).unwrap_or(0);
            first
        };
        let groups: Vec<Vec<u32>> =
            (0..needs.len()).map(|number| odds.groups(number, u32::try_from(cap).unwrap_or(u32::MAX))).collect();
        // Slots whose groups have several codes come first, so that the rows with partial rules do.
        let coarse = |number: usize| groups[number].last().is_some_and(|last| (*last as usize) < needs[number] - 1);
        let (mut first, rest): (Vec<usize>, Vec<usize>) = (0..needs.len()).partition(|number| coarse(*number));
        let coarse_slots = first.len();
        first.extend(rest);
        let mut partial_rows = 0;
        let mut plan: Vec<Option<Rows>> = (0..needs.len()).map(|_| None).collect();
        for (at, number) in first.into_iter().enumerate() {
            let rows = match layout.slots[number].coding {
                Coding::Elements { first, count, .. } => {
                    let most = (count as usize).min(cap).max(1);
                    let shared = most < count as usize;
                    let number = u32::try_from(most).unwrap_or(1);
                    Rows::List { bit: first, first: take(most), most: number, shared, free: take(1) }
                }
                _ => {
                    let groups = groups[number].clone();
                    let most = groups.last().map_or(1, |last| last + 1);
                    Rows::Scalar { first: take(most as usize), ends: ends(&groups), groups, free: take(1) }
                }
            };
            if at < coarse_slots
                && let Rows::Scalar { free, .. } = &rows
            {
                partial_rows = free + 1;
            }
            plan[number] = Some(rows);
        }
        let plan: Vec<Rows> = plan.into_iter().flatten().collect();
        let mut filling = Filling {
            lines: vec![[0; 8]; rows as usize * blocks],
            blocks,
            partial: vec![[0; 8]; partial_rows as usize * blocks],
            inexact: vec![[0; 8]; blocks],
            demands: vec![0_u32; layout.slots.len()],
            everyone: (0..blocks).map(|block| full_line(count - block * BLOCK)).collect(),
        };
        filling.open(&plan);
        for (position, (shape, verified)) in rules.enumerate() {
            let parts = conjuncts(shape);
            let parts = if verified < parts.len() { &parts[verified..] } else { parts };
            filling.rule(position, parts, literals, &plan);
        }
        let Filling { lines, partial, inexact, demands, everyone, .. } = filling;
        let mut order: Vec<usize> = (0..plan.len()).filter(|slot| demands[*slot] > 0).collect();
        order.sort_by_key(|slot| std::cmp::Reverse(demands[*slot]));
        let (mut scalars, mut lists) = (Vec::new(), Vec::new());
        for slot in order {
            match &plan[slot] {
                Rows::Scalar { first, groups, free, .. } => scalars.push(Scalar {
                    slot: u16::try_from(slot).unwrap_or(u16::MAX),
                    rows: groups.iter().map(|group| first + group).collect(),
                    free: *free,
                }),
                Rows::List { bit, first, most, free, .. } => lists.push(List {
                    first: *bit as usize / 64,
                    count: needs[slot].div_ceil(64),
                    free: *free,
                    rows: *first,
                    most: *most,
                }),
            }
        }
        Index {
            blocks,
            lines: lines.into(),
            everyone: everyone.into(),
            scalars: scalars.into(),
            lists: lists.into(),
            partial: partial.into(),
            partial_rows,
            inexact: inexact.into(),
        }
    }

    /// Calls `found` with the position of each rule that is still possible, and whether its constraints are to be verified.
    #[inline]
    pub(in crate::expr) fn candidates(&self, row: &Row, chosen: &mut Chosen, mut found: impl FnMut(usize, bool)) {
        let Chosen { scalars, alive, any, partial } = chosen;
        alive.clear();
        alive.extend_from_slice(&self.everyone);
        partial.clear();
        partial.extend_from_slice(&self.inexact);
        scalars.clear();
        for scalar in &self.scalars {
            scalars.push(scalar.rows.get(row.code(scalar.slot) as usize).copied().unwrap_or(scalar.free));
        }
        for row in scalars.iter() {
            and(alive, self.row(*row, &self.lines));
        }
        for list in &self.lists {
            any.clear();
            any.extend_from_slice(self.row(list.free, &self.lines));
            for (at, word) in row.element_words(list.first, list.count).iter().enumerate() {
                let mut word = *word;
                while word != 0 {
                    let bit = u32::try_from(at).unwrap_or(0) * 64 + word.trailing_zeros();
                    word &= word - 1;
                    or(any, self.row(list.rows + bit % list.most, &self.lines));
                }
            }
            and(alive, any);
        }
        for row in scalars.iter().filter(|row| **row < self.partial_rows) {
            or(partial, self.row(*row, &self.partial));
        }
        for (at, (possible, partial)) in alive.as_flattened().iter().zip(partial.as_flattened()).enumerate() {
            let mut possible = *possible;
            while possible != 0 {
                let bit = possible.trailing_zeros();
                possible &= possible - 1;
                found(at * 64 + bit as usize, partial >> bit & 1 == 1);
            }
        }
    }

    /// The bits of all rules in a row.
    #[inline]
    fn row<'i>(&'i self, row: u32, of: &'i [Line]) -> &'i [Line] {
        let start = row as usize * self.blocks;
        &of[start..start + self.blocks]
    }

    /// Bytes on the heap.
    pub(in crate::expr) fn bytes(&self) -> usize {
        let scalars: usize = self.scalars.iter().map(|scalar| scalar.rows.len() * 4).sum();
        (self.lines.len() + self.partial.len() + self.inexact.len()) * size_of::<Line>() + scalars
    }
}

/// Whole rows at once: memory is read in one stream, which processors foresee.
#[inline]
fn and(to: &mut [Line], other: &[Line]) {
    for (word, other) in to.as_flattened_mut().iter_mut().zip(other.as_flattened()) {
        *word &= other;
    }
}

#[inline]
fn or(to: &mut [Line], other: &[Line]) {
    for (word, other) in to.as_flattened_mut().iter_mut().zip(other.as_flattened()) {
        *word |= other;
    }
}

fn low_bits(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

fn full_line(count: usize) -> Line {
    std::array::from_fn(|word| low_bits(count.saturating_sub(word * 64)))
}

/// The most rows that each slot may have so that all together stay within the budget.
fn share(needs: &[usize], budget: usize) -> usize {
    let (mut low, mut high) = (2, needs.iter().copied().max().unwrap_or(2).max(2));
    let total = |cap: usize| needs.iter().map(|need| need.min(&cap) + 1).sum::<usize>();
    while low < high {
        let half = (low + high).div_ceil(2);
        if total(half) <= budget { low = half } else { high = half - 1 }
    }
    low
}

/// The first code after each group.
fn ends(groups: &[u32]) -> Vec<u32> {
    let mut ends: Vec<u32> = Vec::new();
    for (code, group) in (0..).zip(groups) {
        let group = *group as usize;
        if ends.len() <= group {
            ends.resize(group + 1, 0);
        }
        ends[group] = code + 1;
    }
    ends
}

/// The rows of a slot while the index is built.
enum Rows {
    Scalar {
        first: u32,
        groups: Vec<u32>,
        ends: Vec<u32>,
        free: u32,
    },
    /// `shared` when there are more elements than rows.
    List {
        bit: u32,
        first: u32,
        most: u32,
        shared: bool,
        free: u32,
    },
}

struct Filling {
    lines: Vec<Line>,
    blocks: usize,
    partial: Vec<Line>,
    inexact: Vec<Line>,
    /// By slot: how many rules demand something of it.
    demands: Vec<u32>,
    everyone: Vec<Line>,
}

impl Filling {
    /// Before any rule: of slots with codes everything is possible, and no rule demands an element.
    fn open(&mut self, plan: &[Rows]) {
        for rows in plan {
            let range = match rows {
                Rows::Scalar { first, free, .. } => *first..free + 1,
                Rows::List { free, .. } => *free..free + 1,
            };
            for row in range {
                let start = row as usize * self.blocks;
                self.lines[start..start + self.blocks].copy_from_slice(&self.everyone);
            }
        }
    }

    /// The rows of one rule, by those of its parts that are not all verified anyway.
    fn rule(&mut self, position: usize, parts: &[Shape], literals: &[Coded], plan: &[Rows]) {
        let mut exact = true;
        let mut codes: Vec<(u16, CodeRanges)> = Vec::new();
        let mut listed: Vec<u16> = Vec::new();
        for part in parts {
            match Constraint::of(part, literals) {
                Some(Constraint::Codes { slot, ranges }) => match codes.iter_mut().find(|(same, _)| *same == slot) {
                    Some((_, known)) => *known = both(known, &ranges),
                    None => codes.push((slot, ranges.into_owned())),
                },
                // Of two demands on one list only the first is in the index.
                Some(Constraint::Elements { slot, bits }) if !listed.contains(&slot) => {
                    listed.push(slot);
                    exact &= self.elements(position, slot, &bits, plan);
                }
                _ => {}
            }
        }
        for (slot, ranges) in codes {
            exact &= self.codes(position, slot, &ranges, plan);
        }
        if !exact {
            self.inexact[position / BLOCK][position % BLOCK / 64] |= 1 << (position % 64);
        }
    }

    fn codes(&mut self, position: usize, slot: u16, ranges: &CodeRanges, plan: &[Rows]) -> bool {
        let Some(Rows::Scalar { first, groups, ends, free }) = plan.get(usize::from(slot)) else { return false };
        let group_of = |code: u32| groups.get(code as usize).copied().unwrap_or(UNKNOWN);
        if ranges.iter().any(|(_, high)| group_of(*high) == UNKNOWN) {
            return false;
        }
        self.demands[usize::from(slot)] += 1;
        let mut next = 0;
        for (low, high) in ranges {
            let (from, to) = (group_of(*low), group_of(*high));
            let begin = if from == 0 { 0 } else { ends[from as usize - 1] };
            if begin != *low {
                self.some(first + from, position);
            }
            if ends[to as usize] != high + 1 {
                self.some(first + to, position);
            }
            for group in next..from {
                self.clear(first + group, position);
            }
            next = next.max(to + 1);
        }
        for group in next..u32::try_from(ends.len()).unwrap_or(0) {
            self.clear(first + group, position);
        }
        self.clear(*free, position);
        true
    }

    fn some(&mut self, row: u32, position: usize) {
        match self.partial.get_mut(row as usize * self.blocks + position / BLOCK) {
            Some(line) => line[position % BLOCK / 64] |= 1 << (position % 64),
            None => self.inexact[position / BLOCK][position % BLOCK / 64] |= 1 << (position % 64),
        }
    }

    fn elements(&mut self, position: usize, slot: u16, bits: &[u32], plan: &[Rows]) -> bool {
        let Some(Rows::List { bit: begin, first, most, shared, free }) = plan.get(usize::from(slot)) else { return false };
        self.demands[usize::from(slot)] += 1;
        self.clear(*free, position);
        for bit in bits {
            self.set(first + (bit - begin) % most, position);
        }
        !shared
    }

    fn clear(&mut self, row: u32, position: usize) {
        self.lines[row as usize * self.blocks + position / BLOCK][position % BLOCK / 64] &= !(1 << (position % 64));
    }

    fn set(&mut self, row: u32, position: usize) {
        self.lines[row as usize * self.blocks + position / BLOCK][position % BLOCK / 64] |= 1 << (position % 64);
    }
}
