use crate::error::nearest;
use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// A column that cannot be read as asked, with its name and row as far as they are known.
///
/// One pointer wide, because it stands in the result of every read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub struct ColumnError(Box<Located>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Located {
    column: Option<Arc<str>>,
    row: Option<usize>,
    problem: ColumnProblem,
}

/// What is wrong with a column.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ColumnProblem {
    /// Values of another type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// What was asked for.
        expected: Box<str>,
        /// What the column holds.
        found: Box<str>,
    },
    /// Values of a type that cannot be read at all, or asked for as one.
    #[error("expected {expected}, found {found}, which is not supported")]
    Unsupported {
        /// What was asked for.
        expected: Box<str>,
        /// What the column holds.
        found: Box<str>,
    },
    /// A value of the right kind that does not fit: too large, too many digits, not one of the declared names. The value itself is
    /// not told, since it may be about somebody.
    #[error("expected {expected}, found another value")]
    WrongValue {
        /// What was asked for.
        expected: Box<str>,
    },
    /// Text that is not UTF-8.
    #[error("expected text in UTF-8, found other bytes")]
    NotUtf8,
    /// Buffers that contradict themselves.
    #[error("malformed column: expected {expected}, found {found}")]
    Malformed {
        /// What the layout asks for.
        expected: Box<str>,
        /// What is there.
        found: Box<str>,
    },
    /// No such row.
    #[error("expected a row below {rows}")]
    NoSuchRow {
        /// How many rows there are.
        rows: usize,
    },
    /// No such column.
    #[error("expected a column of this name, found {}", listed(found, *nearest))]
    NoSuchColumn {
        /// The names that there are, at most eight.
        found: Arc<[Arc<str>]>,
        /// Which of them is nearest to the name asked for.
        nearest: Option<usize>,
    },
    /// Two columns of one name.
    #[error("expected column names to differ, found this one twice")]
    DuplicateColumn,
    /// Parts of different lengths.
    #[error("expected {expected} rows as in the {what}, found {found}")]
    UnequalLengths {
        /// What the column has to be as long as.
        what: Box<str>,
        /// How many it should have.
        expected: usize,
        /// How many it has.
        found: usize,
    },
}

impl ColumnError {
    /// A stable code such as `wrong_type`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self.0.problem {
            ColumnProblem::WrongType { .. } => "wrong_type",
            ColumnProblem::Unsupported { .. } => "unsupported_type",
            ColumnProblem::WrongValue { .. } => "wrong_value",
            ColumnProblem::NotUtf8 => "not_utf8",
            ColumnProblem::Malformed { .. } => "malformed",
            ColumnProblem::NoSuchRow { .. } => "no_such_row",
            ColumnProblem::NoSuchColumn { .. } => "no_such_column",
            ColumnProblem::DuplicateColumn => "duplicate_column",
            ColumnProblem::UnequalLengths { .. } => "unequal_lengths",
        }
    }

    /// What is wrong.
    #[must_use]
    pub fn problem(&self) -> &ColumnProblem {
        &self.0.problem
    }

    /// The name of the column, when it is known.
    #[must_use]
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// The row, when it is about one.
    #[must_use]
    pub fn row(&self) -> Option<usize> {
        self.0.row
    }

    /// The same error, in a column of this name.
    #[must_use]
    pub fn named(mut self, column: &Arc<str>) -> Self {
        self.0.column = Some(column.clone());
        self
    }

    #[cold]
    pub(super) fn at(mut self, row: usize) -> Self {
        self.0.row = Some(row);
        self
    }

    #[cold]
    pub(super) fn malformed(expected: impl Into<Box<str>>, found: impl Into<Box<str>>) -> Self {
        ColumnProblem::Malformed { expected: expected.into(), found: found.into() }.into()
    }

    #[cold]
    pub(super) fn wrong_value(expected: impl Into<Box<str>>) -> Self {
        ColumnProblem::WrongValue { expected: expected.into() }.into()
    }

    #[cold]
    pub(super) fn no_such_column<'a>(wanted: &str, names: impl Iterator<Item = &'a Arc<str>> + Clone) -> Self {
        let best = nearest(wanted, names.clone().map(|name| &**name));
        // The nearest name is listed first, whatever its place in the table.
        let first = names.clone().find(|name| Some(&***name) == best);
        let others = names.filter(|name| Some(&***name) != best);
        let found: Vec<Arc<str>> = first.into_iter().chain(others).take(8).cloned().collect();
        let problem = ColumnProblem::NoSuchColumn { found: found.into(), nearest: first.map(|_| 0) };
        ColumnError::from(problem).named(&Arc::from(&*short(wanted)))
    }
}

impl From<ColumnProblem> for ColumnError {
    #[cold]
    fn from(problem: ColumnProblem) -> Self {
        ColumnError(Box::new(Located { column: None, row: None, problem }))
    }
}

impl fmt::Display for ColumnError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.0.column, self.0.row) {
            (Some(column), Some(row)) => write!(f, "column `{column}`, row {row}: ")?,
            (Some(column), None) => write!(f, "column `{column}`: ")?,
            (None, Some(row)) => write!(f, "row {row}: ")?,
            (None, None) => {}
        }
        self.0.problem.fmt(f)
    }
}

/// At most 60 characters, so that a message stays one line.
pub(super) fn short(text: &str) -> Box<str> {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()).into(),
        None => text.into(),
    }
}

fn listed(found: &[Arc<str>], nearest: Option<usize>) -> String {
    if found.is_empty() {
        return "no columns".into();
    }
    let names: Vec<String> = found.iter().map(|name| format!("`{}`", short(name))).collect();
    let hint = nearest.and_then(|i| names.get(i)).map(|name| format!("; did you mean {name}?")).unwrap_or_default();
    format!("{}{hint}", names.join(", "))
}
