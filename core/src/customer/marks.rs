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
        let mut alike: Option<(PropertyId, usize, Option<usize>)> = None;
        let mut read: Option<(PropertyId, Option<RunColumn<'_>>)> = None;
        for row in marks.marked..rows {
            for filter in 0..count {
                let properties = filters.properties(kind, filter);
                // A condition on one text says of it what it said before.
                if let [property] = properties {
                    let earlier = match alike {
                        Some((known, at, earlier)) if known == *property && at == row => earlier,
                        _ => self.alike(layout.column(kind, *property), row),
                    };
                    alike = Some((*property, row, earlier));
                    if let Some(earlier) = earlier {
                        let held = marks.get(earlier, filter, count);
                        marks.set(row, filter, count, Some(held));
                        continue;
                    }
                }
                let holds = match properties {
                    [property] => {
                        let column = match read {
                            Some((known, column)) if known == *property => column,
                            _ => self.column(kind, layout, texts, *property),
                        };
                        read = Some((*property, column));
                        column.and_then(|column| filters.holds(kind, filter, &[column], row))
                    }
                    properties => {
                        let columns: Option<SmallVec<[RunColumn<'_>; 4]>> =
                            properties.iter().map(|property| self.column(kind, layout, texts, *property)).collect();
                        columns.and_then(|columns| filters.holds(kind, filter, &columns, row))
                    }
                };
                marks.set(row, filter, count, holds);
            }
        }
        if many {
            self.add_up(&mut marks, kind, layout, summed);
        }
        marks.marked = rows;
        self.marks = Some(marks);
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
    fn get(&self, row: usize, filter: usize, count: usize) -> bool {
        self.words.get(row / 64 * count + filter).is_some_and(|word| word & (1 << (row % 64)) != 0)
    }

    fn set(&mut self, row: usize, filter: usize, count: usize, holds: Option<bool>) {
        let place = row / 64 * count + filter;
        if place >= self.words.len() {
            let wanted = (row / 64 + 1) * count;
            if self.words.capacity() < wanted {
                self.words.reserve_exact((wanted - self.words.len()).max(self.words.len() / 8));
            }
            self.words.resize(wanted, 0);
        }
        let bit = 1 << (row % 64);
        match (self.words.get_mut(place), holds) {
            (Some(word), Some(true)) => *word |= bit,
            (Some(word), Some(false)) => *word &= !bit,
            (_, None) => self.odd |= 1 << filter,
            (None, _) => {}
        }
    }
}
