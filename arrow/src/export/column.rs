use crate::error::ArrowError;
use std::collections::BTreeMap;
use std::ffi::c_void;
use std::sync::Arc;
use tactful::Timestamp;

/// What an owned column holds. Every kind may be null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// Truth values.
    Bool,
    /// 64-bit signed integers.
    Int,
    /// Doubles.
    Double,
    /// Text.
    Text,
    /// Text of which each distinct one is kept once.
    Dictionary,
    /// Instants in microseconds, UTC.
    Timestamp,
    /// Lists of text.
    TextList,
}

impl Kind {
    pub(super) fn format(self) -> &'static std::ffi::CStr {
        match self {
            Kind::Bool => c"b",
            Kind::Int => c"l",
            Kind::Double => c"g",
            Kind::Text => c"u",
            Kind::Dictionary => c"i",
            Kind::Timestamp => c"tsu:UTC",
            Kind::TextList => c"+l",
        }
    }
}

/// A column with buffers of its own, shared between clones, slices and exports.
#[derive(Debug, Clone)]
pub struct OwnedColumn {
    kind: Kind,
    parts: Arc<Parts>,
    start: usize,
    rows: usize,
}

/// The memory of a column.
#[derive(Debug)]
pub(super) struct Parts {
    nulls: Nulls,
    buffers: Vec<Buffer>,
    /// The texts of lists.
    pub(super) items: Option<OwnedColumn>,
    /// The entries of a dictionary.
    pub(super) entries: Option<OwnedColumn>,
}

#[derive(Debug)]
enum Buffer {
    Bytes(Vec<u8>),
    I32(Vec<i32>),
    I64(Vec<i64>),
    F64(Vec<f64>),
}

/// A bit per row, set where there is a value.
#[derive(Debug, Default)]
struct Nulls {
    bits: Vec<u8>,
    rows: usize,
    count: usize,
}

impl Nulls {
    fn push(&mut self, known: bool) {
        push_bit(&mut self.bits, self.rows, known);
        self.rows += 1;
        self.count += usize::from(!known);
    }
}

fn push_bit(bits: &mut Vec<u8>, row: usize, bit: bool) {
    if row.is_multiple_of(8) {
        bits.push(0);
    }
    if let Some(byte) = bits.last_mut() {
        *byte |= u8::from(bit) << (row % 8);
    }
}

impl OwnedColumn {
    fn new(kind: Kind, nulls: Nulls, buffers: Vec<Buffer>) -> Self {
        let rows = nulls.rows;
        OwnedColumn { kind, parts: Arc::new(Parts { nulls, buffers, items: None, entries: None }), start: 0, rows }
    }

    /// Truth values.
    #[must_use]
    pub fn bools(values: impl IntoIterator<Item = Option<bool>>) -> Self {
        let (mut nulls, mut bits) = (Nulls::default(), Vec::new());
        for value in values {
            push_bit(&mut bits, nulls.rows, value.unwrap_or(false));
            nulls.push(value.is_some());
        }
        Self::new(Kind::Bool, nulls, vec![Buffer::Bytes(bits)])
    }

    /// Whole numbers.
    #[must_use]
    pub fn ints(values: impl IntoIterator<Item = Option<i64>>) -> Self {
        let (nulls, numbers) = filled(values);
        Self::new(Kind::Int, nulls, vec![Buffer::I64(numbers)])
    }

    /// Doubles.
    #[must_use]
    pub fn doubles(values: impl IntoIterator<Item = Option<f64>>) -> Self {
        let (nulls, numbers) = filled(values);
        Self::new(Kind::Double, nulls, vec![Buffer::F64(numbers)])
    }

    /// Instants.
    #[must_use]
    pub fn timestamps(values: impl IntoIterator<Item = Option<Timestamp>>) -> Self {
        let (nulls, micros) = filled(values.into_iter().map(|time| time.map(Timestamp::micros)));
        Self::new(Kind::Timestamp, nulls, vec![Buffer::I64(micros)])
    }

    /// Text.
    ///
    /// # Errors
    /// [`ArrowError::TooLarge`] from 2 GiB on.
    pub fn texts<T: AsRef<str>>(values: impl IntoIterator<Item = Option<T>>) -> Result<Self, ArrowError> {
        let (mut nulls, mut offsets, mut bytes) = (Nulls::default(), vec![0], Vec::new());
        for value in values {
            if let Some(value) = &value {
                bytes.extend_from_slice(value.as_ref().as_bytes());
            }
            offsets.push(offset(bytes.len())?);
            nulls.push(value.is_some());
        }
        Ok(Self::new(Kind::Text, nulls, vec![Buffer::I32(offsets), Buffer::Bytes(bytes)]))
    }

    /// Text of few different values, such as the names of offers: each is kept once, in the order of first appearance.
    ///
    /// # Errors
    /// [`ArrowError::TooLarge`] when the different values take 2 GiB or more.
    pub fn dictionary<T: AsRef<str>>(values: impl IntoIterator<Item = Option<T>>) -> Result<Self, ArrowError> {
        let mut entries: Vec<Arc<str>> = Vec::new();
        let mut known: BTreeMap<Arc<str>, i32> = BTreeMap::new();
        let (mut nulls, mut indices) = (Nulls::default(), Vec::new());
        for value in values {
            let index = match value.as_ref().map(AsRef::as_ref) {
                None => 0,
                Some(text) => match known.get(text) {
                    Some(index) => *index,
                    None => {
                        let (entry, index) = (Arc::<str>::from(text), offset(entries.len())?);
                        entries.push(entry.clone());
                        known.insert(entry, index);
                        index
                    }
                },
            };
            indices.push(index);
            nulls.push(value.is_some());
        }
        let entries = Self::texts(entries.into_iter().map(Some))?;
        let rows = nulls.rows;
        let parts = Parts { nulls, buffers: vec![Buffer::I32(indices)], items: None, entries: Some(entries) };
        Ok(OwnedColumn { kind: Kind::Dictionary, parts: Arc::new(parts), start: 0, rows })
    }

    /// Lists of text.
    ///
    /// # Errors
    /// [`ArrowError::TooLarge`] when all texts together take 2 GiB or more.
    pub fn text_lists<L, T>(values: impl IntoIterator<Item = Option<L>>) -> Result<Self, ArrowError>
    where
        L: IntoIterator<Item = T>,
        T: AsRef<str>,
    {
        let (mut nulls, mut offsets, mut items) = (Nulls::default(), vec![0], Vec::new());
        for value in values {
            nulls.push(value.is_some());
            items.extend(value.into_iter().flatten().map(Some));
            offsets.push(offset(items.len())?);
        }
        let items = Self::texts(items)?;
        let rows = nulls.rows;
        let parts = Parts { nulls, buffers: vec![Buffer::I32(offsets)], items: Some(items), entries: None };
        Ok(OwnedColumn { kind: Kind::TextList, parts: Arc::new(parts), start: 0, rows })
    }

    /// What the column holds.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// How many rows there are.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// At most `rows` rows from row `start` on, without copying; what lies beyond the end is left out.
    #[must_use]
    pub fn slice(&self, start: usize, rows: usize) -> Self {
        let start = start.min(self.rows);
        OwnedColumn { start: self.start + start, rows: rows.min(self.rows - start), ..self.clone() }
    }

    pub(super) fn start(&self) -> usize {
        self.start
    }

    pub(super) fn parts(&self) -> &Parts {
        &self.parts
    }

    /// The number of nulls, or -1 when only their bits tell.
    pub(super) fn null_count(&self) -> i64 {
        let nulls = &self.parts.nulls;
        if nulls.count == 0 || self.rows == nulls.rows { i64::try_from(nulls.count).unwrap_or(-1) } else { -1 }
    }

    /// The validity, null when nothing is, and the buffers after it.
    pub(super) fn pointers(&self) -> Vec<*const c_void> {
        let nulls = &self.parts.nulls;
        let validity = if nulls.count == 0 { std::ptr::null() } else { nulls.bits.as_ptr().cast() };
        std::iter::once(validity).chain(self.parts.buffers.iter().map(Buffer::pointer)).collect()
    }
}

/// What an empty buffer points to, because some consumers want a pointer all the same.
static NOTHING: [u64; 8] = [0; 8];

impl Buffer {
    fn pointer(&self) -> *const c_void {
        let (pointer, empty) = match self {
            Buffer::Bytes(values) => (values.as_ptr().cast(), values.is_empty()),
            Buffer::I32(values) => (values.as_ptr().cast(), values.is_empty()),
            Buffer::I64(values) => (values.as_ptr().cast(), values.is_empty()),
            Buffer::F64(values) => (values.as_ptr().cast(), values.is_empty()),
        };
        if empty { NOTHING.as_ptr().cast() } else { pointer }
    }
}

fn filled<T: Default>(values: impl IntoIterator<Item = Option<T>>) -> (Nulls, Vec<T>) {
    let mut nulls = Nulls::default();
    let filled = values.into_iter().map(|value| {
        nulls.push(value.is_some());
        value.unwrap_or_default()
    });
    let filled = filled.collect();
    (nulls, filled)
}

fn offset(length: usize) -> Result<i32, ArrowError> {
    i32::try_from(length).map_err(|_| ArrowError::TooLarge)
}
