//! CloudEvents 1.0 in JSON.

use super::Taken;
use super::message::{Message, parse};
use super::segment::properties;
use crate::customer::{Event, EventError, Identifier};
use crate::value::Value;

/// The event of an envelope.
pub(super) fn read(message: &Message<'_>, taken: &mut Taken<'_>) -> Result<Vec<Event>, EventError> {
    let version = message.text("specversion")?.ok_or_else(|| message.missing("specversion", "expected `1.0`"))?;
    if version != "1.0" && !version.starts_with("1.") {
        return Err(message.wrong("unknown_version", "expected CloudEvents of version 1.0"));
    }
    let needed = |key: &str| message.text(key)?.ok_or_else(|| message.missing(key, "every CloudEvent has it"));
    let (id, source, kind) = (needed("id")?, needed("source")?, needed("type")?);
    let time = message.time("time")?.or(taken.received);
    let time = time.ok_or_else(|| message.missing("time", "expected `time`, or the instant at which the host received it"))?;
    let last = kind.rsplit(['.', '/', ':']).next().unwrap_or(&kind);
    let Some(event_type) = taken.names.event(&kind).or_else(|| taken.names.event(last)) else {
        taken.leave_out(
            if message.path.is_empty() { "type".to_owned() } else { format!("{}.type", message.path) },
            "no event type of the playbook is called like this message",
        );
        return Ok(Vec::new());
    };
    let decoded;
    let data = match (message.get("data"), message.get("data_base64")) {
        (Some(data), _) => Some(data),
        (None, Some(encoded)) => {
            decoded = decode(&encoded)?;
            Some(Message { value: &decoded, path: encoded.path })
        }
        (None, None) => None,
    };
    let identifiers = identifiers(message, data.as_ref(), taken)?;
    let declared = taken.names.properties(event_type);
    let properties = data.as_ref().map_or_else(Vec::new, |data| {
        let found = properties(data, &declared, taken);
        // Who it is about is no property.
        let about =
            |path: &str| taken.names.playbook.namespaces.iter().any(|own| path == format!("{}.{}", data.path, own.name.text));
        let kept: Vec<_> = taken.intake.left_out.drain(..).filter(|part| !about(&part.path)).collect();
        taken.intake.left_out = kept;
        found
    });
    Ok(vec![Event {
        event_type: event_type.to_owned(),
        time,
        known_at: taken.received,
        identifiers,
        // The specification: source and id together are unique.
        id: Some(format!("{source}#{id}")),
        sequence: 0,
        details: None,
        channel: None,
        source: Some(source),
        properties,
    }])
}

/// Whom it is about: extensions or keys of the data that are named like namespaces, `subject` as `namespace:value`, or `subject` alone in the
/// namespace of users.
fn identifiers(message: &Message<'_>, data: Option<&Message<'_>>, taken: &Taken<'_>) -> Result<Vec<Identifier>, EventError> {
    let mut found: Vec<Identifier> = Vec::new();
    let wrong =
        |error: crate::customer::IdentifierError| EventError::new(error.code(), message.path.clone(), error.to_string());
    for namespace in &taken.names.playbook.namespaces {
        let name = &*namespace.name.text;
        // Names of extensions have no underscores.
        let told = [Some(name.to_owned()), Some(name.replace('_', ""))].into_iter().flatten();
        let mut value = None;
        for key in told {
            value = value.or(message.text(&key)?);
        }
        if value.is_none()
            && let Some(data) = data
        {
            value = data.text(name).ok().flatten();
        }
        if let Some(value) = value {
            found.push(Identifier::new(name, &value).map_err(wrong)?);
        }
    }
    if let Some(subject) = message.text("subject")? {
        let whole = Identifier::parse(&subject).ok();
        let whole =
            whole.filter(|whole| taken.names.playbook.namespaces.iter().any(|own| *own.name.text == *whole.namespace()));
        match (whole, taken.names.user) {
            (Some(whole), _) if !found.contains(&whole) => found.push(whole),
            (None, Some(user)) if found.is_empty() => found.push(Identifier::new(user, &subject).map_err(wrong)?),
            _ => {}
        }
    }
    if found.is_empty() {
        return Err(message.missing("subject", "expected `subject`, or an extension named like a namespace of the playbook"));
    }
    Ok(found)
}

fn decode(encoded: &Message<'_>) -> Result<Value, EventError> {
    let wrong = || encoded.wrong("wrong_value", "expected JSON in base64");
    let Value::String(text) = encoded.value else { return Err(wrong()) };
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.bytes().filter(|letter| !letter.is_ascii_whitespace()) {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            b'=' => break,
            _ => return Err(wrong()),
        };
        bits = (bits << 6) | u32::from(six);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).unwrap_or(0));
        }
    }
    let text = String::from_utf8(bytes).map_err(|_| wrong())?;
    parse(&text).map_err(|_| wrong())
}
