use super::gates::{Detail, Stop};
use super::reserved::open;
use super::rules::{ContactRule, Limit, OfferRule, Offers, PlacementRule, Scope};
use super::trace::Gate;
use crate::context::Context;
use crate::customer::{RESERVED, StoryRow, outcome_column};
use crate::expr::plan::Seen;
use crate::expr::{EventKind, Facts};
use crate::value::{Span, Timestamp, Unit, Window};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// A slot that this decision has filled already; it counts for the caps of later ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken<'a> {
    pub(super) offer: &'a OfferRule,
    pub(super) placement: &'a PlacementRule,
}

/// The contact policy at one placement; what was recorded is counted once per rule.
pub(super) struct Contacts<'c, 'a> {
    offers: &'c Offers,
    context: &'c Context<'a>,
    placement: &'c PlacementRule,
    counted: Vec<Counted<'a>>,
    /// The rules that could object to an offer although this decision has filled no slot yet.
    close: Vec<usize>,
}

/// What a rule counts.
#[derive(Default)]
struct Counted<'a> {
    /// Who else counts is not known.
    unknown: bool,
    /// Whatever the offer.
    all: (usize, Option<Timestamp>),
    /// By offer, for rules that count each for itself.
    offers: BTreeMap<&'a str, (usize, Option<Timestamp>)>,
}

impl<'c, 'a> Contacts<'c, 'a> {
    /// Counts what the rules of a placement count.
    pub(super) fn new(offers: &'c Offers, context: &'c Context<'a>, placement: &'c PlacementRule) -> Self {
        let counted: Vec<Counted<'a>> = offers.contact.iter().map(|rule| rule.counted(context, placement)).collect();
        let close = |(rule, counted): (&ContactRule, &Counted<'a>)| match rule.limit {
            _ if counted.unknown => true,
            Limit::Cap { at_most: 0, .. } => true,
            Limit::Cap { at_most, .. } => counted.all.0 >= at_most as usize || !counted.offers.is_empty(),
            Limit::Pause(_) => counted.all.1.is_some() || !counted.offers.is_empty(),
        };
        let close =
            offers.contact.iter().zip(&counted).enumerate().filter(|(_, pair)| close(*pair)).map(|(at, _)| at).collect();
        Contacts { offers, context, placement, counted, close }
    }

    /// Whether an offer may be shown, with the slots that this decision has filled already.
    pub(super) fn pass(&self, offer: &OfferRule, taken: &[Taken<'_>], detail: Detail) -> Result<(), Stop> {
        let object = |at: usize| {
            let (rule, counted) = (self.offers.contact.get(at)?, self.counted.get(at)?);
            rule.objects(self.context, counted, offer, self.placement, taken).map(|objection| (rule, objection))
        };
        let objection = if taken.is_empty() {
            self.close.iter().find_map(|at| object(*at))
        } else {
            (0..self.offers.contact.len()).find_map(object)
        };
        match objection {
            Some((rule, objection)) => {
                let unknown = matches!(objection, Objection::Unknown);
                Err(Stop::because(Gate::Contact, unknown, detail, || rule.words(objection)))
            }
            None => Ok(()),
        }
    }
}

/// What a rule has against an offer.
#[derive(Debug, Clone, Copy)]
enum Objection {
    /// Counted so often, of these in this decision.
    Count(usize, usize),
    /// The outcome was then.
    Last(Timestamp),
    /// It is not known whose outcomes count, and what may be forbidden is.
    Unknown,
}

impl ContactRule {
    fn concerns(&self, placement: &PlacementRule) -> bool {
        !matches!(&self.scope, Scope::OnlyChannel(channel) if *channel != placement.channel)
    }

    /// Why an offer may not be shown in a placement now; `None` when this rule has nothing against it.
    fn objects(
        &self,
        context: &Context<'_>,
        counted: &Counted<'_>,
        offer: &OfferRule,
        placement: &PlacementRule,
        taken: &[Taken<'_>],
    ) -> Option<Objection> {
        if !self.concerns(placement) {
            return None;
        }
        if counted.unknown {
            return Some(Objection::Unknown);
        }
        let (recorded, last) = match self.scope {
            Scope::Offer => counted.offers.get(&*offer.name).copied().unwrap_or_default(),
            _ => counted.all,
        };
        match self.limit {
            Limit::Cap { at_most, .. } => {
                let here = taken.iter().filter(|taken| self.together(taken.offer, taken.placement, offer, placement)).count();
                (recorded + here >= at_most as usize).then_some(Objection::Count(recorded + here, here))
            }
            Limit::Pause(_) => last.filter(|last| *last <= context.now()).map(Objection::Last),
        }
    }

    fn words(&self, objection: Objection) -> String {
        let (outcome, _) = &self.outcome;
        match (objection, self.limit) {
            (Objection::Last(last), Limit::Pause(pause)) => {
                format!("`{}`: paused for {pause} after `{outcome}` on {last}", self.name)
            }
            (Objection::Count(count, here), Limit::Cap { at_most, per }) => {
                let window = match per {
                    Window::Rolling(length) => format!("in the last {length}"),
                    Window::Calendar(Unit::Day) => "today".to_owned(),
                    Window::Calendar(Unit::Week { .. }) => "this week".to_owned(),
                    Window::Calendar(Unit::Month) => "this month".to_owned(),
                    Window::Session => "in this session".to_owned(),
                    Window::Lifetime => "so far".to_owned(),
                };
                let earlier = if here > 0 { format!(", {here} of them in this decision") } else { String::new() };
                let whose = if self.subject.is_some() { ", all members together" } else { "" };
                let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
                format!("`{}`: `{outcome}` {times} {window}{whose}{earlier}, at most {at_most} allowed", self.name)
            }
            (Objection::Unknown, _) => {
                format!("`{}`: who is related to the customer is not known here, so that theirs cannot be counted", self.name)
            }
            (Objection::Last(_) | Objection::Count(..), _) => String::new(),
        }
    }

    /// How many outcomes count in its window, and when the last was.
    fn counted<'a>(&self, context: &Context<'a>, placement: &PlacementRule) -> Counted<'a> {
        let mut counted = Counted::default();
        let views = match self.subject.map(|relation| Some(context.others()?.together(relation))) {
            Some(Some(views)) => views,
            Some(None) => {
                counted.unknown = self.concerns(placement);
                return counted;
            }
            None => std::slice::from_ref(context.view()),
        };
        let none = |kind: EventKind| views.iter().all(|view| matches!(view.seen(kind), Seen::Nothing));
        let reserved = &context.rules().sources.reserved;
        // What is reserved counts as shown until that is over.
        let held = reserved.outcome(RESERVED).filter(|held| *self.outcome.0 == *"shown" && !none(*held));
        if !self.concerns(placement) || none(self.outcome.1) && held.is_none() {
            return counted;
        }
        let (now, zone) = (Facts::now(context), Facts::zone(context).unwrap_or(context.rules().zone));
        let span = match self.limit {
            Limit::Pause(pause) => Some(Span::rolling(pause, now)),
            Limit::Cap { per: Window::Rolling(length), .. } => Some(Span::rolling(length, now)),
            Limit::Cap { per: Window::Calendar(unit), .. } => Some(Span::from(unit.start(now, zone), now)),
            Limit::Cap { per: Window::Session, .. } => Facts::session(context).map(|(start, _)| Span::from(start, now)),
            Limit::Cap { per: Window::Lifetime, .. } => Some(Span::lifetime(now)),
        };
        let Some(span) = span else { return counted };
        let mut count = |row: StoryRow<'a>| {
            let counts = match &self.scope {
                Scope::Offer => {
                    if let Some(offer) = row.text(outcome_column::OFFER) {
                        let count = counted.offers.entry(offer).or_default();
                        *count = (count.0 + 1, count.1.max(Some(row.time())));
                    }
                    false
                }
                Scope::Placement => row.text(outcome_column::PLACEMENT) == Some(&placement.name),
                Scope::Channel | Scope::OnlyChannel(_) => row.channel() == Some(&placement.channel),
                Scope::Everything => true,
            };
            if counts {
                counted.all = (counted.all.0 + 1, counted.all.1.max(Some(row.time())));
            }
            ControlFlow::Continue(())
        };
        views.iter().for_each(|view| view.events(&[self.outcome.1], span, &mut count));
        if held.is_some() {
            views.iter().flat_map(|view| open(view, reserved, now)).for_each(|row| _ = count(row));
        }
        counted
    }

    fn together(&self, offer: &OfferRule, placement: &PlacementRule, other: &OfferRule, elsewhere: &PlacementRule) -> bool {
        match &self.scope {
            Scope::Offer => offer.name == other.name,
            Scope::Placement => placement.name == elsewhere.name,
            Scope::Channel | Scope::OnlyChannel(_) => placement.channel == elsewhere.channel,
            Scope::Everything => true,
        }
    }
}
