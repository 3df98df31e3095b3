use std::ffi::{c_char, c_int, c_void};
use std::ptr;

/// The type of an array: its format, name, children and dictionary.
#[repr(C)]
#[derive(Debug)]
pub struct ArrowSchema {
    pub(crate) format: *const c_char,
    pub(crate) name: *const c_char,
    pub(crate) metadata: *const c_char,
    pub(crate) flags: i64,
    pub(crate) n_children: i64,
    pub(crate) children: *mut *mut ArrowSchema,
    pub(crate) dictionary: *mut ArrowSchema,
    pub(crate) release: Option<unsafe extern "C" fn(*mut ArrowSchema)>,
    pub(crate) private_data: *mut c_void,
}

/// The flag of a field that may hold nulls.
pub(crate) const NULLABLE: i64 = 2;

/// The values of an array: its buffers, children and dictionary.
#[repr(C)]
#[derive(Debug)]
pub struct ArrowArray {
    pub(crate) length: i64,
    pub(crate) null_count: i64,
    pub(crate) offset: i64,
    pub(crate) n_buffers: i64,
    pub(crate) n_children: i64,
    pub(crate) buffers: *mut *const c_void,
    pub(crate) children: *mut *mut ArrowArray,
    pub(crate) dictionary: *mut ArrowArray,
    pub(crate) release: Option<unsafe extern "C" fn(*mut ArrowArray)>,
    pub(crate) private_data: *mut c_void,
}

/// A sequence of arrays of one type.
#[repr(C)]
#[derive(Debug)]
pub struct ArrowArrayStream {
    pub(crate) get_schema: Option<unsafe extern "C" fn(*mut ArrowArrayStream, *mut ArrowSchema) -> c_int>,
    pub(crate) get_next: Option<unsafe extern "C" fn(*mut ArrowArrayStream, *mut ArrowArray) -> c_int>,
    pub(crate) get_last_error: Option<unsafe extern "C" fn(*mut ArrowArrayStream) -> *const c_char>,
    pub(crate) release: Option<unsafe extern "C" fn(*mut ArrowArrayStream)>,
    pub(crate) private_data: *mut c_void,
}

// The layout is the contract with every other implementation.
#[cfg(target_pointer_width = "64")]
const _: () = {
    assert!(size_of::<ArrowSchema>() == 72);
    assert!(size_of::<ArrowArray>() == 80);
    assert!(size_of::<ArrowArrayStream>() == 40);
};

impl ArrowSchema {
    /// A released structure: a place for a producer to write to.
    #[must_use]
    pub const fn empty() -> Self {
        ArrowSchema {
            format: ptr::null(),
            name: ptr::null(),
            metadata: ptr::null(),
            flags: 0,
            n_children: 0,
            children: ptr::null_mut(),
            dictionary: ptr::null_mut(),
            release: None,
            private_data: ptr::null_mut(),
        }
    }
}

impl ArrowArray {
    /// A released structure: a place for a producer to write to.
    #[must_use]
    pub const fn empty() -> Self {
        ArrowArray {
            length: 0,
            null_count: 0,
            offset: 0,
            n_buffers: 0,
            n_children: 0,
            buffers: ptr::null_mut(),
            children: ptr::null_mut(),
            dictionary: ptr::null_mut(),
            release: None,
            private_data: ptr::null_mut(),
        }
    }
}

impl ArrowArrayStream {
    /// A released structure: a place for a producer to write to.
    #[must_use]
    pub const fn empty() -> Self {
        ArrowArrayStream {
            get_schema: None,
            get_next: None,
            get_last_error: None,
            release: None,
            private_data: ptr::null_mut(),
        }
    }
}

macro_rules! movable {
    ($($structure:ident),*) => {$(
        impl $structure {
            /// Moves the contents out of `source` and marks it as released. `None` when it is null or was released before.
            ///
            /// # Safety
            /// `source` is null, or points to a structure that nobody else uses meanwhile and that keeps the interface's contract.
            #[must_use]
            pub unsafe fn take(source: *mut Self) -> Option<Self> {
                if source.is_null() {
                    return None;
                }
                // SAFETY: by contract `source` points to an initialised structure. Its old contents are moved, not copied: what is
                // left behind is released.
                let taken = unsafe { ptr::replace(source, Self::empty()) };
                taken.release.is_some().then_some(taken)
            }

            /// Moves the contents to `target`, whose owner releases them from now on. What was there is overwritten, not
            /// released.
            ///
            /// # Safety
            /// `target` points to memory for one structure that may be written to.
            pub unsafe fn give(self, target: *mut Self) {
                // SAFETY: by contract `target` may be written to; `write` neither reads nor drops what was there.
                unsafe { ptr::write(target, self) }
            }

            /// Whether the structure was released or never filled.
            #[must_use]
            pub fn is_released(&self) -> bool {
                self.release.is_none()
            }
        }

        impl Drop for $structure {
            fn drop(&mut self) {
                if let Some(release) = self.release {
                    // SAFETY: a structure that is not released is valid for its own callback, which marks it as released. It is
                    // owned by this value, so nobody else releases it.
                    unsafe { release(self) };
                    self.release = None;
                }
            }
        }

        // SAFETY: the interface lets a structure be moved to and released from another thread than that which made it.
        unsafe impl Send for $structure {}
    )*};
}

movable!(ArrowSchema, ArrowArray, ArrowArrayStream);

// SAFETY: through a shared reference the structure and its buffers are only read; callbacks need exclusive access.
unsafe impl Sync for ArrowSchema {}
// SAFETY: as above. A stream has no shared use at all, and is not `Sync`.
unsafe impl Sync for ArrowArray {}
