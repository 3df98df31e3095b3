//! What would have to be otherwise: the smallest sets of facts that make a condition true which is false or unknown.

use super::ast::BinaryOp;
use super::checked::{Checked, Op, Ref};
use super::evaluate::Machine;
use super::flip_values::{Aim, aims};
use super::print::{print_node, value_text};
use super::program::Memo;
use super::{FactId, Facts, Outcome, warn};
use crate::value::{Type, Value};
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

/// Steps that the search may take, evaluations of the condition included.
const BUDGET: u64 = 200_000;

/// Larger expressions are not searched.
const MOST_NODES: usize = 5_000;

/// Changes that are tried, and sets that are told.
const MOST_CHANGES: usize = 32;
const MOST_SETS: usize = 8;

/// A fact, an aggregate or a part of a condition, and the nearest value that it would need.
///
/// Displayed as `` `customer.age` were 18 ``.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The canonical text of what would be otherwise, such as `customer.age` or `events("purchase").count()`.
    pub fact: String,
    /// The value it would have.
    pub value: Value,
    /// Whether the value is exactly that, or just beyond what `value` says.
    pub aim: Beyond,
}

/// How the value of a [`Change`] is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Beyond {
    /// This very value.
    Exactly,
    /// Any value above, however little.
    Above,
    /// Any value below, however little.
    Below,
    /// Whatever value it has, it would have to be told.
    Known,
}

/// The smallest sets of changes that make a condition true.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Flips {
    /// Sets of one, two or three changes, all of the smallest size that does; in the order of the condition.
    pub sets: Vec<Vec<Change>>,
    /// Whether all sets of up to three were tried; otherwise the budget of steps ran out.
    pub complete: bool,
}

/// A change that may be tried: what it says and which nodes it gives a value.
struct Trial {
    change: Change,
    /// Changes of one slot exclude each other.
    slot: String,
    overrides: Vec<(Ref, Value)>,
}

/// The smallest sets of changes; `None` for what is true, fails or is no condition.
///
/// Aggregates such as `events("purchase").count()` are changed like facts, each for itself. Deterministic, and bounded by a
/// budget of steps.
#[must_use]
pub fn flips(expression: &Checked, facts: &dyn Facts) -> Option<Flips> {
    let steps = Cell::new(0);
    let machine = Machine::new(&expression.nodes, &expression.limits, facts, &steps);
    match machine.settled(expression.root, None).outcome {
        Outcome::Value(Value::Bool(false)) | Outcome::Unknown(_) => {}
        Outcome::Value(_) | Outcome::Error(_) => return None,
    }
    if !matches!(expression.ty(), Type::Bool | Type::Dyn) {
        return None;
    }
    if expression.nodes.len() > MOST_NODES {
        return Some(Flips::default());
    }
    let mut finder = Finder { expression, machine: &machine, steps: &steps, spent: Cell::new(0), trials: Vec::new() };
    finder.visit(expression.root);
    finder.trials.truncate(MOST_CHANGES);
    // Whatever was left out might have done it.
    let search = Search { expression, facts, trials: &finder.trials, left: Cell::new(BUDGET) };
    Some(search.run())
}

/// The changes that could turn any comparison of an expression, each with the fact that it gives a value, when it is one, and that value:
/// the nearest to what it is now, or one on each side while it is unknown.
#[must_use]
pub(crate) fn changes(expression: &Checked, facts: &dyn Facts) -> Vec<(Change, Option<FactId>, Value)> {
    if expression.nodes.len() > MOST_NODES {
        return Vec::new();
    }
    let steps = Cell::new(0);
    let machine = Machine::new(&expression.nodes, &expression.limits, facts, &steps);
    let mut finder = Finder { expression, machine: &machine, steps: &steps, spent: Cell::new(0), trials: Vec::new() };
    finder.visit(expression.root);
    let found = finder.trials.into_iter().take(MOST_CHANGES).filter_map(|trial| {
        let fact = trial.overrides.iter().find_map(|(id, _)| match expression.node(*id).op {
            Op::Fact(fact) => Some(fact),
            _ => None,
        });
        let value = trial.overrides.first()?.1.clone();
        Some((trial.change, fact, value))
    });
    found.collect()
}

/// Collects the changes that could matter.
struct Finder<'a> {
    expression: &'a Checked,
    machine: &'a Machine<'a>,
    steps: &'a Cell<u64>,
    /// Steps taken so far.
    spent: Cell<u64>,
    trials: Vec<Trial>,
}

impl Finder<'_> {
    fn text(&self, id: Ref) -> String {
        print_node(&self.expression.tree, self.expression.node(id).syntax)
    }

    fn visit(&mut self, id: Ref) {
        match &self.expression.node(id).op {
            Op::And(operands) | Op::Or(operands) => operands.iter().for_each(|operand| self.visit(*operand)),
            Op::Not(operand) | Op::Computed(operand) => self.visit(*operand),
            Op::Ternary { condition, yes, no } => [*condition, *yes, *no].into_iter().for_each(|part| self.visit(part)),
            Op::Constant(_) | Op::Fail(_) => {}
            _ if self.trials.len() >= MOST_CHANGES || self.spent.get() > BUDGET => {}
            _ => self.atom(id),
        }
    }

    fn atom(&mut self, id: Ref) {
        let now = self.machine.settled(id, None).outcome;
        self.spent.set(self.spent.get().saturating_add(self.steps.replace(0)));
        let wanted: &[bool] = match &now {
            Outcome::Value(Value::Bool(true)) => &[false],
            Outcome::Value(Value::Bool(false)) => &[true],
            Outcome::Value(_) => return,
            _ => &[true, false],
        };
        for wanted in wanted {
            let valued = match &self.expression.node(id).op {
                Op::Binary { op, left, right } => self.comparison(*op, *left, *right, *wanted),
                _ => false,
            };
            if !valued && matches!(self.expression.node(id).ty, Type::Bool | Type::Dyn) {
                let aim = match self.expression.node(id).op {
                    Op::HasFact(_) if *wanted => Beyond::Known,
                    _ => Beyond::Exactly,
                };
                self.add(id, Value::Bool(*wanted), Value::Bool(*wanted), aim);
            }
        }
        self.visit_computed(id, false);
    }

    /// The conditions on which a computed value depends that is compared.
    fn visit_computed(&mut self, id: Ref, within: bool) {
        match &self.expression.node(id).op {
            Op::Ternary { condition, yes, no } if within => {
                self.visit(*condition);
                [*yes, *no].into_iter().for_each(|part| self.visit_computed(part, true));
            }
            op => {
                let within = within || matches!(op, Op::Computed(_));
                op.children().into_iter().for_each(|part| self.visit_computed(part, within));
            }
        }
    }

    /// Changes one side to what the other needs; `false` when there is no saying what that is.
    fn comparison(&mut self, op: BinaryOp, left: Ref, right: Ref, wanted: bool) -> bool {
        let mut valued = false;
        for (slot, other, turned) in [(left, right, false), (right, left, true)] {
            if matches!(self.expression.node(slot).op, Op::Constant(_) | Op::List(_)) {
                continue;
            }
            self.spent.set(self.spent.get().saturating_add(self.steps.replace(0)));
            let Outcome::Value(other) = self.machine.settled(other, None).outcome else { continue };
            let current = self.machine.settled(slot, None).outcome;
            let ty = &self.expression.node(slot).ty;
            for Aim { value, said, beyond } in aims(op, turned, &other, wanted, ty, current.value()) {
                valued = true;
                if warn::may_be(self.expression, slot, &value) {
                    self.add(slot, value, said, beyond);
                }
            }
        }
        valued
    }

    fn add(&mut self, slot: Ref, value: Value, said: Value, aim: Beyond) {
        let op = &self.expression.node(slot).op;
        let (key, fact) = match op {
            Op::HasFact(fact) => (format!("fact {}", fact.0), Some(*fact)),
            Op::Fact(fact) => (format!("fact {}", fact.0), Some(*fact)),
            _ => (self.text(slot), None),
        };
        let same = |id: Ref| match (&self.expression.node(id).op, fact) {
            (Op::Fact(found), Some(fact)) if *found == fact => !matches!(op, Op::HasFact(_)),
            (Op::HasFact(found), Some(fact)) => *found == fact,
            (_, Some(_)) => false,
            _ => std::mem::discriminant(&self.expression.node(id).op) == std::mem::discriminant(op) && self.text(id) == key,
        };
        let all = (0..self.expression.nodes.len()).filter_map(|at| u32::try_from(at).ok().map(Ref));
        let overrides = all
            .filter(|id| same(*id))
            .map(|id| match self.expression.node(id).op {
                Op::HasFact(_) if !matches!(op, Op::HasFact(_)) => (id, Value::Bool(true)),
                _ => (id, value.clone()),
            })
            .collect();
        let fact = match (op, aim) {
            (Op::HasFact(_), Beyond::Known) => self.text(slot).trim_start_matches("has(").trim_end_matches(')').to_string(),
            _ => self.text(slot),
        };
        let change = Change { fact, value: said, aim };
        if !self.trials.iter().any(|trial| trial.change == change) {
            self.trials.push(Trial { change, slot: key, overrides });
        }
    }
}

struct Search<'a> {
    expression: &'a Checked,
    facts: &'a dyn Facts,
    trials: &'a [Trial],
    left: Cell<u64>,
}

impl Search<'_> {
    fn run(&self) -> Flips {
        for size in 1..=3 {
            let mut sets = Vec::new();
            let complete = self.extend(&mut Vec::new(), 0, size, &mut sets);
            if !sets.is_empty() || !complete {
                return Flips { sets, complete };
            }
        }
        Flips { sets: Vec::new(), complete: self.trials.len() < MOST_CHANGES }
    }

    /// Tries all sets of a size that begin with those chosen; `false` when the budget is used up.
    fn extend(&self, chosen: &mut Vec<usize>, from: usize, size: usize, sets: &mut Vec<Vec<Change>>) -> bool {
        if chosen.len() == size {
            match self.holds(chosen) {
                Some(true) if !self.is_further(chosen, sets) => {
                    sets.push(chosen.iter().map(|at| self.trials[*at].change.clone()).collect());
                }
                Some(_) => {}
                None => return false,
            }
            return true;
        }
        for at in from..self.trials.len() {
            if sets.len() >= MOST_SETS {
                return true;
            }
            if chosen.iter().any(|other| self.trials[*other].slot == self.trials[at].slot) {
                continue;
            }
            chosen.push(at);
            let complete = self.extend(chosen, at + 1, size, sets);
            chosen.pop();
            if !complete {
                return false;
            }
        }
        true
    }

    /// Whether a set changes the same as one already found, only to a number further away.
    fn is_further(&self, chosen: &[usize], sets: &[Vec<Change>]) -> bool {
        let same = |set: &Vec<Change>| {
            set.iter().zip(chosen).all(|(change, at)| {
                let other = &self.trials[*at].change;
                change.fact == other.fact && (change == other || !matches!(other.value, Value::String(_) | Value::Bool(_)))
            })
        };
        sets.iter().any(same)
    }

    /// Whether the condition is true with these changes; `None` when the budget is used up.
    fn holds(&self, chosen: &[usize]) -> Option<bool> {
        let mut values: BTreeMap<Ref, &Value> = BTreeMap::new();
        for at in chosen {
            values.extend(self.trials[*at].overrides.iter().map(|(id, value)| (*id, value)));
        }
        let memo = Memo::of(self.expression.nodes.len(), &values);
        let steps = Cell::new(0);
        let machine = Machine::new(&self.expression.nodes, &self.expression.limits, self.facts, &steps).remembering(&memo);
        let found = machine.settled(self.expression.root, None).outcome;
        let used = steps.get() + 1 + self.expression.nodes.len() as u64 / 16;
        self.left.set(self.left.get().checked_sub(used)?);
        Some(found.is_true())
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = value_text(&self.value);
        match self.aim {
            Beyond::Exactly => write!(f, "`{}` were {value}", self.fact),
            Beyond::Above => write!(f, "`{}` were more than {value}", self.fact),
            Beyond::Below => write!(f, "`{}` were less than {value}", self.fact),
            Beyond::Known => write!(f, "`{}` were known", self.fact),
        }
    }
}

impl Flips {
    /// One sentence per set, such as ``would be true if `customer.age` were 18``; or why there is none.
    #[must_use]
    pub fn sentences(&self) -> Vec<String> {
        let sentence = |set: &Vec<Change>| {
            let changes: Vec<String> = set.iter().map(ToString::to_string).collect();
            format!("would be true if {}", changes.join(" and "))
        };
        match (self.sets.is_empty(), self.complete) {
            (false, _) => self.sets.iter().map(sentence).collect(),
            (true, true) => vec!["no change of up to three facts would make it true".to_string()],
            (true, false) => vec!["what would make it true was not found within budget".to_string()],
        }
    }
}

impl Serialize for Change {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("fact", &self.fact)?;
        if self.aim != Beyond::Known {
            map.serialize_entry("value", &value_text(&self.value))?;
        }
        if self.aim != Beyond::Exactly {
            map.serialize_entry("aim", &self.aim)?;
        }
        map.end()
    }
}

impl Serialize for Flips {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("sets", &self.sets)?;
        map.serialize_entry("complete", &self.complete)?;
        map.end()
    }
}
