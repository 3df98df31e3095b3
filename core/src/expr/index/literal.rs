//! Literals: comparisons of one fact with constants, as the sets of values for which they are known to be true.

use super::ranges::Ranges;
use crate::expr::ast::BinaryOp;
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::hash::{BuildHasherDefault, Hasher};

/// The number of a fact, or of whether it is told, among those that the rules read.
pub(in crate::expr) type SlotId = u16;

/// What makes a rule true in part. Known to be true or not: there is no third value here.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::expr) enum Literal {
    /// The value's key is in the set.
    Keys { slot: SlotId, ranges: Ranges },
    /// The text is one of the constants, or is known and none of them.
    Texts { slot: SlotId, constants: Constants, within: bool },
    /// The text stands so against a constant.
    TextOrder { slot: SlotId, op: BinaryOp, constant: u32 },
    /// The list has one of the constants, or is known and has none of them.
    Elements { slot: SlotId, constants: Constants, within: bool },
    /// The reference says so.
    Opaque { part: u32, wanted: bool },
}

/// Numbers of constants of a slot, sorted, without repetition.
pub(in crate::expr) type Constants = SmallVec<[u32; 4]>;

/// Gives equal things one number, in the order in which they come.
#[derive(Debug, Clone)]
pub(in crate::expr) struct Interner<T> {
    numbers: HashMap<T, u32, BuildHasherDefault<Fold>>,
    all: Vec<T>,
}

impl<T> Default for Interner<T> {
    fn default() -> Self {
        Interner { numbers: HashMap::default(), all: Vec::new() }
    }
}

impl<T: Clone + Eq + std::hash::Hash> Interner<T> {
    pub(in crate::expr) fn number(&mut self, thing: T) -> u32 {
        if let Some(number) = self.numbers.get(&thing) {
            return *number;
        }
        let number = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        self.numbers.insert(thing.clone(), number);
        self.all.push(thing);
        number
    }

    pub(in crate::expr) fn all(&self) -> &[T] {
        &self.all
    }
}

/// A declared, fast hash: words of eight bytes, each folded in by a rotation and a multiplication. Only for tables that are
/// filled from rules, whose look-ups cost the same whatever is asked for.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::expr) struct Fold(u64);

impl Fold {
    #[inline]
    fn fold(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}

impl Hasher for Fold {
    #[inline]
    fn finish(&self) -> u64 {
        // The high bits are the good ones; tables look at both ends.
        self.0 ^ (self.0 >> 32)
    }

    #[inline]
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        let mut last = [0; 8];
        for (to, from) in last.iter_mut().zip(rest) {
            *to = *from;
        }
        if !rest.is_empty() {
            self.fold(u64::from_le_bytes(last));
        }
    }

    #[inline]
    fn write_u8(&mut self, byte: u8) {
        self.fold(u64::from(byte));
    }

    #[inline]
    fn write_u16(&mut self, number: u16) {
        self.fold(u64::from(number));
    }

    #[inline]
    fn write_u32(&mut self, number: u32) {
        self.fold(u64::from(number));
    }

    #[inline]
    fn write_u64(&mut self, number: u64) {
        self.fold(number);
    }

    #[inline]
    fn write_usize(&mut self, number: usize) {
        self.fold(number as u64);
    }
}

/// A table from texts to numbers.
pub(in crate::expr) type TextTable = HashMap<Box<str>, u32, BuildHasherDefault<Fold>>;
