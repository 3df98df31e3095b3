use super::sms::SmsLength;
use super::template::{Messages, TemplateName, shown};
use super::voice::{Listener, VariantRule};
use crate::context::Context;
use crate::decide::gates::{self, Detail, Stop};
use crate::decide::rules::{OfferRule, TreatmentRule};
use crate::decide::trace::Gate;
use crate::expr::{Facts, Outcome};
use crate::playbook::Format;
use crate::suggest::{Asking, Suggested};
use crate::value::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The longest text that a message may be given, in bytes; all together.
const MAX_VALUES: usize = 256 * 1024;

/// A message that was written, and what goes with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(in crate::decide) struct Written {
    pub(in crate::decide) message: String,
    pub(in crate::decide) headers: BTreeMap<Arc<str>, String>,
    pub(in crate::decide) sms: Option<SmsLength>,
    pub(in crate::decide) why: Vec<String>,
}

/// Writes the message of an offer: the wording that comes closest to the customer, with what it shows.
pub(in crate::decide) fn write(
    messages: &Messages,
    offer: Option<&OfferRule>,
    treatment: &TreatmentRule,
    context: &Context<'_>,
    items: Option<(&[Suggested], &Asking<'_, '_>)>,
    detail: Detail,
) -> Result<Written, Stop> {
    if let Some(message) = messages.of_everybody(treatment) {
        return Ok(Written { message: message.to_owned(), ..Written::default() });
    }
    let stop = |reason: String| Stop::new(Gate::Message, false, vec![reason]);
    let listener = Listener::new(&messages.voice, context);
    let Some((variant, language)) = closest(treatment, &listener) else {
        return Err(stop(format!(
            "no wording of the message is for this customer, whose language counts as `{}`",
            listener.language()
        )));
    };
    let mut values = BTreeMap::new();
    let mut bytes = 0;
    let item = items.and_then(|(items, asking)| asking.facts(items.first()?));
    let facts = item.as_ref().map_or(context as &dyn Facts, |item| item);
    for (name, rule, missing) in &treatment.with {
        let value = match (rule.ask(facts).outcome, missing) {
            (Outcome::Value(value), _) if !blank(&value) => {
                bytes += size(&value);
                shown(&value)
            }
            (_, Some(missing)) => (&**missing).into(),
            (_, None) => {
                let mut reasons =
                    vec![format!("the message needs `{name}`, which is not known and declares nothing for that case")];
                if detail == Detail::Full && offer.is_some_and(|offer| !offer.reads_item(rule)) {
                    reasons.extend(gates::reasons_of(rule, context));
                }
                return Err(Stop::new(Gate::Message, true, reasons));
            }
        };
        values.insert(&**name, value);
    }
    if bytes > MAX_VALUES {
        return Err(stop(format!("the message is given more than {MAX_VALUES} bytes")));
    }
    if let Some(offer) = &treatment.offer {
        values.entry("offer").or_insert_with(|| offer.clone());
    }
    if treatment.greets {
        if let Some(greeting) = listener.greeting(&language) {
            values.entry("greeting").or_insert_with(|| greeting.into());
        }
        values.entry("language").or_insert_with(|| (&*language).into());
        values.entry("address").or_insert_with(|| listener.address().name().into());
    }
    if let Some((items, asking)) = items {
        let items: Vec<minijinja::Value> = items.iter().map(|item| of_item(item, asking)).collect();
        if let Some(first) = items.first() {
            values.entry("item").or_insert_with(|| first.clone());
        }
        values.entry("items").or_insert_with(|| items.into());
    }
    let mut written = Written::default();
    if treatment.format == Format::Script {
        let items = items.map(|(items, ..)| items).unwrap_or_default();
        written.why = offer.map(|offer| why(offer, context, items)).unwrap_or_default();
        values.entry("why").or_insert_with(|| written.why.clone().into());
    }
    written.message = messages.render(&variant.template, &values).map_err(stop)?;
    if written.message.trim().is_empty() {
        return Err(stop("the message has no words".to_owned()));
    }
    for (name, template) in &variant.headers {
        let header = messages.render(template, &values).map_err(|error| stop(format!("header `{name}`: {error}")))?;
        written.headers.insert(name.clone(), header);
    }
    if treatment.format == Format::Sms {
        let length = SmsLength::of(&written.message);
        if length.segments > treatment.segments {
            let SmsLength { encoding, units, segments } = length;
            let most = treatment.segments;
            return Err(stop(format!(
                "the message takes {segments} segments ({units} units of {encoding}), at most {most} are sent"
            )));
        }
        written.sms = Some(length);
    }
    Ok(written)
}

impl Messages {
    /// The message of a treatment, when it is the same for everybody and always fits.
    pub(in crate::decide) fn of_everybody<'t>(&self, treatment: &'t TreatmentRule) -> Option<&'t str> {
        let plain = treatment.with.is_empty() && matches!(treatment.format, Format::Text | Format::Html | Format::Json);
        treatment.plain.as_ref().filter(|_| plain).and_then(TemplateName::constant)
    }
}

/// The wording that asks for most of those that fit, in the customer's language or else in the default one; of equals the first.
fn closest<'t>(treatment: &'t TreatmentRule, listener: &Listener<'_, '_, '_>) -> Option<(&'t VariantRule, Arc<str>)> {
    if let (Some(_), Some(variant)) = (&treatment.plain, treatment.variants.first()) {
        let language = if treatment.greets { listener.language().clone() } else { Arc::from("") };
        return Some((variant, language));
    }
    let among = |language: &str| {
        let mut best: Option<((u8, u8), &VariantRule)> = None;
        for variant in &treatment.variants {
            if let Some(fit) = variant.fits(listener, language)
                && best.is_none_or(|(other, _)| fit > other)
            {
                best = Some((fit, variant));
            }
        }
        best
    };
    let own = among(listener.language());
    let found = match own {
        // What is for no language in particular gives way to one in the default language.
        Some(((0, asked), variant)) => match among(listener.default_language()) {
            Some(((tongue, other), variant)) if tongue > 0 => Some(((tongue, other), variant)),
            _ => Some(((0, asked), variant)),
        },
        None => among(listener.default_language()),
        found => found,
    };
    let (_, variant) = found?;
    // The greeting is in the language of the wording.
    let language = match &variant.language {
        Some(own) if own.split(['-', '_']).next() == listener.language().split(['-', '_']).next() => {
            listener.language().clone()
        }
        Some(own) => own.clone(),
        None => listener.language().clone(),
    };
    Some((variant, language))
}

/// What has no words is as good as unknown.
pub(in crate::decide) fn blank(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim().is_empty(),
        Value::Null => true,
        _ => false,
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::List(items) => items.iter().map(|item| size(item) + 8).sum(),
        _ => 8,
    }
}

/// An item as templates see it; what is not known of it is not there.
fn of_item(item: &Suggested, asking: &Asking<'_, '_>) -> minijinja::Value {
    let catalog = &asking.shelf.catalog;
    let mut fields: BTreeMap<String, minijinja::Value> = BTreeMap::new();
    if let Some(found) = catalog.item(&item.item) {
        for (name, value) in asking.rules.known(found, asking.store()) {
            fields.insert(name.to_string(), shown(&value));
        }
    }
    fields.insert("reason".to_owned(), item.reason().into());
    if let Some(with) = item.with().and_then(|with| catalog.item(with)) {
        fields.insert("with".to_owned(), (&*with.name).into());
    }
    minijinja::Value::from_pairs(fields)
}

/// Why the offer is made, for somebody who speaks to the customer.
fn why(offer: &OfferRule, context: &Context<'_>, items: &[Suggested]) -> Vec<String> {
    let gates = offer.gates.iter().flat_map(|condition| gates::reasons_of(&condition.rule, context));
    gates.chain(items.iter().map(Suggested::reason)).collect()
}
