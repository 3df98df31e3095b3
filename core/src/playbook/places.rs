//! When and where: what a session is, how long a position is known, and the stores.

use super::model::Name;
use super::read::{At, Loader};
use super::source::cut;
use super::types;
use crate::value::{Duration, Point, Type, Value, Zone};
use std::sync::Arc;

/// What a session is, beside its gap.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sessions {
    /// `new_campaign`: whether an event of another campaign begins a session.
    pub new_campaign: bool,
    /// `midnight`: whether midnight in the customer's zone ends a session.
    pub midnight: bool,
    /// `pages`: event types that count as pages; those that tell a page when empty.
    pub pages: Vec<Name>,
    /// `cart`: how the cart is filled and emptied.
    pub cart: Option<Cart>,
}

/// How the cart of a session is filled and emptied.
#[derive(Debug, Clone, PartialEq)]
pub struct Cart {
    /// `add`: event types that put an item in.
    pub add: Vec<Name>,
    /// `remove`: event types that take an item out.
    pub remove: Vec<Name>,
    /// `empty`: event types that empty the cart, such as a purchase.
    pub empty: Vec<Name>,
    /// `item`: the property that names the item.
    pub item: Name,
    /// `value`: the property that says what it is worth.
    pub value: Option<Name>,
}

/// A store.
#[derive(Debug, Clone, PartialEq)]
pub struct Store {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `point`: where it is.
    pub point: Point,
    /// `region`.
    pub region: Option<Arc<str>>,
    /// `time_zone`: of its opening hours; the playbook's when not declared.
    pub time_zone: Option<Zone>,
    /// `opening_hours`: for each day from Monday on, from and to which minute of the day; `None` when nothing is declared.
    pub opening_hours: Option<[Vec<(u16, u16)>; 7]>,
}

/// The days, from Monday on.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

impl Loader<'_> {
    pub(super) fn sessions(&mut self, root: &At<'_>) -> Sessions {
        let Some(at) = root.get("sessions") else { return Sessions::default() };
        let known = self.declared.events.clone();
        let cart = at.get("cart").and_then(|at| {
            let name = |this: &Self, key: &str| {
                let at = at.get(key)?;
                Some(Name { text: at.node.text()?.clone(), place: this.findings.place(at.node.spot) })
            };
            Some(Cart {
                add: self.references(&at, "add", "event type", &known),
                remove: self.references(&at, "remove", "event type", &known),
                empty: self.references(&at, "empty", "event type", &known),
                item: name(self, "item")?,
                value: name(self, "value"),
            })
        });
        Sessions {
            new_campaign: at.flag("new_campaign"),
            midnight: at.flag("midnight"),
            pages: self.references(&at, "pages", "event type", &known),
            cart,
        }
    }

    /// The properties that the cart names belong to the events that fill it.
    pub(super) fn check_cart(&mut self, root: &At<'_>, sessions: &Sessions, events: &[super::EventType]) {
        let (Some(cart), Some(at)) = (&sessions.cart, root.get("sessions").and_then(|at| at.get("cart"))) else { return };
        for (key, property, kinds) in
            [("item", Some(&cart.item), [&cart.add, &cart.remove]), ("value", cart.value.as_ref(), [&cart.add, &Vec::new()])]
        {
            let Some(property) = property else { continue };
            for kind in kinds.into_iter().flatten() {
                let Some(event) = events.iter().find(|event| event.name.text == kind.text) else { continue };
                if !event.properties.iter().any(|own| own.name.text == property.text) {
                    let message = format!("event type `{}` has no property `{}`", cut(&kind.text), cut(&property.text));
                    let place = at.get(key).unwrap_or_else(|| at.clone());
                    self.error("unknown_name", &place, message, None);
                }
            }
        }
    }

    pub(super) fn position_ttl(&mut self, root: &At<'_>) -> Option<Duration> {
        root.get("locations").and_then(|at| self.duration_of(&at, "ttl"))
    }

    pub(super) fn stores(&mut self, root: &At<'_>) -> Vec<Store> {
        let Some(section) = root.get("stores") else { return Vec::new() };
        let named = self.named(&section, "a store");
        named.into_iter().filter_map(|(name, at)| self.store(name, &at)).collect()
    }

    fn store(&mut self, name: Name, at: &At<'_>) -> Option<Store> {
        let time_zone = if at.get("time_zone").is_some() { self.zone(at) } else { None };
        let opening_hours = at.get("opening_hours").map(|at| self.opening_hours(&at));
        let place = at.get("point")?;
        let point = match types::value(place.node, &Type::Point) {
            Ok(Value::Point(point)) => point,
            _ => {
                let hint = "such as `[52.52, 13.405]`, from -90 to 90 and from -180 to 180".to_owned();
                self.error("bad_point", &place, "expected latitude and longitude in degrees".to_owned(), Some(hint));
                return None;
            }
        };
        Some(Store { name, title: at.text("title"), point, region: at.text("region"), time_zone, opening_hours })
    }

    fn opening_hours(&mut self, at: &At<'_>) -> [Vec<(u16, u16)>; 7] {
        let mut read = |key: &str| {
            let at = at.get(key)?;
            let text = at.node.text()?.clone();
            match hours(&text) {
                Some(hours) => Some(hours),
                None => {
                    let message = format!("`{}` are no opening hours", cut(&text));
                    let hint = "write `09:00-18:00`, several in their order with commas between, or `closed`".to_owned();
                    self.error("bad_hours", &at, message, Some(hint));
                    None
                }
            }
        };
        let (daily, weekdays) = (read("daily"), read("weekdays"));
        DAYS.map(|day| {
            let own = read(day);
            let week = weekdays.clone().filter(|_| !matches!(day, "sat" | "sun"));
            own.or(week).or_else(|| daily.clone()).unwrap_or_default()
        })
    }
}

/// Opening hours of a day in minutes, in their order and without overlap; empty for `closed`.
fn hours(text: &str) -> Option<Vec<(u16, u16)>> {
    if text.trim() == "closed" {
        return Some(Vec::new());
    }
    let minute = |text: &str| {
        let (hour, minute) = text.trim().split_once(':')?;
        let digits = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(hour) || !digits(minute) {
            return None;
        }
        let (hour, minute) = (hour.parse::<u16>().ok()?, minute.parse::<u16>().ok()?);
        (minute < 60 && hour * 60 + minute <= 24 * 60).then_some(hour * 60 + minute)
    };
    let mut hours: Vec<(u16, u16)> = Vec::new();
    for part in text.split(',') {
        let (from, to) = part.split_once('-')?;
        let (from, to) = (minute(from)?, minute(to)?);
        if from >= to || hours.last().is_some_and(|last| last.1 > from) {
            return None;
        }
        hours.push((from, to));
    }
    Some(hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_hours_are_read_in_order() {
        assert_eq!(hours("09:00-12:30, 13:00-24:00"), Some(vec![(540, 750), (780, 1440)]));
        assert_eq!(hours("closed"), Some(Vec::new()));
        for wrong in ["", "9-12", "09:00-09:00", "10:00-09:00", "09:00-12:00,11:00-13:00", "09:60-10:00", "20:00-24:01"] {
            assert_eq!(hours(wrong), None, "{wrong}");
        }
    }
}
