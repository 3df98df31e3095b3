use super::attribute::place_of;
use super::{Asked, QueryError, Question, Subject};
use crate::context::Told;
use crate::expr::Answer;
use crate::playbook::DataKind;
use crate::value::{Timestamp, Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where an attribute's value comes from, and what else was told and why it does not count.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Why {
    /// The attribute's name.
    attribute: String,
    /// The instant.
    now: Timestamp,
    /// Up to when knowledge counts; by default `now`.
    known_at: Option<Timestamp>,
}

/// How many facts that do not count are answered; the latest ones.
const MOST: usize = 100;

/// Where an attribute's value comes from.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "why")]
pub(super) struct WhyAnswer<'a> {
    /// The customer's id.
    customer: &'a str,
    /// The attribute's name.
    attribute: &'a str,
    /// Its declared type.
    #[serde(rename = "type")]
    ty: String,
    /// Which kind of data it is; null when not declared.
    kind: Option<&'static str>,
    /// Whether it has a value, be it the default.
    known: bool,
    /// The value; null when it is not known.
    value: Value,
    /// What it comes from: `told`, `default` or `nothing`.
    from: &'static str,
    /// The fact that counts; null when none does.
    fact: Option<Fact<'a>>,
    /// Until when that holds while nothing else is told; null for ever.
    until: Option<Timestamp>,
    /// By what one of several facts is chosen.
    resolve: Vec<&'static str>,
    /// The facts that do not count, latest first; at most 100.
    lost: Vec<Fact<'a>>,
    /// How many more do not count.
    more: usize,
}

/// Something that was told about an attribute.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "fact")]
struct Fact<'a> {
    /// The id of the event that told it.
    event: &'a str,
    /// Its type: `attribute_set`, `attribute_cleared`, or that of an event that answers a question.
    event_type: std::sync::Arc<str>,
    /// Under which identifier.
    identifier: &'a str,
    /// What it says; null when it took back what was told before.
    value: Option<Value>,
    /// When it was so.
    time: Timestamp,
    /// When it was known.
    known_at: Timestamp,
    /// Who told it.
    source: Option<&'a str>,
    /// The channel it came through.
    channel: Option<&'a str>,
    /// `stated`, `observed`, `inferred` or `third_party`.
    origin: &'static str,
    /// How sure it is, 0 to 1.
    confidence: f64,
    /// When it expires; null for never.
    expires: Option<Timestamp>,
    /// Why it does not count: `expired`, `cleared`, or by what another is preferred; null for the one that counts and for
    /// taking back.
    because: Option<&'static str>,
}

impl Question for Why {
    const NAME: &'static str = "why";
    const SUBJECT: Subject = Subject::Customer;
    type Answer<'a> = WhyAnswer<'a>;

    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<WhyAnswer<'a>, QueryError> {
        let known_at = self.known_at.unwrap_or(self.now);
        let customer = asked.customer_at(known_at)?;
        let playbook = asked.engine.playbook();
        let place = place_of(&playbook.attributes, &self.attribute)?;
        let attribute = &playbook.attributes[place];
        let view = customer.view(known_at);
        let rules = &asked.engine.model().rules;
        let Some(rule) = rules.attributes.get(place) else {
            return Err(QueryError::new("internal", "attribute", "the attribute is not compiled"));
        };
        let (read, told) = asked.engine.look(customer, self.now, known_at, |context, _| context.attribute(place));
        let mut facts = rule.all(&view, self.now);
        let counts = facts.iter().position(Told::counts);
        let fact = counts.map(|place| Fact::of(facts.remove(place)));
        let (known, value) = match read.value {
            Answer::Known(value) => (true, value),
            Answer::Unknown(_) => (false, Value::Null),
        };
        let more = facts.len().saturating_sub(MOST);
        Ok(WhyAnswer {
            customer: customer.id(),
            attribute: &attribute.name.text,
            ty: attribute.ty.to_string(),
            kind: attribute.kind.map(DataKind::name),
            known,
            value,
            from: if told {
                "told"
            } else if known {
                "default"
            } else {
                "nothing"
            },
            fact,
            until: read.until,
            resolve: rule.criteria().map(|criterion| criterion.name()).collect(),
            lost: facts.into_iter().rev().take(MOST).map(Fact::of).collect(),
            more,
        })
    }
}

impl<'a> Fact<'a> {
    fn of(told: Told<'a>) -> Self {
        let row = told.row;
        Fact {
            event: row.id(),
            event_type: row.told_type(),
            identifier: row.strand().identifier().as_str(),
            value: told.value,
            time: row.time(),
            known_at: row.known_at(),
            source: row.source(),
            channel: row.channel(),
            origin: told.origin.name(),
            confidence: told.confidence,
            expires: told.expires,
            because: told.lost.map(crate::context::Lost::name),
        }
    }
}
