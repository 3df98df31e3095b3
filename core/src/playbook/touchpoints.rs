//! Where customers and brand meet, and what is planned for them there: the section `touchpoints`, and the `plan` of a journey.

use super::labels::DataKind;
use super::model::Name;
use super::read::{At, Loader, Names};
use crate::value::Duration;
use std::sync::Arc;

/// A place where customers and brand meet.
#[derive(Debug, Clone, PartialEq)]
pub struct Touchpoint {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `channel`: events that came through another channel are not attributed to it; any when not declared.
    pub channel: Option<Name>,
    /// `purpose`: what it is for.
    pub purpose: Option<Name>,
    /// `partner`: who owns it; `None` for an own one.
    pub partner: Option<Arc<str>>,
    /// `discloses`: which kinds of data may be told there; `None` for any.
    pub discloses: Option<Vec<DataKind>>,
    /// `events`: which come back from it.
    pub events: Vec<Name>,
    /// `delay`: how late they come at most.
    pub delay: Option<Duration>,
    /// `cost`: of one contact, in the currency of the organisation.
    pub cost: Option<f64>,
    /// `control`: `full`, `shared` or `none`.
    pub control: Arc<str>,
}

/// What is planned for a segment in a stage.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Cell {
    /// `goal`.
    pub goal: Option<Arc<str>>,
    /// `pain_point`.
    pub pain_point: Option<Arc<str>>,
    /// `selling_point`.
    pub selling_point: Option<Arc<str>>,
    /// `wording`.
    pub wording: Option<Arc<str>>,
    /// `stay`: half are to stay no longer; at least so long where a long stay is good.
    pub stay: Option<Duration>,
    /// `goes_on`: the share, above 0 and below 1, that is to come to the next stage.
    pub goes_on: Option<f64>,
}

/// What is planned for one segment, or for everyone.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The segment; `None` for everyone.
    pub segment: Option<Name>,
    /// By stage.
    pub cells: Vec<(Name, Cell)>,
}

/// In a plan: customers of any segment.
pub(super) const EVERYONE: &str = "everyone";

impl Loader<'_> {
    pub(super) fn touchpoints(&mut self, root: &At<'_>) -> Vec<Touchpoint> {
        let Some(section) = root.get("touchpoints") else { return Vec::new() };
        let (channels, purposes, events) =
            (self.declared.channels.clone(), self.declared.purposes.clone(), self.declared.events.clone());
        let mut touchpoints = Vec::new();
        for (name, at) in self.named(&section, "a touchpoint") {
            let discloses = at.get("discloses").map(|kinds| {
                let kinds = kinds.one_or_more().into_iter().filter_map(|kind| DataKind::named(kind.node.text()?));
                kinds.collect()
            });
            touchpoints.push(Touchpoint {
                title: at.text("title"),
                channel: at.get("channel").and_then(|at| self.reference(&at, "channel", &channels)),
                purpose: at.get("purpose").and_then(|at| self.reference(&at, "purpose", &purposes)),
                partner: at.text("partner"),
                discloses,
                events: self.references(&at, "events", "event type", &events),
                delay: self.duration_of(&at, "delay"),
                cost: at.number("cost"),
                control: at.text("control").unwrap_or_else(|| Arc::from("full")),
                name,
            });
        }
        touchpoints
    }

    pub(super) fn plan(&mut self, journey: &At<'_>, stages: &Names, segments: &Names) -> Vec<Plan> {
        let mut plans = Vec::new();
        for at in journey.get("plan").iter().flat_map(At::children).collect::<Vec<_>>() {
            let segment = Name { text: at.key.clone(), place: self.findings.place(at.spot) };
            let everyone = &*at.key == EVERYONE;
            if !everyone && !segments.contains(&at.key) {
                let near = crate::error::nearest(&at.key, segments.iter().map(|name| &**name));
                let hint = near.map_or_else(
                    || format!("declare it in `segments`, or plan for `{EVERYONE}`"),
                    |near| format!("did you mean `{near}`?"),
                );
                let message = format!("unknown segment `{}`", super::source::cut(&at.key));
                self.error_at_key("unknown_name", &at, message, Some(hint));
                continue;
            }
            let mut cells = Vec::new();
            for cell in at.children().collect::<Vec<_>>() {
                if !stages.contains(&cell.key) {
                    let near = crate::error::nearest(&cell.key, stages.iter().map(|name| &**name));
                    let message = format!("unknown stage `{}`", super::source::cut(&cell.key));
                    self.error_at_key("unknown_name", &cell, message, near.map(|near| format!("did you mean `{near}`?")));
                    continue;
                }
                if let (Some(goes_on), false) = (cell.get("goes_on"), goes_on(journey, &cell.key)) {
                    let message = format!("no stage comes after `{}` to which customers could go on", cell.key);
                    let hint = "leave `goes_on` out, or plan it for an earlier stage".to_owned();
                    self.error_at_key("contradiction", &goes_on, message, Some(hint));
                }
                let stage = Name { text: cell.key.clone(), place: self.findings.place(cell.spot) };
                let planned = Cell {
                    goal: cell.text("goal"),
                    pain_point: cell.text("pain_point"),
                    selling_point: cell.text("selling_point"),
                    wording: cell.text("wording"),
                    stay: self.duration_of(&cell, "stay"),
                    goes_on: cell.number("goes_on"),
                };
                cells.push((stage, planned));
            }
            plans.push(Plan { segment: (!everyone).then_some(segment), cells });
        }
        plans
    }
}

/// Whether customers of a stage can go on to a next one. Stages of which nothing is known and those of the lost are nobody's next stage.
fn goes_on(journey: &At<'_>, stage: &str) -> bool {
    let stages: Vec<At<'_>> = journey.get("stages").iter().flat_map(At::children).collect();
    let mut rest = stages.iter().skip_while(|at| *at.key != *stage);
    let lost = rest.next().is_some_and(|at| at.flag("drop_out"));
    !lost && rest.any(|at| !at.flag("drop_out") && at.get("no_data").is_none())
}
