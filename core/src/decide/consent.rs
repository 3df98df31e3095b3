use super::rules::Offers;
use crate::customer::{Identifier, Reserved, StoryRow, View, consent_column};
use crate::expr::EventKind;
use crate::playbook::{ConsentDefault, LegalBasis};
use crate::value::{Duration, Span, Timestamp, Value};
use smallvec::SmallVec;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A compiled purpose.
#[derive(Debug, Clone)]
pub(crate) struct PurposeRule {
    pub(crate) name: Arc<str>,
    pub(crate) default: ConsentDefault,
    pub(crate) basis: LegalBasis,
    /// How long a consent lasts that does not say so itself.
    pub(crate) expires_after: Option<Duration>,
}

impl PurposeRule {
    /// Whether it is permitted while nothing was said about it.
    pub(super) fn permits_unasked(&self) -> bool {
        self.basis.holds_anyway() || Consent::NeverAsked(self.default).permits()
    }
}

/// The event types that say what may be done.
pub(crate) fn spoken(reserved: &Reserved) -> [EventKind; 6] {
    [
        reserved.consent_given,
        reserved.consent_withdrawn,
        reserved.objected,
        reserved.objection_withdrawn,
        reserved.do_not_contact,
        reserved.contact_allowed,
    ]
}

/// Whether a purpose is permitted, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Consent {
    /// Consent stands.
    Given {
        since: Timestamp,
        explicit: bool,
    },
    Withdrawn(Timestamp),
    Objected(Timestamp),
    /// The last consent is over, and silence forbids.
    Expired(Timestamp),
    /// Consent was given, but on another identifier or for another channel, and silence forbids.
    Elsewhere(Timestamp),
    /// Consent was given by somebody who may not give it, a minor or no guardian of one, and silence forbids.
    NotEntitled(Timestamp),
    /// Nothing was said in the present session, which is all that is read of somebody anonymous, and silence forbids.
    NotInSession,
    NeverAsked(ConsentDefault),
    /// Lawful without consent, whatever the customer says.
    Lawful(LegalBasis),
}

impl Consent {
    /// Permission that is unknown is none.
    pub(crate) fn permits(self) -> bool {
        match self {
            Consent::Given { .. } | Consent::NeverAsked(ConsentDefault::OptOut) | Consent::Lawful(_) => true,
            Consent::Withdrawn(_) | Consent::Objected(_) | Consent::Expired(_) | Consent::Elsewhere(_) => false,
            Consent::NotEntitled(_) | Consent::NotInSession => false,
            Consent::NeverAsked(ConsentDefault::OptIn) => false,
        }
    }

    /// Whether the customer said yes in so many words, which special data needs.
    pub(crate) fn explicit(self) -> bool {
        matches!(self, Consent::Given { explicit: true, .. })
    }

    /// Whether nothing was said that would decide it.
    pub(crate) fn unknown(self) -> bool {
        matches!(self, Consent::NeverAsked(_) | Consent::NotEntitled(_) | Consent::NotInSession)
    }

    /// Why it is not permitted.
    pub(crate) fn reason(self, purpose: &str) -> String {
        match self {
            Consent::Withdrawn(when) => format!("consent for `{purpose}` was withdrawn on {when}"),
            Consent::Objected(when) => format!("`{purpose}` was objected to on {when}"),
            Consent::Expired(when) => format!("consent for `{purpose}` expired on {when}"),
            Consent::Elsewhere(when) => {
                format!("consent for `{purpose}` was given on {when}, but for another identifier or channel")
            }
            Consent::NotEntitled(when) => {
                format!("consent for `{purpose}` was given on {when}, but not by one who may: for a minor that is a guardian")
            }
            Consent::NotInSession => {
                format!("consent for `{purpose}` was not given in the present session of somebody anonymous")
            }
            Consent::Given { .. } | Consent::NeverAsked(_) | Consent::Lawful(_) => {
                format!("consent for `{purpose}` was never given")
            }
        }
    }

    /// The name in answers.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Consent::Given { .. } => "given",
            Consent::Withdrawn(_) => "withdrawn",
            Consent::Objected(_) => "objected",
            Consent::Expired(_) => "expired",
            Consent::Elsewhere(_) => "elsewhere",
            Consent::NotEntitled(_) => "not_entitled",
            Consent::NotInSession => "not_in_session",
            Consent::NeverAsked(_) => "never_asked",
            Consent::Lawful(_) => "lawful",
        }
    }

    /// Since when that is so; `None` when nothing was said.
    pub(crate) fn since(self) -> Option<Timestamp> {
        match self {
            Consent::Given { since: when, .. }
            | Consent::Withdrawn(when)
            | Consent::Objected(when)
            | Consent::Expired(when)
            | Consent::Elsewhere(when)
            | Consent::NotEntitled(when) => Some(when),
            Consent::NotInSession | Consent::NeverAsked(_) | Consent::Lawful(_) => None,
        }
    }
}

/// All that a customer said about what may be done, up to an instant: read once per decision.
#[derive(Debug)]
pub(crate) struct Said<'a> {
    /// In the order of the story.
    words: SmallVec<[Word<'a>; 4]>,
    view: View<'a>,
    now: Timestamp,
    /// On which identifier the customer is met; `None` for the person as a whole.
    who: Option<&'a Identifier>,
    /// Permissions given before do not count; what forbids counts always.
    begins: Option<Timestamp>,
    declared_events: usize,
    /// Outcomes that closed their channel: when, which channel, which outcome.
    closed: Vec<(Timestamp, &'a str, Arc<str>)>,
}

#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    time: Timestamp,
    what: What,
    /// By number; `None` for profiling as such, or for contact.
    purpose: Option<usize>,
    scope: Scope<'a>,
    /// On which identifier it was said.
    on: &'a Identifier,
    /// When it ceases to hold.
    expires: Option<Timestamp>,
    explicit: bool,
    /// Who said it for the customer.
    by: Option<&'a str>,
    /// Whether it was said by one who may: the customer, or of a minor a guardian.
    entitled: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Given,
    Withdrawn,
    Objected,
    ObjectionWithdrawn,
    DoNotContact,
    ContactAllowed,
}

/// What a word binds to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scope<'a> {
    Person,
    Channel(&'a str),
    Identifier(&'a Identifier),
}

/// What stands on one level.
#[derive(Debug, Clone, Copy, Default)]
struct Level {
    given: Option<(Timestamp, bool)>,
    withdrawn: Option<Timestamp>,
    objected: Option<Timestamp>,
}

impl Level {
    fn hear(&mut self, word: &Word<'_>) {
        match word.what {
            What::Given => {
                // Once said in so many words it stays so until it is withdrawn.
                let explicit = word.explicit || self.given.is_some_and(|(_, explicit)| explicit);
                *self = Level { given: Some((word.time, explicit)), withdrawn: None, objected: None };
            }
            What::Withdrawn => *self = Level { given: None, withdrawn: Some(word.time), ..*self },
            What::Objected => self.objected = Some(word.time),
            What::ObjectionWithdrawn => self.objected = None,
            What::DoNotContact | What::ContactAllowed => {}
        }
    }

    fn barred(&self) -> Option<Consent> {
        self.objected.map(Consent::Objected).or(self.withdrawn.map(Consent::Withdrawn))
    }
}

impl<'a> Said<'a> {
    /// Reads what was said. Linear in the number of such events.
    pub(crate) fn read(
        offers: &Offers,
        reserved: &Reserved,
        declared_events: usize,
        view: View<'a>,
        now: Timestamp,
        who: Option<&'a Identifier>,
    ) -> Self {
        let kinds = spoken(reserved);
        let whats =
            [What::Given, What::Withdrawn, What::Objected, What::ObjectionWithdrawn, What::DoNotContact, What::ContactAllowed];
        let mut words = SmallVec::new();
        view.events(&kinds, Span::lifetime(now), &mut |row| {
            let what = kinds.iter().position(|kind| *kind == row.kind()).and_then(|place| whats.get(place));
            if let Some(word) = what.and_then(|what| Word::of(&row, *what, offers))
                && word.expires.is_none_or(|expires| word.what == What::Given || now < expires)
            {
                words.push(word);
            }
            ControlFlow::Continue(())
        });
        let mut closed = Vec::new();
        if !offers.closing.is_empty() {
            let kinds: SmallVec<[EventKind; 4]> = offers.closing.iter().map(|(_, kind)| *kind).collect();
            view.events(&kinds, Span::lifetime(now), &mut |row| {
                let outcome = offers.closing.iter().find(|(_, kind)| *kind == row.kind());
                closed.extend(row.channel().zip(outcome).map(|(channel, (name, _))| (row.time(), channel, name.clone())));
                ControlFlow::Continue(())
            });
        }
        Said { words, view, now, who, begins: None, declared_events, closed }
    }

    /// The same for a minor: of consents only those count that somebody gave who may.
    pub(crate) fn by_guardians(mut self, guardian: &dyn Fn(&str) -> bool) -> Self {
        for word in self.words.iter_mut().filter(|word| word.what == What::Given) {
            word.entitled = word.by.is_some_and(guardian);
        }
        self
    }

    /// Who gave a consent for the customer that counts since an instant.
    pub(crate) fn given_by(&self, purpose: usize, since: Timestamp) -> Option<&'a str> {
        let counts = |word: &&Word<'_>| word.what == What::Given && word.entitled && word.purpose == Some(purpose);
        self.words.iter().filter(counts).find(|word| word.time == since)?.by
    }

    /// On which identifier the customer is met.
    pub(crate) fn who(&self) -> Option<&'a Identifier> {
        self.who
    }

    /// The same for somebody of whom only what happened from an instant on may be read: what they permitted before does not count.
    pub(crate) fn since(self, begins: Option<Timestamp>) -> Self {
        Said { begins, ..self }
    }

    /// Whether anything binds to single identifiers, so that answers depend on which one the customer is met on.
    pub(crate) fn by_identifier(&self) -> bool {
        self.words.iter().any(|word| matches!(word.scope, Scope::Identifier(_)))
    }

    /// What holds for a purpose on a channel; without one, words for single channels do not count.
    pub(crate) fn consent(&self, number: usize, purpose: &PurposeRule, channel: Option<&str>) -> Consent {
        if purpose.basis.holds_anyway() {
            return Consent::Lawful(purpose.basis);
        }
        self.standing(Some(number), channel, purpose.default)
    }

    /// Since when the customer objects to profiling.
    pub(crate) fn profiling(&self, channel: Option<&str>) -> Option<Timestamp> {
        match self.standing(None, channel, ConsentDefault::OptOut) {
            Consent::Objected(when) => Some(when),
            _ => None,
        }
    }

    /// Since when the customer must not be contacted on a channel.
    pub(crate) fn do_not_contact(&self, channel: &str) -> Option<Timestamp> {
        let (mut person, mut here) = (None, None);
        for word in &self.words {
            match (word.what, word.scope) {
                (What::DoNotContact, Scope::Channel(on)) if on == channel => here = Some(word.time),
                (What::DoNotContact, Scope::Person | Scope::Identifier(_)) => person = Some(word.time),
                (What::ContactAllowed, Scope::Channel(on)) if on == channel => here = None,
                // What is said of the person as a whole holds for every channel.
                (What::ContactAllowed, Scope::Person | Scope::Identifier(_)) => (person, here) = (None, None),
                _ => {}
            }
        }
        person.or(here)
    }

    /// Since when a channel is closed by an outcome, and by which; contact that is allowed later opens it again.
    pub(crate) fn closed(&self, channel: &str) -> Option<(Timestamp, &Arc<str>)> {
        let (time, _, outcome) = self.closed.iter().rev().find(|(_, on, _)| *on == channel)?;
        let allows = |word: &Word<'_>| {
            let here = match word.scope {
                Scope::Channel(on) => on == channel,
                Scope::Person | Scope::Identifier(_) => true,
            };
            word.what == What::ContactAllowed && here && word.time > *time
        };
        (!self.words.iter().any(allows)).then_some((*time, outcome))
    }

    fn standing(&self, purpose: Option<usize>, channel: Option<&str>, default: ConsentDefault) -> Consent {
        if self.words.is_empty() && self.begins.is_none() {
            return Consent::NeverAsked(default);
        }
        let standing = self.standing_since(None, purpose, channel, default);
        match (standing, self.begins) {
            (Consent::Withdrawn(_) | Consent::Objected(_), _) | (_, None) => standing,
            (_, Some(_)) => match self.standing_since(self.begins, purpose, channel, default) {
                Consent::NeverAsked(ConsentDefault::OptIn) => Consent::NotInSession,
                present => present,
            },
        }
    }

    /// The last word on each level: that on the person first. A consent of the person renews everything; a withdrawal or
    /// objection of the person wins over all that is said on one identifier or channel.
    fn standing_since(
        &self,
        begins: Option<Timestamp>,
        purpose: Option<usize>,
        channel: Option<&str>,
        default: ConsentDefault,
    ) -> Consent {
        let (mut person, mut here) = (Level::default(), Level::default());
        let mut identifiers: BTreeMap<&Identifier, Level> = BTreeMap::new();
        let (mut expired, mut elsewhere, mut not_entitled) = (None, None, None);
        let about = |word: &&Word<'_>| {
            let consent = !matches!(word.what, What::DoNotContact | What::ContactAllowed);
            word.purpose == purpose && consent
        };
        // Of somebody anonymous only what was said in the present session on the same identifier.
        let present =
            |word: &&Word<'_>| begins.is_none_or(|begins| word.time >= begins && self.who.is_none_or(|who| word.on == who));
        for word in self.words.iter().filter(about).filter(present) {
            if !word.entitled {
                not_entitled = Some(word.time);
                continue;
            }
            if let Some(expires) = word.expires.filter(|expires| self.now >= *expires) {
                // As if it had never been given.
                expired = expired.max(Some(expires));
                continue;
            }
            match word.scope {
                Scope::Person => {
                    person.hear(word);
                    match word.what {
                        What::Given => {
                            here = Level::default();
                            identifiers.clear();
                        }
                        What::ObjectionWithdrawn => {
                            here.objected = None;
                            identifiers.values_mut().for_each(|level| level.objected = None);
                        }
                        _ => {}
                    }
                }
                Scope::Channel(on) if Some(on) == channel => here.hear(word),
                Scope::Identifier(on) if self.who.is_none_or(|who| who == on) => {
                    identifiers.entry(on).or_default().hear(word);
                }
                Scope::Channel(_) | Scope::Identifier(_) => {
                    if word.what == What::Given {
                        elsewhere = Some(word.time);
                    }
                }
            }
        }
        let levels = [&person, &here].into_iter().chain(identifiers.values());
        if let Some(barred) = levels.clone().find_map(Level::barred) {
            return barred;
        }
        let bound = identifiers.values().filter_map(|level| level.given).max();
        let everywhere = self.who.is_some() || self.covers_all(&identifiers);
        let given = [person.given, here.given, bound.filter(|_| everywhere)];
        if let Some(since) = given.iter().flatten().map(|(since, _)| *since).max() {
            return Consent::Given { since, explicit: given.iter().flatten().any(|(_, explicit)| *explicit) };
        }
        let elsewhere = elsewhere.or(bound.map(|(since, _)| since));
        match (default, elsewhere, expired) {
            (ConsentDefault::OptIn, Some(when), _) => Consent::Elsewhere(when),
            (ConsentDefault::OptIn, None, Some(when)) => Consent::Expired(when),
            (ConsentDefault::OptIn, None, None) => match not_entitled {
                Some(when) => Consent::NotEntitled(when),
                None => Consent::NeverAsked(default),
            },
            (ConsentDefault::OptOut, ..) => Consent::NeverAsked(default),
        }
    }

    /// Whether every identifier under which the person did something gave its consent. Identifiers under which nothing but
    /// consent is known do not count, so that saying yes on one more never takes anything away.
    fn covers_all(&self, identifiers: &BTreeMap<&Identifier, Level>) -> bool {
        let strands = self.view.strands();
        strands.len() == 1
            || strands.iter().all(|strand| {
                let given = identifiers.get(strand.identifier()).is_some_and(|level| level.given.is_some());
                given || !self.view.holds_declared(strand, self.declared_events, self.now)
            })
    }
}

impl<'a> Word<'a> {
    fn of(row: &StoryRow<'a>, what: What, offers: &Offers) -> Option<Self> {
        let (contact, given) = (matches!(what, What::DoNotContact | What::ContactAllowed), what == What::Given);
        let purpose = match row.text(consent_column::PURPOSE).filter(|_| !contact) {
            Some(name) => Some(offers.purposes.iter().position(|purpose| *purpose.name == *name)?),
            None => None,
        };
        let scope = if contact { None } else { row.text(consent_column::SCOPE) };
        let channel = row.text(if contact { consent_column::CONTACT_CHANNEL } else { consent_column::FOR_CHANNEL });
        let scope = match (scope, channel) {
            (Some("identifier"), _) => Scope::Identifier(row.strand().identifier()),
            (_, Some(channel)) => Scope::Channel(channel),
            (Some(_), None) => Scope::Person,
            // Who clicks on a banner without saying who they are speaks for that browser only.
            (None, None) if !contact && offers.anonymous(row.strand().identifier()) => {
                Scope::Identifier(row.strand().identifier())
            }
            (None, None) => Scope::Person,
        };
        let expires = match row.value(if contact { consent_column::CONTACT_EXPIRES } else { consent_column::EXPIRES }) {
            Some(Value::Timestamp(expires)) if given || contact => Some(expires.to_timestamp()),
            _ => {
                let lasts = purpose.filter(|_| given).and_then(|number| offers.purposes.get(number)?.expires_after);
                lasts.map(|lasts| row.time().saturating_add_micros(lasts.micros()))
            }
        };
        // A consent is explicit unless the host says that it was only assumed.
        let explicit = given && row.value(consent_column::EXPLICIT) != Some(Value::Bool(false));
        let by = row.text(consent_column::BY).filter(|_| given);
        let (time, on, entitled) = (row.time(), row.strand().identifier(), by.is_none());
        Some(Word { time, what, purpose, scope, on, expires, explicit, by, entitled })
    }
}
