//! How the brand speaks: language, form of address and appeal, greetings, and the pieces that messages share.

use super::model::{Name, Playbook, Text};
use super::read::{At, Loader, Names};
use super::source::cut;
use super::tree::Content;
use std::rc::Rc;
use std::sync::Arc;

/// How the brand speaks to a customer.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Voice {
    /// What tells about the customer, in the order of [`VOICE_FACTS`].
    pub facts: [Option<Text>; 9],
    /// The language when the customer's is unknown.
    pub default_language: Arc<str>,
    /// The form of address when the customer stated none.
    pub default_address: Address,
    /// How each persona is appealed to.
    pub appeal: Vec<(Name, Appeal)>,
    /// How others are appealed to.
    pub default_appeal: Option<Appeal>,
    /// Greetings by language.
    pub greetings: Vec<Greeting>,
}

/// What a [`Voice`] asks of a customer.
pub const VOICE_FACTS: [&str; 9] =
    ["language", "address", "title", "given_name", "family_name", "nickname", "suffix", "stage", "returning"];

/// The form of address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Address {
    /// By title and family name.
    #[default]
    Formal,
    /// By nickname or first name.
    Informal,
}

impl Address {
    /// The word of the playbook.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Address::Formal => "formal",
            Address::Informal => "informal",
        }
    }

    /// The form of a word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Address::Formal, Address::Informal].into_iter().find(|address| address.name() == word)
    }
}

/// What a message appeals to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appeal {
    /// To feelings.
    Emotional,
    /// To facts.
    Factual,
}

impl Appeal {
    /// The word of the playbook.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Appeal::Emotional => "emotional",
            Appeal::Factual => "factual",
        }
    }

    /// The appeal of a word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Appeal::Emotional, Appeal::Factual].into_iter().find(|appeal| appeal.name() == word)
    }
}

/// How to greet in a language; `{{ name }}` stands for the name.
#[derive(Debug, Clone, PartialEq)]
pub struct Greeting {
    /// The language, such as `de` or `pt-br`.
    pub language: Arc<str>,
    /// With title and family name.
    pub formal: Arc<str>,
    /// With first name or nickname.
    pub informal: Arc<str>,
    /// When the name is not known.
    pub without_name: Arc<str>,
}

/// One wording of several of a message.
#[derive(Debug, Clone, PartialEq)]
pub struct Variant {
    /// The template.
    pub text: Text,
    /// The language in which it is.
    pub language: Option<Arc<str>>,
    /// The form of address that it takes.
    pub address: Option<Address>,
    /// What it appeals to.
    pub appeal: Option<Appeal>,
    /// The stages of the journey for which it is.
    pub stages: Vec<Arc<str>>,
    /// For those who come back, or for those who are new.
    pub returning: Option<bool>,
    /// A condition.
    pub when: Option<Text>,
    /// Headers such as the subject, by name.
    pub headers: Vec<(Name, Text)>,
}

impl Loader<'_> {
    pub(super) fn voice(&mut self, root: &At<'_>) -> Option<Voice> {
        let section = root.get("voice")?;
        let personas: Rc<Names> = Rc::new(root.get("personas").iter().flat_map(At::children).map(|child| child.key).collect());
        let mut appeal = Vec::new();
        for at in section.get("appeal").iter().flat_map(At::children).collect::<Vec<_>>() {
            if !personas.contains(&at.key) {
                let hint = crate::error::nearest(&at.key, personas.iter().map(|name| &**name));
                let hint = hint.map(|near| format!("did you mean `{near}`?"));
                self.error_at_key("unknown_name", &at, format!("unknown persona `{}`", cut(&at.key)), hint);
            }
            let word = at.node.text().and_then(|word| Appeal::named(word));
            let place = self.findings.place(at.spot);
            appeal.extend(word.map(|word| (Name { text: at.key.clone(), place }, word)));
        }
        let default_language = section.text("default_language").unwrap_or_else(|| Arc::from("en"));
        let mut greetings = Vec::new();
        for at in section.get("greetings").iter().flat_map(At::children).collect::<Vec<_>>() {
            greetings.extend(self.greeting(&at));
        }
        if let Some(at) = section.get("greetings")
            && !greetings.iter().any(|greeting: &Greeting| same_language(&greeting.language, &default_language))
        {
            let message =
                format!("there is no greeting in `{}`, the language when the customer's is unknown", cut(&default_language));
            self.error_at_key("missing_key", &at, message, None);
        }
        Some(Voice {
            facts: VOICE_FACTS.map(|key| self.rule_of(&section, key)),
            default_language,
            default_address: section.text("default_address").and_then(|word| Address::named(&word)).unwrap_or_default(),
            appeal,
            default_appeal: section.text("default_appeal").and_then(|word| Appeal::named(&word)),
            greetings,
        })
    }

    fn greeting(&mut self, at: &At<'_>) -> Option<Greeting> {
        let mut text = |key: &str, named: bool| {
            let inner = at.get(key)?;
            let text = inner.node.text()?.clone();
            let parts: Vec<&str> = text.split("{{ name }}").collect();
            let wrong = if text.trim().is_empty() {
                Some("a greeting cannot be blank".to_owned())
            } else if parts.iter().any(|part| part.contains(['{', '}'])) || parts.len() != 1 + usize::from(named) {
                Some(match named {
                    true => "this greeting shows `{{ name }}`, once, and nothing else".to_owned(),
                    false => "a greeting without a name shows nothing".to_owned(),
                })
            } else {
                None
            };
            match wrong {
                Some(message) => {
                    self.error("bad_greeting", &inner, message, None);
                    None
                }
                None => Some(text),
            }
        };
        let (formal, informal, without_name) = (text("formal", true), text("informal", true), text("without_name", false));
        Some(Greeting { language: at.key.clone(), formal: formal?, informal: informal?, without_name: without_name? })
    }

    /// The pieces that messages may include, by name.
    pub(super) fn snippets(&mut self, root: &At<'_>) -> Vec<(Name, Text)> {
        let Some(section) = root.get("snippets") else { return Vec::new() };
        let named = self.named(&section, "a snippet");
        named.into_iter().filter_map(|(name, at)| Some((name, self.rule(&at)?))).collect()
    }

    /// The wordings of a treatment's message, with headers.
    pub(super) fn variants(&mut self, at: &At<'_>) -> Vec<Variant> {
        let common = self.headers(at);
        let Some(message) = at.get("message") else { return Vec::new() };
        let mut variants = Vec::new();
        for at in message.one_or_more() {
            if !matches!(at.node.content, Content::Map(_)) {
                let text = self.rule(&at);
                variants.extend(text.map(|text| Variant { headers: common.clone(), ..plain(text) }));
                continue;
            }
            let Some(text) = self.rule_of(&at, "text") else { continue };
            let mut headers = self.headers(&at);
            for header in &common {
                if headers.iter().all(|(own, _)| own.text != header.0.text) {
                    headers.push(header.clone());
                }
            }
            variants.push(Variant {
                language: at.text("language"),
                address: at.text("address").and_then(|word| Address::named(&word)),
                appeal: at.text("appeal").and_then(|word| Appeal::named(&word)),
                stages: at.get("stage").iter().flat_map(At::one_or_more).filter_map(|at| at.node.text().cloned()).collect(),
                returning: at.get("returning").map(|_| at.flag("returning")),
                when: self.rule_of(&at, "when"),
                headers,
                ..plain(text)
            });
        }
        variants
    }

    fn headers(&mut self, at: &At<'_>) -> Vec<(Name, Text)> {
        let Some(section) = at.get("headers") else { return Vec::new() };
        let named = self.named(&section, "a header");
        named.into_iter().filter_map(|(name, at)| Some((name, self.rule(&at)?))).collect()
    }

    /// Variants that ask for what the playbook does not tell.
    pub(super) fn check_voice(&mut self, root: &At<'_>, playbook: &Playbook) {
        let told =
            |place: usize| playbook.voice.as_ref().is_some_and(|voice| voice.facts.get(place).is_some_and(Option::is_some));
        let appeals = playbook.voice.as_ref().is_some_and(|voice| !voice.appeal.is_empty() || voice.default_appeal.is_some());
        let offers = root.get("offers");
        let treatments = offers.iter().flat_map(At::children).filter_map(|at| at.get("treatments"));
        let placements = root.get("placements");
        let fallbacks = placements.iter().flat_map(At::children).filter_map(|at| at.get("fallback"));
        let treatments = treatments.flat_map(|at| at.children().collect::<Vec<_>>());
        let treatments: Vec<At<'_>> = treatments.chain(fallbacks).collect();
        for variant in treatments.iter().filter_map(|at| at.get("message")).flat_map(|at| at.items().collect::<Vec<_>>()) {
            let needs =
                [("language", told(0)), ("address", told(1)), ("appeal", appeals), ("stage", told(7)), ("returning", true)];
            for (key, there) in needs {
                let Some(at) = variant.get(key).filter(|_| !there) else { continue };
                let message = format!("the wording depends on `{key}`, which `voice` does not declare");
                let hint = format!("say under `voice` where that is known from: `{key}: \u{2026}`");
                self.error_at_key("no_voice", &at, message, Some(hint));
            }
        }
    }
}

fn plain(text: Text) -> Variant {
    Variant {
        text,
        language: None,
        address: None,
        appeal: None,
        stages: Vec::new(),
        returning: None,
        when: None,
        headers: Vec::new(),
    }
}

/// Whether two tags are of one language, as `de` and `DE` are.
pub(crate) fn same_language(one: &str, other: &str) -> bool {
    one.replace('_', "-").eq_ignore_ascii_case(&other.replace('_', "-"))
}
