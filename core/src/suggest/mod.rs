//! Suggestions: which items of the catalog are chosen for a customer, each with the reason why.
//!
//! What others bought or looked at together is counted by [trends](crate::trends) as everything else is, so it merges and tells about
//! nobody; a snapshot of them lies beside the catalog. What the customer bought, gave back or looked at is read from their own story
//! when somebody asks.

mod choose;
mod company;
mod due;
mod facts;
mod found;
mod own;
mod rules;

pub(crate) use choose::{Asking, Left, choose, suggested};
use company::Company;
pub(crate) use facts::ItemFacts;
pub use found::{Because, Suggested};
pub(crate) use rules::{CatalogRules, ItemsRule, SuggestionRule};

use crate::catalog::{Catalog, Reading};
use crate::context::{Rule, Sources};
use crate::error::{Diagnostic, Place, Severity};
use crate::playbook::{CatalogSection, Name, Playbook};
use crate::trends::Snapshot;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// What suggestions are made from: the items, and what others did with them.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    pub(crate) catalog: Arc<Catalog>,
    digest: OnceLock<String>,
    /// What others did by the trends that were read last, by their digest.
    recent: Mutex<Option<(Arc<str>, Arc<Company>)>>,
}

impl Shelf {
    pub(crate) fn new(catalog: Catalog) -> Self {
        Shelf { catalog: Arc::new(catalog), ..Shelf::default() }
    }

    /// The digest of the catalog, computed once.
    pub(crate) fn digest(&self) -> &str {
        self.digest.get_or_init(|| self.catalog.digest())
    }

    /// What others did, out of a snapshot of trends; made when it is first asked for.
    fn company(&self, snapshot: &Snapshot) -> Arc<Company> {
        let digest = snapshot.digest_text();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        match &*recent {
            Some((known, company)) if *known == digest => company.clone(),
            _ => {
                let company = Arc::new(Company::of(snapshot, &self.catalog));
                *recent = Some((digest, company.clone()));
                company
            }
        }
    }
}

/// So many mistakes of a table are told one by one.
const MOST_TOLD: usize = 50;

/// The compiled catalog of a playbook and all ways to choose from it.
#[derive(Debug)]
pub(crate) struct Suggestions {
    pub(crate) catalog: CatalogRules,
    /// In the order of the playbook.
    pub(crate) list: Vec<SuggestionRule>,
}

impl Suggestions {
    /// `None` when the playbook declares no catalog.
    pub(crate) fn compile(playbook: &Playbook, sources: &Sources, findings: &mut Vec<Diagnostic>) -> Option<Self> {
        let section = playbook.catalog.as_ref()?;
        let catalog = CatalogRules::compile(section, sources, findings)?;
        let compiled = playbook
            .suggestions
            .iter()
            .map(|suggestion| SuggestionRule::compile(suggestion, section, &catalog, playbook, sources, findings));
        let list = compiled.collect();
        Some(Suggestions { catalog, list })
    }

    /// Every rule by which a suggestion chooses, by its number.
    pub(crate) fn rules(&self, number: usize) -> impl Iterator<Item = &Rule> {
        self.list.get(number).into_iter().flat_map(|suggestion| suggestion.rules(&self.catalog))
    }

    /// The items that the playbook brings itself; what is wrong with them is a mistake of the playbook.
    ///
    /// `tables` are those that stand beside it, by name; `None` where the items are known already.
    pub(crate) fn shelf(
        &self,
        playbook: &Playbook,
        tables: Option<&[(&str, &str)]>,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<Shelf> {
        let section = playbook.catalog.as_ref()?;
        if let Some(file) = &section.file {
            let catalog = self.table(file, tables?, findings)?;
            self.unknown(playbook, section, &catalog, findings);
            return (!catalog.is_empty()).then(|| Shelf::new(catalog));
        }
        let mut reading = Reading::new(&self.catalog.columns);
        for (number, row) in section.items.iter().enumerate() {
            reading.row(number, &row.cells);
        }
        let (catalog, bad) = reading.finish();
        for bad in bad {
            let row = bad.row.and_then(|row| section.items.get(row));
            let place = row.map_or(&section.item.place, |row| &row.name.place);
            let path = row.map_or("catalog.items", |row| &*row.name.text);
            findings.push(Diagnostic {
                code: bad.code,
                severity: Severity::Error,
                message: match &bad.column {
                    Some(column) => format!("column `{column}`: {}", bad.message),
                    None => bad.message.clone(),
                },
                path: path.to_owned(),
                place: Some(place.clone()),
                hint: None,
                related: None,
            });
        }
        if !section.items.is_empty() {
            self.unknown(playbook, section, &catalog, findings);
        }
        (!catalog.is_empty()).then(|| Shelf::new(catalog))
    }

    /// The items of the table that the playbook names. A row that is wrong is left out and told as a warning.
    fn table(&self, file: &Name, tables: &[(&str, &str)], findings: &mut Vec<Diagnostic>) -> Option<Catalog> {
        let mut tell = |code: &'static str, severity: Severity, message: String, hint: Option<&str>| {
            findings.push(Diagnostic {
                code,
                severity,
                message,
                path: "catalog.file".to_owned(),
                place: Some(file.place.clone()),
                hint: hint.map(str::to_owned),
                related: None,
            });
        };
        let name = &file.text;
        let Some((_, text)) = tables.iter().find(|(own, _)| **own == **name) else {
            let hint = "load the playbook from its folder, or give the table as one more document of this name";
            tell("missing_file", Severity::Error, format!("the table `{name}` was not given"), Some(hint));
            return None;
        };
        let mut reading = Reading::new(&self.catalog.columns);
        if let Err(error) = reading.text(text) {
            tell(error.code(), Severity::Error, format!("`{name}` is no table of items: {error}"), None);
            return None;
        }
        let (catalog, bad) = reading.finish();
        for one in bad.iter().take(MOST_TOLD) {
            tell(one.code, Severity::Warning, format!("`{name}`, {one}"), None);
        }
        if let Some(more) = bad.len().checked_sub(MOST_TOLD).filter(|more| *more > 0) {
            tell("bad_items", Severity::Warning, format!("`{name}` has {more} more mistakes"), None);
        }
        Some(catalog)
    }

    /// What the playbook says of items and categories that its own table does not have.
    fn unknown(&self, playbook: &Playbook, section: &CatalogSection, catalog: &Catalog, findings: &mut Vec<Diagnostic>) {
        let mut warn = |name: &str, path: String, place: &Place| {
            if catalog.named(name).is_empty() {
                let shown: String = name.chars().take(80).collect();
                findings.push(Diagnostic {
                    code: "unknown_item",
                    severity: Severity::Warning,
                    message: format!("`{shown}` is neither an item nor a category of the catalog"),
                    path,
                    place: Some(place.clone()),
                    hint: None,
                    related: None,
                });
            }
        };
        for (name, with) in &section.complements {
            for name in std::iter::once(name).chain(with) {
                warn(&name.text, "catalog.complements".to_owned(), &name.place);
            }
        }
        for suggestion in &playbook.suggestions {
            for name in &suggestion.items {
                warn(name, format!("suggestions.{}.items", suggestion.name.text), &suggestion.name.place);
            }
        }
    }
}
