//! What customers like and dislike, what is unusual for them, and which of their facts are watched.

use super::labels::Labels;
use super::model::{Name, Text};
use super::read::{At, Loader};
use super::tree::Content;
use crate::value::Duration;
use std::sync::Arc;

/// A preference, concluded from events, what the customer stated first.
#[derive(Debug, Clone, PartialEq)]
pub struct Preference {
    /// Its name; expressions read `preference("<name>").liked`, `.disliked`, `.top` and `.observations`.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `from`: the events that tell of it.
    pub from: Vec<PreferenceSource>,
    /// `half_life`: after which an event counts half; for ever the same when not declared.
    pub half_life: Option<Duration>,
    /// `within`: how far back events count; all of them when not declared.
    pub within: Option<Duration>,
    /// `prior`: the weight of not knowing; strengths are relative to it. At least 0.
    pub prior: f64,
    /// `at_least`: observations of a value before anything is said about it.
    pub at_least: u32,
    /// `liked`: the strength from which on a value is liked.
    pub liked: f64,
    /// `disliked`: the strength up to which a value is disliked; below 0.
    pub disliked: f64,
    /// `bands`: numbers fall between these limits, ascending; empty for values as they are.
    pub bands: Vec<(f64, Arc<str>)>,
    /// `groups`: what a value counts as.
    pub groups: Vec<(Arc<str>, Vec<Arc<str>>)>,
    /// `stated`: an attribute with what the customer said they like.
    pub stated: Option<Name>,
    /// `stated_dislikes`: an attribute with what the customer said they dislike.
    pub stated_dislikes: Option<Name>,
    /// What may be done with it.
    pub labels: Labels,
}

/// Events that tell of a preference.
#[derive(Debug, Clone, PartialEq)]
pub struct PreferenceSource {
    /// `on`: the event types.
    pub on: Vec<Name>,
    /// What of them is counted.
    pub read: Trait,
    /// `weight`: below 0 speaks against.
    pub weight: f64,
}

/// What of an event tells of a preference.
#[derive(Debug, Clone, PartialEq)]
pub enum Trait {
    /// `property`: its value; each element of a list.
    Property(Name),
    /// `read: channel`: the channel it came through.
    Channel,
    /// `read: weekday`: `monday` to `sunday` in the customer's zone.
    Weekday,
    /// `read: hour`: `0` to `23` in the customer's zone.
    Hour,
}

/// Something unusual, measured against the customer's own history.
#[derive(Debug, Clone, PartialEq)]
pub struct Unusual {
    /// Its name; expressions read `unusual("<name>")`.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `test`.
    pub test: UnusualTest,
    /// `on`: the event types.
    pub on: Vec<Name>,
    /// `property`: for a shift or a level.
    pub property: Option<Name>,
    /// `recent`: how many of the latest are compared with those before.
    pub recent: u32,
    /// `history`: how many earlier gaps or values are compared with at most; all of them when not declared, for a level 40.
    pub history: Option<u32>,
    /// `at_least`: earlier gaps or values that are needed.
    pub at_least: u32,
    /// `false_alarm`: how often the test is wrong when nothing is unusual.
    pub false_alarm: f64,
    /// What may be done with it.
    pub labels: Labels,
}

/// How something unusual is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnusualTest {
    /// `silence`: nothing happened for longer than the customer's gaps explain.
    Silence,
    /// `burst`: events follow each other faster.
    Burst,
    /// `shift`: the values differ from the usual one.
    Shift,
    /// `higher`: the values are higher.
    Higher,
    /// `lower`: the values are lower.
    Lower,
}

impl UnusualTest {
    /// The names in playbooks.
    pub const WORDS: [&'static str; 5] = ["silence", "burst", "shift", "higher", "lower"];

    /// The name in playbooks and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            UnusualTest::Silence => "silence",
            UnusualTest::Burst => "burst",
            UnusualTest::Shift => "shift",
            UnusualTest::Higher => "higher",
            UnusualTest::Lower => "lower",
        }
    }

    fn named(word: &str) -> Self {
        match word {
            "burst" => UnusualTest::Burst,
            "shift" => UnusualTest::Shift,
            "higher" => UnusualTest::Higher,
            "lower" => UnusualTest::Lower,
            _ => UnusualTest::Silence,
        }
    }
}

/// A fact whose changes are told as effects.
#[derive(Debug, Clone, PartialEq)]
pub struct Watch {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `value`: what is watched.
    pub value: Text,
}

const WEEKDAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];

impl Trait {
    /// The name of a day of the week, Monday being 0.
    #[must_use]
    pub fn weekday(day: usize) -> &'static str {
        WEEKDAYS.get(day).copied().unwrap_or("sunday")
    }
}

impl Loader<'_> {
    pub(super) fn preferences(&mut self, root: &At<'_>) -> Vec<Preference> {
        let Some(section) = root.get("preferences") else { return Vec::new() };
        let named = self.named(&section, "a preference");
        named.into_iter().map(|(name, at)| self.preference(name, &at)).collect()
    }

    fn preference(&mut self, name: Name, at: &At<'_>) -> Preference {
        let mut from = Vec::new();
        for source in at.get("from").iter().flat_map(At::items) {
            from.extend(self.preference_source(&source));
        }
        let known = self.declared.attributes.clone();
        let stated = at.get("stated").and_then(|at| self.reference(&at, "attribute", &known));
        let stated_dislikes = at.get("stated_dislikes").and_then(|at| self.reference(&at, "attribute", &known));
        if from.is_empty() && stated.is_none() && at.get("from").is_none_or(|at| at.node.items().is_empty()) {
            let hint = "write `from: [{on: purchase, property: brand, weight: 1}]`".to_owned();
            self.error_at_key("empty", at, format!("preference `{}` is told by nothing", name.text), Some(hint));
        }
        let bands = self.bands(at);
        let section = at.get("groups");
        let groups = section
            .iter()
            .flat_map(At::children)
            .map(|group| (group.key.clone(), group.one_or_more().iter().filter_map(|at| at.node.text().cloned()).collect()));
        let groups = groups.collect();
        Preference {
            name,
            title: at.text("title"),
            from,
            half_life: self.duration_of(at, "half_life"),
            within: self.duration_of(at, "within"),
            prior: at.number("prior").unwrap_or(1.0),
            at_least: at.number("at_least").unwrap_or(2),
            liked: at.number("liked").unwrap_or(0.2),
            disliked: at.number("disliked").unwrap_or(-0.2),
            bands,
            groups,
            stated,
            stated_dislikes,
            labels: self.labels(at),
        }
    }

    fn preference_source(&mut self, at: &At<'_>) -> Option<PreferenceSource> {
        let known = self.declared.events.clone();
        let on = self.references(at, "on", "event type", &known);
        let property = at.get("property").and_then(|at| self.name_of(&at));
        let read = match (property, at.text("read").as_deref()) {
            (Some(property), None) => Trait::Property(property),
            (None, Some("channel")) => Trait::Channel,
            (None, Some("weekday")) => Trait::Weekday,
            (None, Some(_)) => Trait::Hour,
            _ => {
                let hint = "write `property: <property>`, or `read: channel`, `weekday` or `hour`".to_owned();
                self.error_at_key("missing_key", at, "expected either `property` or `read`".to_owned(), Some(hint));
                return None;
            }
        };
        Some(PreferenceSource { on, read, weight: at.number("weight").unwrap_or(1.0) })
    }

    /// Ascending limits, each with its source text.
    fn bands(&mut self, at: &At<'_>) -> Vec<(f64, Arc<str>)> {
        let mut bands: Vec<(f64, Arc<str>)> = Vec::new();
        for at in at.get("bands").iter().flat_map(At::items) {
            let Content::Number(text) = &at.node.content else { continue };
            let Ok(limit) = text.parse::<f64>() else { continue };
            if bands.last().is_some_and(|(last, _)| *last >= limit) {
                self.error("bad_number", &at, format!("bands ascend, but `{text}` is not above the one before"), None);
            }
            bands.push((limit, text.clone()));
        }
        bands
    }

    pub(super) fn unusual(&mut self, root: &At<'_>) -> Vec<Unusual> {
        let Some(section) = root.get("unusual") else { return Vec::new() };
        let mut list = Vec::new();
        for (name, at) in self.named(&section, "something unusual") {
            let known = self.declared.events.clone();
            let test = UnusualTest::named(&at.text("test").unwrap_or_default());
            let on = self.references(&at, "on", "event type", &known);
            let property = at.get("property").and_then(|at| self.name_of(&at));
            let wants = matches!(test, UnusualTest::Shift | UnusualTest::Higher | UnusualTest::Lower);
            if wants && property.is_none() {
                let message = format!("a test for `{}` needs `property`, the values that are compared", test.name());
                self.error_at_key("missing_key", &at, message, None);
            }
            if let (false, Some(place)) = (wants, at.get("property")) {
                let message = format!("a test for `{}` looks at instants, not at a property", test.name());
                self.error_at_key("no_effect", &place, message, None);
            }
            list.push(Unusual {
                name,
                title: at.text("title"),
                test,
                on,
                property,
                recent: at.number("recent").unwrap_or(4),
                history: at.number("history"),
                at_least: at.number("at_least").unwrap_or(5),
                false_alarm: at.number("false_alarm").unwrap_or(0.01),
                labels: self.labels(&at),
            });
        }
        list
    }

    pub(super) fn watches(&mut self, root: &At<'_>) -> Vec<Watch> {
        let Some(section) = root.get("watches") else { return Vec::new() };
        let named = self.named(&section, "a watch");
        let read = |(name, at): (Name, At<'_>)| {
            let value = self.rule(&at).or_else(|| self.rule_of(&at, "value"))?;
            Some(Watch { name, title: at.text("title"), value })
        };
        named.into_iter().filter_map(read).collect()
    }
}
