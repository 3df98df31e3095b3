use std::fmt;
use std::sync::Arc;

/// A choice that was recorded, and how another policy would have chosen there.
#[derive(Clone, PartialEq)]
pub struct Choice {
    /// Whose it is; the choices of one customer are not independent of each other.
    pub customer: Arc<str>,
    /// The placement.
    pub placement: Arc<str>,
    /// The answer that it is part of, where that has several slots: the choices of one slate follow each other in the order in which the
    /// slots were filled. A choice without one stands alone.
    pub slate: Option<Arc<str>>,
    /// What was chosen; empty for a slot of a slate that stayed empty because nothing was left for it.
    pub offer: Arc<str>,
    /// How probable that was after what the slots before took, above 0 to 1.
    pub probability: f64,
    /// What came of it.
    pub reward: f64,
    /// How probable each offer would have been with the other policy, had it filled the slots before with what was chosen for them; together at
    /// most 1, what is missing is silence, which brings nothing.
    pub target: Vec<(Arc<str>, f64)>,
}

/// What was chosen, not for whom.
impl fmt::Debug for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Choice").field("offer", &self.offer).field("probability", &self.probability).finish_non_exhaustive()
    }
}

/// How to estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct EstimateOptions {
    /// The largest weight: a choice, or a slot of a slate with those before it, counts at most so many times. Less variance, for a bias toward what the model says (doubly robust) or
    /// toward zero; none when not given.
    pub clip: Option<f64>,
    /// How often the interval is to hold the truth, above 0 and below 1; 0.95 by default.
    pub confidence: f64,
}

impl Default for EstimateOptions {
    fn default() -> Self {
        EstimateOptions { clip: None, confidence: 0.95 }
    }
}

/// Why nothing can be estimated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EstimateError {
    code: &'static str,
    path: String,
    message: String,
}

impl EstimateError {
    pub(crate) fn new(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        EstimateError { code, path: path.into(), message: message.into() }
    }

    /// A stable code such as `no_choices`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Which part of what was given, such as `choices[3].probability`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, and what was expected.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for EstimateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl std::error::Error for EstimateError {}

/// How far the sum of probabilities may be above 1 because of rounding.
const ROUNDING: f64 = 1e-6;

impl EstimateOptions {
    pub(super) fn check(&self) -> Result<(), EstimateError> {
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return Err(EstimateError::new("out_of_range", "confidence", "expected a number above 0 and below 1"));
        }
        match self.clip {
            Some(clip) if !(clip > 0.0 && clip.is_finite()) => {
                Err(EstimateError::new("out_of_range", "clip", "expected a number above 0"))
            }
            _ => Ok(()),
        }
    }
}

impl Choice {
    pub(super) fn check(&self, place: usize) -> Result<(), EstimateError> {
        let wrong = |part: &str, message: &str| {
            Err(EstimateError::new("out_of_range", format!("choices[{place}].{part}"), message.to_owned()))
        };
        if !(self.probability > 0.0 && self.probability <= 1.0 + ROUNDING) {
            return wrong("probability", "expected a number above 0, at most 1");
        }
        if !self.reward.is_finite() {
            return wrong("reward", "expected a finite number");
        }
        let total: f64 = self.target.iter().map(|(_, probability)| probability).sum();
        if !self.target.iter().all(|(_, probability)| *probability >= 0.0) || total > 1.0 + ROUNDING {
            return wrong("target", "expected probabilities from 0 that are together at most 1");
        }
        Ok(())
    }
}
