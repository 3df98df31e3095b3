use super::audience::Looker;
use super::labels::{Ground, Label};
use super::{Around, Engine};
use crate::customer::{Customer, Identifier, StoryRow};
use crate::decide::{RequestError, spoken};
use crate::playbook::Sensitivity;
use crate::value::{Timestamp, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// For whom something is read: who may see which parts of a customer.
pub(crate) struct Reader<'a> {
    engine: &'a Engine,
    who: Who,
}

enum Who {
    /// The host itself, who sees everything.
    Host,
    /// The customer: nothing special or inferred that is not to be revealed, and what their consent covers.
    Customer(Looker),
    /// A department, or somebody working for a purpose.
    Audience(Looker),
}

/// Something concluded, by its number in the playbook.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Conclusion {
    Segment(usize),
    Persona(usize),
    Journey(usize),
    Intent(usize),
    Need(usize),
    Preference(usize),
    Unusual(usize),
}

impl<'a> Reader<'a> {
    /// The customer, as a reader of what is known about them.
    pub(crate) const CUSTOMER: &'static str = "customer";

    /// Somebody who reads about a customer at an instant; `None` for the host.
    ///
    /// # Errors
    /// [`RequestError`] with code `unknown_audience`, or `other_playbook`.
    pub(crate) fn of(
        engine: &'a Engine,
        customer: &Customer,
        around: Option<&Around<'_>>,
        audience: Option<&str>,
        at: (Timestamp, Timestamp),
    ) -> Result<Self, RequestError> {
        engine.same_playbook(customer)?;
        let said = || engine.said_by_entitled(customer, around, None, at);
        let who = match audience {
            None => Who::Host,
            Some(Self::CUSTOMER) => {
                let said = said();
                let rules = engine.0.offers.purposes.iter().enumerate();
                let consents = rules.map(|(number, rule)| (rule.name.clone(), said.consent(number, rule, None)));
                let purposes = consents.filter(|(_, consent)| consent.permits()).collect();
                let no_profiling = said.profiling(None).is_some();
                Who::Customer(Looker { no_profiling, purposes, sensitivity: Sensitivity::Special, kinds: None })
            }
            Some(audience) => Who::Audience(engine.looker(&said(), audience)?),
        };
        Ok(Reader { engine, who })
    }

    /// Whether everything is seen.
    pub(crate) fn is_host(&self) -> bool {
        matches!(self.who, Who::Host)
    }

    /// Whether it is the customer.
    pub(crate) fn is_customer(&self) -> bool {
        matches!(self.who, Who::Customer(_))
    }

    /// The purposes for which somebody reads, as far as the customer permits them; `None` for the host, who reads for any.
    pub(crate) fn purposes(&self) -> Option<Vec<&Arc<str>>> {
        match &self.who {
            Who::Host => None,
            Who::Customer(looker) | Who::Audience(looker) => Some(looker.purposes.iter().map(|(purpose, _)| purpose).collect()),
        }
    }

    fn sees(&self, label: &Label) -> bool {
        match &self.who {
            Who::Host => true,
            Who::Audience(looker) => looker.sees(label),
            Who::Customer(looker) => !label.hidden && (label.purposes.is_none() || looker.sees(label)),
        }
    }

    fn sees_ground(&self, ground: Ground) -> bool {
        let playbook = self.engine.playbook();
        let kind = match &self.who {
            Who::Audience(looker) => looker.sees_kind(ground.kind(playbook)),
            Who::Host | Who::Customer(_) => true,
        };
        kind && self.sees(&ground.label(playbook))
    }

    /// Whether an attribute is seen.
    pub(crate) fn attribute(&self, number: usize) -> bool {
        self.sees_ground(Ground::Attribute(number))
    }

    /// Whether events of a declared type are seen.
    pub(crate) fn event(&self, number: usize) -> bool {
        self.sees_ground(Ground::Event(number))
    }

    /// Whether identifiers of a namespace are seen, and so what was told under them.
    pub(crate) fn identifier(&self, identifier: &Identifier) -> bool {
        let namespaces = &self.engine.playbook().namespaces;
        let namespace = namespaces.iter().find(|namespace| *namespace.name.text == *identifier.namespace());
        self.is_host() || namespace.is_some_and(|namespace| self.sees(&Label::declared(&namespace.labels)))
    }

    /// Whether a conclusion is seen.
    pub(crate) fn conclusion(&self, conclusion: Conclusion) -> bool {
        let flow = &self.engine.0.flow;
        let drawn = match conclusion {
            Conclusion::Segment(number) => flow.segments.get(number),
            Conclusion::Persona(number) => flow.personas.get(number),
            Conclusion::Journey(number) => flow.journeys.get(number),
            Conclusion::Intent(number) => flow.intents.get(number),
            Conclusion::Need(number) => flow.needs.get(number),
            Conclusion::Preference(number) => flow.preferences.get(number),
            Conclusion::Unusual(number) => flow.unusual.get(number),
        };
        match (&self.who, drawn) {
            (Who::Host, _) => true,
            (_, None) => false,
            (Who::Audience(looker), Some(drawn)) => self.engine.sees_conclusion(looker, drawn),
            (Who::Customer(looker), Some(drawn)) => !looker.no_profiling && self.sees(&drawn.label),
        }
    }

    /// Whether a row of the story is seen: its identifier, and its type. Of events that the playbook does not declare, customers
    /// see what they said themselves; departments see none.
    pub(crate) fn row(&self, row: &StoryRow<'_>) -> bool {
        if self.is_host() {
            return true;
        }
        let (playbook, number) = (self.engine.playbook(), usize::from(row.kind().0));
        if !self.identifier(row.strand().identifier()) {
            return false;
        }
        if number < playbook.events.len() {
            return self.event(number);
        }
        let reserved = &self.engine.model().rules.sources.reserved;
        if let Some(attribute) = reserved.attributes.iter().position(|kind| *kind == row.kind()) {
            return self.attribute(attribute);
        }
        self.is_customer() && spoken(reserved).contains(&row.kind())
    }

    /// The properties of a row that are seen, in declared order.
    pub(crate) fn properties(&self, row: &StoryRow<'_>) -> Vec<(Arc<str>, Value)> {
        let playbook = self.engine.playbook();
        let number = usize::from(row.kind().0);
        let Some(kind) = row.strand().layout().schema().event_decl(row.kind()) else { return Vec::new() };
        let declared = playbook.events.get(number);
        let seen = |column: usize, value: &Value| {
            let Some(property) = declared.and_then(|event| event.properties.get(column)) else { return true };
            let category = property.categories.iter().position(|category| value.as_text() == Some(&category.value.text));
            let category = category.map(|category| Ground::Category(number, column, category).label(playbook));
            self.sees(&Ground::Property(number, column).label(playbook)) && category.is_none_or(|label| self.sees(&label))
        };
        let told = kind.properties.iter().enumerate().filter_map(|(column, property)| {
            let value = row.value(column)?;
            seen(column, &value).then(|| (property.name.clone(), value))
        });
        told.collect()
    }

    /// How many parts of the playbook are not seen, by what they are, whatever is known of the customer.
    pub(crate) fn withheld(&self) -> BTreeMap<&'static str, usize> {
        let playbook = self.engine.playbook();
        let mut withheld = BTreeMap::new();
        if self.is_host() {
            return withheld;
        }
        let mut count = |what: &'static str, all: usize, seen: &dyn Fn(usize) -> bool| {
            let hidden = (0..all).filter(|number| !seen(*number)).count();
            if hidden > 0 {
                withheld.insert(what, hidden);
            }
        };
        count("attributes", playbook.attributes.len(), &|number| self.attribute(number));
        count("event types", playbook.events.len(), &|number| self.event(number));
        count("namespaces", playbook.namespaces.len(), &|number| {
            playbook.namespaces.get(number).is_some_and(|namespace| self.sees(&Label::declared(&namespace.labels)))
        });
        count("segments", playbook.segments.len(), &|number| self.conclusion(Conclusion::Segment(number)));
        count("personas", playbook.personas.len(), &|number| self.conclusion(Conclusion::Persona(number)));
        count("journeys", playbook.journeys.len(), &|number| self.conclusion(Conclusion::Journey(number)));
        count("intents", playbook.intents.len(), &|number| self.conclusion(Conclusion::Intent(number)));
        count("needs", playbook.needs.len(), &|number| self.conclusion(Conclusion::Need(number)));
        count("preferences", playbook.preferences.len(), &|number| self.conclusion(Conclusion::Preference(number)));
        count("tests of what is unusual", playbook.unusual.len(), &|number| self.conclusion(Conclusion::Unusual(number)));
        withheld
    }
}
