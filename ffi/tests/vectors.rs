//! The shared cases of `tests/vectors` come out as written, through C and through C++.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod support;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use support::{Standard, checked, compile, found, plain, root, run, scratch, shown, succeed, valgrind};

fn files() -> Vec<PathBuf> {
    let Ok(folder) = std::fs::read_dir(root().join("tests/vectors")) else { return Vec::new() };
    let mut files: Vec<PathBuf> = folder.filter_map(|entry| Some(entry.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

/// The program that runs cases in C, when cJSON is there. Built once for all tests of this file.
fn in_c() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let mut probe = Command::new("gcc");
        probe.args(["-x", "c", "-fsyntax-only", "-include", "cjson/cJSON.h", "/dev/null"]);
        let found = found("cJSON (libcjson-dev)", &mut probe);
        found.then(|| compile("ffi/tests/c/vectors.c", Standard("c99"), &["-lcjson"], "vectors-c"))
    };
    PROGRAM.get_or_init(build).as_deref()
}

/// The program that runs cases in C++, when nlohmann's JSON is there.
fn in_cpp() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let build = || {
        let mut probe = Command::new("g++");
        probe.args(["-x", "c++", "-std=c++11", "-fsyntax-only", "-include", "nlohmann/json.hpp", "/dev/null"]);
        let found = found("nlohmann's JSON (nlohmann-json3-dev)", &mut probe);
        found.then(|| compile("ffi/tests/c/vectors.cpp", Standard("c++11"), &[], "vectors-cpp"))
    };
    PROGRAM.get_or_init(build).as_deref()
}

/// How many cases a program says it ran.
fn cases(program: &Path, file: &Path) -> u32 {
    let printed = succeed(&mut plain(program, &[file.to_str().expect("UTF-8")]));
    let (cases, checks) = printed.trim().split_once(" cases, ").expect("a count");
    let checks: u32 = checks.strip_suffix(" checks").and_then(|checks| checks.parse().ok()).expect("a count");
    assert!(checks > 0, "{}: nothing was checked", file.display());
    cases.parse().expect("a count")
}

#[test]
fn every_case_comes_out_as_written() {
    let files = files();
    if files.is_empty() {
        let _ = writeln!(std::io::stderr(), "skipped: there is no file in tests/vectors");
        return;
    }
    for (program, language) in [(in_c(), "C"), (in_cpp(), "C++")] {
        let Some(program) = program else { continue };
        for file in &files {
            // Only those of the file: an answer may tell of cases too.
            let written = std::fs::read_to_string(file).expect("it can be read").matches("\n      \"case\":").count();
            assert_eq!(cases(program, file) as usize, written, "{} in {language}", file.display());
        }
    }
}

#[test]
fn every_case_is_free_of_leaks_in_c() {
    let (Some(program), true) = (in_c(), valgrind()) else { return };
    // Files share a run: most of its time goes into translating the library. Two runs, so that two processors have work.
    let files = files();
    let names: Vec<&str> = files.iter().map(|file| file.to_str().expect("UTF-8")).collect();
    let (one, other): (Vec<_>, Vec<_>) = names.iter().enumerate().partition(|(place, _)| place % 2 == 0);
    std::thread::scope(|scope| {
        for half in [one, other] {
            scope.spawn(move || {
                let names: Vec<&str> = half.into_iter().map(|(_, name)| *name).collect();
                let printed = if names.is_empty() { String::new() } else { succeed(&mut checked(program, &names)) };
                assert_eq!(printed.lines().count(), names.len());
            });
        }
    });
}

/// A file of cases that expects something wrong in each, and says how the right one looks.
const WRONG: [(&str, &str); 8] = [
    (r#""arrival": "new""#, r#""arrival": "duplicate""#),
    (r#""effect": "segment_entered""#, r#""effect": "segment_left""#),
    (r#""at": "2026-03-01T10:00:00Z""#, r#""at": "2026-03-01T10:00:01Z""#),
    (r#""code": "unknown_placement""#, r#""code": "other""#),
    (r#""gate": "eligible""#, r#""gate": "consent""#),
    (r#""next_due": null"#, r#""next_due": "2026-03-02T00:00:00Z""#),
    (r#""code": "unknown_query""#, r#""code": "other""#),
    (r#"\"kind\":\"silence\""#, r#"\"kind\":\"offers\""#),
];

#[test]
fn what_comes_out_otherwise_is_seen() {
    let programs: Vec<&Path> = [in_c(), in_cpp()].into_iter().flatten().collect();
    if programs.is_empty() {
        return;
    }
    let cases = r#"{"about": "a test of the runner", "playbook": ["playbook: shop", "version: 1", "identity: {customer: {}}",
        "events: {purchase: {}}", "segments: {buyer: 'events(\"purchase\").exists()'}", "channels: {web: text}",
        "placements: {home: {channel: web}}",
        "offers: {hat: {eligible: 'events(\"purchase\").count() >= 2', treatments: {web: {message: Hat}}}}"],
      "cases": [{"case": "one purchase", "steps": [
        {"record": {"type": "purchase", "time": "2026-03-01T10:00:00Z", "identifier": "customer:1"}, "arrival": "new",
         "effects": [{"kind": "happened", "effect": "segment_entered", "segment": "buyer", "at": "2026-03-01T10:00:00Z"}]},
        {"decide": {"identifier": "customer:1", "placements": ["hom"], "now": "2026-03-02T00:00:00Z"},
         "error": {"code": "unknown_placement", "path": "placements[0]"}},
        {"query": {"query": "next_due", "identifier": "customer:1"}, "answer": {"customer": "customer:1", "next_due": null}},
        {"query": {"query": "due"}, "error": {"code": "unknown_query", "path": "query"}},
        {"explain": {"identifier": "customer:1", "placements": ["home"], "now": "2026-03-02T00:00:00Z"},
         "decision": "DECISION",
         "trace": {"segments": ["buyer"], "personas": [], "journeys": [], "candidates": [{"placement": "home", "offer": "hat",
           "gate": "eligible", "unknown": false, "reasons": ["`events(\"purchase\").count() >= 2` is false: count is 1",
             "would be true if `events(\"purchase\").count()` were 2"]}]}}]}]}"#;
    let path = scratch().join("cases.json");
    for program in programs {
        let told = |text: &str| {
            std::fs::write(&path, text).unwrap();
            run(&mut plain(program, &[path.to_str().unwrap()]))
        };
        // The bytes of the decision hold a digest, so they are taken from the first complaint.
        let complaint = shown(&told(cases));
        let found = complaint.split_once("found {").unwrap_or_else(|| panic!("{complaint}")).1.lines().next().unwrap();
        let right = cases.replace("DECISION", &format!("{{{found}").replace('"', "\\\""));
        let output = told(&right);
        assert!(output.status.success(), "{}", shown(&output));
        for (one, other) in WRONG {
            assert!(right.contains(one), "{one}");
            let output = told(&right.replace(one, other));
            assert_eq!(output.status.code(), Some(1), "{other} has to be seen: {}", shown(&output));
        }
    }
}
