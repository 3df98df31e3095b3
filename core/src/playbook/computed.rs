//! Computed values: expressions with a name, and decision tables.

use super::model::{Computed, Name, TableCell, Text};
use super::read::{At, Loader};
use super::source::cut;
use super::tree::Content;
use std::fmt::Write as _;
use std::sync::Arc;

/// So many rows may a table have: each stands within the one before.
const MOST_ROWS: usize = 100;

impl Loader<'_> {
    pub(super) fn computed(&mut self, root: &At<'_>) -> Vec<Computed> {
        let Some(section) = root.get("computed") else { return Vec::new() };
        let named = self.named(&section, "a computed value");
        named.into_iter().flat_map(|(name, at)| self.one_computed(name, &at)).collect()
    }

    /// One value, or as many as a table has outputs.
    fn one_computed(&mut self, name: Name, at: &At<'_>) -> Vec<Computed> {
        let title = at.text("title");
        let Some(rows) = at.get("rows") else {
            let value = self.rule(at).or_else(|| self.rule_of(at, "value"));
            return value.map(|value| Computed { name, title, value, cells: Vec::new() }).into_iter().collect();
        };
        let found = rows.items().count();
        if found == 0 || found > MOST_ROWS {
            let message = format!("a table has 1 to {MOST_ROWS} rows, found {found}");
            self.error(if found == 0 { "empty" } else { "too_many" }, &rows, message, None);
            return Vec::new();
        }
        let Some(outputs) = self.outputs(&rows) else { return Vec::new() };
        let mut values = Vec::new();
        for output in outputs {
            let read: Vec<(Option<Text>, Text)> = (rows.items())
                .filter_map(|row| {
                    let give = match &output {
                        Some(output) => self.rule_of(&row.get("give")?, output)?,
                        None => self.rule_of(&row, "give")?,
                    };
                    Some((self.rule_of(&row, "when"), give))
                })
                .collect();
            let Some((text, cells)) = self.table(at, &rows, read) else { return Vec::new() };
            let place = self.findings.place(rows.node.spot);
            let value = Text { text: text.into(), place, path: (*rows.path).into(), lines: Vec::new() };
            let name = match &output {
                Some(output) => Name { text: format!("{}.{output}", name.text).into(), place: name.place.clone() },
                None => name.clone(),
            };
            values.push(Computed { name, title: title.clone(), value, cells });
        }
        values
    }

    /// The outputs of a table by name, in the order of its first row; one without a name where rows give a single value. `None` when rows
    /// do not give the same.
    fn outputs(&mut self, rows: &At<'_>) -> Option<Vec<Option<Arc<str>>>> {
        let of = |row: &At<'_>| -> Option<Vec<Arc<str>>> {
            let give = row.get("give")?;
            let several = !matches!(give.node.content, Content::Text(_) | Content::Bool(_) | Content::Number(_));
            several.then(|| give.children().map(|child| child.key.clone()).collect())
        };
        let sorted = |names: Option<Vec<Arc<str>>>| {
            names.map(|mut names| {
                names.sort_unstable();
                names
            })
        };
        let first = rows.items().next().and_then(|row| of(&row));
        let wanted = sorted(first.clone());
        for row in rows.items() {
            let own = sorted(of(&row));
            let at = row.get("give").unwrap_or_else(|| row.clone());
            if own != wanted {
                let words = match &first {
                    Some(names) => format!("`{}`", names.iter().map(|name| cut(name)).collect::<Vec<_>>().join("`, `")),
                    None => "a single value".to_owned(),
                };
                self.error("contradiction", &at, format!("all rows give the same: the first gives {words}"), None);
                return None;
            }
            if own.is_some_and(|names| names.is_empty()) {
                self.error("empty", &at, "a row gives at least one value".to_owned(), None);
                return None;
            }
        }
        Some(match first {
            Some(_) => {
                let give = rows.items().next()?.get("give")?;
                self.named(&give, "an output").into_iter().map(|(name, _)| Some(name.text)).collect()
            }
            None => vec![None],
        })
    }

    /// The expression that says the same as a table, and the cells of that.
    fn table(
        &mut self,
        at: &At<'_>,
        rows: &At<'_>,
        read: Vec<(Option<Text>, Text)>,
    ) -> Option<(String, Vec<(Text, TableCell)>)> {
        let hit = at.text("hit");
        // A comment in a cell ends with its line.
        let hits = |when: &Text| format!("({}\n).orValue(false)", when.text);
        let mut text = String::new();
        let all = matches!(hit.as_deref(), Some("collect" | "sum"));
        if !all {
            let last = read.iter().position(|(when, _)| when.is_none());
            if last != Some(read.len().checked_sub(1)?) {
                let message = match last {
                    None => "the last row needs no `when`, so that there is always a value",
                    Some(_) => "what stands behind a row without `when` is never reached",
                };
                self.error("bad_way", rows, message.to_owned(), None);
                return None;
            }
        }
        if hit.as_deref() == Some("unique") {
            // The last row is hit where no other is.
            let whens: Vec<String> = read.iter().filter_map(|(when, _)| when.as_ref().map(hits)).collect();
            let otherwise = if whens.is_empty() { "true".to_owned() } else { format!("!({})", whens.join(" || ")) };
            let list = |gives: &mut dyn Iterator<Item = String>| {
                let cells = whens.iter().chain([&otherwise]).zip(gives);
                let cells = cells.map(|(hits, give)| format!("?({hits} ? optional.of({give}\n) : optional.none())"));
                cells.collect::<Vec<_>>().join(", ")
            };
            let values = list(&mut read.iter().map(|(_, give)| give.text.to_string()));
            let names = list(&mut (1..=read.len()).map(|row| format!("\"row {row}\"")));
            let _ = write!(text, "[{values}].only([{names}])");
        } else if all {
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
