//! Tables in: streams and single batches of any producer become [`Batch`]es.

mod array;
mod schema;

pub use array::Lists;
pub use schema::Field;

use crate::abi::{ArrowArray, ArrowArrayStream, ArrowSchema};
use crate::error::ArrowError;
use array::Window;
use std::ffi::CStr;
use std::sync::Arc;
use tactful::column::Batch;

/// A stream of batches of one schema. An iterator that ends after the first error.
#[derive(Debug)]
pub struct Reader {
    stream: ArrowArrayStream,
    fields: Arc<[Field]>,
    ended: bool,
}

impl Reader {
    /// Takes over a stream and asks for its schema. The source is left released, also when this fails.
    ///
    /// # Errors
    /// [`ArrowError::Released`] for a null pointer or a stream consumed before, [`ArrowError::Producer`] when the producer fails,
    /// [`ArrowError::NotATable`] when it has no columns, [`ArrowError::Malformed`] otherwise.
    ///
    /// # Safety
    /// `stream` is null, or points to a stream that nobody else uses meanwhile and that keeps the interface's contract.
    pub unsafe fn take(stream: *mut ArrowArrayStream) -> Result<Self, ArrowError> {
        // SAFETY: as promised by the caller.
        let mut stream = unsafe { ArrowArrayStream::take(stream) }.ok_or(ArrowError::Released("ArrowArrayStream"))?;
        let get_schema = stream.get_schema.ok_or_else(|| ArrowError::malformed("stream", "a `get_schema` callback", "none"))?;
        let mut schema = ArrowSchema::empty();
        // SAFETY: the stream is not released and exclusively ours, the schema is a place to write to.
        let number = unsafe { get_schema(&raw mut stream, &raw mut schema) };
        if number != 0 {
            // What a failed call has written, if anything, is not ours to release.
            schema.release = None;
            return Err(failure(&mut stream, number));
        }
        if schema.is_released() {
            return Err(ArrowError::malformed("stream", "a schema", "none"));
        }
        // SAFETY: the producer has filled the schema by contract.
        let fields = unsafe { schema::fields(&schema) }?;
        Ok(Reader { stream, fields, ended: false })
    }

    /// The columns that every batch has.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    fn pull(&mut self) -> Result<Option<Chunk>, ArrowError> {
        let get_next = self.stream.get_next.ok_or_else(|| ArrowError::malformed("stream", "a `get_next` callback", "none"))?;
        let mut array = ArrowArray::empty();
        // SAFETY: the stream is not released and exclusively ours, the array is a place to write to.
        let number = unsafe { get_next(&raw mut self.stream, &raw mut array) };
        if number != 0 {
            array.release = None;
            return Err(failure(&mut self.stream, number));
        }
        Ok((!array.is_released()).then(|| Chunk { array, fields: self.fields.clone() }))
    }
}

impl Iterator for Reader {
    type Item = Result<Chunk, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let chunk = self.pull().transpose();
        self.ended = !matches!(chunk, Some(Ok(_)));
        chunk
    }
}

/// The producer's own account of a failed call.
fn failure(stream: &mut ArrowArrayStream, number: i32) -> ArrowError {
    let text = stream.get_last_error.map(|get_last_error| {
        // SAFETY: the stream is not released, and its last call has failed.
        unsafe { get_last_error(stream) }
    });
    let message = match text {
        // SAFETY: text that is not null is NUL-terminated and lives until the next call on the stream.
        Some(text) if !text.is_null() => unsafe { CStr::from_ptr(text) }.to_string_lossy().chars().take(1_000).collect(),
        _ => "it gives no reason".into(),
    };
    ArrowError::Producer { number, message }
}

/// One batch of a producer, owned.
#[derive(Debug)]
pub struct Chunk {
    array: ArrowArray,
    fields: Arc<[Field]>,
}

impl Chunk {
    /// Takes over a single batch with its schema. Both sources are left released, also when this fails.
    ///
    /// # Errors
    /// As for [`Reader::take`].
    ///
    /// # Safety
    /// Each pointer is null, or points to a structure that nobody else uses meanwhile and that keeps the interface's contract.
    pub unsafe fn take(array: *mut ArrowArray, schema: *mut ArrowSchema) -> Result<Self, ArrowError> {
        // SAFETY: as promised by the caller.
        let (array, schema) = unsafe { (ArrowArray::take(array), ArrowSchema::take(schema)) };
        let schema = schema.ok_or(ArrowError::Released("ArrowSchema"))?;
        let array = array.ok_or(ArrowError::Released("ArrowArray"))?;
        // SAFETY: the schema keeps the interface's contract.
        let fields = unsafe { schema::fields(&schema) }?;
        Ok(Chunk { array, fields })
    }

    /// The columns.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The table, borrowed from this chunk. Takes time in proportion to the number of columns, not of rows, unless a producer
    /// has not aligned its numbers: these are copied.
    ///
    /// # Errors
    /// [`ArrowError::Malformed`] when the structures contradict themselves or the schema, [`ArrowError::Column`] when two columns
    /// have one name.
    pub fn batch(&self) -> Result<Batch<'_>, ArrowError> {
        // SAFETY: the array keeps the interface's contract for the schema it came with, and lives as long as `self`.
        let (columns, rows) = unsafe { Window::whole("batch", &self.array)?.table(&self.fields)? };
        Ok(Batch::new(columns, rows)?)
    }

    /// The columns of the table that are lists, which a [`Batch`] has no values of. Lists of lists or structs have elements that
    /// cannot be read.
    ///
    /// # Errors
    /// As for [`batch`](Self::batch), and [`ArrowError::Malformed`] for lists of more than 2^31 - 1 elements in all.
    pub fn lists(&self) -> Result<Vec<Lists<'_>>, ArrowError> {
        // SAFETY: as for `batch`, which checks the table first.
        unsafe {
            let window = Window::whole("batch", &self.array)?;
            window.table(&self.fields)?;
            window.lists(&self.fields)
        }
    }
}

#[cfg(test)]
mod tests;
