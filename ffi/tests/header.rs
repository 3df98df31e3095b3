//! The header and the list of exported functions say what the library has.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod support;

#[path = "../examples/header.rs"]
#[allow(dead_code, unreachable_pub, reason = "the program that writes the header is its library too")]
mod header;

use std::process::Command;
use support::{STRICT, Standard, file, found, library, run, shown, succeed};

const ANEW: &str = "write it anew: cargo run -p tactful-ffi --example header";

#[test]
fn the_header_is_that_of_the_sources() {
    let (made, kept) = (header::header(), file("include/tactful.h"));
    let line = made.lines().zip(kept.lines()).position(|(made, kept)| made != kept);
    assert!(made == kept, "include/tactful.h differs from the sources, first in line {:?}; {ANEW}", line.map(|line| line + 1));
}

#[test]
fn the_list_of_functions_is_that_of_the_header() {
    assert_eq!(file("ffi/symbols.txt"), header::symbols(&header::header()), "ffi/symbols.txt differs from the header; {ANEW}");
}

#[test]
fn the_library_exports_the_listed_functions_and_nothing_else() {
    if !found("nm", Command::new("nm").arg("--version")) {
        return;
    }
    let table = succeed(Command::new("nm").args(["--dynamic", "--defined-only", "--extern-only"]).arg(library()));
    let mut exported: Vec<&str> = table.lines().filter_map(|line| line.split_whitespace().nth(2)).collect();
    exported.sort_unstable();
    assert_eq!(exported.join("\n") + "\n", file("ffi/symbols.txt"));
}

#[test]
fn the_library_is_named_after_the_version_of_its_interface() {
    if !found("readelf", Command::new("readelf").arg("--version")) {
        return;
    }
    let header = file("include/tactful.h");
    let version = header.lines().find_map(|line| line.strip_prefix("#define TACTFUL_ABI_VERSION ")).expect("a version");
    let dynamic = succeed(Command::new("readelf").arg("--dynamic").arg(library()));
    assert!(dynamic.contains(&format!("[libtactful.so.{version}]")), "{dynamic}");
}

#[test]
fn the_header_is_clean_in_every_standard() {
    for (standard, header) in [
        ("c99", "tactful.h"),
        ("c11", "tactful.h"),
        ("c17", "tactful.h"),
        ("c2x", "tactful.h"),
        ("c++11", "tactful.h"),
        ("c++11", "tactful.hpp"),
        ("c++14", "tactful.hpp"),
        ("c++17", "tactful.hpp"),
        ("c++20", "tactful.hpp"),
    ] {
        let standard = Standard(standard);
        if !standard.known() {
            continue;
        }
        let source = support::scratch().join(format!(
            "only-{}-{header}.{}",
            standard.0,
            if standard.compiler() == "g++" { "cpp" } else { "c" }
        ));
        // Twice, because a header may be included twice; with a use, so that nothing is unused.
        let text =
            format!("#include <{header}>\n#include <{header}>\nint main(void) {{ return (int)tactful_text_of(\"\").len; }}\n");
        std::fs::write(&source, text).unwrap();
        let mut compiler = Command::new(standard.compiler());
        compiler.arg(format!("-std={}", standard.0)).args(STRICT).args(["-Wconversion", "-Wshadow", "-fsyntax-only", "-I"]);
        let output = run(compiler.arg(support::root().join("include")).arg(&source));
        assert!(output.status.success(), "{header} as {}:\n{}", standard.0, shown(&output));
    }
}

#[test]
fn every_function_says_what_it_does_and_who_may_call_it() {
    let header = header::header();
    let mut comment = String::new();
    let mut threads_of_family = false;
    let mut functions = 0;
    for line in header.lines() {
        match line {
            "/**" => comment.clear(),
            line if line.starts_with(" * ") => comment.push_str(line),
            line => {
                let Some(name) = line.split_once('(').and_then(|(head, _)| head.rsplit([' ', '*']).next()) else { continue };
                if !name.starts_with("tactful_") || line.starts_with([' ', '#']) || line.starts_with("static ") {
                    continue;
                }
                functions += 1;
                assert!(comment.len() > 20, "{name} has no comment");
                let family = comment.contains("as are all");
                threads_of_family |= family;
                let fallible = line.starts_with("tactful_status ") && name != "tactful_error_status";
                assert!(
                    !fallible
                        || comment.contains("Fails with")
                        || comment.contains("errors are as there")
                        || comment.contains("Fails as"),
                    "{name}: which errors?"
                );
                comment.clear();
            }
        }
    }
    assert!(threads_of_family);
    assert_eq!(functions, file("ffi/symbols.txt").lines().count());
}
