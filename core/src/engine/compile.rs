use super::Inner;
use super::labels::{Flow, check};
use super::policy::doubtful;
use super::pushed::pushed;
use super::reach::unreachable;
use super::unforeseen::unforeseen;
use crate::context::{BesideFact, JourneyFact, NeedRule, PersonaRule, Reach, Reaches, Rule, Rules, Source};
use crate::customer::Namespaces;
use crate::decide::{Lane, Offers, Shortlist};
use crate::error::{Diagnostic, Diagnostics, Severity};
use crate::expr::plan::{Form, PlanBuilder};
use crate::expr::{Expected, FactId, compile_text};
use crate::journey::{Journeys, Model, Touches};
use crate::playbook::{Name, Playbook};
use crate::reaction::Reactions;
use crate::relation::Extent;
use crate::suggest::Shelf;
use crate::trends::TrendRules;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Compiles the loaded playbook; all findings of all its parts are reported together.
/// `tables` are those of items, by name; `None` where the items are known already.
pub(super) fn compile(
    playbook: Playbook,
    findings: Diagnostics,
    tables: Option<&[(&str, &str)]>,
) -> Result<(Inner, Option<Shelf>), Diagnostics> {
    // A draft has gaps, so what lies between its parts is not judged.
    let whole = !findings.has_errors();
    let mut findings = findings.0;
    let rules = Rules::compile(&playbook, &mut findings);
    let sources = rules.as_ref().map(|rules| rules.sources.clone()).unwrap_or_else(|| crate::context::Sources::of(&playbook));
    let journeys = Journeys::compile(&playbook, &sources, &mut findings);
    let mut offers = Offers::compile(&playbook, &sources, &mut findings);
    let reactions = journeys
        .as_ref()
        .and_then(|journeys| Reactions::compile(&playbook, &sources, (&journeys.names, &journeys.stages), &mut findings));
    let mut model = match (rules, journeys, reactions) {
        (Some(rules), Some(journeys), Some(reactions)) => {
            Some(Model { rules, journeys, reactions, touches: Touches::default() })
        }
        _ => None,
    };
    let mut flow = Flow::default();
    if let Some(model) = &mut model {
        findings.extend(repeated_segments(&playbook, model));
        order(&playbook, model, &mut findings);
        if let (true, Some(offers)) = (whole, &offers) {
            findings.extend(unreachable(&playbook, model, offers));
            findings.extend(unforeseen(&playbook, model, offers));
        }
        let circles = findings.iter().any(|finding| matches!(finding.code, "cycle" | "too_deep"));
        if let (true, false, Some(offers)) = (whole, circles, &mut offers) {
            flow = Flow::of(&playbook, &model.rules, &model.journeys);
            check(&playbook, &model.rules, offers, (&model.journeys, &model.reactions), &flow, &mut findings);
        }
    }
    // What is wrong is to be put right before what is doubtful.
    let wrong = findings.iter().any(|finding| finding.severity == Severity::Error);
    if let (true, false, Some(model), Some(offers)) = (whole, wrong, &model, &offers) {
        findings.extend(doubtful(&playbook, model, offers));
        findings.extend(pushed(&playbook, model, offers));
    }
    let suggestions = offers.as_ref().and_then(|offers| offers.suggestions.as_ref());
    let shelf = suggestions.and_then(|suggestions| suggestions.shelf(&playbook, tables, &mut findings));
    findings.extend(unused(&playbook, tables.unwrap_or(&[])));
    let mut findings = Diagnostics(findings);
    findings.sort();
    sources.schema.computed().lift();
    match (model, offers) {
        (Some(mut model), Some(mut offers)) if !findings.has_errors() => {
            share(&mut offers, &model.rules);
            reach_around(&mut offers, &model.rules, &playbook);
            plan(&mut model, &mut offers);
            offers.shortlist = Shortlist::of(&offers, &model.rules);
            offers.lanes = Lane::all(&offers, &model.rules);
            let sources = &model.rules.sources;
            let trends = Arc::new(TrendRules::of(&playbook, &model.rules.layout, &sources.reserved));
            offers.resolve(&trends);
            let identity = Namespaces::compile(&playbook.namespaces, playbook.identity_limits, &playbook.relations);
            let names = super::Engine::state_names(&playbook, &trends, &model.reactions);
            Ok((Inner { playbook, identity, model, offers, flow, names, trends, warnings: findings }, shelf))
        }
        _ => Err(findings),
    }
}

/// Notes of each offer that reads of others what these have to permit for it.
fn share(offers: &mut Offers, rules: &Rules) {
    let others = |rule: &Rule| {
        let through = |fact| matches!(rules.sources.source(fact), Some(Source::Beside(..)));
        !rule.reads().subjects.is_empty() || rule.reads().facts.iter().any(|fact| through(*fact))
    };
    for offer in offers.offers.iter_mut().filter(|offer| offer.rules().any(others)) {
        let mut purposes = offer.purposes.clone();
        purposes.sort_unstable();
        let key = (purposes, offer.special);
        let place = offers.shared.iter().position(|known| *known == key).unwrap_or_else(|| {
            offers.shared.push(key);
            offers.shared.len() - 1
        });
        offer.beside = Some(place);
    }
}

/// Notes how much of those around a customer decisions read: who is in a group of very many need not be found where nothing asks for them.
fn reach_around(offers: &mut Offers, rules: &Rules, playbook: &Playbook) {
    let relations = &rules.sources.relations;
    let capped: Vec<usize> = {
        let caps = playbook.contact.iter().filter_map(|rule| rule.subject.as_ref());
        let budgets = playbook.budgets.iter().filter_map(|budget| budget.subject.as_ref());
        caps.chain(budgets).filter_map(|name| relations.named(&name.text)).collect()
    };
    let mut extents: Vec<Extent> = relations
        .subjects
        .iter()
        .map(|subject| if capped.contains(&subject.relation) { Extent::Members } else { Extent::Groups })
        .collect();
    let read: Vec<(usize, Extent)> = {
        let chosen = offers.offers.iter().flat_map(|offer| offer.rules()).chain(offers.guards());
        let subjects = |rule: &Rule| {
            let facts = rule.reads().facts.iter().filter_map(|fact| match rules.sources.source(*fact) {
                Some(Source::Beside(subject, BesideFact::Members | BesideFact::MembersIn(_))) => {
                    Some((subject, Extent::Counts))
                }
                _ => None,
            });
            let streams = rule.reads().subjects.iter().map(|subject| (usize::from(subject.0), Extent::Members));
            facts.chain(streams).collect::<Vec<_>>()
        };
        chosen.flat_map(subjects).collect()
    };
    for (subject, wanted) in read {
        if let Some(extent) = extents.get_mut(subject) {
            *extent = wanted.max(*extent);
        }
    }
    offers.extents = extents;
}

/// Compiles all rules together.
fn plan(model: &mut Model, offers: &mut Offers) {
    let mut plan = PlanBuilder::over(model.rules.sources.segments);
    model.rules.conditions().for_each(|rule| rule.join(&mut plan));
    model.journeys.rules.iter_mut().flat_map(|rule| rule.conditions_mut()).for_each(|rule| rule.join(&mut plan));
    offers.offers.iter_mut().flat_map(|offer| offer.ranked_by()).for_each(|rule| rule.join(&mut plan));
    model.rules.plan = plan.build();
    let journeys = model.journeys.rules.iter().flat_map(|rule| rule.conditions());
    let codes: Vec<_> = model.rules.segments.iter().chain(journeys).filter_map(Rule::code).collect();
    let layout = model.rules.layout.clone();
    let factors = offers.offers.iter().flat_map(|offer| offer.factors.iter().flatten());
    let scores: Vec<_> = factors.filter_map(|(factor, _)| factor.rule().and_then(Rule::code)).collect();
    model.rules.plan.stand(codes, scores.iter().copied(), &|kind, property| match layout.column_of(kind, property) {
        None => Form::Absent,
        Some(column) if layout.is_text(kind, column) => Form::Text,
        Some(column) => layout.bits(kind, column).map_or(Form::Other, Form::Bits),
    });
    model.rules.plan.quicken(scores);
    model.touches = Touches::of(&model.rules, &model.journeys, &model.reactions);
    let asks = |rule: &Rule| {
        let asked = |fact: &FactId| matches!(model.rules.sources.source(*fact), Some(Source::Journey(..)));
        rule.reads().facts.iter().any(asked) || rule.checked().asked_of_instances().next().is_some()
    };
    let reactions = model.reactions.rules.iter().flat_map(|reaction| reaction.rules());
    let own = model.rules.segments.iter().chain(&model.rules.watches).chain(model.rules.evidence()).chain(reactions);
    let told = own.chain(model.journeys.rules.iter().flat_map(|rule| rule.conditions())).any(asks)
        || offers.offers.iter().flat_map(|offer| offer.rules()).chain(offers.guards()).any(asks);
    model.rules.journeys_told = told;
    let mut foreseen: Vec<u16> = Vec::new();
    let chosen = offers.offers.iter().flat_map(|offer| offer.rules()).chain(offers.guards());
    for rule in chosen.filter(|rule| rule.checked().asks_ahead()) {
        foreseen.extend(rule.reads().facts.iter().filter_map(|fact| match model.rules.sources.source(*fact) {
            Some(Source::Journey(number, JourneyFact::Ahead)) => u16::try_from(number).ok(),
            _ => None,
        }));
    }
    foreseen.sort_unstable();
    foreseen.dedup();
    model.rules.foreseen = foreseen;
}

/// Segments with the same condition, which are probably not meant.
fn repeated_segments(playbook: &Playbook, model: &Model) -> Vec<Diagnostic> {
    let names = playbook.segments.iter().map(|segment| &*segment.name.text);
    let mut findings = crate::expr::repeated(names.zip(model.rules.segments.iter().map(Rule::checked)));
    for finding in &mut findings {
        let segment = playbook.segments.iter().find(|segment| *segment.name.text == *finding.path);
        finding.place = segment.map(|segment| segment.name.place.clone());
        finding.path.insert_str(0, "segments.");
    }
    findings
}

/// A segment, journey or something concluded in the graph of what depends on what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Segment(usize),
    Persona(usize),
    Journey(usize),
    Intent(usize),
    Need(usize),
    Preference(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Open,
    Active,
    Done,
}

/// Walks the graph, dependencies first, and notes what each node reads in the end; a cycle is a mistake that prints its path.
struct Walk<'a> {
    playbook: &'a Playbook,
    model: &'a Model,
    reaches: Reaches,
    reads_itself: Vec<bool>,
    marks: [Vec<Mark>; 6],
    path: Vec<Node>,
    findings: &'a mut Vec<Diagnostic>,
}

fn order(playbook: &Playbook, model: &mut Model, findings: &mut Vec<Diagnostic>) {
    let rules = &model.rules;
    let (segments, personas, journeys) = (rules.segments.len(), rules.personas.len(), model.journeys.rules.len());
    let (intents, needs, preferences) = (rules.intents.len(), rules.needs.len(), rules.preferences.len());
    let unusual = rules.unusual.iter().map(|rule| Reach { kinds: rule.kinds.iter().copied().collect(), ..Reach::default() });
    let mut walk = Walk {
        playbook,
        model,
        reaches: Reaches {
            segments: vec![Reach::default(); segments],
            personas: vec![Reach::default(); personas],
            journeys: vec![Reach::default(); journeys],
            intents: vec![Reach::default(); intents],
            needs: vec![Reach::default(); needs],
            preferences: vec![Reach::default(); preferences],
            unusual: unusual.collect(),
            watches: Vec::new(),
        },
        reads_itself: vec![false; journeys],
        marks: [segments, personas, journeys, intents, needs, preferences].map(|count| vec![Mark::Open; count]),
        path: Vec::new(),
        findings,
    };
    let nodes = (0..segments)
        .map(Node::Segment)
        .chain((0..personas).map(Node::Persona))
        .chain((0..journeys).map(Node::Journey))
        .chain((0..intents).map(Node::Intent))
        .chain((0..needs).map(Node::Need))
        .chain((0..preferences).map(Node::Preference));
    nodes.for_each(|node| walk.visit(node));
    let (reaches, reads_itself) = (walk.reaches, walk.reads_itself);
    for ((rule, reach), reads_itself) in model.journeys.rules.iter_mut().zip(&reaches.journeys).zip(reads_itself) {
        rule.reach = reach.clone();
        rule.reads_itself = reads_itself;
    }
    model.journeys.chain();
    model.rules.reaches = reaches;
    model.rules.reaches.watches =
        model.rules.watches.iter().map(|rule| model.rules.reaches.of(rule, &model.rules.sources)).collect();
    model.reactions.reach(&model.rules);
}

impl Walk<'_> {
    fn visit(&mut self, node: Node) {
        match self.mark(node) {
            Mark::Done => {}
            Mark::Active => self.report_cycle(node),
            // Depth is bounded so that a chain of ten thousand segments cannot exhaust the stack.
            Mark::Open if self.path.len() >= 500 => {
                let name = self.name(node);
                self.findings.push(mistake(
                    "too_deep",
                    format!("`{}` depends on more than 500 others in a row", name.text),
                    name,
                ));
            }
            Mark::Open => {
                self.set(node, Mark::Active);
                self.path.push(node);
                for next in self.edges(node) {
                    self.visit(next);
                }
                self.path.pop();
                self.set(node, Mark::Done);
                let mut reach = Reach::default();
                for rule in self.rules(node) {
                    reach.absorb(&self.reaches.of(rule, &self.model.rules.sources));
                }
                if let Node::Journey(number) = node
                    && let Some(rule) = self.model.journeys.rules.get(number)
                {
                    // Its own stages are not a dependency: a journey reads itself as it was just before. Other instances move it as
                    // other journeys do.
                    if !rule.reads_instances(number, &self.model.rules.sources) {
                        reach.journeys.remove(&number);
                    }
                    reach.kinds.extend(rule.kinds());
                    reach.kinds.insert(self.model.rules.sources.reserved.journey_pinned);
                }
                let rules = &self.model.rules;
                match node {
                    Node::Need(number) if rules.needs.get(number).is_some_and(|need| !need.problems.is_empty()) => {
                        reach.kinds.extend(&rules.searches.kinds);
                    }
                    Node::Preference(number) => {
                        reach.kinds.extend(rules.preferences.get(number).into_iter().flat_map(|rule| &rule.kinds));
                        for attribute in rules.beside_preference(number) {
                            reach.attributes.insert(attribute);
                            reach.kinds.extend(rules.sources.tellers(attribute));
                        }
                    }
                    Node::Need(_) | Node::Segment(_) | Node::Persona(_) | Node::Journey(_) | Node::Intent(_) => {}
                }
                let place = match node {
                    Node::Segment(number) => self.reaches.segments.get_mut(number),
                    Node::Persona(number) => self.reaches.personas.get_mut(number),
                    Node::Journey(number) => self.reaches.journeys.get_mut(number),
                    Node::Intent(number) => self.reaches.intents.get_mut(number),
                    Node::Need(number) => self.reaches.needs.get_mut(number),
                    Node::Preference(number) => self.reaches.preferences.get_mut(number),
                };
                if let Some(place) = place {
                    *place = reach;
                }
            }
        }
    }

    fn rules(&self, node: Node) -> Vec<&Rule> {
        let rules = &self.model.rules;
        match node {
            Node::Segment(number) => rules.segments.get(number).into_iter().collect(),
            Node::Persona(number) => rules.personas.get(number).into_iter().flat_map(PersonaRule::conditions).collect(),
            Node::Intent(number) => rules.intents.get(number).into_iter().flat_map(PersonaRule::conditions).collect(),
            Node::Need(number) => rules.needs.get(number).into_iter().flat_map(NeedRule::conditions).collect(),
            Node::Preference(_) => Vec::new(),
            Node::Journey(number) => {
                self.model.journeys.rules.get(number).into_iter().flat_map(crate::journey::JourneyRule::conditions).collect()
            }
        }
    }

    fn edges(&mut self, node: Node) -> Vec<Node> {
        let mut edges = Vec::new();
        for rule in self.rules(node) {
            edges.extend(rule.reads().facts.iter().flat_map(|fact| self.behind(*fact)));
        }
        // A journey reads itself as it was just before.
        if let Node::Journey(number) = node {
            let all = edges.len();
            edges.retain(|edge| *edge != node);
            if let (true, Some(place)) = (edges.len() < all, self.reads_itself.get_mut(number)) {
                *place = true;
            }
        }
        edges
    }

    /// What a fact is drawn from.
    fn behind(&self, fact: FactId) -> Vec<Node> {
        let rules = &self.model.rules;
        let mut nodes: Vec<Node> = rules.sources.planned_by(fact).map(Node::Segment).collect();
        match rules.sources.source(fact) {
            Some(Source::Segment(number)) => nodes.push(Node::Segment(number)),
            // A posterior depends on the evidence of every persona.
            Some(Source::Persona(_) | Source::LikelyPersona) => nodes.extend((0..rules.personas.len()).map(Node::Persona)),
            Some(Source::Stage(number) | Source::Since(number) | Source::Journey(number, _)) => {
                nodes.push(Node::Journey(number))
            }
            Some(Source::Intent(_) | Source::LikelyIntent) => nodes.extend((0..rules.intents.len()).map(Node::Intent)),
            Some(Source::Need(number) | Source::NeedTime(number)) => nodes.push(Node::Need(number)),
            Some(Source::Preference(number, _)) => nodes.push(Node::Preference(number)),
            Some(
                Source::Attribute(_)
                | Source::Request(_)
                | Source::Experiment(_)
                | Source::Drawn(_)
                | Source::Session(_)
                | Source::Location(_)
                | Source::StoreOpen(_)
                | Source::NeedKind(_)
                | Source::Commitment(_)
                | Source::Beside(..)
                | Source::Unusual(_),
            )
            | None => {}
        }
        nodes
    }

    /// The computed values through which one reads another, from the first to the last.
    fn between(&self, from: Node, to: Node) -> Vec<Arc<str>> {
        let read: BTreeSet<&Arc<str>> = self.rules(from).into_iter().flat_map(|rule| &rule.reads().computed).collect();
        let schema = &self.model.rules.sources.schema;
        let mut through: Vec<(Arc<str>, BTreeSet<Arc<str>>)> = Vec::new();
        for value in self.playbook.computed.iter().filter(|value| read.contains(&value.name.text)) {
            let Ok(checked) = compile_text(&value.value, schema, &Expected::Any) else { continue };
            if checked.reads().facts.iter().any(|fact| self.behind(*fact).contains(&to)) {
                through.push((value.name.text.clone(), checked.reads().computed.clone()));
            }
        }
        // What one reads is read through it; of several ways one.
        through.sort_by_key(|(_, reads)| std::cmp::Reverse(reads.len()));
        let mut way: Vec<(Arc<str>, BTreeSet<Arc<str>>)> = Vec::new();
        for (name, reads) in through {
            if way.last().is_none_or(|(_, above)| above.contains(&name)) {
                way.push((name, reads));
            }
        }
        way.into_iter().map(|(name, _)| name).collect()
    }

    fn report_cycle(&mut self, node: Node) {
        let start = self.path.iter().position(|active| *active == node).unwrap_or(0);
        let circle: Vec<Node> = self.path.iter().skip(start).copied().chain([node]).collect();
        let mut names = vec![format!("`{}`", self.name(node).text)];
        for (from, to) in circle.iter().zip(circle.iter().skip(1)) {
            names.extend(self.between(*from, *to).iter().map(|computed| format!("`computed.{computed}`")));
            names.push(format!("`{}`", self.name(*to).text));
        }
        let name = self.name(node);
        self.findings.push(mistake("cycle", format!("these depend on each other: {}", names.join(" -> ")), name));
    }

    fn name(&self, node: Node) -> &Name {
        let named = match node {
            Node::Segment(number) => self.playbook.segments.get(number).map(|segment| &segment.name),
            Node::Persona(number) => self.playbook.personas.get(number).map(|persona| &persona.name),
            Node::Journey(number) => self.playbook.journeys.get(number).map(|journey| &journey.name),
            Node::Intent(number) => self.playbook.intents.get(number).map(|intent| &intent.name),
            Node::Need(number) => self.playbook.needs.get(number).map(|need| &need.name),
            Node::Preference(number) => self.playbook.preferences.get(number).map(|preference| &preference.name),
        };
        named.unwrap_or(&self.playbook.name)
    }

    fn mark(&self, node: Node) -> Mark {
        let (kind, number) = place(node);
        self.marks.get(kind).and_then(|marks| marks.get(number)).copied().unwrap_or(Mark::Done)
    }

    fn set(&mut self, node: Node, mark: Mark) {
        let (kind, number) = place(node);
        if let Some(place) = self.marks.get_mut(kind).and_then(|marks| marks.get_mut(number)) {
            *place = mark;
        }
    }
}

fn place(node: Node) -> (usize, usize) {
    match node {
        Node::Segment(number) => (0, number),
        Node::Persona(number) => (1, number),
        Node::Journey(number) => (2, number),
        Node::Intent(number) => (3, number),
        Node::Need(number) => (4, number),
        Node::Preference(number) => (5, number),
    }
}

fn mistake(code: &'static str, message: String, name: &Name) -> Diagnostic {
    Diagnostic {
        code,
        severity: Severity::Error,
        message,
        path: name.text.to_string(),
        place: Some(name.place.clone()),
        hint: None,
        related: None,
    }
}

/// Tables that nothing names.
fn unused(playbook: &Playbook, tables: &[(&str, &str)]) -> Vec<Diagnostic> {
    let file = playbook.catalog.as_ref().and_then(|catalog| catalog.file.as_ref());
    let unused = tables.iter().filter(|(name, _)| file.is_none_or(|file| *file.text != **name));
    unused
        .map(|(name, _)| {
            let shown: String = name.chars().take(80).collect();
            Diagnostic {
                code: "unused_table",
                severity: Severity::Error,
                message: format!("`{shown}` is a table that the playbook does not name"),
                path: String::new(),
                place: None,
                hint: Some(format!("write `file: {shown}` under `catalog`, or leave it out")),
                related: None,
            }
        })
        .collect()
}
