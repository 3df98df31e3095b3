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

    /// The text of a number; empty for 0.
    pub(super) fn get(&self, code: Code) -> &str {
        get(&self.bytes, &self.ends, code)
    }

    /// Bytes in use, roughly.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * 4 + self.index.allocation_size()
    }
}

fn get<'a>(bytes: &'a str, ends: &[u32], code: Code) -> &'a str {
    let place = code as usize;
    let end = place.checked_sub(1).and_then(|place| ends.get(place)).copied().unwrap_or(0);
    let start = place.checked_sub(2).and_then(|place| ends.get(place)).copied().unwrap_or(0);
    bytes.get(start as usize..end as usize).unwrap_or("")
}

/// SipHash with fixed keys: the same in every process; order of the table is never seen.
fn hash(text: &str) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one(text)
}
