//! Prepared facts: what the rules of a set tell apart about one customer.

use super::key::{KeyType, double_key};
use super::layout::{Coding, Layout, UNKNOWN, key_code, text_code, whole_key};
use crate::expr::{Answer, EventKind, EventRow, FactId, Facts, Read};
use crate::value::{Span, Timestamp, Value, Zone};
use std::ops::ControlFlow;
use std::sync::Arc;
use thiserror::Error;

/// The facts of one customer as a [`RuleSet`](crate::expr::RuleSet) reads them. Facts that were not set are unknown.
///
/// A row belongs to the rule set that made it. Setting a fact takes constant time for truth values, logarithmic in the number
/// of constants that rules compare it with for numbers, and in proportion to its length for text; facts that no rule reads
/// are skipped. Nothing is allocated, except for facts that a rule reads in a way that has no index.
#[derive(Debug, Clone)]
pub struct Row {
    pub(in crate::expr) layout: Arc<Layout>,
    codes: Box<[u32]>,
    /// The elements of all lists.
    elements: Box<[u64]>,
    /// By fact, of those that are kept.
    kept: Box<[Option<Value>]>,
    now: Timestamp,
    zone: Option<Zone>,
}

/// A fact that cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{problem}")]
pub struct RowError {
    path: Option<Arc<str>>,
    problem: RowProblem,
}

#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(in crate::expr) enum RowProblem {
    #[error("`{0}` is not a declared fact")]
    UnknownFact(Arc<str>),
    #[error("`{path}`: expected {expected}, found {found}")]
    WrongType { path: Arc<str>, expected: String, found: String },
    #[error("the facts are no JSON object as expected: {0}")]
    Json(String),
}

impl RowError {
    /// The stable code: `unknown_fact`, `wrong_type` or `bad_json`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match &self.problem {
            RowProblem::UnknownFact(_) => "unknown_fact",
            RowProblem::WrongType { .. } => "wrong_type",
            RowProblem::Json(_) => "bad_json",
        }
    }

    /// The path of the fact, when it is about one.
    #[must_use]
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    pub(in crate::expr) fn json(message: String) -> Self {
        RowError { path: None, problem: RowProblem::Json(message) }
    }

    fn unknown(path: &str) -> Self {
        let path: Arc<str> = path.into();
        RowError { path: Some(path.clone()), problem: RowProblem::UnknownFact(path) }
    }
}

impl Row {
    pub(in crate::expr) fn new(layout: Arc<Layout>, now: Timestamp) -> Self {
        let mut row = Row {
            codes: vec![UNKNOWN; layout.slots.len()].into(),
            elements: vec![0; layout.words].into(),
            kept: if layout.facts.iter().any(|places| places.kept) { vec![None; layout.facts.len()] } else { Vec::new() }
                .into(),
            layout,
            now,
            zone: None,
        };
        row.clear();
        row
    }

    /// Forgets all facts. `now` and the zone stay.
    pub fn clear(&mut self) {
        self.codes.fill(UNKNOWN);
        for (code, slot) in self.codes.iter_mut().zip(&self.layout.slots) {
            if matches!(slot.coding, Coding::Told) {
                *code = 0;
            }
        }
        self.elements.fill(0);
        self.kept.fill(None);
    }

    /// The instant of the question, which only rules that read `now` depend on.
    pub fn set_now(&mut self, now: Timestamp) {
        self.now = now;
    }

    /// The time zone, which only rules that read local time depend on.
    pub fn set_zone(&mut self, zone: Option<Zone>) {
        self.zone = zone;
    }

    /// The number of a fact by its path; it is that of the schema.
    #[must_use]
    pub fn fact_id(&self, path: &str) -> Option<FactId> {
        self.layout.schema.fact(path)
    }

    /// Sets a fact to a value of its declared type, or one that becomes such a value without loss (whole numbers as doubles,
    /// text as time). `null` is unknown.
    ///
    /// # Errors
    /// `wrong_type` for other values, `unknown_fact` when the schema has none of that number. The fact is then unknown.
    pub fn set(&mut self, fact: FactId, value: &Value) -> Result<(), RowError> {
        match value {
            Value::Null => {
                self.forget(fact);
                Ok(())
            }
            Value::String(text) => self.set_text(fact, text),
            Value::Int(number) => self.set_int(fact, *number),
            Value::Double(number) => self.set_double(fact, *number),
            Value::Bool(truth) => self.set_bool(fact, *truth),
            other => self.set_other(fact, other.clone()),
        }
    }

    /// Sets a fact by its path.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    pub fn set_named(&mut self, path: &str, value: &Value) -> Result<(), RowError> {
        let fact = self.fact_id(path).ok_or_else(|| RowError::unknown(path))?;
        self.set(fact, value)
    }

    /// Sets a fact to a truth value.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    #[inline]
    pub fn set_bool(&mut self, fact: FactId, truth: bool) -> Result<(), RowError> {
        self.set_key(fact, |keys| (keys == KeyType::Bool).then_some(u64::from(truth)), || Value::Bool(truth))
    }

    /// Sets a fact to a whole number.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    #[inline]
    pub fn set_int(&mut self, fact: FactId, number: i64) -> Result<(), RowError> {
        self.set_key(fact, |keys| whole_key(keys, number), || Value::Int(number))
    }

    /// Sets a fact to a double.
    ///
    /// # Errors
    /// As [`set`](Self::set); NaN and infinities are no facts.
    #[inline]
    pub fn set_double(&mut self, fact: FactId, number: f64) -> Result<(), RowError> {
        let key = |keys| (keys == KeyType::Double && number.is_finite()).then(|| double_key(number));
        self.set_key(fact, key, || Value::Double(number))
    }

    /// Sets a number or truth value whose key is known at once, or converts the value.
    #[inline]
    fn set_key(
        &mut self,
        fact: FactId,
        key: impl FnOnce(KeyType) -> Option<u64>,
        value: impl FnOnce() -> Value,
    ) -> Result<(), RowError> {
        let places = self.layout.places(fact);
        if !places.kept
            && let Some(slot) = places.value
            && let Some(Coding::Keys { keys, bounds }) = self.layout.slot(slot).map(|slot| &slot.coding)
            && let Some(key) = key(*keys)
        {
            self.codes[usize::from(slot)] = key_code(bounds, key);
            self.tell(fact, true);
            return Ok(());
        }
        self.set_other(fact, value())
    }

    /// Sets a fact to a text.
    ///
    /// # Errors
    /// As [`set`](Self::set).
    #[inline]
    pub fn set_text(&mut self, fact: FactId, text: &str) -> Result<(), RowError> {
        let places = self.layout.places(fact);
        let plain = matches!(self.layout.schema.fact_decl(fact).map(|declared| &declared.ty), Some(crate::value::Type::String));
        if plain
            && !places.kept
            && let Some(slot) = places.value
            && let Some(Coding::Texts { table, sorted, ordered }) = self.layout.slot(slot).map(|slot| &slot.coding)
        {
            self.codes[usize::from(slot)] = text_code(table, sorted, *ordered, text);
            self.tell(fact, true);
            return Ok(());
        }
        self.set_other(fact, Value::text(text))
    }

    /// Begins a list of a fact without elements, whatever it was before.
    pub(in crate::expr) fn begin_list(&mut self, fact: FactId) {
        let places = self.layout.places(fact);
        if let Some(slot) = places.value
            && let Some(Coding::Elements { first, count, .. }) = self.layout.slot(slot).map(|slot| &slot.coding)
        {
            let first = *first as usize / 64;
            let last = first + (*count as usize).div_ceil(64);
            self.elements[first..last].fill(0);
            self.codes[usize::from(slot)] = 0;
        }
        self.tell(fact, true);
    }

    /// Adds a text to a list.
    #[inline]
    pub(in crate::expr) fn push_text(&mut self, fact: FactId, text: &str) {
        if let Some(Coding::Elements { texts, first, .. }) = self.coding(fact)
            && let Some(place) = texts.get(text)
        {
            let bit = first + place;
            self.elements[bit as usize / 64] |= 1 << (bit % 64);
        }
    }

    /// Adds a whole number to a list.
    #[inline]
    pub(in crate::expr) fn push_int(&mut self, fact: FactId, number: i64) {
        if let Some(Coding::Elements { ints, first, .. }) = self.coding(fact)
            && let Some(place) = ints.get(&number)
        {
            let bit = first + place;
            self.elements[bit as usize / 64] |= 1 << (bit % 64);
        }
    }

    fn coding(&self, fact: FactId) -> Option<&Coding> {
        let slot = self.layout.places(fact).value?;
        self.layout.slot(slot).map(|slot| &slot.coding)
    }

    /// Sets a fact to any value.
    fn set_other(&mut self, fact: FactId, value: Value) -> Result<(), RowError> {
        self.forget(fact);
        let layout = self.layout.clone();
        let Some(declared) = layout.schema.fact_decl(fact) else {
            return Err(RowError::unknown(&format!("fact {}", fact.0)));
        };
        let value = value.coerce(&declared.ty).map_err(|misfit| RowError {
            path: Some(declared.path.clone()),
            problem: RowProblem::WrongType { path: declared.path.clone(), expected: misfit.expected, found: misfit.found },
        })?;
        self.put(fact, &layout, value);
        Ok(())
    }

    fn put(&mut self, fact: FactId, layout: &Layout, value: Value) {
        let places = layout.places(fact);
        match (places.value.and_then(|slot| Some((slot, &layout.slot(slot)?.coding))), &value) {
            (Some((slot, Coding::Keys { keys, bounds })), value) => {
                self.codes[usize::from(slot)] = keys.key(value).map_or(UNKNOWN, |key| key_code(bounds, key));
            }
            (Some((slot, Coding::Texts { table, sorted, ordered })), Value::String(text)) => {
                self.codes[usize::from(slot)] = text_code(table, sorted, *ordered, text);
            }
            (Some((_, Coding::Elements { .. })), Value::List(items)) => {
                self.begin_list(fact);
                for item in items.iter() {
                    match item {
                        Value::String(text) => self.push_text(fact, text),
                        Value::Int(number) => self.push_int(fact, *number),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        self.tell(fact, true);
        if places.kept
            && let Some(kept) = self.kept.get_mut(fact.0 as usize)
        {
            *kept = Some(value);
        }
    }

    /// Makes a fact unknown.
    pub fn forget(&mut self, fact: FactId) {
        let places = self.layout.places(fact);
        if let Some(slot) = places.value {
            if let Some(Coding::Elements { .. }) = self.layout.slot(slot).map(|slot| &slot.coding) {
                self.begin_list(fact);
            }
            self.codes[usize::from(slot)] = UNKNOWN;
        }
        self.tell(fact, false);
        if let Some(kept) = self.kept.get_mut(fact.0 as usize) {
            *kept = None;
        }
    }

    #[inline]
    fn tell(&mut self, fact: FactId, told: bool) {
        if let Some(slot) = self.layout.places(fact).told {
            self.codes[usize::from(slot)] = u32::from(told);
        }
    }

    /// Takes over all facts that the rules read, and `now` and the zone.
    ///
    /// # Errors
    /// `wrong_type` when a value is not of the declared type.
    pub fn read(&mut self, facts: &dyn Facts) -> Result<(), RowError> {
        self.clear();
        self.now = facts.now();
        self.zone = facts.zone();
        let layout = self.layout.clone();
        for (number, places) in (0..).zip(&layout.facts) {
            if places.value.is_none() && places.told.is_none() && !places.kept {
                continue;
            }
            let fact = FactId(number);
            if let Answer::Known(value) = facts.fact(fact).value {
                self.set_other(fact, value)?;
            }
            // A declared default is readable, but not told.
            self.tell(fact, facts.has(fact));
        }
        Ok(())
    }

    #[inline]
    pub(in crate::expr) fn code(&self, slot: u16) -> u32 {
        self.codes.get(usize::from(slot)).copied().unwrap_or(UNKNOWN)
    }

    #[inline]
    pub(in crate::expr) fn element(&self, bit: u32) -> bool {
        self.elements.get(bit as usize / 64).is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    /// Whether any bit of `count` words of the pool from `at` on is set in the row, whose words begin at `first`.
    #[inline]
    pub(in crate::expr) fn any_element(&self, first: usize, pool: &[u64], at: u32, count: u32) -> bool {
        let (at, count) = (at as usize, count as usize);
        match (self.elements.get(first..first + count), pool.get(at..at + count)) {
            (Some(words), Some(masks)) => words.iter().zip(masks).any(|(word, mask)| word & mask != 0),
            _ => false,
        }
    }

    /// The words of elements from one on.
    pub(in crate::expr) fn element_words(&self, first: usize, count: usize) -> &[u64] {
        self.elements.get(first..first + count).unwrap_or(&[])
    }

    /// The list whose elements have a word.
    pub(in crate::expr) fn slot_of_word(&self, word: u16) -> u16 {
        let holds = |coding: &Coding| match coding {
            Coding::Elements { first, count, .. } => (first / 64..(first + count).div_ceil(64)).contains(&u32::from(word)),
            _ => false,
        };
        let slot = self.layout.slots.iter().position(|slot| holds(&slot.coding));
        slot.and_then(|slot| u16::try_from(slot).ok()).unwrap_or(u16::MAX)
    }
}

/// What the reference reads where a rule has no index: the facts that are kept. There are no events.
impl Facts for Row {
    fn now(&self) -> Timestamp {
        self.now
    }

    fn zone(&self) -> Option<Zone> {
        self.zone
    }

    fn fact(&self, fact: FactId) -> Read {
        match self.kept.get(fact.0 as usize) {
            Some(Some(value)) => Read::known(value.clone()),
            _ => Read::missing(
                self.layout.schema.fact_decl(fact).map_or_else(|| Arc::from("?"), |declared| declared.path.clone()),
            ),
        }
    }

    fn has(&self, fact: FactId) -> bool {
        match self.layout.places(fact).told {
            Some(slot) => self.code(slot) == 1,
            None => matches!(self.kept.get(fact.0 as usize), Some(Some(_))),
        }
    }

    fn events(&self, _: &[EventKind], _: Span, _: &mut dyn FnMut(&dyn EventRow) -> ControlFlow<()>) {}

    fn next_event(&self, _: &[EventKind]) -> Option<Timestamp> {
        None
    }

    fn session(&self) -> Option<(Timestamp, Timestamp)> {
        None
    }
}
