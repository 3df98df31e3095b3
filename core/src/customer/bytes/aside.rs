use crate::customer::{Details, Event, Identifier};
use crate::encoding::{Reader, StateError, Writer, read_value, write_value};
use crate::value::Timestamp;
use std::fmt;

/// An event that was told to another version of the playbook and does not fit this one. It is kept as it was told, and read again
/// by a version that it fits.
#[derive(Clone, PartialEq)]
pub struct Aside {
    pub(super) event: Event,
    pub(super) code: &'static str,
    pub(super) path: String,
}

impl Aside {
    /// The event as it was told.
    #[must_use]
    pub fn event(&self) -> &Event {
        &self.event
    }

    /// Why it does not fit: the code of an [`EventError`](crate::EventError).
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// What of it does not fit, such as `properties.amount`.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }
}

// Personal values are not shown.
impl fmt::Debug for Aside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Aside({} {} {})", self.event.event_type, self.code, self.path)
    }
}

pub(super) fn write_aside(writer: &mut Writer, events: &[Aside]) {
    write_events(writer, &events.iter().map(Aside::event).collect::<Vec<_>>());
}

/// Events as they were told.
pub(super) fn write_events(writer: &mut Writer, events: &[&Event]) {
    writer.size(events.len());
    for event in events {
        writer.text(&event.event_type);
        writer.signed(event.time.micros());
        writer.signed(event.known_at.unwrap_or(event.time).micros());
        writer.signed(event.sequence);
        for text in [&event.id, &event.channel, &event.source] {
            writer.text(text.as_deref().unwrap_or(""));
        }
        writer.size(event.properties.len());
        for (name, value) in &event.properties {
            writer.text(name);
            write_value(writer, value);
        }
        let details = event.details.as_ref().and_then(|details| details.canonical().ok());
        writer.text(details.as_deref().unwrap_or(""));
    }
}

pub(super) fn read_aside(mut reader: Reader<'_>, identifier: &Identifier) -> Result<Vec<Aside>, StateError> {
    let count = reader.count(9)?;
    let mut events = Vec::with_capacity(count);
    for _ in 0..count {
        let event_type = reader.text()?.to_owned();
        let (time, known_at, sequence): (Timestamp, Timestamp, i64) = (reader.time()?, reader.time()?, reader.signed()?);
        let mut text = || reader.text().map(|text| (!text.is_empty()).then(|| text.to_owned()));
        let (id, channel, source) = (text()?, text()?, text()?);
        let properties = reader.count(2)?;
        let properties: Result<Vec<_>, StateError> =
            (0..properties).map(|_| Ok((reader.text()?.to_owned(), read_value(&mut reader)?))).collect();
        let properties = properties?;
        let details = Some(Details::of_canonical(reader.text()?)).filter(|details| !details.is_empty()).map(Box::new);
        let known_at = (known_at != time).then_some(known_at);
        let identifiers = vec![identifier.clone()];
        let event = Event { event_type, time, known_at, identifiers, id, sequence, channel, source, properties, details };
        events.push(Aside { event, code: "", path: String::new() });
    }
    reader.end()?;
    Ok(events)
}
