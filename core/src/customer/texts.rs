use super::track::put;
use crate::expr::RunTexts;
use hashbrown::HashTable;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// Distinct texts of one strand, each with a small number. Numbers are given in order of arrival and never shown outside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Texts {
    bytes: String,
    ends: Vec<u32>,
    /// While there are few: a short hash of each, looked through one after the other. Most customers have few.
    hashes: Vec<u8>,
    /// When there are many.
    index: Option<Box<HashTable<u32>>>,
}

/// The lowest bit of each of eight bytes.
const LOW: u64 = 0x0101_0101_0101_0101;

/// How many are few.
const FEW: usize = 64;

/// The number of a text; 0 stands for "none".
pub(crate) type Code = u32;

impl Texts {
    /// The number of `text`, and whether it is new. `None` when the strand holds more than 4 GiB of text.
    pub(crate) fn intern(&mut self, text: &str) -> Option<(Code, bool)> {
        if let Some(code) = self.find(text) {
            return Some((code, false));
        }
        let end = u32::try_from(self.bytes.len() + text.len()).ok()?;
        let code = u32::try_from(self.ends.len() + 1).ok()?;
        if self.bytes.capacity() - self.bytes.len() < text.len() {
            self.bytes.reserve_exact(text.len().max(self.bytes.len() / 8).max(32));
        }
        self.bytes.push_str(text);
        let place = self.ends.len();
        put(&mut self.ends, place, end);
        if self.index.is_none() && self.ends.len() <= FEW {
            put(&mut self.hashes, place, byte_hash(text));
            return Some((code, true));
        }
        let (bytes, ends) = (&self.bytes, &self.ends);
        let again = |code: &u32| hash(get(bytes, ends, *code));
        if let Some(index) = &mut self.index {
            index.insert_unique(hash(text), code, again);
        } else {
            let mut index = HashTable::with_capacity(2 * FEW);
            for code in 1..=code {
                index.insert_unique(again(&code), code, again);
            }
            self.index = Some(Box::new(index));
            self.hashes = Vec::new();
        }
        Some((code, true))
    }

    /// Texts one after the other, each ending where `ends` says. `None` when one stands there twice.
    pub(super) fn from_parts(bytes: &str, ends: Vec<u32>) -> Option<Self> {
        let mut texts = Texts { bytes: String::with_capacity(bytes.len()), ..Texts::default() };
        texts.ends.reserve(ends.len());
        for code in 1..=u32::try_from(ends.len()).ok()? {
            let (_, new) = texts.intern(get(bytes, &ends, code))?;
            if !new {
                return None;
            }
        }
        Some(texts)
    }

    /// The number of a text that is there.
    pub(super) fn find(&self, text: &str) -> Option<Code> {
        let is = |code: &u32| get(&self.bytes, &self.ends, *code) == text;
        if let Some(index) = &self.index {
            return index.find(hash(text), is).copied();
        }
        let wanted = byte_hash(text);
        let (eights, rest) = self.hashes.as_chunks::<8>();
        let mut code: Code = 1;
        for eight in eights {
            // A byte of the difference is zero where a hash is the wanted one; above such a byte another one may seem to be.
            let differs = u64::from_le_bytes(*eight) ^ (u64::from(wanted) * LOW);
            let mut hits = differs.wrapping_sub(LOW) & !differs & (LOW << 7);
            while hits != 0 {
                let hit = code + hits.trailing_zeros() / 8;
                if is(&hit) {
                    return Some(hit);
                }
                hits &= hits - 1;
            }
            code += 8;
        }
        (code..).zip(rest).filter(|(_, hash)| **hash == wanted).map(|(code, _)| code).find(is)
    }

    /// A word of whatever the next text is going to touch.
    #[inline]
    pub(super) fn warm(&self) -> u64 {
        let end = self.ends.last().map_or(0, |end| u64::from(*end));
        let hash = self.hashes.last().map_or(0, |hash| u64::from(*hash));
        let bytes = self.bytes.as_bytes();
        end ^ hash ^ bytes.last().map_or(0, |byte| u64::from(*byte)) ^ bytes.first().map_or(0, |byte| u64::from(*byte))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text of a number; empty for 0.
    pub(super) fn get(&self, code: Code) -> &str {
        get(&self.bytes, &self.ends, code)
    }

    /// The texts as an evaluator reads them.
    pub(crate) fn as_run(&self) -> RunTexts<'_> {
        RunTexts { bytes: &self.bytes, ends: &self.ends }
    }

    /// Bytes in use, roughly.
    pub(super) fn memory(&self) -> usize {
        let index = self.index.as_ref().map_or(0, |index| index.allocation_size() + size_of::<HashTable<u32>>());
        self.bytes.capacity() + self.ends.capacity() * 4 + self.hashes.capacity() + index
    }
}

fn get<'a>(bytes: &'a str, ends: &'a [u32], code: Code) -> &'a str {
    RunTexts { bytes, ends }.get(code)
}

/// A hash of a byte for a few texts, where many equal ones cost nothing much.
fn byte_hash(text: &str) -> u8 {
    (short_hash(text) >> 56) as u8
}

/// A quick hash for tables where many texts of one hash cost nothing much: eight bytes at a time, multiplied by an odd constant. The same in
/// every process.
pub(crate) fn short_hash(text: &str) -> u64 {
    let mut hash = text.len() as u64;
    let mut mix = |word: u64| {
        let wide = u128::from(hash ^ word) * u128::from(0x9e37_79b9_7f4a_7c15_u64);
        hash = (wide as u64) ^ (wide >> 64) as u64 ^ word.rotate_left(32);
    };
    let (eights, rest) = text.as_bytes().as_chunks::<8>();
    eights.iter().for_each(|eight| mix(u64::from_le_bytes(*eight)));
    if !rest.is_empty() {
        mix(rest.iter().rev().fold(0, |word, byte| word << 8 | u64::from(*byte)));
    }
    hash.wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// SipHash with fixed keys: the same in every process; order of the table is never seen.
fn hash(text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}
