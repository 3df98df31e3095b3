//! The contact policy: what was recorded is counted once per rule and placement, then every offer is held to it.

mod count;
mod fatigue;
mod items;
mod quiet;
mod rules;
mod words;

pub(crate) use rules::{ContactRule, Demand, Switch, TAKEN};

use super::gates::{Detail, Stop};
use super::rules::{OfferRule, Offers, PlacementRule, TreatmentRule};
use super::trace::Gate;
use crate::context::{Context, Rule};
use crate::expr::{Facts, Outcome};
use crate::playbook::{Clock, Part, Then, UnknownZone};
use crate::value::{Duration, Timestamp, Unit, Value, Window, Zone};
use count::{Counted, Entry};
pub(super) use items::SpentItems;
use quiet::quiet_at;
use rules::Scope;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::rc::Rc;
use words::Objection;

/// A slot that this decision has filled already; it counts for the caps of later ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken<'a> {
    pub(super) offer: &'a OfferRule,
    pub(super) treatment: &'a TreatmentRule,
    pub(super) placement: &'a PlacementRule,
    /// When it is sent, where quiet hours move it.
    pub(super) at: Option<Timestamp>,
}

/// The contact policy at one placement.
pub(super) struct Contacts<'c, 'a> {
    offers: &'c Offers,
    context: &'c Context<'a>,
    placement: &'c PlacementRule,
    counted: Vec<Counted<'c>>,
    /// The rules that could object to an offer although this decision has filled no slot yet; those of quiet hours apart.
    close: SmallVec<[usize; 8]>,
    /// The quiet hours that hold now.
    quiet: SmallVec<[usize; 2]>,
    /// What rules count for what is sent at another instant.
    moved: RefCell<Vec<(Timestamp, Rc<[Counted<'c>]>)>>,
    detail: Detail,
}

/// An offer as it would be shown.
#[derive(Debug, Clone, Copy)]
struct Shown<'o> {
    offer: &'o OfferRule,
    treatment: &'o TreatmentRule,
    placement: &'o PlacementRule,
}

impl<'c, 'a> Contacts<'c, 'a> {
    /// Counts what the rules of a placement count.
    pub(super) fn new(offers: &'c Offers, context: &'c Context<'a>, placement: &'c PlacementRule, detail: Detail) -> Self {
        let mut contacts = Contacts {
            offers,
            context,
            placement,
            counted: Vec::with_capacity(offers.contact.len()),
            close: SmallVec::new(),
            quiet: SmallVec::new(),
            moved: RefCell::default(),
            detail,
        };
        for (number, rule) in offers.contact.iter().enumerate() {
            let counted = rule.counted(number, offers, context, placement, context.now(), detail);
            match &counted {
                Counted::Quiet(_) => contacts.quiet.push(number),
                counted if rule.is_close(counted) => contacts.close.push(number),
                _ => {}
            }
            contacts.counted.push(counted);
        }
        contacts
    }

    /// Whether nothing objects to any offer while this decision has filled no slot.
    pub(super) fn is_silent(&self) -> bool {
        self.close.is_empty() && self.quiet.is_empty()
    }

    /// Whether an offer may be shown, with the slots that this decision has filled already.
    pub(super) fn pass(
        &self,
        offer: &OfferRule,
        treatment: &TreatmentRule,
        taken: &[Taken<'_>],
        detail: Detail,
    ) -> Result<(), Stop> {
        let shown = Shown { offer, treatment, placement: self.placement };
        let silence = self.silence(shown);
        // What quiet hours move counts when it is sent.
        let moved = if self.quiet.is_empty() || silence.is_some() { None } else { self.moved(offer, treatment) };
        let objection = match moved {
            Some(at) => self.objections_at(shown, taken, at).next(),
            None => {
                let now = self.context.now();
                let object = |number: usize| Some((number, self.object(number, shown, taken, self.counted.get(number)?, now)?));
                match taken.is_empty() {
                    true => self.close.iter().find_map(|number| object(*number)),
                    false => (0..self.counted.len()).find_map(object),
                }
            }
        };
        if let Some((number, objection)) = objection.or(silence) {
            let mut stop = self.stop(number, &objection, detail);
            // What waits for the end of quiet hours is told so in the answer, explained or not.
            if detail == Detail::Full && !stop.held {
                stop.until = self.clear(shown, taken);
            }
            return Err(stop);
        }
        Ok(())
    }

    /// What rules other than of quiet hours have against what is sent at an instant, in their order.
    fn objections_at<'t>(
        &'t self,
        shown: Shown<'t>,
        taken: &'t [Taken<'_>],
        at: Timestamp,
    ) -> impl Iterator<Item = (usize, Objection)> + 't {
        let counted = self.counted_at(at);
        (0..counted.len())
            .filter_map(move |number| Some((number, self.object(number, shown, taken, counted.get(number)?, at)?)))
    }

    /// The first instant found at which no rule has anything against an offer any more, if nothing else happens; `None` when there is
    /// none, or it is not known.
    fn clear(&self, shown: Shown<'_>, taken: &[Taken<'_>]) -> Option<Timestamp> {
        let mut at = self.context.now();
        // Where one rule ends another may begin, quiet hours above all.
        for _ in 0..64 {
            let sent = match self.strictest(shown, at) {
                Some(Then::Move) => self.free(shown, at, Side::After)?,
                Some(Then::Hold | Then::Drop) => {
                    at = self.free(shown, at, Side::After)?;
                    continue;
                }
                None => at,
            };
            let ends = self.objections_at(shown, taken, sent).map(|(_, objection)| objection.until());
            let Some(last) = ends.collect::<Option<Vec<_>>>()?.into_iter().max() else { return Some(at) };
            if last <= at {
                return None;
            }
            at = last;
        }
        None
    }

    /// What becomes of an offer that would be shown at an instant, where it is quiet then.
    fn strictest(&self, shown: Shown<'_>, at: Timestamp) -> Option<Then> {
        let rules = self.offers.contact.iter().enumerate().filter(|(number, rule)| rule.binds(*number, shown));
        let quiet = rules.filter_map(|(_, rule)| {
            let Demand::Quiet { hours, then } = &rule.demand else { return None };
            let zone = rule.zone(self.context).ok()??.0;
            (rule.quiets(shown.placement) && quiet_at(hours, at, zone).is_some()).then_some(*then)
        });
        quiet.max_by_key(|then| then.strictness())
    }

    /// What rules count for what is sent at an instant to come, or before one that is planned.
    fn counted_at(&self, at: Timestamp) -> Rc<[Counted<'c>]> {
        let known = self.moved.borrow().iter().find(|(own, _)| *own == at).map(|(_, counted)| counted.clone());
        known.unwrap_or_else(|| {
            let rules = self.offers.contact.iter().enumerate();
            let counted =
                rules.map(|(number, rule)| rule.counted(number, self.offers, self.context, self.placement, at, self.detail));
            let counted: Rc<[Counted<'c>]> = counted.collect();
            self.moved.borrow_mut().push((at, counted.clone()));
            counted
        })
    }

    /// The items that rules hold back of an offer.
    pub(super) fn spent_items(&self, offer: &OfferRule, treatment: &TreatmentRule) -> SpentItems {
        let shown = Shown { offer, treatment, placement: self.placement };
        let mut spent = SpentItems::default();
        let at = self.moved(offer, treatment).unwrap_or_else(|| self.context.now());
        for (number, rule) in self.offers.contact.iter().enumerate() {
            if rule.scope.is_of_items() && rule.concerns(self.placement) && rule.binds(number, shown) {
                spent.add(rule.items(number, self.offers, self.context, self.placement, at));
            }
        }
        spent
    }

    /// When an offer is to be sent that quiet hours move; `None` for now.
    pub(super) fn moved(&self, offer: &OfferRule, treatment: &TreatmentRule) -> Option<Timestamp> {
        let shown = Shown { offer, treatment, placement: self.placement };
        self.silent(shown).next()?;
        let now = self.context.now();
        let after = self.free(shown, now, Side::After)?;
        let known_at = self.context.view().known_at();
        let before = self.free(shown, now, Side::Before).filter(|before| *before >= known_at);
        let distance = |at: Timestamp| at.micros().abs_diff(now.micros());
        Some(before.filter(|before| distance(*before) < distance(after)).unwrap_or(after))
    }

    fn stop(&self, number: usize, objection: &Objection, detail: Detail) -> Stop {
        let mut stop = Stop::because(Gate::Contact, objection.unknown(), detail, || match self.offers.contact.get(number) {
            Some(rule) => rule.words(objection, self.context),
            None => String::new(),
        });
        stop.until = objection.until();
        stop.held = matches!(objection, Objection::Quiet { then: Then::Hold, until: Some(_), .. });
        let asked = matches!(objection, Objection::While { .. } | Objection::Unknown(Why::Limit));
        if let (true, Detail::Full, Some(rule)) = (asked, detail, self.offers.contact.get(number).and_then(ContactRule::rule)) {
            stop.reasons.extend(super::gates::reasons_of(rule, self.context));
        }
        stop
    }

    /// What a rule other than of quiet hours has against showing an offer at an instant.
    fn object(
        &self,
        number: usize,
        shown: Shown<'_>,
        taken: &[Taken<'_>],
        counted: &Counted<'_>,
        now: Timestamp,
    ) -> Option<Objection> {
        let rule = self.offers.contact.get(number)?;
        if matches!(counted, Counted::Nothing | Counted::Quiet(_)) || !rule.binds(number, shown) {
            return None;
        }
        let zone = if let Counted::Times(times) = counted { times.zone } else { Zone::UTC };
        let sent = |taken: &Taken<'_>| taken.at.unwrap_or_else(|| self.context.now());
        let near = |taken: &Taken<'_>| rule.near(self.context, zone, (sent(taken), now));
        let here = || taken.iter().filter(|taken| rule.together(number, taken, shown) && near(taken));
        match (counted, &rule.demand) {
            (Counted::Unknown(why), _) => Some(Objection::Unknown(*why)),
            (Counted::Times(times), Demand::Cap { count, at_most, limit, per }) => {
                let Some(most) = most(*at_most, limit.as_deref(), self.context) else {
                    return Some(Objection::Unknown(Why::Limit));
                };
                let entry = times.of(&rule.scope, shown.offer);
                let recorded = entry.map_or(0, |entry| entry.count);
                let here = if count.taken { here().count() } else { 0 };
                (recorded + here >= most).then(|| {
                    let until = entry.filter(|_| here == 0).and_then(|entry| entry.until(most, *per, now, times.zone));
                    Objection::Count { count: recorded + here, here, most, until, zone: times.zone, assumed: times.assumed }
                })
            }
            (Counted::Times(times), Demand::Pause { times: many, within, pause, .. }) => {
                let last = times.of(&rule.scope, shown.offer)?.began(*many as usize, *within, *pause, now)?;
                Some(Objection::Last { last, until: pause.map(|pause| later(last, pause)) })
            }
            (Counted::Times(times), Demand::Gap { gap, .. }) => {
                let last = times.of(&rule.scope, shown.offer).and_then(|entry| entry.last);
                match here().next() {
                    Some(taken) => Some(Objection::Last { last: sent(taken), until: Some(later(sent(taken), *gap)) }),
                    None => last.map(|last| Objection::Last { last, until: Some(later(last, *gap)) }),
                }
            }
            (Counted::Spent(spent, load), Demand::Fatigue(budget)) => {
                let cost = budget.costs(&self.placement.channel, shown.offer);
                let taken =
                    here().fold(0_i64, |sum, taken| sum.saturating_add(budget.costs(&taken.placement.channel, taken.offer)));
                let load = load.saturating_add(taken);
                (cost > 0 && load.saturating_add(cost) > budget.budget).then(|| {
                    let until = if taken == 0 { budget.recovered(spent, cost, now) } else { None };
                    Objection::Tired { load, cost, until }
                })
            }
            (Counted::While { unknown }, _) => Some(Objection::While { unknown: *unknown }),
            _ => None,
        }
    }

    /// The quiet hours that an offer has to keep now.
    fn silent(&self, shown: Shown<'_>) -> impl Iterator<Item = (usize, &ContactRule)> {
        let rules = self.quiet.iter().filter_map(|number| Some((*number, self.offers.contact.get(*number)?)));
        rules.filter(move |(number, rule)| rule.binds(*number, shown))
    }

    /// What quiet hours have against showing an offer now.
    fn silence(&self, shown: Shown<'_>) -> Option<(usize, Objection)> {
        let mut found: Option<(usize, Then)> = None;
        for (number, rule) in self.silent(shown) {
            let Demand::Quiet { then, .. } = rule.demand else { continue };
            if found.is_none_or(|(_, other)| then.strictness() > other.strictness()) {
                found = Some((number, then));
            }
        }
        let (number, then) = found?;
        let until = self.free(shown, self.context.now(), Side::After);
        if then == Then::Move && until.is_some() {
            return None;
        }
        let (zone, assumed) = match self.counted.get(number) {
            Some(Counted::Quiet(clock)) => *clock,
            _ => return None,
        };
        Some((number, Objection::Quiet { then, until, zone, assumed }))
    }

    /// The nearest instant on one side at which no quiet hours hold; `None` when there is none.
    fn free(&self, shown: Shown<'_>, now: Timestamp, side: Side) -> Option<Timestamp> {
        let mut at = now;
        // Hours of several rules may follow each other; more than a few times they are endless.
        for _ in 0..64 {
            let quiet = self.offers.contact.iter().enumerate().find_map(|(number, rule)| {
                let Demand::Quiet { hours, .. } = &rule.demand else { return None };
                let zone = rule.zone(self.context).ok()??.0;
                let own = rule.quiets(shown.placement) && rule.binds(number, shown);
                if own { quiet_at(hours, at, zone) } else { None }
            });
            at = match (quiet, side) {
                (None, _) => return Some(at),
                (Some((from, Some(_))), Side::Before) => from.saturating_add_micros(-1),
                (Some((_, until)), _) => until?,
            };
        }
        None
    }
}

/// On which side of an instant something is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// Why it is not known whether a rule forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// Who is related to the customer is not known.
    Related,
    /// By which clock is not known.
    Zone,
    /// Some of what is counted was folded up to an instant.
    Folded(Timestamp),
    /// How many it allows is not known.
    Limit,
}

/// How many a cap allows the customer; below zero is none. `None` when that is not known.
fn most(at_most: u32, limit: Option<&Rule>, context: &Context<'_>) -> Option<usize> {
    let Some(limit) = limit else { return Some(at_most as usize) };
    match limit.ask(context).outcome {
        Outcome::Value(Value::Int(most)) => Some(usize::try_from(most.max(0)).unwrap_or(usize::MAX)),
        _ => None,
    }
}

fn later(at: Timestamp, length: Duration) -> Timestamp {
    at.saturating_add_micros(length.micros())
}

impl ContactRule {
    /// Whether it is about what is shown in a placement, whatever the offer.
    fn concerns(&self, placement: &PlacementRule) -> bool {
        self.scope.parts().iter().all(|scope| match scope {
            Scope::Only(Part::Channels, names) => names.contains(&placement.channel),
            Scope::Only(Part::Placements, names) => names.contains(&placement.name),
            _ => true,
        })
    }

    /// Whether its quiet hours count in a placement: where showing something is contacting the customer, or where it says so.
    fn quiets(&self, placement: &PlacementRule) -> bool {
        let named = self.scope.parts().iter().any(|scope| matches!(scope, Scope::Only(Part::Channels | Part::Placements, _)));
        self.concerns(placement) && (placement.contact || named)
    }

    /// Whether an offer has to obey it.
    fn binds(&self, number: usize, shown: Shown<'_>) -> bool {
        shown.treatment.obeys.holds(number) && self.is_about(shown.offer)
    }

    fn is_about(&self, offer: &OfferRule) -> bool {
        self.scope.parts().iter().all(|scope| match scope {
            Scope::Group => offer.group.is_some(),
            Scope::Only(Part::Offers, names) => names.contains(&offer.name),
            Scope::Only(Part::Groups, names) => offer.group.as_ref().is_some_and(|group| names.contains(group)),
            Scope::Only(Part::Tags { .. }, names) => offer.tags.iter().any(|tag| names.contains(tag)),
            Scope::Only(Part::Owners, names) => {
                offer.owner.is_some_and(|owner| names.iter().any(|name| **name == *owner.name()))
            }
            _ => true,
        })
    }

    /// Whether what this decision took counts together with what it would show.
    fn together(&self, number: usize, taken: &Taken<'_>, shown: Shown<'_>) -> bool {
        let same = |scope: &Scope| match scope {
            Scope::Offer => taken.offer.name == shown.offer.name,
            Scope::Group => taken.offer.group == shown.offer.group,
            Scope::Placement => taken.placement.name == shown.placement.name,
            Scope::Channel => taken.placement.channel == shown.placement.channel,
            Scope::Everything | Scope::Item | Scope::Only(..) | Scope::All(_) => true,
        };
        let own = self.is_about(taken.offer) && self.concerns(taken.placement);
        own && self.scope.parts().iter().all(same) && taken.treatment.counts.holds(number)
    }

    /// The zone by which it goes, and whether it was assumed; none when the rule does not count, an error when it is not known.
    fn zone(&self, context: &Context<'_>) -> Result<Option<(Zone, bool)>, Why> {
        match self.clock {
            Clock::Zone(zone) => Ok(Some((zone, false))),
            Clock::Customer { unknown } => match (context.own_zone(), unknown) {
                (Some(zone), _) => Ok(Some((zone, false))),
                (None, UnknownZone::Zone(zone)) => Ok(Some((zone, context.rules().customer_zone.is_some()))),
                (None, UnknownZone::Hold) => Err(Why::Zone),
                (None, UnknownZone::Ignore) => Ok(None),
            },
        }
    }

    /// Whether it could object to an offer although this decision has filled no slot yet.
    fn is_close(&self, counted: &Counted<'_>) -> bool {
        match (counted, &self.demand) {
            (Counted::Nothing | Counted::Quiet(_), _) => false,
            (Counted::Unknown(_) | Counted::While { .. }, _) => true,
            (Counted::Times(times), Demand::Cap { at_most, .. }) => {
                *at_most == 0 || times.entries().any(|entry| entry.count >= *at_most as usize)
            }
            (Counted::Times(times), _) => times.entries().any(|entry| entry.count > 0),
            (Counted::Spent(_, load), Demand::Fatigue(budget)) => *load > 0 || budget.budget < budget.dearest(),
            (Counted::Spent(..), _) => true,
        }
    }
}

impl Entry {
    /// When so many of a rolling or calendar window are not there any more.
    fn until(&self, most: usize, per: Window, now: Timestamp, zone: Zone) -> Option<Timestamp> {
        match per {
            _ if most == 0 => None,
            Window::Rolling(length) => self.times.get(self.times.len().checked_sub(most)?).map(|first| later(*first, length)),
            Window::Calendar(unit) => Some(Unit::end(unit, now, zone)),
            Window::Blocks(blocks) => Some(blocks.end(now, zone)),
            Window::Days(days) => {
                let day = zone.date(*self.times.get(self.times.len().checked_sub(most)?)?);
                day.checked_add_days(chrono::Days::new(u64::from(days))).map(|day| zone.midnight(day))
            }
            Window::Session | Window::Lifetime => None,
        }
    }

    /// When the pause began that holds now: after the last of so many within a time.
    fn began(&self, many: usize, within: Duration, pause: Option<Duration>, now: Timestamp) -> Option<Timestamp> {
        let holds = |at: &Timestamp| pause.is_none_or(|pause| later(*at, pause) > now);
        if many <= 1 {
            return self.last.filter(holds);
        }
        let series = self.times.windows(many).rev();
        let mut ends = series.filter_map(|some| {
            let (first, last) = (some.first()?, some.last()?);
            (later(*first, within) > *last).then_some(*last)
        });
        ends.next().filter(holds)
    }
}
