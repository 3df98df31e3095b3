//! Many conditions over one source of facts: which of them may be true.

use super::index::bitmaps::{Bitmaps, Left};
use super::index::layout::Layout;
use super::index::order::Odds;
use super::index::row::{Row, RowError};
use super::index::shape::{Lowering, Shape};
use super::{Checked, Facts, Schema};
use crate::value::Timestamp;
use std::sync::Arc;

/// Leaves out most conditions that are not known to be true, without looking at each.
///
/// It knows comparisons of facts with constants; whatever else a condition asks counts as if it held.
#[derive(Debug)]
pub(crate) struct Sieve {
    layout: Arc<Layout>,
    bitmaps: Bitmaps,
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
        let bitmaps = Bitmaps::new(&shapes, &layout, &literals, &odds);
        Sieve { layout: Arc::new(layout), bitmaps }
    }

    /// The numbers of all conditions that are known to be true, and of some that are not.
    ///
    /// # Errors
    /// `wrong_type` when a fact is not of its declared type.
    pub(crate) fn possible(&self, facts: &dyn Facts) -> Result<Vec<u32>, RowError> {
        let mut row = Row::new(self.layout.clone(), Timestamp::MIN);
        row.read(facts)?;
        let mut found = Vec::new();
        self.bitmaps.matches(&row, &mut Left::default(), |_| true, &mut found, |condition| condition);
        Ok(found)
    }

    /// Whether a condition that is possible is known to be true.
    pub(crate) fn is_exact(&self, condition: u32) -> bool {
        self.bitmaps.is_settled(condition)
    }
}
