use super::error::{MineError, shown};
use super::names::Names;
use crate::column::{Batch, Column, ColumnError};
use crate::encoding::hash64;
use crate::value::Timestamp;
use hashbrown::HashTable;
use std::sync::Arc;

/// Cases, each a sequence of activities with their times.
///
/// Within a case, activities stand in the order of their times; those of one instant in the order in which they were told.
#[derive(Debug, Clone, Default)]
pub struct EventLog {
    pub(super) names: Names,
    /// Where each case begins, and where the last one ends.
    starts: Vec<usize>,
    activities: Vec<u32>,
    /// Microseconds.
    times: Vec<i64>,
}

/// Which columns of a table say what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogColumns {
    /// To whom or what an event belongs: text or whole numbers.
    pub case: String,
    /// What happened: text.
    pub activity: String,
    /// When.
    pub time: String,
}

impl Default for LogColumns {
    fn default() -> Self {
        LogColumns { case: "case".to_owned(), activity: "activity".to_owned(), time: "time".to_owned() }
    }
}

/// The events of a case.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) activities: &'a [u32],
    pub(super) times: &'a [i64],
}

impl EventLog {
    /// A log of events: case, activity, time.
    pub fn of<'a>(events: impl IntoIterator<Item = (&'a str, &'a str, Timestamp)>) -> Self {
        let mut builder = LogBuilder::default();
        for (case, activity, time) in events {
            builder.push(case, activity, time);
        }
        builder.finish()
    }

    /// How many events there are.
    #[must_use]
    pub fn events(&self) -> usize {
        self.activities.len()
    }

    /// How many cases there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The activities, in the order in which they came first.
    pub fn activities(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.iter()
    }

    pub(super) fn cases(&self) -> impl Iterator<Item = Case<'_>> {
        self.starts.windows(2).map(|ends| {
            let range = ends[0]..ends[1];
            Case { activities: self.activities.get(range.clone()).unwrap_or(&[]), times: self.times.get(range).unwrap_or(&[]) }
        })
    }

    /// The number of an activity that the question names at `path`.
    pub(super) fn activity(&self, name: &str, path: &str) -> Result<u32, MineError> {
        self.names.find(name).ok_or_else(|| MineError::unknown(path, name, self.names.iter().map(|own| &**own)))
    }
}

/// Takes in events in any order. What comes sorted by case and time is taken as it is; the rest is sorted at the end.
#[derive(Debug, Default)]
pub struct LogBuilder {
    names: Names,
    cases: Cases,
    /// By event.
    rows: Vec<u32>,
    activities: Vec<u32>,
    times: Vec<i64>,
    unsorted: bool,
}

impl LogBuilder {
    /// Makes activities known that perhaps nobody does, so that questions may name them.
    pub fn declare<'a>(&mut self, activities: impl IntoIterator<Item = &'a str>) {
        activities.into_iter().for_each(|activity| {
            self.names.number(activity);
        });
    }

    /// Takes in an event.
    pub fn push(&mut self, case: &str, activity: &str, time: Timestamp) {
        let case = self.cases.text(case);
        let activity = self.names.number(activity);
        self.row(case, activity, time.micros());
    }

    fn row(&mut self, case: u32, activity: u32, time: i64) {
        let last = self.rows.last().zip(self.times.last());
        self.unsorted |= last.is_some_and(|(last, before)| case < *last || (case == *last && time < *before));
        self.rows.push(case);
        self.activities.push(activity);
        self.times.push(time);
    }

    /// Takes in the rows of a table; says how many.
    ///
    /// # Errors
    /// [`MineError`] for a missing column, a column of another type, or a row without case, activity or time. The rows before stay.
    pub fn push_batch(&mut self, batch: &Batch<'_>, columns: &LogColumns) -> Result<usize, MineError> {
        let case = batch.require(&columns.case)?;
        let activity = batch.require(&columns.activity)?;
        let time = batch.require(&columns.time)?;
        let missing = |row: usize, column: &str| {
            let message = format!("row {row}, column `{}`: expected a value, found null", shown(column));
            MineError::new("missing_value", column, message)
        };
        let named = |error: ColumnError, column: &str| MineError::from(error.named(&Arc::from(column)));
        let rows = batch.rows();
        self.rows.reserve(rows);
        self.activities.reserve(rows);
        self.times.reserve(rows);
        let whole = (0..rows).find(|row| !case.is_null(*row)).is_some_and(|row| case.int(row).is_ok());
        let (cases, micros) = (case.whole_slice(), time.micros_slice());
        let mut known = Known::of(activity);
        for row in 0..rows {
            let case = if let Some(id) = cases.and_then(|cases| cases.get(row)) {
                self.cases.whole(*id)
            } else if whole {
                let found = case.int(row).map_err(|error| named(error, &columns.case))?;
                self.cases.whole(found.ok_or_else(|| missing(row, &columns.case))?)
            } else {
                let found = case.text(row).map_err(|error| named(error, &columns.case))?;
                self.cases.text(found.ok_or_else(|| missing(row, &columns.case))?)
            };
            let found = known.number(activity, row, &mut self.names).map_err(|error| named(error, &columns.activity))?;
            let activity = found.ok_or_else(|| missing(row, &columns.activity))?;
            let time = match micros.and_then(|micros| Timestamp::from_micros(*micros.get(row)?).ok()) {
                Some(time) => time,
                None => {
                    let found = time.timestamp(row).map_err(|error| named(error, &columns.time))?;
                    found.ok_or_else(|| missing(row, &columns.time))?
                }
            };
            self.row(case, activity, time.micros());
        }
        Ok(batch.rows())
    }

    /// The log. Takes time in proportion to the number of events, more when they have to be sorted.
    #[must_use]
    pub fn finish(self) -> EventLog {
        let LogBuilder { names, rows, mut activities, mut times, unsorted, .. } = self;
        let mut rows = rows;
        if unsorted {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            // Stable, so that events of one instant keep the order in which they were told.
            order.sort_by_key(|row| (rows[*row], times[*row]));
            activities = order.iter().map(|row| activities[*row]).collect();
            times = order.iter().map(|row| times[*row]).collect();
            rows = order.iter().map(|row| rows[*row]).collect();
        }
        let mut starts: Vec<usize> = Vec::new();
        let mut last = None;
        for (place, case) in rows.iter().enumerate() {
            if last != Some(*case) {
                starts.push(place);
                last = Some(*case);
            }
        }
        starts.push(rows.len());
        EventLog { names, starts, activities, times }
    }
}

/// Numbers of activities that were looked up before: by entry of a dictionary, or by some of their bytes.
enum Known {
    Recent(Box<[u32; RECENT]>),
    Entries(Vec<Option<u32>>),
}

const RECENT: usize = 1_024;

impl Known {
    fn of(column: &Column<'_>) -> Self {
        column
            .entries()
            .map_or_else(|| Known::Recent(Box::new([u32::MAX; RECENT])), |entries| Known::Entries(vec![None; entries.rows()]))
    }

    #[inline]
    fn number(&mut self, column: &Column<'_>, row: usize, names: &mut Names) -> Result<Option<u32>, ColumnError> {
        match self {
            Known::Recent(recent) => {
                let raw = column.raw(row);
                let slot = recent.get_mut(raw.map_or(0, slot));
                if let (Some(raw), Some(number)) = (raw, slot.as_deref())
                    && names.get(*number).is_some_and(|name| name.as_bytes() == raw)
                {
                    return Ok(Some(*number));
                }
                let number = column.text(row)?.map(|name| names.number(name));
                if let (Some(slot), Some(number)) = (slot, number) {
                    *slot = number;
                }
                Ok(number)
            }
            Known::Entries(numbers) => {
                let Some(entry) = column.entry(row)? else { return Ok(None) };
                if let Some(Some(number)) = numbers.get(entry) {
                    return Ok(Some(*number));
                }
                let number = column.text(row)?.map(|name| names.number(name));
                if let Some(known) = numbers.get_mut(entry) {
                    *known = number;
                }
                Ok(number)
            }
        }
    }
}

/// Where a name is looked for first: by its length, its first eight bytes and its last.
#[inline]
fn slot(name: &[u8]) -> usize {
    let word = |bytes: Option<&[u8; 8]>| bytes.map_or(0, |bytes| u64::from_le_bytes(*bytes));
    let mixed = if name.len() < 8 {
        name.iter().fold(0, |word, byte| word << 8 | u64::from(*byte))
    } else {
        word(name.first_chunk()) ^ word(name.last_chunk()).rotate_left(29)
    };
    let hash = (mixed ^ name.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 54) as usize
}

/// Numbers of cases, in the order in which they came.
#[derive(Debug, Default)]
struct Cases {
    /// Whole numbers as they are; of text the number in `texts`.
    whole: HashTable<(i64, u32)>,
    texts: Names,
    /// The numbers of texts.
    numbers: Vec<u32>,
    count: u32,
    last: Option<(i64, u32)>,
    last_text: Option<u32>,
}

impl Cases {
    fn whole(&mut self, id: i64) -> u32 {
        if let Some((_, number)) = self.last.filter(|(last, _)| *last == id) {
            return number;
        }
        let hash = |id: i64| hash64(&id.to_le_bytes());
        let found = self.whole.find(hash(id), |(own, _)| *own == id).map(|(_, number)| *number);
        let number = found.unwrap_or_else(|| {
            let number = self.next();
            self.whole.insert_unique(hash(id), (id, number), |(id, _)| hash(*id));
            number
        });
        self.last = Some((id, number));
        number
    }

    fn text(&mut self, id: &str) -> u32 {
        let text = match self.last_text.filter(|text| self.texts.get(*text).is_some_and(|own| **own == *id)) {
            Some(text) => text,
            None => self.texts.number(id),
        };
        self.last_text = Some(text);
        if let Some(number) = self.numbers.get(text as usize) {
            return *number;
        }
        let number = self.next();
        self.numbers.push(number);
        number
    }

    fn next(&mut self) -> u32 {
        let number = self.count;
        self.count = self.count.saturating_add(1);
        number
    }
}
