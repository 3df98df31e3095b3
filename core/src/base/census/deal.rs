//! Many rows at once: dealt out by event type and step of time, then added up a hand at a time.
//!
//! Everything that can be wrong with a row is found out before anything is added. Where something is, or a row has to be looked at more
//! closely, the rows are read one by one instead.

use super::flat::Flat;
use super::rows::Rows;
use super::sums::{Cells, Hand, Sums, place_of, who_of};
use super::table::{Reader, Table, Target, Text, UNKNOWN};
use crate::customer::{MAX_TEXT, Texts};
use crate::value::Timestamp;
use std::ops::Range;

/// So many rows are dealt at once: enough that the rows of one hand find what they change in the cache, few enough that they stay in it
/// themselves.
pub(super) const ROWS: usize = if cfg!(test) { 16 } else { 1 << 16 };

/// Dealt rows. Kept for its memory.
#[derive(Default)]
pub(super) struct Deal {
    whos: Vec<u32>,
    /// Numbers of event types in the table, then of classes: an event type's first one and the step.
    classes: Vec<u32>,
    /// By class, where its rows begin; one more than there are classes.
    starts: Vec<usize>,
    /// By class its rows: the place of each among those at hand, and its customer in the lower half.
    items: Vec<u64>,
    /// By column of text: the entries of all rows, or the numbers of the texts of those that are read.
    texts: Vec<Vec<u32>>,
}

/// Classes beside those of the event types that are read.
#[derive(Clone, Copy)]
enum Other {
    Unread,
    Hard,
    /// Rows that are looked at one by one.
    Single,
    Attributes,
}

const OTHERS: usize = 4;

/// More classes are not worth it.
const CLASSES: usize = 1 << 16;

impl Deal {
    fn hand(&self, class: usize) -> &[u64] {
        let place = |class: usize| self.starts.get(class).copied().unwrap_or(0);
        self.items.get(place(class)..place(class + 1)).unwrap_or(&[])
    }

    /// Deals rows out by class.
    fn deal(&mut self, sums: &Sums, times: &[i64], bases: &[u32], classes: usize) -> Option<()> {
        self.starts.clear();
        self.starts.resize(classes + 1, 0);
        let (mut step, mut low, mut high) = (0, i64::MAX, i64::MIN);
        for (class, time) in self.classes.iter_mut().zip(times) {
            if *time <= low || *time > high {
                if *time < Timestamp::MIN.micros() {
                    return None;
                }
                let (found, after, until) = sums.steps.find(*time);
                (step, low, high) = (u32::try_from(found).ok()?, after, until);
            }
            *class = *bases.get(*class as usize)? + step;
            *self.starts.get_mut(*class as usize + 1)? += 1;
        }
        let mut sum = 0;
        for start in &mut self.starts {
            sum += *start;
            *start = sum;
        }
        let mut next = self.starts.clone();
        self.items.resize(times.len(), 0);
        for (place, (class, who)) in (0_u64..).zip(self.classes.iter().zip(&self.whos)) {
            let next = next.get_mut(*class as usize)?;
            *self.items.get_mut(*next)? = place << 32 | u64::from(*who);
            *next += 1;
        }
        Some(())
    }
}

impl Rows<'_> {
    /// Adds rows up; the rows among them that are still to be looked at one by one, in their order. `None` when that is all of them.
    pub(super) fn add_many(
        &mut self,
        flat: &Flat<'_>,
        table: &mut Table<'_, '_>,
        deal: &mut Deal,
        rows: Range<usize>,
    ) -> Option<Vec<usize>> {
        let roles = table.roles;
        if roles.id.is_some() || roles.known_at.is_some() {
            return None;
        }
        let times = roles.time.instants(rows.clone())?;
        table.kinds(rows.clone(), &mut deal.classes)?;
        self.who.all(roles, rows.clone(), &mut deal.whos)?;
        self.fit();
        deal.texts.resize(table.texts.len(), Vec::new());
        for (text, numbers) in table.texts.iter_mut().zip(&mut deal.texts) {
            text.sound = text.sound && text.column.plain_entries(rows.clone(), numbers).is_some();
            if !text.sound {
                numbers.resize(rows.len(), 0);
            }
        }
        let mut sums = self.sums.take()?;
        let found = self.add_dealt(flat, table, deal, (&times, rows.start), &mut sums);
        self.sums = Some(sums);
        found
    }

    fn add_dealt(
        &mut self,
        flat: &Flat<'_>,
        table: &mut Table<'_, '_>,
        deal: &mut Deal,
        (times, first): (&[i64], usize),
        sums: &mut Sums,
    ) -> Option<Vec<usize>> {
        let steps = sums.steps.count();
        let classes = (flat.kinds.len() + OTHERS) * steps;
        if classes > CLASSES {
            return None;
        }
        let other = |other: Other| (flat.kinds.len() + other as usize) * steps;
        let base = |target: Target| match target {
            Target::Row(kind) if flat.is_attribute(usize::from(kind)) => other(Other::Single),
            Target::Row(kind) => usize::from(kind) * steps,
            Target::Unread => other(Other::Unread),
            Target::Hard => other(Other::Hard),
            Target::Attributes if table.attributes.is_some() => other(Other::Attributes),
            Target::Attributes | Target::Attribute { .. } => other(Other::Single),
        };
        let bases: Option<Vec<u32>> = table.named().map(|target| u32::try_from(base(target)).ok()).collect();
        deal.deal(sums, times, &bases?, classes)?;
        // What happened after the question is the last step.
        let dealt = 0..steps - 1;
        for kind in 0..flat.kinds.len() {
            for step in dealt.clone() {
                if !deal.hand(kind * steps + step).is_empty() {
                    look(table, deal, (kind, step), (kind * steps + step, first), sums, &mut self.texts)?;
                }
            }
        }
        let hands = |class: usize| dealt.clone().map(move |step| class + step);
        let places = |deal: &Deal, class: usize| -> Vec<usize> {
            hands(class).flat_map(|class| deal.hand(class)).map(|item| first + place_of(*item)).collect()
        };
        let mut singles = places(deal, other(Other::Single));
        let attributes = table.attributes.as_deref().unwrap_or(&[]);
        if singles.is_empty() {
            let told = hands(other(Other::Attributes)).flat_map(|class| deal.hand(class)).map(|item| first + place_of(*item));
            for row in told {
                attributes.iter().all(|(_, said)| said.bits(row).is_some()).then_some(())?;
            }
        } else {
            // Rows that tell the same attribute keep their order.
            singles.extend(places(deal, other(Other::Attributes)));
        }
        for class in (0..classes).filter(|class| class % steps < steps - 1) {
            for item in deal.hand(class) {
                self.seen.get_mut(who_of(*item)).into_iter().for_each(|seen| *seen = true);
            }
        }
        for class in hands(other(Other::Hard)) {
            for item in deal.hand(class) {
                self.hard.get_mut(who_of(*item)).into_iter().for_each(|hard| *hard = true);
            }
        }
        sums.expect(times.len() - singles.len());
        for (kind, readers) in table.readers.iter().enumerate() {
            for step in dealt.clone().filter(|step| !deal.hand(kind * steps + step).is_empty()) {
                let values: Vec<_> = readers.iter().map(|reader| some(reader, first)).collect();
                let cells: Vec<Cells<'_>> = readers
                    .iter()
                    .zip(&values)
                    .map(|(reader, value)| match reader {
                        Reader::Doubles(numbers) => Cells::Doubles(numbers.get(first..).unwrap_or(&[])),
                        Reader::Double(_) => Cells::Some(value),
                        Reader::Text(number) => match (table.texts.get(*number), deal.texts.get(*number)) {
                            (Some(Text { sound: true, codes, .. }), Some(entries)) => Cells::Entries(entries, codes),
                            (_, Some(codes)) => Cells::Texts(codes),
                            _ => Cells::Absent,
                        },
                        Reader::Absent | Reader::Other(..) => Cells::Absent,
                    })
                    .collect();
                let items = deal.hand(kind * steps + step);
                sums.add_all((kind, step), &Hand { items, times }, &cells, &mut self.hard);
            }
        }
        if singles.is_empty() {
            for (kind, said) in attributes {
                for class in hands(other(Other::Attributes)) {
                    let hand = Hand { items: deal.hand(class), times };
                    sums.add_said(*kind, &hand, |place| said.bits(first + place), &mut self.hard);
                }
            }
        }
        singles.sort_unstable();
        Some(singles)
    }
}

/// Reads a column with nulls.
fn some<'r>(reader: &'r Reader<'_, '_>, first: usize) -> impl Fn(usize) -> Option<f64> + use<'r> {
    let column = match reader {
        Reader::Double(column) => Some(*column),
        _ => None,
    };
    move |place| column.and_then(|column| column.double(first + place).ok().flatten())
}

/// Looks at the properties of the rows of a class, which are of an event type within a step; `None` when one is wrong or has to be looked
/// at by itself.
fn look(
    table: &mut Table<'_, '_>,
    deal: &mut Deal,
    (kind, step): (usize, usize),
    (class, first): (usize, usize),
    sums: &Sums,
    texts: &mut Texts,
) -> Option<()> {
    let row = |item: &u64| first + place_of(*item);
    for (cell, reader) in table.readers.get(kind)?.iter().enumerate() {
        match reader {
            Reader::Absent => {}
            Reader::Doubles(numbers) => {
                let finite = |item: &u64| numbers.get(row(item)).is_some_and(|number| number.is_finite());
                deal.hand(class).iter().all(finite).then_some(())?;
            }
            Reader::Double(column) => {
                let fits = |number: Option<f64>| number.is_none_or(f64::is_finite);
                deal.hand(class).iter().all(|item| column.double(row(item)).is_ok_and(fits)).then_some(())?;
            }
            Reader::Text(number) => {
                let text = table.texts.get_mut(*number)?;
                let wanted = sums.reads_text(kind, step, cell);
                if text.sound && !wanted {
                    continue;
                }
                let (from, to) = (*deal.starts.get(class)?, *deal.starts.get(class + 1)?);
                let (items, numbers) = (deal.items.get(from..to)?, deal.texts.get_mut(*number)?);
                for item in items {
                    let number = numbers.get_mut(place_of(*item))?;
                    match text.sound {
                        true => text.learn(*number as usize, texts)?,
                        false => *number = text.code(row(item), wanted.then_some(&mut *texts))?,
                    }
                }
            }
            Reader::Other(..) => return None,
        }
    }
    Some(())
}

impl Text<'_, '_> {
    /// Numbers the text of an entry.
    #[inline]
    fn learn(&mut self, entry: usize, texts: &mut Texts) -> Option<()> {
        let code = self.codes.get_mut(entry)?;
        if *code == UNKNOWN {
            *code = texts.intern(self.column.entries()?.text(entry).ok()??)?.0;
        }
        Some(())
    }

    /// The number of a row's text, 0 for none or when numbers are not wanted; `None` when it is no text that can be told.
    fn code(&mut self, row: usize, texts: Option<&mut Texts>) -> Option<u32> {
        let entry = if self.codes.is_empty() { None } else { self.column.entry(row).ok()? };
        if let Some(code) = entry.and_then(|entry| self.codes.get(entry)).filter(|code| **code != UNKNOWN) {
            return Some(*code);
        }
        let text = match self.column.text(row).ok()? {
            Some(text) if text.len() > MAX_TEXT => return None,
            Some(text) => text,
            None => return Some(0),
        };
        let Some(texts) = texts else { return Some(0) };
        let (code, _) = texts.intern(text)?;
        if let Some(known) = entry.and_then(|entry| self.codes.get_mut(entry)) {
            *known = code;
        }
        Some(code)
    }
}
