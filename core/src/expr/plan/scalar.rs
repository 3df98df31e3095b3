use super::super::ast::BinaryOp;
use super::super::value_ops;
use crate::value::{Currency, Decimal, Duration, Value};

/// A value that is copied, not shared. What does not fit is left to the reference.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scalar<'a> {
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Decimal {
        units: i64,
        scale: u8,
        currency: Option<Currency>,
    },
    /// Nanoseconds.
    Duration(i64),
    /// The time since an instant, in microseconds since 1970.
    Since(i64),
    Text(&'a str),
}

impl<'a> Scalar<'a> {
    /// The scalar of a value, when it has one.
    pub(crate) fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Bool(truth) => Scalar::Bool(*truth),
            Value::Int(number) => Scalar::Int(*number),
            Value::Uint(number) => Scalar::Uint(*number),
            Value::Double(number) => Scalar::Double(*number),
            Value::Decimal(number) => Scalar::decimal(*number)?,
            Value::Duration(length) => Scalar::Duration(length.nanos()),
            Value::String(text) => Scalar::Text(text),
            _ => return None,
        })
    }

    pub(super) fn decimal(number: Decimal) -> Option<Self> {
        let (scale, currency) = (number.scale(), number.currency());
        i64::try_from(number.units()).ok().map(|units| Scalar::Decimal { units, scale, currency })
    }

    /// The number, as factors of a score are read.
    pub(crate) fn number(self) -> Option<f64> {
        match self {
            Scalar::Int(number) => Some(number as f64),
            Scalar::Uint(number) => Some(number as f64),
            Scalar::Double(number) => Some(number),
            Scalar::Decimal { units, scale, currency } => Some(Decimal::new(i128::from(units), scale, currency).to_double()),
            _ => None,
        }
    }

    /// Out of what is no text and no age.
    pub(super) fn value(self) -> Option<Value> {
        Some(match self {
            Scalar::Bool(truth) => Value::Bool(truth),
            Scalar::Int(number) => Value::Int(number),
            Scalar::Uint(number) => Value::Uint(number),
            Scalar::Double(number) => Value::Double(number),
            Scalar::Decimal { units, scale, currency } => Value::Decimal(Decimal::new(i128::from(units), scale, currency)),
            Scalar::Duration(nanos) => Value::Duration(Duration::from_nanos(nanos)),
            Scalar::Since(_) | Scalar::Text(_) => return None,
        })
    }

    /// The same without what it borrows; `None` for a text.
    pub(super) fn without_text(self) -> Option<Scalar<'static>> {
        Some(match self {
            Scalar::Text(_) => return None,
            Scalar::Bool(truth) => Scalar::Bool(truth),
            Scalar::Int(number) => Scalar::Int(number),
            Scalar::Uint(number) => Scalar::Uint(number),
            Scalar::Double(number) => Scalar::Double(number),
            Scalar::Decimal { units, scale, currency } => Scalar::Decimal { units, scale, currency },
            Scalar::Duration(nanos) => Scalar::Duration(nanos),
            Scalar::Since(since) => Scalar::Since(since),
        })
    }

    /// An operator with both operands known; `None` for what only the reference can say.
    pub(super) fn binary(op: BinaryOp, a: Scalar<'a>, b: Scalar<'a>) -> Option<Scalar<'a>> {
        let truth = |truth: bool| Some(Scalar::Bool(truth));
        match (op, a, b) {
            (BinaryOp::Equal, Scalar::Int(a), Scalar::Int(b)) => truth(a == b),
            (BinaryOp::NotEqual, Scalar::Int(a), Scalar::Int(b)) => truth(a != b),
            (BinaryOp::Less, Scalar::Int(a), Scalar::Int(b)) => truth(a < b),
            (BinaryOp::LessEqual, Scalar::Int(a), Scalar::Int(b)) => truth(a <= b),
            (BinaryOp::Greater, Scalar::Int(a), Scalar::Int(b)) => truth(a > b),
            (BinaryOp::GreaterEqual, Scalar::Int(a), Scalar::Int(b)) => truth(a >= b),
            (BinaryOp::Multiply, Scalar::Int(a), Scalar::Int(b)) => a.checked_mul(b).map(Scalar::Int),
            (BinaryOp::Add, Scalar::Int(a), Scalar::Int(b)) => a.checked_add(b).map(Scalar::Int),
            (BinaryOp::Subtract, Scalar::Int(a), Scalar::Int(b)) => a.checked_sub(b).map(Scalar::Int),
            (BinaryOp::Multiply, Scalar::Double(a), Scalar::Double(b)) => Some(Scalar::Double(a * b)),
            (BinaryOp::Add, Scalar::Double(a), Scalar::Double(b)) => Some(Scalar::Double(a + b)),
            (BinaryOp::Subtract, Scalar::Double(a), Scalar::Double(b)) => Some(Scalar::Double(a - b)),
            (op, Scalar::Text(a), Scalar::Text(b)) if op.is_comparison() => truth(value_ops::holds(op, Some(a.cmp(b)))),
            (op, Scalar::Double(a), Scalar::Double(b)) if op.is_comparison() => truth(value_ops::holds(op, a.partial_cmp(&b))),
            // Amounts with the same digits after the point compare as they stand.
            (
                op,
                Scalar::Decimal { units: a, scale, currency },
                Scalar::Decimal { units: b, scale: other, currency: theirs },
            ) if op.is_ordering() && scale == other && currency == theirs => truth(value_ops::holds(op, Some(a.cmp(&b)))),
            (op, Scalar::Decimal { units, scale, .. }, Scalar::Int(b)) if op.is_ordering() => match scaled(b, scale) {
                Some(b) => truth(value_ops::holds(op, Some(i128::from(units).cmp(&b)))),
                None => Self::by_reference(op, a, Scalar::Int(b)),
            },
            _ => Self::by_reference(op, a, b),
        }
    }

    fn by_reference(op: BinaryOp, a: Scalar<'a>, b: Scalar<'a>) -> Option<Scalar<'a>> {
        match value_ops::binary(op, &a.value()?, &b.value()?, usize::MAX).ok()? {
            Value::Bool(truth) => Some(Scalar::Bool(truth)),
            Value::Int(number) => Some(Scalar::Int(number)),
            Value::Uint(number) => Some(Scalar::Uint(number)),
            Value::Double(number) => Some(Scalar::Double(number)),
            Value::Decimal(number) => Scalar::decimal(number),
            Value::Duration(length) => Some(Scalar::Duration(length.nanos())),
            _ => None,
        }
    }
}

/// A whole number in units of so many digits after the point.
pub(super) fn scaled(number: i64, scale: u8) -> Option<i128> {
    const POWERS: [i64; 19] = {
        let mut powers = [1; 19];
        let mut place = 1;
        while place < powers.len() {
            powers[place] = powers[place - 1] * 10;
            place += 1;
        }
        powers
    };
    match POWERS.get(usize::from(scale)) {
        Some(power) => Some(i128::from(*power) * i128::from(number)),
        None => 10_i128.checked_pow(u32::from(scale))?.checked_mul(i128::from(number)),
    }
}
