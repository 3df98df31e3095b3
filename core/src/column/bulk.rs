//! Many rows at once, where none of them can be null.

use super::{Column, TimeUnit, Values};
use std::borrow::Cow;
use std::ops::Range;

impl Column<'_> {
    /// The whole numbers of some rows; `None` when one may be null, or the column holds others.
    pub(crate) fn wholes(&self, rows: Range<usize>) -> Option<Cow<'_, [i64]>> {
        match &self.values {
            Values::Int(numbers) if !self.may_be_null() => numbers.widened(rows),
            _ => None,
        }
    }

    /// The instants of some rows in microseconds, which may be out of range, see [`timestamp`](Self::timestamp); `None` when one may be
    /// null, or the column holds no timestamps.
    pub(crate) fn instants(&self, rows: Range<usize>) -> Option<Cow<'_, [i64]>> {
        match &self.values {
            Values::Timestamp { ticks, unit, .. } if !self.may_be_null() => match unit {
                TimeUnit::Microsecond => ticks.get(rows).map(Cow::Borrowed),
                unit => ticks.get(rows)?.iter().map(|ticks| unit.micros(*ticks)).collect::<Option<Vec<i64>>>().map(Cow::Owned),
            },
            _ => None,
        }
    }

    /// Which [`entries`](Self::entries) some rows have; `None` when the column is no dictionary, a row may be null, or has no entry.
    pub(crate) fn plain_entries(&self, rows: Range<usize>, into: &mut Vec<u32>) -> Option<()> {
        let Values::Dictionary { indices, entries } = &self.values else { return None };
        if self.may_be_null() {
            return None;
        }
        indices.indices(rows, into)?;
        let last = into.iter().fold(0, |last, entry| last.max(*entry));
        (into.is_empty() || (last as usize) < entries.rows).then_some(())
    }

    /// Whether rows may be masked; entries of a dictionary are another matter.
    fn may_be_null(&self) -> bool {
        self.validity.is_some() || self.parent.is_some()
    }
}
