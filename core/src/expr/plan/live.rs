//! Slots that stand while a story grows at its end. An event later than all others makes a count one more and a sum its value more,
//! so that nothing is read again; a slot whose window lost an event is read anew.
//!
//! What stands is what a fresh look at the story finds, to the last bit and instant. Whoever changes a story other than at its end
//! has to let go of it.

use super::super::ast::BinaryOp;
use super::super::stream::Terminal;
use super::super::{Bits, EventKind, PropertyId, RunColumn};
use super::ask::{Asker, Defer, Found, Ground, NEVER};
use super::scalar::Scalar;
use super::slot::{Chosen, Columns, Part, Seen, Slot, Times, better, plain};
use super::verdict::Check;
use super::{Against, Code, Constant, Node, Plan};
use crate::value::{Decimal, Timestamp};
use smallvec::SmallVec;
use std::cell::OnceCell;

/// Which slots stand, and what an event of each type means to them.
#[derive(Debug, Default)]
pub(super) struct Standing {
    /// Numbers of slots, and what the bits of the property mean, when it is no text.
    slots: Vec<(u32, Option<Bits>)>,
    /// By number of the slot: its place among those that stand.
    places: Vec<Option<u8>>,
    /// By number of the event type.
    touches: Vec<Vec<Touch>>,
    /// By place: all that rules ask of the slot, where that is nothing but comparisons with constants of its form.
    checks: Vec<Option<Box<[Check]>>>,
}

/// How a property of an event type is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Events of the type have none.
    Absent,
    Text,
    Bits(Bits),
    Other,
}

/// What tells how properties are kept.
type Forms<'f> = &'f dyn Fn(EventKind, PropertyId) -> Form;

/// At most so many slots stand, one bit each.
const MOST: usize = 128;
/// So many of them at most are read by scores only.
const SCORED: usize = 16;

/// What an event of one type means to a slot.
#[derive(Debug, Clone, Copy)]
struct Touch {
    place: u8,
    part: Part,
    terminal: Terminal,
    property: Option<PropertyId>,
    /// The length of the window; [`NEVER`] without one.
    length: i64,
}

/// What slots came to at an instant.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live {
    states: Vec<State>,
    /// The instant; no event of the story that was seen is later.
    at: Option<Timestamp>,
    /// No slot has to be read anew before this.
    next: i64,
    /// How many events the story had.
    rows: usize,
    /// Which slots came to something else at that instant than just before.
    changed: u128,
}

/// It can be made again at any time, and says nothing of its own.
impl PartialEq for Live {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What a slot came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct State {
    /// Until when it stands; the smallest number when it has to be looked up.
    pub(super) until: i64,
    /// A sum, an extreme, a number of different values, an instant or the first or last value, as 64 bits; of different texts one bit for
    /// each, as long as their numbers are below 64.
    pub(super) value: i64,
    /// How many events had the property; whether the value is bits of texts, where different ones are counted.
    pub(super) told: u32,
    /// How many events there are in the window.
    pub(super) rows: u32,
}

const OPEN: State = State { until: i64::MIN, value: 0, told: 0, rows: 0 };

/// What a rule reads of slots that stand.
#[derive(Debug, Clone, Default)]
pub(crate) struct Stands {
    /// One bit per slot.
    pub(crate) slots: u128,
    /// The facts it reads.
    pub(crate) facts: Vec<super::FactId>,
    /// Whether it reads anything else.
    pub(crate) more: bool,
}

impl Live {
    /// Lets go of everything.
    pub(crate) fn clear(&mut self) {
        self.at = None;
        self.states = Vec::new();
    }

    /// Whether it stands at an instant, for a story of so many events.
    pub(crate) fn stands(&self, at: Option<Timestamp>, rows: usize) -> bool {
        at.is_some() && self.at == at && self.rows == rows
    }

    /// Which slots changed at its instant.
    pub(crate) fn changed(&self) -> u128 {
        self.changed
    }

    /// Says which slots changed at its instant.
    pub(crate) fn changes(&mut self, changed: u128) {
        self.changed = changed;
    }

    /// Whether it stands at an instant.
    pub(crate) fn is_at(&self, at: Option<Timestamp>) -> bool {
        at.is_some() && self.at == at
    }

    /// For a story of how many events it stands.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Whether it says nothing that a fresh look does not find, and how many slots it says something of.
    #[cfg(test)]
    pub(crate) fn agrees(&self, fresh: &Live) -> (bool, usize) {
        let known = |state: &State| state.until != OPEN.until;
        let same = self.states.iter().zip(&fresh.states).all(|(own, fresh)| !known(own) || own == fresh);
        (same && self.states.len() == fresh.states.len(), self.states.iter().filter(|state| known(state)).count())
    }

    /// A word of each part of the memory.
    #[inline]
    pub(crate) fn warm(&self) -> u64 {
        self.states.chunks(2).filter_map(<[State]>::first).fold(0, |word, state| word ^ state.until.cast_unsigned())
    }

    /// Bytes in use, roughly.
    pub(crate) fn memory(&self) -> usize {
        self.states.capacity() * size_of::<State>() + size_of::<Self>()
    }

    /// What a slot came to, when that stands at `now`.
    pub(crate) fn get(&self, plan: &Plan, slot: u32, now: Timestamp) -> Option<State> {
        let place = (*plan.standing.places.get(slot as usize)?)?;
        self.states.get(usize::from(place)).copied().filter(|state| state.until > now.micros())
    }
}

impl Live {
    /// What the slot at a place came to, when that stands at `now`.
    #[inline]
    pub(super) fn at_place(&self, place: u8, now: Timestamp) -> Option<&State> {
        self.states.get(usize::from(place)).filter(|state| state.until > now.micros())
    }
}

impl State {
    /// How many different values there are.
    pub(super) fn distinct(&self) -> i64 {
        if self.told > 0 { i64::from(self.value.count_ones()) } else { self.value }
    }
}

impl Plan {
    /// Where a slot stands, and what the bits of its property mean when it is no text.
    pub(super) fn place(&self, slot: u32) -> Option<(u8, Option<Bits>)> {
        let place = (*self.standing.places.get(slot as usize)?)?;
        self.standing.slots.get(usize::from(place)).map(|(_, meaning)| (place, *meaning))
    }

    /// Whether any slot stands.
    pub(crate) fn is_standing(&self) -> bool {
        !self.standing.slots.is_empty()
    }

    /// Chooses the slots that stand: those of rules that are asked with every event, as far as they roll, and beside these a few that only
    /// scores read.
    pub(crate) fn stand(
        &mut self,
        codes: impl IntoIterator<Item = Code>,
        scores: impl IntoIterator<Item = Code>,
        forms: Forms<'_>,
    ) {
        let codes: Vec<Code> = codes.into_iter().collect();
        let mut wanted = vec![false; self.slots.len()];
        // What is asked of each slot, and how often it is asked for anything.
        let mut tests: Vec<(Vec<(BinaryOp, Constant)>, usize)> = vec![Default::default(); self.slots.len()];
        for code in &codes {
            self.each_node(code.0, &mut |node| match node {
                Node::Slot(slot) | Node::Age(slot, _) | Node::AgeTest(slot, _) | Node::AgeAgainst(Against { slot, .. }) => {
                    let slot = *slot as usize;
                    if let (Some(wanted), Some((_, asked))) = (wanted.get_mut(slot), tests.get_mut(slot)) {
                        *wanted = true;
                        *asked += 1;
                    }
                }
                Node::Binary(op, left, right) if op.is_comparison() => {
                    if let (Some(Node::Slot(slot)), Some(Node::Constant(constant))) =
                        (self.nodes.get(*left as usize), self.nodes.get(*right as usize))
                        && let Some((tests, _)) = tests.get_mut(*slot as usize)
                    {
                        tests.push((*op, constant.clone()));
                    }
                }
                _ => {}
            });
        }
        let mut scored = vec![false; self.slots.len()];
        for Code(score) in scores {
            self.each_node(score, &mut |node| {
                if let Node::Slot(slot) = node
                    && let (Some(scored), Some(false)) = (scored.get_mut(*slot as usize), wanted.get(*slot as usize))
                {
                    *scored = true;
                }
            });
        }
        let mut standing = Standing { places: vec![None; self.slots.len()], ..Standing::default() };
        let mut compared = Vec::new();
        let of =
            |chosen: Vec<bool>| self.slots.iter().enumerate().zip(chosen).filter(|(_, chosen)| *chosen).map(|(slot, _)| slot);
        let mut others = 0;
        for (asked, (number, slot)) in of(wanted).map(|slot| (true, slot)).chain(of(scored).map(|slot| (false, slot))) {
            let (Some(length), Ok(place)) = (self.length(slot), u8::try_from(standing.slots.len())) else { continue };
            if usize::from(place) >= MOST || !rolls(slot, forms) {
                continue;
            }
            // Nothing stands for scores alone.
            if !asked && (standing.slots.len() == others || others >= SCORED) {
                break;
            }
            others += usize::from(!asked);
            let form = slot.property.zip(slot.parts.first()).map(|(property, part)| forms(part.kind, property));
            let meaning = if let Some(Form::Bits(meaning)) = form { Some(meaning) } else { None };
            standing.slots.push((u32::try_from(number).unwrap_or(u32::MAX), meaning));
            let tests = tests.get_mut(number).map(std::mem::take).filter(|(tests, asked)| tests.len() == *asked);
            compared.push(tests.map(|(tests, _)| tests));
            if let Some(known) = standing.places.get_mut(number) {
                *known = Some(place);
            }
            for part in &slot.parts {
                let kind = usize::from(part.kind.0);
                if standing.touches.len() <= kind {
                    standing.touches.resize(kind + 1, Vec::new());
                }
                if let Some(touches) = standing.touches.get_mut(kind) {
                    let (terminal, property) = (slot.terminal, slot.property);
                    touches.push(Touch { place, part: *part, terminal, property, length });
                }
            }
        }
        for touches in &mut standing.touches {
            touches.sort_by_key(|touch| touch.property);
        }
        self.standing = standing;
        let checks = |(tests, (slot, _)): (Option<Vec<(BinaryOp, Constant)>>, &(u32, _))| {
            tests?.iter().map(|(op, constant)| Check::of(self, *slot, *op, constant)).collect::<Option<Box<[Check]>>>()
        };
        self.standing.checks = compared.into_iter().zip(&self.standing.slots).map(checks).collect();
        self.judge(&codes);
    }

    /// What an expression reads of slots that stand.
    pub(crate) fn stands(&self, code: Code) -> Stands {
        let mut stands = Stands::default();
        self.each_node(code.0, &mut |node| match node {
            Node::Slot(slot) | Node::AgeTest(slot, _) | Node::AgeAgainst(Against { slot, .. }) => {
                match self.standing.places.get(*slot as usize) {
                    Some(Some(place)) => stands.slots |= 1 << place,
                    _ => stands.more = true,
                }
            }
            Node::Fact(fact) | Node::Has(fact) => stands.facts.push(*fact),
            Node::Age(..) => stands.more = true,
            _ => {}
        });
        stands
    }

    /// Whether an expression reads nothing but slots that stand and facts of which `plain` says so.
    pub(crate) fn reads_only(&self, code: Code, plain: &dyn Fn(super::FactId) -> bool) -> bool {
        let mut only = true;
        self.each_node(code.0, &mut |node| {
            only &= match node {
                Node::Slot(slot) | Node::AgeTest(slot, _) | Node::AgeAgainst(Against { slot, .. }) => {
                    matches!(self.standing.places.get(*slot as usize), Some(Some(_)))
                }
                Node::Fact(fact) => plain(*fact),
                Node::Has(_) | Node::Age(..) => false,
                _ => true,
            };
        });
        only
    }

    pub(super) fn each_node(&self, at: u32, visit: &mut dyn FnMut(&Node)) {
        let Some(node) = self.nodes.get(at as usize) else { return };
        visit(node);
        match node {
            Node::Constant(_) | Node::Fact(_) | Node::Has(_) | Node::Slot(_) | Node::Age(..) | Node::AgeTest(..) => {}
            Node::Not(one) | Node::Double(one) | Node::In(one, _) | Node::Length(one, _) | Node::Computed(_, one) => {
                self.each_node(*one, visit)
            }
            Node::AgeAgainst(Against { value, .. }) => self.each_node(*value, visit),
            Node::And(all) | Node::Or(all) => all.iter().for_each(|one| self.each_node(*one, visit)),
            Node::Ternary(condition, yes, no) => [condition, yes, no].iter().for_each(|one| self.each_node(**one, visit)),
            Node::Binary(_, left, right) | Node::OrElse(left, right) => {
                [left, right].iter().for_each(|one| self.each_node(**one, visit))
            }
        }
    }

    /// How long the window of a slot is, when it rolls or is the whole story.
    pub(super) fn length(&self, slot: &Slot) -> Option<i64> {
        let window = self.windows.get(slot.window as usize)?;
        (window.units.is_empty() && !window.session).then(|| window.lengths.iter().copied().min().unwrap_or(NEVER))
    }

    /// Takes what happened at the instant of the question into what stands, or nothing when only time passed; the event is the last of its
    /// type, and none is later than the question except when none of its types is read. `rows` is how many events the story has.
    pub(crate) fn follow<'a, G: Ground<'a>>(&self, live: &mut Live, ground: &G, event: Option<EventKind>, rows: usize) {
        let at = ground.now();
        let memo = OnceCell::new();
        let asker = Asker::new(self, ground, &memo);
        if live.at.is_none() || live.states.len() != self.standing.slots.len() {
            live.states.clear();
            live.states.reserve_exact(self.standing.slots.len());
            live.states.extend(self.standing.slots.iter().map(|(slot, _)| asker.look(*slot)));
            (live.changed, live.at, live.rows) = (u128::MAX, Some(at), rows);
            live.next = first_end(&live.states);
            return;
        }
        if live.at != Some(at) {
            live.changed = 0;
        }
        let mut fresh = 0_u128;
        if live.next <= at.micros() {
            for (place, (state, (slot, _))) in live.states.iter_mut().zip(&self.standing.slots).enumerate() {
                if state.until <= at.micros() && state.until != OPEN.until {
                    let found = self.renew(ground, *slot, state).unwrap_or_else(|| asker.look(*slot));
                    if found != *state {
                        live.changed |= 1 << place;
                        *state = found;
                    }
                    fresh |= 1 << place;
                }
            }
            live.next = first_end(&live.states);
        }
        if let Some(kind) = event {
            let touches = self.standing.touches.get(usize::from(kind.0)).map_or(&[][..], |touches| touches);
            if !touches.is_empty()
                && let Seen::Columns(columns) = ground.seen(kind)
            {
                let mut read: Option<(PropertyId, Option<RunColumn<'a>>, Told)> = None;
                for touch in touches {
                    if let Some(property) = touch.property
                        && read.as_ref().is_none_or(|(known, ..)| *known != property)
                    {
                        let column = ground.column(columns.place, property);
                        read = Some((property, column, Told::last(column.as_ref(), columns.times.len())));
                    }
                    let Some(state) = live.states.get_mut(usize::from(touch.place)) else { continue };
                    if fresh & (1 << touch.place) == 0 {
                        let told = read.as_ref().map_or(Told::Other, |(.., told)| *told);
                        if let Some(changed) = self.count(touch, state, (&columns, told), at) {
                            live.changed |= u128::from(changed) << touch.place;
                            continue;
                        }
                        let column = read.as_ref().and_then(|(_, column, _)| *column);
                        if self.add(&asker, touch, state, (&columns, column), at) {
                            live.changed |= 1 << touch.place;
                        }
                        if state.until != OPEN.until {
                            live.next = live.next.min(state.until);
                        }
                    }
                }
            }
        }
        (live.at, live.rows) = (Some(at), rows);
    }

    /// Takes the last event of a type into a slot whose window was not empty, so that it ends as before; tells whether that changed anything
    /// that is asked of it. `None` where there is more to do. What it makes of a slot is what [`add`](Self::add) makes of it.
    #[inline]
    fn count(&self, touch: &Touch, state: &mut State, (columns, told): (&Columns<'_>, Told), at: Timestamp) -> Option<bool> {
        if state.until == OPEN.until {
            return None;
        }
        if let Some(filter) = touch.part.filter
            && !self.lets_in(columns, touch.part.kind, filter)?
        {
            return Some(false);
        }
        if state.rows == 0 {
            return None;
        }
        let before = *state;
        let mut after = State { rows: state.rows.checked_add(1)?, ..before };
        let changed = match (touch.terminal, told) {
            (Terminal::Count, _) => true,
            (Terminal::Exists | Terminal::SinceFirst, _) => false,
            (Terminal::SinceLast, _) => {
                after.value = at.micros();
                after.value != before.value
            }
            (_, Told::Nothing) => false,
            (Terminal::CountDistinct, Told::Text(code)) if before.told > 0 && code < 64 => {
                after.value |= 1 << code;
                after.value != before.value
            }
            (Terminal::CountDistinct, _) => return None,
            (terminal, Told::Text(code)) => {
                after.tell(terminal, i64::from(code), None)?;
                after.value != before.value || before.told == 0
            }
            (terminal, Told::Bits(bits, meaning)) => {
                after.tell(terminal, bits.cast_signed(), Some(meaning))?;
                terminal == Terminal::Avg || after.value != before.value || before.told == 0
            }
            (_, Told::Other) => return None,
        };
        *state = after;
        if !changed {
            return Some(false);
        }
        let Some(Some(checks)) = self.standing.checks.get(usize::from(touch.place)) else { return Some(true) };
        Some(checks.iter().any(|check| check.truth(&before) != check.truth(state)))
    }

    /// Whether the last event of a type meets a condition on single events; `None` where that is not marked.
    #[inline]
    fn lets_in(&self, columns: &Columns<'_>, kind: EventKind, filter: u8) -> Option<bool> {
        let row = columns.times.len().checked_sub(1)?;
        let stride = self.filters.count(kind);
        let word = columns.marks.get(row / 64 * stride + usize::from(filter))?;
        (row < columns.marked && columns.odd & (1 << filter) == 0).then_some(word & (1 << (row % 64)) != 0)
    }

    /// Adds the last event of a type to a slot; tells whether that changed anything that is asked of it.
    fn add<'a, G: Ground<'a>>(
        &self,
        asker: &Asker<'_, 'a, G>,
        touch: &Touch,
        state: &mut State,
        columns: (&Columns<'a>, Option<RunColumn<'a>>),
        at: Timestamp,
    ) -> bool {
        let before = *state;
        if !self.take(asker, touch, state, columns, at) {
            return false;
        }
        let Some(Some(checks)) = self.standing.checks.get(usize::from(touch.place)) else { return true };
        if before.until != state.until || state.until == OPEN.until {
            return true;
        }
        checks.iter().any(|check| check.truth(&before) != check.truth(state))
    }

    /// Adds the last event of a type to a slot; tells whether that changed it.
    fn take<'a, G: Ground<'a>>(
        &self,
        asker: &Asker<'_, 'a, G>,
        touch: &Touch,
        state: &mut State,
        (columns, column): (&Columns<'a>, Option<RunColumn<'a>>),
        at: Timestamp,
    ) -> bool {
        let Some(row) = columns.times.len().checked_sub(1) else { return false };
        // What could not be added up is looked up by whoever asks.
        if state.until == OPEN.until {
            return true;
        }
        if let Some(filter) = touch.part.filter {
            match self.lets_in(columns, touch.part.kind, filter) {
                Some(true) => {}
                Some(false) => return false,
                None => {
                    *state = OPEN;
                    return true;
                }
            }
        }
        let before = *state;
        if state.rows == 0 {
            state.until = match touch.length {
                NEVER => NEVER,
                length => at.micros().saturating_add(length).min(Timestamp::MAX.micros()),
            };
        }
        let Some(more) = state.rows.checked_add(1) else {
            *state = OPEN;
            return true;
        };
        state.rows = more;
        match (touch.terminal, touch.property) {
            (Terminal::Count, _) => return true,
            (Terminal::Exists, _) => return before.rows == 0,
            (Terminal::SinceLast, _) => state.value = at.micros(),
            (Terminal::SinceFirst, _) if before.rows == 0 => state.value = at.micros(),
            (Terminal::SinceFirst, _) => return false,
            (terminal, Some(_)) => {
                let Some(column) = column else {
                    *state = OPEN;
                    return true;
                };
                if state.put(terminal, &column, row) != Some(()) {
                    *state = match (terminal, &column) {
                        (Terminal::CountDistinct, RunColumn::Absent) => *state,
                        (Terminal::CountDistinct, _) => {
                            return self.add_distinct(asker, touch, (before, state), (columns, &column), at);
                        }
                        _ => OPEN,
                    };
                }
            }
            (_, None) => *state = OPEN,
        }
        (state.until, state.value, state.told > 0) != (before.until, before.value, before.told > 0)
            || (touch.terminal == Terminal::Avg && state.told != before.told)
    }

    /// A value more among different ones.
    fn add_distinct<'a, G: Ground<'a>>(
        &self,
        asker: &Asker<'_, 'a, G>,
        touch: &Touch,
        (before, state): (State, &mut State),
        (columns, column): (&Columns<'a>, &RunColumn<'a>),
        at: Timestamp,
    ) -> bool {
        let slot = self.standing.slots.get(usize::from(touch.place)).map_or(u32::MAX, |(slot, _)| *slot);
        let Some(row) = columns.times.len().checked_sub(1) else { return false };
        if !column.has(row) {
            return *state != before && state.until != before.until;
        }
        if before.told > 0 {
            match column {
                RunColumn::Codes { codes, .. } if codes.get(row).is_some_and(|code| *code < 64) => {
                    state.value |= 1 << codes.get(row).copied().unwrap_or(0);
                }
                _ => *state = asker.look(slot),
            }
            return (state.until, state.value) != (before.until, before.value);
        }
        let parts = self.slots.get(slot as usize).map_or(&[][..], |slot| &slot.parts);
        let known = parts.iter().try_fold(false, |known, part| {
            if known {
                return Some(true);
            }
            if part.kind == touch.part.kind {
                return has_before(columns, column, column, row, touch.length, at);
            }
            match asker.ground.seen(part.kind) {
                Seen::Nothing => Some(false),
                Seen::Columns(others) => {
                    let theirs = asker.ground.column(others.place, touch.property?)?;
                    has_before_end(&others, &theirs, column, row, touch.length, at)
                }
                Seen::Scattered => None,
            }
        });
        match known {
            Some(true) => {}
            Some(false) => state.value += 1,
            None => *state = asker.look(slot),
        }
        (state.until, state.value) != (before.until, before.value)
    }
}

/// What the last event of a type tells of a property.
#[derive(Debug, Clone, Copy)]
enum Told {
    Nothing,
    /// By its number.
    Text(u32),
    Bits(u64, Bits),
    /// What cannot be read as a column.
    Other,
}

impl Told {
    /// The last of so many rows.
    #[inline]
    fn last(column: Option<&RunColumn<'_>>, rows: usize) -> Self {
        let Some(row) = rows.checked_sub(1) else { return Told::Other };
        let told = match column {
            None => None,
            Some(RunColumn::Absent) => Some(Told::Nothing),
            Some(RunColumn::Codes { codes, .. }) => {
                codes.get(row).map(|code| if *code == 0 { Told::Nothing } else { Told::Text(*code) })
            }
            Some(RunColumn::Bits { bits, missing, meaning }) => match missing.get(row) {
                Some(true) => Some(Told::Nothing),
                _ => bits.get(row).map(|bits| Told::Bits(*bits, *meaning)),
            },
        };
        told.unwrap_or(Told::Other)
    }
}

/// When the first of some slots has to be read anew.
fn first_end(states: &[State]) -> i64 {
    let ends = states.iter().map(|state| state.until).filter(|until| *until != OPEN.until);
    ends.fold(NEVER, i64::min)
}

/// Whether a row's value stands in an earlier row of its window.
fn has_before(
    columns: &Columns<'_>,
    own: &RunColumn<'_>,
    column: &RunColumn<'_>,
    row: usize,
    length: i64,
    at: Timestamp,
) -> Option<bool> {
    let start = start(columns.times.get(..row)?, length, at);
    among(own, start, row, column, row)
}

/// Whether a value stands in the window of another type's events.
fn has_before_end(
    others: &Columns<'_>,
    theirs: &RunColumn<'_>,
    column: &RunColumn<'_>,
    row: usize,
    length: i64,
    at: Timestamp,
) -> Option<bool> {
    let start = start(others.times, length, at);
    among(theirs, start, others.times.len(), column, row)
}

/// The first row in a window that ends at an instant.
pub(super) fn start(times: &[Timestamp], length: i64, at: Timestamp) -> usize {
    let after = if length == NEVER { i64::MIN } else { at.saturating_add_micros(length.saturating_neg()).micros() };
    match times.first() {
        Some(first) if first.micros() <= after => times.partition_point(|time| time.micros() <= after),
        _ => 0,
    }
}

fn among(theirs: &RunColumn<'_>, start: usize, end: usize, column: &RunColumn<'_>, row: usize) -> Option<bool> {
    match (theirs, column) {
        (RunColumn::Absent, _) => Some(false),
        (RunColumn::Codes { codes: theirs, .. }, RunColumn::Codes { codes, .. }) => {
            let code = codes.get(row)?;
            Some(theirs.get(start..end)?.contains(code))
        }
        (RunColumn::Bits { bits: theirs, missing: [], .. }, RunColumn::Bits { bits, .. }) => {
            let value = bits.get(row)?;
            Some(theirs.get(start..end)?.contains(value))
        }
        _ => None,
    }
}

impl State {
    /// Takes the value of a row; `None` when this is not how.
    fn put(&mut self, terminal: Terminal, column: &RunColumn<'_>, row: usize) -> Option<()> {
        let (value, meaning) = match column {
            RunColumn::Absent => return (terminal != Terminal::CountDistinct).then_some(()),
            _ if terminal == Terminal::CountDistinct => return None,
            _ if !column.has(row) => return Some(()),
            RunColumn::Codes { codes, .. } => (i64::from(*codes.get(row)?), None),
            RunColumn::Bits { bits, meaning, .. } => (bits.get(row)?.cast_signed(), Some(*meaning)),
        };
        self.tell(terminal, value, meaning)
    }

    /// Takes a value; without a meaning it is the number of a text. `None` when this is not how.
    #[inline]
    fn tell(&mut self, terminal: Terminal, value: i64, meaning: Option<Bits>) -> Option<()> {
        let first = self.told == 0;
        self.value = match (terminal, meaning) {
            (Terminal::First, _) if !first => self.value,
            (Terminal::First | Terminal::Last, _) => value,
            (Terminal::Sum | Terminal::Avg, Some(Bits::Double)) => {
                let value = f64::from_bits(value.cast_unsigned());
                let sum = match (terminal, first) {
                    (Terminal::Avg, true) => value,
                    (_, true) => 0.0 + value,
                    (_, false) => f64::from_bits(self.value.cast_unsigned()) + value,
                };
                sum.to_bits().cast_signed()
            }
            (Terminal::Sum | Terminal::Avg, Some(Bits::Uint)) => {
                self.value.cast_unsigned().checked_add(value.cast_unsigned())?.cast_signed()
            }
            (Terminal::Sum | Terminal::Avg, Some(Bits::Int | Bits::Decimal { .. })) => self.value.checked_add(value)?,
            (Terminal::Min | Terminal::Max, Some(meaning)) => {
                let least = terminal == Terminal::Min;
                match first || better(meaning, least, value.cast_unsigned(), self.value.cast_unsigned()) {
                    true => value,
                    false => self.value,
                }
            }
            _ => return None,
        };
        self.told = self.told.checked_add(1)?;
        Some(())
    }
}

impl<'p, 'a: 'p, G: Ground<'a>> Asker<'p, 'a, G> {
    /// What a slot comes to now.
    fn look(&self, number: u32) -> State {
        let slot = self.plan.slots.get(number as usize);
        slot.and_then(|slot| self.look_at(number, slot).ok()).unwrap_or(OPEN)
    }

    /// Different texts as bits; `None` when the number of one is too large.
    fn ticked(&self, property: PropertyId, chosen: &[Chosen<'_, 'a>]) -> Option<i64> {
        let mut ticked = 0;
        for rows in chosen {
            match self.ground.column(rows.columns.place, property)? {
                RunColumn::Absent => {}
                RunColumn::Codes { codes, .. } => {
                    let mut fits = true;
                    rows.each(|row| {
                        let code = codes.get(row).copied().unwrap_or(0);
                        fits &= code < 64;
                        // 0 stands for none.
                        ticked |= if code == 0 { 0 } else { 1_i64.wrapping_shl(code) };
                    });
                    if !fits {
                        return None;
                    }
                }
                RunColumn::Bits { .. } => return None,
            }
        }
        Some(ticked)
    }

    fn look_at(&self, slot_number: u32, slot: &Slot) -> Result<State, Defer> {
        let window = self.window(slot.window)?;
        let mut times = Times::none();
        let mut chosen: SmallVec<[Chosen<'_, 'a>; 8]> = SmallVec::new();
        for part in &slot.parts {
            chosen.extend(self.choose(part, window.after, &mut times)?);
        }
        let mut state = State { until: NEVER, value: 0, told: 0, rows: u32::try_from(times.count).map_err(|_| Defer)? };
        if times.count > 0 {
            for length in window.lengths {
                state.until = state.until.min(times.first.saturating_add(*length).min(Timestamp::MAX.micros()));
            }
        }
        match (slot.terminal, slot.property) {
            (Terminal::Count | Terminal::Exists, _) => {}
            (Terminal::SinceLast, _) if times.count > 0 => state.value = times.last,
            (Terminal::SinceFirst, _) if times.count > 0 => state.value = times.first,
            (Terminal::SinceLast | Terminal::SinceFirst, _) => {}
            (Terminal::CountDistinct, Some(property)) => {
                let texts = matches!(self.plan.place(slot_number), Some((_, None)));
                if let Some(ticked) = if texts { self.ticked(property, &chosen) } else { None } {
                    (state.value, state.told) = (ticked, 1);
                } else if let Some(Scalar::Int(count)) = self.values(slot, property, &chosen)? {
                    state.value = count;
                }
            }
            (terminal, Some(property)) => {
                for rows in &chosen {
                    let column = self.ground.column(rows.columns.place, property).ok_or(Defer)?;
                    let mut fits = true;
                    rows.each(|row| fits &= state.put(terminal, &column, row).is_some());
                    if !fits {
                        return Err(Defer);
                    }
                }
            }
            (_, None) => return Err(Defer),
        }
        Ok(state)
    }

    /// What a slot that stands comes to.
    pub(super) fn read(&self, number: u32, state: State) -> Result<Found<'a>, Defer> {
        let slot = self.plan.slots.get(number as usize).ok_or(Defer)?;
        let place = self.plan.standing.places.get(number as usize).copied().flatten().ok_or(Defer)?;
        let (_, meaning) = *self.plan.standing.slots.get(usize::from(place)).ok_or(Defer)?;
        let value = match (slot.terminal, slot.property) {
            (Terminal::Count, _) => Some(Scalar::Int(i64::from(state.rows))),
            (Terminal::Exists, _) => Some(Scalar::Bool(state.rows > 0)),
            (Terminal::SinceLast | Terminal::SinceFirst, _) => (state.rows > 0).then_some(Scalar::Since(state.value)),
            (Terminal::CountDistinct, _) => Some(Scalar::Int(state.distinct())),
            (Terminal::Sum, _) if state.told == 0 => slot.zero,
            (_, Some(_)) if state.told == 0 => None,
            (terminal, Some(property)) => match meaning {
                Some(meaning) if terminal == Terminal::Avg => Some(average(meaning, state).ok_or(Defer)?),
                Some(meaning) => Some(plain(meaning, state.value.cast_unsigned())),
                None => {
                    let part = slot.parts.first().ok_or(Defer)?;
                    let Seen::Columns(columns) = self.ground.seen(part.kind) else { return Err(Defer) };
                    let code = u32::try_from(state.value).map_err(|_| Defer)?;
                    match self.ground.column(columns.place, property) {
                        Some(RunColumn::Codes { texts, .. }) => Some(Scalar::Text(texts.get(code))),
                        _ => return Err(Defer),
                    }
                }
            },
            (_, None) => return Err(Defer),
        };
        Ok(Found { value, until: state.until })
    }
}

fn average(meaning: Bits, state: State) -> Option<Scalar<'static>> {
    let told = f64::from(state.told);
    match meaning {
        Bits::Int => Some(Scalar::Double(state.value as f64 / told)),
        Bits::Uint => Some(Scalar::Double(state.value.cast_unsigned() as f64 / told)),
        Bits::Double => Some(Scalar::Double(f64::from_bits(state.value.cast_unsigned()) / told)),
        Bits::Decimal { scale, currency } => {
            Decimal::new(i128::from(state.value), scale, currency).average(u64::from(state.told)).ok().and_then(Scalar::decimal)
        }
        _ => None,
    }
}

/// Whether a slot can be added to.
fn rolls(slot: &Slot, forms: Forms<'_>) -> bool {
    let one = slot.parts.len() == 1;
    match (slot.terminal, slot.property) {
        (Terminal::Count | Terminal::Exists | Terminal::SinceLast | Terminal::SinceFirst, _) => true,
        (Terminal::CountDistinct, Some(property)) => slot.parts.iter().all(|part| {
            let alike = match forms(part.kind, property) {
                Form::Absent | Form::Text => true,
                Form::Bits(meaning) => one && matches!(meaning, Bits::Int | Bits::Decimal { .. }),
                Form::Other => false,
            };
            part.filter.is_none() && alike
        }),
        (Terminal::First | Terminal::Last, Some(property)) => {
            let form = slot.parts.first().map(|part| forms(part.kind, property));
            one && matches!(form, Some(Form::Text | Form::Bits(_)))
        }
        (Terminal::Sum | Terminal::Avg | Terminal::Min | Terminal::Max, Some(property)) => {
            let form = slot.parts.first().map(|part| forms(part.kind, property));
            one && matches!(form, Some(Form::Bits(Bits::Int | Bits::Uint | Bits::Double | Bits::Decimal { .. })))
        }
        _ => false,
    }
}
