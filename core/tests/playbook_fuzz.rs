//! Whatever the documents are, there is a playbook or a list of mistakes with places inside of the documents.

use proptest::prelude::*;
use tactful::playbook::Playbook;

const GROCERY: &str = include_str!("playbooks/grocery.yaml");
const GROCERY_JSON: &str = include_str!("playbooks/grocery.json");

/// Pieces that mean something in YAML, JSON or a playbook.
const PIECES: [&str; 48] = [
    "",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\n  ",
    "\n- ",
    "- ",
    "? ",
    ": ",
    ":",
    ", ",
    "[",
    "]",
    "{",
    "}",
    "\"",
    "'",
    "''",
    "\\",
    "\\ud83d",
    "\\u00e9",
    "\\\n",
    "|",
    ">",
    "|2-",
    "# x",
    "&a ",
    "*a",
    "<<: ",
    "!t ",
    "---\n",
    "...\n",
    "%YAML 1.2\n",
    "~",
    "true",
    "yes",
    "-1.5e3",
    ".inf",
    "0x1F",
    "99999999999999999999",
    "\u{feff}",
    "\u{e9}",
    "\u{1f600}",
    "\u{0}",
    "offers:\n  a: {",
];

fn check(documents: &[(&str, &str)]) -> Result<(), TestCaseError> {
    let findings = match Playbook::load(documents) {
        Ok((playbook, warnings)) => {
            for segment in &playbook.segments {
                for byte in 0..=segment.when.text.len() {
                    let place = segment.when.place_of(byte, 1);
                    prop_assert!(place.line >= segment.when.place.line);
                }
            }
            prop_assert!(!warnings.has_errors());
            warnings
        }
        Err(mistakes) => {
            prop_assert!(mistakes.has_errors());
            mistakes
        }
    };
    for finding in &findings.0 {
        let Some(place) = &finding.place else { continue };
        let text = documents.iter().find(|(name, _)| *name == &*place.document).map(|(_, text)| *text);
        let text = text.map(|text| text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n"));
        let line = text.as_deref().and_then(|text| text.split('\n').nth(place.line as usize - 1));
        prop_assert!(line.is_some(), "{finding:?}");
        let line = line.unwrap_or("");
        prop_assert_eq!(&*place.source, line.chars().take(200).collect::<String>());
        prop_assert!(place.column as usize <= line.chars().count() + 1, "{:?}", finding);
    }
    let _ = findings.to_string();
    Ok(())
}

fn cut_at(text: &str, at: usize) -> usize {
    let mut at = at % (text.len() + 1);
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_changed_playbook_is_read_or_refused(
        json in any::<bool>(),
        changes in prop::collection::vec((any::<usize>(), 0..12_usize, 0..PIECES.len()), 1..6),
        end in prop::option::weighted(0.3, any::<usize>()),
    ) {
        let mut text = if json { GROCERY_JSON } else { GROCERY }.to_owned();
        for (at, length, piece) in changes {
            let start = cut_at(&text, at);
            let end = cut_at(&text, (start + length).min(text.len())).max(start);
            text.replace_range(start..end, PIECES[piece]);
        }
        if let Some(end) = end {
            text.truncate(cut_at(&text, end));
        }
        check(&[("test", &text)])?;
    }

    #[test]
    fn pieces_of_yaml_and_json_are_read_or_refused(
        pieces in prop::collection::vec(0..PIECES.len(), 0..40),
        head in any::<bool>(),
        name in prop::sample::select(vec!["a.yaml", "a.json", "a"]),
    ) {
        let mut text = if head { "playbook: a\nversion: 1\nsegments:\n  s: ".to_owned() } else { String::new() };
        text.extend(pieces.into_iter().map(|piece| PIECES[piece]));
        check(&[(name, &text), ("part", "title: x")])?;
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), part in ".{0,40}") {
        check(&[("base", &text), ("part", &part)])?;
    }
}
