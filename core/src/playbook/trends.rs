//! Trends: what is counted over many customers.

use super::model::{EventType, Property, Trend};
use super::read::{At, Loader, Names};
use super::reserved::OUTCOMES;
use crate::expr::TrendDecl;
use crate::value::{Duration, Type};
use std::rc::Rc;
use std::sync::Arc;

/// What can be counted besides events.
pub const STAGE_ENTERED: &str = "stage_entered";
/// What can be counted besides events.
pub const SEGMENT_ENTERED: &str = "segment_entered";

/// What can be counted besides events: any outcome.
pub const OUTCOME: &str = "outcome";

/// What can be counted besides events: any feedback.
pub const FEEDBACK: &str = "feedback";

/// How many customers an answer is about at least, when a trend does not say.
pub(crate) const USUAL_K: u32 = 10;

impl Loader<'_> {
    pub(super) fn trends(&mut self, root: &At<'_>, events: &[EventType]) -> Vec<Trend> {
        let Some(section) = root.get("trends") else { return Vec::new() };
        let mut trends = Vec::new();
        for (name, at) in self.named(&section, "a trend") {
            let mut counted: Names = (*self.declared.events).clone();
            counted.extend([STAGE_ENTERED, SEGMENT_ENTERED, OUTCOME].map(Arc::from));
            // An event type of that name is counted as such.
            if root.get("feedback").is_some() && events.iter().all(|event| &*event.name.text != FEEDBACK) {
                counted.insert(Arc::from(FEEDBACK));
            }
            let Some(count) = at.get("count").and_then(|at| self.reference(&at, "event type", &counted)) else { continue };
            let event = events.iter().find(|event| event.name.text == count.text);
            let own = event.map_or(&[][..], |event| &event.properties);
            let by = self.references(&at, "by", "dimension", &dimensions(&count.text, own));
            let mut number = |key: &str| {
                let numbers = own.iter().filter(|property| is_number(&property.ty)).map(|property| property.name.text.clone());
                let numbers: Rc<Names> = Rc::new(numbers.collect());
                at.get(key).and_then(|at| self.reference(&at, "numeric property", &numbers))
            };
            let (sum, histogram) = (number("sum"), number("histogram"));
            trends.push(Trend {
                name,
                count,
                by,
                sum,
                histogram,
                half_life: self.duration_of(&at, "half_life"),
                epoch: self.duration_of(&at, "epoch").unwrap_or(Duration::from_nanos(86_400_000_000_000)),
                k: at.number("k").unwrap_or(USUAL_K),
            });
        }
        trends
    }
}

/// By what can be told apart what is counted.
fn dimensions(count: &Arc<str>, own: &[Property]) -> Names {
    let fixed: &[&str] = match &**count {
        STAGE_ENTERED => &["journey", "stage"],
        SEGMENT_ENTERED => &["segment"],
        FEEDBACK if own.is_empty() => &["feedback", "sentiment", "topic", "region", "channel", "segment"],
        OUTCOME => &["outcome", "offer", "treatment", "placement", "channel", "segment"],
        outcome if OUTCOMES.contains(&outcome) => &["offer", "treatment", "placement", "channel", "segment"],
        _ => &["channel", "segment"],
    };
    let told = own.iter().filter(|property| matches!(property.ty, Type::String | Type::Enum(_) | Type::Bool | Type::Int));
    fixed.iter().map(|name| Arc::from(*name)).chain(told.map(|property| property.name.text.clone())).collect()
}

fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Uint | Type::Double | Type::Decimal { .. } | Type::Money { .. })
}

impl super::Playbook {
    /// The trends as expressions read them: the declared ones, then those that every playbook has.
    pub(crate) fn trend_decls(&self) -> Vec<TrendDecl> {
        let declared = self.trends.iter().map(|trend| TrendDecl {
            name: trend.name.text.clone(),
            dimensions: trend.by.iter().map(|name| name.text.clone()).collect(),
            sums: trend.sum.is_some(),
            decays: trend.half_life.is_some(),
        });
        let mut decls: Vec<TrendDecl> = declared.collect();
        for (name, dimensions) in USUAL {
            if decls.iter().all(|decl| *decl.name != *name) {
                let dimensions = dimensions.iter().map(|name| Arc::from(*name)).collect();
                decls.push(TrendDecl { name: Arc::from(name), dimensions, sums: false, decays: false });
            }
        }
        decls
    }
}

/// The trends that every playbook has, with their dimensions.
pub(crate) const USUAL: [(&str, &[&str]); 3] = [
    ("events", &["type"]),
    (super::OUTCOMES_TREND, &[OUTCOME, "offer", "placement", "channel"]),
    ("stages", &["journey", "stage"]),
];
