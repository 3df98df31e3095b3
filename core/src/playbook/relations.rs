//! How customers are related: to each other, or to a household or account that is a customer of its own.

use super::labels::Labels;
use super::model::{Name, Namespace};
use super::read::{At, Loader, Names};
use super::source::cut;
use std::sync::Arc;

/// How many relations a playbook has at most.
const MOST: usize = 50;
/// Limits that hold when nothing is declared.
const USUAL: u32 = 1_000;

/// A typed relation.
#[derive(Debug, Clone, PartialEq)]
pub struct Relation {
    /// Its name; expressions read `<name>.members`, `<name>.role`, `<name>.events(…)` and more.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `group`: the namespace of those whose members are related; `None` for a relation between two customers.
    pub group: Option<Name>,
    /// `roles`, in order: of members, or of the two sides; none for a relation between two customers that is the same both ways.
    pub roles: Vec<Role>,
    /// `at_most`: how many members a group has, or to how many others somebody is related in a relation that is the same both ways.
    pub at_most: u32,
    /// `groups`: of how many groups somebody is a member.
    pub groups: u32,
    /// `consents`: the role whose holders consent for those of the other role who are minors.
    pub consents: Option<Name>,
    /// What may be done with everything that is read through it.
    pub labels: Labels,
}

/// A role in a relation.
#[derive(Debug, Clone, PartialEq)]
pub struct Role {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `at_most`: how many there are of it in one group, or for one of the other role.
    pub at_most: u32,
}

impl Relation {
    /// Whether it is between two customers in different roles.
    #[must_use]
    pub fn directed(&self) -> bool {
        self.group.is_none() && self.roles.len() == 2
    }

    /// What expressions read through it: the group, the other, or one for each role; each with the path by which it is read and
    /// the number of the role.
    pub fn subjects(&self) -> impl Iterator<Item = (String, Option<usize>)> {
        let (name, directed) = (&self.name.text, self.directed());
        let whole = (!directed).then(|| (name.to_string(), None));
        let roles = self.roles.iter().enumerate().filter(move |_| directed);
        whole.into_iter().chain(roles.map(move |(number, role)| (format!("{name}.{}", role.name.text), Some(number))))
    }
}

impl Loader<'_> {
    pub(super) fn relations(&mut self, root: &At<'_>, namespaces: &[Namespace]) -> Vec<Relation> {
        let Some(section) = root.get("relations") else { return Vec::new() };
        let mut relations: Vec<Relation> = Vec::new();
        for (name, at) in self.identifiers(&section, "a relation") {
            if RESERVED.contains(&&*name.text) {
                let message = format!("`{}` is read otherwise in rules and cannot be the name of a relation", name.text);
                self.error_at_key("reserved_name", &at, message, None);
                continue;
            }
            if relations.len() >= MOST {
                self.error_at_key("too_many", &at, format!("more than {MOST} relations"), None);
                break;
            }
            let relation = self.relation(name, &at, namespaces);
            if let (Some(_), Some(before)) = (&relation.consents, relations.iter().find(|other| other.consents.is_some())) {
                let message = format!("`{}` says already who consents for minors", before.name.text);
                self.error_at_key("contradiction", &at.get("consents").unwrap_or_else(|| at.clone()), message, None);
            }
            relations.push(relation);
        }
        if let Some(at) = section.children().find(|at| at.get("consents").is_some())
            && root.get("minors").is_none()
        {
            let message = "`consents` is about minors, and the playbook does not say who is one".to_owned();
            let at = at.get("consents").unwrap_or(at);
            self.error_at_key("missing_key", &at, message, Some("declare `minors`, a condition".to_owned()));
        }
        relations
    }

    fn relation(&mut self, name: Name, at: &At<'_>, namespaces: &[Namespace]) -> Relation {
        let group = at.get("group").and_then(|at| {
            let known: Names = namespaces.iter().map(|namespace| namespace.name.text.clone()).collect();
            let group = self.reference(&at, "namespace", &known)?;
            let declared = namespaces.iter().find(|namespace| namespace.name.text == group.text);
            if declared.is_some_and(|namespace| namespace.anonymous || namespace.shared) {
                let message = format!("a group is a customer of its own, but `{}` is anonymous or shared", cut(&group.text));
                self.error("contradiction", &at, message, None);
            }
            Some(group)
        });
        let grouped = at.get("group").is_some();
        let roles = self.roles(at);
        if !grouped && !matches!(roles.len(), 0 | 2) {
            let place = at.get("roles").unwrap_or_else(|| at.clone());
            let message = format!("a relation between two customers has two roles or none, found {}", roles.len());
            let hint = "a relation with a household or account names its namespace: `group: \u{2026}`".to_owned();
            self.error_at_key("wrong_roles", &place, message, Some(hint));
        }
        if let (Some(place), false) = (at.get("groups"), grouped) {
            let message = "`groups` belongs to a relation with a `group`".to_owned();
            self.error_at_key("misplaced", &place, message, None);
        }
        if let (Some(place), false, true) = (at.get("at_most"), grouped, roles.len() == 2) {
            let hint = "write `roles: {<role>: {at_most: \u{2026}}}`".to_owned();
            let message = "between two roles, each has a limit of its own".to_owned();
            self.error_at_key("misplaced", &place, message, Some(hint));
        }
        let consents = at.get("consents").and_then(|at| {
            let known: Names = roles.iter().map(|role| role.name.text.clone()).collect();
            let role = self.reference(&at, "role", &known)?;
            if grouped || roles.len() != 2 {
                let message = "only between two roles one consents for the other".to_owned();
                self.error("misplaced", &at, message, None);
            }
            Some(role)
        });
        Relation {
            title: at.text("title"),
            group,
            roles,
            at_most: at.number("at_most").unwrap_or(USUAL),
            groups: at.number("groups").unwrap_or(1),
            consents,
            labels: self.labels(at),
            name,
        }
    }

    fn roles(&mut self, at: &At<'_>) -> Vec<Role> {
        let Some(section) = at.get("roles") else { return Vec::new() };
        let mut roles: Vec<Role> = Vec::new();
        let listed: Vec<At<'_>> = section.items().filter_map(|at| Some(At { key: at.node.text()?.clone(), ..at })).collect();
        let children = if listed.is_empty() { section.children().collect() } else { listed };
        for at in children {
            let Some(name) = self.declared_name(&at, "a role") else { continue };
            if roles.iter().any(|role| role.name.text == name.text) {
                self.error("duplicate_name", &at, format!("role `{}` stands twice in one list", cut(&name.text)), None);
                continue;
            }
            roles.push(Role { title: at.text("title"), at_most: at.number("at_most").unwrap_or(u32::MAX), name });
        }
        roles
    }
}

/// Names by which rules read something else.
const RESERVED: [&str; 34] = [
    "customer",
    "request",
    "segment",
    "persona",
    "intent",
    "need",
    "preference",
    "unusual",
    "trend",
    "journey",
    "session",
    "location",
    "store",
    "events",
    "now",
    "today",
    "channel",
    "person",
    "identifier",
    "math",
    "strings",
    "optional",
    "int",
    "uint",
    "double",
    "bool",
    "string",
    "bytes",
    "list",
    "map",
    "type",
    "null_type",
    "dyn",
    "decimal",
];
