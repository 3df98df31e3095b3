use super::{Asked, QueryError, Question, Subject};
use crate::expr::Answer;
use crate::value::{Timestamp, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The value of an attribute at an instant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Attribute {
    /// The attribute's name.
    attribute: String,
    /// The instant.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
    /// The instant at which it is read, as known at `now`; by default `now`, to which a later one is cut.
    as_of: Option<Timestamp>,
}

/// The value of an attribute.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "attribute")]
pub(super) struct AttributeAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// The attribute's name.
    attribute: &'a str,
    /// Its declared type.
    #[serde(rename = "type")]
    ty: String,
    /// Whether it has a value, be it the default.
    known: bool,
    /// Whether it was told and has not expired.
    told: bool,
    /// The value; null when it is not known.
    value: Value,
    /// Until when that holds while nothing else is told; null for ever.
    until: Option<Timestamp>,
}

/// The place of a declared attribute.
pub(super) fn place_of(declared: &[crate::playbook::Attribute], name: &str) -> Result<usize, QueryError> {
    declared.iter().position(|attribute| *attribute.name.text == *name).ok_or_else(|| {
        QueryError::undeclared("attribute", "attribute", name, declared.iter().map(|attribute| &*attribute.name.text))
    })
}

impl Question for Attribute {
    const NAME: &'static str = "attribute";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = AttributeAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<AttributeAnswer<'a>, QueryError> {
        let customer = asked.customer()?;
        let declared = &asked.engine.playbook().attributes;
        let place = place_of(declared, &self.attribute)?;
        let known_at = self.known_at.unwrap_or(self.now);
        let at = self.as_of.map_or(self.now, |at| at.min(self.now));
        let (read, told) = asked.engine.look(customer, self.now, known_at, |context, _| context.attribute_at(place, at));
        let attribute = &declared[place];
        let (known, value) = match read.value {
            Answer::Known(value) => (true, value),
            Answer::Unknown(_) => (false, Value::Null),
        };
        let ty = attribute.ty.to_string();
        Ok(AttributeAnswer {
            customer: customer.id(),
            attribute: &attribute.name.text,
            ty,
            known,
            told,
            value,
            until: read.until,
        })
    }
}
