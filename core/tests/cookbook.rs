//! The cookbook: what stands in `examples/cookbook` is what the vectors try and the guide shows; and the templates of the box.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test may fail")]

use std::fs;
use std::path::Path;
use tactful::Engine;
use tactful::playbook::{GA4, Playbook, VOCABULARY};

const GUIDE: &str = include_str!("../../docs/journeys.md");
const COOKBOOK: &str = include_str!("../../docs/cookbook.md");

#[test]
fn every_recipe_is_tried_by_vectors_and_named_in_the_guide() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut count = 0;
    for entry in fs::read_dir(root.join("examples/cookbook")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let engine = Engine::compile(&[("recipe.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{name}: {mistakes}"));
        assert!(engine.warnings().0.is_empty(), "{name}: {}", engine.warnings());
        let vectors = fs::read_to_string(root.join(format!("tests/vectors/cookbook_{name}.json"))).unwrap();
        let vectors: serde_json::Value = serde_json::from_str(&vectors).unwrap();
        let lines: Vec<&str> = vectors["playbook"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
        assert_eq!(lines.join("\n"), text.trim_end(), "{name}: the vectors try another playbook");
        assert!(COOKBOOK.contains(&format!("examples/cookbook/{name}.yaml")), "{name} is not in docs/cookbook.md");
        count += 1;
    }
    assert_eq!(count, 8);
}

fn template(rest: &str) -> Playbook {
    let text = format!("playbook: a\nversion: 1\njourneys:\n  way: {{{rest}}}\n");
    let (playbook, warnings) = Playbook::load(&[("a.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    assert!(warnings.0.is_empty(), "{warnings}");
    Engine::compile(&[("a.yaml", &text)]).unwrap_or_else(|mistakes| panic!("{mistakes}"));
    playbook
}

#[test]
fn every_stage_of_a_template_is_complete_and_in_the_guide() {
    for (rest, count) in [("template: five_stage", 6), ("template: buying_cycle", 9), ("template: buying_cycle, form: b2b", 12)]
    {
        for vocabulary in ["segment", "ga4"] {
            let playbook = template(&format!("{rest}, vocabulary: {vocabulary}"));
            let journey = &playbook.journeys[0];
            assert_eq!(journey.stages.len(), count);
            for stage in &journey.stages {
                let (goal, marketing) = (stage.goal.as_ref().unwrap(), stage.marketing.as_ref().unwrap());
                assert!(!stage.touchpoints.is_empty());
                let (name, touchpoints) = (&stage.name.text, stage.touchpoints.join(", "));
                let row = format!("| `{name}` | {goal} | {touchpoints} | {marketing} |");
                assert!(GUIDE.contains(&row), "{rest}: not in docs/journeys.md: {row}");
            }
        }
    }
}

#[test]
fn a_template_is_overridden_in_part() {
    let playbook = template(
        "template: five_stage, names: {order_completed: sold}, without: advocacy, title: Ours, max_stay: 900d,
         stages: {purchase: {timeout: {after: 30d}, goal: ours}, retention: {enter: null, on: ticket_closed}}",
    );
    let journey = &playbook.journeys[0];
    assert_eq!(journey.title.as_deref(), Some("Ours"));
    let names: Vec<&str> = journey.stages.iter().map(|stage| &*stage.name.text).collect();
    assert_eq!(names, ["awareness", "consideration", "purchase", "retention", "lapsed"]);
    let purchase = &journey.stages[2];
    assert_eq!(purchase.on[0].text.to_string(), "sold");
    assert_eq!(purchase.goal.as_deref(), Some("ours"));
    let timeout = purchase.timeout.as_ref().unwrap();
    assert_eq!((timeout.after.to_string(), timeout.to.as_ref().unwrap().text.to_string()), ("30d".into(), "lapsed".into()));
    // What the template uses and nobody declares is declared with it.
    assert!(playbook.events.iter().any(|event| &*event.name.text == "sold"));
    assert!(journey.stages[3].enter.is_none());
    assert!(!playbook.events.iter().any(|event| &*event.name.text == "order_completed"));
}

#[test]
fn the_vocabulary_is_a_part_of_any_playbook_and_ga4_names_what_it_has() {
    let (playbook, _) = Playbook::load(&[("a.yaml", "playbook: a\nversion: 1\n"), ("vocabulary.yaml", VOCABULARY)]).unwrap();
    for (own, ga4) in GA4 {
        assert!(playbook.events.iter().any(|event| &*event.name.text == own), "{own}");
        assert!(GUIDE.contains(&format!("| `{own}` | `{ga4}` |")), "{own} is not in docs/journeys.md");
    }
}
