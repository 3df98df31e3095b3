use super::super::ast::BinaryOp;
use super::super::value_ops;
use crate::value::{Duration, Value};
use std::cmp::Ordering;

/// A comparison of an age with a constant, solved for the age: between two of its turns the comparison stands still.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Turns {
    /// The ages, in microseconds, from which on the comparison stands otherwise; rising.
    from: Vec<i64>,
    /// One more than turns.
    truths: Vec<bool>,
}

/// The longest age that has a duration, in microseconds.
pub(super) const LONGEST: i64 = i64::MAX / 1_000;

/// How a comparison stands: the order matters to the reference even where the truth does not change with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stand {
    Truth(bool),
    Order(Option<Ordering>),
}

impl Turns {
    /// Solves `age op constant`, or `constant op age` when the age stands `right`; the age in units of so many nanoseconds as
    /// a double, or as a duration. `None` when they do not compare.
    pub(super) fn of(op: BinaryOp, unit: Option<f64>, constant: &Value, right: bool) -> Option<Self> {
        let order = |age: i64| {
            let nanos = age.checked_mul(1_000)?;
            let age = match unit {
                Some(unit) => Value::Double(nanos as f64 / unit),
                None => Value::Duration(Duration::from_nanos(nanos)),
            };
            let (a, b) = if right { (constant, &age) } else { (&age, constant) };
            let order = value_ops::compare(op, a, b).ok()?;
            let truth = value_ops::holds(op, order);
            Some((if op.is_ordering() { Stand::Truth(truth) } else { Stand::Order(order) }, truth))
        };
        if let (None, Value::Duration(length)) = (unit, constant) {
            // Beside a duration it turns where the age reaches it, and where it passes it.
            let passed = length.nanos().div_euclid(1_000).saturating_add(1);
            let reached = if length.nanos().rem_euclid(1_000) == 0 { passed.saturating_sub(1) } else { passed };
            let (mut stand, truth) = order(0)?;
            let mut turns = Turns { from: Vec::new(), truths: vec![truth] };
            for age in [reached, passed].into_iter().filter(|age| (1..=LONGEST).contains(age)) {
                let (next, truth) = order(age)?;
                if next != stand {
                    turns.from.push(age);
                    turns.truths.push(truth);
                    stand = next;
                }
            }
            return Some(turns);
        }
        Self::halved(order)
    }

    /// The turns of an order that changes in one direction only.
    fn halved(order: impl Fn(i64) -> Option<(Stand, bool)>) -> Option<Self> {
        let (mut stand, truth) = order(0)?;
        let (last, _) = order(LONGEST)?;
        let (mut from, mut truths, mut low) = (Vec::new(), vec![truth], 0);
        while stand != last {
            let mut high = LONGEST;
            while high - low > 1 {
                let half = low + (high - low) / 2;
                if order(half)?.0 == stand {
                    low = half;
                } else {
                    high = half;
                }
            }
            let (next, truth) = order(high)?;
            (stand, low) = (next, high);
            from.push(high);
            truths.push(truth);
            // An age only grows, so its order against a constant changes twice at most.
            if from.len() > 2 {
                return None;
            }
        }
        Some(Turns { from, truths })
    }

    /// How the comparison stands at many ages.
    pub(super) fn all(&self, ages: impl Iterator<Item = i64>) -> Vec<bool> {
        let truth = |passed: usize| self.truths.get(passed).copied().unwrap_or(false);
        match *self.from {
            [] => ages.map(|_| truth(0)).collect(),
            [one] => {
                let (before, after) = (truth(0), truth(1));
                ages.map(|age| if age >= one { after } else { before }).collect()
            }
            _ => ages.map(|age| self.at(age).0).collect(),
        }
    }

    /// How the comparison stands at an age, and at which age it turns next.
    pub(super) fn at(&self, age: i64) -> (bool, Option<i64>) {
        let passed = self.from.iter().take_while(|from| **from <= age).count();
        (self.truths.get(passed).copied().unwrap_or(false), self.from.get(passed).copied())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;

    const DAY: f64 = 86_400_000_000_000.0;

    #[test]
    fn an_age_turns_at_the_first_microsecond_that_differs() {
        let turns = Turns::of(BinaryOp::GreaterEqual, Some(DAY), &Value::Int(60), false).unwrap();
        assert_eq!(turns.at(60 * 86_400_000_000 - 1), (false, Some(60 * 86_400_000_000)));
        assert_eq!(turns.at(60 * 86_400_000_000), (true, None));
        let turns = Turns::of(BinaryOp::Less, None, &Value::Duration(Duration::from_nanos(1_500)), false).unwrap();
        assert_eq!(turns.at(1), (true, Some(2)));
        assert_eq!(turns.at(2), (false, None));
    }

    #[test]
    fn beside_a_duration_it_turns_where_halving_finds_it() {
        let ops = [
            BinaryOp::Less,
            BinaryOp::LessEqual,
            BinaryOp::Greater,
            BinaryOp::GreaterEqual,
            BinaryOp::Equal,
            BinaryOp::NotEqual,
        ];
        let lengths =
            [i64::MIN, -1_001, -1_000, -1, 0, 1, 999, 1_000, 1_001, 2_000, 86_400_000_000_000, i64::MAX - 1, i64::MAX];
        for (op, length, right) in ops.iter().flat_map(|op| lengths.iter().flat_map(|at| [(*op, *at, false), (*op, *at, true)]))
        {
            let constant = Value::Duration(Duration::from_nanos(length));
            let order = |age: i64| {
                let age = Value::Duration(Duration::from_nanos(age.checked_mul(1_000)?));
                let (a, b) = if right { (&constant, &age) } else { (&age, &constant) };
                let order = value_ops::compare(op, a, b).ok()?;
                let truth = value_ops::holds(op, order);
                Some((if op.is_ordering() { Stand::Truth(truth) } else { Stand::Order(order) }, truth))
            };
            assert_eq!(Turns::of(op, None, &constant, right), Turns::halved(order), "{op:?} {length} {right}");
        }
    }

    #[test]
    fn equality_turns_twice_and_a_constant_may_stand_first() {
        let turns = Turns::of(BinaryOp::Equal, Some(DAY), &Value::Int(2), false).unwrap();
        let two = 2 * 86_400_000_000;
        assert_eq!(turns.at(two - 1), (false, Some(two)));
        assert_eq!(turns.at(two), (true, Some(two + 1)));
        assert_eq!(turns.at(two + 1), (false, None));
        let turns = Turns::of(BinaryOp::Greater, Some(DAY), &Value::Int(2), true).unwrap();
        assert_eq!(turns.at(0), (true, Some(two)));
        assert_eq!(Turns::of(BinaryOp::Less, None, &Value::text("x"), false), None);
    }
}
