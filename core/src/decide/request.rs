use crate::customer::Identifier;
use crate::expr::Schema;
use crate::next::Forecast;
use crate::playbook::Assurance;
use crate::trends::Snapshot;
use crate::value::Value;
use std::fmt;
use std::sync::Arc;

/// A question: which placements ask, and what the host knows about this moment.
#[derive(Clone, PartialEq, Default)]
pub struct Request {
    /// The placements, filled in this order.
    pub placements: Vec<String>,
    /// The facts that the playbook declares under `request`, by name; those left out are unknown.
    pub facts: Vec<(String, Value)>,
    /// On which identifier the customer is met, for consents that bind to one; `None` for the person as a whole.
    pub identifier: Option<Identifier>,
    /// How sure the host is who is there; recognised when not said.
    pub assurance: Assurance,
    /// What a population says about what comes next; rules that ask for it are unknown without one.
    pub forecast: Option<Arc<Forecast>>,
    /// Numbers for factors that are declared as columns: column, offer, number. What is no number counts as unknown.
    pub scores: Vec<(String, String, f64)>,
    /// What exploration draws follows from: the same seed, customer and instant give the same draws.
    pub seed: u64,
    /// What was counted over many customers, in place of what the engine [goes by](crate::Engine::with_trends): for backtests.
    pub trends: Option<Arc<Snapshot>>,
    /// The reaction that it answers, by name: only the offers of that are looked at, on its placement when none is named.
    pub reaction: Option<String>,
}

/// What is asked, without the values of its facts.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let facts: Vec<&str> = self.facts.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Request")
            .field("placements", &self.placements)
            .field("facts", &facts)
            .field("identifier", &self.identifier)
            .field("assurance", &self.assurance)
            .field("forecast", &self.forecast.as_ref().map(|forecast| forecast.digest()))
            .field("scores", &self.scores.len())
            .field("seed", &self.seed)
            .field("trends", &self.trends.as_ref().map(|trends| trends.at()))
            .field("reaction", &self.reaction)
            .finish()
    }
}

impl Request {
    /// A question of one placement.
    #[must_use]
    pub fn of(placement: &str) -> Self {
        Request { placements: vec![placement.to_owned()], ..Request::default() }
    }

    /// The question that a reaction proposes: its offers on its placement.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{Engine, Event, Identifier, Request, Timestamp};
    /// let engine = Engine::compile(&[("shop.yaml", r#"
    /// playbook: shop
    /// version: 1
    /// identity: {customer: {}}
    /// events: {review: {stars: int}}
    /// channels: {email: text}
    /// placements: {mail: {channel: email}}
    /// offers: {sorry: {treatments: {email: {message: We are sorry.}}}}
    /// reactions: {rescue: {on: review, where: event.stars <= 2, placement: mail, offers: sorry}}
    /// "#)])?;
    /// let ada = Identifier::parse("customer:ada")?;
    /// let mut customer = engine.customer(&ada)?;
    /// let time = Timestamp::parse("2010-03-01T10:00:00Z")?;
    /// let effects = engine.record(&mut customer, &Event::new("review", time, ada).with("stars", 1), None)?;
    /// assert_eq!(effects.effects[0].what.name(), "reaction_due");
    /// let decision = engine.decide(&customer, &Request::reacting("rescue"), time, None)?;
    /// assert_eq!(decision.offers().next().map(|offer| &*offer.offer), Some("sorry"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn reacting(reaction: &str) -> Self {
        Request { reaction: Some(reaction.to_owned()), ..Request::default() }
    }

    /// The same question about the customer as met on an identifier.
    #[must_use]
    pub fn on(mut self, identifier: &Identifier) -> Self {
        self.identifier = Some(identifier.clone());
        self
    }

    /// The same question about the customer as met on an identifier, unless it names one already.
    #[must_use]
    pub fn met_on(&self, identifier: &Identifier) -> Self {
        let met = self.identifier.as_ref().unwrap_or(identifier).clone();
        Request { identifier: Some(met), ..self.clone() }
    }

    /// The same question by a host that is so sure who is there.
    #[must_use]
    pub fn assured(mut self, assurance: Assurance) -> Self {
        self.assurance = assurance;
        self
    }

    /// The same question with what a population says about what comes next.
    #[must_use]
    pub fn foreseeing(mut self, forecast: &Arc<Forecast>) -> Self {
        self.forecast = Some(forecast.clone());
        self
    }

    /// The same question with a number of a column for an offer.
    #[must_use]
    pub fn scored(mut self, column: &str, offer: &str, number: f64) -> Self {
        self.scores.push((column.to_owned(), offer.to_owned(), number));
        self
    }

    /// The same question with another seed.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The same question with what was counted over many customers, in place of what the engine [goes by](crate::Engine::with_trends).
    #[must_use]
    pub fn with_trends(mut self, trends: Arc<Snapshot>) -> Self {
        self.trends = Some(trends);
        self
    }

    /// The same question with one more fact.
    #[must_use]
    pub fn with(mut self, fact: &str, value: impl Into<Value>) -> Self {
        self.facts.push((fact.to_owned(), value.into()));
        self
    }
}

/// A question that cannot be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestError {
    code: &'static str,
    path: String,
    message: String,
}

impl RequestError {
    /// For a word that is no assurance.
    #[must_use]
    pub fn unknown_assurance(word: &str) -> Self {
        let shown: String = word.chars().take(80).collect();
        let names = Assurance::ALL.map(Assurance::name).join("`, `");
        RequestError::new("unknown_assurance", "assurance", format!("expected one of `{names}`, found `{shown}`"))
    }

    pub(crate) fn new(code: &'static str, path: impl Into<String>, message: impl Into<String>) -> Self {
        RequestError { code, path: path.into(), message: message.into() }
    }

    /// A stable code such as `unknown_placement`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Which part of the question, such as `facts.basket`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What is wrong, and what was expected.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl std::error::Error for RequestError {}

/// The facts of a request in the order of the playbook's `request`.
pub(crate) fn facts_in_order(
    request: &Request,
    names: &[Arc<str>],
    schema: &Schema,
) -> Result<Vec<Option<Value>>, RequestError> {
    let mut facts = vec![None; names.len()];
    for (name, value) in &request.facts {
        let shown: String = name.chars().take(80).collect();
        let path = format!("facts.{shown}");
        let Some(place) = names.iter().position(|known| **known == **name) else {
            let near = crate::error::nearest(name, names.iter().map(|name| &**name));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(RequestError::new("undeclared_fact", path, format!("`{shown}` is not declared under `request`{hint}")));
        };
        let declared = schema.fact(&format!("request.{name}")).and_then(|fact| schema.fact_decl(fact));
        let value = match (value, declared) {
            (Value::Null, _) => continue,
            (value, Some(declared)) => value.clone().coerce(&declared.ty).map_err(|misfit| {
                RequestError::new("wrong_type", path.clone(), format!("expected {}, found {}", misfit.expected, misfit.found))
            })?,
            (value, None) => value.clone(),
        };
        match facts.get_mut(place) {
            Some(slot @ None) => *slot = Some(value),
            _ => return Err(RequestError::new("fact_twice", path, "the fact is told twice")),
        }
    }
    Ok(facts)
}
