//! Slots: aggregates over the events of a window, read from columns.

use super::super::row_test::{RowTest, RowTests};
use super::super::stream::Terminal;
use super::super::{Bits, EventKind, PropertyId, RunColumn};
use super::ask::{Asker, Defer, Found, Ground, NEVER};
use super::blocks::{Blocks, small, spread};
use super::scalar::Scalar;
use super::turns::LONGEST;
use crate::value::{Decimal, Timestamp};
use smallvec::SmallVec;

/// An aggregate. Two aggregates with equal slots are one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Slot {
    pub(super) parts: Box<[Part]>,
    pub(super) window: u32,
    pub(super) terminal: Terminal,
    pub(super) property: Option<PropertyId>,
    /// The sum of nothing.
    pub(super) zero: Option<Scalar<'static>>,
}

/// The events of one type in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) kind: EventKind,
    /// The number of the event type in the plan.
    pub(super) track: u32,
    pub(super) range: u32,
    /// The condition on each event, by number among those of its type.
    pub(super) filter: Option<u8>,
}

/// Conditions on events, by event type: what they come to for each event is kept as one bit beside the story.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filters {
    kinds: Vec<Vec<RowTests>>,
    /// By event type: properties, and the conditions that read nothing else, a bit for each.
    alone: Vec<Vec<(PropertyId, u64)>>,
    /// Properties that are added up or whose extremes are asked for, by event type.
    pub(super) summed: Vec<Vec<PropertyId>>,
}

/// The events of one type that are seen.
#[derive(Debug)]
pub(crate) enum Seen<'a> {
    Nothing,
    Columns(Columns<'a>),
    /// In several strands, or some of them hidden.
    Scattered,
}

/// The events of one type in one strand, in the order of the story.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns<'a> {
    /// When they happened.
    pub(crate) times: &'a [Timestamp],
    /// For each 64 events one word per filter.
    pub(crate) marks: &'a [u64],
    /// For how many events there are marks.
    pub(crate) marked: usize,
    /// Filters of which it is not known for some event whether they hold.
    pub(crate) odd: u64,
    /// Where the track stands, for [`Ground::column`].
    pub(crate) place: (u32, u32),
    /// What 64 events each come to, by property.
    pub(crate) blocks: &'a [Blocks],
}

impl Filters {
    /// The most conditions per event type; others are left to the reference.
    pub(super) const MOST: usize = 64;

    /// One more on events of a type; gives its number, unless there are too many.
    pub(super) fn add(&mut self, kind: EventKind, tests: &RowTests) -> Option<u8> {
        let place = usize::from(kind.0);
        if self.kinds.len() <= place {
            self.kinds.resize(place + 1, Vec::new());
            self.alone.resize(place + 1, Vec::new());
        }
        let (filters, alone) = (self.kinds.get_mut(place)?, self.alone.get_mut(place)?);
        let number = u8::try_from(filters.len()).ok().filter(|number| usize::from(*number) < Filters::MOST)?;
        if let [property] = tests.properties[..] {
            match alone.iter_mut().find(|(known, _)| *known == property) {
                Some((_, conditions)) => *conditions |= 1 << number,
                None => alone.push((property, 1 << number)),
            }
        }
        filters.push(tests.clone());
        Some(number)
    }

    /// Properties, each with the conditions that read nothing else, a bit for each.
    pub(crate) fn alone(&self, kind: EventKind) -> &[(PropertyId, u64)] {
        self.alone.get(usize::from(kind.0)).map_or(&[], |alone| alone)
    }

    /// How many there are on events of a type.
    pub(crate) fn count(&self, kind: EventKind) -> usize {
        self.kinds.get(usize::from(kind.0)).map_or(0, Vec::len)
    }

    /// Properties of a type that are added up.
    pub(crate) fn summed(&self, kind: EventKind) -> &[PropertyId] {
        self.summed.get(usize::from(kind.0)).map_or(&[], |summed| summed)
    }

    /// The properties that a condition reads.
    pub(crate) fn properties(&self, kind: EventKind, filter: usize) -> &[PropertyId] {
        self.tests(kind, filter).map_or(&[], |tests| &tests.properties)
    }

    fn tests(&self, kind: EventKind, filter: usize) -> Option<&RowTests> {
        self.kinds.get(usize::from(kind.0))?.get(filter)
    }

    /// Whether a condition holds for an event, given the columns of its properties; `None` when that is not known.
    pub(crate) fn holds(&self, kind: EventKind, filter: usize, columns: &[RunColumn<'_>], row: usize) -> Option<bool> {
        for test in &self.tests(kind, filter)?.tests {
            if !RowTest::holds(test, columns, row)? {
                return Some(false);
            }
        }
        Some(true)
    }
}

/// The rows of a part that count.
pub(super) struct Chosen<'p, 'a> {
    pub(super) columns: &'p Columns<'a>,
    start: usize,
    end: usize,
    /// The words of a filter for the rows from `start` on, the first one from the row `start - start % 64`.
    mask: Option<Mask>,
}

type Mask = SmallVec<[u64; 4]>;

impl Chosen<'_, '_> {
    fn count(&self) -> usize {
        match &self.mask {
            None => self.end - self.start,
            Some(words) => words.iter().map(|word| word.count_ones() as usize).sum(),
        }
    }

    fn base(&self) -> usize {
        self.start - self.start % 64
    }

    fn first(&self) -> usize {
        match &self.mask {
            None => self.start,
            Some(words) => {
                let at = words.iter().position(|word| *word != 0).unwrap_or(0);
                self.base() + at * 64 + words.get(at).map_or(0, |word| word.trailing_zeros() as usize)
            }
        }
    }

    fn last(&self) -> usize {
        match &self.mask {
            None => self.end - 1,
            Some(words) => {
                let at = words.iter().rposition(|word| *word != 0).unwrap_or(0);
                self.base() + at * 64 + words.get(at).map_or(0, |word| 63 - word.leading_zeros() as usize)
            }
        }
    }

    /// The median time between one row and the next, of an even number the lower middle; `None` with fewer than two gaps.
    #[inline(never)]
    fn usual_gap(&self) -> Result<Option<Scalar<'static>>, Defer> {
        let mut gaps: SmallVec<[i64; 64]> = SmallVec::new();
        let mut last: Option<i64> = None;
        self.each(|row| {
            let time = self.columns.times.get(row).map_or(0, |time| time.micros());
            gaps.extend(last.map(|last| time.saturating_sub(last)));
            last = Some(time);
        });
        // What is too long for a duration is the reference's to tell.
        if gaps.iter().any(|gap| *gap > LONGEST) {
            return Err(Defer);
        }
        if gaps.len() < 2 {
            return Ok(None);
        }
        let middle = (gaps.len() - 1) / 2;
        let (_, gap, _) = gaps.select_nth_unstable(middle);
        Ok(Some(Scalar::Duration(gap.checked_mul(1_000).ok_or(Defer)?)))
    }

    /// Visits the rows in order.
    #[inline]
    pub(super) fn each(&self, mut visit: impl FnMut(usize)) {
        match &self.mask {
            None => (self.start..self.end).for_each(visit),
            Some(words) => {
                for (at, word) in words.iter().enumerate() {
                    let mut left = *word;
                    while left != 0 {
                        visit(self.base() + at * 64 + left.trailing_zeros() as usize);
                        left &= left - 1;
                    }
                }
            }
        }
    }
}

/// When the rows of all parts happened.
pub(super) struct Times {
    pub(super) count: usize,
    pub(super) first: i64,
    pub(super) last: i64,
    until: i64,
}

impl Times {
    /// Of no rows.
    pub(super) fn none() -> Self {
        Times { count: 0, first: NEVER, last: i64::MIN, until: NEVER }
    }

    /// All of some rows.
    #[inline]
    fn take(&mut self, rows: &[Timestamp]) {
        self.count += rows.len();
        self.first = self.first.min(rows.first().map_or(NEVER, |time| time.micros()));
        self.last = self.last.max(rows.last().map_or(i64::MIN, |time| time.micros()));
    }
}

impl<'p, 'a: 'p, G: Ground<'a>> Asker<'p, 'a, G> {
    /// Computes a slot.
    pub(super) fn gather(&self, slot: &Slot) -> Result<Found<'a>, Defer> {
        let window = self.window(slot.window)?;
        let mut times = Times { until: window.until, ..Times::none() };
        let (value, until) = match (&slot.parts[..], slot.property) {
            ([part], None) if slot.terminal == Terminal::UsualGap => match self.choose(part, window.after, &mut times)? {
                Some(rows) => (rows.usual_gap()?, times.until),
                None => (None, times.until),
            },
            ([part], None) => {
                if part.filter.is_some() {
                    self.choose(part, window.after, &mut times)?;
                } else if let Some((columns, start, end)) = self.rows(part, window.after, &mut times)? {
                    times.take(columns.times.get(start..end).unwrap_or(&[]));
                }
                (None, times.until)
            }
            ([part], Some(property)) => {
                let chosen = self.choose(part, window.after, &mut times)?;
                (self.values(slot, property, chosen.as_slice())?, times.until)
            }
            (parts, property) => {
                let mut chosen: SmallVec<[Chosen<'p, 'a>; 8]> = SmallVec::new();
                for part in parts {
                    if let Some(rows) = self.choose(part, window.after, &mut times)?
                        && property.is_some()
                    {
                        chosen.push(rows);
                    }
                }
                let value = property.map(|property| self.values(slot, property, &chosen)).transpose()?.flatten();
                (value, times.until)
            }
        };
        let mut until = until;
        if times.count > 0 {
            for length in window.lengths {
                until = until.min(times.first.saturating_add(*length).min(Timestamp::MAX.micros()));
            }
        }
        let value = match slot.terminal {
            Terminal::Count => i64::try_from(times.count).ok().map(Scalar::Int),
            Terminal::Exists => Some(Scalar::Bool(times.count > 0)),
            Terminal::SinceLast => (times.count > 0).then_some(Scalar::Since(times.last)),
            Terminal::SinceFirst => (times.count > 0).then_some(Scalar::Since(times.first)),
            Terminal::UsualGap => value,
            _ if slot.property.is_none() => return Err(Defer),
            _ => value,
        };
        Ok(Found { value, until })
    }

    /// The rows of a part that lie in the window; `None` when there are none.
    #[inline]
    fn rows(&self, part: &Part, after: i64, times: &mut Times) -> Result<Option<(&'p Columns<'a>, usize, usize)>, Defer> {
        let Some(columns) = self.track(part)? else { return Ok(None) };
        let (start, end) = self.range(part.range, columns, after);
        if let Some(next) = columns.times.get(end) {
            times.until = times.until.min(next.micros());
        }
        Ok((start < end).then_some((columns, start, end)))
    }

    /// The rows of a part that count; `None` when there are none.
    #[inline]
    pub(super) fn choose(&self, part: &Part, after: i64, times: &mut Times) -> Result<Option<Chosen<'p, 'a>>, Defer> {
        let Some((columns, start, end)) = self.rows(part, after, times)? else { return Ok(None) };
        let Some(filter) = part.filter else {
            times.take(columns.times.get(start..end).unwrap_or(&[]));
            return Ok(Some(Chosen { columns, start, end, mask: None }));
        };
        let mask = Some(self.mask(part.kind, usize::from(filter), columns, start, end)?);
        let rows = Chosen { columns, start, end, mask };
        let here = rows.count();
        if here == 0 {
            return Ok(None);
        }
        times.count += here;
        times.first = times.first.min(columns.times.get(rows.first()).map_or(NEVER, |time| time.micros()));
        times.last = times.last.max(columns.times.get(rows.last()).map_or(i64::MIN, |time| time.micros()));
        Ok(Some(rows))
    }

    /// Which rows a filter lets through, word by word.
    fn mask(&self, kind: EventKind, filter: usize, columns: &Columns<'a>, start: usize, end: usize) -> Result<Mask, Defer> {
        if columns.odd & (1 << filter) != 0 {
            return Err(Defer);
        }
        let filters = &self.plan.filters;
        let stride = filters.count(kind);
        let (low, high) = (start / 64, (end - 1) / 64);
        let known = columns.marked.min(end);
        let mut words: Mask =
            (low..=high).map(|word| columns.marks.get(word * stride + filter).copied().unwrap_or(0)).collect();
        if known < end {
            // Events that came since somebody looked have no marks yet.
            for (at, word) in words.iter_mut().enumerate() {
                let from = (low + at) * 64;
                *word &= below(known.saturating_sub(from));
            }
            let tested: Option<SmallVec<[RunColumn<'a>; 4]>> =
                filters.properties(kind, filter).iter().map(|property| self.ground.column(columns.place, *property)).collect();
            let tested = tested.ok_or(Defer)?;
            for row in known.max(start)..end {
                if filters.holds(kind, filter, &tested, row).ok_or(Defer)?
                    && let Some(word) = words.get_mut(row / 64 - low)
                {
                    *word |= 1 << (row % 64);
                }
            }
        }
        if let Some(word) = words.first_mut() {
            *word &= !below(start % 64);
        }
        if let Some(word) = words.last_mut() {
            *word &= below(end - high * 64);
        }
        Ok(words)
    }

    /// What is asked of a property.
    pub(super) fn values(
        &self,
        slot: &Slot,
        property: PropertyId,
        chosen: &[Chosen<'p, 'a>],
    ) -> Result<Option<Scalar<'a>>, Defer> {
        let column = |rows: &Chosen<'p, 'a>| self.ground.column(rows.columns.place, property).ok_or(Defer);
        match slot.terminal {
            Terminal::CountDistinct => distinct(chosen, column),
            Terminal::Sum | Terminal::Avg => {
                let mut sum = Sum::Nothing;
                let mut told = 0;
                for rows in chosen {
                    sum = sum.add(rows, &column(rows)?, property, slot.terminal, &mut told)?;
                }
                match (sum, slot.terminal) {
                    (Sum::Nothing, Terminal::Sum) => Ok(slot.zero),
                    (Sum::Nothing, _) => Ok(None),
                    (sum, Terminal::Sum) => sum.scalar().ok_or(Defer).map(Some),
                    (sum, _) => sum.average(told).ok_or(Defer).map(Some),
                }
            }
            Terminal::Count | Terminal::Exists | Terminal::SinceLast | Terminal::SinceFirst => Ok(None),
            _ => match chosen {
                [] => Ok(None),
                [rows] => one(slot.terminal, property, rows, &column(rows)?),
                _ => Err(Defer),
            },
        }
    }
}

/// The lowest `count` bits.
fn below(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

impl<'a> RunColumn<'a> {
    /// The value of a row as a scalar; `None` when it has none.
    pub(crate) fn scalar(&self, row: usize) -> Option<Scalar<'a>> {
        scalar(self, row)
    }
}

/// The value of a row as a scalar.
fn scalar<'a>(column: &RunColumn<'a>, row: usize) -> Option<Scalar<'a>> {
    match column {
        RunColumn::Absent => None,
        RunColumn::Codes { .. } => column.text(row).map(Scalar::Text),
        RunColumn::Bits { bits, meaning, .. } => {
            let bits = *bits.get(row).filter(|_| column.has(row))?;
            Some(plain(*meaning, bits))
        }
    }
}

pub(super) fn plain(meaning: Bits, bits: u64) -> Scalar<'static> {
    let signed = bits.cast_signed();
    match meaning {
        Bits::Bool => Scalar::Bool(bits != 0),
        Bits::Int => Scalar::Int(signed),
        Bits::Uint => Scalar::Uint(bits),
        Bits::Double => Scalar::Double(f64::from_bits(bits)),
        Bits::Decimal { scale, currency } => Scalar::Decimal { units: signed, scale, currency },
        // Never asked for: the compiler leaves times to the reference.
        Bits::Timestamp | Bits::Date | Bits::Point => Scalar::Int(signed),
        Bits::Duration => Scalar::Duration(signed),
    }
}

/// The first, last, least or greatest value of the rows.
fn one<'a>(
    terminal: Terminal,
    property: PropertyId,
    rows: &Chosen<'_, 'a>,
    column: &RunColumn<'a>,
) -> Result<Option<Scalar<'a>>, Defer> {
    if matches!(column, RunColumn::Absent) {
        return Ok(None);
    }
    match terminal {
        Terminal::First | Terminal::Last if rows.mask.is_none() => {
            let mut span = rows.start..rows.end;
            Ok(if terminal == Terminal::First {
                span.find_map(|row| scalar(column, row))
            } else {
                span.rev().find_map(|row| scalar(column, row))
            })
        }
        Terminal::First | Terminal::Last => {
            let mut found = None;
            rows.each(|row| {
                if let (true, Some(value)) = (terminal == Terminal::Last || found.is_none(), scalar(column, row)) {
                    found = Some(value);
                }
            });
            Ok(found)
        }
        Terminal::Min | Terminal::Max => {
            let RunColumn::Bits { bits, meaning, missing } = column else { return Err(Defer) };
            let least = terminal == Terminal::Min;
            if let (None, true, Bits::Int | Bits::Decimal { .. }, Some(span)) =
                (&rows.mask, missing.is_empty(), meaning, bits.get(rows.start..rows.end))
            {
                let values = span.iter().map(|bits| bits.cast_signed());
                let best = match rows.columns.blocks.iter().find(|blocks| blocks.property == property.0) {
                    Some(blocks) => blocks.extreme(bits, rows.start, rows.end, least),
                    None if least => values.min(),
                    None => values.max(),
                };
                return Ok(best.map(|best| plain(*meaning, best.cast_unsigned())));
            }
            let mut best: Option<u64> = None;
            rows.each(|row| {
                let there = missing.is_empty() || !missing.get(row).copied().unwrap_or(false);
                if let (true, Some(value)) = (there, bits.get(row))
                    && best.is_none_or(|best| better(*meaning, least, *value, best))
                {
                    best = Some(*value);
                }
            });
            Ok(best.map(|best| plain(*meaning, best)))
        }
        _ => Err(Defer),
    }
}

/// Whether a value comes before the best so far.
pub(super) fn better(meaning: Bits, least: bool, value: u64, best: u64) -> bool {
    match meaning {
        Bits::Double if least => f64::from_bits(value) < f64::from_bits(best),
        Bits::Double => f64::from_bits(value) > f64::from_bits(best),
        Bits::Uint | Bits::Bool if least => value < best,
        Bits::Uint | Bits::Bool => value > best,
        _ if least => value.cast_signed() < best.cast_signed(),
        _ => value.cast_signed() > best.cast_signed(),
    }
}

/// How many different values there are.
fn distinct<'p, 'a>(
    chosen: &[Chosen<'p, 'a>],
    column: impl Fn(&Chosen<'p, 'a>) -> Result<RunColumn<'a>, Defer>,
) -> Result<Option<Scalar<'a>>, Defer> {
    let (mut texts, mut others) = (false, 0);
    let few = chosen.iter().map(Chosen::count).sum::<usize>() <= 32;
    let mut ticks = Ticks::default();
    let mut seen: SmallVec<[u64; 32]> = SmallVec::new();
    for rows in chosen {
        match column(rows)? {
            RunColumn::Absent => {}
            RunColumn::Codes { codes, texts: known } => {
                texts = true;
                if few && known.ends.len() > MANY_TEXTS {
                    rows.each(|row| {
                        if let Some(code) = codes.get(row).map(|code| u64::from(*code))
                            && code != 0
                            && !seen.contains(&code)
                        {
                            seen.push(code);
                        }
                    });
                    continue;
                }
                ticks.reach(known.ends.len());
                match (&rows.mask, codes.get(rows.start..rows.end)) {
                    (None, Some(codes)) => codes.iter().for_each(|code| ticks.tick(*code)),
                    _ => rows.each(|row| ticks.tick(codes.get(row).copied().unwrap_or(0))),
                }
            }
            // Equal doubles may have different bits.
            RunColumn::Bits { meaning: Bits::Double, .. } => return Err(Defer),
            RunColumn::Bits { bits, missing, .. } => {
                others += 1;
                rows.each(|row| {
                    if let (false, Some(bits)) = (missing.get(row).copied().unwrap_or(false), bits.get(row))
                        // A few values are found faster than sorted.
                        && seen.last() != Some(bits)
                        && (seen.len() >= 32 || !seen.contains(bits))
                    {
                        seen.push(*bits);
                    }
                });
            }
        }
    }
    // Texts are numbered per strand, and numbers of different types may be equal.
    if others > 1 || (others > 0 && texts) {
        return Err(Defer);
    }
    let mut strands = chosen.iter().map(|rows| rows.columns.place.0);
    if let Some(first) = strands.next()
        && strands.any(|strand| strand != first)
    {
        return Err(Defer);
    }
    if seen.len() > 32 {
        seen.sort_unstable();
        seen.dedup();
    }
    let count = i64::try_from(seen.len() + ticks.count()).map_err(|_| Defer)?;
    Ok(Some(Scalar::Int(count)))
}

/// From how many texts on a few of them are not ticked off.
const MANY_TEXTS: usize = 4_096;

/// Texts ticked off by number.
#[derive(Default)]
struct Ticks {
    words: SmallVec<[u64; 8]>,
}

impl Ticks {
    /// There are so many texts.
    fn reach(&mut self, texts: usize) {
        if self.words.len() <= texts / 64 {
            self.words.resize(texts / 64 + 1, 0);
        }
    }

    #[inline]
    fn tick(&mut self, code: u32) {
        if let Some(word) = self.words.get_mut(code as usize / 64) {
            *word |= 1 << (code % 64);
        }
    }

    /// How many there were; 0 stands for none.
    fn count(&self) -> usize {
        let none = self.words.first().map_or(0, |word| (word & 1) as usize);
        self.words.iter().map(|word| word.count_ones() as usize).sum::<usize>() - none
    }
}

/// A sum on the way.
#[derive(Clone, Copy)]
enum Sum {
    Nothing,
    Whole { sum: i128, meaning: Bits },
    Double(f64),
}

impl Sum {
    fn add(
        self,
        rows: &Chosen<'_, '_>,
        column: &RunColumn<'_>,
        property: PropertyId,
        terminal: Terminal,
        told: &mut u64,
    ) -> Result<Self, Defer> {
        let (bits, missing, meaning) = match column {
            RunColumn::Absent => return Ok(self),
            RunColumn::Bits { bits, missing, meaning } => (*bits, *missing, *meaning),
            RunColumn::Codes { .. } => return Err(Defer),
        };
        let before = *told;
        match (self, meaning) {
            // The fold of doubles goes through the events in order, whatever their type.
            (Sum::Nothing, Bits::Double) => {
                let mut sum: Option<f64> = (terminal == Terminal::Sum).then_some(0.0);
                each_told(rows, bits, missing, told, |bits| {
                    let value = f64::from_bits(bits);
                    sum = Some(sum.map_or(value, |sum| sum + value));
                });
                Ok(if *told == before { Sum::Nothing } else { sum.map_or(Sum::Nothing, Sum::Double) })
            }
            (Sum::Nothing | Sum::Whole { .. }, Bits::Int | Bits::Uint | Bits::Decimal { .. }) => {
                let mut sum = match self {
                    Sum::Whole { sum, meaning: known } if known == meaning => sum,
                    Sum::Whole { .. } => return Err(Defer),
                    _ => 0,
                };
                let blocks = rows.columns.blocks.iter().find(|blocks| blocks.property == property.0);
                // Whole numbers that stand alone can neither run over on the way nor in the end.
                let (decimal, alone) = (matches!(meaning, Bits::Decimal { .. }), matches!(self, Sum::Nothing));
                let plain = rows.mask.is_none() && missing.is_empty() && meaning != Bits::Uint && (decimal || alone);
                let quick = match blocks {
                    _ if !plain => None,
                    Some(blocks) => blocks.sum(bits, rows.start, rows.end, decimal),
                    None => bits.get(rows.start..rows.end).and_then(quick_sum),
                };
                match quick {
                    Some(quick) => {
                        sum += quick;
                        *told += (rows.end - rows.start) as u64;
                    }
                    None => {
                        // The reference adds whole numbers up in 64 bits and says so when they run over on the way.
                        let bounds = match meaning {
                            Bits::Int => i128::from(i64::MIN)..=i128::from(i64::MAX),
                            Bits::Uint => 0..=i128::from(u64::MAX),
                            _ => i128::MIN..=i128::MAX,
                        };
                        let mut fits = true;
                        each_told(rows, bits, missing, told, |bits| {
                            sum += whole(meaning, bits);
                            fits &= bounds.contains(&sum);
                        });
                        if !fits {
                            return Err(Defer);
                        }
                    }
                }
                Ok(if *told == before { self } else { Sum::Whole { sum, meaning } })
            }
            _ => Err(Defer),
        }
    }

    /// The sum, when it is in the range of its type and of a scalar.
    fn scalar(self) -> Option<Scalar<'static>> {
        match self {
            Sum::Nothing => None,
            Sum::Double(sum) => Some(Scalar::Double(sum)),
            Sum::Whole { sum, meaning: Bits::Uint } => u64::try_from(sum).ok().map(Scalar::Uint),
            Sum::Whole { sum, meaning: Bits::Decimal { scale, currency } } => {
                Scalar::decimal(Decimal::new(sum, scale, currency))
            }
            Sum::Whole { sum, .. } => i64::try_from(sum).ok().map(Scalar::Int),
        }
    }

    fn average(self, told: u64) -> Option<Scalar<'static>> {
        match (self, self.scalar()?) {
            (_, Scalar::Int(sum)) => Some(Scalar::Double(sum as f64 / told as f64)),
            (_, Scalar::Uint(sum)) => Some(Scalar::Double(sum as f64 / told as f64)),
            (_, Scalar::Double(sum)) => Some(Scalar::Double(sum / told as f64)),
            (Sum::Whole { sum, meaning: Bits::Decimal { scale, currency } }, _) => {
                Decimal::new(sum, scale, currency).average(told).ok().and_then(Scalar::decimal)
            }
            _ => None,
        }
    }
}

/// The sum of consecutive signed numbers so small that it stays within 64 bits; many at a time.
fn quick_sum(bits: &[u64]) -> Option<i128> {
    if !small(spread(bits), bits.len()) {
        return None;
    }
    Some(i128::from(bits.iter().fold(0_i64, |sum, bits| sum.wrapping_add(bits.cast_signed()))))
}

fn whole(meaning: Bits, bits: u64) -> i128 {
    if meaning == Bits::Uint { i128::from(bits) } else { i128::from(bits.cast_signed()) }
}

fn each_told(rows: &Chosen<'_, '_>, bits: &[u64], missing: &[bool], told: &mut u64, mut take: impl FnMut(u64)) {
    match (&rows.mask, bits.get(rows.start..rows.end)) {
        (None, Some(bits)) if missing.is_empty() => {
            *told += bits.len() as u64;
            bits.iter().for_each(|bits| take(*bits));
        }
        _ => rows.each(|row| {
            if let (false, Some(bits)) = (missing.get(row).copied().unwrap_or(false), bits.get(row)) {
                *told += 1;
                take(*bits);
            }
        }),
    }
}
