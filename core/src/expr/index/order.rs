//! How often literals hold, guessed from the rules: constants that many rules name are common values.

use super::layout::{CodeRanges, Coded, Layout, UNKNOWN};
use super::shape::Shape;

/// Guesses of how often literals hold.
#[derive(Debug)]
pub(in crate::expr) struct Odds {
    /// By slot: before each code, the weight of all codes below.
    sums: Vec<Vec<u32>>,
    /// By bit of the row's elements: how many rules name it; and in all.
    elements: Vec<u32>,
    named: u32,
}

impl Odds {
    /// Counts the constants of the literals; `uses` says in how many rules each literal stands.
    pub(in crate::expr) fn new(layout: &Layout, literals: &[Coded], uses: &[u32]) -> Self {
        let mut weights: Vec<Vec<u32>> = layout.slots.iter().map(|slot| vec![1; slot.codes as usize]).collect();
        let mut elements = vec![0; layout.words * 64];
        let mut named = 1_u32;
        for (literal, uses) in literals.iter().zip(uses) {
            match literal {
                Coded::Codes { slot, ranges } => {
                    let Some(weights) = weights.get_mut(usize::from(*slot)) else { continue };
                    let mut add = |code: u32| {
                        if let Some(weight) = weights.get_mut(code as usize) {
                            *weight = weight.saturating_add(*uses);
                        }
                    };
                    for (low, high) in ranges {
                        if low == high {
                            add(*low);
                            continue;
                        }
                        [low.wrapping_sub(1), *low, *high, high.wrapping_add(1)].into_iter().for_each(&mut add);
                    }
                }
                Coded::Elements { bits, .. } => {
                    for bit in bits {
                        named = named.saturating_add(*uses);
                        if let Some(count) = elements.get_mut(*bit as usize) {
                            *count += uses;
                        }
                    }
                }
                Coded::Opaque { .. } => {}
            }
        }
        let sums = weights.into_iter().map(|weights| running(&weights)).collect();
        Odds { sums, elements, named }
    }

    /// How often a literal holds, from 0 to 1.
    pub(in crate::expr) fn of(&self, literal: &Coded) -> f32 {
        match literal {
            Coded::Codes { slot, ranges } => self.codes(usize::from(*slot), ranges),
            Coded::Elements { bits, within, .. } => {
                // A list has several elements.
                let named: u32 = bits.iter().filter_map(|bit| self.elements.get(*bit as usize)).sum();
                let share = (3.0 * named as f32 / self.named as f32).min(0.9);
                if *within { share } else { 1.0 - share }
            }
            Coded::Opaque { .. } => 1.0,
        }
    }

    /// Of a slot: before each code, and after the last, the weight of all codes below.
    pub(in crate::expr) fn sums(&self, slot: u16) -> &[u32] {
        self.sums.get(usize::from(slot)).map_or(&[], Vec::as_slice)
    }

    /// The same of the elements of a list.
    pub(in crate::expr) fn element_sums(&self, first: u32, count: u32) -> Vec<u32> {
        let of = |element| 1 + self.elements.get(element as usize).copied().unwrap_or(0);
        running(&(first..first + count).map(of).collect::<Vec<u32>>())
    }

    /// How often a slot has a code of the ranges.
    pub(in crate::expr) fn codes(&self, slot: usize, ranges: &CodeRanges) -> f32 {
        let Some(sums) = self.sums.get(slot) else { return 1.0 };
        let all = sums.last().copied().unwrap_or(0).max(1);
        let weight = |low: u32, high: u32| {
            let at = |code: u32| sums.get((code as usize).min(sums.len() - 1)).copied().unwrap_or(0);
            at(high.saturating_add(1)).saturating_sub(at(low))
        };
        ranges.iter().map(|(low, high)| weight(*low, *high) as f32).sum::<f32>() / all as f32
    }

    /// Puts what decides soonest first: in *and* what rarely holds, in *or* what often does; opaque parts last. The truth of a
    /// shape does not depend on the order. Gives how often it holds.
    pub(in crate::expr) fn arrange(&self, shape: &mut Shape, literals: &[Coded]) -> f32 {
        match shape {
            Shape::Literal(number) => literals.get(*number as usize).map_or(1.0, |literal| self.of(literal)),
            Shape::And(parts) => {
                let odds = self.sort(parts, literals, false);
                odds.iter().product()
            }
            Shape::Or(parts) => {
                let odds = self.sort(parts, literals, true);
                1.0 - odds.iter().map(|odds| 1.0 - odds).product::<f32>()
            }
        }
    }

    fn sort(&self, parts: &mut Vec<Shape>, literals: &[Coded], descending: bool) -> Vec<f32> {
        let mut keyed: Vec<(bool, f32, Shape)> = std::mem::take(parts)
            .into_iter()
            .map(|mut part| {
                let odds = self.arrange(&mut part, literals);
                (has_opaque(&part, literals), odds, part)
            })
            .collect();
        let sign = if descending { -1.0 } else { 1.0 };
        keyed.sort_by(|a, b| a.0.cmp(&b.0).then((sign * a.1).total_cmp(&(sign * b.1))));
        let odds = keyed.iter().map(|(_, odds, _)| *odds).collect();
        parts.extend(keyed.into_iter().map(|(_, _, part)| part));
        odds
    }
}

pub(in crate::expr) fn has_opaque(shape: &Shape, literals: &[Coded]) -> bool {
    match shape {
        Shape::Literal(number) => matches!(literals.get(*number as usize), Some(Coded::Opaque { .. })),
        Shape::And(parts) | Shape::Or(parts) => parts.iter().any(|part| has_opaque(part, literals)),
    }
}

fn running(weights: &[u32]) -> Vec<u32> {
    let mut sum = 0_u32;
    let mut sums = Vec::with_capacity(weights.len() + 1);
    sums.push(0);
    for weight in weights {
        sum = sum.saturating_add(*weight);
        sums.push(sum);
    }
    debug_assert!(sum < UNKNOWN);
    sums
}
