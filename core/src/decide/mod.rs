//! From a request to a decision: gates, arbitration, slots, message; with a trace of it all when asked for.

mod arbitrate;
mod condition;
mod consent;
mod contact;
mod decision;
mod diversity;
mod fallback;
mod formula;
mod gates;
mod guard;
mod items;
mod lane;
mod message;
mod moment;
mod of_offer;
mod promise;
mod purse;
mod question;
mod replayed;
mod request;
mod reserved;
mod rules;
mod score;
mod seen;
mod shortlist;
mod stock;
mod trace;

pub(crate) use condition::{Condition, WHERE};
pub(crate) use consent::{Consent, Said, spoken};
pub(crate) use contact::{Switch, TAKEN};
pub use decision::{Answer, Assigned, Decision, Held, PlacementAnswer, Ranked};
pub(crate) use fallback::FallbackRule;
pub(crate) use gates::{Detail, Guards};
pub(crate) use lane::Lane;
pub use message::SmsLength;
pub(crate) use moment::Moment;
pub use promise::Terms;
pub(crate) use replayed::Replayed;
pub(crate) use request::facts_in_order;
pub use request::{Request, RequestError};
pub(crate) use reserved::lapsed;
pub(crate) use rules::{OfferRule, Offers, PlacementRule, TreatmentRule};
pub(crate) use shortlist::{Shortlist, here};
pub use trace::{Candidate, Gate, JourneyPlace, Score, Trace};

use crate::commitment::CommitmentState;
use crate::context::Context;
use crate::counters::Counters;
use crate::expr::Facts;
use crate::playbook::{Explore, Sensitivity};
use crate::suggest::{Shelf, Suggested};
use crate::value::{LateText, Recipe};
pub(crate) use arbitrate::MANDATORY;
use arbitrate::{Before, Chance, Outcome as Fate, Slots, Survivor};
use contact::Contacts;
use gates::{Permissions, Stop};
use items::Shop;
use lane::Tried;
use message::write;
use purse::Purses;
use score::Scored;
use shortlist::Best;
use smallvec::SmallVec;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use stock::Stock;

/// The answers for some placements, and what became of every candidate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answers {
    pub(crate) placements: Vec<PlacementAnswer>,
    /// Empty when only what is decided was asked for.
    pub(crate) candidates: Vec<Candidate>,
    /// The experiments that had a say, by number.
    pub(crate) exposed: BTreeSet<usize>,
}

/// What a decision reads.
#[derive(Clone, Copy)]
pub(crate) struct Reads<'r, 'a> {
    /// What may be read.
    pub(crate) context: &'r Context<'a>,
    /// All of the story, which what forbids reads, however little the host is sure who is there.
    pub(crate) whole: &'r Context<'a>,
    /// What may be read by offers that read of others, in the order of [`Offers::shared`].
    pub(crate) shared: &'r [Context<'a>],
    /// What is counted over all customers; `None` when the host does not say.
    pub(crate) counters: Option<&'r dyn Counters>,
    /// Whether of what is limited for the customer there is always enough, to see what would be decided then.
    pub(crate) unlimited: bool,
    /// What suggestions are made from.
    pub(crate) shelf: Option<&'r Shelf>,
    /// The only offers that are looked at, in the order of the playbook; all without them.
    pub(crate) only: Option<&'r [usize]>,
    /// How sensitive what triggered the reaction is that is answered; public without one.
    pub(crate) triggered: Sensitivity,
}

impl<'r, 'a> Reads<'r, 'a> {
    fn of(self, offer: &OfferRule) -> &'r Context<'a> {
        offer.beside.and_then(|place| self.shared.get(place)).unwrap_or(self.context)
    }
}

/// Fills placements in the order asked, slots in order. `guardian` says whether an identifier is of somebody who may consent for the
/// customer while that is a minor.
pub(crate) fn decide(
    offers: &Offers,
    reads: Reads<'_, '_>,
    said: Said<'_>,
    guardian: &dyn Fn(&str) -> bool,
    moment: &Moment<'_>,
    placements: &[usize],
    detail: Detail,
) -> Answers {
    let Reads { context, whole, .. } = reads;
    let guards = Guards::ask(offers, context, whole);
    let said = &if offers.guardian && guards.is_minor() { said.by_guardians(guardian) } else { said };
    let mut answers =
        Answers { placements: Vec::with_capacity(placements.len()), candidates: Vec::new(), exposed: BTreeSet::new() };
    let mut before = Before::default();
    let shop = Shop::new(offers, reads);
    let purses = Purses::new(offers, whole, reads.unlimited);
    let overdue = whole.commitments().into_iter().find(|own| own.state == CommitmentState::Overdue);
    // What an index leaves of the offers, asked when it is first needed.
    let possible: OnceCell<Option<Vec<u32>>> = OnceCell::new();
    for number in placements {
        let Some(placement) = offers.placements.get(*number) else { continue };
        let permissions = Permissions::of(offers, context, said, guards, placement).reacting_to(reads.triggered);
        let mut tally =
            Tally { placement, detail, counts: Counts::default(), candidates: Vec::new(), held: Vec::new(), items: Vec::new() };
        let contacts = Contacts::new(offers, whole, placement, detail);
        let stock = Stock::new(offers, &purses, reads.counters, context.now(), placement, overdue.as_ref());
        let mut survivors: Vec<Survivor<'_>> = Vec::new();
        // Of those that nothing can stop any more only the best is kept where there is but one slot.
        let single = detail == Detail::Brief
            && placement.slots == 1
            && before.taken.is_empty()
            && placement.ranking.explore == Explore::No;
        let mut best: Option<(usize, bool)> = None;
        let exposed = &mut answers.exposed;
        let taken = &before.items;
        let mut one = |place: usize, passes: bool, tally: &mut Tally<'_>| {
            let offer = offers.offers.get(place)?;
            let treatment = here(offer, *number, placement)?;
            let context = reads.of(offer);
            let passed = match passes {
                true => Ok(()),
                false => offer.pass(offers, treatment, context, &permissions, &contacts, &stock, detail),
            };
            let passed = passed.and_then(|()| shop.choose(offer, treatment, &contacts, taken, detail));
            let passed = passed.and_then(|items| {
                let item = items.first().and_then(|first| shop.asking(offer)?.facts(first));
                let scored = offer.score(place, placement, context, item.as_ref(), moment, detail)?;
                Ok((scored, items))
            });
            let reached = passed.as_ref().map_or_else(|stop| stop.gate, |_| Gate::Chosen);
            for (experiments, from) in offer.experiments.iter().zip([Gate::Experiment, Gate::Eligible]) {
                if !experiments.is_empty() {
                    exposed.extend(experiments.iter().filter(|_| reached >= from));
                }
            }
            match passed {
                Ok((Scored { score, learned, reasons }, items)) => {
                    let survivor = Survivor { place, offer, treatment, score, learned, reasons, items, chance: None };
                    if single && offer.promise.is_none() && offer.items.is_none() {
                        let free = |treatment| shop.messages().of_everybody(treatment).is_some();
                        // Asked when there is another one to compare with.
                        let known =
                            |(at, sure): &(usize, bool)| *sure || survivors.get(*at).is_some_and(|known| free(known.treatment));
                        best = best.filter(known).map(|(at, _)| (at, true));
                        match best.and_then(|(at, _)| survivors.get_mut(at)) {
                            None => best = Some((survivors.len(), false)),
                            Some(known) if free(treatment) => {
                                tally.count(Gate::Outranked, 1);
                                if placement.ranking.order(&survivor, known).is_lt() {
                                    *known = survivor;
                                }
                                return None;
                            }
                            Some(_) => {}
                        }
                    }
                    survivors.push(survivor);
                }
                Err(stop) => {
                    let gate = stop.gate;
                    tally.add(place, offer, stop, None);
                    return Some(gate);
                }
            }
            None
        };
        // Reasons are wanted of every candidate, so that each is tried.
        let short = offers.shortlist.as_ref().filter(|_| detail == Detail::Brief && reads.only.is_none());
        let short = short
            .and_then(|short| Some((short, short.lot(*number)?, possible.get_or_init(|| short.possible(context)).as_ref()?)));
        // Where nothing else can stop an offer, bits tell how far it comes.
        let plain = detail == Detail::Brief && contacts.is_silent() && overdue.is_none();
        match short {
            None => match (reads.only, offers.lanes.get(*number).filter(|_| plain)) {
                (Some(only), _) => only.iter().for_each(|place| _ = one(*place, false, &mut tally)),
                (None, Some(lane)) => {
                    // Of those of which only the rank counts the best alone is looked at.
                    let mut best = Best::default();
                    lane.each(offers, (*number, placement), context, &permissions, single, |place, tried| match tried {
                        Tried::Stopped(gate) => tally.count(gate, 1),
                        Tried::Ranks(rank) => best.take(rank, place, placement.slots),
                        Tried::Passes | Tried::Open => _ = one(place, matches!(tried, Tried::Passes), &mut tally),
                    });
                    best.places().for_each(|place| _ = one(place, true, &mut tally));
                    tally.count(Gate::Outranked, best.others);
                }
                (None, None) => (0..offers.offers.len()).for_each(|place| _ = one(place, false, &mut tally)),
            },
            Some((short, lot, possible)) => {
                for place in &lot.each {
                    one(*place, false, &mut tally);
                }
                // By group: how many offers were tried, and how many of those were out of date.
                let mut tried: SmallVec<[Option<(usize, usize)>; 8]> = SmallVec::new();
                for group in &lot.groups {
                    let example = offers.offers.get(group.example);
                    let asked = example.and_then(|offer| Some((offer, here(offer, *number, placement)?)));
                    let stop =
                        asked.and_then(|(offer, treatment)| offer.admits(offers, treatment, context, &permissions).err());
                    if let Some(stop) = &stop {
                        tally.count(stop.gate, group.size);
                    }
                    tried.push(stop.is_none().then_some((0, 0)));
                }
                // Of offers that rank the same for everybody only as many are looked up as there are slots, where no slot that is filled
                // stops another one.
                let alone = placement.slots == 1 || offers.contact.is_empty() && placement.diversity.is_empty();
                let fixed = placement.ranking.is_plain() && contacts.is_silent() && before.taken.is_empty();
                let fixed = fixed && alone && overdue.is_none();
                let mut best = Best::default();
                for number in possible {
                    let Some((place, group)) = short.find(lot, *number) else { continue };
                    if let Some(Some((tried, invalid))) = tried.get_mut(group) {
                        *tried += 1;
                        if let Some((fixed, exact)) = short.fixed(*number).filter(|_| fixed) {
                            let gates = || offers.offers.get(place).map_or(&[][..], |offer| &offer.gates);
                            if exact || gates().iter().all(|gate| gate.pass(context, detail).is_ok()) {
                                best.take(fixed, place, placement.slots);
                            } else if let Some(group) = lot.groups.get(group) {
                                tally.count(group.gate, 1);
                            }
                            continue;
                        }
                        *invalid += usize::from(one(place, false, &mut tally) == Some(Gate::Validity));
                    }
                }
                best.places().for_each(|place| {
                    one(place, false, &mut tally);
                });
                tally.count(Gate::Outranked, best.others);
                for (group, tried) in lot.groups.iter().zip(&tried) {
                    let Some((tried, invalid)) = tried else { continue };
                    let rest = group.invalid(context.now()).saturating_sub(*invalid);
                    tally.count(Gate::Validity, rest);
                    tally.count(group.gate, group.size.saturating_sub(tried + rest));
                }
            }
        }
        let mut chosen = Vec::with_capacity(placement.slots.min(survivors.len()));
        let slots = Slots { shop: &shop, reads, moment, placement, limits: (&contacts, &stock), detail };
        slots.fill(survivors, &mut before, &mut |survivor, fate| {
            let Survivor { place, offer, score, chance, mut reasons, items, .. } = survivor;
            if detail == Detail::Full {
                tally.items.extend(items.into_iter().next().map(|item| (place, item)));
            }
            let stop = match fate {
                Fate::Chosen(ranked) => {
                    let why = ranked.items.iter().map(Suggested::reason).collect();
                    chosen.push(Ranked {
                        score: score.total,
                        probability: chance.map(|chance| chance.probability),
                        probability_error: chance.map(|chance| chance.error).filter(|error| *error > 0.0),
                        ..ranked
                    });
                    Stop::new(Gate::Chosen, false, why)
                }
                Fate::Stopped(stop) => stop,
            };
            reasons.extend(stop.reasons);
            tally.add(place, offer, Stop { reasons, ..stop }, Some((score, chance)));
        });
        let stopped = permissions.no_contact.as_ref().or(permissions.impersonal.as_ref()).or(permissions.unsure.as_ref());
        let mut first = stopped.map(|stop| stop.reasons.join(", "));
        let answer = match &placement.fallback {
            _ if !chosen.is_empty() => Answer::Offers { offers: chosen },
            Some(fallback) if fallback.valid(context.now()) && permissions.fallback(offers, fallback) => {
                answers.exposed.extend(&fallback.experiments);
                match fallback.write(&offers.messages, context) {
                    Ok(message) => Answer::Fallback { message },
                    Err(why) => {
                        first = Some(first.map_or_else(|| why.clone(), |first| format!("{first}; {why}")));
                        Answer::Silence
                    }
                }
            }
            _ => Answer::Silence,
        };
        answers.placements.push(PlacementAnswer::of(placement, answer, first, tally.counts, tally.held));
        tally.candidates.sort_by_key(|(place, _)| *place);
        if detail == Detail::Full {
            seen::complete(offers, reads, &shop, &tally.items, &mut tally.candidates);
        }
        answers.candidates.extend(tally.candidates.into_iter().map(|(_, candidate)| candidate));
    }
    answers
}

/// The last gate: a free slot, the contact policy with what was chosen before, and a message that can be written.
fn fill(
    shop: &Shop<'_, '_>,
    reads: Reads<'_, '_>,
    survivor: &Survivor<'_>,
    (contacts, stock): (&Contacts<'_, '_>, &Stock<'_, '_>),
    (placement, filled): (&PlacementRule, usize),
    before: &Before<'_>,
    detail: Detail,
) -> Result<Ranked, Stop> {
    let taken = &before.taken;
    if filled >= placement.slots {
        return Err(Stop::because(Gate::Outranked, false, detail, || {
            let slots = if placement.slots == 1 { "the slot".to_owned() } else { format!("the {} slots", placement.slots) };
            format!("others with a higher rank took {slots}")
        }));
    }
    let earlier = taken.iter().find(|taken| taken.offer.name == survivor.offer.name);
    if let Some(earlier) = earlier.filter(|_| !placement.repeats) {
        let reason = || format!("it is shown in `{}` already", earlier.placement.name);
        return Err(Stop::because(Gate::Outranked, false, detail, reason));
    }
    diversity::pass(placement, survivor.offer, taken, detail)?;
    if !taken.is_empty() {
        stock.pass(survivor.offer, taken, detail)?;
        contacts.pass(survivor.offer, survivor.treatment, taken, detail)?;
    }
    let (context, items) = (reads.of(survivor.offer), &survivor.items);
    let item = items.first().and_then(|first| shop.asking(survivor.offer)?.facts(first));
    let terms = match &survivor.offer.promise {
        Some(promise) => Some(promise.terms(context, item.as_ref(), detail)?),
        None => None,
    };
    let carried = shop.asking(survivor.offer).filter(|_| survivor.offer.items.is_some()).map(|asking| (&items[..], asking));
    write(shop.messages(), Some(survivor.offer), survivor.treatment, context, carried, detail).map(|written| Ranked {
        offer: survivor.offer.name.clone(),
        score: survivor.score.total,
        probability: None,
        probability_error: None,
        message: written.message,
        headers: written.headers,
        sms: written.sms,
        why: written.why,
        items: items.clone(),
        terms,
        at: contacts.moved(survivor.offer, survivor.treatment),
        tags: survivor.offer.tags.clone(),
    })
}

/// Counts what became of the candidates of a placement.
struct Tally<'a> {
    placement: &'a PlacementRule,
    detail: Detail,
    counts: Counts,
    candidates: Vec<(usize, Candidate)>,
    /// Those that quiet hours hold.
    held: Vec<Held>,
    /// By place of the offer, the first item by which it was ranked.
    items: Vec<(usize, Suggested)>,
}

/// How many offers came to each gate, in the order of [`Gate::ALL`].
#[derive(Debug, Clone, Copy, Default)]
struct Counts([u32; Gate::ALL.len()]);

impl Counts {
    fn count(&mut self, gate: Gate, offers: usize) {
        if let Some(count) = self.0.get_mut(gate as usize) {
            *count = count.saturating_add(u32::try_from(offers).unwrap_or(u32::MAX));
        }
    }
}

impl PlacementAnswer {
    /// What a placement gets; `first` is what stopped all offers there.
    fn of(placement: &PlacementRule, answer: Answer, first: Option<String>, counts: Counts, held: Vec<Held>) -> Self {
        let reason = LateText::new(Reason { first, counts });
        PlacementAnswer { placement: placement.name.clone(), channel: placement.channel.clone(), answer, reason, held }
    }
}

impl Ranked {
    /// An offer that is made in the same words to everybody and carries nothing else.
    fn plain(offer: &OfferRule, score: f64, message: &str) -> Self {
        Ranked {
            offer: offer.name.clone(),
            score,
            probability: None,
            probability_error: None,
            message: message.to_owned(),
            terms: None,
            at: None,
            tags: offer.tags.clone(),
            headers: BTreeMap::new(),
            sms: None,
            why: Vec::new(),
            items: Vec::new(),
        }
    }
}

impl Tally<'_> {
    fn count(&mut self, gate: Gate, offers: usize) {
        self.counts.count(gate, offers);
    }

    fn add(&mut self, place: usize, offer: &OfferRule, stop: Stop, ranked: Option<(Score, Option<Chance>)>) {
        self.count(stop.gate, 1);
        if let (true, Some(until)) = (stop.held, stop.until) {
            self.held.push(Held { offer: offer.name.clone(), until });
        }
        if self.detail != Detail::Brief {
            let Stop { gate, unknown, reasons, until, .. } = stop;
            let data = offer.data.iter().map(|kind| kind.name()).collect();
            let (placement, offer) = (self.placement.name.clone(), offer.name.clone());
            let (score, chance) = ranked.map_or((None, None), |(score, chance)| (Some(score), chance));
            let probability = chance.map(|chance| chance.probability);
            let (margin, facts) = (None, Vec::new());
            let candidate =
                Candidate { placement, offer, gate, unknown, reasons, until, data, score, margin, facts, probability };
            self.candidates.push((place, candidate));
        }
    }
}

/// How many candidates there were, and which gates stopped how many.
struct Reason {
    /// What stopped them all.
    first: Option<String>,
    counts: Counts,
}

impl Recipe for Reason {
    /// Such as `8 candidates: 5 without consent, 2 not eligible, 1 chosen`.
    fn write(&self) -> String {
        let Counts(counts) = self.counts;
        let total: usize = counts.iter().map(|count| *count as usize).sum();
        let counts = Gate::ALL.iter().zip(counts).filter(|(_, count)| *count > 0);
        let counts: Vec<String> = counts.map(|(gate, count)| format!("{count} {}", gate.fate())).collect();
        let told = match total {
            0 => "no offer is made for this placement".to_owned(),
            1 => format!("1 candidate: {}", counts.join(", ")),
            _ => format!("{total} candidates: {}", counts.join(", ")),
        };
        match &self.first {
            Some(first) => format!("{first}; {told}"),
            None => told,
        }
    }
}
