use super::layout::Layout;
use super::texts::Texts;
use super::track::{Cells, Track};
use crate::expr::plan::Filters;
use crate::expr::{EventKind, PropertyId, RunColumn};
use smallvec::SmallVec;

/// What is remembered of the events of a track, so that a question need not look at each again: a bit for each condition on
/// single events, and sums over 64 events each. Can be dropped at any time.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Marks {
    /// For each 64 events one word per condition.
    pub(super) words: Vec<u64>,
    /// How many events have marks.
    pub(super) marked: usize,
    /// Conditions of which it is not known for some event whether they hold.
    pub(super) odd: u64,
    /// By property.
    pub(super) sums: Vec<(u16, Vec<i128>)>,
}

impl Marks {
    /// Events from a row on have changed.
    pub(super) fn forget(&mut self, row: usize) {
        self.marked = self.marked.min(row);
        for (_, sums) in &mut self.sums {
            sums.truncate(row / 64);
        }
    }

    /// Bytes in use, roughly.
    pub(super) fn memory(&self) -> usize {
        let sums: usize = self.sums.iter().map(|(_, sums)| sums.capacity() * 16 + 32).sum();
        self.words.capacity() * 8 + sums + size_of::<Self>()
    }
}

/// How many events a track has before sums are kept.
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
        for filter in 0..count {
            let columns: Option<SmallVec<[RunColumn<'_>; 4]>> =
                filters.properties(kind, filter).iter().map(|property| self.column(kind, layout, texts, *property)).collect();
            for row in marks.marked..rows {
                let holds = columns.as_ref().and_then(|columns| filters.holds(kind, filter, columns, row));
                marks.set(row, filter, count, holds);
            }
        }
        if many {
            self.add_up(&mut marks, kind, layout, summed);
        }
        marks.marked = rows;
        self.marks = Some(marks);
    }

    /// Sums of money and decimals, which are the same in any order.
    fn add_up(&self, marks: &mut Marks, kind: EventKind, layout: &Layout, summed: &[PropertyId]) {
        for property in summed {
            let Some(Cells::Bits { bits, missing }) = layout.column(kind, *property).and_then(|place| self.columns.get(place))
            else {
                continue;
            };
            let exact =
                layout.column(kind, *property).and_then(|place| layout.cell(kind, place)).is_some_and(|cell| cell.is_decimal());
            if !exact || !missing.is_empty() {
                continue;
            }
            let place = marks.sums.iter().position(|(known, _)| *known == property.0).unwrap_or_else(|| {
                marks.sums.push((property.0, Vec::new()));
                marks.sums.len() - 1
            });
            if let Some((_, sums)) = marks.sums.get_mut(place) {
                for block in bits.chunks_exact(64).skip(sums.len()) {
                    sums.push(block.iter().map(|bits| i128::from(bits.cast_signed())).sum());
                }
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
    fn set(&mut self, row: usize, filter: usize, count: usize, holds: Option<bool>) {
        let place = row / 64 * count + filter;
        if place >= self.words.len() {
            self.words.resize((row / 64 + 1) * count, 0);
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
