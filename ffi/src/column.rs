use crate::error::{Failure, tactful_error};
use crate::guard::array;
use crate::text::tactful_text;
use std::ffi::{CStr, c_char, c_void};
use tactful::column::{Bits, Column, Offsets, TimeUnit};

/// Truth values, a byte each: 0 or 1.
pub const TACTFUL_COLUMN_BOOL: i32 = 1;
/// Whole numbers, `int32_t`.
pub const TACTFUL_COLUMN_INT32: i32 = 2;
/// Whole numbers, `int64_t`.
pub const TACTFUL_COLUMN_INT64: i32 = 3;
/// Numbers, `double`.
pub const TACTFUL_COLUMN_DOUBLE: i32 = 4;
/// Instants, `int64_t` microseconds since 1970-01-01T00:00:00Z.
pub const TACTFUL_COLUMN_TIME: i32 = 5;
/// Text: `values` are the bytes of all rows, `offsets` are rows + 1 `int32_t` that say where each begins and the last ends.
pub const TACTFUL_COLUMN_TEXT: i32 = 6;
/// Text with offsets of `int64_t`.
pub const TACTFUL_COLUMN_TEXT64: i32 = 7;
/// Text: `values` are pointers to C strings (`const char *const *`); a null pointer is a null.
pub const TACTFUL_COLUMN_STRINGS: i32 = 8;

/// A column of plain arrays, borrowed for the call. All columns of a table have the same number of rows.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_column {
    /// The name.
    pub name: tactful_text,
    /// The values, one per row; the bytes of text.
    pub values: *const c_void,
    /// Where the texts of TACTFUL_COLUMN_TEXT and TACTFUL_COLUMN_TEXT64 begin; null otherwise.
    pub offsets: *const c_void,
    /// A bit per row, the least significant of each byte first: set where there is a value. Null when there is one everywhere.
    pub validity: *const u8,
    /// TACTFUL_COLUMN_BOOL and so on.
    pub kind: i32,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<tactful_column>() == 48 && std::mem::offset_of!(tactful_column, kind) == 40);

/// What has to be laid out anew before it can be read as a column.
#[derive(Debug, Default)]
pub(crate) struct Laid {
    bits: Vec<u8>,
    validity: Vec<u8>,
    offsets: Vec<i64>,
    bytes: Vec<u8>,
}

impl tactful_column {
    /// Lays out what a column cannot borrow: bytes as bits, C strings as text.
    ///
    /// # Safety
    /// The pointers are as long as the kind and the number of rows say.
    pub(crate) unsafe fn lay_out(&self, rows: usize, name: &str) -> Result<Laid, Failure> {
        let mut laid = Laid::default();
        match self.kind {
            TACTFUL_COLUMN_BOOL => {
                // SAFETY: as promised by the caller.
                let bytes = unsafe { array(self.values.cast::<u8>(), rows, name) }?;
                laid.bits = vec![0; rows.div_ceil(8)];
                for (row, byte) in bytes.iter().enumerate() {
                    match byte {
                        0 => {}
                        1 => laid.bits[row / 8] |= 1 << (row % 8),
                        other => {
                            return Err(tactful_error::data(
                                "wrong_value",
                                name,
                                format!("expected 0 or 1 in row {row}, found {other}"),
                            ));
                        }
                    }
                }
            }
            TACTFUL_COLUMN_STRINGS => {
                // SAFETY: as promised by the caller.
                let strings = unsafe { array(self.values.cast::<*const c_char>(), rows, name) }?;
                laid.validity = vec![0; rows.div_ceil(8)];
                laid.offsets = Vec::with_capacity(rows + 1);
                laid.offsets.push(0);
                for (row, string) in strings.iter().enumerate() {
                    if !string.is_null() {
                        // SAFETY: as promised by the caller a NUL-terminated string.
                        laid.bytes.extend_from_slice(unsafe { CStr::from_ptr(*string) }.to_bytes());
                        laid.validity[row / 8] |= 1 << (row % 8);
                    }
                    laid.offsets.push(i64::try_from(laid.bytes.len()).unwrap_or(i64::MAX));
                }
            }
            _ => {}
        }
        Ok(laid)
    }

    /// The column, borrowed from the caller's arrays and from what was laid out anew.
    ///
    /// # Safety
    /// The pointers are as long as the kind and the number of rows say.
    pub(crate) unsafe fn column<'a>(&self, laid: &'a Laid, rows: usize, name: &str) -> Result<Column<'a>, Failure> {
        let values = self.values;
        // SAFETY: as promised by the caller, here and below.
        let column = unsafe {
            match self.kind {
                TACTFUL_COLUMN_BOOL => Column::bools(Bits::new(&laid.bits, 0, rows)?),
                TACTFUL_COLUMN_INT32 => Column::ints(array(values.cast::<i32>(), rows, name)?),
                TACTFUL_COLUMN_INT64 => Column::ints(array(values.cast::<i64>(), rows, name)?),
                TACTFUL_COLUMN_DOUBLE => Column::doubles(array(values.cast::<f64>(), rows, name)?),
                TACTFUL_COLUMN_TIME => {
                    Column::timestamps(array(values.cast::<i64>(), rows, name)?, TimeUnit::Microsecond, None)
                }
                TACTFUL_COLUMN_TEXT => {
                    let offsets = array(self.offsets.cast::<i32>(), one_more(rows, name)?, name)?;
                    let end = offsets.last().and_then(|end| usize::try_from(*end).ok());
                    Column::texts(offsets, array(values.cast::<u8>(), end.ok_or_else(|| backwards(name))?, name)?)
                }
                TACTFUL_COLUMN_TEXT64 => {
                    let offsets = array(self.offsets.cast::<i64>(), one_more(rows, name)?, name)?;
                    let end = offsets.last().and_then(|end| usize::try_from(*end).ok());
                    Column::texts(offsets, array(values.cast::<u8>(), end.ok_or_else(|| backwards(name))?, name)?)
                }
                TACTFUL_COLUMN_STRINGS => Column::texts(Offsets::from(&laid.offsets[..]), &laid.bytes)
                    .with_validity(Bits::new(&laid.validity, 0, rows)?)?,
                other => {
                    let message = format!("expected a kind such as TACTFUL_COLUMN_INT64, found {other}");
                    return Err(tactful_error::argument("unknown_constant", name, message));
                }
            }
        };
        if self.validity.is_null() {
            return Ok(column);
        }
        // SAFETY: as promised by the caller.
        let validity = unsafe { array(self.validity, rows.div_ceil(8), name) }?;
        let validity = Bits::new(validity, 0, rows)?;
        // Both may say that there is nothing: the bitmap, and a null pointer among strings.
        Ok(if self.kind == TACTFUL_COLUMN_STRINGS { column.within(validity)? } else { column.with_validity(validity)? })
    }
}

fn one_more(rows: usize, name: &str) -> Result<usize, Failure> {
    rows.checked_add(1).ok_or_else(|| tactful_error::argument("too_long", name, "expected fewer rows"))
}

fn backwards(name: &str) -> Failure {
    tactful_error::data("malformed", name, "expected offsets that rise from 0, found a negative one")
}
