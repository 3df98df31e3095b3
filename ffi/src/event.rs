use crate::error::{tactful_error, tactful_status};
use crate::guard::{exclusive, free, giving, guard};
use crate::text::{tactful_text, time};
use crate::value::tactful_value;
use tactful::Event;

/// Something that happened, on its way into a story. It can be recorded any number of times, by any engine.
#[derive(Debug)]
pub struct tactful_event(pub(crate) Event);

/// Makes an event: its type, when it happened (microseconds since 1970-01-01T00:00:00Z) and whose it is, written
/// "namespace:value". The caller frees it with tactful_event_free.
///
/// Attributes are told as "attribute_set" with the properties "attribute" and "value", consent as "consent_given" and
/// "consent_withdrawn" with "purpose". Whether the type and the properties are declared is checked when it is recorded.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_event_new(
    event_type: tactful_text,
    time_micros: i64,
    identifier: tactful_text,
    event: *mut *mut tactful_event,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(event, "event", error, || {
        // SAFETY: by contract.
        let (event_type, identifier) = unsafe { (event_type.read("event_type")?, identifier.identifier("identifier")?) };
        let made = Event::new(event_type, time(time_micros, "time_micros")?, identifier);
        Ok(tactful_event(made))
    })
}

/// Makes an event from a JSON object with "type", "time" (RFC 3339), "identifier" or "identifiers", and optionally "id",
/// "sequence", "known_at", "channel", "source" and "properties". The caller frees it with tactful_event_free.
///
/// Thread-safe. Fails with TACTFUL_INVALID_ARGUMENT for a null pointer or broken UTF-8, with TACTFUL_INVALID_EVENT for other
/// JSON.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_event_from_json(
    json: tactful_text,
    event: *mut *mut tactful_event,
    error: *mut *mut tactful_error,
) -> tactful_status {
    giving(event, "event", error, || {
        // SAFETY: by contract.
        let made = Event::from_json(unsafe { json.read("json") }?)?;
        Ok(tactful_event(made))
    })
}

/// Sets a property, or unsets it with TACTFUL_VALUE_NONE. The value is copied. tactful_event_set_text and its likes are short for
/// this.
///
/// Not thread-safe for one event, as are all setters. Fails with TACTFUL_INVALID_ARGUMENT; the event is as before then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_event_set(
    event: *mut tactful_event,
    property: tactful_text,
    value: tactful_value,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (event, property) = unsafe { (exclusive(event, "event")?, property.read("property")?) };
        // SAFETY: by contract.
        let value = unsafe { value.read(&path("properties", property)) }?;
        set(&mut event.0.properties, property, value);
        Ok(())
    })
}

/// Sets the id, by which telling an event twice counts once. Without one its content stands for it.
///
/// Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_event_set_id(
    event: *mut tactful_event,
    id: tactful_text,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (event, id) = unsafe { (exclusive(event, "event")?, id.read("id")?) };
        event.0.id = Some(id.to_owned());
        Ok(())
    })
}

/// Sets the number that orders events of one instant; 0 otherwise.
///
/// Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_event_set_sequence(
    event: *mut tactful_event,
    sequence: i64,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        unsafe { exclusive(event, "event") }?.0.sequence = sequence;
        Ok(())
    })
}

/// Sets when the host learned of the event; when it happened otherwise.
///
/// Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_event_set_known_at(
    event: *mut tactful_event,
    known_at_micros: i64,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let event = unsafe { exclusive(event, "event") }?;
        event.0.known_at = Some(time(known_at_micros, "known_at_micros")?);
        Ok(())
    })
}

/// Sets the channel that the event came through.
///
/// Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_event_set_channel(
    event: *mut tactful_event,
    channel: tactful_text,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (event, channel) = unsafe { (exclusive(event, "event")?, channel.read("channel")?) };
        event.0.channel = Some(channel.to_owned());
        Ok(())
    })
}

/// Sets who told of the event.
///
/// Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_event_set_source(
    event: *mut tactful_event,
    source: tactful_text,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (event, source) = unsafe { (exclusive(event, "event")?, source.read("source")?) };
        event.0.source = Some(source.to_owned());
        Ok(())
    })
}

/// Sets under which circumstances the event happened, or unsets it with TACTFUL_VALUE_NONE: "device", "campaign", "referrer",
/// "page", "country", "region", "city", "postal_code", "store" and "origin" ("stated", "observed", "inferred", "third_party")
/// take text, "confidence" a number from 0 to 1, "point" text such as "52.52,13.405". All may be left out.
///
/// Fails with TACTFUL_INVALID_ARGUMENT, and with TACTFUL_INVALID_EVENT for another name or a value that does not fit; the event
/// is as before then.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_event_set_detail(
    event: *mut tactful_event,
    detail: tactful_text,
    value: tactful_value,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (event, detail) = unsafe { (exclusive(event, "event")?, detail.read("detail")?) };
        // SAFETY: by contract.
        let value = unsafe { value.read(detail) }?.unwrap_or(tactful::Value::Null);
        let mut details = event.0.details.clone().unwrap_or_default();
        details.set(detail, &value)?;
        event.0.details = (!details.is_empty()).then_some(details);
        Ok(())
    })
}

/// Adds an identifier under which the customer is known as well, or the second one of "linked" and "unlinked".
///
/// Fails with TACTFUL_INVALID_ARGUMENT.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_event_add_identifier(
    event: *mut tactful_event,
    identifier: tactful_text,
    error: *mut *mut tactful_error,
) -> tactful_status {
    guard(error, || {
        // SAFETY: by contract.
        let (event, identifier) = unsafe { (exclusive(event, "event")?, identifier.identifier("identifier")?) };
        event.0.identifiers.push(identifier);
        Ok(())
    })
}

/// Frees an event. Null is ignored.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn tactful_event_free(event: *mut tactful_event) {
    // SAFETY: by contract null or not freed yet.
    unsafe { free(event) }
}

/// `properties.amount`, with names cut to a length for people.
pub(crate) fn path(of: &str, name: &str) -> String {
    of.chars().chain(['.']).chain(name.chars().take(80)).collect()
}

/// Replaces, adds or removes a named value.
pub(crate) fn set(values: &mut Vec<(String, tactful::Value)>, name: &str, value: Option<tactful::Value>) {
    let place = values.iter().position(|(own, _)| own == name);
    match (place, value) {
        (Some(place), Some(value)) => values[place].1 = value,
        (Some(place), None) => drop(values.remove(place)),
        (None, Some(value)) => values.push((name.to_owned(), value)),
        (None, None) => {}
    }
}
