use super::{Column, ColumnError, ColumnProblem, Values};
use std::borrow::Cow;
use std::fmt::Write;

/// Where each text begins, and the last one ends.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Offsets<'a> {
    /// Below 2 GiB.
    I32(Cow<'a, [i32]>),
    /// Any length.
    I64(Cow<'a, [i64]>),
}

impl<'a> Offsets<'a> {
    /// How many offsets there are: one more than texts.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Offsets::I32(offsets) => offsets.len(),
            Offsets::I64(offsets) => offsets.len(),
        }
    }

    /// Whether there are none, which is malformed for text and read as no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline]
    fn get(&self, i: usize) -> Option<i64> {
        match self {
            Offsets::I32(offsets) => offsets.get(i).map(|offset| i64::from(*offset)),
            Offsets::I64(offsets) => offsets.get(i).copied(),
        }
    }

    #[inline]
    fn slice(&self, row: usize, bytes: &'a [u8]) -> Option<&'a [u8]> {
        let start = usize::try_from(self.get(row)?).ok()?;
        let end = usize::try_from(self.get(row + 1)?).ok()?;
        bytes.get(start..end)
    }
}

impl<'a> From<&'a [i32]> for Offsets<'a> {
    fn from(offsets: &'a [i32]) -> Self {
        Offsets::I32(offsets.into())
    }
}

impl<'a> From<&'a [i64]> for Offsets<'a> {
    fn from(offsets: &'a [i64]) -> Self {
        Offsets::I64(offsets.into())
    }
}

impl<'a> Column<'a> {
    /// The text of a row; `None` when it is null. Borrowed from the buffers, also from a dictionary's.
    ///
    /// # Errors
    /// `wrong_type` when the column holds no text, `not_utf8` and `malformed` for bytes that are none, `no_such_row` beyond the end.
    #[inline]
    pub fn text(&self, row: usize) -> Result<Option<&'a str>, ColumnError> {
        self.read(row, |column, row| column.text_at(row).map(Some))
    }

    /// The text of a row that names something: text as it is, whole numbers as digits, written to `buffer`.
    /// `None` when it is null. Customer ids come in both forms and are text to the engine.
    ///
    /// # Errors
    /// `wrong_type` when the column holds neither text nor whole numbers, otherwise as [`text`](Self::text).
    pub fn name<'b>(&self, row: usize, buffer: &'b mut String) -> Result<Option<&'b str>, ColumnError>
    where
        'a: 'b,
    {
        if let Values::Int(_) = &self.plain().values {
            let Some(number) = self.whole(row)? else { return Ok(None) };
            buffer.clear();
            // Writing to a string cannot fail.
            let _ = write!(buffer, "{number}");
            return Ok(Some(buffer));
        }
        self.read(row, |column, row| match &column.values {
            Values::Text { .. } | Values::Views { .. } => column.text_at(row).map(Some),
            _ => Err(column.refused("text or whole numbers")),
        })
    }

    /// The bytes of the text in a row, when it is there as it should be. They may not be UTF-8: to be compared with text only.
    #[inline]
    pub(crate) fn raw(&self, row: usize) -> Option<&'a [u8]> {
        if self.is_masked(row) {
            return None;
        }
        match &self.values {
            Values::Text { offsets, bytes } => offsets.slice(row, bytes),
            Values::Views { views, buffers } => viewed(views.get(row)?, buffers).ok(),
            _ => None,
        }
    }

    #[inline]
    pub(super) fn text_at(&self, row: usize) -> Result<&'a str, ColumnError> {
        let bytes = match &self.values {
            Values::Text { offsets, bytes } => offsets.slice(row, bytes).ok_or_else(|| {
                let found = format!("{:?} to {:?}", offsets.get(row).unwrap_or(-1), offsets.get(row + 1).unwrap_or(-1));
                ColumnError::malformed(format!("offsets that rise from 0 to {}", bytes.len()), found)
            })?,
            Values::Views { views, buffers } => match views.get(row) {
                Some(view) => viewed(view, buffers)?,
                None => return Err(ColumnProblem::NoSuchRow { rows: views.len() }.into()),
            },
            _ => return Err(self.refused("text")),
        };
        std::str::from_utf8(bytes).map_err(|_| ColumnProblem::NotUtf8.into())
    }
}

/// The bytes of a view: up to 12 of them in place, longer ones in a buffer.
#[inline]
fn viewed<'a>(view: &'a [u8; 16], buffers: &[&'a [u8]]) -> Result<&'a [u8], ColumnError> {
    let word = |i: usize| -> i32 { i32::from_ne_bytes([view[i], view[i + 1], view[i + 2], view[i + 3]]) };
    let (length, buffer, start) = (word(0), word(8), word(12));
    let found = || -> Option<&'a [u8]> {
        let length = usize::try_from(length).ok()?;
        if length <= 12 {
            return view.get(4..4 + length);
        }
        let start = usize::try_from(start).ok()?;
        buffers.get(usize::try_from(buffer).ok()?)?.get(start..start.checked_add(length)?)
    };
    found().ok_or_else(|| {
        let found = format!("a view of {length} bytes from byte {start} of buffer {buffer}");
        ColumnError::malformed(format!("views into {} buffers", buffers.len()), found)
    })
}
