//! Experiments: which variant a customer has, and whether the variants have the shares that they should.

use super::{Asked, QueryError, Question, Subject, shown};
use crate::measure::goodness_of_fit;
use crate::value::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which variant of every experiment a customer has at an instant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Experiments {
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
}

/// The variants of a customer.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "experiments")]
pub(super) struct ExperimentsAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// In the order of the playbook.
    experiments: Vec<Variant<'a>>,
}

/// What an experiment does with a customer.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "variant")]
struct Variant<'a> {
    /// The experiment.
    experiment: &'a str,
    /// The variant, or `holdout`; null when the customer takes no part.
    variant: Option<&'a str>,
    /// Which of the 10,000 parts the identifier falls into; null when the first exposure decided, or without a part in it.
    bucket: Option<u32>,
    /// Whether the first exposure decided.
    exposed: bool,
}

impl Question for Experiments {
    const NAME: &'static str = "experiments";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = ExperimentsAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<ExperimentsAnswer<'a>, QueryError> {
        let customer = asked.customer_at(self.known_at.unwrap_or(self.now))?;
        let experiments = &asked.engine.model().rules.experiments;
        let view = customer.view(self.known_at.unwrap_or(self.now));
        let assigned = experiments.assign(view, self.now, None);
        let variant = |(rule, assigned): (&'a crate::context::ExperimentRule, Option<crate::context::Assignment>)| Variant {
            experiment: &rule.name,
            variant: assigned.and_then(|assigned| rule.arm(assigned.arm)).map(|name| &**name),
            bucket: assigned.and_then(|assigned| assigned.bucket),
            exposed: assigned.is_some_and(|assigned| assigned.bucket.is_none()),
        };
        let experiments = experiments.rules.iter().zip(assigned).map(variant).collect();
        Ok(ExperimentsAnswer { customer: customer.id(), experiments })
    }
}

/// Whether the variants of an experiment were shown to as many customers as they should have been: a check of the sample ratio. A
/// difference that chance does not explain means that something is wrong with the experiment, whatever its result.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SampleRatio {
    /// The experiment.
    experiment: String,
    /// The instant up to which is counted.
    now: Timestamp,
    /// How unlikely a difference has to be, by chance, to be called a mismatch; 0.001 unless given.
    alarm: Option<f64>,
}

/// Customers by variant, and how well that fits.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "sample_ratio")]
pub(super) struct SampleRatioAnswer<'a> {
    /// The experiment.
    experiment: &'a str,
    /// In the order of the playbook, those held out first.
    variants: Vec<Sample<'a>>,
    /// The sum of (observed - expected)² / expected; null when nobody was exposed or there is one variant only.
    chi_squared: Option<f64>,
    /// How often chance alone is as far off or farther.
    p_value: Option<f64>,
    /// Whether `p_value` is below `alarm`.
    mismatch: Option<bool>,
}

/// A variant as it was shown.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "sample")]
struct Sample<'a> {
    /// The variant, or `holdout`.
    variant: &'a str,
    /// The customers whose first exposure it was.
    customers: u64,
    /// How many it should have been of all that were exposed.
    expected: f64,
}

impl Question for SampleRatio {
    const NAME: &'static str = "sample_ratio";
    const SUBJECT: Subject = Subject::Base;
    type Answer<'a> = SampleRatioAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<SampleRatioAnswer<'a>, QueryError> {
        let base = asked.base()?;
        let alarm = self.alarm.unwrap_or(0.001);
        if !(alarm > 0.0 && alarm < 1.0) {
            return Err(QueryError::new("out_of_range", "alarm", "expected a number above 0 and below 1"));
        }
        let playbook = asked.engine.playbook();
        let place = playbook.experiments.iter().position(|experiment| *experiment.name.text == *self.experiment);
        let Some((place, declared)) = place.and_then(|place| Some((place, playbook.experiments.get(place)?))) else {
            let names = playbook.experiments.iter().map(|experiment| &*experiment.name.text);
            let near = crate::error::nearest(&self.experiment, names);
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            let message = format!("experiment `{}` is not declared{hint}", shown(&self.experiment));
            return Err(QueryError::new("undeclared_experiment", "experiment", message));
        };
        let experiments = &asked.engine.model().rules.experiments;
        let arms: Vec<_> = declared.arms().collect();
        let mut counts = vec![0_u64; arms.len()];
        for customer in base.iter() {
            let told = experiments.told(customer.view(self.now), self.now, None);
            if let Some(count) = told.get(place).copied().flatten().and_then(|arm| counts.get_mut(arm)) {
                *count += 1;
            }
        }
        let shares: Vec<f64> = arms.iter().map(|(_, share)| f64::from(*share)).collect();
        let (total, whole) = (counts.iter().sum::<u64>() as f64, shares.iter().sum::<f64>());
        // A variant of no share is no class of the test.
        let (tested, of): (Vec<u64>, Vec<f64>) = counts.iter().zip(&shares).filter(|(_, share)| **share > 0.0).unzip();
        let fit = goodness_of_fit(&tested, &of);
        let rules = experiments.rules.get(place);
        let variants = counts.iter().zip(&shares).enumerate().filter_map(|(arm, (customers, share))| {
            let variant = rules.and_then(|rule| rule.arm(arm))?;
            Some(Sample { variant, customers: *customers, expected: total * share / whole })
        });
        Ok(SampleRatioAnswer {
            experiment: &declared.name.text,
            variants: variants.collect(),
            chi_squared: fit.map(|fit| fit.chi_squared),
            p_value: fit.map(|fit| fit.p_value),
            mismatch: fit.map(|fit| fit.p_value < alarm),
        })
    }
}
