//! What the rules count.

use super::super::gates::Detail;
use super::super::reserved::open;
use super::super::rules::{Offers, PlacementRule};
use super::fatigue::Spent;
use super::rules::{Budget, ContactRule, Demand, Scope, Subject};
use super::{OfferRule, Why};
use crate::context::Context;
use crate::customer::{RESERVED, StoryRow, View, outcome_column};
use crate::expr::plan::Seen;
use crate::expr::{EventKind, Facts};
use crate::playbook::Part;
use crate::value::{Span, Timestamp, Value, Window, Zone};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What a rule found at a placement.
#[derive(Debug)]
pub(super) enum Counted<'c> {
    /// It has nothing against anything.
    Nothing,
    /// Whether it forbids is not known, and what may be forbidden is.
    Unknown(Why),
    /// How often something happened.
    Times(Times<'c>),
    /// Quiet hours hold, by this clock, which may have been assumed.
    Quiet((Zone, bool)),
    /// What was spent, and how much of it is left now.
    Spent(Spent, i64),
    /// The condition holds, or may hold.
    While { unknown: bool },
}

/// How often something happened.
#[derive(Debug)]
pub(super) struct Times<'c> {
    /// By which clock, and whether that was assumed.
    pub(super) zone: Zone,
    pub(super) assumed: bool,
    /// Whatever the offer.
    all: Entry,
    /// By offer or group, for rules that count each for itself.
    each: BTreeMap<&'c str, Entry>,
    keeps: bool,
}

#[derive(Debug, Default)]
pub(super) struct Entry {
    pub(super) count: usize,
    pub(super) last: Option<Timestamp>,
    /// When, in order; only where that is needed.
    pub(super) times: Vec<Timestamp>,
}

impl Entry {
    pub(super) fn add(&mut self, at: Timestamp, keeps: bool) {
        self.count += 1;
        self.last = self.last.max(Some(at));
        if keeps {
            self.times.push(at);
        }
    }
}

impl<'c> Times<'c> {
    fn new(zone: Zone, assumed: bool, keeps: bool) -> Self {
        Times { zone, assumed, all: Entry::default(), each: BTreeMap::new(), keeps }
    }

    /// What counts for an offer.
    pub(super) fn of(&self, scope: &Scope, offer: &OfferRule) -> Option<&Entry> {
        let parts = scope.parts();
        if parts.contains(&Scope::Offer) {
            self.each.get(&*offer.name)
        } else if parts.contains(&Scope::Group) {
            self.each.get(&**offer.group.as_ref()?)
        } else {
            Some(&self.all).filter(|entry| entry.count > 0)
        }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        std::iter::once(&self.all).chain(self.each.values())
    }

    fn sort(&mut self) {
        let keeps = self.keeps;
        std::iter::once(&mut self.all)
            .chain(self.each.values_mut())
            .filter(|_| keeps)
            .for_each(|entry| entry.times.sort_unstable());
    }
}

/// With what an event counts together.
pub(super) enum Key<'c> {
    All,
    Each(&'c str),
}

impl ContactRule {
    /// What it finds at a placement for what is sent at an instant; later events than now are not known.
    pub(super) fn counted<'c, 'a: 'c>(
        &'c self,
        number: usize,
        offers: &'c Offers,
        context: &Context<'a>,
        placement: &PlacementRule,
        at: Timestamp,
        detail: Detail,
    ) -> Counted<'c> {
        if !self.concerns(placement) {
            return Counted::Nothing;
        }
        match &self.demand {
            Demand::While { rule, when_unknown } => {
                let holds = context.holds(rule);
                match holds.truth {
                    Some(false) => Counted::Nothing,
                    None if !when_unknown && !holds.failed => Counted::Nothing,
                    truth => Counted::While { unknown: truth.is_none() },
                }
            }
            Demand::Quiet { hours, .. } => match self.zone(context) {
                _ if !self.quiets(placement) => Counted::Nothing,
                Ok(Some((zone, assumed))) if super::quiet_at(hours, context.now(), zone).is_some() => {
                    Counted::Quiet((zone, assumed))
                }
                Ok(_) => Counted::Nothing,
                Err(why) => Counted::Unknown(why),
            },
            Demand::Fatigue(budget) => self.spent(number, budget, offers, context, placement, at),
            Demand::Elsewhere => Counted::Nothing,
            // What it holds back are items.
            _ if self.scope.is_of_items() => Counted::Nothing,
            Demand::Cap { .. } | Demand::Pause { .. } | Demand::Gap { .. } => {
                self.times(number, offers, context, placement, at, detail)
            }
        }
    }

    /// The stories whose events count; none when they are not known.
    pub(super) fn views<'v, 'a>(&self, context: &'v Context<'a>) -> Option<&'v [View<'a>]> {
        match self.subject {
            Subject::Customer => Some(std::slice::from_ref(context.view())),
            Subject::Relation(relation) => Some(context.others()?.together(relation)),
            Subject::All => Some(&[]),
        }
    }

    fn times<'c, 'a: 'c>(
        &'c self,
        number: usize,
        offers: &'c Offers,
        context: &Context<'a>,
        placement: &PlacementRule,
        at: Timestamp,
        detail: Detail,
    ) -> Counted<'c> {
        let kinds = self.kinds();
        let Some(views) = self.views(context) else { return Counted::Unknown(Why::Related) };
        let calendar = matches!(self.demand, Demand::Cap { per, .. } if per.is_calendar());
        let (zone, assumed) = match self.zone(context) {
            _ if !calendar => (Zone::UTC, false),
            Ok(Some(clock)) => clock,
            Ok(None) => return Counted::Nothing,
            Err(why) => return Counted::Unknown(why),
        };
        let series = matches!(&self.demand, Demand::Pause { times, .. } if *times > 1);
        let mut times = Times::new(zone, assumed, series || detail == Detail::Full);
        let held = self.held(context);
        let nothing = |view: &View<'_>| kinds.iter().chain(&held).all(|kind| matches!(view.seen(*kind), Seen::Nothing));
        if views.iter().all(|view| nothing(view) && view.folded(kinds, Span::lifetime(context.now()), None).is_none()) {
            return Counted::Times(times);
        }
        let Some(span) = self.span(context, zone, at) else { return Counted::Times(times) };
        let mut add = |row: StoryRow<'a>| {
            match self.key(number, &row, offers, placement) {
                Some(Key::All) => times.all.add(row.time(), times.keeps),
                Some(Key::Each(key)) => times.each.entry(key).or_default().add(row.time(), times.keeps),
                None => {}
            }
            ControlFlow::Continue(())
        };
        for view in views {
            view.events(kinds, span, &mut add);
            if held.is_some() {
                open(view, &context.rules().sources.reserved, context.now()).into_iter().for_each(|row| _ = add(row));
            }
        }
        times.sort();
        for folded in views.iter().filter_map(|view| view.folded(kinds, span, None)) {
            // Of what was folded only totals are known, so that only those who count everything can tell.
            match (&self.scope, &self.demand) {
                (Scope::Everything, Demand::Cap { .. }) if folded.whole => {
                    times.all.count = times.all.count.saturating_add(usize::try_from(folded.count).unwrap_or(usize::MAX));
                }
                _ => return Counted::Unknown(Why::Folded(folded.until)),
            }
        }
        Counted::Times(times)
    }

    /// The event type of reservations, where they count.
    pub(super) fn held(&self, context: &Context<'_>) -> Option<EventKind> {
        context.rules().sources.reserved.outcome(RESERVED).filter(|_| self.counts_reserved())
    }

    /// The stretch of time that it counts in for what is sent at an instant, as far as that is over; none where there is no session.
    pub(super) fn span(&self, context: &Context<'_>, zone: Zone, at: Timestamp) -> Option<Span> {
        let span = self.window(context, zone, at)?;
        let until = span.until.min(context.now());
        Some(Span { after: span.after.min(until), until })
    }

    fn window(&self, context: &Context<'_>, zone: Zone, now: Timestamp) -> Option<Span> {
        match &self.demand {
            Demand::Pause { pause: None, .. } => Some(Span::lifetime(now)),
            Demand::Pause { pause: Some(pause), within, .. } => {
                let length = pause.micros().saturating_add(within.micros());
                Some(Span { after: now.saturating_add_micros(length.saturating_neg()), until: now })
            }
            Demand::Gap { gap, .. } => Some(Span::rolling(*gap, now)),
            Demand::Cap { per: Window::Rolling(length), .. } => Some(Span::rolling(*length, now)),
            Demand::Cap { per: Window::Calendar(unit), .. } => Some(Span::from(unit.start(now, zone), now)),
            Demand::Cap { per: Window::Days(days), .. } => Some(Span::days(*days, now, zone)),
            Demand::Cap { per: Window::Blocks(blocks), .. } => Some(Span::from(blocks.start(now, zone), now)),
            Demand::Cap { per: Window::Session, .. } => Facts::session(context).map(|(start, _)| Span::from(start, now)),
            Demand::Cap { per: Window::Lifetime, .. } => Some(Span::lifetime(now)),
            Demand::Fatigue(budget) => Some(Span { after: now.saturating_add_micros(-budget.reach()), until: now }),
            Demand::Quiet { .. } | Demand::While { .. } | Demand::Elsewhere => None,
        }
    }

    fn spent<'c, 'a: 'c>(
        &'c self,
        number: usize,
        budget: &Budget,
        offers: &'c Offers,
        context: &Context<'a>,
        placement: &PlacementRule,
        at: Timestamp,
    ) -> Counted<'c> {
        let Some(views) = self.views(context) else { return Counted::Unknown(Why::Related) };
        let kinds: Vec<EventKind> = budget.spend.iter().map(|(kind, _)| *kind).collect();
        let mut spent = Spent::new();
        if let Some(span) = self.span(context, Zone::UTC, at) {
            for view in views {
                view.events(&kinds, span, &mut |row: StoryRow<'a>| {
                    if self.key(number, &row, offers, placement).is_some() {
                        let offer = row.text(outcome_column::OFFER).and_then(|name| offers.named(name));
                        spent.push((row.time(), budget.spends(row.kind(), row.channel(), offer)));
                    }
                    ControlFlow::Continue(())
                });
                if self.held(context).is_some_and(|held| !matches!(view.seen(held), Seen::Nothing)) {
                    for row in open(view, &context.rules().sources.reserved, context.now()) {
                        if self.key(number, &row, offers, placement).is_some() {
                            let offer = row.text(outcome_column::OFFER).and_then(|name| offers.named(name));
                            spent.push((row.time(), budget.holds(row.channel(), offer)));
                        }
                    }
                }
            }
        }
        let load = budget.load(&spent, at);
        Counted::Spent(spent, load)
    }

    /// Whether what is sent at two instants comes into one window, or is not far enough apart.
    pub(super) fn near(&self, context: &Context<'_>, zone: Zone, (a, b): (Timestamp, Timestamp)) -> bool {
        let (first, last) = (a.min(b), a.max(b));
        first == last || self.window(context, zone, last).is_none_or(|window| first > window.after)
    }

    /// With what an event counts together; none when it does not count.
    pub(super) fn key<'c, 'a: 'c>(
        &'c self,
        number: usize,
        row: &StoryRow<'a>,
        offers: &'c Offers,
        placement: &PlacementRule,
    ) -> Option<Key<'c>> {
        let outcome = usize::from(row.kind().0) >= offers.declared_events;
        let named = || row.text(outcome_column::OFFER).filter(|_| outcome);
        let offer = || named().and_then(|name| offers.named(name));
        if offers.selective && offer().is_some_and(|offer| !offer.counted(number, row.channel())) {
            return None;
        }
        let among = |names: &[Arc<str>], name: &str| names.iter().any(|own| **own == *name);
        let is_of = |scope: &Scope| -> Option<bool> {
            Some(match scope {
                Scope::Offer => named().is_some(),
                Scope::Group => offer()?.group.is_some(),
                Scope::All(_) => true,
                Scope::Placement => row.text(outcome_column::PLACEMENT) == Some(&placement.name),
                Scope::Channel => row.channel() == Some(&placement.channel),
                Scope::Everything | Scope::Item => true,
                Scope::Only(Part::Offers, names) => among(names, named()?),
                Scope::Only(Part::Groups, names) => offer()?.group.as_ref().is_some_and(|group| names.contains(group)),
                Scope::Only(Part::Owners, names) => offer()?.owner.is_some_and(|owner| among(names, owner.name())),
                Scope::Only(Part::Channels, names) => among(names, row.channel()?),
                Scope::Only(Part::Placements, names) => among(names, row.text(outcome_column::PLACEMENT)?),
                Scope::Only(Part::Tags { sent }, names) => {
                    let kept = offers.tags.filter(|_| *sent).and_then(|column| row.value(column));
                    match kept {
                        Some(Value::List(tags)) => {
                            tags.iter().any(|tag| matches!(tag, Value::String(tag) if among(names, tag)))
                        }
                        _ => offer()?.tags.iter().any(|tag| names.contains(tag)),
                    }
                }
            })
        };
        let parts = self.scope.parts();
        if !parts.iter().all(|scope| is_of(scope) == Some(true)) {
            return None;
        }
        if parts.contains(&Scope::Offer) {
            named().map(Key::Each)
        } else if parts.contains(&Scope::Group) {
            offer()?.group.as_deref().map(Key::Each)
        } else {
            Some(Key::All)
        }
    }
}
