//! Computed values: expressions with a name, and decision tables.

use super::model::{Computed, Name, TableCell, Text};
use super::read::{At, Loader};
use std::fmt::Write as _;

/// So many rows may a table have: each stands within the one before.
const MOST_ROWS: usize = 100;

impl Loader<'_> {
    pub(super) fn computed(&mut self, root: &At<'_>) -> Vec<Computed> {
        let Some(section) = root.get("computed") else { return Vec::new() };
        let named = self.named(&section, "a computed value");
        named.into_iter().filter_map(|(name, at)| self.one_computed(name, &at)).collect()
    }

    fn one_computed(&mut self, name: Name, at: &At<'_>) -> Option<Computed> {
        let title = at.text("title");
        if let Some(rows) = at.get("rows") {
            let (text, cells) = self.table(at, &rows)?;
            let place = self.findings.place(rows.node.spot);
            let value = Text { text: text.into(), place, path: (*rows.path).into(), lines: Vec::new() };
            return Some(Computed { name, title, value, cells });
        }
        let value = self.rule(at).or_else(|| self.rule_of(at, "value"))?;
        Some(Computed { name, title, value, cells: Vec::new() })
    }

    /// The expression that says the same as a table, and the cells of that.
    fn table(&mut self, at: &At<'_>, rows: &At<'_>) -> Option<(String, Vec<(Text, TableCell)>)> {
        let read: Vec<(Option<Text>, Text)> =
            rows.items().filter_map(|row| Some((self.rule_of(&row, "when"), self.rule_of(&row, "give")?))).collect();
        if read.is_empty() || read.len() > MOST_ROWS {
            let message = format!("a table has 1 to {MOST_ROWS} rows, found {}", read.len());
            self.error(if read.is_empty() { "empty" } else { "too_many" }, rows, message, None);
            return None;
        }
        let hit = at.text("hit");
        // A comment in a cell ends with its line.
        let hits = |when: &Text| format!("({}\n).orValue(false)", when.text);
        let mut text = String::new();
        if matches!(hit.as_deref(), Some("collect" | "sum")) {
            for (number, (when, give)) in read.iter().enumerate() {
                let before = if number == 0 { "[" } else { ", " };
                let _ = match when {
                    Some(when) => {
                        let hits = hits(when);
                        write!(text, "{before}?({hits} ? optional.of({}\n) : optional.none())", give.text)
                    }
                    None => write!(text, "{before}({}\n)", give.text),
                };
            }
            text.push_str(if hit.as_deref() == Some("sum") { "].sum()" } else { "]" });
        } else {
            let last = read.iter().position(|(when, _)| when.is_none());
            if last != Some(read.len() - 1) {
                let message = match last {
                    None => "the last row needs no `when`, so that there is always a value",
                    Some(_) => "what stands behind a row without `when` is never reached",
                };
                self.error("bad_way", rows, message.to_owned(), None);
                return None;
            }
            for (when, give) in &read {
                let _ = match when {
                    Some(when) => write!(text, "{} ? ({}\n) : ", hits(when), give.text),
                    None => write!(text, "({}\n)", give.text),
                };
            }
        }
        let cells = read
            .into_iter()
            .flat_map(|(when, give)| when.map(|when| (when, TableCell::When)).into_iter().chain([(give, TableCell::Give)]));
        Some((text, cells.collect()))
    }
}
