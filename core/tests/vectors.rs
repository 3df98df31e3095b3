//! The shared cases of `tests/vectors`, which every language runs.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

mod vector_runner;

#[test]
fn every_case_comes_out_as_written() {
    let files = vector_runner::files();
    assert!(!files.is_empty());
    for path in files {
        let expected = vector_runner::read(&path);
        let found = vector_runner::run(&expected);
        for (number, (found, expected)) in
            found["cases"].as_array().unwrap().iter().zip(expected["cases"].as_array().unwrap()).enumerate()
        {
            assert!(expected["case"].is_string(), "{}: case {number} says in words what it shows", path.display());
            for (step, (found, expected)) in
                found["steps"].as_array().unwrap().iter().zip(expected["steps"].as_array().unwrap()).enumerate()
            {
                assert_eq!(found, expected, "{}: {}: step {step}", path.display(), expected["case"]);
            }
        }
    }
}
