//! The arithmetic: inverse propensity scores, self-normalised, doubly robust.

use super::choice::{Choice, EstimateError, EstimateOptions};
use crate::measure::normal_quantile;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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

/// What another policy would have brought, per recorded choice; of a slate in all its slots together.
///
/// Intervals are normal, with the linear terms of each estimate (the delta method) added up by customer, because choices of one customer
/// are not independent (K.-Y. Liang and S. Zeger, *Longitudinal data analysis using generalized linear models*, Biometrika 73, 1986).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "off_policy_estimate")]
#[non_exhaustive]
pub struct OffPolicy {
    /// How many choices it rests on; the slots of one slate are one.
    pub choices: u64,
    /// How many slots were filled in these.
    pub slots: u64,
    /// Of how many customers.
    pub customers: u64,
    /// What the recorded choices brought.
    pub logged: Estimated,
    /// Inverse propensity score: the mean of weight × reward (D. G. Horvitz and D. J. Thompson, *A generalization of sampling without replacement
    /// from a finite universe*, Journal of the American Statistical Association 47, 1952). Right on average when probabilities are.
    pub inverse_propensity: Estimated,
    /// The same divided by the sum of weights, times the share of choices in which the other policy shows anything (A. Swaminathan and
    /// T. Joachims, *The self-normalized estimator for counterfactual learning*, NIPS 2015). Of slates slot by slot, added up. Less variance,
    /// a little bias.
    pub self_normalised: Estimated,
    /// A model of the reward, corrected by what the choices say beyond it (M. Dudík, J. Langford and L. Li, *Doubly robust policy evaluation
    /// and learning*, ICML 2011). The model is the mean reward of each offer in its placement, drawn to that of all by ten choices'
    /// weight, of the other half of the customers (cross-fitting). Of slates slot by slot, of what comes of each slot itself: for slots after
    /// the first the model lessens the variance, but does not make up for wrong probabilities. Read this one first.
    pub doubly_robust: Estimated,
    /// `doubly_robust` less `logged`, with the interval of the difference.
    pub gain: Estimated,
    /// How many equally weighted choices would tell as much: (Σ weight)² / Σ weight² (L. Kish, *Survey Sampling*, 1965); of a slate the weight of
    /// its last slot.
    pub effective_size: f64,
    /// The mean of the weights, of a slate that of its last slot.
    pub mean_weight: f64,
    /// What it should be: the share that the other policy gives to offers that were ever chosen. What differs more than chance explains
    /// speaks of wrong probabilities.
    pub expected_weight: f64,
    /// The largest weight.
    pub largest_weight: f64,
    /// How many weights were cut to `clip`; those of slots are counted each.
    pub clipped: u64,
    /// The share that the other policy gives to offers that were never chosen there, or for a slot for which nothing was left, of which
    /// nothing is known but what the model says of all.
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
/// Choices of one [slate](Choice::slate) are estimated together: a slot counts as many times as the other policy makes it and all slots before it more
/// probable (the product of their weights), whatever the slots after it hold. That is right on average when what comes of a slot depends
/// on the slots up to it, not on those after it (D. Precup, R. S. Sutton and S. Singh, *Eligibility traces for off-policy policy evaluation*,
/// ICML 2000; for slates J. McInerney, B. Brost, P. Chandar, R. Mehrotra and B. Carterette, *Counterfactual evaluation of slate recommendations
/// with sequential reward interactions*, KDD 2020).
///
/// # Errors
/// [`EstimateError`] for a number out of range, for no choices, for a slate of two customers, and where weights are so large that the
/// sum is no number.
///
/// # Examples
/// ```
/// use tactful::estimate::{Choice, EstimateOptions, estimate};
/// // A coin chose; the other policy always takes the sofa.
/// let choice = |customer: &str, offer: &str, reward| Choice {
///     customer: customer.into(), placement: "home".into(), slate: None, offer: offer.into(), probability: 0.5, reward,
///     target: vec![("sofa".into(), 1.0)],
/// };
/// let choices = [choice("a", "sofa", 4.0), choice("b", "lamp", 1.0), choice("c", "sofa", 0.0), choice("d", "lamp", 1.0)];
/// let found = estimate(&choices, &EstimateOptions::default())?;
/// assert_eq!((found.logged.value, found.inverse_propensity.value, found.effective_size), (1.5, 2.0, 2.0));
/// # Ok::<(), tactful::estimate::EstimateError>(())
/// ```
pub fn estimate(choices: &[Choice], options: &EstimateOptions) -> Result<OffPolicy, EstimateError> {
    estimate_among(choices, options, &|_| true)
}

/// The same of what comes of some placements only; slots of others count for the weights of those after them.
pub(super) fn estimate_among(
    choices: &[Choice],
    options: &EstimateOptions,
    wanted: &dyn Fn(&str) -> bool,
) -> Result<OffPolicy, EstimateError> {
    options.check()?;
    for (place, choice) in choices.iter().enumerate() {
        choice.check(place)?;
    }
    let slates = slates(choices)?;
    let customers: BTreeSet<&str> = choices.iter().map(|choice| &*choice.customer).collect();
    let half: BTreeMap<&str, usize> = customers.iter().enumerate().map(|(place, customer)| (*customer, place % 2)).collect();
    let models = [Model::of(&slates, &half, 1), Model::of(&slates, &half, 0)];
    let rows: Vec<Row> = slates
        .iter()
        .map(|slate| Row::of(slate, &models, &half, options.clip, wanted))
        .filter(|row| !row.steps.is_empty())
        .collect();
    if rows.is_empty() {
        return Err(EstimateError::new("no_choices", "choices", "there is no choice with a probability to estimate from"));
    }

    let n = rows.len() as f64;
    let mean = |of: &dyn Fn(&Row) -> f64| rows.iter().map(of).sum::<f64>() / n;
    let spread = Spread { n, z: normal_quantile(0.5 + options.confidence / 2.0) };
    let found =
        |value: f64, terms: &dyn Fn(&Row) -> f64| spread.estimated(value, rows.iter().map(|row| (&*row.customer, terms(row))));
    let (reward, weighted) = (|row: &Row| row.sum(|step| step.reward), |row: &Row| row.sum(|step| step.weight * step.reward));
    let robust = |row: &Row| row.sum(|step| step.robust);
    let (logged, propensity, doubly) = (mean(&reward), mean(&weighted), mean(&robust));

    // By number of the slot: the mean reward of the slots that are filled, and how often the other policy fills it.
    let last = rows.iter().flat_map(|row| &row.steps).map(|step| step.slot).max().unwrap_or(0);
    let rates: Vec<Rate> = (0..=last).map(|slot| Rate::of(&rows, slot, n)).collect();
    let normalised = |row: &Row| rates.iter().enumerate().map(|(slot, rate)| rate.term(row, slot)).sum::<f64>();

    let ends = |row: &Row| row.steps.last().map_or((0.0, 0.0), |step| (step.weight, step.raw));
    let (sum, squares) =
        rows.iter().map(ends).fold((0.0, 0.0), |(sum, squares), (weight, _)| (sum + weight, squares + weight * weight));
    let expected = mean(&|row| row.expected());
    let off = mean(&|row| ends(row).1) - expected;
    let balance = found(off, &|row| ends(row).1 - row.expected() - off);
    let largest = rows.iter().flat_map(|row| &row.steps).fold(0.0_f64, |most, step| most.max(step.weight));
    let reached = mean(&|row| row.sum(|step| step.before));
    let share = |of: &dyn Fn(&Step) -> f64| {
        if reached > 0.0 { mean(&|row| row.sum(|step| step.before * of(step))) / reached } else { 0.0 }
    };
    let mut answer = OffPolicy {
        choices: rows.len() as u64,
        slots: rows.iter().flat_map(|row| &row.steps).filter(|step| step.filled > 0.0).count() as u64,
        customers: rows.iter().map(|row| &row.customer).collect::<BTreeSet<_>>().len() as u64,
        logged: found(logged, &|row| reward(row) - logged),
        inverse_propensity: found(propensity, &|row| weighted(row) - propensity),
        self_normalised: found(rates.iter().map(|rate| rate.mean * rate.filled).sum(), &normalised),
        doubly_robust: found(doubly, &|row| robust(row) - doubly),
        gain: found(doubly - logged, &|row| robust(row) - reward(row) - (doubly - logged)),
        effective_size: if squares > 0.0 { sum * sum / squares } else { 0.0 },
        mean_weight: sum / n,
        expected_weight: expected,
        largest_weight: largest,
        clipped: rows.iter().flat_map(|row| &row.steps).filter(|step| step.weight < step.raw).count() as u64,
        unseen: share(&|step| step.unseen),
        silent: (1.0 - share(&|step| step.answered)).max(0.0),
        warnings: Vec::new(),
    };
    let all = [answer.logged, answer.inverse_propensity, answer.self_normalised, answer.doubly_robust, answer.gain];
    let numbers = all.iter().flat_map(|one| [one.value, one.error]).chain([answer.effective_size, answer.mean_weight]);
    if !numbers.into_iter().all(f64::is_finite) {
        return Err(EstimateError::new("not_finite", "", "weights times rewards are too large to add up; give a `clip`"));
    }
    let heaviest = rows.iter().fold(0.0_f64, |most, row| most.max(ends(row).0));
    answer.warnings = warnings(&answer, if sum > 0.0 { heaviest / sum } else { 0.0 }, (off, balance.error));
    Ok(answer)
}

/// Choices that follow each other, in the order of the first of each.
fn slates(choices: &[Choice]) -> Result<Vec<Vec<&Choice>>, EstimateError> {
    let mut slates: Vec<Vec<&Choice>> = Vec::new();
    let mut known: BTreeMap<&str, usize> = BTreeMap::new();
    for (place, choice) in choices.iter().enumerate() {
        let at = choice.slate.as_deref().map(|name| *known.entry(name).or_insert(slates.len()));
        match at.and_then(|at| slates.get_mut(at)) {
            None => slates.push(vec![choice]),
            Some(slate) if slate.first().is_some_and(|first| first.customer != choice.customer) => {
                let message = "the choices of a slate are those of one answer, to one customer";
                return Err(EstimateError::new("mixed_slate", format!("choices[{place}].customer"), message));
            }
            Some(slate) => slate.push(choice),
        }
    }
    Ok(slates)
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

/// What one slate says.
struct Row {
    customer: Arc<str>,
    /// The slots of which is asked what comes.
    steps: Vec<Step>,
}

/// What one slot says.
struct Step {
    /// Its number in its placement.
    slot: usize,
    reward: f64,
    /// How many times the slots before it count.
    before: f64,
    /// How many times more probable the other policy makes it and all before it.
    raw: f64,
    /// The same, at most the clip.
    weight: f64,
    /// 1 where it was filled, else 0.
    filled: f64,
    /// How probable it is that the other policy fills it.
    answered: f64,
    /// How probable it fills it with something that was never chosen there.
    unseen: f64,
    /// What the weight should be on average, given the slots before.
    expected: f64,
    robust: f64,
}

impl Row {
    fn of(
        slate: &[&Choice],
        models: &[Model<'_>; 2],
        half: &BTreeMap<&str, usize>,
        clip: Option<f64>,
        wanted: &dyn Fn(&str) -> bool,
    ) -> Self {
        let customer = slate.first().map_or_else(|| Arc::from(""), |choice| choice.customer.clone());
        let model = &models[half.get(&*customer).copied().unwrap_or(0)];
        let (mut before, mut steps) = (1.0, Vec::new());
        for (choice, slot) in numbered(slate) {
            let place = (&*choice.placement, slot);
            let cut = |weight: f64| clip.map_or(weight, |clip| weight.min(clip));
            let named = |(offer, _): &&(Arc<str>, f64)| *offer == choice.offer;
            let answered = choice.target.iter().fold(0.0, |sum, (_, probability)| sum + probability);
            let filled = !choice.offer.is_empty();
            let own = match filled {
                true => choice.target.iter().filter(named).map(|(_, probability)| probability).sum::<f64>(),
                false => (1.0 - answered).max(0.0),
            };
            let raw = before * (own / choice.probability);
            let said: f64 = choice.target.iter().map(|(offer, probability)| probability * model.reward(place, offer)).sum();
            let seen = |offer: &str| filled && models.iter().any(|model| model.offers.contains_key(&(place, offer)));
            let unseen =
                choice.target.iter().filter(|(offer, _)| !seen(offer)).fold(0.0, |sum, (_, probability)| sum + probability);
            let (reached, weight) = (cut(before), cut(raw));
            let modelled = if filled { model.reward(place, &choice.offer) } else { 0.0 };
            if wanted(&choice.placement) {
                steps.push(Step {
                    slot,
                    reward: choice.reward,
                    before: reached,
                    raw,
                    weight,
                    filled: if filled { 1.0 } else { 0.0 },
                    answered,
                    unseen,
                    expected: before * if filled { answered - unseen } else { 1.0 - answered },
                    robust: reached * said + weight * (choice.reward - modelled),
                });
            }
            before = raw;
        }
        Row { customer, steps }
    }

    fn sum(&self, of: impl Fn(&Step) -> f64) -> f64 {
        self.steps.iter().fold(0.0, |sum, step| sum + of(step))
    }

    /// What the last weight should be: each slot's is on average what it should be given those before.
    fn expected(&self) -> f64 {
        let before = self.steps.split_last().map_or(&[][..], |(_, before)| before);
        self.sum(|step| step.expected) - before.iter().fold(0.0, |sum, step| sum + step.raw)
    }
}

/// The choices of a slate, each with its number among those of its placement.
fn numbered<'a, 's>(slate: &'s [&'a Choice]) -> impl Iterator<Item = (&'a Choice, usize)> + 's {
    let mut slots: BTreeMap<&str, usize> = BTreeMap::new();
    slate.iter().map(move |choice| {
        let next = slots.entry(&choice.placement).or_insert(0);
        *next += 1;
        (*choice, *next - 1)
    })
}

/// The mean reward with which the other policy fills a slot, and how often it fills it, each divided by its own weights.
struct Rate {
    /// The mean reward where it is filled.
    mean: f64,
    /// How often it is filled, per slate.
    filled: f64,
    /// The mean of the weights of filled slots.
    weight: f64,
    /// How often there is such a slot.
    there: f64,
    /// The share of those that is filled.
    share: f64,
    /// The mean of the weights of the slots before.
    reached: f64,
}

impl Rate {
    fn of(rows: &[Row], slot: usize, n: f64) -> Self {
        let mean = |of: &dyn Fn(&Step) -> f64| rows.iter().map(|row| Rate::sum(row, slot, of)).sum::<f64>() / n;
        let over = |sum: f64, weights: f64| if weights > 0.0 { sum / weights } else { 0.0 };
        let (there, reached, weight) = (mean(&|_| 1.0), mean(&|step| step.before), mean(&|step| step.filled * step.weight));
        let share = over(mean(&|step| step.before * step.answered), reached);
        Rate {
            mean: over(mean(&|step| step.weight * step.reward), weight),
            filled: there * share,
            weight,
            there,
            share,
            reached,
        }
    }

    fn sum(row: &Row, slot: usize, of: &dyn Fn(&Step) -> f64) -> f64 {
        row.steps.iter().filter(|step| step.slot == slot).fold(0.0, |sum, step| sum + of(step))
    }

    /// What a slate adds to the product of mean and share, to first order.
    fn term(&self, row: &Row, slot: usize) -> f64 {
        let over = |sum: f64, weights: f64| if weights > 0.0 { sum / weights } else { 0.0 };
        let rate = over(self.filled, self.weight);
        let won = Rate::sum(row, slot, &|step| rate * step.filled * step.weight * (step.reward - self.mean));
        let fills = Rate::sum(row, slot, &|step| step.before * (step.answered - self.share));
        let there = Rate::sum(row, slot, &|_| 1.0) - self.there;
        won + self.mean * (over(self.there, self.reached) * fills + self.share * there)
    }
}

/// The mean reward of each offer in its slot, drawn to that of all in the slots of that number.
struct Model<'a> {
    offers: BTreeMap<((&'a str, usize), &'a str), (f64, f64)>,
    means: BTreeMap<usize, (f64, f64)>,
}

impl<'a> Model<'a> {
    /// Of the choices of one half of the customers.
    fn of(slates: &[Vec<&'a Choice>], half: &BTreeMap<&str, usize>, side: usize) -> Self {
        let mut model = Model { offers: BTreeMap::new(), means: BTreeMap::new() };
        let own = |slate: &&Vec<&Choice>| slate.first().is_some_and(|first| half.get(&*first.customer) == Some(&side));
        for (choice, slot) in slates.iter().filter(own).flat_map(|slate| numbered(slate)) {
            if choice.offer.is_empty() {
                continue;
            }
            let of_offer = model.offers.entry(((&choice.placement, slot), &choice.offer)).or_default();
            for (sum, count) in [of_offer, model.means.entry(slot).or_default()] {
                *sum += choice.reward;
                *count += 1.0;
            }
        }
        model
    }

    fn reward(&self, place: (&str, usize), offer: &str) -> f64 {
        let (sum, count) = self.offers.get(&(place, offer)).copied().unwrap_or_default();
        let mean = self.means.get(&place.1).map_or(0.0, |(sum, count)| sum / count);
        (sum + PRIOR * mean) / (count + PRIOR)
    }
}

/// From what each choice adds to an estimate to its interval.
struct Spread {
    n: f64,
    z: f64,
}

impl Spread {
    fn estimated<'a>(&self, value: f64, terms: impl Iterator<Item = (&'a str, f64)>) -> Estimated {
        let mut customers: BTreeMap<&str, f64> = BTreeMap::new();
        for (customer, term) in terms {
            *customers.entry(customer).or_default() += term;
        }
        let count = customers.len() as f64;
        let squares: f64 = customers.values().map(|sum| sum * sum).sum();
        // One customer says nothing about the spread.
        let small = if count > 1.0 { count / (count - 1.0) } else { 0.0 };
        let error = libm::sqrt(small * squares) / self.n;
        Estimated { value, error, low: value - self.z * error, high: value + self.z * error }
    }
}
