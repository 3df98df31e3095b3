//! Where the customer is, as far as their events tell, and the stores.

use super::{Context, earlier};
use crate::customer::{StoryRow, detail_value, read_detail};
use crate::expr::{Detail, FactId, Read};
use crate::playbook::{Playbook, Store};
use crate::value::{Duration, Moment, Point, Timestamp, Type, Value, Zone};
use chrono::{Datelike, Days, NaiveDate, NaiveTime};
use std::sync::Arc;

/// How positions are read, and the stores.
#[derive(Debug, Clone, Default)]
pub(crate) struct PlaceRule {
    /// How long a position is known.
    ttl: Option<Duration>,
    pub(crate) stores: Vec<StoreRule>,
}

/// A store.
#[derive(Debug, Clone)]
pub(crate) struct StoreRule {
    pub(crate) name: Arc<str>,
    pub(crate) point: Point,
    pub(crate) region: Option<Arc<str>>,
    zone: Zone,
    hours: Option<[Vec<(u16, u16)>; 7]>,
}

/// What rules may read of a position, as `location.<name>`.
pub(crate) const LOCATION_FACTS: [Detail; 6] =
    [Detail::Country, Detail::Region, Detail::City, Detail::PostalCode, Detail::Store, Detail::Point];

impl PlaceRule {
    pub(super) fn of(playbook: &Playbook) -> Self {
        let store = |store: &Store| StoreRule {
            name: store.name.text.clone(),
            point: store.point,
            region: store.region.clone(),
            zone: store.time_zone.unwrap_or(playbook.time_zone),
            hours: store.opening_hours.clone(),
        };
        PlaceRule { ttl: playbook.position_ttl, stores: playbook.stores.iter().map(store).collect() }
    }

    /// The store that an event names.
    fn store_of(&self, details: &str) -> Option<&StoreRule> {
        let name = read_detail(Detail::Store, details)?;
        self.stores.iter().find(|store| *store.name == *name)
    }

    /// What an event says about a position; one that only names a store is where the store is.
    fn tells(&self, fact: Detail, details: &str) -> Option<Value> {
        let own = detail_value(fact, details);
        match fact {
            Detail::Point => own.or_else(|| self.store_of(details).map(|store| Value::Point(store.point))),
            Detail::Region => own.or_else(|| self.store_of(details)?.region.as_deref().map(Value::text)),
            _ => own,
        }
    }
}

impl StoreRule {
    /// Whether it is open, and until when that holds; `None` without opening hours.
    pub(crate) fn open(&self, now: Timestamp) -> Option<(bool, Option<Timestamp>)> {
        let hours = self.hours.as_ref()?;
        let today = self.zone.local(Moment::from(now)).date();
        let instant = |day: NaiveDate, minute: u16| {
            let time = NaiveTime::from_num_seconds_from_midnight_opt(u32::from(minute) * 60, 0);
            match time {
                Some(time) => Some(self.zone.instant(day.and_time(time))),
                // 24:00 is the next day's midnight.
                None => day.checked_add_days(Days::new(1)).map(|next| self.zone.midnight(next)),
            }
        };
        // A week holds every kind of day; one more makes up for today's hours that have passed.
        for ahead in 0..=8 {
            let Some(day) = today.checked_add_days(Days::new(ahead)) else { break };
            let number = usize::try_from(day.weekday().num_days_from_monday()).unwrap_or(0);
            for (from, to) in hours.get(number).into_iter().flatten() {
                let (Some(from), Some(to)) = (instant(day, *from), instant(day, *to)) else { continue };
                if now < from {
                    return Some((false, Some(from)));
                }
                if now < to {
                    return Some((true, Some(to)));
                }
            }
        }
        Some((false, None))
    }
}

impl<'a> Context<'a> {
    /// A fact about where the customer is: of the latest event that tells any place (or, for the point, any point), as long as
    /// that is known.
    pub(super) fn location_fact(&self, id: FactId, fact: Detail) -> Read {
        let (read, told) = self.located(fact);
        let kinds = self.rules.sessions.kinds();
        let known = super::need::within(self.rules.places.ttl, self.now);
        // An event that is gone may have told of a later place.
        if let Some((gone, last)) =
            self.gone(&self.seen_of(kinds), known).filter(|(_, last)| told.is_none_or(|row| row.time() <= *last))
        {
            let expires = self.rules.places.ttl.map(|ttl| last.saturating_add_micros(ttl.micros()));
            return Read::missing(gone).until(earlier(self.view.next_event(kinds, self.now), expires));
        }
        let expires = told.zip(self.rules.places.ttl).map(|(row, ttl)| row.time().saturating_add_micros(ttl.micros()));
        let read = read.map_or_else(|| Read::missing(self.rules.sources.path(id)), Read::known);
        read.until(earlier(self.view.next_event(kinds, self.now), expires))
    }

    /// The value of a place, and the event that tells it.
    pub(crate) fn located(&self, fact: Detail) -> (Option<Value>, Option<StoryRow<'a>>) {
        let rule = &self.rules.places;
        // A city does not go with the country of another event, so all parts of a place come from one.
        let group: &[Detail] = match fact {
            Detail::Point => &[Detail::Point],
            _ => &[Detail::Country, Detail::Region, Detail::City, Detail::PostalCode, Detail::Store],
        };
        let told = self.view.last_detailed(self.now, |row| {
            !self.hides(row.kind()) && group.iter().any(|part| rule.tells(*part, row.details_text()).is_some())
        });
        let told = told.filter(|row| self.reads(row.time()));
        let known = told.filter(|row| rule.ttl.is_none_or(|ttl| self.now < row.time().saturating_add_micros(ttl.micros())));
        (known.and_then(|row| rule.tells(fact, row.details_text())), known)
    }
}

/// The type of a fact about a place.
pub(super) fn location_type(fact: Detail) -> Type {
    fact.ty()
}
