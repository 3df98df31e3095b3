//! CloudEvents as HTTP requests carry them: the attributes in headers and the data in the body, or all of it in the body.

use super::message::parse;
use super::{Form, Intake, LeftOut, MAX_BYTES};
use crate::customer::EventError;
use crate::engine::Engine;
use crate::value::{Timestamp, Value};

/// What the headers of a request say.
#[derive(Debug, Default)]
pub(crate) struct Headers {
    /// The attributes of an event, such as `type` of the header `ce-type`.
    attributes: Vec<(String, String)>,
    content: Content,
}

/// What the body is, by its content type.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Content {
    /// JSON, or nothing is said of it.
    #[default]
    Json,
    /// An event as a whole, or several.
    CloudEvents,
    /// Anything else.
    Other,
}

/// The body of a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Body<'b> {
    Text(&'b str),
    Json(&'b Value),
}

impl Headers {
    /// # Errors
    /// For a header that is told twice, that is not escaped as the binding demands, or for a content that cannot be read.
    pub(crate) fn of<'h>(headers: impl IntoIterator<Item = (&'h str, &'h str)>) -> Result<Self, EventError> {
        let mut found = Headers::default();
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            if name == "content-type" {
                found.content = content(value)?;
                continue;
            }
            // Message queues write an underscore, and text as it is.
            let (attribute, value) = match (name.strip_prefix("ce-"), name.strip_prefix("ce_")) {
                (Some(attribute), _) => (attribute, unescaped(value).ok_or_else(|| escaped_wrongly(&name))?),
                (None, Some(attribute)) => (attribute, value.to_owned()),
                (None, None) => continue,
            };
            if found.attributes.iter().any(|(own, _)| own == attribute) {
                return Err(EventError::new("duplicate_key", shown(&name), "the header stands there twice"));
            }
            found.attributes.push((attribute.to_owned(), value));
        }
        Ok(found)
    }

    /// Whether the attributes of one event stand in them.
    fn is_binary(&self) -> bool {
        self.content != Content::CloudEvents && self.attributes.iter().any(|(name, _)| name == "specversion")
    }
}

/// # Errors
/// For a character set other than UTF-8, and for events in another format than JSON.
fn content(value: &str) -> Result<Content, EventError> {
    let mut parts = value.split(';').map(str::trim);
    let media = parts.next().unwrap_or("").to_ascii_lowercase();
    for (name, set) in parts.filter_map(|part| part.split_once('=')) {
        let set = set.trim().trim_matches('"');
        if name.trim().eq_ignore_ascii_case("charset")
            && !["utf-8", "utf8", "us-ascii"].iter().any(|own| set.eq_ignore_ascii_case(own))
        {
            return Err(EventError::new("not_utf8", "content-type", "expected a body in UTF-8"));
        }
    }
    let json = media.ends_with("+json") || matches!(&*media, "" | "application/json" | "text/json");
    match media.starts_with("application/cloudevents") {
        true if json => Ok(Content::CloudEvents),
        true => {
            let message =
                "expected CloudEvents in JSON: `application/cloudevents+json` or `application/cloudevents-batch+json`";
            Err(EventError::new("unknown_form", "content-type", message))
        }
        false if json => Ok(Content::Json),
        false => Ok(Content::Other),
    }
}

/// The value of a header: out of quotes, then out of percent-encoding.
fn unescaped(value: &str) -> Option<String> {
    let quoted = value.trim().strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let mut plain = String::with_capacity(value.len());
    match quoted {
        Some(quoted) => {
            let mut letters = quoted.chars();
            while let Some(letter) = letters.next() {
                plain.push(if letter == '\\' { letters.next()? } else { letter });
            }
        }
        None => plain.push_str(value.trim()),
    }
    let mut bytes = Vec::with_capacity(plain.len());
    let mut rest = plain.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let mut digit = || char::from(rest.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                u8::try_from(high * 16 + low).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(bytes).ok()
}

fn escaped_wrongly(name: &str) -> EventError {
    EventError::new("wrong_value", shown(name), "expected UTF-8 in percent-encoding, such as `%C3%A9`")
}

fn shown(name: &str) -> String {
    name.chars().take(80).collect()
}

/// # Errors
/// As for [`Engine::intake_http`].
pub(crate) fn read(
    engine: &Engine,
    headers: &Headers,
    body: Body<'_>,
    received: Option<Timestamp>,
) -> Result<Intake, EventError> {
    if !headers.is_binary() {
        let form = (headers.content == Content::CloudEvents).then_some(Form::CloudEvents);
        return match body {
            Body::Text(text) => engine.intake(text, form, received),
            Body::Json(tree) => engine.intake_tree(tree, form, received),
        };
    }
    let text = |(name, value): &(String, String)| (Value::text(name), Value::text(value));
    let mut event: Vec<(Value, Value)> =
        headers.attributes.iter().filter(|(name, _)| name != "data" && name != "data_base64").map(text).collect();
    let mut left_out = Vec::new();
    match (headers.content, body) {
        (_, Body::Text(text)) if text.trim().is_empty() => {}
        (Content::Other, _) => {
            left_out.push(LeftOut { path: "body".to_owned(), reason: "its content type is not JSON, so it has no properties" });
        }
        (_, Body::Text(text)) => {
            let data = parse(text).map_err(|error| EventError::new(error.code(), "body", error.message()))?;
            event.push((Value::text("data"), data));
        }
        (_, Body::Json(data)) => event.push((Value::text("data"), data.clone())),
    }
    let mut taken = engine.intake_tree(&Value::Map(event.into()), Some(Form::CloudEvents), received)?;
    for error in &mut taken.refused {
        *error = EventError::new(error.code(), in_request(error.path()), error.message());
    }
    taken.left_out.iter_mut().for_each(|part| part.path = in_request(&part.path));
    taken.left_out.extend(left_out);
    Ok(taken)
}

/// Where a part of an event stands in the request.
fn in_request(path: &str) -> String {
    match path.strip_prefix("data") {
        _ if path.is_empty() => String::new(),
        Some(rest) if rest.is_empty() || rest.starts_with('.') => format!("body{rest}"),
        _ => format!("ce-{path}"),
    }
}

impl Engine {
    /// Reads the events of an HTTP request, by its headers: a CloudEvent in binary mode, whose attributes are the headers `ce-…` and whose data
    /// is the body; one in structured mode or a batch, by the content type; and messages of the other forms, as [`intake`](Self::intake) does.
    /// Names of headers are taken in any case, and `ce_…` as message queues write it. A body of binary mode that is not JSON is left out.
    ///
    /// # Errors
    /// [`EventError`] for a body beyond [`MAX_BYTES`], one that is not UTF-8 or JSON, and for headers that cannot be read.
    ///
    /// # Examples
    /// ```
    /// use tactful::Engine;
    /// let engine = Engine::compile(&[("shop.yaml",
    ///     "{playbook: shop, version: 1, identity: {customer: {}}, events: {order: {amount: money(EUR)}}}")])?;
    /// let headers = [("content-type", "application/json"), ("ce-specversion", "1.0"), ("ce-type", "com.example.order"),
    ///     ("ce-source", "/till/3"), ("ce-id", "17"), ("ce-time", "2026-03-01T10:00:00Z"), ("ce-subject", "customer:ada")];
    /// let taken = engine.intake_http(headers, br#"{"amount": 12.5}"#, None)?;
    /// assert_eq!(taken.events[0].event_type, "order");
    /// assert_eq!(taken.events[0].identifiers[0].as_str(), "customer:ada");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn intake_http<'h>(
        &self,
        headers: impl IntoIterator<Item = (&'h str, &'h str)>,
        body: &[u8],
        received: Option<Timestamp>,
    ) -> Result<Intake, EventError> {
        if body.len() > MAX_BYTES {
            return Err(EventError::new("too_long", "", "a text has at most 4 MiB"));
        }
        let headers = Headers::of(headers)?;
        let text = match std::str::from_utf8(body) {
            Ok(text) => text,
            // What is not JSON has no properties, whatever its bytes.
            Err(_) if headers.is_binary() && headers.content == Content::Other => "…",
            Err(error) => {
                let message = format!("expected UTF-8, found another byte at position {}", error.valid_up_to());
                return Err(EventError::new("not_utf8", "body", message));
            }
        };
        read(self, &headers, Body::Text(text), received)
    }
}
