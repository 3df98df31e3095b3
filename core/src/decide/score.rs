//! The score of an offer: four factors and their product, or a formula of them.

use super::gates::{Detail, Stop, reasons_of};
use super::moment::Moment;
use super::rules::{OfferRule, PlacementRule};
use super::trace::{Gate, Score};
use crate::catalog::amount;
use crate::chance::Beta;
use crate::context::{Context, Rule};
use crate::expr::Facts;
use crate::playbook::{self, Name, Playbook};
use crate::suggest::ItemFacts;
use crate::trends::TrendRules;
use crate::value::Duration;
use std::sync::Arc;

/// The names of the factors, in the order of multiplication.
pub(super) const FACTORS: [&str; 4] = ["propensity", "context", "value", "lever"];

/// Where a factor comes from.
#[derive(Debug)]
pub(crate) enum Factor {
    /// An expression.
    Rule(Rule),
    /// A column of the request, by number.
    Column(usize),
    /// A rate that is learned.
    Learned(Box<LearnedRule>),
    /// Conditions with what they add in hundredths.
    Weights(Vec<(Rule, f64)>),
}

impl Factor {
    /// The expression, when it is one.
    pub(crate) fn rule(&self) -> Option<&Rule> {
        match self {
            Factor::Rule(rule) => Some(rule),
            Factor::Column(_) | Factor::Learned(_) | Factor::Weights(_) => None,
        }
    }

    /// All its expressions.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &Rule> {
        let weights = match self {
            Factor::Weights(weights) => &weights[..],
            Factor::Rule(_) | Factor::Column(_) | Factor::Learned(_) => &[],
        };
        self.rule().into_iter().chain(weights.iter().map(|(rule, _)| rule))
    }

    /// All its expressions, to be changed.
    pub(crate) fn rules_mut(&mut self) -> impl Iterator<Item = &mut Rule> {
        let (rule, weights): (Option<&mut Rule>, &mut [(Rule, f64)]) = match self {
            Factor::Rule(rule) => (Some(rule), &mut []),
            Factor::Weights(weights) => (None, weights),
            Factor::Column(_) | Factor::Learned(_) => (None, &mut []),
        };
        rule.into_iter().chain(weights.iter_mut().map(|(rule, _)| rule))
    }
}

/// A compiled rate of outcomes.
#[derive(Debug)]
pub(crate) struct LearnedRule {
    success: Arc<str>,
    trial: Arc<str>,
    by: Vec<By>,
    trend: Arc<str>,
    half_life: Option<Duration>,
    rate: f64,
    weight: f64,
    /// The number of the trend, and which of its dimensions are asked for; known when all is compiled.
    place: Option<(u16, u64)>,
    /// For each dimension that is asked for, in the order of the trend, its place in `by`; none for the outcome.
    order: Vec<Option<usize>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum By {
    Offer,
    Treatment,
    Placement,
    Channel,
    Segment,
}

impl By {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "offer" => By::Offer,
            "treatment" => By::Treatment,
            "placement" => By::Placement,
            "channel" => By::Channel,
            "segment" => By::Segment,
            _ => return None,
        })
    }
}

impl LearnedRule {
    pub(super) fn of(learned: &playbook::Learned, prior: Option<f64>) -> Self {
        LearnedRule {
            success: learned.success.text.clone(),
            trial: learned.trial.text.clone(),
            by: learned.by.iter().filter_map(|name| By::named(name)).collect(),
            trend: learned.trend.clone(),
            half_life: learned.half_life,
            rate: prior.unwrap_or(0.5),
            weight: learned.weight,
            place: None,
            order: Vec::new(),
        }
    }

    /// Whether it is told apart by the segments of the customer.
    pub(crate) fn by_segment(&self) -> bool {
        self.by.contains(&By::Segment)
    }

    /// Finds the trend among those that are counted.
    pub(crate) fn resolve(&mut self, trends: &TrendRules) {
        let Some((number, rule)) = trends.find(&self.trend) else { return };
        let (mut mask, mut order) = (0_u64, Vec::new());
        for (place, (name, _)) in rule.dimensions.iter().enumerate().take(64) {
            let asked = self.by.iter().position(|by| By::named(name) == Some(*by));
            if **name == *playbook::OUTCOME || asked.is_some() {
                mask |= 1 << place;
                order.push(asked);
            }
        }
        (self.place, self.order) = (Some((number, mask)), order);
    }

    /// How many successes and trials were counted, decayed.
    fn counted(&self, offer: &OfferRule, placement: &PlacementRule, context: &Context<'_>, moment: &Moment<'_>) -> (f64, f64) {
        let (Some(snapshot), Some((trend, mask))) = (moment.trends, self.place) else { return (0.0, 0.0) };
        let totals = snapshot.totals(trend, mask, self.half_life.map(|length| length.micros()));
        let segments: Vec<Option<&Arc<str>>> = match self.by.contains(&By::Segment) {
            true => moment.segments(context).into_iter().map(Some).collect(),
            false => vec![None],
        };
        let read = |outcome: &Arc<str>| {
            let one = |segment: &Option<&Arc<str>>| {
                let value = |asked: &Option<usize>| match asked.and_then(|place| self.by.get(place)) {
                    None => outcome.clone(),
                    Some(By::Offer) => offer.name.clone(),
                    Some(By::Treatment) => format!("{}.{}", offer.name, placement.channel).into(),
                    Some(By::Placement) => placement.name.clone(),
                    Some(By::Channel) => placement.channel.clone(),
                    Some(By::Segment) => segment.cloned().unwrap_or_else(|| Arc::from("")),
                };
                totals.count(&self.order.iter().map(value).collect::<Vec<_>>(), context.now())
            };
            segments.iter().map(one).sum::<f64>()
        };
        (read(&self.success), read(&self.trial))
    }

    /// What is known of the rate.
    pub(super) fn posterior(
        &self,
        offer: &OfferRule,
        placement: &PlacementRule,
        context: &Context<'_>,
        moment: &Moment<'_>,
    ) -> Posterior {
        let (successes, trials) = self.counted(offer, placement, context, moment);
        Posterior { beta: Beta::posterior(self.rate, self.weight, successes, trials), successes, trials, weight: self.weight }
    }
}

/// What is known of a rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Posterior {
    pub(super) beta: Beta,
    pub(super) successes: f64,
    pub(super) trials: f64,
    /// How many trials the prior counts as.
    pub(super) weight: f64,
}

/// A score, and what is known of its propensity when that is learned.
pub(super) struct Scored {
    pub(super) score: Score,
    pub(super) learned: Option<Posterior>,
    /// How the numbers came about, when reasons are wanted.
    pub(super) reasons: Vec<String>,
}

impl OfferRule {
    /// The factors and their product, multiplied in the documented order, or what the formula says.
    pub(super) fn score(
        &self,
        place: usize,
        placement: &PlacementRule,
        context: &Context<'_>,
        item: Option<&ItemFacts<'_, '_>>,
        moment: &Moment<'_>,
        detail: Detail,
    ) -> Result<Scored, Stop> {
        let mut values = [1.0; 4];
        let mut learned = None;
        let mut reasons = Vec::new();
        for ((factor, name), value) in self.factors.iter().zip(FACTORS).zip(&mut values) {
            let Some((factor, prior)) = factor else { continue };
            let number = match factor {
                Factor::Rule(rule) => match item.filter(|_| self.reads_item(rule)) {
                    Some(item) => rule.ask(item).outcome.value().and_then(amount),
                    None => context.number(rule),
                },
                Factor::Weights(weights) => added(weights, &|rule| match item.filter(|_| self.reads_item(rule)) {
                    Some(item) => rule.ask(item).outcome.as_bool(),
                    None => context.holds(rule).truth,
                }),
                Factor::Column(column) => moment.column(*column, place),
                Factor::Learned(rule) => {
                    let posterior = rule.posterior(self, placement, context, moment);
                    if name == "propensity" {
                        learned = Some(posterior);
                    }
                    if detail == Detail::Full {
                        reasons.push(posterior.words(name, rule));
                    }
                    Some(posterior.beta.mean())
                }
            };
            *value = match (number.filter(|number| number.is_finite()), prior) {
                (Some(number), _) => number,
                (None, Some(prior)) => {
                    if detail == Detail::Full {
                        let why = match factor {
                            Factor::Column(column) => moment.unknown_column(*column, name, number),
                            _ => format!("`{name}` is not known"),
                        };
                        reasons.push(format!("{why}: its prior {prior} counts"));
                    }
                    *prior
                }
                (None, None) => {
                    let mut stop = Stop::because(Gate::Score, true, detail, || match factor {
                        Factor::Column(column) => match (moment.unknown_column(*column, name, number), number) {
                            (why, Some(_)) => why + " and has no prior",
                            (why, None) => why + " and no prior",
                        },
                        _ => format!("`{name}` has no value and no prior"),
                    });
                    if detail == Detail::Full {
                        let unknown = |rule: &&Rule| !self.reads_item(rule) && context.holds(rule).truth.is_none();
                        let weighted = matches!(factor, Factor::Weights(_));
                        let why = factor.rules().filter(|rule| !weighted || unknown(rule));
                        stop.reasons.extend(why.flat_map(|rule| match item.filter(|_| self.reads_item(rule)) {
                            Some(item) => crate::expr::explain(rule.checked(), item).reasons(),
                            None => reasons_of(rule, context),
                        }));
                    }
                    return Err(stop);
                }
            };
        }
        match self.total(values, placement, context, item) {
            Some(total) if placement.ranking.at_least.is_some_and(|least| total < least) && !self.mandatory => {
                Err(Stop::because(Gate::Score, false, detail, || {
                    let least = placement.ranking.at_least.unwrap_or(total);
                    format!("its score is {total}, and at least {least} is wanted")
                }))
            }
            Some(total) => {
                let [propensity, fit, worth, lever] = values;
                Ok(Scored { score: Score { propensity, context: fit, value: worth, lever, total }, learned, reasons })
            }
            None => Err(self.no_total(values, placement, context, item, detail)),
        }
    }

    /// What factors come to; `None` when that is no number.
    pub(super) fn total(
        &self,
        factors: [f64; 4],
        placement: &PlacementRule,
        context: &Context<'_>,
        item: Option<&ItemFacts<'_, '_>>,
    ) -> Option<f64> {
        match &placement.ranking.formula {
            Some(formula) => formula.score(self, factors, context, item),
            None => {
                let [propensity, fit, worth, lever] = factors;
                Some(propensity * fit * worth * lever).filter(|total| total.is_finite())
            }
        }
    }

    fn no_total(
        &self,
        factors: [f64; 4],
        placement: &PlacementRule,
        context: &Context<'_>,
        item: Option<&ItemFacts<'_, '_>>,
        detail: Detail,
    ) -> Stop {
        match &placement.ranking.formula {
            Some(formula) => {
                let mut stop = Stop::because(Gate::Score, true, detail, || "the formula has no value".to_owned());
                if detail == Detail::Full {
                    stop.reasons.extend(formula.reasons(self, factors, context, item));
                }
                stop
            }
            None => {
                let reason = || "the product of the factors is beyond the range of numbers".to_owned();
                Stop::because(Gate::Score, false, detail, reason)
            }
        }
    }
}

impl Posterior {
    fn words(&self, name: &str, rule: &LearnedRule) -> String {
        let Posterior { beta, successes, trials, .. } = self;
        format!(
            "`{name}` is learned: {successes:.2} `{}` of {trials:.2} `{}`, so that the rate is Beta({:.4}, {:.4}), its mean {:.6}",
            rule.success,
            rule.trial,
            beta.a,
            beta.b,
            beta.mean(),
        )
    }
}

/// 1 and the hundredths of the conditions that are true, added in their order; `None` when one is unknown.
fn added(weights: &[(Rule, f64)], holds: &dyn Fn(&Rule) -> Option<bool>) -> Option<f64> {
    let mut sum = 0.0;
    for (rule, weight) in weights {
        if holds(rule)? {
            sum += weight;
        }
    }
    Some(1.0 + sum / 100.0)
}

/// The groups and columns that offers name, so that they have numbers.
pub(super) fn column_number(columns: &mut Vec<Arc<str>>, name: &Arc<str>) -> usize {
    columns.iter().position(|known| known == name).unwrap_or_else(|| {
        columns.push(name.clone());
        columns.len() - 1
    })
}

/// The number of a group.
pub(super) fn group_number(name: Option<&Name>, playbook: &Playbook) -> Option<usize> {
    let name = name?;
    playbook.groups.iter().position(|group| group.name.text == name.text)
}
