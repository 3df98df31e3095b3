use super::consent::{Consent, Said};
use super::contact::Contacts;
use super::fallback::FallbackRule;
use super::guard::{Guard, Verdict};
use super::rules::{OfferRule, Offers, PlacementRule, TreatmentRule};
use super::stock::Stock;
use super::trace::Gate;
use crate::context::{Context, Rule, Source};
use crate::expr::{self, FactId, Facts, Outcome};
use crate::playbook::{Assurance, ConsentDefault, Sensitivity, WHOLE};
use crate::value::Timestamp;

/// Why an offer went no further.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Stop {
    pub(super) gate: Gate,
    pub(super) unknown: bool,
    pub(super) reasons: Vec<String>,
    /// From when on this does not stop it any more, as far as that is known.
    pub(super) until: Option<Timestamp>,
    /// Whether it waits until then.
    pub(super) held: bool,
}

/// Whether reasons are wanted; they cost time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Only what is decided.
    Brief,
    /// With the gate at which each candidate was stopped, but without reasons.
    Gates,
    /// With reasons for every candidate.
    Full,
}

impl Stop {
    /// With the reason when that is wanted.
    pub(super) fn because(gate: Gate, unknown: bool, detail: Detail, reason: impl FnOnce() -> String) -> Self {
        let reasons = if detail == Detail::Full { vec![reason()] } else { Vec::new() };
        Stop::new(gate, unknown, reasons)
    }

    pub(super) fn new(gate: Gate, unknown: bool, reasons: Vec<String>) -> Self {
        Stop { gate, unknown, reasons, until: None, held: false }
    }
}

/// What a placement may do for the customer, asked once per placement.
#[derive(Debug)]
pub(super) struct Permissions {
    /// By number of the purpose.
    consents: Vec<Consent>,
    /// Why the customer must not be contacted there.
    pub(super) no_contact: Option<Stop>,
    /// Why nothing may be chosen for the customer there.
    pub(super) impersonal: Option<Stop>,
    /// Why the host is not sure enough there who the customer is.
    pub(super) unsure: Option<Stop>,
    /// The namespace that the customer is met on, when not everything may be done with it; its number among those.
    met: Option<usize>,
    profiling: Option<Timestamp>,
    minor: Verdict,
    contact: Verdict,
    /// How sensitive what triggered the reaction is that is answered.
    triggered: Sensitivity,
}

impl Permissions {
    /// The same for the answer to a reaction: to be made because of something is a use of it.
    pub(super) fn reacting_to(self, triggered: Sensitivity) -> Self {
        Permissions { triggered, ..self }
    }

    pub(super) fn of(
        offers: &Offers,
        context: &Context<'_>,
        said: &Said<'_>,
        guards: Guards,
        placement: &PlacementRule,
    ) -> Self {
        let channel = Some(&*placement.channel);
        let consents: Vec<Consent> =
            offers.purposes.iter().enumerate().map(|(number, purpose)| said.consent(number, purpose, channel)).collect();
        let told = said.do_not_contact(&placement.channel).filter(|_| placement.contact);
        let no_contact = told.map(|when| consent_stop(false, format!("the customer asked on {when} not to be contacted")));
        let closed = || said.closed(&placement.channel).filter(|_| placement.contact);
        let no_contact = no_contact.or_else(|| {
            closed().map(|(when, outcome)| consent_stop(false, format!("the channel is closed since `{outcome}` on {when}")))
        });
        let mut permissions = Permissions {
            consents,
            no_contact,
            impersonal: None,
            unsure: unsure("placement", placement.assurance, context),
            met: said.who().and_then(|who| offers.namespaces.iter().position(|own| *own.name == *who.namespace())),
            profiling: said.profiling(channel),
            minor: guards.minor,
            contact: if placement.contact { guards.contact } else { Verdict::Allowed },
            triggered: Sensitivity::Public,
        };
        permissions.impersonal = permissions.permitted(&placement.purposes).err().map(|(purpose, consent)| {
            let reason = consent.reason(offers.purpose_name(purpose));
            consent_stop(consent.unknown(), format!("nothing is chosen for the customer here: {reason}"))
        });
        permissions
    }

    /// Whether all of some purposes are permitted; otherwise which is not.
    pub(super) fn permitted(&self, purposes: &[usize]) -> Result<(), (usize, Consent)> {
        for purpose in purposes {
            match self.consents.get(*purpose) {
                Some(consent) if consent.permits() => {}
                Some(consent) => return Err((*purpose, *consent)),
                None => return Err((*purpose, Consent::NeverAsked(ConsentDefault::OptIn))),
            }
        }
        Ok(())
    }

    /// Whether a fallback may be shown: consent for its own purposes and contact are all that counts. One that reads of the customer and has
    /// none does not stand in where the customer permits nothing that is personal.
    pub(super) fn fallback(&self, offers: &Offers, fallback: &FallbackRule) -> bool {
        let purposes = &fallback.purposes;
        if fallback.personal && self.impersonal.is_some() {
            return false;
        }
        let barred =
            self.contact != Verdict::Allowed && offers.do_not_contact.as_ref().is_some_and(|guard| guard.concerns(purposes));
        self.no_contact.is_none() && !barred && self.permitted(purposes).is_ok()
    }
}

/// What the guards of the playbook say, asked once per decision.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Guards {
    minor: Verdict,
    contact: Verdict,
}

impl Guards {
    /// Whether the customer is too young, or may be.
    pub(crate) fn is_minor(self) -> bool {
        self.minor != Verdict::Allowed
    }

    /// Whether the customer is too young; `None` when that is unknown, which counts as true.
    pub(crate) fn minor(self) -> Option<bool> {
        match self.minor {
            Verdict::Unknown => None,
            verdict => Some(verdict == Verdict::Forbidden),
        }
    }

    pub(crate) fn ask(offers: &Offers, context: &Context<'_>, whole: &Context<'_>) -> Self {
        let ask = |guard: &Option<Guard>| {
            let Some(guard) = guard else { return Verdict::Allowed };
            match guard.verdict(whole) {
                Verdict::Allowed if whole.assurance() > context.assurance() => guard.verdict(context),
                verdict => verdict,
            }
        };
        // A household or account is nobody who could be too young.
        let group = || whole.view().strands().first().is_some_and(|strand| offers.is_group(strand.identifier()));
        let minor = if offers.minors.is_some() && group() { Verdict::Allowed } else { ask(&offers.minors) };
        Guards { minor, contact: ask(&offers.do_not_contact) }
    }
}

/// Why something is not for a customer of whom the host is only so sure.
fn unsure(what: &str, minimum: Assurance, context: &Context<'_>) -> Option<Stop> {
    let reason = || format!("the {what} asks for {minimum}, the customer is {}", context.assurance());
    (minimum > context.assurance()).then(|| Stop::new(Gate::Assurance, false, vec![reason()]))
}

fn consent_stop(unknown: bool, reason: String) -> Stop {
    Stop::new(Gate::Consent, unknown, vec![reason])
}

fn forbidden(guard: &str, verdict: Verdict) -> Stop {
    let unknown = verdict == Verdict::Unknown;
    let what = if unknown { "is unknown, which counts as true" } else { "is true" };
    consent_stop(unknown, format!("`{guard}` {what}"))
}

impl OfferRule {
    /// Passes the offer through the gates that do not depend on other offers.
    #[expect(
        clippy::too_many_arguments,
        reason = "they are one thing, what is asked of one offer, and a struct of them is made nowhere else"
    )]
    pub(super) fn pass(
        &self,
        offers: &Offers,
        treatment: &TreatmentRule,
        context: &Context<'_>,
        permissions: &Permissions,
        contacts: &Contacts<'_, '_>,
        stock: &Stock<'_, '_>,
        detail: Detail,
    ) -> Result<(), Stop> {
        self.admits(offers, treatment, context, permissions)?;
        self.validity(context.now(), detail)?;
        for condition in &self.gates {
            condition.pass(context, detail)?;
        }
        if let Some(question) = &self.question {
            question.open(context, detail)?;
        }
        stock.pass(self, &[], detail)?;
        contacts.pass(self, treatment, &[], detail)?;
        if let Some(question) = &self.question {
            question.patient(context, detail)?;
            question.sampled(context, detail)?;
        }
        self.experiment(context, detail)
    }

    /// Passes the offer through the gates that ask nothing but who is there and what is permitted.
    pub(super) fn admits(
        &self,
        offers: &Offers,
        treatment: &TreatmentRule,
        context: &Context<'_>,
        permissions: &Permissions,
    ) -> Result<(), Stop> {
        self.consent(offers, permissions)?;
        if let Some(stop) = &permissions.unsure {
            return Err(stop.clone());
        }
        for (what, minimum) in [("offer", self.assurance), ("treatment", treatment.assurance)] {
            if let Some(stop) = unsure(what, minimum, context) {
                return Err(stop);
            }
        }
        Ok(())
    }

    fn consent(&self, offers: &Offers, permissions: &Permissions) -> Result<(), Stop> {
        if let Some(stop) = permissions.no_contact.as_ref().or(permissions.impersonal.as_ref()) {
            return Err(stop.clone());
        }
        permissions
            .permitted(&self.purposes)
            .map_err(|(purpose, consent)| consent_stop(consent.unknown(), consent.reason(offers.purpose_name(purpose))))?;
        // Special data needs a yes in so many words.
        let explicit = |purpose: &&usize| permissions.consents.get(**purpose).is_some_and(|consent| consent.explicit());
        let special = self.special || permissions.triggered == Sensitivity::Special;
        if special && let Some(purpose) = self.purposes.iter().find(|purpose| !explicit(purpose)) {
            let name = offers.purpose_name(*purpose);
            return Err(consent_stop(
                true,
                format!("it reads special data, and explicit consent for `{name}` was never given"),
            ));
        }
        // To meet somebody on an identifier is a use of it.
        if let Some(met) = permissions.met.and_then(|met| offers.namespaces.get(met)) {
            let may = |purpose: &usize| met.purposes.as_ref().is_none_or(|allowed| allowed.contains(purpose));
            if met.purposes.is_some() && (self.purposes.is_empty() || !self.purposes.iter().all(may)) {
                let allowed = met.purposes.iter().flatten().map(|purpose| format!("`{}`", offers.purpose_name(*purpose)));
                let allowed = allowed.collect::<Vec<_>>().join(", ");
                let name = &met.name;
                return Err(consent_stop(
                    false,
                    format!("the customer is met on `{name}`, which may be used for {allowed} only"),
                ));
            }
            if met.special
                && let Some(purpose) = self.purposes.iter().find(|purpose| !explicit(purpose))
            {
                let (name, purpose) = (&met.name, offers.purpose_name(*purpose));
                let reason = format!("`{name}` is special, and explicit consent for `{purpose}` was never given");
                return Err(consent_stop(true, reason));
            }
        }
        if let Some(when) = permissions.profiling.filter(|_| self.personal || permissions.triggered > Sensitivity::Public) {
            return Err(consent_stop(false, format!("profiling was objected to on {when}")));
        }
        let guards =
            [("minors", &offers.minors, permissions.minor), ("do_not_contact", &offers.do_not_contact, permissions.contact)];
        for (name, guard, verdict) in guards {
            let exempt = name == "minors" && self.minors;
            if verdict != Verdict::Allowed && !exempt && guard.as_ref().is_some_and(|guard| guard.concerns(&self.purposes)) {
                return Err(forbidden(name, verdict));
            }
        }
        Ok(())
    }

    fn validity(&self, now: Timestamp, detail: Detail) -> Result<(), Stop> {
        if let Some(from) = self.from.filter(|from| now < *from) {
            return Err(Stop::because(Gate::Validity, false, detail, || format!("valid from {from} on")));
        }
        match self.until.filter(|until| now >= *until) {
            Some(until) => Err(Stop::because(Gate::Validity, false, detail, || format!("valid until {until}"))),
            None => Ok(()),
        }
    }

    /// Whether an experiment holds it back.
    fn experiment(&self, context: &Context<'_>, detail: Detail) -> Result<(), Stop> {
        let [holding, _] = &self.experiments;
        for number in holding {
            let (rule, assignment) = (context.rules().experiments.rules.get(*number), context.assignment(*number));
            if let (Some(rule), Some(assignment)) = (rule, assignment)
                && rule.holds_back(assignment)
            {
                return Err(Stop::because(Gate::Experiment, false, detail, || match assignment.bucket {
                    Some(bucket) => format!("held out by `{}`: part {bucket} of {WHOLE}", rule.name),
                    None => format!("held out by `{}` since the first exposure", rule.name),
                }));
            }
        }
        Ok(())
    }
}

/// Why a rule came out as it did and the smallest change that would have turned it; where a segment decided, why the customer is
/// in it or not.
pub(super) fn reasons_of(rule: &Rule, context: &Context<'_>) -> Vec<String> {
    let mut reasons = expr::explain(rule.checked(), context).reasons();
    reasons.extend(withheld(rule, context));
    let rules = context.rules();
    let mut segments = Vec::new();
    for fact in &rule.reads().facts {
        let Some(Source::Segment(number)) = rules.sources.source(*fact) else { continue };
        let path = rules.sources.path(*fact);
        let name = path.strip_prefix("segment.").unwrap_or(&path);
        let (called, listed) = (format!("segment({name:?})"), format!("{name:?} in segment"));
        let decided = reasons.iter().any(|reason| reason.contains(&called) || reason.contains(&listed));
        if let (true, Some(segment)) = (decided, rules.segments.get(number)) {
            let mut why = expr::explain(segment.checked(), context).reasons();
            why.extend(turned_by(segment, context));
            segments.push(format!("segment `{name}`: {}", why.join("; ")));
        }
    }
    // What would turn a segment is said of the segment.
    if segments.is_empty() {
        reasons.extend(turned_by(rule, context));
    }
    reasons.extend(segments);
    reasons
}

/// What a rule would have read, had the host been surer who is there.
fn withheld(rule: &Rule, context: &Context<'_>) -> Vec<String> {
    let (rules, assurance) = (context.rules(), context.assurance());
    if assurance == Assurance::Authenticated || !matches!(rule.ask(context).outcome, Outcome::Unknown(_)) {
        return Vec::new();
    }
    let reach = rules.reaches.of(rule, &rules.sources);
    let higher = reach.attributes.iter().filter_map(|place| {
        let minimum = rules.attributes.get(*place).map(|rule| rule.assurance).filter(|minimum| *minimum > assurance)?;
        let path = rules.sources.path(FactId(u32::try_from(*place).ok()?));
        Some(format!("`{path}` asks for {minimum}, the customer is {assurance}"))
    });
    let events = reach.kinds.iter().filter(|kind| rules.event_minimum(**kind) > assurance).filter_map(|kind| {
        let name = &rules.sources.schema.event_decl(*kind)?.name;
        Some(format!("events of type `{name}` ask for {}, the customer is {assurance}", rules.event_minimum(*kind)))
    });
    let mut reasons: Vec<String> = higher.chain(events).collect();
    if assurance == Assurance::Anonymous && reasons.is_empty() {
        reasons.push("the customer is anonymous: only the present session on this identifier is read".to_owned());
    }
    reasons
}

/// The smallest change that would turn a rule, in words; the first of several.
fn turned_by(rule: &Rule, context: &Context<'_>) -> Option<String> {
    expr::flips(rule.checked(), context)?.sentences().into_iter().next()
}
