//! Where customers stand: journeys and their stages.

use super::model::{Journey, Movement, Name, Stage, Timeout};
use super::read::{At, Loader, Names};
use std::sync::Arc;

/// In `from`: not being in the journey.
const NOT_IN: &str = "none";

/// The stages of one journey.
struct Known {
    stages: Names,
    /// The stages and `none`.
    sources: Names,
}

impl Loader<'_> {
    pub(super) fn journeys(&mut self, root: &At<'_>) -> Vec<Journey> {
        let Some(section) = root.get("journeys") else { return Vec::new() };
        let named = self.named(&section, "a journey");
        named.into_iter().map(|(name, at)| self.journey(name, &at)).collect()
    }

    fn journey(&mut self, name: Name, at: &At<'_>) -> Journey {
        let movement = match at.text("movement").as_deref() {
            Some("forward") => Movement::Forward,
            _ => Movement::Free,
        };
        let (exit, exit_unknown) = self.condition(at, "exit", true);
        let stages = at.get("stages").map(|stages| self.stages(&stages)).unwrap_or_default();
        Journey { name, title: at.text("title"), movement, stages, exit, exit_unknown, labels: self.labels(at) }
    }

    fn stages(&mut self, section: &At<'_>) -> Vec<Stage> {
        if section.node.entries().is_empty() {
            self.error_at_key("empty", section, "a journey needs at least one stage".to_owned(), None);
        }
        let names: Names = section.node.entries().iter().map(|entry| entry.key.clone()).collect();
        let known = Known { sources: names.iter().cloned().chain([Arc::from(NOT_IN)]).collect(), stages: names };
        let timed: Names = section.children().filter_map(|stage| stage.get("timeout")?.text("to")).collect();
        let mut stages = Vec::new();
        for (name, at) in self.named(section, "a stage") {
            if &*name.text == NOT_IN {
                let message = "`none` cannot be the name of a stage; it stands for not being in the journey".to_owned();
                self.error_at_key("reserved_name", &at, message, None);
                continue;
            }
            let stage = self.stage(name, &at, &known);
            self.ways_in(&stage, &at, &timed);
            stages.push(stage);
        }
        stages
    }

    fn stage(&mut self, name: Name, at: &At<'_>, known: &Known) -> Stage {
        let events = self.declared.events.clone();
        let on = self.references(at, "on", "event type", &events);
        let from = self.references(at, "from", "stage", &known.sources);
        let min_stay = self.duration_of(at, "min_stay");
        let timeout = at.get("timeout").and_then(|at| {
            let after = self.duration_of(&at, "after");
            let to = at.get("to").and_then(|to| self.reference(&to, "stage", &known.stages));
            let reset_on = self.references(&at, "reset_on", "event type", &events);
            Some(Timeout { after: after?, to: to?, reset_on })
        });
        if let (Some(stay), Some(timeout)) = (min_stay, &timeout)
            && timeout.after <= stay
        {
            let place = at.get("timeout").and_then(|at| at.get("after")).unwrap_or_else(|| at.clone());
            let message = format!("the time-out after {} is not longer than the minimum stay of {stay}", timeout.after);
            self.error("bad_timeout", &place, message, None);
        }
        if let Some(timeout) = &timeout
            && timeout.to.text == name.text
        {
            let place = at.get("timeout").and_then(|at| at.get("to")).unwrap_or_else(|| at.clone());
            let message = format!("the time-out of stage `{}` leads to itself", name.text);
            self.error("bad_timeout", &place, message, None);
        }
        Stage {
            name,
            title: at.text("title"),
            goal: at.text("goal"),
            on,
            enter: self.rule_of(at, "enter"),
            from,
            min_stay,
            timeout,
            drop_out: at.flag("drop_out"),
            no_data: at.text("no_data"),
        }
    }

    /// A stage can be entered, or says why not.
    fn ways_in(&mut self, stage: &Stage, at: &At<'_>, timed: &Names) {
        let name = &stage.name.text;
        let way = ["on", "enter"].into_iter().find_map(|key| at.get(key));
        let entered = way.is_some() || timed.contains(name);
        match at.get("no_data") {
            None if !entered => {
                let message = format!("nothing enters stage `{name}`");
                let hint = "declare `on`, `enter`, a `timeout.to` of another stage, or `no_data` with the reason".to_owned();
                self.error_at_key("no_way_in", at, message, Some(hint));
            }
            Some(no_data) if entered => {
                let way = way.map_or_else(|| "a time-out".to_owned(), |way| format!("`{}`", way.key));
                let message = format!("stage `{name}` has `no_data`, but is entered by {way}");
                self.error_at_key("no_data_but_way_in", &no_data, message, Some("keep one of the two".to_owned()));
            }
            _ => {}
        }
    }
}
