//! Questions to customers, which are offers: what the answer becomes, after what they are asked, how often, and of whom.

use super::model::{Attribute, EventType, Name, Offer};
use super::read::{At, Loader};
use super::source::cut;
use crate::value::{Duration, Type, Value};

/// What an offer asks.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// `attribute`: what the answer becomes.
    pub attribute: Name,
    /// `scale`: what an answer may be.
    pub scale: Option<Scale>,
    /// `after`: event types of the touchpoint after which it is asked; empty for at any time.
    pub after: Vec<Name>,
    /// `delay`: how long after the touchpoint.
    pub delay: Option<Duration>,
    /// `within`: up to how long after the touchpoint.
    pub within: Option<Duration>,
    /// `every`: it is asked again so long after the answer.
    pub every: Option<Duration>,
    /// `retry`: without an answer it is asked again so long after it was asked.
    pub retry: Option<Duration>,
    /// `at_most`: how often it is asked without an answer.
    pub at_most: Option<u32>,
    /// `sample`: how many of 10,000 customers are asked.
    pub sample: Option<u32>,
    /// `answer`: the event type and the property in which the host tells the answer.
    pub answer: Option<(Name, Name)>,
}

/// Events of the host that are answers: of which type, in which property, on which scale. The numbers are those of the playbook's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerEvent {
    /// The event type.
    pub event: usize,
    /// The property.
    pub property: usize,
    /// What an answer may be; others are none.
    pub scale: Option<Scale>,
}

/// A scale of answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// `nps`: 0 to 10, how likely somebody recommends.
    Nps,
    /// `csat`: 1 to 5, how content somebody is.
    Csat,
    /// `ces`: 1 to 7, how easy it was.
    Ces,
}

impl Scale {
    /// The words in playbooks.
    pub const WORDS: [&'static str; 3] = ["nps", "csat", "ces"];

    /// The least and the greatest answer.
    #[must_use]
    pub fn range(self) -> (i64, i64) {
        match self {
            Scale::Nps => (0, 10),
            Scale::Csat => (1, 5),
            Scale::Ces => (1, 7),
        }
    }

    /// Whether a value is an answer on it.
    #[must_use]
    pub fn takes(self, value: &Value) -> bool {
        let number = match value {
            Value::Int(number) => *number as f64,
            Value::Uint(number) => *number as f64,
            Value::Double(number) => *number,
            Value::Decimal(number) => number.to_double(),
            _ => return false,
        };
        let (low, high) = self.range();
        (low as f64..=high as f64).contains(&number)
    }

    fn named(word: &str) -> Self {
        match word {
            "csat" => Scale::Csat,
            "ces" => Scale::Ces,
            _ => Scale::Nps,
        }
    }
}

impl Loader<'_> {
    pub(super) fn question(&mut self, offer: &At<'_>) -> Option<Question> {
        let at = offer.get("question")?;
        let known = self.declared.attributes.clone();
        let attribute = match at.node.text() {
            Some(_) => self.reference(&at, "attribute", &known)?,
            None => at.get("attribute").and_then(|at| self.reference(&at, "attribute", &known))?,
        };
        let events = self.declared.events.clone();
        let after = self.references(&at, "after", "event type", &events);
        let (delay, within) = (self.duration_of(&at, "delay"), self.duration_of(&at, "within"));
        for key in ["delay", "within"] {
            if let (true, Some(place)) = (after.is_empty(), at.get(key)) {
                let message = format!("`{key}` counts from the events of `after`, which is not declared");
                self.error_at_key("misplaced", &place, message, None);
            }
        }
        if let (Some(delay), Some(within), Some(place)) = (delay, within, at.get("within"))
            && within <= delay
        {
            let message = format!("it is over after {within}, but asked from {delay} on");
            self.error("contradiction", &place, message, None);
        }
        Some(Question {
            attribute,
            scale: at.text("scale").map(|word| Scale::named(&word)),
            after,
            delay,
            within,
            every: self.duration_of(&at, "every"),
            retry: self.duration_of(&at, "retry"),
            at_most: at.number("at_most"),
            sample: at.get("sample").and_then(|at| self.percentage(&at)),
            answer: at.get("answer").and_then(|at| {
                let on = at.get("on").and_then(|at| self.reference(&at, "event type", &events));
                let property = at.get("property").and_then(|at| self.name_of(&at));
                on.zip(property)
            }),
        })
    }

    /// The attributes that questions fill must take their answers.
    pub(super) fn check_questions(
        &mut self,
        root: &At<'_>,
        offers: &[Offer],
        events: &[EventType],
        attributes: &mut [Attribute],
    ) {
        let section = root.get("offers");
        for offer in offers {
            let Some(question) = &offer.question else { continue };
            let attribute = attributes.iter_mut().find(|attribute| attribute.name.text == question.attribute.text);
            let place = section.as_ref().and_then(|all| all.get(&offer.name.text)).and_then(|at| at.get("question"));
            let (Some(attribute), Some(place)) = (attribute, place) else { continue };
            let number = matches!(attribute.ty, Type::Int | Type::Uint | Type::Double | Type::Decimal { .. });
            if let (Some(scale), false, Some(at)) = (question.scale, number, place.get("scale")) {
                let (low, high) = scale.range();
                let ty = attribute.ty.to_string();
                let message = format!(
                    "an answer is a number from {low} to {high}, but `{}` is of type {}",
                    attribute.name.text,
                    cut(&ty)
                );
                self.error("bad_type", &at, message, None);
            }
            if attribute.retired {
                let message = format!("attribute `{}` is retired: nothing tells it any more", attribute.name.text);
                self.error("contradiction", &place, message, None);
            }
            let (Some((on, property)), Some(at)) = (&question.answer, place.get("answer")) else { continue };
            let Some(event) = events.iter().position(|event| event.name.text == on.text) else { continue };
            let declared = events.get(event).map_or(&[][..], |event| &event.properties);
            let Some(column) = declared.iter().position(|own| own.name.text == property.text) else {
                let near = crate::error::nearest(&property.text, declared.iter().map(|own| &*own.name.text));
                let hint = near.map(|near| format!("did you mean `{near}`?"));
                let message = format!("event type `{}` has no property `{}`", on.text, cut(&property.text));
                self.error("unknown_name", &at.get("property").unwrap_or(at), message, hint);
                continue;
            };
            let ty = declared.get(column).map(|own| own.ty.clone()).unwrap_or(Type::Dyn);
            if !answers(&ty, &attribute.ty) {
                let (name, told, wanted) = (&attribute.name.text, ty.to_string(), attribute.ty.to_string());
                let message = format!("`{name}` is of type {}, which values of type {} are not", cut(&wanted), cut(&told));
                self.error("bad_type", &at.get("property").unwrap_or(at), message, None);
                continue;
            }
            let answer = AnswerEvent { event, property: column, scale: question.scale };
            if !attribute.answers.contains(&answer) {
                attribute.answers.push(answer);
            }
        }
    }
}

/// Whether values of a property may be answers that become an attribute; those that do not fit after all are none.
fn answers(property: &Type, attribute: &Type) -> bool {
    property == attribute
        || match attribute {
            Type::Double | Type::Int | Type::Uint | Type::Decimal { .. } => {
                matches!(property, Type::Int | Type::Uint)
                    || matches!((property, attribute), (Type::Decimal { .. }, Type::Decimal { .. }))
            }
            Type::Enum(_) | Type::PostalCode { .. } => matches!(property, Type::String | Type::Enum(_)),
            Type::String => matches!(property, Type::Enum(_)),
            _ => false,
        }
}
