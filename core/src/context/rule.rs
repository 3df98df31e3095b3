use crate::error::Diagnostic;
use crate::expr::{self, Checked, Evaluated, Expected, Facts, Reads, Schema, TimeClass};
use crate::playbook::Text;

/// A compiled expression of the playbook.
#[derive(Debug, Clone)]
pub(crate) struct Rule(Checked);

impl Rule {
    /// Compiles a text of the playbook that has to give a certain type.
    pub(crate) fn compile(text: &Text, schema: &Schema, expected: &Expected, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        match expr::compile_text(text, schema, expected) {
            Ok(checked) => {
                findings.extend_from_slice(checked.warnings());
                Some(Rule(checked))
            }
            Err(mistakes) => {
                findings.extend(mistakes);
                None
            }
        }
    }

    /// The value at the context's instant, and until when it holds.
    pub(crate) fn ask(&self, facts: &dyn Facts) -> Evaluated {
        expr::evaluate(&self.0, facts)
    }

    /// The checked expression.
    pub(crate) fn checked(&self) -> &Checked {
        &self.0
    }

    /// What it reads itself.
    pub(crate) fn reads(&self) -> &Reads {
        self.0.reads()
    }

    /// How it depends on time.
    pub(crate) fn class(&self) -> TimeClass {
        self.0.class()
    }
}
