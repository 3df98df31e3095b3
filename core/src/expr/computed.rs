//! Computed values: expressions with a name, which others read as `computed.<name>`.
//!
//! Each is checked anew where it is read, as if it were written there: what it reads, how it changes with time, and what may be done with
//! that is then the same as for the rule itself. A plan computes it once per question.

use super::ast::Tree;
use super::check::{Expected, compile_text};
use super::parse::parse;
use super::{Limits, Schema};
use crate::error::{Diagnostic, Severity};
use crate::playbook::{self, Name, TableCell, Text};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Under which name they are read.
pub(crate) const FAMILY: &str = "computed";

/// How many parts all computed values may come to together where they are read.
const MOST_PARTS: usize = 1_000_000;

/// The computed values of a schema.
#[derive(Debug, Clone, Default)]
pub(crate) struct ComputedValues {
    by_path: BTreeMap<Arc<str>, Computed>,
    /// How many parts may still be taken in; copies of a schema share it.
    left: Option<Arc<AtomicUsize>>,
}

/// A computed value.
#[derive(Debug, Clone)]
pub(crate) struct Computed {
    pub(super) name: Arc<str>,
    /// What it is; `None` after a mistake.
    pub(super) tree: Option<Arc<Tree>>,
}

impl ComputedValues {
    /// What stands behind a path such as `computed.lead`.
    pub(super) fn get(&self, path: &str) -> Option<&Computed> {
        self.by_path.get(path)
    }

    /// All paths.
    pub(super) fn paths(&self) -> impl Iterator<Item = &str> {
        self.by_path.keys().map(|path| &**path)
    }

    /// Takes so many parts in; `false` when that is too much.
    pub(super) fn take(&self, parts: usize) -> bool {
        let Some(left) = &self.left else { return true };
        left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(parts)).is_ok()
    }

    /// Ends the limit on all expressions together, once they are compiled: each has its own.
    pub(crate) fn lift(&self) {
        if let Some(left) = &self.left {
            left.store(usize::MAX, Ordering::Relaxed);
        }
    }
}

/// Declares computed values, those first that others read. What is wrong with one is told once; those that read it are then not judged.
pub(crate) fn declare_computed(values: &[playbook::Computed], schema: &mut Schema) -> Vec<Diagnostic> {
    if values.is_empty() {
        return Vec::new();
    }
    schema.computed_mut().left = Some(Arc::new(AtomicUsize::new(MOST_PARTS)));
    let trees = values.iter().map(|value| parse(&value.value.text, &Limits::DEFAULT).ok().map(Arc::new)).collect();
    let mut order = Order {
        values,
        trees,
        marks: vec![Mark::Open; values.len()],
        path: Vec::new(),
        sorted: Vec::new(),
        findings: Vec::new(),
    };
    (0..values.len()).for_each(|number| order.visit(number));
    let Order { trees, sorted, mut findings, .. } = order;
    for (number, sound) in sorted {
        let (Some(value), Some(tree)) = (values.get(number), trees.get(number)) else { continue };
        let mistakes = if sound { judge(value, schema) } else { Vec::new() };
        let sound = sound && !mistakes.iter().any(|mistake| mistake.severity == Severity::Error);
        // The conditions of a table are the same for all its outputs.
        for mistake in mistakes {
            if !findings.contains(&mistake) {
                findings.push(mistake);
            }
        }
        let tree = tree.clone().filter(|_| sound);
        schema
            .computed_mut()
            .by_path
            .insert(Arc::from(format!("{FAMILY}.{}", value.name.text)), Computed { name: value.name.text.clone(), tree });
    }
    findings
}

/// What is said of one: of a table cell by cell, and of the whole only when all cells are right.
fn judge(value: &playbook::Computed, schema: &Schema) -> Vec<Diagnostic> {
    let judged = |text: &Text, expected: &Expected| match compile_text(text, schema, expected) {
        Ok(checked) => checked.warnings().to_vec(),
        Err(mistakes) => mistakes,
    };
    if value.cells.is_empty() {
        return judged(&value.value, &Expected::Any);
    }
    let mut said: Vec<Diagnostic> = Vec::new();
    for (text, cell) in &value.cells {
        said.extend(judged(text, if *cell == TableCell::When { &Expected::Bool } else { &Expected::Any }));
    }
    if !said.iter().any(|finding| finding.severity == Severity::Error)
        && let Err(mistakes) = compile_text(&value.value, schema, &Expected::Any)
    {
        // It has no text of its own that could be shown.
        said.extend(
            mistakes.into_iter().take(1).map(|mistake| Diagnostic { place: Some(value.value.place.clone()), ..mistake }),
        );
    }
    said
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Open,
    Active,
    Done,
}

/// Walks from each value to those that it reads.
struct Order<'a> {
    values: &'a [playbook::Computed],
    trees: Vec<Option<Arc<Tree>>>,
    marks: Vec<Mark>,
    path: Vec<usize>,
    /// Those that are read before those that read them; whether they are in no circle.
    sorted: Vec<(usize, bool)>,
    findings: Vec<Diagnostic>,
}

/// So many values may be read one by the other.
const DEEPEST: usize = 100;

impl Order<'_> {
    fn visit(&mut self, number: usize) {
        match self.marks.get(number) {
            Some(Mark::Active) => return self.report_circle(number),
            Some(Mark::Open) => {}
            Some(Mark::Done) | None => return,
        }
        if self.path.len() >= DEEPEST {
            let message = |name: &Name| format!("`{FAMILY}.{}` is read through more than {DEEPEST} others in a row", name.text);
            self.mistake("too_deep", number, message, None);
            return;
        }
        self.mark(number, Mark::Active);
        self.path.push(number);
        let before = self.findings.len();
        let read: Vec<usize> = match self.trees.get(number) {
            Some(Some(tree)) => {
                tree.computed().filter_map(|name| self.values.iter().position(|own| own.name.text == name)).collect()
            }
            _ => Vec::new(),
        };
        read.into_iter().for_each(|other| self.visit(other));
        self.path.pop();
        self.mark(number, Mark::Done);
        self.sorted.push((number, self.findings.len() == before));
    }

    fn mark(&mut self, number: usize, mark: Mark) {
        if let Some(place) = self.marks.get_mut(number) {
            *place = mark;
        }
    }

    fn report_circle(&mut self, number: usize) {
        let start = self.path.iter().position(|active| *active == number).unwrap_or(0);
        let circle = self.path.iter().skip(start).chain([&number]);
        let names: Vec<String> = circle
            .filter_map(|number| self.values.get(*number))
            .map(|value| format!("`{FAMILY}.{}`", value.name.text))
            .collect();
        let message = format!("these depend on each other: {}", names.join(" -> "));
        self.mistake("cycle", number, |_| message, None);
    }

    fn mistake(&mut self, code: &'static str, number: usize, message: impl FnOnce(&Name) -> String, hint: Option<String>) {
        let Some(value) = self.values.get(number) else { return };
        self.findings.push(Diagnostic {
            code,
            severity: Severity::Error,
            message: message(&value.name),
            path: value.value.path.to_string(),
            place: Some(value.name.place.clone()),
            hint,
            related: None,
        });
    }
}
