use crate::customer::{Customer, Identifier, short_hash};
use std::collections::BTreeMap;
use std::ops::Bound;

/// Customers by identifier: in order for whoever goes through all of them, and by hash for whoever looks for one, because a tree of
/// very many names waits for memory at every comparison.
#[derive(Debug, Clone, Default)]
pub(super) struct Customers {
    order: BTreeMap<Identifier, u32>,
    places: Vec<Option<(Identifier, Customer)>>,
    /// Places that are empty again.
    free: Vec<u32>,
    /// A power of two of entries: a place and bits of the hash.
    index: Vec<Entry>,
    /// How many entries were used, removed ones included.
    used: usize,
    /// Whether a customer is missing in the index because its neighbourhood was full.
    crowded: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    place: u32,
    tag: u32,
}

const EMPTY: Entry = Entry { place: u32::MAX, tag: 0 };
const REMOVED: Entry = Entry { place: u32::MAX - 1, tag: 0 };
/// So many entries are looked at; whoever is not found there is looked for in the tree, so that nobody can choose names that make a
/// search long.
const NEAR: usize = 16;

impl Customers {
    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.order.len()
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// The customer of an identifier.
    pub(super) fn get(&self, identifier: &Identifier) -> Option<&Customer> {
        let place = self.place(identifier)?;
        self.places.get(place)?.as_ref().map(|(_, customer)| customer)
    }

    /// The same, to be changed.
    pub(super) fn get_mut(&mut self, identifier: &Identifier) -> Option<&mut Customer> {
        let place = self.place(identifier)?;
        self.places.get_mut(place)?.as_mut().map(|(_, customer)| customer)
    }

    /// Puts a customer in the place of whoever was known by the identifier.
    pub(super) fn insert(&mut self, identifier: Identifier, customer: Customer) {
        if let Some(place) = self.place(&identifier).and_then(|place| self.places.get_mut(place)) {
            *place = Some((identifier, customer));
            return;
        }
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            u32::try_from(self.places.len() - 1).unwrap_or(u32::MAX)
        });
        self.order.insert(identifier.clone(), place);
        if (self.used + 1) * 2 > self.index.len() {
            self.grow();
        }
        self.enter(&identifier, place);
        if let Some(own) = self.places.get_mut(place as usize) {
            *own = Some((identifier, customer));
        }
    }

    /// Takes a customer out.
    pub(super) fn remove(&mut self, identifier: &Identifier) -> Option<Customer> {
        let place = self.order.remove(identifier)?;
        let wanted = Entry { place, tag: tag(hash(identifier)) };
        if let Some(at) = self.near(hash(identifier)).find(|at| self.index.get(*at) == Some(&wanted))
            && let Some(entry) = self.index.get_mut(at)
        {
            *entry = REMOVED;
        }
        self.free.push(place);
        self.places.get_mut(place as usize)?.take().map(|(_, customer)| customer)
    }

    /// All of them in the order of their identifiers.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&Identifier, &Customer)> {
        let customer = |place: &u32| self.places.get(*place as usize)?.as_ref().map(|(_, customer)| customer);
        self.order.iter().filter_map(move |(identifier, place)| Some((identifier, customer(place)?)))
    }

    /// Those after an identifier in that order; all without one.
    pub(super) fn after(&self, identifier: Option<&Identifier>) -> impl Iterator<Item = &Customer> {
        let begin = identifier.map_or(Bound::Unbounded, Bound::Excluded);
        let customer = |place: &u32| self.places.get(*place as usize)?.as_ref().map(|(_, customer)| customer);
        self.order.range((begin, Bound::Unbounded)).filter_map(move |(_, place)| customer(place))
    }

    /// All of them in that order.
    pub(super) fn values(&self) -> impl Iterator<Item = &Customer> {
        self.iter().map(|(_, customer)| customer)
    }

    /// All of them in that order, to be changed.
    pub(super) fn values_mut(&mut self) -> impl Iterator<Item = &mut Customer> {
        let mut all: Vec<&mut (Identifier, Customer)> = self.places.iter_mut().flatten().collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all.into_iter().map(|(_, customer)| customer)
    }

    fn place(&self, identifier: &Identifier) -> Option<usize> {
        let hash = hash(identifier);
        let is = |place: u32| matches!(self.places.get(place as usize), Some(Some((own, _))) if own == identifier);
        for at in self.near(hash) {
            match self.index.get(at) {
                Some(entry) if *entry == EMPTY => return if self.crowded { self.ordered(identifier) } else { None },
                Some(entry) if entry.tag == tag(hash) && is(entry.place) => return Some(entry.place as usize),
                _ => {}
            }
        }
        if self.index.is_empty() { None } else { self.ordered(identifier) }
    }

    fn ordered(&self, identifier: &Identifier) -> Option<usize> {
        self.order.get(identifier).map(|place| *place as usize)
    }

    /// The entries in which something of this hash may stand.
    fn near(&self, hash: u64) -> impl Iterator<Item = usize> + use<> {
        let count = self.index.len();
        let first = hash as usize;
        (0..NEAR.min(count)).map(move |step| first.wrapping_add(step) & (count - 1))
    }

    fn enter(&mut self, identifier: &Identifier, place: u32) {
        let hash = hash(identifier);
        let free = self.near(hash).find(|at| self.index.get(*at).is_some_and(|entry| *entry == EMPTY || *entry == REMOVED));
        match free.and_then(|at| self.index.get_mut(at)) {
            Some(entry) => {
                self.used += usize::from(*entry == EMPTY);
                *entry = Entry { place, tag: tag(hash) };
            }
            None => self.crowded = true,
        }
    }

    /// Makes the index anew, with room for as many again.
    fn grow(&mut self) {
        let count = (self.order.len().max(8) * 4).next_power_of_two();
        (self.index, self.used, self.crowded) = (vec![EMPTY; count], 0, false);
        let all: Vec<(Identifier, u32)> = self.order.iter().map(|(identifier, place)| (identifier.clone(), *place)).collect();
        for (identifier, place) in all {
            self.enter(&identifier, place);
        }
    }
}

impl FromIterator<(Identifier, Customer)> for Customers {
    fn from_iter<T: IntoIterator<Item = (Identifier, Customer)>>(all: T) -> Self {
        let mut customers = Customers::default();
        all.into_iter().for_each(|(identifier, customer)| customers.insert(identifier, customer));
        customers
    }
}

/// The same in every process, and its order is never seen. Who chooses names that collide is sent to the tree.
fn hash(identifier: &Identifier) -> u64 {
    short_hash(identifier.as_str())
}

fn tag(hash: u64) -> u32 {
    (hash >> 32) as u32
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may fail")]
mod tests {
    use super::*;
    use crate::Engine;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn customers_are_a_map(steps in prop::collection::vec((0_u16..400, 0_u8..4), 0..600)) {
            let engine =
                Engine::compile(&[("a.yaml", "{playbook: a, version: 1, identity: {customer: {}}, events: {visit: {}}}")]).unwrap();
            let (mut own, mut tree) = (Customers::default(), BTreeMap::new());
            for (number, step) in steps {
                let identifier = Identifier::new("customer", &number.to_string()).unwrap();
                match step {
                    0 => prop_assert_eq!(own.remove(&identifier).is_some(), tree.remove(&identifier).is_some()),
                    1 => prop_assert_eq!(own.get(&identifier).map(Customer::id), tree.get(&identifier).map(Customer::id)),
                    _ => {
                        let customer = engine.customer(&identifier).unwrap();
                        own.insert(identifier.clone(), customer.clone());
                        tree.insert(identifier, customer);
                    }
                }
                prop_assert_eq!(own.len(), tree.len());
            }
            prop_assert!(own.iter().map(|(identifier, _)| identifier).eq(tree.keys()));
            let ids: Vec<String> = own.values_mut().map(|customer| customer.id().to_owned()).collect();
            prop_assert!(ids.iter().map(String::as_str).eq(tree.values().map(Customer::id)));
            for (identifier, customer) in &tree {
                prop_assert_eq!(own.get(identifier).map(Customer::id), Some(customer.id()));
            }
        }
    }
}
