//! Journeys in the box: `template: five_stage` stands for the stages of a document that comes with the crate, and what the journey
//! says itself overrides it.

use super::source::{Findings, Source, Spot, cut, saturate};
use super::tree::{Content, Entry, Limits, Node, Written};
use super::yaml;
use crate::error::nearest;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The standard vocabulary of events, as a part of a playbook: the names of Segment's e-commerce specification in snake case, and what
/// else the templates use.
pub const VOCABULARY: &str = include_str!("templates/vocabulary.yaml");

/// Name, form, text.
const TEMPLATES: [(&str, &str, &str); 3] = [
    ("five_stage", "b2c", include_str!("templates/five_stage.yaml")),
    ("buying_cycle", "b2c", include_str!("templates/buying_cycle_b2c.yaml")),
    ("buying_cycle", "b2b", include_str!("templates/buying_cycle_b2b.yaml")),
];

/// The names that Google Analytics 4 recommends for events of the vocabulary, where it has any.
pub const GA4: [(&str, &str); 18] = [
    ("page", "page_view"),
    ("products_searched", "search"),
    ("product_list_viewed", "view_item_list"),
    ("promotion_viewed", "view_promotion"),
    ("promotion_clicked", "select_promotion"),
    ("product_clicked", "select_item"),
    ("product_viewed", "view_item"),
    ("product_added", "add_to_cart"),
    ("product_removed", "remove_from_cart"),
    ("cart_viewed", "view_cart"),
    ("checkout_started", "begin_checkout"),
    ("payment_info_entered", "add_payment_info"),
    ("order_completed", "purchase"),
    ("order_refunded", "refund"),
    ("product_added_to_wishlist", "add_to_wishlist"),
    ("product_shared", "share"),
    ("signed_up", "sign_up"),
    ("lead_generated", "generate_lead"),
];

/// The keys of a journey that are about its template.
const OWN: [&str; 5] = ["template", "form", "vocabulary", "names", "without"];

/// The templates: name and form.
pub(super) const NAMES: [&str; 2] = ["five_stage", "buying_cycle"];

/// How many journeys of a playbook may use a template: each is written out in full.
const MOST: usize = 100;

/// Writes out the templates that journeys of a document use. Returns the event types that they need, with their declarations.
pub(super) fn expand(root: &mut Node, limits: Limits, findings: &mut Findings<'_>) -> Vec<Entry> {
    let mut needed = Vec::new();
    let Content::Map(sections) = &mut root.content else { return needed };
    let Some(section) = sections.iter_mut().find(|entry| &*entry.key == "journeys") else { return needed };
    let Content::Map(journeys) = &mut section.value.content else { return needed };
    let mut count = 0;
    for journey in journeys {
        let path = format!("journeys.{}", cut(&journey.key));
        if journey.value.entry("template").is_some() {
            count += 1;
            if count > MOST {
                let message = format!("more than {MOST} journeys use a template");
                findings.error("too_many", journey.spot, &path, message, None);
                break;
            }
            needed.extend(write_out(&mut journey.value, &path, limits, findings));
        }
    }
    needed
}

/// Adds the event types that templates need and no document declares.
pub(super) fn declare(root: &mut Node, needed: Vec<Entry>) {
    let Content::Map(sections) = &mut root.content else { return };
    if needed.is_empty() {
        return;
    }
    let spot = root.spot;
    if !sections.iter().any(|section| &*section.key == "events") {
        let value = Node { spot, content: Content::Map(Vec::new()) };
        sections.push(Entry { key: Arc::from("events"), spot, value });
    }
    let Some(events) = sections.iter_mut().find(|section| &*section.key == "events") else { return };
    if matches!(events.value.content, Content::Null) {
        events.value.content = Content::Map(Vec::new());
    }
    let Content::Map(declared) = &mut events.value.content else { return };
    for event in needed {
        if !declared.iter().any(|own| own.key == event.key) && !super::reserved::OUTCOMES.contains(&&*event.key) {
            declared.push(event);
        }
    }
}

fn write_out(journey: &mut Node, path: &str, limits: Limits, findings: &mut Findings<'_>) -> Vec<Entry> {
    let text = |key: &str| journey.entry(key).and_then(|entry| entry.value.text().cloned());
    let spot = |key: &str| journey.entry(key).map_or(journey.spot, |entry| entry.value.spot);
    let Some(name) = text("template") else { return Vec::new() };
    let form = text("form").unwrap_or_else(|| Arc::from("b2c"));
    let Some((_, _, template)) = TEMPLATES.iter().find(|(own, of, _)| **own == *name && **of == *form) else {
        // A name or form that no template has is no word that may stand there, which is reported where words are checked.
        if NAMES.contains(&&*name) && TEMPLATES.iter().any(|(_, of, _)| **of == *form) {
            let forms: Vec<&str> = TEMPLATES.iter().filter(|(own, ..)| **own == *name).map(|(_, form, _)| *form).collect();
            let message = format!("template `{}` has no form `{}`", name, cut(&form));
            let hint = Some(format!("its forms: {}", forms.join(", ")));
            findings.error("unknown_name", spot("form"), &format!("{path}.form"), message, hint);
        }
        return Vec::new();
    };
    let Some(mut whole) = parsed(&format!("template {name} {form}"), template, limits, findings) else { return Vec::new() };
    let vocabulary = parsed("vocabulary", VOCABULARY, limits, findings);
    let declared = vocabulary.as_ref().and_then(|root| root.entry("events")).map_or(&[][..], |events| events.value.entries());
    let names = names(journey, path, declared, findings);
    let without = stages_without(journey, &whole, path, &name, findings);
    remove(&mut whole, &without);
    unknown_stages(journey, &whole, path, &name, findings);
    let mut used = Vec::new();
    rename(&mut whole, "", &names, declared, &mut used);
    let needed = declared
        .iter()
        .filter(|event| used.contains(&event.key))
        .map(|event| Entry { key: names.get(&event.key).cloned().unwrap_or_else(|| event.key.clone()), ..event.clone() });
    let mut needed: Vec<Entry> = needed.collect();
    override_with(&mut whole, journey);
    // What the journey says itself may use the vocabulary too.
    let mut own = Vec::new();
    rename(&mut whole, "", &BTreeMap::new(), declared, &mut own);
    needed.extend(declared.iter().filter(|event| own.contains(&event.key)).cloned());
    journey.content = whole.content;
    needed
}

/// A document of the crate as a tree.
fn parsed(name: &str, text: &'static str, limits: Limits, findings: &mut Findings<'_>) -> Option<Node> {
    let document = match findings.sources.iter().position(|source| *source.name == *name) {
        Some(document) => document,
        None => {
            findings.sources.push(Source::new(name, text));
            findings.sources.len() - 1
        }
    };
    yaml::parse(saturate(document), limits, findings)
}

/// What the playbook calls the events of the vocabulary.
fn names(journey: &Node, path: &str, declared: &[Entry], findings: &mut Findings<'_>) -> BTreeMap<Arc<str>, Arc<str>> {
    let mut names: BTreeMap<Arc<str>, Arc<str>> = BTreeMap::new();
    let vocabulary = journey.entry("vocabulary").and_then(|entry| entry.value.text());
    if vocabulary.is_some_and(|word| **word == *"ga4") {
        names.extend(GA4.iter().map(|(own, ga4)| (Arc::from(*own), Arc::from(*ga4))));
    }
    for entry in journey.entry("names").map_or(&[][..], |entry| entry.value.entries()) {
        if !declared.iter().any(|event| event.key == entry.key) {
            let hint = nearest(&entry.key, declared.iter().map(|event| &*event.key));
            let message = format!("the vocabulary has no event `{}`", cut(&entry.key));
            let hint = hint.map(|near| format!("did you mean `{near}`?"));
            findings.error("unknown_name", entry.spot, &format!("{path}.names.{}", cut(&entry.key)), message, hint);
        } else if let Some(own) = entry.value.text() {
            names.insert(entry.key.clone(), own.clone());
        }
    }
    names
}

/// The stages that the journey leaves out.
fn stages_without(journey: &Node, template: &Node, path: &str, name: &str, findings: &mut Findings<'_>) -> Vec<Arc<str>> {
    let mut without = Vec::new();
    let Some(list) = journey.entry("without").map(|entry| &entry.value) else { return without };
    let single = std::slice::from_ref(list);
    let items = if let Content::List(items) = &list.content { &items[..] } else { single };
    for item in items {
        let Some(stage) = item.text() else { continue };
        if stages(template).iter().any(|entry| entry.key == *stage) {
            without.push(stage.clone());
        } else {
            no_stage(stage, item.spot, &format!("{path}.without"), template, name, findings);
        }
    }
    without
}

/// Overrides of stages that the template does not have.
fn unknown_stages(journey: &mut Node, template: &Node, path: &str, name: &str, findings: &mut Findings<'_>) {
    let Content::Map(entries) = &mut journey.content else { return };
    let Some(own) = entries.iter_mut().find(|entry| &*entry.key == "stages") else { return };
    let Content::Map(own) = &mut own.value.content else { return };
    own.retain(|stage| {
        let known = stages(template).iter().any(|entry| entry.key == stage.key);
        if !known {
            no_stage(&stage.key, stage.spot, &format!("{path}.stages.{}", cut(&stage.key)), template, name, findings);
        }
        known
    });
}

fn no_stage(stage: &str, spot: Spot, path: &str, template: &Node, name: &str, findings: &mut Findings<'_>) {
    let known: Vec<&str> = stages(template).iter().map(|entry| &*entry.key).collect();
    let hint = nearest(stage, known.iter().copied())
        .map_or_else(|| format!("its stages: {}", known.join(", ")), |near| format!("did you mean `{near}`?"));
    let message = format!("template `{name}` has no stage `{}`", cut(stage));
    findings.error("unknown_name", spot, path, message, Some(hint));
}

fn stages(template: &Node) -> &[Entry] {
    template.entry("stages").map_or(&[], |entry| entry.value.entries())
}

/// Takes stages out, and the ways that lead from and to them.
fn remove(template: &mut Node, without: &[Arc<str>]) {
    let Content::Map(entries) = &mut template.content else { return };
    let Some(stages) = entries.iter_mut().find(|entry| &*entry.key == "stages") else { return };
    let Content::Map(stages) = &mut stages.value.content else { return };
    let gone = |node: &Node| node.text().is_some_and(|text| without.contains(text));
    stages.retain(|stage| !without.contains(&stage.key));
    for stage in stages {
        let Content::Map(keys) = &mut stage.value.content else { continue };
        keys.retain(|key| !key.value.entry("to").is_some_and(|to| gone(&to.value)));
        for key in keys.iter_mut().filter(|key| &*key.key == "from") {
            if let Content::List(from) = &mut key.value.content {
                from.retain(|stage| !gone(stage));
            }
        }
    }
}

/// Puts the playbook's names in the place of the vocabulary's, in lists of events and in rules; tells which were used.
fn rename(node: &mut Node, key: &str, names: &BTreeMap<Arc<str>, Arc<str>>, declared: &[Entry], used: &mut Vec<Arc<str>>) {
    match &mut node.content {
        Content::Map(entries) => {
            for entry in entries {
                let key = entry.key.clone();
                rename(&mut entry.value, &key, names, declared, used);
            }
        }
        Content::List(items) => items.iter_mut().for_each(|item| rename(item, key, names, declared, used)),
        Content::Text(written) => {
            let mut text = written.text.to_string();
            if matches!(key, "on" | "reset_on" | "until") {
                used.push(written.text.clone());
                text = names.get(&written.text).map_or(text, |own| own.to_string());
            } else if matches!(key, "enter" | "when" | "exit") {
                for event in declared {
                    let quoted = format!("\"{}\"", event.key);
                    if text.contains(&quoted) {
                        used.push(event.key.clone());
                        let own = names.get(&event.key).unwrap_or(&event.key);
                        text = text.replace(&quoted, &format!("\"{own}\""));
                    }
                }
            }
            if *text != *written.text {
                *written = Written { text: Arc::from(text), runs: Vec::new(), quoted: written.quoted };
            }
        }
        Content::Null | Content::Bool(_) | Content::Number(_) => {}
    }
}

/// What the journey says stands in the place of what the template says, key by key; nothing takes a key away.
fn override_with(template: &mut Node, own: &Node) {
    let Content::Map(entries) = &mut template.content else { return };
    for entry in own.entries().iter().filter(|entry| !OWN.contains(&&*entry.key)) {
        let place = entries.iter().position(|known| known.key == entry.key);
        match (place, &entry.value.content) {
            (Some(place), Content::Null) => {
                entries.remove(place);
            }
            (Some(place), Content::Map(_)) => {
                if let Some(known) = entries.get_mut(place) {
                    if matches!(known.value.content, Content::Map(_)) {
                        override_with(&mut known.value, &entry.value);
                    } else {
                        known.value = entry.value.clone();
                    }
                    known.spot = entry.spot;
                }
            }
            (Some(place), _) => {
                if let Some(known) = entries.get_mut(place) {
                    *known = entry.clone();
                }
            }
            (None, Content::Null) => {}
            (None, _) => entries.push(entry.clone()),
        }
    }
}
