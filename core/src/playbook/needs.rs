//! What customers are after: needs, the problems that lead to them, searches, intents of a session.

use super::labels::Labels;
use super::model::{Name, Persona, Text};
use super::read::{At, Loader, Names};
use crate::value::Duration;
use std::rc::Rc;
use std::sync::Arc;

/// Something that a customer needs, stated or concluded from what they do.
#[derive(Debug, Clone, PartialEq)]
pub struct Need {
    /// Its name; expressions read `need("<name>")`, its strength from 0 to 1.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `kind`.
    pub kind: NeedKind,
    /// `stated`: what the customer said about it themselves; true and false end the guessing.
    pub stated: Option<Text>,
    /// `evidence`.
    pub evidence: Vec<NeedEvidence>,
    /// What may be done with it.
    pub labels: Labels,
}

/// What drives a need.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NeedKind {
    /// `pragmatic`: something has to be done.
    Pragmatic,
    /// `trend_driven`: others have it.
    TrendDriven,
}

impl NeedKind {
    /// The name in playbooks and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            NeedKind::Pragmatic => "pragmatic",
            NeedKind::TrendDriven => "trend_driven",
        }
    }
}

/// What speaks for a need.
#[derive(Debug, Clone, PartialEq)]
pub struct NeedEvidence {
    /// `when`: a condition.
    pub when: Text,
    /// `strength`: of the need when the condition is true and nothing else speaks for it; above 0, at most 1.
    pub strength: f64,
    /// `half_life`: after which time since the last event that the condition found the strength counts half.
    pub half_life: Option<Duration>,
}

/// A problem that customers put into words, and the needs that solve it.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `terms`: the words that customers search with; a `*` at the end of a word stands for any ending.
    pub terms: Vec<Arc<str>>,
    /// `needs`, with the strength of each when the problem was searched for; above 0, at most 1.
    pub needs: Vec<(Name, f64)>,
}

/// Which events are searches.
#[derive(Debug, Clone, PartialEq)]
pub struct Searches {
    /// `on`: the event types.
    pub on: Vec<Name>,
    /// `property`: the one that holds what was searched for.
    pub property: Name,
    /// `half_life`: after which a search counts half; for ever the same when not declared.
    pub half_life: Option<Duration>,
    /// `within`: how far back searches count; all of them when not declared.
    pub within: Option<Duration>,
}

impl Loader<'_> {
    pub(super) fn needs(&mut self, root: &At<'_>) -> Vec<Need> {
        let Some(section) = root.get("needs") else { return Vec::new() };
        let mut needs = Vec::new();
        for (name, at) in self.named(&section, "a need") {
            let mut evidence = Vec::new();
            for at in at.get("evidence").iter().flat_map(At::items) {
                let half_life = self.duration_of(&at, "half_life");
                let strength = self.share(&at, "strength");
                if let (Some(when), Some(strength)) = (self.rule_of(&at, "when"), strength) {
                    evidence.push(NeedEvidence { when, strength, half_life });
                }
            }
            let kind = match at.text("kind").as_deref() {
                Some("trend_driven") => NeedKind::TrendDriven,
                _ => NeedKind::Pragmatic,
            };
            let (stated, labels) = (self.rule_of(&at, "stated"), self.labels(&at));
            needs.push(Need { name, title: at.text("title"), kind, stated, evidence, labels });
        }
        needs
    }

    pub(super) fn problems(&mut self, root: &At<'_>, needs: &[Need], searches: Option<&Searches>) -> Vec<Problem> {
        let Some(section) = root.get("problems") else { return Vec::new() };
        if searches.is_none() {
            let hint = "write `searches: {on: <event type>, property: <property>}`".to_owned();
            self.error_at_key("missing_key", &section, "problems need `searches`, to be found in".to_owned(), Some(hint));
        }
        let known: Rc<Names> = Rc::new(needs.iter().map(|need| need.name.text.clone()).collect());
        let mut problems = Vec::new();
        for (name, at) in self.named(&section, "a problem") {
            let mut terms = Vec::new();
            for at in at.get("terms").iter().flat_map(At::items) {
                let Some(text) = at.node.text() else { continue };
                if text.chars().any(char::is_alphanumeric) {
                    terms.push(text.clone());
                } else {
                    self.error("empty", &at, "a search term needs at least one letter or digit".to_owned(), None);
                }
            }
            let mut solved = Vec::new();
            for child in at.get("needs").iter().flat_map(At::children) {
                let place = self.findings.place(child.spot);
                if !known.contains(&child.key) {
                    let hint = crate::error::nearest(&child.key, known.iter().map(|name| &**name));
                    let hint = hint.map(|near| format!("did you mean `{near}`?"));
                    self.error_at_key(
                        "unknown_name",
                        &child,
                        format!("unknown need `{}`", super::source::cut(&child.key)),
                        hint,
                    );
                } else if let Some(strength) = self.share_of(&child) {
                    solved.push((Name { text: child.key.clone(), place }, strength));
                }
            }
            problems.push(Problem { name, title: at.text("title"), terms, needs: solved });
        }
        problems
    }

    pub(super) fn searches(&mut self, root: &At<'_>) -> Option<Searches> {
        let at = root.get("searches")?;
        let known = self.declared.events.clone();
        let on = self.references(&at, "on", "event type", &known);
        let (half_life, within) = (self.duration_of(&at, "half_life"), self.duration_of(&at, "within"));
        let property = at.get("property").and_then(|at| self.name_of(&at))?;
        Some(Searches { on, property, half_life, within })
    }

    /// Intents are told apart like personas, within the present session.
    pub(super) fn intents(&mut self, root: &At<'_>) -> Vec<Persona> {
        self.types_of_customer(root, "intents", "an intent")
    }

    /// A number above 0 and at most 1.
    pub(super) fn share(&mut self, parent: &At<'_>, key: &str) -> Option<f64> {
        let at = parent.get(key)?;
        self.share_of(&at)
    }

    fn share_of(&mut self, at: &At<'_>) -> Option<f64> {
        let super::tree::Content::Number(text) = &at.node.content else { return None };
        let number = text.parse::<f64>().ok().filter(|number| *number > 0.0 && *number <= 1.0);
        if number.is_none() {
            self.error("bad_number", at, format!("expected a number above 0 and at most 1, found `{text}`"), None);
        }
        number
    }

    /// A name that is looked up when all is read.
    pub(super) fn name_of(&mut self, at: &At<'_>) -> Option<Name> {
        let text = at.node.text()?.clone();
        Some(Name { text, place: self.findings.place(at.node.spot) })
    }
}
