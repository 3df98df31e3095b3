//! The gate that every call goes through: panics stop here, pointers are checked here.

use crate::error::{Failure, TACTFUL_OK, tactful_error, tactful_status};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs the body of a function that can fail: gives its status, and its error to a caller who wants to have it.
///
/// The body writes outputs as its last act, so that they are written only on success.
pub(crate) fn guard(error: *mut *mut tactful_error, body: impl FnOnce() -> Result<(), Failure>) -> tactful_status {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return TACTFUL_OK,
        Ok(Err(failure)) => failure,
        Err(payload) => {
            let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            tactful_error::internal(text.unwrap_or("no message"))
        }
    };
    let status = failure.status();
    if !error.is_null() {
        // SAFETY: by contract an error pointer that is not null may be written to.
        unsafe { error.write(Box::into_raw(failure)) };
    }
    status
}

/// Runs the body of a function that gives a new handle to the caller, at a `place` that may not be null.
pub(crate) fn giving<T>(
    place: *mut *mut T,
    name: &str,
    error: *mut *mut tactful_error,
    body: impl FnOnce() -> Result<T, Failure>,
) -> tactful_status {
    guard(error, || {
        let out = Out::new(place, name)?;
        let made = body()?;
        // SAFETY: by contract a place that is not null may be written to.
        unsafe { out.give(made) };
        Ok(())
    })
}

/// Runs the body of a function that cannot fail; what it answers instead, should it panic after all, is `otherwise`.
pub(crate) fn answer<T>(otherwise: T, body: impl FnOnce() -> T) -> T {
    catch_unwind(AssertUnwindSafe(body)).unwrap_or(otherwise)
}

/// A handle that is read.
///
/// # Safety
/// `handle` is null or points to a live value that nobody changes meanwhile.
pub(crate) unsafe fn shared<'a, T>(handle: *const T, name: &str) -> Result<&'a T, Failure> {
    // SAFETY: as promised by the caller.
    unsafe { handle.as_ref() }.ok_or_else(|| tactful_error::null(name))
}

/// A handle that is changed.
///
/// # Safety
/// `handle` is null or points to a live value that nobody else uses meanwhile.
pub(crate) unsafe fn exclusive<'a, T>(handle: *mut T, name: &str) -> Result<&'a mut T, Failure> {
    // SAFETY: as promised by the caller.
    unsafe { handle.as_mut() }.ok_or_else(|| tactful_error::null(name))
}

/// `length` values of a plain array.
///
/// # Safety
/// `values` is null or points to `length` values that nobody changes meanwhile.
pub(crate) unsafe fn array<'a, T>(values: *const T, length: usize, name: &str) -> Result<&'a [T], Failure> {
    if length == 0 {
        return Ok(&[]);
    }
    if values.is_null() {
        return Err(tactful_error::null(name));
    }
    if !values.is_aligned() {
        return Err(tactful_error::argument(
            "misaligned",
            name,
            format!("expected an address that is a multiple of {}", align_of::<T>()),
        ));
    }
    if length.checked_mul(size_of::<T>()).is_none_or(|bytes| isize::try_from(bytes).is_err()) {
        return Err(tactful_error::argument(
            "too_long",
            name,
            format!("expected a length that fits into memory, found {length}"),
        ));
    }
    // SAFETY: neither null nor misaligned nor longer than memory; that it holds as many values is the caller's promise.
    Ok(unsafe { std::slice::from_raw_parts(values, length) })
}

/// A place for a result, known not to be null.
pub(crate) struct Out<T>(*mut T);

impl<T> Out<T> {
    /// Refuses null.
    pub(crate) fn new(place: *mut T, name: &str) -> Result<Self, Failure> {
        if place.is_null() { Err(tactful_error::null(name)) } else { Ok(Out(place)) }
    }

    /// Writes the result.
    ///
    /// # Safety
    /// The place may be written to.
    pub(crate) unsafe fn write(self, value: T) {
        // SAFETY: not null, and writable as promised by the caller.
        unsafe { self.0.write(value) }
    }
}

impl<T> Out<*mut T> {
    /// Gives a new handle to the caller.
    ///
    /// # Safety
    /// The place may be written to.
    pub(crate) unsafe fn give(self, value: T) {
        // SAFETY: as promised by the caller.
        unsafe { self.write(Box::into_raw(Box::new(value))) }
    }
}

/// Ends a handle; null is ignored.
///
/// # Safety
/// `handle` is null or was given by this library and not freed yet.
pub(crate) unsafe fn free<T>(handle: *mut T) {
    if !handle.is_null() {
        // SAFETY: made by `Out::give` or `guard` from a box, and given back once.
        answer((), || drop(unsafe { Box::from_raw(handle) }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::TACTFUL_INTERNAL;

    #[test]
    fn a_panic_becomes_a_status_and_an_error() {
        let mut error = std::ptr::null_mut();
        let status = guard(&raw mut error, || panic!("on {}", "purpose"));
        assert_eq!(status, TACTFUL_INTERNAL);
        // SAFETY: the call failed, so the error was written.
        let error = unsafe { Box::from_raw(error) };
        assert_eq!(error.code.as_str(), "panic");
        assert!(error.message.as_str().contains("on purpose"), "{}", error.message.as_str());
        assert_eq!(guard(std::ptr::null_mut(), || panic!("nobody asks")), TACTFUL_INTERNAL);
        assert_eq!(answer(7, || panic!("an accessor")), 7);
    }

    #[test]
    fn success_leaves_the_error_alone() {
        let mut error = std::ptr::dangling_mut();
        assert_eq!(guard(&raw mut error, || Ok(())), TACTFUL_OK);
        assert_eq!(error, std::ptr::dangling_mut());
    }

    #[test]
    fn arrays_are_checked_before_they_are_read() {
        let numbers = [1_i64, 2];
        // SAFETY: as long as said, or refused before it is read.
        unsafe {
            assert_eq!(array(numbers.as_ptr(), 2, "numbers").map_err(|error| error.code.as_str().to_owned()), Ok(&numbers[..]));
            assert_eq!(array::<i64>(std::ptr::null(), 0, "numbers").map_err(|_| ()), Ok(&[][..]));
            let code = |array: Result<&[i64], Failure>| array.err().map(|error| error.code.as_str().to_owned());
            assert_eq!(code(array(std::ptr::null(), 1, "numbers")).as_deref(), Some("null_pointer"));
            assert_eq!(code(array(numbers.as_ptr().byte_add(1), 1, "numbers")).as_deref(), Some("misaligned"));
            assert_eq!(code(array(numbers.as_ptr(), usize::MAX / 8, "numbers")).as_deref(), Some("too_long"));
        }
    }
}
