//! Everything that can be read about a customer at one instant, looked up when a rule asks for it.

mod attribute;
mod beside;
mod compile;
mod evidence;
mod experiment;
mod foresight;
mod instance;
mod location;
mod need;
mod persona;
mod planned;
mod preference;
mod reach;
mod rule;
mod rules;
mod session;
mod sources;
mod standing;
#[cfg(test)]
mod tests;
mod unusual;

pub(crate) use attribute::{Lost, Told};
pub(crate) use beside::{Beside, BesideFact};
pub(crate) use experiment::{Assignment, ExperimentRule, Experiments, bucket, oldest};
pub(crate) use foresight::Foresight;
pub(crate) use instance::{InstanceOf, key_of};
pub(crate) use need::{NeedRule, Strength};
pub(crate) use preference::{Preferences, Trait as PreferenceTrait};
pub(crate) use reach::{Reach, Reaches};
pub(crate) use rule::Rule;
pub(crate) use rules::{PersonaRule, Rules};
pub(crate) use rules::{instant_rule, state_rule};
pub(crate) use sources::{Asked, Source, Sources};
pub(crate) use standing::{JourneyFact, Standing};

use crate::commitment::Commitment;
use crate::customer::{Identifier, Place, SegmentState, View};
use crate::expr::plan::{Asker, Code, Defer, Found, Ground, Live, Memo, NEVER, Scalar, Seen, State};
use crate::expr::{
    Answer, EventKind, EventRow, FactId, Facts, Folded, Measure, NextStep, Outcome, PropertyId, Read, Run, RunColumn, SubjectId,
};
use crate::playbook::Assurance;
use crate::trends::Snapshot;
use crate::value::{Span, Timestamp, Type, Value, Zone};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::cell::{Cell, OnceCell};
use std::ops::ControlFlow;

/// The posterior of every persona, and until when they hold.
type Posteriors = (Vec<f64>, Option<Timestamp>);

/// So many facts are kept beside each other, in the order in which they were asked for: most questions ask for no more.
const FEW: usize = 6;

/// Searches that are about problems, with the numbers of those.
type Searches = Vec<(Timestamp, Vec<usize>)>;

/// One customer at one instant, as rules see them.
///
/// Attributes and streams are read from the story, segments and personas are evaluated when first asked for and then kept.
#[derive(Debug)]
pub(crate) struct Context<'a> {
    rules: &'a Rules,
    view: View<'a>,
    now: Timestamp,
    /// How sure the host is who is there.
    assurance: Assurance,
    /// Whether events of some types may not be read.
    hides: bool,
    /// The first instant that may be read; `None` for the whole story.
    begins: Option<Timestamp>,
    /// Others who are related to the customer, where the host says who they are.
    beside: Option<&'a dyn Beside>,
    /// What comes next, where somebody says so.
    ahead: Option<&'a dyn Foresight>,
    /// By number of the request fact.
    request: &'a [Option<Value>],
    /// By number of the experiment.
    assigned: &'a [Option<Assignment>],
    /// Where the customer is, by number of the journey.
    places: SmallVec<[Option<Place>; 2]>,
    /// What was counted over many customers.
    trends: Option<&'a Snapshot>,
    /// How the customer stands in each journey; empty when no rule asks for more than stages.
    standings: Vec<Standing>,
    /// Names of the stages, by number of the journey.
    stages: &'a [Vec<std::sync::Arc<str>>],
    /// Segments that were evaluated at this instant already, as far as they do not depend on journeys.
    settled: Option<&'a [Cell<SegmentState>]>,
    /// Segments as they were derived; as far as they are known and hold at `now`, they are not evaluated again.
    derived: &'a [SegmentState],
    /// Slots that stand as the story ends.
    live: Option<&'a Live>,
    /// Made when something has to be looked up.
    memo: OnceCell<Box<Memo<'a>>>,
    /// The facts that were asked for first; made when one is.
    few: OnceCell<Box<[OnceCell<(FactId, Read)>; FEW]>>,
    /// The others, made when one is asked for.
    facts: OnceCell<Box<[OnceCell<Read>]>>,
    members: SmallVec<[Cell<Member>; 24]>,
    /// The customer's own zone.
    zone: OnceCell<Option<Zone>>,
    session: OnceCell<Option<(Timestamp, Timestamp)>>,
    posteriors: OnceCell<Posteriors>,
    intents: OnceCell<Posteriors>,
    searches: OnceCell<Searches>,
    /// Made when a preference is first asked for, by number.
    preferences: OnceCell<Box<[OnceCell<Preferences>]>>,
}

/// Whether a condition holds, `None` for unknown, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Holds {
    pub(crate) truth: Option<bool>,
    /// Whether it is not known because of an error.
    pub(crate) failed: bool,
    pub(crate) until: Option<Timestamp>,
}

/// Of 64 segments each: which are known as they were derived, and in which of these the customer is.
pub(crate) type Memberships = SmallVec<[Membership; 2]>;

/// What was derived of 64 segments, a bit for each.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Membership {
    /// Of which it is known whether the customer is a member.
    pub(crate) known: u64,
    /// Of which the customer is one.
    pub(crate) members: u64,
    /// Of which it was found to be unknown.
    pub(crate) unknown: u64,
}

/// The memberships that hold at an instant, as they were derived.
pub(crate) fn memberships(derived: &[SegmentState], now: Timestamp) -> Memberships {
    let mut words = Memberships::new();
    for segments in derived.chunks(64) {
        let (mut holding, mut told, mut members) = (0_u64, 0_u64, 0_u64);
        for segment in segments.iter().rev() {
            let [holds, known, member] = segment.standing(now.micros());
            (holding, told, members) = (holding << 1 | holds, told << 1 | known, members << 1 | member);
        }
        words.push(Membership { known: holding & told, members: holding & members, unknown: holding & !told });
    }
    words
}

/// What is known of a segment, in eight bytes: there is one for each in every context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Member(i64);

/// When a membership changes that never does.
const MEMBER_NEVER: i64 = i64::MAX >> 3;

impl Member {
    /// Nobody has asked yet.
    const OPEN: Member = Member(i64::MIN);

    fn of(holds: Holds) -> Self {
        let truth = match holds.truth {
            None => 0,
            Some(false) => 1,
            Some(true) => 2,
        };
        // Microseconds of the years 1 to 9999 take less than 60 bits.
        Member((holds.until.map_or(MEMBER_NEVER, Timestamp::micros) << 3) | (i64::from(holds.failed) << 2) | truth)
    }

    fn holds(self) -> Option<Holds> {
        let truth = match self.0 & 3 {
            0 => None,
            truth => Some(truth == 2),
        };
        let until = match self.0 >> 3 {
            MEMBER_NEVER => None,
            until => Timestamp::from_micros(until).ok(),
        };
        (self != Member::OPEN).then_some(Holds { truth, failed: self.0 & 4 != 0, until })
    }
}

impl<'a> Context<'a> {
    /// A context for a view at `now`; events later than `now` are not seen.
    #[must_use]
    pub(crate) fn new(
        rules: &'a Rules,
        view: View<'a>,
        now: Timestamp,
        request: &'a [Option<Value>],
        places: &[Option<Place>],
        stages: &'a [Vec<std::sync::Arc<str>>],
    ) -> Self {
        Context {
            rules,
            view,
            now,
            assurance: Assurance::Authenticated,
            hides: false,
            begins: None,
            beside: None,
            ahead: None,
            request,
            assigned: &[],
            places: SmallVec::from_slice(places),
            trends: None,
            standings: Vec::new(),
            stages,
            settled: None,
            derived: &[],
            live: None,
            memo: OnceCell::new(),
            few: OnceCell::new(),
            facts: OnceCell::new(),
            members: SmallVec::from_elem(Cell::new(Member::OPEN), rules.segments.len()),
            zone: OnceCell::new(),
            session: OnceCell::new(),
            posteriors: OnceCell::new(),
            intents: OnceCell::new(),
            searches: OnceCell::new(),
            preferences: OnceCell::new(),
        }
    }

    /// The same with what the experiments do with the customer.
    #[must_use]
    #[inline(always)]
    pub(crate) fn assigned(mut self, assigned: &'a [Option<Assignment>]) -> Self {
        self.set_assigned(assigned);
        self
    }

    /// The same in place.
    #[inline]
    pub(crate) fn set_assigned(&mut self, assigned: &'a [Option<Assignment>]) {
        self.assigned = assigned;
    }

    /// The same with what was counted over many customers.
    #[must_use]
    #[inline(always)]
    pub(crate) fn trending(mut self, trends: Option<&'a Snapshot>) -> Self {
        self.set_trends(trends);
        self
    }

    /// The same in place.
    #[inline]
    pub(crate) fn set_trends(&mut self, trends: Option<&'a Snapshot>) {
        self.trends = trends;
    }

    /// What was counted over many customers, as far as it may be read here.
    pub(crate) fn trends(&self) -> Option<&'a Snapshot> {
        self.trends
    }

    /// What an experiment does with the customer; none when they take no part.
    #[must_use]
    pub(crate) fn assignment(&self, experiment: usize) -> Option<Assignment> {
        self.assigned.get(experiment).copied().flatten()
    }

    /// The same for somebody of whom the host is only so sure: attributes and events that ask for more are unknown, and so are
    /// journeys that follow them; of somebody anonymous all but the open session on the identifier that asks.
    #[must_use]
    pub(crate) fn limited(mut self, assurance: Assurance, who: Option<&Identifier>) -> Self {
        self.assurance = assurance;
        self.hides = self.rules.minimums.iter().any(|minimum| *minimum > assurance);
        self.derived = &[];
        self.live = None;
        if assurance == Assurance::Anonymous {
            self.view = self.view.on(who);
            self.session = OnceCell::new();
            let start = self.open_session().map(|(start, _)| start);
            self.begins = Some(start.unwrap_or_else(|| self.now.saturating_add_micros(1)));
            self.places.clear();
            self.standings.clear();
        }
        // What comes next is read out of the whole story.
        if assurance == Assurance::Anonymous || self.hides {
            self.ahead = None;
        }
        for (journey, place) in self.places.iter_mut().enumerate() {
            if self.rules.minimum(journey) > assurance {
                *place = None;
                if let Some(standing) = self.standings.get_mut(journey) {
                    *standing = Standing::hidden();
                }
            }
        }
        self.zone = OnceCell::new();
        self.forget();
        self
    }

    /// How sure the host is who is there.
    pub(crate) fn assurance(&self) -> Assurance {
        self.assurance
    }

    /// Where the customer is in a journey.
    pub(crate) fn place(&self, journey: usize) -> Option<Place> {
        self.places.get(journey).copied().flatten()
    }

    /// Whether an instant may be read.
    pub(crate) fn reads(&self, time: Timestamp) -> bool {
        self.begins.is_none_or(|begins| time >= begins)
    }

    /// The part of a span that may be read; nothing after `now`, whatever the span.
    fn readable(&self, span: Span) -> Span {
        let after = self.begins.map_or(span.after, |begins| span.after.max(begins.saturating_add_micros(-1)));
        Span { after, until: span.until.min(self.now) }
    }

    /// Whether events of a type may not be read.
    pub(crate) fn hides(&self, kind: EventKind) -> bool {
        self.hides && self.rules.event_minimum(kind) > self.assurance
    }

    /// Those of some types whose events may be read.
    fn seen_of<'k>(&self, kinds: &'k [EventKind]) -> Cow<'k, [EventKind]> {
        match self.hides {
            false => Cow::Borrowed(kinds),
            true => kinds.iter().copied().filter(|kind| !self.hides(*kind)).collect(),
        }
    }

    /// Where a rule stands in the plan, which reads whole stories only.
    fn code(&self, rule: &Rule) -> Option<Code> {
        if self.begins.is_none() && !self.hides { rule.code() } else { None }
    }

    /// Takes the segments that do not depend on journeys as they are known.
    pub(crate) fn settle(&mut self, segments: &'a [Cell<SegmentState>]) {
        self.settled = Some(segments);
        self.forget();
    }

    /// Takes segments as they were derived for this instant.
    pub(crate) fn known(&mut self, segments: &'a [SegmentState]) {
        self.derived = segments;
    }

    /// Takes slots as they stand at the end of the story that is read.
    pub(crate) fn standing_on(&mut self, live: &'a Live) {
        self.live = Some(live);
    }

    /// The customer is somewhere else in a journey.
    pub(crate) fn move_to(&mut self, journey: usize, place: Option<Place>) {
        if let Some(own) = self.places.get_mut(journey) {
            // Rules read the stage and since when.
            let read = |place: Option<Place>| place.map(|place| (place.stage, place.since));
            let moved = read(*own) != read(place);
            *own = place;
            if moved {
                self.forget();
            }
        }
    }

    /// Forgets what may depend on journeys; aggregates do not.
    fn forget(&mut self) {
        self.members.iter().for_each(|member| member.set(Member::OPEN));
        self.posteriors = OnceCell::new();
        self.intents = OnceCell::new();
        (self.few, self.facts) = (OnceCell::new(), OnceCell::new());
        if let Some(memo) = self.memo.get_mut() {
            memo.forget_computed();
        }
    }

    /// Whether a condition holds.
    pub(crate) fn holds(&self, rule: &Rule) -> Holds {
        if let Some(code) = self.code(rule)
            && let Ok((truth, until)) = Asker::new(&self.rules.plan, self, &self.memo).holds(code)
        {
            return Holds { truth, failed: false, until: instant(until) };
        }
        let answer = rule.ask(self);
        Holds { truth: answer.outcome.as_bool(), failed: matches!(answer.outcome, Outcome::Error(_)), until: answer.until }
    }

    /// The customer's own zone; `None` while it is not known.
    pub(crate) fn own_zone(&self) -> Option<Zone> {
        *self.zone.get_or_init(|| match self.attribute(self.rules.customer_zone?).0.value {
            Answer::Known(Value::String(name)) => Zone::parse(&name).ok(),
            _ => None,
        })
    }

    /// A number that a rule comes to; `None` for unknown, an error or none.
    pub(crate) fn number(&self, rule: &Rule) -> Option<f64> {
        let code = self.code(rule);
        if let (Some(code), Some(live)) = (code, self.live)
            && let Some(number) = self.rules.plan.number(code, live, self.now)
        {
            return Some(number);
        }
        if let Some(code) = code
            && let Ok(found) = Asker::new(&self.rules.plan, self, &self.memo).ask(code)
        {
            return found.value.and_then(Scalar::number);
        }
        match rule.ask(self).outcome.value()? {
            Value::Int(number) => Some(*number as f64),
            Value::Uint(number) => Some(*number as f64),
            Value::Double(number) => Some(*number),
            Value::Decimal(number) => Some(number.to_double()),
            _ => None,
        }
    }

    /// A number for which there is a program, when all that it reads stands.
    pub(crate) fn quick_number(&self, code: Code) -> Option<f64> {
        let live = self.live.filter(|_| self.begins.is_none() && !self.hides)?;
        self.rules.plan.number(code, live, self.now)
    }

    /// Membership of a segment.
    pub(crate) fn member(&self, segment: usize) -> Holds {
        if let Some(state) = self.derived.get(segment)
            && let Some(truth) = state.member()
            && state.due_micros() > self.now.micros()
        {
            return Holds { truth: Some(truth), failed: false, until: state.due() };
        }
        let kept = self.members.get(segment);
        if let Some(known) = kept.and_then(|kept| kept.get().holds()) {
            return known;
        }
        let settled = self.settled.and_then(|segments| segments.get(segment)).map(Cell::get);
        let alone = || self.rules.reaches.segments.get(segment).is_some_and(|reach| reach.journeys.is_empty());
        let found = match (settled.filter(|settled| settled.member().is_some() && alone()), self.rules.segments.get(segment)) {
            (Some(settled), _) => Holds { truth: settled.member(), failed: false, until: settled.due() },
            (None, Some(rule)) => self.holds(rule),
            (None, None) => Holds { truth: None, failed: false, until: None },
        };
        if let Some(kept) = kept {
            kept.set(Member::of(found));
        }
        found
    }

    /// The memberships that hold at `now` as they were derived.
    pub(crate) fn memberships(&self) -> Memberships {
        memberships(self.derived, self.now)
    }

    /// The story.
    #[must_use]
    pub(crate) fn view(&self) -> &View<'a> {
        &self.view
    }

    /// The compiled rules.
    #[must_use]
    pub(crate) fn rules(&self) -> &'a Rules {
        self.rules
    }

    /// The commitments that may be read; none where no offer declares one.
    pub(crate) fn commitments(&self) -> Vec<Commitment> {
        let Some(rules) = &self.rules.sources.commitments else { return Vec::new() };
        rules.commitments(&self.view, self.now, &|time| self.reads(time))
    }

    /// Membership of a segment.
    #[must_use]
    pub(crate) fn segment(&self, segment: usize) -> Read {
        Facts::fact(self, self.rules.sources.segment_fact(segment))
    }

    /// The posterior of every persona, in the order of the playbook; what is left to 1 is "none of these".
    #[must_use]
    pub(crate) fn personas(&self) -> Vec<f64> {
        self.posteriors().0.clone()
    }

    fn posteriors(&self) -> &Posteriors {
        self.posteriors.get_or_init(|| persona::posteriors(self, &self.rules.personas))
    }

    /// The posterior of every intent of the session that is open; `None` without one.
    #[must_use]
    pub(crate) fn intents(&self) -> Option<&Posteriors> {
        Facts::session(self).map(|_| self.intents.get_or_init(|| persona::posteriors(self, &self.rules.intents)))
    }

    /// How strong a need is.
    #[must_use]
    pub(crate) fn need(&self, need: usize) -> Strength {
        self.rules.needs.get(need).map_or_else(Strength::default, |need| need.read(self))
    }

    /// What the test of something unusual counts and finds.
    pub(crate) fn unusual_found(&self, unusual: usize) -> Option<unusual::Found> {
        self.rules.unusual.get(unusual)?.found(self)
    }

    /// Whether something is unusual for this customer.
    #[must_use]
    pub(crate) fn unusual(&self, unusual: usize) -> Read {
        let nothing = || Read::missing("?".into());
        self.rules.unusual.get(unusual).map_or_else(nothing, |rule| rule.read(self))
    }

    /// The events of some types in a span that cannot be read, and when the last of them happened: those that the request may not
    /// read, and those that were folded, so that only their totals are left. `None` when all are there.
    fn gone(&self, kinds: &[EventKind], span: Span) -> Option<(std::sync::Arc<str>, Timestamp)> {
        if let Some(withheld) = Facts::withheld(self, kinds) {
            return Some((withheld, self.now));
        }
        Facts::folded(self, kinds, span, None).map(|folded| (folded.missing(), folded.last))
    }

    fn searches(&self) -> &Searches {
        self.searches.get_or_init(|| self.rules.searches.read(self))
    }

    /// What is known of a preference.
    #[must_use]
    pub(crate) fn preference(&self, preference: usize) -> Option<&Preferences> {
        let rule = self.rules.preferences.get(preference)?;
        let kept = self.preferences.get_or_init(|| self.rules.preferences.iter().map(|_| OnceCell::new()).collect());
        kept.get(preference).map(|place| place.get_or_init(|| rule.read(self)))
    }

    /// The name of the largest posterior when that reaches the threshold.
    fn likely(&self, fact: FactId, posteriors: &[f64]) -> Option<Value> {
        let Some(Type::Enum(names)) = self.rules.sources.schema.fact_decl(fact).map(|decl| &decl.ty) else { return None };
        let likely = posteriors.iter().zip(names.iter()).filter(|(posterior, _)| **posterior >= self.rules.threshold);
        likely.min_by(|(a, _), (b, _)| b.total_cmp(a)).map(|(_, name)| Value::String(name.clone()))
    }

    /// What a fact was read as, read when first asked for; `None` for a fact that is not declared.
    fn kept(&self, fact: FactId) -> Option<&Read> {
        if fact.0 as usize >= self.rules.sources.kept {
            return None;
        }
        let few = self.few.get_or_init(|| Box::new([const { OnceCell::new() }; FEW]));
        let asked = || few.iter().map_while(OnceCell::get).find(|(known, _)| *known == fact).map(|(_, read)| read);
        if let Some(read) = asked() {
            return Some(read);
        }
        if few.last().is_some_and(|last| last.get().is_none()) {
            // Finding it may ask for others.
            let read = self.find(fact);
            if let Some(free) = few.iter().find(|cell| cell.get().is_none()) {
                return Some(&free.get_or_init(|| (fact, read)).1);
            }
        }
        let facts = self.facts.get_or_init(|| (0..self.rules.sources.kept).map(|_| OnceCell::new()).collect());
        facts.get(fact.0 as usize).map(|place| place.get_or_init(|| self.find(fact)))
    }

    fn find(&self, fact: FactId) -> Read {
        let missing = || Read::missing(self.rules.sources.path(fact));
        match self.rules.sources.source(fact) {
            Some(Source::Attribute(place)) => self.attribute(place).0,
            Some(Source::Request(place)) => self.request.get(place).cloned().flatten().map_or_else(missing, Read::known),
            Some(Source::Experiment(place)) => {
                let rule = self.rules.experiments.rules.get(place);
                let arm = rule.and_then(|rule| rule.arm(self.assignment(place)?.arm));
                arm.map_or_else(missing, |arm| Read::known(Value::String(arm.clone())))
            }
            Some(Source::Drawn(place)) => {
                let rule = self.rules.experiments.rules.get(place);
                let arm = rule.and_then(|rule| rule.arm(rule.drawn(&self.view)?));
                arm.map_or_else(missing, |arm| Read::known(Value::String(arm.clone())))
            }
            Some(Source::Segment(place)) => match (self.member(place), self.rules.segments.get(place)) {
                (Holds { truth: Some(truth), until, .. }, _) => Read::known(Value::Bool(truth)).until(until),
                // The reference tells what is missing.
                (_, Some(rule)) => {
                    let answer = rule.ask(self);
                    let read = match answer.outcome {
                        Outcome::Value(value) => Read::known(value),
                        Outcome::Unknown(missing) => Read { value: Answer::Unknown(missing), until: None },
                        Outcome::Error(_) => missing(),
                    };
                    read.until(answer.until)
                }
                (_, None) => missing(),
            },
            Some(Source::Persona(place)) => {
                let (posteriors, until) = self.posteriors();
                posteriors.get(place).map_or_else(missing, |posterior| Read::known(Value::Double(*posterior)).until(*until))
            }
            Some(Source::LikelyPersona) => {
                let (posteriors, until) = self.posteriors();
                let names = || self.likely(fact, posteriors);
                names().map_or_else(missing, Read::known).until(*until)
            }
            Some(source @ (Source::Intent(_) | Source::LikelyIntent)) => {
                let next = self.view.next_instant(Some(self.now));
                let (Some((posteriors, until)), Some((_, over))) = (self.intents(), Facts::session(self)) else {
                    return missing().until(next);
                };
                let read = match source {
                    Source::Intent(place) => posteriors.get(place).map(|posterior| Value::Double(*posterior)),
                    _ => self.likely(fact, posteriors),
                };
                read.map_or_else(missing, Read::known).until(earlier(earlier(*until, Some(over)), next))
            }
            Some(Source::Need(place)) => {
                let Strength { strength, until, gone, .. } = self.need(place);
                let missing = || gone.map_or_else(missing, Read::missing);
                strength.map_or_else(missing, |strength| Read::known(Value::Double(strength))).until(until)
            }
            Some(Source::NeedTime(place)) => {
                let Strength { strength, latest, until, gone, .. } = self.need(place);
                let missing = || gone.map_or_else(missing, Read::missing);
                latest.filter(|_| strength.is_some()).map_or_else(missing, |at| Read::known(Value::from(at))).until(until)
            }
            Some(Source::NeedKind(_)) => self.rules.sources.constant(fact).map_or_else(missing, Read::known),
            Some(Source::Preference(place, asked)) => {
                let Some(found) = self.preference(place) else { return missing() };
                // What was stated stands first, whatever was seen.
                let stated = |asked| asked == Asked::Top && found.top().is_some();
                if let Some(gone) = found.gone.clone().filter(|_| !stated(asked)) {
                    return Read::missing(gone).until(found.until);
                }
                let value = match asked {
                    Asked::Observations => Value::Int(i64::try_from(found.observations).unwrap_or(i64::MAX)),
                    _ if found.values.is_empty() => return missing().until(found.until),
                    Asked::Liked => found.list(true),
                    Asked::Disliked => found.list(false),
                    Asked::Top => match found.top() {
                        Some(top) => Value::String(top),
                        None => return missing().until(found.until),
                    },
                };
                Read::known(value).until(found.until)
            }
            // What is usual is in the story as a whole.
            Some(Source::Unusual(_)) if self.begins.is_some() => missing(),
            Some(Source::Unusual(place)) => self.unusual(place),
            Some(Source::Stage(journey)) => {
                let place = self.places.get(journey).copied().flatten();
                let name = place.and_then(|place| self.stages.get(journey)?.get(usize::from(place.stage)));
                name.map_or_else(missing, |name| Read::known(Value::String(name.clone())))
            }
            Some(Source::Journey(journey, JourneyFact::Planned(asked))) => {
                let (value, until) = self.planned(journey, asked);
                value.map_or_else(missing, Read::known).until(until)
            }
            Some(Source::Journey(journey, asked)) => self.journey_fact(journey, asked).map_or_else(missing, Read::known),
            Some(Source::Session(fact_of)) => self.session_fact(fact, fact_of),
            Some(Source::Location(detail)) => self.location_fact(fact, detail),
            Some(Source::StoreOpen(store)) => {
                let open = self.rules.places.stores.get(store).and_then(|store| store.open(self.now));
                open.map_or_else(missing, |(open, until)| Read::known(Value::Bool(open)).until(until))
            }
            Some(Source::Commitment(asked)) => {
                let Some(rules) = &self.rules.sources.commitments else { return missing() };
                let (value, ahead) = rules.fact(&self.commitments(), asked, self.now);
                let next = self.view.next_event(&rules.kinds(), self.now);
                value.map_or_else(missing, Read::known).until(earlier(ahead, next))
            }
            Some(Source::Beside(subject, asked)) => self.beside_fact(fact, subject, asked),
            Some(Source::Since(journey)) => match self.places.get(journey).copied().flatten() {
                Some(place) => Read::known(Value::from(place.since)),
                None => missing(),
            },
            None => missing(),
        }
    }
}

impl Facts for Context<'_> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn zone(&self) -> Option<Zone> {
        Some(self.own_zone().unwrap_or(self.rules.zone))
    }

    fn fact(&self, fact: FactId) -> Read {
        match self.kept(fact) {
            Some(read) => read.clone(),
            None => self.find(fact),
        }
    }

    fn fact_of(&self, fact: FactId, key: &str) -> Read {
        self.instance_fact(fact, key)
    }

    fn next_step(&self, fact: FactId, next: &NextStep) -> Read {
        Context::next_step(self, fact, next)
    }

    fn trend(&self, trend: u16, measure: Measure, values: &[std::sync::Arc<str>]) -> Option<f64> {
        self.trends?.measure(trend, measure, values, self.now)
    }

    fn fact_as_of(&self, fact: FactId, at: Timestamp) -> Option<Read> {
        match self.rules.sources.source(fact) {
            Some(Source::Attribute(place)) => Some(self.attribute_at(place, at).0),
            _ => None,
        }
    }

    fn has(&self, fact: FactId) -> bool {
        match self.rules.sources.source(fact) {
            Some(Source::Attribute(place)) => self.attribute(place).1,
            _ => matches!(Facts::fact(self, fact).value, Answer::Known(_)),
        }
    }

    fn begins(&self) -> Option<Timestamp> {
        self.begins
    }

    fn events(&self, kinds: &[EventKind], span: Span, visit: &mut dyn FnMut(&dyn EventRow) -> ControlFlow<()>) {
        let (kinds, span) = (&*self.seen_of(kinds), self.readable(span));
        self.view.events(kinds, span, &mut |row| visit(&row));
    }

    fn run(&self, kinds: &[EventKind], span: Span, properties: &[PropertyId]) -> Option<Run<'_>> {
        let (kinds, span) = (&*self.seen_of(kinds), self.readable(span));
        self.view.run_of(kinds, span, properties)
    }

    fn folded(&self, kinds: &[EventKind], span: Span, property: Option<PropertyId>) -> Option<Folded> {
        let (kinds, span) = (&*self.seen_of(kinds), self.readable(span));
        self.view.folded(kinds, span, property)
    }

    fn withheld(&self, kinds: &[EventKind]) -> Option<std::sync::Arc<str>> {
        let hidden = kinds.iter().find(|kind| self.hides(**kind))?;
        let name = self.rules.sources.schema.event_decl(*hidden).map_or("?", |event| &*event.name);
        Some(format!("events({name:?})").into())
    }

    fn next_event(&self, kinds: &[EventKind]) -> Option<Timestamp> {
        self.view.next_event(kinds, self.now)
    }

    fn beside(&self, subject: SubjectId) -> Option<&dyn Facts> {
        self.beside.and_then(|beside| beside.rows(usize::from(subject.0)))
    }

    fn session(&self) -> Option<(Timestamp, Timestamp)> {
        self.open_session()
    }
}

impl<'a> Ground<'a> for Context<'a> {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn zone(&self) -> Option<Zone> {
        Facts::zone(self)
    }

    fn session(&self) -> Option<(Timestamp, Timestamp)> {
        Facts::session(self)
    }

    fn fact(&self, fact: FactId) -> Result<Found<'_>, Defer> {
        if let Some(Source::Segment(segment)) = self.rules.sources.source(fact) {
            let Holds { truth, until, .. } = self.member(segment);
            return Ok(Found { value: truth.map(Scalar::Bool), until: micros(until) });
        }
        if let Some(Source::Stage(journey)) = self.rules.sources.source(fact) {
            let place = self.places.get(journey).copied().flatten();
            let name = place.and_then(|place| self.stages.get(journey)?.get(usize::from(place.stage)));
            return Ok(Found { value: name.map(|name| Scalar::Text(name)), until: NEVER });
        }
        let read = self.kept(fact).ok_or(Defer)?;
        let value = match &read.value {
            Answer::Known(value) => Some(Scalar::of(value).ok_or(Defer)?),
            Answer::Unknown(_) => None,
        };
        Ok(Found { value, until: micros(read.until) })
    }

    fn told(&self, fact: FactId) -> bool {
        self.has(fact)
    }

    fn standing(&self, slot: u32) -> Option<State> {
        self.live?.get(&self.rules.plan, slot, self.now)
    }

    fn live(&self) -> Option<&Live> {
        self.live
    }

    fn seen(&self, kind: EventKind) -> Seen<'a> {
        self.view.seen(kind)
    }

    fn column(&self, place: (u32, u32), property: PropertyId) -> Option<RunColumn<'a>> {
        self.view.column(place, property)
    }
}

/// An instant out of a plan.
fn instant(micros: i64) -> Option<Timestamp> {
    if micros == NEVER { None } else { Timestamp::from_micros(micros).ok() }
}

/// An instant for a plan.
fn micros(until: Option<Timestamp>) -> i64 {
    until.map_or(NEVER, Timestamp::micros)
}

/// The earlier of two instants, where none is never.
#[must_use]
pub(crate) fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
