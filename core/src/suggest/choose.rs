use super::Shelf;
use super::company::Company;
use super::due::{Due, due};
use super::facts::ItemFacts;
use super::found::{Because, Suggested};
use super::own::Own;
use super::rules::{By, CatalogRules, ItemsRule, OfRule, SuggestionRule};
use crate::catalog::{Catalog, Item, amount};
use crate::context::{Context, Rule};
use crate::expr::{self, Answer, Facts, Outcome};
use crate::playbook::HowToSuggest;
use crate::value::{Duration, Timestamp, Value};
use schemars::JsonSchema;
use serde::Serialize;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The most items of a suggestion that are looked at, so that no catalog makes a decision slow.
const LOOKED_AT: usize = 10_000;

/// Items that were not suggested although they were found, by why.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "suggestions_left_out")]
pub(crate) struct Left {
    /// The customer has them, and they are not replenishable.
    pub(crate) owned: usize,
    /// The customer gave them back.
    pub(crate) returned: usize,
    /// Contact rules hold them back.
    #[serde(skip)]
    pub(crate) spent: usize,
    /// None is in stock, where the customer is.
    pub(crate) out_of_stock: usize,
    /// The condition `only` is not true of them.
    pub(crate) not_wanted: usize,
}

/// The store that counts: `None` when it is not known, `Some(None)` when none is declared.
pub(crate) type Store = Option<Option<Arc<str>>>;

/// One customer asking, with what was read for earlier suggestions.
pub(crate) struct Asking<'q, 'a> {
    pub(crate) rules: &'q CatalogRules,
    pub(crate) suggestions: &'q [SuggestionRule],
    pub(crate) shelf: &'q Shelf,
    pub(crate) context: &'q Context<'a>,
    own: OnceCell<Own>,
    company: OnceCell<Option<Arc<Company>>>,
    store: OnceCell<Store>,
}

impl<'q, 'a> Asking<'q, 'a> {
    pub(crate) fn new(
        rules: &'q CatalogRules,
        suggestions: &'q [SuggestionRule],
        shelf: &'q Shelf,
        context: &'q Context<'a>,
    ) -> Self {
        let (own, company, store) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        Asking { rules, suggestions, shelf, context, own, company, store }
    }

    fn own(&self) -> &Own {
        self.own.get_or_init(|| Own::read(self.rules, &self.shelf.catalog, self.context))
    }

    /// What others did, by the trends that the question goes by.
    fn company(&self) -> Option<&Company> {
        let company = || self.context.trends().map(|snapshot| self.shelf.company(snapshot));
        self.company.get_or_init(company).as_deref()
    }

    /// How many events were about items that the catalog does not have.
    pub(crate) fn unknown(&self) -> usize {
        self.own().unknown
    }

    /// The store that counts.
    pub(crate) fn store(&self) -> &Store {
        let known = |rule: &Rule| match rule.ask(self.context).outcome {
            Outcome::Value(value) => text(&value).filter(|store| !store.is_empty()),
            _ => None,
        };
        self.store.get_or_init(|| match &self.rules.store[..] {
            [] => Some(None),
            stores => stores.iter().find_map(known).map(Some),
        })
    }

    /// What a rule reads that reads of an item.
    pub(crate) fn facts<'f>(&'f self, item: &Suggested) -> Option<ItemFacts<'f, 'a>> {
        let item = self.shelf.catalog.item(&item.item)?;
        Some(ItemFacts { rules: self.rules, context: self.context, item, store: self.store() })
    }
}

/// The items of an offer: suggestion after suggestion, no item twice, none that `taken` has or that is `spent`.
///
/// # Errors
/// Why there are too few.
pub(crate) fn choose(
    asking: &Asking<'_, '_>,
    items: &ItemsRule,
    taken: &BTreeSet<Arc<str>>,
    spent: &dyn Fn(&str) -> bool,
) -> Result<Vec<Suggested>, String> {
    let mut chosen: Vec<Suggested> = Vec::new();
    let mut categories: BTreeMap<Arc<str>, usize> = BTreeMap::new();
    let mut left = Left::default();
    for rule in items.from.iter().filter_map(|number| asking.suggestions.get(*number)) {
        for found in suggested(asking, rule, items.at_most.saturating_add(taken.len()), spent, &mut left) {
            if chosen.len() >= items.at_most {
                break;
            }
            if taken.contains(&found.item) || chosen.iter().any(|other| other.item == found.item) {
                continue;
            }
            if let (Some(most), Some(category)) = (items.per_category, &found.category) {
                let count = categories.entry(category.clone()).or_insert(0);
                if *count >= most {
                    continue;
                }
                *count += 1;
            }
            chosen.push(found);
        }
    }
    if chosen.len() >= items.at_least {
        return Ok(chosen);
    }
    let names: Vec<String> =
        items.from.iter().filter_map(|n| Some(format!("`{}`", asking.suggestions.get(*n)?.name))).collect();
    let Left { owned, returned, spent, out_of_stock, not_wanted } = left;
    let why: Vec<String> = [
        (owned, "owned"),
        (returned, "returned"),
        (spent, "shown often enough"),
        (out_of_stock, "out of stock"),
        (not_wanted, "ruled out"),
    ]
    .into_iter()
    .filter(|(count, _)| *count > 0)
    .map(|(count, why)| format!("{count} {why}"))
    .collect();
    let why = if why.is_empty() { String::new() } else { format!(" ({})", why.join(", ")) };
    let why = if asking.store().is_none() { format!("{why}: which store is asked for is not known") } else { why };
    let found = if chosen.is_empty() { "no item".to_owned() } else { format!("{} of {} items", chosen.len(), items.at_least) };
    Err(format!("{} found {found} to suggest{why}", names.join(", ")))
}

/// What one suggestion finds, best first, at most so many.
pub(crate) fn suggested(
    asking: &Asking<'_, '_>,
    rule: &SuggestionRule,
    at_most: usize,
    spent: &dyn Fn(&str) -> bool,
    left: &mut Left,
) -> Vec<Suggested> {
    let catalog = &asking.shelf.catalog;
    let mut found = Vec::new();
    let mut seen: BTreeSet<u32> = BTreeSet::new();
    for (number, because) in candidates(asking, rule).into_iter().take(LOOKED_AT) {
        if found.len() >= at_most {
            break;
        }
        let Some(item) = catalog.get(number).filter(|_| seen.insert(number)) else { continue };
        if spent(&item.id) {
            left.spent += 1;
            continue;
        }
        if admits(asking, rule, number, item, &because, left) {
            found.push(Suggested {
                item: item.id.clone(),
                name: item.name.clone(),
                category: item.category.clone(),
                price: item.price.clone(),
                suggestion: rule.name.clone(),
                how: rule.how.name(),
                because,
            });
        }
    }
    found
}

/// Whether an item may be suggested: nothing that the customer has or gave back, unless it is bought again and again.
fn admits(
    asking: &Asking<'_, '_>,
    rule: &SuggestionRule,
    number: u32,
    item: &Item,
    because: &Because,
    left: &mut Left,
) -> bool {
    let again = asking.rules.replenishable(item);
    let worn_out = matches!(because, Because::Due { .. });
    let own = asking.own();
    if !again && own.gave_back(number) {
        left.returned += 1;
        return false;
    }
    if !again && !worn_out && own.owned(number).is_some() {
        left.owned += 1;
        return false;
    }
    let there = match asking.store() {
        None => false,
        Some(store) => item.stock.any(store.as_deref()),
    };
    if !there {
        left.out_of_stock += 1;
        return false;
    }
    if let Some(only) = &rule.only {
        let facts = ItemFacts { rules: asking.rules, context: asking.context, item, store: asking.store() };
        if expr::evaluate(only.checked(), &facts).outcome.as_bool() != Some(true) {
            left.not_wanted += 1;
            return false;
        }
    }
    true
}

fn candidates(asking: &Asking<'_, '_>, rule: &SuggestionRule) -> Vec<(u32, Because)> {
    let catalog = &*asking.shelf.catalog;
    let company = asking.company();
    let now = Facts::now(asking.context);
    match rule.how {
        HowToSuggest::BoughtTogether => together(asking, rule, company, false),
        HowToSuggest::SeenTogether => together(asking, rule, company, true),
        HowToSuggest::Popular => popular(asking, rule, company),
        HowToSuggest::NextSize => next_size(asking, rule),
        HowToSuggest::Complements => complements(asking, rule),
        HowToSuggest::DueAgain => {
            let due = due(asking.rules, catalog, company, asking.own(), rule.lead, now);
            due.into_iter().map(|due| (due.item, of_due(due))).collect()
        }
        HowToSuggest::AfterEvent => after_event(asking, rule),
        HowToSuggest::StillLooking => still_looking(asking, rule),
    }
}

fn of_due(due: Due) -> Because {
    let Due { last, after, from, until, whose, .. } = due;
    Because::Due { last, after: shown(after), from, until, whose: whose.name() }
}

/// A length of time to the hour, in days when it is long, in minutes or seconds when it is short.
fn shown(length: Duration) -> String {
    let seconds = length.micros() / 1_000_000;
    match (seconds / 3600, seconds / 60) {
        (48.., _) => format!("{}d", (seconds / 3600 + 12) / 24),
        (hours @ 1.., _) => format!("{hours}h"),
        (_, minutes @ 1..) => format!("{minutes}m"),
        _ => format!("{seconds}s"),
    }
}

/// The items that a suggestion begins with, the latest first.
fn anchors(asking: &Asking<'_, '_>, rule: &SuggestionRule) -> Vec<u32> {
    let catalog = &asking.shelf.catalog;
    let now = Facts::now(asking.context);
    let recent =
        |time: &Timestamp| rule.within.is_none_or(|within| time.micros() > now.micros().saturating_sub(within.micros()));
    let own = || asking.own();
    let mut timed: Vec<(Timestamp, u32)> = match &rule.of {
        OfRule::Rule(of) => {
            let Outcome::Value(value) = of.ask(asking.context).outcome else { return Vec::new() };
            let named = match &value {
                Value::List(items) => items.iter().filter_map(text).collect(),
                value => text(value).into_iter().collect::<Vec<_>>(),
            };
            return named.iter().filter_map(|id| catalog.number(id)).collect();
        }
        OfRule::Bought => own().bought.keys().filter_map(|item| Some((own().owned(*item)?, *item))).collect(),
        OfRule::Seen => own().seen.iter().map(|(item, time)| (*time, *item)).collect(),
    };
    timed.retain(|(time, _)| recent(time));
    timed.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    timed.into_iter().map(|(_, item)| item).collect()
}

fn id(catalog: &Catalog, number: u32) -> Arc<str> {
    catalog.get(number).map_or_else(|| Arc::from("?"), |item| item.id.clone())
}

fn together(asking: &Asking<'_, '_>, rule: &SuggestionRule, company: Option<&Company>, seen: bool) -> Vec<(u32, Because)> {
    let Some(together) = company.map(|company| company.together(seen)).filter(|together| together.baskets > 0.0) else {
        return Vec::new();
    };
    let catalog = &asking.shelf.catalog;
    let anchors = anchors(asking, rule);
    let [least_support, least_confidence, least_lift] = rule.least;
    let mut best: BTreeMap<u32, (f64, f64, f64, u32)> = BTreeMap::new();
    for anchor in &anchors {
        let with = together.items.get(anchor).copied().filter(|count| *count > 0.0);
        for (other, both) in together.pairs.get(anchor).into_iter().flatten() {
            let (Some(with), Some(alone)) = (with, together.items.get(other).filter(|count| **count > 0.0)) else { continue };
            if anchors.contains(other) {
                continue;
            }
            let support = both / together.baskets;
            let confidence = both / with;
            let lift = confidence / (alone / together.baskets);
            if support >= least_support && confidence >= least_confidence && lift >= least_lift {
                let known = best.get(other).map_or(f64::NEG_INFINITY, |(confidence, ..)| *confidence);
                if confidence > known {
                    best.insert(*other, (confidence, support, lift, *anchor));
                }
            }
        }
    }
    let mut list: Vec<_> = best.into_iter().collect();
    list.sort_by(|(a, one), (b, other)| {
        other.0.total_cmp(&one.0).then(other.2.total_cmp(&one.2)).then(other.1.total_cmp(&one.1)).then(a.cmp(b))
    });
    let because = |(item, (confidence, support, lift, anchor))| {
        (item, Because::Together { with: id(catalog, anchor), support, confidence, lift })
    };
    list.into_iter().map(because).collect()
}

fn popular(asking: &Asking<'_, '_>, rule: &SuggestionRule, company: Option<&Company>) -> Vec<(u32, Because)> {
    let Some(company) = company else { return Vec::new() };
    let seen = matches!(rule.of, OfRule::Seen);
    let everybody = || {
        let all = company.together(seen).popular.iter();
        all.map(|(item, count)| (*item, Because::Popular { among: None, count: *count })).collect()
    };
    let groups: Vec<Arc<str>> = match &rule.by {
        By::Everybody => return everybody(),
        By::Segments(segments) => {
            let inside = |number: &usize| matches!(asking.context.segment(*number).value, Answer::Known(Value::Bool(true)));
            segments.iter().filter(|(number, _)| inside(number)).map(|(_, name)| name.clone()).collect()
        }
        By::Attribute(_, rule) => match rule.ask(asking.context).outcome {
            Outcome::Value(value) => text(&value).into_iter().collect(),
            _ => Vec::new(),
        },
    };
    let dimension = match &rule.by {
        By::Attribute(name, _) => &**name,
        _ => "segment",
    };
    // Of several groups that the customer is in, the one counts in which the item has the greatest share.
    let mut best: BTreeMap<u32, (f64, f64, Arc<str>)> = BTreeMap::new();
    for group in groups {
        let list = company.group(seen, dimension, &group);
        let total: f64 = list.iter().map(|(_, count)| count).sum();
        for (item, count) in list.iter().filter(|_| total > 0.0) {
            let share = count / total;
            if best.get(item).is_none_or(|(known, ..)| share > *known) {
                best.insert(*item, (share, *count, group.clone()));
            }
        }
    }
    if best.is_empty() {
        return everybody();
    }
    let mut list: Vec<_> = best.into_iter().collect();
    list.sort_by(|(a, one), (b, other)| other.0.total_cmp(&one.0).then(other.1.total_cmp(&one.1)).then(a.cmp(b)));
    list.into_iter().map(|(item, (_, count, group))| (item, Because::Popular { among: Some(group), count })).collect()
}

fn next_size(asking: &Asking<'_, '_>, rule: &SuggestionRule) -> Vec<(u32, Because)> {
    let catalog = &*asking.shelf.catalog;
    let size = |item: &Item| match asking.rules.size {
        Some(place) => item.values.get(place)?.as_ref().and_then(amount),
        None => item.price.as_ref().and_then(amount),
    };
    let [above, up_to] = rule.band;
    let mut found = Vec::new();
    // Of a category the latest counts, so that nobody is offered less than they have.
    let mut done: BTreeSet<&Arc<str>> = BTreeSet::new();
    for anchor in anchors(asking, rule) {
        let Some(own) = catalog.get(anchor) else { continue };
        if own.category.as_ref().is_none_or(|category| !done.insert(category)) {
            continue;
        }
        let (Some(category), Some(small), Some(price)) =
            (&own.category, size(own), own.price.as_ref().and_then(amount).filter(|price| *price > 0.0))
        else {
            continue;
        };
        let mut larger: Vec<(f64, f64, u32)> = Vec::new();
        for number in catalog.category(category) {
            let Some(item) = catalog.get(*number) else { continue };
            let (Some(large), Some(cost)) = (size(item), item.price.as_ref().and_then(amount)) else { continue };
            let ratio = cost / price;
            if large > small && ratio > above && ratio <= up_to {
                larger.push((large, cost, *number));
            }
        }
        larger.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)).then(a.2.cmp(&b.2)));
        // Only the next size, not all that are larger.
        let next = larger.first().map(|(large, ..)| *large);
        let next = larger.into_iter().filter(|(large, ..)| next == Some(*large));
        found.extend(next.map(|(_, _, number)| (number, Because::Larger { than: own.id.clone() })));
    }
    found
}

fn complements(asking: &Asking<'_, '_>, rule: &SuggestionRule) -> Vec<(u32, Because)> {
    let catalog = &*asking.shelf.catalog;
    let declared = &asking.rules.complements;
    let mut found = Vec::new();
    for anchor in anchors(asking, rule) {
        let Some(own) = catalog.get(anchor) else { continue };
        let by_item = declared.get(&own.id).into_iter().flatten();
        let by_category = own.category.as_ref().and_then(|category| declared.get(category)).into_iter().flatten();
        for name in own.complements.iter().chain(by_item).chain(by_category) {
            let of = || Because::Complement { of: own.id.clone() };
            found
                .extend(wanted_first(asking, name).into_iter().filter(|number| *number != anchor).map(|number| (number, of())));
        }
    }
    found
}

fn after_event(asking: &Asking<'_, '_>, rule: &SuggestionRule) -> Vec<(u32, Because)> {
    let Some((kind, event)) = &rule.after else { return Vec::new() };
    let now = Facts::now(asking.context);
    let mut last = None;
    asking.context.events(&[*kind], crate::value::Span::lifetime(now), &mut |row| {
        last = Some(row.time());
        std::ops::ControlFlow::Continue(())
    });
    let recent =
        |time: &Timestamp| rule.within.is_none_or(|within| time.micros() > now.micros().saturating_sub(within.micros()));
    let Some(at) = last.filter(recent) else { return Vec::new() };
    let items = rule.items.iter().flat_map(|name| wanted_first(asking, name));
    items.map(|number| (number, Because::After { event: event.clone(), at })).collect()
}

/// The item of a name, or those of the category, the most wanted first.
fn wanted_first(asking: &Asking<'_, '_>, name: &str) -> Vec<u32> {
    let mut items = asking.shelf.catalog.named(name);
    if let Some(company) = asking.company().filter(|_| items.len() > 1) {
        let count = |item: &u32| company.bought.items.get(item).copied().unwrap_or(0.0);
        items.sort_by(|a, b| count(b).total_cmp(&count(a)).then(a.cmp(b)));
    }
    items
}

/// What was looked at before the present session and not bought since, the latest first.
fn still_looking(asking: &Asking<'_, '_>, rule: &SuggestionRule) -> Vec<(u32, Because)> {
    let now = Facts::now(asking.context);
    let begins = Facts::session(asking.context).map_or(now.saturating_add_micros(1), |(start, _)| start);
    let own = asking.own();
    let mut list: Vec<(Timestamp, u32)> = own
        .seen
        .iter()
        .filter(|(_, time)| **time < begins)
        .filter(|(_, time)| rule.within.is_none_or(|within| time.micros() > now.micros().saturating_sub(within.micros())))
        .filter(|(item, time)| own.bought.get(item).and_then(|times| times.last()).is_none_or(|bought| bought < *time))
        .map(|(item, time)| (*time, *item))
        .collect();
    list.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    list.into_iter().map(|(at, item)| (item, Because::Seen { at })).collect()
}

fn text(value: &Value) -> Option<Arc<str>> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Int(number) => Some(Arc::from(number.to_string())),
        Value::Bool(truth) => Some(Arc::from(if *truth { "true" } else { "false" })),
        _ => None,
    }
}
