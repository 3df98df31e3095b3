//! How many journeys a customer is in: caps of entries and of journeys at once, over several journeys together.

use super::contact::{Clock, Named};
use super::model::{Journey, Name};
use super::read::{At, Loader, Names};
use super::source::cut;
use crate::error::Place;
use crate::value::Window;
use std::sync::Arc;

/// A cap over journeys.
#[derive(Debug, Clone, PartialEq)]
pub struct JourneyCap {
    /// `name`, or `journey_caps.<n>`.
    pub name: Arc<str>,
    /// Where it stands.
    pub place: Place,
    /// `journeys`: those that count together and obey.
    pub journeys: Vec<Name>,
    /// `zone` and `unknown_zone`: by which clock.
    pub clock: Clock,
    /// What it limits.
    pub limit: JourneyLimit,
}

/// What a cap over journeys limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JourneyLimit {
    /// `at_once`: in how many a customer is.
    AtOnce(u32),
    /// `at_most` and `per`: how often a customer comes in.
    Entries(u32, Window),
}

impl Loader<'_> {
    pub(super) fn journey_caps(&mut self, root: &At<'_>, journeys: &[Journey], named: &Named<'_>) -> Vec<JourneyCap> {
        let Some(section) = root.get("journey_caps") else { return Vec::new() };
        let mut seen = Names::new();
        let mut caps = Vec::new();
        for at in section.items() {
            let name = at.text("name").unwrap_or_else(|| Arc::from(&*at.path));
            if !seen.insert(name.clone()) {
                let place = at.get("name").unwrap_or_else(|| at.clone());
                self.error("duplicate_name", &place, format!("two caps of journeys are called `{}`", cut(&name)), None);
            }
            let (own, limit) = (self.capped(&at, journeys), self.journey_limit(&at, named));
            let clock = self.clock(&at, named);
            if let Some(limit) = limit {
                caps.push(JourneyCap { name, place: self.findings.place(at.spot), journeys: own, clock, limit });
            }
        }
        caps
    }

    /// The journeys that a cap names: those that customers come into by themselves, one walk at a time.
    fn capped(&mut self, at: &At<'_>, journeys: &[Journey]) -> Vec<Name> {
        let inner = |name: &str| {
            let stages = journeys.iter().flat_map(|journey| &journey.stages);
            stages.filter_map(|stage| stage.inner.as_ref()).any(|inner| *inner.journey.text == *name)
        };
        if at.get("journeys").is_none() {
            let alone = journeys.iter().filter(|journey| journey.key.is_none() && !inner(&journey.name.text));
            return alone.map(|journey| journey.name.clone()).collect();
        }
        let known: Names = journeys.iter().map(|journey| journey.name.text.clone()).collect();
        let named = self.references(at, "journeys", "journey", &known);
        for name in &named {
            let keyed = journeys.iter().any(|journey| journey.name.text == name.text && journey.key.is_some());
            let place = at.get("journeys").unwrap_or_else(|| at.clone());
            let (why, hint) = match (keyed, inner(&name.text)) {
                (true, _) => ("has a `key`", "its own `at_most` limits how many are open at once"),
                (_, true) => ("is inside of another", "name the journey around it"),
                _ => continue,
            };
            let message = format!("journey `{}` {why}, so that it is not counted with others", cut(&name.text));
            self.error("contradiction", &place, message, Some(hint.to_owned()));
        }
        named
    }

    fn journey_limit(&mut self, at: &At<'_>, named: &Named<'_>) -> Option<JourneyLimit> {
        if at.get("at_once").is_some() {
            return at.number("at_once").map(JourneyLimit::AtOnce);
        }
        let place = at.get("per")?;
        let per = self.window(&place, named.week_begins)?;
        if per == Window::Session {
            let message = "sessions end when nothing happens, journeys go on: nothing of these is counted in a session";
            self.error("contradiction", &place, message.to_owned(), Some("such as `per: day`".to_owned()));
            return None;
        }
        Some(JourneyLimit::Entries(at.number("at_most")?, per))
    }
}
