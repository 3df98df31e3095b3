//! Explanations: what every part of an expression came to, and which parts decided.

use super::ast::Form;
use super::checked::{Checked, Op, Ref};
use super::evaluate::Machine;
use super::evaluate_names::{Frame, Local};
use super::flip::{Flips, flips};
use super::print::{print_node, value_text};
use super::stream::Bound;
use super::{Facts, Missing, Outcome, stream};
use crate::value::Value;
use serde::ser::{Serialize, SerializeMap, Serializer};
use std::cell::Cell;
use std::fmt;

/// What an expression came to, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The canonical text of this part.
    pub text: String,
    /// What it came to.
    pub outcome: Outcome,
    /// The parts that were needed for it, in the order written.
    pub parts: Vec<Explanation>,
    /// Of a stream: what else is to be said, such as how many events lack the property.
    pub note: Option<String>,
    /// Of the whole: what would make it true, when that was asked for.
    pub flips: Option<Flips>,
    role: Role,
}

/// What a part is for the reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Role {
    /// `&&` or `||`: its operands are the reasons.
    Junction,
    /// A stream; by what was asked of it.
    Stream(&'static str),
    /// A computed value.
    Computed,
    /// Anything else.
    Plain,
}

/// Evaluates an expression and keeps what every part came to.
///
/// Of `all` and `exists` the element that decided is shown; other parts inside macros and conditions of streams, which take many
/// values, are not shown one by one. Quadratic in the depth of the expression.
#[must_use]
pub fn explain(expression: &Checked, facts: &dyn Facts) -> Explanation {
    let steps = Cell::new(0);
    let machine = Machine::new(&expression.nodes, &expression.limits, facts, &steps);
    let spent = Spent { steps: &steps, before: Cell::new(0), most: expression.limits.steps.saturating_mul(4) };
    part(expression, (&machine, &spent), expression.root, None)
}

/// The steps of all parts together: an explanation may take four times what an evaluation may, and then ends early.
struct Spent<'a> {
    steps: &'a Cell<u64>,
    before: Cell<u64>,
    most: u64,
}

impl Spent<'_> {
    fn is_over(&self) -> bool {
        self.before.set(self.before.get().saturating_add(self.steps.replace(0)));
        self.before.get() > self.most
    }
}

/// The same, with what would make a condition true that is false or unknown, see [`flips`].
#[must_use]
pub fn explain_with_flips(expression: &Checked, facts: &dyn Facts) -> Explanation {
    Explanation { flips: flips(expression, facts), ..explain(expression, facts) }
}

fn part(expression: &Checked, within: Within<'_>, id: Ref, frame: Option<&Frame<'_>>) -> Explanation {
    let (machine, spent) = within;
    let node = expression.node(id);
    let outcome = machine.settled(id, frame).outcome;
    let mut parts = Vec::new();
    let (mut role, mut note) = (Role::Plain, None);
    match &node.op {
        _ if spent.is_over() => {}
        Op::And(operands) | Op::Or(operands) => {
            role = Role::Junction;
            junction(expression, within, operands, matches!(node.op, Op::Or(_)), &mut parts, frame);
        }
        Op::Ternary { condition, yes, no } => {
            let condition = part(expression, within, *condition, frame);
            let branch = condition.outcome.as_bool().map(|truth| if truth { *yes } else { *no });
            parts.push(condition);
            parts.extend(branch.map(|branch| part(expression, within, branch, frame)));
        }
        Op::Loop { form, range, slot, second, body, .. } => {
            let range = part(expression, within, *range, frame);
            let decided = match (form, outcome.as_bool(), second, &range.outcome) {
                (Form::All, Some(false), None, Outcome::Value(Value::List(items)))
                | (Form::Exists, Some(true), None, Outcome::Value(Value::List(items))) => {
                    deciding(expression, within, (*slot, *body), items, *form == Form::Exists, frame)
                }
                _ => None,
            };
            parts.push(range);
            parts.extend(decided);
        }
        Op::Bind { slot, value, body } => {
            let value = part(expression, within, *value, frame);
            let inner = Frame { parent: frame, slot: *slot, local: Local::Bound(&value.outcome) };
            let body = part(expression, within, *body, Some(&inner));
            parts.extend([value, body]);
        }
        Op::Stream(stream) => {
            role = Role::Stream(stream.terminal.name());
            for bound in &stream.bounds {
                if let Bound::RollingBy(by) | Bound::Since(by) | Bound::Before(by) = bound
                    && !matches!(expression.node(*by).op, Op::Constant(_))
                {
                    parts.push(part(expression, within, *by, frame));
                }
            }
            note = note_on(stream::left_out(machine, stream, frame));
        }
        Op::Computed(value) => {
            role = Role::Computed;
            parts.push(part(expression, within, *value, frame).without_literals());
        }
        op => {
            for child in op.children() {
                if !matches!(expression.node(child).op, Op::Constant(_)) {
                    parts.push(part(expression, within, child, frame));
                }
            }
        }
    }
    Explanation { text: print_node(&expression.tree, node.syntax), outcome, parts, note, flips: None, role }
}

type Within<'a> = (&'a Machine<'a>, &'a Spent<'a>);

/// Elements that are tried for the one that decided.
const MOST_ELEMENTS: usize = 1_000;

/// What the condition of `all` or `exists` came to for the element that decided.
fn deciding(
    expression: &Checked,
    within: Within<'_>,
    (slot, body): (u32, Ref),
    items: &[Value],
    wanted: bool,
    frame: Option<&Frame<'_>>,
) -> Option<Explanation> {
    for item in items.iter().take(MOST_ELEMENTS) {
        if within.1.is_over() {
            return None;
        }
        let inner = Frame { parent: frame, slot, local: Local::Value(item) };
        if within.0.settled(body, Some(&inner)).outcome.as_bool() == Some(wanted) {
            return Some(part(expression, within, body, Some(&inner)));
        }
    }
    None
}

fn note_on(left_out: i64) -> Option<String> {
    match left_out {
        0 => None,
        1 => Some("1 event without the property left out".to_string()),
        count => Some(format!("{count} events without the property left out")),
    }
}

/// The operands up to the one that decided; only that one when there is one.
fn junction(
    expression: &Checked,
    within: Within<'_>,
    operands: &[Ref],
    absorbing: bool,
    parts: &mut Vec<Explanation>,
    frame: Option<&Frame<'_>>,
) {
    for operand in operands {
        let found = part(expression, within, *operand, frame);
        let decided = found.outcome.as_bool() == Some(absorbing);
        if decided {
            parts.clear();
        }
        parts.push(found);
        if decided {
            return;
        }
    }
}

impl Explanation {
    /// The comparisons that decided, in words: those that are false when the whole is false, those that are true when it
    /// is true, those that failed when it failed. Without repetition, in the order written.
    #[must_use]
    pub fn reasons(&self) -> Vec<String> {
        let mut reasons = Vec::new();
        self.collect(&mut reasons);
        reasons
    }

    fn collect(&self, reasons: &mut Vec<String>) {
        if self.role == Role::Junction {
            let deciding = |part: &&Explanation| if self.failed() { part.failed() } else { part.outcome == self.outcome };
            for part in self.parts.iter().filter(deciding) {
                part.collect(reasons);
            }
            return;
        }
        let reason = self.reason();
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }

    /// Without the parts that say no more than is written.
    fn without_literals(mut self) -> Self {
        let says = |part: &Explanation| {
            !part.parts.is_empty() || part.outcome.value().is_none_or(|value| value_text(value) != part.text)
        };
        self.parts = self.parts.into_iter().map(Self::without_literals).filter(says).collect();
        self
    }

    fn failed(&self) -> bool {
        !matches!(self.outcome, Outcome::Value(_))
    }

    fn reason(&self) -> String {
        match &self.outcome {
            Outcome::Unknown(missing) => format!("unknown: {}", missing_text(missing)),
            Outcome::Error(error) => format!("`{}` failed: {}", self.text, error.message),
            Outcome::Value(value) => {
                let mut known: Vec<String> = Vec::new();
                let streams: usize = self.parts.iter().map(Explanation::streams).sum();
                for part in &self.parts {
                    part.leaves(streams, &mut known);
                }
                if self.parts.is_empty() || matches!(self.role, Role::Stream(_)) {
                    known.extend(self.note.clone());
                }
                let read = if known.is_empty() { String::new() } else { format!(": {}", known.join(", ")) };
                format!("`{}` is {}{read}", self.text, value_text(value))
            }
        }
    }

    /// What was read: the canonical text of each fact and aggregate that was needed, and its value as text; `None` when it is not known.
    #[must_use]
    pub fn read(&self) -> Vec<(String, Option<String>)> {
        let mut read = Vec::new();
        self.gather(&mut read);
        read
    }

    fn gather(&self, read: &mut Vec<(String, Option<String>)>) {
        if self.parts.is_empty() || matches!(self.role, Role::Stream(_) | Role::Computed) {
            let one = (self.text.clone(), self.outcome.value().map(plain));
            if !read.contains(&one) {
                read.push(one);
            }
            if self.role != Role::Computed {
                return;
            }
        }
        self.parts.iter().for_each(|part| part.gather(read));
    }

    fn streams(&self) -> usize {
        usize::from(matches!(self.role, Role::Stream(_))) + self.parts.iter().map(Explanation::streams).sum::<usize>()
    }

    /// The values that were read. A stream that is the only one is called by what was asked of it.
    fn leaves(&self, streams: usize, known: &mut Vec<String>) {
        let stream = matches!(self.role, Role::Stream(_));
        if self.parts.is_empty() || stream || self.role == Role::Computed {
            let text = match &self.outcome {
                Outcome::Value(value) => match self.role {
                    Role::Stream(asked) if streams == 1 => format!("{asked} is {}", plain(value)),
                    _ => format!("`{}` is {}", self.text, plain(value)),
                },
                Outcome::Unknown(missing) => missing_text(missing),
                Outcome::Error(error) => format!("`{}` failed: {}", self.text, error.message),
            };
            let text = self.note.iter().fold(text, |text, note| format!("{text} ({note})"));
            if !known.contains(&text) {
                known.push(text);
            }
        }
        for part in self.parts.iter().filter(|_| !stream) {
            part.leaves(streams, known);
        }
    }
}

fn missing_text(missing: &Missing) -> String {
    let phrases: Vec<String> = missing.iter().map(missing_phrase).collect();
    phrases.join(", ")
}

/// What is missing at a path, in words.
fn missing_phrase(path: &str) -> String {
    match path.split_once('.') {
        Some(("events", rest)) => match rest.split_once('.') {
            Some((event, property)) => format!("no `{event}` event has `{property}`"),
            None => format!("there is no such `{rest}` event"),
        },
        Some(("journey", rest)) => format!("the customer is not in journey `{}`", rest.split('.').next().unwrap_or(rest)),
        Some(("request", _)) => format!("`{path}` was not given"),
        _ => format!("`{path}` is not known"),
    }
}

/// A value as a reader of reasons wants it: lengths of time in days, hours and minutes.
fn plain(value: &Value) -> String {
    match value {
        Value::Duration(length) => length.to_string(),
        other => value_text(other),
    }
}

/// The reasons, then what would make it true, one sentence a line.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let flips = self.flips.iter().flat_map(Flips::sentences);
        for (i, line) in self.reasons().into_iter().chain(flips).enumerate() {
            f.write_str(if i > 0 { "\n" } else { "" })?;
            f.write_str(&line)?;
        }
        Ok(())
    }
}

impl Serialize for Explanation {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("text", &self.text)?;
        match &self.outcome {
            Outcome::Value(value) => map.serialize_entry("value", &value_text(value))?,
            Outcome::Unknown(missing) => map.serialize_entry("unknown", &missing.iter().collect::<Vec<_>>())?,
            Outcome::Error(error) => map.serialize_entry("error", error)?,
        }
        if let Some(note) = &self.note {
            map.serialize_entry("note", note)?;
        }
        if !self.parts.is_empty() {
            map.serialize_entry("parts", &self.parts)?;
        }
        if let Some(flips) = &self.flips {
            map.serialize_entry("flips", flips)?;
        }
        map.end()
    }
}
