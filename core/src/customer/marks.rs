use super::layout::{CellKind, Layout};
use super::texts::Texts;
use super::track::{Cells, Track, absent};
use crate::expr::plan::{Blocks, Filters};
use crate::expr::{EventKind, PropertyId, RunColumn};
use smallvec::SmallVec;

/// What is remembered of the events of a track, so that a question need not look at each again: a bit for each condition on
/// single events, and what 64 events each come to. Can be dropped at any time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Marks {
    /// For each 64 events one word per condition.
    pub(super) words: Vec<u64>,
    /// How many events have marks.
    pub(super) marked: usize,
    /// Conditions of which it is not known for some event whether they hold.
    pub(super) odd: u64,
    /// By property.
    pub(super) blocks: Vec<Blocks>,
}

impl Marks {
    /// Events from a row on have changed.
    pub(super) fn forget(&mut self, row: usize) {
        self.marked = self.marked.min(row);
        self.blocks.iter_mut().for_each(|blocks| blocks.forget(row));
    }

    /// Bytes in use, roughly.
    pub(super) fn memory(&self) -> usize {
        self.words.capacity() * 8 + self.blocks.iter().map(Blocks::memory).sum::<usize>() + size_of::<Self>()
    }
}

/// From how many new events on each text is looked at once, instead of each event.
const AT_ONCE: usize = 32;

/// So many bits.
fn every(count: usize) -> u64 {
    if count < 64 { (1 << count) - 1 } else { u64::MAX }
}

/// The numbers of the bits that are set.
fn ones(bits: u64) -> impl Iterator<Item = usize> {
    let next = |bits: &u64| Some(bits & bits.wrapping_sub(1)).filter(|rest| *rest != 0);
    std::iter::successors(Some(bits).filter(|bits| *bits != 0), next).map(|bits| bits.trailing_zeros() as usize)
}

/// How many events a track has before blocks are kept.
const MANY: usize = 128;

impl Track {
    /// Marks the events that have no marks yet.
    pub(super) fn mark(&mut self, kind: EventKind, layout: &Layout, texts: &Texts, filters: &Filters) {
        let rows = self.len();
        let (count, summed) = (filters.count(kind), filters.summed(kind));
        let many = rows >= MANY && !summed.is_empty();
        if (count == 0 && !many) || self.marks.as_ref().is_some_and(|marks| marks.marked == rows) {
            return;
        }
        let mut marks = self.marks.take().unwrap_or_default();
        marks.make_room(rows, count);
        let told = self.tell(&mut marks, kind, layout, texts, filters);
        for row in marks.marked..rows {
            let mut left = every(count) & !told;
            for (property, conditions) in filters.alone(kind) {
                let conditions = conditions & left;
                if conditions == 0 {
                    continue;
                }
                left &= !conditions;
                // A condition on one text says of it what it said of one of the events shortly before that has the same.
                if let Some(alike) = self.alike(layout.column(kind, *property), row) {
                    ones(conditions).for_each(|filter| marks.copy(alike, row, filter, count));
                    continue;
                }
                let column = self.column(kind, layout, texts, *property);
                for filter in ones(conditions) {
                    let column = column.as_ref().map(std::slice::from_ref);
                    marks.set(row, filter, count, column.and_then(|column| filters.holds(kind, filter, column, row)));
                }
            }
            for filter in ones(left) {
                let properties = filters.properties(kind, filter).iter();
                let columns: Option<SmallVec<[RunColumn<'_>; 4]>> =
                    properties.map(|property| self.column(kind, layout, texts, *property)).collect();
                marks.set(row, filter, count, columns.and_then(|columns| filters.holds(kind, filter, &columns, row)));
            }
        }
        if many {
            self.add_up(&mut marks, kind, layout, summed);
        }
        marks.marked = rows;
        self.marks = Some(marks);
    }

    /// Marks many events at once by conditions on one text: each says the same of all events that have that text. Tells which conditions
    /// those are.
    fn tell(&self, marks: &mut Marks, kind: EventKind, layout: &Layout, texts: &Texts, filters: &Filters) -> u64 {
        let (rows, count) = (self.len(), filters.count(kind));
        let mut told = 0;
        if rows - marks.marked.min(rows) < AT_ONCE || count < 2 {
            return told;
        }
        for (property, group) in filters.alone(kind) {
            let Some(column @ RunColumn::Codes { codes, .. }) = self.column(kind, layout, texts, *property) else { continue };
            // By code: what holds, and what is not known; code 0 is no text.
            let mut said: Vec<Option<(u64, u64)>> = vec![None; texts.len() + 1];
            for row in marks.marked..rows {
                let code = codes.get(row).copied().unwrap_or(0) as usize;
                let known = said.get(code).copied().flatten();
                let (held, odd) = known.unwrap_or_else(|| {
                    let (mut held, mut odd) = (0, 0);
                    for filter in ones(*group) {
                        match filters.holds(kind, filter, &[column], row) {
                            Some(truth) => held |= u64::from(truth) << filter,
                            None => odd |= 1 << filter,
                        }
                    }
                    (held, odd)
                });
                if let (None, Some(place)) = (known, said.get_mut(code)) {
                    *place = Some((held, odd));
                }
                for filter in ones(*group) {
                    let truth = (odd & (1 << filter) == 0).then_some(held & (1 << filter) != 0);
                    marks.set(row, filter, count, truth);
                }
            }
            told |= *group;
        }
        told
    }

    /// One of the events shortly before that has the same text in a column.
    fn alike(&self, column: Option<usize>, row: usize) -> Option<usize> {
        let Some(Cells::Codes(codes)) = column.and_then(|column| self.columns.get(column)) else { return None };
        let code = codes.get(row).filter(|code| **code != 0)?;
        let start = row.saturating_sub(64);
        Some(start + codes.get(start..row)?.iter().rposition(|other| other == code)?)
    }

    /// Blocks of whole numbers, money and decimals.
    fn add_up(&self, marks: &mut Marks, kind: EventKind, layout: &Layout, summed: &[PropertyId]) {
        for property in summed {
            let Some(place) = layout.column(kind, *property) else { continue };
            let Some(Cells::Bits { bits, missing }) = self.columns.get(place) else { continue };
            if !layout.cell(kind, place).is_some_and(CellKind::in_blocks) || !absent(missing).is_empty() {
                continue;
            }
            let place = marks.blocks.iter().position(|blocks| blocks.property == property.0).unwrap_or_else(|| {
                marks.blocks.push(Blocks::new(property.0));
                marks.blocks.len() - 1
            });
            if let Some(blocks) = marks.blocks.get_mut(place) {
                blocks.extend(bits);
            }
        }
    }

    /// A property's whole column; `None` when it cannot be read as one.
    pub(super) fn column<'a>(
        &'a self,
        kind: EventKind,
        layout: &Layout,
        texts: &'a Texts,
        property: PropertyId,
    ) -> Option<RunColumn<'a>> {
        let Some(place) = layout.column(kind, property) else { return Some(RunColumn::Absent) };
        self.columns.get(place)?.as_run(layout.cell(kind, place)?, texts)
    }
}

impl Marks {
    /// Marks an event by a condition as another one.
    #[inline]
    fn copy(&mut self, from: usize, to: usize, filter: usize, count: usize) {
        let word = self.words.get(from / 64 * count + filter).copied().unwrap_or(0);
        self.set(to, filter, count, Some(word & (1 << (from % 64)) != 0));
    }

    /// Room for so many events.
    fn make_room(&mut self, rows: usize, count: usize) {
        let wanted = rows.div_ceil(64) * count;
        if wanted > self.words.len() {
            if self.words.capacity() < wanted {
                self.words.reserve_exact((wanted - self.words.len()).max(self.words.len() / 8));
            }
            self.words.resize(wanted, 0);
        }
    }

    #[inline]
    fn set(&mut self, row: usize, filter: usize, count: usize, holds: Option<bool>) {
        let bit = 1 << (row % 64);
        match (self.words.get_mut(row / 64 * count + filter), holds) {
            (Some(word), Some(true)) => *word |= bit,
            (Some(word), Some(false)) => *word &= !bit,
            (_, None) => self.odd |= 1 << filter,
            (None, _) => {}
        }
    }
}
