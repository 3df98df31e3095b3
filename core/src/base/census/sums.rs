//! Rows added up customer by customer as they come, and rules asked about all customers at once.

use super::block::Answers;
use super::flat::Flat;
use crate::context::Source;
use crate::expr::plan::{Answered, End, FactSheet, Sheet, Sheets, Tally, Values};
use crate::expr::{Bits, FactId, PropertyId};
use crate::value::Timestamp;

/// What all customers' rows came to so far.
pub(super) struct Sums {
    now: i64,
    columns: Vec<(Tally, Column)>,
    /// By number of the event type: what a row of it adds to.
    touches: Vec<Vec<Touch>>,
    /// By number of the event type: the last of each customer, where order matters.
    lasts: Vec<Option<Last>>,
    /// Whether rows came that cannot be added up in this way.
    failed: bool,
}

/// A figure of every customer.
enum Column {
    Count(Vec<u32>),
    Exists(Vec<bool>),
    Double(Vec<f64>),
    /// The smallest number for none.
    Last(Vec<i64>),
    /// The greatest number for none.
    First(Vec<i64>),
    /// Numbers of texts, as bits.
    Texts(Vec<u64>),
}

/// What a row does to a figure.
#[derive(Clone, Copy)]
struct Touch {
    column: usize,
    /// Rows of this time and earlier do not count.
    after: i64,
    /// Which of the row's cells is added.
    cell: usize,
}

/// The last row of an event type.
struct Last {
    times: Vec<i64>,
    /// Of an attribute: what it said; `None` for nothing.
    values: Vec<Option<u64>>,
}

/// So many customers are asked about at once.
const BLOCK: usize = 1 << 11;

/// What became of a row.
#[derive(PartialEq, Eq)]
pub(super) enum Added {
    Yes,
    /// Its customer's rows stand in an order that they do not tell.
    Unclear,
    /// Rows have to be laid out.
    No,
}

impl Sums {
    /// What is to be added up for the rules of a census; `None` when that is not enough to answer them.
    pub(super) fn of(flat: &Flat<'_>, now: Timestamp) -> Option<Self> {
        let gates = flat.offers.iter().flat_map(|offer| offer.gates.iter().map(|(code, _)| *code));
        let factors = flat.offers.iter().flat_map(|offer| offer.factors.iter().flatten().map(|(code, _)| *code));
        let codes = flat.segments.iter().copied().chain(gates).chain(factors);
        let mut sums = Sums {
            now: now.micros(),
            columns: Vec::new(),
            touches: flat.kinds.iter().map(|_| Vec::new()).collect(),
            lasts: flat.kinds.iter().map(|kind| kind.ordered.then(|| Last { times: Vec::new(), values: Vec::new() })).collect(),
            failed: false,
        };
        for tally in flat.rules.plan.tallies(codes) {
            let column = match tally.end {
                End::Count => Column::Count(Vec::new()),
                End::Exists => Column::Exists(Vec::new()),
                End::Sum => Column::Double(Vec::new()),
                End::SinceLast => Column::Last(Vec::new()),
                End::SinceFirst => Column::First(Vec::new()),
                End::CountDistinct => Column::Texts(Vec::new()),
            };
            let after = match tally.length {
                i64::MAX => i64::MIN,
                length => now.saturating_add_micros(length.saturating_neg()).micros(),
            };
            let number = sums.columns.len();
            for kind in &tally.kinds {
                let place = flat.kinds.iter().position(|own| own.kind == *kind)?;
                let own = flat.kinds.get(place)?;
                let cell = match tally.property {
                    None => 0,
                    Some(property) => match own.properties.iter().position(|(known, _)| *known == property) {
                        Some(cell) if fits(flat, place, property, tally.end) => cell,
                        Some(_) => return None,
                        // Events of the type have no such property.
                        None if flat.rules.layout.column_of(*kind, property).is_none() => continue,
                        None => return None,
                    },
                };
                sums.touches.get_mut(place)?.push(Touch { column: number, after, cell });
            }
            sums.columns.push((tally, column));
        }
        // Whether columns can answer shows without any customer.
        sums.ask(flat, 0, 0, &mut Vec::new())?;
        Some(sums)
    }

    /// A customer more.
    pub(super) fn grow(&mut self) {
        for (_, column) in &mut self.columns {
            match column {
                Column::Count(all) => all.push(0),
                Column::Exists(all) => all.push(false),
                Column::Double(all) => all.push(0.0),
                Column::Last(all) => all.push(i64::MIN),
                Column::First(all) => all.push(i64::MAX),
                Column::Texts(all) => all.push(0),
            }
        }
        for last in self.lasts.iter_mut().flatten() {
            last.times.push(i64::MIN);
            last.values.push(None);
        }
    }

    /// Rows have to be laid out.
    pub(super) fn fail(&mut self) {
        self.failed = true;
    }

    /// Whether some rows could not be added up.
    pub(super) fn failed(&self) -> bool {
        self.failed
    }

    /// Adds a row; `cells` has the bits of the properties that are read.
    #[inline]
    pub(super) fn add(&mut self, customer: usize, kind: usize, time: i64, cells: impl Fn(usize) -> Option<u64>) -> Added {
        if let Some(Some(last)) = self.lasts.get_mut(kind)
            && let (Some(before), Some(value)) = (last.times.get_mut(customer), last.values.get_mut(customer))
        {
            if *before == time {
                return Added::Unclear;
            }
            if *before > time {
                self.failed = true;
                return Added::No;
            }
            (*before, *value) = (time, cells(0));
        }
        for touch in self.touches.get(kind).map_or(&[][..], |touches| touches) {
            if time <= touch.after {
                continue;
            }
            let Some((_, column)) = self.columns.get_mut(touch.column) else { continue };
            match column {
                Column::Count(all) => {
                    if let Some(count) = all.get_mut(customer) {
                        *count += 1;
                    }
                }
                Column::Exists(all) => {
                    if let Some(exists) = all.get_mut(customer) {
                        *exists = true;
                    }
                }
                Column::Double(all) => {
                    if let (Some(sum), Some(bits)) = (all.get_mut(customer), cells(touch.cell)) {
                        *sum += f64::from_bits(bits);
                    }
                }
                Column::Last(all) => {
                    if let Some(last) = all.get_mut(customer) {
                        *last = (*last).max(time);
                    }
                }
                Column::First(all) => {
                    if let Some(first) = all.get_mut(customer) {
                        *first = (*first).min(time);
                    }
                }
                Column::Texts(all) => {
                    if let (Some(texts), Some(code)) = (all.get_mut(customer), cells(touch.cell)) {
                        if code >= 64 {
                            self.failed = true;
                            return Added::No;
                        }
                        *texts |= 1 << code;
                    }
                }
            }
        }
        Added::Yes
    }

    /// Answers for one customer after the other.
    pub(super) fn answer(&self, flat: &Flat<'_>, (seen, hard): (&[bool], &[bool]), take: &mut dyn FnMut(Answers<'_>)) {
        let mut segments: Vec<Option<bool>> = vec![None; flat.segments.len()];
        for low in (0..seen.len()).step_by(BLOCK) {
            let high = (low + BLOCK).min(seen.len());
            let mut harder = hard.get(low..high).map_or_else(Vec::new, <[bool]>::to_vec);
            let found = self.ask(flat, low, high, &mut harder);
            for number in low..high {
                let at = number - low;
                let hard = harder.get(at).copied().unwrap_or(true) || found.is_none();
                let mut best = None;
                for (place, segment) in segments.iter_mut().enumerate() {
                    let sheet = found.as_ref().and_then(|found| found.answered.get(*flat.segments.get(place)?));
                    *segment = sheet.filter(|_| !hard).and_then(|sheet| sheet.truth(at));
                }
                if let (false, Some(found)) = (hard, &found) {
                    best = found.best.get(at).copied().flatten().map(|(offer, score, _)| (offer, score));
                }
                let seen = seen.get(number).copied().unwrap_or(false);
                take(Answers { number: u32::try_from(number).unwrap_or(u32::MAX), seen, hard, segments: &segments, best });
            }
        }
    }

    /// Every segment and the best offer of some customers.
    fn ask(&self, flat: &Flat<'_>, low: usize, high: usize, hard: &mut Vec<bool>) -> Option<FoundAll> {
        let plan = &flat.rules.plan;
        let mut answered = Answered::new(plan);
        let mut some = Asked { sums: self, flat, low, high, hard };
        for code in &flat.segments {
            plan.ask_all(*code, &mut some, &mut answered)?;
            let _: &Vec<bool> = truths(&answered, *code)?;
        }
        let mut best: Vec<Option<(usize, f64, i64)>> = vec![None; high - low];
        for (number, offer) in flat.offers.iter().enumerate() {
            for (gate, _) in &offer.gates {
                plan.ask_all(*gate, &mut some, &mut answered)?;
                let _: &Vec<bool> = truths(&answered, *gate)?;
            }
            for (factor, _) in offer.factors.iter().flatten() {
                plan.ask_all(*factor, &mut some, &mut answered)?;
                matches!(answered.get(*factor)?.values, Values::Int(_) | Values::Double(_)).then_some(())?;
            }
            let now = Timestamp::from_micros(self.now).ok()?;
            if offer.valid(now) {
                offer_all(number, offer, &answered, &mut best)?;
            }
        }
        Some(FoundAll { answered, best })
    }
}

/// What some customers came to.
struct FoundAll {
    answered: Answered,
    /// By customer: number of the offer, score, priority.
    best: Vec<Option<(usize, f64, i64)>>,
}

fn truths(answered: &Answered, code: crate::expr::plan::Code) -> Option<&Vec<bool>> {
    match &answered.get(code)?.values {
        Values::Bool(truths) => Some(truths),
        _ => None,
    }
}

/// Offers something to all whom its gates let pass and for whom nothing better was found.
fn offer_all(
    number: usize,
    offer: &super::flat::FlatOffer<'_>,
    answered: &Answered,
    best: &mut [Option<(usize, f64, i64)>],
) -> Option<()> {
    let gates: Option<Vec<(&Sheet, bool)>> =
        offer.gates.iter().map(|(gate, unknown)| Some((answered.get(*gate)?, *unknown))).collect();
    let factors: Option<Vec<(&Sheet, Option<f64>)>> =
        offer.factors.iter().flatten().map(|(factor, prior)| Some((answered.get(*factor)?, *prior))).collect();
    let (gates, factors) = (gates?, factors?);
    'customers: for (customer, best) in best.iter_mut().enumerate() {
        if !gates.iter().all(|(gate, unknown)| gate.truth(customer).unwrap_or(*unknown)) {
            continue;
        }
        let mut score = 1.0;
        for (factor, prior) in &factors {
            let number = factor.number(customer).filter(|number| number.is_finite());
            let Some(number) = number.or(*prior) else { continue 'customers };
            score *= number;
        }
        if !score.is_finite() {
            continue;
        }
        let better =
            best.is_none_or(|(_, other, priority)| score.total_cmp(&other).then(offer.priority.cmp(&priority)).is_gt());
        if better {
            *best = Some((number, score, offer.priority));
        }
    }
    Some(())
}

/// Customers one after the other.
struct Asked<'s, 'f, 'e> {
    sums: &'s Sums,
    flat: &'f Flat<'e>,
    low: usize,
    high: usize,
    hard: &'s mut Vec<bool>,
}

impl Sheets for Asked<'_, '_, '_> {
    fn count(&self) -> usize {
        self.high - self.low
    }

    fn now(&self) -> i64 {
        self.sums.now
    }

    fn slot(&self, slot: u32) -> Option<Sheet> {
        let (_, column) = self.sums.columns.iter().find(|(tally, _)| tally.slot == slot)?;
        let span = self.low..self.high;
        Some(match column {
            Column::Count(all) => Sheet::known(Values::Int(all.get(span)?.iter().map(|count| i64::from(*count)).collect())),
            Column::Exists(all) => Sheet::known(Values::Bool(all.get(span)?.to_vec())),
            Column::Double(all) => Sheet::known(Values::Double(all.get(span)?.to_vec())),
            Column::Texts(all) => {
                // The number 0 stands for no text.
                Sheet::known(Values::Int(all.get(span)?.iter().map(|texts| i64::from((texts & !1).count_ones())).collect()))
            }
            Column::Last(all) => since(all.get(span)?, i64::MIN),
            Column::First(all) => since(all.get(span)?, i64::MAX),
        })
    }

    fn fact(&self, fact: FactId) -> Option<FactSheet> {
        match self.flat.rules.sources.source(fact)? {
            Source::Segment(number) => self.flat.segments.get(number).copied().map(FactSheet::Segment),
            Source::Attribute(place) => {
                let number = self.flat.attributes.get(place).copied().flatten()?;
                let kind = self.flat.kinds.get(number)?;
                let (_, column) = kind.properties.first()?;
                let meaning = self.flat.rules.layout.bits(kind.kind, *column)?;
                let last = self.sums.lasts.get(number)?.as_ref()?;
                let values = last.values.get(self.low..self.high)?;
                let known = values.iter().map(Option::is_some).collect();
                let bits = values.iter().map(|value| value.unwrap_or(0));
                let values = match meaning {
                    Bits::Int => Values::Int(bits.map(u64::cast_signed).collect()),
                    Bits::Double => Values::Double(bits.map(f64::from_bits).collect()),
                    Bits::Bool => Values::Bool(bits.map(|bits| bits != 0).collect()),
                    _ => return None,
                };
                Some(FactSheet::Column(Sheet { values, known }))
            }
            _ => None,
        }
    }

    fn hard(&mut self, customer: usize) {
        if let Some(hard) = self.hard.get_mut(customer) {
            *hard = true;
        }
    }
}

fn since(all: &[i64], none: i64) -> Sheet {
    let known = all.iter().map(|time| *time != none).collect();
    Sheet { values: Values::Since(all.to_vec()), known }
}

/// Whether a property of an event type can be added up so.
fn fits(flat: &Flat<'_>, kind: usize, property: PropertyId, end: End) -> bool {
    let Some(own) = flat.kinds.get(kind) else { return false };
    let Some(column) = flat.rules.layout.column_of(own.kind, property) else { return false };
    match end {
        End::Sum => flat.rules.layout.bits(own.kind, column) == Some(Bits::Double),
        End::CountDistinct => flat.rules.layout.is_text(own.kind, column),
        _ => true,
    }
}
