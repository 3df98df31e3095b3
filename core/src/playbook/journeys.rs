//! Where customers stand: journeys and their stages.

use super::digest;
use super::model::{Journey, Movement, Name, Stage, Timeout};
use super::read::{At, Loader, Names};
use super::ways::Precedence;
use std::sync::Arc;

/// In `from`: not being in the journey.
pub(super) const NOT_IN: &str = "none";

/// The stages of one journey.
struct Known<'a> {
    stages: Names,
    /// The stages and `none`.
    sources: Names,
    /// All journeys with their stages.
    journeys: &'a [(Arc<str>, Names)],
    /// Stages that something else leads to.
    led_to: Names,
}

/// What to do where a stay is shorter than the shortest.
const LONGER: &str = "make it longer, or `min_stay` shorter";

/// How many instances may be open when the playbook does not say.
const AT_MOST: usize = 100;

impl Loader<'_> {
    pub(super) fn journeys(&mut self, root: &At<'_>) -> Vec<Journey> {
        let Some(section) = root.get("journeys") else { return Vec::new() };
        let stages =
            |journey: At<'_>| -> Names { journey.get("stages").iter().flat_map(At::children).map(|stage| stage.key).collect() };
        let all: Vec<(Arc<str>, Names)> = section.children().map(|journey| (journey.key.clone(), stages(journey))).collect();
        let begun: Vec<(Arc<str>, Arc<str>)> = inner_starts(&section);
        let segments: Names = root.get("segments").iter().flat_map(At::children).map(|segment| segment.key).collect();
        let named = self.named(&section, "a journey");
        let journeys: Vec<Journey> =
            named.into_iter().map(|(name, at)| self.journey(name, &at, &all, &begun, &segments)).collect();
        self.nesting(&section, &journeys);
        self.circles(&section, &journeys);
        journeys
    }

    fn journey(
        &mut self,
        name: Name,
        at: &At<'_>,
        all: &[(Arc<str>, Names)],
        begun: &[(Arc<str>, Arc<str>)],
        segments: &Names,
    ) -> Journey {
        let movement = match at.text("movement").as_deref() {
            Some("forward") => Movement::Forward,
            _ => Movement::Free,
        };
        let (exit, exit_unknown) = self.condition(at, "exit", true);
        let begun = begun.iter().filter(|(journey, _)| *journey == name.text).map(|(_, stage)| stage.clone()).collect();
        if at.get("stages").is_none() && at.get("template").is_none() {
            let hint = "declare `stages`, or the `template` that has them".to_owned();
            self.error_at_key("missing_key", at, "a journey needs the key `stages`".to_owned(), Some(hint));
        }
        let known = at.get("stages").map(|section| Known::of(&section, all, begun, at));
        let stages = match (at.get("stages"), &known) {
            (Some(section), Some(known)) => self.stages(&section, known),
            _ => Vec::new(),
        };
        let nothing = (Names::new(), Names::new());
        let (names, sources) = known.map_or(nothing, |known| (known.stages, known.sources));
        let max_stay = self.duration_of(at, "max_stay");
        for stage in &stages {
            if let (Some(longest), Some(shortest)) = (max_stay, stage.min_stay)
                && longest <= shortest
            {
                let place = at.get("max_stay").unwrap_or_else(|| at.clone());
                let message =
                    format!("the longest stay of {longest} is not longer than the minimum stay in `{}`", stage.name.text);
                self.error("bad_stay", &place, message, Some(LONGER.to_owned()));
            }
        }
        let key = at.get("key").and_then(|key| {
            let text = key.node.text()?.clone();
            Some(Name { text, place: self.findings.place(key.node.spot) })
        });
        Journey {
            name,
            title: at.text("title"),
            priority: at.number("priority").unwrap_or(0),
            movement,
            stages,
            exit,
            exit_unknown,
            key,
            at_most: at.number("at_most").unwrap_or(AT_MOST),
            entry: self.entry(at, &names),
            reentry: self.reentry(at),
            max_stay,
            precedence: if at.text("precedence").as_deref() == Some("first") { Precedence::First } else { Precedence::Last },
            plan: self.plan(at, &names, segments),
            predict: self.predict(at, segments),
            migration: self.migration(at, &sources),
            digest: digest::of_journey(at.node),
            labels: self.labels(at),
        }
    }

    fn stages(&mut self, section: &At<'_>, known: &Known<'_>) -> Vec<Stage> {
        if section.node.entries().is_empty() {
            self.error_at_key("empty", section, "a journey needs at least one stage".to_owned(), None);
        }
        let mut stages = Vec::new();
        for (name, at) in self.named(section, "a stage") {
            if &*name.text == NOT_IN {
                let message = "`none` cannot be the name of a stage; it stands for not being in the journey".to_owned();
                self.error_at_key("reserved_name", &at, message, None);
                continue;
            }
            let stage = self.stage(name, &at, known);
            self.ways_in(&stage, &at, &known.led_to);
            self.stays(&stage, &at);
            stages.push(stage);
        }
        stages
    }

    fn stage(&mut self, name: Name, at: &At<'_>, known: &Known<'_>) -> Stage {
        let events = self.declared.events.clone();
        let on = self.references(at, "on", "event type", &events);
        let from = self.references(at, "from", "stage", &known.sources);
        let min_stay = self.duration_of(at, "min_stay");
        let timeout = at.get("timeout").and_then(|at| {
            let after = self.duration_of(&at, "after");
            let to = self.target(&at, "to", &known.sources);
            let reset_on = self.references(&at, "reset_on", "event type", &events);
            Some(Timeout { after: after?, at: self.time_of_day(&at, "at"), to: to?, reset_on })
        });
        if let (Some(stay), Some(timeout)) = (min_stay, &timeout)
            && timeout.after <= stay
        {
            let place = at.get("timeout").and_then(|at| at.get("after")).unwrap_or_else(|| at.clone());
            let message = format!("the time-out after {} is not longer than the minimum stay of {stay}", timeout.after);
            self.error("bad_timeout", &place, message, Some(LONGER.to_owned()));
        }
        if let Some(timeout) = &timeout
            && timeout.to.as_ref().is_some_and(|to| to.text == name.text)
        {
            let place = at.get("timeout").and_then(|at| at.get("to")).unwrap_or_else(|| at.clone());
            let message = format!("the time-out of stage `{}` leads to itself", name.text);
            let hint = "name another stage, or `none`; events of `reset_on` begin the time anew".to_owned();
            self.error("bad_timeout", &place, message, Some(hint));
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
            exit: self.stage_exit(at, &known.sources),
            wait: self.wait(at, &known.sources),
            branches: self.branches(at, &known.sources),
            max_stay: self.max_stay(at, &known.sources),
            back: self.back(at),
            last: at.flag("final"),
            inner: self.inner(at, &known.sources, known.journeys),
            touchpoints: at
                .get("touchpoints")
                .iter()
                .flat_map(At::one_or_more)
                .filter_map(|touchpoint| touchpoint.node.text().cloned())
                .collect(),
            marketing: at.text("marketing"),
            drop_out: at.flag("drop_out"),
            long_stay_good: at.text("long_stay").as_deref() == Some("good"),
            no_data: at.text("no_data"),
        }
    }

    /// Lengths of stays fit together, and nothing leads on from where a journey ends.
    fn stays(&mut self, stage: &Stage, at: &At<'_>) {
        let name = &stage.name.text;
        let longest = stage.max_stay.as_ref().map(|stay| stay.after);
        if let (Some(longest), Some(shortest)) = (longest, stage.min_stay)
            && longest <= shortest
        {
            let place = at.get("max_stay").unwrap_or_else(|| at.clone());
            let message = format!("the longest stay of {longest} is not longer than the minimum stay of {shortest}");
            self.error("bad_stay", &place, message, Some(LONGER.to_owned()));
        }
        if let (Some(wait), Some(longest)) = (stage.wait.as_ref().and_then(|wait| wait.length), longest)
            && longest <= wait
        {
            let place = at.get("max_stay").unwrap_or_else(|| at.clone());
            let message = format!("the longest stay of {longest} is not longer than the wait of {wait}");
            self.error("bad_stay", &place, message, Some("make it longer, or the wait shorter".to_owned()));
        }
        if stage.min_stay.is_some()
            && let Some(way) = at.get("wait").or_else(|| at.get("branches"))
        {
            let message = format!("`{}` stands beside `min_stay`", way.key);
            let hint = "a wait says how long one stays; leave `min_stay` out".to_owned();
            self.error_at_key("contradiction", &way, message, Some(hint));
        }
        let ways = ["timeout", "exit", "wait", "branches", "max_stay", "return", "inner", "drop_out", "min_stay"];
        if stage.last
            && let Some(way) = ways.into_iter().find_map(|key| at.get(key))
        {
            let message = format!("stage `{name}` is final, but has `{}`", way.key);
            self.error_at_key("contradiction", &way, message, Some("keep one of the two".to_owned()));
        }
        let to_itself = stage.branches.iter().any(|branch| branch.to.as_ref().is_some_and(|to| to.text == *name));
        let waits_for_itself =
            stage.wait.as_ref().and_then(|wait| wait.to.as_ref()?.as_ref()).is_some_and(|to| to.text == *name);
        if to_itself || waits_for_itself {
            let message = format!("a way out of stage `{name}` leads to itself");
            self.error_at_key("bad_way", at, message, Some("name another stage, or `none`".to_owned()));
        }
    }

    /// A journey inside of another: each has the other once, and both have the same key or none.
    fn nesting(&mut self, section: &At<'_>, journeys: &[Journey]) {
        let mut inside: Vec<&Arc<str>> = Vec::new();
        for outer in journeys {
            for stage in &outer.stages {
                let Some(inner) = &stage.inner else { continue };
                let own = section.get(&outer.name.text).and_then(|at| at.get("stages"));
                let Some(at) = own.and_then(|at| at.get(&stage.name.text)).and_then(|at| at.get("inner")) else { continue };
                let name = &inner.journey.text;
                if inside.contains(&name) {
                    let message = format!("journey `{name}` is inside of two stages");
                    self.error_at_key("bad_nesting", &at, message, Some("declare a journey for each".to_owned()));
                }
                inside.push(name);
                let key = |journey: &Journey| journey.key.as_ref().map(|key| key.text.clone());
                if journeys.iter().any(|journey| journey.name.text == *name && key(journey) != key(outer)) {
                    let message = format!("journeys `{}` and `{name}` have different keys", outer.name.text);
                    self.error_at_key("bad_nesting", &at, message, Some("give both the same `key`, or none".to_owned()));
                }
            }
        }
        // From every journey outwards: whoever comes back to where they began goes in a circle.
        let outer_of = |name: &Arc<str>| {
            journeys.iter().find(|outer| {
                outer.stages.iter().any(|stage| stage.inner.as_ref().is_some_and(|inner| inner.journey.text == *name))
            })
        };
        for journey in journeys {
            let mut at = outer_of(&journey.name.text);
            for _ in 0..journeys.len() {
                let Some(outer) = at else { break };
                if outer.name.text == journey.name.text {
                    let message = format!("journey `{}` is inside of itself", journey.name.text);
                    if let Some(at) = section.get(&journey.name.text) {
                        let hint = "take out one of the `inner` that lead in a circle".to_owned();
                        self.error_at_key("bad_nesting", &at, message, Some(hint));
                    }
                    break;
                }
                at = outer_of(&outer.name.text);
            }
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
                let hint = "declare `on`, `enter`, a way from another stage such as `timeout.to`, or `no_data` with the reason"
                    .to_owned();
                self.error_at_key("no_way_in", at, message, Some(hint));
            }
            Some(no_data) if entered => {
                let way = way.map_or_else(|| "another stage".to_owned(), |way| format!("`{}`", way.key));
                let message = format!("stage `{name}` has `no_data`, but is entered by {way}");
                self.error_at_key("no_data_but_way_in", &no_data, message, Some("keep one of the two".to_owned()));
            }
            _ => {}
        }
    }
}

impl<'a> Known<'a> {
    fn of(section: &At<'_>, journeys: &'a [(Arc<str>, Names)], begun: Names, journey: &At<'_>) -> Self {
        let stages: Names = section.node.entries().iter().map(|entry| entry.key.clone()).collect();
        let mut led_to = begun;
        for stage in section.children() {
            for key in ["timeout", "wait", "exit", "max_stay"] {
                led_to.extend(stage.get(key).and_then(|way| way.text("to")));
            }
            led_to.extend(stage.get("branches").iter().flat_map(At::items).filter_map(|branch| branch.text("to")));
            let ends = stage.get("inner").and_then(|inner| inner.get("ends"));
            led_to.extend(ends.iter().flat_map(At::children).filter_map(|end| end.node.text().cloned()));
        }
        if let Some(entry) = journey.get("entry") {
            led_to.extend(entry.text("to").or_else(|| section.node.entries().first().map(|first| first.key.clone())));
        }
        Known { sources: stages.iter().cloned().chain([Arc::from(NOT_IN)]).collect(), stages, journeys, led_to }
    }
}

/// The stages in which journeys inside of others begin: journey and stage.
fn inner_starts(section: &At<'_>) -> Vec<(Arc<str>, Arc<str>)> {
    let stages = section.children().flat_map(|journey| journey.get("stages").iter().flat_map(At::children).collect::<Vec<_>>());
    stages
        .filter_map(|stage| {
            let inner = stage.get("inner")?;
            Some((inner.text("journey")?, inner.text("start")?))
        })
        .collect()
}
