//! Segments and the best offer of every customer at one instant, straight from tables of events.
//!
//! Where the rules of a playbook allow it, no story is built: rows are laid out by customer and event type, and the compiled plan
//! reads them as it reads the columns of a story. Whatever that cannot answer exactly is answered from stories.

mod ask;
mod block;
mod deal;
mod flat;
mod rows;
mod stories;
mod sums;
mod table;
#[cfg(test)]
mod tests;
mod who;

use super::replay::ReplayError;
use crate::column::Batch;
use crate::customer::Identifier;
use crate::decide::{Request, RequestError};
use crate::engine::Engine;
use crate::value::Timestamp;
use ask::Part;
use block::Answers;
use flat::Flat;
use rows::Rows;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is asked of a census.
#[derive(Debug, Clone)]
pub struct CensusOptions {
    /// The instant. Events that happened later, or became known later, are not seen.
    pub now: Timestamp,
    /// The placement whose best offer is wanted; without one only segments are told.
    pub placement: Option<String>,
    /// Which columns stand for what, where the names differ; as for a replay.
    pub columns: BTreeMap<String, String>,
}

/// What holds of every customer of whom an event was seen, in the order in which they first appear.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Census {
    /// Ids of the customers.
    pub customers: Vec<Arc<str>>,
    /// Per segment of the playbook its name, and per customer whether they are in it; `None` for unknown.
    pub segments: Vec<(Arc<str>, Vec<Option<bool>>)>,
    /// Per customer the offer in the placement's first slot.
    pub offers: Vec<Option<Arc<str>>>,
    /// Per customer the score of that offer.
    pub scores: Vec<Option<f64>>,
    /// How many customers were answered from their stories, because rows alone would not do.
    pub from_stories: u64,
}

impl Census {
    /// Answers for all customers of some tables, in which rows stand in any order; fastest in time order. One row is one event, in the
    /// columns that a [`Replay`](super::Replay) takes; columns that no rule reads are not looked at.
    ///
    /// Takes time in proportion to the rows when every rule is compiled (counts, sums, extremes, distinct values and times since of
    /// windows, segments, attributes) and the offers of the placement ask for nothing else (no consent, contact rules, journeys or
    /// texts from the customer). Otherwise each customer's story is built.
    ///
    /// # Errors
    /// [`ReplayError`] for a column that is missing, a row that cannot be read, or an unknown placement.
    ///
    /// # Examples
    /// ```
    /// use std::sync::Arc;
    /// use tactful::base::{Census, CensusOptions};
    /// use tactful::column::{Batch, Column, TimeUnit};
    /// use tactful::{Engine, Timestamp};
    /// let engine = Engine::compile(&[("shop.yaml", r#"{playbook: shop, version: 1, identity: {customer: {}},
    ///   events: {visit: {page: string}}, segments: {keen: 'events("visit").within("7d").count() >= 2'}}"#)])?;
    /// let day = 86_400;
    /// let batch = Batch::new(vec![
    ///     (Arc::from("customer"), Column::ints(&[7_i64, 8, 7])),
    ///     (Arc::from("type"), Column::dictionary(&[0_i32, 0, 0][..], Column::texts(&[0_i32, 5][..], b"visit"))?),
    ///     (Arc::from("time"), Column::timestamps(vec![0, day, 2 * day], TimeUnit::Second, None)),
    /// ], 3)?;
    /// let now = Timestamp::parse("1970-01-05T00:00:00Z")?;
    /// let found = Census::of(&engine, &[batch], &CensusOptions { now, placement: None, columns: Default::default() })?;
    /// assert_eq!(found.customers, [Arc::from("customer:7"), Arc::from("customer:8")]);
    /// assert_eq!(found.segments[0].1, [Some(true), Some(false)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn of(engine: &Engine, batches: &[Batch<'_>], options: &CensusOptions) -> Result<Self, ReplayError> {
        let placement = options.placement.as_ref().map(|name| placement(engine, name)).transpose()?;
        let rows = match Flat::of(engine, placement) {
            Some(flat) => Rows::read_best(engine, &flat, batches, options)?.map(|rows| (flat, rows)),
            None => None,
        };
        let Some((flat, rows)) = rows else { return stories::all(engine, batches, options) };
        let names: Vec<Arc<str>> = engine.playbook().segments.iter().map(|segment| segment.name.text.clone()).collect();
        let mut found = Census {
            segments: names.iter().map(|name| (name.clone(), Vec::with_capacity(rows.len()))).collect(),
            ..Census::default()
        };
        found.customers.reserve(rows.len());
        found.offers.reserve(rows.len());
        found.scores.reserve(rows.len());
        let mut hard = Vec::new();
        match rows.sums() {
            Some(sums) => sums.answer(&flat, &rows.hard, &mut |part| found.take_all(&flat, &rows, &part, &mut hard)),
            None => rows.answer(&flat, options.now, &mut |answers| found.take(&flat, &rows, answers, &mut hard)),
        }
        found.from_stories = hard.len() as u64;
        if !hard.is_empty() {
            stories::some(engine, batches, options, &rows, &hard, &mut found)?;
        }
        Ok(found)
    }

    /// Takes what customers came to who were asked about at once.
    fn take_all(&mut self, flat: &Flat<'_>, rows: &Rows<'_>, part: &Part<'_>, hard: &mut Vec<Hard>) {
        let place = self.customers.len();
        let seen = rows.seen.get(part.first..part.first + part.hard.len()).unwrap_or(&[]);
        let customers = rows.who.customers.get(part.first..part.first + part.hard.len()).unwrap_or(&[]);
        let told = || seen.iter().enumerate().filter(|(_, seen)| **seen).map(|(at, _)| at);
        self.customers.extend(told().filter_map(|at| customers.get(at)).map(Identifier::text));
        for (number, (_, members)) in self.segments.iter_mut().enumerate() {
            let Some((truths, known)) = part.segments.get(number).and_then(|sheet| Some((sheet.truths()?, &sheet.known)))
            else {
                members.extend(told().map(|_| None));
                continue;
            };
            if known.is_empty() && !seen.contains(&false) {
                members.extend(truths.iter().map(|truth| Some(*truth)));
            } else {
                let member = |at: usize| truths.get(at).copied().filter(|_| known.get(at).copied().unwrap_or(true));
                members.extend(told().map(member));
            }
        }
        let best = told().map(|at| part.best.get(at));
        self.scores.extend(best.clone().map(|best| best.map(|(_, score)| score)));
        self.offers.extend(best.map(|best| flat.offer(best?.0).cloned()));
        if !part.hard.contains(&true) {
            return;
        }
        // What is not clear is not told before it was looked up.
        for (place, at) in (place..).zip(told()).filter(|(_, at)| part.hard.get(*at) == Some(&true)) {
            let Ok(number) = u32::try_from(part.first + at) else { continue };
            for (_, members) in &mut self.segments {
                members.get_mut(place).into_iter().for_each(|member| *member = None);
            }
            self.offers.get_mut(place).into_iter().for_each(|offer| *offer = None);
            self.scores.get_mut(place).into_iter().for_each(|score| *score = None);
            hard.push(Hard { place, number });
        }
    }

    /// Takes what a customer came to.
    fn take(&mut self, flat: &Flat<'_>, rows: &Rows<'_>, answers: Answers<'_>, hard: &mut Vec<Hard>) {
        let Some(customer) = rows.customer(answers.number).filter(|_| answers.seen) else { return };
        if answers.hard {
            hard.push(Hard { place: self.customers.len(), number: answers.number });
        }
        self.customers.push(customer.text());
        for (place, (_, members)) in self.segments.iter_mut().enumerate() {
            members.push(answers.segments.get(place).copied().flatten());
        }
        let best = answers.best.and_then(|(offer, score)| Some((flat.offer(offer)?.clone(), score)));
        self.scores.push(best.as_ref().map(|(_, score)| *score));
        self.offers.push(best.map(|(offer, _)| offer));
    }
}

/// A customer whom only their story can answer.
struct Hard {
    /// Where they stand among the answers.
    place: usize,
    /// Their number among the rows.
    number: u32,
}

fn placement(engine: &Engine, name: &str) -> Result<usize, ReplayError> {
    let request = Request::of(name);
    // The engine says what is wrong with a name.
    let anybody = crate::customer::Customer::of_strands(Vec::new());
    engine.decide(&anybody, &request, Timestamp::MIN, None)?;
    let place = engine.playbook().placements.iter().position(|placement| *placement.name.text == *name);
    place.ok_or_else(|| ReplayError::Request(RequestError::new("unknown_placement", "placements[0]", "no such placement")))
}
