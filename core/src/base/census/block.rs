use super::flat::Flat;
use super::rows::{BLOCK, HEAD, Rows};
use crate::context::Source;
use crate::expr::plan::{Asker, Columns, Defer, Found, Ground, Memo, NEVER, Scalar, Seen};
use crate::expr::{EventKind, FactId, PropertyId, RunColumn, RunTexts};
use crate::value::{Timestamp, Zone};
use std::cell::{Cell, OnceCell};

/// The rows of some customers, laid out by customer and event type, each in time order.
pub(super) struct Block<'f, 'e> {
    flat: &'f Flat<'e>,
    texts: RunTexts<'f>,
    customers: usize,
    /// Where the rows of a customer's event type begin; one more than there are pairs.
    starts: Vec<u32>,
    times: Vec<Timestamp>,
    ids: Vec<u64>,
    /// By place in a row.
    properties: Vec<Property>,
}

#[derive(Default)]
struct Property {
    bits: Vec<u64>,
    /// The same as numbers of texts; empty when no event type has a text there.
    codes: Vec<u32>,
    /// Empty when no row lacks it.
    missing: Vec<bool>,
}

/// What a customer came to.
pub(super) struct Answers<'a> {
    /// The customer's number.
    pub(super) number: u32,
    /// Whether an event was seen.
    pub(super) seen: bool,
    /// Whether only their story knows.
    pub(super) hard: bool,
    pub(super) segments: &'a [Option<bool>],
    /// The best offer by number, and its score.
    pub(super) best: Option<(usize, f64)>,
}

impl<'f, 'e> Block<'f, 'e> {
    /// Lays rows out.
    pub(super) fn new(flat: &'f Flat<'e>, rows: &'f Rows<'_>, words: &[u64], customers: usize) -> Self {
        let (stride, kinds) = (HEAD + rows.width, flat.kinds.len());
        let count = words.len() / stride;
        let head = |row: usize| words.get(row * stride).copied().unwrap_or(0);
        let time = |row: usize| words.get(row * stride + 1).copied().unwrap_or(0).cast_signed();
        let pair = |head: u64| (head >> 32) as usize * kinds + (head >> 16 & 0xffff) as usize;
        let mut starts = vec![0_u32; BLOCK.min(customers) * kinds + 1];
        for row in 0..count {
            if let Some(place) = starts.get_mut(pair(head(row)) + 1) {
                *place += 1;
            }
        }
        let mut sum = 0;
        for place in &mut starts {
            sum += *place;
            *place = sum;
        }
        let mut next = starts.clone();
        let mut places = vec![0_u32; count];
        // Tables in time order are the rule; others are brought into it.
        let mut order: Vec<u32> = (0..u32::try_from(count).unwrap_or(u32::MAX)).collect();
        if !order.is_sorted_by_key(|row| time(*row as usize)) {
            order.sort_by_key(|row| time(*row as usize));
        }
        for row in order {
            let row = row as usize;
            if let (Some(place), Some(next)) = (places.get_mut(row), next.get_mut(pair(head(row)))) {
                *place = *next;
                *next += 1;
            }
        }
        let mut block = Block {
            flat,
            texts: rows.texts.as_run(),
            customers,
            starts,
            times: vec![Timestamp::MIN; count],
            ids: vec![0; count],
            properties: (0..rows.width).map(|_| Property::default()).collect(),
        };
        let places: Vec<usize> = places.into_iter().map(|place| place as usize).collect();
        for (row, place) in places.iter().enumerate() {
            if let (Some(to), Ok(time)) = (block.times.get_mut(*place), Timestamp::from_micros(time(row))) {
                *to = time;
            }
            if let (Some(to), Some(id)) = (block.ids.get_mut(*place), words.get(row * stride + 2)) {
                *to = *id;
            }
        }
        for (at, property) in block.properties.iter_mut().enumerate() {
            let text = |kind: &super::flat::FlatKind| {
                kind.properties.get(at).is_some_and(|(_, column)| flat.rules.layout.is_text(kind.kind, *column))
            };
            let texts = flat.kinds.iter().any(text);
            property.bits = vec![0; count];
            property.codes = vec![0; if texts { count } else { 0 }];
            for (row, place) in places.iter().enumerate() {
                let Some(word) = words.get(row * stride + HEAD + at).copied() else { break };
                if let Some(to) = property.bits.get_mut(*place) {
                    *to = word;
                }
                if let Some(to) = property.codes.get_mut(*place) {
                    *to = word as u32;
                }
                if head(row) >> at & 1 != 0 {
                    if property.missing.is_empty() {
                        property.missing = vec![false; count];
                    }
                    if let Some(to) = property.missing.get_mut(*place) {
                        *to = true;
                    }
                }
            }
        }
        block
    }

    /// Answers for one customer after the other.
    pub(super) fn answer(
        &self,
        flat: &Flat<'_>,
        now: Timestamp,
        first: usize,
        (seen, hard): (&[bool], &[bool]),
        take: &mut dyn FnMut(Answers<'_>),
    ) {
        let offers: Vec<usize> =
            flat.offers.iter().enumerate().filter(|(_, offer)| offer.valid(now)).map(|(at, _)| at).collect();
        let mut at = At {
            block: self,
            now,
            local: 0,
            memo: OnceCell::new(),
            members: vec![Cell::new(Member::Open); flat.segments.len()],
        };
        let mut segments: Vec<Option<bool>> = vec![None; flat.segments.len()];
        for local in 0..self.customers {
            let number = first + local;
            let seen = seen.get(number).copied().unwrap_or(false);
            let mut best = None;
            let mut hard = hard.get(number).copied().unwrap_or(false) || (seen && self.unclear(local));
            if seen && !hard {
                at.turn(local);
                match at.decide(flat, &offers, &mut segments) {
                    Ok(found) => best = found,
                    Err(Defer) => hard = true,
                }
            }
            if hard {
                segments.iter_mut().for_each(|segment| *segment = None);
            }
            take(Answers { number: u32::try_from(number).unwrap_or(u32::MAX), seen, hard, segments: &segments, best });
        }
    }

    fn span(&self, local: usize, kind: usize) -> (usize, usize) {
        let at = local * self.flat.kinds.len() + kind;
        let place = |at: usize| self.starts.get(at).map_or(0, |start| *start as usize);
        (place(at), place(at + 1))
    }

    /// Whether an event may have been told twice, or events of one instant stand in an order that rows do not tell.
    fn unclear(&self, local: usize) -> bool {
        let tied = self.flat.kinds.iter().enumerate().filter(|(_, kind)| kind.ordered).any(|(number, _)| {
            let (start, end) = self.span(local, number);
            self.times.get(start..end).is_some_and(|times| times.windows(2).any(|pair| pair.first() == pair.last()))
        });
        if tied {
            return true;
        }
        let (start, end) = (self.span(local, 0).0, self.span(local, self.flat.kinds.len().saturating_sub(1)).1);
        let ids = self.ids.get(start..end).unwrap_or(&[]);
        if ids.iter().all(|id| *id == 0) {
            return false;
        }
        let mut ids: Vec<u64> = ids.iter().copied().filter(|id| *id != 0).collect();
        ids.sort_unstable();
        ids.windows(2).any(|pair| pair.first() == pair.last())
    }
}

/// One customer of a block.
struct At<'b, 'f, 'e> {
    block: &'b Block<'f, 'e>,
    now: Timestamp,
    local: usize,
    memo: OnceCell<Box<Memo<'b>>>,
    members: Vec<Cell<Member>>,
}

#[derive(Clone, Copy)]
enum Member {
    Open,
    Known(Option<bool>),
}

impl<'b> At<'b, '_, '_> {
    fn turn(&mut self, local: usize) {
        self.local = local;
        if let Some(memo) = self.memo.get_mut() {
            memo.forget();
        }
        self.members.iter_mut().for_each(|member| *member = Cell::new(Member::Open));
    }

    fn asker(&self) -> Asker<'_, 'b, Self> {
        Asker::new(&self.block.flat.rules.plan, self, &self.memo)
    }

    /// Membership of every segment, and the best offer.
    fn decide(&self, flat: &Flat<'_>, offers: &[usize], segments: &mut [Option<bool>]) -> Result<Option<(usize, f64)>, Defer> {
        for (number, segment) in segments.iter_mut().enumerate() {
            *segment = self.member(number)?;
        }
        let mut best: Option<(usize, f64, i64)> = None;
        'offers: for number in offers {
            let Some(offer) = flat.offers.get(*number) else { continue };
            for (gate, when_unknown) in &offer.gates {
                let passes = match self.asker().ask(*gate)?.value {
                    Some(Scalar::Bool(truth)) => truth,
                    None => *when_unknown,
                    Some(_) => return Err(Defer),
                };
                if !passes {
                    continue 'offers;
                }
            }
            let mut score = 1.0;
            for factor in &offer.factors {
                let Some((rule, prior)) = factor else { continue };
                let number = self.asker().ask(*rule)?.value.and_then(Scalar::number).filter(|number| number.is_finite());
                let Some(number) = number.or(*prior) else { continue 'offers };
                score *= number;
            }
            if !score.is_finite() {
                continue;
            }
            let better =
                best.is_none_or(|(_, other, priority)| score.total_cmp(&other).then(offer.priority.cmp(&priority)).is_gt());
            if better {
                best = Some((*number, score, offer.priority));
            }
        }
        Ok(best.map(|(number, score, _)| (number, score)))
    }

    fn member(&self, number: usize) -> Result<Option<bool>, Defer> {
        let place = self.members.get(number).ok_or(Defer)?;
        if let Member::Known(known) = place.get() {
            return Ok(known);
        }
        let code = self.block.flat.segments.get(number).ok_or(Defer)?;
        let member = match self.asker().ask(*code)?.value {
            Some(Scalar::Bool(truth)) => Some(truth),
            None => None,
            Some(_) => return Err(Defer),
        };
        place.set(Member::Known(member));
        Ok(member)
    }

    /// The last that was told of an attribute.
    fn attribute(&self, place: usize) -> Option<Scalar<'b>> {
        let number = self.block.flat.attributes.get(place).copied().flatten()?;
        let (start, end) = self.block.span(self.local, number);
        let kind = self.block.flat.kinds.get(number)?;
        let (property, _) = kind.properties.first()?;
        let column = self.run(kind.kind, number, *property, start, end)?;
        column.scalar(end.checked_sub(start)?.checked_sub(1)?)
    }

    fn run(&self, kind: EventKind, number: usize, property: PropertyId, start: usize, end: usize) -> Option<RunColumn<'b>> {
        let flat = self.block.flat;
        let own = flat.kinds.get(number)?;
        let Some(place) = own.properties.iter().position(|(known, _)| *known == property) else {
            // Read by no rule, or not a property of this type.
            return flat.rules.layout.column_of(kind, property).is_none().then_some(RunColumn::Absent);
        };
        let (_, column) = own.properties.get(place)?;
        let values = self.block.properties.get(place)?;
        match flat.rules.layout.bits(kind, *column) {
            Some(meaning) => {
                let bits = values.bits.get(start..end)?;
                let missing = values.missing.get(start..end).unwrap_or(&[]);
                let any = missing.contains(&true);
                Some(RunColumn::Bits { bits, missing: if any { missing } else { &[] }, meaning })
            }
            None => Some(RunColumn::Codes { codes: values.codes.get(start..end)?, texts: self.block.texts }),
        }
    }
}

impl<'b> Ground<'b> for At<'b, '_, '_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn zone(&self) -> Option<Zone> {
        Some(self.block.flat.rules.zone)
    }

    fn session(&self) -> Option<(Timestamp, Timestamp)> {
        None
    }

    fn fact(&self, fact: FactId) -> Result<Found<'_>, Defer> {
        let value = match self.block.flat.rules.sources.source(fact) {
            Some(Source::Segment(number)) => self.member(number)?.map(Scalar::Bool),
            Some(Source::Attribute(place)) => self.attribute(place),
            _ => return Err(Defer),
        };
        Ok(Found { value, until: NEVER })
    }

    fn told(&self, fact: FactId) -> bool {
        self.fact(fact).is_ok_and(|found| found.value.is_some())
    }

    fn seen(&self, kind: EventKind) -> Seen<'b> {
        let Some(number) = self.block.flat.kinds.iter().position(|own| own.kind == kind) else { return Seen::Scattered };
        let (start, end) = self.block.span(self.local, number);
        match self.block.times.get(start..end) {
            Some([]) | None => Seen::Nothing,
            Some(times) => {
                let place = (0, u32::try_from(number).unwrap_or(u32::MAX));
                Seen::Columns(Columns { times, marks: &[], marked: 0, odd: 0, blocks: &[], place })
            }
        }
    }

    fn column(&self, place: (u32, u32), property: PropertyId) -> Option<RunColumn<'b>> {
        let number = place.1 as usize;
        let (start, end) = self.block.span(self.local, number);
        self.run(self.block.flat.kinds.get(number)?.kind, number, property, start, end)
    }
}
