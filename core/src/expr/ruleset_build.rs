//! How a rule set is made: rules are compiled, taken apart, sorted, and written as programs.

use super::Checked;
use super::check::{CompileOptions, Expected, compile_source};
use super::index::bitmaps::Bitmaps;
use super::index::flat::{Pool, Test, Writer, tests_of};
use super::index::layout::Layout;
use super::index::order::Odds;
use super::index::shape::{Lowering, Opaque, Shape};
use super::ruleset::{FEW, Finder, RuleSet};
use super::{FactId, Schema};
use crate::error::{Diagnostic, Diagnostics, Severity};
use smallvec::SmallVec;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub(super) fn options(schema: &Schema) -> CompileOptions<'_> {
    CompileOptions { expected: Expected::Bool, ..CompileOptions::new(Some(schema)) }
}

/// Many short texts in one piece of memory.
#[derive(Debug, Default)]
pub(super) struct Texts {
    text: String,
    ends: Vec<usize>,
}

impl Texts {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
        self.ends.push(self.text.len());
    }

    pub(super) fn get(&self, number: u32) -> Option<&str> {
        let number = number as usize;
        let start = match number.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.text.get(start..*self.ends.get(number)?)
    }

    pub(super) fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<usize>()
    }
}

/// Rules on their way into a set.
#[derive(Default)]
pub(super) struct Gathered {
    names: Texts,
    texts: Texts,
    lowering: Lowering,
    shapes: Vec<Shape>,
    special: BTreeMap<u32, Checked>,
    findings: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
}

impl Gathered {
    pub(super) fn add(&mut self, name: &str, text: &str, schema: &Schema) {
        let number = u32::try_from(self.shapes.len()).unwrap_or(u32::MAX);
        self.names.push(name);
        self.texts.push(text);
        let of_rule = |mut finding: Diagnostic| {
            finding.path = name.to_string();
            finding
        };
        let checked = match compile_source(text, &options(schema)) {
            Ok(checked) => checked,
            Err(findings) => {
                self.shapes.push(Shape::Or(Vec::new()));
                if self.findings.len() < 1_000 {
                    self.findings.extend(findings.into_iter().map(of_rule));
                }
                return;
            }
        };
        if self.warnings.len() < 1_000 {
            self.warnings.extend(checked.warnings().iter().cloned().map(of_rule));
        }
        let lowered = self.lowering.lower(&checked, schema);
        self.shapes.push(lowered.shape.simplified());
        if lowered.special {
            self.special.insert(number, checked);
        }
    }

    pub(super) fn finish(mut self, schema: Arc<Schema>) -> Result<RuleSet, Diagnostics> {
        let by_name = self.sorted_names();
        if !self.findings.is_empty() {
            return Err(Diagnostics(self.findings));
        }
        let kept: BTreeSet<FactId> = self.special.values().flat_map(|checked| checked.reads().facts.iter().copied()).collect();
        let kept: Vec<FactId> = kept.into_iter().collect();
        let mut uses = vec![0_u32; self.lowering.literals.all().len()];
        for shape in &self.shapes {
            shape.literals(&mut |literal| uses[literal as usize] += 1);
        }
        let opaque: Box<[Opaque]> = std::mem::take(&mut self.lowering.opaque).into();
        let (layout, literals) = Layout::new(self.lowering, schema, &kept);
        let odds = Odds::new(&layout, &literals, &uses);
        let few = self.shapes.len() <= FEW;
        for shape in &mut self.shapes {
            odds.arrange(shape, &literals);
        }
        let mut pool = Pool::default();
        let codes = |slot: u16| layout.slot(slot).map_or(0, |slot| slot.codes);
        let coded: Vec<SmallVec<[Test; 2]>> = literals.iter().map(|literal| tests_of(literal, &codes, &mut pool)).collect();
        let tests_of = |literal: u32| coded.get(literal as usize).cloned().unwrap_or_default();
        let mut writer = Writer { literals: &tests_of, tests: Vec::new() };
        let mut starts = Vec::with_capacity(self.shapes.len() + 1);
        for shape in &self.shapes {
            starts.push(u32::try_from(writer.tests.len()).unwrap_or(u32::MAX));
            // Rules with too many parts were left to the reference, so that every program fits.
            let _ = writer.write(shape);
        }
        starts.push(u32::try_from(writer.tests.len()).unwrap_or(u32::MAX));
        let finder = if few { Finder::Each } else { Finder::Bitmaps(Bitmaps::new(&self.shapes, &layout, &literals, &odds)) };
        let tests = writer.tests.into();
        Ok(RuleSet {
            layout: Arc::new(layout),
            names: self.names,
            texts: self.texts,
            by_name,
            tests,
            starts: starts.into(),
            pool: pool.finish(),
            opaque,
            special: self.special,
            finder,
            warnings: self.warnings.into(),
        })
    }

    /// The rules by name; two of one name are a finding.
    fn sorted_names(&mut self) -> Box<[u32]> {
        let mut by_name: Vec<u32> = (0..).take(self.shapes.len()).collect();
        by_name.sort_by_key(|rule| self.names.get(*rule).unwrap_or(""));
        let twice = by_name.windows(2).find(|pair| self.names.get(pair[0]) == self.names.get(pair[1]));
        if let Some(name) = twice.and_then(|pair| self.names.get(pair[0])) {
            self.findings.push(Diagnostic {
                code: "duplicate_name",
                severity: Severity::Error,
                message: format!("two rules are called `{name}`"),
                path: name.to_string(),
                place: None,
                hint: None,
                related: None,
            });
        }
        by_name.into()
    }
}
