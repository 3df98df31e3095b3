use super::{
    Portrait, PortraitAttribute, PortraitChance, PortraitConsent, PortraitEvent, PortraitIdentifier, PortraitJourney,
    PortraitLiking, PortraitNeed, PortraitPreference, PortraitSegment, PortraitSession, PortraitTotals, PortraitUnusual,
};
use crate::base::CustomerBase;
use crate::context::Context;
use crate::customer::{Customer, Derived, Identifier, StoryRow, read_detail};
use crate::decide::RequestError;
use crate::engine::{Around, Conclusion, Engine, Reader};
use crate::expr::{Answer, Detail};
use crate::playbook::{DataKind, Sensitivity};
use crate::value::{Span, Timestamp, Value};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::ControlFlow;
use std::sync::Arc;

/// How many sessions are shown.
const SESSIONS: usize = 10;
/// How many values of a preference are shown.
const LIKINGS: usize = 20;

impl Portrait {
    /// How many events of the timeline are shown when nothing else is said.
    pub const EVENTS: usize = 50;
}

impl Engine {
    /// Everything known about a customer at an instant, for `audience`: `customer` (nothing special or inferred that is not to be
    /// revealed, and only what their consent covers), a department or a purpose (as [`view_for`](Self::view_for)); for the host
    /// when it is not given. `known_at` is by default `now`. The timeline has the latest `events`.
    ///
    /// # Errors
    /// [`RequestError`] with code `unknown_audience` for neither a department nor a purpose, or `other_playbook`.
    ///
    /// # Examples
    /// ```
    /// # use tactful::{Engine, Event, Identifier, Timestamp};
    /// let shop = "playbook: shop\nversion: 1\nidentity: {customer: {}}\nattributes: {city: string}\n";
    /// let engine = Engine::compile(&[("shop.yaml", shop)])?;
    /// let (ada, now) = (Identifier::parse("customer:ada")?, Timestamp::parse("2026-03-01T10:00:00Z")?);
    /// let mut customer = engine.customer(&ada)?;
    /// let told = Event::new("attribute_set", now, ada).with("attribute", "city").with("value", "Ulm");
    /// engine.record(&mut customer, &told, None)?;
    /// let portrait = engine.portrait(&customer, None, now, None, 10)?;
    /// assert!(portrait.to_text().contains("city  Ulm"));
    /// assert_eq!(format!("{portrait:?}").contains("Ulm"), false);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn portrait(
        &self,
        customer: &Customer,
        audience: Option<&str>,
        now: Timestamp,
        known_at: Option<Timestamp>,
        events: usize,
    ) -> Result<Portrait, RequestError> {
        paint(self, customer, (&[], None), audience, (now, known_at.unwrap_or(now)), events)
    }
}

impl CustomerBase {
    /// Everything known about the customer whom an identifier pointed to at an instant, by what was known at another. The rest is
    /// as for [`Engine::portrait`]; identifiers that were only linked are listed too.
    ///
    /// # Errors
    /// As for [`Engine::portrait`], and for an identifier of an undeclared namespace or of another form.
    pub fn portrait(
        &self,
        identifier: &Identifier,
        audience: Option<&str>,
        now: Timestamp,
        known_at: Option<Timestamp>,
        events: usize,
    ) -> Result<Portrait, RequestError> {
        let (met, customer) = self.somebody(identifier, now, known_at)?;
        let known_at = known_at.unwrap_or(now);
        let refused =
            |error: crate::customer::EventError| RequestError::new(error.code(), "identifier", error.message().to_owned());
        let members = self.identifiers_at(&met, now, known_at).map_err(refused)?;
        let around = self.all_around(&met, now, Some(known_at));
        paint(self.engine(), &customer, (&members, around.as_ref()), audience, (now, known_at), events)
    }
}

fn paint(
    engine: &Engine,
    customer: &Customer,
    (members, around): (&[Identifier], Option<&Around<'_>>),
    audience: Option<&str>,
    (now, known_at): (Timestamp, Timestamp),
    events: usize,
) -> Result<Portrait, RequestError> {
    let customer = &*engine.as_known(customer, known_at);
    let reader = Reader::of(engine, customer, around, audience, (now, known_at))?;
    let playbook = engine.playbook();
    let visible = |identifier: &Identifier| reader.identifier(identifier);
    let mut portrait = Portrait {
        audience: audience.map(Arc::from),
        purposes: reader.purposes().map(|purposes| purposes.into_iter().cloned().collect()),
        playbook: playbook.name.text.clone(),
        title: playbook.title.clone(),
        version: playbook.version,
        time_zone: playbook.time_zone.to_string(),
        zone: playbook.time_zone,
        now,
        known_at,
        customer: customer.identifier().filter(|identifier| visible(identifier)).map(Identifier::to_string),
        called: None,
        events: 0,
        first: None,
        last: None,
        identifiers: Vec::new(),
        commitments: Vec::new(),
        attributes: Vec::new(),
        consents: Vec::new(),
        profiling_objected: None,
        do_not_contact: BTreeMap::new(),
        segments: Vec::new(),
        personas: Vec::new(),
        journeys: Vec::new(),
        needs: Vec::new(),
        intents: Vec::new(),
        preferences: Vec::new(),
        unusual: Vec::new(),
        session_count: 0,
        sessions: Vec::new(),
        timeline: Vec::new(),
        earlier: 0,
        folded: Vec::new(),
        withheld: reader.withheld(),
    };
    engine.look(customer, now, known_at, |context, state| {
        let painter = Painter { engine, reader: &reader, context };
        painter.story(&mut portrait, members, events);
        painter.attributes(&mut portrait);
        painter.consents(&mut portrait, customer, around);
        painter.conclusions(&mut portrait, state);
        painter.sessions(&mut portrait);
        painter.folded(&mut portrait);
        if reader.is_host() || audience == Some("customer") {
            portrait.commitments = context.commitments();
        }
    });
    Ok(portrait)
}

/// Who looks at what.
struct Painter<'a, 'c> {
    engine: &'a Engine,
    reader: &'a Reader<'a>,
    context: &'a Context<'c>,
}

impl Painter<'_, '_> {
    /// Identifiers and the timeline.
    fn story(&self, portrait: &mut Portrait, members: &[Identifier], most: usize) {
        let view = self.context.view();
        let strands = view.strands().iter().map(|strand| strand.identifier().clone());
        let names: BTreeSet<Identifier> =
            strands.chain(members.iter().cloned()).filter(|name| self.reader.identifier(name)).collect();
        let mut found: BTreeMap<Identifier, (u64, Option<Timestamp>, Option<Timestamp>)> =
            names.into_iter().map(|name| (name, (0, None, None))).collect();
        let mut latest: VecDeque<StoryRow<'_>> = VecDeque::new();
        view.events(&self.engine.layout().kinds(), Span::lifetime(portrait.now), &mut |row| {
            if !self.reader.row(&row) {
                return ControlFlow::Continue(());
            }
            portrait.events += 1;
            portrait.first.get_or_insert(row.time());
            portrait.last = Some(row.time());
            if let Some((count, first, last)) = found.get_mut(row.strand().identifier()) {
                *count += 1;
                first.get_or_insert(row.time());
                *last = Some(row.time());
            }
            if latest.len() == most {
                latest.pop_front();
                portrait.earlier += 1;
            }
            if most > 0 {
                latest.push_back(row);
            } else {
                portrait.earlier += 1;
            }
            ControlFlow::Continue(())
        });
        if most == 0 {
            portrait.earlier = portrait.events;
        }
        portrait.timeline = latest.iter().rev().map(|row| self.event(row)).collect();
        let namespaces = &self.engine.playbook().namespaces;
        let anonymous = |name: &Identifier| {
            namespaces.iter().any(|namespace| *namespace.name.text == *name.namespace() && namespace.anonymous)
        };
        portrait.identifiers = found
            .into_iter()
            .map(|(name, (events, first, last))| PortraitIdentifier {
                anonymous: anonymous(&name),
                identifier: name.to_string(),
                events,
                first,
                last,
            })
            .collect();
        let place = |own: &&PortraitIdentifier| {
            let name = own.identifier.split(':').next().unwrap_or_default();
            namespaces.iter().position(|namespace| *namespace.name.text == *name)
        };
        portrait.called = portrait.identifiers.iter().min_by_key(place).map(|own| own.identifier.clone());
    }

    fn event(&self, row: &StoryRow<'_>) -> PortraitEvent {
        let playbook = self.engine.playbook();
        let declared = playbook.events.get(usize::from(row.kind().0));
        let reserved = &self.engine.model().rules.sources.reserved;
        let attribute = reserved.attributes.iter().position(|kind| *kind == row.kind());
        let attribute = attribute.and_then(|place| playbook.attributes.get(place));
        let mut properties = self.reader.properties(row);
        let mut event: Arc<str> = match row.strand().layout().schema().event_decl(row.kind()) {
            Some(kind) => kind.name.clone(),
            None => Arc::from("?"),
        };
        if let Some(attribute) = attribute {
            let set = !properties.is_empty();
            event = Arc::from(if set { crate::customer::ATTRIBUTE_SET } else { crate::customer::ATTRIBUTE_CLEARED });
            let value = properties.pop().map_or(Value::Null, |(_, value)| value);
            properties = vec![(attribute.name.text.clone(), value)];
        }
        let known_at = row.known_at();
        PortraitEvent {
            event,
            title: declared.and_then(|event| event.title.clone()),
            kind: declared.and_then(|event| event.kind).or(attribute.and_then(|own| own.kind)).map(DataKind::name),
            time: row.time(),
            known_at: (known_at > row.time()).then_some(known_at),
            identifier: row.strand().identifier().to_string(),
            channel: row.channel().map(Arc::from),
            source: row.source().filter(|_| self.reader.is_host()).map(Arc::from),
            properties,
            details: if self.reader.is_host() { row.details().entries().collect() } else { Vec::new() },
        }
    }

    fn attributes(&self, portrait: &mut Portrait) {
        let rules = &self.engine.model().rules;
        for (place, attribute) in self.engine.playbook().attributes.iter().enumerate() {
            let Some(rule) = rules.attributes.get(place) else { continue };
            if !self.reader.attribute(place) {
                continue;
            }
            let (read, told) = self.context.attribute(place);
            // What was told under an identifier that may not be seen says where it comes from, not that it is not so.
            let mut facts = rule.all(self.context.view(), portrait.now);
            let counts = facts.iter().position(crate::context::Told::counts);
            let fact = counts.map(|place| facts.remove(place));
            let seen = fact.as_ref().is_none_or(|fact| self.reader.identifier(fact.row.strand().identifier()));
            let others =
                facts.iter().filter(|fact| fact.value.is_some() && self.reader.identifier(fact.row.strand().identifier()));
            let others = others.count();
            let fact = fact.filter(|_| seen && told);
            let value = match read.value {
                Answer::Known(value) if seen => Some(value),
                _ => None,
            };
            if attribute.retired && value.is_none() {
                continue;
            }
            portrait.attributes.push(PortraitAttribute {
                attribute: attribute.name.text.clone(),
                title: attribute.title.clone(),
                kind: attribute.kind.map(DataKind::name),
                sensitivity: match attribute.sensitivity {
                    Sensitivity::Public => "public",
                    Sensitivity::Personal => "personal",
                    Sensitivity::Special => "special",
                },
                purposes: attribute.purposes.as_ref().map(|names| names.iter().map(|name| name.text.clone()).collect()),
                from: match (&value, fact.is_some()) {
                    (None, _) => "nothing",
                    (Some(_), true) => "told",
                    (Some(_), false) => "default",
                },
                value,
                origin: fact.as_ref().map(|fact| fact.origin.name()),
                confidence: fact.as_ref().map(|fact| fact.confidence),
                time: fact.as_ref().map(|fact| fact.row.time()),
                source: fact.as_ref().and_then(|fact| fact.row.source()).filter(|_| self.reader.is_host()).map(Arc::from),
                channel: fact.as_ref().and_then(|fact| fact.row.channel()).map(Arc::from),
                expires: fact.as_ref().and_then(|fact| fact.expires),
                others,
            });
        }
    }

    fn consents(&self, portrait: &mut Portrait, customer: &Customer, around: Option<&Around<'_>>) {
        let at = (portrait.now, portrait.known_at);
        let permissions = self.engine.consents_among(customer, around, None, None, at);
        let purposes = self.engine.playbook().purposes.iter().zip(permissions.purposes);
        // A department sees what holds for its own purposes.
        let shown = |purpose: &Arc<str>| {
            self.reader.is_host()
                || self.reader.is_customer()
                || portrait.purposes.as_ref().is_some_and(|purposes| purposes.contains(purpose))
        };
        let shown = purposes.filter(|(purpose, _)| shown(&purpose.name.text)).map(|(purpose, permission)| PortraitConsent {
            purpose: purpose.name.text.clone(),
            title: purpose.title.clone(),
            permitted: permission.permitted,
            state: permission.state,
            since: permission.since,
            explicit: permission.explicit,
            basis: permission.basis,
        });
        portrait.consents = shown.collect();
        portrait.profiling_objected = permissions.profiling_objected;
        portrait.do_not_contact = permissions.do_not_contact;
    }

    fn conclusions(&self, portrait: &mut Portrait, state: &Derived) {
        let (playbook, context) = (self.engine.playbook(), self.context);
        let sees = |conclusion: Conclusion| self.reader.conclusion(conclusion);
        for (place, segment) in playbook.segments.iter().enumerate().filter(|(place, _)| sees(Conclusion::Segment(*place))) {
            let member = match context.segment(place).value {
                Answer::Known(Value::Bool(member)) => Some(member),
                _ => None,
            };
            let (segment, title) = (segment.name.text.clone(), segment.title.clone());
            portrait.segments.push(PortraitSegment { segment, title, member });
        }
        let chances = |all: &[crate::playbook::Persona], posteriors: &[f64], sees: &dyn Fn(usize) -> bool| {
            let likely = self.engine.likely(posteriors);
            let named = all.iter().zip(posteriors).enumerate().filter(|(place, _)| sees(*place));
            let mut chances: Vec<PortraitChance> = named
                .map(|(place, (persona, posterior))| PortraitChance {
                    name: persona.name.text.clone(),
                    title: persona.title.clone(),
                    posterior: *posterior,
                    likely: likely == Some(place),
                })
                .collect();
            chances.sort_by(|a, b| b.posterior.total_cmp(&a.posterior));
            chances
        };
        portrait.personas = chances(&playbook.personas, &context.personas(), &|place| sees(Conclusion::Persona(place)));
        if let Some((posteriors, _)) = context.intents() {
            portrait.intents = chances(&playbook.intents, posteriors, &|place| sees(Conclusion::Intent(place)));
        }
        for (place, journey) in playbook.journeys.iter().enumerate().filter(|(place, _)| sees(Conclusion::Journey(*place))) {
            let at = state.journeys.get(place).and_then(|state| state.place);
            let stage = at.and_then(|at| journey.stages.get(usize::from(at.stage)));
            portrait.journeys.push(PortraitJourney {
                journey: journey.name.text.clone(),
                title: journey.title.clone(),
                stage: stage.map(|stage| stage.name.text.clone()),
                stage_title: stage.and_then(|stage| stage.title.clone()),
                since: at.map(|at| at.since),
                stages: journey.stages.iter().map(|stage| stage.title.clone().unwrap_or(stage.name.text.clone())).collect(),
                place: at.map(|at| usize::from(at.stage)),
            });
        }
        for (place, need) in playbook.needs.iter().enumerate().filter(|(place, _)| sees(Conclusion::Need(*place))) {
            let found = context.need(place);
            portrait.needs.extend(found.strength.map(|strength| PortraitNeed {
                need: need.name.text.clone(),
                title: need.title.clone(),
                kind: need.kind.name(),
                strength,
                stated: found.stated,
                time: found.latest,
            }));
        }
        for (place, own) in playbook.preferences.iter().enumerate().filter(|(place, _)| sees(Conclusion::Preference(*place))) {
            let Some(known) = context.preference(place).filter(|known| !known.values.is_empty()) else { continue };
            let values = known.values.iter().take(LIKINGS).map(|value| PortraitLiking {
                value: value.value.clone(),
                strength: value.strength,
                observations: value.observations,
                stated: value.stated,
                liked: value.liked,
            });
            portrait.preferences.push(PortraitPreference {
                preference: own.name.text.clone(),
                title: own.title.clone(),
                observations: known.observations,
                values: values.collect(),
            });
        }
        for (place, unusual) in playbook.unusual.iter().enumerate().filter(|(place, _)| sees(Conclusion::Unusual(*place))) {
            if let Answer::Known(Value::Bool(holds)) = context.unusual(place).value {
                let (name, title) = (unusual.name.text.clone(), unusual.title.clone());
                portrait.unusual.push(PortraitUnusual { unusual: name, title, test: unusual.test.name(), holds });
            }
        }
    }

    fn sessions(&self, portrait: &mut Portrait) {
        let mut latest: VecDeque<PortraitSession> = VecDeque::new();
        let text = |detail: Detail, row: &StoryRow<'_>| read_detail(detail, row.details_text()).map(Arc::<str>::from);
        let mut count = 0;
        self.context.sessions(&|row| self.reader.row(row), &mut |begins, row| {
            if begins {
                count += 1;
                if latest.len() == SESSIONS {
                    latest.pop_front();
                }
                latest.push_back(PortraitSession {
                    start: row.time(),
                    end: row.time(),
                    open: false,
                    events: 0,
                    pages: 0,
                    channels: Vec::new(),
                    device: None,
                    campaign: None,
                });
            }
            if let Some(session) = latest.back_mut() {
                session.end = row.time();
                session.events += 1;
                session.pages += u64::from(self.context.is_page(&row));
                if let Some(channel) = row.channel().map(Arc::<str>::from)
                    && let Err(place) = session.channels.binary_search(&channel)
                {
                    session.channels.insert(place, channel);
                }
                if self.reader.is_host() {
                    session.device = text(Detail::Device, &row).or(session.device.take());
                    session.campaign = session.campaign.take().or_else(|| text(Detail::Campaign, &row));
                }
            }
            ControlFlow::Continue(())
        });
        let open = self.context.open_session().map(|(start, _)| start);
        if let Some(session) = latest.back_mut() {
            session.open = open.is_some_and(|open| session.end >= open);
        }
        portrait.session_count = count;
        portrait.sessions = latest.into_iter().rev().collect();
    }

    fn folded(&self, portrait: &mut Portrait) {
        let playbook = self.engine.playbook();
        let mut all: BTreeMap<usize, PortraitTotals> = BTreeMap::new();
        for strand in self.context.view().strands().iter().filter(|strand| self.reader.identifier(strand.identifier())) {
            for (name, totals) in strand.folded().iter().flat_map(|fold| fold.totals()).filter(|(_, totals)| totals.count > 0) {
                let place = playbook.events.iter().position(|event| *event.name.text == *name);
                let seen = place.map_or(self.reader.is_host(), |place| self.reader.event(place));
                if !seen || totals.known > portrait.known_at || totals.first > portrait.now {
                    continue;
                }
                let declared = place.and_then(|place| playbook.events.get(place));
                let own = all.entry(place.unwrap_or(usize::MAX)).or_insert_with(|| PortraitTotals {
                    event: Arc::from(name),
                    title: declared.and_then(|event| event.title.clone()),
                    count: 0,
                    first: totals.first,
                    last: totals.last,
                });
                own.count += totals.count;
                own.first = own.first.min(totals.first);
                own.last = own.last.max(totals.last);
            }
        }
        portrait.folded = all.into_values().collect();
    }
}
