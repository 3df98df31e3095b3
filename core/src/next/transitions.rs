use super::forecast::Forecast;
use super::spec::{NextError, NextSpec};
use super::steps::{Contribution, Contributions};
use crate::value::Timestamp;
use std::sync::Arc;

/// What followed on what in a population, with what each customer contributed, so that it can be replaced and forgotten.
///
/// It holds numbers about single customers and is for the same eyes as they are; what may be told is a [`Forecast`].
#[derive(Debug, Clone, PartialEq)]
pub struct Transitions {
    pub(super) spec: Arc<NextSpec>,
    pub(super) contributions: Contributions,
}

impl Transitions {
    /// Of nobody.
    pub(crate) fn new(spec: Arc<NextSpec>) -> Self {
        Transitions { spec, contributions: Contributions::new() }
    }

    pub(crate) fn spec(&self) -> &Arc<NextSpec> {
        &self.spec
    }

    /// The instant as of which is counted.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.spec.options.at
    }

    /// Replaces what a customer contributed, under any of their identifiers, by what they contribute now.
    pub(crate) fn replace<'a>(&mut self, id: &str, identifiers: impl Iterator<Item = &'a str>, contribution: Contribution) {
        identifiers.for_each(|identifier| {
            self.contributions.remove(identifier);
        });
        if !contribution.0.is_empty() {
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

    /// Adds those of another population: associative and commutative, with equal bits in any order.
    ///
    /// # Errors
    /// [`NextError`] with code `other_transitions` when what is counted differs; nothing is changed then.
    pub fn merge(&mut self, other: &Transitions) -> Result<(), NextError> {
        if self.spec != other.spec {
            let message = "the transitions are of another playbook, instant or period, which cannot be added";
            return Err(NextError::new("other_transitions", "", message));
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

    /// What may be told of them: every number is about at least so many customers as `predict.k` of its journey says.
    #[must_use]
    pub fn forecast(&self) -> Forecast {
        Forecast::of(self)
    }
}
