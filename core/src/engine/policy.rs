//! Warnings about what a playbook says of its offers and contacts and probably does not mean: caps that never hold anything back,
//! gaps in quiet hours, pages that may stay empty, offers that others always outrank, and ranks that only the order of the playbook
//! tells apart.

use super::reach::Judge;
use crate::context::Rule;
use crate::decide::{MANDATORY, OfferRule, Offers, PlacementRule, Switch, TAKEN, TreatmentRule};
use crate::error::{Diagnostic, Place, Severity};
use crate::journey::Model;
use crate::playbook::{AtMost, ContactRule, Demand, JourneyLimit, Name, Part, Placement, Playbook, QuietHours, Scope};
use crate::value::{BlockUnit, Blocks, Duration, Unit, Window};
use std::cmp::Ordering;

/// Looks at the contact policy, the placements and the ranks of offers.
pub(super) fn doubtful(playbook: &Playbook, model: &Model, offers: &Offers) -> Vec<Diagnostic> {
    let mut findings = Vec::new();
    for (number, rule) in playbook.contact.iter().enumerate() {
        let stricter = playbook.contact.iter().enumerate().find_map(|(other, by)| {
            let always = number != other && within(offers, number, other);
            (always && covers(by, rule)).then(|| spared(rule, by, other < number)).flatten().map(|why| (by, why))
        });
        if let Some((by, why)) = stricter {
            let message = format!("`{}` never holds anything back: {why}", rule.name);
            findings.push(warning("contradictory_caps", message, number, &rule.place, Some((&by.name, &by.place))));
        }
    }
    quiet_gaps(playbook, &mut findings);
    always_quiet(playbook, offers, &mut findings);
    unaffordable(playbook, offers, &mut findings);
    roomy(playbook, &mut findings);
    let judge = Judge { model };
    let mut shadowed = shadowed(playbook, offers);
    // What a reaction singles out is not outranked there by what it does not look at.
    let singled = |name: &str| {
        let only = model.reactions.rules.iter().filter_map(|rule| rule.offers.as_ref());
        only.flatten().filter_map(|place| offers.offers.get(*place)).any(|offer| *offer.name == *name)
    };
    shadowed.retain(|finding| finding.path.strip_prefix("offers.").is_none_or(|name| !singled(name)));
    let never = |tie: &Diagnostic| !shadowed.iter().any(|finding| finding.path == tie.path);
    for (number, (placement, rule)) in playbook.placements.iter().zip(&offers.placements).enumerate() {
        let here: Vec<Here<'_>> = here(playbook, offers, number, rule);
        findings.extend(empty(placement, rule, offers, &here));
        findings.extend(tie(placement, rule, &judge, &here).filter(never));
    }
    findings.extend(shadowed);
    findings.extend(super::samples::small(playbook));
    findings
}

/// Whether whatever obeys and counts for one rule does so for another.
fn within(offers: &Offers, rule: usize, other: usize) -> bool {
    let follows = |switch: &Switch| !switch.holds(rule) || switch.holds(other);
    let treatments = offers.offers.iter().flat_map(|offer| &offer.treatments);
    treatments.into_iter().all(|treatment| follows(&treatment.obeys) && follows(&treatment.counts))
}

/// Whether one rule is about all that another is about.
fn covers(by: &ContactRule, rule: &ContactRule) -> bool {
    by.subject == rule.subject && (by.scope == rule.scope || by.scope == Scope::Everything)
}

/// Why a cap that others cover never holds anything back.
fn spared(rule: &ContactRule, by: &ContactRule, earlier: bool) -> Option<String> {
    let Demand::Cap { count, at_most: AtMost::Number(at_most), per } = &rule.demand else { return None };
    let counted = |by: &[Name]| count.iter().all(|name| by.iter().any(|other| other.text == name.text));
    match &by.demand {
        Demand::Cap { count: others, at_most: AtMost::Number(most), per: whole } => {
            let same = *most == *at_most && whole == per && others.len() == count.len();
            let inside = inside(*per, *whole) && (rule.clock == by.clock || matches!(whole, Window::Lifetime));
            (counted(others) && most <= at_most && inside && (!same || earlier))
                .then(|| format!("`{}` allows no more than {most} already", by.name))
        }
        Demand::Gap { between, gap } if by.scope == rule.scope => {
            let Window::Rolling(length) = per else { return None };
            let spaced = gap.micros().saturating_mul(i64::from(*at_most)) >= length.micros();
            (counted(between) && *at_most > 0 && spaced)
                .then(|| format!("with {gap} between any two, as `{}` says, there are never so many", by.name))
        }
        _ => None,
    }
}

/// Whether one window always lies in another.
fn inside(inner: Window, outer: Window) -> bool {
    let longest = match inner {
        Window::Rolling(length) => Some(length.micros()),
        Window::Calendar(Unit::Day) => Some(25 * HOUR),
        Window::Calendar(Unit::Week { .. }) => Some((7 * 24 + 1) * HOUR),
        Window::Calendar(Unit::Month) => Some((31 * 24 + 1) * HOUR),
        Window::Days(days) => Some((i64::from(days) * 24 + 1) * HOUR),
        Window::Blocks(Blocks { count, of, .. }) => {
            let hours = match of {
                BlockUnit::Hour => 1,
                BlockUnit::Of(Unit::Day) => 24,
                BlockUnit::Of(Unit::Week { .. }) => 7 * 24,
                BlockUnit::Of(Unit::Month) => 31 * 24,
            };
            Some((i64::from(count) * hours + 1) * HOUR)
        }
        Window::Session | Window::Lifetime => None,
    };
    match (inner, outer) {
        (_, Window::Lifetime) => true,
        (Window::Calendar(Unit::Day), Window::Calendar(_)) => true,
        (Window::Calendar(inner), Window::Calendar(outer)) => inner == outer,
        (Window::Calendar(Unit::Day), Window::Days(_)) => true,
        (Window::Calendar(Unit::Day), Window::Blocks(blocks)) => blocks.of != BlockUnit::Hour,
        (Window::Blocks(Blocks { count: 1, of: BlockUnit::Hour, .. }), outer) if outer.is_calendar() => true,
        (Window::Days(inner), Window::Days(outer)) => inner <= outer,
        (_, Window::Rolling(length)) => longest.is_some_and(|longest| longest <= Duration::micros(length)),
        (inner, outer) => inner == outer,
    }
}

const HOUR: i64 = 3_600_000_000;

/// Minutes of a week.
const WEEK: usize = 7 * 24 * 60;

/// Shorter than this many minutes between two quiet times is probably a slip.
const SLIP: usize = 120;

fn quiet_gaps(playbook: &Playbook, findings: &mut Vec<Diagnostic>) {
    let mut done: Vec<&ContactRule> = Vec::new();
    for (number, rule) in playbook.contact.iter().enumerate() {
        let Demand::Quiet { hours, .. } = &rule.demand else { continue };
        if !hours.unsaid.is_empty() {
            let days = hours.unsaid.join(", ");
            let message = format!("`{}` says nothing of {days}, where messages go out at any hour", rule.name);
            let hint = "write `none` for these days when that is meant".to_owned();
            findings.push(Diagnostic { hint: Some(hint), ..warning("quiet_gap", message, number, &rule.place, None) });
        }
        let alike = |other: &ContactRule| other.scope == rule.scope && other.clock == rule.clock;
        if done.iter().any(|other| alike(other)) {
            continue;
        }
        done.push(rule);
        let together = playbook.contact.iter().filter(|other| alike(other)).filter_map(|other| match &other.demand {
            Demand::Quiet { hours, .. } => Some(hours),
            _ => None,
        });
        if let Some((from, length)) = slip(together) {
            let day = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
            let name = day.get(from / 1_440).copied().unwrap_or("Monday");
            let (hour, minute) = (from % 1_440 / 60, from % 60);
            let message = format!("on {name} at {hour:02}:{minute:02} the quiet hours pause for {length} minutes");
            findings.push(warning("quiet_gap", message, number, &rule.place, None));
        }
    }
}

/// Channels that some rules keep quiet in every minute of the week, for everybody and everything.
fn always_quiet(playbook: &Playbook, offers: &Offers, findings: &mut Vec<Diagnostic>) {
    for channel in &playbook.channels {
        let name = &channel.name.text;
        let about = |scope: &Scope| match scope {
            Scope::Everything | Scope::Channel => channel.contact,
            Scope::Only(Part::Channels, names) => names.iter().any(|own| own.text == *name),
            _ => false,
        };
        let quiet: Vec<(usize, &ContactRule, &QuietHours)> = (playbook.contact.iter().enumerate())
            .filter(|(number, rule)| about(&rule.scope) && obeyed(offers, *number, name))
            .filter_map(|(number, rule)| match &rule.demand {
                Demand::Quiet { hours, .. } => Some((number, rule, hours)),
                _ => None,
            })
            .collect();
        // Hours by different clocks say nothing of each other.
        let whole = quiet.iter().find(|(_, rule, _)| {
            let alike = quiet.iter().filter(|(_, other, _)| other.clock == rule.clock);
            quiet_week(alike.map(|(_, _, hours)| *hours)).iter().all(|quiet| *quiet)
        });
        if let Some((number, rule, _)) = whole {
            let message = format!("channel `{name}` is quiet in every minute of the week");
            let hint = "nothing is ever sent there: leave some hours out".to_owned();
            findings.push(Diagnostic { hint: Some(hint), ..warning("always_quiet", message, *number, &rule.place, None) });
        }
    }
}

/// Whether all that is shown through a channel, if anything is, obeys a rule.
fn obeyed(offers: &Offers, rule: usize, channel: &str) -> bool {
    let treatments = offers.offers.iter().flat_map(|offer| &offer.treatments);
    treatments.into_iter().filter(|treatment| *treatment.channel == *channel).all(|treatment| treatment.obeys.holds(rule))
}

/// Contacts that cost more than a whole budget, so that they are never made.
fn unaffordable(playbook: &Playbook, offers: &Offers, findings: &mut Vec<Diagnostic>) {
    for (number, rule) in playbook.contact.iter().enumerate() {
        let Demand::Fatigue(fatigue) = &rule.demand else { continue };
        // What an offer reads makes a contact dearer or cheaper: the cheapest counts.
        let least = fatigue.sensitivity.iter().copied().fold(f64::INFINITY, f64::min);
        let contact = fatigue.spend.iter().filter(|(name, _)| TAKEN.contains(&&*name.text)).map(|(_, factor)| *factor);
        let factor = contact.reduce(f64::max).unwrap_or(1.0);
        let parts = match &rule.scope {
            Scope::All(parts) => parts.as_slice(),
            one => std::slice::from_ref(one),
        };
        let about = |channel: &str| {
            let is_of = |scope: &Scope| match scope {
                Scope::Only(Part::Channels, names) => names.iter().any(|own| *own.text == *channel),
                _ => true,
            };
            parts.iter().all(is_of) && obeyed(offers, number, channel)
        };
        for channel in playbook.channels.iter().filter(|channel| about(&channel.name.text)) {
            let name = &channel.name.text;
            let declared = fatigue.costs.iter().find(|(own, _)| own.text == *name).map(|(_, cost)| *cost);
            let cost = declared.unwrap_or(fatigue.otherwise) * factor * least;
            if cost > fatigue.budget {
                let message = format!("a contact by `{name}` costs {cost}, more than the whole budget of {}", fatigue.budget);
                let hint = "nothing is ever sent there: a larger `fatigue`, or a lower cost".to_owned();
                findings.push(Diagnostic { hint: Some(hint), ..warning("unaffordable", message, number, &rule.place, None) });
            }
        }
    }
}

/// Caps over journeys that there are never enough of to reach.
fn roomy(playbook: &Playbook, findings: &mut Vec<Diagnostic>) {
    for (number, cap) in playbook.journey_caps.iter().enumerate() {
        let JourneyLimit::AtOnce(most) = cap.limit else { continue };
        if most as usize >= cap.journeys.len() {
            let message = format!("`{}` never keeps anybody out: it is about {} journeys only", cap.name, cap.journeys.len());
            let path = format!("journey_caps.{number}");
            findings.push(Diagnostic { path, ..warning("contradictory_caps", message, number, &cap.place, None) });
        }
    }
}

/// Which minutes of the week are quiet.
fn quiet_week<'a>(all: impl Iterator<Item = &'a QuietHours>) -> Vec<bool> {
    let mut quiet = vec![false; WEEK];
    for hours in all {
        for (day, own) in hours.days.iter().enumerate() {
            for (from, to) in own {
                for minute in usize::from(*from)..usize::from(*to) {
                    if let Some(quiet) = quiet.get_mut((day * 1_440 + minute) % WEEK) {
                        *quiet = true;
                    }
                }
            }
        }
    }
    quiet
}

/// The first short time between two quiet ones: its minute of the week, and how long it is.
fn slip<'a>(all: impl Iterator<Item = &'a QuietHours>) -> Option<(usize, usize)> {
    let quiet = quiet_week(all);
    let is = |minute: usize| quiet.get(minute % WEEK).copied().unwrap_or(false);
    let ends = (0..WEEK).filter(|minute| !is(*minute) && is(minute + WEEK - 1));
    let free = |from: usize| (0..WEEK).take_while(|more| !is(from + more)).count();
    ends.map(|from| (from, free(from))).find(|(_, length)| *length < SLIP)
}

/// An offer that may be shown in a placement.
struct Here<'a> {
    place: usize,
    name: &'a Name,
    offer: &'a OfferRule,
    treatment: &'a TreatmentRule,
    /// The step in which it is ranked; mandatory offers are in the first.
    step: u32,
    /// The score, where it is the same for everybody and decides.
    score: Option<f64>,
}

impl Here<'_> {
    /// Which of two offers is ranked first by everybody; `None` where that is not known.
    fn rank(&self, other: &Self) -> Option<Ordering> {
        let scores = |a: f64, b: f64| {
            b.total_cmp(&a).then(other.offer.priority.cmp(&self.offer.priority)).then(self.place.cmp(&other.place))
        };
        match self.step.cmp(&other.step) {
            Ordering::Equal => self.score.zip(other.score).map(|(a, b)| scores(a, b)),
            known => Some(known),
        }
    }
}

fn here<'a>(playbook: &'a Playbook, offers: &'a Offers, number: usize, placement: &PlacementRule) -> Vec<Here<'a>> {
    let ranking = &placement.ranking;
    let shown = |(place, (declared, offer)): (usize, (&'a crate::playbook::Offer, &'a OfferRule))| {
        let treatment = crate::decide::here(offer, number, placement)?;
        let step = ranking.step(offer);
        // Within a step exploration decides, except for what is mandatory.
        let score = score(declared).filter(|_| !ranking.draws() || step == MANDATORY);
        let score = score.and_then(|factors| ranking.constant(offer, factors));
        Some(Here { place, name: &declared.name, offer, treatment, step, score })
    };
    playbook.offers.iter().zip(&offers.offers).enumerate().filter_map(shown).collect()
}

/// The factors of an offer, where they are numbers.
fn score(offer: &crate::playbook::Offer) -> Option<[f64; 4]> {
    let mut factors = [1.0; 4];
    for (number, factor) in factors.iter_mut().zip(&offer.factors) {
        if let Some(factor) = factor {
            *number = factor.constant()?;
        }
    }
    Some(factors)
}

/// A page that customers open themselves and that may stay empty.
fn empty(placement: &Placement, rule: &PlacementRule, offers: &Offers, here: &[Here<'_>]) -> Option<Diagnostic> {
    if rule.contact || rule.fallback.is_some() || here.iter().any(|here| always(offers, here) && here.offer.purposes.is_empty())
    {
        return None;
    }
    let message = format!("placement `{}` may stay empty on a page that customers open themselves", placement.name.text);
    let hint = "declare a `fallback`, or an offer without conditions".to_owned();
    Some(Diagnostic {
        hint: Some(hint),
        ..named("no_fallback", message, format!("placements.{}", placement.name.text), &placement.name)
    })
}

/// Whether an offer is there for everybody who permits its purposes, at any time.
fn always(offers: &Offers, here: &Here<'_>) -> bool {
    let Here { offer, treatment, .. } = here;
    let free = offers.contact.is_empty() || treatment.obeys == Switch::None;
    let dated = offer.from.is_some() || offer.until.is_some();
    let tried = offer.experiments.iter().any(|experiments| !experiments.is_empty());
    let minors = offers.minors.is_none() || offer.minors;
    // What may run out, or be without an item or wording, may not be there.
    let sure = offer.counted.is_empty()
        && offer.promise.is_none()
        && offer.items.is_none()
        && offer.question.is_none()
        && treatment.plain.is_some();
    offer.gates.is_empty() && free && sure && !dated && !tried && !offer.special && minors && treatment.with.is_empty()
}

/// Two offers that may be shown to the same customers with the same rank, where not both can be shown.
fn tie(placement: &Placement, rule: &PlacementRule, judge: &Judge<'_>, here: &[Here<'_>]) -> Option<Diagnostic> {
    let mut ranked: Vec<&Here<'_>> = here.iter().filter(|here| here.score.is_some()).collect();
    ranked.sort_by(|a, b| a.rank(b).unwrap_or(Ordering::Equal));
    let same = |a: &Here<'_>, b: &Here<'_>| a.step == b.step && a.score == b.score && a.offer.priority == b.offer.priority;
    let rules = |here: &Here<'_>| -> Vec<Rule> { here.offer.gates.iter().map(|condition| condition.rule.clone()).collect() };
    let together = |a: &Here<'_>, b: &Here<'_>| {
        let both: Vec<Rule> = rules(a).into_iter().chain(rules(b)).collect();
        let apart =
            |first: &OfferRule, second: &OfferRule| first.until.zip(second.from).is_some_and(|(until, from)| until <= from);
        !apart(a.offer, b.offer) && !apart(b.offer, a.offer) && judge.may_hold(&both.iter().collect::<Vec<_>>())
    };
    let pairs = ranked.iter().zip(ranked.iter().skip(rule.slots)).filter(|(a, b)| same(a, b));
    let (first, second) = pairs.take(TRIED).find(|(a, b)| together(a, b))?;
    let message = format!(
        "offers `{}` and `{}` may have the same rank in placement `{}`: the order of the playbook decides",
        first.name.text, second.name.text, placement.name.text
    );
    let hint = "give one of them a `priority`, or a factor of its score".to_owned();
    let path = format!("offers.{}", second.name.text);
    Some(Diagnostic { hint: Some(hint), ..named("possible_tie", message, path, second.name) })
}

/// How many pairs of a placement are looked at.
const TRIED: usize = 64;

/// Offers that are outranked wherever they may be shown by others that are always there.
fn shadowed(playbook: &Playbook, offers: &Offers) -> Vec<Diagnostic> {
    // For each offer where it may be shown, and by which of the others it is outranked in all of these places.
    let mut shadows: Vec<(usize, Option<&Name>)> = vec![(0, None); offers.offers.len()];
    let mut shaded = vec![0_usize; offers.offers.len()];
    // In which placements each offer may be shown.
    let mut shown = vec![Vec::new(); offers.offers.len()];
    let all: Vec<Vec<Here<'_>>> =
        offers.placements.iter().enumerate().map(|(number, rule)| here(playbook, offers, number, rule)).collect();
    for (number, here) in all.iter().enumerate() {
        for here in here {
            if let Some(shown) = shown.get_mut(here.place) {
                shown.push(number);
            }
        }
    }
    for (number, (rule, here)) in offers.placements.iter().zip(&all).enumerate() {
        let mut strong: Vec<&Here<'_>> = here.iter().filter(|here| always(offers, here)).collect();
        // In a step those without a known score come last.
        let first = |here: &Here<'_>| (here.step, here.score.is_none());
        strong.sort_by(|a, b| first(a).cmp(&first(b)).then_with(|| a.rank(b).unwrap_or(Ordering::Equal)));
        for weak in here {
            if let Some((places, _)) = shadows.get_mut(weak.place) {
                *places += 1;
            }
            let above = |one: &&&Here<'_>| {
                let permitted =
                    one.offer.purposes.iter().all(|own| weak.offer.purposes.contains(own) || rule.purposes.contains(own));
                let sure = one.offer.assurance <= weak.offer.assurance && one.treatment.assurance <= weak.treatment.assurance;
                one.place != weak.place && permitted && sure && one.rank(weak).is_some_and(Ordering::is_lt)
            };
            // Who has to stand back for the sake of diversity is not always there.
            let strong = if rule.diversity.is_empty() { &strong[..] } else { &[] };
            let above: Vec<&&Here<'_>> = strong.iter().take(rule.slots.saturating_add(TRIED)).filter(above).collect();
            // What other placements of the same request may have taken already is not there any more.
            let mut taken = vec![0_usize; if rule.repeats { 0 } else { offers.placements.len() }];
            for other in above.iter().filter_map(|one| shown.get(one.place)).flatten().filter(|other| **other != number) {
                if let Some(taken) = taken.get_mut(*other) {
                    *taken += 1;
                }
            }
            let slots = |(other, count): (usize, &usize)| offers.placements.get(other).map_or(0, |rule| rule.slots).min(*count);
            let taken: usize = taken.iter().enumerate().map(slots).sum();
            if let Some(last) = above.get(rule.slots.saturating_add(taken).saturating_sub(1)) {
                if let Some(count) = shaded.get_mut(weak.place) {
                    *count += 1;
                }
                if let Some((_, by)) = shadows.get_mut(weak.place) {
                    *by = Some(last.name);
                }
            }
        }
    }
    let found = playbook.offers.iter().zip(shadows).zip(shaded).filter_map(|((offer, (places, by)), shaded)| {
        let by = by.filter(|_| places > 0 && places == shaded)?;
        let message = format!("offer `{}` is never shown: `{}` is always there and outranks it", offer.name.text, by.text);
        let path = format!("offers.{}", offer.name.text);
        let related = Some(("that is declared here".to_owned(), by.place.clone()));
        Some(Diagnostic { related, ..named("shadowed_offer", message, path, &offer.name) })
    });
    found.collect()
}

fn warning(code: &'static str, message: String, number: usize, place: &Place, by: Option<(&str, &Place)>) -> Diagnostic {
    let related = by.map(|(name, place)| (format!("`{name}` is declared here"), place.clone()));
    let path = format!("contact.{number}");
    Diagnostic { code, severity: Severity::Warning, message, path, place: Some(place.clone()), hint: None, related }
}

fn named(code: &'static str, message: String, path: String, name: &Name) -> Diagnostic {
    Diagnostic { code, severity: Severity::Warning, message, path, place: Some(name.place.clone()), hint: None, related: None }
}
