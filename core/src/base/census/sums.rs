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
    /// What is added up; the figure of each stands at the same place in every row of `cells`.
    tallies: Vec<Tally>,
    /// By number of the event type: what a row of it adds to, longest window first.
    touches: Vec<Vec<Touch>>,
    /// By number of the event type: where the last of each customer stands, where order matters.
    lasts: Vec<Option<usize>>,
    /// A row of someone of whom nothing is known.
    empty: Box<[u64]>,
    /// The figures of all customers, a row for each: what one event changes is near.
    cells: Vec<u64>,
    /// Whether rows came that cannot be added up in this way.
    failed: bool,
}

/// What a row does to a figure.
#[derive(Clone, Copy)]
struct Touch {
    end: End,
    /// Which figure.
    column: u32,
    /// Which of the row's cells is added.
    cell: u32,
    /// Rows of this time and earlier do not count.
    after: i64,
}

/// Words of the last row of an event type: its time, what it said and whether it said anything.
const LAST: usize = 3;

/// So many customers are asked about at once.
const BLOCK: usize = 1 << 8;

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
            tallies: flat.rules.plan.tallies(codes),
            touches: flat.kinds.iter().map(|_| Vec::new()).collect(),
            lasts: Vec::new(),
            empty: Box::default(),
            cells: Vec::new(),
            failed: false,
        };
        // What events of all types change stands together, and what those of each type change.
        sums.tallies
            .sort_by_key(|tally| (tally.kinds.len() == 1, tally.kinds.first().copied(), std::cmp::Reverse(tally.length)));
        let mut empty: Vec<u64> = sums.tallies.iter().map(|tally| nothing(tally.end)).collect();
        for (column, tally) in (0..).zip(&sums.tallies) {
            let after = match tally.length {
                i64::MAX => i64::MIN,
                length => now.saturating_add_micros(length.saturating_neg()).micros(),
            };
            for kind in &tally.kinds {
                let place = flat.kinds.iter().position(|own| own.kind == *kind)?;
                let own = flat.kinds.get(place)?;
                let cell = match tally.property {
                    None => 0,
                    Some(property) => match own.properties.iter().position(|(known, _)| *known == property) {
                        Some(cell) if fits(flat, place, property, tally.end) => u32::try_from(cell).ok()?,
                        Some(_) => return None,
                        // Events of the type have no such property.
                        None if flat.rules.layout.column_of(*kind, property).is_none() => continue,
                        None => return None,
                    },
                };
                sums.touches.get_mut(place)?.push(Touch { end: tally.end, column, cell, after });
            }
        }
        sums.touches.iter_mut().for_each(|touches| touches.sort_by_key(|touch| touch.after));
        for kind in &flat.kinds {
            sums.lasts.push(kind.ordered.then_some(empty.len()));
            if kind.ordered {
                empty.extend([i64::MIN.cast_unsigned(), 0, 0]);
            }
        }
        sums.empty = empty.into();
        // Whether columns can answer shows without any customer.
        sums.ask(flat, 0, 0, &mut Vec::new())?;
        Some(sums)
    }

    /// A customer more.
    pub(super) fn grow(&mut self) {
        self.cells.extend_from_slice(&self.empty);
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
        let width = self.empty.len();
        let Some(row) = self.cells.get_mut(customer * width..(customer + 1) * width) else { return Added::Yes };
        if let Some(Some(last)) = self.lasts.get(kind)
            && let Some([before, value, told]) = row.get_mut(*last..*last + LAST)
        {
            if before.cast_signed() == time {
                return Added::Unclear;
            }
            if before.cast_signed() > time {
                self.failed = true;
                return Added::No;
            }
            let said = cells(0);
            (*before, *value, *told) = (time.cast_unsigned(), said.unwrap_or(0), u64::from(said.is_some()));
        }
        for touch in self.touches.get(kind).map_or(&[][..], |touches| touches) {
            if time <= touch.after {
                break;
            }
            let Some(figure) = row.get_mut(touch.column as usize) else { continue };
            match touch.end {
                End::Count => *figure += 1,
                End::Exists => *figure = 1,
                End::Sum => {
                    if let Some(bits) = cells(touch.cell as usize) {
                        *figure = (f64::from_bits(*figure) + f64::from_bits(bits)).to_bits();
                    }
                }
                End::SinceLast => *figure = figure.cast_signed().max(time).cast_unsigned(),
                End::SinceFirst => *figure = figure.cast_signed().min(time).cast_unsigned(),
                End::CountDistinct => {
                    if let Some(code) = cells(touch.cell as usize) {
                        if code >= 64 {
                            self.failed = true;
                            return Added::No;
                        }
                        *figure |= 1 << code;
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
        // The same figure of all customers side by side.
        let (width, count) = (self.empty.len(), high - low);
        let mut columns = vec![0_u64; width * count];
        let rows = self.cells.get(low * width..high * width)?;
        for (at, column) in columns.chunks_exact_mut(count.max(1)).enumerate() {
            let figures = rows.iter().skip(at).step_by(width.max(1));
            column.iter_mut().zip(figures).for_each(|(cell, figure)| *cell = *figure);
        }
        let mut some = Asked { sums: self, flat, columns: &columns, count, hard };
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
    /// Figure by figure those of all customers.
    columns: &'s [u64],
    count: usize,
    hard: &'s mut Vec<bool>,
}

impl Asked<'_, '_, '_> {
    fn column(&self, number: usize) -> Option<&[u64]> {
        self.columns.get(number * self.count..(number + 1) * self.count)
    }
}

impl Sheets for Asked<'_, '_, '_> {
    fn count(&self) -> usize {
        self.count
    }

    fn now(&self) -> i64 {
        self.sums.now
    }

    fn slot(&self, slot: u32) -> Option<Sheet> {
        let number = self.sums.tallies.iter().position(|tally| tally.slot == slot)?;
        let (tally, all) = (self.sums.tallies.get(number)?, self.column(number)?.iter());
        Some(match tally.end {
            End::Count => Sheet::known(Values::Int(all.map(|count| count.cast_signed()).collect())),
            End::Exists => Sheet::known(Values::Bool(all.map(|exists| *exists != 0).collect())),
            End::Sum => Sheet::known(Values::Double(all.map(|sum| f64::from_bits(*sum)).collect())),
            // The number 0 stands for no text.
            End::CountDistinct => Sheet::known(Values::Int(all.map(|texts| i64::from((texts & !1).count_ones())).collect())),
            End::SinceLast | End::SinceFirst => {
                let none = nothing(tally.end);
                let known = all.clone().map(|time| *time != none).collect();
                Sheet { values: Values::Since(all.map(|time| time.cast_signed()).collect()), known }
            }
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
                let last = (*self.sums.lasts.get(number)?)?;
                let known = self.column(last + 2)?.iter().map(|told| *told != 0).collect();
                let bits = self.column(last + 1)?.iter();
                let values = match meaning {
                    Bits::Int => Values::Int(bits.map(|bits| bits.cast_signed()).collect()),
                    Bits::Double => Values::Double(bits.map(|bits| f64::from_bits(*bits)).collect()),
                    Bits::Bool => Values::Bool(bits.map(|bits| *bits != 0).collect()),
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

/// The figure of nobody.
fn nothing(end: End) -> u64 {
    match end {
        End::Count | End::Exists | End::CountDistinct => 0,
        End::Sum => 0.0_f64.to_bits(),
        End::SinceLast => i64::MIN.cast_unsigned(),
        End::SinceFirst => i64::MAX.cast_unsigned(),
    }
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
