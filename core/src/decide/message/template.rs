use super::tags::{self, Mistake, Piece};
use super::{html, voice::VoiceRule};
use crate::context::Sources;
use crate::decide::of_offer::ShownOffer;
use crate::error::{Diagnostic, Severity, nearest};
use crate::playbook::{Format, Playbook, Text};
use crate::value::Value;
use minijinja::{AutoEscape, Environment, ErrorKind, Output, State, UndefinedBehavior, filters, tests};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};
use std::sync::Arc;

/// Steps of the template engine per message.
const FUEL: u64 = 50_000;
/// The longest message, in bytes.
const MAX_MESSAGE: usize = 256 * 1024;
/// The longest header, in bytes (RFC 5322, 2.1.1, without the name).
const MAX_HEADER: usize = 900;

/// The templates of all treatments, compiled. Templates see the values that they are given and nothing else: no files, no context.
#[derive(Debug)]
pub(in crate::decide) struct Messages {
    environment: Environment<'static>,
    /// Messages that are the same for everybody, by template.
    constants: BTreeMap<String, Arc<str>>,
    /// Names that a template shows; none when it was refused.
    shown: BTreeMap<String, Option<BTreeSet<String>>>,
    snippets: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) voice: VoiceRule,
}

/// A template by its name, with its message when that is the same for everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateName(String, Option<Arc<str>>);

/// What a template may show.
#[derive(Debug)]
pub(in crate::decide) struct Names<'n> {
    /// The names of `with`.
    pub(super) with: Vec<&'n str>,
    /// Whether there are greetings.
    pub(super) greets: bool,
    /// Whether it is a script, which says why.
    pub(super) script: bool,
    /// What is in an item, when the offer carries some.
    pub(super) fields: Option<&'n [Arc<str>]>,
    /// What is said of the offer.
    pub(super) offer: &'n ShownOffer,
}

impl TemplateName {
    /// The message of a template that shows nothing.
    pub(in crate::decide) fn constant(&self) -> Option<&str> {
        self.1.as_deref()
    }
}

impl Messages {
    pub(in crate::decide) fn new(playbook: &Playbook, sources: &Sources, findings: &mut Vec<Diagnostic>) -> Self {
        let snippets = playbook.snippets.iter().map(|(name, text)| (name.text.clone(), text.text.clone())).collect();
        let mut messages = Messages {
            environment: sandbox(),
            constants: BTreeMap::new(),
            shown: BTreeMap::new(),
            snippets,
            voice: VoiceRule::compile(playbook, sources, findings),
        };
        for (_, text) in &playbook.snippets {
            if let Err(wrong) = tags::expand(&text.text, &messages.snippets) {
                findings.push(mistake(text, wrong));
            }
        }
        messages.environment.set_undefined_behavior(UndefinedBehavior::Strict);
        messages
    }

    /// Compiles a template of a format, of a header when there is none; it may show `names` only.
    pub(super) fn add(
        &mut self,
        text: &Text,
        format: Option<Format>,
        names: &Names<'_>,
        findings: &mut Vec<Diagnostic>,
    ) -> Option<TemplateName> {
        let extension = match format {
            Some(Format::Text | Format::Sms | Format::Script) => "txt",
            Some(Format::Html) => "html",
            Some(Format::Json) => "json",
            None => "header",
        };
        let name = format!("{}.{extension}", text.path);
        // A header that wordings share is compiled, and found wrong, once.
        if let Some(known) = self.shown.get(&name) {
            let constant = self.constants.get(&name).cloned();
            return known.is_some().then_some(TemplateName(name, constant));
        }
        self.shown.insert(name.clone(), None);
        let written = if format.is_none() { text.text.trim_end() } else { &text.text };
        let template = match self.checked(written, format) {
            Ok(template) => template,
            Err(wrong) => {
                findings.push(mistake(text, wrong));
                return None;
            }
        };
        if let Err(error) = self.environment.add_template_owned(name.clone(), template.clone()) {
            let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            let line =
                error.line().filter(|line| *line > 1).map_or_else(String::new, |line| format!(" (line {line} of the message)"));
            findings.push(mistake(text, ("template_syntax", format!("the message is no template: {detail}{line}"), None)));
            return None;
        }
        let template = self.environment.get_template(&name).ok()?;
        let used = template.undeclared_variables(false);
        let used: BTreeSet<String> = used.into_iter().collect();
        let parts: BTreeSet<String> = template.undeclared_variables(true).into_iter().collect();
        let before = findings.len();
        for unknown in used.iter().filter(|name| !names.has(name)) {
            let hint = match nearest(unknown, names.all()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("declare it under `with`, such as `{unknown}: customer.{unknown}`"),
            };
            let message = match unknown.as_str() {
                "item" | "items" => format!("the message shows `{unknown}`, but the offer declares no `suggest`"),
                "greeting" => "the message shows `greeting`, but `voice` declares no `greetings`".to_owned(),
                "why" => "the message shows `why`, which only channels of format `script` do".to_owned(),
                _ => format!("the message shows `{unknown}`, which `with` does not declare"),
            };
            findings.push(mistake(text, ("unknown_name", message, Some(hint))));
        }
        if !names.with.contains(&"offer") {
            let wrong = |part: &String| names.offer.wrong(part.strip_prefix("offer.")?, template.source());
            for (message, hint) in parts.iter().filter_map(wrong) {
                findings.push(mistake(text, ("unknown_name", message, hint)));
            }
        }
        if let Some(fields) = names.fields {
            for part in parts.iter().filter_map(|part| part.strip_prefix("item.")) {
                let known = |field: &&str| *field == part;
                let all = || fields.iter().map(|field| &**field).chain(EXTRA_FIELDS);
                if !all().any(|field| known(&field)) {
                    let hint = nearest(part, all()).map(|near| format!("did you mean `item.{near}`?"));
                    findings.push(mistake(text, ("unknown_name", format!("items have no `{part}`"), hint)));
                }
            }
        }
        if findings.len() > before {
            return None;
        }
        let mut template = TemplateName(name.clone(), None);
        if names.fields.is_some() && !self.tried(&template, names) {
            let message = "the message shows something of items that they do not have".to_owned();
            findings.push(mistake(text, ("unknown_name", message, None)));
            return None;
        }
        self.shown.insert(name, Some(used));
        if !text.text.contains('{')
            && let Ok(message) = self.render(&template, &BTreeMap::new())
        {
            let message: Arc<str> = message.into();
            self.constants.insert(template.0.clone(), message.clone());
            template.1 = Some(message);
        }
        Some(template)
    }

    /// The template with what it includes, when it is safe.
    fn checked(&self, text: &str, format: Option<Format>) -> Result<String, Mistake> {
        let template = tags::expand(text, &self.snippets)?;
        let pieces = tags::pieces(&template)?;
        match format {
            Some(Format::Html) => html::check(&pieces)?,
            None => {
                let breaks = |piece: &Piece<'_>| matches!(piece, Piece::Text(text) if text.chars().any(char::is_control));
                if pieces.iter().any(breaks) {
                    let message = "a header is a single line".to_owned();
                    return Err(("bad_header", message, Some("leave line breaks out".to_owned())));
                }
            }
            Some(Format::Text | Format::Json | Format::Sms | Format::Script) => {}
        }
        Ok(template)
    }

    /// Whether a template can be written for items that have everything, as far as names go.
    fn tried(&self, template: &TemplateName, names: &Names<'_>) -> bool {
        let fields = names.fields.unwrap_or_default().iter().map(|field| &**field).chain(EXTRA_FIELDS);
        let item = minijinja::Value::from_pairs(fields.map(|field| (field, minijinja::Value::from("x"))));
        let mut values: BTreeMap<&str, minijinja::Value> =
            names.all().map(|name| (name, minijinja::Value::from("x"))).collect();
        values.insert("item", item.clone());
        values.insert("items", vec![item].into());
        values.insert("why", vec!["x"].into());
        values.insert("offer", shown_offer(names.offer));
        let Ok(template) = self.environment.get_template(&template.0) else { return false };
        let values = minijinja::Value::from_pairs(values);
        let tried = template.render_captured_to(values, &mut Sink { bytes: Vec::new() });
        !matches!(tried, Err(error) if error.kind() == ErrorKind::UndefinedError)
    }

    /// Whether a template shows any of some names.
    pub(super) fn shows(&self, template: &TemplateName, names: &[&str]) -> bool {
        self.shown.get(&template.0).and_then(Option::as_ref).is_some_and(|shown| names.iter().any(|name| shown.contains(*name)))
    }

    /// Writes a message.
    ///
    /// # Errors
    /// What went wrong, without the values: a template that runs too long, writes too much or uses a value wrongly.
    pub(super) fn render(&self, name: &TemplateName, values: &BTreeMap<&str, minijinja::Value>) -> Result<String, String> {
        let template = self.environment.get_template(&name.0).map_err(|error| error.kind().to_string())?;
        let mut sink = Sink { bytes: Vec::new() };
        let message = match template.render_captured_to(
            minijinja::Value::from_pairs(values.iter().map(|(name, value)| (*name, value.clone()))),
            &mut sink,
        ) {
            Ok(_) => String::from_utf8(sink.bytes).map_err(|_| "the message is no text".to_owned())?,
            Err(_) if sink.bytes.len() >= MAX_MESSAGE => return Err(format!("the message is longer than {MAX_MESSAGE} bytes")),
            Err(error) if error.kind() == ErrorKind::InvalidOperation && error.detail() == Some(NO_ADDRESS) => {
                return Err(NO_ADDRESS.to_owned());
            }
            Err(error) => return Err(error.kind().to_string()),
        };
        if name.0.ends_with(".json") && serde_json::from_str::<serde::de::IgnoredAny>(&message).is_err() {
            return Err("the message is no JSON; a value brings its own quotes: `{\"name\": {{ name }}}`".to_owned());
        }
        if name.0.ends_with(".header") && message.len() > MAX_HEADER {
            return Err(format!("a header is longer than {MAX_HEADER} bytes"));
        }
        Ok(message)
    }
}

/// What items have in messages beside what the catalog declares.
const EXTRA_FIELDS: [&str; 2] = ["reason", "with"];

impl<'n> Names<'n> {
    fn has(&self, name: &str) -> bool {
        self.all().any(|own| own == name)
    }

    fn all(&self) -> impl Iterator<Item = &'n str> {
        let items = self.fields.map(|_| ["item", "items"]);
        let greets = self.greets.then_some("greeting");
        let voice = self.greets.then_some(["language", "address"]);
        let why = self.script.then_some("why");
        self.with
            .clone()
            .into_iter()
            .chain(items.into_iter().flatten())
            .chain(greets)
            .chain(voice.into_iter().flatten())
            .chain(why)
            .chain(std::iter::once("offer"))
    }
}

fn mistake(text: &Text, (code, message, hint): Mistake) -> Diagnostic {
    Diagnostic {
        code,
        severity: Severity::Error,
        message,
        path: text.path.to_string(),
        place: Some(text.place.clone()),
        hint,
        related: None,
    }
}

/// An environment with nothing in it but what messages need. None of it makes much of little.
fn sandbox() -> Environment<'static> {
    let mut sandbox = Environment::empty();
    sandbox.set_fuel(Some(FUEL));
    sandbox.set_auto_escape_callback(|name| match name.rsplit_once('.') {
        Some((_, "html")) => AutoEscape::Html,
        Some((_, "json")) => AutoEscape::Json,
        Some((_, "header")) => AutoEscape::Custom(Cow::Borrowed("header")),
        _ => AutoEscape::None,
    });
    sandbox.set_formatter(shown_as);
    sandbox.add_filter("lower", filters::lower);
    sandbox.add_filter("upper", filters::upper);
    sandbox.add_filter("capitalize", filters::capitalize);
    sandbox.add_filter("title", filters::title);
    sandbox.add_filter("trim", filters::trim);
    sandbox.add_filter("length", filters::length);
    sandbox.add_filter("count", filters::length);
    sandbox.add_filter("default", filters::default);
    sandbox.add_filter("d", filters::default);
    sandbox.add_filter("round", filters::round);
    sandbox.add_filter("abs", filters::abs);
    sandbox.add_filter("int", filters::int);
    sandbox.add_filter("float", filters::float);
    sandbox.add_filter("first", filters::first);
    sandbox.add_filter("last", filters::last);
    sandbox.add_filter("sort", filters::sort);
    sandbox.add_filter("unique", filters::unique);
    sandbox.add_filter("min", filters::min);
    sandbox.add_filter("max", filters::max);
    sandbox.add_filter("sum", filters::sum);
    sandbox.add_filter("join", joined);
    sandbox.add_filter("truncate", truncated);
    sandbox.add_filter("url", address);
    sandbox.add_test("defined", tests::is_defined);
    sandbox.add_test("undefined", tests::is_undefined);
    sandbox.add_test("none", tests::is_none);
    sandbox.add_test("string", tests::is_string);
    sandbox.add_test("number", tests::is_number);
    sandbox.add_test("odd", tests::is_odd);
    sandbox.add_test("even", tests::is_even);
    sandbox
}

const NO_ADDRESS: &str = "a link of the message is no web address";

/// Values in a message: without characters that control something, on one line in headers, escaped for HTML and JSON.
fn shown_as(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &minijinja::Value) -> Result<(), minijinja::Error> {
    let header = matches!(state.auto_escape(), AutoEscape::Custom(_));
    let Some(text) = value.as_str() else {
        if header {
            let text = value.to_string();
            return out.write_str(&harmless(&text, true)).map_err(minijinja::Error::from);
        }
        return minijinja::escape_formatter(out, state, value);
    };
    let text = harmless(text, header);
    match state.auto_escape() {
        AutoEscape::Html | AutoEscape::Json => minijinja::escape_formatter(out, state, &minijinja::Value::from(&*text)),
        _ => out.write_str(&text).map_err(minijinja::Error::from),
    }
}

/// A text without control characters and marks that turn the direction of writing; on a single line where that is wanted.
fn harmless(text: &str, line: bool) -> Cow<'_, str> {
    let turns = |letter: char| matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}');
    let odd = |letter: char| turns(letter) || letter.is_control() && (line || !matches!(letter, '\n' | '\t'));
    if !text.chars().any(odd) {
        return Cow::Borrowed(text);
    }
    let shown = |letter: char| match letter {
        letter if turns(letter) => None,
        letter if odd(letter) => line.then_some(' '),
        letter => Some(letter),
    };
    Cow::Owned(text.chars().filter_map(shown).collect())
}

fn joined(values: &minijinja::Value, between: Option<&str>) -> Result<String, minijinja::Error> {
    let between = between.unwrap_or_default();
    let mut text = String::new();
    for (place, value) in values.try_iter()?.enumerate() {
        if place > 0 {
            text.push_str(between);
        }
        match value.as_str() {
            Some(part) => text.push_str(part),
            None => text.push_str(&value.to_string()),
        }
        if text.len() > MAX_MESSAGE {
            return Err(minijinja::Error::new(ErrorKind::InvalidOperation, "the list is too long"));
        }
    }
    Ok(text)
}

fn truncated(text: &str, length: usize) -> String {
    if text.chars().count() <= length {
        return text.to_owned();
    }
    let kept: String = text.chars().take(length.saturating_sub(1)).collect();
    format!("{}\u{2026}", kept.trim_end())
}

/// An address that a browser opens without running anything.
fn address(text: &str) -> Result<String, minijinja::Error> {
    let text = text.trim();
    let lower: String = text.chars().take(10).collect::<String>().to_ascii_lowercase();
    let absolute = ["https://", "http://", "mailto:", "tel:"].iter().any(|scheme| lower.starts_with(scheme));
    let relative = text.starts_with(['/', '#', '?']) && !text.starts_with("//") && !text.starts_with("/\\");
    if (absolute || relative) && !text.chars().any(|letter| letter.is_control() || letter.is_whitespace()) {
        return Ok(text.to_owned());
    }
    Err(minijinja::Error::new(ErrorKind::InvalidOperation, NO_ADDRESS))
}

/// A value as templates see it: numbers and truth values as such, lists as lists, everything else as text.
pub(super) fn shown(value: &Value) -> minijinja::Value {
    match value {
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Uint(value) => (*value).into(),
        Value::Double(value) => (*value).into(),
        Value::String(value) => (&**value).into(),
        Value::List(items) => items.iter().map(shown).collect::<Vec<_>>().into(),
        Value::Null => ().into(),
        other => match other.to_json() {
            serde_json::Value::String(text) => text.into(),
            json => json.to_string().into(),
        },
    }
}

/// What is said of an offer, as templates see it.
pub(super) fn shown_offer(offer: &ShownOffer) -> minijinja::Value {
    let told = offer.values.iter().filter_map(|(name, value)| Some((name.to_string(), shown(value.as_ref()?))));
    minijinja::Value::from_pairs(told)
}

/// Takes a message up to its greatest length.
struct Sink {
    bytes: Vec<u8>,
}

impl Write for Sink {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        let left = MAX_MESSAGE.saturating_sub(self.bytes.len());
        if left == 0 && !part.is_empty() {
            return Err(io::Error::other("message too long"));
        }
        let taken = part.get(..left).unwrap_or(part);
        self.bytes.extend_from_slice(taken);
        Ok(taken.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
