//! Groups of offers: what their offers have in common.

use super::model::{Factor, FactorSource, Name, Text};
use super::read::{At, Loader};
use super::source::cut;
use super::types;
use crate::value::{Timestamp, Type, Value};
use std::sync::Arc;

/// A group. What it says holds for each of its offers beside what that says itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `of`: the group that it is a part of.
    pub of: Option<Name>,
    /// `purposes` of offers that declare none; those of the group around it when it declares none.
    pub purposes: Vec<Name>,
    /// `owner`.
    pub owner: Option<Owner>,
    /// `tags`; those of the group around it too.
    pub tags: Vec<Name>,
    /// `from`: the first instant of validity.
    pub valid_from: Option<Timestamp>,
    /// `until`: the first instant after it.
    pub valid_until: Option<Timestamp>,
    /// `where`, as a condition.
    pub area: Option<Text>,
    /// `eligible`, `applicable` and `suitable`.
    pub gates: [Option<Text>; 3],
    /// `when_unknown` of these.
    pub when_unknown: [bool; 3],
    /// `obeys`.
    pub obeys: Option<super::Switch>,
    /// `counts`.
    pub counts: Option<super::Switch>,
    /// `context` and `lever`: weights that add up with those of its offers; those of the group around it come first.
    pub weights: [Option<Factor>; 2],
    /// `attributes`, with those of the group around it.
    pub attributes: Vec<(Name, Value)>,
}

/// The factors to which groups add weights, each with its place among the factors of an offer.
const WEIGHED: [(&str, usize); 2] = [("context", 1), ("lever", 3)];

impl Group {
    /// The same as a part of another: what that says holds for it too.
    fn within(self, around: &Group) -> Self {
        let earlier = |a: Option<Timestamp>, b: Option<Timestamp>| a.into_iter().chain(b).min();
        let more = around.tags.iter().filter(|tag| !self.tags.iter().any(|own| own.text == tag.text)).cloned();
        Group {
            purposes: if self.purposes.is_empty() { around.purposes.clone() } else { self.purposes },
            owner: self.owner.or(around.owner),
            tags: self.tags.iter().cloned().chain(more).collect(),
            valid_from: self.valid_from.max(around.valid_from),
            valid_until: earlier(self.valid_until, around.valid_until),
            obeys: self.obeys.or_else(|| around.obeys.clone()),
            counts: self.counts.or_else(|| around.counts.clone()),
            weights: {
                let [context, lever] = self.weights;
                [joined(&around.weights[0], context).ok().flatten(), joined(&around.weights[1], lever).ok().flatten()]
            },
            ..self
        }
    }
}

/// The weights of a group and those of what is in it, as one factor: they are added up. An error when what is in it is no weights.
#[expect(clippy::result_large_err, reason = "it is no mistake of anybody's, but the factor given back")]
fn joined(around: &Option<Factor>, inside: Option<Factor>) -> Result<Option<Factor>, Factor> {
    let Some(Factor { source: FactorSource::Weights(first), prior }) = around else { return Ok(inside) };
    match inside {
        None => Ok(around.clone()),
        Some(Factor { source: FactorSource::Weights(more), prior: own }) => {
            let weights = first.iter().cloned().chain(more).collect();
            Ok(Some(Factor { source: FactorSource::Weights(weights), prior: own.or(*prior) }))
        }
        Some(other) => Err(other),
    }
}

/// Names of groups, and of all that are a part of one of them.
pub(super) fn with_parts(names: &mut Vec<Name>, groups: &[Group]) {
    // Parts are declared after what they are a part of.
    for group in groups {
        let inside = group.of.as_ref().is_some_and(|of| names.iter().any(|name| name.text == of.text));
        if inside && !names.iter().any(|name| name.text == group.name.text) {
            names.push(group.name.clone());
        }
    }
}

/// The same for the steps of a sequence, where a part may stand in a step of its own.
pub(super) fn steps_with_parts(sequence: &mut [Vec<Name>], groups: &[Group]) {
    for group in groups {
        let named = |step: &Vec<Name>, text: &Arc<str>| step.iter().any(|name| name.text == *text);
        let Some(of) = &group.of else { continue };
        if !sequence.iter().any(|step| named(step, &group.name.text))
            && let Some(step) = sequence.iter_mut().find(|step| named(step, &of.text))
        {
            step.push(group.name.clone());
        }
    }
}

/// Offers are for the purposes of their group where they declare none.
pub(super) fn purposes_of_groups(offers: &mut [super::model::Offer], groups: &[Group]) {
    for offer in offers.iter_mut().filter(|offer| offer.purposes.is_empty()) {
        let group = offer.group.as_ref().and_then(|name| groups.iter().find(|group| group.name.text == name.text));
        offer.purposes = group.map(|group| group.purposes.clone()).unwrap_or_default();
    }
}

/// Who stands behind an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// `marketing`.
    Marketing,
    /// `sales`.
    Sales,
    /// `service`.
    Service,
    /// `loyalty`.
    Loyalty,
}

impl Owner {
    /// All of them.
    pub const ALL: [Owner; 4] = [Owner::Marketing, Owner::Sales, Owner::Service, Owner::Loyalty];

    /// Their names, in the same order.
    pub const WORDS: [&'static str; 4] = ["marketing", "sales", "service", "loyalty"];

    /// The name in playbooks.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Owner::Marketing => "marketing",
            Owner::Sales => "sales",
            Owner::Service => "service",
            Owner::Loyalty => "loyalty",
        }
    }

    /// The owner of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|owner| owner.name() == name)
    }
}

impl Loader<'_> {
    pub(super) fn groups(&mut self, root: &At<'_>) -> Vec<Group> {
        let Some(section) = root.get("groups") else { return Vec::new() };
        let mut groups: Vec<Group> = Vec::new();
        for (name, at) in self.named(&section, "a group") {
            let of = self.group_around(&at, &groups);
            let (valid_from, valid_until) = self.validity(&at, &format!("group `{}`", name.text));
            let gates = ["eligible", "applicable", "suitable"].map(|key| self.condition(&at, key, false));
            let group = Group {
                title: at.text("title"),
                purposes: self.purposes_of(&at),
                of,
                owner: at.owner(),
                tags: self.tags(&at),
                valid_from,
                valid_until,
                area: self.area(root, &at),
                when_unknown: gates.each_ref().map(|(_, unknown)| *unknown),
                gates: gates.map(|(rule, _)| rule),
                obeys: self.switch(&at, "obeys"),
                counts: self.switch(&at, "counts"),
                weights: WEIGHED.map(|(key, _)| self.factor(&at.get(key)?)),
                attributes: Vec::new(),
                name,
            };
            let around = group.of.as_ref().and_then(|of| groups.iter().find(|around| around.name.text == of.text));
            let group = around.map_or(group.clone(), |around| group.within(around));
            groups.push(group);
        }
        groups
    }

    /// The group that a group is a part of: one that is declared before it, so that there are no circles.
    fn group_around(&mut self, at: &At<'_>, before: &[Group]) -> Option<Name> {
        let place = at.get("of")?;
        let known = self.declared.groups.clone();
        let of = self.reference(&place, "group", &known)?;
        if before.iter().any(|group| group.name.text == of.text) {
            return Some(of);
        }
        let later = known.contains(&of.text);
        if later {
            let message = format!("group `{}` is not declared before this one", cut(&of.text));
            let hint = "declare a group before those that are a part of it".to_owned();
            self.error("misplaced", &place, message, Some(hint));
        }
        None
    }

    /// The weights of groups become weights of their offers.
    pub(super) fn weights_of_groups(&mut self, root: &At<'_>, offers: &mut [super::model::Offer], groups: &[Group]) {
        for offer in offers {
            let Some(name) = &offer.group else { continue };
            let Some(group) = groups.iter().find(|group| group.name.text == name.text) else { continue };
            for ((key, place), weights) in WEIGHED.into_iter().zip(&group.weights) {
                offer.factors[place] = joined(weights, offer.factors[place].take()).unwrap_or_else(|other| {
                    if let Some(at) = root.get("offers").and_then(|at| at.get(&offer.name.text)).and_then(|at| at.get(key)) {
                        let message =
                            format!("group `{}` adds weights to `{key}`, and this is none to add them to", cut(&name.text));
                        let hint = format!("write `{key}: {{weights: […]}}`, or leave `{key}` of the group out");
                        self.error("contradiction", &at, message, Some(hint));
                    }
                    Some(other)
                });
            }
        }
    }

    /// `from` and `until`.
    pub(super) fn validity(&mut self, at: &At<'_>, what: &str) -> (Option<Timestamp>, Option<Timestamp>) {
        let (from, until) = (self.instant_of(at, "from"), self.instant_of(at, "until"));
        if let (Some(from), Some(until), Some(place)) = (from, until, at.get("until"))
            && until <= from
        {
            self.error("bad_validity", &place, format!("{what} ends before it begins"), None);
        }
        (from, until)
    }

    /// The tags of an offer or a group.
    pub(super) fn tags(&mut self, at: &At<'_>) -> Vec<Name> {
        let mut tags: Vec<Name> = Vec::new();
        for at in at.get("tags").iter().flat_map(At::one_or_more) {
            let Some(text) = at.node.text().cloned() else { continue };
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            if text.is_empty() || text.len() > 100 || !text.bytes().all(plain) {
                let hint = "write letters, digits and underscores, at most 100".to_owned();
                self.error("bad_name", &at, format!("`{}` cannot be a tag", cut(&text)), Some(hint));
            } else if tags.iter().any(|tag| tag.text == text) {
                self.error("duplicate_name", &at, format!("tag `{}` stands twice in one list", cut(&text)), None);
            } else {
                tags.push(Name { text, place: self.findings.place(at.node.spot) });
            }
        }
        tags
    }

    /// Where an offer is valid, as a condition on the customer's position.
    pub(super) fn area(&mut self, root: &At<'_>, parent: &At<'_>) -> Option<Text> {
        let at = parent.get("where")?;
        let mut ways = Vec::new();
        for (key, fact) in [("countries", "country"), ("regions", "region"), ("cities", "city")] {
            let words: Vec<At<'_>> = at.get(key).iter().flat_map(At::one_or_more).collect();
            let words: Vec<Arc<str>> = words.iter().filter_map(|at| at.node.text().cloned()).collect();
            ways.extend(one_of(fact, &words));
        }
        let stores = root.get("stores").iter().flat_map(At::children).map(|store| store.key).collect();
        let names = self.references(&at, "stores", "store", &stores);
        ways.extend(one_of("store", &names.into_iter().map(|name| name.text).collect::<Vec<_>>()));
        let near = at.get("near");
        for near in
            near.iter().flat_map(|at| if at.node.entries().is_empty() { at.items().collect() } else { vec![at.clone()] })
        {
            let within = self.radius(&near);
            let middle = match (near.get("store"), near.get("point")) {
                (Some(store), None) => {
                    self.reference(&store, "store", &stores).map(|name| format!("store({})", quoted(&name.text)))
                }
                (None, Some(point)) => match types::value(point.node, &Type::Point) {
                    Ok(Value::Point(point)) => Some(format!("point({:?}, {:?})", point.latitude(), point.longitude())),
                    _ => {
                        let hint = "such as `[52.52, 13.405]`, from -90 to 90 and from -180 to 180".to_owned();
                        let message = "expected latitude and longitude in degrees".to_owned();
                        self.error("bad_point", &point, message, Some(hint));
                        None
                    }
                },
                _ => {
                    let message = "say what it is near to: either `store` or `point`".to_owned();
                    self.error("missing_key", &near, message, None);
                    None
                }
            };
            ways.extend(
                middle.zip(within).map(|(middle, within)| format!("location.point.within({middle}, {})", quoted(&within))),
            );
        }
        if ways.is_empty() && at.node.entries().is_empty() {
            let message = "say where: `countries`, `regions`, `cities`, `stores` or `near`".to_owned();
            self.error_at_key("empty", &at, message, None);
        }
        let text: Arc<str> = ways.join(" || ").into();
        (!text.is_empty()).then(|| Text {
            text,
            place: self.findings.place(at.spot),
            path: Arc::from(&*at.path),
            lines: Vec::new(),
        })
    }

    /// `within`, as it is written.
    fn radius(&mut self, at: &At<'_>) -> Option<Arc<str>> {
        let place = at.get("within")?;
        let text = place.node.text()?.clone();
        let number = ["km", "mi", "m"].iter().find_map(|unit| text.trim().strip_suffix(unit)).map(str::trim_end);
        let plain = |number: &&str| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
        let number = number.filter(plain).and_then(|number| number.parse::<f64>().ok());
        if number.is_none_or(|number| !number.is_finite() || number <= 0.0) {
            let message = format!("`{}` is not a distance above zero", cut(&text));
            self.error("bad_distance", &place, message, Some("write `500m`, `2.5km` or `2mi`".to_owned()));
            return None;
        }
        Some(text)
    }
}

impl At<'_> {
    /// The owner that is declared.
    pub(super) fn owner(&self) -> Option<Owner> {
        self.text("owner").and_then(|word| Owner::named(&word))
    }
}

fn one_of(fact: &str, words: &[Arc<str>]) -> Option<String> {
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    match &words[..] {
        [] => None,
        [only] => Some(format!("location.{fact} == {only}")),
        _ => Some(format!("location.{fact} in [{}]", words.join(", "))),
    }
}

/// A text as the rule language writes it.
fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
