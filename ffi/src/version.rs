use std::ffi::c_char;

/// The version of this interface. It counts up with every change after which a program has to be compiled again; it is part
/// of the shared library's name.
pub const TACTFUL_ABI_VERSION: u32 = 1;

/// The version of the interface that the library was built with. A program that loads the library at run time compares it
/// with TACTFUL_ABI_VERSION first.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn tactful_abi_version() -> u32 {
    TACTFUL_ABI_VERSION
}

/// The version of the library, such as "0.1.0", as static text.
///
/// Thread-safe.
#[unsafe(no_mangle)]
pub extern "C" fn tactful_version() -> *const c_char {
    const VERSION: &std::ffi::CStr =
        match std::ffi::CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
            Ok(version) => version,
            Err(_) => c"",
        };
    VERSION.as_ptr()
}
