//! The index: bitmaps of the rules that are still possible, by slot and code, in blocks of some hundred rules.
//!
//! A block keeps a line, a bit per rule, only for those codes of a slot at which some of its own rules changes its mind, so that lines
//! are exact and few. A table has a bit for each of those codes: counting the bits up to a code gives its line, without a branch. A
//! second table tells in which blocks any rule is possible, so that others are never looked at. Rules stand sorted by the
//! constraints that rarely hold, so that those that are possible together are neighbours.

use super::layout::UNKNOWN;
use super::row::Row;

/// Words of a line.
pub(super) const WORDS: usize = 4;
/// Rules of a block.
pub(super) const BLOCK: usize = WORDS * 64;
/// A bit per rule of a block.
pub(super) type Line = [u64; WORDS];

/// The line of every rule of a block, and the one of none.
pub(super) const EVERYONE: u16 = 0;
pub(super) const NOBODY: u16 = 1;
/// Codes of a row of the table.
pub(super) const CODES: u32 = 64;

/// The bitmaps of all slots.
#[derive(Debug)]
pub(in crate::expr) struct Index {
    pub(super) blocks: usize,
    /// The lines of each block, one block after the other.
    pub(super) lines: Box<[Line]>,
    /// By block: its first line; one more than there are blocks.
    pub(super) starts: Box<[u32]>,
    /// By row of the table, then by block: the line before the first change, and a bit per code at which the next line begins.
    pub(super) bases: Box<[u16]>,
    pub(super) changes: Box<[u64]>,
    /// By row of the second table: a bit per block in which some rule is possible.
    pub(super) alive: Box<[u64]>,
    /// A bit per block.
    pub(super) everywhere: Box<[u64]>,
    /// The slots with codes, those that most rules demand first.
    pub(super) scalars: Box<[Scalar]>,
    pub(super) lists: Box<[List]>,
    pub(super) unions: Box<[Union]>,
    /// By block: the rules of which the lines do not say all that they could.
    pub(super) inexact: Box<[Line]>,
}

/// Where the rows of a slot stand, as all rules demand it or as a member of a union.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    /// The row of unknown values in the table; those of the codes follow.
    pub(super) first: u32,
    /// The same in the table of what is alive, and how many codes share a row there: `1 << shift`.
    pub(super) alive: u32,
    pub(super) shift: u32,
}

/// The rows of a slot with codes.
#[derive(Debug)]
pub(super) struct Scalar {
    pub(super) slot: u16,
    /// How many codes there are, after `groups`.
    pub(super) codes: u32,
    /// When there are very many codes, by code: its group, which stands for it.
    pub(super) groups: Option<Box<[u32]>>,
    pub(super) all: Option<Rows>,
    /// For each union that reads it.
    pub(super) some: Box<[(u16, Rows)]>,
}

/// The rows of a slot with elements.
#[derive(Debug)]
pub(super) struct List {
    /// The words of the slot in a row of facts.
    pub(super) first: usize,
    pub(super) count: usize,
    /// When there are very many elements, by element: its group, which stands for it.
    pub(super) groups: Option<Box<[u32]>>,
    /// For each union that reads it.
    pub(super) some: Box<[(u16, Rows)]>,
}

/// Demands of which one is enough: on elements of a list, or on several slots.
#[derive(Debug)]
pub(super) struct Union {
    /// The rows of the rules without such a demand.
    pub(super) free: Rows,
    /// A bit per block in which some rule has one.
    pub(super) demanded: Box<[u64]>,
}

/// A row of the table, and a bit for the code and each before it.
#[derive(Debug, Clone, Copy)]
struct Pick {
    row: usize,
    before: u64,
}

/// Memory of a question.
#[derive(Debug, Clone, Default)]
pub(in crate::expr) struct Chosen {
    all: Vec<Pick>,
    /// By union.
    some: Vec<Vec<Pick>>,
    blocks: Vec<u64>,
    /// By union, then by word of blocks.
    reached: Vec<u64>,
}

impl Index {
    /// Calls `found` with the position of each rule that is still possible, and whether its constraints are to be verified.
    #[inline]
    pub(in crate::expr) fn candidates(&self, row: &Row, chosen: &mut Chosen, mut found: impl FnMut(usize, bool)) {
        self.choose(row, chosen);
        for (at, word) in chosen.blocks.iter().enumerate() {
            let mut word = *word;
            while word != 0 {
                let block = at * 64 + word.trailing_zeros() as usize;
                word &= word - 1;
                let Some(alive) = self.meet(block, chosen) else { continue };
                for (at, (possible, inexact)) in alive.iter().zip(&self.inexact[block]).enumerate() {
                    let mut possible = *possible;
                    while possible != 0 {
                        let bit = possible.trailing_zeros();
                        possible &= possible - 1;
                        found(block * BLOCK + at * 64 + bit as usize, inexact >> bit & 1 == 1);
                    }
                }
            }
        }
    }

    /// The rows of the table for the facts, and the blocks in which all of them leave some rule possible.
    fn choose(&self, row: &Row, chosen: &mut Chosen) {
        let Chosen { all, some, blocks, reached } = chosen;
        let words = self.everywhere.len();
        all.clear();
        some.resize(self.unions.len(), Vec::new());
        some.iter_mut().for_each(Vec::clear);
        blocks.clear();
        blocks.extend_from_slice(&self.everywhere);
        reached.clear();
        for union in &self.unions {
            reached.extend_from_slice(self.alive(union.free, None));
        }
        let mut reach = |union: u16, rows: Rows, code: u32| {
            let code = Some(code);
            some[usize::from(union)].push(self.pick(rows, code));
            let start = usize::from(union) * words;
            or(&mut reached[start..start + words], self.alive(rows, code));
        };
        for scalar in &self.scalars {
            let code = row.code(scalar.slot);
            let code = scalar.groups.as_ref().map_or(code, |groups| groups.get(code as usize).copied().unwrap_or(UNKNOWN));
            if let Some(rows) = scalar.all {
                let code = (code < scalar.codes).then_some(code);
                all.push(self.pick(rows, code));
                and(blocks, self.alive(rows, code));
            }
            if code < scalar.codes {
                scalar.some.iter().for_each(|(union, rows)| reach(*union, *rows, code));
            }
        }
        for list in &self.lists {
            for (at, word) in (0_u32..).zip(row.element_words(list.first, list.count)) {
                let mut word = *word;
                while word != 0 {
                    let element = at * 64 + word.trailing_zeros();
                    word &= word - 1;
                    let code = list.groups.as_ref().map_or(Some(element), |groups| groups.get(element as usize).copied());
                    if let Some(code) = code {
                        list.some.iter().for_each(|(union, rows)| reach(*union, *rows, code));
                    }
                }
            }
        }
        for reached in reached.chunks_exact(words.max(1)) {
            and(blocks, reached);
        }
    }

    /// The rules of a block that are still possible; `None` when there are none.
    #[inline]
    fn meet(&self, block: usize, chosen: &Chosen) -> Option<Line> {
        let lines = &self.lines[self.starts[block] as usize..self.starts[block + 1] as usize];
        let mut alive = lines[usize::from(EVERYONE)];
        for picks in chosen.all.chunks(8) {
            for pick in picks {
                and(&mut alive, self.line(lines, block, *pick));
            }
            if alive == [0; WORDS] {
                return None;
            }
        }
        for (union, picks) in self.unions.iter().zip(&chosen.some) {
            if union.demanded[block / 64] >> (block % 64) & 1 == 0 {
                continue;
            }
            let mut any = *self.line(lines, block, self.pick(union.free, None));
            for pick in picks {
                or(&mut any, self.line(lines, block, *pick));
            }
            and(&mut alive, &any);
        }
        (alive != [0; WORDS]).then_some(alive)
    }

    #[inline]
    fn line<'l>(&self, lines: &'l [Line], block: usize, pick: Pick) -> &'l Line {
        let at = pick.row + block;
        let changes = (self.changes[at] & pick.before).count_ones();
        &lines[usize::from(self.bases[at]) + changes as usize]
    }

    #[inline]
    fn pick(&self, rows: Rows, code: Option<u32>) -> Pick {
        let row = rows.first + code.map_or(0, |code| 1 + code / CODES);
        Pick { row: row as usize * self.blocks, before: code.map_or(0, |code| u64::MAX >> (CODES - 1 - code % CODES)) }
    }

    #[inline]
    fn alive(&self, rows: Rows, code: Option<u32>) -> &[u64] {
        let words = self.everywhere.len();
        let row = (rows.alive + code.map_or(0, |code| 1 + (code >> rows.shift))) as usize;
        &self.alive[row * words..(row + 1) * words]
    }

    /// Bytes on the heap.
    pub(in crate::expr) fn bytes(&self) -> usize {
        let groups = self.scalars.iter().map(|scalar| &scalar.groups).chain(self.lists.iter().map(|list| &list.groups));
        groups.flatten().map(|groups| size_of_val(&**groups)).sum::<usize>()
            + size_of_val(&*self.lines)
            + size_of_val(&*self.inexact)
            + size_of_val(&*self.bases)
            + size_of_val(&*self.changes)
            + size_of_val(&*self.alive)
    }
}

#[inline]
pub(super) fn and(to: &mut [u64], other: &[u64]) {
    to.iter_mut().zip(other).for_each(|(word, other)| *word &= other);
}

#[inline]
pub(super) fn or(to: &mut [u64], other: &[u64]) {
    to.iter_mut().zip(other).for_each(|(word, other)| *word |= other);
}
