//! The checker's part about units of the calendar: `"day"`, `"week"`, `"month"`, the day on which a week begins and the zone.

use super::ast::{Kind, NodeId};
use super::check::Checker;
use super::finding::Finding;
use super::stream::Calendar;
use crate::error::nearest;
use crate::value::{Unit, Value, Zone};
use chrono::Weekday;
use std::sync::Arc;

/// The days of the week as rules write them.
const DAYS: [(&str, Weekday); 7] = [
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

/// Whether a text names a unit of the calendar.
pub(super) fn is_unit(text: &str) -> bool {
    matches!(text, "day" | "week" | "month") || days(text).is_some()
}

/// So many days of the calendar may a window have.
const MOST_DAYS: u16 = 3_660;

/// How many days `days(4)` has.
fn days(text: &str) -> Option<u16> {
    let days = text.strip_prefix("days(")?.strip_suffix(')')?.trim().parse().ok()?;
    (1..=MOST_DAYS).contains(&days).then_some(days)
}

impl Checker<'_> {
    /// `"week"`, `"days(4)"`, or `"week", "sunday", "UTC"`: a unit, then in any order the first day of the week and a zone.
    pub(super) fn calendar(&mut self, unit: NodeId, further: &[NodeId]) -> Option<Calendar> {
        let text = self.literal_text(unit);
        let before = text.as_deref().and_then(days).map_or(0, |days| days - 1);
        let mut unit = match text.as_deref() {
            Some("day") => Unit::Day,
            Some(text) if days(text).is_some() => Unit::Day,
            Some("week") => Unit::Week { first_day: self.schema.map_or(Weekday::Mon, super::Schema::first_day) },
            Some("month") => Unit::Month,
            _ => return None,
        };
        let mut zone = None;
        let mut good = true;
        for arg in further {
            let Some(text) = self.literal_text(*arg) else {
                let message = "the first day of the week and the zone are written as texts, such as `\"sunday\"` or `\"UTC\"`";
                self.report(Finding::error("bad_call", self.extent(*arg), message));
                good = false;
                continue;
            };
            if let Some((_, day)) = DAYS.iter().find(|(name, _)| *name == &*text) {
                match &mut unit {
                    Unit::Week { first_day } => *first_day = *day,
                    Unit::Day | Unit::Month => {
                        let message = "only a week begins on a day that can be chosen";
                        self.report(Finding::error("bad_call", self.extent(*arg), message));
                        good = false;
                    }
                }
                continue;
            }
            zone = match (&*text, Zone::parse(&text)) {
                ("customer", _) => None,
                ("playbook", _) => Some(self.schema.map_or(Zone::UTC, super::Schema::time_zone)),
                (_, Ok(zone)) => Some(zone),
                (_, Err(_)) => {
                    let message = format!("`{text}` is neither a day of the week nor a time zone");
                    let words = DAYS.iter().map(|(name, _)| *name).chain(["customer", "playbook", "UTC"]);
                    let zones = chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name());
                    let hint = match nearest(&text.to_ascii_lowercase(), words.clone()).or_else(|| nearest(&text, zones)) {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => "write a day such as `sunday`, or `customer`, `playbook`, `UTC`, `Europe/Berlin`".to_string(),
                    };
                    self.report(Finding::error("bad_call", self.extent(*arg), message).hint(hint));
                    good = false;
                    None
                }
            };
        }
        self.reads.zone |= zone.is_none();
        good.then_some(Calendar { unit, before, zone })
    }

    fn literal_text(&self, id: NodeId) -> Option<Arc<str>> {
        match &self.tree.node(id).kind {
            Kind::Literal(Value::String(text)) => Some(text.clone()),
            _ => None,
        }
    }
}
