//! Answers to questions: what to record when a customer gives one.

use super::Engine;
use super::effect::digest;
use super::outcomes::again;
use crate::customer::{ATTRIBUTE_SET, Customer, Details, Event, Identifier, outcome_column};
use crate::decide::RequestError;
use crate::expr::EventKind;
use crate::playbook::Origin;
use crate::value::{Span, Timestamp, Value};
use std::ops::ControlFlow;

impl Engine {
    /// The events to record when a customer answers a question: that its offer was `accepted`, and the attribute, as stated by the
    /// customer with the source `question:<offer>`. With a decision the outcome is told for the slot that asked, and the ids follow from
    /// that, so that telling an answer twice counts once.
    ///
    /// # Errors
    /// [`RequestError`] with code `unknown_offer`, `no_question` (the offer asks nothing), `wrong_type` or `out_of_range` for an answer that
    /// does not fit, `unknown_decision` for one in which the offer was not asked.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{Engine, Identifier, Timestamp, Value};
    /// let engine = Engine::compile(&[("shop.yaml", "{playbook: shop, version: 1, identity: {customer: {}}, attributes: {nps: int},
    ///     channels: {web: text}, placements: {home: {channel: web}}, offers: {ask: {question: {attribute: nps, scale: nps},
    ///       treatments: {web: {message: Would you recommend us?}}}}}")])?;
    /// let ada = Identifier::parse("customer:ada")?;
    /// let mut customer = engine.customer(&ada)?;
    /// let now = Timestamp::parse("2010-03-01T10:00:00Z")?;
    /// for event in engine.answer_to(&customer, &ada, "ask", &Value::Int(9), None, now)? {
    ///     engine.record(&mut customer, &event, None)?;
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn answer_to(
        &self,
        customer: &Customer,
        identifier: &Identifier,
        offer: &str,
        answer: &Value,
        decision: Option<&str>,
        time: Timestamp,
    ) -> Result<Vec<Event>, RequestError> {
        let shown: String = offer.chars().take(80).collect();
        let Some(rule) = self.offers().offers.iter().find(|own| *own.name == *offer) else {
            let near = crate::error::nearest(offer, self.offers().offers.iter().map(|own| &*own.name));
            let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
            return Err(RequestError::new("unknown_offer", "offer", format!("offer `{shown}` is not declared{hint}")));
        };
        let attribute = rule.question.as_ref().and_then(|question| self.playbook().attributes.get(question.attribute));
        let Some((question, attribute)) = rule.question.as_ref().zip(attribute) else {
            let message = format!("offer `{shown}` asks nothing; declare its `question`");
            return Err(RequestError::new("no_question", "offer", message));
        };
        let value = answer.clone().coerce(&attribute.ty).map_err(|misfit| {
            let message = format!("expected {}, found {}", misfit.expected, misfit.found);
            RequestError::new("wrong_type", "answer", message)
        })?;
        if let Some(scale) = question.scale
            && !scale.takes(&value)
        {
            let (low, high) = scale.range();
            return Err(RequestError::new("out_of_range", "answer", format!("expected a number from {low} to {high}")));
        }
        let accepted = match decision {
            Some(decision) => self.asked(customer, offer, decision, time).ok_or_else(|| {
                let message = "the question was not asked in that decision, as far as is recorded";
                RequestError::new("unknown_decision", "decision", message)
            })?,
            None => {
                let id = digest(&["answer", identifier.as_str(), offer, &time.to_string()]);
                Event::new("accepted", time, identifier.clone()).with_id(&id).with("offer", offer)
            }
        };
        let id = format!("{}:answer", accepted.id.as_deref().unwrap_or(""));
        let mut told = Event::new(ATTRIBUTE_SET, time, accepted.identifiers.first().unwrap_or(identifier).clone())
            .with_id(&id)
            .with("attribute", &*attribute.name.text)
            .with("value", value)
            .detailed(Details { origin: Some(Origin::Stated), ..Details::default() });
        told.source = Some(format!("question:{offer}"));
        told.channel.clone_from(&accepted.channel);
        Ok(vec![accepted, told])
    }

    /// The slot of a decision that asked, told again as accepted.
    fn asked(&self, customer: &Customer, offer: &str, decision: &str, time: Timestamp) -> Option<Event> {
        let outcomes: &[EventKind] = &self.model().rules.sources.reserved.outcomes;
        let mut found = None;
        customer.view(Timestamp::MAX).events(outcomes, Span::lifetime(time), &mut |row| {
            let own = row.text(outcome_column::DECISION) == Some(decision) && row.text(outcome_column::OFFER) == Some(offer);
            if own {
                found = again(&row, "accepted", time);
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        found
    }
}
