use super::links::{Saying, Turn};
use crate::customer::{Event, EventError, Identifier, Named, Prepared, Reserved, tag};
use crate::encoding::{Content, Reader, StateError, Writer, open, seal, sections};
use crate::engine::Engine;
use crate::value::Timestamp;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;

/// Shorter keys could be guessed.
const LEAST_KEY: usize = 16;

/// Whose hash tells one key from another; no identifier reads like that.
const CHECK: &[u8] = b"tactful erasure key";

type Hash = [u8; 32];

/// Who was erased: hashes under a key that only the host keeps, each with the instant up to which nothing is taken in again. A base
/// has its own; a host that keeps customers itself gives them to [`Engine::erase`](crate::Engine::erase).
#[derive(Clone, Default)]
pub struct Tombstones {
    /// Given by the host; never written.
    key: Option<Key>,
    /// What [`CHECK`] hashes to under the key of the tombstones.
    check: Option<Hash>,
    erased: BTreeMap<Hash, Timestamp>,
    /// The last of these instants.
    latest: Option<Timestamp>,
}

/// HMAC-SHA-256 (RFC 2104) with the key already taken in.
#[derive(Clone)]
struct Key {
    inner: Sha256,
    outer: Sha256,
}

impl Key {
    fn new(key: &[u8]) -> Self {
        let mut block = [0_u8; 64];
        if key.len() > block.len() {
            block.iter_mut().zip(Sha256::digest(key)).for_each(|(place, byte)| *place = byte);
        } else {
            block.iter_mut().zip(key).for_each(|(place, byte)| *place = *byte);
        }
        let padded = |pad: u8| Sha256::new_with_prefix(block.map(|byte| byte ^ pad));
        Key { inner: padded(0x36), outer: padded(0x5c) }
    }

    fn hash(&self, text: &[u8]) -> Hash {
        let inner = self.inner.clone().chain_update(text).finalize();
        self.outer.clone().chain_update(inner).finalize().into()
    }
}

impl Tombstones {
    /// Of nobody yet, under a key of at least 16 bytes that the host keeps.
    ///
    /// # Errors
    /// [`EventError`] with code `erasure_key` for a key that is too short.
    pub fn new(key: &[u8]) -> Result<Self, EventError> {
        let mut tombstones = Tombstones::default();
        tombstones.unlock(key)?;
        Ok(tombstones)
    }

    /// How many identifiers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.erased.len()
    }

    /// Whether an event may be recorded: none of its identifiers was of a customer who was erased after it.
    ///
    /// # Errors
    /// [`EventError`] with code `erased`, or for an identifier.
    pub fn check(&self, engine: &Engine, event: &Event) -> Result<(), EventError> {
        let at = event.known_at.map_or(event.time, |known_at| event.time.min(known_at));
        for identifier in &event.identifiers {
            let identifier = engine.identity().read(identifier)?;
            if self.until(&identifier)?.is_some_and(|until| at <= until) {
                return Err(refused());
            }
        }
        Ok(())
    }

    /// As bytes, without the key.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = open(Content::Tombstones);
        writer.section(tag::TOMBSTONES, 1, |writer| self.write(writer));
        seal(writer)
    }

    /// Out of the bytes that [`to_bytes`](Self::to_bytes) wrote, and their key.
    ///
    /// # Errors
    /// [`StateError`] for bytes that are damaged or of a newer format, with code `erasure_key` for another key.
    pub fn from_bytes(bytes: &[u8], key: &[u8]) -> Result<Self, StateError> {
        let mut found = None;
        for part in sections(bytes, Content::Tombstones)? {
            let part = part?;
            if part.tag == tag::TOMBSTONES && part.version == 1 && found.is_none() {
                found = Some(Self::read(part.body)?);
            } else {
                return Err(part.body.corrupt("tombstones, once"));
            }
        }
        let mut tombstones = found.unwrap_or_default();
        tombstones.unlock(key).map_err(|error| StateError::new(error.code(), 0, error.message().to_owned()))?;
        Ok(tombstones)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.erased.is_empty()
    }

    /// Takes the key in.
    pub(super) fn unlock(&mut self, key: &[u8]) -> Result<(), EventError> {
        if key.len() < LEAST_KEY {
            let message = format!("expected a key of at least {LEAST_KEY} bytes that nobody can guess");
            return Err(EventError::new("erasure_key", "key", message));
        }
        let key = Key::new(key);
        let check = key.hash(CHECK);
        if self.check.is_some_and(|own| own != check) {
            let message = "the tombstones of the base were made with another key, which is the one to give";
            return Err(EventError::new("erasure_key", "key", message));
        }
        (self.key, self.check) = (Some(key), Some(check));
        Ok(())
    }

    fn key(&self) -> Result<&Key, EventError> {
        let message = "customers were erased from the base, and only their key tells who; give the key first";
        self.key.as_ref().ok_or_else(|| EventError::new("erasure_key", "key", message))
    }

    /// Hexadecimal digits of what a text hashes to under the key.
    pub(super) fn hash(&self, text: &str) -> Result<String, EventError> {
        Ok(hexadecimal(&self.key()?.hash(text.as_bytes())))
    }

    /// Up to when somebody was erased.
    pub(super) fn until(&self, identifier: &Identifier) -> Result<Option<Timestamp>, EventError> {
        if self.is_empty() {
            return Ok(None);
        }
        Ok(self.erased.get(&self.key()?.hash(identifier.as_str().as_bytes())).copied())
    }

    /// Sets one, or lets it hold for longer.
    pub(super) fn set(&mut self, identifier: &Identifier, until: Timestamp) -> Result<(), EventError> {
        let hash = self.key()?.hash(identifier.as_str().as_bytes());
        let own = self.erased.entry(hash).or_insert(until);
        *own = (*own).max(until);
        self.latest = self.latest.max(Some(until));
        Ok(())
    }

    /// Lets an event in that is about nobody who was erased. Identifiers that it merely names besides are left out: gives what
    /// remains of what it says, and those.
    pub(super) fn admit(
        &self,
        named: &Named<'_>,
        sayings: Vec<Saying>,
        event: &Prepared<'_>,
        reserved: &Reserved,
    ) -> Result<(Vec<Saying>, Vec<Identifier>), EventError> {
        let at = event.time.min(event.known_at);
        if self.latest.is_none_or(|latest| at > latest) {
            return Ok((sayings, Vec::new()));
        }
        let erased = |identifier: &Identifier| self.until(identifier).map(|until| until.is_some_and(|until| at <= until));
        if erased(&named.primary)? {
            return Err(refused());
        }
        let link = event.kind == reserved.linked || event.kind == reserved.unlinked;
        let (mut kept, mut left) = (Vec::with_capacity(sayings.len()), Vec::new());
        for saying in sayings {
            let other = match &saying {
                Saying::Pair(a, b, _) => Some(if *a == *named.primary { b } else { a }),
                Saying::Revoke(..) => None,
            };
            match other {
                Some(other) if erased(other)? => {
                    if link {
                        return Err(refused());
                    }
                    left.push(other.clone());
                }
                _ => kept.push(saying),
            }
        }
        Ok((kept, left))
    }

    /// Lets an event in that relates somebody to another who was not erased.
    pub(super) fn admit_other(&self, other: &Identifier, event: &Prepared<'_>) -> Result<(), EventError> {
        let at = event.time.min(event.known_at);
        if self.latest.is_none_or(|latest| at > latest) {
            return Ok(());
        }
        if self.until(other)?.is_some_and(|until| at <= until) { Err(refused()) } else { Ok(()) }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        writer.raw(&self.check.unwrap_or_default());
        writer.size(self.erased.len());
        for (hash, until) in &self.erased {
            writer.raw(hash);
            writer.signed(until.micros());
        }
    }

    pub(super) fn read(mut reader: Reader<'_>) -> Result<Self, StateError> {
        let mut tombstones = Tombstones { check: Some(read_hash(&mut reader)?), ..Tombstones::default() };
        let count = reader.count(33)?;
        for _ in 0..count {
            let hash = read_hash(&mut reader)?;
            if tombstones.erased.last_key_value().is_some_and(|(last, _)| *last >= hash) {
                return Err(reader.corrupt("tombstones in order"));
            }
            let until = reader.time()?;
            tombstones.erased.insert(hash, until);
            tombstones.latest = tombstones.latest.max(Some(until));
        }
        reader.end()?;
        Ok(tombstones)
    }
}

fn read_hash(reader: &mut Reader<'_>) -> Result<Hash, StateError> {
    let mut hash = Hash::default();
    hash.iter_mut().zip(reader.take(32)?).for_each(|(place, byte)| *place = *byte);
    Ok(hash)
}

fn refused() -> EventError {
    let message = "the event is about a customer who was erased after it; only later events are taken in";
    EventError::new("erased", "identifiers", message)
}

/// The last instant that a word about identifiers reaches.
pub(super) fn last((time, _, _): &Turn, known_at: Timestamp) -> Timestamp {
    (*time).max(known_at)
}

fn hexadecimal(hash: &Hash) -> String {
    use std::fmt::Write;
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// How many, and neither the key nor whom.
impl fmt::Debug for Tombstones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tombstones").field("erased", &self.erased.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{Key, hexadecimal};

    /// Cases 1, 2 and 6 of RFC 4231.
    #[test]
    fn hashes_are_those_of_the_standard() {
        let hash = |key: &[u8], text: &[u8]| hexadecimal(&Key::new(key).hash(text));
        assert_eq!(hash(&[0x0b; 20], b"Hi There"), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        assert_eq!(
            hash(b"Jefe", b"what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
        assert_eq!(
            hash(&[0xaa; 131], b"Test Using Larger Than Block-Size Key - Hash Key First"),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        );
    }
}
