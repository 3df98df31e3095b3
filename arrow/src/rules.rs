//! The matches of a rule set over tables.

use crate::{ArrowError, Chunk, OwnedColumn, Table};
use std::sync::Arc;
use tactful::expr::{RuleColumns, RuleId, RuleSet};

/// Collects which rules are true for which rows, over any number of batches.
#[derive(Debug)]
pub struct Matching<'r> {
    rules: &'r RuleSet,
    rows: Vec<Option<i64>>,
    names: Vec<Option<&'r str>>,
    next: i64,
}

impl<'r> Matching<'r> {
    /// No rows yet.
    #[must_use]
    pub fn new(rules: &'r RuleSet) -> Self {
        Matching { rules, rows: Vec::new(), names: Vec::new(), next: 0 }
    }

    /// Matches the rows of a batch, which are numbered on from those before. Columns are found by the names of facts; a fact without a
    /// column is unknown, and a list column is read for a fact that is a list.
    ///
    /// # Errors
    /// [`ArrowError`] for structures that contradict themselves and for values that do not fit their fact.
    pub fn add(&mut self, chunk: &Chunk) -> Result<(), ArrowError> {
        let (batch, lists) = (chunk.batch()?, chunk.lists()?);
        let mut columns = RuleColumns::new(&batch);
        for list in &lists {
            columns = columns.with_list(list.name(), list.offsets(), list.elements(), list.validity());
        }
        let found = self.rules.matches_batch(&columns)?;
        for row in 0..batch.rows() {
            for rule in (0..).take(self.rules.len()).map(RuleId).filter(|rule| found.holds(*rule, row)) {
                self.rows.push(Some(self.next));
                self.names.push(self.rules.name(rule));
            }
            self.next = self.next.saturating_add(1);
        }
        Ok(())
    }

    /// A table with the columns `row`, from 0, and `rule`: a row for every match, by row and then in the order of the rules.
    ///
    /// # Errors
    /// [`ArrowError`] when there are more matches than a table holds.
    pub fn table(self) -> Result<Table, ArrowError> {
        let rules = OwnedColumn::dictionary(self.names)?;
        Table::new(vec![(Arc::from("row"), OwnedColumn::ints(self.rows)), (Arc::from("rule"), rules)])
    }
}
