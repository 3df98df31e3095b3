//! Who gets which variant of an experiment: a hash of an identifier, until the first exposure, which decides from then on.

use super::Sources;
use crate::customer::{Identifier, View, assigned_column};
use crate::encoding::hash64;
use crate::expr::EventKind;
use crate::playbook::{HOLDOUT, Playbook, WHOLE};
use crate::value::{Span, Timestamp};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The experiments of a playbook.
#[derive(Debug)]
pub(crate) struct Experiments {
    /// In the order of the playbook.
    pub(crate) rules: Vec<ExperimentRule>,
    /// The event type of exposures.
    pub(crate) kind: EventKind,
}

/// A compiled experiment.
#[derive(Debug)]
pub(crate) struct ExperimentRule {
    /// Its name.
    pub(crate) name: Arc<str>,
    by: Option<Arc<str>>,
    salt: Arc<str>,
    /// What is hashed to know who takes part, and which of the 10,000 parts do.
    part: (Arc<str>, std::ops::Range<u32>),
    /// Variants with the first part after theirs, those held out first.
    arms: Vec<(Arc<str>, u32)>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
}

/// What an experiment does with a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Assignment {
    /// The variant, by number.
    pub(crate) arm: usize,
    /// The part of the 10,000 that the hash names; none when an exposure decided.
    pub(crate) bucket: Option<u32>,
}

/// One of the 10,000 parts: XXH64 with seed 0 over the salt, a zero byte and the identifier, times 10,000, divided by 2^64.
pub(crate) fn bucket(salt: &str, identifier: &Identifier) -> u32 {
    let hash = hash64(format!("{salt}\0{identifier}").as_bytes());
    u32::try_from((u128::from(hash) * u128::from(WHOLE)) >> 64).unwrap_or(0)
}

/// The identifiers of a customer, the oldest first: the one under which something happened first.
fn by_age<'a>(view: &View<'a>, concerns: impl Fn(&Identifier) -> bool) -> Vec<(Timestamp, &'a Identifier)> {
    let mut identifiers: Vec<(Timestamp, &Identifier)> = Vec::new();
    for strand in view.strands().iter().filter(|strand| concerns(strand.identifier())) {
        let first = View::new(std::slice::from_ref(strand), view.known_at()).next_instant(None);
        identifiers.push((first.unwrap_or(Timestamp::MAX), strand.identifier()));
    }
    identifiers.sort();
    identifiers
}

/// The oldest identifier of a customer.
pub(crate) fn oldest<'a>(view: &View<'a>) -> Option<&'a Identifier> {
    by_age(view, |_| true).first().map(|(_, identifier)| *identifier)
}

impl Experiments {
    pub(crate) fn of(playbook: &Playbook, sources: &Sources) -> Self {
        let mut groups: std::collections::BTreeMap<&str, u32> = std::collections::BTreeMap::new();
        let rules = playbook.experiments.iter().map(|experiment| {
            // Experiments of a group take parts that lie side by side, under the hash of the group.
            let part = match &experiment.group {
                Some(group) => {
                    let start = groups.entry(group).or_default();
                    let range = *start..*start + experiment.share;
                    *start = range.end;
                    (Arc::from(format!("group {group}")), range)
                }
                None => (Arc::from(format!("share {}", experiment.salt)), 0..experiment.share),
            };
            let mut end = 0;
            let arms = experiment.arms().map(|(name, share)| {
                end += share;
                (name, end)
            });
            ExperimentRule {
                name: experiment.name.text.clone(),
                by: experiment.by.as_ref().map(|name| name.text.clone()),
                salt: experiment.salt.clone(),
                part,
                arms: arms.collect(),
                from: experiment.from,
                until: experiment.until,
            }
        });
        Experiments { rules: rules.collect(), kind: sources.reserved.assigned }
    }

    /// The assignment of every experiment to a customer; none where they take no part. Of somebody anonymous only the identifier
    /// on which they are met is looked at.
    pub(crate) fn assign(&self, view: View<'_>, now: Timestamp, met: Option<Option<&Identifier>>) -> Vec<Option<Assignment>> {
        if self.rules.is_empty() {
            return Vec::new();
        }
        let concerns = |identifier: &Identifier| met.is_none_or(|met| met == Some(identifier));
        let identifiers = by_age(&view, concerns);
        let told = self.told(view, now, met);
        let assignment = |(rule, told): (&ExperimentRule, Option<usize>)| {
            if rule.from.is_some_and(|from| now < from) || rule.until.is_some_and(|until| now >= until) {
                return None;
            }
            if let Some(arm) = told {
                return Some(Assignment { arm, bucket: None });
            }
            let (_, identifier) = identifiers.iter().find(|(_, identifier)| rule.hashes(identifier))?;
            let (arm, bucket) = rule.draw(identifier)?;
            Some(Assignment { arm, bucket: Some(bucket) })
        };
        self.rules.iter().zip(told).map(assignment).collect()
    }
}

impl Experiments {
    /// The variant of the first exposure to every experiment, by number.
    pub(crate) fn told(&self, view: View<'_>, now: Timestamp, met: Option<Option<&Identifier>>) -> Vec<Option<usize>> {
        let mut told: Vec<Option<usize>> = vec![None; self.rules.len()];
        view.events(&[self.kind], Span::lifetime(now), &mut |row| {
            if met.is_none_or(|met| met == Some(row.strand().identifier()))
                && let (Some(name), Some(variant)) = (row.text(assigned_column::EXPERIMENT), row.text(assigned_column::VARIANT))
                && let Some(number) = self.rules.iter().position(|rule| *rule.name == *name)
                && let (Some(place @ None), Some(rule)) = (told.get_mut(number), self.rules.get(number))
            {
                *place = rule.arms.iter().position(|(arm, _)| **arm == *variant);
            }
            ControlFlow::Continue(())
        });
        told
    }
}

impl ExperimentRule {
    fn hashes(&self, identifier: &Identifier) -> bool {
        self.by.as_ref().is_none_or(|by| **by == *identifier.namespace())
    }

    /// The variant that the hash of an identifier names, with the part of the 10,000; none for one that takes no part.
    fn draw(&self, identifier: &Identifier) -> Option<(usize, u32)> {
        self.part.1.contains(&bucket(&self.part.0, identifier)).then_some(())?;
        let bucket = bucket(&self.salt, identifier);
        Some((self.arms.iter().position(|(_, end)| bucket < *end)?, bucket))
    }

    /// The variant of a customer by the hash alone, whatever was shown and whenever the experiment runs. There is one such
    /// identifier at most, since its namespace is unique, so that nothing but a link changes it.
    pub(crate) fn drawn(&self, view: &View<'_>) -> Option<usize> {
        let mut identifiers = view.strands().iter().map(|strand| strand.identifier());
        self.draw(identifiers.find(|identifier| self.hashes(identifier))?).map(|(arm, _)| arm)
    }

    /// The name of a variant.
    pub(crate) fn arm(&self, number: usize) -> Option<&Arc<str>> {
        self.arms.get(number).map(|(name, _)| name)
    }

    /// Whether an assignment is that of those held out.
    pub(crate) fn holds_back(&self, assignment: Assignment) -> bool {
        self.arm(assignment.arm).is_some_and(|name| **name == *HOLDOUT)
    }
}
