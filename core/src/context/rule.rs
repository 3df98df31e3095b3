use crate::error::Diagnostic;
use crate::expr::plan::{Code, PlanBuilder};
use crate::expr::{self, Checked, Evaluated, Expected, Facts, Reads, Schema, TimeClass};
use crate::playbook::Text;

/// A compiled expression of the playbook.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    checked: Checked,
    /// Where it stands in the plan; `None` while the reference answers alone.
    code: Option<Code>,
}

impl Rule {
    /// Compiles a text of the playbook that has to give a certain type.
    pub(crate) fn compile(text: &Text, schema: &Schema, expected: &Expected, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        match expr::compile_text(text, schema, expected) {
            Ok(checked) => {
                // What one value of a fixed name makes always true is not so for another.
                let fixed = schema.fixed().iter().any(|fixed| text.text.contains(&*fixed.path));
                let odd = |finding: &&Diagnostic| fixed && matches!(finding.code, "always_true" | "always_false");
                findings.extend(checked.warnings().iter().filter(|finding| !odd(finding)).cloned());
                Some(Rule { checked, code: None })
            }
            Err(mistakes) => {
                findings.extend(mistakes);
                None
            }
        }
    }

    /// Takes the rule into a plan, where that can hold it.
    pub(crate) fn join(&mut self, plan: &mut PlanBuilder) {
        self.code = plan.add(&self.checked);
    }

    /// Where it stands in the plan.
    pub(crate) fn code(&self) -> Option<Code> {
        self.code
    }

    /// The value at the context's instant, and until when it holds, by the reference.
    pub(crate) fn ask(&self, facts: &dyn Facts) -> Evaluated {
        expr::evaluate(&self.checked, facts)
    }

    /// The checked expression.
    pub(crate) fn checked(&self) -> &Checked {
        &self.checked
    }

    /// What it reads itself.
    pub(crate) fn reads(&self) -> &Reads {
        self.checked.reads()
    }

    /// How it depends on time.
    pub(crate) fn class(&self) -> TimeClass {
        self.checked.class()
    }
}
