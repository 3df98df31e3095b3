use tactful::column::ColumnError;
use thiserror::Error;

/// A table that cannot be taken in or built.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArrowError {
    /// A null pointer, or a structure that was consumed before.
    #[error("expected an {0} that is not null and not released yet; a stream can be read once, ask its owner for a new one")]
    Released(&'static str),
    /// The producer of a stream reports a failure.
    #[error("the producer of the stream failed with error {number}: {message}")]
    Producer {
        /// Its number, as in `errno`.
        number: i32,
        /// Its own words.
        message: String,
    },
    /// Structures that contradict themselves or the interface.
    #[error("malformed arrow data in `{place}`: expected {expected}, found {found}")]
    Malformed {
        /// The name of the column, or of the structure.
        place: String,
        /// What the interface asks for.
        expected: String,
        /// What is there.
        found: String,
    },
    /// Something that has no columns.
    #[error("expected a table (a struct of columns), found arrow format `{0}`")]
    NotATable(String),
    /// A column name with a NUL character, which the interface cannot carry.
    #[error("expected a column name without NUL characters, found {0:?}")]
    BadName(String),
    /// More text in one batch than 32-bit offsets can address.
    #[error("expected less than 2 GiB of text and 2^31 entries in one batch, found more; build several batches")]
    TooLarge,
    /// A batch whose columns are not those of the table.
    #[error("expected columns of the kinds {expected:?}, found {found:?}")]
    OtherColumns {
        /// The kinds of the table's columns.
        expected: Vec<crate::Kind>,
        /// The kinds of the batch's columns.
        found: Vec<crate::Kind>,
    },
    /// A column that cannot be read.
    #[error(transparent)]
    Column(#[from] ColumnError),
}

impl ArrowError {
    /// A stable code such as `not_a_table`; that of the column error when it is one.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            ArrowError::Released(_) => "released",
            ArrowError::Producer { .. } => "producer_failed",
            ArrowError::Malformed { .. } => "malformed",
            ArrowError::NotATable(_) => "not_a_table",
            ArrowError::BadName(_) => "bad_name",
            ArrowError::TooLarge => "too_large",
            ArrowError::OtherColumns { .. } => "other_columns",
            ArrowError::Column(error) => error.code(),
        }
    }

    #[cold]
    pub(crate) fn malformed(place: &str, expected: impl Into<String>, found: impl ToString) -> Self {
        ArrowError::Malformed { place: place.into(), expected: expected.into(), found: found.to_string() }
    }
}
