//! The contact policy: caps, pauses, gaps, quiet hours, fatigue, and what holds others back.

use super::groups::{Group, Owner, with_parts};
use super::model::{Name, Offer, Text};
use super::quiet::QuietHours;
use super::read::{At, Loader, Names};
use super::relations::Relation;
use super::reserved::OUTCOMES;
use super::source::cut;
use crate::error::{Place, nearest};
use crate::value::{BlockUnit, Blocks, Duration, Unit, Window, Zone};
use chrono::Datelike;
use std::sync::Arc;

/// The subject of a cap that counts whoever it was.
pub(crate) const ALL_CUSTOMERS: &str = "all customers";

/// A rule of the contact policy.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactRule {
    /// `name`, or `contact.<n>`.
    pub name: Arc<str>,
    /// Where it stands.
    pub place: Place,
    /// `scope`.
    pub scope: Scope,
    /// `subject`: the relation whose members count together; `None` for the customer alone.
    pub subject: Option<Name>,
    /// `zone` and `unknown_zone`: by which clock.
    pub clock: Clock,
    /// What it demands.
    pub demand: Demand,
}

impl ContactRule {
    /// Whether it goes by the customer's own clock.
    #[must_use]
    pub fn reads_zone(&self) -> bool {
        let timed = match &self.demand {
            Demand::Cap { per, .. } => per.is_calendar(),
            demand => matches!(demand, Demand::Quiet { .. }),
        };
        timed && matches!(self.clock, Clock::Customer { .. })
    }
}

/// What a rule of the contact policy demands.
#[derive(Debug, Clone, PartialEq)]
pub enum Demand {
    /// At most so many counted events per window.
    Cap {
        /// `count`: event types, most often one outcome such as `shown`; all outcomes for `any`.
        count: Vec<Name>,
        /// `at_most`.
        at_most: AtMost,
        /// `per`.
        per: Window,
    },
    /// A pause after an outcome, or after several of it within a time.
    Pause {
        /// `after`: event types, most often one outcome such as `rejected`.
        after: Vec<Name>,
        /// `times`: how many of them begin the pause.
        times: u32,
        /// `within`: in which time they happen; only with `times`.
        within: Option<Duration>,
        /// `pause`: how long; `None` for ever.
        pause: Option<Duration>,
    },
    /// So much time between any two contacts.
    Gap {
        /// `between`: event types.
        between: Vec<Name>,
        /// `gap`.
        gap: Duration,
    },
    /// Hours in which nobody is contacted.
    Quiet {
        /// `quiet`, and `days`.
        hours: QuietHours,
        /// `then`: what becomes of a message in quiet hours.
        then: Then,
    },
    /// A budget that contacts spend and that recovers with time.
    Fatigue(Fatigue),
    /// Nothing while something holds.
    While {
        /// `while`.
        when: Text,
        /// `when_unknown`: what the condition counts as when it is unknown.
        when_unknown: bool,
    },
}

/// How many a cap allows.
#[derive(Debug, Clone, PartialEq)]
pub enum AtMost {
    /// So many.
    Number(u32),
    /// What an expression comes to for the customer.
    Rule(Text),
}

impl AtMost {
    /// The number, where it is the same for everybody.
    #[must_use]
    pub fn number(&self) -> Option<u32> {
        match self {
            AtMost::Number(number) => Some(*number),
            AtMost::Rule(_) => None,
        }
    }
}

/// A budget that contacts spend and that recovers with time.
#[derive(Debug, Clone, PartialEq)]
pub struct Fatigue {
    /// `fatigue`: how much a customer bears at once.
    pub budget: f64,
    /// `half_life`: after this time half of what was spent has recovered.
    pub half_life: Duration,
    /// `costs`: of a contact, by channel.
    pub costs: Vec<(Name, f64)>,
    /// `otherwise`: of a contact through another channel.
    pub otherwise: f64,
    /// `sensitivity`: the factor for offers that read no, personal or special data about the customer.
    pub sensitivity: [f64; 3],
    /// `spend`: the factor by outcome.
    pub spend: Vec<(Name, f64)>,
}

/// What becomes of a message in quiet hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// `hold`: it is not chosen, and the answer says until when.
    Hold,
    /// `move`: it is chosen for the nearest instant outside of the quiet hours.
    Move,
    /// `drop`: it is not chosen.
    Drop,
}

impl Then {
    /// The name in playbooks.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Then::Hold => "hold",
            Then::Move => "move",
            Then::Drop => "drop",
        }
    }

    /// Of several the larger one says what becomes of a message.
    pub(crate) fn strictness(self) -> u8 {
        match self {
            Then::Move => 0,
            Then::Hold => 1,
            Then::Drop => 2,
        }
    }
}

/// By which clock calendar windows and quiet hours go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// That of the customer.
    Customer {
        /// `unknown_zone`.
        unknown: UnknownZone,
    },
    /// That of a zone.
    Zone(Zone),
}

/// What holds while the zone of a customer is unknown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownZone {
    /// Another zone counts.
    Zone(Zone),
    /// `hold`: nothing that the rule is about is chosen.
    Hold,
    /// `ignore`: the rule does not count.
    Ignore,
}

/// What a contact rule is about, and what it counts together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// `offer`: each offer for itself.
    Offer,
    /// `group`: each group for itself; offers without one are not its business.
    Group,
    /// `item`: each item of the catalog for itself; what is held back is the item, not the offer that would carry it.
    Item,
    /// `placement`: each placement for itself.
    Placement,
    /// `channel`: each channel for itself.
    Channel,
    /// `everything`.
    Everything,
    /// Some of a kind, together: `channel(email)`, `channels(email, push)`, `tag(discount)` and so on.
    Only(Part, Vec<Name>),
    /// A list: what all of these are about, and together what is together for each of them.
    All(Vec<Scope>),
}

impl Scope {
    /// Whether items are counted, each for itself.
    pub(crate) fn is_of_items(&self) -> bool {
        match self {
            Scope::All(scopes) => scopes.contains(&Scope::Item),
            scope => *scope == Scope::Item,
        }
    }

    /// Whether events that name no offer and no placement are its business.
    fn is_told_by_all(&self) -> bool {
        match self {
            Scope::Everything | Scope::Channel | Scope::Only(Part::Channels, _) => true,
            Scope::All(scopes) => scopes.iter().all(Scope::is_told_by_all),
            Scope::Offer | Scope::Group | Scope::Item | Scope::Placement | Scope::Only(..) => false,
        }
    }
}

/// Of what a scope names some.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Offers.
    Offers,
    /// Groups of offers.
    Groups,
    /// Tags of offers.
    Tags {
        /// `tags`: whether those count that an offer had when it was sent, rather than those it has now.
        sent: bool,
    },
    /// Owners of offers.
    Owners,
    /// Channels.
    Channels,
    /// Placements.
    Placements,
}

impl Part {
    const ALL: [(&'static str, Part); 6] = [
        ("offer", Part::Offers),
        ("group", Part::Groups),
        ("tag", Part::Tags { sent: true }),
        ("owner", Part::Owners),
        ("channel", Part::Channels),
        ("placement", Part::Placements),
    ];

    /// The word in playbooks, for one of them.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Part::Offers => "offer",
            Part::Groups => "group",
            Part::Tags { .. } => "tag",
            Part::Owners => "owner",
            Part::Channels => "channel",
            Part::Placements => "placement",
        }
    }
}

/// For which contact rules something is the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Switch {
    /// `true`.
    All,
    /// `false`.
    None,
    /// Those with these names.
    Only(Vec<Name>),
}

const SCOPES: [&str; 6] = ["offer", "group", "item", "placement", "channel", "everything"];
const WINDOW_EXPECTED: &str =
    "`rolling <duration>`, `hour`, `day`, `days(2)`, `week`, `week(sunday)`, `month`, `every 2 weeks`, `session` or `lifetime`";
/// How many days of the calendar a window has at most.
const MOST_DAYS: u16 = 3660;
const WINDOWS: [&str; 7] = ["rolling 7d", "hour", "day", "week", "month", "session", "lifetime"];
const SCOPE_EXPECTED: &str = "`offer`, `group`, `item`, `placement`, `channel`, `everything`, or some of one kind such as `channel(email)`, `channels(email, push)`, `offer(a)`, `group(a)`, `tag(a)`, `owner(sales)` or `placement(a)`";

/// What contact rules may name.
pub(super) struct Named<'a> {
    pub(super) relations: &'a [Relation],
    pub(super) offers: &'a [Offer],
    pub(super) groups: &'a [Group],
    pub(super) zone: Zone,
    pub(super) week_begins: chrono::Weekday,
}

impl Loader<'_> {
    pub(super) fn contact(&mut self, root: &At<'_>, named: &Named<'_>) -> Vec<ContactRule> {
        let Some(section) = root.get("contact") else { return Vec::new() };
        let mut seen = Names::new();
        let mut rules = Vec::new();
        for at in section.items() {
            let name = at.text("name").unwrap_or_else(|| Arc::from(&*at.path));
            if !seen.insert(name.clone()) {
                let place = at.get("name").unwrap_or_else(|| at.clone());
                self.error("duplicate_name", &place, format!("two contact rules are called `{}`", cut(&name)), None);
            }
            let rule = self.contact_rule(name, &at, named);
            // Items are those of the catalog.
            if let (Some(true), None, Some(place)) =
                (rule.as_ref().map(|rule| rule.scope.is_of_items()), root.get("catalog"), at.get("scope"))
            {
                let hint = "declare under `catalog` which events are about items, or count by `offer`".to_owned();
                self.error("no_catalog", &place, "scope `item` needs a catalog".to_owned(), Some(hint));
            }
            rules.extend(rule);
        }
        rules
    }

    fn contact_rule(&mut self, name: Arc<str>, at: &At<'_>, named: &Named<'_>) -> Option<ContactRule> {
        let scope = match at.get("scope") {
            Some(scope) => self.scope(&scope, at, named),
            None => Some(Scope::Everything),
        };
        let clock = self.clock(at, named);
        let subject = self.subject(at, named.relations);
        let demand = self.demand(at, named);
        let (scope, demand) = (scope?, demand?);
        let counted = match &demand {
            Demand::Cap { count, .. } => count.as_slice(),
            Demand::Pause { after, .. } => after,
            Demand::Gap { between, .. } => between,
            Demand::Quiet { .. } | Demand::Fatigue(_) | Demand::While { .. } => &[],
        };
        let other = counted.iter().find(|event| !OUTCOMES.contains(&&*event.text));
        if let (Some(event), false) = (other, scope.is_told_by_all()) {
            let message = format!("events of type `{}` are of no offer and no placement", cut(&event.text));
            let place = at.get("scope").unwrap_or_else(|| at.clone());
            self.error("contradiction", &place, message, Some("count them for `everything` or by channel".to_owned()));
        }
        let alone = !matches!(demand, Demand::Cap { .. } | Demand::Pause { .. } | Demand::Gap { .. });
        let everybody = subject.as_ref().is_some_and(|subject| *subject.text == *ALL_CUSTOMERS);
        if let (true, Some(place)) = (scope.is_of_items() && (alone || everybody), at.get("scope")) {
            let message = "only what one customer is shown is counted by item: by caps, pauses and gaps".to_owned();
            self.error("contradiction", &place, message, Some("leave the scope out".to_owned()));
        }
        let all = subject.as_ref().is_some_and(|subject| *subject.text == *ALL_CUSTOMERS);
        if let (true, Some(place)) = (all, at.get("subject")) {
            let wrong = match &demand {
                Demand::Cap { at_most: AtMost::Rule(_), .. } => Some("`at_most` is a number"),
                Demand::Cap { count, .. } => {
                    (count.len() != 1 || !OUTCOMES.contains(&counted_name(count))).then_some("one outcome is counted")
                }
                _ => Some("there are only caps"),
            };
            if let Some(wrong) = wrong {
                self.error("contradiction", &place, format!("of all customers together {wrong}"), None);
            }
        }
        if let (Some(_), Demand::Cap { per: Window::Session, .. }, Some(place)) = (&subject, &demand, at.get("per")) {
            let message = "a session is of one customer, so nothing is counted in it for others".to_owned();
            self.error("contradiction", &place, message, None);
        }
        Some(ContactRule { name, place: self.findings.place(at.spot), scope, subject, clock, demand })
    }

    fn demand(&mut self, at: &At<'_>, named: &Named<'_>) -> Option<Demand> {
        if let Some(quiet) = at.get("quiet") {
            let hours = self.quiet_hours(&quiet, at)?;
            let then = match at.text("then").as_deref() {
                Some("move") => Then::Move,
                Some("drop") => Then::Drop,
                _ => Then::Hold,
            };
            return Some(Demand::Quiet { hours, then });
        }
        if at.get("while").is_some() {
            let when_unknown = at.get("when_unknown").is_none() || at.flag("when_unknown");
            return Some(Demand::While { when: self.rule_of(at, "while")?, when_unknown });
        }
        if at.get("fatigue").is_some() {
            return self.fatigue(at);
        }
        if at.get("gap").is_some() {
            let gap = self.duration_of(at, "gap");
            let between = match at.get("between") {
                Some(between) => self.counted(&between),
                None => vec![Name { text: Arc::from("shown"), place: self.findings.place(at.spot) }],
            };
            return Some(Demand::Gap { between, gap: gap? });
        }
        if at.get("after").is_some() || at.get("pause").is_some() {
            return self.pause(at);
        }
        let per = at.get("per").and_then(|at| self.window(&at, named.week_begins));
        let count = self.counted(&at.get("count")?);
        let at_most = match at.number("at_most") {
            Some(number) => AtMost::Number(number),
            None => AtMost::Rule(self.rule_of(at, "at_most")?),
        };
        Some(Demand::Cap { count, at_most, per: per? })
    }

    fn pause(&mut self, at: &At<'_>) -> Option<Demand> {
        let pause = match at.text("pause").as_deref() {
            Some("forever") => Some(None),
            _ => self.duration_of(at, "pause").map(Some),
        };
        let within = self.duration_of(at, "within");
        let times: u32 = at.number("times").unwrap_or(1);
        match (at.get("times"), at.get("within")) {
            (Some(place), None) if times > 1 => {
                let hint = "such as `within: 30d`".to_owned();
                self.error_at_key("missing_key", &place, "say within which time so many count".to_owned(), Some(hint));
            }
            (None, Some(place)) => {
                let message = "`within` says in which time `times` outcomes happen".to_owned();
                self.error_at_key("missing_key", &place, message, Some("such as `times: 3`".to_owned()));
            }
            _ => {}
        }
        let after = self.counted(&at.get("after")?);
        Some(Demand::Pause { after, times, within, pause: pause? })
    }

    fn fatigue(&mut self, at: &At<'_>) -> Option<Demand> {
        let half_life = self.duration_of(at, "half_life");
        let mut costs = Vec::new();
        if let Some(section) = at.get("costs") {
            for at in section.children() {
                let channel = self.channel(&at.key, at.spot, &at.path);
                costs.extend(channel.zip(section.number(&at.key)));
            }
        }
        let factor = |key: &str| at.get("sensitivity").and_then(|at| at.number(key)).unwrap_or(1.0);
        let sensitivity = ["public", "personal", "special"].map(factor);
        let mut spend = Vec::new();
        let section = at.get("spend");
        for (section, at) in section.iter().flat_map(|section| section.children().map(move |at| (section, at))) {
            if !OUTCOMES.contains(&&*at.key) {
                let hint = nearest(&at.key, OUTCOMES).map(|near| format!("did you mean `{near}`?"));
                self.error_at_key("unknown_name", &at, format!("`{}` is no outcome", cut(&at.key)), hint);
                continue;
            }
            let name = Name { text: at.key.clone(), place: self.findings.place(at.spot) };
            spend.extend(section.number(&at.key).map(|factor| (name, factor)));
        }
        if at.get("spend").is_none() {
            let outcome = |name: &str| Name { text: Arc::from(name), place: self.findings.place(at.spot) };
            spend = ["shown", "rejected"].map(|name| (outcome(name), 1.0)).into();
        }
        let otherwise = at.number("otherwise").unwrap_or(1.0);
        let budget = at.number("fatigue")?;
        Some(Demand::Fatigue(Fatigue { budget, half_life: half_life?, costs, otherwise, sensitivity, spend }))
    }

    /// With whom a customer's contacts are counted; `None` for the customer alone.
    fn subject(&mut self, at: &At<'_>, relations: &[Relation]) -> Option<Name> {
        let at = at.get("subject").filter(|at| at.node.text().is_none_or(|text| **text != *"customer"))?;
        if at.node.text().is_some_and(|text| **text == *ALL_CUSTOMERS) {
            return self.outcome(&at);
        }
        let known: Names = relations.iter().filter(|one| one.group.is_some()).map(|one| one.name.text.clone()).collect();
        self.reference(&at, "relation with a group", &known)
    }

    pub(super) fn outcome(&self, at: &At<'_>) -> Option<Name> {
        Some(Name { text: at.node.text()?.clone(), place: self.findings.place(at.node.spot) })
    }

    /// Event types that are counted together.
    fn counted(&mut self, at: &At<'_>) -> Vec<Name> {
        let mut names: Vec<Name> = Vec::new();
        let known = self.declared.events.clone();
        for at in at.one_or_more() {
            let place = self.findings.place(at.node.spot);
            match at.node.text() {
                Some(text) if **text == *"any" => {
                    let any = OUTCOMES.map(|name| Name { text: Arc::from(name), place: place.clone() });
                    names.extend(any.into_iter().filter(|name| !known_in(&names, &name.text)).collect::<Vec<_>>());
                }
                Some(text) if known_in(&names, text) => {
                    let message = format!("event type `{}` stands twice in one list", cut(text));
                    self.error("duplicate_name", &at, message, None);
                }
                Some(text) if !known.contains(&**text) => {
                    let near = outcome_of(text).or_else(|| nearest(text, known.iter().map(|known| &**known)));
                    let hint = match near {
                        Some(near) => format!("did you mean `{near}`?"),
                        None => format!("outcomes: {}", OUTCOMES.join(", ")),
                    };
                    self.error("unknown_name", &at, format!("unknown event type `{}`", cut(text)), Some(hint));
                }
                _ => names.extend(self.reference(&at, "event type", &known)),
            }
        }
        names
    }

    pub(super) fn clock(&mut self, at: &At<'_>, named: &Named<'_>) -> Clock {
        let zone = at.get("zone").and_then(|at| self.zone_word(&at, named));
        if let (Some(zone), Some(place)) = (zone, at.get("unknown_zone")) {
            let message = format!("the clock is that of `{zone}`, which is known");
            self.error_at_key("contradiction", &place, message, None);
        }
        match zone {
            Some(zone) => Clock::Zone(zone),
            None => {
                let unknown = at.get("unknown_zone").and_then(|at| match at.node.text().map(|text| &**text) {
                    Some("hold") => Some(UnknownZone::Hold),
                    Some("ignore") => Some(UnknownZone::Ignore),
                    _ => self.zone_word(&at, named).map(UnknownZone::Zone),
                });
                Clock::Customer { unknown: unknown.unwrap_or(UnknownZone::Zone(named.zone)) }
            }
        }
    }

    /// A zone by its name, or that of the playbook; `None` for that of the customer.
    fn zone_word(&mut self, at: &At<'_>, named: &Named<'_>) -> Option<Zone> {
        let text = at.node.text()?.clone();
        match &*text {
            "customer" => None,
            "playbook" => Some(named.zone),
            _ => match Zone::parse(&text) {
                Ok(zone) => Some(zone),
                Err(error) => {
                    let words = ["customer", "playbook", "UTC"];
                    let near = nearest(&text, words.into_iter().chain(chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())));
                    self.error("bad_zone", at, error.to_string(), near.map(|near| format!("did you mean `{near}`?")));
                    None
                }
            },
        }
    }

    /// For which contact rules an offer or treatment does something. Their names are checked later, when they are known.
    pub(super) fn switch(&mut self, at: &At<'_>, key: &str) -> Option<Switch> {
        let place = at.get(key)?;
        match place.node.content {
            super::tree::Content::Bool(true) => Some(Switch::All),
            super::tree::Content::Bool(false) => Some(Switch::None),
            _ => {
                let names = place.one_or_more();
                let name = |at: &At<'_>| Some(Name { text: at.node.text()?.clone(), place: self.findings.place(at.node.spot) });
                Some(Switch::Only(names.iter().filter_map(name).collect()))
            }
        }
    }

    /// The contact rules that offers, groups and treatments name must be there.
    pub(super) fn check_switches(&mut self, root: &At<'_>) {
        let section = root.get("contact");
        let rules = section.iter().flat_map(At::items);
        let mut known: Names = rules.map(|at| at.text("name").unwrap_or_else(|| Arc::from(&*at.path))).collect();
        let feedback = root.get("feedback");
        let holding = feedback.iter().flat_map(At::children).filter(|at| at.get("hold").is_some());
        known.extend(holding.map(|at| Arc::from(at.path)));
        let mut places: Vec<At<'_>> = root.get("groups").iter().flat_map(At::children).collect();
        for offer in root.get("offers").iter().flat_map(At::children) {
            places.extend(offer.get("treatments").iter().flat_map(At::children));
            places.push(offer);
        }
        for place in places {
            for at in ["obeys", "counts"].iter().filter_map(|key| place.get(key)) {
                for at in at.one_or_more().into_iter().filter(|at| at.node.text().is_some()) {
                    self.reference(&at, "contact rule", &known);
                }
            }
        }
    }

    pub(super) fn scope(&mut self, at: &At<'_>, rule: &At<'_>, named: &Named<'_>) -> Option<Scope> {
        let list = at.one_or_more();
        let mut scopes = Vec::with_capacity(list.len());
        for one in &list {
            scopes.extend(self.one_scope(one, rule, named));
        }
        if scopes.len() < list.len() {
            return None;
        }
        let tags = scopes.iter().any(|scope| matches!(scope, Scope::Only(Part::Tags { .. }, _)));
        if let (Some(place), false) = (rule.get("tags"), tags) {
            let message = "`tags` is about a scope such as `tag(discount)`".to_owned();
            self.error_at_key("misplaced", &place, message, None);
        }
        match scopes.len() {
            0 => {
                self.error("empty", at, "no scope".to_owned(), Some("write `everything` when all is meant".to_owned()));
                None
            }
            1 => scopes.pop(),
            _ => Some(Scope::All(scopes)),
        }
    }

    fn one_scope(&mut self, at: &At<'_>, rule: &At<'_>, named: &Named<'_>) -> Option<Scope> {
        let text = at.node.text()?.clone();
        let scope = match &*text {
            "offer" => Scope::Offer,
            "group" => Scope::Group,
            "item" => Scope::Item,
            "placement" => Scope::Placement,
            "channel" => Scope::Channel,
            "everything" => Scope::Everything,
            _ => {
                let listed =
                    text.split_once('(').and_then(|(word, rest)| Some((word.trim(), rest.trim_end().strip_suffix(')')?)));
                let part = listed.and_then(|(word, list)| {
                    let word = word.strip_suffix('s').unwrap_or(word);
                    let (_, part) = Part::ALL.into_iter().find(|(name, _)| *name == word)?;
                    Some((part, list))
                });
                let Some((mut part, list)) = part else {
                    let cut_off =
                        (text.contains('(') && !text.contains(')')).then(|| "put a scope with commas in quotes".to_owned());
                    let hint = cut_off.or_else(|| scope_meant(&text));
                    self.error("wrong_word", at, format!("expected {SCOPE_EXPECTED}, found `{}`", cut(&text)), hint);
                    return None;
                };
                if let Part::Tags { sent } = &mut part {
                    *sent = rule.text("tags").as_deref() != Some("now");
                }
                let mut names: Vec<Name> =
                    list.split(',').filter_map(|name| self.in_scope(part, name.trim(), at, named)).collect();
                if names.len() < list.split(',').count() {
                    return None;
                }
                if part == Part::Groups {
                    with_parts(&mut names, named.groups);
                }
                Scope::Only(part, names)
            }
        };
        Some(scope)
    }

    /// A name in the parentheses of a scope.
    fn in_scope(&mut self, part: Part, name: &str, at: &At<'_>, named: &Named<'_>) -> Option<Name> {
        let tags = || {
            let offers = named.offers.iter().flat_map(|offer| &offer.tags);
            offers.chain(named.groups.iter().flat_map(|group| &group.tags)).map(|tag| tag.text.clone())
        };
        let (noun, known): (&str, Names) = match part {
            Part::Channels if !name.contains(')') => return self.channel(name, at.node.spot, &at.path),
            Part::Channels => ("channel", (*self.declared.channels).clone()),
            Part::Offers => ("offer", named.offers.iter().map(|offer| offer.name.text.clone()).collect()),
            Part::Groups => ("group", named.groups.iter().map(|group| group.name.text.clone()).collect()),
            Part::Tags { .. } => ("tag", tags().collect()),
            Part::Owners => ("owner", Owner::ALL.map(|owner| Arc::from(owner.name())).into()),
            Part::Placements => ("placement", (*self.declared.placements).clone()),
        };
        if !known.contains(name) {
            let hint = match nearest(name, known.iter().map(|known| &**known)) {
                _ if name.contains(')') => {
                    "for what is of both write a list, such as `[channel(email), tag(promotion)]`".to_owned()
                }
                Some(near) => format!("did you mean `{near}`?"),
                None if known.is_empty() => format!("no {noun} is declared"),
                None => format!("declared: {}", known.iter().take(8).map(|known| &**known).collect::<Vec<_>>().join(", ")),
            };
            self.error("unknown_name", at, format!("unknown {noun} `{}`", cut(name)), Some(hint));
            return None;
        }
        Some(Name { text: Arc::from(name), place: self.findings.place(at.node.spot) })
    }

    pub(super) fn window(&mut self, at: &At<'_>, week_begins: chrono::Weekday) -> Option<Window> {
        let text = at.node.text()?.clone();
        let first_day =
            text.strip_prefix("week(").and_then(|rest| rest.strip_suffix(')')).and_then(|day| day.trim().parse().ok());
        let days = text.strip_prefix("days(").and_then(|rest| rest.strip_suffix(')')).and_then(|days| days.trim().parse().ok());
        if let Some(days) = days.filter(|days| (1..=MOST_DAYS).contains(days)) {
            return Some(Window::Days(days));
        }
        if let Some(rest) = text.strip_prefix("every ") {
            return self.blocks(at, rest, week_begins);
        }
        Some(match (&*text, first_day) {
            ("hour", _) => Window::Blocks(Blocks { count: 1, of: BlockUnit::Hour, since: None }),
            ("day", _) => Window::Calendar(Unit::Day),
            ("week", _) => Window::Calendar(Unit::Week { first_day: week_begins }),
            (_, Some(first_day)) => Window::Calendar(Unit::Week { first_day }),
            ("month", _) => Window::Calendar(Unit::Month),
            ("session", _) => Window::Session,
            ("lifetime", _) => Window::Lifetime,
            _ => {
                if let Some(length) = text.strip_prefix("rolling ") {
                    return self.duration(at, length.trim()).map(Window::Rolling);
                }
                let hint = match Duration::parse(&text) {
                    Ok(_) => Some(format!("did you mean `rolling {text}`?")),
                    Err(_) => window_meant(&text),
                };
                self.error("wrong_word", at, format!("expected {WINDOW_EXPECTED}, found `{}`", cut(&text)), hint);
                return None;
            }
        })
    }

    /// Blocks of the calendar, such as `2 weeks since 2026-01-05`.
    fn blocks(&mut self, at: &At<'_>, text: &str, week_begins: chrono::Weekday) -> Option<Window> {
        let mut words = text.split_whitespace().peekable();
        let count = match words.peek().and_then(|word| word.parse::<u16>().ok()) {
            Some(count) => words.next().map(|_| count),
            None => Some(1),
        };
        let of = match words.next() {
            Some("hour" | "hours") => Some(BlockUnit::Hour),
            Some("day" | "days") => Some(BlockUnit::Of(Unit::Day)),
            Some("week" | "weeks") => Some(BlockUnit::Of(Unit::Week { first_day: week_begins })),
            Some("month" | "months") => Some(BlockUnit::Of(Unit::Month)),
            _ => None,
        };
        let since = match (words.next(), words.next(), words.next()) {
            (None, ..) => Some(None),
            (Some("since"), Some(date), None) => date.parse::<chrono::NaiveDate>().ok().map(Some),
            _ => None,
        };
        let (Some(count), Some(of), Some(since)) = (count.filter(|count| (1..=MOST_DAYS).contains(count)), of, since) else {
            let message = format!("expected {WINDOW_EXPECTED}, found `every {}`", cut(text));
            let hint =
                format!("such as `every 2 weeks since 2026-01-05`, with at most {MOST_DAYS} hours, days, weeks or months");
            self.error("wrong_word", at, message, Some(hint));
            return None;
        };
        if of == BlockUnit::Of(Unit::Month) && since.is_some_and(|date| date.day() != 1) {
            let message = "blocks of months begin with the first day of a month".to_owned();
            self.error("contradiction", at, message, None);
            return None;
        }
        Some(match of {
            BlockUnit::Of(Unit::Day) if count == 1 => Window::Calendar(Unit::Day),
            BlockUnit::Of(Unit::Month) if count == 1 => Window::Calendar(Unit::Month),
            BlockUnit::Of(unit @ Unit::Week { .. }) if count == 1 && since.is_none() => Window::Calendar(unit),
            _ => Window::Blocks(Blocks { count, of, since }),
        })
    }
}

/// The outcome that other systems call otherwise.
fn outcome_of(word: &str) -> Option<&'static str> {
    Some(match word.trim_end_matches('s') {
        "impression" | "view" | "seen" | "viewed" | "displayed" | "display" => "shown",
        "click" => "clicked",
        "send" => "sent",
        "open" => "opened",
        "conversion" | "convert" => "converted",
        "accept" => "accepted",
        "reject" | "rejection" => "rejected",
        "dismis" => "dismissed",
        "no_response" | "ignore" => "ignored",
        "decision" | "proposed" => "decided",
        "bounce" => "bounced",
        "unsubscribe" => "unsubscribed",
        _ => return None,
    })
}

/// Which scope was meant.
fn scope_meant(text: &str) -> Option<String> {
    if text.contains(" & ") || text.contains(" and ") {
        return Some("for what is of both write a list, such as `[channel(email), tag(promotion)]`".to_owned());
    }
    let (word, rest) = text.split_once('(').map_or((text, None), |(word, rest)| (word, Some(rest)));
    let near = match word {
        "campaign" | "action" | "message" | "content" => Some("offer"),
        "all" | "any" => Some("everything"),
        _ if rest.is_some() => nearest(word, Part::ALL.map(|(name, _)| name)),
        _ => nearest(word, SCOPES),
    };
    near.map(|near| format!("did you mean `{near}{}`?", rest.map_or(String::new(), |rest| format!("({rest}"))))
}

/// Which window was meant.
fn window_meant(text: &str) -> Option<String> {
    let (number, unit) = text.split_once(' ').unwrap_or(("1", text));
    let number: Option<u32> = number.parse().ok();
    match (unit.trim_end_matches('s'), number) {
        ("day", Some(days)) => {
            Some(format!("did you mean `days({days})`, by the calendar, `every {days} days`, or `rolling {days}d`?"))
        }
        ("hour", Some(hours)) => Some(format!("did you mean `rolling {hours}h`?")),
        ("minute", Some(minutes)) => Some(format!("did you mean `rolling {minutes}m`?")),
        ("week", Some(weeks)) => Some(format!("did you mean `rolling {weeks}w`?")),
        ("month", Some(months)) => Some(format!("did you mean `rolling {}d`?", u64::from(months) * 30)),
        ("quarter", _) => Some("did you mean `rolling 91d`?".to_owned()),
        ("year", Some(years)) => Some(format!("did you mean `rolling {}d`?", u64::from(years) * 365)),
        _ => nearest(text, WINDOWS).map(|near| format!("did you mean `{near}`?")),
    }
}

fn counted_name(names: &[Name]) -> &str {
    names.first().map_or("", |name| &name.text)
}

fn known_in(names: &[Name], text: &str) -> bool {
    names.iter().any(|name| *name.text == *text)
}
