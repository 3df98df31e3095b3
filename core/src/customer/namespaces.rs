use super::event::EventError;
use super::identifier::Identifier;
use crate::playbook::{IdentityLimits, Namespace, Never, Normalize, Relation};
use crate::value::e164;
use regex::Regex;
use std::borrow::Cow;
use std::sync::Arc;

/// The namespaces of a playbook, compiled: they bring identifiers into one form, refuse those that are nobody's, and say how many
/// a customer may have.
#[derive(Debug)]
pub(crate) struct Namespaces {
    rules: Vec<NamespaceRule>,
    /// When a customer has grown too large to be one.
    pub(crate) limits: IdentityLimits,
}

/// A compiled namespace.
#[derive(Debug)]
pub(crate) struct NamespaceRule {
    pub(crate) name: Arc<str>,
    pub(crate) anonymous: bool,
    pub(crate) shared: bool,
    /// Whether it is of households or accounts, which are never the same customer as a person.
    pub(crate) group: bool,
    pub(crate) unique: bool,
    /// At most so many of it per customer.
    pub(crate) limit: u32,
    pub(crate) guard: u32,
    normalize: Normalize,
    values: Vec<Arc<str>>,
    patterns: Vec<Regex>,
}

/// The identifiers of an event in the playbook's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named<'a> {
    /// The one under which the event is kept: that of the namespace declared first, of several the smallest.
    pub(crate) primary: Cow<'a, Identifier>,
    /// The others that are of the same customer, in the order of their namespaces, then by text.
    pub(crate) others: Vec<Identifier>,
    /// Identifiers that are nobody's and were left out.
    pub(crate) nobody: Vec<Identifier>,
    /// Whether a household or account was named beside a person, who is nobody of the same.
    pub(crate) beside_group: bool,
    /// Further households or accounts where no person is named: that an event concerns several says nothing, a link joins them.
    pub(crate) groups: Vec<Identifier>,
}

impl Namespaces {
    /// Compiles what the loader has checked.
    pub(crate) fn compile(namespaces: &[Namespace], limits: IdentityLimits, relations: &[Relation]) -> Self {
        let group = |name: &str| relations.iter().any(|one| one.group.as_ref().is_some_and(|group| *group.text == *name));
        let rule =
            |namespace: &Namespace| NamespaceRule { group: group(&namespace.name.text), ..NamespaceRule::compile(namespace) };
        Namespaces { rules: namespaces.iter().map(rule).collect(), limits }
    }

    /// The rule of a namespace, by the place of its declaration.
    pub(crate) fn rule(&self, place: usize) -> Option<&NamespaceRule> {
        self.rules.get(place)
    }

    /// The place of a namespace.
    pub(crate) fn place(&self, name: &str) -> Option<usize> {
        self.rules.iter().position(|rule| *rule.name == *name)
    }

    /// An identifier in the form of its namespace.
    ///
    /// # Errors
    /// `undeclared_namespace`, `identifier_form` for a value that is none of the namespace, `forbidden_identifier` for one that is
    /// nobody's.
    pub(crate) fn read<'a>(&self, identifier: &'a Identifier) -> Result<Cow<'a, Identifier>, EventError> {
        self.look(identifier).and_then(|(_, read)| match read {
            Read::Somebody(read) => Ok(read),
            Read::Nobody => Err(forbidden()),
        })
    }

    fn look<'a>(&self, identifier: &'a Identifier) -> Result<(usize, Read<'a>), EventError> {
        let Some(place) = self.rules.iter().position(|rule| identifier.is_of(&rule.name)) else {
            let name = identifier.namespace();
            return Err(EventError::undeclared("namespace", "identifiers", name, self.rules.iter().map(|rule| &*rule.name)));
        };
        let Some(rule) = self.rules.get(place) else { return Ok((place, Read::Nobody)) };
        Ok((place, rule.read(identifier)?))
    }

    /// Whether a namespace is of households or accounts.
    fn groups(&self, place: usize) -> bool {
        self.rules.get(place).is_some_and(|rule| rule.group)
    }

    /// Whether an identifier is of a household or account.
    pub(crate) fn is_group(&self, identifier: &Identifier) -> bool {
        self.place(identifier.namespace()).is_some_and(|place| self.groups(place))
    }

    /// The identifier under which an event is kept.
    ///
    /// # Errors
    /// As for [`read_all`](Self::read_all).
    pub(crate) fn primary<'a>(&self, identifiers: &'a [Identifier]) -> Result<Cow<'a, Identifier>, EventError> {
        match identifiers {
            [one] => self.read(one),
            _ => self.read_all(identifiers).map(|named| named.primary),
        }
    }

    /// All identifiers of an event in the form of their namespaces, that of highest priority first.
    ///
    /// # Errors
    /// As for [`read`](Self::read) of each, except that those which are nobody's are left out as long as there is another;
    /// `missing_identifier` when there is none at all.
    pub(crate) fn read_all<'a>(&self, identifiers: &'a [Identifier]) -> Result<Named<'a>, EventError> {
        if let [one] = identifiers {
            return self.read(one).map(|primary| Named {
                primary,
                others: Vec::new(),
                nobody: Vec::new(),
                beside_group: false,
                groups: Vec::new(),
            });
        }
        let (mut found, mut nobody) = (Vec::with_capacity(identifiers.len()), Vec::new());
        for identifier in identifiers {
            match self.look(identifier)? {
                (place, Read::Somebody(read)) => found.push((self.groups(place), place, read)),
                (_, Read::Nobody) => nobody.push(identifier.clone()),
            }
        }
        // A person comes before their household or account, which is another customer.
        found.sort_by(|a, b| (a.0, a.1, &*a.2).cmp(&(b.0, b.1, &*b.2)));
        found.dedup_by(|a, b| a.2 == b.2);
        let persons = found.iter().filter(|(group, ..)| !group).count();
        let beside_group = persons > 0 && found.len() > persons;
        let groups = found.split_off(persons.max(1).min(found.len()));
        let groups = if persons == 0 { groups.into_iter().map(|(.., group)| group.into_owned()).collect() } else { Vec::new() };
        let mut found = found.into_iter().map(|(.., identifier)| identifier);
        match found.next() {
            Some(primary) => Ok(Named { primary, others: found.map(Cow::into_owned).collect(), nobody, beside_group, groups }),
            None if nobody.is_empty() => {
                Err(EventError::new("missing_identifier", "identifiers", "an event needs at least one identifier"))
            }
            None => Err(forbidden()),
        }
    }
}

fn forbidden() -> EventError {
    EventError::new(
        "forbidden_identifier",
        "identifiers",
        "the playbook declares that nobody has this value; name another identifier",
    )
}

/// An identifier in the form of its namespace, unless it is nobody's.
enum Read<'a> {
    Somebody(Cow<'a, Identifier>),
    Nobody,
}

impl NamespaceRule {
    fn compile(namespace: &Namespace) -> Self {
        let name = namespace.name.text.clone();
        let mut rule = NamespaceRule {
            name,
            anonymous: namespace.anonymous,
            shared: namespace.shared,
            group: false,
            unique: namespace.unique,
            limit: if namespace.unique { 1 } else { namespace.limit.unwrap_or(u32::MAX) },
            guard: namespace.guard,
            normalize: namespace.normalize.clone(),
            values: Vec::new(),
            patterns: Vec::new(),
        };
        for never in &namespace.never {
            match never {
                // As it is written, and in the form that identifiers are brought into.
                Never::Value(value) => {
                    rule.values.extend(rule.normal(value).map(|normal| Arc::from(&*normal)));
                    rule.values.push(value.clone());
                }
                Never::Pattern(pattern) => rule.patterns.extend(Never::regex(pattern)),
            }
        }
        rule.values.sort();
        rule.values.dedup();
        rule
    }

    /// Whether its identifiers say who somebody is, rather than which device they used.
    pub(crate) fn identifies(&self) -> bool {
        !self.anonymous && !self.shared
    }

    /// Whether every whole number is a value of the namespace as it is written.
    pub(crate) fn takes_numbers(&self) -> bool {
        let as_they_are = matches!(self.normalize, Normalize::None | Normalize::Trim | Normalize::Lower);
        as_they_are && self.values.is_empty() && self.patterns.is_empty()
    }

    fn read<'a>(&self, identifier: &'a Identifier) -> Result<Read<'a>, EventError> {
        if self.normalize == Normalize::None && self.values.is_empty() && self.patterns.is_empty() {
            return Ok(Read::Somebody(Cow::Borrowed(identifier)));
        }
        let value = identifier.value();
        if self.forbids(value) {
            return Ok(Read::Nobody);
        }
        let Some(normal) = self.normal(value) else {
            let message = format!("expected {} in namespace `{}`", self.expected(), self.name);
            return Err(EventError::new("identifier_form", "identifiers", message));
        };
        if normal == value {
            return Ok(Read::Somebody(Cow::Borrowed(identifier)));
        }
        if self.forbids(&normal) {
            return Ok(Read::Nobody);
        }
        Ok(Read::Somebody(Cow::Owned(Identifier::new(&self.name, &normal)?)))
    }

    fn forbids(&self, value: &str) -> bool {
        self.values.binary_search_by(|never| (**never).cmp(value)).is_ok()
            || self.patterns.iter().any(|pattern| pattern.is_match(value))
    }

    /// A value in the form of the namespace; `None` for one that cannot be of it.
    fn normal<'v>(&self, value: &'v str) -> Option<Cow<'v, str>> {
        let trimmed = value.trim();
        match &self.normalize {
            Normalize::None => return Some(Cow::Borrowed(value)),
            Normalize::Trim => Some(Cow::Borrowed(trimmed)),
            Normalize::Lower => Some(lower(trimmed)),
            Normalize::Email => {
                let (local, domain) = trimmed.rsplit_once('@')?;
                let blank =
                    |text: &str| text.is_empty() || text.contains(|letter: char| letter.is_whitespace() || letter == '@');
                (!blank(local) && !blank(domain)).then(|| lower(trimmed))
            }
            Normalize::Phone { region } => e164(value, region.as_deref()).map(Cow::Owned),
        }
        .filter(|normal| !normal.is_empty())
    }

    fn expected(&self) -> &'static str {
        match self.normalize {
            Normalize::Email => "an address such as `name@domain`",
            Normalize::Phone { region: Some(_) } => "a telephone number",
            Normalize::Phone { region: None } => "a telephone number with its country, such as `+49 30 901820`",
            Normalize::None | Normalize::Trim | Normalize::Lower => "a value that is not blank",
        }
    }
}

fn lower(text: &str) -> Cow<'_, str> {
    if text.chars().any(|letter| letter.is_uppercase() || !letter.is_ascii()) {
        Cow::Owned(text.to_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}
