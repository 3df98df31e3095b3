use super::message::Message;
use crate::customer::{Event, EventError};

/// tactful's own form.
pub(super) fn read(message: &Message<'_>) -> Result<Vec<Event>, EventError> {
    let event = Event::from_json(&message.value.to_json().to_string());
    event.map(|event| vec![event]).map_err(|error| {
        let path = match (message.path.as_str(), error.path()) {
            ("", path) | (path, "") => path.to_owned(),
            (before, path) => format!("{before}.{path}"),
        };
        EventError::new(error.code(), path, error.message())
    })
}
