use super::flow::{Flow, label_of};
use super::ground::{Ground, Label};
use crate::context::{Rule, Rules};
use crate::decide::{FallbackRule, OfferRule, Offers};
use crate::error::{Diagnostic, Place, Severity};
use crate::journey::Journeys;
use crate::playbook::{DataKind, Fallback, LegalBasis, Name, Offer, Placement, Playbook, Purpose, Sensitivity};
use crate::reaction::{ReactionRule, Reactions, What};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Through which conclusions something is read, each with its place.
type Way = Vec<(String, Option<Place>)>;

/// Everything a check looks at.
#[derive(Clone, Copy)]
struct All<'a> {
    playbook: &'a Playbook,
    rules: &'a Rules,
    journeys: &'a Journeys,
    flow: &'a Flow,
}

/// Holds offers, placements, contact rules and conclusions to the labels of what they read. Notes of each offer whether it reads
/// anything about the customer, and anything special.
pub(in crate::engine) fn check(
    playbook: &Playbook,
    rules: &Rules,
    offers: &mut Offers,
    (journeys, reactions): (&Journeys, &Reactions),
    flow: &Flow,
    findings: &mut Vec<Diagnostic>,
) {
    let all = All { playbook, rules, journeys, flow };
    all.conclusions(findings);
    let places: Vec<BTreeSet<usize>> = reactions.rules.iter().map(|reaction| answers(reaction, offers)).collect();
    let triggers: Vec<Vec<(Ground, Way)>> = reactions.rules.iter().map(|reaction| all.triggers(reaction)).collect();
    let sensitivity =
        |triggers: &[(Ground, Way)]| triggers.iter().map(|(own, _)| flow.ground(*own, playbook).sensitivity).max();
    let named = reactions.rules.iter().zip(&triggers).filter(|(reaction, _)| !reaction.missed);
    offers.triggered = named.filter_map(|(reaction, grounds)| Some((reaction.name.clone(), sensitivity(grounds)?))).collect();
    for (place, (offer, compiled)) in playbook.offers.iter().zip(&mut offers.offers).enumerate() {
        let (reads, zone) = all.offer(offer, compiled, findings);
        let mut pushed: BTreeMap<Ground, Way> = BTreeMap::new();
        for ((reaction, grounds), _) in
            reactions.rules.iter().zip(&triggers).zip(&places).filter(|(_, places)| places.contains(&place))
        {
            all.reacting(offer, (reaction, grounds), &reads, findings);
            for (ground, read) in grounds {
                pushed.entry(*ground).or_insert_with(|| reacted(reaction, read));
            }
            let grounds: BTreeSet<Ground> = grounds.iter().map(|(ground, _)| *ground).collect();
            if grounds.iter().any(|ground| flow.ground(*ground, playbook).sensitivity == Sensitivity::Special) {
                all.special(offer, compiled, &grounds, findings);
            }
        }
        let label = label_of(&reads, flow, playbook);
        compiled.personal = reads.iter().any(|ground| flow.ground(*ground, playbook).sensitivity > Sensitivity::Public);
        let data: BTreeSet<DataKind> = reads.iter().filter_map(|ground| ground.kind(playbook)).collect();
        compiled.data = data.into_iter().collect();
        compiled.special = label.sensitivity == Sensitivity::Special;
        if compiled.special {
            all.special(offer, compiled, &reads, findings);
        }
        all.kinds(offer, compiled, (&reads, &pushed), findings);
        if let Some(zone) = zone {
            findings.push(zone);
        }
    }
    for placement in &playbook.placements {
        findings.extend(hopeless_fallback(placement));
    }
    for (placement, compiled) in playbook.placements.iter().zip(&mut offers.placements) {
        if let (Some(declared), Some(fallback)) = (&placement.fallback, &mut compiled.fallback) {
            all.fallback(placement, declared, fallback, findings);
        }
    }
}

/// The offers that are looked at for a reaction.
fn answers(reaction: &ReactionRule, offers: &Offers) -> BTreeSet<usize> {
    let placement = reaction.placement.as_ref().and_then(|(name, _)| {
        let number = offers.placements.iter().position(|placement| placement.name == *name)?;
        Some((number, offers.placements.get(number)?))
    });
    match (&reaction.offers, placement) {
        (Some(only), _) => only.iter().copied().collect(),
        (None, Some((number, placement))) => {
            let here = offers.offers.iter().map(|offer| crate::decide::here(offer, number, placement).is_some());
            here.enumerate().filter(|(_, here)| *here).map(|(place, _)| place).collect()
        }
        (None, None) => BTreeSet::new(),
    }
}

/// The way to what a reaction reads.
fn reacted(reaction: &ReactionRule, read: &[(String, Option<Place>)]) -> Way {
    let by = (format!("reaction `{}`", reaction.name), None);
    [by].into_iter().chain(read.iter().cloned()).collect()
}

impl All<'_> {
    /// What the triggers and conditions of a reaction read in the end, and the events that trigger or cancel it, each with the way.
    fn triggers(self, reaction: &ReactionRule) -> Vec<(Ground, Way)> {
        let All { playbook, rules, journeys, flow } = self;
        let watched = reaction.triggers.iter().filter_map(|trigger| match trigger.what {
            What::Watch(number) => rules.watches.get(usize::from(number)),
            _ => None,
        });
        let read = reaction.rules().chain(watched);
        let of_rules =
            read.flat_map(|rule| flow.grounds(rule, playbook, rules).into_iter().map(move |own| (own, self.way(rule, own))));
        let concluded = reaction.triggers.iter().filter_map(|trigger| match trigger.what {
            What::Enters(number) | What::Leaves(number) => Some(Ground::Segment(usize::from(number))),
            What::Stage(number, _) => Some(Ground::Journey(usize::from(number))),
            What::Watch(_) | What::Event(..) | What::Told(_) | What::Condition(_) => None,
        });
        let concluded = concluded.flat_map(|own| flow.told_by(own, (playbook, rules, journeys)));
        of_rules.chain(concluded).chain(self.happened(reaction).into_iter().map(|ground| (ground, Vec::new()))).collect()
    }

    /// The events, and the attributes being told, that trigger a reaction by themselves, and the events that take it back.
    fn happened(self, reaction: &ReactionRule) -> BTreeSet<Ground> {
        let playbook = self.playbook;
        let kinds = reaction.triggers.iter().flat_map(|trigger| match &trigger.what {
            What::Event(kinds, _) => kinds.as_slice(),
            _ => &[],
        });
        let ground = |kind: &crate::expr::EventKind| {
            let number = usize::from(kind.0);
            if number < playbook.events.len() { Ground::Event(number) } else { Ground::Outcome }
        };
        kinds.chain(reaction.answers()).map(ground).chain(reaction.told().map(Ground::Attribute)).collect()
    }

    /// To make an offer because a reaction was triggered is a use of what triggers it.
    fn reacting(
        self,
        offer: &Offer,
        (reaction, triggers): (&ReactionRule, &[(Ground, Way)]),
        known: &BTreeSet<Ground>,
        findings: &mut Vec<Diagnostic>,
    ) {
        let mut said: BTreeSet<Ground> = BTreeSet::new();
        for (ground, read) in triggers {
            // What the offer reads itself is said already.
            if known.contains(ground) || !said.insert(*ground) {
                continue;
            }
            self.purposes(offer, *ground, &reacted(reaction, read), findings);
        }
    }

    /// One ground may be used for all purposes of an offer that reads it, or it is said why not.
    fn purposes(self, offer: &Offer, ground: Ground, way: &[(String, Option<Place>)], findings: &mut Vec<Diagnostic>) {
        let label = self.flow.ground(ground, self.playbook);
        match &label.purposes {
            Some(purposes) if offer.purposes.is_empty() => findings.push(self.aimless(offer, purposes, ground, way)),
            _ => {
                let wrong = offer.purposes.iter().filter(|purpose| !label.usable(&purpose.text));
                findings.extend(wrong.map(|purpose| self.violation(offer, purpose, ground, &label, way)));
            }
        }
    }

    /// What rates read that are learned by segment: all segments of the customer, each with the way.
    fn learned(self, compiled: &OfferRule) -> Vec<(Ground, Way)> {
        let All { playbook, rules, journeys, flow } = self;
        if !compiled.learns_by_segment() {
            return Vec::new();
        }
        let segments = (0..playbook.segments.len()).map(Ground::Segment);
        let told = segments.flat_map(|segment| flow.told_by(segment, (playbook, rules, journeys)));
        let way = |way: Way| [("what is learned by segment".to_owned(), None)].into_iter().chain(way).collect();
        told.map(|(ground, read)| (ground, way(read))).collect()
    }

    /// Purposes and what messages reveal; gives what the offer reads in the end.
    fn offer(
        self,
        offer: &Offer,
        compiled: &OfferRule,
        findings: &mut Vec<Diagnostic>,
    ) -> (BTreeSet<Ground>, Option<Diagnostic>) {
        let All { playbook, rules, flow, .. } = self;
        let mut reads = BTreeSet::new();
        let mut said: BTreeSet<(Ground, &str)> = BTreeSet::new();
        for rule in compiled.rules() {
            for ground in flow.grounds(rule, playbook, rules) {
                reads.insert(ground);
                let label = flow.ground(ground, playbook);
                if let (true, Some(purposes)) = (offer.purposes.is_empty(), &label.purposes)
                    && said.insert((ground, ""))
                {
                    let way = self.way(rule, ground);
                    findings.push(self.aimless(offer, purposes, ground, &way));
                }
                for purpose in offer.purposes.iter().filter(|purpose| !label.usable(&purpose.text)) {
                    if said.insert((ground, &purpose.text)) {
                        let way = self.way(rule, ground);
                        findings.push(self.violation(offer, purpose, ground, &label, &way));
                    }
                }
            }
        }
        for (ground, way) in self.learned(compiled) {
            if reads.insert(ground) {
                self.purposes(offer, ground, &way, findings);
            }
        }
        let asked = self.asked(offer);
        for ground in asked.iter().copied().filter(|ground| !reads.contains(ground)) {
            self.purposes(offer, ground, &[("what it asks".to_owned(), None)], findings);
        }
        let special = |ground: &Ground| flow.ground(*ground, playbook).sensitivity == Sensitivity::Special;
        // Whether something was answered is nobody's profile, but what is special is asked with explicit consent only.
        reads.extend(asked.into_iter().filter(special));
        for (treatment, declared) in compiled.treatments.iter().zip(&offer.treatments) {
            for (name, rule, _) in &treatment.with {
                let shown = declared.with.iter().find(|shown| shown.name.text == *name);
                let hidden = flow.grounds(rule, playbook, rules).into_iter().find(|g| flow.ground(*g, playbook).hidden);
                if let (Some(shown), Some(ground)) = (shown, hidden) {
                    let way = self.way(rule, ground);
                    findings.push(self.reveals(offer, &shown.name, ground, &way));
                }
            }
            // A greeting shows what the voice reads.
            for rule in treatment.voiced.iter().filter(|_| treatment.greets) {
                let hidden = flow.grounds(rule, playbook, rules).into_iter().find(|g| flow.ground(*g, playbook).hidden);
                if let Some(ground) = hidden {
                    let greeting = Name { text: Arc::from("greeting"), place: declared.channel.place.clone() };
                    findings.push(self.reveals(offer, &greeting, ground, &self.way(rule, ground)));
                }
            }
        }
        (reads, self.zone_of_contact(offer))
    }

    /// What a question reads: whether its attribute is known, and the events after which it is asked.
    fn asked(self, offer: &Offer) -> BTreeSet<Ground> {
        let Some(question) = &offer.question else { return BTreeSet::new() };
        let attributes = self.playbook.attributes.iter().map(|own| &own.name.text);
        let attribute = attributes.clone().position(|name| *name == question.attribute.text).map(Ground::Attribute);
        let event = |name: &Name| self.playbook.events.iter().position(|own| own.name.text == name.text).map(Ground::Event);
        attribute.into_iter().chain(question.after.iter().filter_map(event)).collect()
    }

    /// What a fallback shows may be used for its purposes, and is nothing that has to be hidden.
    fn fallback(self, placement: &Placement, declared: &Fallback, fallback: &mut FallbackRule, findings: &mut Vec<Diagnostic>) {
        let All { playbook, rules, flow, .. } = self;
        let mut said: BTreeSet<Ground> = BTreeSet::new();
        let mut personal = false;
        for (rule, ground) in
            fallback.rules().flat_map(|rule| flow.grounds(rule, playbook, rules).into_iter().map(move |ground| (rule, ground)))
        {
            let label = flow.ground(ground, playbook);
            personal |= label.sensitivity > Sensitivity::Public;
            if !said.insert(ground) {
                continue;
            }
            let wrong = declared.purposes.iter().find(|purpose| !label.usable(&purpose.text));
            let (code, why) = match &label.purposes {
                _ if label.sensitivity == Sensitivity::Special => ("reveals", "which is special".to_owned()),
                _ if label.hidden => ("reveals", "which must not be shown".to_owned()),
                Some(_) if declared.purposes.is_empty() => {
                    ("no_purpose", "which may be used for some purposes only, and it has none".to_owned())
                }
                _ => match wrong {
                    Some(purpose) => ("purpose_violation", format!("which may not be used for `{}`", purpose.text)),
                    None => continue,
                },
            };
            let hint = match code {
                "reveals" => "leave it out of the message: whoever looks on reads it too",
                "no_purpose" => "leave it out of the message, or say what the fallback is for: `purposes: \u{2026}`",
                _ => "leave it out of the message, or allow it for this purpose where it is declared",
            };
            let way = self.way(rule, ground);
            findings.push(Diagnostic {
                code,
                severity: Severity::Error,
                message: format!(
                    "the fallback of `{}` reads {}{}, {why}",
                    placement.name.text,
                    ground.name(playbook),
                    through(&way)
                ),
                path: format!("placements.{}.fallback", placement.name.text),
                place: Some(wrong.map_or(&placement.name, |purpose| purpose).place.clone()),
                hint: Some(hint.to_owned()),
                related: None,
            });
        }
        fallback.personal = personal && declared.purposes.is_empty();
    }

    /// Calendar windows of the contact policy follow the customer's own zone, so that is a use of it.
    fn zone_of_contact(self, offer: &Offer) -> Option<Diagnostic> {
        let zone = Ground::Attribute(self.rules.customer_zone?);
        let label = zone.label(self.playbook);
        let purpose = offer.purposes.iter().find(|purpose| !label.usable(&purpose.text))?;
        let name = &self.playbook.contact.iter().find(|rule| rule.reads_zone())?.name;
        Some(self.violation(offer, purpose, zone, &label, &[(format!("contact rule `{name}`"), None)]))
    }

    fn way(self, rule: &Rule, ground: Ground) -> Vec<(String, Option<Place>)> {
        self.flow.way(rule, ground, self.playbook, self.rules, self.journeys).unwrap_or_default()
    }

    fn violation(
        self,
        offer: &Offer,
        purpose: &Name,
        ground: Ground,
        label: &Label,
        way: &[(String, Option<Place>)],
    ) -> Diagnostic {
        let allowed: Vec<String> = label.purposes.iter().flatten().map(|purpose| format!("`{purpose}`")).collect();
        let allowed = if allowed.is_empty() { "no purpose".to_owned() } else { allowed.join(", ") };
        let name = ground.name(self.playbook);
        let hint = match ground {
            Ground::Attribute(_) => {
                format!("leave the attribute out of the offer's rules, or allow it for `{}` under `attributes`", purpose.text)
            }
            _ => format!("leave it out of the offer's rules, or allow it for `{}` where it is declared", purpose.text),
        };
        self.finding(
            "purpose_violation",
            format!("the offer is for `{}`, but reads {name}{}, which may be used for {allowed}", purpose.text, through(way)),
            offer,
            purpose.place.clone(),
            ground,
            way,
            hint,
        )
    }

    fn aimless(
        self,
        offer: &Offer,
        purposes: &BTreeSet<Arc<str>>,
        ground: Ground,
        way: &[(String, Option<Place>)],
    ) -> Diagnostic {
        let allowed: Vec<String> = purposes.iter().map(|purpose| format!("`{purpose}`")).collect();
        let allowed = if allowed.is_empty() { "no purpose".to_owned() } else { allowed.join(", ") };
        let name = ground.name(self.playbook);
        self.finding(
            "no_purpose",
            format!("the offer has no purpose, but reads {name}{}, which may be used for {allowed} only", through(way)),
            offer,
            offer.name.place.clone(),
            ground,
            way,
            "say what the offer is for: `purposes: \u{2026}`".to_owned(),
        )
    }

    fn reveals(self, offer: &Offer, shown: &Name, ground: Ground, way: &[(String, Option<Place>)]) -> Diagnostic {
        let label = ground.label(self.playbook);
        let what = if label.sensitivity == Sensitivity::Special { "special" } else { "inferred" };
        let name = ground.name(self.playbook);
        self.finding(
            "reveals",
            format!("the message shows `{}`, which reveals {name}{}, which is {what}", shown.text, through(way)),
            offer,
            shown.place.clone(),
            ground,
            way,
            "show something else, or declare `reveal: true` where it is declared".to_owned(),
        )
    }

    /// Special data needs explicit consent, so an offer that reads some needs a purpose that rests on consent.
    fn special(self, offer: &Offer, compiled: &OfferRule, reads: &BTreeSet<Ground>, findings: &mut Vec<Diagnostic>) {
        let special = |ground: &&Ground| self.flow.ground(**ground, self.playbook).sensitivity == Sensitivity::Special;
        let Some(ground) = reads.iter().find(special).copied() else { return };
        let way = compiled.rules().find_map(|rule| self.flow.way(rule, ground, self.playbook, self.rules, self.journeys));
        let way = way.unwrap_or_default();
        let name = ground.name(self.playbook);
        let purpose = |name: &Name| self.playbook.purposes.iter().find(|purpose| purpose.name.text == name.text);
        let other = offer.purposes.iter().find_map(|name| purpose(name).filter(|p: &&Purpose| p.basis != LegalBasis::Consent));
        let message = match other {
            _ if offer.purposes.is_empty() => {
                format!(
                    "the offer reads {name}{}, which is special, but has no purpose to which a customer could consent",
                    through(&way)
                )
            }
            Some(other) => format!(
                "the offer reads {name}{}, which is special and needs explicit consent, but `{}` rests on {}",
                through(&way),
                other.name.text,
                other.basis.name().replace('_', " ")
            ),
            None => return,
        };
        let hint = "give the offer a purpose whose basis is `consent`, or leave the special data out".to_owned();
        findings.push(self.finding("special_needs_consent", message, offer, offer.name.place.clone(), ground, &way, hint));
    }

    /// Offers and placements that say which kinds of data they read are held to it.
    fn kinds(
        self,
        offer: &Offer,
        compiled: &OfferRule,
        (reads, pushed): (&BTreeSet<Ground>, &BTreeMap<Ground, Way>),
        findings: &mut Vec<Diagnostic>,
    ) {
        let formed = |placement: &Placement| {
            let here = offer.placements.is_empty() || offer.placements.iter().any(|name| name.text == placement.name.text);
            here && offer.treatments.iter().any(|treatment| treatment.channel.text == placement.channel.text)
        };
        let placements = self.playbook.placements.iter().filter(|placement| formed(placement));
        let limits = placements.filter_map(|p| Some((format!("placement `{}`", p.name.text), p.reads.as_ref()?)));
        for (who, allowed) in offer.reads.iter().map(|kinds| ("the offer".to_owned(), kinds)).chain(limits) {
            for ground in reads.iter().chain(pushed.keys().filter(|ground| !reads.contains(ground))) {
                // What was declassified stands for itself only; of other conclusions the grounds are looked at.
                let declassified = ground.labels(self.playbook).is_some_and(|labels| labels.declassify.is_some());
                if ground.is_concluded() && !declassified {
                    continue;
                }
                let kind = ground.kind(self.playbook);
                if kind.is_some_and(|kind| allowed.contains(&kind)) {
                    continue;
                }
                let way =
                    compiled.rules().find_map(|rule| self.flow.way(rule, *ground, self.playbook, self.rules, self.journeys));
                let way = way.or_else(|| pushed.get(ground).cloned()).unwrap_or_default();
                let kind = kind.map_or_else(|| "of no declared kind".to_owned(), |kind| format!("of kind `{}`", kind.name()));
                let listed: Vec<String> = allowed.iter().map(|kind: &DataKind| format!("`{}`", kind.name())).collect();
                let listed = if listed.is_empty() { "nothing".to_owned() } else { listed.join(", ") };
                let name = ground.name(self.playbook);
                findings.push(self.finding(
                    "kind_violation",
                    format!("the offer reads {name}{}, {kind}, but {who} reads {listed} only", through(&way)),
                    offer,
                    offer.name.place.clone(),
                    *ground,
                    &way,
                    "add the kind under `reads`, declare the `kind` of the data, or choose by something else".to_owned(),
                ));
                break;
            }
        }
    }

    /// A conclusion may ask for more care than what it reads, not for less.
    fn conclusions(self, findings: &mut Vec<Diagnostic>) {
        let playbook = self.playbook;
        for (own, section, drawn) in self.flow.conclusions() {
            let Some(labels) = own.labels(playbook).filter(|labels| labels.declassify.is_none()) else { continue };
            let others: BTreeSet<Ground> = drawn.whole.iter().copied().filter(|ground| *ground != own).collect();
            let below = label_of(&others, self.flow, playbook);
            let wider = labels.purposes.iter().flatten().find(|purpose| !below.usable(&purpose.text));
            let milder = labels.sensitivity.filter(|sensitivity| *sensitivity < below.sensitivity && !others.is_empty());
            let (what, culprit) = if let Some(purpose) = wider {
                let culprit = others.iter().find(|ground| !self.flow.ground(**ground, playbook).usable(&purpose.text));
                (format!("may be used for `{}`", purpose.text), culprit)
            } else if milder.is_some() {
                let culprit =
                    others.iter().find(|ground| self.flow.ground(**ground, playbook).sensitivity == below.sensitivity);
                ("is less sensitive".to_owned(), culprit)
            } else {
                continue;
            };
            let Some(culprit) = culprit else { continue };
            let name = own.name(playbook);
            findings.push(Diagnostic {
                code: "widening",
                severity: Severity::Error,
                message: format!("{name} {what}, but what it reads does not allow that: {}", culprit.name(playbook)),
                path: format!("{section}.{}", name.split('`').nth(1).unwrap_or_default()),
                place: own.place(playbook),
                hint: Some("say less, or give a reason: `declassify: {reason: \u{2026}, purposes: \u{2026}}`".to_owned()),
                related: culprit.place(playbook).map(|place| ("that is declared here".to_owned(), place)),
            });
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one diagnostic")]
    fn finding(
        self,
        code: &'static str,
        message: String,
        offer: &Offer,
        place: Place,
        ground: Ground,
        way: &[(String, Option<Place>)],
        hint: String,
    ) -> Diagnostic {
        let related = ground.place(self.playbook).map(|place| {
            if way.is_empty() {
                let what = if matches!(ground, Ground::Attribute(_)) { "the attribute" } else { "that" };
                return (format!("{what} is declared here"), place);
            }
            let mut steps = vec![step(&format!("offer `{}`", offer.name.text), Some(&offer.name.place))];
            steps.extend(way.iter().map(|(name, place)| step(name, place.as_ref())));
            (format!("the way is {} -> {}, declared here", steps.join(" -> "), ground.name(self.playbook)), place)
        });
        Diagnostic {
            code,
            severity: Severity::Error,
            message,
            path: format!("offers.{}", offer.name.text),
            place: Some(place),
            hint: Some(hint),
            related,
        }
    }
}

/// A step of a way with its place.
fn step(name: &str, place: Option<&Place>) -> String {
    match place {
        Some(place) => format!("{name} ({}:{}:{})", place.document, place.line, place.column),
        None => name.to_owned(),
    }
}

fn through(way: &[(String, Option<Place>)]) -> String {
    let names: Vec<&str> = way.iter().map(|(name, _)| name.as_str()).collect();
    if names.is_empty() { String::new() } else { format!(" through {}", names.join(", then ")) }
}

/// A fallback that needs what a personal choice needs is never shown when it is there for.
fn hopeless_fallback(placement: &Placement) -> Option<Diagnostic> {
    let fallback = placement.fallback.as_ref()?;
    let needs = |purpose: &&Name| placement.purposes.iter().any(|own| own.text == purpose.text);
    let purpose = fallback.purposes.iter().find(needs)?;
    Some(Diagnostic {
        code: "fallback_needs_consent",
        severity: Severity::Warning,
        message: format!("the fallback needs `{}`, without which nothing is chosen here anyway", purpose.text),
        path: format!("placements.{}.fallback", placement.name.text),
        place: Some(purpose.place.clone()),
        hint: Some("a fallback is for those who did not permit a personal choice; leave the purpose out of it".to_owned()),
        related: None,
    })
}
