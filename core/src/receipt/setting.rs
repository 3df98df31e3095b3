use crate::base::CustomerBase;
use crate::counters::Counters;
use crate::customer::{Customer, Identifier};
use crate::decide::{Candidate, Decision, Detail, Request, RequestError};
use crate::engine::{Around, Beyond, CustomerReasons, Engine, digest};
use crate::value::Timestamp;

/// A question as it is asked, to be asked again with something otherwise.
pub(crate) struct Setting<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) customer: &'a Customer,
    base: Option<&'a CustomerBase>,
    around: Option<Around<'a>>,
    pub(crate) request: Request,
    pub(crate) now: Timestamp,
    pub(crate) known_at: Timestamp,
}

impl<'a> Setting<'a> {
    /// `whom` is the base, and by which identifier the customer was asked for there.
    pub(crate) fn new(
        engine: &'a Engine,
        customer: &'a Customer,
        whom: Option<(&'a CustomerBase, &Identifier)>,
        request: Request,
        now: Timestamp,
        known_at: Option<Timestamp>,
    ) -> Result<Self, RequestError> {
        let mut request = request;
        let mut around = None;
        if let Some((base, identifier)) = whom {
            let met = engine.identifier(identifier);
            let met = met.map_err(|error| RequestError::new(error.code(), "identifier", error.message()))?;
            around = base.around(&met, now, known_at);
            request = base.completed(request.met_on(&met));
        }
        let base = whom.map(|(base, _)| base);
        Ok(Setting { engine, customer, base, around, request, now, known_at: known_at.unwrap_or(now) })
    }

    /// Digest of the trends that are read.
    pub(crate) fn trends(&self) -> Option<String> {
        self.engine.trends_for(self.request.trends.as_ref(), self.now).map(|trends| trends.digest_text().to_string())
    }

    /// Digest of the items that can be suggested.
    pub(crate) fn catalog(&self) -> Option<String> {
        self.engine.shelf().map(|shelf| shelf.digest().to_owned())
    }

    /// Digest of the forecast that is read.
    pub(crate) fn forecast(&self) -> Option<String> {
        self.request.forecast.as_ref().map(|forecast| forecast.digest().to_string())
    }

    /// What is counted over all customers.
    pub(crate) fn counters(&self) -> Option<&dyn Counters> {
        self.base.and_then(CustomerBase::counters)
    }

    /// The base.
    pub(crate) fn base(&self) -> Option<&'a CustomerBase> {
        self.base
    }

    /// Asks it of an engine about a customer.
    pub(crate) fn decide_with(
        &self,
        engine: &Engine,
        customer: &Customer,
        request: &Request,
        counters: Option<&dyn Counters>,
        detail: Detail,
    ) -> Result<(Decision, Vec<Candidate>), RequestError> {
        self.decide_at(engine, customer, request, Beyond { counters, ..Beyond::default() }, (self.now, self.known_at), detail)
    }

    /// Why the customer sees what is decided, in words for them.
    pub(crate) fn reasons(&self) -> Result<CustomerReasons, RequestError> {
        let beyond = Beyond { around: self.around.as_ref(), counters: self.counters(), ..Beyond::default() };
        self.engine.reasons_among(self.customer, beyond, &self.request, self.now, self.known_at)
    }

    /// The same at another instant.
    pub(crate) fn decide_at(
        &self,
        engine: &Engine,
        customer: &Customer,
        request: &Request,
        beyond: Beyond<'_>,
        (now, known_at): (Timestamp, Timestamp),
        detail: Detail,
    ) -> Result<(Decision, Vec<Candidate>), RequestError> {
        let beyond = Beyond { around: self.around.as_ref(), ..beyond };
        engine.answer_among(customer, beyond, request, now, Some(known_at), detail)
    }

    /// Digest of the stories of those who are around the customer; `None` where nobody is.
    pub(crate) fn related(&self) -> Option<String> {
        let others = self.around.as_ref()?.others();
        let told: Vec<String> = others
            .map(|other| serde_json::to_string(&super::story(other, self.now, self.known_at)).unwrap_or_default())
            .collect();
        let parts: Vec<&str> = told.iter().map(String::as_str).collect();
        (!parts.is_empty()).then(|| digest(&parts))
    }
}
