//! What a customer's story says of channels and hours: how often they responded, and what they like.

use crate::context::PreferenceTrait as Trait;
use crate::customer::{Customer, StoryRow, outcome_column};
use crate::engine::Engine;
use crate::value::{Moment, Span, Timestamp, Zone};
use chrono::{Datelike, Timelike};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

/// The weight of what all customers do, in contacts.
const WEIGHT: f64 = 5.0;
/// Outcomes of a contact, and those among them that are a response.
pub(super) const CONTACTS: [&str; 9] =
    ["sent", "delivered", "shown", "opened", "clicked", "accepted", "converted", "redeemed", "rejected"];
pub(super) const RESPONSES: [&str; 4] = ["clicked", "accepted", "converted", "redeemed"];

/// Contacts and responses by channel.
pub(super) struct Responses {
    channels: BTreeMap<String, (u64, u64)>,
}

impl Responses {
    /// Those known by an instant. What has the same decision and offer is one contact.
    pub(super) fn of(engine: &Engine, customer: &Customer, now: Timestamp) -> Self {
        let reserved = &engine.model().rules.sources.reserved;
        let kinds = |names: &[&str]| names.iter().filter_map(|name| reserved.outcome(name)).collect::<Vec<_>>();
        let (contacts, responses) = (kinds(&CONTACTS), kinds(&RESPONSES));
        let placements: BTreeMap<&str, &str> =
            engine.playbook().placements.iter().map(|placement| (&*placement.name.text, &*placement.channel.text)).collect();
        let mut seen: BTreeMap<String, (BTreeSet<[String; 2]>, BTreeSet<[String; 2]>)> = BTreeMap::new();
        customer.view(now).events(&contacts, Span::lifetime(now), &mut |row: StoryRow<'_>| {
            let placement = row.text(outcome_column::PLACEMENT).and_then(|placement| placements.get(placement));
            if let Some(channel) = row.channel().or(placement.copied()) {
                let own = |column: usize| row.text(column).unwrap_or("").to_owned();
                let decision = own(outcome_column::DECISION);
                let decision = if decision.is_empty() { row.id().to_owned() } else { decision };
                let key = [decision, own(outcome_column::OFFER)];
                let (contacted, responded) = seen.entry(channel.to_owned()).or_default();
                if responses.contains(&row.kind()) {
                    responded.insert(key.clone());
                }
                contacted.insert(key);
            }
            ControlFlow::Continue(())
        });
        let count = |(contacted, responded): &(BTreeSet<_>, BTreeSet<_>)| (contacted.len() as u64, responded.len() as u64);
        Responses { channels: seen.iter().map(|(channel, both)| (channel.clone(), count(both))).collect() }
    }

    /// Contacts and responses on a channel.
    pub(super) fn on(&self, channel: &str) -> (u64, u64) {
        self.channels.get(channel).copied().unwrap_or_default()
    }

    /// The customer's rate over all channels (Jeffreys' prior: half a response in one contact).
    pub(super) fn overall(&self) -> f64 {
        let sums = self.channels.values().fold((0, 0), |(a, b), (c, d)| (a + c, b + d));
        (sums.1 as f64 + 0.5) / (sums.0 as f64 + 1.0)
    }

    /// The estimated rate on a channel.
    pub(super) fn rate(&self, channel: &str, all: f64) -> f64 {
        let (contacts, responses) = self.on(channel);
        shrunk(responses as f64, contacts as f64, all)
    }
}

/// The mean of the Beta posterior whose prior has the weight of [`WEIGHT`] contacts and a rate.
fn shrunk(responses: f64, contacts: f64, rate: f64) -> f64 {
    (responses + WEIGHT * rate) / (contacts + WEIGHT)
}

/// What all customers do, out of trends.
pub(super) struct Everybody<'a> {
    counted: &'a BTreeMap<Arc<str>, (f64, f64)>,
    /// Over all channels that are looked at, with Jeffreys' prior.
    overall: f64,
}

impl<'a> Everybody<'a> {
    /// Of contacts and responses by channel.
    pub(super) fn of(counted: &'a BTreeMap<Arc<str>, (f64, f64)>, channels: &BTreeSet<&str>) -> Self {
        let own = counted.iter().filter(|(channel, _)| channels.contains(&***channel));
        let sums = own.fold((0.0, 0.0), |(a, b), (_, (c, d))| (a + c, b + d));
        Everybody { counted, overall: (sums.1 + 0.5) / (sums.0 + 1.0) }
    }

    /// The rate on a channel, shrunk to that over all channels.
    pub(super) fn rate(&self, channel: &str) -> f64 {
        let (contacts, responses) = self.counted.get(channel).copied().unwrap_or_default();
        shrunk(responses, contacts, self.overall)
    }
}

/// What the customer likes, of channels, hours and weekdays.
pub(super) struct Leanings {
    /// By value: the strength, and whether the customer said that they dislike it.
    channels: BTreeMap<String, (f64, bool)>,
    hours: BTreeMap<String, f64>,
    weekdays: BTreeMap<String, f64>,
    zone: Zone,
}

impl Leanings {
    /// By the preferences that the playbook declares of channels, hours and weekdays.
    pub(super) fn of(engine: &Engine, customer: &Customer, now: Timestamp) -> Self {
        engine.look(customer, now, now, |context, _| {
            let mut leanings = Leanings {
                channels: BTreeMap::new(),
                hours: BTreeMap::new(),
                weekdays: BTreeMap::new(),
                zone: crate::expr::Facts::zone(context).unwrap_or(Zone::UTC),
            };
            for (number, rule) in engine.model().rules.preferences.iter().enumerate() {
                let Some(known) = context.preference(number) else { continue };
                for read in [Trait::Channel, Trait::Hour, Trait::Weekday] {
                    if !rule.from.iter().any(|from| from.read == read) {
                        continue;
                    }
                    for value in &known.values {
                        let name = value.value.to_string();
                        match read {
                            Trait::Channel => {
                                let against = value.stated && value.liked == Some(false);
                                leanings.channels.insert(name, (value.strength, against));
                            }
                            Trait::Hour => {
                                leanings.hours.insert(name, value.strength);
                            }
                            _ => {
                                leanings.weekdays.insert(name, value.strength);
                            }
                        }
                    }
                }
            }
            leanings
        })
    }

    /// How much a channel is liked, 0 to 2; `None` when the customer said that they do not want it.
    pub(super) fn channel(&self, channel: &str) -> Option<f64> {
        match self.channels.get(channel) {
            Some((_, true)) => None,
            Some((strength, false)) => Some(1.0 + strength),
            None => Some(1.0),
        }
    }

    /// How much the hour and the weekday of an instant are liked, 0 to 4.
    pub(super) fn at(&self, at: Timestamp) -> f64 {
        if self.hours.is_empty() && self.weekdays.is_empty() {
            return 1.0;
        }
        let local = self.zone.local(Moment::from(at));
        let weekday = crate::playbook::Trait::weekday(local.weekday().num_days_from_monday() as usize);
        let of = |known: &BTreeMap<String, f64>, value: &str| 1.0 + known.get(value).copied().unwrap_or(0.0);
        of(&self.hours, &local.hour().to_string()) * of(&self.weekdays, weekday)
    }
}
