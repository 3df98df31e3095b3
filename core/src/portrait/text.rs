//! A portrait for a terminal.

use super::words::{clean, consent, count, day, length, percent, time, title, value};
use super::{Commitment, Portrait, PortraitAttribute, PortraitChance, PortraitEvent};
use crate::value::Zone;
use std::fmt::Write;
use std::sync::Arc;

/// Rows of one section, whose first columns are of one width.
#[derive(Default)]
struct Rows(Vec<(String, String)>);

impl Rows {
    fn add(&mut self, name: impl Into<String>, told: impl Into<String>) {
        self.0.push((name.into(), told.into()));
    }

    /// Writes the section unless it is empty.
    fn write(self, text: &mut String, head: &str) {
        if self.0.is_empty() {
            return;
        }
        let _ = writeln!(text, "\n{}", head.to_uppercase());
        let width = self.0.iter().map(|(name, _)| name.chars().count()).filter(|width| *width <= 32).max().unwrap_or(0);
        for (name, told) in self.0 {
            let line = format!("  {name:<width$}  {told}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
}

pub(super) fn write(portrait: &Portrait) -> String {
    let zone = portrait.zone;
    let mut text = String::new();
    let _ = writeln!(text, "{}", super::html::name(portrait));
    let _ = writeln!(text, "{}", super::html::lead(portrait));
    let _ = writeln!(text, "{}", super::html::as_of(portrait));

    let mut rows = Rows::default();
    for own in &portrait.identifiers {
        let since = own.first.map_or(String::new(), |first| format!(", since {}", day(first, zone)));
        let anonymous = if own.anonymous { ", anonymous" } else { "" };
        rows.add(clean(&own.identifier), format!("{}{since}{anonymous}", count(own.events, "event", "events")));
    }
    rows.write(&mut text, "Identifiers");

    let mut rows = Rows::default();
    for own in &portrait.commitments {
        rows.add(clean(&own.offer), commitment(own, zone));
    }
    rows.write(&mut text, "Commitments");

    let mut rows = Rows::default();
    for own in portrait.attributes.iter() {
        if let Some(known) = &own.value {
            rows.add(title(own.title.as_deref(), &own.attribute), format!("{}  ({})", value(known, zone), how(own, portrait)));
        }
    }
    let unknown: Vec<String> = unknown(portrait);
    if !unknown.is_empty() {
        rows.add("not known", unknown.join(", "));
    }
    rows.write(&mut text, "Attributes");

    let mut rows = Rows::default();
    for own in &portrait.consents {
        let since = own.since.map_or(String::new(), |since| format!(" since {}", time(since, zone)));
        let word = if own.permitted { "yes" } else { "no" };
        let basis = own.basis.replace('_', " ");
        let told = format!("{word:<3}  {}{since}; basis: {basis}", consent(own.state, own.explicit));
        rows.add(title(own.title.as_deref(), &own.purpose), told);
    }
    if let Some(since) = portrait.profiling_objected {
        rows.add("profiling", format!("no   objected to since {}", time(since, zone)));
    }
    for (channel, since) in &portrait.do_not_contact {
        rows.add(format!("contact by {}", clean(channel)), format!("no   since {}", time(*since, zone)));
    }
    rows.write(&mut text, "Consents");

    let mut rows = Rows::default();
    for (word, member) in [("in", Some(true)), ("not known", None), ("out", Some(false))] {
        let named = portrait.segments.iter().filter(|own| own.member == member);
        let names: Vec<String> = named.map(|own| title(own.title.as_deref(), &own.segment)).collect();
        if !names.is_empty() {
            rows.add(word, names.join(", "));
        }
    }
    rows.write(&mut text, "Segments");
    chances(&portrait.personas, &mut text, "Personas");

    let mut rows = Rows::default();
    for own in &portrait.journeys {
        let stage = match (&own.stage, own.since) {
            (Some(stage), since) => {
                let since = since.map_or(String::new(), |since| format!(" since {}", time(since, zone)));
                format!("{}{since}", title(own.stage_title.as_deref(), stage))
            }
            (None, _) => "not in it".to_owned(),
        };
        rows.add(title(own.title.as_deref(), &own.journey), stage);
    }
    rows.write(&mut text, "Journeys");

    let mut rows = Rows::default();
    for own in &portrait.needs {
        let stated = if own.stated { ", stated" } else { "" };
        let since = own.time.map_or(String::new(), |at| format!(", last sign {}", day(at, zone)));
        rows.add(title(own.title.as_deref(), &own.need), format!("{:>5}{stated}{since}", percent(own.strength)));
    }
    rows.write(&mut text, "Needs");
    chances(&portrait.intents, &mut text, "Intents of this session");

    let mut rows = Rows::default();
    for own in &portrait.preferences {
        for (place, liking) in own.values.iter().enumerate() {
            let name = if place == 0 { title(own.title.as_deref(), &own.preference) } else { String::new() };
            rows.add(name, format!("{}  ({})", clean(&liking.value), liked(liking, Some(liking.strength))));
        }
    }
    rows.write(&mut text, "Preferences");

    let mut rows = Rows::default();
    for own in &portrait.unusual {
        rows.add(title(own.title.as_deref(), &own.unusual), if own.holds { "yes" } else { "no" });
    }
    rows.write(&mut text, "Unusual for them");

    let mut rows = Rows::default();
    for own in &portrait.sessions {
        let mut told = format!("{}, {}", length(own.start, own.end), count(own.events, "event", "events"));
        if own.pages > 0 {
            let _ = write!(told, ", {}", count(own.pages, "page", "pages"));
        }
        let names = own.channels.iter().chain(&own.device).map(|name| clean(name));
        told.extend(names.map(|name| format!(", {name}")));
        told.extend(own.campaign.iter().map(|name| format!(", campaign {}", clean(name))));
        if own.open {
            told.push_str(", open");
        }
        rows.add(time(own.start, zone), told);
    }
    let left = portrait.session_count.saturating_sub(portrait.sessions.len() as u64);
    if left > 0 {
        rows.add("", format!("and {} before", count(left, "session", "sessions")));
    }
    rows.write(&mut text, "Sessions");

    let mut rows = Rows::default();
    for own in &portrait.timeline {
        rows.add(time(own.time, zone), event_line(own, portrait));
    }
    if portrait.earlier > 0 {
        rows.add("", format!("and {} before", count(portrait.earlier, "event", "events")));
    }
    for own in &portrait.folded {
        let span = format!("from {} to {}", day(own.first, zone), day(own.last, zone));
        rows.add("kept as totals", format!("{} × {}, {span}", own.count, title(own.title.as_deref(), &own.event)));
    }
    rows.write(&mut text, "Timeline");
    if let Some(withheld) = withheld(portrait) {
        let _ = writeln!(text, "\n{withheld}");
    }
    text
}

fn chances(all: &[PortraitChance], text: &mut String, head: &str) {
    let mut rows = Rows::default();
    for own in all {
        let likely = if own.likely { "  likely" } else { "" };
        rows.add(title(own.title.as_deref(), &own.name), format!("{:>5}{likely}", percent(own.posterior)));
    }
    rows.write(text, head);
}

/// How an attribute came to be known, in words.
pub(super) fn how(own: &PortraitAttribute, portrait: &Portrait) -> String {
    let mut parts = Vec::new();
    match own.origin {
        Some(origin) => parts.push(origin.replace('_', " ")),
        None => parts.push("by default".to_owned()),
    }
    parts.extend(own.time.map(|at| time(at, portrait.zone)));
    parts.extend(own.confidence.filter(|sure| *sure < 1.0).map(|sure| format!("{} sure", percent(sure))));
    parts.extend(own.source.as_ref().map(|source| format!("from {}", clean(source))));
    parts.extend(own.channel.as_ref().map(|channel| format!("through {}", clean(channel))));
    parts.extend(own.expires.map(|at| format!("until {}", day(at, portrait.zone))));
    match own.others {
        0 => {}
        1 => parts.push("1 other fact does not count".to_owned()),
        others => parts.push(format!("{others} other facts do not count")),
    }
    parts.join(", ")
}

/// How much a value is liked, in words, with a number where there is no bar.
pub(super) fn liked(liking: &super::PortraitLiking, strength: Option<f64>) -> String {
    let word = match liking.liked {
        Some(true) => "liked",
        Some(false) => "disliked",
        None => "undecided",
    };
    match (liking.stated, liking.observations) {
        (true, _) => format!("{word}, stated"),
        (false, times) => {
            let strength = strength.map_or(String::new(), |strength| format!(", {}", percent(strength)));
            let times = if times == 1 { "once".to_owned() } else { format!("{times} times") };
            format!("{word}{strength}, seen {times}")
        }
    }
}

/// The names of attributes that nobody knows.
pub(super) fn unknown(portrait: &Portrait) -> Vec<String> {
    let unknown = portrait.attributes.iter().filter(|own| own.value.is_none());
    unknown.map(|own| title(own.title.as_deref(), &own.attribute)).collect()
}

/// What is withheld, in words.
pub(super) fn withheld(portrait: &Portrait) -> Option<String> {
    let one = |what: &str| match what.split_once(" of ") {
        Some((what, rest)) => format!("{} of {rest}", what.trim_end_matches('s')),
        None => what.trim_end_matches('s').to_owned(),
    };
    let part = |(what, number): (&&'static str, &usize)| count(*number as u64, &one(what), what);
    let parts: Vec<String> = portrait.withheld.iter().map(part).collect();
    let what = (!parts.is_empty()).then(|| parts.join(", "))?;
    Some(format!("Withheld, whether anything is known of them or not: {what}."))
}

fn event_line(own: &PortraitEvent, portrait: &Portrait) -> String {
    let mut line = event_title(own);
    let mut parts: Vec<String> = facts(own, portrait).into_iter().map(|(name, told)| format!("{name} {told}")).collect();
    parts.extend(own.channel.as_ref().map(|channel| format!("through {}", clean(channel))));
    parts.extend(own.source.as_ref().map(|source| format!("from {}", clean(source))));
    parts.extend(own.known_at.map(|at| format!("known {}", time(at, portrait.zone))));
    if portrait.identifiers.len() > 1 {
        parts.push(format!("as {}", clean(&own.identifier)));
    }
    if !parts.is_empty() {
        let _ = write!(line, ": {}", parts.join(" · "));
    }
    line
}

/// What an event is called.
pub(super) fn event_title(own: &PortraitEvent) -> String {
    title(own.title.as_deref(), &own.event)
}

/// Properties and details of an event, as names and words.
pub(super) fn facts(own: &PortraitEvent, portrait: &Portrait) -> Vec<(String, String)> {
    let named = |name: &Arc<str>| {
        let attribute = portrait.attributes.iter().find(|attribute| attribute.attribute == *name);
        title(attribute.and_then(|attribute| attribute.title.as_deref()), name)
    };
    let told = own.properties.iter().map(|(name, told)| (named(name), value(told, portrait.zone)));
    let details = own.details.iter().map(|(name, told)| (name.replace('_', " "), value(told, portrait.zone)));
    told.chain(details).collect()
}

/// Such as `overdue, accepted 2026-03-01, due 2026-03-03`.
pub(super) fn commitment(own: &Commitment, zone: Zone) -> String {
    let due = match (own.until, own.due) {
        (Some(until), _) => format!(" on {}", time(until, zone)),
        (None, Some(due)) => format!(", due {}", time(due, zone)),
        (None, None) => String::new(),
    };
    format!("{}{due}, accepted {}", own.state.name(), time(own.since, zone))
}
