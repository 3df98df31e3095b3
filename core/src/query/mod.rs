//! Questions as JSON: everything that has no typed function of its own, through one door that every language has.
//!
//! A question is an object `{"query": "<name>", "version": 1, …}`; the answer is an object too. Both are described by
//! [`json_schema`], which stands in `docs/queries.schema.json`. One file per family of questions: a type that is read, a type
//! that is answered, and [`Question`] between the two; [`QUESTIONS`] lists them.

mod answer;
mod attribute;
mod cases;
mod compare;
mod customer;
mod decision;
mod describe;
mod error;
mod estimate;
mod everybody;
mod experiment;
mod insight;
mod intake;
mod journey;
mod map;
mod mine;
mod next;
mod outcome;
mod planned;
mod portrait;
mod reach;
mod read;
mod relation;
mod rights;
mod schema;
mod served;
mod session;
mod suggest;
mod tact;
mod threshold;
mod touchpoint;
mod trend;
mod why;

pub use error::QueryError;
pub use mine::LogQuestion;
pub use read::MAX_BYTES;
pub use schema::json_schema;

use crate::base::CustomerBase;
use crate::customer::{Customer, Identifier};
use crate::engine::{Around, Engine};
use crate::error::nearest;
use crate::value::{Timestamp, Value};
use error::shown;
use read::Entries;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::cell::OnceCell;

/// A kind of question.
trait Question: DeserializeOwned + JsonSchema {
    /// What `query` says.
    const NAME: &'static str;
    /// What it is about.
    const SUBJECT: Subject;
    /// What is answered.
    type Answer<'a>: Serialize + JsonSchema;

    /// Answers it.
    fn answer<'a>(&self, asked: &Asked<'a>) -> Result<Self::Answer<'a>, QueryError>;
}

/// What a question is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    /// The playbook alone.
    Playbook,
    /// One customer; a base finds them by `identifier`.
    Customer,
    /// All customers of a base.
    Base,
}

/// Who is asked.
struct Asked<'a> {
    engine: &'a Engine,
    customer: Option<&'a Customer>,
    base: Option<&'a CustomerBase>,
    /// By which identifier the customer was asked for, in a base.
    identifier: Option<&'a Identifier>,
    /// The customer as they were known then, once somebody asked.
    before: &'a OnceCell<Customer>,
}

impl<'a> Asked<'a> {
    /// The base that the question is about.
    fn base(&self) -> Result<&'a CustomerBase, QueryError> {
        let missing = || QueryError::new("missing_base", "", "the question is about all customers; ask a customer base");
        self.base.ok_or_else(missing)
    }

    /// The base, and by which identifier the customer was asked for; `None` outside of a base.
    fn whom(&self) -> Option<(&'a CustomerBase, &'a Identifier)> {
        self.base.zip(self.identifier)
    }

    /// Who is around the customer, as a base knows; `None` outside of a base.
    fn around(&self, now: Timestamp, known_at: Timestamp) -> Option<Around<'a>> {
        let (base, identifier) = self.whom()?;
        let met = base.engine().identity().read(identifier).ok()?;
        base.all_around(&met, now, Some(known_at))
    }

    /// The customer that the question is about, as they were known at an instant.
    fn customer_at(&self, known_at: Timestamp) -> Result<&'a Customer, QueryError> {
        let customer = self.customer()?;
        Ok(match self.engine.as_known(customer, known_at) {
            Cow::Borrowed(customer) => customer,
            Cow::Owned(before) => self.before.get_or_init(|| before),
        })
    }

    /// The customer that the question is about.
    fn customer(&self) -> Result<&'a Customer, QueryError> {
        let missing = || QueryError::new("missing_customer", "", "the question is about a customer; give one");
        let customer = self.customer.ok_or_else(missing)?;
        match customer.strands().iter().all(|strand| strand.layout().digest() == self.engine.digest()) {
            true => Ok(customer),
            false => Err(QueryError::new("other_playbook", "", crate::engine::OTHER_PLAYBOOK)),
        }
    }
}

/// A kind of question in the list of all.
struct Entry {
    name: &'static str,
    subject: Subject,
    answer: fn(&Entries, &Asked<'_>) -> Result<String, QueryError>,
    schema: fn(&mut schemars::SchemaGenerator, &mut schemars::SchemaGenerator) -> (schemars::Schema, schemars::Schema),
}

impl Entry {
    const fn of<Q: Question>() -> Self {
        Entry {
            name: Q::NAME,
            subject: Q::SUBJECT,
            answer: |entries, asked| {
                let answer = read::typed::<Q>(entries)?.answer(asked)?;
                let failed = |error: serde_json::Error| QueryError::new("internal", "", error.to_string());
                serde_json::to_string(&answer).map_err(failed)
            },
            schema: |questions, answers| (questions.subschema_for::<Q>(), answers.subschema_for::<Q::Answer<'static>>()),
        }
    }
}

/// All kinds of questions, in the order of the documentation.
const QUESTIONS: &[Entry] = &[
    Entry::of::<describe::Describe>(),
    Entry::of::<customer::Whole>(),
    Entry::of::<customer::History>(),
    Entry::of::<customer::NextDue>(),
    Entry::of::<everybody::Everybody>(),
    Entry::of::<journey::Journeys>(),
    Entry::of::<journey::Pins>(),
    Entry::of::<touchpoint::Touchpoints>(),
    Entry::of::<attribute::Attribute>(),
    Entry::of::<intake::Read>(),
    Entry::of::<why::Why>(),
    Entry::of::<tact::Consents>(),
    Entry::of::<tact::ViewFor>(),
    Entry::of::<tact::Reasons>(),
    Entry::of::<tact::Unused>(),
    Entry::of::<session::Session>(),
    Entry::of::<session::Location>(),
    Entry::of::<relation::Relations>(),
    Entry::of::<trend::Trend>(),
    Entry::of::<suggest::Suggest>(),
    Entry::of::<reach::ReachAsked>(),
    Entry::of::<next::NextAsked>(),
    Entry::of::<map::MapAsked>(),
    Entry::of::<map::Picture>(),
    Entry::of::<map::Compare>(),
    Entry::of::<planned::Planned>(),
    Entry::of::<mine::DirectlyFollows>(),
    Entry::of::<mine::VariantsAsked>(),
    Entry::of::<mine::PathsAsked>(),
    Entry::of::<mine::FunnelAsked>(),
    Entry::of::<mine::Matching>(),
    Entry::of::<insight::Needs>(),
    Entry::of::<insight::Preferences>(),
    Entry::of::<insight::Unusual>(),
    Entry::of::<portrait::Paint>(),
    Entry::of::<rights::Export>(),
    Entry::of::<rights::Identity>(),
    Entry::of::<rights::Retention>(),
    Entry::of::<experiment::Experiments>(),
    Entry::of::<experiment::SampleRatio>(),
    Entry::of::<served::ServedAsked>(),
    Entry::of::<compare::CompareAsked>(),
    Entry::of::<estimate::OffPolicyAsked>(),
    Entry::of::<estimate::EstimateAsked>(),
    Entry::of::<cases::Try>(),
    Entry::of::<outcome::Outcomes>(),
    Entry::of::<outcome::Commitments>(),
    Entry::of::<outcome::DueOutcomes>(),
    Entry::of::<answer::AnswerGiven>(),
    Entry::of::<answer::Reactions>(),
    Entry::of::<decision::Explain>(),
    Entry::of::<decision::Issue>(),
    Entry::of::<decision::Verify>(),
    Entry::of::<decision::WouldWin>(),
    Entry::of::<decision::ToAsk>(),
];

impl Engine {
    /// Answers a question in JSON, about the playbook or about a customer. `docs/queries.md` lists the questions; [`json_schema`]
    /// describes them. Changes nothing.
    ///
    /// # Errors
    /// [`QueryError`] for text that is no such question, an undeclared name, or a question about a customer without one.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{Engine, Identifier};
    /// let engine = Engine::compile(&[("shop.yaml", "playbook: shop\nversion: 1\nidentity: {customer: {}}\n")])?;
    /// let customer = engine.customer(&Identifier::parse("customer:ada")?)?;
    /// let answer = engine.query(&customer, r#"{"query": "next_due"}"#)?;
    /// assert_eq!(answer, r#"{"customer":"customer:ada","next_due":null}"#);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn query<'a>(&self, customer: impl Into<Option<&'a Customer>>, question: &str) -> Result<String, QueryError> {
        let (entry, entries) = read(question)?;
        (entry.answer)(
            &entries,
            &Asked { engine: self, customer: customer.into(), base: None, identifier: None, before: &OnceCell::new() },
        )
    }
}

impl CustomerBase {
    /// Answers a question in JSON, about the playbook or about the customer whom its `identifier` points to; somebody unknown is
    /// a customer without events. The rest is as for [`Engine::query`].
    ///
    /// # Errors
    /// As for [`Engine::query`], and for an identifier of another form or of an undeclared namespace.
    pub fn query(&self, question: &str) -> Result<String, QueryError> {
        let (entry, mut entries) = read(question)?;
        let engine = self.engine();
        if entry.subject != Subject::Customer {
            return (entry.answer)(
                &entries,
                &Asked { engine, customer: None, base: Some(self), identifier: None, before: &OnceCell::new() },
            );
        }
        let place = entries.iter().position(|(key, _)| key == "identifier");
        let identifier = match place.map(|place| entries.remove(place).1) {
            Some(Value::String(text)) => text,
            Some(_) => return Err(QueryError::new("wrong_type", "identifier", "expected text of the form `namespace:value`")),
            None => {
                return Err(QueryError::new("missing_key", "identifier", "the question needs `identifier`, whom it is about"));
            }
        };
        let wrong = |code, message: String| QueryError::new(code, "identifier", message);
        let identifier = Identifier::parse(&identifier).map_err(|error| wrong(error.code(), error.to_string()))?;
        // Who that is, is asked as of the instant of the question, as decisions do; what is no instant is refused with the rest.
        let instant = |name: &str| {
            let told = entries.iter().find(|(key, _)| key == name).and_then(|(_, value)| value.as_text());
            told.and_then(|text| Timestamp::parse(text).ok())
        };
        let now = instant("now").unwrap_or(Timestamp::MAX);
        let customer = match self.find_at(&identifier, now, instant("known_at").unwrap_or(now)) {
            Some(customer) => customer,
            None => {
                let nobody = engine.customer(&identifier);
                Cow::Owned(nobody.map_err(|error| wrong(error.code(), error.message().to_owned()))?)
            }
        };
        let customer = &*customer;
        (entry.answer)(
            &entries,
            &Asked {
                engine,
                customer: Some(customer),
                base: Some(self),
                identifier: Some(&identifier),
                before: &OnceCell::new(),
            },
        )
    }
}

/// Which question it is, and the keys that belong to that alone.
fn read(question: &str) -> Result<(&'static Entry, Entries), QueryError> {
    let mut entries = read::entries(question)?;
    let mut take = |key: &str| {
        let place = entries.iter().position(|(own, _)| own == key)?;
        Some(entries.remove(place).1)
    };
    let name = match take("query") {
        Some(Value::String(name)) => name,
        Some(_) => return Err(QueryError::new("wrong_type", "query", "expected the name of a question, as text")),
        None => return Err(QueryError::new("missing_key", "query", "a question says in `query` which one it is")),
    };
    let version = take("version");
    let Some(entry) = QUESTIONS.iter().find(|entry| *entry.name == *name) else {
        let near = nearest(&name, QUESTIONS.iter().map(|entry| entry.name));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        return Err(QueryError::new("unknown_query", "query", format!("there is no question `{}`{hint}", shown(&name))));
    };
    match version {
        None | Some(Value::Int(1)) => Ok((entry, entries)),
        Some(_) => Err(QueryError::new("unknown_version", "version", format!("`{name}` is known in version 1"))),
    }
}
