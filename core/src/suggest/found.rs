use crate::playbook::HowToSuggest;
use crate::value::{Timestamp, Value};
use schemars::JsonSchema;
use serde::Serialize;
use std::sync::Arc;

/// An item that was chosen for a customer, and why.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "suggested_item")]
pub struct Suggested {
    /// The item.
    pub item: Arc<str>,
    /// What people call it.
    pub name: Arc<str>,
    /// Its category.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<Arc<str>>,
    /// Its price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<Value>,
    /// The suggestion that found it.
    pub suggestion: Arc<str>,
    /// How, such as `due_again`.
    pub how: &'static str,
    /// Why it is there.
    pub because: Because,
}

/// Why an item is suggested, with the figures.
#[derive(Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[schemars(rename = "suggested_because")]
pub enum Because {
    /// Others bought or looked at both.
    Together {
        /// The item it begins with.
        with: Arc<str>,
        /// The share of all baskets that have both.
        support: f64,
        /// The share of the baskets with the one that have the other too.
        confidence: f64,
        /// How much likelier the one makes the other.
        lift: f64,
    },
    /// Many want it.
    Popular {
        /// The segment, or the value of the attribute; everybody when null.
        among: Option<Arc<str>>,
        /// How many baskets or sessions had it, faded.
        count: f64,
    },
    /// It is the next larger one.
    Larger {
        /// Than this item.
        than: Arc<str>,
    },
    /// It is declared to go with another.
    Complement {
        /// With this item.
        of: Arc<str>,
    },
    /// It is due.
    Due {
        /// When it was bought last.
        last: Timestamp,
        /// After which time it is usually bought again, or how long it lasts, as a duration.
        after: String,
        /// From when on it is due.
        from: Timestamp,
        /// Until when.
        until: Timestamp,
        /// Where that is known from: `own`, `own_category`, `category`, `declared`, `life` or `warranty`.
        whose: &'static str,
    },
    /// Something happened.
    After {
        /// The event type.
        event: Arc<str>,
        /// When.
        at: Timestamp,
    },
    /// The customer looked at it.
    Seen {
        /// When last.
        at: Timestamp,
    },
}

impl Suggested {
    /// Why it is there, in words.
    #[must_use]
    pub fn reason(&self) -> String {
        let item = &self.item;
        match &self.because {
            Because::Together { with, support, confidence, lift } => {
                let what = if self.how == HowToSuggest::SeenTogether.name() { "looked at" } else { "bought" };
                format!(
                    "`{item}` is {what} together with `{with}`: support {support:.4}, confidence {confidence:.3}, lift {lift:.2}"
                )
            }
            Because::Popular { among: Some(among), count } => format!("`{item}` is popular in `{among}`: {count:.1} of late"),
            Because::Popular { among: None, count } => format!("`{item}` is popular: {count:.1} of late"),
            Because::Larger { than } => format!("`{item}` is the next size up from `{than}`"),
            Because::Complement { of } => format!("`{item}` goes with `{of}`"),
            Because::Due { last, after, from, until, whose } => {
                let what = match *whose {
                    "own" => format!("the customer buys it again every {after}"),
                    "own_category" => format!("the customer buys of its category every {after}"),
                    "category" => format!("customers buy of its category every {after}"),
                    "declared" => format!("it is bought again every {after}"),
                    "life" => format!("it lasts {after}"),
                    _ => format!("its warranty is {after}"),
                };
                format!("`{item}` was bought on {last}, {what}: due from {from} to {until}")
            }
            Because::After { event, at } => format!("`{item}` is needed after `{event}`, which happened on {at}"),
            Because::Seen { at } => format!("`{item}` was looked at on {at} and not bought since"),
        }
    }

    /// The item that it begins with.
    pub(crate) fn with(&self) -> Option<&Arc<str>> {
        match &self.because {
            Because::Together { with: other, .. } | Because::Larger { than: other } | Because::Complement { of: other } => {
                Some(other)
            }
            _ => None,
        }
    }
}

/// Which item, without why, which tells of the customer.
impl std::fmt::Debug for Suggested {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Suggested").field("item", &self.item).field("how", &self.how).finish_non_exhaustive()
    }
}

/// Without the figures, which tell of the customer.
impl std::fmt::Debug for Because {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Because")
    }
}
