//! Rules as decision diagrams whose nodes are four tests at once, so that checking a rule has no branch that depends on the facts.

use super::constraint::conjuncts;
use super::pieces::{NEVER, Piece, Tests};
use super::shape::Shape;
use smallvec::SmallVec;

/// Tests of a record.
pub(super) const TESTS: usize = 4;

/// Four tests, what they come to together, and where that leads. Never across two lines of the cache: that is most of what it takes.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
pub(super) struct Record {
    pub(super) tests: [Piece; TESTS],
    /// A bit per outcome of the tests, the first test being the highest bit of an outcome.
    pub(super) table: u16,
    pub(super) yes: u32,
    pub(super) no: u32,
}

/// Where a diagram ends: no match.
pub(super) const REJECT: u32 = 0;
/// Where it ends with a rule, whose number is below.
pub(super) const RULE: u32 = 1 << 31;
/// The rule is a match when its program says so, too.
pub(super) const PROGRAM: u32 = 1 << 30;

/// A record that leads to no match.
pub(super) const NOTHING: Record = Record { tests: [NEVER; TESTS], table: 0, yes: REJECT, no: REJECT };

/// By test: the outcomes for which it holds.
const HOLDS: [u16; TESTS] = [0xff00, 0xf0f0, 0xcccc, 0xaaaa];

/// A part of a record.
#[derive(Debug, Clone, Copy)]
enum Part<'s> {
    Shape(&'s Shape),
    Tests(&'s [Piece], bool),
}

/// One or several records that a rule comes through one after the other.
enum Step<'s> {
    All(SmallVec<[Part<'s>; 4]>),
    /// Any one record leads on.
    Any(Vec<SmallVec<[Part<'s>; 4]>>),
}

/// Writes the diagrams of rules.
pub(super) struct Records<'a> {
    /// By literal.
    pub(super) literals: &'a [Option<Tests>],
    /// The records that are no rule's first, which are numbered from `before` on.
    pub(super) more: Vec<Record>,
    pub(super) before: usize,
}

impl<'s> Records<'s> {
    /// The first record of a rule; `settled` are the parts that need no test.
    pub(super) fn write(&mut self, shape: &'s Shape, settled: &[usize], rule: u32) -> Record {
        let mut steps: SmallVec<[Step<'s>; 4]> = SmallVec::new();
        let (mut size, mut end) = (0, RULE | rule);
        let mut add = |steps: &mut SmallVec<[Step<'s>; 4]>, part: Part<'s>, tests: usize| match steps.last_mut() {
            Some(Step::All(parts)) if size + tests <= TESTS => {
                size += tests;
                parts.push(part);
            }
            _ => {
                size = tests;
                steps.push(Step::All(SmallVec::from_slice(&[part])));
            }
        };
        for (_, part) in conjuncts(shape).iter().enumerate().filter(|(number, _)| !settled.contains(number)) {
            match self.size(part) {
                Some(tests) if tests <= TESTS => add(&mut steps, Part::Shape(part), tests),
                Some(_) => match self.alternatives(part) {
                    Some(alternatives) => steps.push(Step::Any(alternatives)),
                    None => match part {
                        Shape::Literal(number) => {
                            let tests = self.tests(*number).map_or(&[][..], |tests| &tests.tests[..]);
                            tests.chunks(TESTS).for_each(|some| add(&mut steps, Part::Tests(some, true), some.len()));
                        }
                        _ => end |= PROGRAM,
                    },
                },
                None => end |= PROGRAM,
            }
        }
        let mut next = end;
        let mut first = Record { table: u16::MAX, yes: next, ..NOTHING };
        for (number, step) in steps.iter().enumerate().rev() {
            let mut put = |records: &mut Self, record: Record, is_first: bool| {
                first = record;
                if is_first { REJECT } else { records.push(record) }
            };
            match step {
                Step::All(parts) => {
                    let record = self.record(parts, true, next, REJECT);
                    next = put(self, record, number == 0);
                }
                Step::Any(alternatives) => {
                    let mut no = REJECT;
                    for (place, parts) in alternatives.iter().enumerate().rev() {
                        let record = self.record(parts, false, next, no);
                        no = put(self, record, number == 0 && place == 0);
                    }
                    next = no;
                }
            }
        }
        first
    }

    fn push(&mut self, record: Record) -> u32 {
        self.more.push(record);
        u32::try_from(self.before + self.more.len() - 1).ok().filter(|number| *number < PROGRAM).unwrap_or(REJECT)
    }

    fn tests(&self, literal: u32) -> Option<&'s Tests> {
        self.literals.get(literal as usize)?.as_ref()
    }

    /// How many tests a shape has; `None` when its program must decide it.
    fn size(&self, shape: &Shape) -> Option<usize> {
        match shape {
            Shape::Literal(number) => self.tests(*number).map(|tests| tests.tests.len()),
            Shape::And(parts) | Shape::Or(parts) => parts.iter().map(|part| self.size(part)).sum(),
        }
    }

    /// A part with many tests as records any of which is enough.
    fn alternatives(&self, part: &'s Shape) -> Option<Vec<SmallVec<[Part<'s>; 4]>>> {
        let mut all: Vec<SmallVec<[Part<'s>; 4]>> = Vec::new();
        let mut size = TESTS;
        let mut add = |part: Part<'s>, tests: usize| {
            match all.last_mut() {
                Some(parts) if size + tests <= TESTS => parts.push(part),
                _ => {
                    size = 0;
                    all.push(SmallVec::from_slice(&[part]));
                }
            }
            size += tests;
        };
        let whole = std::slice::from_ref(part);
        for one in if let Shape::Or(parts) = part { parts } else { whole } {
            match (self.size(one)?, one) {
                (tests @ 0..=TESTS, _) => add(Part::Shape(one), tests),
                (_, Shape::Literal(number)) => {
                    let tests = self.tests(*number).filter(|tests| !tests.all)?;
                    tests.tests.chunks(TESTS).for_each(|some| add(Part::Tests(some, false), some.len()));
                }
                _ => return None,
            }
        }
        Some(all)
    }

    fn record(&self, parts: &[Part<'s>], all: bool, yes: u32, no: u32) -> Record {
        let mut record = Record { yes, no, ..NOTHING };
        let mut used = 0;
        let outcomes = parts.iter().map(|part| match part {
            Part::Shape(shape) => self.add(shape, &mut record.tests, &mut used),
            Part::Tests(tests, all) => add(tests, *all, &mut record.tests, &mut used),
        });
        record.table = joined(outcomes, all);
        record
    }

    /// Adds the tests of a shape: the outcomes for which it holds.
    fn add(&self, shape: &Shape, tests: &mut [Piece; TESTS], used: &mut usize) -> u16 {
        match shape {
            Shape::Literal(number) => self.tests(*number).map_or(0, |one| add(&one.tests, one.all, tests, used)),
            Shape::And(parts) => joined(parts.iter().map(|part| self.add(part, tests, used)), true),
            Shape::Or(parts) => joined(parts.iter().map(|part| self.add(part, tests, used)), false),
        }
    }
}

fn add(more: &[Piece], all: bool, tests: &mut [Piece; TESTS], used: &mut usize) -> u16 {
    let outcomes = more.iter().map(|test| {
        let Some(place) = tests.get_mut(*used) else { return 0 };
        *place = *test;
        *used += 1;
        HOLDS[*used - 1]
    });
    joined(outcomes, all)
}

fn joined(outcomes: impl Iterator<Item = u16>, all: bool) -> u16 {
    if all { outcomes.fold(u16::MAX, |a, b| a & b) } else { outcomes.fold(0, |a, b| a | b) }
}
