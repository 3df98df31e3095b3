use super::aside::Aside;
use crate::customer::layout::Layout;
use crate::customer::reserved::{ATTRIBUTE_CLEARED, ATTRIBUTE_SET};
use crate::customer::strand::Strand;
use crate::customer::view::View;
use crate::customer::{Event, EventError, Fold, Totals};
use crate::expr::EventKind;
use crate::value::{Decimal, Span, Timestamp, Value};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// Names that a playbook changed: old to new.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Renames {
    /// Event types.
    pub(crate) events: BTreeMap<Arc<str>, Arc<str>>,
    /// Properties, as `event.property` with the new name of the event type, to the new name of the property.
    pub(crate) properties: BTreeMap<Arc<str>, Arc<str>>,
    /// Attributes.
    pub(crate) attributes: BTreeMap<Arc<str>, Arc<str>>,
}

impl Renames {
    /// Totals under the names that their event types and properties have now.
    pub(super) fn fold(&self, fold: Fold) -> Fold {
        let mut kinds: BTreeMap<Arc<str>, Totals> = BTreeMap::new();
        for (name, mut totals) in fold.kinds {
            let name = self.events.get(&name).cloned().unwrap_or(name);
            let numbers = std::mem::take(&mut totals.numbers).into_iter().map(|(property, numbers)| {
                let new = self.properties.get(&*format!("{name}.{property}")).cloned();
                (new.unwrap_or(property), numbers)
            });
            totals.numbers = numbers.collect();
            // Two event types may have become one.
            let both = match kinds.remove(&name) {
                Some(before) => before.with(totals),
                None => totals,
            };
            kinds.insert(name, both);
        }
        Fold { kinds, checkpoint: fold.checkpoint }
    }

    fn apply(&self, event: &mut Event) {
        if let Some(name) = self.events.get(&*event.event_type) {
            event.event_type = name.to_string();
        }
        let attribute_set = matches!(&*event.event_type, ATTRIBUTE_SET | ATTRIBUTE_CLEARED);
        for (name, value) in &mut event.properties {
            if let (true, "attribute", Value::String(attribute)) = (attribute_set, name.as_str(), &*value)
                && let Some(new) = self.attributes.get(attribute)
            {
                *value = Value::String(new.clone());
            } else if let Some(new) = self.properties.get(&*format!("{}.{name}", event.event_type)) {
                *name = new.to_string();
            }
        }
    }
}

/// Lays a strand of another version of the playbook anew, by name. What does not fit is left out and the event kept aside.
pub(super) fn migrate(old: &Strand, layout: &Arc<Layout>) -> Strand {
    let mut strand = Strand::new(old.identifier().clone(), layout.clone());
    let kinds: Vec<EventKind> = old.tracks().map(|(kind, _)| kind).collect();
    let mut events = Vec::new();
    View::new(std::slice::from_ref(old), Timestamp::MAX).events(&kinds, Span::lifetime(Timestamp::MAX), &mut |row| {
        events.extend(row.told());
        ControlFlow::Continue(())
    });
    try_again(&mut strand, events.into_iter().map(|event| Aside { event, code: "", path: String::new() }).collect(), false);
    strand
}

/// A number in a narrower type, where that loses nothing: a whole one as such, a decimal as the double that is written like it.
fn plainer(value: &Value) -> Option<Value> {
    /// Doubles up to here are different for different whole numbers.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    match value {
        Value::Double(number) => (number.trunc() == *number && number.abs() <= EXACT).then_some(Value::Int(*number as i64)),
        Value::Decimal(amount) if amount.currency().is_none() => {
            let unit = 10_i128.checked_pow(u32::from(amount.scale()))?;
            let whole = (amount.units() % unit == 0).then_some(amount.units() / unit);
            whole.and_then(|whole| i64::try_from(whole).ok()).map(Value::Int).or_else(|| {
                let double = amount.to_double();
                let same = Decimal::from_double(double, amount.scale(), None).is_ok_and(|again| again == *amount);
                same.then_some(Value::Double(double))
            })
        }
        _ => None,
    }
}

/// Puts events in their places that may fit; what of them does not is left out, and those kept aside as they were told. What the
/// same version of the playbook wrote has read what fits of them already, and may have been told more since.
pub(super) fn try_again(strand: &mut Strand, told: Vec<Aside>, same_version: bool) {
    let mut aside = strand.aside().to_vec();
    let layout = strand.layout().clone();
    for told in told {
        let mut event = told.event.clone();
        layout.renames().apply(&mut event);
        let mut misfit: Option<EventError> = None;
        let fits = loop {
            let Err(error) = layout.prepare(&event, None) else { break true };
            let left_out = error.path().strip_prefix("properties.").and_then(|name| {
                let place = event.properties.iter().position(|(property, _)| property.chars().take(80).eq(name.chars()))?;
                (error.code() != "missing_property").then_some(place)
            });
            // A version that took numbers in a wider type may be followed by the one before it again.
            let value = left_out.and_then(|place| event.properties.get_mut(place)).map(|(_, value)| value);
            if let Some((value, plain)) = value.and_then(|value| plainer(value).map(|plain| (value, plain))) {
                *value = plain;
                continue;
            }
            misfit.get_or_insert(error);
            // A required property that does not fit leaves nothing to read.
            match left_out {
                Some(place) => event.properties.remove(place),
                None => break false,
            };
        };
        let read_already = same_version && misfit.is_some();
        if let (true, false, Ok(prepared)) = (fits, read_already, layout.prepare(&event, None)) {
            // An earlier version may have read less of the same event.
            strand.remove(&prepared.id);
            if strand.insert(&prepared).is_err() {
                continue;
            }
        }
        if let Some(error) = misfit {
            aside.push(Aside { event: told.event, code: error.code(), path: error.path().to_owned() });
        }
    }
    let key = |aside: &Aside| (aside.event.time, aside.event.sequence, aside.event.id.clone());
    aside.sort_by_key(key);
    strand.set_aside(aside);
}
