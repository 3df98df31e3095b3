use super::rules::{GROUP, MEMBER, RelationRule, RelationRules};
use crate::customer::{EventError, Identifier, Namespaces, relation_column};
use crate::error::nearest;
use smallvec::SmallVec;
use std::sync::Arc;

/// What an event says about who is related to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Saying {
    /// About two identifiers, each on its side.
    Tie {
        relation: u16,
        /// The smaller first where both sides are the same.
        ends: (Identifier, Identifier),
        /// On which side each is.
        sides: (u8, u8),
        /// Whether it was told on the first.
        on_first: bool,
        word: Word,
    },
    /// That what an event at this identifier said does not hold.
    Revoke { on: Identifier, event: Arc<str> },
}

/// What is said of two identifiers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Word {
    /// They are related, the member of a group in this role.
    Related(Option<u16>),
    /// They are no more; `None` in no role.
    Unrelated(Option<u16>),
}

impl Saying {
    /// In which role two are said to be related.
    pub(crate) fn role(&self) -> Option<Option<u16>> {
        match self {
            Saying::Tie { word: Word::Related(role), .. } => Some(*role),
            Saying::Tie { word: Word::Unrelated(_), .. } | Saying::Revoke { .. } => None,
        }
    }
}

/// Whether an identifier is of a household or account.
pub(crate) fn is_group(rules: &RelationRules, identifier: &Identifier) -> bool {
    rules.relations.iter().any(|relation| relation.group.as_deref() == Some(identifier.namespace()))
}

/// Reads a `related` or `unrelated` that was told on an identifier; `text` gives the text of a column.
///
/// # Errors
/// `wrong_relation`, or as for identifiers, naming the property.
pub(crate) fn sayings<'t>(
    rules: &RelationRules,
    namespaces: &Namespaces,
    on: &Identifier,
    related: bool,
    text: impl Fn(usize) -> Option<&'t str>,
) -> Result<SmallVec<[Saying; 1]>, EventError> {
    let text = |column: usize| text(column).filter(|text| !text.is_empty());
    let wrong = |path: &str, message: String| EventError::new("wrong_relation", format!("properties.{path}"), message);
    if let Some(event) = text(relation_column::EVENT).filter(|_| !related) {
        if text(relation_column::TO).is_some() {
            return Err(wrong("event", "an event is revoked by its id alone, a relation without naming the event".to_owned()));
        }
        return Ok(smallvec::smallvec![Saying::Revoke { on: on.clone(), event: Arc::from(event) }]);
    }
    let Some((number, rule)) = text(relation_column::RELATION).and_then(|name| {
        let number = rules.named(name)?;
        Some((u16::try_from(number).ok()?, rules.relations.get(number)?))
    }) else {
        return Err(wrong("relation", "expected the name of a relation".to_owned()));
    };
    let Some(to) = text(relation_column::TO) else {
        return Err(wrong("to", "expected to whom, as `namespace:value`".to_owned()));
    };
    let refused = |error: EventError| EventError::new(error.code(), "properties.to", error.message().to_owned());
    let to = Identifier::parse(to).map_err(|error| refused(error.into()))?;
    let to = namespaces.read(&to).map_err(refused)?.into_owned();
    if to == *on {
        return Err(wrong("to", "nobody is related to themselves".to_owned()));
    }
    let role = text(relation_column::ROLE).map(|name| role(rule, name)).transpose()?;
    let word = |role| if related { Word::Related(role) } else { Word::Unrelated(role) };
    if let Some(group) = &rule.group {
        let is = |identifier: &Identifier| identifier.namespace() == &**group;
        let (first, second, on_first) = match (is(on), is(&to)) {
            (false, true) => (on.clone(), to, true),
            (true, false) => (to, on.clone(), false),
            _ => {
                let message = format!("relation `{}` is between somebody and a group of namespace `{group}`", rule.name);
                return Err(wrong("to", message));
            }
        };
        return Ok(smallvec::smallvec![Saying::Tie {
            relation: number,
            ends: (first, second),
            sides: (MEMBER, GROUP),
            on_first,
            word: word(role)
        }]);
    }
    if is_group(rules, on) || is_group(rules, &to) {
        return Err(wrong("to", format!("relation `{}` is between two customers, not with a group", rule.name)));
    }
    let ordered = |first: Identifier, second: Identifier, on_first: bool| Saying::Tie {
        relation: number,
        ends: (first, second),
        sides: if rule.directed() { (0, 1) } else { (0, 0) },
        on_first,
        word: word(None),
    };
    match role {
        None if !rule.directed() => {
            let on_first = *on < to;
            let (first, second) = if on_first { (on.clone(), to) } else { (to, on.clone()) };
            Ok(smallvec::smallvec![ordered(first, second, on_first)])
        }
        None if related => {
            let names: Vec<&str> = rule.roles.iter().map(|(name, _)| &**name).collect();
            Err(wrong("role", format!("expected the role of whom the event is about: {}", names.join(" or "))))
        }
        // Whichever way it was.
        None => Ok(smallvec::smallvec![ordered(on.clone(), to.clone(), true), ordered(to, on.clone(), false)]),
        Some(0) => Ok(smallvec::smallvec![ordered(on.clone(), to, true)]),
        Some(_) => Ok(smallvec::smallvec![ordered(to, on.clone(), false)]),
    }
}

fn role(rule: &RelationRule, name: &str) -> Result<u16, EventError> {
    let place = rule.roles.iter().position(|(role, _)| **role == *name);
    place.and_then(|place| u16::try_from(place).ok()).ok_or_else(|| {
        let shown: String = name.chars().take(80).collect();
        let near = nearest(name, rule.roles.iter().map(|(role, _)| &**role));
        let hint = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
        let message = format!("relation `{}` has no role `{shown}`{hint}", rule.name);
        EventError::new("wrong_relation", "properties.role", message)
    })
}
