//! Rules asked about many customers at once, once their rows are added up.

use super::flat::{Flat, FlatOffer};
use super::sums::Sums;
use crate::context::Source;
use crate::expr::plan::{Answered, End, FactSheet, Sheet, Sheets, Values};
use crate::expr::{Bits, FactId};
use crate::value::Timestamp;

/// So many customers are asked about at once, which keeps the columns of all steps of the plan near.
const BLOCK: usize = 1 << 9;

/// What some customers came to who follow each other.
pub(super) struct Part<'p> {
    /// The number of the first.
    pub(super) first: usize,
    /// Whom only their story can answer.
    pub(super) hard: &'p [bool],
    /// By segment.
    pub(super) segments: &'p [&'p Sheet],
    pub(super) best: &'p Best,
}

/// The best offer of some customers.
pub(super) struct Best {
    /// Scores as numbers that are ordered as they are.
    keys: Vec<i64>,
    offers: Vec<u32>,
}

/// No offer.
const NOTHING: u32 = u32::MAX;

impl Best {
    fn of(customers: usize) -> Self {
        Best { keys: vec![i64::MIN; customers], offers: vec![NOTHING; customers] }
    }

    /// The number of a customer's offer, and its score.
    pub(super) fn get(&self, customer: usize) -> Option<(usize, f64)> {
        let offer = self.offers.get(customer).copied().filter(|offer| *offer != NOTHING)?;
        Some((offer as usize, f64::from_bits(ordered(*self.keys.get(customer)?).cast_unsigned())))
    }
}

/// The bits of a double as a number that is ordered as [`f64::total_cmp`] orders doubles, and back.
#[inline]
fn ordered(bits: i64) -> i64 {
    bits ^ ((bits >> 63).cast_unsigned() >> 1).cast_signed()
}

impl Sums {
    /// Answers for all customers, some at a time.
    pub(super) fn answer(&self, flat: &Flat<'_>, hard: &[bool], take: &mut dyn FnMut(Part<'_>)) {
        for low in (0..hard.len()).step_by(BLOCK) {
            let high = (low + BLOCK).min(hard.len());
            let mut hard = hard.get(low..high).map_or_else(Vec::new, <[bool]>::to_vec);
            let Some((answered, best)) = self.ask(flat, low, high, &mut hard) else {
                // What columns cannot say was found out before the first row was read.
                hard.fill(true);
                take(Part { first: low, hard: &hard, segments: &[], best: &Best::of(high - low) });
                continue;
            };
            let segments: Vec<&Sheet> = flat.segments.iter().filter_map(|code| answered.get(*code)).collect();
            take(Part { first: low, hard: &hard, segments: &segments, best: &best });
        }
    }

    /// Every segment and the best offer of some customers.
    pub(super) fn ask(&self, flat: &Flat<'_>, low: usize, high: usize, hard: &mut Vec<bool>) -> Option<(Answered, Best)> {
        let plan = &flat.rules.plan;
        let mut answered = Answered::new(plan);
        let mut some = Asked { sums: self, flat, span: (low, high), hard };
        for code in &flat.segments {
            plan.ask_all(*code, &mut some, &mut answered)?;
            answered.get(*code)?.truths()?;
        }
        for offer in &flat.offers {
            for (gate, _) in &offer.gates {
                plan.ask_all(*gate, &mut some, &mut answered)?;
                answered.get(*gate)?.truths()?;
            }
            for (factor, _) in offer.factors.iter().flatten() {
                plan.ask_all(*factor, &mut some, &mut answered)?;
                matches!(answered.get(*factor)?.values, Values::Int(_) | Values::Double(_)).then_some(())?;
            }
        }
        let now = Timestamp::from_micros(self.now()).ok()?;
        let mut offers: Vec<(u32, &FlatOffer<'_>)> = (0..).zip(&flat.offers).filter(|(_, offer)| offer.valid(now)).collect();
        // Of equal scores the first one stays.
        offers.sort_by_key(|(number, offer)| (std::cmp::Reverse(offer.priority), *number));
        let mut best = Best::of(high - low);
        let (mut passes, mut scores) = (Vec::new(), Vec::new());
        for (number, offer) in offers {
            rank(number, offer, &answered, (&mut passes, &mut scores), &mut best)?;
        }
        Some((answered, best))
    }
}

/// Offers something to all whom its gates let pass and for whom nothing better was found.
fn rank(
    number: u32,
    offer: &FlatOffer<'_>,
    answered: &Answered,
    (passes, scores): (&mut Vec<bool>, &mut Vec<f64>),
    best: &mut Best,
) -> Option<()> {
    let customers = best.keys.len();
    passes.clear();
    passes.resize(customers, true);
    for (gate, unknown) in &offer.gates {
        let sheet = answered.get(*gate)?;
        let truths = sheet.truths()?;
        if sheet.known.is_empty() {
            passes.iter_mut().zip(truths).for_each(|(passes, truth)| *passes &= *truth);
            continue;
        }
        let told = truths.iter().zip(&sheet.known);
        passes.iter_mut().zip(told).for_each(|(passes, (truth, known))| *passes &= (*truth & *known) | (*unknown & !*known));
    }
    scores.clear();
    scores.resize(customers, 1.0);
    for (factor, prior) in offer.factors.iter().flatten() {
        let sheet = answered.get(*factor)?;
        let factors = (passes.as_mut_slice(), scores.as_mut_slice());
        match &sheet.values {
            Values::Int(numbers) => multiply(numbers.iter().map(|number| *number as f64), &sheet.known, *prior, factors),
            Values::Double(numbers) => multiply(numbers.iter().copied(), &sheet.known, *prior, factors),
            Values::Bool(_) | Values::Since(_) => return None,
        }
    }
    let found = passes.iter().zip(scores.iter());
    for ((key, own), (passes, score)) in best.keys.iter_mut().zip(&mut best.offers).zip(found) {
        let rank = ordered(score.to_bits().cast_signed());
        let better = *passes & score.is_finite() & (rank > *key);
        *key = if better { rank } else { *key };
        *own = if better { number } else { *own };
    }
    Some(())
}

/// Multiplies scores with a factor; one that is not known or not finite is its prior, or stops the offer.
fn multiply(
    numbers: impl Iterator<Item = f64>,
    known: &[bool],
    prior: Option<f64>,
    (passes, scores): (&mut [bool], &mut [f64]),
) {
    let otherwise = prior.unwrap_or(0.0);
    let all = passes.iter_mut().zip(scores).zip(numbers);
    let each = |((passes, score), number): ((&mut bool, &mut f64), f64), known: bool| {
        let usable = known & number.is_finite();
        *passes &= usable | prior.is_some();
        *score *= if usable { number } else { otherwise };
    };
    if known.is_empty() {
        all.for_each(|one| each(one, true));
    } else {
        all.zip(known).for_each(|(one, known)| each(one, *known));
    }
}

/// Customers one beside the other.
struct Asked<'s, 'f, 'e> {
    sums: &'s Sums,
    flat: &'f Flat<'e>,
    /// The first of them, and the first who is none of them.
    span: (usize, usize),
    hard: &'s mut Vec<bool>,
}

impl Sheets for Asked<'_, '_, '_> {
    fn count(&self) -> usize {
        self.span.1 - self.span.0
    }

    fn now(&self) -> i64 {
        self.sums.now()
    }

    fn slot(&self, slot: u32) -> Option<Sheet> {
        let number = self.sums.tallies.iter().position(|tally| tally.slot == slot)?;
        Some(match self.sums.tallies.get(number)?.end {
            End::Count => Sheet::known(Values::Int(self.sums.counted(number, self.span)?)),
            End::Exists => {
                let counts = self.sums.counted(number, self.span)?;
                Sheet::known(Values::Bool(counts.into_iter().map(|count| count != 0).collect()))
            }
            End::Sum => Sheet::known(Values::Double(self.sums.summed(number, self.span)?.to_vec())),
            End::CountDistinct => {
                // The number 0 stands for no text.
                let texts = self.sums.ticked(number, self.span)?.iter();
                Sheet::known(Values::Int(texts.map(|texts| i64::from((texts & !1).count_ones())).collect()))
            }
            End::SinceLast | End::SinceFirst => {
                let (times, none) = self.sums.instants(number, self.span)?;
                let known = times.iter().map(|time| *time != none).collect();
                Sheet { values: Values::Since(times.to_vec()), known }
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
                let (bits, known) = self.sums.said(number, self.span)?;
                let bits = bits.iter();
                let values = match meaning {
                    Bits::Int => Values::Int(bits.map(|bits| bits.cast_signed()).collect()),
                    Bits::Double => Values::Double(bits.map(|bits| f64::from_bits(*bits)).collect()),
                    Bits::Bool => Values::Bool(bits.map(|bits| *bits != 0).collect()),
                    _ => return None,
                };
                Some(FactSheet::Column(Sheet { values, known: known.to_vec() }))
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
