use super::contribution::Contribution;
use super::rules::TrendRules;
use super::snapshot::Snapshot;
use crate::value::Timestamp;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What was counted over customers, with what each of them contributed, so that it can be replaced and forgotten.
#[derive(Debug, Clone, PartialEq)]
pub struct Trends {
    pub(super) rules: Arc<TrendRules>,
    /// By the customer's id.
    pub(super) contributions: BTreeMap<Arc<str>, Arc<Contribution>>,
}

/// Trends that do not belong together, or a question that they cannot answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrendError {
    code: &'static str,
    message: String,
}

impl TrendError {
    pub(crate) fn new(code: &'static str, message: String) -> Self {
        TrendError { code, message }
    }

    /// A stable code: `other_trends`, `unknown_trend`, `unknown_dimension`, `too_early`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }
}

impl fmt::Display for TrendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TrendError {}

impl Trends {
    /// Trends of nobody.
    pub(crate) fn new(rules: Arc<TrendRules>) -> Self {
        Trends { rules, contributions: BTreeMap::new() }
    }

    /// Replaces what a customer contributed, under any of their identifiers, by what they contribute now.
    pub(crate) fn replace<'a>(&mut self, id: &str, identifiers: impl Iterator<Item = &'a str>, contribution: Contribution) {
        identifiers.for_each(|identifier| {
            self.contributions.remove(identifier);
        });
        if !contribution.is_empty() {
            self.contributions.insert(Arc::from(id), Arc::new(contribution));
        }
    }

    /// Takes back what a customer contributed; says whether there was anything.
    pub fn forget(&mut self, id: &str) -> bool {
        self.contributions.remove(id).is_some()
    }

    /// How many customers contribute.
    #[must_use]
    pub fn len(&self) -> usize {
        self.contributions.len()
    }

    /// Whether nobody contributes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.contributions.is_empty()
    }

    /// What a customer contributes.
    #[must_use]
    pub fn contribution(&self, id: &str) -> Option<&Contribution> {
        self.contributions.get(id).map(|contribution| &**contribution)
    }

    /// Adds other trends: associative and commutative, with equal bits in any order.
    ///
    /// # Errors
    /// [`TrendError`] with code `other_trends` when what is counted differs; nothing is changed then.
    pub fn merge(&mut self, other: &Trends) -> Result<(), TrendError> {
        if self.rules != other.rules {
            let message = "the trends were counted by other rules, which cannot be added".to_owned();
            return Err(TrendError::new("other_trends", message));
        }
        for (id, contribution) in &other.contributions {
            match self.contributions.get_mut(id) {
                Some(own) => Arc::make_mut(own).add(contribution),
                None => {
                    self.contributions.insert(id.clone(), contribution.clone());
                }
            }
        }
        Ok(())
    }

    /// What decisions may read at `at` and after: the epochs that are over by then, in cells of at least `k` customers.
    ///
    /// With the snapshot that was read before, a cell in which fewer than `k` customers changed since stays as it was, so that the
    /// difference of two answers tells about nobody either.
    ///
    /// # Errors
    /// [`TrendError`] with code `other_trends` when the one before counted by other rules.
    pub fn snapshot(&self, at: Timestamp, before: Option<&Snapshot>) -> Result<Snapshot, TrendError> {
        match before {
            Some(before) if before.rules != self.rules => {
                let message = "the snapshot before was counted by other rules".to_owned();
                Err(TrendError::new("other_trends", message))
            }
            before => Ok(Snapshot::of(self, at, before)),
        }
    }
}
