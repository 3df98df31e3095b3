use super::layout::CellKind;
use super::marks::Marks;
use super::texts::{Code, Texts};
use crate::expr::RunColumn;
use crate::value::{Timestamp, Value};

/// All events of one type in one strand, column by column, in the order of the story.
#[derive(Debug, Clone, Default)]
pub(super) struct Track {
    pub(super) times: Vec<Timestamp>,
    pub(super) ids: Vec<Code>,
    pub(super) columns: Box<[Cells]>,
    /// What few events say; `None` while none does.
    pub(super) rare: Option<Box<Rare>>,
    /// What is remembered of the events; derived, and forgotten from where something changes.
    pub(super) marks: Option<Box<Marks>>,
}

/// Columns that are empty for most customers.
#[derive(Debug, Clone, Default)]
pub(super) struct Rare {
    /// Empty while every event was known when it happened.
    pub(super) known: Vec<Timestamp>,
    /// Empty while every sequence number is 0.
    pub(super) sequences: Vec<i64>,
    /// Empty while no event has a channel.
    pub(super) channels: Vec<Code>,
    /// Empty while no event has a source.
    pub(super) sources: Vec<Code>,
    /// Empty while no event has details.
    pub(super) details: Vec<Code>,
}

/// Which rows lack a value; `None` when none does.
pub(super) type Gaps = Option<Box<Vec<bool>>>;

/// The same as a slice, empty when none does.
pub(super) fn absent(gaps: &Gaps) -> &[bool] {
    gaps.as_ref().map_or(&[], |gaps| gaps)
}

/// The values of one property.
#[derive(Debug, Clone)]
pub(super) enum Cells {
    /// Numbers, times and truth values as 64 bits; the rows that lack one are listed apart.
    Bits { bits: Vec<u64>, missing: Gaps },
    /// Text, as numbers of the strand's texts.
    Codes(Vec<Code>),
    /// Anything else.
    Whole(Vec<Option<Value>>),
}

/// One value on its way into a column.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell {
    Missing,
    Bits(u64),
    Code(Code),
    Whole(Value),
}

/// What every event has besides its properties.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    pub(super) time: Timestamp,
    pub(super) known_at: Timestamp,
    pub(super) sequence: i64,
    pub(super) id: Code,
    pub(super) channel: Code,
    pub(super) source: Code,
    pub(super) details: Code,
}

impl Track {
    pub(super) fn new(cells: &[CellKind]) -> Self {
        let columns = cells
            .iter()
            .map(|kind| match kind {
                CellKind::Text => Cells::Codes(Vec::new()),
                CellKind::Whole => Cells::Whole(Vec::new()),
                CellKind::Bits(_) => Cells::Bits { bits: Vec::new(), missing: None },
            })
            .collect();
        Track { columns, ..Track::default() }
    }

    /// A word of whatever the next event is going to touch.
    #[inline]
    pub(super) fn warm(&self) -> u64 {
        let columns = self.columns.iter().fold(0, |word, cells| {
            word ^ match cells {
                Cells::Bits { bits, .. } => bits.last().copied().unwrap_or(0),
                Cells::Codes(codes) => codes.last().map_or(0, |code| u64::from(*code)),
                Cells::Whole(_) => 0,
            }
        });
        let time = self.times.last().map_or(0, |time| time.micros().cast_unsigned());
        let id = self.ids.last().map_or(0, |id| u64::from(*id));
        let marks = self.marks.as_ref().and_then(|marks| marks.words.last()).copied().unwrap_or(0);
        columns ^ time ^ id ^ marks
    }

    pub(super) fn len(&self) -> usize {
        self.times.len()
    }

    /// When each was known; empty while every event was known when it happened.
    pub(super) fn known(&self) -> &[Timestamp] {
        self.rare.as_ref().map_or(&[], |rare| &rare.known)
    }

    /// Empty while every sequence number is 0.
    pub(super) fn sequences(&self) -> &[i64] {
        self.rare.as_ref().map_or(&[], |rare| &rare.sequences)
    }

    /// Empty while no event has a channel.
    pub(super) fn channels(&self) -> &[Code] {
        self.rare.as_ref().map_or(&[], |rare| &rare.channels)
    }

    /// Empty while no event has a source.
    pub(super) fn sources(&self) -> &[Code] {
        self.rare.as_ref().map_or(&[], |rare| &rare.sources)
    }

    /// Empty while no event has details.
    pub(super) fn details(&self) -> &[Code] {
        self.rare.as_ref().map_or(&[], |rare| &rare.details)
    }

    pub(super) fn head(&self, row: usize) -> Option<Head> {
        let time = *self.times.get(row)?;
        Some(Head {
            time,
            known_at: self.known().get(row).copied().unwrap_or(time),
            sequence: self.sequences().get(row).copied().unwrap_or(0),
            id: self.ids.get(row).copied().unwrap_or(0),
            channel: self.channels().get(row).copied().unwrap_or(0),
            source: self.sources().get(row).copied().unwrap_or(0),
            details: self.details().get(row).copied().unwrap_or(0),
        })
    }

    /// Puts an event at a place; cells must be as many as columns and of their kinds.
    pub(super) fn insert(&mut self, row: usize, head: Head, cells: impl IntoIterator<Item = Cell>) {
        let rows = self.len();
        self.forget(row);
        let plain = head.known_at == head.time && head.sequence == 0 && head.channel | head.source | head.details == 0;
        if self.rare.is_some() || !plain {
            let rare = self.rare.get_or_insert_default();
            insert_rare(&mut rare.known, row, rows, head.known_at, head.known_at != head.time, &self.times);
            insert_sparse(&mut rare.sequences, row, rows, head.sequence);
            insert_sparse(&mut rare.channels, row, rows, head.channel);
            insert_sparse(&mut rare.sources, row, rows, head.source);
            insert_sparse(&mut rare.details, row, rows, head.details);
        }
        put(&mut self.times, row, head.time);
        put(&mut self.ids, row, head.id);
        for (column, cell) in self.columns.iter_mut().zip(cells) {
            column.insert(row, rows, cell);
        }
    }

    pub(super) fn remove(&mut self, row: usize) {
        self.forget(row);
        self.times.remove(row);
        self.ids.remove(row);
        if let Some(rare) = &mut self.rare {
            remove_sparse(&mut rare.known, row);
            remove_sparse(&mut rare.sequences, row);
            for codes in [&mut rare.channels, &mut rare.sources, &mut rare.details] {
                remove_sparse(codes, row);
            }
        }
        for column in &mut self.columns {
            match column {
                Cells::Bits { bits, missing } => {
                    bits.remove(row);
                    missing.iter_mut().for_each(|missing| remove_sparse(missing, row));
                }
                Cells::Codes(codes) => {
                    codes.remove(row);
                }
                Cells::Whole(values) => {
                    values.remove(row);
                }
            }
        }
    }

    fn forget(&mut self, row: usize) {
        if let Some(marks) = &mut self.marks {
            marks.forget(row);
        }
    }

    /// Takes the first `rows` events out.
    pub(super) fn remove_first(&mut self, rows: usize) {
        fn cut<T>(column: &mut Vec<T>, rows: usize) {
            column.drain(..rows.min(column.len()));
        }
        self.marks = None;
        cut(&mut self.times, rows);
        cut(&mut self.ids, rows);
        if let Some(rare) = &mut self.rare {
            cut(&mut rare.known, rows);
            cut(&mut rare.sequences, rows);
            for codes in [&mut rare.channels, &mut rare.sources, &mut rare.details] {
                cut(codes, rows);
            }
        }
        for column in &mut self.columns {
            match column {
                Cells::Bits { bits, missing } => {
                    cut(bits, rows);
                    missing.iter_mut().for_each(|missing| cut(missing, rows));
                }
                Cells::Codes(codes) => cut(codes, rows),
                Cells::Whole(values) => cut(values, rows),
            }
        }
    }

    /// Notes that an event was known earlier than thought.
    pub(super) fn known_earlier(&mut self, row: usize, known_at: Timestamp) {
        let known = self.head(row).map(|head| head.known_at);
        if known.is_some_and(|known| known_at < known) {
            let rare = self.rare.get_or_insert_default();
            if rare.known.is_empty() {
                rare.known.clone_from(&self.times);
            }
            if let Some(known) = rare.known.get_mut(row) {
                *known = known_at;
            }
        }
    }

    pub(super) fn cell(&self, row: usize, column: usize) -> Cell {
        match self.columns.get(column) {
            Some(Cells::Bits { missing, .. }) if absent(missing).get(row).copied().unwrap_or(false) => Cell::Missing,
            Some(Cells::Bits { bits, .. }) => bits.get(row).map_or(Cell::Missing, |bits| Cell::Bits(*bits)),
            Some(Cells::Codes(codes)) => match codes.get(row) {
                Some(0) | None => Cell::Missing,
                Some(code) => Cell::Code(*code),
            },
            Some(Cells::Whole(values)) => values.get(row).cloned().flatten().map_or(Cell::Missing, Cell::Whole),
            None => Cell::Missing,
        }
    }

    /// Bytes in use beside its own, roughly.
    pub(super) fn memory(&self) -> usize {
        let columns: usize = self
            .columns
            .iter()
            .map(|cells| match cells {
                Cells::Bits { bits, missing } => {
                    bits.capacity() * 8 + missing.as_ref().map_or(0, |missing| missing.capacity() + size_of::<Vec<bool>>())
                }
                Cells::Codes(codes) => codes.capacity() * 4,
                Cells::Whole(values) => values.capacity() * size_of::<Option<Value>>(),
            })
            .sum();
        columns
            + self.columns.len() * size_of::<Cells>()
            + self.times.capacity() * 8
            + self.ids.capacity() * 4
            + self.rare.as_ref().map_or(0, |rare| rare.memory())
            + self.marks.as_ref().map_or(0, |marks| marks.memory())
    }
}

impl Rare {
    fn memory(&self) -> usize {
        let codes = [&self.channels, &self.sources, &self.details].map(Vec::capacity).iter().sum::<usize>();
        (self.known.capacity() + self.sequences.capacity()) * 8 + codes * 4 + size_of::<Self>()
    }
}

impl Cells {
    /// The whole column; `None` when it cannot be read as one.
    pub(super) fn as_run<'a>(&'a self, kind: CellKind, texts: &'a Texts) -> Option<RunColumn<'a>> {
        match (self, kind) {
            (Cells::Bits { bits, missing }, CellKind::Bits(meaning)) => {
                Some(RunColumn::Bits { bits, missing: absent(missing), meaning })
            }
            (Cells::Codes(codes), CellKind::Text) => Some(RunColumn::Codes { codes, texts: texts.as_run() }),
            _ => None,
        }
    }

    fn insert(&mut self, row: usize, rows: usize, cell: Cell) {
        match self {
            Cells::Bits { bits, missing } => {
                let (value, lacks) = match cell {
                    Cell::Bits(value) => (value, false),
                    _ => (0, true),
                };
                if lacks || missing.is_some() {
                    insert_sparse(missing.get_or_insert_default(), row, rows, lacks);
                }
                put(bits, row, value);
            }
            Cells::Codes(codes) => {
                let code = if let Cell::Code(code) = cell { code } else { 0 };
                put(codes, row, code);
            }
            Cells::Whole(values) => values.insert(
                row,
                match cell {
                    Cell::Whole(value) => Some(value),
                    _ => None,
                },
            ),
        }
    }
}

/// Inserts into a column. Most customers have few events, so room for more is made in small steps: an eighth of what is there, once there
/// are many.
pub(super) fn put<T>(column: &mut Vec<T>, row: usize, value: T) {
    if column.len() == column.capacity() {
        column.reserve_exact((column.len() / 8).max(column.len().clamp(STEP, 2 * STEP)));
    }
    if row == column.len() {
        column.push(value);
    } else {
        column.insert(row, value);
    }
}

/// Room for so many more events is made at least.
const STEP: usize = 8;

/// Inserts into a column that stays empty as long as it holds nothing but defaults.
fn insert_sparse<T: Copy + Default + PartialEq>(column: &mut Vec<T>, row: usize, rows: usize, value: T) {
    if column.is_empty() {
        if value == T::default() {
            return;
        }
        column.resize(rows, T::default());
    }
    column.insert(row, value);
}

/// Inserts into a column that stays empty as long as `differs` was never true, and is filled from `usual` then.
fn insert_rare<T: Copy>(column: &mut Vec<T>, row: usize, rows: usize, value: T, differs: bool, usual: &[T]) {
    if column.is_empty() {
        if !differs {
            return;
        }
        column.extend_from_slice(usual.get(..rows).unwrap_or(usual));
    }
    column.insert(row, value);
}

fn remove_sparse<T>(column: &mut Vec<T>, row: usize) {
    if row < column.len() {
        column.remove(row);
    }
}
