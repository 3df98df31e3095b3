use crate::error::Diagnostic;
use crate::expr::{self, Checked, Evaluated, EventKind, Expect, FactId, Facts, Schema, TimeClass};
use crate::playbook::Text;

/// A compiled expression of the playbook.
#[derive(Debug, Clone)]
pub struct Rule {
    checked: Checked,
    facts: Vec<FactId>,
    kinds: Vec<EventKind>,
}

impl Rule {
    /// Compiles a text of the playbook that has to give a certain type.
    pub(crate) fn compile(text: &Text, schema: &Schema, expect: Expect, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        match expr::compile_text(text, schema, expect) {
            Ok((checked, warnings)) => {
                findings.extend(warnings);
                let reads = checked.reads();
                Some(Rule { facts: reads.facts, kinds: reads.kinds, checked })
            }
            Err(mistakes) => {
                findings.extend(mistakes);
                None
            }
        }
    }

    /// The value at the context's instant, and until when it holds.
    pub(crate) fn ask(&self, facts: &dyn Facts) -> Evaluated {
        expr::evaluate(&self.checked, facts)
    }

    /// The checked expression.
    pub(crate) fn checked(&self) -> &Checked {
        &self.checked
    }

    /// The facts that it reads itself, sorted.
    pub(crate) fn facts(&self) -> &[FactId] {
        &self.facts
    }

    /// The event types that it reads itself, sorted.
    pub(crate) fn kinds(&self) -> &[EventKind] {
        &self.kinds
    }

    /// How it depends on time.
    pub(crate) fn class(&self) -> TimeClass {
        self.checked.class()
    }
}
