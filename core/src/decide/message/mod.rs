//! Messages: what is said, in which words, on which channel. Templates are compiled with the playbook into a sandbox that knows text,
//! values, `if`, `for` and a few filters; what they show is escaped for the channel.

mod html;
mod sms;
mod tags;
mod template;
mod voice;
mod write;

pub use sms::SmsLength;
pub(crate) use template::TemplateName;
pub(super) use template::{Messages, Names};
pub(super) use voice::VariantRule;
pub(super) use write::{blank, write};

use super::contact::Switch;
use super::of_offer::ShownOffer;
use super::rules::TreatmentRule;
use crate::context::Rule;
use crate::error::Diagnostic;
use crate::expr::{Expected, Schema};
use crate::playbook::{Format, Playbook, Treatment};
use std::sync::Arc;
use voice::Asks;

/// Compiles the form of an offer for a channel; what it shows is read with the names of `schema`; `fields` are those of
/// the items that it carries. `None` when nothing of it can be used.
pub(super) fn treatment_rule(
    treatment: &Treatment,
    ((plain_schema, schema), fields, offer): ((&Schema, &Schema), Option<&[Arc<str>]>, &ShownOffer),
    playbook: &Playbook,
    messages: &mut Messages,
    findings: &mut Vec<Diagnostic>,
) -> Option<TreatmentRule> {
    let channel = playbook.channels.iter().find(|channel| channel.name.text == treatment.channel.text);
    let (format, segments) = channel.map_or((Format::Text, 0), |channel| (channel.format, channel.segments));
    let with: Vec<(Arc<str>, Rule, Option<Arc<str>>)> = treatment
        .with
        .iter()
        .filter_map(|shown| {
            let rule = Rule::compile(&shown.value, schema, &Expected::Any, findings)?;
            Some((shown.name.text.clone(), rule, shown.missing.clone()))
        })
        .collect();
    let names = Names {
        with: treatment.with.iter().map(|shown| &*shown.name.text).collect(),
        greets: messages.voice.greets(),
        script: format == Format::Script,
        fields,
        offer,
    };
    let mut asks = Asks::default();
    let mut variants = Vec::new();
    let mut shows_offer = false;
    for variant in &treatment.variants {
        let own = VariantRule::asks(variant);
        asks.language |= own.language;
        asks.address |= own.address;
        asks.appeal |= own.appeal;
        asks.stage |= own.stage;
        asks.returning |= own.returning;
        let when = variant.when.as_ref().and_then(|when| Rule::compile(when, plain_schema, &Expected::Bool, findings));
        let template = messages.add(&variant.text, Some(format), &names, findings);
        let headers: Vec<_> = variant
            .headers
            .iter()
            .filter_map(|(name, text)| Some((name.text.clone(), messages.add(text, None, &names, findings)?)))
            .collect();
        let Some(template) = template else { continue };
        asks.greeting |= std::iter::once(&template)
            .chain(headers.iter().map(|(_, template)| template))
            .any(|template| messages.shows(template, &["greeting", "language", "address"]));
        shows_offer |= std::iter::once(&template)
            .chain(headers.iter().map(|(_, template)| template))
            .any(|template| messages.shows(template, &["offer"]));
        variants.push(VariantRule {
            template,
            headers,
            language: variant.language.clone(),
            address: variant.address,
            appeal: variant.appeal,
            stages: variant.stages.clone(),
            returning: variant.returning,
            when,
        });
    }
    let voiced: Vec<Rule> = messages.voice.rules(asks).into_iter().cloned().collect();
    let voiced = voiced.into_iter().chain(variants.iter().filter_map(|variant| variant.when.clone())).collect();
    (!variants.is_empty()).then(|| TreatmentRule {
        channel: treatment.channel.text.clone(),
        format,
        segments,
        plain: plain(treatment, &variants),
        greets: asks.greeting,
        variants,
        with,
        offer: shows_offer.then(|| template::shown_offer(offer)),
        voiced,
        assurance: treatment.assurance,
        obeys: Switch::All,
        counts: Switch::All,
    })
}

/// The only template, when there is nothing to choose and nothing beside it.
fn plain(treatment: &Treatment, variants: &[VariantRule]) -> Option<TemplateName> {
    match (&treatment.variants[..], variants) {
        ([written], [compiled]) => {
            let asks = VariantRule::asks(written);
            let chosen = asks.language || asks.address || asks.appeal || asks.stage || asks.returning || written.when.is_some();
            (!chosen && written.headers.is_empty()).then(|| compiled.template.clone())
        }
        _ => None,
    }
}
