//! The messages of Segment's specification: track, identify, page, screen, group, alias.

use super::Taken;
use super::message::Message;
use super::names::snake;
use crate::customer::{Details, Event, EventError, Identifier};
use crate::value::{Timestamp, Value};
use std::collections::BTreeMap;

/// The events by which Segment's libraries tell that somebody said what they permit; other messages only repeat it.
const CONSENT_UPDATED: [&str; 2] = ["segment_consent_preference_updated", "segment_consent_preference"];

/// In the id of an event, that its message only repeats what was permitted some time.
pub(super) const REPEATED: &str = "consent-repeated:";

const NOT_DECLARED: &str = "the playbook does not declare it";

/// The events of a message.
pub(super) fn read(
    message: &Message<'_>,
    envelope: Option<&Message<'_>>,
    taken: &mut Taken<'_>,
) -> Result<Vec<Event>, EventError> {
    let kind = match message.text("type")? {
        Some(kind) => kind,
        None if message.get("event").is_some() => "track".to_owned(),
        None => return Err(message.missing("type", "expected track, identify, page, screen, group or alias")),
    };
    let head = Head::of(message, envelope, taken)?;
    let mut told = false;
    let mut events: Vec<Event> = match kind.as_str() {
        "track" => {
            let name = message.text("event")?.ok_or_else(|| message.missing("event", "a track message names its event"))?;
            told = CONSENT_UPDATED.contains(&&*snake(&name));
            match told && taken.names.event(&name).is_none() {
                true => Vec::new(),
                false => head.event(message, &name, "properties", taken)?.into_iter().collect(),
            }
        }
        "page" | "screen" => head.event(message, &kind, "properties", taken)?.into_iter().collect(),
        "group" => head.group(message, taken)?,
        "identify" => head.identify(message, taken)?,
        "alias" => head.alias(message, taken)?,
        _ => {
            return Err(EventError::new(
                "wrong_value",
                format!("{}type", prefix(message)),
                "expected track, identify, page, screen, group or alias",
            ));
        }
    };
    events.extend(head.consents(message, told, taken)?);
    Ok(events)
}

/// What all kinds of messages have.
struct Head {
    id: Option<String>,
    time: Timestamp,
    known_at: Option<Timestamp>,
    channel: Option<String>,
    identifiers: Vec<Identifier>,
    details: Option<Box<Details>>,
}

impl Head {
    fn of(message: &Message<'_>, envelope: Option<&Message<'_>>, taken: &Taken<'_>) -> Result<Self, EventError> {
        let time = |key: &str| match message.time(key)? {
            None => envelope.map_or(Ok(None), |envelope| envelope.time(key)),
            found => Ok::<_, EventError>(found),
        };
        let received = time("receivedAt")?.or(taken.received);
        let (sent, told, original) = (time("sentAt")?, time("timestamp")?, time("originalTimestamp")?);
        let happened = match (told, original) {
            // Corrected already, by whoever wrote both.
            (Some(told), Some(_)) => told,
            // Segment: timestamp = receivedAt - (sentAt - originalTimestamp), so that a device's wrong clock cancels out.
            (Some(device), None) | (None, Some(device)) => match (sent, received) {
                (Some(sent), Some(received)) => received.saturating_add_micros(device.micros().saturating_sub(sent.micros())),
                _ => device,
            },
            (None, None) => received.ok_or_else(|| {
                message.missing("timestamp", "expected `timestamp`, or the instant at which the host received it")
            })?,
        };
        let mut identifiers = Vec::new();
        for (key, namespace) in [("userId", taken.names.user), ("anonymousId", taken.names.anonymous)] {
            if let (Some(value), Some(namespace)) = (message.text(key)?, namespace) {
                identifiers.push(identifier(message, key, namespace, &value)?);
            }
        }
        if identifiers.is_empty() {
            let message =
                message.missing("userId", "expected `userId` or `anonymousId`, of a namespace that the playbook declares");
            return Err(message);
        }
        Ok(Head {
            id: message.text("messageId")?,
            time: happened,
            known_at: received,
            channel: message.text("channel")?,
            identifiers,
            details: details(message),
        })
    }

    fn bare(&self, event_type: &str, part: Option<&str>) -> Event {
        let id = match (&self.id, part) {
            (Some(id), Some(part)) => Some(format!("{id}:{part}")),
            (id, _) => id.clone(),
        };
        Event {
            event_type: event_type.to_owned(),
            time: self.time,
            known_at: self.known_at,
            identifiers: self.identifiers.clone(),
            id,
            sequence: 0,
            details: self.details.clone(),
            channel: self.channel.clone(),
            source: Some("segment".to_owned()),
            properties: Vec::new(),
        }
    }

    /// An event with properties, when its type is declared.
    fn event(
        &self,
        message: &Message<'_>,
        name: &str,
        section: &str,
        taken: &mut Taken<'_>,
    ) -> Result<Option<Event>, EventError> {
        let Some(event_type) = taken.names.event(name) else {
            taken.leave_out(shown(message), "no event type of the playbook is called like this message");
            return Ok(None);
        };
        if let Some(wrong) = message.get(section).filter(|part| part.entries().is_none()) {
            return Err(wrong.wrong("wrong_type", &format!("expected {section} as an object")));
        }
        let mut event = self.bare(event_type, None);
        let declared = taken.names.properties(event_type);
        let mut used = Vec::new();
        for property in &declared {
            if let Some(found) = find(message, section, property, taken) {
                event.properties.push(((*property).to_owned(), found.value.clone()));
                used.push(found.path);
            }
        }
        if let Some(section) = message.get(section) {
            leave_out_rest(&section, &used, taken);
        }
        Ok(Some(event))
    }

    /// Attributes, and that both identifiers are the same person.
    fn identify(&self, message: &Message<'_>, taken: &mut Taken<'_>) -> Result<Vec<Event>, EventError> {
        let mut events = Vec::new();
        if self.identifiers.len() == 2 {
            events.push(self.bare("linked", Some("linked")));
        }
        let traits = message.get("traits").or_else(|| message.at("context.traits"));
        if let Some(traits) = &traits
            && traits.entries().is_none()
        {
            return Err(traits.wrong("wrong_type", "expected traits as an object"));
        }
        let mut used = Vec::new();
        let (found, rest) = attributes(traits.as_ref(), taken);
        for (attribute, part) in found {
            used.push(attribute);
            events.push(self.attribute(attribute, &part));
        }
        rest.into_iter().for_each(|path| taken.leave_out(path, NOT_DECLARED));
        // Attributes that the playbook finds elsewhere in the message, such as `context.timezone`.
        let playbook = taken.names.playbook;
        for (own, others) in &playbook.intake.attributes {
            let found = others.iter().filter(|path| path.contains('.')).find_map(|path| message.at(path));
            if let Some(part) = found.filter(|_| !used.contains(&&*own.text)) {
                events.push(self.attribute(&own.text, &part));
            }
        }
        Ok(events)
    }

    fn attribute(&self, attribute: &str, part: &Message<'_>) -> Event {
        let event = self.bare("attribute_set", Some(attribute));
        let mut event = event.with("attribute", attribute).with("value", part.value.clone());
        // The attribute is told of the person; the anonymous identifier is linked apart.
        event.identifiers.truncate(1);
        event
    }

    /// What the customer permits, by the categories of `context.consent.categoryPreferences`: a purpose is permitted when all of its
    /// categories are. Every message repeats it; what this text said already is not said again, unless the customer did just now.
    fn consents(&self, message: &Message<'_>, told: bool, taken: &mut Taken<'_>) -> Result<Vec<Event>, EventError> {
        let Some(preferences) = message.at("context.consent.categoryPreferences") else { return Ok(Vec::new()) };
        let Some(entries) = preferences.entries() else {
            return Err(preferences.wrong("wrong_type", "expected preferences as an object of truth values"));
        };
        let mut purposes: BTreeMap<&str, bool> = BTreeMap::new();
        for (category, part) in entries {
            let Value::Bool(permitted) = part.value else {
                return Err(part.wrong("wrong_type", "expected true or false"));
            };
            match taken.names.purpose(category) {
                Some(purpose) => *purposes.entry(purpose).or_insert(true) &= *permitted,
                None => taken.leave_out(part.path, NOT_DECLARED),
            }
        }
        let mut events = Vec::new();
        for (purpose, permitted) in purposes {
            let Some(identifier) = self.identifiers.first() else { continue };
            let before = taken.said.insert((identifier.to_string(), purpose.to_owned()), permitted);
            if !told && before == Some(permitted) {
                continue;
            }
            let word = if permitted { "consent_given" } else { "consent_withdrawn" };
            let part = if told { format!("consent:{purpose}") } else { format!("{REPEATED}{purpose}") };
            let mut event = self.bare(word, Some(&part)).with("purpose", purpose);
            event.identifiers.truncate(1);
            events.push(event);
        }
        Ok(events)
    }

    /// That the person belongs to the group, what the traits say of it, and an event `group` where the playbook declares one.
    fn group(&self, message: &Message<'_>, taken: &mut Taken<'_>) -> Result<Vec<Event>, EventError> {
        let Some((relation, namespace)) = taken.names.group else {
            return Ok(self.event(message, "group", "traits", taken)?.into_iter().collect());
        };
        let group = message.text("groupId")?.ok_or_else(|| message.missing("groupId", "a group message names the group"))?;
        let group = identifier(message, "groupId", namespace, &group)?;
        let mut related =
            self.bare("related", Some("related")).with("relation", &*relation.name.text).with("to", group.as_str());
        related.identifiers.truncate(1);
        let traits = message.get("traits");
        if let Some(wrong) = traits.as_ref().filter(|traits| traits.entries().is_none()) {
            return Err(wrong.wrong("wrong_type", "expected traits as an object"));
        }
        let role = traits.as_ref().and_then(|traits| traits.get("role")).and_then(|role| {
            let told = snake(role.value.as_text()?);
            relation.roles.iter().find(|role| snake(&role.name.text) == told)
        });
        if let Some(role) = role {
            related = related.with("role", &*role.name.text);
        }
        let mut events = vec![related];
        let (found, mut rest) = attributes(traits.as_ref(), taken);
        for (attribute, part) in &found {
            let mut told = self.attribute(attribute, part);
            told.identifiers = vec![group.clone()];
            events.push(told);
        }
        if taken.names.event("group").is_some() {
            // Left out is what became neither an attribute of the group nor a property of the event.
            let before = taken.intake.left_out.len();
            events.extend(self.event(message, "group", "traits", taken)?);
            let event: Vec<String> = taken.intake.left_out.drain(before..).map(|part| part.path).collect();
            rest.retain(|path| event.contains(path));
        }
        let role = traits.as_ref().and_then(|traits| traits.get("role")).map(|role| role.path);
        rest.retain(|path| Some(path) != role.as_ref());
        rest.into_iter().for_each(|path| taken.leave_out(path, NOT_DECLARED));
        Ok(events)
    }

    fn alias(&self, message: &Message<'_>, taken: &Taken<'_>) -> Result<Vec<Event>, EventError> {
        let previous = message.text("previousId")?;
        let previous = previous.ok_or_else(|| message.missing("previousId", "an alias message names the identifier before"))?;
        let namespace = taken.names.anonymous.or(taken.names.user);
        let Some(namespace) = namespace else { return Ok(Vec::new()) };
        let mut event = self.bare("linked", None);
        event.identifiers.truncate(1);
        event.identifiers.push(identifier(message, "previousId", namespace, &previous)?);
        Ok(vec![event])
    }
}

/// Device, campaign, page and place, from the context. What the story could not keep is not taken.
fn details(message: &Message<'_>) -> Option<Box<Details>> {
    let text = |paths: &[&str]| {
        let found = paths.iter().find_map(|path| message.at(path));
        let text = found.and_then(|found| found.value.as_text().map(str::to_owned));
        text.filter(|text| !text.is_empty() && text.len() <= Identifier::MAX_BYTES && !text.contains(char::is_control))
    };
    let details = Details {
        device: text(&["context.device.type", "context.device.model", "context.os.name"]),
        campaign: text(&["context.campaign.name"]),
        referrer: text(&["context.page.referrer", "context.referrer.url"]),
        page: text(&["context.page.path", "context.page.url", "context.screen.name"]),
        country: text(&["context.location.country"]),
        region: text(&["context.location.region"]),
        city: text(&["context.location.city"]),
        ..Details::default()
    };
    (!details.is_empty()).then(|| Box::new(details))
}

fn identifier(message: &Message<'_>, key: &str, namespace: &str, value: &str) -> Result<Identifier, EventError> {
    Identifier::new(namespace, value)
        .map_err(|error| EventError::new(error.code(), format!("{}{key}", prefix(message)), error.to_string()))
}

fn prefix(message: &Message<'_>) -> String {
    if message.path.is_empty() { String::new() } else { format!("{}.", message.path) }
}

fn shown(message: &Message<'_>) -> String {
    format!("{}event", prefix(message))
}

/// A property of a message: where the playbook says, under its own name in any spelling, in the head of the message, or in the context,
/// where `campaign_source` is `context.campaign.source`.
fn find<'a>(message: &Message<'a>, section: &str, property: &str, taken: &Taken<'_>) -> Option<Message<'a>> {
    let own = message.get(section);
    for path in taken.names.sources(property) {
        if let Some(found) = own.as_ref().and_then(|own| own.get(path).or_else(|| own.at(path))).or_else(|| message.at(path)) {
            return Some(found);
        }
    }
    let name = snake(property);
    if let Some(found) = own.as_ref().and_then(|own| spelled(own, &name)) {
        return Some(found);
    }
    if matches!(property, "name" | "category" | "group_id")
        && let Some(found) = message.get(if property == "group_id" { "groupId" } else { property })
    {
        return Some(found);
    }
    spelled(&message.get("context")?, &name).filter(|found| found.entries().is_none())
}

/// A part of an object under its name in any spelling, or inside of objects: `address_city` is `address.city`.
fn spelled<'a>(object: &Message<'a>, name: &str) -> Option<Message<'a>> {
    let entries = object.entries()?;
    let own = entries.iter().find(|(key, _)| snake(key) == name).map(|(_, part)| part.clone());
    own.or_else(|| entries.iter().find_map(|(key, part)| spelled(part, name.strip_prefix(&*snake(key))?.strip_prefix('_')?)))
}

/// The attributes that traits tell, by name, and the paths of what is none. An object is an attribute, or its parts are.
fn attributes<'n, 'm>(traits: Option<&Message<'m>>, taken: &Taken<'n>) -> (Vec<(&'n str, Message<'m>)>, Vec<String>) {
    let (mut found, mut rest) = (Vec::new(), Vec::new());
    for (name, part) in traits.and_then(Message::entries).unwrap_or_default() {
        attribute(name, part, taken, &mut found, &mut rest);
    }
    (found, rest)
}

fn attribute<'n, 'm>(
    name: &str,
    part: Message<'m>,
    taken: &Taken<'n>,
    found: &mut Vec<(&'n str, Message<'m>)>,
    rest: &mut Vec<String>,
) {
    if let Some(attribute) = taken.names.attribute(name) {
        return found.push((attribute, part));
    }
    let before = (found.len(), rest.len());
    for (key, inside) in part.entries().unwrap_or_default() {
        attribute(&format!("{name}.{key}"), inside, taken, found, rest);
    }
    if found.len() == before.0 {
        rest.truncate(before.1);
        rest.push(part.path);
    }
}

/// Leaves out the parts of an object that were not used, as wholes where nothing inside of them was.
fn leave_out_rest(object: &Message<'_>, used: &[String], taken: &mut Taken<'_>) {
    for (_, part) in object.entries().unwrap_or_default() {
        let inside = format!("{}.", part.path);
        if used.contains(&part.path) {
            continue;
        }
        match used.iter().any(|path| path.starts_with(&inside)) {
            true => leave_out_rest(&part, used, taken),
            false => taken.leave_out(part.path, NOT_DECLARED),
        }
    }
}

/// The properties that an object tells, for other forms: under the names that the playbook says, or their own in any spelling.
pub(super) fn properties(object: &Message<'_>, declared: &[&str], taken: &mut Taken<'_>) -> Vec<(String, Value)> {
    let (mut found, mut used) = (Vec::new(), Vec::new());
    if object.entries().is_none() {
        taken.leave_out(object.path.clone(), "expected an object");
    }
    for property in declared {
        let named = taken.names.sources(property).find_map(|path| object.get(path).or_else(|| object.at(path)));
        if let Some(part) = named.or_else(|| spelled(object, &snake(property))) {
            found.push(((*property).to_owned(), part.value.clone()));
            used.push(part.path);
        }
    }
    leave_out_rest(object, &used, taken);
    found
}
