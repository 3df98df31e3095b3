//! How offers are ranked and slots are filled: groups, learned rates, exploration, diversity.

use super::model::{Factor, FactorSource, Name, Text};
use super::read::{At, Loader, Names};
use super::source::cut;
use crate::value::Duration;
use std::rc::Rc;
use std::sync::Arc;

/// The trend that learned rates read unless they name another: every playbook has it.
pub(crate) const OUTCOMES_TREND: &str = "outcomes";

/// What margins are counted in: parts of one unit of money.
pub const PARTS: u64 = 10_000;

/// How the offers of a placement are ranked.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Arbitration {
    /// `formula`: what the score is instead of the product of the factors.
    pub formula: Option<Text>,
    /// `sequence`: groups of offers; those of one step are ranked together, and before those of later steps. Offers of no step come
    /// last.
    pub sequence: Vec<Vec<Name>>,
    /// `explore`.
    pub explore: Explore,
    /// `at_least`: the lowest score with which an offer is shown, unless it is mandatory.
    pub at_least: Option<f64>,
}

/// Whether other offers than the best known one are tried, so that something is learned about them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub enum Explore {
    /// The best one is taken.
    #[default]
    No,
    /// `thompson`: each learned propensity is drawn from what is known of it.
    Thompson,
    /// `epsilon_greedy`: with this probability any one of the offers that are left is taken; 1 for `random`.
    EpsilonGreedy(f64),
    /// `ucb`: each learned propensity is as high as it may well be, by so many times the width of what is not known.
    Ucb(f64),
}

/// A factor that is learned from what came of earlier decisions.
#[derive(Debug, Clone, PartialEq)]
pub struct Learned {
    /// `learned`: the outcome that is a success.
    pub success: Name,
    /// `of`: the outcome that is a trial.
    pub trial: Name,
    /// `trend`: where they were counted.
    pub trend: Arc<str>,
    /// `by`: the dimensions by which rates are told apart.
    pub by: Vec<Arc<str>>,
    /// `half_life`: after which a count is worth half; that of the trend when not declared.
    pub half_life: Option<Duration>,
    /// `weight`: how many trials the prior counts as.
    pub weight: f64,
}

/// At most so many offers of one kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Diversity {
    /// `by`.
    pub by: OfferTrait,
    /// `at_most`.
    pub at_most: u32,
    /// `within`: whether what other placements of the same request show counts too.
    pub within_request: bool,
}

/// What offers have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferTrait {
    /// `group`.
    Group,
    /// `category`.
    Category,
    /// `dimension`.
    Dimension,
    /// `incentive`.
    Incentive,
}

impl OfferTrait {
    /// All of them.
    pub const ALL: [OfferTrait; 4] = [OfferTrait::Group, OfferTrait::Category, OfferTrait::Dimension, OfferTrait::Incentive];

    /// Its name in playbooks and traces.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            OfferTrait::Group => "group",
            OfferTrait::Category => "category",
            OfferTrait::Dimension => "dimension",
            OfferTrait::Incentive => "incentive",
        }
    }
}

/// What an offer gives the customer.
pub(super) const INCENTIVES: [&str; 8] =
    ["discount", "shipping", "trial", "sample", "content", "service", "recognition", "volume"];

/// What side of the relationship an offer is about.
pub(super) const SIDES: [&str; 4] = ["content", "commerce", "community", "convenience"];

impl Loader<'_> {
    /// The arbitration of a placement, or that of the playbook.
    pub(super) fn arbitration(&mut self, parent: &At<'_>) -> Option<Arbitration> {
        let at = parent.get("arbitration")?;
        let mut sequence = Vec::new();
        let mut seen = Names::new();
        for step in at.get("sequence").iter().flat_map(At::one_or_more) {
            let mut names = Vec::new();
            for one in step.one_or_more() {
                let known = self.declared.groups.clone();
                let Some(name) = self.reference(&one, "group", &known) else { continue };
                if seen.insert(name.text.clone()) {
                    names.push(name);
                } else {
                    let message = format!("group `{}` stands twice in one sequence", cut(&name.text));
                    self.error("duplicate_name", &one, message, None);
                }
            }
            sequence.push(names);
        }
        let explore = at.get("explore").map_or(Explore::No, |at| match at.node.text() {
            Some(word) if **word == *"random" => Explore::EpsilonGreedy(1.0),
            Some(_) => Explore::Thompson,
            None => match (at.number("epsilon_greedy"), at.number("ucb")) {
                (Some(epsilon), _) => Explore::EpsilonGreedy(epsilon),
                (None, Some(width)) => Explore::Ucb(width),
                (None, None) => Explore::No,
            },
        });
        let formula = self.rule_of(&at, "formula");
        if let (Some(_), Explore::Thompson, Some(place)) = (&formula, explore, at.get("formula")) {
            let message = "rates that are drawn are multiplied with the other factors, so that there is no formula for them";
            let hint = "leave `formula` out, or explore by `epsilon_greedy` or `ucb`".to_owned();
            self.error_at_key("contradiction", &place, message.to_owned(), Some(hint));
        }
        Some(Arbitration { formula, sequence, explore, at_least: at.number("at_least") })
    }

    /// How diverse the offers of a placement are.
    pub(super) fn diversity(&self, at: &At<'_>) -> Vec<Diversity> {
        let one = |at: &At<'_>| {
            let by = at.text("by")?;
            Some(Diversity {
                by: OfferTrait::ALL.into_iter().find(|one| *one.name() == *by)?,
                at_most: at.number("at_most")?,
                within_request: at.text("within").is_some_and(|word| *word == *"request"),
            })
        };
        at.get("diversity").iter().flat_map(At::one_or_more).filter_map(|at| one(&at)).collect()
    }

    pub(super) fn factor(&mut self, at: &At<'_>) -> Option<Factor> {
        let prior = at.number("prior");
        if at.get("column").is_some() {
            return Some(Factor { source: FactorSource::Column(at.text("column")?), prior });
        }
        if at.get("learned").is_some() {
            let learned = self.learned(at)?;
            return Some(Factor { source: FactorSource::Learned(learned), prior: prior.or(Some(0.5)) });
        }
        if let Some(list) = at.get("weights") {
            let weight = |at: At<'_>| Some((self.rule_of(&at, "when")?, at.number("add")?));
            return Some(Factor { source: FactorSource::Weights(list.items().filter_map(weight).collect()), prior });
        }
        let value = self.rule(at).or_else(|| self.rule_of(at, "value"))?;
        Some(Factor { source: FactorSource::Rule(value), prior })
    }

    fn learned(&mut self, at: &At<'_>) -> Option<Learned> {
        let outcome =
            |name: Arc<str>, at: &At<'_>, loader: &Self| Name { text: name, place: loader.findings.place(at.node.spot) };
        let success = outcome(at.text("learned")?, &at.get("learned")?, self);
        let trial = match at.get("of") {
            Some(of) => outcome(of.node.text()?.clone(), &of, self),
            None => Name { text: Arc::from("shown"), place: success.place.clone() },
        };
        if let (true, Some(place)) = (success.text == trial.text, at.get("of").or_else(|| at.get("learned"))) {
            let message = format!("`{}` cannot be a success and a trial at once", success.text);
            self.error("contradiction", &place, message, None);
        }
        let usual: Rc<Names> = Rc::new(["offer", "placement", "channel"].map(Arc::from).into());
        let (trend, known) = match at.get("trend") {
            None => (Arc::from(OUTCOMES_TREND), usual),
            Some(place) => {
                let names: Names = self.declared.rates.iter().map(|(name, _)| name.clone()).collect();
                let name = self.reference(&place, "trend with `count: outcome` by `outcome`", &names)?;
                let dimensions = self.declared.rates.iter().find(|(own, _)| *own == name.text);
                let known: Names = dimensions.iter().flat_map(|(_, by)| by.iter().cloned()).collect();
                (name.text, Rc::new(known))
            }
        };
        let by = self.references(at, "by", "dimension of the trend", &known);
        let by = if at.get("by").is_some() { by.into_iter().map(|name| name.text).collect() } else { vec![Arc::from("offer")] };
        let half_life = self.duration_of(at, "half_life");
        Some(Learned { success, trial, trend, by, half_life, weight: at.number("weight").unwrap_or(2.0) })
    }

    /// A sum of money of a key, not below zero, in parts of [`PARTS`].
    pub(super) fn money_of(&mut self, parent: &At<'_>, key: &str) -> Option<u64> {
        let at = parent.get(key)?;
        let text = match &at.node.content {
            super::tree::Content::Number(text) => text.clone(),
            _ => at.node.text()?.clone(),
        };
        let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        let fits = !whole.is_empty() && part.len() <= 4 && digits(whole) && digits(part);
        let parts = fits.then(|| format!("{whole}{part:0<4}").parse::<u64>().ok()).flatten();
        if parts.is_none() {
            let message =
                format!("expected a sum of money, not below zero, with at most four decimals, found `{}`", cut(&text));
            self.error("bad_money", &at, message, None);
        }
        parts
    }
}

/// The trends by which rates can be learned, with their dimensions beside the outcome.
pub(super) fn rates(root: &At<'_>) -> Vec<(Arc<str>, Vec<Arc<str>>)> {
    let trends = root.get("trends");
    let mut rates = Vec::new();
    for at in trends.iter().flat_map(At::children) {
        if at.text("count").is_some_and(|count| *count == *super::trends::OUTCOME) {
            let by: Vec<Arc<str>> =
                at.get("by").iter().flat_map(At::one_or_more).filter_map(|at| at.node.text().cloned()).collect();
            if by.iter().any(|name| **name == *super::trends::OUTCOME) {
                rates.push((at.key.clone(), by.into_iter().filter(|name| **name != *super::trends::OUTCOME).collect()));
            }
        }
    }
    rates
}

impl super::Playbook {
    /// Whether offers are explored in any placement, so that outcomes tell the probability of the choice.
    #[must_use]
    pub fn explores(&self) -> bool {
        let own = self.placements.iter().filter_map(|placement| placement.arbitration.as_ref());
        own.chain([&self.arbitration]).any(|arbitration| arbitration.explore != Explore::No)
    }
}
