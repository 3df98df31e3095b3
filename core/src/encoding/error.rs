use std::fmt;

/// Bytes that are no state, or that this engine cannot take. Nothing was changed.
///
/// The message never repeats what the bytes hold, which may be personal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StateError {
    code: &'static str,
    offset: usize,
    message: String,
}

impl StateError {
    pub(crate) fn new(code: &'static str, offset: usize, message: impl Into<String>) -> Self {
        StateError { code, offset, message: message.into() }
    }

    /// Bytes that say what no writer writes.
    pub(crate) fn corrupt(offset: usize, expected: &str) -> Self {
        Self::new("corrupt", offset, format!("the bytes at {offset} are not what was written there: expected {expected}"))
    }

    /// A stable code: `not_state`, `newer_format`, `truncated`, `damaged`, `corrupt`, `other_playbook`, `undeclared_namespace`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Where in the bytes, counted from 0.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// What is wrong, and what was expected.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for StateError {}
