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

/// The name under which hosts say that an event is wrong.
pub const RECTIFIED: &str = "rectified";

/// The outcome that says that a slot of a decision is held for a customer.
pub const RESERVED: &str = "reserved";

/// The reserved event types of a schema, by number.
#[derive(Debug, Clone)]
pub struct Reserved {
    /// In the order of [`OUTCOMES`]; each with `decision`, `offer`, `placement`, `slot`, of which only the offer is required, and where offers are explored
    /// `probability`.
    pub outcomes: Vec<EventKind>,
    /// `consent_given`, with the properties of [`consent_column`].
    pub consent_given: EventKind,
    /// `consent_withdrawn`, with the same.
    pub consent_withdrawn: EventKind,
    /// `objected`, with the same; without a purpose it is profiling as such.
    pub objected: EventKind,
    /// `objection_withdrawn`, with the same.
    pub objection_withdrawn: EventKind,
    /// `do_not_contact`, with `for_channel` and `expires`.
    pub do_not_contact: EventKind,
    /// `contact_allowed`, with the same.
    pub contact_allowed: EventKind,
    /// `linked`, with `other`, `kind` and `confidence`.
    pub linked: EventKind,
    /// `unlinked`, with `other` and `event`.
    pub unlinked: EventKind,
    /// `journey_pinned`, with the properties of [`pinned_column`].
    pub journey_pinned: EventKind,
    /// `rectified`, with `event`, which is required, and `reason`.
    pub rectified: EventKind,
    /// `related` and `unrelated`, with the properties of [`relation_column`]; only where the playbook declares relations.
    pub relations: Option<(EventKind, EventKind)>,
    /// One per declared attribute, in declared order, each with `value`.
    pub attributes: Vec<EventKind>,
    /// `assigned`, with `experiment`, `variant` and `decision`.
    pub assigned: EventKind,
    /// `confirmed`, with the properties of an outcome.
    pub confirmed: EventKind,
    /// `released`, with the same.
    pub released: EventKind,
    /// The column of an outcome that keeps the tags of its offer; only where the playbook declares tags.
    pub tags: Option<usize>,
    /// The column of an outcome that keeps the items that its offer carries; only where offers carry some.
    pub items: Option<usize>,
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
    /// `terms`: what was promised, as JSON; of all outcomes where the playbook declares terms, costs or commitments.
    pub const TERMS: usize = 4;
    /// `expires`, of `reserved`: from when on it no longer holds. After `terms`, `tags` and `items` where there are some.
    pub const EXPIRES: usize = 4;
}

/// Columns of consents, objections and what takes them back; then those of `do_not_contact` and `contact_allowed`.
pub mod consent_column {
    /// `purpose`.
    pub const PURPOSE: usize = 0;
    /// `scope`: `person`, `identifier` or `channel`.
    pub const SCOPE: usize = 1;
    /// `for_channel`: the channel that it is about.
    pub const FOR_CHANNEL: usize = 2;
    /// `expires`: from when on it no longer holds.
    pub const EXPIRES: usize = 3;
    /// `explicit`: false when the host only assumed it.
    pub const EXPLICIT: usize = 4;
    /// `proof`: where the proof is kept.
    pub const PROOF: usize = 5;
    /// `by`: who gave it for a minor, as `namespace:value`; only where the playbook says who may.
    pub const BY: usize = 6;
    /// `for_channel` of contact.
    pub const CONTACT_CHANNEL: usize = 0;
    /// `expires` of contact.
    pub const CONTACT_EXPIRES: usize = 1;
}

/// Columns of `assigned`.
pub mod assigned_column {
    /// `experiment`.
    pub const EXPERIMENT: usize = 0;
    /// `variant`.
    pub const VARIANT: usize = 1;
    /// `decision`.
    pub const DECISION: usize = 2;
}

/// Columns of `journey_pinned`.
pub mod pinned_column {
    /// `journey`.
    pub const JOURNEY: usize = 0;
    /// `instance`: the key, of a journey with one.
    pub const INSTANCE: usize = 1;
    /// `stage`; none for outside.
    pub const STAGE: usize = 2;
    /// `since`.
    pub const SINCE: usize = 3;
    /// `version` of the playbook.
    pub const VERSION: usize = 4;
    /// `definition`: the digest of the journey.
    pub const DEFINITION: usize = 5;
    /// `entries`: how often the customer had come in.
    pub const ENTRIES: usize = 6;
}

/// Columns of `linked` and `unlinked`.
pub mod link_column {
    /// `other`.
    pub const OTHER: usize = 0;
    /// `kind`, of `linked`.
    pub const KIND: usize = 1;
    /// `confidence`, of `linked`.
    pub const CONFIDENCE: usize = 2;
    /// `event`, of `unlinked`.
    pub const EVENT: usize = 1;
}

/// Columns of `related` and `unrelated`.
pub mod relation_column {
    /// `relation`.
    pub const RELATION: usize = 0;
    /// `to`: the other, as `namespace:value`.
    pub const TO: usize = 1;
    /// `role`: of the member of a group, or of whom the event is about.
    pub const ROLE: usize = 2;
    /// `event`, of `unrelated`: the event of which nothing holds.
    pub const EVENT: usize = 3;
}

/// What outcomes keep beside what they always tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// What was promised.
    pub terms: bool,
    /// The tags of offers.
    pub tagged: bool,
    /// How probable the choice was.
    pub explores: bool,
    /// The items that offers carry.
    pub items: bool,
}

impl Reserved {
    /// Declares the reserved event types after the playbook's own. `by_guardian`: whether consents say who gave them.
    pub fn declare(
        schema: &mut Schema,
        purposes: Arc<[Arc<str>]>,
        channels: Arc<[Arc<str>]>,
        attributes: impl IntoIterator<Item = (Arc<str>, Type)>,
        relations: Arc<[Arc<str>]>,
        by_guardian: bool,
        kept: Kept,
    ) -> Self {
        let text = |name: &str| (Arc::from(name), Type::String);
        let outcome = |name: &str| -> Vec<_> {
            let fixed = [text("decision"), text("offer"), text("placement"), (Arc::from("slot"), Type::Int)];
            let expires = (name == RESERVED).then(|| (Arc::from("expires"), Type::Timestamp));
            let tags = kept.tagged.then(|| (Arc::from("tags"), Type::List(Box::new(Type::String))));
            let probability = kept.explores.then(|| (Arc::from("probability"), Type::Double));
            let terms = kept.terms.then(|| text("terms"));
            let items = kept.items.then(|| (Arc::from("items"), Type::List(Box::new(Type::String))));
            fixed.into_iter().chain(terms).chain(tags).chain(items).chain(expires).chain(probability).collect()
        };
        let mut declare = |event: &str, properties: &[(Arc<str>, Type)], required: &str| {
            let kind = schema.declare_reserved_event(event, properties.iter().cloned());
            schema.require(kind, required);
            kind
        };
        let outcomes = OUTCOMES.iter().map(|name| declare(name, &outcome(name), "offer")).collect();
        let channel = (Arc::from("for_channel"), Type::Enum(channels));
        let expires = (Arc::from("expires"), Type::Timestamp);
        let scopes = ["person", "identifier", "channel"].map(Arc::from);
        let said = [
            (Arc::from("purpose"), Type::Enum(purposes)),
            (Arc::from("scope"), Type::Enum(scopes.into())),
            channel.clone(),
            expires.clone(),
            (Arc::from("explicit"), Type::Bool),
            text("proof"),
        ];
        let given: Vec<_> = said.iter().cloned().chain(by_guardian.then(|| text("by"))).collect();
        let consent_given = declare("consent_given", &given, "purpose");
        let consent_withdrawn = declare("consent_withdrawn", &said, "purpose");
        let objected = declare("objected", &said, "");
        let objection_withdrawn = declare("objection_withdrawn", &said, "");
        let contact = [channel, expires];
        let do_not_contact = declare("do_not_contact", &contact, "");
        let contact_allowed = declare("contact_allowed", &contact, "");
        let kind = (Arc::from("kind"), Type::Enum(Arc::from([Arc::from("deterministic"), Arc::from("probabilistic")])));
        let linked = declare("linked", &[text("other"), kind, (Arc::from("confidence"), Type::Double)], "");
        let unlinked = declare("unlinked", &[text("other"), text("event")], "");
        let pinned = [
            text("journey"),
            text("instance"),
            text("stage"),
            (Arc::from("since"), Type::Timestamp),
            (Arc::from("version"), Type::Int),
            text("definition"),
            (Arc::from("entries"), Type::Int),
        ];
        let journey_pinned = declare("journey_pinned", &pinned, "journey");
        let rectified = declare(RECTIFIED, &[text("event"), text("reason")], "event");
        let attributes = attributes
            .into_iter()
            .map(|(name, ty)| declare(&format!("{ATTRIBUTE_SET}:{name}"), &[(Arc::from("value"), ty)], "value"))
            .collect();
        let assigned = declare("assigned", &[text("experiment"), text("variant"), text("decision")], "experiment");
        let relations = (!relations.is_empty()).then(|| {
            let relation = (Arc::from("relation"), Type::Enum(relations));
            let told = [relation, text("to"), text("role"), text("event")];
            (declare("related", &told[..3], ""), declare("unrelated", &told, ""))
        });
        let (confirmed, released) =
            (declare("confirmed", &outcome("confirmed"), "offer"), declare("released", &outcome("released"), "offer"));
        Reserved {
            outcomes,
            consent_given,
            consent_withdrawn,
            objected,
            objection_withdrawn,
            do_not_contact,
            contact_allowed,
            linked,
            unlinked,
            journey_pinned,
            rectified,
            relations,
            attributes,
            assigned,
            confirmed,
            released,
            items: kept.items.then(|| outcome_column::SLOT + 1 + usize::from(kept.terms) + usize::from(kept.tagged)),
            tags: kept.tagged.then(|| outcome_column::SLOT + 1 + usize::from(kept.terms)),
        }
    }

    /// The event type of an outcome by its name.
    #[must_use]
    pub fn outcome(&self, name: &str) -> Option<EventKind> {
        OUTCOMES.iter().position(|outcome| *outcome == name).and_then(|place| self.outcomes.get(place)).copied()
    }
}
