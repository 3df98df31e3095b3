use crate::expr::{EventKind, Schema};
use crate::playbook::OUTCOMES;
use crate::value::Type;
use std::sync::Arc;

/// The name under which hosts tell attributes; inside the story each attribute has an event type of its own.
pub const ATTRIBUTE_SET: &str = "attribute_set";

/// The name under which hosts tell several attributes at once, each as a property.
pub const ATTRIBUTES_SET: &str = "attributes_set";

/// The name under which hosts take an attribute back.
pub const ATTRIBUTE_CLEARED: &str = "attribute_cleared";

/// The reserved event types of a schema, by number.
#[derive(Debug, Clone)]
pub struct Reserved {
    /// In the order of [`OUTCOMES`]; each with `decision`, `offer`, `placement` and `slot`, of which only the offer is required.
    pub outcomes: Vec<EventKind>,
    /// `consent_given`, with `purpose`.
    pub consent_given: EventKind,
    /// `consent_withdrawn`, with `purpose`.
    pub consent_withdrawn: EventKind,
    /// `linked`, with `other`.
    pub linked: EventKind,
    /// `unlinked`, with `other`.
    pub unlinked: EventKind,
    /// One per declared attribute, in declared order, each with `value`.
    pub attributes: Vec<EventKind>,
}

/// Columns of an outcome.
pub mod outcome_column {
    /// `decision`.
    pub const DECISION: usize = 0;
    /// `offer`.
    pub const OFFER: usize = 1;
    /// `placement`.
    pub const PLACEMENT: usize = 2;
    /// `slot`.
    pub const SLOT: usize = 3;
}

impl Reserved {
    /// Declares the reserved event types after the playbook's own.
    pub fn declare(
        schema: &mut Schema,
        purposes: Arc<[Arc<str>]>,
        attributes: impl IntoIterator<Item = (Arc<str>, Type)>,
    ) -> Self {
        let text = |name: &str| (Arc::from(name), Type::String);
        let outcome = || [text("decision"), text("offer"), text("placement"), (Arc::from("slot"), Type::Int)];
        let mut declare = |event: &str, properties: &[(Arc<str>, Type)], required: &str| {
            let kind = schema.declare_reserved_event(event, properties.iter().cloned());
            schema.require(kind, required);
            kind
        };
        let outcomes = OUTCOMES.iter().map(|name| declare(name, &outcome(), "offer")).collect();
        let purpose = [(Arc::from("purpose"), Type::Enum(purposes))];
        let consent_given = declare("consent_given", &purpose, "purpose");
        let consent_withdrawn = declare("consent_withdrawn", &purpose, "purpose");
        let linked = declare("linked", &[text("other")], "");
        let unlinked = declare("unlinked", &[text("other")], "");
        let attributes = attributes
            .into_iter()
            .map(|(name, ty)| declare(&format!("{ATTRIBUTE_SET}:{name}"), &[(Arc::from("value"), ty)], "value"))
            .collect();
        Reserved { outcomes, consent_given, consent_withdrawn, linked, unlinked, attributes }
    }

    /// The event type of an outcome by its name.
    #[must_use]
    pub fn outcome(&self, name: &str) -> Option<EventKind> {
        OUTCOMES.iter().position(|outcome| *outcome == name).and_then(|place| self.outcomes.get(place)).copied()
    }
}
