//! Rows added up customer by customer: one column per figure, a place in it per customer.
//!
//! The instants at which windows begin cut time into *steps*. All rows of an event type within a step do the same to the figures of
//! their customers, so rows are added a step of a type at a time, without looking at what is asked or comparing times. Rows are counted
//! once: a count is that of the steps in its window.

use super::flat::Flat;
use crate::expr::plan::{End, Tally};
use crate::expr::{Bits, PropertyId};
use crate::value::Timestamp;
use smallvec::SmallVec;

/// What all customers' rows came to so far.
pub(super) struct Sums {
    pub(super) steps: Steps,
    pub(super) tallies: Vec<Tally>,
    /// By tally: where it is found.
    places: Vec<Place>,
    counts: Vec<Vec<u32>>,
    figures: Vec<Figures>,
    /// By number of the event type.
    kinds: Vec<KindSums>,
    /// By number of the event type: the last of each customer, where order matters.
    lasts: Vec<Option<Lasts>>,
    /// How many customers the columns have.
    customers: usize,
    rows: u64,
    /// Whether rows came that cannot be added up in this way.
    failed: bool,
}

/// Time up to the question, cut where windows begin.
pub(super) struct Steps {
    now: i64,
    /// Rising; a row is in the windows that begin before it.
    begins: Vec<i64>,
}

/// Where the rows of a tally were added up.
enum Place {
    /// The counts that it is the sum of.
    Counts(Vec<usize>),
    Figure(usize),
}

/// A column of figures.
enum Figures {
    /// Doubles, in the order of the rows.
    Sum(Vec<f64>),
    Last(Vec<i64>),
    First(Vec<i64>),
    /// Which texts, a bit for each; bit 0 stands for no text.
    Texts(Vec<u64>),
}

/// What the rows of an event type change.
#[derive(Default)]
struct KindSums {
    /// By step: the counts that each row adds one to.
    counts: Vec<SmallVec<[usize; 2]>>,
    touches: Vec<Touch>,
}

/// A figure that rows from some step on change.
struct Touch {
    figure: usize,
    /// Which of the row's cells is added.
    cell: usize,
    from: usize,
}

/// The last event of a type.
pub(super) struct Lasts {
    times: Vec<i64>,
    /// What it said and whether it said anything; only of attributes.
    said: Option<(Vec<u64>, Vec<bool>)>,
}

/// Rows of one event type within one step, in their order.
pub(super) struct Hand<'d> {
    /// The place of each among `times`, and its customer in the lower half.
    pub(super) items: &'d [u64],
    pub(super) times: &'d [i64],
}

/// A property of many rows.
pub(super) enum Cells<'d> {
    /// Of none.
    Absent,
    /// Of all.
    Doubles(&'d [f64]),
    /// Of some: the value of a row.
    Some(&'d dyn Fn(usize) -> Option<f64>),
    /// Numbers of texts by number of their entry.
    Entries(&'d [u32], &'d [u32]),
    /// Numbers of texts.
    Texts(&'d [u32]),
}

/// So many texts can be told apart, one of which stands for none.
pub(super) const TEXTS: u32 = 64;

/// What became of a row.
#[derive(PartialEq, Eq)]
pub(super) enum Added {
    Yes,
    /// Its customer's rows stand in an order that they do not tell.
    Unclear,
    /// Rows have to be laid out.
    No,
}

/// The customer of an item.
#[inline]
pub(super) fn who_of(item: u64) -> usize {
    (item & u64::from(u32::MAX)) as usize
}

/// The place of an item.
#[inline]
pub(super) fn place_of(item: u64) -> usize {
    (item >> 32) as usize
}

impl Steps {
    fn of(tallies: &[Tally], now: Timestamp) -> Self {
        let mut begins: Vec<i64> = tallies.iter().filter_map(|tally| begin(tally, now)).collect();
        begins.sort_unstable();
        begins.dedup();
        Steps { now: now.micros(), begins }
    }

    /// How many steps there are, that of rows after the question included, which is the last.
    pub(super) fn count(&self) -> usize {
        self.begins.len() + 2
    }

    /// The step of a time, and the times around it: all after the first, up to the second one.
    pub(super) fn find(&self, time: i64) -> (usize, i64, i64) {
        if time > self.now {
            return (self.begins.len() + 1, self.now, i64::MAX);
        }
        let step = self.begins.partition_point(|begin| *begin < time);
        let low = step.checked_sub(1).and_then(|before| self.begins.get(before)).copied().unwrap_or(i64::MIN);
        (step, low, self.begins.get(step).map_or(self.now, |begin| (*begin).min(self.now)))
    }

    /// The first step in a tally's window.
    fn first(&self, tally: &Tally, now: Timestamp) -> usize {
        begin(tally, now).map_or(0, |begin| self.begins.partition_point(|own| *own <= begin))
    }
}

/// Rows of this time and earlier are not in the window of a tally; none for all of time.
fn begin(tally: &Tally, now: Timestamp) -> Option<i64> {
    (tally.length < i64::MAX).then(|| now.saturating_add_micros(tally.length.saturating_neg()).micros())
}

impl Sums {
    /// What is to be added up for the rules of a census; `None` when that is not enough to answer them.
    pub(super) fn of(flat: &Flat<'_>, now: Timestamp) -> Option<Self> {
        let gates = flat.offers.iter().flat_map(|offer| offer.gates.iter().map(|(code, _)| *code));
        let factors = flat.offers.iter().flat_map(|offer| offer.factors.iter().flatten().map(|(code, _)| *code));
        let codes = flat.segments.iter().copied().chain(gates).chain(factors);
        let tallies = flat.rules.plan.tallies(codes);
        let steps = Steps::of(&tallies, now);
        let mut kinds: Vec<KindSums> = flat.kinds.iter().map(|_| KindSums::default()).collect();
        kinds.iter_mut().for_each(|kind| kind.counts.resize(steps.count(), SmallVec::new()));
        let mut sums = Sums {
            steps,
            places: Vec::new(),
            counts: Vec::new(),
            figures: Vec::new(),
            kinds,
            lasts: flat
                .kinds
                .iter()
                .enumerate()
                .map(|(number, kind)| kind.ordered.then(|| Lasts::new(flat.is_attribute(number))))
                .collect(),
            customers: 0,
            rows: 0,
            failed: false,
            tallies,
        };
        sums.places = sums.place_all(flat, now)?;
        // Whether columns can answer shows without any customer.
        sums.ask(flat, 0, 0, &mut Vec::new())?;
        Some(sums)
    }

    fn place_all(&mut self, flat: &Flat<'_>, now: Timestamp) -> Option<Vec<Place>> {
        let tallies = std::mem::take(&mut self.tallies);
        let counts = |tally: &Tally| matches!(tally.end, End::Count | End::Exists);
        let mut places = Vec::new();
        // By event types: from which step on, and where rows are counted.
        let mut shared: Vec<(&[crate::expr::EventKind], Vec<(usize, usize)>)> = Vec::new();
        for tally in tallies.iter().filter(|tally| counts(tally)) {
            let first = self.steps.first(tally, now);
            let known = shared.iter().position(|(kinds, _)| *kinds == tally.kinds).unwrap_or(shared.len());
            if known == shared.len() {
                shared.push((&tally.kinds, Vec::new()));
            }
            if let Some((_, own)) = shared.get_mut(known)
                && !own.iter().any(|(step, _)| *step == first)
            {
                own.push((first, 0));
            }
        }
        for (kinds, own) in &mut shared {
            own.sort_unstable();
            for (_, column) in own.iter_mut() {
                *column = self.counts.len();
                self.counts.push(Vec::new());
            }
            for kind in *kinds {
                let place = flat.kinds.iter().position(|own| own.kind == *kind)?;
                for (step, columns) in self.kinds.get_mut(place)?.counts.iter_mut().enumerate() {
                    columns.extend(own.iter().rev().find(|(first, _)| *first <= step).map(|(_, column)| *column));
                }
            }
        }
        for tally in &tallies {
            let first = self.steps.first(tally, now);
            if counts(tally) {
                let (_, own) = shared.iter().find(|(kinds, _)| *kinds == tally.kinds)?;
                places.push(Place::Counts(own.iter().filter(|(step, _)| *step >= first).map(|(_, column)| *column).collect()));
                continue;
            }
            let figure = self.figures.len();
            self.figures.push(match tally.end {
                End::Sum => Figures::Sum(Vec::new()),
                End::SinceLast => Figures::Last(Vec::new()),
                End::SinceFirst => Figures::First(Vec::new()),
                End::CountDistinct => Figures::Texts(Vec::new()),
                End::Count | End::Exists => return None,
            });
            places.push(Place::Figure(figure));
            for kind in &tally.kinds {
                let place = flat.kinds.iter().position(|own| own.kind == *kind)?;
                let cell = match tally.property {
                    None => 0,
                    Some(property) => {
                        match flat.kinds.get(place)?.properties.iter().position(|(known, _)| *known == property) {
                            Some(cell) if fits(flat, place, property, tally.end) => cell,
                            Some(_) => return None,
                            // Events of the type have no such property.
                            None if flat.rules.layout.column_of(*kind, property).is_none() => continue,
                            None => return None,
                        }
                    }
                };
                self.kinds.get_mut(place)?.touches.push(Touch { figure, cell, from: first });
            }
        }
        self.tallies = tallies;
        Some(places)
    }

    /// Makes room for so many customers.
    pub(super) fn fit(&mut self, customers: usize) {
        if customers <= self.customers {
            return;
        }
        self.customers = customers;
        self.counts.iter_mut().for_each(|column| column.resize(customers, 0));
        for figures in &mut self.figures {
            match figures {
                Figures::Sum(column) => column.resize(customers, 0.0),
                Figures::Last(column) => column.resize(customers, i64::MIN),
                Figures::First(column) => column.resize(customers, i64::MAX),
                Figures::Texts(column) => column.resize(customers, 0),
            }
        }
        for lasts in self.lasts.iter_mut().flatten() {
            lasts.times.resize(customers, i64::MIN);
            if let Some((bits, told)) = &mut lasts.said {
                bits.resize(customers, 0);
                told.resize(customers, false);
            }
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

    /// Notes rows that are going to be added. A count has 32 bits.
    pub(super) fn expect(&mut self, rows: usize) {
        self.rows += rows as u64;
        self.failed |= self.rows > u64::from(u32::MAX);
    }

    /// Whether rows of an event type need the number of a text.
    pub(super) fn reads_text(&self, kind: usize, step: usize, cell: usize) -> bool {
        let touches = self.kinds.get(kind).map_or(&[][..], |kind| &kind.touches);
        touches.iter().any(|touch| {
            touch.cell == cell && touch.from <= step && matches!(self.figures.get(touch.figure), Some(Figures::Texts(_)))
        })
    }

    /// Adds a row that was expected; `cells` has the bits of the properties that are read.
    pub(super) fn add(&mut self, customer: usize, kind: usize, time: i64, cells: impl Fn(usize) -> Option<u64>) -> Added {
        self.fit(customer + 1);
        if let Some(Some(lasts)) = self.lasts.get_mut(kind) {
            match lasts.follow(customer, time, || cells(0)) {
                Added::Yes => {}
                Added::Unclear => return Added::Unclear,
                Added::No => {
                    self.failed = true;
                    return Added::No;
                }
            }
        }
        let (step, ..) = self.steps.find(time);
        let Some(own) = self.kinds.get(kind) else { return Added::Yes };
        for column in own.counts.get(step).into_iter().flatten() {
            if let Some(count) = self.counts.get_mut(*column).and_then(|column| column.get_mut(customer)) {
                *count = count.wrapping_add(1);
            }
        }
        for touch in own.touches.iter().filter(|touch| touch.from <= step) {
            match self.figures.get_mut(touch.figure) {
                Some(Figures::Last(column)) => column.get_mut(customer).into_iter().for_each(|last| *last = (*last).max(time)),
                Some(Figures::First(column)) => {
                    column.get_mut(customer).into_iter().for_each(|first| *first = (*first).min(time))
                }
                Some(Figures::Sum(column)) => {
                    if let (Some(sum), Some(bits)) = (column.get_mut(customer), cells(touch.cell)) {
                        *sum += f64::from_bits(bits);
                    }
                }
                Some(Figures::Texts(column)) => {
                    if let (Some(texts), Some(code)) = (column.get_mut(customer), cells(touch.cell)) {
                        if code >= u64::from(TEXTS) {
                            self.failed = true;
                            return Added::No;
                        }
                        *texts |= 1 << code;
                    }
                }
                None => {}
            }
        }
        Added::Yes
    }

    /// Adds many rows of an event type within a step; `hard` is set for customers whose rows stand in an order that they do not tell.
    /// The steps of a type have to be added in their order.
    pub(super) fn add_all(&mut self, (kind, step): (usize, usize), hand: &Hand<'_>, cells: &[Cells<'_>], hard: &mut [bool]) {
        let (items, times) = (hand.items, hand.times);
        let time = |item: u64| times.get(place_of(item)).copied().unwrap_or(i64::MIN);
        if let Some(Some(lasts)) = self.lasts.get_mut(kind) {
            self.failed |= !lasts.follow_all(hand, |_| None, hard);
        }
        let Some(own) = self.kinds.get(kind) else { return };
        for column in own.counts.get(step).into_iter().flatten() {
            let Some(column) = self.counts.get_mut(*column) else { continue };
            for item in items {
                if let Some(count) = column.get_mut(who_of(*item)) {
                    *count = count.wrapping_add(1);
                }
            }
        }
        for touch in own.touches.iter().filter(|touch| touch.from <= step) {
            match (self.figures.get_mut(touch.figure), cells.get(touch.cell)) {
                (Some(Figures::Last(column)), _) => for_each(column, items, |last, item| *last = (*last).max(time(item))),
                (Some(Figures::First(column)), _) => for_each(column, items, |first, item| *first = (*first).min(time(item))),
                (Some(Figures::Sum(column)), Some(Cells::Doubles(values))) => {
                    for_each(column, items, |sum, item| *sum += values.get(place_of(item)).copied().unwrap_or(0.0));
                }
                (Some(Figures::Sum(column)), Some(Cells::Some(value))) => for_each(column, items, |sum, item| {
                    if let Some(value) = value(place_of(item)) {
                        *sum += value;
                    }
                }),
                (Some(Figures::Texts(column)), Some(Cells::Entries(entries, codes))) => {
                    let code = |item: u64| codes.get(*entries.get(place_of(item))? as usize).copied();
                    self.failed |= !tick(column, items, |item| code(item).unwrap_or(0));
                }
                (Some(Figures::Texts(column)), Some(Cells::Texts(codes))) => {
                    self.failed |= !tick(column, items, |item| codes.get(place_of(item)).copied().unwrap_or(0));
                }
                _ => {}
            }
        }
    }

    /// Adds what many rows said of an attribute.
    pub(super) fn add_said(&mut self, kind: usize, hand: &Hand<'_>, bits: impl Fn(usize) -> Option<u64>, hard: &mut [bool]) {
        if let Some(Some(lasts)) = self.lasts.get_mut(kind) {
            self.failed |= !lasts.follow_all(hand, bits, hard);
        }
    }

    pub(super) fn now(&self) -> i64 {
        self.steps.now
    }

    /// The counts of a tally for some customers; `None` when it is none.
    pub(super) fn counted(&self, tally: usize, (low, high): (usize, usize)) -> Option<Vec<i64>> {
        let Some(Place::Counts(columns)) = self.places.get(tally) else { return None };
        let mut all = vec![0_i64; high - low];
        for column in columns {
            let counts = self.counts.get(*column)?.get(low..high)?;
            all.iter_mut().zip(counts).for_each(|(all, count)| *all += i64::from(*count));
        }
        Some(all)
    }

    /// The sums of doubles of a tally.
    pub(super) fn summed(&self, tally: usize, (low, high): (usize, usize)) -> Option<&[f64]> {
        let Place::Figure(figure) = self.places.get(tally)? else { return None };
        let Figures::Sum(column) = self.figures.get(*figure)? else { return None };
        column.get(low..high)
    }

    /// Which texts of a tally there are.
    pub(super) fn ticked(&self, tally: usize, (low, high): (usize, usize)) -> Option<&[u64]> {
        let Place::Figure(figure) = self.places.get(tally)? else { return None };
        let Figures::Texts(column) = self.figures.get(*figure)? else { return None };
        column.get(low..high)
    }

    /// The instants of a tally, and what stands for none.
    pub(super) fn instants(&self, tally: usize, (low, high): (usize, usize)) -> Option<(&[i64], i64)> {
        let Place::Figure(figure) = self.places.get(tally)? else { return None };
        match self.figures.get(*figure)? {
            Figures::Last(column) => Some((column.get(low..high)?, i64::MIN)),
            Figures::First(column) => Some((column.get(low..high)?, i64::MAX)),
            Figures::Sum(_) | Figures::Texts(_) => None,
        }
    }

    /// What an attribute was said to be last, and of whom.
    pub(super) fn said(&self, kind: usize, (low, high): (usize, usize)) -> Option<(&[u64], &[bool])> {
        let (bits, told) = self.lasts.get(kind)?.as_ref()?.said.as_ref()?;
        Some((bits.get(low..high)?, told.get(low..high)?))
    }
}

impl Lasts {
    fn new(said: bool) -> Self {
        Lasts { times: Vec::new(), said: said.then(Default::default) }
    }

    /// Takes an event that has to be later than the last one.
    #[inline]
    fn follow(&mut self, customer: usize, time: i64, said: impl FnOnce() -> Option<u64>) -> Added {
        let Some(before) = self.times.get_mut(customer) else { return Added::Yes };
        if *before == time {
            return Added::Unclear;
        }
        if *before > time {
            return Added::No;
        }
        *before = time;
        if let Some((bits, told)) = &mut self.said
            && let (Some(bits), Some(told)) = (bits.get_mut(customer), told.get_mut(customer))
        {
            let said = said();
            (*bits, *told) = (said.unwrap_or(0), said.is_some());
        }
        Added::Yes
    }

    /// The same for many; whether all of them stood in order.
    fn follow_all(&mut self, hand: &Hand<'_>, said: impl Fn(usize) -> Option<u64>, hard: &mut [bool]) -> bool {
        let mut ordered = true;
        for item in hand.items {
            let time = hand.times.get(place_of(*item)).copied().unwrap_or(i64::MIN);
            match self.follow(who_of(*item), time, || said(place_of(*item))) {
                Added::Yes => {}
                Added::Unclear => hard.get_mut(who_of(*item)).into_iter().for_each(|hard| *hard = true),
                Added::No => ordered = false,
            }
        }
        ordered
    }
}

#[inline]
fn for_each<T>(column: &mut [T], items: &[u64], mut change: impl FnMut(&mut T, u64)) {
    for item in items {
        if let Some(figure) = column.get_mut(who_of(*item)) {
            change(figure, *item);
        }
    }
}

/// Ticks texts off; whether all of them can be told apart.
#[inline]
fn tick(column: &mut [u64], items: &[u64], code: impl Fn(u64) -> u32) -> bool {
    let mut greatest = 0;
    for_each(column, items, |texts, item| {
        let code = code(item);
        greatest = greatest.max(code);
        *texts |= 1_u64.wrapping_shl(code);
    });
    greatest < TEXTS
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
