use crate::error::{Diagnostic, Severity, nearest};
use crate::playbook::{Format, Text};
use crate::value::Value;
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// Steps of the template engine per message.
const FUEL: u64 = 50_000;
/// The longest message, in bytes.
const MAX_MESSAGE: usize = 256 * 1024;

/// The templates of all treatments, compiled. Templates see the values of `with` and nothing else: no files, no includes.
#[derive(Debug)]
pub(crate) struct Messages {
    environment: Environment<'static>,
    /// Messages that are the same for everybody, by template.
    constants: BTreeMap<String, String>,
}

/// A template by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateName(String);

impl Messages {
    pub(super) fn new() -> Self {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_fuel(Some(FUEL));
        environment.set_auto_escape_callback(|name| match name.rsplit_once('.') {
            Some((_, "html")) => AutoEscape::Html,
            Some((_, "json")) => AutoEscape::Json,
            _ => AutoEscape::None,
        });
        Messages { environment, constants: BTreeMap::new() }
    }

    /// Compiles a template; it may use `names` only.
    pub(super) fn add(
        &mut self,
        text: &Text,
        format: Format,
        names: &[&str],
        findings: &mut Vec<Diagnostic>,
    ) -> Option<TemplateName> {
        let extension = match format {
            Format::Text => "txt",
            Format::Html => "html",
            Format::Json => "json",
        };
        let name = format!("{}.{extension}", text.path);
        let mistake = |code, message: String, hint: Option<String>| Diagnostic {
            code,
            severity: Severity::Error,
            message,
            path: text.path.to_string(),
            place: Some(text.place.clone()),
            hint,
            related: None,
        };
        if let Err(error) = self.environment.add_template_owned(name.clone(), text.text.to_string()) {
            let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
            let line =
                error.line().filter(|line| *line > 1).map_or_else(String::new, |line| format!(" (line {line} of the message)"));
            findings.push(mistake("template_syntax", format!("the message is no template: {detail}{line}"), None));
            return None;
        }
        let used =
            self.environment.get_template(&name).map(|template| template.undeclared_variables(false)).unwrap_or_default();
        let unknown: std::collections::BTreeSet<String> =
            used.into_iter().filter(|name| !names.contains(&name.as_str())).collect();
        for name in &unknown {
            let hint = match nearest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("declare it under `with`, such as `{name}: customer.{name}`"),
            };
            findings.push(mistake(
                "unknown_name",
                format!("the message shows `{name}`, which `with` does not declare"),
                Some(hint),
            ));
        }
        if !unknown.is_empty() {
            return None;
        }
        let template = TemplateName(name);
        if !text.text.contains('{')
            && let Ok(message) = self.render(&template, &BTreeMap::new())
        {
            self.constants.insert(template.0.clone(), message);
        }
        Some(template)
    }

    /// The message of a template that shows nothing.
    pub(super) fn constant(&self, name: &TemplateName) -> Option<&str> {
        self.constants.get(&name.0).map(String::as_str)
    }

    /// Writes a message.
    ///
    /// # Errors
    /// What went wrong, without the values: a template that runs too long, writes too much or uses a value wrongly.
    pub(super) fn render(&self, name: &TemplateName, values: &BTreeMap<&str, minijinja::Value>) -> Result<String, String> {
        let template = self.environment.get_template(&name.0).map_err(|error| error.kind().to_string())?;
        let mut sink = Sink { bytes: Vec::new() };
        match template.render_captured_to(
            minijinja::Value::from_pairs(values.iter().map(|(name, value)| (*name, value.clone()))),
            &mut sink,
        ) {
            Ok(_) => String::from_utf8(sink.bytes).map_err(|_| "the message is no text".to_owned()),
            Err(_) if sink.bytes.len() >= MAX_MESSAGE => Err(format!("the message is longer than {MAX_MESSAGE} bytes")),
            Err(error) => Err(error.kind().to_string()),
        }
    }
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
