//! Time of this thread on the processor, as the median of several runs; and bytes in use.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Nanoseconds that this thread has run so far.
#[must_use]
pub fn thread_nanos() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer, and the clock is always there.
    let status = unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &mut time) };
    assert_eq!(status, 0, "the clock of the thread");
    time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned()
}

/// Nanoseconds for one call: the median of `samples` samples, each of as many calls as take about `millis` milliseconds.
pub fn nanos(samples: usize, millis: u64, mut call: impl FnMut()) -> f64 {
    let mut calls = 1_u64;
    loop {
        let start = thread_nanos();
        (0..calls).for_each(|_| call());
        let taken = thread_nanos() - start;
        if taken >= millis * 1_000_000 {
            break;
        }
        calls = if taken < 10_000 { calls * 20 } else { calls * (millis * 1_100_000 / taken).max(2) };
    }
    let mut times: Vec<f64> = (0..samples)
        .map(|_| {
            let start = thread_nanos();
            (0..calls).for_each(|_| call());
            (thread_nanos() - start) as f64 / calls as f64
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

/// Nanoseconds for one call that is made once.
pub fn once<T>(call: impl FnOnce() -> T) -> (T, f64) {
    let start = thread_nanos();
    let made = call();
    (made, (thread_nanos() - start) as f64)
}

/// The system's allocator, which counts the bytes that are in use.
#[derive(Debug, Clone, Copy)]
pub struct Counting;

static IN_USE: AtomicUsize = AtomicUsize::new(0);

/// Bytes that were asked of [`Counting`] and not given back.
#[must_use]
pub fn allocated() -> usize {
    IN_USE.load(Ordering::Relaxed)
}

// SAFETY: all is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        IN_USE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        IN_USE.fetch_add(size, Ordering::Relaxed);
        IN_USE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as the caller promises.
        unsafe { System.realloc(place, layout, size) }
    }
}
