use super::rows::Rows;
use super::{Census, CensusOptions, Hard};
use crate::base::{BadRows, Replay, ReplayError, ReplayOptions};
use crate::column::Batch;
use crate::customer::{Customer, Identifier};
use crate::decide::Request;
use crate::engine::Engine;
use crate::value::Timestamp;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Answers for all customers from their stories.
pub(super) fn all(engine: &Engine, batches: &[Batch<'_>], options: &CensusOptions) -> Result<Census, ReplayError> {
    let mut replay = replay(engine, options)?;
    for batch in batches {
        replay.add(batch, &mut |_| ControlFlow::Continue(()))?;
    }
    let names = engine.playbook().segments.iter().map(|segment| (segment.name.text.clone(), Vec::new()));
    let mut found = Census { segments: names.collect(), ..Census::default() };
    for customer in replay.order() {
        let Some(customer) = replay.base().find(customer) else { continue };
        if !known(customer, options.now) {
            continue;
        }
        let (members, best) = answer(engine, customer, options)?;
        found.customers.push(Arc::from(customer.id()));
        for ((_, all), member) in found.segments.iter_mut().zip(members) {
            all.push(member);
        }
        found.scores.push(best.as_ref().map(|(_, score)| *score));
        found.offers.push(best.map(|(offer, _)| offer));
    }
    found.from_stories = found.customers.len() as u64;
    Ok(found)
}

/// Answers for some customers from their stories, in the places where these stand.
pub(super) fn some(
    engine: &Engine,
    batches: &[Batch<'_>],
    options: &CensusOptions,
    rows: &Rows<'_>,
    hard: &[Hard],
    found: &mut Census,
) -> Result<(), ReplayError> {
    let places: BTreeMap<u32, usize> = hard.iter().map(|hard| (hard.number, hard.place)).collect();
    let mut replay = replay(engine, options)?;
    let wanted = |identifier: &Identifier| rows.number(identifier).is_some_and(|number| places.contains_key(&number));
    for batch in batches {
        replay.add_some(batch, &wanted)?;
    }
    for (number, place) in &places {
        let Some(customer) = rows.customer(*number).and_then(|customer| replay.base().find(customer)) else { continue };
        let (members, best) = answer(engine, customer, options)?;
        for ((_, all), member) in found.segments.iter_mut().zip(members) {
            if let Some(place) = all.get_mut(*place) {
                *place = member;
            }
        }
        if let (Some(offer), Some(score)) = (found.offers.get_mut(*place), found.scores.get_mut(*place)) {
            *score = best.as_ref().map(|(_, score)| *score);
            *offer = best.map(|(offer, _)| offer);
        }
    }
    Ok(())
}

fn replay(engine: &Engine, options: &CensusOptions) -> Result<Replay, ReplayError> {
    let columns = options.columns.clone();
    Replay::new(engine.clone(), ReplayOptions { columns, bad_rows: BadRows::Stop, ..ReplayOptions::default() })
}

/// Whether an event was seen.
fn known(customer: &Customer, now: Timestamp) -> bool {
    customer.view(now).next_instant(None).is_some_and(|first| first <= now)
}

type Best = Option<(Arc<str>, f64)>;

fn answer(engine: &Engine, customer: &Customer, options: &CensusOptions) -> Result<(Vec<Option<bool>>, Best), ReplayError> {
    let members = engine.segments(customer, options.now).into_iter().map(|(_, member)| member).collect();
    let Some(placement) = &options.placement else { return Ok((members, None)) };
    let decision = engine.decide(customer, &Request::of(placement), options.now, None)?;
    Ok((members, decision.offers().next().map(|ranked| (ranked.offer.clone(), ranked.score))))
}
