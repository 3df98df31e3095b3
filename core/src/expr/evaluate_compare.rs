//! The reference evaluator's part about operators with two operands, and about the instant at which a comparison turns.

use super::Outcome;
use super::ast::BinaryOp;
use super::checked::Ref;
use super::evaluate::{Machine, Partial, earlier};
use super::evaluate_names::Frame;
use super::value_ops;
use crate::value::{Timestamp, Value};
use std::cmp::Ordering;

/// How far ahead a comparison looks for the instant at which it turns: 200 years.
const HORIZON: i64 = 200 * 366 * 86_400_000_000;

impl Machine<'_> {
    pub(super) fn binary(&self, id: Ref, op: BinaryOp, left: Ref, right: Ref, frame: Option<&Frame<'_>>) -> Partial {
        let (a, b) = (self.eval(left, frame), self.eval(right, frame));
        if op.is_comparison() && (a.range.is_some() || b.range.is_some()) {
            let (a, b) = (self.settle(a), self.settle(b));
            let known = compare_ranges(op, &a, &b);
            let until = earlier(a.until, b.until);
            return Partial::new(known.map_or_else(|| a.outcome.blend(b.outcome), Outcome::truth), until);
        }
        let size = self.limits().size;
        let operation = |a: &Value, b: &Value| {
            self.weigh(a)?;
            self.weigh(b)?;
            let built = value_ops::binary(op, a, b, size)?;
            self.charge(&built).map(|()| built)
        };
        let followed = match op {
            _ if !a.moving && !b.moving => return self.apply_two(id, a, b, operation),
            _ if a.moving && b.moving => false,
            BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply => true,
            BinaryOp::Divide => a.moving,
            _ if op.is_comparison() => {
                let until = earlier(a.until, b.until);
                let turned = self.apply_two(id, a.clone(), b.clone(), operation);
                if self.ahead {
                    return turned;
                }
                let turn = self.turn(op, (left, a), (right, b), frame, until);
                return Partial { until: earlier(until, turn), ..turned };
            }
            _ => false,
        };
        if followed {
            return Partial { moving: true, ..self.apply_two(id, a, b, operation) };
        }
        let (a, b) = (self.settle(a), self.settle(b));
        self.apply_two(id, a, b, operation)
    }

    /// The first instant before `bound` at which a comparison of something moving with something still turns.
    ///
    /// A moving value only grows or only shrinks, so its order against a still one changes in one direction only and can be
    /// searched by halving.
    fn turn(
        &self,
        op: BinaryOp,
        left: (Ref, Partial),
        right: (Ref, Partial),
        frame: Option<&Frame<'_>>,
        bound: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let key = |a: &Outcome, b: &Outcome| match (a, b) {
            (Outcome::Value(a), Outcome::Value(b)) => Sight::of(op, a, b),
            _ => Sight::Failed,
        };
        let (left, a) = left;
        let (right, b) = right;
        let moving_left = a.moving;
        let (moving, still) = if moving_left { (left, b.outcome.clone()) } else { (right, a.outcome.clone()) };
        if !matches!(still, Outcome::Value(_)) {
            return None;
        }
        let present = key(&a.outcome, &b.outcome);
        let end = bound.unwrap_or(Timestamp::MAX).min(self.now.saturating_add_micros(HORIZON));
        let differs = |now: Timestamp| {
            let ahead = self.looking_ahead(now);
            let moved = ahead.eval(moving, frame).outcome;
            let sight = if moving_left { key(&moved, &still) } else { key(&still, &moved) };
            sight != present
        };
        let (mut before, mut after) = (self.now.micros(), end.micros() - 1);
        let at = |micros: i64| self.now.saturating_add_micros(micros - self.now.micros());
        if after <= before || !differs(at(after)) {
            return None;
        }
        while after - before > 1 {
            let half = before + (after - before) / 2;
            if differs(at(half)) { after = half } else { before = half }
        }
        Some(at(after))
    }
}

/// How a comparison stands, in as much as it matters for its truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sight {
    Failed,
    Truth(bool),
    Order(Option<Ordering>),
}

impl Sight {
    fn of(op: BinaryOp, a: &Value, b: &Value) -> Self {
        match value_ops::compare(op, a, b) {
            Ok(order) if op.is_ordering() => Sight::Truth(value_ops::holds(op, order)),
            Ok(order) => Sight::Order(order),
            Err(_) => Sight::Failed,
        }
    }
}

/// A comparison with a count of which only the range is known: known when the whole range agrees.
fn compare_ranges(op: BinaryOp, a: &Partial, b: &Partial) -> Option<bool> {
    let ends = |found: &Partial| match (&found.outcome, found.range) {
        (_, Some((least, most))) => Some((Value::Int(least), Value::Int(most))),
        (Outcome::Value(value), None) => Some((value.clone(), value.clone())),
        _ => None,
    };
    let ((a_least, a_most), (b_least, b_most)) = (ends(a)?, ends(b)?);
    let order = |a: &Value, b: &Value| value_ops::compare(op, a, b).ok();
    if op.is_ordering() {
        let truths =
            [order(&a_least, &b_least)?, order(&a_least, &b_most)?, order(&a_most, &b_least)?, order(&a_most, &b_most)?]
                .map(|order| value_ops::holds(op, order));
        return truths.iter().all(|truth| *truth == truths[0]).then_some(truths[0]);
    }
    let apart = order(&a_most, &b_least)? == Some(Ordering::Less) || order(&b_most, &a_least)? == Some(Ordering::Less);
    apart.then_some(op == BinaryOp::NotEqual)
}
