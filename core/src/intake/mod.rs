//! Messages of other systems become events: tactful's own JSON, the messages of Segment-compatible SDKs, CloudEvents.
//!
//! Nothing is lost in silence: a message that cannot be read stands in [`Intake::refused`], and a part of one that the playbook does not
//! declare in [`Intake::left_out`], both with their paths.

mod cloud;
mod http;
mod message;
mod names;
mod own;
mod segment;

use crate::base::CustomerBase;
use crate::customer::{Event, EventError};
use crate::engine::{Effects, Engine};
use crate::value::{Timestamp, Value};
pub(crate) use http::{Body, Headers, read as read_request};
use message::Message;
use names::Names;
use std::collections::BTreeMap;

/// The largest text of one call, in bytes.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// The forms that messages come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// tactful's own: `type`, `time`, `identifier` and so on.
    Own,
    /// What Segment-compatible SDKs send: track, identify, page, screen, group and alias, one by one or as a batch.
    Segment,
    /// CloudEvents 1.0 in JSON, structured or a batch; for the binary mode see [`Engine::intake_http`].
    CloudEvents,
}

/// What a text held.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Intake {
    /// The events, in the order of the messages.
    pub events: Vec<Event>,
    /// Messages that cannot be read.
    pub refused: Vec<EventError>,
    /// Parts of messages that the playbook does not declare, by path; a message of which no event came stands here as a whole.
    pub left_out: Vec<LeftOut>,
}

/// A part of a message that was not taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// Where it stands, such as `batch[2].properties.shoe_size`.
    pub path: String,
    /// Why.
    pub reason: &'static str,
}

/// What became of a text that was recorded.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recorded {
    /// The effects of each event, in order.
    pub effects: Vec<Effects>,
    /// Messages that cannot be read, and events that cannot be recorded.
    pub refused: Vec<EventError>,
    /// As for [`Intake`].
    pub left_out: Vec<LeftOut>,
}

impl Engine {
    /// Reads messages of other systems as events of the playbook, whose section `intake` says what others call things. Without a form it
    /// is told from the keys. `received` is when the host got the text: it corrects the clocks of devices and becomes `known_at`.
    ///
    /// # Errors
    /// [`EventError`] when the text as a whole is no JSON, beyond [`MAX_BYTES`], or of no known form.
    ///
    /// # Examples
    /// ```
    /// use tactful::Engine;
    /// let engine = Engine::compile(&[("shop.yaml", r#"
    /// playbook: shop
    /// version: 1
    /// identity: {customer: {}, cookie: {anonymous: true}}
    /// events: {order_completed: {revenue: money(EUR)}}
    /// "#)])?;
    /// let taken = engine.intake(r#"{"type": "track", "event": "Order Completed", "userId": "17", "messageId": "m1",
    ///     "timestamp": "2026-03-01T10:00:00Z", "properties": {"revenue": 12.5}}"#, None, None)?;
    /// assert_eq!(taken.events[0].event_type, "order_completed");
    /// assert_eq!(taken.events[0].identifiers[0].as_str(), "customer:17");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn intake(&self, text: &str, form: Option<Form>, received: Option<Timestamp>) -> Result<Intake, EventError> {
        if text.len() > MAX_BYTES {
            return Err(EventError::new("too_long", "", "a text has at most 4 MiB"));
        }
        let tree = message::parse(text)?;
        self.intake_tree(&tree, form, received)
    }

    pub(crate) fn intake_tree(
        &self,
        tree: &Value,
        form: Option<Form>,
        received: Option<Timestamp>,
    ) -> Result<Intake, EventError> {
        let names = Names::of(self);
        let mut taken = Taken { names: &names, received, said: BTreeMap::new(), intake: Intake::default() };
        let whole = Message::root(tree);
        let batch = whole.get("batch").filter(|batch| batch.items().is_some());
        match (batch, whole.items()) {
            // Segment's batch: what stands beside it holds for all.
            (Some(batch), _) => {
                for message in batch.items().into_iter().flatten() {
                    taken.one(&message, form.or(Some(Form::Segment)), Some(&whole));
                }
            }
            (None, Some(messages)) => {
                for message in messages {
                    taken.one(&message, form, None);
                }
            }
            (None, None) if whole.entries().is_some() => taken.one(&whole, form, None),
            (None, None) => {
                return Err(EventError::new("wrong_type", "", "expected a message as a JSON object, or a list of them"));
            }
        }
        Ok(taken.intake)
    }
}

impl CustomerBase {
    /// Reads messages of other systems, see [`Engine::intake`], and records their events.
    ///
    /// # Errors
    /// As for [`Engine::intake`]; nothing is recorded then.
    pub fn intake(&mut self, text: &str, form: Option<Form>, received: Option<Timestamp>) -> Result<Recorded, EventError> {
        let taken = self.engine().intake(text, form, received)?;
        Ok(self.record_taken(taken))
    }

    /// Reads the events of an HTTP request, see [`Engine::intake_http`], and records them.
    ///
    /// # Errors
    /// As for [`Engine::intake_http`]; nothing is recorded then.
    pub fn intake_http<'h>(
        &mut self,
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
        body: &[u8],
        received: Option<Timestamp>,
    ) -> Result<Recorded, EventError> {
        let taken = self.engine().intake_http(headers, body, received)?;
        Ok(self.record_taken(taken))
    }

    fn record_taken(&mut self, taken: Intake) -> Recorded {
        let Intake { events, refused, left_out } = taken;
        let mut recorded = Recorded { effects: Vec::with_capacity(events.len()), refused, left_out };
        for event in events {
            if self.repeats(&event) {
                continue;
            }
            match self.record(&event) {
                Ok(effects) => recorded.effects.push(effects),
                Err(error) => recorded.refused.push(error),
            }
        }
        recorded
    }

    /// Whether an event only repeats a consent or a withdrawal that stands, which is no new one.
    fn repeats(&self, event: &Event) -> bool {
        let repeated = event.id.as_ref().is_some_and(|id| id.contains(segment::REPEATED));
        let purpose = event.property("purpose").and_then(Value::as_text).filter(|_| repeated);
        let (Some(purpose), Some(who)) = (purpose, event.identifiers.first()) else { return false };
        let standing = self.find(who).and_then(|customer| self.engine().standing(customer, purpose, who, event.time));
        standing.is_some_and(|permitted| permitted == (event.event_type == "consent_given"))
    }
}

/// What was taken in so far.
struct Taken<'a> {
    names: &'a Names<'a>,
    received: Option<Timestamp>,
    /// What was said to be permitted, by identifier and purpose.
    said: BTreeMap<(String, String), bool>,
    intake: Intake,
}

impl Taken<'_> {
    fn one(&mut self, message: &Message<'_>, form: Option<Form>, envelope: Option<&Message<'_>>) {
        let read = match form.or_else(|| message.form()) {
            Some(Form::Own) => own::read(message).map(|mut events| {
                events.iter_mut().for_each(|event| event.known_at = event.known_at.or(self.received));
                events
            }),
            Some(Form::Segment) => segment::read(message, envelope, self),
            Some(Form::CloudEvents) => cloud::read(message, self),
            None => Err(message.wrong("unknown_form", "expected a message of tactful, of Segment or of CloudEvents")),
        };
        match read {
            Ok(events) => self.intake.events.extend(events),
            Err(error) => self.intake.refused.push(error),
        }
    }

    fn leave_out(&mut self, path: String, reason: &'static str) {
        self.intake.left_out.push(LeftOut { path, reason });
    }
}
