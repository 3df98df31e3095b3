//! Where a customer and the brand met.

use super::{Asked, QueryError, Question, Subject};
use crate::expr::EventRow;
use crate::value::{Span, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::ops::ControlFlow;

/// Where a customer and the brand met by an instant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Touchpoints {
    /// The instant; later events are not seen.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
}

/// Where a customer and the brand met.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "touchpoints")]
pub(super) struct TouchpointsAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// The instant.
    now: Timestamp,
    /// Every touchpoint, in the order of the playbook.
    touchpoints: Vec<Met<'a>>,
}

/// A touchpoint.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "touchpoint_met")]
struct Met<'a> {
    /// The touchpoint.
    touchpoint: &'a str,
    /// Its channel.
    channel: Option<&'a str>,
    /// What it is for.
    purpose: Option<&'a str>,
    /// Who owns it; null for an own one.
    partner: Option<&'a str>,
    /// How much the brand decides there: `full`, `shared` or `none`.
    control: &'a str,
    /// How many events came back from it.
    events: u64,
    /// When the first of them happened.
    first: Option<Timestamp>,
    /// When the last of them happened.
    last: Option<Timestamp>,
    /// What these contacts cost together; null when that is not declared.
    cost: Option<f64>,
    /// Until when events that happened by now may still come; null when that is not declared.
    complete_by: Option<Timestamp>,
}

impl Question for Touchpoints {
    const NAME: &'static str = "touchpoints";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = TouchpointsAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<TouchpointsAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        let view = customer.view(self.known_at.unwrap_or(self.now));
        let schema = &asked.engine.model().rules.sources.schema;
        let met = |touchpoint: &'a crate::playbook::Touchpoint| {
            let kinds: Vec<_> = touchpoint.events.iter().filter_map(|event| schema.event(&event.text)).collect();
            let channel = touchpoint.channel.as_ref().map(|channel| &*channel.text);
            let (mut events, mut first, mut last) = (0_u32, None, None);
            view.events(&kinds, Span::lifetime(self.now), &mut |row| {
                // What does not say through which channel it came counts for each.
                let through = EventRow::channel(&row);
                if channel.is_none() || through.is_none() || through.as_deref() == channel {
                    events = events.saturating_add(1);
                    first.get_or_insert(row.time());
                    last = Some(row.time());
                }
                ControlFlow::Continue(())
            });
            Met {
                touchpoint: &touchpoint.name.text,
                channel,
                purpose: touchpoint.purpose.as_ref().map(|purpose| &*purpose.text),
                partner: touchpoint.partner.as_deref(),
                control: &touchpoint.control,
                events: u64::from(events),
                first,
                last,
                cost: touchpoint.cost.map(|cost| cost * f64::from(events)),
                complete_by: touchpoint.delay.map(|delay| self.now.saturating_add_micros(delay.micros())),
            }
        };
        let touchpoints = asked.engine.playbook().touchpoints.iter().map(met).collect();
        Ok(TouchpointsAnswer { customer: customer.id(), now: self.now, touchpoints })
    }
}
