//! A program of somebody else finds the installed library, by CMake and by pkg-config.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::process::Command;
use support::{STRICT, found, plain, prefix, root, scratch, succeed};

const SAID: &str = "crm_id:1: Time to call.\ncrm_id:2: nothing\n";

#[test]
fn the_prefix_has_all_that_a_program_needs() {
    for file in [
        "include/tactful.h",
        "include/tactful.hpp",
        "lib/libtactful.so",
        "lib/pkgconfig/tactful.pc",
        "lib/cmake/tactful/tactfulConfig.cmake",
        "lib/cmake/tactful/tactfulConfigVersion.cmake",
    ] {
        let text = std::fs::read(prefix().join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        if !file.ends_with(".so") {
            let text = String::from_utf8(text).unwrap();
            assert!(
                !["@PREFIX@", "@LIBDIR@", "@VERSION@", "@LIBRARY@"].iter().any(|hole| text.contains(hole)),
                "{file} has holes:\n{text}"
            );
        }
    }
}

#[test]
fn a_crm_is_built_with_pkg_config() {
    if !found("pkg-config", Command::new("pkg-config").arg("--version")) {
        return;
    }
    let ask = |what: &str| {
        let path = prefix().join("lib/pkgconfig");
        succeed(Command::new("pkg-config").args([what, "tactful"]).env("PKG_CONFIG_PATH", path)).trim().to_owned()
    };
    assert_eq!(ask("--modversion"), env!("CARGO_PKG_VERSION"));
    let flags = format!("{} {}", ask("--cflags"), ask("--libs"));
    for (compiler, standard, source) in [("gcc", "-std=c99", "crm.c"), ("g++", "-std=c++11", "crm.cpp")] {
        let program = scratch().join(format!("pkg-config-{source}.out"));
        let mut build = Command::new(compiler);
        build.arg(standard).args(STRICT).arg(root().join("ffi/tests/crm").join(source)).args(flags.split_whitespace());
        succeed(build.arg("-o").arg(&program));
        let printed = succeed(plain(&program, &[]).env("LD_LIBRARY_PATH", prefix().join("lib")));
        assert_eq!(printed, SAID);
    }
}

#[test]
fn a_crm_is_built_with_cmake() {
    if !found("cmake", Command::new("cmake").arg("--version")) {
        return;
    }
    let build = scratch().join("crm-build");
    let mut configure = Command::new("cmake");
    configure.arg("-S").arg(root().join("ffi/tests/crm")).arg("-B").arg(&build);
    succeed(configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display())));
    succeed(Command::new("cmake").arg("--build").arg(&build));
    for program in ["crm_c", "crm_cpp"] {
        assert_eq!(succeed(&mut plain(&build.join(program), &[])), SAID);
    }
}

#[test]
fn cmake_refuses_another_version() {
    if !found("cmake", Command::new("cmake").arg("--version")) {
        return;
    }
    let source = scratch().join("other-version");
    std::fs::create_dir_all(&source).unwrap();
    let text = "cmake_minimum_required(VERSION 3.16)\nproject(other C)\nfind_package(tactful 7.0 REQUIRED)\n";
    std::fs::write(source.join("CMakeLists.txt"), text).unwrap();
    let mut configure = Command::new("cmake");
    configure
        .arg("-S")
        .arg(&source)
        .arg("-B")
        .arg(source.join("build"))
        .arg(format!("-DCMAKE_PREFIX_PATH={}", prefix().display()));
    let output = support::run(&mut configure);
    assert!(!output.status.success() && support::shown(&output).contains("compatible"), "{}", support::shown(&output));
}
