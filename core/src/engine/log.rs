//! The stories of customers as a log to be mined.

use super::Engine;
use crate::customer::{Customer, What};
use crate::expr::EventKind;
use crate::mine::{EventLog, LogBuilder, MineError};
use crate::value::{Span, Timestamp};
use std::ops::ControlFlow;

/// What the activities of a log of customers are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Activities {
    /// Events, by the names of their types: of all types that the playbook declares, or of some.
    Events(Option<Vec<String>>),
    /// The stages that customers enter in a journey; leaving it is `none`.
    Stages(String),
}

impl Engine {
    /// The stories of customers as a log with a case each, up to an instant and as they were known then.
    ///
    /// # Errors
    /// [`MineError`] with code `undeclared_name` for an event type or a journey that the playbook does not declare.
    pub fn event_log<'a>(
        &self,
        customers: impl IntoIterator<Item = &'a Customer>,
        activities: &Activities,
        until: Timestamp,
    ) -> Result<EventLog, MineError> {
        match activities {
            Activities::Events(wanted) => self.log_of_events(customers, wanted.as_deref(), until),
            Activities::Stages(journey) => self.log_of_stages(customers, journey, until),
        }
    }

    fn log_of_events<'a>(
        &self,
        customers: impl IntoIterator<Item = &'a Customer>,
        wanted: Option<&[String]>,
        until: Timestamp,
    ) -> Result<EventLog, MineError> {
        let events = &self.playbook().events;
        let names = || events.iter().map(|event| &*event.name.text);
        for (place, name) in wanted.unwrap_or(&[]).iter().enumerate() {
            if !names().any(|own| *own == **name) {
                return Err(MineError::undeclared("event type", &format!("log.events[{place}]"), name, names()));
            }
        }
        let is_wanted = |name: &str| wanted.is_none_or(|wanted| wanted.iter().any(|own| **own == *name));
        let kinds = (0..).map(EventKind).zip(names()).filter(|(_, name)| is_wanted(name));
        let kinds: Vec<EventKind> = kinds.map(|(kind, _)| kind).collect();
        let mut builder = LogBuilder::default();
        builder.declare(names().filter(|name| is_wanted(name)));
        for customer in customers {
            customer.view(until).events(&kinds, Span::lifetime(until), &mut |row| {
                if let Some(event) = events.get(usize::from(row.kind().0)) {
                    builder.push(customer.id(), &event.name.text, row.time());
                }
                ControlFlow::Continue(())
            });
        }
        Ok(builder.finish())
    }

    fn log_of_stages<'a>(
        &self,
        customers: impl IntoIterator<Item = &'a Customer>,
        journey: &str,
        until: Timestamp,
    ) -> Result<EventLog, MineError> {
        let journeys = &self.playbook().journeys;
        let Some(number) = journeys.iter().position(|own| *own.name.text == *journey) else {
            let names = journeys.iter().map(|journey| &*journey.name.text);
            return Err(MineError::undeclared("journey", "log.journey", journey, names));
        };
        let stages: Vec<&str> =
            journeys.get(number).into_iter().flat_map(|journey| &journey.stages).map(|stage| &*stage.name.text).collect();
        let mut builder = LogBuilder::default();
        builder.declare(stages.iter().copied().chain(["none"]));
        for customer in customers {
            self.look(customer, until, until, |_, derived| {
                for change in &derived.changes {
                    if let What::Moved { journey, to, .. } = change.what
                        && usize::from(journey) == number
                        && change.at <= until
                    {
                        let stage = to.and_then(|stage| stages.get(usize::from(stage)).copied()).unwrap_or("none");
                        builder.push(customer.id(), stage, change.at);
                    }
                }
            });
        }
        Ok(builder.finish())
    }
}
