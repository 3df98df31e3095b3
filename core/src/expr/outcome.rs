use super::Missing;
use super::ast::Extent;
use crate::value::Value;
use std::fmt;

/// What an expression came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// A value.
    Value(Value),
    /// It depends on facts that are missing.
    Unknown(Missing),
    /// It cannot be computed.
    Error(EvalError),
}

/// Why an expression cannot be computed, and where in its text.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EvalError {
    /// What kind of error.
    pub code: ErrorCode,
    /// The part of the text that failed.
    pub span: Extent,
    /// What is wrong: lower case, no final period.
    pub message: String,
}

/// The kinds of evaluation errors. Append-only: codes are stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorCode {
    /// A number, time or duration out of its range.
    Overflow,
    /// Division or remainder by zero.
    DivisionByZero,
    /// A map has no such key.
    NoSuchKey,
    /// An index outside of a list or text.
    IndexOutOfRange,
    /// No operation of that name for values of these types.
    NoSuchOverload,
    /// A conversion of a value that has no counterpart.
    BadConversion,
    /// A map with the same key twice.
    DuplicateKey,
    /// A map key that is neither bool, int, uint nor string.
    UnsupportedKey,
    /// A name that stands for nothing.
    UnknownName,
    /// A function that does not exist.
    UnknownFunction,
    /// A regular expression that cannot be used.
    BadPattern,
    /// An argument outside of what a function takes.
    BadArgument,
    /// A text or list larger than allowed.
    TooLarge,
    /// More steps than one evaluation may take.
    OutOfSteps,
}

impl ErrorCode {
    /// The stable name of the code.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            ErrorCode::Overflow => "overflow",
            ErrorCode::DivisionByZero => "division_by_zero",
            ErrorCode::NoSuchKey => "no_such_key",
            ErrorCode::IndexOutOfRange => "index_out_of_range",
            ErrorCode::NoSuchOverload => "no_such_overload",
            ErrorCode::BadConversion => "bad_conversion",
            ErrorCode::DuplicateKey => "duplicate_key",
            ErrorCode::UnsupportedKey => "unsupported_key",
            ErrorCode::UnknownName => "unknown_name",
            ErrorCode::UnknownFunction => "unknown_function",
            ErrorCode::BadPattern => "bad_pattern",
            ErrorCode::BadArgument => "bad_argument",
            ErrorCode::TooLarge => "too_large",
            ErrorCode::OutOfSteps => "out_of_steps",
        }
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.message)
    }
}

impl std::error::Error for EvalError {}

impl Outcome {
    /// A truth value.
    #[must_use]
    pub fn truth(value: bool) -> Self {
        Outcome::Value(Value::Bool(value))
    }

    /// Whether it is known to be `true`: what lets a rule fire.
    #[must_use]
    pub fn is_true(&self) -> bool {
        self.as_bool() == Some(true)
    }

    /// The truth value, when it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Outcome::Value(Value::Bool(truth)) => Some(*truth),
            _ => None,
        }
    }

    /// The value, when there is one.
    #[must_use]
    pub fn value(&self) -> Option<&Value> {
        match self {
            Outcome::Value(value) => Some(value),
            _ => None,
        }
    }

    /// The missing facts, when it is unknown.
    #[must_use]
    pub fn missing(&self) -> Option<&Missing> {
        match self {
            Outcome::Unknown(missing) => Some(missing),
            _ => None,
        }
    }

    /// What two failed operands come to: unknown wins over error, sets of missing facts unite, of two errors the first
    /// counts. A value gives way to either.
    #[must_use]
    pub fn blend(self, other: Outcome) -> Outcome {
        match (self, other) {
            (Outcome::Unknown(a), Outcome::Unknown(b)) => Outcome::Unknown(a.union(&b)),
            (Outcome::Unknown(missing), _) | (_, Outcome::Unknown(missing)) => Outcome::Unknown(missing),
            (Outcome::Error(error), _) | (_, Outcome::Error(error)) => Outcome::Error(error),
            (value, Outcome::Value(_)) => value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn missing(path: &str) -> Outcome {
        Outcome::Unknown(Missing::one(path.into()))
    }

    fn error(code: ErrorCode) -> Outcome {
        Outcome::Error(EvalError { code, span: Extent::default(), message: String::new() })
    }

    #[test]
    fn unknown_wins_over_error_and_missing_facts_unite() {
        let both = missing("b").blend(error(ErrorCode::Overflow)).blend(missing("a"));
        assert_eq!(both.missing().unwrap().iter().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(error(ErrorCode::Overflow).blend(error(ErrorCode::NoSuchKey)), error(ErrorCode::Overflow));
        assert_eq!(Outcome::truth(true).blend(missing("a")), missing("a"));
    }
}
