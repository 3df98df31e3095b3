//! What went wrong, where, and what to do: diagnostics of documents and expressions. Errors of the other concerns stand
//! beside the code that raises them; all have a stable code.

use std::fmt;
use std::sync::Arc;

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Nothing can be compiled.
    Error,
    /// It compiles, but is probably not meant.
    Warning,
}

/// A place in a document. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Place {
    /// The name of the document, as the host gave it; empty for an expression on its own.
    pub document: Arc<str>,
    /// The line.
    pub line: u32,
    /// The column of the first character.
    pub column: u32,
    /// How many characters of the line are meant; at least 1.
    pub length: u32,
    /// The text of the line, cut to at most 200 characters.
    pub source: Arc<str>,
}

/// One finding in a playbook or an expression.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Diagnostic {
    /// A stable code such as `unknown_name` or `type_mismatch`.
    pub code: &'static str,
    /// Error or warning.
    pub severity: Severity,
    /// What is wrong: lower case, no final period, user's words in backticks.
    pub message: String,
    /// Where in the playbook's structure, such as `offers.diapers_20.eligible`; empty for an expression on its own.
    pub path: String,
    /// Where in the text.
    pub place: Option<Place>,
    /// What to do, such as `did you mean `purchase`?`.
    pub hint: Option<String>,
    /// A second place that matters, such as the first definition of a name, with what it is.
    pub related: Option<(String, Place)>,
}

/// All findings of one compilation, errors first, then by place. Displayed as a compiler shows them.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Whether any of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|finding| finding.severity == Severity::Error)
    }

    /// Puts errors first, then orders by document, line and column, keeping the order of equals. What is found for each offer of a group
    /// is told once.
    pub fn sort(&mut self) {
        self.0.sort_by(|a, b| {
            let place = |d: &Diagnostic| d.place.as_ref().map(|p| (p.document.clone(), p.line, p.column));
            a.severity.cmp(&b.severity).then_with(|| place(a).cmp(&place(b)))
        });
        self.0.dedup();
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, finding) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let severity = match self.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        write!(f, "{severity}[{}]: {}", self.code, self.message)?;
        if let Some(place) = &self.place {
            place.show(f, &self.path)?;
        } else if !self.path.is_empty() {
            write!(f, "\n  --> {}", self.path)?;
        }
        if let Some((what, place)) = &self.related {
            write!(f, "\n  note: {what}")?;
            place.show(f, "")?;
        }
        if let Some(hint) = &self.hint {
            write!(f, "\n  help: {hint}")?;
        }
        Ok(())
    }
}

impl Place {
    fn show(&self, f: &mut fmt::Formatter<'_>, path: &str) -> fmt::Result {
        let document = if self.document.is_empty() { "expression" } else { &self.document };
        write!(f, "\n  --> {document}:{}:{}", self.line, self.column)?;
        if !path.is_empty() {
            write!(f, " ({path})")?;
        }
        let number = self.line.to_string();
        let margin = " ".repeat(number.len());
        // Tabs are kept in the padding, so that the caret stands below its character in any editor.
        let padding: String = self
            .source
            .chars()
            .take(self.column.saturating_sub(1) as usize)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        let carets = "^".repeat(self.length.clamp(1, 100) as usize);
        write!(f, "\n {margin} |\n {number} | {}\n {margin} | {padding}{carets}", self.source)
    }
}

/// The name nearest to `wrong` among `names`, when it is near enough to be what was meant.
#[must_use]
pub fn nearest<'a>(wrong: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wrong: Vec<char> = wrong.chars().take(64).collect();
    let limit = (wrong.len() / 3).max(1);
    names
        .into_iter()
        .map(|name| (distance(&wrong, &name.chars().take(64).collect::<Vec<_>>()), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, name)| (*distance, *name))
        .map(|(_, name)| name)
}

/// Edits (insert, delete, replace, swap of neighbours) from one word to another: optimal string alignment, Damerau 1964.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 0..a.len() {
        let mut row = vec![i + 1];
        for j in 0..b.len() {
            let same = usize::from(!a[i].eq_ignore_ascii_case(&b[j]));
            let mut best = (above[j] + same).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i] == b[j - 1] && a[i - 1] == b[j] {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_or_none() {
        let names = ["purchase", "return", "view"];
        assert_eq!(nearest("purchse", names), Some("purchase"));
        assert_eq!(nearest("Retrun", names), Some("return"));
        assert_eq!(nearest("zebra", names), None);
    }
}
