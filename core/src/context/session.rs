//! The session that is open at an instant, and what the customer does in it.

use super::{Context, earlier};
use crate::customer::{StoryRow, read_detail};
use crate::expr::{Detail, EventKind, FactId, Facts, PropertyId, Read, Schema, TimeClass};
use crate::playbook::{Name, Playbook};
use crate::value::{Decimal, Duration, Span, Timestamp, Type, Value};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// What rules may read of the open session, as `session.<name>`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SessionFact {
    /// Whether there is one: always known.
    Open,
    /// Its first instant.
    Start,
    /// From its first to its last event, in minutes.
    Minutes,
    /// How many events.
    Events,
    /// How many pages.
    Pages,
    /// Which one of the customer it is, from 1.
    Number,
    /// Whether it is the first.
    First,
    /// The latest channel.
    Channel,
    /// All channels, sorted.
    Channels,
    /// The latest device.
    Device,
    /// The first page.
    Landing,
    /// The latest page.
    Page,
    /// The first campaign.
    Campaign,
    /// The first referrer.
    Referrer,
    /// The items in the cart, sorted.
    Cart,
    /// What they are worth.
    CartValue,
}

impl SessionFact {
    /// All of them.
    pub(crate) const ALL: [SessionFact; 16] = [
        SessionFact::Open,
        SessionFact::Start,
        SessionFact::Minutes,
        SessionFact::Events,
        SessionFact::Pages,
        SessionFact::Number,
        SessionFact::First,
        SessionFact::Channel,
        SessionFact::Channels,
        SessionFact::Device,
        SessionFact::Landing,
        SessionFact::Page,
        SessionFact::Campaign,
        SessionFact::Referrer,
        SessionFact::Cart,
        SessionFact::CartValue,
    ];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            SessionFact::Open => "open",
            SessionFact::Start => "start",
            SessionFact::Minutes => "minutes",
            SessionFact::Events => "events",
            SessionFact::Pages => "pages",
            SessionFact::Number => "number",
            SessionFact::First => "first",
            SessionFact::Channel => "channel",
            SessionFact::Channels => "channels",
            SessionFact::Device => "device",
            SessionFact::Landing => "landing",
            SessionFact::Page => "page",
            SessionFact::Campaign => "campaign",
            SessionFact::Referrer => "referrer",
            SessionFact::Cart => "cart",
            SessionFact::CartValue => "cart_value",
        }
    }

    fn ty(self, cart: Option<&CartRule>) -> Option<Type> {
        Some(match self {
            SessionFact::Open | SessionFact::First => Type::Bool,
            SessionFact::Start => Type::Timestamp,
            SessionFact::Minutes => Type::Double,
            SessionFact::Events | SessionFact::Pages | SessionFact::Number => Type::Int,
            SessionFact::Channels => Type::List(Box::new(Type::String)),
            SessionFact::Cart => Type::List(Box::new(cart?.item_type.clone())),
            SessionFact::CartValue => cart?.value_type.clone()?,
            _ => Type::String,
        })
    }
}

/// What a session is.
#[derive(Debug, Clone)]
pub(crate) struct SessionRule {
    pub(super) gap: Duration,
    new_campaign: bool,
    midnight: bool,
    /// All event types that the playbook declares.
    declared: Vec<EventKind>,
    pages: Vec<EventKind>,
    cart: Option<CartRule>,
}

#[derive(Debug, Clone)]
struct CartRule {
    add: Vec<EventKind>,
    remove: Vec<EventKind>,
    empty: Vec<EventKind>,
    item: Arc<str>,
    item_type: Type,
    value: Option<Arc<str>>,
    value_type: Option<Type>,
}

impl SessionRule {
    /// What the playbook says a session is.
    pub(super) fn of(playbook: &Playbook, schema: &Schema) -> Self {
        let kinds = |names: &[Name]| names.iter().filter_map(|name| schema.event(&name.text)).collect::<Vec<EventKind>>();
        let declared = (0..playbook.events.len()).filter_map(|kind| u16::try_from(kind).ok().map(EventKind)).collect();
        let sessions = &playbook.sessions;
        let cart = sessions.cart.as_ref().map(|cart| {
            let add = kinds(&cart.add);
            let ty = |name: &str| {
                let event = add.first().and_then(|kind| schema.event_decl(*kind))?;
                event.properties.iter().find(|property| *property.name == *name).map(|property| property.ty.clone())
            };
            let value_type = cart.value.as_ref().and_then(|name| ty(&name.text));
            CartRule {
                item_type: ty(&cart.item.text).unwrap_or(Type::Dyn),
                value_type: value_type.filter(|ty| zero(ty).is_some()),
                item: cart.item.text.clone(),
                value: cart.value.as_ref().map(|name| name.text.clone()),
                remove: kinds(&cart.remove),
                empty: kinds(&cart.empty),
                add,
            }
        });
        SessionRule {
            gap: playbook.session_gap,
            new_campaign: sessions.new_campaign,
            midnight: sessions.midnight,
            declared,
            pages: kinds(&sessions.pages),
            cart,
        }
    }

    /// Whether midnight in the customer's zone ends a session.
    pub(crate) fn by_midnight(&self) -> bool {
        self.midnight
    }

    /// The facts that rules may read, with their types.
    pub(super) fn facts(&self) -> impl Iterator<Item = (SessionFact, Type)> {
        SessionFact::ALL.into_iter().filter_map(|fact| Some((fact, fact.ty(self.cart.as_ref())?)))
    }

    /// How they change with time.
    pub(super) const CLASS: TimeClass = TimeClass::Step;

    /// The properties that a fact reads of the events of a session.
    pub(crate) fn reads(&self, fact: SessionFact, schema: &Schema) -> Vec<(EventKind, PropertyId)> {
        let (SessionFact::Cart | SessionFact::CartValue, Some(cart)) = (fact, &self.cart) else { return Vec::new() };
        let names = [Some(&cart.item), cart.value.as_ref().filter(|_| fact == SessionFact::CartValue)];
        let mut read = Vec::new();
        for kind in cart.add.iter().chain(&cart.remove).chain(&cart.empty) {
            let declared = schema.event_decl(*kind).into_iter().flat_map(|event| &event.properties);
            let named = declared.filter(|property| names.iter().flatten().any(|name| **name == property.name));
            read.extend(named.map(|property| (*kind, property.id)));
        }
        read
    }

    /// The event types that make up sessions.
    pub(crate) fn kinds(&self) -> &[EventKind] {
        &self.declared
    }
}

/// The beginnings of sessions, found event by event in the order of the story.
struct Cuts<'a> {
    rule: &'a SessionRule,
    zone: Option<crate::value::Zone>,
    last: Option<Timestamp>,
    campaign: Option<String>,
}

impl Cuts<'_> {
    /// Whether a session begins with an event.
    fn begins(&mut self, row: &StoryRow<'_>) -> bool {
        let time = row.time();
        let apart = match self.last {
            None => true,
            Some(last) => {
                let gap = time.micros() - last.micros() > self.rule.gap.micros();
                gap || self.zone.is_some_and(|zone| last < time && zone.date(last) != zone.date(time))
            }
        };
        self.last = Some(time);
        if !self.rule.new_campaign {
            return apart;
        }
        if apart {
            self.campaign = None;
        }
        let told = read_detail(Detail::Campaign, row.details_text());
        let other = told.is_some_and(|told| self.campaign.as_deref() != Some(told));
        if other {
            self.campaign = told.map(str::to_owned);
        }
        apart || other
    }
}

impl<'a> Context<'a> {
    fn cuts(&self) -> Cuts<'a> {
        let rule = &self.rules.sessions;
        let zone = if rule.midnight { Facts::zone(self) } else { None };
        Cuts { rule, zone, last: None, campaign: None }
    }

    /// The session that is open: its first instant, and the first at which it is over.
    pub(crate) fn open_session(&self) -> Option<(Timestamp, Timestamp)> {
        *self.session.get_or_init(|| {
            let rule = &self.rules.sessions;
            let (mut start, mut over) =
                if self.hides { self.seen_session()? } else { self.view.session(self.now, rule.gap)? };
            if !rule.midnight && !rule.new_campaign {
                return Some((start, over));
            }
            // What no longer pause divides may be divided by midnight or a campaign.
            let mut cuts = self.cuts();
            self.view.events(&self.seen_of(&rule.declared), Span::from(start, self.now), &mut |row| {
                if cuts.begins(&row) {
                    start = row.time();
                }
                ControlFlow::Continue(())
            });
            if let (Some(zone), Some(last)) = (cuts.zone, cuts.last) {
                let next = zone.date(last).checked_add_days(chrono::Days::new(1));
                over = next.map_or(over, |next| over.min(zone.midnight(next)));
            }
            (over > self.now).then_some((start, over))
        })
    }

    /// The session that no pause divides, of the events that may be read.
    fn seen_session(&self) -> Option<(Timestamp, Timestamp)> {
        let gap = self.rules.sessions.gap.micros();
        let mut session: Option<(Timestamp, Timestamp)> = None;
        self.view.events(&self.seen_of(&self.rules.sessions.declared), Span::lifetime(self.now), &mut |row| {
            let near = session.filter(|(_, last)| row.time().micros() - last.micros() <= gap);
            session = Some((near.map_or(row.time(), |(start, _)| start), row.time()));
            ControlFlow::Continue(())
        });
        let (start, last) = session?;
        let over = last.saturating_add_micros(gap.saturating_add(1));
        (over > self.now).then_some((start, over))
    }

    /// A fact about the open session; unknown when there is none.
    pub(super) fn session_fact(&self, id: FactId, fact: SessionFact) -> Read {
        let rule = &self.rules.sessions;
        let next = self.view.next_event(&rule.declared, self.now);
        let Some((start, over)) = self.open_session() else {
            let read = match fact {
                SessionFact::Open => Read::known(Value::Bool(false)),
                _ => Read::missing(self.rules.sources.path(id)),
            };
            return read.until(next);
        };
        // What of the session itself is gone.
        let own = Span::from(start.saturating_add_micros(-rule.gap.micros()), self.now);
        if fact != SessionFact::Open
            && let Some((gone, _)) = self.gone(&self.seen_of(&rule.declared), own)
        {
            return Read::missing(gone).until(earlier(next, Some(over)));
        }
        let value = match fact {
            // Which one it is depends on those before.
            SessionFact::Number | SessionFact::First if self.begins.is_some() => None,
            SessionFact::Number | SessionFact::First
                if let Some((gone, _)) = self.gone(&self.seen_of(&rule.declared), Span::lifetime(self.now)) =>
            {
                return Read::missing(gone).until(earlier(next, Some(over)));
            }
            SessionFact::Open => Some(Value::Bool(true)),
            SessionFact::Start => Some(Value::from(start)),
            SessionFact::Number => Some(Value::Int(self.session_number())),
            SessionFact::First => Some(Value::Bool(self.session_number() == 1)),
            _ => self.in_session(start, fact),
        };
        let read = value.map_or_else(|| Read::missing(self.rules.sources.path(id)), Read::known);
        read.until(earlier(next, Some(over)))
    }

    /// Visits the events that make up sessions up to this instant, of those that count, each with whether a session begins with it.
    pub(crate) fn sessions(
        &self,
        counts: &dyn Fn(&StoryRow<'a>) -> bool,
        visit: &mut dyn FnMut(bool, StoryRow<'a>) -> ControlFlow<()>,
    ) {
        let mut cuts = self.cuts();
        self.view.events(&self.rules.sessions.declared, Span::lifetime(self.now), &mut |row| {
            if !counts(&row) {
                return ControlFlow::Continue(());
            }
            let begins = cuts.begins(&row);
            visit(begins, row)
        });
    }

    /// Whether an event is a page, as the playbook says what one is.
    pub(crate) fn is_page(&self, row: &StoryRow<'_>) -> bool {
        let rule = &self.rules.sessions;
        match rule.pages.is_empty() {
            true => read_detail(Detail::Page, row.details_text()).is_some(),
            false => rule.pages.contains(&row.kind()),
        }
    }

    fn session_number(&self) -> i64 {
        let mut cuts = self.cuts();
        let mut number = 0;
        self.view.events(&self.seen_of(&self.rules.sessions.declared), Span::lifetime(self.now), &mut |row| {
            number += i64::from(cuts.begins(&row));
            ControlFlow::Continue(())
        });
        number
    }

    /// What the events of the session say.
    fn in_session(&self, start: Timestamp, fact: SessionFact) -> Option<Value> {
        let rule = &self.rules.sessions;
        if let (SessionFact::Cart | SessionFact::CartValue, Some(cart)) = (fact, &rule.cart) {
            return self.cart(cart, start, fact);
        }
        let mut count = 0_i64;
        let (mut first, mut last): (Option<Value>, Option<Value>) = (None, None);
        let mut channels: BTreeSet<&'a str> = BTreeSet::new();
        let mut end = start;
        self.view.events(&rule.declared, Span::from(start, self.now), &mut |row| {
            if self.hides(row.kind()) {
                return ControlFlow::Continue(());
            }
            end = row.time();
            let detail = |detail: Detail| read_detail(detail, row.details_text());
            let told = match fact {
                SessionFact::Pages if rule.pages.is_empty() => detail(Detail::Page),
                SessionFact::Pages => rule.pages.contains(&row.kind()).then_some(""),
                SessionFact::Channel | SessionFact::Channels => row.channel(),
                SessionFact::Device => detail(Detail::Device),
                SessionFact::Landing | SessionFact::Page => detail(Detail::Page),
                SessionFact::Campaign => detail(Detail::Campaign),
                SessionFact::Referrer => detail(Detail::Referrer),
                _ => Some(""),
            };
            if let Some(told) = told {
                count += 1;
                if fact == SessionFact::Channels {
                    channels.insert(told);
                } else if matches!(fact, SessionFact::Landing | SessionFact::Campaign | SessionFact::Referrer) {
                    first.get_or_insert_with(|| Value::text(told));
                } else if matches!(fact, SessionFact::Channel | SessionFact::Device | SessionFact::Page) {
                    last = Some(Value::text(told));
                }
            }
            ControlFlow::Continue(())
        });
        match fact {
            SessionFact::Events | SessionFact::Pages => Some(Value::Int(count)),
            SessionFact::Minutes => Some(Value::Double((end.micros() - start.micros()) as f64 / 60_000_000.0)),
            SessionFact::Channels => Some(Value::List(channels.into_iter().map(Value::text).collect())),
            SessionFact::Landing | SessionFact::Campaign | SessionFact::Referrer => first,
            _ => last,
        }
    }

    fn cart(&self, cart: &CartRule, start: Timestamp, fact: SessionFact) -> Option<Value> {
        let schema = &self.rules.sources.schema;
        let column = |row: &StoryRow<'a>, name: &str| {
            let event = schema.event_decl(row.kind())?;
            row.value(event.properties.iter().position(|property| *property.name == *name)?)
        };
        if [&cart.add, &cart.remove, &cart.empty].into_iter().flatten().any(|kind| self.hides(*kind)) {
            return None;
        }
        // In the order of putting in; what is put in again is worth more.
        let mut items: Vec<(Value, Option<Value>)> = Vec::new();
        self.view.events(&self.rules.sessions.declared, Span::from(start, self.now), &mut |row| {
            let kind = row.kind();
            if cart.empty.contains(&kind) {
                items.clear();
            }
            let adds = cart.add.contains(&kind);
            if (adds || cart.remove.contains(&kind))
                && let Some(item) = column(&row, &cart.item)
            {
                let place = items.iter().position(|(own, _)| *own == item);
                if adds {
                    let value = cart.value.as_ref().and_then(|name| column(&row, name));
                    match place.and_then(|place| items.get_mut(place)) {
                        Some((_, worth)) => *worth = worth.take().zip(value).and_then(|(a, b)| plus(&a, &b)),
                        None => items.push((item, value)),
                    }
                } else if let Some(place) = place {
                    items.remove(place);
                }
            }
            ControlFlow::Continue(())
        });
        if fact == SessionFact::CartValue {
            // An item of which nobody knows what it is worth leaves the whole unknown.
            let zero = zero(cart.value_type.as_ref()?)?;
            return items.into_iter().try_fold(zero, |sum, (_, worth)| plus(&sum, &worth?));
        }
        let mut items: Vec<Value> = items.into_iter().map(|(item, _)| item).collect();
        items.sort_by_cached_key(|item| item.to_json().to_string());
        Some(Value::List(items.into()))
    }
}

/// Nothing, in a type of numbers.
fn zero(ty: &Type) -> Option<Value> {
    Some(match ty {
        Type::Int => Value::Int(0),
        Type::Uint => Value::Uint(0),
        Type::Double => Value::Double(0.0),
        Type::Decimal { scale } => Value::Decimal(Decimal::new(0, *scale, None)),
        Type::Money { currency, scale } => Value::Decimal(Decimal::new(0, *scale, Some(*currency))),
        _ => return None,
    })
}

fn plus(a: &Value, b: &Value) -> Option<Value> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => a.checked_add(*b).map(Value::Int),
        (Value::Uint(a), Value::Uint(b)) => a.checked_add(*b).map(Value::Uint),
        (Value::Double(a), Value::Double(b)) => Some(Value::Double(a + b)),
        (Value::Decimal(a), Value::Decimal(b)) => a.checked_add(*b).ok().map(Value::Decimal),
        _ => None,
    }
}
