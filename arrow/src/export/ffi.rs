//! The exported structures and their callbacks.

use super::column::{Kind, OwnedColumn};
use super::{OwnedBatch, OwnedField, Table};
use crate::abi::{ArrowArray, ArrowArrayStream, ArrowSchema, NULLABLE};
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;

/// What an exported schema keeps alive.
struct SchemaParts {
    name: CString,
    children: Vec<*mut ArrowSchema>,
    dictionary: *mut ArrowSchema,
}

impl Drop for SchemaParts {
    fn drop(&mut self) {
        for child in self.children.drain(..).chain([self.dictionary]).filter(|child| !child.is_null()) {
            // SAFETY: each pointer came from `Box::into_raw` and is freed here only. A child that the consumer has moved out is
            // marked as released, and then only its box is freed.
            drop(unsafe { Box::from_raw(child) });
        }
    }
}

/// What an exported array keeps alive.
struct ArrayParts {
    /// Holds the count on the buffers; `None` for a table, which has none of its own.
    _column: Option<OwnedColumn>,
    buffers: Vec<*const c_void>,
    children: Vec<*mut ArrowArray>,
    dictionary: *mut ArrowArray,
}

impl Drop for ArrayParts {
    fn drop(&mut self) {
        for child in self.children.drain(..).chain([self.dictionary]).filter(|child| !child.is_null()) {
            // SAFETY: as for `SchemaParts`.
            drop(unsafe { Box::from_raw(child) });
        }
    }
}

/// What an exported stream keeps alive.
struct StreamParts {
    table: Table,
    next: usize,
    /// Why the last call failed.
    failure: Option<&'static CStr>,
}

pub(super) fn table_schema(fields: &[OwnedField]) -> ArrowSchema {
    let children = fields.iter().map(|field| column_schema(&field.exported, field.kind)).collect();
    schema(c"+s", 0, CString::default(), children, None)
}

fn column_schema(name: &CStr, kind: Kind) -> ArrowSchema {
    let children = match kind {
        Kind::TextList => vec![column_schema(c"item", Kind::Text)],
        _ => Vec::new(),
    };
    let dictionary = (kind == Kind::Dictionary).then(|| column_schema(c"", Kind::Text));
    schema(kind.format(), NULLABLE, name.to_owned(), children, dictionary)
}

fn schema(
    format: &'static CStr,
    flags: i64,
    name: CString,
    children: Vec<ArrowSchema>,
    dictionary: Option<ArrowSchema>,
) -> ArrowSchema {
    let mut parts = Box::new(SchemaParts {
        name,
        children: children.into_iter().map(|child| Box::into_raw(Box::new(child))).collect(),
        dictionary: dictionary.map_or(ptr::null_mut(), |dictionary| Box::into_raw(Box::new(dictionary))),
    });
    ArrowSchema {
        format: format.as_ptr(),
        name: parts.name.as_ptr(),
        metadata: ptr::null(),
        flags,
        n_children: count(parts.children.len()),
        children: pointer(&mut parts.children),
        dictionary: parts.dictionary,
        release: Some(release_schema),
        private_data: Box::into_raw(parts).cast(),
    }
}

pub(super) fn table_array(batch: &OwnedBatch) -> ArrowArray {
    let children = batch.columns.iter().map(column_array).collect();
    array(batch.rows, 0, 0, vec![ptr::null()], children, None, None)
}

fn column_array(column: &OwnedColumn) -> ArrowArray {
    let children = column.parts().items.iter().map(column_array).collect();
    let dictionary = column.parts().entries.as_ref().map(column_array);
    let (rows, start, nulls) = (column.rows(), column.start(), column.null_count());
    array(rows, start, nulls, column.pointers(), children, dictionary, Some(column.clone()))
}

fn array(
    rows: usize,
    start: usize,
    null_count: i64,
    buffers: Vec<*const c_void>,
    children: Vec<ArrowArray>,
    dictionary: Option<ArrowArray>,
    column: Option<OwnedColumn>,
) -> ArrowArray {
    let mut parts = Box::new(ArrayParts {
        _column: column,
        buffers,
        children: children.into_iter().map(|child| Box::into_raw(Box::new(child))).collect(),
        dictionary: dictionary.map_or(ptr::null_mut(), |dictionary| Box::into_raw(Box::new(dictionary))),
    });
    ArrowArray {
        length: count(rows),
        null_count,
        offset: count(start),
        n_buffers: count(parts.buffers.len()),
        n_children: count(parts.children.len()),
        buffers: parts.buffers.as_mut_ptr(),
        children: pointer(&mut parts.children),
        dictionary: parts.dictionary,
        release: Some(release_array),
        private_data: Box::into_raw(parts).cast(),
    }
}

pub(super) fn stream(table: Table) -> ArrowArrayStream {
    ArrowArrayStream {
        get_schema: Some(get_schema),
        get_next: Some(get_next),
        get_last_error: Some(get_last_error),
        release: Some(release_stream),
        private_data: Box::into_raw(Box::new(StreamParts { table, next: 0, failure: None })).cast(),
    }
}

/// A length as the interface has it; no allocation is longer than `isize::MAX` bytes.
fn count(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

fn pointer<T>(children: &mut [*mut T]) -> *mut *mut T {
    if children.is_empty() { ptr::null_mut() } else { children.as_mut_ptr() }
}

unsafe extern "C" fn release_schema(schema: *mut ArrowSchema) {
    guarded(|| {
        // SAFETY: by contract the pointer is that of a structure which was exported here and is not released yet.
        if let Some(schema) = unsafe { schema.as_mut() }
            && schema.release.take().is_some()
        {
            let parts = std::mem::replace(&mut schema.private_data, ptr::null_mut());
            // SAFETY: `schema` made this pointer from a box of this type; that it is taken out frees it once.
            drop(unsafe { Box::from_raw(parts.cast::<SchemaParts>()) });
        }
    });
}

unsafe extern "C" fn release_array(array: *mut ArrowArray) {
    guarded(|| {
        // SAFETY: as in `release_schema`.
        if let Some(array) = unsafe { array.as_mut() }
            && array.release.take().is_some()
        {
            let parts = std::mem::replace(&mut array.private_data, ptr::null_mut());
            // SAFETY: `array` made this pointer from a box of this type; that it is taken out frees it once.
            drop(unsafe { Box::from_raw(parts.cast::<ArrayParts>()) });
        }
    });
}

unsafe extern "C" fn release_stream(stream: *mut ArrowArrayStream) {
    guarded(|| {
        // SAFETY: as in `release_schema`.
        if let Some(stream) = unsafe { stream.as_mut() }
            && stream.release.take().is_some()
        {
            let parts = std::mem::replace(&mut stream.private_data, ptr::null_mut());
            // SAFETY: `stream` made this pointer from a box of this type; that it is taken out frees it once.
            drop(unsafe { Box::from_raw(parts.cast::<StreamParts>()) });
        }
    });
}

unsafe extern "C" fn get_schema(stream: *mut ArrowArrayStream, out: *mut ArrowSchema) -> c_int {
    // SAFETY: as promised by our caller.
    unsafe {
        answer(stream, |parts| {
            let schema = parts.table.schema();
            if out.is_null() {
                return Err(c"expected a place for the schema, found a null pointer");
            }
            // SAFETY: by contract `out` may be written to.
            schema.give(out);
            Ok(())
        })
    }
}

unsafe extern "C" fn get_next(stream: *mut ArrowArrayStream, out: *mut ArrowArray) -> c_int {
    // SAFETY: as promised by our caller.
    unsafe {
        answer(stream, |parts| {
            if out.is_null() {
                return Err(c"expected a place for the array, found a null pointer");
            }
            // A released array is how the interface says that there are no more.
            let array = parts.table.batch(parts.next).unwrap_or(ArrowArray::empty());
            parts.next = parts.next.saturating_add(1);
            // SAFETY: by contract `out` may be written to.
            array.give(out);
            Ok(())
        })
    }
}

unsafe extern "C" fn get_last_error(stream: *mut ArrowArrayStream) -> *const c_char {
    // SAFETY: by contract the stream was exported here and is not released.
    let parts = unsafe { stream.as_ref().and_then(|stream| stream.private_data.cast::<StreamParts>().as_ref()) };
    parts.and_then(|parts| parts.failure).map_or(ptr::null(), CStr::as_ptr)
}

/// `EINVAL`: the arguments are wrong.
const INVALID: c_int = 22;
/// `EIO`: something is wrong inside.
const BROKEN: c_int = 5;

/// Runs one call on a stream and keeps why it failed.
///
/// # Safety
/// `stream` is null or a stream that was exported here and that nobody else uses meanwhile.
unsafe fn answer(stream: *mut ArrowArrayStream, call: impl FnOnce(&mut StreamParts) -> Result<(), &'static CStr>) -> c_int {
    // SAFETY: as promised by the caller.
    let parts = unsafe { stream.as_ref().and_then(|stream| stream.private_data.cast::<StreamParts>().as_mut()) };
    let Some(parts) = parts else { return INVALID };
    let outcome = catch_unwind(AssertUnwindSafe(|| call(parts)));
    let (number, failure) = match outcome {
        Ok(Ok(())) => (0, None),
        Ok(Err(failure)) => (INVALID, Some(failure)),
        Err(_) => (BROKEN, Some(c"the exporter panicked; this is a defect of tactful")),
    };
    parts.failure = failure;
    number
}

/// Runs a callback that cannot report anything; a panic must not cross into the caller's language.
fn guarded(callback: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(callback));
}
