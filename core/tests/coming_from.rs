//! What is documented of the systems that people come from, tried as cases beside playbooks in `examples/coming-from`.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use tactful::Engine;

const GUIDE: &str = include_str!("../../docs/coming-from.md");

/// Every document of cases, with the playbook beside it.
fn pairs() -> Vec<(String, PathBuf, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/coming-from");
    let mut pairs = Vec::new();
    for system in fs::read_dir(&root).unwrap() {
        let system = system.unwrap().path();
        for file in fs::read_dir(&system).unwrap() {
            let cases = file.unwrap().path();
            let name = cases.file_name().unwrap().to_str().unwrap().to_owned();
            if let Some(name) = name.strip_suffix(".cases.yaml") {
                let short = format!("{}/{name}", system.file_name().unwrap().to_str().unwrap());
                pairs.push((short, system.join(format!("{name}.yaml")), cases));
            }
        }
    }
    pairs.sort();
    pairs
}

/// The playbook and the cases that the other languages try.
fn vectors(name: &str) -> (String, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let text = fs::read_to_string(folder.join(format!("coming_from_{}.json", name.replace('/', "_")))).unwrap();
    let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
    let lines: Vec<&str> = vectors["playbook"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    let step = &vectors["cases"][0]["steps"][0];
    assert_eq!(step["answer"]["passed"], true, "{name}");
    (lines.join("\n"), step["query"]["cases"].as_str().unwrap().to_owned())
}

#[test]
fn every_documented_behaviour_comes_as_written() {
    let (mut count, mut told) = (0, String::new());
    for (name, playbook, cases) in pairs() {
        let (playbook, cases) = (fs::read_to_string(&playbook).unwrap(), fs::read_to_string(&cases).unwrap());
        let engine = Engine::compile(&[("playbook.yaml", &playbook)]).unwrap_or_else(|mistakes| panic!("{name}: {mistakes}"));
        assert!(engine.warnings().0.is_empty(), "{name}: {}", engine.warnings());
        let reports = engine.try_cases("cases.yaml", &cases).unwrap_or_else(|mistakes| panic!("{name}: {mistakes}"));
        let vectors = vectors(&name);
        assert_eq!(vectors.0, playbook.trim_end(), "{name}: the vectors try another playbook");
        assert_eq!(vectors.1, cases, "{name}: the vectors try other cases");
        for report in &reports {
            assert!(report.expectations > 0, "{name}: `{}` expects nothing", report.name);
            for failure in &report.failures {
                let _ = writeln!(told, "{name}:{}: {}", failure.place.line, failure.message);
            }
        }
        count += reports.len();
        assert!(GUIDE.contains(&format!("examples/coming-from/{name}.yaml")), "{name} is not in docs/coming-from.md");
    }
    assert!(told.is_empty(), "{told}");
    assert!(count >= 90, "only {count} cases");
}

/// A cap, a pause or another rule without which all cases still pass is not tried by any of them.
#[test]
fn every_contact_rule_is_tried_by_a_case() {
    for (name, playbook, cases) in pairs() {
        let (playbook, cases) = (fs::read_to_string(&playbook).unwrap(), fs::read_to_string(&cases).unwrap());
        let lines: Vec<&str> = playbook.lines().collect();
        let section = lines.iter().skip_while(|line| **line != "contact:").skip(1);
        let rules = section.take_while(|line| line.starts_with(' ') || line.is_empty()).filter(|line| line.starts_with("  - "));
        for rule in rules {
            let without: Vec<&str> = lines.iter().copied().filter(|line| line != rule).collect();
            let without = without.join("\n").replace("contact:\n\n", "");
            // A rule that is named elsewhere cannot be left out alone.
            let Ok(engine) = Engine::compile(&[("playbook.yaml", &without)]) else { continue };
            let reports = engine.try_cases("cases.yaml", &cases).unwrap();
            assert!(reports.iter().any(|report| !report.failures.is_empty()), "{name}: no case tries {rule}");
        }
    }
}
