//! Compiles what is concluded about a customer: personas, intents, needs, preferences and what is unusual.

use super::evidence::EvidenceRule;
use super::need::{NeedRule, SearchRule, Term};
use super::preference::{PreferenceFrom, PreferenceRule, Trait};
use super::rules::PersonaRule;
use super::sources::Sources;
use super::unusual::UnusualRule;
use crate::error::{Diagnostic, Severity, nearest};
use crate::expr::{EventKind, PropertyId};
use crate::playbook::{self, Name, Persona, Playbook, UnusualTest};
use crate::value::Type;

/// Everything that is concluded about a customer.
#[derive(Debug)]
pub(super) struct Concluded {
    pub(super) personas: Vec<PersonaRule>,
    pub(super) intents: Vec<PersonaRule>,
    pub(super) needs: Vec<NeedRule>,
    pub(super) searches: SearchRule,
    pub(super) preferences: Vec<PreferenceRule>,
    pub(super) unusual: Vec<UnusualRule>,
}

/// Compiles all of it; findings are added to `findings`. `None` when something is wrong.
pub(super) fn conclude(playbook: &Playbook, sources: &Sources, findings: &mut Vec<Diagnostic>) -> Option<Concluded> {
    let mut compiler = Compiler { playbook, sources, findings, complete: true };
    let concluded = Concluded {
        personas: compiler.family(&playbook.personas),
        intents: compiler.family(&playbook.intents),
        needs: compiler.needs(),
        searches: compiler.searches(),
        preferences: compiler.preferences(),
        unusual: compiler.unusual(),
    };
    compiler.complete.then_some(concluded)
}

struct Compiler<'a> {
    playbook: &'a Playbook,
    sources: &'a Sources,
    findings: &'a mut Vec<Diagnostic>,
    complete: bool,
}

impl Compiler<'_> {
    fn evidence(&mut self, when: &playbook::Text, half_life: Option<crate::value::Duration>) -> Option<EvidenceRule> {
        let rule = EvidenceRule::compile(when, half_life, self.sources, self.playbook.resolution, self.findings);
        self.complete &= rule.is_some();
        rule
    }

    fn family(&mut self, types: &[Persona]) -> Vec<PersonaRule> {
        let mut rules = Vec::with_capacity(types.len());
        for persona in types {
            let mut evidence = Vec::with_capacity(persona.evidence.len());
            for one in &persona.evidence {
                evidence.extend(self.evidence(&one.when, one.half_life).map(|rule| (rule, one.odds, one.otherwise)));
            }
            rules.push(PersonaRule { prior: persona.prior, evidence });
        }
        rules
    }

    fn needs(&mut self) -> Vec<NeedRule> {
        let mut rules = Vec::with_capacity(self.playbook.needs.len());
        for need in &self.playbook.needs {
            let stated = need.stated.as_ref().and_then(|text| self.evidence(text, None));
            let mut evidence = Vec::with_capacity(need.evidence.len());
            for one in &need.evidence {
                evidence.extend(self.evidence(&one.when, one.half_life).map(|rule| (rule, one.strength)));
            }
            let solves = |problem: &playbook::Problem| {
                problem.needs.iter().find(|(name, _)| name.text == need.name.text).map(|(_, strength)| *strength)
            };
            let problems = self.playbook.problems.iter().enumerate();
            let problems = problems.filter_map(|(number, problem)| Some((number, solves(problem)?))).collect();
            rules.push(NeedRule { stated, evidence, problems });
        }
        rules
    }

    fn searches(&mut self) -> SearchRule {
        let Some(searches) = &self.playbook.searches else { return SearchRule::default() };
        let kinds = self.kinds(&searches.on);
        let property = self.property(&kinds, &searches.property, &|ty| *ty == Type::String, "text");
        self.fades(searches.half_life.is_some(), "searches", &searches.property);
        self.reaches(&kinds, searches.within, &searches.property, "what is searched for");
        let problems = self.playbook.problems.iter();
        let problems = problems.map(|problem| problem.terms.iter().map(|term| Term::of(term)).collect()).collect();
        SearchRule { kinds, property, half_life: searches.half_life, within: searches.within, problems }
    }

    fn preferences(&mut self) -> Vec<PreferenceRule> {
        let mut rules = Vec::with_capacity(self.playbook.preferences.len());
        for preference in &self.playbook.preferences {
            let mut from = Vec::with_capacity(preference.from.len());
            for source in &preference.from {
                let kinds = self.kinds(&source.on);
                let read = match &source.read {
                    playbook::Trait::Property(name) => self.property(&kinds, name, &|_| true, "a value").map(Trait::Property),
                    playbook::Trait::Channel => Some(Trait::Channel),
                    playbook::Trait::Weekday => Some(Trait::Weekday),
                    playbook::Trait::Hour => Some(Trait::Hour),
                };
                from.extend(read.map(|read| PreferenceFrom { kinds, read, weight: source.weight }));
            }
            let path = format!("preferences.{}", preference.name.text);
            self.fades(preference.half_life.is_some(), &path, &preference.name);
            let mut kinds: Vec<EventKind> = from.iter().flat_map(|from| from.kinds.iter().copied()).collect();
            kinds.sort();
            kinds.dedup();
            self.reaches(&kinds, preference.within, &preference.name, "the preference");
            let groups = preference.groups.iter();
            let attribute = |name: &Option<Name>| {
                name.as_ref().and_then(|name| self.sources.schema.fact(&format!("customer.{}", name.text)))
            };
            rules.push(PreferenceRule {
                kinds,
                half_life: preference.half_life,
                within: preference.within,
                prior: preference.prior,
                at_least: u64::from(preference.at_least),
                liked: preference.liked,
                disliked: preference.disliked,
                bands: preference.bands.clone(),
                groups: groups.flat_map(|(group, values)| values.iter().map(|value| (value.clone(), group.clone()))).collect(),
                stated: attribute(&preference.stated),
                stated_dislikes: attribute(&preference.stated_dislikes),
                from,
            });
        }
        rules
    }

    fn unusual(&mut self) -> Vec<UnusualRule> {
        let mut rules = Vec::with_capacity(self.playbook.unusual.len());
        for unusual in &self.playbook.unusual {
            let kinds = self.kinds(&unusual.on);
            let ordered = matches!(unusual.test, UnusualTest::Higher | UnusualTest::Lower);
            let property = unusual.property.as_ref().and_then(|name| {
                let fits = |ty: &Type| {
                    !ordered
                        || matches!(
                            ty,
                            Type::Int
                                | Type::Uint
                                | Type::Double
                                | Type::Decimal { .. }
                                | Type::Money { .. }
                                | Type::Timestamp
                                | Type::Duration
                        )
                };
                self.property(&kinds, name, &fits, if ordered { "a number" } else { "a value" })
            });
            let rule = UnusualRule {
                test: unusual.test,
                kinds,
                property,
                recent: unusual.recent as usize,
                history: unusual.history.map(|history| history as usize),
                false_alarm: unusual.false_alarm,
                at_least: unusual.at_least as usize,
                path: format!("unusual.{}", unusual.name.text).into(),
            };
            self.reachable(unusual, &rule);
            rules.push(rule);
        }
        rules
    }

    /// A warning where a test looks at so few values that it never comes to its rate of false alarms.
    fn reachable(&mut self, unusual: &playbook::Unusual, rule: &UnusualRule) {
        let least = rule.least(rule.recent);
        if least < rule.false_alarm {
            return;
        }
        let enough = (rule.recent + 1..=20).find(|recent| rule.least(*recent) < rule.false_alarm);
        let larger = enough.map_or_else(String::new, |recent| format!("write `recent: {recent}`, or "));
        self.findings.push(Diagnostic {
            code: "unreachable_unusual",
            severity: Severity::Warning,
            message: format!(
                "`{}` can never be unusual: of so few values the test comes to {least:.4} at the least, not below the `false_alarm` of {}",
                unusual.name.text, rule.false_alarm
            ),
            path: format!("unusual.{}", unusual.name.text),
            place: Some(unusual.name.place.clone()),
            hint: Some(format!("{larger}let it look at a longer `history`, or be wrong more often")),
            related: None,
        });
    }

    fn kinds(&self, names: &[Name]) -> Vec<EventKind> {
        names.iter().filter_map(|name| self.sources.schema.event(&name.text)).collect()
    }

    /// A property that at least one of some event types has, and that is of a fitting type in all that have it.
    fn property(&mut self, kinds: &[EventKind], name: &Name, fits: &dyn Fn(&Type) -> bool, wanted: &str) -> Option<PropertyId> {
        let schema = &self.sources.schema;
        let declared = || kinds.iter().filter_map(|kind| schema.event_decl(*kind)).flat_map(|event| &event.properties);
        let found: Vec<_> = declared().filter(|property| property.name == name.text).collect();
        if let Some(wrong) = found.iter().find(|property| !fits(&property.ty)) {
            let message = format!("property `{}` is of type {}, expected {wanted}", name.text, wrong.ty);
            self.mistake("bad_type", message, name, None);
            return None;
        }
        let Some(property) = found.first() else {
            let near = nearest(&name.text, declared().map(|property| &*property.name));
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            self.mistake("unknown_name", format!("none of these event types has a property `{}`", name.text), name, hint);
            return None;
        };
        Some(property.id)
    }

    fn fades(&mut self, fades: bool, path: &str, name: &Name) {
        if fades {
            let text =
                playbook::Text { text: name.text.clone(), place: name.place.clone(), path: path.into(), lines: Vec::new() };
            self.complete &= super::evidence::needs_grid(self.playbook.resolution, &text, self.findings).is_some();
        }
    }

    /// A warning where events are counted for longer than they are kept.
    fn reaches(&mut self, kinds: &[EventKind], within: Option<crate::value::Duration>, name: &Name, what: &str) {
        let kept = |kind: &EventKind| {
            let event = self.sources.schema.event_decl(*kind)?;
            let retention = event.retention.filter(|retention| within.is_none_or(|within| within > *retention))?;
            Some((event.name.clone(), retention))
        };
        if let Some((event, retention)) = kinds.iter().find_map(kept) {
            self.findings.push(Diagnostic {
                code: "beyond_retention",
                severity: Severity::Warning,
                message: format!("{what} looks back further than `{event}` events are kept, which is {retention}"),
                path: name.text.to_string(),
                place: Some(name.place.clone()),
                hint: Some(format!("once they are folded it is unknown; write `within: {retention}` or a longer `retention`")),
                related: None,
            });
        }
    }

    fn mistake(&mut self, code: &'static str, message: String, name: &Name, hint: Option<String>) {
        self.complete = false;
        self.findings.push(Diagnostic {
            code,
            severity: Severity::Error,
            message,
            path: name.text.to_string(),
            place: Some(name.place.clone()),
            hint,
            related: None,
        });
    }
}
