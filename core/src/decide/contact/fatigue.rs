//! What contacts cost, and how that fades: a contact spends its cost, and after each half-life half of what is left of it is there
//! again. All is counted in millionths and rounded contact by contact, so that the order of contacts makes no difference.

use super::super::rules::OfferRule;
use super::rules::Budget;
use crate::context::Sources;
use crate::customer::RESERVED;
use crate::expr::EventKind;
use crate::playbook::Fatigue;
use crate::value::Timestamp;

/// Millionths in a unit.
const UNIT: f64 = 1e6;

/// After so many half-lives the dearest contact has faded to less than a millionth: 10^6 units, thrice 10^6 as a factor.
const FADED: i64 = 96;

/// What was spent, and when.
pub(super) type Spent = Vec<(Timestamp, i64)>;

impl Budget {
    pub(super) fn of(fatigue: &Fatigue, sources: &Sources) -> Self {
        let spend = fatigue.spend.iter().filter_map(|(name, factor)| Some((sources.reserved.outcome(&name.text)?, *factor)));
        let has = |name: &str| fatigue.spend.iter().any(|(own, _)| *own.text == *name);
        let contact = ["shown", "delivered", "sent", "reserved", "decided"];
        let contact = contact.iter().filter_map(|name| fatigue.spend.iter().find(|(own, _)| *own.text == **name));
        Budget {
            budget: units(fatigue.budget),
            half_life: fatigue.half_life,
            costs: fatigue.costs.iter().map(|(name, cost)| (name.text.clone(), *cost)).collect(),
            otherwise: fatigue.otherwise,
            sensitivity: fatigue.sensitivity,
            spend: spend.collect(),
            reserved: has("shown") && !has(RESERVED),
            contact: contact.map(|(_, factor)| *factor).reduce(f64::max).unwrap_or(1.0),
        }
    }

    /// What an event spends when it happens.
    pub(super) fn spends(&self, kind: EventKind, channel: Option<&str>, offer: Option<&OfferRule>) -> i64 {
        let factor = self.spend.iter().find(|(own, _)| *own == kind).map_or(0.0, |(_, factor)| *factor);
        self.price(channel, offer, factor)
    }

    /// What something reserved spends, as if it were shown.
    pub(super) fn holds(&self, channel: Option<&str>, offer: Option<&OfferRule>) -> i64 {
        self.price(channel, offer, self.contact)
    }

    /// What it spends to show an offer: by the dearest of the outcomes that showing it has at once.
    pub(super) fn costs(&self, channel: &str, offer: &OfferRule) -> i64 {
        self.price(Some(channel), Some(offer), self.contact)
    }

    /// What the dearest offer may cost.
    pub(super) fn dearest(&self) -> i64 {
        let most = |numbers: &mut dyn Iterator<Item = f64>| numbers.fold(0.0, f64::max);
        let cost = most(&mut self.costs.values().copied().chain([self.otherwise]));
        units(cost * most(&mut self.sensitivity.into_iter()) * self.contact)
    }

    fn price(&self, channel: Option<&str>, offer: Option<&OfferRule>, factor: f64) -> i64 {
        let cost = channel.and_then(|channel| self.costs.get(channel)).copied().unwrap_or(self.otherwise);
        let [public, personal, special] = self.sensitivity;
        let sensitivity = match offer {
            Some(offer) if offer.special => special,
            Some(offer) if offer.personal => personal,
            _ => public,
        };
        units(cost * sensitivity * factor)
    }

    /// How far back anything is left of a contact.
    pub(super) fn reach(&self) -> i64 {
        self.half_life.micros().max(1).saturating_mul(FADED)
    }

    /// What is left of something spent, at an instant.
    pub(super) fn left(&self, (at, spent): (Timestamp, i64), now: Timestamp) -> i64 {
        let age = now.micros().saturating_sub(at.micros()) as f64;
        let share = libm::exp2(-age / self.half_life.micros().max(1) as f64);
        libm::round(spent as f64 * share) as i64
    }

    /// What is left of everything spent, at an instant.
    pub(super) fn load(&self, spent: &Spent, now: Timestamp) -> i64 {
        spent.iter().fold(0_i64, |sum, one| sum.saturating_add(self.left(*one, now)))
    }

    /// The first instant from which on a contact may cost so much; `None` when it never may.
    pub(super) fn recovered(&self, spent: &Spent, cost: i64, now: Timestamp) -> Option<Timestamp> {
        let bears = |at: Timestamp| self.load(spent, at).saturating_add(cost) <= self.budget;
        let (mut low, mut high) = (0, self.reach());
        if !bears(now.saturating_add_micros(high)) {
            return None;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if bears(now.saturating_add_micros(middle)) {
                high = middle;
            } else {
                low = middle;
            }
        }
        Some(now.saturating_add_micros(high))
    }
}

/// Millionths, rounded; what is more than can be counted is the most that can.
fn units(number: f64) -> i64 {
    libm::round(number * UNIT) as i64
}

/// Millionths in words.
pub(super) fn shown(units: i64) -> String {
    format!("{}", units as f64 / UNIT)
}
