//! The contact policy: caps and pauses.

use super::model::{ContactRule, Name, Scope};
use super::read::{At, Loader, Names};
use super::relations::Relation;
use super::source::cut;
use crate::error::nearest;
use crate::value::{Unit, Window};
use std::sync::Arc;

/// The subject of a cap that counts whoever it was.
pub(crate) const ALL_CUSTOMERS: &str = "all customers";

const SCOPES: [&str; 4] = ["offer", "placement", "channel", "everything"];
const WINDOWS: [&str; 6] = ["rolling 7d", "day", "week", "month", "session", "lifetime"];

impl Loader<'_> {
    pub(super) fn contact(&mut self, root: &At<'_>, relations: &[Relation]) -> Vec<ContactRule> {
        let Some(section) = root.get("contact") else { return Vec::new() };
        let mut seen = Names::new();
        let mut rules = Vec::new();
        for at in section.items() {
            let name = at.text("name").unwrap_or_else(|| Arc::from(&*at.path));
            if !seen.insert(name.clone()) {
                let place = at.get("name").unwrap_or_else(|| at.clone());
                self.error("duplicate_name", &place, format!("two contact rules are called `{}`", cut(&name)), None);
            }
            rules.extend(self.contact_rule(name, &at, relations));
        }
        rules
    }

    fn contact_rule(&mut self, name: Arc<str>, at: &At<'_>, relations: &[Relation]) -> Option<ContactRule> {
        let scope = at.get("scope").and_then(|at| self.scope(&at));
        if at.get("after").is_some() || at.get("pause").is_some() {
            let pause = self.duration_of(at, "pause");
            let after = self.outcome(&at.get("after")?)?;
            return Some(ContactRule::Pause { name, after, scope: scope?, pause: pause? });
        }
        let per = at.get("per").and_then(|at| self.window(&at));
        let subject = self.subject(at, relations);
        if let (Some(_), Some(Window::Session), Some(place)) = (&subject, per, at.get("per")) {
            self.error(
                "contradiction",
                &place,
                "a session is of one customer, so nothing is counted in it for others".to_owned(),
                None,
            );
        }
        let count = self.outcome(&at.get("count")?)?;
        Some(ContactRule::Cap { name, count, scope: scope?, at_most: at.number("at_most")?, per: per?, subject })
    }

    /// With whom a customer's contacts are counted; `None` for the customer alone.
    fn subject(&mut self, at: &At<'_>, relations: &[Relation]) -> Option<Name> {
        let at = at.get("subject").filter(|at| at.node.text().is_none_or(|text| **text != *"customer"))?;
        if at.node.text().is_some_and(|text| **text == *ALL_CUSTOMERS) {
            return self.outcome(&at);
        }
        let known: Names = relations.iter().filter(|one| one.group.is_some()).map(|one| one.name.text.clone()).collect();
        self.reference(&at, "relation with a group", &known)
    }

    pub(super) fn outcome(&self, at: &At<'_>) -> Option<Name> {
        Some(Name { text: at.node.text()?.clone(), place: self.findings.place(at.node.spot) })
    }

    fn scope(&mut self, at: &At<'_>) -> Option<Scope> {
        let text = at.node.text()?.clone();
        let only = text.strip_prefix("channel(").and_then(|rest| rest.strip_suffix(')')).map(str::trim);
        match (&*text, only) {
            ("offer", _) => Some(Scope::Offer),
            ("placement", _) => Some(Scope::Placement),
            ("channel", _) => Some(Scope::Channel(None)),
            ("everything", _) => Some(Scope::Everything),
            (_, Some(channel)) => self.channel(channel, at.node.spot, &at.path).map(|channel| Scope::Channel(Some(channel))),
            _ => {
                let message = format!(
                    "expected `offer`, `placement`, `channel`, `channel(<name>)` or `everything`, found `{}`",
                    cut(&text)
                );
                let hint = nearest(&text, SCOPES).map(|near| format!("did you mean `{near}`?"));
                self.error("wrong_word", at, message, hint);
                None
            }
        }
    }

    pub(super) fn window(&mut self, at: &At<'_>) -> Option<Window> {
        let text = at.node.text()?.clone();
        Some(match &*text {
            "day" => Window::Calendar(Unit::Day),
            "week" => Window::Calendar(Unit::Week { first_day: chrono::Weekday::Mon }),
            "month" => Window::Calendar(Unit::Month),
            "session" => Window::Session,
            "lifetime" => Window::Lifetime,
            _ => {
                if let Some(length) = text.strip_prefix("rolling ") {
                    return self.duration(at, length.trim()).map(Window::Rolling);
                }
                let hint = match crate::value::Duration::parse(&text) {
                    Ok(_) => Some(format!("did you mean `rolling {text}`?")),
                    Err(_) => nearest(&text, WINDOWS).map(|near| format!("did you mean `{near}`?")),
                };
                let expected = "`rolling <duration>`, `day`, `week`, `month`, `session` or `lifetime`";
                self.error("wrong_word", at, format!("expected {expected}, found `{}`", cut(&text)), hint);
                return None;
            }
        })
    }
}
