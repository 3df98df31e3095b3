//! Rules over columns: every distinct test once per block of rows, then rules as *and* and *or* of the masks.

use super::flat::{ACCEPT, Kind, Test};
use super::layout::UNKNOWN;
use super::row::Row;
use super::source::Source;
use crate::column::{Batch, Bits, Column, ColumnError};
use crate::expr::{FactId, RuleId, RuleSet};
use crate::value::{Type, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rows that are looked at together.
const ROWS: usize = 2_048;
pub(super) const WORDS: usize = ROWS / 64;
pub(super) type Mask = [u64; WORDS];

/// The facts of many customers: columns by the path of the fact, and lists as elements with offsets.
#[derive(Debug, Clone)]
pub struct RuleColumns<'a> {
    pub(super) batch: &'a Batch<'a>,
    lists: Vec<ListColumn<'a>>,
}

/// A column of lists.
#[derive(Debug, Clone)]
pub(super) struct ListColumn<'a> {
    path: Arc<str>,
    offsets: &'a [i32],
    pub(super) elements: Column<'a>,
    validity: Option<Bits<'a>>,
}

impl ListColumn<'_> {
    /// The elements of a row, from and up to; `None` when it is null.
    #[inline]
    pub(super) fn of(&self, row: usize) -> Option<(usize, usize)> {
        if self.validity.is_some_and(|bits| bits.get(row) != Some(true)) {
            return None;
        }
        let at = |row: usize| self.offsets.get(row).and_then(|offset| usize::try_from(*offset).ok());
        at(row).zip(at(row + 1))
    }

    /// The list of a row as a value.
    fn value(&self, row: usize, element: &Type) -> Result<Option<Value>, ColumnError> {
        let Some((from, to)) = self.of(row) else { return Ok(None) };
        let items: Result<Vec<Option<Value>>, ColumnError> = (from..to).map(|at| self.elements.value_as(at, element)).collect();
        Ok(Some(Value::List(items?.into_iter().flatten().collect())))
    }
}

impl<'a> RuleColumns<'a> {
    /// The columns of a batch. A column whose name is the path of no fact is skipped, a fact without a column is unknown.
    #[must_use]
    pub fn new(batch: &'a Batch<'a>) -> Self {
        RuleColumns { batch, lists: Vec::new() }
    }

    /// With a fact that is a list: row `i` has the elements from `offsets[i]` up to, not including, `offsets[i + 1]`;
    /// where the bit of `validity` is clear there is no list. Elements that are null are left out.
    #[must_use]
    pub fn with_list(mut self, path: &str, offsets: &'a [i32], elements: Column<'a>, validity: Option<Bits<'a>>) -> Self {
        self.lists.push(ListColumn { path: path.into(), offsets, elements, validity });
        self
    }

    pub(super) fn list(&self, path: &str) -> Option<&ListColumn<'a>> {
        self.lists.iter().find(|list| *list.path == *path)
    }
}

/// Which rules are true for which rows of a block.
#[derive(Debug)]
pub struct BlockMatches<'a> {
    start: usize,
    rows: usize,
    words: usize,
    masks: &'a [u64],
}

impl BlockMatches<'_> {
    /// The first row of the block.
    #[must_use]
    pub fn start(&self) -> usize {
        self.start
    }

    /// How many rows it has.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// A bit per row of the block, the least significant first: whether a rule is known to be true. Bits beyond the last row
    /// are clear. Nothing for a rule of another set.
    #[must_use]
    pub fn rule(&self, rule: RuleId) -> &[u64] {
        let start = rule.0 as usize * WORDS;
        self.masks.get(start..start + self.words).unwrap_or(&[])
    }
}

/// Which rules are true for which rows: a bitmap per rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchMatches {
    rows: usize,
    words: usize,
    bits: Vec<u64>,
}

impl BatchMatches {
    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// A bit per row, the least significant first. Nothing for a rule of another set.
    #[must_use]
    pub fn rule(&self, rule: RuleId) -> &[u64] {
        let start = rule.0 as usize * self.words;
        self.bits.get(start..start + self.words).unwrap_or(&[])
    }

    /// Whether a rule is known to be true for a row.
    #[must_use]
    pub fn holds(&self, rule: RuleId, row: usize) -> bool {
        row < self.rows && self.rule(rule).get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// For how many rows a rule is known to be true.
    #[must_use]
    pub fn count(&self, rule: RuleId) -> u64 {
        self.rule(rule).iter().map(|word| u64::from(word.count_ones())).sum()
    }
}

impl RuleSet {
    /// Which rules are true for which rows, a bit each: `rules * rows / 8` bytes. See [`matches_blocks`](Self::matches_blocks).
    ///
    /// # Errors
    /// As [`matches_blocks`](Self::matches_blocks).
    pub fn matches_batch(&self, columns: &RuleColumns<'_>) -> Result<BatchMatches, ColumnError> {
        let rows = columns.batch.rows();
        let words = rows.div_ceil(64);
        let mut bits = vec![0; words * self.len()];
        self.matches_blocks(columns, &mut |block| {
            for rule in (0..).take(self.len()) {
                let from = block.rule(RuleId(rule));
                let start = rule as usize * words + block.start() / 64;
                bits[start..start + from.len()].copy_from_slice(from);
            }
        })?;
        Ok(BatchMatches { rows, words, bits })
    }

    /// Goes through the rows of columns in blocks of some thousands and tells for each which rules are true.
    ///
    /// Each distinct comparison is evaluated once per block. Nulls are unknown. Rules that only the reference can evaluate take
    /// its time for every row; they see no events.
    ///
    /// # Errors
    /// `wrong_type` or `wrong_value` when a column does not hold what the fact is declared as, with the name of the column and the
    /// row. NaN and infinities are read as unknown.
    pub fn matches_blocks(
        &self,
        columns: &RuleColumns<'_>,
        visit: &mut dyn FnMut(&BlockMatches<'_>),
    ) -> Result<(), ColumnError> {
        let plan = Plan::new(self);
        let sources: Vec<Source<'_, '_>> =
            (0..).zip(&self.layout.slots).map(|(number, slot)| Source::new(number, slot, &self.layout, columns)).collect();
        let kept: Vec<FactId> =
            (0..).zip(&self.layout.facts).filter(|(_, places)| places.kept).map(|(number, _)| FactId(number)).collect();
        let rows = columns.batch.rows();
        let mut atoms = vec![[0; WORDS]; plan.atoms.len()];
        let mut work = Work { codes: vec![UNKNOWN; ROWS], below: Vec::new(), reach: Vec::new() };
        let mut masks = vec![0; self.len() * WORDS];
        for start in (0..rows).step_by(ROWS) {
            let count = (rows - start).min(ROWS);
            for source in &sources {
                source.evaluate(self, &plan, start, count, &mut work, &mut atoms)?;
            }
            if !plan.opaque.is_empty() {
                plan.evaluate_opaque(self, columns, &kept, start, count, &mut atoms)?;
            }
            let all: Mask = std::array::from_fn(|word| low_bits(count.saturating_sub(word * 64)));
            for rule in (0..).take(self.len()) {
                let out = rule as usize * WORDS;
                plan.rule(self, rule, &all, &atoms, &mut work.reach, &mut masks[out..out + WORDS]);
            }
            visit(&BlockMatches { start, rows: count, words: count.div_ceil(64), masks: &masks });
        }
        Ok(())
    }
}

fn low_bits(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// The distinct tests of a rule set, by what they read.
pub(super) struct Plan {
    pub(super) atoms: Vec<Test>,
    /// By test of the rule set: its atom.
    of_test: Vec<u32>,
    /// By slot: the atoms that read it.
    pub(super) by_slot: BTreeMap<u16, Vec<u32>>,
    opaque: Vec<u32>,
}

#[derive(Debug)]
pub(super) struct Work {
    pub(super) codes: Vec<u32>,
    /// By code: the rows with a lower one.
    pub(super) below: Vec<Mask>,
    /// By test of a rule: the rows that come to it.
    reach: Vec<Mask>,
}

impl Plan {
    fn new(rules: &RuleSet) -> Self {
        let key = |test: &Test| (test.slot, test.kind, test.a, test.b);
        let mut order: Vec<usize> = (0..rules.tests.len()).collect();
        order.sort_by_key(|at| key(&rules.tests[*at]));
        let mut plan =
            Plan { atoms: Vec::new(), of_test: vec![0; rules.tests.len()], by_slot: BTreeMap::new(), opaque: Vec::new() };
        let words = rules.layout.words_of_lists();
        for at in order {
            let test = rules.tests[at];
            if plan.atoms.last().map(key) != Some(key(&test)) {
                let atom = u32::try_from(plan.atoms.len()).unwrap_or(u32::MAX);
                plan.atoms.push(test);
                let slot = match test.kind {
                    Kind::Opaque => {
                        plan.opaque.push(atom);
                        None
                    }
                    Kind::AnyElement => words.get(usize::from(test.slot)).copied(),
                    _ => Some(test.slot),
                };
                if let Some(slot) = slot {
                    plan.by_slot.entry(slot).or_default().push(atom);
                }
            }
            plan.of_test[at] = u32::try_from(plan.atoms.len() - 1).unwrap_or(u32::MAX);
        }
        plan
    }

    /// The parts that only the reference can evaluate, row by row.
    fn evaluate_opaque(
        &self,
        rules: &RuleSet,
        columns: &RuleColumns<'_>,
        kept: &[FactId],
        start: usize,
        count: usize,
        atoms: &mut [Mask],
    ) -> Result<(), ColumnError> {
        for atom in &self.opaque {
            atoms[*atom as usize] = [0; WORDS];
        }
        let mut row: Row = rules.row();
        for at in 0..count {
            row.clear();
            for fact in kept {
                let Some(declared) = rules.layout.schema.fact_decl(*fact) else { continue };
                let value = match (&declared.ty, columns.list(&declared.path), columns.batch.column(&declared.path)) {
                    (Type::List(element), Some(list), _) => list.value(start + at, element),
                    (ty, _, Some(column)) => column.value_as(start + at, ty),
                    _ => Ok(None),
                };
                // What is not finite is no fact.
                if let Some(value) = value.map_err(|error| error.named(&declared.path))? {
                    let _ = row.set(*fact, &value);
                }
            }
            for atom in &self.opaque {
                let test = self.atoms[*atom as usize];
                if rules.part(test.a, &row) == Some(test.b == 1) {
                    atoms[*atom as usize][at / 64] |= 1 << (at % 64);
                }
            }
        }
        Ok(())
    }

    /// The rows for which a rule is true: the rows that come to its end through its tests.
    fn rule(&self, rules: &RuleSet, rule: u32, all: &Mask, atoms: &[Mask], reach: &mut Vec<Mask>, out: &mut [u64]) {
        let (program, first) = rules.program_at(rule);
        out.fill(0);
        if program.is_empty() {
            return;
        }
        if straight(program) {
            let masks = self.of_test[first..first + program.len()].iter().map(|atom| &atoms[*atom as usize]);
            out.copy_from_slice(all);
            for mask in masks {
                out.iter_mut().zip(mask).for_each(|(out, mask)| *out &= mask);
            }
            return;
        }
        if reach.len() < program.len() {
            reach.resize(program.len(), [0; WORDS]);
        }
        reach[..program.len()].fill([0; WORDS]);
        reach[0] = *all;
        for (at, test) in program.iter().enumerate() {
            let here = reach[at];
            let atom = &atoms[self.of_test[first + at] as usize];
            match reach.get_mut(usize::from(test.yes)).filter(|_| usize::from(test.yes) < program.len()) {
                Some(next) => meet(next, &here, atom, 0),
                None if test.yes == ACCEPT => meet(out, &here, atom, 0),
                None => {}
            }
            match reach.get_mut(usize::from(test.no)).filter(|_| usize::from(test.no) < program.len()) {
                Some(next) => meet(next, &here, atom, u64::MAX),
                None if test.no == ACCEPT => meet(out, &here, atom, u64::MAX),
                None => {}
            }
        }
    }
}

/// Whether all tests must hold, one after the other.
fn straight(program: &[Test]) -> bool {
    let next = |at: usize| if at + 1 == program.len() { usize::from(ACCEPT) } else { at + 1 };
    let rejects = |place: u16| place != ACCEPT && usize::from(place) >= program.len();
    program.iter().enumerate().all(|(at, test)| usize::from(test.yes) == next(at) && rejects(test.no))
}

/// Adds the rows of both, `flip` turning the second around.
#[inline]
fn meet(to: &mut [u64], here: &Mask, atom: &Mask, flip: u64) {
    for ((to, here), atom) in to.iter_mut().zip(here).zip(atom) {
        *to |= here & (atom ^ flip);
    }
}
