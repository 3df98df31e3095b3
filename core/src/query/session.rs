//! What a customer does now, and where they are.

use super::{Asked, QueryError, Question, Subject};
use crate::context::Context;
use crate::expr::{Answer, Facts};
use crate::value::{Timestamp, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The session that is open at an instant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Session {
    /// The instant.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
}

/// The session that is open; all but `customer` and `open` are null when none is.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "session")]
pub(super) struct SessionAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// Whether there is one.
    open: bool,
    /// Its first instant.
    start: Option<Timestamp>,
    /// The first instant at which it is over when nothing more happens.
    over: Option<Timestamp>,
    /// From its first to its last event, in minutes.
    minutes: Option<Value>,
    /// How many events.
    events: Option<Value>,
    /// How many pages.
    pages: Option<Value>,
    /// Which one of the customer it is, from 1.
    number: Option<Value>,
    /// The latest channel.
    channel: Option<Value>,
    /// All channels, sorted.
    channels: Option<Value>,
    /// The latest device.
    device: Option<Value>,
    /// The first page.
    landing: Option<Value>,
    /// The latest page.
    page: Option<Value>,
    /// The first campaign.
    campaign: Option<Value>,
    /// The first referrer.
    referrer: Option<Value>,
    /// The items in the cart, sorted; null also when no cart is declared.
    cart: Option<Value>,
    /// What they are worth.
    cart_value: Option<Value>,
}

/// The value of a fact by its path; null when it is unknown or not declared.
fn fact(context: &Context<'_>, path: &str) -> Option<Value> {
    let fact = context.rules().sources.schema.fact(path)?;
    match Facts::fact(context, fact).value {
        Answer::Known(value) => Some(value),
        Answer::Unknown(_) => None,
    }
}

impl Question for Session {
    const NAME: &'static str = "session";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = SessionAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<SessionAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        let known_at = self.known_at.unwrap_or(self.now);
        Ok(asked.engine.look(customer, self.now, known_at, |context, _| {
            let open = context.open_session();
            let read = |name: &str| fact(context, &format!("session.{name}"));
            SessionAnswer {
                customer: customer.id(),
                open: open.is_some(),
                start: open.map(|(start, _)| start),
                over: open.map(|(_, over)| over),
                minutes: read("minutes"),
                events: read("events"),
                pages: read("pages"),
                number: read("number"),
                channel: read("channel"),
                channels: read("channels"),
                device: read("device"),
                landing: read("landing"),
                page: read("page"),
                campaign: read("campaign"),
                referrer: read("referrer"),
                cart: read("cart"),
                cart_value: read("cart_value"),
            }
        }))
    }
}

/// Where a customer is at an instant, and how far the stores are.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Location {
    /// The instant.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
}

/// Where a customer is; what is not known, or not any more, is null.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "location")]
pub(super) struct LocationAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// The country.
    country: Option<Value>,
    /// The region.
    region: Option<Value>,
    /// The city.
    city: Option<Value>,
    /// The postal code with its country, such as `DE-10115`.
    postal_code: Option<Value>,
    /// The store, when the customer is in one.
    store: Option<Value>,
    /// Latitude and longitude in degrees.
    point: Option<Value>,
    /// The stores by distance, the nearest first; those of equal distance in the order of the playbook.
    stores: Vec<StoreAt>,
}

/// A store.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "store_distance")]
struct StoreAt {
    /// Its name.
    store: Arc<str>,
    /// Metres to the customer's point; null when that is not known.
    metres: Option<f64>,
    /// Whether it is open; null without opening hours.
    open: Option<bool>,
}

impl Question for Location {
    const NAME: &'static str = "location";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = LocationAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<LocationAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        let known_at = self.known_at.unwrap_or(self.now);
        Ok(asked.engine.look(customer, self.now, known_at, |context, _| {
            let read = |name: &str| fact(context, &format!("location.{name}"));
            let point = read("point");
            let at = match &point {
                Some(Value::Point(point)) => Some(*point),
                _ => None,
            };
            let stores = context.rules().places.stores.iter();
            let mut stores: Vec<StoreAt> = stores
                .map(|store| StoreAt {
                    store: store.name.clone(),
                    metres: at.map(|at| at.distance(store.point)),
                    open: store.open(self.now).map(|(open, _)| open),
                })
                .collect();
            stores.sort_by(|a, b| a.metres.unwrap_or(0.0).total_cmp(&b.metres.unwrap_or(0.0)));
            LocationAnswer {
                customer: customer.id(),
                country: read("country"),
                region: read("region"),
                city: read("city"),
                postal_code: read("postal_code"),
                store: read("store"),
                point,
                stores,
            }
        }))
    }
}
