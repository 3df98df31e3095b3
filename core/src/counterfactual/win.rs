use super::change::{Act, Change, Changed, Trial};
use super::{MOST_OFFERS, budget, rules_of};
use crate::context::{Context, Rule, Source};
use crate::counters::{Counters, Unlimited};
use crate::decide::{Candidate, Decision, Detail, Gate, RequestError, Score};
use crate::engine::{self, Engine};
use crate::expr::{self, Beyond};
use crate::playbook::{Factor, FactorSource, Playbook, Text};
use crate::receipt::Setting;
use crate::value::Value;
use schemars::JsonSchema;
use serde::Serialize;
use std::borrow::Cow;
use std::cell::Cell;

/// Sets of changes that are told.
const MOST_SETS: usize = 8;
/// Changes that are tried together with others.
const MOST_TRIALS: usize = 48;

/// What would make an offer win.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "what_would_win")]
pub(crate) struct Win {
    /// The placement.
    pub(crate) placement: String,
    /// The offer.
    pub(crate) offer: String,
    /// Whether it wins as things are.
    pub(crate) wins: bool,
    /// The gate that stops it, or `chosen`.
    pub(crate) gate: &'static str,
    /// Why, one sentence each, with the values that were read.
    pub(crate) reasons: Vec<String>,
    /// Sets of changes, each of which would make it win: all of the smallest size that does; at most 8.
    pub(crate) changes: Vec<Vec<Change>>,
    /// The smallest lever that would; null when none would, or it never came to a rank.
    pub(crate) lever: Option<f64>,
    /// The smallest value that would; null likewise.
    pub(crate) value: Option<f64>,
    /// Sets of changes together with a lever or a value, where neither is enough alone: all of the smallest size that do, of up to three
    /// changes together; at most 8. Only where no smaller set of changes does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) together: Vec<Together>,
    /// How far its score is from the lowest that won; null when it has none.
    pub(crate) margin: Option<f64>,
    /// Whether all sets of up to three changes were tried; otherwise nothing more was found within the budget.
    pub(crate) complete: bool,
    /// How many decisions were made.
    pub(crate) tried: usize,
}

/// Changes after which a lever or a value is enough.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "changes_together")]
pub(crate) struct Together {
    /// The changes.
    pub(crate) changes: Vec<Change>,
    /// The smallest lever that does then; null when none does.
    pub(crate) lever: Option<f64>,
    /// The smallest value that does then; null likewise.
    pub(crate) value: Option<f64>,
}

/// Looks for the smallest change that would make an offer win a slot of a placement.
pub(crate) fn what_would_win(setting: &Setting<'_>, placement: &str, offer: &str) -> Result<Win, RequestError> {
    let engine = setting.engine;
    let explained = setting.decide_with(engine, setting.customer, &setting.request, setting.counters(), Detail::Full)?.0;
    let trace = explained.trace.as_ref();
    let candidates: Vec<&Candidate> =
        trace.iter().flat_map(|trace| &trace.candidates).filter(|own| *own.placement == *placement).collect();
    let Some(own) = candidates.iter().find(|own| *own.offer == *offer) else {
        let message = "the offer is not made in this placement";
        return Err(RequestError::new("not_a_candidate", "offer", message));
    };
    let winners: Vec<&&Candidate> = candidates.iter().filter(|other| other.gate == Gate::Chosen).collect();
    let lowest = winners.iter().filter_map(|winner| winner.score).map(|score| score.total).min_by(f64::total_cmp);
    let mut win = Win {
        placement: placement.to_owned(),
        offer: offer.to_owned(),
        wins: own.gate == Gate::Chosen,
        gate: own.gate.name(),
        reasons: own.reasons.clone(),
        changes: Vec::new(),
        lever: None,
        value: None,
        together: Vec::new(),
        margin: own.score.zip(lowest).map(|(score, lowest)| score.total - lowest),
        complete: true,
        tried: 0,
    };
    if win.wins {
        return Ok(win);
    }
    let search = Search { setting, placement, offer, left: Cell::new(budget(engine.offers())), tried: Cell::new(0) };
    let names: Vec<&str> = winners.iter().map(|winner| &*winner.offer).chain([offer]).collect();
    let trials = search.trials(own, &names);
    (win.changes, win.complete) = search.run(&trials);
    if let (Gate::Outranked, Some(score), Some(lowest)) = (own.gate, own.score, lowest) {
        win.lever = search.factor(&[], 3, score, lowest);
        win.value = search.factor(&[], 2, score, lowest);
    }
    // With the lever or the value a set is larger by one.
    let most = win.changes.first().map_or(3, Vec::len);
    if win.lever.is_none() && win.value.is_none() && win.complete {
        for size in 1..most {
            win.complete = search.together(&trials, size, &mut win.together);
            if !win.together.is_empty() || !win.complete {
                break;
            }
        }
    }
    win.tried = search.tried.get();
    Ok(win)
}

struct Search<'s, 'a> {
    setting: &'s Setting<'a>,
    placement: &'s str,
    offer: &'s str,
    /// Decisions that may still be made.
    left: Cell<usize>,
    tried: Cell<usize>,
}

impl Search<'_, '_> {
    /// The changes that could matter to an offer and to those that won.
    fn trials(&self, own: &Candidate, names: &[&str]) -> Vec<Trial> {
        let engine = self.setting.engine;
        let offers = engine.offers();
        let mut trials: Vec<Trial> = Vec::new();
        let mut add = |trial: Trial| {
            if !trials.iter().any(|other| other.change == trial.change) {
                trials.push(trial);
            }
        };
        let simple = |kind, what: &str, act| Trial {
            change: Change { kind, what: what.to_owned(), to: None, aim: Beyond::Exactly },
            act,
        };
        let place = offers.offers.iter().position(|rule| *rule.name == *self.offer);
        let rule = place.and_then(|place| offers.offers.get(place));
        match own.gate {
            Gate::Consent => {
                for purpose in rule.iter().flat_map(|rule| &rule.purposes) {
                    let name = offers.purpose_name(*purpose);
                    add(simple("consent", name, Act::Consent(name.to_owned())));
                }
            }
            Gate::Assurance => {
                let mut trial = simple("assurance", "assurance", Act::Assurance);
                trial.change.to = Some(Value::text("authenticated"));
                add(trial);
            }
            Gate::Validity => {
                if let Some(from) = rule.and_then(|rule| rule.from).filter(|from| *from > self.setting.now) {
                    let mut trial = simple("time", "now", Act::Time(from));
                    trial.change.to = Some(Value::from(from));
                    add(trial);
                }
            }
            Gate::Inventory => add(simple("inventory", self.offer, Act::Unlimited)),
            _ => {}
        }
        // The order of the offers is that of the names: those that won, then the offer itself.
        engine.look_asking(
            self.setting.customer,
            &self.setting.request,
            (self.setting.now, self.setting.known_at),
            |context| {
                for name in names.iter().rev() {
                    let Some(rule) = offers.offers.iter().find(|rule| *rule.name == **name) else { continue };
                    for rule in rules_of(engine, rule) {
                        for (change, fact, value) in expr::changes(rule.checked(), context) {
                            if let Some(trial) = fact.and_then(|fact| Trial::of_fact(engine, fact, change, value)) {
                                add(trial);
                            }
                        }
                    }
                }
                // What was counted cannot be told; that a condition on it holds can be assumed.
                let gates = [Gate::Eligible, Gate::Applicable, Gate::Suitable];
                let (Some(place), Some(rule)) = (place, rule) else { return };
                for condition in rule.gates.iter().filter(|condition| condition.whose.is_none() && condition.gate >= own.gate) {
                    let Some(gate) = gates.iter().position(|gate| *gate == condition.gate) else { continue };
                    if offers.offers.len() > MOST_OFFERS {
                        continue;
                    }
                    if let Some(change) = counted(engine, &condition.rule, context) {
                        let to = (change.aim != Beyond::Known).then(|| change.value.clone());
                        let change = Change { kind: "aggregate", what: change.fact, to, aim: change.aim };
                        add(Trial { change, act: Act::Gate(place, gate) });
                    }
                }
            },
        );
        if own.gate == Gate::Contact && offers.offers.len() <= MOST_OFFERS {
            for (number, rule) in engine.playbook().contact.iter().enumerate() {
                add(simple("contact", &rule.name, Act::Contact(number)));
            }
        }
        trials.truncate(MOST_TRIALS);
        trials
    }

    /// The smallest sets of changes, and whether all of up to three were tried.
    fn run(&self, trials: &[Trial]) -> (Vec<Vec<Change>>, bool) {
        for size in 1..=3 {
            let mut sets = Vec::new();
            let complete = self.extend(trials, &mut Vec::new(), 0, size, &mut sets);
            if !sets.is_empty() || !complete {
                return (sets, complete);
            }
        }
        (Vec::new(), trials.len() < MOST_TRIALS)
    }

    fn extend(&self, trials: &[Trial], chosen: &mut Vec<usize>, from: usize, size: usize, sets: &mut Vec<Vec<Change>>) -> bool {
        if chosen.len() == size {
            let set: Vec<&Trial> = chosen.iter().filter_map(|at| trials.get(*at)).collect();
            let Some(wins) = self.wins(&set) else { return false };
            let further = |known: &Vec<Change>| known.iter().zip(&set).all(|(one, other)| other.is_further(one));
            if wins && !sets.iter().any(further) {
                sets.push(set.iter().map(|trial| trial.change.clone()).collect());
            }
            return true;
        }
        for at in from..trials.len() {
            if sets.len() >= MOST_SETS {
                return true;
            }
            let Some(trial) = trials.get(at) else { continue };
            if chosen.iter().filter_map(|other| trials.get(*other)).any(|other| other.excludes(trial)) {
                continue;
            }
            chosen.push(at);
            let complete = self.extend(trials, chosen, at + 1, size, sets);
            chosen.pop();
            if !complete {
                return false;
            }
        }
        true
    }

    /// The sets of so many changes after which the offer comes to a rank, and a lever or a value makes it win; false when the budget is used up.
    fn together(&self, trials: &[Trial], size: usize, found: &mut Vec<Together>) -> bool {
        let mut sets: Vec<Vec<usize>> = vec![Vec::new()];
        for _ in 0..size {
            let longer = |set: &Vec<usize>| {
                let from = set.last().map_or(0, |last| last + 1);
                let added = |next| set.iter().copied().chain([next]).collect();
                (from..trials.len()).map(added).collect::<Vec<Vec<usize>>>()
            };
            sets = sets.iter().flat_map(longer).collect();
        }
        for places in sets {
            let set: Vec<&Trial> = places.iter().filter_map(|place| trials.get(*place)).collect();
            if set.iter().enumerate().any(|(place, one)| set.iter().skip(place + 1).any(|other| one.excludes(other))) {
                continue;
            }
            if found.len() >= MOST_SETS {
                return true;
            }
            let known = |together: &Together| together.changes.iter().zip(&set).all(|(one, other)| other.is_further(one));
            if found.iter().any(known) {
                continue;
            }
            if !self.spend() {
                return false;
            }
            let Some((_, candidates)) = self.made(&set, Detail::Gates, None) else { continue };
            let here = || candidates.iter().filter(|own| *own.placement == *self.placement);
            let scores = here().filter(|other| other.gate == Gate::Chosen).filter_map(|winner| winner.score);
            let lowest = scores.map(|score| score.total).min_by(f64::total_cmp);
            let own = here().find(|own| *own.offer == *self.offer && own.gate == Gate::Outranked);
            let Some((score, lowest)) = own.and_then(|own| own.score).zip(lowest) else { continue };
            let (lever, value) = (self.factor(&set, 3, score, lowest), self.factor(&set, 2, score, lowest));
            if lever.is_some() || value.is_some() {
                found.push(Together { changes: set.iter().map(|trial| trial.change.clone()).collect(), lever, value });
            }
        }
        true
    }

    /// Whether one more decision may be made.
    fn spend(&self) -> bool {
        let left = self.left.get().checked_sub(1);
        self.left.set(left.unwrap_or(0));
        self.tried.set(self.tried.get() + usize::from(left.is_some()));
        left.is_some()
    }

    /// Whether the offer wins with some changes made; `None` when the budget is used up.
    fn wins(&self, set: &[&Trial]) -> Option<bool> {
        self.spend().then(|| self.made(set, Detail::Brief, None).is_some_and(|(decision, _)| self.chosen(&decision)))
    }

    /// The decision with some changes made, and a factor of the offer, by number; `None` for what the playbook refuses.
    fn made(&self, set: &[&Trial], detail: Detail, factor: Option<(usize, f64)>) -> Option<(Decision, Vec<Candidate>)> {
        let acts: Vec<&Act> = set.iter().map(|trial| &trial.act).collect();
        let changed = Changed::new(self.setting, &acts)?;
        let variant = changed.engine(self.setting.engine)?;
        let mut engine = Cow::Borrowed(self.setting.engine);
        if let Some(variant) = variant {
            engine = Cow::Owned(variant);
        }
        if let Some((number, factor)) = factor {
            engine = Cow::Owned(self.with_factor(&engine, number, factor)?);
        }
        let counters = if changed.unlimited { Some(&Unlimited as &dyn Counters) } else { self.setting.counters() };
        let beyond = engine::Beyond { counters, unlimited: changed.unlimited, ..engine::Beyond::default() };
        self.setting.decide_at(&engine, &changed.customer, &changed.request, beyond, changed.instant, detail).ok()
    }

    fn chosen(&self, decision: &Decision) -> bool {
        let answer = decision.placement(self.placement);
        answer.is_some_and(|answer| answer.offers().iter().any(|ranked| *ranked.offer == *self.offer))
    }

    /// The smallest factor, of those by number, for which the offer's rank takes a slot after some changes; made sure of by deciding.
    fn factor(&self, set: &[&Trial], number: usize, score: Score, lowest: f64) -> Option<f64> {
        let total = |factor: f64| match number {
            2 => score.propensity * score.context * factor * score.lever,
            _ => score.propensity * score.context * score.value * factor,
        };
        let rest = total(1.0);
        if rest.is_nan() || rest <= 0.0 || !lowest.is_finite() {
            return None;
        }
        // As written, the product may be a little off the quotient.
        let mut factor = lowest / rest;
        while total(factor) >= lowest {
            factor = factor.next_down();
        }
        while total(factor) < lowest {
            factor = factor.next_up();
        }
        // A tie may be lost.
        [factor, above(factor, &total)].into_iter().find(|factor| self.wins_with(set, number, *factor))
    }

    fn wins_with(&self, set: &[&Trial], number: usize, factor: f64) -> bool {
        if self.setting.engine.offers().offers.len() > MOST_OFFERS || !factor.is_finite() {
            return false;
        }
        self.tried.set(self.tried.get() + 1);
        self.made(set, Detail::Brief, Some((number, factor))).is_some_and(|(decision, _)| self.chosen(&decision))
    }

    fn with_factor(&self, engine: &Engine, number: usize, factor: f64) -> Option<Engine> {
        engine.variant(|playbook: &mut Playbook| {
            if let Some(offer) = playbook.offers.iter_mut().find(|offer| *offer.name.text == *self.offer)
                && let Some(place) = offer.factors.get_mut(number)
            {
                let text = Text {
                    text: format!("{factor:?}").into(),
                    place: offer.name.place.clone(),
                    path: offer.name.text.clone(),
                    lines: Vec::new(),
                };
                *place = Some(Factor { source: FactorSource::Rule(text), prior: None });
            }
        })
    }
}

/// The next factor for which the product is larger.
fn above(factor: f64, total: &dyn Fn(f64) -> f64) -> f64 {
    let (before, mut next) = (total(factor), factor.next_up());
    while next.is_finite() && total(next) <= before {
        next = next.next_up();
    }
    next
}

/// The one count or other aggregate that a condition, or the segment that it asks for, lacks.
fn counted(engine: &Engine, condition: &Rule, context: &Context<'_>) -> Option<expr::Change> {
    let rules = &engine.model().rules;
    let flips = expr::flips(condition.checked(), context)?;
    let single = flips.sets.into_iter().find_map(|set| <[expr::Change; 1]>::try_from(set).ok());
    let [change] = single?;
    let asked = |name: &str| change.fact.contains(&format!("{name:?}")) && change.fact.contains("segment");
    let segment = condition.reads().facts.iter().find_map(|fact| match rules.sources.source(*fact) {
        Some(Source::Segment(number)) if asked(rules.sources.path(*fact).strip_prefix("segment.")?) => {
            rules.segments.get(number)
        }
        _ => None,
    });
    match segment {
        Some(segment) => counted(engine, segment, context),
        None => change.fact.contains('(').then_some(change),
    }
}
