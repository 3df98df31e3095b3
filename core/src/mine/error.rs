use crate::column::ColumnError;
use crate::error::nearest;
use std::fmt;

/// A log that cannot be read, or a question that it cannot answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MineError {
    code: &'static str,
    path: String,
    message: String,
}

impl MineError {
    pub(super) fn new(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        MineError { code, path: path.into(), message: message.into() }
    }

    /// An activity that the log does not have.
    pub(super) fn unknown<'a>(path: &str, name: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let hint = nearest(name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        Self::new("unknown_activity", path, format!("the log has no activity `{}`{hint}", shown(name)))
    }

    /// A name that the playbook does not declare.
    pub(crate) fn undeclared<'a>(what: &str, path: &str, name: &str, names: impl IntoIterator<Item = &'a str>) -> Self {
        let hint = nearest(name, names).map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let message = format!("{what} `{}` is not declared in the playbook{hint}", shown(name));
        Self::new("undeclared_name", path, message)
    }

    /// A stable code: `unknown_activity`, `undeclared_name`, `bad_pattern`, `bad_funnel`, `bad_length`, `missing_value`, `too_large`, or that of a column.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Which part of the question or of the table, such as `stages[2]` or the name of a column.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// A name as messages show it.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(80).collect()
}

impl From<ColumnError> for MineError {
    fn from(error: ColumnError) -> Self {
        Self::new(error.code(), error.column().unwrap_or("").to_owned(), error.to_string())
    }
}

impl fmt::Display for MineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for MineError {}
