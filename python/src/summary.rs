//! What a playbook declares, as plain dicts and lists.

use pyo3::prelude::*;
use pyo3::types::PyDict;
use tactful::playbook::{
    Attribute, ConsentDefault, ContactRule, EventType, Format, Journey, Name, Offer, Origin, Placement, Playbook, Scope,
    Sensitivity, Stage,
};
use tactful::value::{Unit, Window};

type Dict<'py> = PyResult<Bound<'py, PyDict>>;

/// A dict with these entries, in this order.
macro_rules! dict {
    ($py:expr, $($key:literal: $value:expr),+ $(,)?) => {{
        let dict = PyDict::new($py);
        $(dict.set_item($key, $value)?;)+
        Ok::<_, PyErr>(dict)
    }};
}

/// The whole playbook.
pub(crate) fn of<'py>(py: Python<'py>, playbook: &Playbook) -> Dict<'py> {
    dict!(py,
        "name": text(&playbook.name),
        "version": playbook.version,
        "title": playbook.title.as_deref(),
        "digest": &*playbook.digest,
        "time_zone": playbook.time_zone.to_string(),
        "namespaces": each(&playbook.namespaces, |namespace| dict!(py, "name": text(&namespace.name), "anonymous": namespace.anonymous))?,
        "purposes": each(&playbook.purposes, |purpose| dict!(py,
            "name": text(&purpose.name),
            "title": purpose.title.as_deref(),
            "default": match purpose.default {
                ConsentDefault::OptIn => "opt_in",
                ConsentDefault::OptOut => "opt_out",
            },
        ))?,
        "attributes": each(&playbook.attributes, |attribute| self::attribute(py, attribute))?,
        "events": each(&playbook.events, |event| self::event(py, event))?,
        "request": each(&playbook.request, |fact| dict!(py, "name": text(&fact.name), "type": fact.ty.to_string()))?,
        "segments": each(&playbook.segments, |segment| dict!(py,
            "name": text(&segment.name),
            "title": segment.title.as_deref(),
            "when": &*segment.when.text,
        ))?,
        "personas": each(&playbook.personas, |persona| dict!(py,
            "name": text(&persona.name),
            "title": persona.title.as_deref(),
            "prior": persona.prior,
        ))?,
        "journeys": each(&playbook.journeys, |journey| self::journey(py, journey))?,
        "channels": each(&playbook.channels, |channel| dict!(py,
            "name": text(&channel.name),
            "format": match channel.format {
                Format::Text => "text",
                Format::Html => "html",
                Format::Json => "json",
            },
        ))?,
        "offers": each(&playbook.offers, |offer| self::offer(py, offer))?,
        "placements": each(&playbook.placements, |placement| self::placement(py, placement))?,
        "contact": each(&playbook.contact, |rule| contact(py, rule))?,
    )
}

fn each<'py, T>(items: &[T], item: impl Fn(&T) -> Dict<'py>) -> PyResult<Vec<Bound<'py, PyDict>>> {
    items.iter().map(item).collect()
}

fn text(name: &Name) -> &str {
    &name.text
}

fn texts(names: &[Name]) -> Vec<&str> {
    names.iter().map(text).collect()
}

fn attribute<'py>(py: Python<'py>, attribute: &Attribute) -> Dict<'py> {
    dict!(py,
        "name": text(&attribute.name),
        "title": attribute.title.as_deref(),
        "type": attribute.ty.to_string(),
        "origin": match attribute.origin {
            Origin::Stated => "stated",
            Origin::Observed => "observed",
            Origin::Inferred => "inferred",
            Origin::ThirdParty => "third_party",
        },
        "sensitivity": match attribute.sensitivity {
            Sensitivity::Public => "public",
            Sensitivity::Personal => "personal",
            Sensitivity::Special => "special",
        },
        "purposes": attribute.purposes.as_deref().map(texts),
    )
}

fn event<'py>(py: Python<'py>, event: &EventType) -> Dict<'py> {
    dict!(py,
        "name": text(&event.name),
        "title": event.title.as_deref(),
        "properties": each(&event.properties, |property| dict!(py,
            "name": text(&property.name),
            "type": property.ty.to_string(),
            "required": property.required,
        ))?,
    )
}

fn journey<'py>(py: Python<'py>, journey: &Journey) -> Dict<'py> {
    let stage = |stage: &Stage| {
        dict!(py,
            "name": text(&stage.name),
            "title": stage.title.as_deref(),
            "goal": stage.goal.as_deref(),
            "no_data": stage.no_data.as_deref(),
            "drop_out": stage.drop_out,
        )
    };
    dict!(py, "name": text(&journey.name), "title": journey.title.as_deref(), "stages": each(&journey.stages, stage)?)
}

fn offer<'py>(py: Python<'py>, offer: &Offer) -> Dict<'py> {
    dict!(py,
        "name": text(&offer.name),
        "title": offer.title.as_deref(),
        "purposes": texts(&offer.purposes),
        "priority": offer.priority,
        "placements": texts(&offer.placements),
    )
}

fn placement<'py>(py: Python<'py>, placement: &Placement) -> Dict<'py> {
    dict!(py,
        "name": text(&placement.name),
        "title": placement.title.as_deref(),
        "channel": text(&placement.channel),
        "slots": placement.slots,
        "fallback": placement.fallback.as_ref().map(|fallback| &*fallback.message),
    )
}

fn contact<'py>(py: Python<'py>, rule: &ContactRule) -> Dict<'py> {
    match rule {
        ContactRule::Cap { name, count, scope, at_most, per } => {
            let (per, scope) = (window(per), self::scope(scope));
            let words = format!("at most {at_most} `{}` per {per}, counted for {}", count.text, told(&scope));
            dict!(py, "name": &**name, "text": words, "count": text(count), "scope": scope, "at_most": *at_most, "per": per)
        }
        ContactRule::Pause { name, after, scope, pause } => {
            let scope = self::scope(scope);
            let words = format!("a pause of {pause} after `{}`, for {}", after.text, told(&scope));
            dict!(py, "name": &**name, "text": words, "after": text(after), "scope": scope, "pause": pause.to_string())
        }
    }
}

/// A scope as the playbook writes it.
fn scope(scope: &Scope) -> String {
    match scope {
        Scope::Offer => "offer".to_owned(),
        Scope::Placement => "placement".to_owned(),
        Scope::Channel(None) => "channel".to_owned(),
        Scope::Channel(Some(channel)) => format!("channel({})", channel.text),
        Scope::Everything => "everything".to_owned(),
    }
}

fn told(scope: &str) -> String {
    match scope {
        "offer" | "placement" | "channel" => format!("each {scope}"),
        "everything" => "everything together".to_owned(),
        only => only.to_owned(),
    }
}

fn window(window: &Window) -> String {
    match window {
        Window::Rolling(length) => format!("rolling {length}"),
        Window::Calendar(Unit::Day) => "day".to_owned(),
        Window::Calendar(Unit::Week { .. }) => "week".to_owned(),
        Window::Calendar(Unit::Month) => "month".to_owned(),
        Window::Session => "session".to_owned(),
        Window::Lifetime => "lifetime".to_owned(),
    }
}
