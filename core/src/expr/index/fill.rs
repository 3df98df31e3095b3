//! How the index is filled: block by block, slot by slot.

use super::bitmap::{BLOCK, CODES, EVERYONE, Index, Line, List, NOBODY, Rows, Scalar, Union, WORDS};
use super::constraint::{Constraint, both, conjuncts, merged};
use super::demand::{CHOICES, Demand, choices, demands};
use super::layout::{CodeRanges, Coded, Coding, Layout};
use super::order::Odds;
use super::shape::Shape;

/// What one rule demands of one slot as a part of a track.
#[derive(Debug, Clone, Copy)]
struct Event {
    track: u32,
    rule: u32,
    /// Both ends included; when `low > high`: nothing, and the rule is never possible.
    low: u32,
    high: u32,
}

/// What belongs together: one slot as all rules demand it, or as a member of a union.
#[derive(Debug, Clone, Copy)]
struct Track {
    slot: u16,
    /// None of those that must all hold.
    union: Option<u16>,
    rows: Rows,
    uses: u32,
}

/// How many rows the table may have, of 64 codes each: ten bytes per block.
const ROWS: usize = 2_048;
/// How many rows the table of what is alive may have: a bit per block.
const ALIVE: usize = 32_768;

/// How many lines a block may have before its rules become vague.
fn line_budget(rules: usize) -> usize {
    5 * rules + 256
}

impl Index {
    /// An index over rules in the order given, each with the number of its first parts that are verified anyway.
    pub(in crate::expr) fn new<'s>(
        rules: impl ExactSizeIterator<Item = (&'s Shape, usize)>,
        layout: &Layout,
        literals: &[Coded],
        odds: &Odds,
    ) -> Self {
        let count = rules.len();
        let mut gathered = Gathered::new(layout);
        for (rule, (shape, verified)) in (0..).zip(rules) {
            let parts = conjuncts(shape);
            gathered.rule(rule, if verified < parts.len() { &parts[verified..] } else { parts }, literals);
        }
        gathered.fill(count, layout, odds)
    }
}

/// The demands of all rules.
struct Gathered {
    events: Vec<Event>,
    /// By slot, then by union and 1, with 0 for what must all hold: the track.
    tracks: Vec<Vec<Option<u32>>>,
    all: Vec<Track>,
    /// By list: its union. Those of choices come first.
    unions: Vec<Option<u16>>,
    count: u16,
    /// By slot of a list: its first element.
    firsts: Vec<u32>,
    /// Rules and unions: those that demand something of it.
    demanders: Vec<(u16, u32)>,
}

impl Gathered {
    fn new(layout: &Layout) -> Self {
        let first = |coding: &Coding| if let Coding::Elements { first, .. } = coding { *first } else { 0 };
        Gathered {
            events: Vec::new(),
            tracks: vec![Vec::new(); layout.slots.len()],
            all: Vec::new(),
            unions: vec![None; layout.slots.len()],
            count: CHOICES as u16,
            firsts: layout.slots.iter().map(|slot| first(&slot.coding)).collect(),
            demanders: Vec::new(),
        }
    }

    fn track(&mut self, slot: u16, union: Option<u16>) -> u32 {
        let tracks = &mut self.tracks[usize::from(slot)];
        let at = union.map_or(0, |union| usize::from(union) + 1);
        if tracks.len() <= at {
            tracks.resize(at + 1, None);
        }
        *tracks[at].get_or_insert_with(|| {
            let rows = Rows { first: 0, alive: 0, shift: 0 };
            self.all.push(Track { slot, union, rows, uses: 0 });
            u32::try_from(self.all.len() - 1).unwrap_or(u32::MAX)
        })
    }

    fn rule(&mut self, rule: u32, parts: &[Shape], literals: &[Coded]) {
        let mut codes: Vec<(u16, CodeRanges)> = Vec::new();
        for demand in demands(parts, literals, choices(self.unions.len())).into_iter().flatten() {
            match demand {
                Demand::Codes(slot, ranges) => match codes.iter_mut().find(|(same, _)| *same == slot) {
                    Some((_, known)) => *known = both(known, &ranges),
                    None => codes.push((slot, ranges.into_owned())),
                },
                Demand::List(slot, bits) => {
                    let union = *self.unions[usize::from(slot)].get_or_insert_with(|| {
                        self.count += 1;
                        self.count - 1
                    });
                    self.demanders.push((union, rule));
                    self.elements(slot, union, rule, &bits);
                }
                Demand::Choice(number, members) => {
                    let union = number as u16;
                    self.demanders.push((union, rule));
                    for member in members {
                        match member {
                            Constraint::Codes { slot, ranges } => self.codes(slot, Some(union), rule, &ranges),
                            Constraint::Elements { slot, bits } => self.elements(slot, union, rule, &bits),
                        }
                    }
                }
            }
        }
        for (slot, ranges) in codes {
            self.codes(slot, None, rule, &ranges);
        }
    }

    fn codes(&mut self, slot: u16, union: Option<u16>, rule: u32, ranges: &CodeRanges) {
        let track = self.track(slot, union);
        self.all[track as usize].uses += 1;
        if ranges.is_empty() && union.is_none() {
            self.events.push(Event { track, rule, low: 1, high: 0 });
        }
        // Ranges of one rule must not touch, so that each end changes its bit.
        let ranges = merged(ranges.clone());
        self.events.extend(ranges.iter().map(|(low, high)| Event { track, rule, low: *low, high: *high }));
    }

    fn elements(&mut self, slot: u16, union: u16, rule: u32, bits: &[u32]) {
        let first = self.firsts[usize::from(slot)];
        self.codes(slot, Some(union), rule, &bits.iter().map(|bit| (bit - first, bit - first)).collect());
    }

    fn fill(mut self, count: usize, layout: &Layout, odds: &Odds) -> Index {
        let blocks = count.div_ceil(BLOCK);
        let codes: Vec<usize> = layout
            .slots
            .iter()
            .map(|slot| match slot.coding {
                Coding::Elements { count, .. } => count as usize,
                _ => slot.codes as usize,
            })
            .collect();
        let coding = |slot: usize| &layout.slots[slot].coding;
        let rows = |track: &Track| codes[usize::from(track.slot)].div_ceil(CODES as usize);
        let most = share(self.all.iter().map(rows), ROWS) * CODES as usize;
        let groups: Vec<Option<Box<[u32]>>> = (0..codes.len())
            .map(|slot| match coding(slot) {
                _ if self.tracks[slot].is_empty() || codes[slot] <= most => None,
                Coding::Elements { .. } => Some((0..codes[slot]).map(|code| (code * most / codes[slot]) as u32).collect()),
                _ => Some(odds.groups(slot, most as u32).into()),
            })
            .collect();
        let codes: Vec<u32> = groups
            .iter()
            .zip(&codes)
            .map(|(groups, codes)| groups.as_ref().map_or(*codes as u32, |groups| groups.last().map_or(0, |last| last + 1)))
            .collect();
        let most = share(self.all.iter().map(|track| codes[usize::from(track.slot)] as usize), ALIVE) as u32;
        let (mut rows, mut alive) = (0, 0);
        let mut take = |codes: u32| {
            let mut shift = 0;
            while codes >> shift > most {
                shift += 1;
            }
            let taken = Rows { first: rows, alive, shift };
            rows += 1 + codes.div_ceil(CODES);
            alive += 1 + codes.div_ceil(1 << shift);
            taken
        };
        for track in &mut self.all {
            track.rows = take(codes[usize::from(track.slot)]);
        }
        let words = blocks.div_ceil(64);
        let unions = (0..self.count).map(|_| Union { free: take(0), demanded: vec![0; words].into() }).collect();
        let mut index = Index {
            blocks,
            lines: Box::default(),
            starts: Box::default(),
            bases: vec![EVERYONE; rows as usize * blocks].into(),
            changes: vec![0; rows as usize * blocks].into(),
            alive: bits(blocks, words).repeat(alive as usize).into(),
            scalars: Box::default(),
            lists: Box::default(),
            unions,
            inexact: vec![[0; WORDS]; blocks].into(),
            everywhere: bits(blocks, words).into(),
        };
        for track in self.all.iter().filter(|track| track.union.is_some()) {
            let codes = codes[usize::from(track.slot)];
            let first = track.rows.first as usize;
            index.bases[first * blocks..(first + 1 + codes.div_ceil(CODES) as usize) * blocks].fill(NOBODY);
            let first = track.rows.alive as usize;
            index.alive[first * words..(first + 1 + codes.div_ceil(1 << track.rows.shift) as usize) * words].fill(0);
        }
        let mut filling = Filling { index, lines: Vec::new(), groups: &groups, codes: &codes, left: 0 };
        let mut starts = Vec::with_capacity(blocks + 1);
        self.events.sort_unstable_by_key(|event| (event.rule / BLOCK as u32, event.track, event.rule, event.low));
        let mut events = &self.events[..];
        let mut demanders = &self.demanders[..];
        for block in 0..blocks {
            let begin = filling.lines.len();
            starts.push(u32::try_from(begin).unwrap_or(u32::MAX));
            let size = (count - block * BLOCK).min(BLOCK);
            let everyone: Line = std::array::from_fn(|word| low_bits(size.saturating_sub(word * 64)));
            filling.left = line_budget(size);
            filling.lines.extend([everyone, [0; WORDS]]);
            let (now, later) = events.split_at(events.partition_point(|event| event.rule as usize / BLOCK == block));
            events = later;
            let mut tracks: Vec<&[Event]> = now.chunk_by(|a, b| a.track == b.track).collect();
            tracks.sort_by_key(|events| events.len());
            for events in tracks {
                filling.track(block, begin, everyone, self.all[events[0].track as usize], events);
            }
            let (now, later) = demanders.split_at(demanders.partition_point(|(_, rule)| *rule as usize / BLOCK == block));
            demanders = later;
            filling.free(block, begin, everyone, now);
        }
        let Filling { mut index, lines, .. } = filling;
        starts.push(u32::try_from(lines.len()).unwrap_or(u32::MAX));
        index.lines = lines.into();
        index.starts = starts.into();
        self.finish(index, layout, groups, &codes)
    }

    fn finish(self, mut index: Index, layout: &Layout, mut groups: Vec<Option<Box<[u32]>>>, codes: &[u32]) -> Index {
        let mut slots: Vec<usize> = (0..codes.len()).filter(|slot| !self.tracks[*slot].is_empty()).collect();
        let tracks = |slot: usize| self.tracks[slot].iter().flatten().map(|track| self.all[*track as usize]);
        slots.sort_by_key(|slot| std::cmp::Reverse(tracks(*slot).map(|track| track.uses).sum::<u32>()));
        let (mut scalars, mut lists) = (Vec::new(), Vec::new());
        for slot in slots {
            let some = tracks(slot).filter_map(|track| Some((track.union?, track.rows))).collect();
            let groups = groups[slot].take();
            match layout.slots[slot].coding {
                Coding::Elements { first, count, .. } => {
                    lists.push(List { first: first as usize / 64, count: (count as usize).div_ceil(64), groups, some });
                }
                _ => {
                    let all = tracks(slot).find(|track| track.union.is_none()).map(|track| track.rows);
                    scalars.push(Scalar { slot: slot as u16, codes: codes[slot], groups, all, some });
                }
            }
        }
        index.scalars = scalars.into();
        index.lists = lists.into();
        index
    }
}

struct Filling<'a> {
    index: Index,
    lines: Vec<Line>,
    groups: &'a [Option<Box<[u32]>>],
    codes: &'a [u32],
    /// How many lines the block may still have.
    left: usize,
}

impl Filling<'_> {
    /// The lines of one track in one block, whose own begin at `begin`.
    fn track(&mut self, block: usize, begin: usize, everyone: Line, track: Track, events: &[Event]) {
        let slot = usize::from(track.slot);
        let mut line = if track.union.is_some() { [0; WORDS] } else { everyone };
        if track.union.is_none() {
            events.iter().for_each(|event| turn(&mut line, event.rule, false));
        }
        let mut changes = self.changes(block, slot, events, 1);
        let count = |changes: &[(u32, u32)]| changes.chunk_by(|a, b| a.0 == b.0).count();
        if count(&changes) > self.left {
            changes = self.changes(block, slot, events, CODES);
        }
        self.left = self.left.saturating_sub(count(&changes));
        let codes = self.codes[slot];
        let mut changes = changes.chunk_by(|a, b| a.0 == b.0).peekable();
        let Rows { first, alive, shift } = track.rows;
        let mut number = u16::try_from(self.lines.len() - begin).unwrap_or(u16::MAX);
        self.lines.push(line);
        // The row of unknown values has no change.
        self.index.bases[first as usize * self.index.blocks + block] = number;
        self.index.set_alive(alive, block, line != [0; WORDS]);
        for row in 0..codes.div_ceil(CODES) {
            let at = (first + 1 + row) as usize * self.index.blocks + block;
            self.index.bases[at] = number;
            let mut bits = 0;
            while let Some(same) = changes.next_if(|same| same[0].0 / CODES == row && same[0].0 < codes) {
                bits |= 1 << (same[0].0 % CODES);
                for (_, rule) in same {
                    let (word, bit) = place(*rule);
                    line[word] ^= bit;
                }
                self.lines.push(line);
                number += 1;
            }
            self.index.changes[at] = bits;
        }
        for row in 0..codes.div_ceil(1 << shift) {
            let some = (row << shift..codes.min((row + 1) << shift)).any(|code| {
                let at = (first + 1 + code / CODES) as usize * self.index.blocks + block;
                let changes = (self.index.changes[at] & u64::MAX >> (CODES - 1 - code % CODES)).count_ones();
                self.lines[begin + usize::from(self.index.bases[at]) + changes as usize] != [0; WORDS]
            });
            self.index.set_alive(alive + 1 + row, block, some);
        }
    }

    /// The codes at which rules of a block change their mind about a slot. Ranges become as wide as groups of codes and as steps of
    /// `step` codes make them; rules that do not have those ends are inexact.
    fn changes(&mut self, block: usize, slot: usize, events: &[Event], step: u32) -> Vec<(u32, u32)> {
        let groups = self.groups[slot].as_deref();
        let group =
            |code: u32| groups.map_or(code, |groups| groups.get(code as usize).copied().unwrap_or(self.codes[slot] - 1));
        let whole = |code: u32| {
            groups.is_none_or(|groups| code == 0 || code as usize >= groups.len() || group(code - 1) != group(code))
        };
        let mut wide: Vec<(u32, u32, u32)> = Vec::with_capacity(events.len());
        for event in events.iter().filter(|event| event.low <= event.high) {
            let (from, to) = (group(event.low), group(event.high));
            let (low, after) = (from / step * step, (to + 1).next_multiple_of(step));
            if low != from || after != to + 1 || !whole(event.low) || !whole(event.high + 1) {
                turn(&mut self.index.inexact[block], event.rule, true);
            }
            match wide.last_mut() {
                Some((rule, _, last)) if *rule == event.rule && low <= *last => *last = after.max(*last),
                _ => wide.push((event.rule, low, after)),
            }
        }
        let mut changes: Vec<(u32, u32)> =
            wide.iter().flat_map(|(rule, low, after)| [(*low, *rule), (*after, *rule)]).collect();
        changes.sort_unstable();
        changes
    }

    /// The rules of a block that have no demand on each union.
    fn free(&mut self, block: usize, begin: usize, everyone: Line, demanders: &[(u16, u32)]) {
        for union in 0..self.index.unions.len() {
            let mut line = everyone;
            demanders.iter().filter(|(one, _)| usize::from(*one) == union).for_each(|(_, rule)| turn(&mut line, *rule, false));
            if line == everyone {
                continue;
            }
            let Rows { first, alive, .. } = self.index.unions[union].free;
            self.index.unions[union].demanded[block / 64] |= 1 << (block % 64);
            self.index.bases[first as usize * self.index.blocks + block] =
                u16::try_from(self.lines.len() - begin).unwrap_or(u16::MAX);
            self.lines.push(line);
            self.index.set_alive(alive, block, line != [0; WORDS]);
        }
    }
}

impl Index {
    fn set_alive(&mut self, row: u32, block: usize, alive: bool) {
        let word = &mut self.alive[row as usize * self.everywhere.len() + block / 64];
        *word = *word & !(1 << (block % 64)) | u64::from(alive) << (block % 64);
    }
}

fn place(rule: u32) -> (usize, u64) {
    (rule as usize % BLOCK / 64, 1 << (rule % 64))
}

fn turn(line: &mut Line, rule: u32, on: bool) {
    let (word, bit) = place(rule);
    if on { line[word] |= bit } else { line[word] &= !bit }
}

fn low_bits(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

fn bits(count: usize, words: usize) -> Vec<u64> {
    (0..words).map(|word| low_bits(count.saturating_sub(word * 64))).collect()
}

/// The most that each may have so that all together stay within the budget.
fn share(needs: impl Iterator<Item = usize>, budget: usize) -> usize {
    let needs: Vec<usize> = needs.collect();
    let (mut low, mut high) = (1, needs.iter().copied().max().unwrap_or(1).max(1));
    let total = |cap: usize| needs.iter().map(|need| need.min(&cap)).sum::<usize>();
    while low < high {
        let half = (low + high).div_ceil(2);
        if total(half) <= budget { low = half } else { high = half - 1 }
    }
    low
}
