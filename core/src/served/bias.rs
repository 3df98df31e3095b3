//! Whether groups get offers at the same rate.

use super::groups::Grouping;
use crate::measure::{Interval, difference, normal_quantile, ratio, wilson};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the groups of one attribute or segment get.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "protected_served")]
#[non_exhaustive]
pub struct ProtectedServed {
    /// The attribute or segment.
    pub name: Arc<str>,
    /// The offers that read it, themselves or through a conclusion: empty when decisions do not use it.
    pub read_by: Vec<Arc<str>>,
    /// How many groups were too small to be shown on their own.
    pub withheld: u64,
    /// Any offer first, then each offer that somebody gets, in the order of the playbook.
    pub selections: Vec<Selection>,
}

/// At which rates groups get an offer.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "selection")]
#[non_exhaustive]
pub struct Selection {
    /// The offer; null for any.
    pub offer: Option<Arc<str>>,
    /// Whether a group gets it at less than four fifths of the highest rate, and the difference is more than chance explains: at the given
    /// confidence over all pairs of groups and all offers together (Bonferroni).
    pub alarm: bool,
    /// By group, in the order of their names; those put together come last.
    pub groups: Vec<GroupServed>,
}

/// At which rate a group gets an offer, compared with the group of the highest rate.
///
/// The rule of four fifths is that of 29 CFR 1607.4(D). Intervals: rates by Wilson's score, differences by Newcombe's method 10, ratios by
/// Katz, see [`measure`](crate::measure).
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "group_served")]
#[non_exhaustive]
pub struct GroupServed {
    /// The group: a value, a range, `unknown`, or `other` for small groups together.
    pub group: Arc<str>,
    /// How many customers are in it.
    pub customers: u64,
    /// How many of them get it.
    pub served: u64,
    /// Their share.
    pub rate: f64,
    /// The interval of the share.
    pub interval: Interval,
    /// The rate divided by the highest of all groups; null when that is zero.
    pub ratio: Option<f64>,
    /// Its interval; null for the highest itself, and where a rate is zero.
    pub ratio_interval: Option<Interval>,
    /// The rate less the highest.
    pub difference: f64,
    /// Its interval; null for the highest itself.
    pub difference_interval: Option<Interval>,
    /// Whether `ratio` is below four fifths.
    pub below_four_fifths: bool,
}

/// What is below is told.
const FOUR_FIFTHS: f64 = 0.8;

/// What groups get, counted.
#[derive(Debug, Clone, Default)]
pub(super) struct Counts(BTreeMap<Arc<str>, Group>);

#[derive(Debug, Clone, Default)]
struct Group {
    customers: u64,
    served: u64,
    offers: BTreeMap<Arc<str>, u64>,
}

impl Group {
    fn join(&mut self, other: Group) {
        self.customers += other.customers;
        self.served += other.served;
        for (offer, count) in other.offers {
            *self.offers.entry(offer).or_default() += count;
        }
    }

    fn got(&self, offer: Option<&Arc<str>>) -> u64 {
        offer.map_or(self.served, |offer| self.offers.get(offer).copied().unwrap_or(0))
    }
}

impl Counts {
    pub(super) fn add(&mut self, group: Arc<str>, chosen: &[&Arc<str>]) {
        let own = self.0.entry(group).or_default();
        own.customers += 1;
        own.served += u64::from(!chosen.is_empty());
        for offer in chosen {
            *own.offers.entry((*offer).clone()).or_default() += 1;
        }
    }

    pub(super) fn finish(self, grouping: Grouping, offers: &[Arc<str>], k: u64, confidence: f64) -> ProtectedServed {
        let (groups, withheld) = self.shown(k);
        let got = |offer: &&Arc<str>| groups.iter().any(|(_, group)| group.got(Some(offer)) > 0);
        let all: Vec<Option<&Arc<str>>> = std::iter::once(None).chain(offers.iter().filter(got).map(Some)).collect();
        // The highest of all groups is known only afterwards, so that every pair might have been compared.
        let pairs = (groups.len() * groups.len().saturating_sub(1) / 2 * all.len()).max(1) as f64;
        let z = [1.0, pairs].map(|tries| normal_quantile(1.0 - (1.0 - confidence) / 2.0 / tries));
        let selections = all.into_iter().map(|offer| selection(offer, &groups, z)).collect();
        ProtectedServed { name: grouping.name, read_by: grouping.read_by, withheld, selections }
    }

    /// The groups that are large enough, and the small ones together; what is still too small takes the smallest of the others with it,
    /// so that it cannot be told from what all have together. The second is how many are not shown on their own.
    fn shown(self, k: u64) -> (Vec<(Arc<str>, Group)>, u64) {
        let (mut large, small): (Vec<_>, Vec<_>) = self.0.into_iter().partition(|(_, group)| group.customers >= k);
        let mut withheld = small.len() as u64;
        let mut other = Group::default();
        small.into_iter().for_each(|(_, group)| other.join(group));
        while withheld > 0 && other.customers < k {
            let Some(place) = (0..large.len()).min_by_key(|place| large[*place].1.customers) else { break };
            other.join(large.remove(place).1);
            withheld += 1;
        }
        if withheld > 0 && other.customers >= k {
            large.push(("other".into(), other));
        }
        (large, withheld)
    }
}

fn selection(offer: Option<&Arc<str>>, groups: &[(Arc<str>, Group)], [z, strict]: [f64; 2]) -> Selection {
    let pair = |group: &Group| (group.got(offer), group.customers);
    let rate = |group: &Group| group.got(offer) as f64 / group.customers.max(1) as f64;
    // The first of the highest.
    let best = groups.iter().map(|(_, group)| group).rev().max_by(|a, b| rate(a).total_cmp(&rate(b)));
    let surely = |group: &Group| {
        best.and_then(|best| difference(pair(group), pair(best), strict)).is_some_and(|interval| interval.high < 0.0)
    };
    let below = |group: &Group| best.is_some_and(|best| rate(group) < FOUR_FIFTHS * rate(best));
    let alarm = groups.iter().any(|(_, group)| below(group) && surely(group));
    let groups: Vec<GroupServed> = groups
        .iter()
        .filter_map(|(name, group)| {
            let best = best?;
            let (own, highest) = (rate(group), rate(best));
            let other = !std::ptr::eq(group, best);
            let ratio_of = (highest > 0.0).then(|| own / highest);
            Some(GroupServed {
                group: name.clone(),
                customers: group.customers,
                served: group.got(offer),
                rate: own,
                interval: wilson(group.got(offer), group.customers, z)?,
                ratio: ratio_of,
                ratio_interval: other.then(|| ratio(pair(group), pair(best), z)).flatten(),
                difference: own - highest,
                difference_interval: other.then(|| difference(pair(group), pair(best), z)).flatten(),
                below_four_fifths: ratio_of.is_some_and(|ratio| ratio < FOUR_FIFTHS),
            })
        })
        .collect();
    Selection { offer: offer.cloned(), alarm, groups }
}
