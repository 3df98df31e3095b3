use super::rules::purposes;
use crate::context::{Context, Rule, Sources};
use crate::error::Diagnostic;
use crate::expr::{Expected, Outcome};
use crate::playbook::{self, Playbook};

/// A compiled condition that forbids.
#[derive(Debug)]
pub(crate) struct Guard {
    pub(crate) rule: Rule,
    when_unknown: bool,
    /// Numbers of purposes; empty for all.
    purposes: Vec<usize>,
}

/// Whether a guard forbids, for one customer at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Allowed,
    Forbidden,
    /// The condition is unknown, and a prohibition that is unknown is one.
    Unknown,
}

impl Guard {
    pub(super) fn compile(
        declared: Option<&playbook::Guard>,
        playbook: &Playbook,
        sources: &Sources,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Self> {
        let declared = declared?;
        let rule = Rule::compile(&declared.when, &sources.schema, &Expected::Bool, findings)?;
        let purposes = purposes(&declared.purposes, playbook);
        Some(Guard { rule, when_unknown: declared.when_unknown, purposes })
    }

    /// What it says now. An error forbids, like what is unknown and says nothing else.
    pub(super) fn verdict(&self, context: &Context<'_>) -> Verdict {
        match self.rule.ask(context).outcome {
            outcome if outcome.is_true() => Verdict::Forbidden,
            Outcome::Value(_) => Verdict::Allowed,
            Outcome::Unknown(_) if !self.when_unknown => Verdict::Allowed,
            Outcome::Unknown(_) | Outcome::Error(_) => Verdict::Unknown,
        }
    }

    /// Whether something with these purposes is its business.
    pub(super) fn concerns(&self, purposes: &[usize]) -> bool {
        self.purposes.is_empty() || self.purposes.iter().any(|purpose| purposes.contains(purpose))
    }
}
