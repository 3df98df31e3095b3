use super::ground::{Ground, Label};
use crate::context::{BesideFact, JourneyFact, NeedRule, PersonaRule, Rule, Rules, Source};
use crate::error::Place;
use crate::expr::{Asked, EventKind, PropertyId, TrendDecl, uses};
use crate::journey::Journeys;
use crate::playbook::{Declassify, FEEDBACK, Playbook, SEGMENT_ENTERED, STAGE_ENTERED};
use std::collections::BTreeSet;

/// What every conclusion of a playbook is drawn from.
#[derive(Debug, Default)]
pub(crate) struct Flow {
    /// In the order of the playbook; for each the label it has, and what a rule that reads it reads in the end.
    pub(crate) segments: Vec<Drawn>,
    /// In the order of the playbook.
    pub(crate) personas: Vec<Drawn>,
    /// In the order of the playbook.
    pub(crate) journeys: Vec<Drawn>,
    /// In the order of the playbook.
    pub(crate) intents: Vec<Drawn>,
    /// In the order of the playbook.
    pub(crate) needs: Vec<Drawn>,
    /// In the order of the playbook.
    pub(crate) preferences: Vec<Drawn>,
    /// In the order of the playbook.
    pub(crate) unusual: Vec<Drawn>,
}

/// What a conclusion is drawn from.
#[derive(Debug, Clone)]
pub(crate) struct Drawn {
    /// What may be done with it.
    pub(crate) label: Label,
    /// What somebody who reads it reads in the end: itself when it was declassified.
    pub(crate) grounds: BTreeSet<Ground>,
    /// What it reads itself in the end, declassified or not.
    pub(crate) whole: BTreeSet<Ground>,
}

/// A conclusion on the way from a rule to a ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Node {
    Segment(usize),
    /// All of them: a posterior depends on the evidence of every persona.
    Persona(usize),
    Journey(usize),
    /// All of them, like personas.
    Intent(usize),
    Need(usize),
    Preference(usize),
    Unusual(usize),
}

/// What rules read one step further.
enum Step {
    Ground(Ground),
    Node(Node),
}

impl Flow {
    /// Follows the reads of all segments, personas and journeys.
    pub(crate) fn of(playbook: &Playbook, rules: &Rules, journeys: &Journeys) -> Self {
        let counts = [
            rules.segments.len(),
            rules.personas.len(),
            journeys.rules.len(),
            rules.intents.len(),
            rules.needs.len(),
            rules.preferences.len(),
            rules.unusual.len(),
        ];
        // Whether a journey begins tells of those that a cap counts with it, and these may read what reads it: again until nothing is new.
        let mut others = vec![BTreeSet::new(); journeys.rules.len()];
        loop {
            let done = counts.map(|count| vec![None; count]);
            let mut walk = Walk { playbook, rules, journeys, others: &others, done, evidence: [None, None] };
            for (node, count) in NODES.into_iter().zip(counts) {
                for number in 0..count {
                    walk.visit(node(number), 0);
                }
            }
            let [segments, personas, own, intents, needs, preferences, unusual] =
                walk.done.map(|drawn| drawn.into_iter().flatten().collect());
            let flow = Flow { segments, personas, journeys: own, intents, needs, preferences, unusual };
            let of = |number: usize| {
                let together = journeys.together(number).into_iter().filter_map(|other| flow.journeys.get(other));
                together.flat_map(|drawn| drawn.grounds.iter().copied()).collect::<BTreeSet<Ground>>()
            };
            let next: Vec<BTreeSet<Ground>> = (0..journeys.rules.len()).map(of).collect();
            if next == others {
                return flow;
            }
            others = next;
        }
    }

    /// Every conclusion with the section of the playbook that it stands in, and what it is drawn from.
    pub(super) fn conclusions(&self) -> impl Iterator<Item = (Ground, &'static str, &Drawn)> {
        let sections = [
            ("segments", &self.segments),
            ("personas", &self.personas),
            ("journeys", &self.journeys),
            ("intents", &self.intents),
            ("needs", &self.needs),
            ("preferences", &self.preferences),
            ("unusual", &self.unusual),
        ];
        NODES.into_iter().zip(sections).flat_map(|(node, (section, drawn))| {
            drawn.iter().enumerate().map(move |(number, drawn)| (node(number).ground(), section, drawn))
        })
    }

    /// What a rule reads in the end.
    pub(crate) fn grounds(&self, rule: &Rule, playbook: &Playbook, rules: &Rules) -> BTreeSet<Ground> {
        let mut grounds = BTreeSet::new();
        for step in steps(rule, playbook, rules) {
            match step {
                Step::Ground(ground) => {
                    grounds.insert(ground);
                }
                Step::Node(node) => grounds.extend(self.drawn(node).into_iter().flat_map(|drawn| &drawn.grounds)),
            }
        }
        grounds
    }

    /// What somebody who is told of a conclusion (a segment, a journey, a persona …) is told of in the end, each with the way there.
    pub(super) fn told_by(
        &self,
        conclusion: Ground,
        (playbook, rules, journeys): (&Playbook, &Rules, &Journeys),
    ) -> Vec<(Ground, Vec<(String, Option<Place>)>)> {
        let Some(drawn) = Node::of(conclusion).and_then(|node| self.drawn(node)) else { return Vec::new() };
        let way = |ground: Ground| {
            let (mut seen, mut way) = (BTreeSet::new(), Vec::new());
            let from = Node::of(conclusion).map(Step::Node).into_iter().collect();
            self.search(from, ground, (playbook, rules, journeys), &mut seen, &mut way);
            way.into_iter().map(|node| (node.ground().name(playbook), node.ground().place(playbook))).collect()
        };
        drawn.grounds.iter().map(|ground| (*ground, way(*ground))).collect()
    }

    /// Whether a rule reads a ground, itself or through conclusions, declassified or not.
    pub(in crate::engine) fn reads(&self, rule: &Rule, ground: Ground, playbook: &Playbook, rules: &Rules) -> bool {
        steps(rule, playbook, rules).into_iter().any(|step| match step {
            Step::Ground(own) => own == ground,
            Step::Node(node) => {
                node.ground() == ground || self.drawn(node).is_some_and(|drawn| self.holds(&drawn.whole, ground, 0))
            }
        })
    }

    /// Whether a ground is among others, or among what those are drawn from.
    fn holds(&self, grounds: &BTreeSet<Ground>, ground: Ground, depth: u32) -> bool {
        grounds.contains(&ground)
            || depth < 64
                && grounds
                    .iter()
                    .filter_map(|own| self.drawn(Node::of(*own)?))
                    .any(|own| self.holds(&own.whole, ground, depth + 1))
    }

    /// What may be done with one ground: with a conclusion, what its declassification leaves.
    pub(crate) fn ground(&self, ground: Ground, playbook: &Playbook) -> Label {
        let Some(node) = Node::of(ground) else { return ground.label(playbook) };
        match self.drawn(node) {
            Some(drawn) if ground.labels(playbook).is_some_and(|labels| labels.declassify.is_some()) => drawn.label.clone(),
            _ => ground.label(playbook),
        }
    }

    fn drawn(&self, node: Node) -> Option<&Drawn> {
        match node {
            Node::Segment(number) => self.segments.get(number),
            Node::Persona(number) => self.personas.get(number),
            Node::Journey(number) => self.journeys.get(number),
            Node::Intent(number) => self.intents.get(number),
            Node::Need(number) => self.needs.get(number),
            Node::Preference(number) => self.preferences.get(number),
            Node::Unusual(number) => self.unusual.get(number),
        }
    }

    /// Through which segments, personas and journeys a rule reads a ground, each with its place; `None` when it does not.
    pub(super) fn way(
        &self,
        rule: &Rule,
        ground: Ground,
        playbook: &Playbook,
        rules: &Rules,
        journeys: &Journeys,
    ) -> Option<Vec<(String, Option<Place>)>> {
        let mut seen = BTreeSet::new();
        let mut way = Vec::new();
        let all = (playbook, rules, journeys);
        self.search(steps(rule, playbook, rules), ground, all, &mut seen, &mut way)
            .then(|| way.into_iter().map(|node| (node.ground().name(playbook), node.ground().place(playbook))).collect())
    }

    fn search(
        &self,
        reads: Vec<Step>,
        ground: Ground,
        all: (&Playbook, &Rules, &Journeys),
        seen: &mut BTreeSet<Node>,
        way: &mut Vec<Node>,
    ) -> bool {
        let (playbook, rules, journeys) = all;
        if reads.iter().any(|step| matches!(step, Step::Ground(read) if *read == ground)) {
            return true;
        }
        for step in reads {
            let Step::Node(node) = step else { continue };
            let reaches = self.drawn(node).is_some_and(|drawn| drawn.grounds.contains(&ground));
            if !reaches || !seen.insert(node) {
                continue;
            }
            if node.ground() == ground {
                return true;
            }
            way.push(node);
            let capped = match node {
                Node::Journey(number) => journeys.together(number),
                _ => BTreeSet::new(),
            };
            let further = node.rules(rules, journeys).into_iter().flat_map(|rule| steps(rule, playbook, rules));
            let further = further.chain(node.nested(journeys).into_iter().map(Step::Node));
            let further = further.chain(capped.into_iter().map(|number| Step::Node(Node::Journey(number)))).collect();
            if node.beside(playbook, rules, journeys).contains(&ground) || self.search(further, ground, all, seen, way) {
                return true;
            }
            way.pop();
        }
        false
    }
}

/// All kinds of conclusions, in the order of their lists.
const NODES: [fn(usize) -> Node; 7] =
    [Node::Segment, Node::Persona, Node::Journey, Node::Intent, Node::Need, Node::Preference, Node::Unusual];

impl Node {
    fn of(ground: Ground) -> Option<Self> {
        Some(match ground {
            Ground::Segment(number) => Node::Segment(number),
            Ground::Persona(number) => Node::Persona(number),
            Ground::Journey(number) => Node::Journey(number),
            Ground::Intent(number) => Node::Intent(number),
            Ground::Need(number) => Node::Need(number),
            Ground::Preference(number) => Node::Preference(number),
            Ground::Unusual(number) => Node::Unusual(number),
            Ground::Attribute(_) | Ground::Event(_) | Ground::Property(..) | Ground::Category(..) | Ground::Outcome => {
                return None;
            }
            Ground::Relation(_) | Ground::Namespace(_) => return None,
        })
    }

    fn ground(self) -> Ground {
        match self {
            Node::Segment(number) => Ground::Segment(number),
            Node::Persona(number) => Ground::Persona(number),
            Node::Journey(number) => Ground::Journey(number),
            Node::Intent(number) => Ground::Intent(number),
            Node::Need(number) => Ground::Need(number),
            Node::Preference(number) => Ground::Preference(number),
            Node::Unusual(number) => Ground::Unusual(number),
        }
    }

    /// Its list among [`NODES`], and its place there.
    fn place(self) -> (usize, usize) {
        match self {
            Node::Segment(number) => (0, number),
            Node::Persona(number) => (1, number),
            Node::Journey(number) => (2, number),
            Node::Intent(number) => (3, number),
            Node::Need(number) => (4, number),
            Node::Preference(number) => (5, number),
            Node::Unusual(number) => (6, number),
        }
    }

    /// Whether it is a guess about the customer, whatever it is drawn from.
    fn is_inferred(self) -> bool {
        !matches!(self, Node::Segment(_) | Node::Journey(_))
    }

    fn rules<'a>(self, rules: &'a Rules, journeys: &'a Journeys) -> Vec<&'a Rule> {
        match self {
            Node::Segment(number) => rules.segments.get(number).into_iter().collect(),
            Node::Persona(_) => rules.personas.iter().flat_map(PersonaRule::conditions).collect(),
            Node::Intent(_) => rules.intents.iter().flat_map(PersonaRule::conditions).collect(),
            Node::Need(number) => rules.needs.get(number).into_iter().flat_map(NeedRule::conditions).collect(),
            Node::Journey(number) => journeys.rules.get(number).into_iter().flat_map(|rule| rule.conditions()).collect(),
            Node::Preference(_) | Node::Unusual(_) => Vec::new(),
        }
    }

    /// The journeys that move it along with themselves: the one that it is inside of, and those inside of it that lead on.
    fn nested(self, journeys: &Journeys) -> Vec<Node> {
        let Node::Journey(number) = self else { return Vec::new() };
        let around = journeys.rules.get(number).and_then(|rule| rule.outer.as_ref()).map(|outer| outer.journey);
        let inside = journeys
            .rules
            .iter()
            .enumerate()
            .filter(|(_, rule)| rule.outer.as_ref().is_some_and(|outer| outer.journey == number && !outer.ends.is_empty()));
        around.into_iter().chain(inside.map(|(inner, _)| inner)).map(Node::Journey).collect()
    }

    /// Itself and all that move along with it, and so on.
    fn together(self, journeys: &Journeys) -> BTreeSet<Node> {
        let mut together = BTreeSet::from([self]);
        let mut open = vec![self];
        while let Some(node) = open.pop() {
            open.extend(node.nested(journeys).into_iter().filter(|next| together.insert(*next)));
        }
        together
    }

    /// What it is drawn from beside its conditions: events that move a journey by happening, searches, sources of preferences.
    fn beside(self, playbook: &Playbook, rules: &Rules, journeys: &Journeys) -> BTreeSet<Ground> {
        match self {
            Node::Segment(_) | Node::Persona(_) => BTreeSet::new(),
            // Whether there is a session depends on all events that the playbook declares.
            Node::Intent(_) => session(playbook, rules).collect(),
            Node::Journey(number) => {
                let Some(rule) = journeys.rules.get(number) else { return BTreeSet::new() };
                let moved = rule.kinds().map(|kind| event(kind, playbook));
                let told_apart = rule.key.iter().flat_map(|key| values(&key.kinds, Some(key.property), playbook, rules));
                let clock = rules.customer_zone.filter(|_| rule.reads_clock()).map(Ground::Attribute);
                moved.chain(told_apart).chain(clock).collect()
            }
            Node::Need(number) => match rules.needs.get(number) {
                Some(need) if !need.problems.is_empty() => {
                    values(&rules.searches.kinds, rules.searches.property, playbook, rules)
                }
                _ => BTreeSet::new(),
            },
            Node::Preference(number) => {
                let Some(preference) = rules.preferences.get(number) else { return BTreeSet::new() };
                let sources = preference.from.iter();
                let read = sources.flat_map(|from| values(&from.kinds, from.read.property(), playbook, rules));
                read.chain(rules.beside_preference(number).map(Ground::Attribute)).collect()
            }
            Node::Unusual(number) => match rules.unusual.get(number) {
                Some(rule) => values(&rule.kinds, rule.property, playbook, rules),
                None => BTreeSet::new(),
            },
        }
    }
}

/// What sessions are made of: all events that the playbook declares and, where midnight divides them, whose midnight that is.
fn session(playbook: &Playbook, rules: &Rules) -> impl Iterator<Item = Ground> {
    let zone = rules.customer_zone.filter(|_| rules.sessions.by_midnight()).map(Ground::Attribute);
    (0..playbook.events.len()).map(Ground::Event).chain(zone)
}

/// Events of some types and all that one of their properties may be.
fn values(kinds: &[EventKind], property: Option<PropertyId>, playbook: &Playbook, rules: &Rules) -> BTreeSet<Ground> {
    let mut read: BTreeSet<Ground> = kinds.iter().map(|kind| event(*kind, playbook)).collect();
    for kind in kinds {
        let number = usize::from(kind.0);
        let name = property.and_then(|property| rules.sources.schema.property_name(property));
        let Some(declared) = playbook.events.get(number) else { continue };
        let Some(column) = declared.properties.iter().position(|property| Some(&property.name.text) == name) else { continue };
        read.insert(Ground::Property(number, column));
        let categories = declared.properties.get(column).map_or(0, |property| property.categories.len());
        read.extend((0..categories).map(|category| Ground::Category(number, column, category)));
    }
    read
}

struct Walk<'a> {
    playbook: &'a Playbook,
    rules: &'a Rules,
    journeys: &'a Journeys,
    /// By journey what those that a cap counts with it are drawn from.
    others: &'a [BTreeSet<Ground>],
    done: [Vec<Option<Drawn>>; NODES.len()],
    /// What the evidence of all personas, and of all intents, reads together.
    evidence: [Option<BTreeSet<Ground>>; 2],
}

impl Walk<'_> {
    /// What somebody who reads a conclusion reads in the end. Circles are mistakes of their own and end here.
    fn visit(&mut self, node: Node, depth: u32) -> BTreeSet<Ground> {
        let (list, number) = node.place();
        if let Some(drawn) = self.done.get(list).and_then(|list| list.get(number)).and_then(Option::as_ref) {
            return drawn.grounds.clone();
        }
        if depth > 500 {
            return BTreeSet::new();
        }
        let family = match node {
            Node::Persona(_) => Some(0),
            Node::Intent(_) => Some(1),
            _ => None,
        };
        let known = family.and_then(|family: usize| self.evidence.get(family)).cloned().flatten();
        let mut whole = known.unwrap_or_else(|| self.reads(node, depth));
        if let Some(kept) = family.and_then(|family| self.evidence.get_mut(family)) {
            *kept = Some(whole.clone());
        }
        if let Node::Journey(number) = node {
            whole.extend(self.others.get(number).into_iter().flatten());
        }
        for part in node.together(self.journeys) {
            whole.extend(part.beside(self.playbook, self.rules, self.journeys));
        }
        let own = node.ground();
        let labels = own.labels(self.playbook);
        let narrowed = labels.is_some_and(|labels| labels.purposes.is_some() || labels.sensitivity.is_some());
        if narrowed || node.is_inferred() {
            whole.insert(own);
        }
        let mut label = Label::FREE;
        for ground in &whole {
            // Conclusions below are done: their declassified labels stand in for them.
            label.join(&self.label(*ground, own));
        }
        let mut grounds = whole.clone();
        if let Some(declassify) = labels.and_then(|labels| labels.declassify.as_ref()) {
            widen(&mut label, declassify);
            grounds = BTreeSet::from([own]);
        }
        if let Some(place) = self.done.get_mut(list).and_then(|list| list.get_mut(number)) {
            *place = Some(Drawn { label, grounds: grounds.clone(), whole });
        }
        grounds
    }

    fn reads(&mut self, node: Node, depth: u32) -> BTreeSet<Ground> {
        let (playbook, rules) = (self.playbook, self.rules);
        let mut reads = BTreeSet::new();
        let together = node.together(self.journeys);
        for rule in together.iter().flat_map(|part| part.rules(rules, self.journeys)) {
            for step in steps(rule, playbook, rules) {
                match step {
                    Step::Ground(ground) => {
                        reads.insert(ground);
                    }
                    // A journey may read itself, as it was just before.
                    Step::Node(next) if together.contains(&next) => {}
                    Step::Node(next) => reads.extend(self.visit(next, depth + 1)),
                }
            }
        }
        reads
    }

    fn label(&self, ground: Ground, own: Ground) -> Label {
        let Some(node) = Node::of(ground) else { return ground.label(self.playbook) };
        let (list, number) = node.place();
        let declassified = ground.labels(self.playbook).is_some_and(|labels| labels.declassify.is_some());
        match self.done.get(list).and_then(|list| list.get(number)).and_then(Option::as_ref) {
            Some(drawn) if declassified && ground != own => drawn.label.clone(),
            _ => ground.label(self.playbook),
        }
    }
}

fn widen(label: &mut Label, declassify: &Declassify) {
    if let Some(purposes) = &declassify.purposes {
        label.purposes = Some(purposes.iter().map(|name| name.text.clone()).collect());
    }
    if let Some(sensitivity) = declassify.sensitivity {
        label.sensitivity = sensitivity;
    }
    label.hidden &= !declassify.reveal;
}

/// The label of some grounds together.
pub(super) fn label_of(grounds: &BTreeSet<Ground>, flow: &Flow, playbook: &Playbook) -> Label {
    let mut label = Label::FREE;
    for ground in grounds {
        label.join(&flow.ground(*ground, playbook));
    }
    label
}

/// What a rule reads directly.
fn steps(rule: &Rule, playbook: &Playbook, rules: &Rules) -> Vec<Step> {
    let mut steps = Vec::new();
    let reads = rule.reads();
    let through = |subject: usize| {
        let subject = rules.sources.relations.subjects.get(subject)?;
        Some(Step::Ground(Ground::Relation(subject.relation)))
    };
    for fact in &reads.facts {
        // Who is told what is planned for a segment is told that they are in it.
        steps.extend(rules.sources.planned_by(*fact).map(|segment| Step::Node(Node::Segment(segment))));
        match rules.sources.source(*fact) {
            Some(Source::Attribute(number)) => steps.push(Step::Ground(Ground::Attribute(number))),
            Some(Source::Segment(number)) => steps.push(Step::Node(Node::Segment(number))),
            Some(Source::Persona(number)) => steps.push(Step::Node(Node::Persona(number))),
            Some(Source::LikelyPersona) => steps.push(Step::Node(Node::Persona(0))),
            Some(Source::Intent(number)) => steps.push(Step::Node(Node::Intent(number))),
            Some(Source::LikelyIntent) => steps.push(Step::Node(Node::Intent(0))),
            Some(Source::Need(number) | Source::NeedTime(number)) => steps.push(Step::Node(Node::Need(number))),
            Some(Source::Preference(number, _)) => steps.push(Step::Node(Node::Preference(number))),
            Some(Source::Unusual(number)) => steps.push(Step::Node(Node::Unusual(number))),
            // What comes next follows from all that is looked at for it.
            Some(Source::Journey(number, JourneyFact::Ahead)) => {
                steps.push(Step::Node(Node::Journey(number)));
                let (events, segments) = playbook.predicted(number);
                steps.extend(events.map(|event| Step::Ground(Ground::Event(event))));
                steps.extend(segments.map(|segment| Step::Node(Node::Segment(segment))));
            }
            Some(Source::Stage(number) | Source::Since(number) | Source::Journey(number, _)) => {
                steps.push(Step::Node(Node::Journey(number)))
            }
            // Sessions and places are made of all events that the playbook declares.
            Some(Source::Location(_)) => {
                steps.extend((0..playbook.events.len()).map(|number| Step::Ground(Ground::Event(number))));
            }
            Some(Source::Session(fact)) => {
                steps.extend(session(playbook, rules).map(Step::Ground));
                steps.extend(rules.sessions.reads(fact, &rules.sources.schema).into_iter().flat_map(|(kind, property)| {
                    values(&[kind], Some(property), playbook, rules).into_iter().map(Step::Ground)
                }));
            }
            Some(Source::Beside(subject, asked)) => {
                steps.extend(through(subject));
                steps.extend(match asked {
                    BesideFact::Attribute(number) => Some(Step::Ground(Ground::Attribute(number))),
                    BesideFact::Segment(number) => Some(Step::Node(Node::Segment(number))),
                    BesideFact::Stage(number) | BesideFact::StageSince(number) => Some(Step::Node(Node::Journey(number))),
                    _ => None,
                });
            }
            Some(Source::Commitment(_)) => steps.push(Step::Ground(Ground::Outcome)),
            // A variant is drawn from an identifier.
            Some(Source::Experiment(number) | Source::Drawn(number)) => {
                steps.extend(hashed(number, playbook).map(Step::Ground))
            }
            Some(Source::Request(_) | Source::StoreOpen(_) | Source::NeedKind(_)) | None => {}
        }
    }
    for trend in reads.trends.iter().filter_map(|trend| rules.sources.schema.trends().get(usize::from(*trend))) {
        steps.extend(counted(trend, playbook, rules));
    }
    // Where a session begins and ends depends on all that happened in it.
    if reads.session {
        steps.extend(session(playbook, rules).map(Step::Ground));
    }
    steps.extend(reads.subjects.iter().filter_map(|subject| through(usize::from(subject.0))));
    steps.extend(reads.events.iter().map(|kind| Step::Ground(event(*kind, playbook))));
    for ((kind, property), asked) in uses(rule.checked()) {
        let number = usize::from(kind.0);
        let Some(declared) = playbook.events.get(number) else { continue };
        let name = rules.sources.schema.property_name(property);
        let Some(column) = declared.properties.iter().position(|property| Some(&property.name.text) == name) else { continue };
        steps.push(Step::Ground(Ground::Property(number, column)));
        let categories = declared.properties.get(column).map_or(&[][..], |property| &property.categories);
        for (place, category) in categories.iter().enumerate() {
            let asked_for = match &asked {
                Asked::Any => true,
                Asked::Only(texts) => texts.contains(&category.value.text),
            };
            if asked_for {
                steps.push(Step::Ground(Ground::Category(number, column, place)));
            }
        }
    }
    if let (true, Some(zone)) = (reads.zone, rules.customer_zone) {
        steps.push(Step::Ground(Ground::Attribute(zone)));
    }
    steps
}

/// The identifiers that an experiment hashes, where their namespace says what may be done with them.
fn hashed(experiment: usize, playbook: &Playbook) -> Option<Ground> {
    let by = playbook.experiments.get(experiment)?.by.as_ref()?;
    let number = playbook.namespaces.iter().position(|namespace| namespace.name.text == by.text)?;
    let labels = &playbook.namespaces.get(number)?.labels;
    (labels.purposes.is_some() || labels.sensitivity.is_some()).then_some(Ground::Namespace(number))
}

/// What a trend is made of: of customers who contribute as little is told as of those that are decided for.
fn counted(trend: &TrendDecl, playbook: &Playbook, rules: &Rules) -> Vec<Step> {
    let mut steps = Vec::new();
    let events = || (0..playbook.events.len()).map(|number| Step::Ground(Ground::Event(number)));
    let journeys = || (0..playbook.journeys.len()).map(|number| Step::Node(Node::Journey(number)));
    let segments = || (0..playbook.segments.len()).map(|number| Step::Node(Node::Segment(number)));
    let Some(declared) = playbook.trends.iter().find(|declared| declared.name.text == trend.name) else {
        match &*trend.name {
            "events" => steps.extend(events()),
            "stages" => steps.extend(journeys()),
            _ => steps.push(Step::Ground(Ground::Outcome)),
        }
        return steps;
    };
    match (&*declared.count.text, rules.sources.schema.event(&declared.count.text)) {
        (STAGE_ENTERED, _) => steps.extend(journeys()),
        (SEGMENT_ENTERED, _) => steps.extend(segments()),
        (_, Some(kind)) => {
            steps.push(Step::Ground(event(kind, playbook)));
            for name in declared.by.iter().chain(&declared.sum).chain(&declared.histogram) {
                let property = rules.sources.schema.property(&name.text);
                if property.is_some() {
                    steps.extend(values(&[kind], property, playbook, rules).into_iter().map(Step::Ground));
                }
            }
        }
        (FEEDBACK, None) => {
            for feedback in &playbook.feedback {
                let kinds: Vec<EventKind> =
                    feedback.on.iter().filter_map(|name| rules.sources.schema.event(&name.text)).collect();
                steps.extend(kinds.iter().map(|kind| Step::Ground(event(*kind, playbook))));
                for name in [&feedback.score, &feedback.topic, &feedback.region].into_iter().flatten() {
                    let property = rules.sources.schema.property(&name.text);
                    steps.extend(values(&kinds, property, playbook, rules).into_iter().map(Step::Ground));
                }
            }
        }
        (_, None) => steps.push(Step::Ground(Ground::Outcome)),
    }
    if declared.by.iter().any(|name| &*name.text == "segment") {
        steps.extend(segments());
    }
    steps
}

/// Declared event types come first; those of the engine that rules can read are outcomes.
fn event(kind: EventKind, playbook: &Playbook) -> Ground {
    let number = usize::from(kind.0);
    if number < playbook.events.len() { Ground::Event(number) } else { Ground::Outcome }
}
