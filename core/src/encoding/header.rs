use super::{Reader, StateError, Writer, hash64};

/// The version of the format that is written.
const FORMAT: u16 = 1;

const MAGIC: &[u8; 4] = b"TACT";
const HEADER: usize = 16;

/// What a state holds; the fifth byte of its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Customer,
    Base,
    Trends,
    Snapshot,
    Tombstones,
    Map,
    Transitions,
    Forecast,
}

impl Content {
    fn letter(self) -> u8 {
        match self {
            Content::Customer => b'C',
            Content::Base => b'B',
            Content::Trends => b'T',
            Content::Snapshot => b'S',
            Content::Tombstones => b'E',
            Content::Map => b'M',
            Content::Transitions => b'N',
            Content::Forecast => b'F',
        }
    }

    fn name(self) -> &'static str {
        match self {
            Content::Customer => "a customer",
            Content::Base => "a customer base",
            Content::Trends => "trends",
            Content::Snapshot => "a snapshot of trends",
            Content::Tombstones => "tombstones",
            Content::Map => "a journey map",
            Content::Transitions => "transitions",
            Content::Forecast => "a forecast",
        }
    }

    fn of(letter: u8) -> Option<Self> {
        let all = [
            Content::Customer,
            Content::Base,
            Content::Trends,
            Content::Snapshot,
            Content::Tombstones,
            Content::Map,
            Content::Transitions,
            Content::Forecast,
        ];
        all.into_iter().find(|content| content.letter() == letter)
    }
}

/// A section that the reader does not know, kept to be written back as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) tag: u64,
    pub(crate) version: u64,
    pub(crate) bytes: Box<[u8]>,
}

/// One section as it stands in the bytes.
pub(crate) struct Part<'a> {
    pub(crate) tag: u64,
    pub(crate) version: u64,
    pub(crate) body: Reader<'a>,
}

impl Part<'_> {
    /// The section as it is to be kept.
    pub(crate) fn keep(&self) -> Section {
        Section { tag: self.tag, version: self.version, bytes: self.body.rest().into() }
    }
}

/// A writer that begins with room for the header.
pub(crate) fn open(content: Content) -> Writer {
    let mut writer = Writer::with_capacity(1024);
    writer.raw(MAGIC);
    writer.raw(&[content.letter(), 0]);
    writer.raw(&FORMAT.to_le_bytes());
    writer.raw(&[0; 8]);
    writer
}

/// Fills in the checksum over everything behind the header.
pub(crate) fn seal(writer: Writer) -> Vec<u8> {
    let mut bytes = writer.into_bytes();
    if let Some((header, body)) = bytes.split_at_mut_checked(HEADER)
        && let Some(place) = header.get_mut(8..)
    {
        place.copy_from_slice(&hash64(body).to_le_bytes());
    }
    bytes
}

/// Checks the header and the checksum, and gives the sections one after the other.
pub(crate) fn sections(
    bytes: &[u8],
    content: Content,
) -> Result<impl Iterator<Item = Result<Part<'_>, StateError>>, StateError> {
    let Some((header, body)) = bytes.split_at_checked(HEADER) else {
        let begins = MAGIC.starts_with(bytes.get(..4).unwrap_or(bytes));
        let code = if begins && !bytes.is_empty() { "truncated" } else { "not_state" };
        return Err(StateError::new(code, bytes.len(), "expected a header of 16 bytes"));
    };
    if header.get(..4) != Some(MAGIC) {
        return Err(StateError::new("not_state", 0, "expected bytes that begin with `TACT`, as `to_bytes` writes them"));
    }
    let found = header.get(4).and_then(|letter| Content::of(*letter));
    if found != Some(content) {
        let found = found.map_or("something else", Content::name);
        return Err(StateError::new(
            "not_state",
            4,
            format!("expected the bytes of {}, found those of {found}", content.name()),
        ));
    }
    let format = u16::from_le_bytes([header.get(6).copied().unwrap_or(0), header.get(7).copied().unwrap_or(0)]);
    if format > FORMAT {
        let message = format!("format {format} is newer than {FORMAT}, the newest that this version reads");
        return Err(StateError::new("newer_format", 6, message));
    }
    if format == 0 || header.get(5) != Some(&0) {
        return Err(StateError::corrupt(5, "a zero and a format version"));
    }
    if header.get(8..) != Some(&hash64(body).to_le_bytes()) {
        let message = "the checksum does not agree with the bytes; they were cut short or changed";
        return Err(StateError::new("damaged", 8, message));
    }
    let mut reader = Reader::new(body, HEADER);
    Ok(std::iter::from_fn(move || {
        if reader.is_empty() {
            return None;
        }
        let part = (|| {
            let (tag, version) = (reader.varint()?, reader.varint()?);
            let length = reader.count(1)?;
            Ok(Part { tag, version, body: reader.part(length)? })
        })();
        if part.is_err() {
            // What follows a broken section cannot be told from it.
            reader = Reader::new(&[], 0);
        }
        Some(part)
    }))
}
