use crate::context::{Reach, Rule, Rules, Sources, instant_rule, state_rule};
use crate::error::Diagnostic;
use crate::expr::{EventKind, Expected, PropertyId};
use crate::playbook::{Feedback, Name, Playbook, Reaction, Sentiment, Text, Trigger};
use crate::value::{Duration, Type};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The compiled reactions of a playbook, then one for each feedback that has to be answered in time.
#[derive(Debug, Default)]
pub(crate) struct Reactions {
    pub(crate) rules: Vec<ReactionRule>,
    /// Their numbers, those with the larger priority first.
    pub(super) order: Vec<usize>,
}

/// A compiled reaction.
#[derive(Debug)]
pub(crate) struct ReactionRule {
    /// Its name; that of the feedback for an answer that may be missed.
    pub(crate) name: Arc<str>,
    /// Whether it tells that an answer was missed, rather than proposing something.
    pub(crate) missed: bool,
    pub(crate) triggers: Vec<TriggerRule>,
    pub(super) condition: Option<Rule>,
    pub(super) delay: Delay,
    pub(super) pause: Option<Duration>,
    pub(super) cancel: Vec<EventKind>,
    pub(super) same: Option<PropertyId>,
    /// The placement and its channel.
    pub(crate) placement: Option<(Arc<str>, Arc<str>)>,
    /// The numbers of the only offers that are looked at.
    pub(crate) offers: Option<Vec<usize>>,
    pub(crate) valid_for: Option<Duration>,
    pub(crate) priority: i64,
    /// What its triggers and conditions read; filled when all is compiled.
    pub(crate) reach: Reach,
}

/// When a proposal comes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Delay {
    /// So long after each trigger.
    After(i64),
    /// So long after the last trigger, and at the latest so long after the first.
    Debounce(i64, Option<i64>),
}

/// A compiled trigger.
#[derive(Debug)]
pub(crate) struct TriggerRule {
    pub(crate) what: What,
    /// The reason in effects.
    pub(crate) reason: Arc<str>,
}

/// What triggers.
#[derive(Debug)]
pub(crate) enum What {
    /// Events of types; with a rule those for which it gives true or, where instances are told apart, a list of them.
    Event(Vec<EventKind>, Option<Rule>),
    /// An attribute is told.
    Told(u16),
    /// A segment is entered.
    Enters(u16),
    /// A segment is left.
    Leaves(u16),
    /// A stage of a journey is entered, or any.
    Stage(u16, Option<u16>),
    /// A watched fact changes.
    Watch(u16),
    /// A condition becomes true.
    Condition(Rule),
}

impl Reactions {
    /// Compiles reactions and the answers to feedback; `journeys` are names and stages. `None` when an expression is wrong.
    pub(crate) fn compile(
        playbook: &Playbook,
        sources: &Sources,
        journeys: (&[Arc<str>], &[Vec<Arc<str>>]),
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let compiler = Compiler { playbook, sources, journeys };
        let mut complete = true;
        let mut rules = Vec::new();
        for reaction in &playbook.reactions {
            let rule = compiler.reaction(reaction, findings);
            complete &= rule.is_some();
            rules.extend(rule);
        }
        for feedback in &playbook.feedback {
            if let Some(length) = feedback.respond_within {
                let rule = compiler.answer(feedback, length, findings);
                complete &= rule.is_some();
                rules.extend(rule);
            }
        }
        let mut order: Vec<usize> = (0..rules.len()).collect();
        order.sort_by_key(|number| rules.get(*number).map(|rule| (!rule.missed, std::cmp::Reverse(rule.priority))));
        complete.then_some(Reactions { rules, order })
    }

    /// Finds out what each reads in the end.
    pub(crate) fn reach(&mut self, rules: &Rules) {
        for reaction in &mut self.rules {
            let mut reach = Reach::default();
            for trigger in &reaction.triggers {
                match &trigger.what {
                    What::Event(kinds, _) => reach.kinds.extend(kinds),
                    What::Told(attribute) => reach.kinds.extend(rules.sources.tellers(usize::from(*attribute))),
                    What::Condition(rule) => reach.absorb(&rules.reaches.of(rule, &rules.sources)),
                    What::Enters(_) | What::Leaves(_) | What::Stage(..) | What::Watch(_) => {}
                }
            }
            reach.kinds.extend(&reaction.cancel);
            reaction.reach = reach;
        }
    }

    /// The reaction of a name.
    pub(crate) fn named(&self, name: &str) -> Option<&ReactionRule> {
        self.rules.iter().find(|rule| !rule.missed && *rule.name == *name)
    }
}

impl Reactions {
    /// Whether something may wait that a condition triggered: for that any event of the instant may be the first.
    pub(crate) fn waits_on_conditions(&self) -> bool {
        self.rules.iter().any(|rule| {
            !matches!(rule.delay, Delay::After(0))
                && rule.triggers.iter().any(|trigger| matches!(trigger.what, What::Condition(_)))
        })
    }
}

impl ReactionRule {
    /// All its expressions.
    pub(crate) fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.triggers.iter().filter_map(TriggerRule::rule).chain(&self.condition)
    }

    /// The events that it waits for or is cancelled by.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = EventKind> {
        let triggers = self.triggers.iter().flat_map(|trigger| match &trigger.what {
            What::Event(kinds, _) => kinds.as_slice(),
            _ => &[],
        });
        triggers.chain(&self.cancel).copied()
    }

    /// The attributes that trigger it when they are told.
    pub(crate) fn told(&self) -> impl Iterator<Item = usize> {
        self.triggers.iter().filter_map(|trigger| match trigger.what {
            What::Told(attribute) => Some(usize::from(attribute)),
            _ => None,
        })
    }

    /// What has to be true when it proposes something.
    pub(crate) fn condition(&self) -> Option<&Rule> {
        self.condition.as_ref()
    }

    /// The events that cancel what waits: of feedback those that answer or resolve it.
    pub(crate) fn answers(&self) -> &[EventKind] {
        &self.cancel
    }

    /// The property by which instances are told apart.
    pub(crate) fn same(&self) -> Option<PropertyId> {
        self.same
    }
}

impl TriggerRule {
    /// Its expression.
    pub(crate) fn rule(&self) -> Option<&Rule> {
        match &self.what {
            What::Event(_, rule) => rule.as_ref(),
            What::Condition(rule) => Some(rule),
            What::Told(_) | What::Enters(_) | What::Leaves(_) | What::Stage(..) | What::Watch(_) => None,
        }
    }
}

struct Compiler<'c> {
    playbook: &'c Playbook,
    sources: &'c Sources,
    journeys: (&'c [Arc<str>], &'c [Vec<Arc<str>>]),
}

impl Compiler<'_> {
    fn reaction(&self, reaction: &Reaction, findings: &mut Vec<Diagnostic>) -> Option<ReactionRule> {
        let mut triggers = Vec::with_capacity(reaction.triggers.len());
        let mut complete = true;
        for trigger in &reaction.triggers {
            let compiled = self.trigger(trigger, reaction.same.as_ref(), findings);
            complete &= compiled.is_some();
            triggers.extend(compiled);
        }
        let condition = match &reaction.condition {
            Some(text) => Some(instant_rule(text, self.sources, &Expected::Bool, findings)?),
            None => None,
        };
        let micros = |length: Option<Duration>| length.map(Duration::micros);
        let offers = (!reaction.offers.is_empty() || !reaction.groups.is_empty()).then(|| self.offers(reaction));
        let channel = |name: &Name| {
            let placement = self.playbook.placements.iter().find(|placement| placement.name.text == name.text)?;
            Some((name.text.clone(), placement.channel.text.clone()))
        };
        complete.then(|| ReactionRule {
            name: reaction.name.text.clone(),
            missed: false,
            triggers,
            condition,
            delay: match micros(reaction.debounce) {
                Some(quiet) => Delay::Debounce(quiet, micros(reaction.at_latest)),
                None => Delay::After(micros(reaction.after).unwrap_or(0)),
            },
            pause: reaction.pause,
            cancel: self.kinds(&reaction.cancel),
            same: reaction.same.as_ref().and_then(|name| self.sources.schema.property(&name.text)),
            placement: reaction.placement.as_ref().and_then(channel),
            offers,
            valid_for: reaction.valid_for,
            priority: reaction.priority,
            reach: Reach::default(),
        })
    }

    /// An answer to feedback that may be missed.
    fn answer(&self, feedback: &Feedback, within: Duration, findings: &mut Vec<Diagnostic>) -> Option<ReactionRule> {
        let trigger = Trigger::Feedback(feedback.name.clone(), Sentiment::Negative);
        let answers: Vec<Name> = feedback.answered_by.iter().chain(&feedback.resolved_by).cloned().collect();
        Some(ReactionRule {
            name: feedback.name.text.clone(),
            missed: true,
            triggers: vec![self.trigger(&trigger, feedback.same.as_ref(), findings)?],
            condition: None,
            delay: Delay::After(within.micros()),
            pause: None,
            cancel: self.kinds(&answers),
            same: feedback.same.as_ref().and_then(|name| self.sources.schema.property(&name.text)),
            placement: None,
            offers: None,
            valid_for: None,
            priority: 0,
            reach: Reach::default(),
        })
    }

    fn trigger(&self, trigger: &Trigger, same: Option<&Name>, findings: &mut Vec<Diagnostic>) -> Option<TriggerRule> {
        let segment = |name: &Name| number(self.playbook.segments.iter().map(|segment| &segment.name.text), name);
        let (what, reason) = match trigger {
            Trigger::Event(names, condition) => {
                (self.events(names, condition.as_ref(), same, findings)?, format!("event {}", listed(names)))
            }
            Trigger::Feedback(name, sentiment) => {
                let feedback = self.playbook.feedback.iter().find(|feedback| feedback.name.text == name.text)?;
                // What never sounds so is a warning, and triggers nothing.
                let never =
                    Text { text: Arc::from("false"), ..feedback.sounds(Sentiment::Negative).unwrap_or_else(|| here(name)) };
                let sounds = feedback.sounds(*sentiment).unwrap_or(never);
                let what = self.events(&feedback.on, Some(&sounds), same, findings)?;
                (what, format!("{} feedback `{}`", sentiment.name(), name.text))
            }
            Trigger::Enters(name) => (What::Enters(segment(name)?), format!("segment `{}` entered", name.text)),
            Trigger::Leaves(name) => (What::Leaves(segment(name)?), format!("segment `{}` left", name.text)),
            Trigger::Stage(journey, stage) => {
                let place = number(self.journeys.0.iter(), journey)?;
                let stages = self.journeys.1.get(usize::from(place))?;
                let to = match stage {
                    Some(stage) => Some(number(stages.iter(), stage)?),
                    None => None,
                };
                let path = stage.as_ref().map_or_else(String::new, |stage| format!(".{}", stage.text));
                (What::Stage(place, to), format!("stage `{}{path}` entered", journey.text))
            }
            Trigger::Watch(name) => {
                let watch = number(self.playbook.watches.iter().map(|watch| &watch.name.text), name)?;
                (What::Watch(watch), format!("`{}` changed", name.text))
            }
            Trigger::Told(name) => {
                let place = number(self.playbook.attributes.iter().map(|attribute| &attribute.name.text), name)?;
                (What::Told(place), format!("attribute `{}` told", name.text))
            }
            Trigger::When(text) => {
                let rule = state_rule(text, self.sources, &Expected::Bool, findings)?;
                (What::Condition(rule), "the condition became true".to_owned())
            }
            Trigger::Due(text) => {
                let instant = state_rule(text, self.sources, &Expected::Type(Type::Timestamp), findings)?;
                drop(instant);
                let text = text.within("now >= (", ")");
                (What::Condition(state_rule(&text, self.sources, &Expected::Bool, findings)?), "the time came".to_owned())
            }
        };
        Some(TriggerRule { what, reason: reason.into() })
    }

    /// Events of an instant, those for which a condition holds.
    fn events(
        &self,
        names: &[Name],
        condition: Option<&Text>,
        same: Option<&Name>,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<What> {
        let kinds = self.kinds(names);
        if condition.is_none() && same.is_none() {
            return Some(What::Event(kinds, None));
        }
        let types: Vec<String> = names.iter().map(|name| format!("{:?}", name.text)).collect();
        let stream = format!("events({}).since(now)", types.join(", "));
        let (end, expected) = match same {
            Some(name) => (format!(".distinct({:?})", name.text), Expected::Any),
            None => (".exists()".to_owned(), Expected::Bool),
        };
        let text = match condition {
            Some(text) => text.within(&format!("{stream}.where(event, "), &format!("){end}")),
            None => here(names.first()?).within(&stream, &end),
        };
        Some(What::Event(kinds, Some(instant_rule(&text, self.sources, &expected, findings)?)))
    }

    fn kinds(&self, names: &[Name]) -> Vec<EventKind> {
        let mut kinds: Vec<EventKind> = names.iter().filter_map(|name| self.sources.schema.event(&name.text)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    fn offers(&self, reaction: &Reaction) -> Vec<usize> {
        let named =
            |names: &[Name], name: Option<&Name>| name.is_some_and(|name| names.iter().any(|own| own.text == name.text));
        let offers = self.playbook.offers.iter().enumerate();
        let wanted = offers
            .filter(|(_, offer)| named(&reaction.offers, Some(&offer.name)) || named(&reaction.groups, offer.group.as_ref()));
        wanted.map(|(number, _)| number).collect()
    }
}

fn number<'a>(mut names: impl Iterator<Item = &'a Arc<str>>, name: &Name) -> Option<u16> {
    names.position(|own| *own == name.text).and_then(|place| u16::try_from(place).ok())
}

fn listed(names: &[Name]) -> String {
    let names: BTreeSet<&str> = names.iter().map(|name| &*name.text).collect();
    names.into_iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or ")
}

/// An empty text at the place of a name.
fn here(name: &Name) -> Text {
    Text { text: Arc::from(""), place: name.place.clone(), path: name.text.clone(), lines: Vec::new() }
}
