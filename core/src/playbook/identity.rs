//! Who is who: namespaces of identifiers and the limits of joining.

use super::model::{IdentityLimits, Name, Namespace, Never, Normalize};
use super::read::{At, Loader};
use super::source::cut;
use std::sync::Arc;

/// The longest pattern, in bytes, and the most patterns of a namespace.
const PATTERN_BYTES: usize = 512;
const MOST_PATTERNS: usize = 1_000;

impl Loader<'_> {
    pub(super) fn namespaces(&mut self, root: &At<'_>) -> Vec<Namespace> {
        let Some(section) = root.get("identity") else { return Vec::new() };
        let named = self.named(&section, "a namespace");
        named.into_iter().map(|(name, at)| self.namespace(name, &at)).collect()
    }

    fn namespace(&mut self, name: Name, at: &At<'_>) -> Namespace {
        let normalize = match at.text("normalize").as_deref() {
            Some("trim") => Normalize::Trim,
            Some("lower") => Normalize::Lower,
            Some("email") => Normalize::Email,
            Some("phone") => Normalize::Phone { region: self.region(at) },
            _ => Normalize::None,
        };
        if let (Some(region), false) = (at.get("region"), matches!(normalize, Normalize::Phone { .. })) {
            let message = "`region` belongs to `normalize: phone`".to_owned();
            self.error_at_key("misplaced", &region, message, None);
        }
        let limit = at.number("limit");
        if let (Some(place), true, true) = (at.get("limit"), at.flag("unique"), limit.is_some_and(|limit| limit > 1)) {
            let message = "`unique` allows one, so a `limit` above 1 contradicts it".to_owned();
            self.error("contradiction", &place, message, Some("leave out one of the two".to_owned()));
        }
        let never = at.get("never").map(|list| self.never(&list)).unwrap_or_default();
        Namespace {
            name,
            anonymous: at.flag("anonymous"),
            shared: at.flag("shared"),
            unique: at.flag("unique"),
            limit,
            guard: at.number("guard").unwrap_or(100),
            normalize,
            never,
            labels: self.labels(at),
        }
    }

    fn region(&mut self, at: &At<'_>) -> Option<Arc<str>> {
        let place = at.get("region")?;
        let text = place.node.text()?.clone();
        if crate::value::is_phone_region(&text) {
            return Some(text);
        }
        let upper = text.to_ascii_uppercase();
        let hint = crate::value::is_phone_region(&upper).then(|| format!("did you mean `{upper}`?"));
        let message = format!("expected a country with two letters as in ISO 3166, found `{}`", cut(&text));
        self.error("bad_region", &place, message, hint);
        None
    }

    fn never(&mut self, list: &At<'_>) -> Vec<Never> {
        let mut values = Vec::new();
        for at in list.items() {
            let Some(text) = at.node.text() else { continue };
            if text.len() > PATTERN_BYTES || values.len() >= MOST_PATTERNS {
                let message = format!("at most {MOST_PATTERNS} values of at most {PATTERN_BYTES} bytes each");
                self.error("too_many", &at, message, None);
                break;
            }
            let pattern = match text.strip_prefix('/').and_then(|rest| rest.strip_suffix('/')) {
                Some(pattern) => pattern.to_owned(),
                None if text.contains('*') => text.split('*').map(regex::escape).collect::<Vec<_>>().join(".*"),
                None => {
                    values.push(Never::Value(text.clone()));
                    continue;
                }
            };
            match Never::regex(&pattern) {
                Ok(_) => values.push(Never::Pattern(Arc::from(pattern))),
                Err(problem) => {
                    let message = format!("`{}` is no regular expression: {problem}", cut(text));
                    self.error("bad_pattern", &at, message, None);
                }
            }
        }
        values
    }

    pub(super) fn identity_limits(root: &At<'_>) -> IdentityLimits {
        let usual = IdentityLimits::default();
        let Some(at) = root.get("identity_limits") else { return usual };
        IdentityLimits {
            identifiers: at.number("identifiers").unwrap_or(usual.identifiers),
            confidence: at.number("confidence").unwrap_or(usual.confidence),
        }
    }
}

impl Never {
    /// A pattern as a regular expression for a whole value; compiles within bounds of memory.
    pub(crate) fn regex(pattern: &str) -> Result<regex::Regex, String> {
        let whole = format!("^(?s:{pattern})$");
        let built = regex::RegexBuilder::new(&whole).size_limit(1 << 20).dfa_size_limit(1 << 20).build();
        built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            // The library's account has several lines; the last says what is wrong.
            other => other.to_string().lines().last().unwrap_or("").trim_start_matches("error: ").to_owned(),
        })
    }
}
