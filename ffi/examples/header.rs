//! Writes `include/tactful.h` and `ffi/symbols.txt` anew: `cargo run -p tactful-ffi --example header`.
//!
//! The tests compare both with what this makes, and fail when they differ.

use std::path::{Path, PathBuf};

fn main() -> std::io::Result<()> {
    let header = header();
    std::fs::write(root().join("ffi/symbols.txt"), symbols(&header))?;
    std::fs::write(root().join("include/tactful.h"), header)
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map(Path::to_owned).unwrap_or_default()
}

/// The text of `tactful.h`.
#[allow(clippy::expect_used, reason = "a tool of the build; there is nothing to go on with")]
pub fn header() -> String {
    let config = cbindgen::Config {
        language: cbindgen::Language::C,
        style: cbindgen::Style::Both,
        cpp_compat: true,
        header: Some(include_str!("../header/head.h").trim_end().to_owned()),
        no_includes: true,
        sys_includes: ["stdbool.h", "stddef.h", "stdint.h", "string.h"].map(str::to_owned).to_vec(),
        after_includes: Some(include_str!("../header/arrow.h").to_owned()),
        trailer: Some(include_str!("../header/tail.h").trim_end().to_owned()),
        documentation_style: cbindgen::DocumentationStyle::Doxy,
        documentation_length: cbindgen::DocumentationLength::Full,
        line_length: 110,
        tab_width: 2,
        usize_is_size_t: true,
        export: cbindgen::ExportConfig {
            rename: [("ArrowArrayStream".to_owned(), "struct ArrowArrayStream".to_owned())].into_iter().collect(),
            ..cbindgen::ExportConfig::default()
        },
        function: cbindgen::FunctionConfig { sort_by: Some(cbindgen::SortKey::None), ..cbindgen::FunctionConfig::default() },
        ..cbindgen::Config::default()
    };
    let mut text = Vec::new();
    let made = cbindgen::Builder::new().with_crate(env!("CARGO_MANIFEST_DIR")).with_config(config).generate();
    made.expect("cbindgen reads the crate").write(&mut text);
    String::from_utf8(text).expect("a header is text")
}

/// The exported functions that a header declares, sorted, one per line.
pub fn symbols(header: &str) -> String {
    let declared = header.lines().filter(|line| !line.starts_with([' ', '*', '/', '#']) && !line.starts_with("static "));
    let mut names: Vec<&str> = declared
        .filter_map(|line| line.split_once('(')?.0.rsplit([' ', '*']).next())
        .filter(|name| name.starts_with("tactful_"))
        .collect();
    names.sort_unstable();
    names.join("\n") + "\n"
}
