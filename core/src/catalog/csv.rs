//! Tables of items as text: cells separated by commas, semicolons or tabs, in quotes where they need some (RFC 4180), with the names of the
//! columns in the first line.

use super::read::{CatalogError, Reading};
use crate::playbook::ITEM_COLUMNS;
use crate::value::{Type, Value};
use std::sync::Arc;

/// The most columns of a table.
const MAX_COLUMNS: usize = 2_000;

impl Reading<'_> {
    /// Reads the rows of a table as text.
    pub(super) fn csv(&mut self, text: &str) -> Result<(), CatalogError> {
        let wrong = |error: csv::Error| CatalogError::new("invalid_csv", error.to_string());
        let mut reader =
            csv::ReaderBuilder::new().delimiter(separator(text)).flexible(true).has_headers(false).from_reader(text.as_bytes());
        let mut record = csv::StringRecord::new();
        if !reader.read_record(&mut record).map_err(wrong)? {
            return Err(CatalogError::new("empty_table", "the table has no line with the names of its columns"));
        }
        let names: Vec<Arc<str>> = record.iter().map(|name| Arc::from(name.trim())).collect();
        if let ([name], true) = (&names[..], text.trim().lines().count() == 1)
            && is_file_name(name)
        {
            let message = format!(
                "`{}` is the name of a file, not what is in it: give the text of the file, in Python `pathlib.Path(…)`",
                cut(name)
            );
            return Err(CatalogError::new("file_name", message));
        }
        checked(&names)?;
        let types: Vec<Type> = names.iter().map(|name| self.column_type(name)).collect();
        let (mut row, mut lines) = (0, Lines { begun: 0, line: 1 });
        while reader.read_record(&mut record).map_err(wrong)? {
            let place = record.position().and_then(|place| usize::try_from(place.byte()).ok()).unwrap_or(text.len());
            self.line = Some(lines.at(text, place));
            let rest = text.get(place..).unwrap_or("");
            let last = reader.position().byte() >= text.len() as u64;
            if last && rest.matches('"').count() % 2 == 1 {
                self.bad("not_a_row", Some(row), None, "a quotation mark opens a cell that is never closed");
            } else if record.len() != names.len() {
                let message = format!("expected {} cells, one for each column, found {}", names.len(), record.len());
                self.bad("not_a_row", Some(row), None, message);
            } else {
                let cells: Vec<(Arc<str>, Value)> = names
                    .iter()
                    .zip(&types)
                    .zip(&record)
                    .map(|((name, ty), cell)| {
                        (name.clone(), if cell.trim().is_empty() { Value::Null } else { typed(cell, ty) })
                    })
                    .collect();
                self.row(row, &cells);
            }
            row += 1;
        }
        self.line = None;
        Ok(())
    }

    /// As what a cell is read.
    fn column_type(&self, name: &str) -> Type {
        match name {
            "id" | "name" | "category" | "life" | "warranty" => Type::String,
            "price" => self.rules.price.clone().unwrap_or(Type::String),
            "complements" => Type::List(Box::new(Type::String)),
            "stock" | "replenish" => Type::Dyn,
            name if name.starts_with("stock.") => Type::Dyn,
            name => self.rules.attributes.iter().find(|(own, _)| **own == *name).map_or(Type::String, |(_, ty)| ty.clone()),
        }
    }
}

/// On which line of a text a place is, for places that only move on.
struct Lines {
    begun: usize,
    line: u64,
}

impl Lines {
    /// The line on which the first row from a place on begins; lines without anything are passed over.
    fn at(&mut self, text: &str, place: usize) -> u64 {
        let bytes = text.as_bytes();
        let blank = bytes.get(place..).unwrap_or(&[]).iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        let begins = place.saturating_add(blank);
        let ends = |at: usize| match bytes.get(at) {
            Some(b'\n') => true,
            Some(b'\r') => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        };
        let passed = (self.begun..begins).filter(|at| ends(*at)).count();
        (self.begun, self.line) = (begins.max(self.begun), self.line.saturating_add(passed as u64));
        self.line
    }
}

/// Whether a text is no name of a column, but that of a file with a table.
fn is_file_name(text: &str) -> bool {
    let end = text.rsplit_once('.').map_or("", |(_, end)| end).to_ascii_lowercase();
    matches!(
        &*end,
        "csv" | "tsv" | "txt" | "json" | "jsonl" | "ndjson" | "parquet" | "arrow" | "feather" | "ipc" | "gz" | "zip"
    )
}

/// At most so much of a text as a message shows.
fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

/// Names that are told once each, `id` among them.
fn checked(names: &[Arc<str>]) -> Result<(), CatalogError> {
    if names.len() > MAX_COLUMNS {
        return Err(CatalogError::new("too_long", format!("a table of items has at most {MAX_COLUMNS} columns")));
    }
    for (place, name) in names.iter().enumerate() {
        if names.iter().take(place).any(|other| other == name) {
            let message = format!("two columns are called `{}`", cut(name));
            return Err(CatalogError::new("duplicate_column", message));
        }
    }
    if !names.iter().any(|name| **name == *"id") {
        let known: Vec<String> = names.iter().take(12).map(|name| format!("`{}`", cut(name))).collect();
        let message = format!(
            "there is no column `id`, by which events name an item; the first line names {}, and columns such as {} are known",
            known.join(", "),
            ITEM_COLUMNS.map(|name| format!("`{name}`")).join(", ")
        );
        return Err(CatalogError::new("missing_column", message));
    }
    Ok(())
}

/// What separates cells: of comma, semicolon and tab the one that stands most often in the first line outside of quotes.
fn separator(text: &str) -> u8 {
    let mut quoted = false;
    let mut counts = [(b',', 0_usize), (b';', 0), (b'\t', 0)];
    for byte in text.bytes() {
        match byte {
            b'"' => quoted = !quoted,
            b'\n' | b'\r' if !quoted => break,
            _ if quoted => {}
            byte => counts.iter_mut().filter(|(own, _)| *own == byte).for_each(|(_, count)| *count += 1),
        }
    }
    let mut best = counts[0];
    for one in counts {
        if one.1 > best.1 {
            best = one;
        }
    }
    best.0
}

/// A cell as a value of a type, or as the text that it is, which the type then refuses; a list has its elements between `|`.
fn typed(cell: &str, ty: &Type) -> Value {
    let trimmed = cell.trim();
    let truth = || match trimmed.to_ascii_lowercase().as_str() {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        _ => None,
    };
    let value = match ty {
        Type::Bool => truth(),
        Type::Int => trimmed.parse().ok().map(Value::Int),
        Type::Uint => trimmed.parse().ok().map(Value::Uint),
        Type::Double => trimmed.parse().ok().filter(|number: &f64| number.is_finite()).map(Value::Double),
        // A count or a truth value.
        Type::Dyn => truth().or_else(|| trimmed.parse().ok().map(Value::Int)),
        Type::List(element) => {
            let items: Vec<Value> =
                trimmed.split('|').map(str::trim).filter(|part| !part.is_empty()).map(|part| typed(part, element)).collect();
            Some(Value::List(items.into()))
        }
        Type::String => return Value::text(cell),
        _ => None,
    };
    value.unwrap_or_else(|| Value::text(trimmed))
}
