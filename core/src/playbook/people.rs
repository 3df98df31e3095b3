//! Who customers are: segments and personas.

use super::model::{Evidence, Name, Persona, Segment};
use super::read::{At, Loader};

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
        let Some(section) = root.get("personas") else { return Vec::new() };
        let mut personas: Vec<Persona> = Vec::new();
        let mut total = 0.0;
        for (name, at) in self.named(&section, "a persona") {
            let evidence = at.get("evidence").iter().flat_map(At::items).filter_map(|at| self.evidence(&at)).collect();
            let Some(prior) = at.number::<f64>("prior") else { continue };
            let before = total;
            total += prior;
            // A little more than 1 is allowed for decimal fractions that have no exact double.
            if before <= 1.0 + 1e-9 && total > 1.0 + 1e-9 {
                let message = format!("the priors of all personas together are above 1 from `{}` on", name.text);
                let place = at.get("prior").unwrap_or_else(|| at.clone());
                self.error(
                    "bad_priors",
                    &place,
                    message,
                    Some("what is left to 1 is the share of customers of no persona".into()),
                );
            }
            personas.push(Persona { name, title: at.text("title"), prior, evidence, labels: self.labels(&at) });
        }
        personas
    }

    fn evidence(&self, at: &At<'_>) -> Option<Evidence> {
        let when = self.rule_of(at, "when")?;
        Some(Evidence { when, odds: at.number("odds")?, otherwise: at.number("otherwise").unwrap_or(1.0) })
    }
}
