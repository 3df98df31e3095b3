//! In which order rules stand in the index: those that are possible for the same customers together.
//!
//! Greedy: again and again a block of those rules is taken that share the least likely condition. Comparisons are nested, so that as
//! many rules as fit are about as likely as the weakest of them; for constants that are equal or not likelihoods add up.

use super::bitmap::BLOCK;
use super::constraint::{Constraint, conjuncts, rarest};
use super::demand::{Demand, demands};
use super::layout::Coded;
use super::order::Odds;
use super::shape::Shape;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

/// Blocks that are likelier than this are not worth having for themselves.
const LIKELY: f32 = 0.6;

/// What the rules of a family have in common: whether they have a choice, the slot, and the kind of condition.
type Kind = (bool, u16, u8);

/// A rule of a family.
#[derive(Debug, Clone, Copy)]
struct Member {
    odds: f32,
    code: u32,
    rule: u32,
}

/// The order of rules, each by its number.
pub(in crate::expr) fn order(shapes: &[Shape], literals: &[Coded], odds: &Odds) -> Vec<u32> {
    let mut families: BTreeMap<Kind, Vec<Member>> = BTreeMap::new();
    let mut keys: Vec<(bool, Option<(u16, u8, u32)>, u32)> = Vec::with_capacity(shapes.len());
    for (rule, shape) in (0..).zip(shapes) {
        let parts = conjuncts(shape);
        // Rules with a choice stand apart, so that other blocks need not look for one.
        let choice = demands(parts, literals, usize::MAX).iter().any(|demand| matches!(demand, Some(Demand::Choice(..))));
        for constraint in parts.iter().filter_map(|part| Constraint::of(part, literals)) {
            let (slot, kind, code) = constraint.sort_key();
            let odds = constraint.odds(odds);
            if odds < LIKELY {
                let members = families.entry((choice, slot, kind)).or_default();
                match members.last_mut() {
                    // Of two conditions of one kind the rarer one.
                    Some(last) if last.rule == rule && last.odds <= odds => {}
                    Some(last) if last.rule == rule => *last = Member { odds, code, rule },
                    _ => members.push(Member { odds, code, rule }),
                }
            }
        }
        keys.push((choice, rarest(shape, literals, odds).map(|rarest| rarest.sort_key()), rule));
    }
    let mut families: Vec<(Kind, Vec<Member>)> = families.into_iter().collect();
    for ((.., kind), members) in &mut families {
        if nested(*kind) {
            members.sort_by(|a, b| a.odds.total_cmp(&b.odds).then(a.rule.cmp(&b.rule)));
        } else {
            members.sort_by_key(|member| (member.code, member.rule));
        }
    }
    let mut placed = vec![false; shapes.len()];
    let mut order = Vec::with_capacity(shapes.len());
    let mut heap: BinaryHeap<Reverse<(u32, usize)>> = (0..families.len()).map(|family| Reverse((0, family))).collect();
    while let Some(Reverse((_, family))) = heap.pop() {
        let ((.., kind), members) = &mut families[family];
        let Some((cost, block)) = cheapest(*kind, members, &placed) else { continue };
        // Odds are not negative, so that their bits are in their order.
        let cost = cost.to_bits();
        if heap.peek().is_some_and(|Reverse((least, _))| *least < cost) {
            heap.push(Reverse((cost, family)));
            continue;
        }
        for member in block {
            placed[member.rule as usize] = true;
            order.push(member.rule);
        }
        heap.push(Reverse((cost, family)));
    }
    keys.retain(|(.., rule)| !placed[*rule as usize]);
    keys.sort_unstable();
    order.extend(keys.into_iter().map(|(.., rule)| rule));
    order
}

fn nested(kind: u8) -> bool {
    kind < 2
}

/// The first rules of a family that are not placed yet, as many as a block has, and how likely any of them is possible.
fn cheapest(kind: u8, members: &mut Vec<Member>, placed: &[bool]) -> Option<(f32, Vec<Member>)> {
    let free = members.iter().take_while(|member| placed[member.rule as usize]).count();
    members.drain(..free);
    let mut block: Vec<Member> = Vec::with_capacity(BLOCK);
    block.extend(members.iter().filter(|member| !placed[member.rule as usize]).take(BLOCK));
    let cost = if nested(kind) {
        block.last().map_or(1.0, |member| member.odds)
    } else {
        block.chunk_by(|a, b| a.code == b.code).map(|same| same.iter().fold(0.0, |most, one| one.odds.max(most))).sum()
    };
    (block.len() == BLOCK && cost < LIKELY).then_some((cost, block))
}
