use crate::expr::RunTexts;
use hashbrown::HashTable;
use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// Distinct texts of one strand, each with a small number. Numbers are given in order of arrival and never shown outside.
#[derive(Debug, Clone, Default)]
pub(super) struct Texts {
    bytes: String,
    ends: Vec<u32>,
    index: HashTable<u32>,
}

/// The number of a text; 0 stands for "none".
pub(super) type Code = u32;

impl Texts {
    /// The number of `text`, and whether it is new. `None` when the strand holds more than 4 GiB of text.
    pub(super) fn intern(&mut self, text: &str) -> Option<(Code, bool)> {
        let hash = hash(text);
        if let Some(code) = self.index.find(hash, |code| get(&self.bytes, &self.ends, *code) == text) {
            return Some((*code, false));
        }
        let end = u32::try_from(self.bytes.len() + text.len()).ok()?;
        let code = u32::try_from(self.ends.len() + 1).ok()?;
        self.bytes.push_str(text);
        self.ends.push(end);
        let (bytes, ends) = (&self.bytes, &self.ends);
        self.index.insert_unique(hash, code, |code| self::hash(get(bytes, ends, *code)));
        Some((code, true))
    }

    /// Texts one after the other, each ending where `ends` says. `None` when one stands there twice.
    pub(super) fn from_parts(bytes: &str, ends: Vec<u32>) -> Option<Self> {
        let mut texts = Texts { bytes: bytes.to_owned(), index: HashTable::with_capacity(ends.len()), ends };
        for code in 1..=u32::try_from(texts.ends.len()).ok()? {
            let text = get(&texts.bytes, &texts.ends, code);
            let hash = hash(text);
            let same = |code: &u32| get(&texts.bytes, &texts.ends, *code) == text;
            if texts.index.find(hash, same).is_some() {
                return None;
            }
            texts.index.insert_unique(hash, code, |code| self::hash(get(&texts.bytes, &texts.ends, *code)));
        }
        Some(texts)
    }

    /// The number of a text that is there.
    pub(super) fn find(&self, text: &str) -> Option<Code> {
        self.index.find(hash(text), |code| get(&self.bytes, &self.ends, *code) == text).copied()
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
    pub(super) fn as_run(&self) -> RunTexts<'_> {
        RunTexts { bytes: &self.bytes, ends: &self.ends }
    }

    /// Bytes in use, roughly.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4 + self.index.allocation_size()
    }
}

fn get<'a>(bytes: &'a str, ends: &'a [u32], code: Code) -> &'a str {
    RunTexts { bytes, ends }.get(code)
}

/// SipHash with fixed keys: the same in every process; order of the table is never seen.
fn hash(text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}
