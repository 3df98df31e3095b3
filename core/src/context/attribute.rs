//! What counts of all that was told about an attribute.

use super::sources::{Source, Sources};
use super::{Context, earlier};
use crate::customer::{StoryRow, View, read_detail};
use crate::expr::{Detail, EventKind, FactId, Facts, Read};
use crate::playbook::{Assurance, Attribute, Criterion, Origin, Playbook, Scale};
use crate::value::{Duration, Span, Timestamp, Type, Value};
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A compiled attribute.
#[derive(Debug)]
pub(crate) struct AttributeRule {
    /// Readable when nothing was told.
    pub(crate) default: Option<Value>,
    /// How sure a request has to be who is there to read it.
    pub(crate) assurance: Assurance,
    /// How long a told value is known.
    pub(crate) ttl: Option<Duration>,
    /// Of facts that do not say theirs.
    origin: Origin,
    /// Who is believed first.
    sources: Vec<Arc<str>>,
    /// By what a fact is chosen; `latest` or `earliest` stands last.
    resolve: Vec<Criterion>,
    /// The event types that tell it: its own, then those of answers.
    kinds: SmallVec<[EventKind; 1]>,
    /// What answers of the host's event types say.
    answers: Vec<Answering>,
}

/// How an event of the host answers a question about an attribute.
#[derive(Debug)]
struct Answering {
    kind: EventKind,
    column: usize,
    scale: Option<Scale>,
    ty: Type,
}

impl Answering {
    /// The answer; `None` for an event without one, or one that does not fit.
    fn read(&self, row: &StoryRow<'_>) -> Option<Value> {
        let value = row.value(self.column)?.coerce(&self.ty).ok()?;
        self.scale.is_none_or(|scale| scale.takes(&value)).then_some(value)
    }
}

/// One thing that was told about an attribute.
#[derive(Debug, Clone)]
pub(crate) struct Told<'a> {
    /// The event.
    pub(crate) row: StoryRow<'a>,
    /// What it says; `None` for taking back.
    pub(crate) value: Option<Value>,
    /// Place of its source among those declared.
    rank: usize,
    /// How it came to be known.
    pub(crate) origin: Origin,
    /// How sure it is, 0 to 1.
    pub(crate) confidence: f64,
    /// When it expires.
    pub(crate) expires: Option<Timestamp>,
    /// Why it does not count.
    pub(crate) lost: Option<Lost>,
}

impl Told<'_> {
    /// Whether it is what counts.
    pub(crate) fn counts(&self) -> bool {
        self.value.is_some() && self.lost.is_none()
    }
}

/// Why a fact does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// It was taken back.
    Cleared,
    /// It is too old.
    Expired,
    /// Another is preferred by this.
    To(Criterion),
}

impl Lost {
    /// Its name in answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Lost::Cleared => "cleared",
            Lost::Expired => "expired",
            Lost::To(criterion) => criterion.name(),
        }
    }
}

impl AttributeRule {
    /// The rule of a declared attribute.
    pub(super) fn of(place: usize, attribute: &Attribute, playbook: &Playbook, sources: &Sources) -> Self {
        let mut resolve = attribute.resolve.clone();
        if !matches!(resolve.last(), Some(Criterion::Latest | Criterion::Earliest)) {
            resolve.push(Criterion::Latest);
        }
        let playbooks = || playbook.sources.iter().map(|source| source.text.clone()).collect();
        AttributeRule {
            default: attribute.default.clone(),
            assurance: attribute.assurance,
            ttl: attribute.ttl,
            origin: attribute.origin,
            kinds: SmallVec::from_slice(sources.tellers(place)),
            answers: attribute
                .answers
                .iter()
                .filter_map(|answer| {
                    let kind = EventKind(u16::try_from(answer.event).ok()?);
                    Some(Answering { kind, column: answer.property, scale: answer.scale, ty: attribute.ty.clone() })
                })
                .collect(),
            sources: if attribute.sources.is_empty() { playbooks() } else { attribute.sources.clone() },
            resolve,
        }
    }

    /// By what a fact is chosen.
    pub(crate) fn criteria(&self) -> impl Iterator<Item = Criterion> {
        self.resolve.iter().copied()
    }

    /// Whether the last that was told is all that counts, whoever told it.
    pub(crate) fn is_plain(&self) -> bool {
        self.default.is_none()
            && self.ttl.is_none()
            && self.assurance == Assurance::Anonymous
            && self.resolve == [Criterion::Latest]
            && self.answers.is_empty()
    }

    /// What an event says of it; `None` for an event of the host that is no answer.
    fn told<'a>(&self, row: StoryRow<'a>) -> Option<Told<'a>> {
        let answers = self.answers.iter().filter(|answer| answer.kind == row.kind());
        let answered = answers.clone().next().is_some();
        let value = match answered {
            true => Some(answers.clone().find_map(|answer| answer.read(&row))?),
            false => row.value(0),
        };
        let usual = if answered { Origin::Stated } else { self.origin };
        let source = row.source();
        let rank = source.and_then(|source| self.sources.iter().position(|own| **own == *source));
        let details = row.details_text();
        Some(Told {
            row,
            rank: rank.unwrap_or(self.sources.len()),
            origin: read_detail(Detail::Origin, details).and_then(Origin::named).unwrap_or(usual),
            confidence: read_detail(Detail::Confidence, details).and_then(|text| text.parse().ok()).unwrap_or(1.0),
            expires: self.ttl.filter(|_| value.is_some()).map(|ttl| row.time().saturating_add_micros(ttl.micros())),
            lost: None,
            value,
        })
    }

    /// Whether an event says anything of it.
    pub(crate) fn tells(&self, row: &StoryRow<'_>) -> bool {
        self.told(*row).is_some()
    }

    /// When the customer last said it themselves, up to an instant.
    pub(crate) fn stated(&self, view: &View<'_>, now: Timestamp) -> Option<Timestamp> {
        let mut last = None;
        view.events(&self.kinds, Span::lifetime(now), &mut |row| {
            if self.told(row).is_some_and(|told| told.value.is_some() && told.origin == Origin::Stated) {
                last = Some(row.time());
            }
            ControlFlow::Continue(())
        });
        last
    }

    /// Whether the later of two facts is preferred, and by what. A total order, so the order of arrival does not matter.
    fn prefers(&self, earlier: &Told<'_>, later: &Told<'_>) -> (bool, Criterion) {
        for criterion in &self.resolve {
            let order = match criterion {
                Criterion::Source => earlier.rank.cmp(&later.rank),
                Criterion::Origin => directness(earlier.origin).cmp(&directness(later.origin)),
                Criterion::Confidence => later.confidence.total_cmp(&earlier.confidence),
                Criterion::Latest => Ordering::Greater,
                Criterion::Earliest => Ordering::Less,
            };
            if order.is_ne() {
                return (order.is_gt(), *criterion);
            }
        }
        (true, Criterion::Latest)
    }

    /// From which place on sources are taken back: a source takes back what it could have overruled, no source everything.
    fn reach(&self, clearing: &Told<'_>) -> usize {
        let by_source = self.resolve.contains(&Criterion::Source) && clearing.row.source().is_some();
        if by_source { clearing.rank } else { 0 }
    }

    /// All that was told up to an instant, in the order of the story, each with why it does not count; at most one counts.
    pub(crate) fn all<'a>(&self, view: &View<'a>, now: Timestamp) -> Vec<Told<'a>> {
        self.all_in(view, Span::lifetime(now))
    }

    /// The same of what was told in a span.
    fn all_in<'a>(&self, view: &View<'a>, span: Span) -> Vec<Told<'a>> {
        let now = span.until;
        let mut all: Vec<Told<'a>> = Vec::new();
        let mut best: Option<usize> = None;
        view.events(&self.kinds, span, &mut |row| {
            all.extend(self.told(row));
            ControlFlow::Continue(())
        });
        // Taking back reaches what was told before by a source of this place or a later one.
        let mut cleared = usize::MAX;
        for told in all.iter_mut().rev() {
            if told.value.is_none() {
                cleared = cleared.min(self.reach(told));
            } else if told.rank >= cleared {
                told.lost = Some(Lost::Cleared);
            }
        }
        for place in 0..all.len() {
            let Some(told) = all.get(place).filter(|told| told.value.is_some() && told.lost.is_none()) else { continue };
            if told.expires.is_some_and(|expires| expires <= now) {
                if let Some(told) = all.get_mut(place) {
                    told.lost = Some(Lost::Expired);
                }
                continue;
            }
            let loser = match best.and_then(|best| Some((best, all.get(best)?))) {
                None => None,
                Some((before, other)) => {
                    let (later, by) = self.prefers(other, told);
                    Some((if later { before } else { place }, by))
                }
            };
            match loser {
                None => best = Some(place),
                Some((loser, by)) => {
                    if loser != place {
                        best = Some(place);
                    }
                    if let Some(told) = all.get_mut(loser) {
                        told.lost = Some(Lost::To(by));
                    }
                }
            }
        }
        // What each lost to in the end is said of the fact that counts.
        if let Some(winner) = best.and_then(|best| all.get(best).cloned()) {
            for (place, fact) in all.iter_mut().enumerate() {
                if let Some(Lost::To(_)) = fact.lost {
                    let later_wins = best.is_some_and(|best| best > place);
                    let (_, by) = if later_wins { self.prefers(fact, &winner) } else { self.prefers(&winner, fact) };
                    fact.lost = Some(Lost::To(by));
                }
            }
        }
        all
    }
}

/// How direct a fact is: the less, the better.
fn directness(origin: Origin) -> usize {
    Origin::ALL.iter().position(|other| *other == origin).unwrap_or(Origin::ALL.len())
}

impl Context<'_> {
    /// An attribute: its value, whether it was told, and until when that holds.
    pub(crate) fn attribute(&self, place: usize) -> (Read, bool) {
        self.attribute_at(place, self.now)
    }

    /// An attribute at an instant that is not later than the question's.
    pub(crate) fn attribute_at(&self, place: usize, now: Timestamp) -> (Read, bool) {
        let Some((rule, kind)) = self.rules.attributes.get(place).and_then(|rule| Some((rule, rule.kinds.first()?))) else {
            return (Read::missing("?".into()), false);
        };
        let missing = || Read::missing(self.rules.sources.path(FactId(u32::try_from(place).unwrap_or(u32::MAX))));
        if rule.assurance > self.assurance {
            return (missing(), false);
        }
        if !rule.answers.is_empty() {
            return self.answered_at(rule, now, &missing);
        }
        let next = self.view.next_event(&[*kind], now);
        let (value, expires) = if rule.resolve == [Criterion::Latest] {
            // All that was told before is older, so it neither counts nor outlives the last.
            let told = self.view.last(*kind, now).filter(|row| self.reads(row.time()));
            let expires = told.and_then(|row| rule.ttl.map(|ttl| row.time().saturating_add_micros(ttl.micros())));
            (told.filter(|_| expires.is_none_or(|expires| now < expires)).and_then(|row| row.value(0)), expires)
        } else {
            let span = Span { after: self.readable(Span::lifetime(now)).after, until: now };
            let counts = rule.all_in(&self.view, span).into_iter().find(Told::counts);
            counts.map_or((None, None), |told| (told.value, told.expires))
        };
        if let Some(value) = value {
            return (Read::known(value).until(earlier(next, expires)), true);
        }
        (self.untold(rule, &missing).until(next), false)
    }

    /// When what counts of an attribute was told; `None` when nothing was, or for another fact.
    pub(super) fn told_at(&self, fact: FactId) -> Option<Timestamp> {
        let Some(Source::Attribute(place)) = self.rules.sources.source(fact) else { return None };
        let span = Span { after: self.readable(Span::lifetime(self.now)).after, until: self.now };
        let all = self.rules.attributes.get(place)?.all_in(&self.view, span);
        all.iter().find(|told| told.counts()).map(|told| told.row.time())
    }

    /// An attribute that events of the host tell too, as answers to a question.
    fn answered_at(&self, rule: &AttributeRule, now: Timestamp, missing: &dyn Fn() -> Read) -> (Read, bool) {
        let next = self.view.next_event(&rule.kinds, now);
        let span = Span { after: self.readable(Span::lifetime(now)).after, until: now };
        if let Some(hidden) = Facts::withheld(self, &rule.kinds) {
            return (Read::missing(hidden).until(next), false);
        }
        let counts = rule.all_in(&self.view, span).into_iter().find(Told::counts);
        // Of what was folded into totals the last may have been the answer.
        if let Some(folded) = Facts::folded(self, &rule.kinds, span, None) {
            let over = rule.ttl.is_some_and(|ttl| folded.last.saturating_add_micros(ttl.micros()) <= now);
            let later =
                rule.resolve == [Criterion::Latest] && counts.as_ref().is_some_and(|told| told.row.time() > folded.last);
            if !over && !later {
                return (Read::missing(folded.missing()).until(next), false);
            }
        }
        match counts.and_then(|told| Some((told.value?, told.expires))) {
            Some((value, expires)) => (Read::known(value).until(earlier(next, expires)), true),
            None => (self.untold(rule, missing).until(next), false),
        }
    }

    /// An attribute that was not told.
    fn untold(&self, rule: &AttributeRule, missing: &dyn Fn() -> Read) -> Read {
        // The default is for those of whom nothing was told, not for those of whom nothing may be read.
        match &rule.default {
            Some(value) if self.begins.is_none() => Read::known(value.clone()),
            _ => missing(),
        }
    }
}
