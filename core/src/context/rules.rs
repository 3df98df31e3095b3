use super::attribute::AttributeRule;
use super::location::PlaceRule;
use super::reach::Reaches;
use super::rule::Rule;
use super::session::SessionRule;
use super::sources::Sources;
use crate::customer::{Layout, Renames};
use crate::error::{Diagnostic, Severity};
use crate::expr::plan::Plan;
use crate::expr::{Expected, TimeClass};
use crate::playbook::{Playbook, Renamed, RenamedKind, Text};
use crate::value::Zone;
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
    /// In the order of the playbook.
    pub(crate) segments: Vec<Rule>,
    /// In the order of the playbook.
    pub(crate) personas: Vec<PersonaRule>,
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
    /// All rules of the playbook compiled together.
    pub(crate) plan: Plan,
}

/// A compiled persona.
#[derive(Debug)]
pub(crate) struct PersonaRule {
    /// The share of customers who are of it.
    pub(crate) prior: f64,
    /// Condition, odds when true, odds when false.
    pub(crate) evidence: Vec<(Rule, f64, f64)>,
}

impl Rules {
    /// Compiles attributes, segments and personas; findings are added to `findings`. `None` when an expression is wrong.
    pub(crate) fn compile(playbook: &Playbook, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        let sources = Sources::of(playbook);
        let sessions = SessionRule::of(playbook, &sources.schema);
        let layout = Layout::new(Arc::new(sources.schema.clone()), sources.declared_events, playbook.digest.clone());
        let layout = Arc::new(layout.of_playbook(playbook.name.text.clone(), playbook.version, renames(playbook)));
        let mut complete = true;
        let mut state_rule = |text: &Text, findings: &mut Vec<Diagnostic>| {
            let rule = state_rule(text, &sources, findings);
            complete &= rule.is_some();
            rule
        };
        let segments: Vec<Rule> = playbook.segments.iter().filter_map(|segment| state_rule(&segment.when, findings)).collect();
        let personas: Vec<PersonaRule> = playbook
            .personas
            .iter()
            .map(|persona| PersonaRule {
                prior: persona.prior,
                evidence: persona
                    .evidence
                    .iter()
                    .filter_map(|evidence| Some((state_rule(&evidence.when, findings)?, evidence.odds, evidence.otherwise)))
                    .collect(),
            })
            .collect();
        if !complete {
            return None;
        }
        let attributes = playbook.attributes.iter().map(|attribute| AttributeRule::of(attribute, playbook)).collect();
        let customer_zone = playbook
            .customer_zone
            .as_ref()
            .and_then(|name| playbook.attributes.iter().position(|attribute| attribute.name.text == name.text));
        Some(Rules {
            sources,
            layout,
            attributes,
            segments,
            personas,
            sessions,
            places: PlaceRule::of(playbook),
            zone: playbook.time_zone,
            customer_zone,
            reaches: Reaches::default(),
            plan: Plan::default(),
        })
    }

    /// Every condition of segments and personas.
    pub(crate) fn conditions(&mut self) -> impl Iterator<Item = &mut Rule> {
        let evidence = self.personas.iter_mut().flat_map(|persona| persona.evidence.iter_mut().map(|(rule, ..)| rule));
        self.segments.iter_mut().chain(evidence)
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

/// Compiles a condition that makes state: it may read the customer and `now` only, and has to change at instants that can be
/// told beforehand.
pub(crate) fn state_rule(text: &Text, sources: &Sources, findings: &mut Vec<Diagnostic>) -> Option<Rule> {
    let rule = Rule::compile(text, &sources.schema, &Expected::Bool, findings)?;
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
    if rule.class() > TimeClass::Linear {
        findings.push(finding(
            "needs_grid",
            "the instants at which this condition changes cannot be told beforehand".to_owned(),
            "compare an age or `since_last()` with a fixed length, without multiplying two of them",
        ));
    }
    for fact in &rule.reads().facts {
        if matches!(sources.source(*fact), Some(super::Source::Request(_))) {
            findings.push(finding(
                "request_in_state",
                format!("`{}` comes with a question, but this condition holds between questions too", sources.path(*fact)),
                "read it in an offer's conditions instead",
            ));
        }
    }
    (findings.len() == before).then_some(rule)
}
