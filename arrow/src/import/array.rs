use super::schema::{Field, Format, Int};
use crate::abi::ArrowArray;
use crate::error::ArrowError;
use std::borrow::Cow;
use std::sync::Arc;
use tactful::column::{Bits, Column, Ints, Offsets};

/// Some rows of an array: where they start in its buffers, and how many there are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    place: &'a str,
    array: &'a ArrowArray,
    start: usize,
    rows: usize,
}

/// A column of lists: row `i` has the elements from offset `i` up to, not including, offset `i + 1`.
#[derive(Debug, Clone)]
pub struct Lists<'a> {
    pub(super) name: Arc<str>,
    pub(super) offsets: Cow<'a, [i32]>,
    pub(super) elements: Column<'a>,
    pub(super) validity: Option<Bits<'a>>,
}

impl Lists<'_> {
    /// The name of the column.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// One more than rows, from at least 0, none smaller than the one before.
    #[must_use]
    pub fn offsets(&self) -> &[i32] {
        &self.offsets
    }
}

impl<'a> Lists<'a> {
    /// The elements of all rows.
    #[must_use]
    pub fn elements(&self) -> Column<'a> {
        self.elements.clone()
    }

    /// Which rows have a list; `None` when all have.
    #[must_use]
    pub fn validity(&self) -> Option<Bits<'a>> {
        self.validity
    }
}

/// Types that any bytes are a value of.
///
/// # Safety
/// Every bit pattern is valid.
unsafe trait Plain: Copy {}
// SAFETY: numbers and arrays of bytes have no invalid patterns.
unsafe impl Plain for i8 {}
// SAFETY: as above.
unsafe impl Plain for i16 {}
// SAFETY: as above.
unsafe impl Plain for i32 {}
// SAFETY: as above.
unsafe impl Plain for i64 {}
// SAFETY: as above.
unsafe impl Plain for u8 {}
// SAFETY: as above.
unsafe impl Plain for u16 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: as above.
unsafe impl Plain for u64 {}
// SAFETY: as above.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for f64 {}
// SAFETY: as above.
unsafe impl Plain for [u8; 16] {}

impl<'a> Window<'a> {
    /// All rows of an array.
    pub(super) fn whole(place: &'a str, array: &'a ArrowArray) -> Result<Self, ArrowError> {
        let size = |what: &str, number: i64| {
            usize::try_from(number).map_err(|_| ArrowError::malformed(place, format!("{what} of at least 0"), number))
        };
        if array.is_released() {
            return Err(ArrowError::malformed(place, "an array", "a released one"));
        }
        let (start, rows) = (size("an offset", array.offset)?, size("a length", array.length)?);
        // 16 bytes is the widest value: below this, no arithmetic on bytes can overflow.
        if start.checked_add(rows).is_none_or(|end| end >= isize::MAX as usize / 16) {
            return Err(ArrowError::malformed(
                place,
                "an offset and a length that fit into memory",
                format!("{start} and {rows}"),
            ));
        }
        Ok(Window { place, array, start, rows })
    }

    /// The rows of a struct, in one of its children.
    fn of_child(self, parent: Window<'a>) -> Result<Self, ArrowError> {
        let end = parent.start + parent.rows;
        if self.rows < end {
            return Err(ArrowError::malformed(self.place, format!("at least {end} rows, as the table has"), self.rows));
        }
        Ok(Window { start: self.start + parent.start, rows: parent.rows, ..self })
    }

    /// The columns of a struct, with its number of rows.
    ///
    /// # Safety
    /// The array and all that it points to keep the interface's contract for the schema of `fields`, for the life `'a`.
    pub(super) unsafe fn table(self, fields: &'a [Field]) -> Result<(Vec<(Arc<str>, Column<'a>)>, usize), ArrowError> {
        self.buffers(1)?;
        // SAFETY: as promised by the caller; buffer 0 of a struct is its validity.
        let validity = unsafe { self.validity() }?;
        if usize::try_from(self.array.n_children) != Ok(fields.len()) {
            return Err(ArrowError::malformed(
                self.place,
                format!("{} columns, as in the schema", fields.len()),
                self.array.n_children,
            ));
        }
        if !fields.is_empty() && self.array.children.is_null() {
            return Err(ArrowError::malformed(self.place, "columns", "a null pointer"));
        }
        let mut columns = Vec::with_capacity(fields.len());
        for (i, field) in fields.iter().enumerate() {
            // SAFETY: there are `n_children` pointers by contract, each of them null or valid as long as the array.
            let child = unsafe { (*self.array.children.add(i)).as_ref() };
            let child = child.ok_or_else(|| ArrowError::malformed(&field.name, "an array", "a null pointer"))?;
            let window = Window::whole(&field.name, child)?.of_child(self)?;
            // SAFETY: as promised by the caller.
            let mut column = unsafe { window.column(&field.format) }?;
            if let Some(validity) = validity {
                column = column.within(validity).map_err(|error| error.named(&field.name))?;
            }
            columns.push((field.name.clone(), column));
        }
        Ok((columns, self.rows))
    }

    /// The columns of a struct that are lists.
    ///
    /// # Safety
    /// As for [`table`](Self::table), which has been called.
    pub(super) unsafe fn lists(self, fields: &'a [Field]) -> Result<Vec<Lists<'a>>, ArrowError> {
        let mut lists = Vec::new();
        for (i, field) in fields.iter().enumerate() {
            let Format::List { large, elements } = &field.format else { continue };
            // SAFETY: `table` has found a child per field; each is null or valid as long as the array.
            let child = unsafe { (*self.array.children.add(i)).as_ref() };
            let child = child.ok_or_else(|| ArrowError::malformed(&field.name, "an array", "a null pointer"))?;
            let window = Window::whole(&field.name, child)?.of_child(self)?;
            // SAFETY: as promised by the caller.
            lists.push(unsafe { window.list(&field.name, *large, elements) }?);
        }
        // SAFETY: as promised by the caller; buffer 0 of a struct is its validity.
        if !lists.is_empty() && unsafe { self.validity() }?.is_some() {
            return Err(ArrowError::malformed(self.place, "rows that are not null, beside lists", "null rows"));
        }
        Ok(lists)
    }

    /// # Safety
    /// As for [`column`](Self::column), for a list of these elements.
    unsafe fn list(self, name: &Arc<str>, large: bool, elements: &'a Format) -> Result<Lists<'a>, ArrowError> {
        self.buffers(2)?;
        if self.array.n_children != 1 || self.array.children.is_null() {
            return Err(ArrowError::malformed(self.place, "one child of a list", self.array.n_children));
        }
        // SAFETY: there is one pointer by contract, null or valid as long as the array.
        let child = unsafe { (*self.array.children).as_ref() };
        let child = child.ok_or_else(|| ArrowError::malformed(self.place, "elements of a list", "a null pointer"))?;
        let child = Window::whole(self.place, child)?;
        // SAFETY: a list has one offset more than rows, and its elements the layout of their format, as promised by the caller.
        let (offsets, elements, validity) = unsafe {
            let offsets: Cow<'a, [i32]> = match (self.rows, large) {
                // Without rows a producer may leave out the offsets.
                (0, _) => Cow::Borrowed(&[0]),
                (rows, false) => self.slice(1, self.start, rows + 1)?,
                (rows, true) => {
                    let wide = self.slice::<i64>(1, self.start, rows + 1)?;
                    let narrow = |offset: &i64| {
                        i32::try_from(*offset)
                            .map_err(|_| ArrowError::malformed(self.place, "offsets from 0 to 2^31 - 1", offset))
                    };
                    Cow::Owned(wide.iter().map(narrow).collect::<Result<_, _>>()?)
                }
            };
            (offsets, child.column(elements)?, self.validity()?)
        };
        let sound = offsets.windows(2).all(|pair| matches!(pair, [from, to] if 0 <= *from && from <= to));
        let last = offsets.last().map_or(0, |last| usize::try_from(*last).unwrap_or(usize::MAX));
        if !sound || last > child.rows {
            let expected = format!("offsets that rise from at least 0 to at most {}", child.rows);
            return Err(ArrowError::malformed(self.place, expected, "others"));
        }
        Ok(Lists { name: name.clone(), offsets, elements, validity })
    }

    /// # Safety
    /// As for [`table`](Self::table).
    unsafe fn column(self, format: &'a Format) -> Result<Column<'a>, ArrowError> {
        let buffers = match format {
            Format::Null => return Ok(Column::nulls(self.rows)),
            Format::Unsupported(found) => return Ok(Column::unsupported(found.clone(), self.rows)),
            Format::List { large, .. } => {
                let found = if *large { "list (arrow format `+L`)" } else { "list (arrow format `+l`)" };
                return Ok(Column::unsupported(found, self.rows));
            }
            Format::Text | Format::LargeText => 3,
            // SAFETY: as promised by the caller.
            Format::TextView => return unsafe { self.views() },
            _ => 2,
        };
        self.buffers(buffers)?;
        // SAFETY: the buffers have the layout of the format and hold `start + rows` values, as promised by the caller.
        let column = unsafe {
            match format {
                Format::Bool => Column::bools(self.bits(1)?),
                Format::Int(int) => Column::ints(self.ints(*int)?),
                Format::Float => Column::floats(self.numbers::<f32>()?),
                Format::Double => Column::doubles(self.numbers::<f64>()?),
                Format::Decimal { scale } => Column::decimals(self.records(1)?, *scale),
                Format::Text => self.texts::<i32>(Offsets::I32)?,
                Format::LargeText => self.texts::<i64>(Offsets::I64)?,
                Format::Timestamp { unit, zone } => Column::timestamps(self.numbers::<i64>()?, *unit, zone.as_deref()),
                Format::Date => Column::dates(self.numbers::<i32>()?),
                Format::Dictionary { index, entries } => {
                    let dictionary = self.array.dictionary.as_ref();
                    let dictionary =
                        dictionary.ok_or_else(|| ArrowError::malformed(self.place, "a dictionary", "a null pointer"))?;
                    let entries = Window::whole(self.place, dictionary)?.column(entries)?;
                    Column::dictionary(self.ints(*index)?, entries)?
                }
                Format::Null | Format::Unsupported(_) | Format::TextView | Format::List { .. } => Column::nulls(self.rows),
            }
        };
        // SAFETY: buffer 0 of these layouts is the validity.
        unsafe { self.valid(column) }
    }

    /// # Safety
    /// As for [`column`](Self::column), for text.
    unsafe fn texts<T: Plain + Into<i64>>(self, offsets: fn(Cow<'a, [T]>) -> Offsets<'a>) -> Result<Column<'a>, ArrowError> {
        if self.rows == 0 {
            // Without rows a producer may leave out the offsets.
            return Ok(Column::texts(&[0_i32][..], &[]));
        }
        // SAFETY: text has one offset more than rows, and as many bytes as the last offset says.
        unsafe {
            let found = self.slice::<T>(1, self.start, self.rows + 1)?;
            let end: i64 = found.last().map_or(0, |end| (*end).into());
            let size = usize::try_from(end).ok().filter(|size| isize::try_from(*size).is_ok());
            let size = size.ok_or_else(|| ArrowError::malformed(self.place, "a last offset of at least 0", end))?;
            let bytes = self.bytes(2, size)?;
            Ok(Column::texts(offsets(found), bytes))
        }
    }

    /// # Safety
    /// As for [`column`](Self::column), for text views.
    unsafe fn views(self) -> Result<Column<'a>, ArrowError> {
        // Validity, views, any number of data buffers, and the sizes of these.
        let count = i32::try_from(self.array.n_buffers).ok().and_then(|count| usize::try_from(count).ok()?.checked_sub(3));
        let count = count.ok_or_else(|| ArrowError::malformed(self.place, "from 3 to 2^31 buffers", self.array.n_buffers))?;
        self.buffers(count + 3)?;
        // SAFETY: the last buffer holds one size per data buffer, as promised by the caller.
        unsafe {
            let sizes = self.slice::<i64>(count + 2, 0, count)?;
            let mut buffers = Vec::with_capacity(count);
            for (i, size) in sizes.iter().enumerate() {
                let size = isize::try_from(*size).ok().and_then(|size| usize::try_from(size).ok());
                let size =
                    size.ok_or_else(|| ArrowError::malformed(self.place, "data buffers of at least 0 bytes", sizes[i]))?;
                buffers.push(self.bytes(i + 2, size)?);
            }
            self.valid(Column::text_views(self.records(1)?, buffers))
        }
    }

    /// # Safety
    /// Buffer 0 is the validity.
    unsafe fn valid(self, column: Column<'a>) -> Result<Column<'a>, ArrowError> {
        // SAFETY: as promised by the caller.
        match unsafe { self.validity() }? {
            Some(bits) => Ok(column.with_validity(bits)?),
            None => Ok(column),
        }
    }

    /// # Safety
    /// Buffer 0 is the validity.
    unsafe fn validity(self) -> Result<Option<Bits<'a>>, ArrowError> {
        // SAFETY: the callers have checked that there are buffers.
        let absent = unsafe { self.buffer(0) }.is_null();
        match (absent, self.array.null_count) {
            (_, 0) => Ok(None),
            (true, ..=0) => Ok(None),
            (true, nulls) => Err(ArrowError::malformed(self.place, format!("a validity bitmap for {nulls} nulls"), "none")),
            // SAFETY: a validity bitmap has a bit for each of `start + rows` rows.
            (false, _) => unsafe { self.bits(0) }.map(Some),
        }
    }

    /// # Safety
    /// As for [`column`](Self::column), for whole numbers of this width.
    unsafe fn ints(self, int: Int) -> Result<Ints<'a>, ArrowError> {
        // SAFETY: as promised by the caller.
        unsafe {
            Ok(match int {
                Int::I8 => Ints::I8(self.numbers()?),
                Int::I16 => Ints::I16(self.numbers()?),
                Int::I32 => Ints::I32(self.numbers()?),
                Int::I64 => Ints::I64(self.numbers()?),
                Int::U8 => Ints::U8(self.numbers()?),
                Int::U16 => Ints::U16(self.numbers()?),
                Int::U32 => Ints::U32(self.numbers()?),
                Int::U64 => Ints::U64(self.numbers()?),
            })
        }
    }

    /// # Safety
    /// Buffer 1 holds `start + rows` values of this type.
    unsafe fn numbers<T: Plain>(self) -> Result<Cow<'a, [T]>, ArrowError> {
        // SAFETY: as promised by the caller.
        unsafe { self.slice(1, self.start, self.rows) }
    }

    /// # Safety
    /// The buffer holds a bit for each of `start + rows` rows.
    unsafe fn bits(self, buffer: usize) -> Result<Bits<'a>, ArrowError> {
        // SAFETY: as promised by the caller.
        let bytes = unsafe { self.bytes(buffer, (self.start + self.rows).div_ceil(8)) }?;
        Ok(Bits::new(bytes, self.start, self.rows)?)
    }

    /// # Safety
    /// The buffer holds this many bytes.
    unsafe fn bytes(self, buffer: usize, size: usize) -> Result<&'a [u8], ArrowError> {
        // SAFETY: as promised by the caller.
        match unsafe { self.slice(buffer, 0, size) }? {
            Cow::Borrowed(bytes) => Ok(bytes),
            Cow::Owned(_) => Err(ArrowError::malformed(self.place, "bytes", "bytes that are not aligned")),
        }
    }

    /// # Safety
    /// The buffer holds `start + rows` records of 16 bytes.
    unsafe fn records(self, buffer: usize) -> Result<&'a [[u8; 16]], ArrowError> {
        // SAFETY: as promised by the caller.
        match unsafe { self.slice(buffer, self.start, self.rows) }? {
            Cow::Borrowed(records) => Ok(records),
            Cow::Owned(_) => Err(ArrowError::malformed(self.place, "records", "records that are not aligned")),
        }
    }

    /// Values of a buffer from `start` on: borrowed, or copied when they are not aligned.
    ///
    /// # Safety
    /// The buffer exists and is null or holds `start + count` values of this type for the life `'a`.
    unsafe fn slice<T: Plain>(self, buffer: usize, start: usize, count: usize) -> Result<Cow<'a, [T]>, ArrowError> {
        if count == 0 {
            return Ok(Cow::Borrowed(&[]));
        }
        // SAFETY: the buffer exists, as promised by the caller.
        let pointer = unsafe { self.buffer(buffer) };
        if pointer.is_null() {
            return Err(ArrowError::malformed(self.place, format!("{count} values in buffer {buffer}"), "a null pointer"));
        }
        // SAFETY: `start + count` values lie in the buffer, and their bytes are fewer than `isize::MAX`: rows were checked in
        // `whole`, sizes in bytes where they were read. Values are read unaligned unless the pointer is aligned. `Plain` types
        // have no invalid values, and by contract nobody changes them while the array lives.
        unsafe {
            let first = pointer.cast::<T>().add(start);
            if first.is_aligned() {
                return Ok(Cow::Borrowed(std::slice::from_raw_parts(first, count)));
            }
            Ok(Cow::Owned((0..count).map(|i| first.add(i).read_unaligned()).collect()))
        }
    }

    /// Checks the number of buffers.
    fn buffers(self, expected: usize) -> Result<(), ArrowError> {
        let found = self.array.n_buffers;
        if usize::try_from(found) != Ok(expected) {
            return Err(ArrowError::malformed(self.place, format!("{expected} buffers"), found));
        }
        if self.array.buffers.is_null() {
            return Err(ArrowError::malformed(self.place, format!("{expected} buffers"), "a null pointer"));
        }
        Ok(())
    }

    /// # Safety
    /// [`buffers`](Self::buffers) has found more than `i`.
    unsafe fn buffer(self, i: usize) -> *const u8 {
        // SAFETY: `buffers` points to `n_buffers` pointers by contract.
        unsafe { (*self.array.buffers.add(i)).cast() }
    }
}
