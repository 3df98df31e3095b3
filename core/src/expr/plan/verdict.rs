//! Conditions on slots that stand, as they are asked with every event: comparisons of a state with a constant, and what `&&`, `||` and `!`
//! make of them. What a verdict tells is what the plan tells, the instant until which it holds included; a part of another kind is asked of
//! the plan, and where a slot does not stand there is no verdict.

use super::super::Bits;
use super::super::ast::BinaryOp;
use super::super::stream::Terminal;
use super::super::value_ops;
use super::ask::{Asker, Defer, Ground, together};
use super::live::{Live, State};
use super::scalar::scaled;
use super::turns::Turns;
use super::{Code, Constant, Node, Plan, Scalar};

/// By number of the node: the verdict.
#[derive(Debug, Default)]
pub(super) struct Verdicts(Vec<Option<Verdict>>);

#[derive(Debug)]
pub(super) enum Verdict {
    Check(Check),
    /// Whether a slot has any events.
    Exists(u8),
    Age(u8, Turns),
    Not(Box<Verdict>),
    All(Box<[Verdict]>),
    Any(Box<[Verdict]>),
    /// A part that the plan answers.
    Other(u32),
}

/// A comparison of what a slot came to with a constant of the same form.
#[derive(Debug, Clone, Copy)]
pub(super) enum Check {
    Whole {
        place: u8,
        read: Read,
        op: BinaryOp,
        constant: i64,
    },
    /// The second is what stands for a slot of which nothing was told.
    Double {
        place: u8,
        nothing: Option<f64>,
        op: BinaryOp,
        constant: f64,
    },
}

/// Which whole number of a state is meant.
#[derive(Debug, Clone, Copy)]
pub(super) enum Read {
    Rows,
    Distinct,
    /// A number, or units of an amount; and what stands for a slot of which nothing was told.
    Value(Option<i64>),
}

impl Check {
    /// The comparison of a slot that stands with a constant; `None` when they are not of one form.
    pub(super) fn of(plan: &Plan, number: u32, op: BinaryOp, constant: &Constant) -> Option<Self> {
        if !op.is_comparison() {
            return None;
        }
        let (place, meaning) = plan.place(number)?;
        let slot = plan.slots.get(number as usize)?;
        let constant = constant.scalar();
        let read = match (slot.terminal, meaning) {
            (Terminal::Count, _) => Read::Rows,
            (Terminal::CountDistinct, _) => Read::Distinct,
            (Terminal::Sum | Terminal::Min | Terminal::Max | Terminal::First | Terminal::Last, Some(meaning)) => {
                let sum = slot.terminal == Terminal::Sum;
                match (meaning, sum, slot.zero) {
                    (Bits::Double, _, zero) => {
                        let nothing = match (sum, zero) {
                            (false, _) | (true, None) => None,
                            (true, Some(Scalar::Double(zero))) => Some(zero),
                            (true, Some(_)) => return None,
                        };
                        let Scalar::Double(constant) = constant else { return None };
                        return Some(Check::Double { place, nothing, op, constant });
                    }
                    (Bits::Int | Bits::Decimal { .. }, false, _) | (Bits::Int | Bits::Decimal { .. }, true, None) => {
                        Read::Value(None)
                    }
                    (Bits::Int, true, Some(Scalar::Int(zero))) => Read::Value(Some(zero)),
                    (
                        Bits::Decimal { scale, currency },
                        true,
                        Some(Scalar::Decimal { units, scale: own, currency: theirs }),
                    ) if scale == own && currency == theirs => Read::Value(Some(units)),
                    _ => return None,
                }
            }
            _ => return None,
        };
        let constant = match (read, meaning, constant) {
            (Read::Rows | Read::Distinct, _, Scalar::Int(constant)) => constant,
            (Read::Value(_), Some(Bits::Int), Scalar::Int(constant)) => constant,
            (
                Read::Value(_),
                Some(Bits::Decimal { scale, currency }),
                Scalar::Decimal { units, scale: own, currency: theirs },
            ) if op.is_ordering() && scale == own && currency == theirs => units,
            (Read::Value(_), Some(Bits::Decimal { scale, .. }), Scalar::Int(constant)) if op.is_ordering() => {
                i64::try_from(scaled(constant, scale)?).ok()?
            }
            _ => return None,
        };
        Some(Check::Whole { place, read, op, constant })
    }

    fn place(&self) -> u8 {
        match self {
            Check::Whole { place, .. } | Check::Double { place, .. } => *place,
        }
    }

    /// Whether it holds; `None` for unknown.
    #[inline]
    pub(super) fn truth(&self, state: &State) -> Option<bool> {
        match *self {
            Check::Whole { read, op, constant, .. } => {
                let value = match read {
                    Read::Rows => i64::from(state.rows),
                    Read::Distinct => state.distinct(),
                    Read::Value(nothing) if state.told == 0 => nothing?,
                    Read::Value(_) => state.value,
                };
                Some(match op {
                    BinaryOp::Less => value < constant,
                    BinaryOp::LessEqual => value <= constant,
                    BinaryOp::Greater => value > constant,
                    BinaryOp::GreaterEqual => value >= constant,
                    BinaryOp::Equal => value == constant,
                    _ => value != constant,
                })
            }
            Check::Double { nothing, op, constant, .. } => {
                let value = if state.told == 0 { nothing? } else { f64::from_bits(state.value.cast_unsigned()) };
                Some(value_ops::holds(op, value.partial_cmp(&constant)))
            }
        }
    }
}

impl Plan {
    /// Prepares the conditions that are asked with every event.
    pub(super) fn judge(&mut self, codes: &[Code]) {
        let mut verdicts = Vec::new();
        for Code(at) in codes {
            let place = *at as usize;
            if verdicts.len() <= place {
                verdicts.resize_with(place + 1, || None);
            }
            if let Some(verdict) = verdicts.get_mut(place) {
                *verdict = Some(self.verdict_of(*at)).filter(|verdict| !matches!(verdict, Verdict::Other(_)));
            }
        }
        self.verdicts = Verdicts(verdicts);
    }

    fn verdict_of(&self, at: u32) -> Verdict {
        let all = |parts: &[u32]| parts.iter().map(|part| self.verdict_of(*part)).collect();
        let verdict = match self.nodes.get(at as usize) {
            Some(Node::Computed(_, inner)) => Some(self.verdict_of(*inner)),
            Some(Node::Not(part)) => Some(Verdict::Not(Box::new(self.verdict_of(*part)))),
            Some(Node::And(parts)) => Some(Verdict::All(all(parts))),
            Some(Node::Or(parts)) => Some(Verdict::Any(all(parts))),
            Some(Node::Slot(slot)) => match self.slots.get(*slot as usize).map(|slot| slot.terminal) {
                Some(Terminal::Exists) => self.place(*slot).map(|(place, _)| Verdict::Exists(place)),
                _ => None,
            },
            Some(Node::AgeTest(slot, turns)) => self.place(*slot).map(|(place, _)| Verdict::Age(place, turns.clone())),
            Some(Node::Binary(op, left, right)) => match (self.nodes.get(*left as usize), self.nodes.get(*right as usize)) {
                (Some(Node::Slot(slot)), Some(Node::Constant(constant))) => {
                    Check::of(self, *slot, *op, constant).map(Verdict::Check)
                }
                _ => None,
            },
            _ => None,
        };
        verdict.unwrap_or(Verdict::Other(at))
    }

    /// What was prepared for a condition.
    pub(super) fn verdict(&self, code: Code) -> Option<&Verdict> {
        self.verdicts.0.get(code.0 as usize)?.as_ref()
    }
}

impl<'p, 'a: 'p, G: Ground<'a>> Asker<'p, 'a, G> {
    /// Whether a condition holds, `None` for unknown, and until when.
    pub(super) fn judged(&self, verdict: &Verdict, live: &Live) -> Result<(Option<bool>, i64), Defer> {
        let now = self.ground.now();
        match verdict {
            Verdict::Check(check) => {
                let state = live.at_place(check.place(), now).ok_or(Defer)?;
                Ok((check.truth(state), state.until))
            }
            Verdict::Exists(place) => {
                let state = live.at_place(*place, now).ok_or(Defer)?;
                Ok((Some(state.rows > 0), state.until))
            }
            Verdict::Age(place, turns) => {
                let state = live.at_place(*place, now).ok_or(Defer)?;
                match state.rows {
                    0 => Ok((None, state.until)),
                    _ => self.age_test(state.value, state.until, turns).map(|(truth, until)| (Some(truth), until)),
                }
            }
            Verdict::Not(part) => self.judged(part, live).map(|(truth, until)| (truth.map(|truth| !truth), until)),
            Verdict::All(parts) => self.judged_all(parts, live, false),
            Verdict::Any(parts) => self.judged_all(parts, live, true),
            Verdict::Other(node) => self.truth(*node),
        }
    }

    fn judged_all(&self, parts: &[Verdict], live: &Live, absorbing: bool) -> Result<(Option<bool>, i64), Defer> {
        together(parts.iter().map(|part| self.judged(part, live)), absorbing)
    }
}
