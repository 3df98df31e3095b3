//! From documents to a playbook, or to all mistakes in them.

use super::catalog::is_table;
use super::model::{Name, Playbook};
use super::read::{At, Declared, Loader, Names};
use super::reserved::OUTCOMES;
use super::shape::{Path, Required};
use super::source::{Findings, Source, Spot, cut};
use super::table::PLAYBOOK;
use super::tree::{Content, Entry, Limits, Node};
use super::{contact, digest, json, merge, templates, yaml};
use crate::error::{Diagnostics, nearest};
use crate::value::{Duration, Type, Zone};
use std::rc::Rc;
use std::sync::Arc;

impl Playbook {
    /// Reads a playbook from documents, each a name for diagnostics and a text in YAML or JSON, within default [`Limits`].
    ///
    /// A document is JSON when its name ends in `.json`, or when its name ends in neither `.yaml` nor `.yml` and its first
    /// character that is not blank is `{`; else it is YAML.
    ///
    /// The first document is the base and has `playbook` and `version`; the others are parts. Maps (`attributes`, `offers`
    /// …) unite by name in the order of the documents, lists (`contact`) append, single values (`version`, `time_zone` …)
    /// stand once. A name in two documents is a mistake.
    ///
    /// Rules and templates are not read here, only kept with their places.
    ///
    /// Gives the playbook and warnings. Time and memory are proportional to the size of the documents.
    ///
    /// # Errors
    /// All mistakes of all documents, in the order of their places; at most 100 and a last one that counts the rest. A document
    /// that cannot be read at all hides mistakes about names, since it might have declared them.
    ///
    /// # Examples
    /// ```
    /// use tactful::playbook::Playbook;
    /// let (playbook, _warnings) = Playbook::load(&[("shop.yaml", "playbook: shop\nversion: 1\n")])?;
    /// assert_eq!(&*playbook.name.text, "shop");
    ///
    /// let mistakes = Playbook::load(&[("shop.yaml", "playbook: shop\nversoin: 1\n")]).unwrap_err();
    /// assert_eq!(mistakes.0[1].hint.as_deref(), Some("did you mean `version`?"));
    /// # Ok::<(), tactful::Diagnostics>(())
    /// ```
    pub fn load(documents: &[(&str, &str)]) -> Result<(Playbook, Diagnostics), Diagnostics> {
        Self::load_within(documents, Limits::default())
    }

    /// As [`load`](Self::load), within limits of the host's choice.
    ///
    /// # Errors
    /// As for [`load`](Self::load).
    pub fn load_within(documents: &[(&str, &str)], limits: Limits) -> Result<(Playbook, Diagnostics), Diagnostics> {
        match Self::draft_within(documents, limits) {
            (Some(playbook), findings) if !findings.has_errors() => Ok((playbook, findings)),
            (_, findings) => Err(findings),
        }
    }

    /// The table that a playbook names under `catalog.file`, and the document that names it; a host that reads files reads it from the folder
    /// of that document, and gives it as one more document of this name.
    #[must_use]
    pub fn table(documents: &[(&str, &str)]) -> Option<(Arc<str>, Arc<str>)> {
        let (playbook, _) = Self::draft_within(documents, Limits::default());
        let file = playbook?.catalog?.file?;
        Some((file.place.document.clone(), file.text))
    }

    /// What can be read of the documents although there may be mistakes in them, so that the rules of the rest can be checked and
    /// all mistakes reported together. What is wrong is left out; a name of unknown type has the type `dyn`.
    pub(crate) fn draft_within(documents: &[(&str, &str)], limits: Limits) -> (Option<Playbook>, Diagnostics) {
        let limits = limits.bounded();
        let documents: Vec<(&str, &str)> = documents.iter().filter(|(name, _)| !is_table(name)).copied().collect();
        let (mut findings, fits) = sources(&documents, limits);
        if !fits {
            return (None, findings.finish());
        }
        let Some((roots, needed)) = trees(limits, &mut findings) else { return (None, findings.finish()) };
        let mut root = merge::merge(roots, &mut findings);
        templates::declare(&mut root, needed);
        let (playbook, findings) = read(findings, &root);
        (Some(playbook), findings.finish())
    }
}

/// The documents as texts with lines, and whether they may be read.
pub(super) fn sources<'a>(documents: &[(&str, &'a str)], limits: Limits) -> (Findings<'a>, bool) {
    let mut mistakes: Vec<(&'static str, String, Option<String>)> = Vec::new();
    let mut names = Names::new();
    for (name, text) in documents {
        if !names.insert(Arc::from(*name)) {
            let message = format!("two documents are called `{}`", cut(name));
            mistakes.push(("duplicate_document", message, Some("give each a name of its own".to_owned())));
        }
        if text.len() > limits.bytes {
            let message = format!("document `{}` has {} bytes, more than {}", cut(name), text.len(), limits.bytes);
            mistakes.push(("too_large", message, None));
        }
    }
    if documents.is_empty() {
        mistakes.push(("empty_document", "there is no document to read".to_owned(), None));
    }
    let fits = mistakes.is_empty();
    let sources = if fits { documents.iter().map(|(name, text)| Source::new(name, text)).collect() } else { Vec::new() };
    let mut findings = Findings::new(sources);
    for (code, message, hint) in mistakes {
        findings.general(code, message, hint);
    }
    (findings, fits)
}

/// The checked trees of all documents, and the event types that templates need; none when a document cannot be read.
fn trees(limits: Limits, findings: &mut Findings<'_>) -> Option<(Vec<Node>, Vec<Entry>)> {
    let mut roots = Vec::new();
    let mut needed = Vec::new();
    let mut unreadable = false;
    for index in 0..findings.sources.len() {
        let document = super::source::saturate(index);
        let json = findings.sources.get(index).is_some_and(is_json);
        let root = if json { json::parse(document, limits, findings) } else { yaml::parse(document, limits, findings) };
        let start = Spot { document, line: 1, column: 1, length: 1 };
        match root {
            Some(mut root) if matches!(root.content, Content::Map(_)) => {
                needed.extend(templates::expand(&mut root, limits, findings));
                let required = if index == 0 { Required::Yes } else { Required::No };
                let at = Spot { length: 1, ..root.spot };
                PLAYBOOK.check(&root, at, &mut Path::default(), findings, required);
                roots.push(root);
            }
            Some(root) if !matches!(root.content, Content::Null) => {
                let message = format!("expected a mapping with `playbook` and `version`, found {}", root.kind());
                findings.error("wrong_kind", root.spot, "", message, None);
                unreadable = true;
            }
            None if has_content(findings, index) => unreadable = true,
            _ => {
                let hint = "a playbook begins with `playbook: <name>` and `version: 1`".to_owned();
                findings.error("empty_document", start, "", "the document is empty".to_owned(), Some(hint));
                unreadable = true;
            }
        }
    }
    (!unreadable).then_some((roots, needed))
}

/// Whether a document without a tree has anything in it, so that its mistake is reported already.
fn has_content(findings: &Findings<'_>, index: usize) -> bool {
    findings.has_errors()
        && findings.sources.get(index).is_some_and(|source| source.text.lines().any(|line| !blank_or_comment(line)))
}

fn blank_or_comment(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with('#')
}

pub(super) fn is_json(source: &Source<'_>) -> bool {
    let ends_in = |end: &str| {
        let name = source.name.as_bytes();
        name.len()
            .checked_sub(end.len())
            .and_then(|at| name.get(at..))
            .is_some_and(|tail| tail.eq_ignore_ascii_case(end.as_bytes()))
    };
    ends_in(".json") || (!ends_in(".yaml") && !ends_in(".yml") && source.text.trim_start().starts_with('{'))
}

/// Reads the merged tree, room by room.
fn read<'a>(findings: Findings<'a>, root: &Node) -> (Playbook, Findings<'a>) {
    let at = At::root(root);
    let keys = |section: &str| -> Rc<Names> {
        Rc::new(at.get(section).iter().flat_map(At::children).map(|child| child.key).collect())
    };
    let events = keys("events").iter().cloned().chain(OUTCOMES.map(Arc::from)).collect();
    let declared = Declared {
        attributes: keys("attributes"),
        purposes: keys("purposes"),
        events: Rc::new(events),
        channels: keys("channels"),
        placements: keys("placements"),
        groups: keys("groups"),
        rates: Rc::new(super::arbitration::rates(&at)),
    };
    let mut loader = Loader { findings, declared };
    let playbook = loader.playbook(&at);
    (playbook, loader.findings)
}

impl Loader<'_> {
    fn playbook(&mut self, root: &At<'_>) -> Playbook {
        let name = root.get("playbook").and_then(|at| {
            let text = at.node.text()?.clone();
            if text.trim().is_empty() {
                self.error("bad_name", &at, "the playbook needs a name".to_owned(), None);
            }
            Some(Name { text, place: self.findings.place(at.node.spot) })
        });
        let time_zone = self.zone(root);
        let session_gap = root.get("sessions").and_then(|at| self.duration_of(&at, "gap"));
        let mut attributes = self.attributes(root);
        let customer_zone = root.get("customer_zone").and_then(|at| {
            let known = self.declared.attributes.clone();
            let name = self.reference(&at, "attribute", &known)?;
            if let Some(attribute) = attributes.iter().find(|attribute| attribute.name.text == name.text)
                && attribute.ty != Type::String
            {
                let message =
                    format!("attribute `{}` is of type {}, expected string", name.text, cut(&attribute.ty.to_string()));
                self.error("bad_type", &at, message, None);
            }
            Some(name)
        });
        let (namespaces, purposes) = (self.namespaces(root), self.purposes(root));
        let (departments, relations) = (self.departments(root), self.relations(root, &namespaces));
        let (minors, do_not_contact) = (self.guard(root, "minors"), self.guard(root, "do_not_contact"));
        let sources = self.sources_of(root);
        let (sessions, position_ttl, stores) = (self.sessions(root), self.position_ttl(root), self.stores(root));
        let (events, request) = (self.events(root), self.request(root));
        let intake = self.intake(root);
        let computed = self.computed(root);
        let (segments, personas, journeys) = (self.segments(root), self.personas(root), self.journeys(root));
        let (needs, searches, intents) = (self.needs(root), self.searches(root), self.intents(root));
        let problems = self.problems(root, &needs, searches.as_ref());
        let (preferences, unusual, watches) = (self.preferences(root), self.unusual(root), self.watches(root));
        let resolution = self.duration_of(root, "resolution");
        let (channels, mut offers, mut placements) = (self.channels(root), self.offers(root), self.placements(root));
        let mut arbitration = self.arbitration(root).unwrap_or_default();
        let experiments = self.experiments(root);
        let week_begins = root.text("week_begins").and_then(|day| day.parse().ok()).unwrap_or(chrono::Weekday::Mon);
        let mut groups = self.groups(root);
        let offer_attributes = self.offer_attributes(root, &mut offers, &mut groups);
        super::groups::purposes_of_groups(&mut offers, &groups);
        self.weights_of_groups(root, &mut offers, &groups);
        let own = placements.iter_mut().filter_map(|placement| placement.arbitration.as_mut());
        for arbitration in own.chain([&mut arbitration]) {
            super::groups::steps_with_parts(&mut arbitration.sequence, &groups);
        }
        let named = contact::Named {
            relations: &relations,
            offers: &offers,
            groups: &groups,
            zone: time_zone.unwrap_or(Zone::UTC),
            week_begins,
        };
        let mut contact = self.contact(root, &named);
        let journey_caps = self.journey_caps(root, &journeys, &named);
        let feedback = self.feedback(root, &events, &named);
        contact.extend(feedback.iter().filter_map(|own| own.held(named.zone)));
        let mut reactions = self.reactions(root, &events);
        reactions.iter_mut().for_each(|reaction| super::groups::with_parts(&mut reaction.groups, &groups));
        self.check_questions(root, &offers, &events, &mut attributes);
        self.check_switches(root);
        let (mut budgets, held) = (self.budgets(root, &relations), self.held(root));
        super::promises::begin_weeks(&mut offers, &mut budgets, week_begins);
        let (trends, renamed) = (self.trends(root, &events), self.renamed(root, &events));
        let catalog = self.catalog(root, &events);
        let suggestions = self.suggestions(root, catalog.as_ref());
        self.check_cart(root, &sessions, &events);
        self.missing_treatments(root, &offers, &placements);
        // Without a name there is a mistake already; the rest is checked all the same.
        let unnamed = || Name { text: Arc::from(""), place: self.findings.place(root.node.spot) };
        let playbook = Playbook {
            name: name.unwrap_or_else(unnamed),
            version: root.number("version").unwrap_or(0),
            title: root.text("title"),
            time_zone: time_zone.unwrap_or(Zone::UTC),
            week_begins,
            customer_zone,
            session_gap: session_gap.unwrap_or(Duration::from_nanos(1_800_000_000_000)),
            sessions,
            position_ttl,
            stores,
            namespaces,
            identity_limits: Self::identity_limits(root),
            purposes,
            relations,
            departments,
            minors,
            do_not_contact,
            sources,
            attributes,
            events,
            intake,
            request,
            computed,
            segments,
            personas,
            persona_threshold: root.number("persona_threshold").unwrap_or(0.5),
            resolution,
            needs,
            problems,
            searches,
            intents,
            preferences,
            unusual,
            watches,
            journeys,
            journey_caps,
            touchpoints: self.touchpoints(root),
            channels,
            arbitration,
            offers,
            groups,
            placements,
            experiments,
            contact,
            feedback,
            reactions,
            offer_attributes,
            budgets,
            decisions: self.decisions(root),
            outcomes: self.outcomes(root),
            held,
            trends,
            voice: self.voice(root),
            snippets: self.snippets(root),
            catalog,
            suggestions,
            renamed,
            digest: digest::digest(root.node),
        };
        self.check_voice(root, &playbook);
        playbook
    }

    /// The zone of the playbook; none when it is a mistake.
    pub(super) fn zone(&mut self, root: &At<'_>) -> Option<Zone> {
        let Some(at) = root.get("time_zone") else { return Some(Zone::UTC) };
        let text = at.node.text()?;
        match Zone::parse(text) {
            Ok(zone) => Some(zone),
            Err(error) => {
                let near = nearest(text, chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name()));
                let city = |zone: &&chrono_tz::Tz| {
                    let last = zone.name().rsplit('/').next().unwrap_or("");
                    last.eq_ignore_ascii_case(&text.trim().replace(' ', "_"))
                };
                let near = near.or_else(|| chrono_tz::TZ_VARIANTS.iter().find(city).map(|zone| zone.name()));
                self.error("bad_zone", &at, error.to_string(), near.map(|near| format!("did you mean `{near}`?")));
                None
            }
        }
    }
}
