//! Many conditions over one source of facts: which of them may be true.

use super::index::blocks::{Blocks, Left};
use super::index::layout::Layout;
use super::index::order::Odds;
use super::index::row::{Row, RowError};
use super::index::shape::{Lowering, Shape};
use super::index::whole::{Met, Whole};
use super::{Checked, Facts, Schema};
use crate::value::Timestamp;
use std::sync::Arc;

/// Leaves out most conditions that are not known to be true, without looking at each.
///
/// It knows comparisons of facts with constants; whatever else a condition asks counts as if it held.
#[derive(Debug)]
pub(crate) struct Sieve {
    layout: Arc<Layout>,
    finder: Finder,
}

#[derive(Debug)]
enum Finder {
    Whole(Whole),
    Blocks(Blocks),
}

impl Sieve {
    /// A sieve for conditions over one schema, numbered in their order.
    pub(crate) fn new<'c>(conditions: impl Iterator<Item = &'c Checked>, schema: &Arc<Schema>) -> Self {
        let mut lowering = Lowering::default();
        let mut shapes: Vec<Shape> = conditions.map(|condition| lowering.lower(condition, schema).shape.simplified()).collect();
        let mut uses = vec![0_u32; lowering.literals.all().len()];
        for shape in &shapes {
            shape.literals(&mut |literal| uses[literal as usize] += 1);
        }
        let (layout, literals) = Layout::new(lowering, schema.clone(), &[]);
        let odds = Odds::new(&layout, &literals, &uses);
        shapes.iter_mut().for_each(|shape| {
            odds.arrange(shape, &literals);
        });
        let finder = if Whole::suits(shapes.len(), &layout) {
            Finder::Whole(Whole::new(shapes.iter().map(|shape| (shape, 0)), &layout, &literals))
        } else {
            Finder::Blocks(Blocks::new(&shapes, &layout, &literals, &odds))
        };
        Sieve { layout: Arc::new(layout), finder }
    }

    /// The numbers of all conditions that are known to be true, and of some that are not, in any order and perhaps twice.
    ///
    /// # Errors
    /// `wrong_type` when a fact is not of its declared type.
    pub(crate) fn possible(&self, facts: &dyn Facts) -> Result<Vec<u32>, RowError> {
        let mut row = Row::new(self.layout.clone(), Timestamp::MIN);
        row.read(facts)?;
        let mut found = Vec::new();
        match &self.finder {
            Finder::Whole(whole) => whole.candidates(&row, &mut Met::default(), |condition| found.push(condition)),
            Finder::Blocks(blocks) => blocks.matches(&row, &mut Left::default(), |condition, _| found.push(condition)),
        }
        Ok(found)
    }
}
