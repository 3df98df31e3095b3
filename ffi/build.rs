//! Gives the shared library a name with the version of its interface in it, which cargo does not.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=src/version.rs");
    // `src/version.rs` states it once; a build script cannot use the crate it builds.
    let version = include_str!("src/version.rs");
    let number = version.lines().find_map(|line| line.strip_prefix("pub const TACTFUL_ABI_VERSION: u32 = ")?.strip_suffix(';'));
    let Some(number) = number else {
        println!("cargo::error=src/version.rs no longer states TACTFUL_ABI_VERSION on one line");
        return;
    };
    match target().as_deref() {
        Ok("macos") => println!("cargo::rustc-cdylib-link-arg=-Wl,-install_name,@rpath/libtactful.{number}.dylib"),
        Ok("windows") | Err(_) => {}
        Ok(_) => println!("cargo::rustc-cdylib-link-arg=-Wl,-soname,libtactful.so.{number}"),
    }
}

#[expect(clippy::disallowed_methods, reason = "this is how cargo tells a build script what is built")]
fn target() -> Result<String, std::env::VarError> {
    std::env::var("CARGO_CFG_TARGET_OS")
}
