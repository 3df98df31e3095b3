//! Preferences: what a customer likes and dislikes, with strength and number of observations.

use super::evidence::fade;
use super::{Context, earlier};
use crate::expr::{Answer, EventKind, EventRow, FactId, Facts, PropertyId};
use crate::playbook;
use crate::value::{Duration, Moment, Timestamp, Value};
use chrono::{Datelike, Timelike};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A compiled preference.
#[derive(Debug)]
pub(crate) struct PreferenceRule {
    /// What tells of it.
    pub(crate) from: Vec<PreferenceFrom>,
    /// All event types of `from`, each once.
    pub(crate) kinds: Vec<EventKind>,
    /// After which an event counts half.
    pub(crate) half_life: Option<Duration>,
    /// How far back events count; all of them without it.
    pub(crate) within: Option<Duration>,
    /// The weight of not knowing.
    pub(crate) prior: f64,
    /// Observations of a value before anything is said about it.
    pub(crate) at_least: u64,
    /// The strength from which on a value is liked.
    pub(crate) liked: f64,
    /// The strength up to which a value is disliked.
    pub(crate) disliked: f64,
    /// Limits between bands of numbers, ascending.
    pub(crate) bands: Vec<(f64, Arc<str>)>,
    /// What values count as.
    pub(crate) groups: BTreeMap<Arc<str>, Arc<str>>,
    /// The fact with what the customer said they like.
    pub(crate) stated: Option<FactId>,
    /// The fact with what the customer said they dislike.
    pub(crate) stated_dislikes: Option<FactId>,
}

/// Compiled events that tell of a preference.
#[derive(Debug)]
pub(crate) struct PreferenceFrom {
    /// The event types.
    pub(crate) kinds: Vec<EventKind>,
    /// What of them is counted.
    pub(crate) read: Trait,
    /// What an event counts.
    pub(crate) weight: f64,
}

/// What of an event tells of a preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trait {
    /// A property.
    Property(PropertyId),
    /// The channel.
    Channel,
    /// The day of the week.
    Weekday,
    /// The hour of the day.
    Hour,
}

impl Trait {
    /// The property that it reads.
    pub(crate) fn property(self) -> Option<PropertyId> {
        if let Trait::Property(property) = self { Some(property) } else { None }
    }

    /// Whether it depends on the customer's zone.
    pub(crate) fn is_in_zone(self) -> bool {
        matches!(self, Trait::Weekday | Trait::Hour)
    }
}

/// What is known of a preference at an instant.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Preferences {
    /// Values with what is known of each: what was stated first, then the strongest first, equal ones by value.
    pub(crate) values: Vec<Liking>,
    /// How many events told of it.
    pub(crate) observations: u64,
    /// Until when that holds while no event arrives.
    pub(crate) until: Option<Timestamp>,
    /// The events that would have to be read and are gone; only what was stated is known then.
    pub(crate) gone: Option<Arc<str>>,
}

/// How much a value is liked.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Liking {
    /// The value.
    pub(crate) value: Arc<str>,
    /// From -1 (disliked) to 1 (liked).
    pub(crate) strength: f64,
    /// How many events told of it.
    pub(crate) observations: u64,
    /// Whether the customer said so themselves.
    pub(crate) stated: bool,
    /// Whether it counts as liked (`Some(true)`), as disliked (`Some(false)`), or as neither.
    pub(crate) liked: Option<bool>,
}

#[derive(Default)]
struct Tally {
    net: f64,
    gross: f64,
    observations: u64,
}

impl PreferenceRule {
    /// What is known at the context's instant.
    ///
    /// The strength of a value is the sum of the faded weights of its events, divided by the sum of their amounts and the
    /// prior weight: few observations say little, and contradictory ones too. Sums run in the order of the story.
    pub(super) fn read(&self, context: &Context<'_>) -> Preferences {
        let mut tallies: BTreeMap<Arc<str>, Tally> = BTreeMap::new();
        let (mut observations, mut until) = (0, context.next_event(&self.kinds));
        let span = super::need::within(self.within, context.now());
        let gone = context.gone(&self.kinds, span);
        let mut first: Option<Timestamp> = None;
        context.events(&self.kinds, span, &mut |event| {
            first = first.or(Some(event.time()));
            for from in self.from.iter().filter(|from| from.kinds.contains(&event.kind())) {
                let values = self.values(from.read, event, context);
                if values.is_empty() {
                    continue;
                }
                observations += 1;
                let weight = from.weight * self.half_life.map_or(1.0, |half_life| fade(context, event.time(), half_life));
                for value in values {
                    let tally = tallies.entry(value).or_default();
                    tally.net += weight;
                    tally.gross += weight.abs();
                    tally.observations += 1;
                }
            }
            ControlFlow::Continue(())
        });
        // The first of them is the first to be too long ago; what is gone is not gone from the window before its last.
        let leaves = |at: Timestamp| self.within.map(|length| at.saturating_add_micros(length.micros()));
        until = earlier(until, gone.as_ref().map(|(_, last)| *last).or(first).and_then(leaves));
        let gone = gone.map(|(gone, _)| gone);
        if self.half_life.is_some() && !tallies.is_empty() {
            until = earlier(until, context.next_on_grid());
        }
        let mut values: Vec<Liking> = Vec::new();
        for (fact, liked) in [(self.stated, true), (self.stated_dislikes, false)] {
            let Some(read) = fact.map(|fact| Facts::fact(context, fact)) else { continue };
            until = earlier(until, read.until);
            let Answer::Known(value) = read.value else { continue };
            for value in self.texts(&value) {
                let known = values.iter_mut().find(|known| known.value == value);
                match known {
                    // Said to be liked and to be disliked: the later word counts.
                    Some(known) if self.dislikes_are_later(context) => (known.strength, known.liked) = (-1.0, Some(false)),
                    Some(_) => {}
                    None => {
                        let observations = tallies.get(&value).map_or(0, |tally| tally.observations);
                        let strength = if liked { 1.0 } else { -1.0 };
                        values.push(Liking { value, strength, observations, stated: true, liked: Some(liked) });
                    }
                }
            }
        }
        if gone.is_some() {
            return Preferences { values, observations, until, gone };
        }
        let stated = values.len();
        for (value, tally) in tallies {
            if values.iter().take(stated).any(|known| known.value == value) {
                continue;
            }
            let whole = tally.gross + self.prior;
            let strength = if whole > 0.0 && whole.is_finite() { tally.net / whole } else { 0.0 };
            let enough = tally.observations >= self.at_least;
            let liked = match strength {
                strength if enough && strength >= self.liked && strength > 0.0 => Some(true),
                strength if enough && strength <= self.disliked && strength < 0.0 => Some(false),
                _ => None,
            };
            values.push(Liking { value, strength, observations: tally.observations, stated: false, liked });
        }
        if let Some(derived) = values.get_mut(stated..) {
            derived.sort_by(|a, b| {
                b.strength.total_cmp(&a.strength).then(b.observations.cmp(&a.observations)).then_with(|| a.value.cmp(&b.value))
            });
        }
        Preferences { values, observations, until, gone }
    }

    /// Whether what the customer dislikes was told later than what they like, or at the same instant: of two words at once the one that
    /// keeps offers away counts. What was told counts as later than a default.
    fn dislikes_are_later(&self, context: &Context<'_>) -> bool {
        let told = |fact: Option<FactId>| fact.and_then(|fact| context.told_at(fact));
        told(self.stated_dislikes) >= told(self.stated)
    }

    /// What an event tells of, each value once.
    fn values(&self, read: Trait, event: &dyn EventRow, context: &Context<'_>) -> Vec<Arc<str>> {
        let local = || Facts::zone(context).map(|zone| zone.local(Moment::from(event.time())));
        let value = match read {
            Trait::Property(property) => return event.property(property).map_or_else(Vec::new, |value| self.texts(&value)),
            Trait::Channel => event.channel(),
            Trait::Weekday => {
                local().map(|local| Arc::from(playbook::Trait::weekday(local.weekday().num_days_from_monday() as usize)))
            }
            Trait::Hour => local().map(|local| Arc::from(local.hour().to_string())),
        };
        value.map(|value| self.grouped(value)).into_iter().collect()
    }

    /// A value as texts: each element of a list, numbers by their band.
    fn texts(&self, value: &Value) -> Vec<Arc<str>> {
        let one = |value: &Value| match value {
            Value::String(text) => self.grouped(text.clone()),
            value => self.grouped(self.band(value).unwrap_or_else(|| crate::expr::value_text(value).into())),
        };
        match value {
            Value::List(list) => {
                let mut texts: Vec<Arc<str>> = list.iter().map(one).collect();
                texts.sort();
                texts.dedup();
                texts
            }
            value => vec![one(value)],
        }
    }

    fn grouped(&self, value: Arc<str>) -> Arc<str> {
        self.groups.get(&value).cloned().unwrap_or(value)
    }

    /// The band that a number falls in; `None` without bands.
    fn band(&self, value: &Value) -> Option<Arc<str>> {
        let number = super::unusual::number(value)?;
        let place = self.bands.partition_point(|(limit, _)| *limit <= number);
        let name = |at: usize| self.bands.get(at).map(|(_, name)| name);
        Some(match (place.checked_sub(1).and_then(name), name(place)) {
            (None, None) => return None,
            (None, Some(high)) => format!("<{high}").into(),
            (Some(low), Some(high)) => format!("{low}-{high}").into(),
            (Some(low), None) => format!(">={low}").into(),
        })
    }
}

impl Preferences {
    /// The values that are liked, or disliked, as a list of texts, the strongest first.
    pub(crate) fn list(&self, liked: bool) -> Value {
        let chosen = |value: &&Liking| value.liked == Some(liked);
        let text = |value: &Liking| Value::String(value.value.clone());
        let mut values: Vec<Value> = self.values.iter().filter(chosen).map(text).collect();
        if !liked {
            // Derived values are sorted by strength, so the most disliked stand last.
            let stated = self.values.iter().filter(chosen).take_while(|value| value.stated).count();
            if let Some(derived) = values.get_mut(stated..) {
                derived.reverse();
            }
        }
        Value::List(values.into())
    }

    /// The value that is liked most: stated, or with the largest strength above zero among those that were seen often enough.
    pub(crate) fn top(&self) -> Option<Arc<str>> {
        self.values.iter().find(|value| value.liked == Some(true)).map(|value| value.value.clone())
    }
}
