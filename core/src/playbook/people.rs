//! Who customers are: segments and personas.

use super::model::{Evidence, Name, Persona, Segment};
use super::read::{At, Loader};

/// The name under which rules read which persona or intent is the most likely one.
pub(crate) const LIKELY: &str = "likely";

impl Loader<'_> {
    pub(super) fn segments(&mut self, root: &At<'_>) -> Vec<Segment> {
        let Some(section) = root.get("segments") else { return Vec::new() };
        let named = self.named(&section, "a segment");
        let read = |(name, at): (Name, At<'_>)| {
            let when = self.rule(&at).or_else(|| self.rule_of(&at, "when"))?;
            Some(Segment { name, title: at.text("title"), when, labels: self.labels(&at) })
        };
        named.into_iter().filter_map(read).collect()
    }

    pub(super) fn personas(&mut self, root: &At<'_>) -> Vec<Persona> {
        self.types_of_customer(root, "personas", "a persona")
    }

    /// A family of types that exclude each other, each with a prior and evidence.
    pub(super) fn types_of_customer(&mut self, root: &At<'_>, key: &str, noun: &str) -> Vec<Persona> {
        let Some(section) = root.get(key) else { return Vec::new() };
        let mut personas: Vec<Persona> = Vec::new();
        let mut total = 0.0;
        for (name, at) in self.named(&section, noun) {
            if *name.text == *LIKELY {
                let message =
                    format!("`{LIKELY}` stands for the one with the largest posterior and cannot be the name of {noun}");
                self.error_at_key("reserved_name", &at, message, None);
                continue;
            }
            let mut evidence = Vec::new();
            for at in at.get("evidence").iter().flat_map(At::items) {
                evidence.extend(self.evidence(&at));
            }
            let Some(prior) = at.number::<f64>("prior") else { continue };
            let before = total;
            total += prior;
            // A little more than 1 is allowed for decimal fractions that have no exact double.
            if before <= 1.0 + 1e-9 && total > 1.0 + 1e-9 {
                let message = format!("the priors of all {key} together are above 1 from `{}` on", name.text);
                let place = at.get("prior").unwrap_or_else(|| at.clone());
                self.error("bad_priors", &place, message, Some("what is left to 1 is the share of none of them".into()));
            }
            personas.push(Persona { name, title: at.text("title"), prior, evidence, labels: self.labels(&at) });
        }
        personas
    }

    fn evidence(&mut self, at: &At<'_>) -> Option<Evidence> {
        let half_life = self.duration_of(at, "half_life");
        let when = self.rule_of(at, "when")?;
        Some(Evidence { when, odds: at.number("odds")?, otherwise: at.number("otherwise").unwrap_or(1.0), half_life })
    }
}
