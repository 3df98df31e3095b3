use super::event::EventError;
use crate::expr::Detail;
use crate::playbook::Origin;
use crate::value::{Point, Type, Value, postal};
use std::fmt;

/// What a host may tell about the circumstances of any event, whatever its type. Nothing of it has to be told, and what is not
/// told costs nothing.
#[derive(Clone, Default, PartialEq)]
pub struct Details {
    /// The device it came from, such as `mobile`.
    pub device: Option<String>,
    /// The campaign that brought the customer.
    pub campaign: Option<String>,
    /// The page or app that the customer came from.
    pub referrer: Option<String>,
    /// The page or screen that was looked at.
    pub page: Option<String>,
    /// The country, best as ISO 3166-1 has it, such as `DE`.
    pub country: Option<String>,
    /// The region.
    pub region: Option<String>,
    /// The city.
    pub city: Option<String>,
    /// The postal code; one that does not name its country belongs to `country`.
    pub postal_code: Option<String>,
    /// The store, by the name that the playbook declares.
    pub store: Option<String>,
    /// Latitude and longitude.
    pub point: Option<Point>,
    /// How the facts that the event tells came to be known; as the attribute declares it when not given.
    pub origin: Option<Origin>,
    /// How sure they are, 0 to 1; 1 when not given.
    pub confidence: Option<f64>,
}

/// What stands between two details in the story's text.
const BETWEEN: char = '\u{1f}';

/// How a detail is marked in the story's text.
fn mark(detail: Detail) -> char {
    match detail {
        Detail::Device => 'd',
        Detail::Campaign => 'c',
        Detail::Referrer => 'r',
        Detail::Page => 'p',
        Detail::Country => 'C',
        Detail::Region => 'R',
        Detail::City => 'T',
        Detail::PostalCode => 'P',
        Detail::Store => 'S',
        Detail::Point => 'L',
        Detail::Origin => 'o',
        Detail::Confidence => 'f',
    }
}

/// A detail in the story's text of an event's details.
pub(crate) fn read(detail: Detail, details: &str) -> Option<&str> {
    details.split(BETWEEN).find_map(|part| part.strip_prefix(mark(detail)))
}

/// The same as rules read it: points as points, everything else as text.
pub(crate) fn detail_value(detail: Detail, details: &str) -> Option<Value> {
    let text = read(detail, details)?;
    match detail {
        Detail::Point => Point::parse(text).map(Value::Point),
        Detail::Confidence => text.parse().ok().map(Value::Double),
        _ => Some(Value::text(text)),
    }
}

impl Details {
    /// Whether nothing is told.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Details::default()
    }

    fn text(&self, detail: Detail) -> Option<&str> {
        let text = match detail {
            Detail::Device => &self.device,
            Detail::Campaign => &self.campaign,
            Detail::Referrer => &self.referrer,
            Detail::Page => &self.page,
            Detail::Country => &self.country,
            Detail::Region => &self.region,
            Detail::City => &self.city,
            Detail::PostalCode => &self.postal_code,
            Detail::Store => &self.store,
            Detail::Point | Detail::Origin | Detail::Confidence => return None,
        };
        text.as_deref().filter(|text| !text.is_empty())
    }

    /// Tells one of them by its name: text, a number for `confidence`, a point (as text `52.52,13.405`) for `point`; null for
    /// none.
    ///
    /// # Errors
    /// [`EventError`] with code `undeclared_detail` for another name, `wrong_type` for another value.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), EventError> {
        let Some(detail) = Detail::ALL.into_iter().find(|detail| detail.name() == name) else {
            let shown: String = name.chars().take(80).collect();
            let near = crate::error::nearest(name, Detail::ALL.map(Detail::name));
            let all = || Detail::ALL.map(|detail| format!("`{}`", detail.name())).join(", ");
            let hint = near.map_or_else(|| format!("; it may tell {}", all()), |near| format!("; did you mean `{near}`?"));
            return Err(EventError::new("undeclared_detail", shown.clone(), format!("an event has no `{shown}`{hint}")));
        };
        let wrong = |expected: &str| {
            EventError::new("wrong_type", detail.name(), format!("expected {expected}, found {}", value.type_name()))
        };
        match (detail, value) {
            (Detail::Point, Value::Null) => self.point = None,
            (Detail::Point, value) => match value.clone().coerce(&Type::Point) {
                Ok(Value::Point(point)) => self.point = Some(point),
                _ => return Err(wrong("a point such as `52.52,13.405`")),
            },
            (Detail::Origin, Value::Null) => self.origin = None,
            (Detail::Origin, Value::String(word)) => {
                let names = Origin::ALL.map(Origin::name).join("`, `");
                let origin = Origin::named(word);
                self.origin =
                    Some(origin.ok_or_else(|| EventError::new("wrong_value", "origin", format!("expected `{names}`")))?);
            }
            (Detail::Confidence, Value::Null) => self.confidence = None,
            (Detail::Confidence, Value::Double(number)) => self.confidence = Some(*number),
            (Detail::Confidence, Value::Int(number @ (0 | 1))) => self.confidence = Some(*number as f64),
            (Detail::Confidence, Value::Int(_)) => {
                return Err(EventError::new("out_of_range", "confidence", "expected a number from 0 to 1"));
            }
            (Detail::Confidence, _) => return Err(wrong("a number from 0 to 1")),
            (_, Value::Null) => {
                if let Some(place) = self.text_mut(detail) {
                    *place = None;
                }
            }
            (_, Value::String(text)) => {
                if let Some(place) = self.text_mut(detail) {
                    *place = Some(text.to_string());
                }
            }
            _ => return Err(wrong("text")),
        }
        Ok(())
    }

    /// All that is told, by name.
    pub fn entries(&self) -> impl Iterator<Item = (&'static str, Value)> {
        Detail::ALL.into_iter().filter_map(|detail| {
            let value = match detail {
                Detail::Point => Value::Point(self.point?),
                Detail::Origin => Value::text(self.origin?.name()),
                Detail::Confidence => Value::Double(self.confidence?),
                _ => Value::text(self.text(detail)?),
            };
            Some((detail.name(), value))
        })
    }

    /// The place of a textual detail, to be told; `None` for the others.
    pub fn text_mut(&mut self, detail: Detail) -> Option<&mut Option<String>> {
        Some(match detail {
            Detail::Device => &mut self.device,
            Detail::Campaign => &mut self.campaign,
            Detail::Referrer => &mut self.referrer,
            Detail::Page => &mut self.page,
            Detail::Country => &mut self.country,
            Detail::Region => &mut self.region,
            Detail::City => &mut self.city,
            Detail::PostalCode => &mut self.postal_code,
            Detail::Store => &mut self.store,
            Detail::Point | Detail::Origin | Detail::Confidence => return None,
        })
    }

    /// As the story keeps them: one text, the same for the same details, so that events of one session share it. Empty when
    /// nothing is told.
    ///
    /// # Errors
    /// [`EventError`] for texts longer than 512 bytes or with control characters, a postal code that is none, and a confidence
    /// that is not 0 to 1.
    pub(crate) fn canonical(&self) -> Result<String, EventError> {
        let mut whole = String::new();
        for detail in Detail::ALL {
            let own: String;
            let text = match detail {
                Detail::Point => {
                    let Some(point) = self.point else { continue };
                    own = point.to_string();
                    &own
                }
                Detail::Origin => {
                    let Some(origin) = self.origin else { continue };
                    origin.name()
                }
                Detail::Confidence => {
                    let Some(confidence) = self.confidence else { continue };
                    if !(0.0..=1.0).contains(&confidence) {
                        return Err(EventError::new("out_of_range", "confidence", "expected a number from 0 to 1"));
                    }
                    own = confidence.abs().to_string();
                    &own
                }
                _ => {
                    let Some(text) = self.text(detail) else { continue };
                    if text.len() > super::Identifier::MAX_BYTES {
                        return Err(EventError::new("too_long", detail.name(), "expected at most 512 bytes"));
                    }
                    if text.contains(|letter: char| letter.is_control()) {
                        return Err(EventError::new("wrong_value", detail.name(), "expected text without control characters"));
                    }
                    if detail == Detail::PostalCode {
                        let country = self.text(Detail::Country).filter(|country| postal::is_country(country));
                        own = postal::canonical(text, country).ok_or_else(|| {
                            EventError::new("wrong_value", "postal_code", "expected a postal code such as `DE-10115`")
                        })?;
                        &own
                    } else {
                        text
                    }
                }
            };
            if !whole.is_empty() {
                whole.push(BETWEEN);
            }
            whole.push(mark(detail));
            whole.push_str(text);
        }
        Ok(whole)
    }

    /// The details of the story's text.
    pub(crate) fn of_canonical(whole: &str) -> Self {
        let mut details = Details {
            point: read(Detail::Point, whole).and_then(Point::parse),
            origin: read(Detail::Origin, whole).and_then(Origin::named),
            confidence: read(Detail::Confidence, whole).and_then(|text| text.parse().ok()),
            ..Details::default()
        };
        for detail in Detail::ALL {
            if let Some(place) = details.text_mut(detail) {
                *place = read(detail, whole).map(str::to_owned);
            }
        }
        details
    }
}

/// Where a customer is does not belong into logs: only what is told, not what it says.
impl fmt::Debug for Details {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |detail: &Detail| match detail {
            Detail::Point => self.point.is_some(),
            Detail::Origin => self.origin.is_some(),
            Detail::Confidence => self.confidence.is_some(),
            other => self.text(*other).is_some(),
        };
        f.debug_list().entries(Detail::ALL.iter().filter(|detail| told(detail)).map(|detail| detail.name())).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_come_back_from_the_storys_text() {
        let details = Details {
            device: Some("mobile".into()),
            campaign: Some("spring=1;x".into()),
            country: Some("DE".into()),
            postal_code: Some("DE-10115".into()),
            point: Point::new(52.52, -13.405),
            origin: Some(Origin::ThirdParty),
            confidence: Some(0.1),
            ..Details::default()
        };
        assert_eq!(Details::of_canonical(&details.canonical().unwrap()), details);
        assert_eq!(Details::default().canonical().unwrap(), "");
        assert_eq!(
            format!("{details:?}"),
            r#"["device", "campaign", "country", "postal_code", "point", "origin", "confidence"]"#
        );
    }

    #[test]
    fn what_cannot_be_told_is_refused() {
        let refused = |details: Details| details.canonical().unwrap_err().path().to_owned();
        assert_eq!(refused(Details { page: Some("a\u{1f}b".into()), ..Details::default() }), "page");
        assert_eq!(refused(Details { city: Some("x".repeat(513)), ..Details::default() }), "city");
        assert_eq!(refused(Details { postal_code: Some("?".into()), ..Details::default() }), "postal_code");
        for confidence in [-0.1, 1.1, f64::NAN] {
            assert_eq!(refused(Details { confidence: Some(confidence), ..Details::default() }), "confidence");
        }
        let small = Details { country: Some("DE".into()), postal_code: Some("10 115".into()), ..Details::default() };
        assert_eq!(read(Detail::PostalCode, &small.canonical().unwrap()), Some("DE-10115"));
    }
}
