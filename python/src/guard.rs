//! Every entry from Python runs inside [`guard`], so that a panic becomes an ordinary exception.

use crate::customer::Customer;
use crate::errors::internal;
use pyo3::prelude::*;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Runs an entry; a panic inside becomes `tactful.InternalError`.
pub(crate) fn guard<T>(entry: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    // What a panic may leave half done stands behind a lock, which is then poisoned and refuses further use.
    catch_unwind(AssertUnwindSafe(entry)).unwrap_or_else(|panic| Err(internal(&words(panic.as_ref()))))
}

fn words(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a mistake inside tactful: {}", text.unwrap_or("no reason given"))
}

/// The lock of something that changes, for reading.
pub(crate) fn read<T>(lock: &RwLock<T>) -> PyResult<RwLockReadGuard<'_, T>> {
    lock.read().map_err(|_: PoisonError<_>| unusable())
}

/// The lock of something that changes, for changing it.
pub(crate) fn write<T>(lock: &RwLock<T>) -> PyResult<RwLockWriteGuard<'_, T>> {
    lock.write().map_err(|_: PoisonError<_>| unusable())
}

/// Panics while it changes a customer, for the tests of what becomes of that.
#[pyfunction]
#[pyo3(signature = (customer, /))]
#[expect(clippy::panic, reason = "panicking is what it is for")]
pub(crate) fn _panic(customer: &Bound<'_, Customer>) -> PyResult<()> {
    guard(|| {
        let _changing = write(&customer.get().customer)?;
        panic!("asked to panic")
    })
}

fn unusable() -> PyErr {
    internal("an earlier internal error left this object half changed; make a new one and record its events again")
}
