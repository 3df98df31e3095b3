//! Event types and properties that belong to the engine.

/// The outcomes of decisions, as event types; they are known without being declared and cannot be declared.
pub const OUTCOMES: [&str; 19] = [
    "decided",
    "reserved",
    "sent",
    "delivered",
    "bounced",
    "shown",
    "opened",
    "clicked",
    "dismissed",
    "accepted",
    "rejected",
    "ignored",
    "converted",
    "redeemed",
    "fulfilled",
    "expired",
    "complained",
    "unsubscribed",
    "muted",
];

/// The other event types that belong to the engine and cannot be declared.
pub const RESERVED_EVENTS: [&str; 18] = [
    "attribute_set",
    "attributes_set",
    "attribute_cleared",
    "consent_given",
    "consent_withdrawn",
    "objected",
    "objection_withdrawn",
    "do_not_contact",
    "contact_allowed",
    "linked",
    "unlinked",
    "rectified",
    "related",
    "unrelated",
    "assigned",
    "confirmed",
    "released",
    "journey_pinned",
];

/// What every event has, so that no property may be called so.
pub(super) const EVENT_FIELDS: [&str; 5] = ["time", "type", "channel", "source", "id"];
