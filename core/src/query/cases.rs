//! Cases that are tried against the playbook.

use super::{Asked, QueryError, Question, Subject};
use crate::error::Place;
use crate::value::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What becomes of cases: stories with what is expected of them, each tried on a customer base of its own and on a virtual clock.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Try {
    /// The document, in YAML or JSON.
    cases: String,
    /// Its name, for places; `cases` unless given.
    document: Option<String>,
}

/// What became of the cases.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "try")]
pub(super) struct Tried {
    /// Whether all came as expected.
    passed: bool,
    /// In the order written.
    cases: Vec<Report>,
    /// The mistakes of the document as text; none when it could be read.
    mistakes: Option<String>,
}

/// A case.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "case_report")]
struct Report {
    /// What it is about.
    case: String,
    /// Its line in the document.
    line: u32,
    /// How many expectations were looked at.
    expectations: usize,
    /// What came otherwise; empty when all came as expected.
    failures: Vec<Failure>,
}

/// Something that came otherwise than expected.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "case_failure")]
struct Failure {
    /// The line of the step.
    line: u32,
    /// The instant of the step.
    at: Timestamp,
    /// What was expected and what came, and why; several lines.
    message: String,
}

impl Question for Try {
    const NAME: &'static str = "try";
    const SUBJECT: Subject = Subject::Playbook;
    type Answer<'a> = Tried;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<Tried, QueryError> {
        let line = |place: &Place| place.line;
        Ok(match asked.engine.try_cases(self.document.as_deref().unwrap_or("cases"), &self.cases) {
            Ok(reports) => Tried {
                passed: reports.iter().all(|report| report.failures.is_empty()),
                cases: reports
                    .into_iter()
                    .map(|report| Report {
                        case: report.name.to_string(),
                        line: line(&report.place),
                        expectations: report.expectations,
                        failures: report
                            .failures
                            .into_iter()
                            .map(|failure| Failure { line: line(&failure.place), at: failure.at, message: failure.message })
                            .collect(),
                    })
                    .collect(),
                mistakes: None,
            },
            Err(mistakes) => Tried { passed: false, cases: Vec::new(), mistakes: Some(mistakes.to_string()) },
        })
    }
}
