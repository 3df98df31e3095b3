//! Columns as codes: which rows of a block satisfy each distinct test of a slot.

use super::batch::{ListColumn, Mask, Plan, RuleColumns, WORDS, Work};
use super::flat::Kind;
use super::key::{KeyType, double_key, int_key};
use super::layout::{Coding, Layout, Slot, UNKNOWN, key_code, text_code};
use crate::column::{Column, ColumnError};
use crate::expr::RuleSet;
use crate::value::{Type, Value};
use std::sync::Arc;

/// Where the values of a slot come from.
pub(super) struct Source<'a, 'b> {
    number: u16,
    slot: &'b Slot,
    name: &'b str,
    ty: &'b Type,
    column: Option<&'b Column<'a>>,
    list: Option<&'b ListColumn<'a>>,
    /// Of a dictionary of texts: the code of each entry.
    entries: Option<Vec<u32>>,
    /// Of whole numbers whose bounds lie near each other: the first bound, and the code of each key from there on.
    near: Option<(u64, Vec<u32>)>,
}

impl<'a, 'b> Source<'a, 'b> {
    pub(super) fn new(number: u16, slot: &'b Slot, layout: &'b Layout, columns: &'b RuleColumns<'a>) -> Self {
        let declared = layout.schema.fact_decl(slot.fact);
        let (name, ty) = declared.map_or(("", &Type::Dyn), |declared| (&*declared.path, &declared.ty));
        let list = columns.list(name);
        let column = columns.batch.column(name);
        let mut source = Source { number, slot, name, ty, column, list, entries: None, near: None };
        source.entries = source.dictionary();
        source.near = source.table();
        source
    }

    /// The codes of the entries, when the column is a dictionary of plain text; of a list the places of the elements.
    fn dictionary(&self) -> Option<Vec<u32>> {
        if let (Coding::Elements { texts, .. }, Some(list), Type::List(element)) = (&self.slot.coding, self.list, self.ty)
            && **element != Type::Int
        {
            let entries = list.elements.entries()?;
            let place = |text: &str| texts.get(text).copied().unwrap_or(UNKNOWN);
            return (0..entries.rows()).map(|entry| Some(entries.text(entry).ok()?.map_or(UNKNOWN, place))).collect();
        }
        let Coding::Texts { table, sorted, ordered } = &self.slot.coding else { return None };
        let entries = self.column.filter(|_| *self.ty == Type::String)?.entries()?;
        (0..entries.rows())
            .map(|entry| Some(entries.text(entry).ok()?.map_or(UNKNOWN, |text| text_code(table, sorted, *ordered, text))))
            .collect()
    }

    /// The codes of the keys from the first bound to the last, when they are whole numbers and not too many.
    fn table(&self) -> Option<(u64, Vec<u32>)> {
        let Coding::Keys { keys: KeyType::Int, bounds } = &self.slot.coding else { return None };
        let (first, last) = (*bounds.first()?, *bounds.last()?);
        (last - first <= 16_384).then(|| (first, (first..=last).map(|key| key_code(bounds, key)).collect()))
    }

    /// Evaluates the atoms of the slot for a block of rows.
    pub(super) fn evaluate(
        &self,
        rules: &RuleSet,
        plan: &Plan,
        start: usize,
        count: usize,
        work: &mut Work,
        atoms: &mut [Mask],
    ) -> Result<(), ColumnError> {
        let Some(wanted) = plan.by_slot.get(&self.number) else { return Ok(()) };
        let mut known = [0_u64; WORDS];
        let codes = match self.slot.coding {
            Coding::Elements { count, .. } => count as usize,
            _ => self.slot.codes as usize,
        };
        let below = &mut work.below;
        below.clear();
        below.resize(codes + 1, [0; WORDS]);
        let first = match self.slot.coding {
            Coding::Elements { first, .. } => {
                self.elements(start, count, below, &mut known).map_err(|error| error.named(&Arc::from(self.name)))?;
                first
            }
            _ => {
                self.codes(start, &mut work.codes[..count]).map_err(|error| error.named(&Arc::from(self.name)))?;
                for (at, code) in work.codes[..count].iter().enumerate() {
                    if let Some(mask) = below.get_mut((*code as usize).wrapping_add(1)) {
                        mask[at / 64] |= 1 << (at % 64);
                    }
                }
                for code in 1..codes {
                    let (before, after) = below.split_at_mut(code + 1);
                    or(&mut after[0], &before[code]);
                }
                0
            }
        };
        let lists = matches!(self.slot.coding, Coding::Elements { .. });
        let find = |bit: u32| below.get((bit - first) as usize).unwrap_or(&[0; WORDS]);
        for atom in wanted {
            let test = &plan.atoms[*atom as usize];
            let mask = &mut atoms[*atom as usize];
            let pool = |from: u32, count: u32| rules.pool.get(from as usize..(from + count) as usize).unwrap_or(&[]);
            *mask = [0; WORDS];
            match test.kind {
                // Of a list: known, or nothing.
                Kind::Range if lists => *mask = if test.a == 0 { known } else { [0; WORDS] },
                Kind::Range => range(mask, below, u64::from(test.a), u64::from(test.a) + u64::from(test.b)),
                Kind::Mask => each_bit(&[u64::from(test.a) | u64::from(test.b) << 32], |code| range(mask, below, code, code)),
                Kind::Set => each_bit(pool(test.a, test.b), |code| range(mask, below, code, code)),
                Kind::Sorted => {
                    let ranges = pool(test.a, test.b).iter();
                    ranges.for_each(|ends| range(mask, below, ends >> 32, ends & u64::from(u32::MAX)));
                }
                Kind::Element => *mask = *find(test.a),
                Kind::NoElement => {
                    *mask = known;
                    without(mask, find(test.a));
                }
                Kind::AnyElement => {
                    let from = u32::from(test.slot) * 64;
                    each_bit(pool(test.a, test.b), |bit| or(mask, find(from + bit as u32)));
                }
                Kind::NoneOfElements => {
                    *mask = known;
                    let from = pool(test.a, 1).first().map_or(0, |word| *word as u32 * 64);
                    each_bit(pool(test.a + 1, test.b), |bit| without(mask, find(from + bit as u32)));
                }
                Kind::Opaque => {}
            }
        }
        Ok(())
    }

    /// The codes of the rows from `start` on.
    fn codes(&self, start: usize, codes: &mut [u32]) -> Result<(), ColumnError> {
        if matches!(self.slot.coding, Coding::Told) {
            for (at, code) in codes.iter_mut().enumerate() {
                let listed = self.list.is_some_and(|list| list.of(start + at).is_some());
                *code = u32::from(listed || self.column.is_some_and(|column| !column.is_null(start + at)));
            }
            return Ok(());
        }
        let Some(column) = self.column else {
            codes.fill(UNKNOWN);
            return Ok(());
        };
        match &self.slot.coding {
            Coding::Keys { keys: KeyType::Int, bounds } => {
                let above = key_code(bounds, u64::MAX);
                let code = |key: u64| match &self.near {
                    Some((first, _)) if key < *first => 0,
                    Some((first, table)) => table.get((key - first) as usize).copied().unwrap_or(above),
                    None => key_code(bounds, key),
                };
                fill(codes, start, |row| Ok(column.int(row)?.map_or(UNKNOWN, |number| code(int_key(number)))))
            }
            Coding::Keys { keys: KeyType::Double, bounds } => fill(codes, start, |row| {
                let number = column.double(row)?.filter(|number| number.is_finite());
                Ok(number.map_or(UNKNOWN, |number| key_code(bounds, double_key(number))))
            }),
            Coding::Keys { keys: KeyType::Bool, bounds } => {
                let both = [key_code(bounds, 0), key_code(bounds, 1)];
                fill(codes, start, |row| Ok(column.bool(row)?.map_or(UNKNOWN, |truth| both[usize::from(truth)])))
            }
            Coding::Keys { keys, bounds } => fill(codes, start, |row| {
                let value = column.value_as(row, self.ty)?;
                Ok(value.and_then(|value| keys.key(&value)).map_or(UNKNOWN, |key| key_code(bounds, key)))
            }),
            Coding::Texts { table, sorted, ordered } => match &self.entries {
                Some(entries) => fill(codes, start, |row| {
                    Ok(column.entry(row)?.and_then(|entry| entries.get(entry).copied()).unwrap_or(UNKNOWN))
                }),
                None if *self.ty == Type::String => fill(codes, start, |row| {
                    Ok(column.text(row)?.map_or(UNKNOWN, |text| text_code(table, sorted, *ordered, text)))
                }),
                None => fill(codes, start, |row| {
                    let value = column.value_as(row, self.ty)?;
                    Ok(value.as_ref().and_then(Value::as_text).map_or(UNKNOWN, |text| text_code(table, sorted, *ordered, text)))
                }),
            },
            Coding::Elements { .. } | Coding::Told => Ok(()),
        }
    }

    /// The rows whose list has each element, and the rows that have a list.
    fn elements(&self, start: usize, count: usize, rows: &mut [Mask], known: &mut Mask) -> Result<(), ColumnError> {
        let Coding::Elements { texts, ints, .. } = &self.slot.coding else { return Ok(()) };
        let Some(list) = self.list else { return Ok(()) };
        let column = &list.elements;
        let whole = matches!(self.ty, Type::List(element) if **element == Type::Int);
        for at in 0..count {
            let Some((from, to)) = list.of(start + at) else { continue };
            known[at / 64] |= 1 << (at % 64);
            for element in from..to {
                let place = match &self.entries {
                    _ if whole => column.int(element)?.and_then(|number| ints.get(&number)).copied(),
                    Some(entries) => column.entry(element)?.and_then(|entry| entries.get(entry)).copied(),
                    None => column.text(element)?.and_then(|text| texts.get(text)).copied(),
                };
                if let Some(mask) = place.and_then(|place| rows.get_mut(place as usize)) {
                    mask[at / 64] |= 1 << (at % 64);
                }
            }
        }
        Ok(())
    }
}

#[inline]
fn fill(codes: &mut [u32], start: usize, code: impl Fn(usize) -> Result<u32, ColumnError>) -> Result<(), ColumnError> {
    for (at, to) in codes.iter_mut().enumerate() {
        *to = code(start + at)?;
    }
    Ok(())
}

#[inline]
fn or(to: &mut Mask, other: &Mask) {
    for (to, other) in to.iter_mut().zip(other) {
        *to |= other;
    }
}

#[inline]
fn without(to: &mut Mask, other: &Mask) {
    for (to, other) in to.iter_mut().zip(other) {
        *to &= !other;
    }
}

/// Adds the rows with codes from `low` to `high`.
#[inline]
fn range(to: &mut Mask, below: &[Mask], low: u64, high: u64) {
    let at = |code: u64| below.get(code.min(below.len() as u64 - 1) as usize);
    if let (Some(low), Some(high)) = (at(low), at(high.saturating_add(1))) {
        for ((to, low), high) in to.iter_mut().zip(low).zip(high) {
            *to |= high & !low;
        }
    }
}

fn each_bit(words: &[u64], mut visit: impl FnMut(u64)) {
    for (at, word) in (0_u64..).zip(words) {
        let mut rest = *word;
        while rest != 0 {
            visit(at * 64 + u64::from(rest.trailing_zeros()));
            rest &= rest - 1;
        }
    }
}
