use crate::engine::Engine;
use crate::playbook::{Intake, Playbook, Relation};
use std::collections::BTreeMap;

/// What others call what the playbook declares.
pub(super) struct Names<'a> {
    pub(super) playbook: &'a Playbook,
    events: BTreeMap<String, &'a str>,
    attributes: BTreeMap<String, &'a str>,
    purposes: BTreeMap<String, &'a str>,
    pub(super) user: Option<&'a str>,
    pub(super) anonymous: Option<&'a str>,
    /// The relation that a message about a group tells, and the namespace of its groups.
    pub(super) group: Option<(&'a Relation, &'a str)>,
}

impl<'a> Names<'a> {
    pub(super) fn of(engine: &'a Engine) -> Self {
        let playbook = engine.playbook();
        let Intake { user_id, anonymous_id, events, attributes, purposes, .. } = &playbook.intake;
        let first = |anonymous: bool| {
            let namespace = playbook.namespaces.iter().find(|namespace| namespace.anonymous == anonymous);
            namespace.map(|namespace| &*namespace.name.text)
        };
        let mut grouped = playbook.relations.iter().filter(|relation| relation.group.is_some());
        let group = match &playbook.intake.group {
            Some(name) => grouped.find(|relation| relation.name.text == name.text),
            None => grouped.next().filter(|_| grouped.next().is_none()),
        };
        let mut names = Names {
            group: group.and_then(|relation| Some((relation, &*relation.group.as_ref()?.text))),
            playbook,
            events: BTreeMap::new(),
            attributes: BTreeMap::new(),
            purposes: BTreeMap::new(),
            user: user_id.as_ref().map(|name| &*name.text).or_else(|| first(false)),
            anonymous: anonymous_id.as_ref().map(|name| &*name.text).or_else(|| first(true)),
        };
        // Own names count in any spelling; what the playbook says others call it counts more.
        names.events.extend(playbook.events.iter().map(|event| (snake(&event.name.text), &*event.name.text)));
        names.attributes.extend(playbook.attributes.iter().map(|own| (snake(&own.name.text), &*own.name.text)));
        for (own, others) in events {
            names.events.extend(others.iter().map(|other| (snake(other), &*own.text)));
        }
        names.purposes.extend(playbook.purposes.iter().map(|own| (snake(&own.name.text), &*own.name.text)));
        for (own, others) in purposes {
            names.purposes.extend(others.iter().map(|other| (snake(other), &*own.text)));
        }
        for (own, others) in attributes {
            names.attributes.extend(others.iter().map(|other| (snake(other), &*own.text)));
        }
        names
    }

    pub(super) fn event(&self, name: &str) -> Option<&'a str> {
        self.events.get(&snake(name)).copied()
    }

    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes.get(&snake(name)).copied()
    }

    pub(super) fn purpose(&self, name: &str) -> Option<&'a str> {
        self.purposes.get(&snake(name)).copied()
    }

    /// The declared properties of an event type.
    pub(super) fn properties(&self, event: &str) -> Vec<&'a str> {
        let declared = self.playbook.events.iter().find(|own| *own.name.text == *event);
        declared.map_or_else(Vec::new, |event| event.properties.iter().map(|property| &*property.name.text).collect())
    }

    /// Where others have a property, besides under its own name.
    pub(super) fn sources(&self, property: &str) -> impl Iterator<Item = &'a str> {
        let named = self.playbook.intake.properties.iter().find(|(own, _)| *own.text == *property);
        named.into_iter().flat_map(|(_, others)| others.iter().map(|other| &**other))
    }
}

/// `Order Completed`, `orderCompleted` and `order-completed` as `order_completed`.
pub(super) fn snake(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut before = ' ';
    for letter in name.trim().chars() {
        if letter.is_alphanumeric() {
            if letter.is_uppercase() && (before.is_lowercase() || before.is_numeric()) {
                snake.push('_');
            }
            snake.extend(letter.to_lowercase());
        } else if !snake.is_empty() && !snake.ends_with('_') {
            snake.push('_');
        }
        before = letter;
    }
    while snake.ends_with('_') {
        snake.pop();
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::snake;

    #[test]
    fn names_are_the_same_in_every_spelling() {
        for name in
            ["Order Completed", "orderCompleted", "order_completed", "Order-Completed", " order completed ", "OrderCompleted"]
        {
            assert_eq!(snake(name), "order_completed");
        }
        assert_eq!(snake("com.example.order"), "com_example_order");
        assert_eq!(snake("userID2x"), "user_id2x");
    }
}
