//! Names that earlier versions of the playbook had.

use super::model::{EventType, Renamed, RenamedKind};
use super::read::{At, Loader};
use super::source::cut;
use std::sync::Arc;

impl Loader<'_> {
    /// Old names; `events` are those declared here.
    pub(super) fn renamed(&mut self, root: &At<'_>, events: &[EventType]) -> Vec<Renamed> {
        let Some(section) = root.get("renamed") else { return Vec::new() };
        let mut list = Vec::new();
        let own = events.iter().map(|event| event.name.text.clone()).collect();
        let attributes = self.declared.attributes.clone();
        for (key, noun, what, known) in [
            ("events", "event type", RenamedKind::Event, &own),
            ("attributes", "attribute", RenamedKind::Attribute, &*attributes),
        ] {
            for at in section.get(key).iter().flat_map(At::children).collect::<Vec<_>>() {
                if known.contains(&at.key) {
                    let message = format!("{noun} `{}` is declared, so it has not been renamed", cut(&at.key));
                    self.error_at_key("duplicate_name", &at, message, None);
                }
                let new = self.reference(&at, noun, known);
                list.extend(new.map(|new| Renamed { what: what.clone(), old: at.key.clone(), new }));
            }
        }
        for at in section.get("properties").iter().flat_map(At::children).collect::<Vec<_>>() {
            let event = at
                .key
                .split_once('.')
                .and_then(|(event, old)| Some((events.iter().find(|declared| *declared.name.text == *event)?, old)));
            let Some((event, old)) = event else {
                let message = format!("`{}` names no property of a declared event type", cut(&at.key));
                self.error_at_key("unknown_name", &at, message, Some("write `<event type>.<old name>`".to_owned()));
                continue;
            };
            let known = event.properties.iter().map(|property| property.name.text.clone()).collect();
            let what = RenamedKind::Property { event: event.name.text.clone() };
            let new = self.reference(&at, "property", &known);
            list.extend(new.map(|new| Renamed { what, old: Arc::from(old), new }));
        }
        list
    }
}
