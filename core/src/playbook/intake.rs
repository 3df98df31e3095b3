//! How messages of other systems are read: the section `intake`.

use super::model::Name;
use super::read::{At, Loader};
use std::sync::Arc;

/// How messages of other systems name what the playbook declares.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Intake {
    /// `user_id`: the namespace of `userId`; the first that is not anonymous when not declared.
    pub user_id: Option<Name>,
    /// `anonymous_id`: the namespace of `anonymousId`; the first that is anonymous when not declared.
    pub anonymous_id: Option<Name>,
    /// `group`: the relation that a group message tells, of a customer with the group; the only one with a group when not declared.
    pub group: Option<Name>,
    /// `events`: what the others call an event type.
    pub events: Vec<(Name, Vec<Arc<str>>)>,
    /// `properties`: where the others have a property: a key of `properties`, or a path such as `context.campaign.source`.
    pub properties: Vec<(Name, Vec<Arc<str>>)>,
    /// `attributes`: where the others have an attribute: a trait, or a path into the message.
    pub attributes: Vec<(Name, Vec<Arc<str>>)>,
    /// `purposes`: what the others call a purpose in preferences about consent.
    pub purposes: Vec<(Name, Vec<Arc<str>>)>,
}

impl Loader<'_> {
    pub(super) fn intake(&mut self, root: &At<'_>) -> Intake {
        let Some(section) = root.get("intake") else { return Intake::default() };
        let known = std::rc::Rc::new(root.get("identity").iter().flat_map(At::children).map(|child| child.key).collect());
        let mut namespace = |key: &str| section.get(key).and_then(|at| self.reference(&at, "namespace", &known));
        let (user_id, anonymous_id) = (namespace("user_id"), namespace("anonymous_id"));
        let relations = root.get("relations");
        let grouped = relations.iter().flat_map(At::children).filter(|child| child.get("group").is_some());
        let grouped = std::rc::Rc::new(grouped.map(|child| child.key).collect());
        let group = section.get("group").and_then(|at| self.reference(&at, "relation with a group", &grouped));
        let (events, attributes) = (self.declared.events.clone(), self.declared.attributes.clone());
        let purposes = self.declared.purposes.clone();
        Intake {
            user_id,
            anonymous_id,
            group,
            events: self.foreign(&section, "events", Some(("event type", &events))),
            properties: self.foreign(&section, "properties", None),
            attributes: self.foreign(&section, "attributes", Some(("attribute", &attributes))),
            purposes: self.foreign(&section, "purposes", Some(("purpose", &purposes))),
        }
    }

    /// By own name what others call it.
    fn foreign(
        &mut self,
        section: &At<'_>,
        key: &str,
        known: Option<(&str, &super::read::Names)>,
    ) -> Vec<(Name, Vec<Arc<str>>)> {
        let mut all = Vec::new();
        let Some(at) = section.get(key) else { return all };
        for (name, child) in self.named(&at, known.map_or("a property", |_| "something declared")) {
            if let Some((noun, known)) = known
                && !known.contains(&name.text)
            {
                let message = format!("unknown {noun} `{}`", name.text);
                let hint = crate::error::nearest(&name.text, known.iter().map(|name| &**name));
                self.error_at_key("unknown_name", &child, message, hint.map(|near| format!("did you mean `{near}`?")));
            }
            all.push((name, child.one_or_more().iter().filter_map(|at| at.node.text().cloned()).collect()));
        }
        all
    }
}
