//! Offers of a placement that nothing but consent, dates, conditions on segments and their score tell apart. When it is asked only what is
//! decided, such an offer is passed or stopped by a few bits; whatever the bits do not tell is tried gate by gate.

use super::consent::PurposeRule;
use super::gates::Permissions;
use super::rules::{OfferRule, Offers, PlacementRule, TreatmentRule};
use super::score::Factor;
use super::shortlist::{Best, Fixed, here};
use super::trace::Gate;
use super::{Answer, Counts, PlacementAnswer, Ranked};
use crate::context::{Context, Membership, Memberships, Rules, Source, memberships};
use crate::customer::SegmentState;
use crate::expr::plan::{Code, Live};
use crate::expr::{FactId, Facts};
use crate::playbook::Assurance;
use crate::value::Timestamp;
use smallvec::SmallVec;
use std::collections::BTreeMap;

/// Offers times placements, at most.
const CELLS: usize = 1 << 16;

/// The offers of one placement, in the order of the playbook.
#[derive(Debug)]
pub(crate) struct Lane {
    entries: Vec<Entry>,
    /// One offer and its treatment of each kind that consent and assurance do not tell apart.
    examples: Vec<usize>,
    /// By kind: where consent stops offers for somebody who said nothing about what may be done. `None` where more than what was derived of
    /// such a customer has a say.
    alone: Option<Box<[Option<Gate>]>>,
    /// What is left of the offers for such a customer, where each is conditions on the first 64 segments and a rank.
    words: Option<Box<[Word]>>,
}

/// An offer that conditions on the first 64 segments stop, or nothing does.
#[derive(Debug)]
struct Word {
    inside: u64,
    outside: u64,
    /// Where it is stopped.
    gate: Gate,
    /// Whether it is stopped whatever the customer is.
    never: bool,
    /// By place in the lane.
    entry: u32,
}

#[derive(Debug)]
struct Entry {
    place: usize,
    /// `None` for an offer that has to be tried gate by gate.
    plain: Option<Plain>,
}

#[derive(Debug)]
struct Plain {
    /// Whose consent and assurance is its own, by number of the example.
    kind: usize,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    conditions: Conditions,
    /// `None` where it takes more than a few numbers to rank it, or where its message can fail.
    rank: Option<Rank>,
}

/// How an offer ranks that is made in the same words to everybody.
#[derive(Debug)]
struct Rank {
    /// Where the factors stand in the plan.
    factors: [Option<Code>; 4],
    priority: i64,
}

/// What is asked of segments.
#[derive(Debug)]
enum Conditions {
    /// At one gate, of the first 64 segments, with no dates beside it.
    Word(Gate, u64, u64),
    Several(SmallVec<[(Gate, Wanted); 1]>),
}

/// Segments that a customer has to be in, and not in; one bit for each.
#[derive(Debug, Default)]
struct Wanted {
    words: SmallVec<[(u64, u64); 1]>,
}

/// What is known of an offer.
pub(super) enum Tried {
    /// It passes all gates before its score.
    Passes,
    /// It passes all gates, and only its rank counts.
    Ranks(Fixed),
    Stopped(Gate),
    /// It has to be tried gate by gate.
    Open,
}

/// What tells kinds apart: purposes, whether special, personal and for minors, and both assurances.
pub(super) type Kind<'a> = (&'a [usize], [bool; 3], [Assurance; 2]);

/// The kind of an offer with a treatment.
pub(super) fn kind<'a>(offer: &'a OfferRule, treatment: &TreatmentRule) -> Kind<'a> {
    (&offer.purposes, [offer.special, offer.personal, offer.minors], [offer.assurance, treatment.assurance])
}

impl Lane {
    /// One for every placement; none where there are too many offers, for which there is an index.
    pub(crate) fn all(offers: &Offers, rules: &Rules) -> Vec<Lane> {
        if offers.offers.len().saturating_mul(offers.placements.len()) > CELLS {
            return Vec::new();
        }
        offers.placements.iter().enumerate().map(|(number, placement)| Lane::of(offers, rules, number, placement)).collect()
    }

    fn of(offers: &Offers, rules: &Rules, number: usize, placement: &PlacementRule) -> Lane {
        let mut lane = Lane { entries: Vec::new(), examples: Vec::new(), alone: None, words: None };
        let mut kinds: BTreeMap<Kind<'_>, usize> = BTreeMap::new();
        for (place, offer) in offers.offers.iter().enumerate() {
            let Some(treatment) = here(offer, number, placement) else { continue };
            let plain = conditions(offer, rules).map(|conditions| {
                let kind = *kinds.entry(kind(offer, treatment)).or_insert_with(|| {
                    lane.examples.push(place);
                    lane.examples.len() - 1
                });
                let conditions = match &conditions[..] {
                    [(gate, wanted)] if offer.from.is_none() && offer.until.is_none() => match wanted.words[..] {
                        [(inside, outside)] => Conditions::Word(*gate, inside, outside),
                        _ => Conditions::Several(conditions),
                    },
                    [] if offer.from.is_none() && offer.until.is_none() => Conditions::Word(Gate::Eligible, 0, 0),
                    _ => Conditions::Several(conditions),
                };
                let rank = Rank::compile(offers, offer, treatment, placement, rules);
                Plain { kind, from: offer.from, until: offer.until, conditions, rank }
            });
            lane.entries.push(Entry { place, plain });
        }
        lane.alone = lane.alone(offers, rules, placement);
        lane.words = lane.words();
        lane
    }

    /// The offers as words; `None` where that does not say all of one of them.
    fn words(&self) -> Option<Box<[Word]>> {
        let stopped = self.alone.as_ref()?;
        let word = |(number, entry): (usize, &Entry)| {
            let plain = entry.plain.as_ref()?;
            let entry = u32::try_from(number).ok()?;
            match (stopped.get(plain.kind)?, &plain.conditions) {
                (Some(gate), _) => Some(Word { inside: 0, outside: 0, gate: *gate, never: true, entry }),
                (None, Conditions::Word(gate, inside, outside)) if plain.rank.is_some() => {
                    Some(Word { inside: *inside, outside: *outside, gate: *gate, never: false, entry })
                }
                _ => None,
            }
        };
        self.entries.iter().enumerate().map(word).collect()
    }

    /// Where consent stops offers of each kind for somebody who said nothing; `None` where anything else than that, dates, segments and scores
    /// may have a say.
    fn alone(&self, offers: &Offers, rules: &Rules, placement: &PlacementRule) -> Option<Box<[Option<Gate>]>> {
        let permits = |purposes: &[usize]| {
            let permits = |purpose: &usize| offers.purposes.get(*purpose).is_some_and(PurposeRule::permits_unasked);
            purposes.iter().all(permits)
        };
        // Of very many offers an index leaves few.
        let plain = offers.shortlist.is_none()
            && placement.slots == 1
            && placement.ranking.is_plain()
            && permits(&placement.purposes)
            && offers.contact.is_empty()
            && offers.closing.is_empty()
            && offers.namespaces.is_empty()
            && (offers.minors.is_none() && offers.do_not_contact.is_none())
            && rules.sources.commitments.is_none()
            && rules.foreseen.is_empty()
            && self.entries.iter().all(|entry| entry.plain.is_some());
        let offers = self.examples.iter().filter(|_| plain).map(|place| offers.offers.get(*place));
        let stopped = |offer: Option<&OfferRule>| {
            let OfferRule { purposes, special, .. } = offer?;
            // Special data needs a yes in so many words.
            let stops = !permits(purposes) || (*special && !purposes.is_empty());
            Some(Some(Gate::Consent).filter(|_| stops))
        };
        offers.map(stopped).collect::<Option<_>>().filter(|_| plain)
    }

    /// The answer for somebody who said nothing about what may be done, and of whom nothing is read but segments and slots that stand; `None`
    /// where it takes more to tell.
    pub(crate) fn answer(
        &self,
        offers: &Offers,
        (number, placement): (usize, &PlacementRule),
        (rules, segments, live): (&Rules, &[SegmentState], &Live),
        now: Timestamp,
    ) -> Option<PlacementAnswer> {
        let stopped = self.alone.as_ref()?;
        let known = memberships(segments, now);
        let (mut tally, mut best) = (Counts::default(), Best::default());
        let rank = |rank: &Rank| rank.of(|code| rules.plan.number(code, live, now));
        if let Some(words) = &self.words {
            let first = known.first().copied().unwrap_or_default();
            for word in words {
                match word.stops(&first) {
                    Some(true) => tally.count(word.gate, 1),
                    Some(false) => {
                        let Entry { place, plain } = self.entries.get(word.entry as usize)?;
                        best.take(rank(plain.as_ref()?.rank.as_ref()?)?, *place, 1);
                    }
                    None => return None,
                }
            }
        }
        for Entry { place, plain } in self.entries.iter().filter(|_| self.words.is_none()) {
            let plain = plain.as_ref()?;
            let tried = (*stopped.get(plain.kind)?).map_or_else(|| plain.tried(now, &known), Tried::Stopped);
            match tried {
                Tried::Stopped(gate) => tally.count(gate, 1),
                Tried::Passes => best.take(rank(plain.rank.as_ref()?)?, *place, 1),
                Tried::Open | Tried::Ranks(_) => return None,
            }
        }
        tally.count(Gate::Outranked, best.others);
        let answer = match best.first() {
            Some((rank, place)) => {
                let offer = offers.offers.get(place)?;
                let message = offers.messages.of_everybody(here(offer, number, placement)?)?;
                tally.count(Gate::Chosen, 1);
                Answer::Offers { offers: vec![Ranked::plain(offer, rank.score, message)] }
            }
            None if placement.fallback.is_none() => Answer::Silence,
            None => return None,
        };
        Some(PlacementAnswer::of(placement, answer, None, tally, Vec::new()))
    }

    /// Tells of every offer how far it comes; with `ranked` also how those rank of which only that counts.
    pub(super) fn each(
        &self,
        offers: &Offers,
        (number, placement): (usize, &PlacementRule),
        context: &Context<'_>,
        permissions: &Permissions,
        ranked: bool,
        mut tell: impl FnMut(usize, Tried),
    ) {
        let known = context.memberships();
        // Of each kind: not asked yet, admitted, or where it is stopped.
        let mut kinds: SmallVec<[Option<Option<Gate>>; 4]> = SmallVec::from_elem(None, self.examples.len());
        for Entry { place, plain } in &self.entries {
            let Some(plain) = plain else {
                tell(*place, Tried::Open);
                continue;
            };
            let admitted = || {
                let offer = self.examples.get(plain.kind).and_then(|place| offers.offers.get(*place))?;
                offer.admits(offers, here(offer, number, placement)?, context, permissions).err().map(|stop| stop.gate)
            };
            let stopped = kinds.get_mut(plain.kind).and_then(|kind| *kind.get_or_insert_with(admitted));
            let tried = stopped.map_or_else(|| plain.tried(context.now(), &known), Tried::Stopped);
            let rank = plain.rank.as_ref().filter(|_| ranked && matches!(tried, Tried::Passes));
            let ranks = rank.and_then(|rank| rank.of(|code| context.quick_number(code)));
            tell(*place, ranks.map_or(tried, Tried::Ranks));
        }
    }
}

impl Rank {
    fn compile(
        offers: &Offers,
        offer: &OfferRule,
        treatment: &TreatmentRule,
        placement: &PlacementRule,
        rules: &Rules,
    ) -> Option<Self> {
        let plain = placement.ranking.is_plain()
            && !offer.mandatory
            && offer.promise.is_none()
            && offer.items.is_none()
            && offers.messages.of_everybody(treatment).is_some();
        let mut factors = [None; 4];
        for (own, (factor, _)) in
            factors.iter_mut().zip(&offer.factors).filter_map(|(own, factor)| Some((own, factor.as_ref()?)))
        {
            let Factor::Rule(rule) = factor else { return None };
            *own = Some(rule.code().filter(|code| rules.plan.is_quick(*code))?);
        }
        plain.then_some(Rank { factors, priority: offer.priority })
    }

    /// The rank for the customer; `None` when that takes more than what stands.
    #[inline]
    fn of(&self, number: impl Fn(Code) -> Option<f64>) -> Option<Fixed> {
        let value = |factor: Option<Code>| match factor {
            Some(code) => number(code).filter(|number| number.is_finite()),
            None => Some(1.0),
        };
        let [propensity, fit, worth, lever] = self.factors;
        // Multiplied in the documented order.
        let score = value(propensity)? * value(fit)? * value(worth)? * value(lever)?;
        score.is_finite().then_some(Fixed { score, priority: self.priority })
    }
}

impl Word {
    /// Whether it is stopped, as [`Plain::tried`] tells; `None` when that takes more than what was derived.
    #[inline]
    fn stops(&self, known: &Membership) -> Option<bool> {
        if self.never { Some(true) } else { asked(self.inside, self.outside, Some(known)).map(|passes| !passes) }
    }
}

impl Plain {
    #[inline]
    fn tried(&self, now: Timestamp, known: &Memberships) -> Tried {
        let conditions = match &self.conditions {
            Conditions::Word(gate, inside, outside) => {
                return match asked(*inside, *outside, known.first()) {
                    Some(true) => Tried::Passes,
                    Some(false) => Tried::Stopped(*gate),
                    None => Tried::Open,
                };
            }
            Conditions::Several(conditions) => conditions,
        };
        if self.from.is_some_and(|from| now < from) || self.until.is_some_and(|until| now >= until) {
            return Tried::Stopped(Gate::Validity);
        }
        for (gate, wanted) in conditions {
            match wanted.holds(known) {
                Some(true) => {}
                Some(false) => return Tried::Stopped(*gate),
                None => return Tried::Open,
            }
        }
        Tried::Passes
    }
}

impl Wanted {
    /// `None` when that takes more than what is known.
    #[inline]
    fn holds(&self, known: &Memberships) -> Option<bool> {
        let mut sure = true;
        for (place, (inside, outside)) in self.words.iter().enumerate() {
            match asked(*inside, *outside, known.get(place)) {
                Some(true) => {}
                Some(false) => return Some(false),
                None => sure = false,
            }
        }
        sure.then_some(true)
    }
}

/// Whether a customer is inside of some of 64 segments and outside of others. What is not known of somebody stops an offer, as what is
/// not so does. `None` when that takes more than what was derived.
#[inline]
fn asked(inside: u64, outside: u64, known: Option<&Membership>) -> Option<bool> {
    let Membership { known, members, unknown } = known.copied().unwrap_or_default();
    if inside & known & !members != 0 || outside & members != 0 || (inside | outside) & unknown != 0 {
        return Some(false);
    }
    ((inside | outside) & !known == 0).then_some(true)
}

/// The conditions of an offer that nothing else can stop; `None` where it takes more to tell.
fn conditions(offer: &OfferRule, rules: &Rules) -> Option<SmallVec<[(Gate, Wanted); 1]>> {
    let [holding, read] = &offer.experiments;
    let plain = holding.is_empty()
        && read.is_empty()
        && offer.beside.is_none()
        && offer.counted.is_empty()
        && offer.question.is_none()
        && offer.gates.iter().all(|condition| !condition.when_unknown);
    let gates = offer.gates.iter().filter(|_| plain);
    let conditions: Option<_> = gates.map(|condition| Some((condition.gate, wanted(condition.rule.code()?, rules)?))).collect();
    conditions.filter(|_| plain)
}

/// The segments that a condition asks for, when it asks for nothing else.
fn wanted(code: Code, rules: &Rules) -> Option<Wanted> {
    let segment = |fact: FactId| match rules.sources.source(fact) {
        Some(Source::Segment(number)) => Some(number),
        _ => None,
    };
    let mut wanted = Wanted::default();
    for (fact, inside) in rules.plan.conjunction(code)? {
        let number = segment(fact)?;
        if wanted.words.len() <= number / 64 {
            wanted.words.resize(number / 64 + 1, (0, 0));
        }
        let word = wanted.words.get_mut(number / 64)?;
        *(if inside { &mut word.0 } else { &mut word.1 }) |= 1 << (number % 64);
    }
    Some(wanted)
}
