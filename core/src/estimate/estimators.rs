//! The arithmetic: inverse propensity scores, self-normalised, doubly robust.

use super::choice::{Choice, EstimateError, EstimateOptions};
use crate::measure::normal_quantile;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A mean reward per choice, with an interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "estimated")]
pub struct Estimated {
    /// The estimate.
    pub value: f64,
    /// Its standard error, by customer.
    pub error: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// What another policy would have brought, per recorded choice.
///
/// Intervals are normal, with the linear terms of each estimate (the delta method) added up by customer, because choices of one customer
/// are not independent (K.-Y. Liang and S. Zeger, *Longitudinal data analysis using generalized linear models*, Biometrika 73, 1986).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "off_policy_estimate")]
#[non_exhaustive]
pub struct OffPolicy {
    /// How many choices it rests on.
    pub choices: u64,
    /// Of how many customers.
    pub customers: u64,
    /// What the recorded choices brought.
    pub logged: Estimated,
    /// Inverse propensity score: the mean of weight × reward (D. G. Horvitz and D. J. Thompson, *A generalization of sampling without replacement
    /// from a finite universe*, Journal of the American Statistical Association 47, 1952). Right on average when probabilities are.
    pub inverse_propensity: Estimated,
    /// The same divided by the sum of weights, times the share of choices in which the other policy shows anything (A. Swaminathan and
    /// T. Joachims, *The self-normalized estimator for counterfactual learning*, NIPS 2015). Less variance, a little bias.
    pub self_normalised: Estimated,
    /// A model of the reward, corrected by what the choices say beyond it (M. Dudík, J. Langford and L. Li, *Doubly robust policy evaluation
    /// and learning*, ICML 2011). The model is the mean reward of each offer in its placement, drawn to that of all by ten choices'
    /// weight, of the other half of the customers (cross-fitting). Read this one first.
    pub doubly_robust: Estimated,
    /// `doubly_robust` less `logged`, with the interval of the difference.
    pub gain: Estimated,
    /// How many equally weighted choices would tell as much: (Σ weight)² / Σ weight² (L. Kish, *Survey Sampling*, 1965).
    pub effective_size: f64,
    /// The mean of the weights.
    pub mean_weight: f64,
    /// What it should be: the share that the other policy gives to offers that were ever chosen. What differs more than chance explains
    /// speaks of wrong probabilities.
    pub expected_weight: f64,
    /// The largest weight.
    pub largest_weight: f64,
    /// How many weights were cut to `clip`.
    pub clipped: u64,
    /// The share that the other policy gives to offers that were never chosen there, of which nothing is known but what the model says of all.
    pub unseen: f64,
    /// The share of silence with the other policy.
    pub silent: f64,
    /// Why not to trust it.
    pub warnings: Vec<Overlap>,
}

/// A reason not to trust an estimate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "overlap_warning")]
pub struct Overlap {
    /// `few_customers`, `small_effective_size`, `heavy_choice`, `weights_off`, `unseen_offers` or `clipped`.
    pub code: &'static str,
    /// In words.
    pub message: String,
}

/// Fewer customers than that make a normal interval too short.
const FEW_CUSTOMERS: u64 = 30;
/// A smaller effective size says little, whatever the interval says.
const SMALL: f64 = 100.0;
/// One choice of a larger share of all weight decides alone.
const HEAVY: f64 = 0.1;
/// The mean weight is off when it is farther from what it should be, in standard errors.
const OFF: f64 = 3.0;
/// A larger share of offers without any choice is told.
const UNSEEN: f64 = 0.01;
/// How many choices the mean of all offers counts as for the mean of one.
const PRIOR: f64 = 10.0;

/// Estimates what another policy would have brought.
///
/// # Errors
/// [`EstimateError`] for a number out of range, for no choices, and where weights are so large that the sum is no number.
///
/// # Examples
/// ```
/// use tactful::estimate::{Choice, EstimateOptions, estimate};
/// // A coin chose; the other policy always takes the sofa.
/// let choice = |customer: &str, offer: &str, reward| Choice {
///     customer: customer.into(), placement: "home".into(), offer: offer.into(), probability: 0.5, reward,
///     target: vec![("sofa".into(), 1.0)],
/// };
/// let choices = [choice("a", "sofa", 4.0), choice("b", "lamp", 1.0), choice("c", "sofa", 0.0), choice("d", "lamp", 1.0)];
/// let found = estimate(&choices, &EstimateOptions::default())?;
/// assert_eq!((found.logged.value, found.inverse_propensity.value, found.effective_size), (1.5, 2.0, 2.0));
/// # Ok::<(), tactful::estimate::EstimateError>(())
/// ```
pub fn estimate(choices: &[Choice], options: &EstimateOptions) -> Result<OffPolicy, EstimateError> {
    options.check()?;
    for (place, choice) in choices.iter().enumerate() {
        choice.check(place)?;
    }
    if choices.is_empty() {
        return Err(EstimateError::new("no_choices", "choices", "there is no choice with a probability to estimate from"));
    }
    let customers: BTreeSet<&str> = choices.iter().map(|choice| &*choice.customer).collect();
    let half: BTreeMap<&str, usize> = customers.iter().enumerate().map(|(place, customer)| (*customer, place % 2)).collect();
    let models = [Model::of(choices, &half, 1), Model::of(choices, &half, 0)];
    let rows: Vec<Row> = choices.iter().map(|choice| Row::of(choice, &models, &half, options.clip)).collect();

    let n = choices.len() as f64;
    let mean = |of: &dyn Fn(&Row) -> f64| rows.iter().map(of).sum::<f64>() / n;
    let (logged, weight, answered) = (mean(&|row| row.reward), mean(&|row| row.weight), mean(&|row| row.answered));
    let (weighted, robust) = (mean(&|row| row.weight * row.reward), mean(&|row| row.robust));
    let rate = if weight > 0.0 { weighted / weight } else { 0.0 };
    let spread = Spread { choices, n, z: normal_quantile(0.5 + options.confidence / 2.0) };
    let found = |value: f64, terms: &dyn Fn(&Row) -> f64| spread.estimated(value, rows.iter().map(terms));

    let (sum, squares) =
        rows.iter().fold((0.0, 0.0), |(sum, squares), row| (sum + row.weight, squares + row.weight * row.weight));
    let expected = mean(&|row| row.answered - row.unseen);
    let off = mean(&|row| row.raw) - expected;
    let balance = found(off, &|row| row.raw - (row.answered - row.unseen) - off);
    let largest = rows.iter().fold(0.0_f64, |most, row| most.max(row.weight));
    let mut answer = OffPolicy {
        choices: choices.len() as u64,
        customers: customers.len() as u64,
        logged: found(logged, &|row| row.reward - logged),
        inverse_propensity: found(weighted, &|row| row.weight * row.reward - weighted),
        self_normalised: found(rate * answered, &|row| {
            let scale = if weight > 0.0 { answered / weight } else { 0.0 };
            scale * row.weight * (row.reward - rate) + rate * (row.answered - answered)
        }),
        doubly_robust: found(robust, &|row| row.robust - robust),
        gain: found(robust - logged, &|row| row.robust - row.reward - (robust - logged)),
        effective_size: if squares > 0.0 { sum * sum / squares } else { 0.0 },
        mean_weight: weight,
        expected_weight: expected,
        largest_weight: largest,
        clipped: rows.iter().filter(|row| row.weight < row.raw).count() as u64,
        unseen: mean(&|row| row.unseen),
        silent: (1.0 - answered).max(0.0),
        warnings: Vec::new(),
    };
    let all = [answer.logged, answer.inverse_propensity, answer.self_normalised, answer.doubly_robust, answer.gain];
    let numbers = all.iter().flat_map(|one| [one.value, one.error]).chain([answer.effective_size, answer.mean_weight]);
    if !numbers.into_iter().all(f64::is_finite) {
        return Err(EstimateError::new("not_finite", "", "weights times rewards are too large to add up; give a `clip`"));
    }
    answer.warnings = warnings(&answer, if sum > 0.0 { largest / sum } else { 0.0 }, (off, balance.error));
    Ok(answer)
}

fn warnings(found: &OffPolicy, heaviest: f64, (off, error): (f64, f64)) -> Vec<Overlap> {
    let mut warnings = Vec::new();
    let mut warn = |code, message| warnings.push(Overlap { code, message });
    if found.customers < FEW_CUSTOMERS {
        warn(
            "few_customers",
            format!("there are {} customers: below {FEW_CUSTOMERS} intervals are too short", found.customers),
        );
    }
    if found.effective_size < SMALL {
        let size = found.effective_size;
        warn(
            "small_effective_size",
            format!("poor overlap: {} choices tell as much as {size:.1} would, at least {SMALL} are wanted", found.choices),
        );
    }
    if heaviest > HEAVY {
        warn("heavy_choice", format!("one choice has {:.0} % of all weight; give a `clip` to limit it", heaviest * 100.0));
    }
    if off.abs() > OFF * error && off.abs() > 1e-9 {
        warn(
            "weights_off",
            format!(
                "the mean weight should be {:.3} and is {:.3} off, more than chance explains: probabilities may be wrong",
                found.expected_weight, off
            ),
        );
    }
    if found.unseen > UNSEEN {
        let share = found.unseen * 100.0;
        warn(
            "unseen_offers",
            format!("{share:.1} % goes to offers that were never chosen there, so that nothing is known of them"),
        );
    }
    if found.clipped > 0 {
        warn("clipped", format!("{} weights were cut, which biases the estimate", found.clipped));
    }
    warnings
}

/// What one choice says.
struct Row {
    reward: f64,
    /// How many times more probable the other policy makes it.
    raw: f64,
    /// The same, at most the clip.
    weight: f64,
    /// How probable it is that the other policy shows anything.
    answered: f64,
    /// How probable something is that was never chosen.
    unseen: f64,
    robust: f64,
}

impl Row {
    fn of(choice: &Choice, models: &[Model<'_>; 2], half: &BTreeMap<&str, usize>, clip: Option<f64>) -> Self {
        let side = half.get(&*choice.customer).copied().unwrap_or(0);
        let model = &models[side];
        let place = &*choice.placement;
        let own =
            choice.target.iter().filter(|(offer, _)| *offer == choice.offer).map(|(_, probability)| probability).sum::<f64>();
        let raw = own / choice.probability;
        let weight = clip.map_or(raw, |clip| raw.min(clip));
        let said: f64 = choice.target.iter().map(|(offer, probability)| probability * model.reward(place, offer)).sum();
        let seen = |offer: &str| models.iter().any(|model| model.offers.contains_key(&(place, offer)));
        Row {
            reward: choice.reward,
            raw,
            weight,
            answered: choice.target.iter().fold(0.0, |sum, (_, probability)| sum + probability),
            unseen: choice.target.iter().filter(|(offer, _)| !seen(offer)).fold(0.0, |sum, (_, probability)| sum + probability),
            robust: said + weight * (choice.reward - model.reward(place, &choice.offer)),
        }
    }
}

/// The mean reward of each offer in its placement, drawn to that of all.
struct Model<'a> {
    offers: BTreeMap<(&'a str, &'a str), (f64, f64)>,
    mean: f64,
}

impl<'a> Model<'a> {
    /// Of the choices of one half of the customers.
    fn of(choices: &'a [Choice], half: &BTreeMap<&str, usize>, side: usize) -> Self {
        let mut offers: BTreeMap<(&str, &str), (f64, f64)> = BTreeMap::new();
        let (mut sum, mut count) = (0.0, 0.0);
        for choice in choices.iter().filter(|choice| half.get(&*choice.customer) == Some(&side)) {
            let own = offers.entry((&choice.placement, &choice.offer)).or_default();
            own.0 += choice.reward;
            own.1 += 1.0;
            sum += choice.reward;
            count += 1.0;
        }
        Model { offers, mean: if count > 0.0 { sum / count } else { 0.0 } }
    }

    fn reward(&self, placement: &str, offer: &str) -> f64 {
        let (sum, count) = self.offers.get(&(placement, offer)).copied().unwrap_or_default();
        (sum + PRIOR * self.mean) / (count + PRIOR)
    }
}

/// From what each choice adds to an estimate to its interval.
struct Spread<'a> {
    choices: &'a [Choice],
    n: f64,
    z: f64,
}

impl Spread<'_> {
    fn estimated(&self, value: f64, terms: impl Iterator<Item = f64>) -> Estimated {
        let mut customers: BTreeMap<&str, f64> = BTreeMap::new();
        for (choice, term) in self.choices.iter().zip(terms) {
            *customers.entry(&choice.customer).or_default() += term;
        }
        let count = customers.len() as f64;
        let squares: f64 = customers.values().map(|sum| sum * sum).sum();
        // One customer says nothing about the spread.
        let small = if count > 1.0 { count / (count - 1.0) } else { 0.0 };
        let error = libm::sqrt(small * squares) / self.n;
        Estimated { value, error, low: value - self.z * error, high: value + self.z * error }
    }
}
