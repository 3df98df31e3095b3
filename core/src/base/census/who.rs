//! Customers of tables by number.

use super::super::load::{Roles, bad, missing, refused};
use super::super::rows::BadRow;
use crate::customer::{EventError, Identifier};
use crate::engine::Engine;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::ops::Range;

/// A map with fixed keys; its order is never seen.
type Map<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;

/// Customers in the order in which they first appear.
pub(super) struct Who<'e> {
    engine: &'e Engine,
    pub(super) customers: Vec<Identifier>,
    /// By what stands in the table: small numbers, other numbers, texts.
    small: Vec<u32>,
    numbers: Map<i64, u32>,
    texts: Map<Box<str>, u32>,
    /// By identifier: several values may come to one. Filled when that can be.
    identifiers: BTreeMap<Identifier, u32>,
    /// Whether every customer so far came by a whole number that their identifier ends with as it is, so that no two are one.
    plain: bool,
    /// The text of an identifier up to its value, of a namespace that takes whole numbers as they are.
    prefix: Option<String>,
}

/// Numbers below this are looked up by position.
const SMALL: i64 = 1 << 24;
/// No customer yet.
const NOBODY: u32 = u32::MAX;

impl<'e> Who<'e> {
    /// Nobody yet.
    pub(super) fn new(engine: &'e Engine) -> Self {
        Who {
            engine,
            customers: Vec::new(),
            small: Vec::new(),
            numbers: Map::default(),
            texts: Map::default(),
            identifiers: BTreeMap::new(),
            plain: true,
            prefix: None,
        }
    }

    /// Says in which namespace the tables name customers.
    pub(super) fn named(&mut self, namespace: &str) {
        let identity = self.engine.identity();
        let rule = identity.place(namespace).and_then(|place| identity.rule(place));
        let short = namespace.len() + 1 + "-9223372036854775808".len() <= Identifier::MAX_BYTES;
        self.prefix = (short && rule.is_some_and(|rule| rule.takes_numbers())).then(|| format!("{namespace}:"));
    }

    /// The number of an identifier's customer.
    pub(super) fn find(&self, identifier: &Identifier) -> Option<u32> {
        match self.plain {
            false => self.identifiers.get(identifier).copied(),
            true => self
                .number_of(identifier.value().parse().ok()?)
                .filter(|number| self.customers.get(*number as usize) == Some(identifier)),
        }
    }

    /// The number of the customer of a small number.
    #[inline]
    fn small(&self, number: i64) -> Option<u32> {
        usize::try_from(number).ok().and_then(|number| self.small.get(number)).copied().filter(|who| *who != NOBODY)
    }

    /// The number of the customer of any whole number.
    #[inline]
    fn number_of(&self, number: i64) -> Option<u32> {
        if (0..SMALL).contains(&number) { self.small(number) } else { self.numbers.get(&number).copied() }
    }

    /// The customers of some rows, in their order; `None` when one cannot be read.
    pub(super) fn all(&mut self, roles: &Roles<'_, '_>, rows: Range<usize>, into: &mut Vec<u32>) -> Option<()> {
        into.clear();
        into.resize(rows.len(), NOBODY);
        let (_, column) = roles.identifiers.first()?;
        let Some(numbers) = column.wholes(rows.clone()) else {
            for (who, row) in into.iter_mut().zip(rows) {
                *who = self.of(roles, row).ok()?;
            }
            return Some(());
        };
        for ((who, number), row) in into.iter_mut().zip(&*numbers).zip(rows) {
            *who = match self.number_of(*number) {
                Some(known) => known,
                None => match self.add_number(*number) {
                    Some(new) => new,
                    None => self.of(roles, row).ok()?,
                },
            };
        }
        Some(())
    }

    /// The number of the customer of a row.
    pub(super) fn of(&mut self, roles: &Roles<'_, '_>, row: usize) -> Result<u32, BadRow> {
        let Some((namespace, column)) = roles.identifiers.first() else { return Err(missing("customer")) };
        let number = column.int(row).ok().flatten();
        if let Some(known) = number.and_then(|number| self.number_of(number)) {
            return Ok(known);
        }
        let mut buffer = String::new();
        let text = column.name(row, &mut buffer).map_err(|error| bad(namespace, &error))?.filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| missing("customer"))?;
        if number.is_none()
            && let Some(known) = self.texts.get(text)
        {
            return Ok(*known);
        }
        let own = text.strip_prefix(&**namespace).is_some_and(|rest| rest.starts_with(':'));
        let identifier = if own { Identifier::parse(text) } else { Identifier::new(namespace, text) };
        let identifier = [identifier.map_err(|error| refused(namespace, &EventError::from(error)))?];
        let named = self.engine.identity().read_all(&identifier).map_err(|error| refused("", &error))?;
        let as_it_is = number.is_some() && matches!(named.primary, Cow::Borrowed(_));
        let identifier = named.primary.into_owned();
        if self.plain && !as_it_is {
            self.plain = false;
            self.identifiers.extend(self.customers.iter().cloned().zip(0..));
        }
        let next = u32::try_from(self.customers.len()).unwrap_or(NOBODY);
        let found = match self.plain {
            true => next,
            false => *self.identifiers.entry(identifier.clone()).or_insert(next),
        };
        if found == next {
            self.customers.push(identifier);
        }
        match number {
            Some(number) => self.note(number, found),
            None => {
                self.texts.insert(text.into(), found);
            }
        }
        Ok(found)
    }

    /// A customer of a whole number that their identifier ends with as it is; `None` when that is not so for all.
    fn add_number(&mut self, number: i64) -> Option<u32> {
        let prefix = self.prefix.as_mut().filter(|_| self.plain)?;
        let length = prefix.len();
        push_digits(prefix, number);
        let identifier = Identifier::parse(prefix);
        prefix.truncate(length);
        let found = u32::try_from(self.customers.len()).ok()?;
        self.customers.push(identifier.ok()?);
        self.note(number, found);
        Some(found)
    }

    fn note(&mut self, number: i64, found: u32) {
        if !(0..SMALL).contains(&number) {
            self.numbers.insert(number, found);
            return;
        }
        let place = usize::try_from(number).unwrap_or(0);
        if self.small.len() <= place {
            self.small.resize((place + 1).max(self.small.len() * 2), NOBODY);
        }
        if let Some(place) = self.small.get_mut(place) {
            *place = found;
        }
    }
}

fn push_digits(text: &mut String, number: i64) {
    if number < 0 {
        text.push('-');
    }
    let (mut left, mut digits, mut count) = (number.unsigned_abs(), [0_u8; 20], 0);
    for digit in digits.iter_mut().rev() {
        *digit = (left % 10) as u8;
        (left, count) = (left / 10, count + 1);
        if left == 0 {
            break;
        }
    }
    text.extend(digits.iter().skip(20 - count).map(|digit| char::from(b'0' + digit)));
}

#[cfg(test)]
mod tests {
    #[test]
    fn digits_are_those_of_the_number() {
        for number in [0, 7, 10, 1_234_567_890, -1, i64::MAX, i64::MIN] {
            let mut text = "customer:".to_owned();
            super::push_digits(&mut text, number);
            assert_eq!(text, format!("customer:{number}"));
        }
    }
}
