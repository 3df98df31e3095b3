use super::cell::{Amount, Key, bucket, double, whole};
use super::items::ItemsSeen;
use super::rules::{Dimension, TrendRule, TrendRules, What};
use crate::catalog::Catalog;
use crate::customer::outcome_column;
use crate::customer::{Customer, Derived, StoryRow, What as Changed};
use crate::value::{Span, Timestamp, Value};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What one customer adds to trends: integers per cell and epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contribution(pub(crate) BTreeMap<(Key, i64), Amount>);

/// What counts of what was told of an attribute, by its place in the playbook, at an instant.
pub(crate) type Attributes<'a> = &'a dyn Fn(usize, Timestamp) -> Option<Value>;

/// Values of a dimension for one thing that is counted; several when it is counted in several cells.
pub(super) type Values = SmallVec<[Arc<str>; 4]>;

impl Contribution {
    /// What a customer contributes; `derived` says when they were in which segments, `told` what was told of their attributes.
    pub(crate) fn of(
        rules: &TrendRules,
        customer: &Customer,
        (derived, told): (&Derived, Attributes<'_>),
        catalog: Option<&Catalog>,
    ) -> Self {
        let mut contribution = Contribution::default();
        let view = customer.view(Timestamp::MAX);
        let items = rules.items.as_ref().zip(catalog).map(|(reads, catalog)| (ItemsSeen::of(reads, catalog, &view), catalog));
        for (trend, rule) in (0..).zip(&rules.trends) {
            match &rule.what {
                What::Events(kinds) => view.events(kinds, Span::lifetime(Timestamp::MAX), &mut |row| {
                    let values = |dimension| of_row(rules, derived, &row, dimension);
                    let number = |column: Option<usize>| column.map(|column| row.value(column));
                    if let (None | Some(Some(_)), None | Some(Some(_))) = (number(rule.sum), number(rule.histogram)) {
                        let sum = number(rule.sum).flatten().as_ref().and_then(whole).unwrap_or(0);
                        let bucket = number(rule.histogram).flatten().as_ref().and_then(double).map(bucket);
                        // An event counts from when it was known on.
                        let time = row.time().max(row.known_at());
                        contribution.count(trend, rule, time, values, Amount { count: 1, sum }, bucket);
                    }
                    ControlFlow::Continue(())
                }),
                What::Feedback => {
                    for feedback in &rules.feedback {
                        view.events(&feedback.kinds(), Span::lifetime(Timestamp::MAX), &mut |row| {
                            let values = |dimension| match dimension {
                                Dimension::Feedback(part) => feedback.part(&row, part),
                                dimension => of_row(rules, derived, &row, dimension),
                            };
                            let time = row.time().max(row.known_at());
                            contribution.count(trend, rule, time, values, Amount { count: 1, sum: 0 }, None);
                            ControlFlow::Continue(())
                        });
                    }
                }
                What::Items(what) => {
                    if let Some((items, catalog)) = &items {
                        items.count(&mut contribution, rules, (trend, rule), *what, catalog, (derived, told));
                    }
                }
                What::Stages | What::Segments => {
                    for change in &derived.changes {
                        let (wanted, names) = match change.what {
                            Changed::Moved { journey, to: Some(to), .. } => (What::Stages, of_stage(rules, journey, to)),
                            Changed::Entered { segment } => (What::Segments, of_segment(rules, segment)),
                            _ => continue,
                        };
                        let Some(names) = names.filter(|_| rule.what == wanted) else { continue };
                        let values = |dimension| -> Values {
                            let name = if dimension == Dimension::Stage { names.get(1) } else { names.first() };
                            name.into_iter().cloned().collect()
                        };
                        contribution.count(trend, rule, change.at, values, Amount { count: 1, sum: 0 }, None);
                    }
                }
            }
        }
        contribution
    }

    fn count(
        &mut self,
        trend: u16,
        rule: &TrendRule,
        time: Timestamp,
        values: impl Fn(Dimension) -> Values,
        amount: Amount,
        bucket: Option<i32>,
    ) {
        let mut cells: Vec<Vec<Arc<str>>> = vec![Vec::with_capacity(rule.dimensions.len())];
        for (_, dimension) in &rule.dimensions {
            let values = values(*dimension);
            let longer = cells
                .iter()
                .flat_map(|cell| values.iter().map(|value| cell.iter().cloned().chain([value.clone()]).collect::<Vec<_>>()));
            cells = longer.collect();
        }
        let epoch = time.micros().div_euclid(rule.epoch);
        for values in cells {
            let key = Key { trend, values: values.into(), bucket };
            self.0.entry((key, epoch)).or_default().add(amount);
        }
    }

    /// Adds another contribution.
    pub(crate) fn add(&mut self, other: &Contribution) {
        for (place, amount) in &other.0 {
            self.0.entry(place.clone()).or_default().add(*amount);
        }
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The values of a dimension for an event; none when it lacks the property, so that it is left out.
pub(super) fn of_row(rules: &TrendRules, derived: &Derived, row: &StoryRow<'_>, dimension: Dimension) -> Values {
    let one = |text: Option<Arc<str>>| text.into_iter().collect();
    match dimension {
        Dimension::Column(column) => one(row.value(column).and_then(|value| match value {
            Value::String(text) => Some(text),
            Value::Bool(value) => Some(Arc::from(if value { "true" } else { "false" })),
            Value::Int(number) => Some(Arc::from(number.to_string())),
            _ => None,
        })),
        Dimension::Channel => one(row.channel().map(Arc::from)),
        Dimension::Treatment => one(row.text(outcome_column::OFFER).zip(row.channel()).map(|(o, c)| format!("{o}.{c}").into())),
        Dimension::Type => one(row.strand().layout().schema().event_decl(row.kind()).map(|event| event.name.clone())),
        Dimension::Segment => {
            let inside = |segment: &u16| {
                let changes = derived.changes.iter().take_while(|change| change.at <= row.time());
                changes.fold(false, |inside, change| match change.what {
                    Changed::Entered { segment: entered } if entered == *segment => true,
                    Changed::Left { segment: left } if left == *segment => false,
                    _ => inside,
                })
            };
            let numbers = (0..rules.segments.len()).filter_map(|segment| u16::try_from(segment).ok());
            numbers.filter(inside).filter_map(|segment| rules.segments.get(usize::from(segment)).cloned()).collect()
        }
        Dimension::Journey | Dimension::Stage | Dimension::Item | Dimension::Attribute(_) | Dimension::Feedback(_) => {
            Values::new()
        }
    }
}

fn of_stage(rules: &TrendRules, journey: u16, stage: u16) -> Option<Vec<Arc<str>>> {
    let (name, stages) = rules.journeys.get(usize::from(journey))?;
    Some(vec![name.clone(), stages.get(usize::from(stage))?.clone()])
}

fn of_segment(rules: &TrendRules, segment: u16) -> Option<Vec<Arc<str>>> {
    Some(vec![rules.segments.get(usize::from(segment))?.clone()])
}
