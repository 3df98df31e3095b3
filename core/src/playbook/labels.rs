//! What may be done with a fact: for which purposes, with how much care, and whether it may be shown.

use super::model::{ConsentDefault, Name, Purpose, Sensitivity, Text};
use super::read::{At, Loader};
use crate::error::Place;
use std::sync::Arc;

/// A kind of data about customers, as marketing knows them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DataKind {
    /// `engagement`: accounts, purchases, warranty.
    Engagement,
    /// `demographic`: age, household, income.
    Demographic,
    /// `psychographic`: values, interests, opinions.
    Psychographic,
    /// `behavioural`: visits, views, searches.
    Behavioural,
    /// `response`: accepted and rejected.
    Response,
    /// `need`: what the customer is looking for.
    Need,
    /// `location`: where the customer is or lives.
    Location,
    /// `device`: with what the customer comes.
    Device,
}

impl DataKind {
    /// All of them, in order.
    pub const ALL: [DataKind; 8] = [
        DataKind::Engagement,
        DataKind::Demographic,
        DataKind::Psychographic,
        DataKind::Behavioural,
        DataKind::Response,
        DataKind::Need,
        DataKind::Location,
        DataKind::Device,
    ];

    /// Their names, in the same order.
    pub const WORDS: [&'static str; 8] =
        ["engagement", "demographic", "psychographic", "behavioural", "response", "need", "location", "device"];

    /// The name in playbooks and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DataKind::Engagement => "engagement",
            DataKind::Demographic => "demographic",
            DataKind::Psychographic => "psychographic",
            DataKind::Behavioural => "behavioural",
            DataKind::Response => "response",
            DataKind::Need => "need",
            DataKind::Location => "location",
            DataKind::Device => "device",
        }
    }

    /// The kind of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// What is declared about the use of something.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// `purposes`: for which it may be used; `None` when not restricted.
    pub purposes: Option<Vec<Name>>,
    /// `sensitivity`; `None` when not declared.
    pub sensitivity: Option<Sensitivity>,
    /// `reveal`: whether messages and explanations for the customer may show it although it is inferred or special.
    pub reveal: bool,
    /// `declassify`: allows more than what it is drawn from.
    pub declassify: Option<Declassify>,
}

/// Allows more for a conclusion than for the facts that it is drawn from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declassify {
    /// `reason`: why that is right.
    pub reason: Arc<str>,
    /// `purposes`; `None` for those of what it is drawn from.
    pub purposes: Option<Vec<Name>>,
    /// `sensitivity`; `None` for that of what it is drawn from.
    pub sensitivity: Option<Sensitivity>,
    /// `reveal`.
    pub reveal: bool,
    /// Where it stands.
    pub place: Place,
}

/// A value of a property that needs more care than the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// The value.
    pub value: Name,
    /// What may be done with it.
    pub labels: Labels,
}

/// Why a purpose is lawful.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegalBasis {
    /// `consent`.
    Consent,
    /// `contract`: it is needed to do what was agreed.
    Contract,
    /// `legitimate_interest`: holds until the customer objects.
    LegitimateInterest,
    /// `legal_obligation`: the law demands it.
    LegalObligation,
    /// `vital_interest`: somebody's life depends on it.
    VitalInterest,
    /// `public_task`: holds until the customer objects.
    PublicTask,
}

impl LegalBasis {
    /// The name in playbooks and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            LegalBasis::Consent => "consent",
            LegalBasis::Contract => "contract",
            LegalBasis::LegitimateInterest => "legitimate_interest",
            LegalBasis::LegalObligation => "legal_obligation",
            LegalBasis::VitalInterest => "vital_interest",
            LegalBasis::PublicTask => "public_task",
        }
    }

    /// Whether it holds whatever the customer says.
    #[must_use]
    pub fn holds_anyway(self) -> bool {
        match self {
            LegalBasis::Contract | LegalBasis::LegalObligation | LegalBasis::VitalInterest => true,
            LegalBasis::Consent | LegalBasis::LegitimateInterest | LegalBasis::PublicTask => false,
        }
    }

    fn named(name: &str) -> Self {
        match name {
            "contract" => LegalBasis::Contract,
            "legitimate_interest" => LegalBasis::LegitimateInterest,
            "legal_obligation" => LegalBasis::LegalObligation,
            "vital_interest" => LegalBasis::VitalInterest,
            "public_task" => LegalBasis::PublicTask,
            _ => LegalBasis::Consent,
        }
    }
}

/// Who may see what of a customer.
#[derive(Debug, Clone, PartialEq)]
pub struct Department {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `purposes`: what it works for.
    pub purposes: Vec<Name>,
    /// `sensitivity`: the most sensitive data that it sees.
    pub sensitivity: Sensitivity,
    /// `reads`: the kinds of data that it sees; `None` for any.
    pub reads: Option<Vec<DataKind>>,
}

/// A condition that forbids while it is true.
#[derive(Debug, Clone, PartialEq)]
pub struct Guard {
    /// `when`.
    pub when: Text,
    /// `when_unknown`: what it counts as when it is unknown; true when not declared.
    pub when_unknown: bool,
    /// `purposes`: which offers it forbids; empty for all.
    pub purposes: Vec<Name>,
}

/// The sensitivity of a word of the playbook.
pub(super) fn sensitivity(word: &str) -> Sensitivity {
    match word {
        "public" => Sensitivity::Public,
        "special" => Sensitivity::Special,
        _ => Sensitivity::Personal,
    }
}

impl Loader<'_> {
    /// The labels of a mapping; none for a short form.
    pub(super) fn labels(&mut self, at: &At<'_>) -> Labels {
        let declassify = at.get("declassify").and_then(|at| {
            let purposes = at.get("purposes").map(|_| self.purposes_of(&at));
            let (sensitivity, reveal) = (at.text("sensitivity").map(|word| sensitivity(&word)), at.flag("reveal"));
            let reason = at.text("reason")?;
            if reason.trim().is_empty() {
                self.error("no_reason", &at, "a declassification needs a reason".to_owned(), None);
            }
            if purposes.is_none() && sensitivity.is_none() && !reveal {
                let hint = "write `purposes`, `sensitivity` or `reveal: true`".to_owned();
                self.error_at_key("no_effect", &at, "the declassification allows nothing more".to_owned(), Some(hint));
            }
            Some(Declassify { reason, purposes, sensitivity, reveal, place: self.findings.place(at.spot) })
        });
        Labels {
            purposes: at.get("purposes").map(|_| self.purposes_of(at)),
            sensitivity: at.text("sensitivity").map(|word| sensitivity(&word)),
            reveal: at.flag("reveal"),
            declassify,
        }
    }

    /// The labels of something whose short form is a mapping of something else, told apart by a key.
    pub(super) fn labels_beside(&mut self, at: &At<'_>, key: &str) -> Labels {
        if at.get(key).is_some() { self.labels(at) } else { Labels::default() }
    }

    pub(super) fn categories(&mut self, at: &At<'_>) -> Vec<Category> {
        let mut categories = Vec::new();
        for at in at.get("categories").iter().flat_map(At::children) {
            let labels = self.labels(&at);
            categories.push(Category { value: Name { text: at.key.clone(), place: self.findings.place(at.spot) }, labels });
        }
        categories
    }

    /// The kinds of data in a list of a key; `None` without the key.
    pub(super) fn kinds_of(&mut self, at: &At<'_>) -> Option<Vec<DataKind>> {
        let list = at.get("reads")?;
        let mut kinds = Vec::new();
        for at in list.items() {
            let Some(kind) = at.node.text().and_then(|word| DataKind::named(word)) else { continue };
            if kinds.contains(&kind) {
                self.error("duplicate_name", &at, format!("`{}` stands twice in one list", kind.name()), None);
            } else {
                kinds.push(kind);
            }
        }
        Some(kinds)
    }

    /// A condition that may say what it counts as when it is unknown.
    pub(super) fn condition(&self, parent: &At<'_>, key: &str, otherwise: bool) -> (Option<Text>, bool) {
        let Some(at) = parent.get(key) else { return (None, otherwise) };
        let unknown = if at.get("when_unknown").is_some() { at.flag("when_unknown") } else { otherwise };
        (self.rule(&at).or_else(|| self.rule_of(&at, "when")), unknown)
    }

    pub(super) fn guard(&mut self, root: &At<'_>, key: &str) -> Option<Guard> {
        let (when, when_unknown) = self.condition(root, key, true);
        let purposes = root.get(key).map(|at| self.purposes_of(&at)).unwrap_or_default();
        Some(Guard { when: when?, when_unknown, purposes })
    }

    pub(super) fn departments(&mut self, root: &At<'_>) -> Vec<Department> {
        let Some(section) = root.get("departments") else { return Vec::new() };
        let mut departments = Vec::new();
        for (name, at) in self.named(&section, "a department") {
            departments.push(Department {
                title: at.text("title"),
                purposes: self.purposes_of(&at),
                sensitivity: at.text("sensitivity").map_or(Sensitivity::Personal, |word| sensitivity(&word)),
                reads: self.kinds_of(&at),
                name,
            });
        }
        departments
    }

    pub(super) fn purposes(&mut self, root: &At<'_>) -> Vec<Purpose> {
        let Some(section) = root.get("purposes") else { return Vec::new() };
        let mut purposes = Vec::new();
        for (name, at) in self.named(&section, "a purpose") {
            let word = at.node.text().cloned().or_else(|| at.text("default"));
            let basis = at.text("basis").map_or(LegalBasis::Consent, |word| LegalBasis::named(&word));
            let default = match (word.as_deref(), basis) {
                (Some("opt_out"), _) => ConsentDefault::OptOut,
                (Some(_), basis) if basis.holds_anyway() => {
                    let message = format!("`{}` holds on the basis of {}, whatever the customer says", name.text, basis.name());
                    let hint = "leave `default` out, or take the basis `consent`".to_owned();
                    self.error("bad_basis", &at.get("default").unwrap_or_else(|| at.clone()), message, Some(hint));
                    ConsentDefault::OptOut
                }
                (Some(_), _) | (None, LegalBasis::Consent) => ConsentDefault::OptIn,
                (None, _) => ConsentDefault::OptOut,
            };
            let expires_after = self.duration_of(&at, "expires_after");
            purposes.push(Purpose { name, title: at.text("title"), default, basis, expires_after });
        }
        purposes
    }
}
