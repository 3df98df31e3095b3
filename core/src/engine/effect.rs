use crate::customer::{Arrival, Change, Identifier, What};
use crate::journey::Model;
use crate::playbook::Playbook;
use crate::value::{LateText, Recipe, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// What recording an event, or letting time pass, caused.
#[derive(Debug, Clone, PartialEq)]
pub struct Effects {
    /// What became of the event itself; `None` when only time passed.
    pub arrival: Option<Arrival>,
    /// In the order in which they happened, what was withdrawn first.
    pub effects: Vec<Effect>,
}

/// One thing that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "effect")]
pub struct Effect {
    /// Deterministic: from customer, rule, instant and cause.
    #[schemars(with = "String")]
    pub id: LateText,
    /// Whether it is news, a correction of history, or no longer so.
    pub kind: EffectKind,
    /// When it happened, however late it became known.
    pub at: Timestamp,
    /// What changed.
    #[serde(flatten)]
    pub what: Effected,
    /// The id of the first event of that instant; `None` when only time passed. An event that comes late and turns out to be the first
    /// withdraws the effect and corrects it under its new id.
    pub cause: Option<Arc<str>>,
    /// Whom it is about, when several customers were looked at: those whom an event joined or parted, and all of a base when time
    /// passes for it. `None` for the customer to whom the event belongs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<Arc<str>>,
}

/// How an effect relates to what was said before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(rename = "effect_kind")]
pub enum EffectKind {
    /// It happened now, or since the last time anybody looked.
    Happened,
    /// A late event shows that it had happened.
    Corrected,
    /// A late event shows that it had not happened.
    Withdrawn,
}

/// What changed, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effected {
    /// The customer came into a segment.
    SegmentEntered {
        /// The segment.
        segment: Arc<str>,
    },
    /// The customer went out of a segment.
    SegmentLeft {
        /// The segment.
        segment: Arc<str>,
    },
    /// The customer moved in a journey.
    StageChanged {
        /// The journey.
        journey: Arc<str>,
        /// From which stage; `None` from outside.
        from: Option<Arc<str>>,
        /// To which stage; `None` to outside.
        to: Option<Arc<str>>,
        /// Of a journey with a key: of which instance.
        #[serde(skip_serializing_if = "Option::is_none")]
        instance: Option<Arc<str>>,
    },
    /// An instance of a journey did not begin because as many were open as the playbook allows, which is told once until one of those
    /// ends; or a journey did not begin because of a cap over journeys.
    JourneyFull {
        /// The journey.
        journey: Arc<str>,
        /// The key of the instance, of a journey with a key.
        #[serde(skip_serializing_if = "Option::is_none")]
        instance: Option<Arc<str>>,
        /// The cap over journeys.
        #[serde(skip_serializing_if = "Option::is_none")]
        cap: Option<Arc<str>>,
    },
    /// A place that was recorded under another version of a journey was taken over, or was not.
    JourneyMigrated {
        /// The journey.
        journey: Arc<str>,
        /// Of a journey with a key: of which instance.
        #[serde(skip_serializing_if = "Option::is_none")]
        instance: Option<Arc<str>>,
        /// The stage then; `None` for outside.
        from: Option<Arc<str>>,
        /// The stage now; `None` for outside.
        to: Option<Arc<str>>,
        /// How that was found: `mapped`, `kept`, `restarted` or `derived`.
        how: &'static str,
    },
    /// A watched fact was known to be one thing and now is another.
    ContextChanged {
        /// The watch.
        watch: Arc<str>,
        /// What it was: text as it is, other values as expressions write them.
        from: Arc<str>,
        /// What it is.
        to: Arc<str>,
    },
    /// A decision is due: the host asks for it, see [`Request::reacting`](crate::Request::reacting), and carries it out. Withdrawn when a
    /// late event shows that it should not have been proposed.
    ReactionDue {
        /// The reaction.
        reaction: Arc<str>,
        /// What triggered it, in words.
        reason: Arc<str>,
        /// When that was; of several triggers that are one, the last.
        since: Timestamp,
        /// What tells it apart from others of the reaction, such as an order.
        #[serde(skip_serializing_if = "Option::is_none")]
        instance: Option<Arc<str>>,
        /// Where a decision is proposed.
        #[serde(skip_serializing_if = "Option::is_none")]
        placement: Option<Arc<str>>,
        /// The channel of the placement.
        #[serde(skip_serializing_if = "Option::is_none")]
        channel: Option<Arc<str>>,
        /// From when on it does not stand any more.
        #[serde(skip_serializing_if = "Option::is_none")]
        not_after: Option<Timestamp>,
        /// Which comes first of several; the larger.
        priority: i64,
    },
    /// Negative feedback was not answered in time.
    ResponseOverdue {
        /// The feedback.
        feedback: Arc<str>,
        /// When it was given.
        since: Timestamp,
        /// The case, where cases are told apart.
        #[serde(skip_serializing_if = "Option::is_none")]
        instance: Option<Arc<str>>,
    },
    /// A link joined two customers. Withdrawn when the link is revoked: then it is as if it had never been.
    Merged {
        /// The smaller of the two identifiers that were linked.
        identifier: Arc<str>,
        /// The larger.
        other: Arc<str>,
    },
    /// A link was revoked, and its two identifiers are of two customers.
    Parted {
        /// The smaller of the two identifiers.
        identifier: Arc<str>,
        /// The larger.
        other: Arc<str>,
    },
    /// A link joins nobody, or a revocation takes nothing back.
    LinkRefused {
        /// The smaller of the two identifiers, or the only one.
        identifier: Arc<str>,
        /// The larger; `None` when only one is concerned.
        other: Option<Arc<str>>,
        /// Why: `shared`, `guard`, `size`, `unique`, `limit`, `device`, `confidence`, `not_linked` or `never`.
        reason: &'static str,
    },
    /// Two customers are related. Withdrawn when the event that told it is revoked: then it is as if it had never been.
    Related {
        /// The relation.
        relation: Arc<str>,
        /// The role of the member of a group; `None` without one.
        role: Option<Arc<str>>,
        /// The identifier on the first side: of the member of a group, or in the first role.
        identifier: Arc<str>,
        /// The identifier on the other side.
        other: Arc<str>,
    },
    /// Two customers are related no more, from this instant on.
    Unrelated {
        /// The relation.
        relation: Arc<str>,
        /// The role of the member of a group; `None` without one.
        role: Option<Arc<str>>,
        /// The identifier on the first side.
        identifier: Arc<str>,
        /// The identifier on the other side.
        other: Arc<str>,
    },
    /// A relation was told that exceeds a limit. It holds when there is room.
    RelationRefused {
        /// The relation.
        relation: Arc<str>,
        /// The role of the member of a group; `None` without one.
        role: Option<Arc<str>>,
        /// The identifier on the first side.
        identifier: Arc<str>,
        /// The identifier on the other side.
        other: Arc<str>,
        /// Which limit: `at_most`, `role` (the `at_most` of the role) or `groups`.
        limit: &'static str,
    },
}

impl Effected {
    /// The name in answers, such as `segment_entered`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Effected::SegmentEntered { .. } => "segment_entered",
            Effected::SegmentLeft { .. } => "segment_left",
            Effected::StageChanged { .. } => "stage_changed",
            Effected::JourneyFull { .. } => "journey_full",
            Effected::JourneyMigrated { .. } => "journey_migrated",
            Effected::ContextChanged { .. } => "context_changed",
            Effected::ReactionDue { .. } => "reaction_due",
            Effected::ResponseOverdue { .. } => "response_overdue",
            Effected::Merged { .. } => "merged",
            Effected::Parted { .. } => "parted",
            Effected::LinkRefused { .. } => "link_refused",
            Effected::Related { .. } => "related",
            Effected::Unrelated { .. } => "unrelated",
            Effected::RelationRefused { .. } => "relation_refused",
        }
    }
}

impl EffectKind {
    /// The name in answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            EffectKind::Happened => "happened",
            EffectKind::Corrected => "corrected",
            EffectKind::Withdrawn => "withdrawn",
        }
    }
}

/// Names and ids for changes.
pub(super) struct Namer<'a> {
    pub(super) playbook: &'a Playbook,
    pub(super) model: &'a Model,
    pub(super) customer: Option<Identifier>,
}

impl Namer<'_> {
    pub(super) fn effect(&self, change: &Change, kind: EffectKind) -> Effect {
        Effect::new(self.customer.clone(), self.what(change), kind, change.at, change.event.clone())
    }

    /// What changed, by name.
    pub(super) fn what(&self, change: &Change) -> Effected {
        let segment = |number: u16| {
            self.playbook.segments.get(usize::from(number)).map_or_else(|| Arc::from("?"), |segment| segment.name.text.clone())
        };
        match change.what.clone() {
            What::Entered { segment: number } => Effected::SegmentEntered { segment: segment(number) },
            What::Left { segment: number } => Effected::SegmentLeft { segment: segment(number) },
            What::Moved { journey, from, to, instance } => {
                let (journey, stage) = self.journey(journey);
                Effected::StageChanged { journey, from: stage(from), to: stage(to), instance }
            }
            What::Full { journey, instance } => {
                Effected::JourneyFull { journey: self.journey(journey).0, instance: Some(instance), cap: None }
            }
            What::Capped { journey, cap } => {
                Effected::JourneyFull { journey: self.journey(journey).0, instance: None, cap: Some(cap) }
            }
            What::Migrated { journey, instance, from, to, how } => {
                let (journey, stage) = self.journey(journey);
                Effected::JourneyMigrated { journey, instance, from, to: stage(to), how: how.name() }
            }
            What::Watched { watch, from, to } => {
                let watch = self.playbook.watches.get(usize::from(watch));
                Effected::ContextChanged {
                    watch: watch.map_or_else(|| Arc::from("?"), |watch| watch.name.text.clone()),
                    from,
                    to,
                }
            }
            What::Proposed { reaction, by, since, instance } => self.proposed(change.at, reaction, by, since, instance),
        }
    }

    /// What a reaction proposes at an instant.
    fn proposed(&self, at: Timestamp, reaction: u16, by: u16, since: Timestamp, instance: Option<Arc<str>>) -> Effected {
        let rule = self.model.reactions.rules.get(usize::from(reaction));
        let name = rule.map_or_else(|| Arc::from("?"), |rule| rule.name.clone());
        if rule.is_some_and(|rule| rule.missed) {
            return Effected::ResponseOverdue { feedback: name, since, instance };
        }
        let trigger = rule.and_then(|rule| rule.triggers.get(usize::from(by)));
        let (placement, channel) = rule.and_then(|rule| rule.placement.clone()).unzip();
        Effected::ReactionDue {
            reaction: name,
            reason: trigger.map_or_else(|| Arc::from("?"), |trigger| trigger.reason.clone()),
            since,
            instance,
            placement,
            channel,
            not_after: rule.and_then(|rule| rule.valid_for).map(|length| at.saturating_add_micros(length.micros())),
            priority: rule.map_or(0, |rule| rule.priority),
        }
    }

    /// The name of a journey, and those of its stages by number.
    fn journey(&self, number: u16) -> (Arc<str>, impl Fn(Option<u16>) -> Option<Arc<str>>) {
        let number = usize::from(number);
        let name = self.model.journeys.names.get(number).cloned().unwrap_or_else(|| Arc::from("?"));
        let stages = self.model.journeys.stages.get(number);
        (name, move |stage: Option<u16>| stages?.get(usize::from(stage?)).cloned())
    }
}

impl Effect {
    /// An effect on a customer, or on the links between identifiers.
    pub(crate) fn new(
        customer: Option<Identifier>,
        what: Effected,
        kind: EffectKind,
        at: Timestamp,
        cause: Option<Arc<str>>,
    ) -> Self {
        let id = LateText::new(EffectId { customer, what: what.clone(), at, cause: cause.clone() });
        Effect { id, kind, at, what, cause, customer: None }
    }
}

/// What the id of an effect is made of.
struct EffectId {
    customer: Option<Identifier>,
    what: Effected,
    at: Timestamp,
    cause: Option<Arc<str>>,
}

impl Recipe for EffectId {
    fn write(&self) -> String {
        let rule = match &self.what {
            Effected::SegmentEntered { segment } => format!("segment.{segment}"),
            Effected::SegmentLeft { segment } => format!("-segment.{segment}"),
            Effected::StageChanged { journey, from, to, instance } => {
                let stages = format!("{}.{}", from.as_deref().unwrap_or(""), to.as_deref().unwrap_or(""));
                match instance {
                    Some(instance) => format!("journey.{journey}.{stages}.{}", digest(&[instance])),
                    None => format!("journey.{journey}.{stages}"),
                }
            }
            Effected::JourneyFull { journey, instance: Some(instance), .. } => {
                format!("full.{journey}.{}", digest(&[instance]))
            }
            Effected::JourneyFull { journey, instance: None, cap } => {
                format!("capped.{journey}.{}", cap.as_deref().unwrap_or(""))
            }
            Effected::JourneyMigrated { journey, instance, from, to, how } => {
                let parts = [instance.as_deref(), from.as_deref(), to.as_deref(), Some(*how)].map(|part| part.unwrap_or(""));
                format!("migrated.{journey}.{}", digest(&parts))
            }
            Effected::ContextChanged { watch, from, to } => format!("watch.{watch}.{}", digest(&[from, to])),
            Effected::ReactionDue { reaction, since, instance, .. } => {
                format!("reaction.{reaction}.{since}.{}", digest(&[instance.as_deref().unwrap_or("")]))
            }
            Effected::ResponseOverdue { feedback, since, instance } => {
                format!("overdue.{feedback}.{since}.{}", digest(&[instance.as_deref().unwrap_or("")]))
            }
            Effected::Merged { identifier, other } => return self.link("merged", "", identifier, other),
            Effected::Parted { identifier, other } => return self.link("parted", "", identifier, other),
            Effected::LinkRefused { identifier, other, reason } => {
                return self.link("link_refused", reason, identifier, other.as_deref().unwrap_or(""));
            }
            Effected::Related { relation, role, identifier, other } => {
                return self.link(&format!("related.{relation}"), role.as_deref().unwrap_or(""), identifier, other);
            }
            Effected::Unrelated { relation, role, identifier, other } => {
                return self.link(&format!("unrelated.{relation}"), role.as_deref().unwrap_or(""), identifier, other);
            }
            Effected::RelationRefused { relation, role, identifier, other, limit } => {
                let rule = format!("relation_refused.{relation}.{limit}");
                return self.link(&rule, role.as_deref().unwrap_or(""), identifier, other);
            }
        };
        let customer = self.customer.as_ref().map_or("", Identifier::as_str);
        digest(&[customer, &rule, &self.at.to_string(), self.cause.as_deref().unwrap_or("")])
    }
}

impl EffectId {
    fn link(&self, rule: &str, reason: &str, identifier: &str, other: &str) -> String {
        digest(&[identifier, other, rule, reason, &self.at.to_string(), self.cause.as_deref().unwrap_or("")])
    }
}

/// The first 128 bits of SHA-256 over length-prefixed texts, in hexadecimal digits.
pub(crate) fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().take(16).fold(String::with_capacity(32), |mut text, byte| {
        text.extend([byte >> 4, byte & 15].iter().filter_map(|digit| char::from_digit(u32::from(*digit), 16)));
        text
    })
}
