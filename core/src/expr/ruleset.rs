//! Many conditions at once: which of them are true for a row of facts.

use super::check::compile_source;
use super::evaluate::{Machine, evaluate};
use super::explain::{Explanation, explain};
use super::index::bitmaps::{Bitmaps, Left};
use super::index::flat::{Test, possible, run};
use super::index::layout::Layout;
use super::index::row::{Row, RowError};
use super::index::shape::Opaque;
use super::ruleset_build::{Gathered, Texts, options};
use super::{Checked, Facts, Outcome, Schema};
use crate::error::{Diagnostic, Diagnostics};
use crate::value::Timestamp;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The number of a rule in its [`RuleSet`], in the order given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

/// Many named conditions over one schema, matched together. Immutable; `Send + Sync`.
///
/// Comparisons of declared facts with constants, membership, `has` and truth values, joined in any way, are found by an index
/// over the values of the facts; any other part of a rule is left to the reference evaluator, once per question however
/// many rules share it. Both give what [`evaluate`](super::evaluate()) gives, unknown included. The limit of steps holds for each
/// part that the reference evaluates; comparisons take none.
///
/// # Examples
/// ```
/// use tactful::expr::{RuleSet, Schema, TimeClass};
/// use tactful::value::Type;
///
/// let mut schema = Schema::new();
/// let age = schema.declare_fact("customer.age", Type::Int, TimeClass::Step);
/// schema.declare_fact("customer.city", Type::String, TimeClass::Step);
/// let rules = RuleSet::compile(
///     [("adult", "customer.age >= 18"), ("local", "customer.city == 'Bonn' && customer.age > 60")],
///     &schema,
/// )?;
/// let mut row = rules.row();
/// let mut scratch = rules.scratch();
/// row.set_int(age, 42)?;
/// assert_eq!(rules.matches(&row, &mut scratch).iter().filter_map(|rule| rules.name(*rule)).collect::<Vec<_>>(), ["adult"]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RuleSet {
    pub(super) layout: Arc<Layout>,
    pub(super) names: Texts,
    pub(super) texts: Texts,
    /// Numbers of the rules, sorted by name.
    pub(super) by_name: Box<[u32]>,
    /// The programs, one after the other.
    pub(super) tests: Box<[Test]>,
    /// Where the program of a rule begins; one more than there are rules.
    pub(super) starts: Box<[u32]>,
    pub(super) pool: Box<[u64]>,
    pub(super) opaque: Box<[Opaque]>,
    /// Rules that the reference has to tell unknown from false for.
    pub(super) special: BTreeMap<u32, Checked>,
    pub(super) finder: Finder,
    pub(super) warnings: Box<[Diagnostic]>,
}

/// How the rules are found that are still possible.
#[derive(Debug)]
pub(super) enum Finder {
    /// All are tried.
    Each,
    Bitmaps(Bitmaps),
}

/// What a rule comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Truth {
    /// Known to be true.
    True,
    /// Known to be false.
    False,
    /// It depends on facts that are missing.
    Unknown,
    /// It cannot be computed.
    Error,
}

/// Memory for the questions to one rule set, used again from one to the next.
#[derive(Debug, Clone, Default)]
pub struct RuleScratch {
    matches: Vec<RuleId>,
    left: Left,
    question: u64,
    /// By opaque part: the question it was evaluated for, and what it came to.
    memo: Vec<(u64, Option<bool>)>,
}

/// At most so many rules are tried one after the other.
pub(super) const FEW: usize = 16;

impl RuleSet {
    /// Compiles rules, each a name and a condition.
    ///
    /// Takes time in proportion to the length of all rules, and a few hundred bytes of memory per rule of five comparisons.
    ///
    /// # Errors
    /// Everything that is wrong with any rule; the path of a finding is the name of the rule. Names must differ.
    pub fn compile<N: AsRef<str>, T: AsRef<str>>(
        rules: impl IntoIterator<Item = (N, T)>,
        schema: &Schema,
    ) -> Result<RuleSet, Diagnostics> {
        Self::compile_shared(rules, Arc::new(schema.clone()))
    }

    /// Compiles rules against a schema that is shared.
    ///
    /// # Errors
    /// As [`compile`](Self::compile).
    pub fn compile_shared<N: AsRef<str>, T: AsRef<str>>(
        rules: impl IntoIterator<Item = (N, T)>,
        schema: Arc<Schema>,
    ) -> Result<RuleSet, Diagnostics> {
        let mut gathered = Gathered::default();
        for (name, text) in rules {
            gathered.add(name.as_ref(), text.as_ref(), &schema);
        }
        gathered.finish(schema)
    }

    /// A row without facts, at the beginning of 1970: rules that read `now` need [`Row::set_now`].
    #[must_use]
    pub fn row(&self) -> Row {
        Row::new(self.layout.clone(), Timestamp::from_micros(0).unwrap_or(Timestamp::MIN))
    }

    /// Memory for questions.
    #[must_use]
    pub fn scratch(&self) -> RuleScratch {
        RuleScratch::default()
    }

    /// The rules that are known to be true, in the order given. A row of another rule set matches nothing.
    ///
    /// Allocates nothing after the first questions, except in parts that only the reference evaluates.
    pub fn matches<'s>(&self, row: &Row, scratch: &'s mut RuleScratch) -> &'s [RuleId] {
        self.find(row, row, scratch)
    }

    /// The rules that are true for any source of facts, which is read through `row`.
    ///
    /// Rules over events need this: a row has none.
    ///
    /// # Errors
    /// `wrong_type` when a fact is not of its declared type.
    pub fn matches_facts<'s>(
        &self,
        facts: &dyn Facts,
        row: &mut Row,
        scratch: &'s mut RuleScratch,
    ) -> Result<&'s [RuleId], RowError> {
        row.read(facts)?;
        Ok(self.find(row, facts, scratch))
    }

    fn find<'s>(&self, row: &Row, facts: &dyn Facts, scratch: &'s mut RuleScratch) -> &'s [RuleId] {
        let RuleScratch { matches, left, question, memo } = scratch;
        matches.clear();
        if !Arc::ptr_eq(&row.layout, &self.layout) {
            return matches;
        }
        *question += 1;
        memo.resize(self.opaque.len(), (0, None));
        let mut opaque = |part: u32, wanted: bool| self.remembered(part, facts, *question, memo) == Some(wanted);
        match &self.finder {
            Finder::Each => {
                for rule in (0..).take(self.len()) {
                    if run(self.program(rule), &self.pool, row, &mut opaque) {
                        matches.push(RuleId(rule));
                    }
                }
            }
            Finder::Bitmaps(bitmaps) => {
                let program = |rule| run(self.program(rule), &self.pool, row, &mut opaque);
                bitmaps.matches(row, left, program, matches, RuleId);
            }
        }
        matches
    }

    #[inline]
    fn program(&self, rule: u32) -> &[Test] {
        self.program_at(rule).0
    }

    /// The program of a rule, and the number of its first test.
    #[inline]
    pub(super) fn program_at(&self, rule: u32) -> (&[Test], usize) {
        let rule = rule as usize;
        match (self.starts.get(rule), self.starts.get(rule + 1)) {
            (Some(start), Some(end)) => (self.tests.get(*start as usize..*end as usize).unwrap_or(&[]), *start as usize),
            _ => (&[], 0),
        }
    }

    fn remembered(&self, part: u32, facts: &dyn Facts, question: u64, memo: &mut [(u64, Option<bool>)]) -> Option<bool> {
        match memo.get_mut(part as usize) {
            Some((asked, known)) if *asked == question => *known,
            Some(place) => {
                let found = self.part(part, facts);
                *place = (question, found);
                found
            }
            None => None,
        }
    }

    /// What the reference finds an opaque part to be.
    pub(super) fn part(&self, part: u32, facts: &dyn Facts) -> Option<bool> {
        let Opaque { checked, node } = self.opaque.get(part as usize)?;
        let steps = Cell::new(0);
        Machine::new(&checked.nodes, &checked.limits, facts, &steps).settled(*node, None).outcome.as_bool()
    }

    /// Whether one rule is known to be true. A row of another rule set, or a rule of another one, gives `false`.
    #[must_use]
    pub fn holds(&self, rule: RuleId, row: &Row) -> bool {
        Arc::ptr_eq(&row.layout, &self.layout)
            && run(self.program(rule.0), &self.pool, row, &mut |part, wanted| self.part(part, row) == Some(wanted))
    }

    /// What one rule comes to; `None` for a rule or a row of another rule set.
    #[must_use]
    pub fn value(&self, rule: RuleId, row: &Row) -> Option<Truth> {
        if rule.0 as usize >= self.len() || !Arc::ptr_eq(&row.layout, &self.layout) {
            return None;
        }
        if let Some(checked) = self.special.get(&rule.0) {
            return Some(match evaluate(checked, row).outcome {
                Outcome::Unknown(_) => Truth::Unknown,
                Outcome::Error(_) => Truth::Error,
                outcome => match outcome.as_bool() {
                    Some(true) => Truth::True,
                    Some(false) => Truth::False,
                    None => Truth::Error,
                },
            });
        }
        let program = self.program(rule.0);
        Some(match run(program, &self.pool, row, &mut |_, _| false) {
            true => Truth::True,
            false if possible(program, &self.pool, row) => Truth::Unknown,
            false => Truth::False,
        })
    }

    /// Evaluates a rule by the reference and keeps what every part came to; `None` when no rule has that name.
    ///
    /// Compiles the rule again: explanation costs nothing until it is asked for.
    #[must_use]
    pub fn explain(&self, name: &str, facts: &dyn Facts) -> Option<Explanation> {
        let text = self.text(self.rule(name)?)?;
        let checked = compile_source(text, &options(&self.layout.schema)).ok()?;
        Some(explain(&checked, facts))
    }

    /// The rule of a name.
    #[must_use]
    pub fn rule(&self, name: &str) -> Option<RuleId> {
        let place = self.by_name.binary_search_by(|rule| self.names.get(*rule).unwrap_or("").cmp(name)).ok()?;
        self.by_name.get(place).map(|rule| RuleId(*rule))
    }

    /// The name of a rule.
    #[must_use]
    pub fn name(&self, rule: RuleId) -> Option<&str> {
        self.names.get(rule.0)
    }

    /// The source text of a rule.
    #[must_use]
    pub fn text(&self, rule: RuleId) -> Option<&str> {
        self.texts.get(rule.0)
    }

    /// How many rules there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_name.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// What is probably not meant in some rule, although all compile.
    #[must_use]
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Bytes of memory that it takes, without the schema and the rules that only the reference can evaluate.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.names.bytes()
            + self.texts.bytes()
            + (self.by_name.len() + self.starts.len()) * 4
            + size_of_val(&*self.tests)
            + size_of_val(&*self.pool)
            + self.layout.bytes()
            + match &self.finder {
                Finder::Each => 0,
                Finder::Bitmaps(bitmaps) => bitmaps.bytes(),
            }
    }
}
