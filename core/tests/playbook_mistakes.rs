//! What is said about broken playbooks, in full. The cases stand in `playbook_mistakes.txt`: a title after `===`, the first
//! document (called `shop`), others after `---` and their name, and after `>>>` what is shown.

use tactful::playbook::Playbook;

struct Case<'a> {
    title: &'a str,
    documents: Vec<(&'a str, String)>,
    expected: String,
}

fn cases(text: &str) -> Vec<Case<'_>> {
    let mut cases: Vec<Case<'_>> = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if let Some(title) = line.strip_prefix("=== ") {
            cases.push(Case { title, documents: vec![("shop", String::new())], expected: String::new() });
            inside = true;
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        match (line.strip_prefix("--- "), case.documents.last_mut()) {
            (Some(name), _) if inside => case.documents.push((name, String::new())),
            _ if line == ">>>" => inside = false,
            (_, Some((_, text))) if inside => *text += &format!("{line}\n"),
            _ => case.expected += &format!("{line}\n"),
        }
    }
    cases
}

#[test]
fn every_mistake_is_shown_as_written_down() {
    let cases = cases(include_str!("playbook_mistakes.txt"));
    assert!(cases.len() >= 40, "the file of cases was cut");
    let mut wrong = String::new();
    for case in cases {
        let documents: Vec<(&str, &str)> = case.documents.iter().map(|(name, text)| (*name, &**text)).collect();
        let shown = match Playbook::load(&documents) {
            Ok((_, warnings)) => format!("fine\n{warnings}"),
            Err(mistakes) => mistakes.to_string(),
        };
        if shown.trim_end() != case.expected.trim_end() {
            wrong.push_str(&format!("=== {}\n>>>\n{shown}\n\n", case.title));
        }
    }
    assert!(wrong.is_empty(), "these are shown otherwise:\n\n{wrong}");
}
