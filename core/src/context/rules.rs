use super::Experiments;
use super::attribute::AttributeRule;
use super::evidence::EvidenceRule;
use super::location::PlaceRule;
use super::need::{NeedRule, SearchRule};
use super::preference::PreferenceRule;
use super::reach::Reaches;
use super::rule::Rule;
use super::session::SessionRule;
use super::sources::{Source, Sources};
use super::standing::JourneyFact;
use super::unusual::UnusualRule;
use crate::customer::{JourneyNames, Layout, Renames};
use crate::error::{Diagnostic, Severity};
use crate::expr::plan::Plan;
use crate::expr::{EventKind, Expected, PropertyId, TimeClass};
use crate::playbook::{Assurance, Playbook, Renamed, RenamedKind, Text};
use crate::value::{Duration, Zone};
use std::sync::Arc;

/// The compiled part of a playbook that says what is true of a customer: attributes, segments and personas.
#[derive(Debug)]
pub(crate) struct Rules {
    /// Names and where they come from.
    pub(crate) sources: Sources,
    /// How stories are kept.
    pub(crate) layout: Arc<Layout>,
    /// In the order of the playbook.
    pub(crate) attributes: Vec<AttributeRule>,
    /// How sure a request has to be who is there to read events of the types that the playbook declares, in its order.
    pub(crate) minimums: Vec<Assurance>,
    /// In the order of the playbook.
    pub(crate) segments: Vec<Rule>,
    /// In the order of the playbook.
    pub(crate) personas: Vec<PersonaRule>,
    /// In the order of the playbook.
    pub(crate) watches: Vec<Rule>,
    /// In the order of the playbook.
    pub(crate) intents: Vec<PersonaRule>,
    /// The posterior from which on a persona or intent is said to be the likely one.
    pub(crate) threshold: f64,
    /// In the order of the playbook.
    pub(crate) needs: Vec<NeedRule>,
    /// Searches and problems.
    pub(crate) searches: SearchRule,
    /// In the order of the playbook.
    pub(crate) preferences: Vec<PreferenceRule>,
    /// In the order of the playbook.
    pub(crate) unusual: Vec<UnusualRule>,
    /// The experiments.
    pub(crate) experiments: Experiments,
    /// The instants at which what fades is read anew.
    pub(crate) grid: Option<Duration>,
    /// What a session is.
    pub(crate) sessions: SessionRule,
    /// Where customers are read to be.
    pub(crate) places: PlaceRule,
    /// When the customer's own zone is unknown.
    pub(crate) zone: Zone,
    /// The attribute that holds the customer's own zone.
    pub(crate) customer_zone: Option<usize>,
    /// What each segment and persona reads in the end, through others.
    pub(crate) reaches: Reaches,
    /// Whether a rule asks for more of a journey than the stage and since when; filled when all is compiled.
    pub(crate) journeys_told: bool,
    /// The journeys of which a rule asks what comes next; filled when all is compiled.
    pub(crate) foreseen: Vec<u16>,
    /// All rules of the playbook compiled together.
    pub(crate) plan: Plan,
}

/// A compiled persona.
#[derive(Debug)]
pub(crate) struct PersonaRule {
    /// The share of customers who are of it.
    pub(crate) prior: f64,
    /// Condition, odds when true, odds when false.
    pub(crate) evidence: Vec<(EvidenceRule, f64, f64)>,
}

impl PersonaRule {
    /// Its conditions.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Rule> {
        self.evidence.iter().map(|(evidence, ..)| &evidence.when)
    }
}

impl Rules {
    /// Compiles attributes, segments and personas; findings are added to `findings`. `None` when an expression is wrong.
    pub(crate) fn compile(playbook: &Playbook, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        let mut sources = Sources::of(playbook);
        let mistakes = std::mem::take(&mut sources.mistakes);
        let sound = !mistakes.iter().any(|mistake| mistake.severity == Severity::Error);
        findings.extend(mistakes);
        let sessions = SessionRule::of(playbook, &sources.schema);
        let layout = Layout::new(Arc::new(sources.schema.clone()), sources.declared_events, playbook.digest.clone());
        let journeys = playbook.journeys.iter().map(|journey| JourneyNames {
            name: journey.name.text.clone(),
            stages: journey.stages.iter().map(|stage| stage.name.text.clone()).collect(),
            definition: journey.digest.clone(),
        });
        let named = (playbook.name.text.clone(), playbook.version);
        let layout = Arc::new(layout.of_playbook(named, renames(playbook), journeys.collect()));
        let mut complete = true;
        let mut state_rule = |text: &Text, expected: &Expected, findings: &mut Vec<Diagnostic>| {
            let rule = state_rule(text, &sources, expected, findings);
            complete &= rule.is_some();
            rule
        };
        let segments: Vec<Rule> =
            playbook.segments.iter().filter_map(|segment| state_rule(&segment.when, &Expected::Bool, findings)).collect();
        let watches: Vec<Rule> =
            playbook.watches.iter().filter_map(|watch| state_rule(&watch.value, &Expected::Any, findings)).collect();
        let concluded = super::compile::conclude(playbook, &sources, findings)?;
        if !complete || !sound {
            return None;
        }
        let numbered = playbook.attributes.iter().enumerate();
        let attributes = numbered.map(|(place, attribute)| AttributeRule::of(place, attribute, playbook, &sources)).collect();
        let customer_zone = playbook
            .customer_zone
            .as_ref()
            .and_then(|name| playbook.attributes.iter().position(|attribute| attribute.name.text == name.text));
        Some(Rules {
            experiments: Experiments::of(playbook, &sources),
            sources,
            layout,
            attributes,
            minimums: playbook.events.iter().map(|event| event.assurance).collect(),
            segments,
            personas: concluded.personas,
            watches,
            intents: concluded.intents,
            threshold: playbook.persona_threshold,
            needs: concluded.needs,
            searches: concluded.searches,
            preferences: concluded.preferences,
            unusual: concluded.unusual,
            grid: playbook.resolution,
            sessions,
            places: PlaceRule::of(playbook),
            zone: playbook.time_zone,
            customer_zone,
            reaches: Reaches::default(),
            journeys_told: false,
            foreseen: Vec::new(),
            plan: Plan::default(),
        })
    }

    /// How sure a request has to be who is there to read where somebody stands in a journey: as sure as for the attributes and events
    /// that move it.
    pub(crate) fn minimum(&self, journey: usize) -> Assurance {
        let Some(reach) = self.reaches.journeys.get(journey) else { return Assurance::Anonymous };
        let attributes = reach.attributes.iter().filter_map(|attribute| self.attributes.get(*attribute));
        let events = reach.kinds.iter().map(|kind| self.event_minimum(*kind));
        attributes.map(|rule| rule.assurance).chain(events).max().unwrap_or(Assurance::Anonymous)
    }

    /// How sure a request has to be who is there to read events of a type.
    pub(crate) fn event_minimum(&self, kind: EventKind) -> Assurance {
        self.minimums.get(usize::from(kind.0)).copied().unwrap_or(Assurance::Anonymous)
    }

    /// Every condition of segments, personas, intents and needs.
    pub(crate) fn conditions(&mut self) -> impl Iterator<Item = &mut Rule> {
        let families = self.personas.iter_mut().chain(&mut self.intents);
        let odds = families.flat_map(|persona| persona.evidence.iter_mut().map(|(rule, ..)| rule));
        let needs = self.needs.iter_mut();
        let needs = needs.flat_map(|need| need.stated.iter_mut().chain(need.evidence.iter_mut().map(|(rule, _)| rule)));
        let concluded = odds.chain(needs).map(|evidence| &mut evidence.when);
        self.segments.iter_mut().chain(&mut self.watches).chain(concluded)
    }

    /// The conditions of personas, intents and needs.
    pub(crate) fn evidence(&self) -> impl Iterator<Item = &Rule> {
        let families = self.personas.iter().chain(&self.intents).flat_map(PersonaRule::conditions);
        families.chain(self.needs.iter().flat_map(NeedRule::conditions))
    }

    /// What conclusions read beside their conditions: events, and the property of those that is looked at.
    pub(crate) fn beside(&self) -> impl Iterator<Item = (&[EventKind], Option<PropertyId>)> {
        let searched = self.needs.iter().any(|need| !need.problems.is_empty());
        let searches = searched.then_some((&self.searches.kinds[..], self.searches.property));
        let liked = self.preferences.iter().flat_map(|preference| &preference.from);
        let unusual = self.unusual.iter().map(|rule| (&rule.kinds[..], rule.property));
        searches.into_iter().chain(liked.map(|from| (&from.kinds[..], from.read.property()))).chain(unusual)
    }

    /// The attributes that state a preference, and the one that holds the zone in which it is counted, by number.
    pub(crate) fn beside_preference(&self, preference: usize) -> impl Iterator<Item = usize> {
        let rule = self.preferences.get(preference);
        let in_zone = rule.is_some_and(|rule| rule.from.iter().any(|from| from.read.is_in_zone()));
        let stated = rule.into_iter().flat_map(|rule| [rule.stated, rule.stated_dislikes]).flatten();
        let stated = stated.filter_map(|fact| match self.sources.source(fact) {
            Some(Source::Attribute(place)) => Some(place),
            _ => None,
        });
        stated.chain(self.customer_zone.filter(|_| in_zone))
    }
}

/// The names that earlier versions of a playbook had.
fn renames(playbook: &Playbook) -> Renames {
    let mut renames = Renames::default();
    for Renamed { what, old, new } in &playbook.renamed {
        let (names, old) = match what {
            RenamedKind::Event => (&mut renames.events, old.clone()),
            RenamedKind::Attribute => (&mut renames.attributes, old.clone()),
            RenamedKind::Property { event } => (&mut renames.properties, Arc::from(format!("{event}.{old}"))),
        };
        names.insert(old, new.text.clone());
    }
    renames
}

/// Compiles an expression that makes state: it may read the customer and `now` only, and has to change at instants that can be
/// told beforehand.
pub(crate) fn state_rule(text: &Text, sources: &Sources, expected: &Expected, findings: &mut Vec<Diagnostic>) -> Option<Rule> {
    let before = findings.len();
    let rule = instant_rule(text, sources, expected, findings)?;
    // What comes next has no instants at all, which is said already.
    if rule.class() > TimeClass::Linear {
        findings.push(Diagnostic {
            code: "needs_grid",
            severity: Severity::Error,
            message: "the instants at which this changes cannot be told beforehand".to_owned(),
            path: text.path.to_string(),
            place: Some(text.place.clone()),
            hint: Some("compare an age or `since_last()` with a fixed length, without multiplying two of them".to_owned()),
            related: None,
        });
    }
    (!findings.iter().skip(before).any(|finding| finding.severity == Severity::Error)).then_some(rule)
}

/// Compiles an expression that is asked at single instants: it may read the customer and `now` only.
pub(crate) fn instant_rule(
    text: &Text,
    sources: &Sources,
    expected: &Expected,
    findings: &mut Vec<Diagnostic>,
) -> Option<Rule> {
    let rule = Rule::compile(text, &sources.schema, expected, findings)?;
    let finding = |code, message: String, hint: &str| Diagnostic {
        code,
        severity: Severity::Error,
        message,
        path: text.path.to_string(),
        place: Some(text.place.clone()),
        hint: Some(hint.to_owned()),
        related: None,
    };
    let before = findings.len();
    for fact in &rule.reads().facts {
        if matches!(sources.source(*fact), Some(Source::Experiment(_))) {
            findings.push(finding(
                "experiment_in_state",
                format!("`{}` is decided with a question, but this holds between questions too", sources.path(*fact)),
                "read it in an offer's conditions instead, or read `drawn(…)`, the variant by the hash alone",
            ));
        }
        if matches!(sources.source(*fact), Some(Source::Journey(_, JourneyFact::Ahead))) {
            findings.push(finding(
                "prediction_in_state",
                "what comes next is guessed from other customers, but what is kept of a customer depends on their own story alone"
                    .to_owned(),
                "read it in an offer's conditions instead",
            ));
        }
        if matches!(sources.source(*fact), Some(Source::Request(_))) {
            findings.push(finding(
                "request_in_state",
                format!("`{}` comes with a question, but this holds between questions too", sources.path(*fact)),
                "read it in an offer's conditions instead",
            ));
        }
    }
    for trend in rule.reads().trends.iter().filter_map(|trend| sources.schema.trends().get(usize::from(*trend))) {
        findings.push(finding(
            "trend_in_state",
            format!("trend `{}` comes with a question, but this holds between questions too", trend.name),
            "read it in an offer's conditions or factors instead",
        ));
    }
    let others = rule.reads().facts.iter().filter(|fact| matches!(sources.source(**fact), Some(Source::Beside(..))));
    let others = others.map(|fact| sources.path(*fact)).chain(
        rule.reads().subjects.iter().filter_map(|subject| sources.schema.subjects().get(usize::from(subject.0))).cloned(),
    );
    for path in others.collect::<std::collections::BTreeSet<_>>() {
        findings.push(finding(
            "relation_in_state",
            format!("`{path}` is read of others, but what is kept of a customer depends on their own story alone"),
            "read it in an offer's conditions instead",
        ));
    }
    (findings.len() == before).then_some(rule)
}
