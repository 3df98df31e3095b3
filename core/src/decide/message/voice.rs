use crate::context::{Context, Rule, Sources};
use crate::error::Diagnostic;
use crate::expr::{Expected, Facts, Outcome};
use crate::playbook::{self, Address, Appeal, Greeting, Playbook, Text, VOICE_FACTS, same_language};
use crate::value::Value;
use std::cell::OnceCell;
use std::sync::Arc;

/// Places in [`VOICE_FACTS`].
const LANGUAGE: usize = 0;
const ADDRESS: usize = 1;
const TITLE: usize = 2;
const GIVEN: usize = 3;
const FAMILY: usize = 4;
const NICKNAME: usize = 5;
const SUFFIX: usize = 6;
const STAGE: usize = 7;
const RETURNING: usize = 8;

/// How the brand speaks, compiled.
#[derive(Debug, Default)]
pub(in crate::decide) struct VoiceRule {
    facts: [Option<Rule>; VOICE_FACTS.len()],
    /// What is read to tell who comes back, when the playbook does not say.
    usual_returning: Option<Rule>,
    /// Which persona is likely, when appeals depend on it.
    persona: Option<Rule>,
    appeal: Vec<(Arc<str>, Appeal)>,
    default_appeal: Option<Appeal>,
    default_language: Arc<str>,
    default_address: Address,
    greetings: Vec<Greeting>,
}

/// What a treatment asks of the voice.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Asks {
    pub(super) language: bool,
    pub(super) address: bool,
    pub(super) appeal: bool,
    pub(super) stage: bool,
    pub(super) returning: bool,
    pub(super) greeting: bool,
}

impl VoiceRule {
    pub(in crate::decide) fn compile(playbook: &Playbook, sources: &Sources, findings: &mut Vec<Diagnostic>) -> Self {
        let written = |text: &str, name: &playbook::Name, path: &str| {
            let text = Text { text: Arc::from(text), place: name.place.clone(), path: Arc::from(path), lines: Vec::new() };
            Rule::compile(&text, &sources.schema, &Expected::Any, &mut Vec::new())
        };
        let usual_returning = written("session.first", &playbook.name, "voice.returning");
        let Some(voice) = &playbook.voice else {
            return VoiceRule { default_language: Arc::from("en"), usual_returning, ..Self::default() };
        };
        let mut facts: [Option<Rule>; VOICE_FACTS.len()] = Default::default();
        for (place, (text, rule)) in voice.facts.iter().zip(&mut facts).enumerate() {
            let expected = if place == RETURNING { Expected::Bool } else { Expected::Any };
            *rule = text.as_ref().and_then(|text| Rule::compile(text, &sources.schema, &expected, findings));
        }
        VoiceRule {
            facts,
            usual_returning,
            persona: voice.appeal.first().and_then(|(name, _)| written("persona.likely", name, "voice.appeal")),
            appeal: voice.appeal.iter().map(|(name, appeal)| (name.text.clone(), *appeal)).collect(),
            default_appeal: voice.default_appeal,
            default_language: voice.default_language.clone(),
            default_address: voice.default_address,
            greetings: voice.greetings.clone(),
        }
    }

    /// Whether messages may greet.
    pub(super) fn greets(&self) -> bool {
        !self.greetings.is_empty()
    }

    /// The rules by which it answers.
    pub(super) fn rules(&self, asks: Asks) -> Vec<&Rule> {
        let mut places = Vec::new();
        let wanted = [
            (asks.language || asks.greeting, &[LANGUAGE][..]),
            (asks.address || asks.greeting, &[ADDRESS]),
            (asks.greeting, &[TITLE, GIVEN, FAMILY, NICKNAME, SUFFIX]),
            (asks.stage, &[STAGE]),
            (asks.returning, &[RETURNING]),
        ];
        wanted.iter().filter(|(wanted, _)| *wanted).for_each(|(_, own)| places.extend_from_slice(own));
        let rules = places.iter().filter_map(|place| self.facts.get(*place)?.as_ref());
        let usual = asks.returning && self.facts.get(RETURNING).is_none_or(Option::is_none);
        rules.chain(self.usual_returning.iter().filter(|_| usual)).chain(self.persona.iter().filter(|_| asks.appeal)).collect()
    }

    fn text(&self, context: &Context<'_>, place: usize) -> Option<Arc<str>> {
        match self.facts.get(place)?.as_ref()?.ask(context).outcome {
            Outcome::Value(Value::String(text)) if !text.trim().is_empty() => Some(Arc::from(text.trim())),
            _ => None,
        }
    }
}

/// A customer who is spoken to; asked only for what a message needs.
pub(super) struct Listener<'v, 'c, 'a> {
    voice: &'v VoiceRule,
    context: &'c Context<'a>,
    language: OnceCell<Arc<str>>,
}

impl<'v, 'c, 'a> Listener<'v, 'c, 'a> {
    pub(super) fn new(voice: &'v VoiceRule, context: &'c Context<'a>) -> Self {
        Listener { voice, context, language: OnceCell::new() }
    }

    /// The customer's language, or the default.
    pub(super) fn language(&self) -> &Arc<str> {
        self.language.get_or_init(|| {
            let told = self.voice.text(self.context, LANGUAGE);
            told.unwrap_or_else(|| self.voice.default_language.clone())
        })
    }

    pub(super) fn default_language(&self) -> &Arc<str> {
        &self.voice.default_language
    }

    /// The form of address that the customer stated, or the default.
    pub(super) fn address(&self) -> Address {
        let told = self.voice.text(self.context, ADDRESS);
        told.and_then(|word| Address::named(&word.to_lowercase())).unwrap_or(self.voice.default_address)
    }

    pub(super) fn appeal(&self) -> Option<Appeal> {
        let likely = self.voice.persona.as_ref().and_then(|rule| match rule.ask(self.context).outcome {
            Outcome::Value(Value::String(persona)) => Some(persona),
            _ => None,
        });
        let own = likely.and_then(|persona| self.voice.appeal.iter().find(|(name, _)| *name == persona));
        own.map(|(_, appeal)| *appeal).or(self.voice.default_appeal)
    }

    pub(super) fn stage(&self) -> Option<Arc<str>> {
        self.voice.text(self.context, STAGE)
    }

    /// Whether the customer comes back; `None` when what was before may not be read.
    pub(super) fn returning(&self) -> Option<bool> {
        if let Some(rule) = self.voice.facts.get(RETURNING).and_then(Option::as_ref) {
            return rule.ask(self.context).outcome.as_bool();
        }
        if Facts::begins(self.context).is_some() {
            return None;
        }
        let begins = Facts::session(self.context).map_or(Facts::now(self.context), |(start, _)| start);
        let first = self.context.view().declared().map(|(first, ..)| first);
        Some(first.is_some_and(|first| first < begins))
    }

    /// The greeting in a language; never without words, and never with a gap where a name should be.
    pub(super) fn greeting(&self, language: &str) -> Option<String> {
        let greetings = &self.voice.greetings;
        let main = |tag: &str| tag.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
        let greeting = greetings
            .iter()
            .find(|greeting| same_language(&greeting.language, language))
            .or_else(|| greetings.iter().find(|greeting| main(&greeting.language) == main(language)))
            .or_else(|| greetings.iter().find(|greeting| same_language(&greeting.language, &self.voice.default_language)))
            .or_else(|| greetings.first())?;
        let (pattern, name) = match self.address() {
            Address::Formal => (&greeting.formal, self.formal_name(&main(&greeting.language))),
            Address::Informal => (&greeting.informal, self.told(NICKNAME).or_else(|| self.told(GIVEN))),
        };
        Some(name.map_or_else(|| greeting.without_name.to_string(), |name| pattern.replace("{{ name }}", &name)))
    }

    fn told(&self, place: usize) -> Option<Arc<str>> {
        self.voice.text(self.context, place)
    }

    /// Title and family name; in Chinese, Japanese and Korean the family name and what follows it. Without a title the whole name.
    fn formal_name(&self, language: &str) -> Option<Arc<str>> {
        let family = self.told(FAMILY)?;
        let given = || self.told(GIVEN);
        let name = match language {
            "zh" | "ja" | "ko" => {
                let usual = match language {
                    "ja" => Some(Arc::from("様")),
                    "ko" => Some(Arc::from("님")),
                    _ => None,
                };
                match self.told(SUFFIX).or_else(|| self.told(TITLE)).or(usual) {
                    Some(suffix) => format!("{family}{suffix}"),
                    None => format!("{family}{}", given()?),
                }
            }
            _ => match self.told(TITLE) {
                Some(title) => format!("{title} {family}"),
                None => format!("{} {family}", given()?),
            },
        };
        Some(Arc::from(name))
    }
}

/// A compiled wording of a message.
#[derive(Debug)]
pub(in crate::decide) struct VariantRule {
    pub(super) template: super::TemplateName,
    pub(super) headers: Vec<(Arc<str>, super::TemplateName)>,
    pub(super) language: Option<Arc<str>>,
    pub(super) address: Option<Address>,
    pub(super) appeal: Option<Appeal>,
    pub(super) stages: Vec<Arc<str>>,
    pub(super) returning: Option<bool>,
    pub(super) when: Option<Rule>,
}

impl VariantRule {
    /// How close it comes to a customer; `None` when it is not for them.
    pub(super) fn fits(&self, listener: &Listener<'_, '_, '_>, language: &str) -> Option<(u8, u8)> {
        let tongue = match &self.language {
            None => 0,
            Some(own) if same_language(own, language) => 2,
            Some(own) if language.split(['-', '_']).next().is_some_and(|main| same_language(own, main)) => 1,
            Some(_) => return None,
        };
        let mut asked = 0;
        let mut must = |holds: bool| {
            asked += 1;
            holds.then_some(())
        };
        if let Some(address) = self.address {
            must(listener.address() == address)?;
        }
        if let Some(appeal) = self.appeal {
            must(listener.appeal() == Some(appeal))?;
        }
        if !self.stages.is_empty() {
            must(listener.stage().is_some_and(|stage| self.stages.contains(&stage)))?;
        }
        if let Some(returning) = self.returning {
            must(listener.returning() == Some(returning))?;
        }
        if let Some(when) = &self.when {
            must(listener.context.holds(when).truth == Some(true))?;
        }
        Some((tongue, asked))
    }

    /// What it asks of the voice.
    pub(super) fn asks(variant: &playbook::Variant) -> Asks {
        Asks {
            language: variant.language.is_some(),
            address: variant.address.is_some(),
            appeal: variant.appeal.is_some(),
            stage: !variant.stages.is_empty(),
            returning: variant.returning.is_some(),
            greeting: false,
        }
    }
}
