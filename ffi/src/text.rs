use crate::error::{Failure, tactful_error};
use std::ffi::{CStr, c_char};
use tactful::{Identifier, Timestamp};

/// No time: where a time is optional, it was not given, or there is none.
pub const TACTFUL_NO_TIME: i64 = i64::MIN;

/// Text in UTF-8.
///
/// Text that goes in is borrowed for the call only and need not end with NUL; `data` may be null when `len` is 0.
/// Text that comes out is borrowed from the handle it was asked of, until that is changed or freed, and ends with a NUL that
/// `len` does not count; a null `data` says that there is none.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct tactful_text {
    /// The first byte.
    pub data: *const c_char,
    /// How many bytes.
    pub len: usize,
}

#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<tactful_text>() == 16 && std::mem::offset_of!(tactful_text, len) == 8);

impl tactful_text {
    /// No text.
    pub(crate) const NONE: tactful_text = tactful_text { data: std::ptr::null(), len: 0 };

    pub(crate) fn of(text: &'static CStr) -> Self {
        tactful_text { data: text.as_ptr(), len: text.count_bytes() }
    }

    /// The text as Rust has it.
    ///
    /// # Safety
    /// `data` is null or points to `len` bytes that nobody changes meanwhile.
    pub(crate) unsafe fn read<'a>(self, name: &str) -> Result<&'a str, Failure> {
        // SAFETY: as promised by the caller.
        let bytes = unsafe { crate::guard::array(self.data.cast::<u8>(), self.len, name) }?;
        std::str::from_utf8(bytes).map_err(|error| {
            let at = error.valid_up_to();
            tactful_error::argument("not_utf8", name, format!("expected text in UTF-8, found another byte at position {at}"))
        })
    }

    /// An identifier `namespace:value`.
    ///
    /// # Safety
    /// As for [`read`](Self::read).
    pub(crate) unsafe fn identifier(self, name: &str) -> Result<Identifier, Failure> {
        // SAFETY: as promised by the caller.
        let text = unsafe { self.read(name) }?;
        Identifier::parse(text).map_err(|error| tactful_error::argument(error.code(), name, error.to_string()))
    }
}

/// An instant that has to be there.
pub(crate) fn time(micros: i64, name: &str) -> Result<Timestamp, Failure> {
    Timestamp::from_micros(micros).map_err(|error| {
        let found =
            if micros == TACTFUL_NO_TIME { "TACTFUL_NO_TIME".to_owned() } else { format!("{micros} microseconds since 1970") };
        tactful_error::argument("time_out_of_range", name, format!("{error}: {found}"))
    })
}

/// An instant, or TACTFUL_NO_TIME.
pub(crate) fn optional_time(micros: i64, name: &str) -> Result<Option<Timestamp>, Failure> {
    if micros == TACTFUL_NO_TIME { Ok(None) } else { time(micros, name).map(Some) }
}

/// Text that a handle owns and lends out, with its NUL.
#[derive(Debug, Clone)]
pub(crate) struct Text(Box<str>);

impl Text {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        let mut text: String = text.into();
        text.push('\0');
        Text(text.into())
    }

    pub(crate) fn as_str(&self) -> &str {
        self.0.strip_suffix('\0').unwrap_or(&self.0)
    }

    pub(crate) fn lend(&self) -> tactful_text {
        tactful_text { data: self.0.as_ptr().cast(), len: self.as_str().len() }
    }
}

/// Lends text that may not be there.
pub(crate) fn lend(text: Option<&Text>) -> tactful_text {
    text.map_or(tactful_text::NONE, Text::lend)
}
