//! By which facts a rule is found: the two conditions of it that hold most rarely.

use super::constraint::{Constraint, conjuncts};
use super::layout::Coded;
use super::literal::Fold;
use super::order::Odds;
use super::pieces::Pieces;
use super::shape::Shape;
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::hash::BuildHasherDefault;

/// A necessary condition as a column of a block has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Key {
    /// Which of the prepared keys it reads; 0 for none, which is always 0.
    pub(super) source: u16,
    /// Of a code: the first and, in the high half, how many follow. Of bits: those of which one must be set.
    pub(super) word: u32,
    /// How often it holds, from 0 to 1.
    pub(super) odds: f32,
}

impl Key {
    /// A condition that always holds.
    pub(super) const ALWAYS: Key = Key { source: 0, word: 0xffff_0000, odds: 1.0 };
}

/// A way to a rule. A rule that demands no single fact is found by each alternative of an *or*.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) rule: u32,
    /// In the order of their sources.
    pub(super) keys: [Key; 2],
    /// The parts of the rule that the keys say all about.
    pub(super) settled: [usize; 2],
}

/// How many entries have a pair of sources.
pub(super) type Popular = HashMap<[u16; 2], u32, BuildHasherDefault<Fold>>;

/// No part.
const NONE: usize = usize::MAX;
/// An *or* with more alternatives leads to no rule.
const ALTERNATIVES: usize = 16;
/// Codes of a condition that are worth bits.
const CODES: u32 = 16;

/// Of the conditions of a rule, so many of the rarest are tried as keys.
const TRIED: usize = 3;
/// What a rule that is left takes, and a block, in instructions.
const RULE: f32 = 70.0;
const BLOCK: f32 = 200.0;

/// Makes the entries of rules.
pub(super) struct Entries<'a> {
    pub(super) literals: &'a [Coded],
    pub(super) odds: &'a Odds,
    pub(super) pieces: &'a Pieces,
    /// By slot: how many codes or elements there are.
    pub(super) codes: &'a [u32],
    /// By slot: the first element of a list.
    pub(super) firsts: &'a [u32],
    /// Pairs that other rules have: blocks are not filled by pairs that few have. Nothing while that is not known.
    pub(super) popular: Popular,
}

impl Entries<'_> {
    /// Adds the entries of a rule.
    pub(super) fn add(&self, rule: u32, shape: &Shape, all: &mut Vec<Entry>) {
        let parts = conjuncts(shape);
        let mut found: SmallVec<[(Key, usize); 8]> = SmallVec::new();
        for (number, part) in parts.iter().enumerate() {
            if let Some((key, exact)) = self.key(part) {
                found.push((key, if exact { number } else { NONE }));
            }
        }
        found.sort_by(|a, b| a.0.odds.total_cmp(&b.0.odds));
        let best = |number: usize| found.get(number).copied().unwrap_or((Key::ALWAYS, NONE));
        let ((first, settled), (second, settled_too)) = match self.pair(&found) {
            Some((a, b)) => (best(a), best(b)),
            None => (best(0), best(1)),
        };
        if first.odds * second.odds > 0.02
            && let Some(ways) = self.branch(parts, first.odds * second.odds)
        {
            let settled = if found.is_empty() { NONE } else { settled };
            all.extend(ways.into_iter().map(|way| Entry { rule, keys: sorted(way, first), settled: [settled, NONE] }));
            return;
        }
        all.push(Entry { rule, keys: sorted(first, second), settled: [settled, settled_too] });
    }

    /// The pair of keys that costs least, when rules are so few that blocks are hard to fill.
    fn pair(&self, found: &[(Key, usize)]) -> Option<(usize, usize)> {
        if self.popular.is_empty() {
            return None;
        }
        let tried = found.len().min(TRIED);
        let pairs = (0..tried).flat_map(|a| (a + 1..tried).map(move |b| (a, b)));
        let cost = |(a, b): (usize, usize)| {
            let (a, b) = (found[a].0, found[b].0);
            let sources = sorted(a, b).map(|key| key.source);
            let others = self.popular.get(&sources).copied().unwrap_or(0).clamp(1, 32);
            a.odds * b.odds * RULE + a.odds.max(b.odds) * BLOCK / others as f32
        };
        pairs.min_by(|a, b| cost(*a).total_cmp(&cost(*b)))
    }

    /// The alternatives of the *or* that leads to a rule most rarely, when it does so more rarely than `least`.
    fn branch(&self, parts: &[Shape], least: f32) -> Option<Vec<Key>> {
        let mut best: Option<(f32, Vec<Key>)> = None;
        for part in parts {
            let Shape::Or(alternatives) = part else { continue };
            if alternatives.len() > ALTERNATIVES || self.key(part).is_some() {
                continue;
            }
            let keys: Option<Vec<Key>> = alternatives.iter().map(|one| self.rarest(one)).collect();
            let Some(keys) = keys else { continue };
            // Each is an entry of its own, which takes time as well.
            let cost = keys.iter().map(|key| key.odds + 0.02).sum::<f32>();
            if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                best = Some((cost, keys));
            }
        }
        best.filter(|(cost, _)| *cost < least).map(|(_, keys)| keys)
    }

    /// The rarest condition that a shape demands.
    fn rarest(&self, shape: &Shape) -> Option<Key> {
        conjuncts(shape).iter().filter_map(|part| self.key(part)).map(|(key, _)| key).min_by(|a, b| a.odds.total_cmp(&b.odds))
    }

    /// A part of a rule as a key, and whether that is all that the part says.
    fn key(&self, part: &Shape) -> Option<(Key, bool)> {
        let constraint = Constraint::of(part, self.literals)?;
        let odds = constraint.odds(self.odds);
        match &constraint {
            Constraint::Codes { slot, ranges } => {
                let codes = *self.codes.get(usize::from(*slot))?;
                let named: u32 =
                    ranges.iter().fold(0, |sum, (low, high)| sum.saturating_add(high.saturating_sub(*low).saturating_add(1)));
                if ranges.len() > 1 && (codes <= 32 || named <= CODES) {
                    let source = self.pieces.bits_key(*slot)?;
                    let bits = ranges.iter().flat_map(|(low, high)| *low..=(*high).min(codes.saturating_sub(1)));
                    let word = bits.fold(0, |word, code| word | 1 << (code % 32));
                    return Some((Key { source, word, odds }, codes <= 32));
                }
                let source = self.pieces.code_key(*slot)?;
                let (low, high) = (ranges.first()?.0, ranges.last()?.1.min(codes.saturating_sub(1)));
                if low > high {
                    return None;
                }
                Some((Key { source, word: low | (high - low) << 16, odds }, ranges.len() == 1))
            }
            Constraint::Elements { slot, bits } => {
                let source = self.pieces.bits_key(*slot)?;
                let first = *self.firsts.get(usize::from(*slot))?;
                let word = bits.iter().fold(0, |word, bit| word | 1 << ((bit - first) % 32));
                Some((Key { source, word, odds }, *self.codes.get(usize::from(*slot))? <= 32))
            }
        }
    }
}

fn sorted(a: Key, b: Key) -> [Key; 2] {
    if a.source <= b.source { [a, b] } else { [b, a] }
}
