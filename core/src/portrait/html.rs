//! A portrait as HTML: all text is escaped in one place, [`Page::text`].

use super::text::{event_title, facts, how, liked, unknown, withheld};
use super::words::{clean, consent, count, day, length, percent, time, title, value};
use super::{Portrait, PortraitChance};
use crate::value::{Moment, Timestamp};
use std::fmt::Write;

/// The style, for a part of any page: every rule begins with the class of the part.
const STYLE: &str = include_str!("style.css");

/// A whole page.
pub(super) fn page(portrait: &Portrait) -> String {
    let mut page = Page::default();
    page.raw("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    page.raw("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    page.raw("<meta name=\"color-scheme\" content=\"light dark\">\n<title>");
    page.text(&name(portrait));
    page.raw("</title>\n<style>html,body{margin:0;padding:0}</style>\n</head>\n<body>\n");
    page.raw(&part(portrait));
    page.raw("\n</body>\n</html>\n");
    page.0
}

/// A part of a page.
pub(super) fn part(portrait: &Portrait) -> String {
    let mut page = Page::default();
    page.raw("<article class=\"tactful-portrait\" lang=\"en\">\n<style>");
    page.raw(STYLE);
    page.raw("</style>\n");
    page.header(portrait);
    page.raw("<div class=\"tp-columns\">\n<div class=\"tp-main\">\n");
    page.attributes(portrait);
    page.timeline(portrait);
    page.sessions(portrait);
    page.raw("</div>\n<div class=\"tp-side\">\n");
    page.consents(portrait);
    page.journeys(portrait);
    page.commitments(portrait);
    page.segments(portrait);
    page.chances(&portrait.personas, "Personas");
    page.needs(portrait);
    page.chances(&portrait.intents, "Intents of this session");
    page.preferences(portrait);
    page.unusual(portrait);
    page.identifiers(portrait);
    page.raw("</div>\n</div>\n");
    if let Some(withheld) = withheld(portrait) {
        page.element("p", "tp-withheld", &withheld);
    }
    page.raw("</article>");
    page.0
}

/// What the customer is called.
pub(super) fn name(portrait: &Portrait) -> String {
    clean(portrait.called.as_deref().unwrap_or("a customer"))
}

/// How much there is, in a sentence.
pub(super) fn lead(portrait: &Portrait) -> String {
    let zone = portrait.zone;
    let span = match (portrait.first, portrait.last) {
        (Some(first), Some(last)) if day(first, zone) == day(last, zone) => format!(" on {}", day(first, zone)),
        (Some(first), Some(last)) => format!(" from {} to {}", day(first, zone), day(last, zone)),
        _ => String::new(),
    };
    let sessions = match portrait.session_count {
        0 => String::new(),
        sessions => format!(", {}", count(sessions, "session", "sessions")),
    };
    format!("{}{span}{sessions}", count(portrait.events, "event", "events"))
}

/// As of when and for whom, in a sentence.
pub(super) fn as_of(portrait: &Portrait) -> String {
    let zone = portrait.zone;
    let known = match portrait.known_at == portrait.now {
        true => String::new(),
        false => format!(", by what was known on {}", time(portrait.known_at, zone)),
    };
    let reader = match portrait.audience.as_deref() {
        None => String::new(),
        Some("customer") => " As the customer may see it.".to_owned(),
        Some(audience) => format!(" As {} may see it.", clean(audience)),
    };
    let (now, zone) = (time(portrait.now, zone), &portrait.time_zone);
    format!("As of {now}{known}, times in {zone}; playbook {} version {}.{reader}", clean(&portrait.playbook), portrait.version)
}

#[derive(Default)]
struct Page(String);

impl Page {
    /// What is written here in the source.
    fn raw(&mut self, html: &str) {
        self.0.push_str(html);
    }

    /// Text from anywhere.
    fn text(&mut self, text: &str) {
        for letter in clean(text).chars() {
            match letter {
                '&' => self.0.push_str("&amp;"),
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '"' => self.0.push_str("&quot;"),
                '\'' => self.0.push_str("&#39;"),
                letter => self.0.push(letter),
            }
        }
    }

    fn element(&mut self, tag: &str, class: &str, text: &str) {
        let _ = write!(self.0, "<{tag} class=\"{class}\">");
        self.text(text);
        let _ = writeln!(self.0, "</{tag}>");
    }

    /// Text whose direction of writing does not reach its neighbours.
    fn apart(&mut self, text: &str) {
        self.raw("<bdi>");
        self.text(text);
        self.raw("</bdi>");
    }

    fn time(&mut self, at: Timestamp, shown: &str) {
        let _ = write!(self.0, "<time datetime=\"{at}\">{shown}</time>");
    }

    fn chip(&mut self, class: &str, text: &str) {
        let space = if class.is_empty() { "" } else { " " };
        let _ = write!(self.0, " <span class=\"tp-chip{space}{class}\">");
        self.text(text);
        self.raw("</span>");
    }

    fn section(&mut self, head: &str, class: &str, body: impl FnOnce(&mut Self)) {
        let space = if class.is_empty() { "" } else { " " };
        let _ = writeln!(self.0, "<section class=\"tp-card{space}{class}\"><h2>{head}</h2>");
        body(self);
        self.raw("</section>\n");
    }

    fn header(&mut self, portrait: &Portrait) {
        self.raw("<header class=\"tp-head\"><div>\n");
        let playbook = title(portrait.title.as_deref(), &portrait.playbook);
        self.element("p", "tp-over", &playbook);
        self.raw("<h1>");
        self.apart(&name(portrait));
        self.raw("</h1>\n");
        self.element("p", "tp-lead", &lead(portrait));
        self.raw("</div>\n");
        self.element("p", "tp-asof", &as_of(portrait));
        self.raw("</header>\n");
    }

    fn attributes(&mut self, portrait: &Portrait) {
        if portrait.attributes.is_empty() {
            return;
        }
        self.section("Attributes", "", |page| {
            page.raw("<dl class=\"tp-facts\">\n");
            for own in &portrait.attributes {
                let Some(known) = &own.value else { continue };
                page.raw("<div><dt>");
                page.text(&title(own.title.as_deref(), &own.attribute));
                page.raw("</dt><dd><p class=\"tp-value\">");
                page.apart(&value(known, portrait.zone));
                page.raw("</p><p class=\"tp-how\">");
                page.text(&how(own, portrait));
                own.kind.iter().for_each(|kind| page.chip("tp-kind", kind));
                if own.sensitivity != "personal" {
                    page.chip(if own.sensitivity == "special" { "tp-special" } else { "" }, own.sensitivity);
                }
                for purpose in own.purposes.iter().flatten() {
                    page.chip("tp-for", &format!("for {}", purpose.replace('_', " ")));
                }
                page.raw("</p></dd></div>\n");
            }
            page.raw("</dl>\n");
            let unknown = unknown(portrait);
            if !unknown.is_empty() {
                page.element("p", "tp-note", &format!("Not known: {}.", unknown.join(", ")));
            }
        });
    }

    fn timeline(&mut self, portrait: &Portrait) {
        if portrait.timeline.is_empty() && portrait.folded.is_empty() && portrait.earlier == 0 {
            return;
        }
        let zone = portrait.zone;
        self.section("Timeline", "tp-late", |page| {
            let mut today = String::new();
            for own in &portrait.timeline {
                let day = day(own.time, zone);
                if day != today {
                    if !today.is_empty() {
                        page.raw("</ol>\n");
                    }
                    let weekday = zone.local(Moment::from(own.time)).format("%A");
                    let _ = write!(
                        page.0,
                        "<h3><time datetime=\"{day}\">{day}</time> <span>{weekday}</span></h3>\n<ol class=\"tp-line\">\n"
                    );
                    today = day;
                }
                let clock = zone.local(Moment::from(own.time)).format("%H:%M").to_string();
                page.raw("<li><p class=\"tp-when\">");
                page.time(own.time, &clock);
                page.raw("</p><div><p class=\"tp-what\"><strong>");
                page.text(&event_title(own));
                page.raw("</strong>");
                own.kind.iter().for_each(|kind| page.chip("tp-kind", kind));
                own.channel.iter().for_each(|channel| page.chip("", channel));
                page.raw("</p>");
                let facts = facts(own, portrait);
                if !facts.is_empty() {
                    page.raw("<p class=\"tp-props\">");
                    for (name, told) in &facts {
                        page.raw("<span><span class=\"tp-name\">");
                        page.text(name);
                        page.raw("</span> ");
                        page.apart(told);
                        page.raw("</span> ");
                    }
                    page.raw("</p>");
                }
                let mut notes = Vec::new();
                if portrait.identifiers.len() > 1 {
                    notes.push(format!("as {}", own.identifier));
                }
                notes.extend(own.source.as_ref().map(|source| format!("from {source}")));
                notes.extend(own.known_at.map(|at| format!("known since {}", time(at, zone))));
                if !notes.is_empty() {
                    page.element("p", "tp-how", &notes.join(", "));
                }
                page.raw("</div></li>\n");
            }
            if !today.is_empty() {
                page.raw("</ol>\n");
            }
            if portrait.earlier > 0 {
                page.element("p", "tp-note", &format!("And {} before.", count(portrait.earlier, "event", "events")));
            }
            for own in &portrait.folded {
                let span = format!("from {} to {}", day(own.first, zone), day(own.last, zone));
                let what = title(own.title.as_deref(), &own.event);
                page.element("p", "tp-note", &format!("Kept as totals: {} × {what}, {span}.", own.count));
            }
        });
    }

    fn sessions(&mut self, portrait: &Portrait) {
        if portrait.sessions.is_empty() {
            return;
        }
        let zone = portrait.zone;
        self.section("Sessions", "tp-late", |page| {
            page.raw("<ul class=\"tp-rows\">\n");
            for own in &portrait.sessions {
                page.raw("<li><span>");
                page.time(own.start, &time(own.start, zone));
                if own.open {
                    page.chip("tp-good", "open");
                }
                own.channels.iter().chain(&own.device).for_each(|name| page.chip("", name));
                own.campaign.iter().for_each(|name| page.chip("", &format!("campaign {name}")));
                page.raw("</span><span class=\"tp-how\">");
                let mut told = format!("{}, {}", length(own.start, own.end), count(own.events, "event", "events"));
                if own.pages > 0 {
                    let _ = write!(told, ", {}", count(own.pages, "page", "pages"));
                }
                page.text(&told);
                page.raw("</span></li>\n");
            }
            page.raw("</ul>\n");
            let left = portrait.session_count.saturating_sub(portrait.sessions.len() as u64);
            if left > 0 {
                page.element("p", "tp-note", &format!("And {} before.", count(left, "session", "sessions")));
            }
        });
    }

    fn consents(&mut self, portrait: &Portrait) {
        if portrait.consents.is_empty() && portrait.profiling_objected.is_none() && portrait.do_not_contact.is_empty() {
            return;
        }
        let zone = portrait.zone;
        self.section("Consents", "", |page| {
            page.raw("<ul class=\"tp-marks\">\n");
            let mut mark = |permitted: bool, name: &str, told: &str| {
                let (class, sign, word) =
                    if permitted { ("tp-good", "✓", "permitted") } else { ("tp-bad", "✕", "not permitted") };
                let _ = write!(
                    page.0,
                    "<li><span class=\"tp-mark {class}\" role=\"img\" aria-label=\"{word}\">{sign}</span><div><p>"
                );
                page.text(name);
                page.raw("</p><p class=\"tp-how\">");
                page.text(told);
                page.raw("</p></div></li>\n");
            };
            for own in &portrait.consents {
                let since = own.since.map_or(String::new(), |since| format!(" since {}", time(since, zone)));
                let told = format!("{}{since}; basis: {}", consent(own.state, own.explicit), own.basis.replace('_', " "));
                mark(own.permitted, &title(own.title.as_deref(), &own.purpose), &told);
            }
            if let Some(since) = portrait.profiling_objected {
                mark(false, "profiling", &format!("objected to since {}", time(since, zone)));
            }
            for (channel, since) in &portrait.do_not_contact {
                mark(false, &format!("contact by {channel}"), &format!("since {}", time(*since, zone)));
            }
            page.raw("</ul>\n");
        });
    }

    fn commitments(&mut self, portrait: &Portrait) {
        if portrait.commitments.is_empty() {
            return;
        }
        self.section("Commitments", "", |page| {
            page.raw("<ul>\n");
            for own in &portrait.commitments {
                page.raw("<li>");
                page.text(&format!("{}: {}", own.offer, super::text::commitment(own, portrait.zone)));
                page.raw("</li>\n");
            }
            page.raw("</ul>\n");
        });
    }

    fn journeys(&mut self, portrait: &Portrait) {
        if portrait.journeys.is_empty() {
            return;
        }
        let zone = portrait.zone;
        self.section("Journeys", "", |page| {
            for own in &portrait.journeys {
                page.raw("<div class=\"tp-journey\"><h3>");
                page.text(&title(own.title.as_deref(), &own.journey));
                page.raw("</h3>\n<ol class=\"tp-stages\">");
                for (place, stage) in own.stages.iter().enumerate() {
                    let here = own.place == Some(place);
                    page.raw(if here { "<li class=\"tp-here\" aria-current=\"step\">" } else { "<li>" });
                    page.text(&title(None, stage));
                    page.raw("</li>");
                }
                page.raw("</ol>\n");
                let told = match own.since {
                    Some(since) => format!("there since {}", time(since, zone)),
                    None => "not in this journey".to_owned(),
                };
                page.element("p", "tp-how", &told);
                page.raw("</div>\n");
            }
        });
    }

    fn segments(&mut self, portrait: &Portrait) {
        if portrait.segments.is_empty() {
            return;
        }
        self.section("Segments", "", |page| {
            let names = |member: Option<bool>| {
                let named = portrait.segments.iter().filter(move |own| own.member == member);
                named.map(|own| title(own.title.as_deref(), &own.segment)).collect::<Vec<String>>()
            };
            let inside = names(Some(true));
            if !inside.is_empty() {
                page.raw("<ul class=\"tp-chips\">");
                for name in inside {
                    page.raw("<li>");
                    page.chip("tp-in", &name);
                    page.raw("</li>");
                }
                page.raw("</ul>\n");
            }
            for (word, member) in [("Not known", None), ("Out of", Some(false))] {
                let names = names(member);
                if !names.is_empty() {
                    page.element("p", "tp-note", &format!("{word}: {}.", names.join(", ")));
                }
            }
        });
    }

    fn chances(&mut self, all: &[PortraitChance], head: &str) {
        if all.is_empty() {
            return;
        }
        self.section(head, "", |page| {
            page.raw("<ul class=\"tp-bars\">\n");
            for own in all {
                page.bar(&title(own.title.as_deref(), &own.name), own.posterior, if own.likely { "tp-likely" } else { "" });
            }
            page.raw("</ul>\n");
        });
    }

    /// A bar with its name; red when it is below 0.
    fn bar(&mut self, name: &str, share: f64, class: &str) {
        let _ = write!(self.0, "<li class=\"{class}\"><span class=\"tp-label\">");
        self.apart(name);
        let width = (share.abs().clamp(0.0, 1.0) * 100.0).round();
        let sign = if share < 0.0 { " tp-less" } else { "" };
        let _ = writeln!(
            self.0,
            "</span><span class=\"tp-number\">{}</span><span class=\"tp-bar{sign}\" aria-hidden=\"true\"><span style=\"width:{width}%\"></span></span></li>",
            percent(share)
        );
    }

    fn needs(&mut self, portrait: &Portrait) {
        if portrait.needs.is_empty() {
            return;
        }
        self.section("Needs", "", |page| {
            page.raw("<ul class=\"tp-bars\">\n");
            for own in &portrait.needs {
                let stated = if own.stated { ", stated" } else { "" };
                let name = format!("{}{stated}", title(own.title.as_deref(), &own.need));
                page.bar(&name, own.strength, "");
            }
            page.raw("</ul>\n");
        });
    }

    fn preferences(&mut self, portrait: &Portrait) {
        if portrait.preferences.is_empty() {
            return;
        }
        self.section("Preferences", "", |page| {
            for own in &portrait.preferences {
                page.raw("<h3>");
                page.text(&title(own.title.as_deref(), &own.preference));
                page.raw("</h3>\n<ul class=\"tp-bars\">\n");
                for liking in &own.values {
                    page.bar(&liking.value, liking.strength, "");
                    // The words belong to the bar before.
                    let end = page.0.len().saturating_sub("</li>\n".len());
                    page.0.truncate(end);
                    page.raw("<span class=\"tp-how\">");
                    page.text(&liked(liking, None));
                    page.raw("</span></li>\n");
                }
                page.raw("</ul>\n");
            }
        });
    }

    fn unusual(&mut self, portrait: &Portrait) {
        if portrait.unusual.iter().all(|own| !own.holds) {
            return;
        }
        self.section("Unusual for them", "", |page| {
            page.raw("<ul class=\"tp-chips\">");
            for own in portrait.unusual.iter().filter(|own| own.holds) {
                page.raw("<li>");
                page.chip("tp-warn", &title(own.title.as_deref(), &own.unusual));
                page.raw("</li>");
            }
            page.raw("</ul>\n");
        });
    }

    fn identifiers(&mut self, portrait: &Portrait) {
        if portrait.identifiers.is_empty() {
            return;
        }
        let zone = portrait.zone;
        self.section("Identifiers", "", |page| {
            page.raw("<ul class=\"tp-rows\">\n");
            for own in &portrait.identifiers {
                page.raw("<li><span class=\"tp-id\">");
                page.apart(&own.identifier);
                if own.anonymous {
                    page.chip("", "anonymous");
                }
                page.raw("</span><span class=\"tp-how\">");
                let since = own.first.map_or(String::new(), |first| format!(" since {}", day(first, zone)));
                page.text(&format!("{}{since}", count(own.events, "event", "events")));
                page.raw("</span></li>\n");
            }
            page.raw("</ul>\n");
        });
    }
}
