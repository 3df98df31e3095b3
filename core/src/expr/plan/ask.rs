//! Asking a plan.

use super::live::Live;
use super::scalar::Scalar;
use super::slot::{Columns, Part, Seen};
use super::turns::{LONGEST, Turns};
use super::{Against, Code, Node, Plan, State};
use crate::expr::ast::BinaryOp;
use crate::expr::{FactId, PropertyId, RunColumn};
use crate::value::{Timestamp, Zone};
use smallvec::SmallVec;
use std::cell::{Cell, OnceCell};

/// Until when something holds, when it holds for ever.
pub(crate) const NEVER: i64 = i64::MAX;

/// How far ahead a comparison looks for the instant at which it turns; as the reference does.
const HORIZON: i64 = 200 * 366 * 86_400_000_000;

/// Where a plan reads from: one customer at one instant.
pub(crate) trait Ground<'a> {
    /// The instant of the question.
    fn now(&self) -> Timestamp;
    /// The time zone.
    fn zone(&self) -> Option<Zone>;
    /// The open session, and when it is over.
    fn session(&self) -> Option<(Timestamp, Timestamp)>;
    /// A declared fact.
    fn fact(&self, fact: FactId) -> Result<Found<'_>, Defer>;
    /// Whether a declared fact was told.
    fn told(&self, fact: FactId) -> bool;
    /// What a slot is known to come to.
    fn standing(&self, _slot: u32) -> Option<State> {
        None
    }
    /// The slots that stand.
    fn live(&self) -> Option<&Live> {
        None
    }
    /// The events of a type.
    fn seen(&self, kind: crate::expr::EventKind) -> Seen<'a>;
    /// A property of the events of a track; `None` when it cannot be read as a column.
    fn column(&self, place: (u32, u32), property: PropertyId) -> Option<RunColumn<'a>>;
}

/// Only the reference can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Defer;

/// A value, or unknown, and until when that holds in microseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Found<'a> {
    pub(crate) value: Option<Scalar<'a>>,
    pub(crate) until: i64,
}

/// So many slots have room beside each other: a kilobyte in all, which allocators hand out soonest.
const FEW: usize = 14;

/// What slots, windows, tracks and ranges came to for one customer at one instant.
#[derive(Debug)]
pub(crate) struct Memo<'a> {
    slots: SmallVec<[Cell<Kept<'a>>; FEW]>,
    windows: SmallVec<[Cell<Edge>; 8]>,
    /// By number of the event type in the plan.
    tracks: SmallVec<[OnceCell<Seen<'a>>; 2]>,
    ranges: SmallVec<[Cell<(u32, u32)>; FEW]>,
    /// By number of the computed value: what it came to; texts are not kept.
    computed: Vec<Cell<Option<Found<'static>>>>,
}

#[derive(Debug, Clone, Copy)]
enum Kept<'a> {
    Open,
    Found(Found<'a>),
    Defer,
}

/// Where a window begins.
#[derive(Debug, Clone, Copy)]
struct Edge {
    /// Its events happened after this; the greatest number while nobody has asked.
    after: i64,
    /// When it changes other than by rolling; the smallest number when only the reference knows.
    until: i64,
}

/// A window at the instant of the question.
pub(super) struct WindowNow<'p> {
    pub(super) after: i64,
    pub(super) until: i64,
    pub(super) lengths: &'p [i64],
}

/// Asks a plan about one ground.
pub(crate) struct Asker<'p, 'a, G> {
    pub(super) plan: &'p Plan,
    pub(super) ground: &'p G,
    memo: &'p OnceCell<Box<Memo<'a>>>,
}

impl Memo<'_> {
    /// Nothing known yet.
    pub(crate) fn new(plan: &Plan) -> Box<Self> {
        let mut tracks = SmallVec::new();
        tracks.resize_with(plan.kinds.len(), OnceCell::new);
        Box::new(Memo {
            slots: open([const { Cell::new(Kept::Open) }; FEW], plan.slots.len()),
            windows: open([const { Cell::new(Edge { after: i64::MAX, until: NEVER }) }; 8], plan.windows.len()),
            tracks,
            ranges: open([const { Cell::new((u32::MAX, 0)) }; FEW], plan.ranges.len()),
            computed: vec![Cell::new(None); plan.computed as usize],
        })
    }
}

/// So many like those of an array, which is copied as a whole where it is long enough.
#[inline]
fn open<T: Copy, const N: usize>(all: [Cell<T>; N], count: usize) -> SmallVec<[Cell<T>; N]>
where
    [Cell<T>; N]: smallvec::Array<Item = Cell<T>>,
{
    match all.first() {
        Some(first) if count > N => SmallVec::from_elem(first.clone(), count),
        _ => SmallVec::from_buf_and_len(all, count.min(N)),
    }
}

impl Memo<'_> {
    /// Forgets what was computed out of facts.
    pub(crate) fn forget_computed(&mut self) {
        self.computed.iter_mut().for_each(|value| *value.get_mut() = None);
    }

    /// Nothing known, as when it was new.
    pub(crate) fn forget(&mut self) {
        self.slots.iter_mut().for_each(|slot| *slot.get_mut() = Kept::Open);
        self.windows.iter_mut().for_each(|window| *window.get_mut() = Edge { after: i64::MAX, until: NEVER });
        self.tracks.iter_mut().for_each(|track| *track = OnceCell::new());
        self.ranges.iter_mut().for_each(|range| *range.get_mut() = (u32::MAX, 0));
        self.forget_computed();
    }
}

/// What conditions come to together, and until when: the first that is `absorbing` decides, an unknown one leaves it unknown.
#[inline]
pub(super) fn together(
    parts: impl Iterator<Item = Result<(Option<bool>, i64), Defer>>,
    absorbing: bool,
) -> Result<(Option<bool>, i64), Defer> {
    let (mut until, mut unknown) = (NEVER, false);
    for part in parts {
        let (truth, holds) = part?;
        match truth {
            Some(truth) if truth == absorbing => return Ok((Some(truth), holds)),
            Some(_) => {}
            None => unknown = true,
        }
        until = until.min(holds);
    }
    Ok(((!unknown).then_some(!absorbing), until))
}

impl<'p, 'a: 'p, G: Ground<'a>> Asker<'p, 'a, G> {
    pub(crate) fn new(plan: &'p Plan, ground: &'p G, memo: &'p OnceCell<Box<Memo<'a>>>) -> Self {
        Asker { plan, ground, memo }
    }

    fn memo(&self) -> &'p Memo<'a> {
        self.memo.get_or_init(|| Memo::new(self.plan))
    }

    /// What an expression comes to.
    pub(crate) fn ask(&self, code: Code) -> Result<Found<'p>, Defer> {
        self.node(code.0)
    }

    /// Whether a condition holds, `None` for unknown, and until when.
    pub(crate) fn holds(&self, code: Code) -> Result<(Option<bool>, i64), Defer> {
        if let Some(live) = self.ground.live()
            && let Some(verdict) = self.plan.verdict(code)
            && let Ok(found) = self.judged(verdict, live)
        {
            return Ok(found);
        }
        self.truth(code.0)
    }

    pub(super) fn truth(&self, at: u32) -> Result<(Option<bool>, i64), Defer> {
        let node = self.plan.nodes.get(at as usize).ok_or(Defer)?;
        match node {
            Node::Not(operand) => {
                let (truth, until) = self.truth(*operand)?;
                Ok((truth.map(|truth| !truth), until))
            }
            Node::And(operands) => self.truths(operands, false),
            Node::Or(operands) => self.truths(operands, true),
            // Most conditions are of this kind.
            Node::Binary(op, left, right) if op.is_comparison() => {
                if let (Some(Node::Slot(slot)), Some(Node::Constant(constant))) =
                    (self.plan.nodes.get(*left as usize), self.plan.nodes.get(*right as usize))
                {
                    let found = self.slot(*slot)?;
                    let Some(value) = found.value else { return Ok((None, found.until)) };
                    return match Scalar::binary(*op, value, constant.scalar()) {
                        Some(Scalar::Bool(truth)) => Ok((Some(truth), found.until)),
                        _ => Err(Defer),
                    };
                }
                self.plain_truth(at)
            }
            _ => self.plain_truth(at),
        }
    }

    fn plain_truth(&self, at: u32) -> Result<(Option<bool>, i64), Defer> {
        let Found { value, until } = self.node(at)?;
        match value {
            Some(Scalar::Bool(truth)) => Ok((Some(truth), until)),
            None => Ok((None, until)),
            Some(_) => Err(Defer),
        }
    }

    fn truths(&self, operands: &[u32], absorbing: bool) -> Result<(Option<bool>, i64), Defer> {
        together(operands.iter().map(|operand| self.truth(*operand)), absorbing)
    }

    fn node(&self, at: u32) -> Result<Found<'p>, Defer> {
        match self.plan.nodes.get(at as usize).ok_or(Defer)? {
            Node::Constant(constant) => Ok(Found { value: Some(constant.scalar()), until: NEVER }),
            Node::Fact(fact) => self.ground.fact(*fact),
            Node::Has(fact) => {
                let until = self.ground.fact(*fact)?.until;
                Ok(Found { value: Some(Scalar::Bool(self.ground.told(*fact))), until })
            }
            Node::Slot(slot) => self.slot(*slot),
            Node::Age(slot, unit) => {
                let Found { value, until } = self.slot(*slot)?;
                let value = match value {
                    Some(Scalar::Since(since)) => Some(Scalar::Double(self.age(since)?.0 as f64 / unit)),
                    _ => None,
                };
                // It moves with every instant.
                let soon = value.map_or(NEVER, |_| self.ground.now().saturating_add_micros(1).micros());
                Ok(Found { value, until: until.min(soon) })
            }
            Node::AgeTest(slot, turns) => {
                let Found { value, until } = self.slot(*slot)?;
                let Some(Scalar::Since(since)) = value else { return Ok(Found { value: None, until }) };
                let (truth, until) = self.age_test(since, until, turns)?;
                Ok(Found { value: Some(Scalar::Bool(truth)), until })
            }
            Node::AgeAgainst(against) => self.age_against(against),
            Node::Length(duration, unit) => self.length(*duration, *unit),
            Node::Not(operand) => {
                let Found { value, until } = self.node(*operand)?;
                match value {
                    Some(Scalar::Bool(truth)) => Ok(Found { value: Some(Scalar::Bool(!truth)), until }),
                    None => Ok(Found { value: None, until }),
                    Some(_) => Err(Defer),
                }
            }
            Node::Double(operand) => {
                let Found { value, until } = self.node(*operand)?;
                let value = value.map(|value| value.number().map(Scalar::Double).ok_or(Defer)).transpose()?;
                Ok(Found { value, until })
            }
            Node::And(operands) => self.junction(operands, false),
            Node::Or(operands) => self.junction(operands, true),
            Node::Ternary(condition, yes, no) => {
                let Found { value, until } = self.node(*condition)?;
                let branch = match value {
                    Some(Scalar::Bool(true)) => self.node(*yes)?,
                    Some(Scalar::Bool(false)) => self.node(*no)?,
                    None => return Ok(Found { value: None, until }),
                    Some(_) => return Err(Defer),
                };
                Ok(Found { until: branch.until.min(until), ..branch })
            }
            Node::OrElse(base, other) => {
                let base = self.node(*base)?;
                if base.value.is_some() {
                    return Ok(base);
                }
                let other = self.node(*other)?;
                Ok(Found { until: other.until.min(base.until), ..other })
            }
            Node::Binary(op, left, right) => {
                let (a, b) = (self.node(*left)?, self.node(*right)?);
                let value = match (a.value, b.value) {
                    (Some(a), Some(b)) => Some(Scalar::binary(*op, a, b).ok_or(Defer)?),
                    _ => None,
                };
                Ok(Found { value, until: a.until.min(b.until) })
            }
            Node::Computed(number, inner) => self.computed(*number, *inner),
            Node::In(left, items) => {
                let Found { value, until } = self.node(*left)?;
                let Some(value) = value else { return Ok(Found { value: None, until }) };
                for item in items {
                    match Scalar::binary(BinaryOp::Equal, value, item.scalar()) {
                        Some(Scalar::Bool(true)) => return Ok(Found { value: Some(Scalar::Bool(true)), until }),
                        Some(_) => {}
                        None => return Err(Defer),
                    }
                }
                Ok(Found { value: Some(Scalar::Bool(false)), until })
            }
        }
    }

    /// A computed value, as it was computed for this question before.
    #[inline(never)]
    fn computed(&self, number: u32, inner: u32) -> Result<Found<'p>, Defer> {
        let kept = self.memo().computed.get(number as usize);
        if let Some(found) = kept.and_then(Cell::get) {
            return Ok(found);
        }
        let found = self.node(inner)?;
        if let (Some(kept), Some(value)) = (kept, found.value.map_or(Some(None), |value| value.without_text().map(Some))) {
            kept.set(Some(Found { value, until: found.until }));
        }
        Ok(found)
    }

    /// An age compared with what is no constant.
    #[inline(never)]
    fn age_against(&self, against: &Against) -> Result<Found<'p>, Defer> {
        let Against { slot, unit, op, value, right } = against;
        let (age, still) = (self.slot(*slot)?, self.node(*value)?);
        let until = age.until.min(still.until);
        let (Some(Scalar::Since(since)), Some(still)) = (age.value, still.value) else {
            return Ok(Found { value: None, until });
        };
        let turns = Turns::of(*op, *unit, &still.value().ok_or(Defer)?, *right).ok_or(Defer)?;
        let (truth, until) = self.age_test(since, until, &turns)?;
        Ok(Found { value: Some(Scalar::Bool(truth)), until })
    }

    /// How long a duration is in a unit.
    #[inline(never)]
    fn length(&self, duration: u32, unit: f64) -> Result<Found<'p>, Defer> {
        let Found { value, until } = self.node(duration)?;
        match value {
            Some(Scalar::Duration(nanos)) => Ok(Found { value: Some(Scalar::Double(nanos as f64 / unit)), until }),
            None => Ok(Found { value: None, until }),
            Some(_) => Err(Defer),
        }
    }

    /// How a comparison of the age of an instant stands, and until when; the instant is known that long.
    pub(super) fn age_test(&self, since: i64, until: i64, turns: &Turns) -> Result<(bool, i64), Defer> {
        let (_, age) = self.age(since)?;
        if age.saturating_add(HORIZON) > LONGEST {
            return Err(Defer);
        }
        let (truth, next) = turns.at(age);
        let end = until.min(Timestamp::MAX.micros()).min(self.ground.now().saturating_add_micros(HORIZON).micros());
        let turn = next.map(|age| since.saturating_add(age)).filter(|turn| *turn < end);
        Ok((truth, turn.unwrap_or(until).min(until)))
    }

    /// How long ago something was: nanoseconds, microseconds.
    fn age(&self, since: i64) -> Result<(i64, i64), Defer> {
        let micros = self.ground.now().micros().saturating_sub(since);
        Ok((micros.checked_mul(1_000).ok_or(Defer)?, micros))
    }

    fn junction(&self, operands: &[u32], absorbing: bool) -> Result<Found<'p>, Defer> {
        let (mut until, mut unknown) = (NEVER, false);
        for operand in operands {
            let found = self.node(*operand)?;
            match found.value {
                Some(Scalar::Bool(truth)) if truth == absorbing => return Ok(found),
                Some(Scalar::Bool(_)) => {}
                None => unknown = true,
                Some(_) => return Err(Defer),
            }
            until = until.min(found.until);
        }
        Ok(Found { value: (!unknown).then_some(Scalar::Bool(!absorbing)), until })
    }

    #[inline]
    fn slot(&self, number: u32) -> Result<Found<'a>, Defer> {
        if let Some(state) = self.ground.standing(number) {
            return self.read(number, state);
        }
        let place = self.memo().slots.get(number as usize).ok_or(Defer)?;
        match place.get() {
            Kept::Found(found) => return Ok(found),
            Kept::Defer => return Err(Defer),
            Kept::Open => {}
        }
        let found = self.gather(self.plan.slots.get(number as usize).ok_or(Defer)?);
        place.set(found.map_or(Kept::Defer, Kept::Found));
        found
    }

    pub(super) fn window(&self, number: u32) -> Result<WindowNow<'p>, Defer> {
        let declared = self.plan.windows.get(number as usize).ok_or(Defer)?;
        let place = self.memo().windows.get(number as usize).ok_or(Defer)?;
        let mut edge = place.get();
        if edge.after == i64::MAX {
            edge = self.edge(declared).unwrap_or(Edge { after: i64::MIN, until: i64::MIN });
            place.set(edge);
        }
        if edge.until == i64::MIN {
            return Err(Defer);
        }
        Ok(WindowNow { after: edge.after, until: edge.until, lengths: &declared.lengths })
    }

    /// The events of a part's type; `None` when there are none.
    pub(super) fn track(&self, part: &Part) -> Result<Option<&'p Columns<'a>>, Defer> {
        let place = self.memo().tracks.get(part.track as usize).ok_or(Defer)?;
        match place.get_or_init(|| self.ground.seen(part.kind)) {
            Seen::Nothing => Ok(None),
            Seen::Columns(columns) => Ok(Some(columns)),
            Seen::Scattered => Err(Defer),
        }
    }

    fn edge(&self, window: &super::Window) -> Result<Edge, Defer> {
        let now = self.ground.now();
        let (mut after, mut until) = (Timestamp::MIN.micros() - 1, NEVER);
        for length in &window.lengths {
            after = after.max(now.saturating_add_micros(length.saturating_neg()).micros());
        }
        for calendar in &window.units {
            let zone = calendar.zone.or_else(|| self.ground.zone()).ok_or(Defer)?;
            until = until.min(calendar.unit.end(now, zone).micros());
            after = after.max(calendar.start(now, zone).saturating_add_micros(-1).micros());
        }
        if window.session {
            match self.ground.session() {
                Some((start, end)) => {
                    until = until.min(end.micros());
                    after = after.max(start.saturating_add_micros(-1).micros());
                }
                None => after = now.micros(),
            }
        }
        Ok(Edge { after, until })
    }

    /// The rows of an event type in a window; the second is how many rows there are up to now.
    pub(super) fn range(&self, number: u32, columns: &Columns<'a>, after: i64) -> (usize, usize) {
        let place = self.memo().ranges.get(number as usize);
        if let Some((start, end)) = place.map(Cell::get).filter(|(start, _)| *start != u32::MAX) {
            return (start as usize, end as usize);
        }
        let now = self.ground.now();
        let times = columns.times;
        let end = match times.last() {
            Some(last) if *last > now => times.partition_point(|time| *time <= now),
            _ => times.len(),
        };
        let start = match times.get(..end).unwrap_or(times) {
            [] => 0,
            [first, ..] if first.micros() > after => 0,
            // Of a few events the newest are looked through backwards, which ends soon when the window is short.
            few @ [.., last] if few.len() <= 32 || last.micros() <= after => {
                few.iter().rposition(|time| time.micros() <= after).map_or(0, |last| last + 1)
            }
            many => many.partition_point(|time| time.micros() <= after),
        };
        if let (Some(place), Ok(start), Ok(end)) = (place, u32::try_from(start), u32::try_from(end)) {
            place.set((start, end));
        }
        (start, end)
    }
}
