//! Programs in C and C++ do what they should, in every standard, without a leak or a wrong access.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod support;

use support::{Standard, checked, compile, file, plain, run, sanitizer, shown, succeed, valgrind};

const PLAYBOOK: &str = "examples/retail/playbook.yaml";

/// The programs of the examples and of the tests, with their arguments.
const PROGRAMS: [(&str, &str, &[&str]); 10] = [
    ("examples/c/retail.c", "c99", &[PLAYBOOK]),
    ("examples/cpp/retail.cpp", "c++11", &[PLAYBOOK]),
    ("examples/cpp/crm.cpp", "c++11", &[]),
    ("examples/c/hello.c", "c99", &[]),
    ("examples/cpp/hello.cpp", "c++11", &[]),
    ("ffi/tests/c/bad_input.c", "c99", &[]),
    ("ffi/tests/c/tables.c", "c99", &[]),
    ("ffi/tests/c/rules.c", "c99", &[]),
    ("ffi/tests/c/rules.cpp", "c++11", &[]),
    ("ffi/tests/c/layer.cpp", "c++11", &[]),
];

fn name(source: &str, suffix: &str) -> String {
    let stem = source.rsplit('/').next().unwrap_or(source).replace('.', "_");
    format!("{stem}-{suffix}")
}

#[test]
fn programs_work_in_every_standard() {
    for (source, oldest, arguments) in PROGRAMS {
        let standards: &[&str] =
            if oldest == "c99" { &["c99", "c11", "c17", "c2x"] } else { &["c++11", "c++14", "c++17", "c++20"] };
        for standard in standards.iter().copied().map(Standard).filter(|standard| standard.known()) {
            let program = compile(source, standard, &[], &name(source, standard.0));
            let printed = succeed(&mut plain(&program, arguments));
            assert!(!printed.is_empty(), "{source}");
        }
    }
}

#[test]
fn a_program_in_c_is_a_program_in_cpp() {
    for (source, oldest, arguments) in PROGRAMS {
        // Of the examples only those that do not leave conversions to C.
        if oldest == "c99" && source.starts_with("ffi/") {
            let program = compile(source, Standard("c++11"), &["-xc++"], &name(source, "as-cpp"));
            succeed(&mut plain(&program, arguments));
        }
    }
}

#[test]
fn the_shop_decides_alike_in_c_and_cpp() {
    let c = compile("examples/c/retail.c", Standard("c99"), &[], "retail-c");
    let cpp = compile("examples/cpp/retail.cpp", Standard("c++11"), &[], "retail-cpp");
    let printed = succeed(&mut plain(&c, &[PLAYBOOK]));
    assert_eq!(printed, succeed(&mut plain(&cpp, &[PLAYBOOK])));
    for line in [
        "customer:anna buys 2 x BIRTHDAY CARD\n  entered new\n  entered active\n  lifecycle: outside -> purchase\n",
        "  home_hero: second_order (3.600): Welcome back, dear customer. Your second order travels free.\n",
        "  home_hero: for everybody: ",
        "  newsletter: silence: ",
        "      consent for `marketing` was never given\n",
        "    bigger_basket: chosen, 1.680 = 0.140 x 1.000 x 12.000 x 1.000\n",
        "3 customers\n",
    ] {
        assert!(printed.contains(line), "no `{line}` in:\n{printed}");
    }
}

#[test]
fn a_day_of_a_crm_goes_as_told() {
    let backup = support::scratch().join("backup");
    let program = compile("examples/cpp/crm.cpp", Standard("c++11"), &[], "crm-day");
    let printed = succeed(&mut plain(&program, &[backup.to_str().unwrap()]));
    for lines in [
        "call customer:ada: Say that we are sorry, Ms Lovelace.\ncustomer:ada waits for an answer since 4 hours\n",
        "customer:ada: subject: A voucher\n  to be sent in 9 hours\nemail:ben@example.com: 1 candidate: 1 used up\n",
        "\n2 customers\ndamaged: ",
    ] {
        assert!(printed.contains(lines), "no `{lines}` in:\n{printed}");
    }
    assert!(std::fs::metadata(&backup).unwrap().len() > 0);
}

#[test]
fn the_shop_says_what_is_wrong() {
    let playbook = support::scratch().join("broken.yaml");
    std::fs::write(&playbook, file(PLAYBOOK).replace("segments:", "segmets:")).unwrap();
    for (source, standard) in [("examples/c/retail.c", "c99"), ("examples/cpp/retail.cpp", "c++11")] {
        let program = compile(source, Standard(standard), &[], &name(source, "broken"));
        let output = run(&mut plain(&program, &[playbook.to_str().unwrap()]));
        assert!(!output.status.success());
        let printed = shown(&output);
        assert!(printed.contains("did you mean `segments`?") && printed.contains("segmets:"), "{printed}");
        let output = run(&mut plain(&program, &["no/such/file"]));
        assert!(shown(&output).contains("cannot read no/such/file"), "{}", shown(&output));
    }
}

#[test]
fn nothing_is_leaked_or_misread_under_valgrind() {
    if !valgrind() {
        return;
    }
    for (source, standard, arguments) in PROGRAMS {
        let program = compile(source, Standard(standard), &[], &name(source, "valgrind"));
        succeed(&mut checked(&program, arguments));
    }
    let leak = compile("ffi/tests/c/leak.c", Standard("c99"), &[], "leak-valgrind");
    let output = run(&mut checked(&leak, &[]));
    assert_eq!(output.status.code(), Some(9), "a lost handle has to be seen: {}", shown(&output));
}

#[test]
fn nothing_is_leaked_or_misread_under_the_address_sanitizer() {
    if !sanitizer() {
        return;
    }
    let run_it = |source, standard, arguments: &[&str]| {
        let program = compile(source, Standard(standard), &["-fsanitize=address"], &name(source, "asan"));
        run(plain(&program, arguments).env("ASAN_OPTIONS", "detect_leaks=1"))
    };
    for (source, standard, arguments) in PROGRAMS {
        let output = run_it(source, standard, arguments);
        assert!(output.status.success(), "{source}: {}", shown(&output));
    }
    let output = run_it("ffi/tests/c/leak.c", "c99", &[]);
    assert!(shown(&output).contains("detected memory leaks"), "a lost handle has to be seen: {}", shown(&output));
}

#[test]
fn the_programs_of_the_guide_are_those_that_run() {
    for (guide, program, language) in [
        ("docs/c.md", "examples/c/hello.c", "c"),
        ("docs/c.md", "examples/cpp/hello.cpp", "cpp"),
        ("README.md", "examples/c/hello.c", "c"),
    ] {
        let block = format!("```{language}\n{}```\n", file(program));
        assert!(file(guide).contains(&block), "{guide} has no ```{language} block with {program} as it is");
    }
    for (program, standard) in [("examples/c/hello.c", "c99"), ("examples/cpp/hello.cpp", "c++11")] {
        let program = compile(program, Standard(standard), &[], &format!("hello-{standard}"));
        assert_eq!(succeed(&mut plain(&program, &[])), "Thank you.\n");
    }
}
