use super::rules::{ContactRule, Limit, OfferRule, PlacementRule, Scope};
use crate::context::Context;
use crate::customer::{StoryRow, outcome_column};
use crate::expr::Facts;
use crate::value::{Span, Timestamp, Window};
use std::ops::ControlFlow;

/// A slot that this decision has filled already; it counts for the caps of later ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Taken<'a> {
    pub(super) offer: &'a OfferRule,
    pub(super) placement: &'a PlacementRule,
}

impl ContactRule {
    /// Why an offer may not be shown in a placement now; `None` when this rule has nothing against it.
    pub(super) fn objects(
        &self,
        context: &Context<'_>,
        offer: &OfferRule,
        placement: &PlacementRule,
        taken: &[Taken<'_>],
    ) -> Option<String> {
        if let Scope::OnlyChannel(channel) = &self.scope
            && *channel != placement.channel
        {
            return None;
        }
        match self.limit {
            Limit::Cap { at_most, per } => self.over_cap(context, offer, placement, taken, at_most, per),
            Limit::Pause(pause) => {
                let span = Span::rolling(pause, context.now());
                let last = self.counted(context, span, offer, placement).1?;
                let (outcome, _) = &self.outcome;
                Some(format!("`{}`: paused for {pause} after `{outcome}` on {last}", self.name))
            }
        }
    }

    fn over_cap(
        &self,
        context: &Context<'_>,
        offer: &OfferRule,
        placement: &PlacementRule,
        taken: &[Taken<'_>],
        at_most: u32,
        per: Window,
    ) -> Option<String> {
        let (now, zone) = (context.now(), context.zone().unwrap_or(context.rules().zone));
        let span = match per {
            Window::Rolling(length) => Some(Span::rolling(length, now)),
            Window::Calendar(unit) => Some(Span::from(unit.start(now, zone), now)),
            Window::Session => context.session().map(|(start, _)| Span::from(start, now)),
            Window::Lifetime => Some(Span::lifetime(now)),
        };
        let recorded = span.map_or(0, |span| self.counted(context, span, offer, placement).0);
        let here = taken.iter().filter(|taken| self.together(taken.offer, taken.placement, offer, placement)).count();
        let count = recorded + here;
        (count >= at_most as usize).then(|| {
            let (outcome, _) = &self.outcome;
            let window = match per {
                Window::Rolling(length) => format!("in the last {length}"),
                Window::Calendar(crate::value::Unit::Day) => "today".to_owned(),
                Window::Calendar(crate::value::Unit::Week { .. }) => "this week".to_owned(),
                Window::Calendar(crate::value::Unit::Month) => "this month".to_owned(),
                Window::Session => "in this session".to_owned(),
                Window::Lifetime => "so far".to_owned(),
            };
            let earlier = if here > 0 { format!(", {here} of them in this decision") } else { String::new() };
            let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
            format!("`{}`: `{outcome}` {times} {window}{earlier}, at most {at_most} allowed", self.name)
        })
    }

    /// How many outcomes count in a span, and when the last was.
    fn counted(
        &self,
        context: &Context<'_>,
        span: Span,
        offer: &OfferRule,
        placement: &PlacementRule,
    ) -> (usize, Option<Timestamp>) {
        let (mut count, mut last) = (0, None);
        context.view().events(&[self.outcome.1], span, &mut |row: StoryRow<'_>| {
            let counts = match &self.scope {
                Scope::Offer => row.text(outcome_column::OFFER) == Some(&offer.name),
                Scope::Placement => row.text(outcome_column::PLACEMENT) == Some(&placement.name),
                Scope::Channel | Scope::OnlyChannel(_) => row.channel() == Some(&placement.channel),
                Scope::Everything => true,
            };
            if counts {
                count += 1;
                last = Some(row.time());
            }
            ControlFlow::Continue(())
        });
        (count, last)
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
