use super::replayed::Replayed;
use super::request::{Request, RequestError};
use super::rules::Offers;
use crate::chance::Draws;
use crate::context::Context;
use crate::expr::{Answer, Facts};
use crate::trends::Snapshot;
use crate::value::{Timestamp, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What ranking reads beside the customer: trends, numbers that came with the request, and chance.
pub(crate) struct Moment<'r> {
    pub(super) trends: Option<&'r Snapshot>,
    /// By column and offer.
    scores: BTreeMap<(usize, usize), f64>,
    columns: &'r [Arc<str>],
    segments: &'r [Arc<str>],
    pub(super) draws: Draws,
    /// What explored slots are given to in place of what is drawn.
    pub(crate) replayed: Option<&'r Replayed>,
}

impl<'r> Moment<'r> {
    /// What a request tells, with the trends that it goes by.
    ///
    /// # Errors
    /// [`RequestError`] for a column or an offer that no offer names, or trends that do not belong to the playbook or lie ahead.
    pub(crate) fn of(
        offers: &'r Offers,
        trends: &'r Arc<crate::trends::TrendRules>,
        request: &'r Request,
        snapshot: Option<&'r Arc<Snapshot>>,
        customer: &str,
        now: Timestamp,
    ) -> Result<Self, RequestError> {
        let mut scores = BTreeMap::new();
        for (column, offer, number) in &request.scores {
            let cut = |text: &str| -> String { text.chars().take(80).collect() };
            let near = |name: &str, known: &mut dyn Iterator<Item = &str>| {
                let near = crate::error::nearest(name, known);
                near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
            };
            let path = || format!("scores.{}.{}", cut(column), cut(offer));
            let Some(place) = offers.columns.iter().position(|known| **known == **column) else {
                let hint = near(column, &mut offers.columns.iter().map(|known| &**known));
                let message = format!("no offer takes a factor out of column `{}`{hint}", cut(column));
                return Err(RequestError::new("unknown_column", path(), message));
            };
            let Some(row) = offers.by_name.get(&**offer) else {
                let hint = near(offer, &mut offers.offers.iter().take(2_000).map(|known| &*known.name));
                return Err(RequestError::new("unknown_offer", path(), format!("there is no offer `{}`{hint}", cut(offer))));
            };
            if scores.insert((place, *row), *number).is_some() {
                return Err(RequestError::new("score_twice", path(), "the number is told twice"));
            }
        }
        let snapshot = snapshot.map(|snapshot| &**snapshot);
        if let Some(snapshot) = snapshot {
            if !snapshot.is_of(trends) {
                let message = "the trends were counted by other rules than those of this playbook";
                return Err(RequestError::new("other_trends", "trends", message));
            }
            if now < snapshot.at() {
                let message = format!("the trends count up to {}, which is after {now}; give earlier ones", snapshot.at());
                return Err(RequestError::new("too_early", "trends", message));
            }
        }
        // Nothing is drawn where nothing is explored.
        let draws = if offers.explores { Draws::of(request.seed, now.micros(), customer) } else { Draws::default() };
        Ok(Moment { trends: snapshot, scores, columns: &offers.columns, segments: &trends.segments, draws, replayed: None })
    }

    pub(super) fn column(&self, column: usize, offer: usize) -> Option<f64> {
        self.scores.get(&(column, offer)).copied()
    }

    /// Why a column has no number.
    pub(super) fn unknown_column(&self, column: usize, factor: &str, told: Option<f64>) -> String {
        let name = self.columns.get(column).map_or("?", |name| name);
        match told {
            Some(_) => format!("`{factor}` is no number in column `{name}`"),
            None => format!("`{factor}` has no number in column `{name}` of the request"),
        }
    }

    /// The segments that the customer is in.
    pub(super) fn segments(&self, context: &Context<'_>) -> Vec<&'r Arc<str>> {
        let member = |number: usize| {
            let fact = context.rules().sources.segment_fact(number);
            matches!(Facts::fact(context, fact).value, Answer::Known(Value::Bool(true)))
        };
        self.segments.iter().enumerate().filter(|(number, _)| member(*number)).map(|(_, name)| name).collect()
    }
}
