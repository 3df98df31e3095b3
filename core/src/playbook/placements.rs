//! Where it can be shown: channels and placements.

use super::model::{Channel, Fallback, Format, Name, Offer, Placement, Treatment};
use super::read::{At, Loader};
use std::collections::{BTreeMap, BTreeSet};

impl Loader<'_> {
    pub(super) fn channels(&mut self, root: &At<'_>) -> Vec<Channel> {
        let Some(section) = root.get("channels") else { return Vec::new() };
        let named = self.named(&section, "a channel");
        let read = |(name, at): (Name, At<'_>)| {
            let word = at.node.text().cloned().or_else(|| at.text("format"));
            let format = match word.as_deref() {
                Some("html") => Format::Html,
                Some("json") => Format::Json,
                Some("sms") => Format::Sms,
                Some("script") => Format::Script,
                _ => Format::Text,
            };
            let contact = at.get("contact").is_none() || at.flag("contact");
            Channel { name, format, contact, segments: at.number("segments").unwrap_or(3) }
        };
        named.into_iter().map(read).collect()
    }

    pub(super) fn placements(&mut self, root: &At<'_>) -> Vec<Placement> {
        let Some(section) = root.get("placements") else { return Vec::new() };
        let named = self.named(&section, "a placement");
        named.into_iter().filter_map(|(name, at)| self.placement(name, &at)).collect()
    }

    fn placement(&mut self, name: Name, at: &At<'_>) -> Option<Placement> {
        let known = self.declared.channels.clone();
        let channel = at.get("channel").and_then(|at| self.reference(&at, "channel", &known));
        let fallback = at.get("fallback").and_then(|at| {
            let purposes = self.purposes_of(&at);
            let wordings = self.variants(&at);
            let message = at.node.text().cloned().or_else(|| Some(wordings.first()?.text.text.clone()))?;
            let (valid_from, valid_until) = (self.instant_of(&at, "from"), self.instant_of(&at, "until"));
            if let (Some(from), Some(until), Some(place)) = (valid_from, valid_until, at.get("until"))
                && until <= from
            {
                self.error("bad_validity", &place, format!("the fallback of `{}` ends before it begins", name.text), None);
            }
            let with = at.get("with").map(|section| self.shown(&section)).unwrap_or_default();
            let same = wordings.len() < 2 && with.is_empty() && !message.contains("{{") && !message.contains("{%");
            let written = |variants| {
                Some(Treatment {
                    channel: channel.clone()?,
                    variants,
                    with,
                    assurance: at.assurance(),
                    obeys: None,
                    counts: None,
                })
            };
            let treatment = if same || wordings.is_empty() { None } else { written(wordings) };
            Some(Fallback { message, treatment, purposes, valid_from, valid_until })
        });
        Some(Placement {
            title: at.text("title"),
            channel: channel?,
            slots: at.number("slots").unwrap_or(1),
            purposes: self.purposes_of(at),
            reads: self.kinds_of(at),
            assurance: at.assurance(),
            fallback,
            arbitration: self.arbitration(at),
            repeats: at.flag("repeats"),
            diversity: self.diversity(at),
            name,
        })
    }

    /// Warns of offers that name a placement for whose channel they have no form, though they have others.
    pub(super) fn missing_treatments(&mut self, root: &At<'_>, offers: &[Offer], placements: &[Placement]) {
        let channels: BTreeMap<&str, &str> = placements.iter().map(|p| (&*p.name.text, &*p.channel.text)).collect();
        let offers: BTreeMap<&str, &Offer> = offers.iter().map(|offer| (&*offer.name.text, offer)).collect();
        for at in root.get("offers").iter().flat_map(At::children) {
            let (Some(offer), Some(section)) = (offers.get(&*at.key), at.get("placements")) else { continue };
            let formed: BTreeSet<&str> = offer.treatments.iter().map(|treatment| &*treatment.channel.text).collect();
            if formed.is_empty() {
                continue;
            }
            for at in section.one_or_more() {
                let Some(channel) = at.node.text().and_then(|name| channels.get(&**name)) else { continue };
                if !formed.contains(channel) {
                    let message =
                        format!("offer `{}` has no treatment for channel `{channel}` of this placement", offer.name.text);
                    let some: Vec<&str> = formed.iter().copied().take(12).collect();
                    let hint = format!("it has treatments for: {}", some.join(", "));
                    self.findings.warn("no_treatment", at.node.spot, &at.path, message, Some(hint));
                }
            }
        }
    }
}
