//! Needs: what a customer is after, how strongly, and since when anybody could know.

use super::evidence::{EvidenceRule, fade};
use super::{Context, Rule, earlier};
use crate::expr::{EventKind, Facts, PropertyId};
use crate::value::{Duration, Span, Timestamp};
use std::ops::ControlFlow;
use std::sync::Arc;

/// A compiled need.
#[derive(Debug)]
pub(crate) struct NeedRule {
    /// What the customer said themselves.
    pub(crate) stated: Option<EvidenceRule>,
    /// What speaks for it, and how strongly.
    pub(crate) evidence: Vec<(EvidenceRule, f64)>,
    /// Problems that lead to it, by number, and how strongly.
    pub(crate) problems: Vec<(usize, f64)>,
}

/// Compiled searches and the problems that are looked for in them.
#[derive(Debug, Default)]
pub(crate) struct SearchRule {
    /// The event types.
    pub(crate) kinds: Vec<EventKind>,
    /// What was searched for.
    pub(crate) property: Option<PropertyId>,
    /// After which a search counts half.
    pub(crate) half_life: Option<Duration>,
    /// How far back searches count; all of them without it.
    pub(crate) within: Option<Duration>,
    /// The terms of each problem.
    pub(crate) problems: Vec<Vec<Term>>,
}

/// Words in a row.
#[derive(Debug)]
pub(crate) struct Term(Vec<(String, bool)>);

/// How strong a need is at an instant.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Strength {
    /// From 0 to 1; `None` when nothing is known.
    pub(crate) strength: Option<f64>,
    /// Whether the customer said so themselves.
    pub(crate) stated: bool,
    /// The last event that it rests on.
    pub(crate) latest: Option<Timestamp>,
    /// Until when that holds while no event arrives.
    pub(crate) until: Option<Timestamp>,
    /// The events that would have to be read and are gone.
    pub(crate) gone: Option<Arc<str>>,
}

impl NeedRule {
    /// Its conditions.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Rule> {
        self.stated.iter().chain(self.evidence.iter().map(|(evidence, _)| evidence)).map(|evidence| &evidence.when)
    }

    /// How strong the need is at the context's instant.
    ///
    /// Pieces of evidence `s1, s2, …` combine to `1 - (1 - s1)(1 - s2)…`, each of them a cause that may suffice by itself (the
    /// noisy *or* of Pearl, Probabilistic Reasoning in Intelligent Systems, 1988, section 4.3). What is unknown says nothing; the need
    /// is unknown when all of it is.
    pub(super) fn read(&self, context: &Context<'_>) -> Strength {
        let mut found = Strength::default();
        if let Some(stated) = &self.stated {
            let said = stated.ask(context);
            found.until = said.until;
            if let Some(holds) = said.holds {
                let strength = if holds { said.share } else { 0.0 };
                return Strength { strength: Some(strength), stated: true, latest: said.latest, ..found };
            }
        }
        let mut none = 1.0;
        let mut known = false;
        for (evidence, strength) in &self.evidence {
            let said = evidence.ask(context);
            found.until = earlier(found.until, said.until);
            known |= said.holds.is_some();
            if said.holds.is_none() {
                let kinds: Vec<EventKind> = evidence.when.reads().events.iter().copied().collect();
                let gone = || context.gone(&kinds, Span::lifetime(context.now())).map(|(gone, _)| gone);
                found.gone = found.gone.or_else(gone);
            }
            if said.holds == Some(true) {
                none *= 1.0 - strength * said.share;
                found.latest = found.latest.max(said.latest);
            }
        }
        if !self.problems.is_empty() {
            known = true;
            let searches = &context.rules().searches;
            found.until = earlier(found.until, context.next_event(&searches.kinds));
            let span = within(searches.within, context.now());
            // What was searched for then could be about any problem.
            if let Some((gone, last)) = context.gone(&searches.kinds, span) {
                found.until = earlier(found.until, searches.within.map(|length| last.saturating_add_micros(length.micros())));
                return Strength { strength: None, gone: Some(gone), ..found };
            }
            for (at, problems) in context.searches() {
                for (problem, strength) in &self.problems {
                    if !problems.contains(problem) {
                        continue;
                    }
                    let leaves = searches.within.map(|length| at.saturating_add_micros(length.micros()));
                    found.until = earlier(found.until, leaves);
                    let share = searches.half_life.map_or(1.0, |half_life| fade(context, *at, half_life));
                    none *= 1.0 - strength * share;
                    found.latest = found.latest.max(Some(*at));
                    if searches.half_life.is_some() {
                        found.until = earlier(found.until, context.next_on_grid());
                    }
                }
            }
        }
        found.strength = known.then_some(1.0 - none);
        found.gone = found.gone.filter(|_| !known);
        found
    }
}

impl SearchRule {
    /// The searches so far that are about a problem, oldest first, with the numbers of the problems.
    pub(super) fn read(&self, context: &Context<'_>) -> Vec<(Timestamp, Vec<usize>)> {
        let mut found = Vec::new();
        let Some(property) = self.property else { return found };
        context.events(&self.kinds, within(self.within, context.now()), &mut |event| {
            if let Some(value) = event.property(property)
                && let Some(text) = value.as_text()
            {
                let words = words(text);
                let about = |terms: &Vec<Term>| terms.iter().any(|term| term.stands_in(&words));
                let problems: Vec<usize> =
                    self.problems.iter().enumerate().filter(|(_, terms)| about(terms)).map(|(number, _)| number).collect();
                if !problems.is_empty() {
                    found.push((event.time(), problems));
                }
            }
            ControlFlow::Continue(())
        });
        found
    }
}

/// The last so long, or all that was.
pub(super) fn within(length: Option<Duration>, now: Timestamp) -> Span {
    length.map_or_else(|| Span::lifetime(now), |length| Span::rolling(length, now))
}

impl Term {
    /// The words of a term; `*` at the end of a word stands for any ending.
    pub(crate) fn of(text: &str) -> Self {
        let words = text.split_whitespace().flat_map(|part| {
            let any = part.ends_with('*');
            let mut words = words(part);
            let last = words.len();
            words.drain(..).enumerate().map(move |(place, word)| (word, any && place + 1 == last)).collect::<Vec<_>>()
        });
        Term(words.collect())
    }

    fn stands_in(&self, words: &[String]) -> bool {
        let fits = |word: &String, (term, any): &(String, bool)| word == term || (*any && word.starts_with(&**term));
        !self.0.is_empty()
            && words.windows(self.0.len()).any(|row| row.iter().zip(&self.0).all(|(word, term)| fits(word, term)))
    }
}

/// The words of a text in lower case: runs of letters and digits of any script.
fn words(text: &str) -> Vec<String> {
    text.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::{Term, words};

    #[test]
    fn terms_are_found_by_whole_words() {
        let found = |term: &str, text: &str| Term::of(term).stands_in(&words(text));
        assert!(found("back pain", "My BACK-pain, again"));
        assert!(!found("back pain", "back again with pain"));
        assert!(!found("pram", "programme") && found("pram*", "prams for twins"));
        assert!(found("rückenschmerz*", "Rückenschmerzen im Büro"));
        assert!(!found("*", "anything"));
    }
}
