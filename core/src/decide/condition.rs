//! What must hold for an offer: at each gate what its group says, then what it says itself.

use super::gates::{Detail, Stop, reasons_of};
use super::trace::Gate;
use crate::context::{Context, Rule};
use crate::error::Diagnostic;
use crate::expr::{Expected, Schema};
use crate::playbook::{Group, Offer, Text};
use std::sync::Arc;

/// A condition of an offer.
#[derive(Debug)]
pub(crate) struct Condition {
    pub(crate) rule: Rule,
    /// Where it stands.
    pub(crate) gate: Gate,
    /// What it counts as when it is unknown.
    pub(crate) when_unknown: bool,
    /// Whose it is, where it is not `eligible`, `applicable` or `suitable` of the offer itself.
    pub(crate) whose: Option<Arc<str>>,
}

/// The conditions in the order in which they are asked: those of groups first, the outermost before its parts. Where an offer is valid
/// comes before whether it is applicable.
pub(super) fn conditions(offer: &Offer, groups: &[&Group], schema: &Schema, findings: &mut Vec<Diagnostic>) -> Vec<Condition> {
    let own = [&offer.eligible, &offer.applicable, &offer.suitable].map(Option::as_ref);
    let mut conditions = Vec::new();
    let mut add = |text: Option<&Text>, gate, when_unknown, whose: Option<Arc<str>>| {
        let rule = text.and_then(|text| Rule::compile(text, schema, &Expected::Bool, findings));
        conditions.extend(rule.map(|rule| Condition { rule, gate, when_unknown, whose }));
    };
    let gates = [Gate::Eligible, Gate::Applicable, Gate::Suitable].into_iter().enumerate();
    for ((number, gate), (own, own_unknown)) in gates.zip(own.into_iter().zip(offer.when_unknown)) {
        if gate == Gate::Applicable {
            let areas = groups.iter().map(|group| group.area.as_ref()).chain([offer.area.as_ref()]);
            areas.for_each(|area| add(area, gate, false, Some(Arc::from(WHERE))));
        }
        for group in groups {
            let (text, unknown) = (group.gates.get(number), group.when_unknown.get(number));
            let whose = format!("group `{}`", group.name.text);
            add(text.and_then(Option::as_ref), gate, unknown == Some(&true), Some(whose.into()));
        }
        add(own, gate, own_unknown, None);
    }
    conditions
}

/// Whose a condition is that says where an offer is valid.
pub(crate) const WHERE: &str = "where";

impl Condition {
    /// It lets an offer pass only when it is known to be true, or unknown and declared to count as true then. An error never passes.
    pub(super) fn pass(&self, context: &Context<'_>, detail: Detail) -> Result<(), Stop> {
        let holds = context.holds(&self.rule);
        if holds.truth.unwrap_or(self.when_unknown && !holds.failed) {
            return Ok(());
        }
        let reasons = match detail {
            Detail::Brief | Detail::Gates => Vec::new(),
            Detail::Full => {
                let mut reasons = reasons_of(&self.rule, context);
                if let (Some(first), Some(whose)) = (reasons.first_mut(), &self.whose) {
                    first.insert_str(0, &format!("{whose}: "));
                }
                reasons
            }
        };
        Err(Stop::new(self.gate, holds.truth.is_none(), reasons))
    }
}
