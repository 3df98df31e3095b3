use super::rules::JourneyRule;
use crate::context::{Rule, Sources};
use crate::error::{Diagnostic, Severity, nearest};
use crate::expr::{EventKind, PropertyId};
use crate::playbook::{Name, Today};
use crate::value::{Duration, Timestamp, Zone};
use chrono::{Datelike, Days, NaiveTime, Weekday};

/// A stage, or outside.
pub(crate) type Target = Option<u16>;

/// A condition with the place where its value is kept.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) slot: usize,
    pub(crate) rule: Rule,
}

/// What tells the instances of a journey apart.
#[derive(Debug)]
pub(crate) struct Key {
    /// The property.
    pub(crate) property: PropertyId,
    /// The event types that have it, sorted.
    pub(crate) kinds: Vec<EventKind>,
    /// How many may be open, and how many that ended are remembered.
    pub(crate) at_most: usize,
    /// Whether a condition reads events that have it.
    pub(crate) read: bool,
}

/// How customers come in.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) on: Vec<EventKind>,
    pub(crate) when: Option<Guard>,
    pub(crate) to: u16,
}

/// Leaving a stage at once.
#[derive(Debug)]
pub(crate) struct StageExit {
    pub(crate) on: Vec<EventKind>,
    pub(crate) when: Option<Guard>,
    pub(crate) unknown: bool,
    pub(crate) to: Target,
}

/// Waiting in a stage.
#[derive(Debug)]
pub(crate) struct Wait {
    pub(crate) length: Option<Duration>,
    pub(crate) at: Option<NaiveTime>,
    pub(crate) days: Option<u16>,
    pub(crate) weekday: Option<Weekday>,
    pub(crate) today: Today,
    pub(crate) until: Vec<EventKind>,
    pub(crate) reset_on: Vec<EventKind>,
    /// `None` for the branches.
    pub(crate) to: Option<Target>,
}

/// A way on.
#[derive(Debug)]
pub(crate) struct Branch {
    pub(crate) on: Vec<EventKind>,
    pub(crate) when: Option<Guard>,
    pub(crate) to: Target,
}

/// Back to where one dropped out.
#[derive(Debug)]
pub(crate) struct Back {
    pub(crate) on: Vec<EventKind>,
    pub(crate) when: Option<Guard>,
}

/// The stage of another journey in which this one runs.
#[derive(Debug)]
pub(crate) struct Outer {
    pub(crate) journey: usize,
    pub(crate) stage: u16,
    /// The stage that is entered with it.
    pub(crate) start: Option<u16>,
    /// To which stage of the other journey the ends of this one lead.
    pub(crate) ends: Vec<(u16, Target)>,
}

impl Wait {
    /// When it ends if nothing happens; `None` when only an event ends it.
    pub(crate) fn end(&self, from: Timestamp, zone: Zone) -> Option<Timestamp> {
        let after = self.length.map(|length| from.saturating_add_micros(length.micros()));
        let day = |days: u64| zone.date(from).checked_add_days(Days::new(days));
        let day = match (self.days, self.weekday) {
            (Some(days), _) => day(u64::from(days)),
            (None, Some(weekday)) => {
                if let Some(end) = self.end_today(weekday, from, zone) {
                    return Some(end);
                }
                (1..=7).filter_map(day).find(|day| day.weekday() == weekday)
            }
            (None, None) => None,
        };
        match (after, self.at) {
            (_, Some(at)) if day.is_some() => day.map(|day| zone.instant(day.and_time(at))),
            (after, None) => after,
            (after, Some(at)) => Some(next_time_of_day(after.unwrap_or(from), at, zone)),
        }
    }
}

impl Wait {
    /// When it ends on the day on which it begins, where that counts.
    fn end_today(&self, weekday: Weekday, from: Timestamp, zone: Zone) -> Option<Timestamp> {
        let today = zone.date(from);
        let end = zone.instant(today.and_time(self.at?));
        let counts = today.weekday() == weekday
            && match self.today {
                Today::Skip => false,
                Today::Ahead => end >= from,
                Today::Reached => true,
            };
        counts.then_some(end.max(from))
    }
}

/// The first instant not before another at which clocks of a zone show a time of day; when they jump over it, the instant at which
/// they do.
pub(crate) fn next_time_of_day(from: Timestamp, at: NaiveTime, zone: Zone) -> Timestamp {
    let mut day = zone.date(from);
    for _ in 0..3 {
        let instant = zone.instant(day.and_time(at));
        if instant >= from {
            return instant;
        }
        let Some(next) = day.succ_opt() else { break };
        day = next;
    }
    from
}

impl Key {
    pub(super) fn of(
        (name, path): (&Name, &str),
        at_most: usize,
        rule: &JourneyRule,
        sources: &Sources,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let schema = &sources.schema;
        let property = schema.property(&name.text);
        let mut kinds: Vec<EventKind> = Vec::new();
        for (kind, event) in (0..).map(EventKind).zip(schema.events()) {
            if property.is_some_and(|property| event.column(property).is_some()) {
                kinds.push(kind);
            }
        }
        match property {
            Some(property) if rule.kinds().any(|kind| kinds.contains(&kind)) => {
                let read = |rule: &Rule| rule.reads().events.iter().any(|kind| kinds.binary_search(kind).is_ok());
                let read = rule.conditions().any(read);
                Some(Key { property, kinds, at_most, read })
            }
            _ => {
                let known = schema
                    .events()
                    .iter()
                    .flat_map(|event| event.properties.iter())
                    .filter_map(|own| schema.property_name(own.id));
                let near = nearest(&name.text, known.map(|name| &**name));
                let hint = near.filter(|near| **near != *name.text).map(|near| format!("did you mean `{near}`?"));
                findings.push(Diagnostic {
                    code: "unknown_key",
                    severity: Severity::Error,
                    message: format!("no event that moves the journey has a property `{}`", name.text),
                    path: path.to_owned(),
                    place: Some(name.place.clone()),
                    hint: hint.or_else(|| Some("name a property of the events in `on`".to_owned())),
                    related: None,
                });
                None
            }
        }
    }
}
