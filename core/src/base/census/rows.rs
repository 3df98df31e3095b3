use super::super::load::{Roles, bad, missing, refused, required};
use super::super::replay::ReplayError;
use super::super::rows::BadRow;
use super::CensusOptions;
use super::block::{Answers, Block};
use super::flat::{Flat, WIDEST};
use super::sums::{Added, Sums};
use crate::column::{Batch, Column};
use crate::customer::{ATTRIBUTE_CLEARED, ATTRIBUTE_SET, ATTRIBUTES_SET, EventError, Identifier, Layout, PreparedCell, Texts};
use crate::engine::Engine;
use crate::expr::EventKind;
use crate::value::{Timestamp, Type};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher};

/// A map with fixed keys; its order is never seen.
type Map<K, V> = HashMap<K, V, BuildHasherDefault<DefaultHasher>>;

/// Rows by blocks of customers, so that each block is laid out in memory that is near.
pub(super) struct Rows<'e> {
    engine: &'e Engine,
    blocks: Vec<Vec<u64>>,
    pub(super) texts: Texts,
    customers: Vec<Identifier>,
    /// Whom rows alone do not answer.
    hard: Vec<bool>,
    /// Of whom an event was seen.
    seen: Vec<bool>,
    known: Known,
    /// Where rows are added up as they come, and not kept.
    sums: Option<Sums>,
    pub(super) width: usize,
}

/// Numbers of customers, by what stands in the table.
#[derive(Default)]
struct Known {
    small: Vec<u32>,
    numbers: Map<i64, u32>,
    texts: Map<Box<str>, u32>,
    /// By identifier: several values may come to one. Filled when that can be.
    identifiers: BTreeMap<Identifier, u32>,
    /// Whether every customer so far came by a whole number that their identifier ends with as it is, so that no two are one.
    plain: bool,
}

impl Known {
    /// The number of the customer of a small number.
    #[inline]
    fn small(&self, number: i64) -> Option<u32> {
        usize::try_from(number).ok().and_then(|number| self.small.get(number)).copied().filter(|who| *who != NOBODY)
    }

    /// The number of the customer of any whole number.
    fn number_of(&self, number: i64) -> Option<u32> {
        if (0..SMALL).contains(&number) { self.small(number) } else { self.numbers.get(&number).copied() }
    }
}

/// A block has so many customers.
pub(super) const BLOCK: usize = 1 << 11;
/// Numbers below this are looked up by position.
const SMALL: i64 = 1 << 24;
/// No customer yet.
const NOBODY: u32 = u32::MAX;

/// Words of a row before its properties: customer, event type and what is missing; time; hash of the id.
pub(super) const HEAD: usize = 3;

/// What a row of an event type becomes.
#[derive(Clone, Copy)]
enum Target {
    /// A row, by number of the event type.
    Row(u16),
    /// Nothing but that the customer is seen.
    Unread,
    /// Something that only a story can hold.
    Hard,
    /// An attribute named in a column.
    Attribute { cleared: bool },
    /// Attributes in columns of their names.
    Attributes,
}

/// How a property of an event type is read from a batch.
enum Reader<'a, 'b> {
    Absent,
    Double(&'b Column<'a>),
    /// The same when none is null.
    Doubles(&'b [f64]),
    /// Whole numbers of which none is null; of attributes only.
    Ints(&'b [i64]),
    Text(&'b Column<'a>, Vec<u32>),
    Other(&'b Column<'a>, &'b Type),
}

/// A cell of a row.
enum Read {
    Missing,
    Bits(u64),
}

impl<'e> Rows<'e> {
    /// Reads all batches; `None` when a table has columns that only stories can hold. Rows are added up as they come where that is
    /// enough, else laid out.
    pub(super) fn read_best(
        engine: &'e Engine,
        flat: &Flat<'_>,
        batches: &[Batch<'_>],
        options: &CensusOptions,
    ) -> Result<Option<Self>, ReplayError> {
        if let Some(sums) = Sums::of(flat, options.now)
            && let Some(rows) = Self::read(engine, flat, batches, options, Some(sums))?
            && rows.sums.as_ref().is_some_and(|sums| !sums.failed())
        {
            return Ok(Some(rows));
        }
        Self::read(engine, flat, batches, options, None)
    }

    fn read(
        engine: &'e Engine,
        flat: &Flat<'_>,
        batches: &[Batch<'_>],
        options: &CensusOptions,
        sums: Option<Sums>,
    ) -> Result<Option<Self>, ReplayError> {
        let mut rows = Rows {
            engine,
            blocks: Vec::new(),
            texts: Texts::default(),
            customers: Vec::new(),
            hard: Vec::new(),
            seen: Vec::new(),
            known: Known { plain: true, ..Known::default() },
            sums,
            width: flat.width,
        };
        let mut number = 0;
        let mut first: Option<std::sync::Arc<str>> = None;
        for batch in batches {
            let roles = Roles::find(engine, batch, &options.columns).map_err(ReplayError::Column)?;
            let [(namespace, _)] = &roles.identifiers[..] else { return Ok(None) };
            let place = engine.identity().place(namespace);
            if place.and_then(|place| engine.identity().rule(place)).is_none_or(|rule| rule.anonymous) {
                return Ok(None);
            }
            // The same value in another namespace is somebody else.
            if first.get_or_insert_with(|| (**namespace).into()) != namespace {
                return Ok(None);
            }
            rows.add(flat, batch.rows(), &roles, options.now)
                .map_err(|(row, bad)| ReplayError::BadRow(BadRow { row: number + row as u64, ..bad }))?;
            number += batch.rows() as u64;
            if rows.sums.as_ref().is_some_and(Sums::failed) {
                break;
            }
        }
        Ok(Some(rows))
    }

    /// How many customers there are.
    pub(super) fn len(&self) -> usize {
        self.customers.len()
    }

    pub(super) fn customer(&self, number: u32) -> Option<&Identifier> {
        self.customers.get(number as usize)
    }

    /// The number of a customer by identifier.
    pub(super) fn number(&self, identifier: &Identifier) -> Option<u32> {
        match self.known.plain {
            false => self.known.identifiers.get(identifier).copied(),
            true => self
                .known
                .number_of(identifier.value().parse().ok()?)
                .filter(|number| self.customer(*number) == Some(identifier)),
        }
    }

    /// Answers for one customer after the other.
    pub(super) fn answer(&self, flat: &Flat<'_>, now: Timestamp, take: &mut dyn FnMut(Answers<'_>)) {
        if let Some(sums) = &self.sums {
            return sums.answer(flat, (&self.seen, &self.hard), take);
        }
        for (number, words) in self.blocks.iter().enumerate() {
            let first = number * BLOCK;
            let count = BLOCK.min(self.len() - first);
            Block::new(flat, self, words, count).answer(flat, now, first, (&self.seen, &self.hard), take);
        }
    }

    fn add(&mut self, flat: &Flat<'_>, count: usize, roles: &Roles<'_, '_>, now: Timestamp) -> Result<(), (usize, BadRow)> {
        let targets = self.targets(flat);
        let mut readers = self.readers(flat, roles);
        let entries = roles.event_type.entries().map_or(0, Column::rows);
        let mut by_entry: Vec<Option<Target>> = vec![None; entries];
        let mut last: (String, Option<Target>) = (String::new(), None);
        let mut buffer = String::new();
        let (times, whole) =
            (roles.time.micros_slice(), roles.identifiers.first().and_then(|(_, column)| column.whole_slice()));
        // With ids, or instants at which events became known, each row is looked at more closely.
        let attributes = attributes(self.engine.layout(), flat, roles);
        let plain = self.sums.is_some() && roles.id.is_none() && roles.known_at.is_none() && entries > 0;
        for row in 0..count {
            if plain
                && let (Some(time), Some(number)) =
                    (times.and_then(|times| times.get(row)), whole.and_then(|whole| whole.get(row)))
                && let Some(Some(target)) = roles.event_type.plain_entry(row).and_then(|entry| by_entry.get(entry))
                && (Timestamp::MIN.micros()..=now.micros()).contains(time)
            {
                let customer = match self.known.small(*number) {
                    Some(customer) => customer,
                    None => self.who(roles, row).map_err(|bad| (row, bad))?,
                };
                if self.add_plain(*target, *time, customer as usize, (&readers, &attributes), row).is_some() {
                    continue;
                }
            }
            let at = |bad: BadRow| (row, bad);
            let entry = if entries > 0 { roles.event_type.entry(row).ok().flatten() } else { None };
            let target = match entry.and_then(|entry| by_entry.get(entry).copied().flatten()) {
                Some(target) => target,
                None => {
                    let name = required(roles.event_type.name(row, &mut buffer), "type").map_err(at)?;
                    let target = match &last {
                        (known, Some(target)) if known == name => *target,
                        _ => self.target(&targets, name).map_err(|error| at(refused("type", &error)))?,
                    };
                    if last.0 != name {
                        last = (name.to_owned(), Some(target));
                    }
                    if let Some(place) = entry.and_then(|entry| by_entry.get_mut(entry)) {
                        *place = Some(target);
                    }
                    target
                }
            };
            let time = match times.and_then(|times| times.get(row)).map(|micros| Timestamp::from_micros(*micros)) {
                Some(Ok(time)) => time,
                _ => required(roles.time.timestamp(row), "time").map_err(at)?,
            };
            let customer = match whole.and_then(|whole| whole.get(row)).and_then(|number| self.known.small(*number)) {
                Some(customer) => customer,
                None => self.who(roles, row).map_err(at)?,
            };
            let known = match roles.known_at {
                Some(column) => column.timestamp(row).map_err(|error| at(bad("known_at", &error)))?.unwrap_or(time),
                None => time,
            };
            if time > now || known > now {
                continue;
            }
            if let Some(seen) = self.seen.get_mut(customer as usize) {
                *seen = true;
            }
            let id = match roles.id {
                Some(column) => column.name(row, &mut buffer).map_err(|error| at(bad("id", &error)))?.map_or(0, hash),
                None => 0,
            };
            match target {
                Target::Unread => {}
                Target::Hard => self.hard(customer),
                Target::Row(kind) => {
                    let Some(readers) = readers.get_mut(usize::from(kind)) else { continue };
                    self.push(flat, (customer, kind), time, id, readers, row).map_err(at)?;
                }
                Target::Attribute { cleared } => {
                    let column = roles.attribute.ok_or_else(|| at(missing("attribute")))?;
                    let name = required(column.name(row, &mut buffer), "attribute").map_err(at)?;
                    let kind = self.engine.layout().attribute_kind(name).map_err(|error| at(refused("type", &error)))?;
                    let Some(kind) = number_of(flat, kind) else { continue };
                    if cleared {
                        self.put(flat, (customer, kind), time, id, &[Read::Missing]);
                        continue;
                    }
                    let Some(readers) = readers.get_mut(usize::from(kind)) else { continue };
                    self.push(flat, (customer, kind), time, id, readers, row).map_err(at)?;
                }
                Target::Attributes => {
                    for (kind, name, column) in &roles.attributes {
                        let Some(number) = number_of(flat, *kind) else { continue };
                        let ty = self.engine.layout().property_type(*kind, 0);
                        let value = ty.map_or(Ok(None), |ty| column.value_as(row, ty));
                        let Some(value) = value.map_err(|error| at(bad(name, &error)))? else { continue };
                        let cell = self.engine.layout().store(*kind, 0, value);
                        let cell = cell.map_err(|reason| at(wrong(name, reason)))?;
                        let cell = self.cell(cell).ok_or_else(|| at(wrong(name, FULL)))?;
                        self.put(flat, (customer, number), time, id, &[cell]);
                    }
                }
            }
        }
        Ok(())
    }

    /// Adds up a row in which nothing is new; `None` when it has to be looked at more closely.
    #[inline]
    fn add_plain(
        &mut self,
        target: Target,
        time: i64,
        customer: usize,
        (readers, attributes): (&[Vec<Reader<'_, '_>>], &[Option<(usize, Reader<'_, '_>)>]),
        row: usize,
    ) -> Option<()> {
        let kind = match target {
            Target::Row(kind) => usize::from(kind),
            Target::Unread => {
                *self.seen.get_mut(customer)? = true;
                return Some(());
            }
            Target::Attributes => {
                let value = |reader: &Reader<'_, '_>| match reader {
                    Reader::Ints(numbers) => numbers.get(row).map(|number| number.cast_unsigned()),
                    Reader::Doubles(numbers) => {
                        numbers.get(row).filter(|number| number.is_finite()).map(|number| number.to_bits())
                    }
                    _ => None,
                };
                // All of them are read before any is added.
                let mut cells: SmallVec<[(usize, u64); 8]> = SmallVec::new();
                for attribute in attributes {
                    let (kind, reader) = attribute.as_ref()?;
                    cells.push((*kind, value(reader)?));
                }
                *self.seen.get_mut(customer)? = true;
                for (kind, bits) in cells {
                    if self.sums.as_mut()?.add(customer, kind, time, |_| Some(bits)) == Added::Unclear {
                        *self.hard.get_mut(customer)? = true;
                    }
                }
                return Some(());
            }
            Target::Hard | Target::Attribute { .. } => return None,
        };
        let mut cells: SmallVec<[u64; WIDEST]> = SmallVec::new();
        for reader in readers.get(kind)? {
            cells.push(match reader {
                Reader::Doubles(numbers) => numbers.get(row).filter(|number| number.is_finite())?.to_bits(),
                Reader::Text(column, codes) => {
                    u64::from(*codes.get(column.plain_entry(row)?).filter(|code| **code != u32::MAX)?)
                }
                _ => return None,
            });
        }
        *self.seen.get_mut(customer)? = true;
        if self.sums.as_mut()?.add(customer, kind, time, |place| cells.get(place).copied()) == Added::Unclear {
            *self.hard.get_mut(customer)? = true;
        }
        Some(())
    }

    /// What the rows of each event type become, by name.
    fn targets(&self, flat: &Flat<'_>) -> Vec<(String, Target)> {
        let declared = flat.rules.sources.declared_events;
        let events = self.engine.layout().schema().events().iter().enumerate();
        events
            .filter_map(|(number, event)| {
                let kind = EventKind(u16::try_from(number).ok()?);
                let target = match number_of(flat, kind) {
                    Some(number) => Target::Row(number),
                    None if number < declared => Target::Unread,
                    None => Target::Hard,
                };
                Some((event.name.to_string(), target))
            })
            .collect()
    }

    fn target(&self, targets: &[(String, Target)], name: &str) -> Result<Target, EventError> {
        match name {
            ATTRIBUTE_SET => return Ok(Target::Attribute { cleared: false }),
            ATTRIBUTE_CLEARED => return Ok(Target::Attribute { cleared: true }),
            ATTRIBUTES_SET => return Ok(Target::Attributes),
            _ => {}
        }
        self.engine.layout().event_kind(name)?;
        Ok(targets.iter().find(|(own, _)| own == name).map_or(Target::Hard, |(_, target)| *target))
    }

    fn readers<'a, 'b>(&self, flat: &Flat<'_>, roles: &Roles<'a, 'b>) -> Vec<Vec<Reader<'a, 'b>>>
    where
        'e: 'b,
    {
        let reader = |kind: EventKind, place: usize| -> Reader<'a, 'b> {
            let column = roles.properties.get(&kind).and_then(|columns| columns.get(place)?.as_ref());
            let (Some((_, column)), Some(ty)) = (column, self.engine.layout().property_type(kind, place)) else {
                return Reader::Absent;
            };
            match ty {
                Type::Double if column.double_slice().is_some() => Reader::Doubles(column.double_slice().unwrap_or(&[])),
                Type::Double if column.type_name() == "double" => Reader::Double(column),
                Type::String => Reader::Text(column, vec![u32::MAX; column.entries().map_or(0, Column::rows)]),
                _ => Reader::Other(column, ty),
            }
        };
        flat.kinds.iter().map(|kind| kind.properties.iter().map(|(_, place)| reader(kind.kind, *place)).collect()).collect()
    }

    /// The number of the customer of a row.
    fn who(&mut self, roles: &Roles<'_, '_>, row: usize) -> Result<u32, BadRow> {
        let Some((namespace, column)) = roles.identifiers.first() else { return Err(missing("customer")) };
        let number = column.int(row).ok().flatten();
        if let Some(known) = number.and_then(|number| self.known.number_of(number)) {
            return Ok(known);
        }
        let mut buffer = String::new();
        let text = column.name(row, &mut buffer).map_err(|error| bad(namespace, &error))?.filter(|text| !text.is_empty());
        let text = text.ok_or_else(|| missing("customer"))?;
        if number.is_none()
            && let Some(known) = self.known.texts.get(text)
        {
            return Ok(*known);
        }
        let own = text.strip_prefix(&**namespace).is_some_and(|rest| rest.starts_with(':'));
        let identifier = if own { Identifier::parse(text) } else { Identifier::new(namespace, text) };
        let identifier = [identifier.map_err(|error| refused(namespace, &EventError::from(error)))?];
        let named = self.engine.identity().read_all(&identifier).map_err(|error| refused("", &error))?;
        let as_it_is = number.is_some() && matches!(named.primary, Cow::Borrowed(_));
        let identifier = named.primary.into_owned();
        let next = u32::try_from(self.customers.len()).unwrap_or(NOBODY);
        if self.known.plain && !as_it_is {
            self.known.plain = false;
            self.known.identifiers.extend(self.customers.iter().cloned().zip(0..));
        }
        let found = match self.known.plain {
            true => next,
            false => *self.known.identifiers.entry(identifier.clone()).or_insert(next),
        };
        if found == next {
            self.customers.push(identifier);
            self.hard.push(false);
            self.seen.push(false);
            if let Some(sums) = &mut self.sums {
                sums.grow();
            }
            if self.customers.len() > self.blocks.len() * BLOCK {
                self.blocks.push(Vec::new());
            }
        }
        match number {
            Some(number @ 0..SMALL) => {
                let place = usize::try_from(number).unwrap_or(0);
                if self.known.small.len() <= place {
                    self.known.small.resize((place + 1).max(self.known.small.len() * 2), NOBODY);
                }
                if let Some(place) = self.known.small.get_mut(place) {
                    *place = found;
                }
            }
            Some(number) => {
                self.known.numbers.insert(number, found);
            }
            None => {
                self.known.texts.insert(text.into(), found);
            }
        }
        Ok(found)
    }

    fn hard(&mut self, customer: u32) {
        if let Some(hard) = self.hard.get_mut(customer as usize) {
            *hard = true;
        }
    }

    fn push(
        &mut self,
        flat: &Flat<'_>,
        (customer, kind): (u32, u16),
        time: Timestamp,
        id: u64,
        readers: &mut [Reader<'_, '_>],
        row: usize,
    ) -> Result<(), BadRow> {
        let mut cells: SmallVec<[Read; 4]> = SmallVec::new();
        for (place, reader) in readers.iter_mut().enumerate() {
            cells.push(match reader {
                Reader::Absent | Reader::Ints(_) => Read::Missing,
                Reader::Doubles(numbers) => match numbers.get(row) {
                    Some(number) if number.is_finite() => Read::Bits(number.to_bits()),
                    Some(_) => return Err(self.told(flat, kind, place, "expected a finite number, found NaN or infinity")),
                    None => Read::Missing,
                },
                Reader::Double(column) => match column.double(row) {
                    Ok(Some(number)) if number.is_finite() => Read::Bits(number.to_bits()),
                    Ok(None) => Read::Missing,
                    Ok(Some(_)) => return Err(self.told(flat, kind, place, "expected a finite number, found NaN or infinity")),
                    Err(error) => return Err(bad(&self.property(flat, kind, place), &error)),
                },
                Reader::Text(column, codes) => {
                    let entry = if codes.is_empty() { None } else { column.entry(row).ok().flatten() };
                    match entry.and_then(|entry| codes.get(entry).copied()) {
                        Some(code) if code != u32::MAX => Read::Bits(u64::from(code)),
                        _ => match column.text(row) {
                            Ok(None) => Read::Missing,
                            Ok(Some(text)) if text.len() > crate::customer::MAX_TEXT => {
                                return Err(self.told(flat, kind, place, "expected at most 65536 bytes"));
                            }
                            Ok(Some(text)) => {
                                let code = self.texts.intern(text).map(|(code, _)| code);
                                let code = code.ok_or_else(|| self.told(flat, kind, place, FULL))?;
                                if let Some(place) = entry.and_then(|entry| codes.get_mut(entry)) {
                                    *place = code;
                                }
                                Read::Bits(u64::from(code))
                            }
                            Err(error) => return Err(bad(&self.property(flat, kind, place), &error)),
                        },
                    }
                }
                Reader::Other(column, ty) => {
                    let value = column.value_as(row, ty).map_err(|error| bad(&self.property(flat, kind, place), &error))?;
                    match (value, flat.kinds.get(usize::from(kind))) {
                        (Some(value), Some(own)) => {
                            let at = own.properties.get(place).map_or(0, |(_, column)| *column);
                            let cell = self.engine.layout().store(own.kind, at, value);
                            let cell = cell.map_err(|reason| self.told(flat, kind, place, reason))?;
                            self.cell(cell).ok_or_else(|| self.told(flat, kind, place, FULL))?
                        }
                        _ => Read::Missing,
                    }
                }
            });
        }
        self.put(flat, (customer, kind), time, id, &cells);
        Ok(())
    }

    fn cell(&mut self, cell: PreparedCell<'_>) -> Option<Read> {
        Some(match cell {
            PreparedCell::Bits(bits) => Read::Bits(bits),
            PreparedCell::Text(text) => Read::Bits(u64::from(self.texts.intern(&text)?.0)),
            PreparedCell::Missing | PreparedCell::Whole(_) => Read::Missing,
        })
    }

    fn put(&mut self, flat: &Flat<'_>, (customer, kind): (u32, u16), time: Timestamp, id: u64, cells: &[Read]) {
        if let Some(sums) = &mut self.sums {
            let bits = |place: usize| if let Some(Read::Bits(bits)) = cells.get(place) { Some(*bits) } else { None };
            // Whether an id was told before is not known without keeping all.
            if id != 0 {
                sums.fail();
            } else if sums.add(customer as usize, usize::from(kind), time.micros(), bits) == Added::Unclear {
                self.hard(customer);
            }
            return;
        }
        let Some(block) = self.blocks.get_mut(customer as usize / BLOCK) else { return };
        let mut missing = 0_u64;
        for (place, cell) in cells.iter().enumerate() {
            missing |= u64::from(matches!(cell, Read::Missing)) << place;
        }
        let local = (customer as usize % BLOCK) as u64;
        block.extend([local << 32 | u64::from(kind) << 16 | missing, time.micros().cast_unsigned(), id]);
        for place in 0..flat.width {
            block.push(if let Some(Read::Bits(bits)) = cells.get(place) { *bits } else { 0 });
        }
    }

    fn property(&self, flat: &Flat<'_>, kind: u16, place: usize) -> String {
        let found = flat.kinds.get(usize::from(kind)).and_then(|own| {
            let (_, column) = own.properties.get(place)?;
            self.engine.layout().schema().event_decl(own.kind)?.properties.get(*column)
        });
        found.map_or_else(String::new, |property| property.name.to_string())
    }

    fn told(&self, flat: &Flat<'_>, kind: u16, place: usize, reason: &str) -> BadRow {
        wrong(&self.property(flat, kind, place), reason)
    }
}

/// How the attributes are read that rules read, for those that stand in columns without nulls; none for one that has to be looked at
/// more closely.
fn attributes<'a, 'b>(layout: &Layout, flat: &Flat<'_>, roles: &'b Roles<'a, 'b>) -> Vec<Option<(usize, Reader<'a, 'b>)>> {
    let read = roles.attributes.iter().filter_map(|(kind, _, column)| Some((*kind, number_of(flat, *kind)?, column)));
    read.map(|(kind, number, column)| {
        let reader = match layout.property_type(kind, 0)? {
            Type::Int => Reader::Ints(column.whole_slice()?),
            Type::Double => Reader::Doubles(column.double_slice()?),
            _ => return None,
        };
        Some((usize::from(number), reader))
    })
    .collect()
}

const FULL: &str = "the tables hold more than 4 GiB of text";

fn wrong(name: &str, reason: &str) -> BadRow {
    let code = if reason == FULL { "story_full" } else { "wrong_type" };
    BadRow { row: 0, column: Some(name.into()), code, reason: reason.to_owned() }
}

fn number_of(flat: &Flat<'_>, kind: EventKind) -> Option<u16> {
    flat.kinds.iter().position(|own| own.kind == kind).and_then(|number| u16::try_from(number).ok())
}

/// A hash of an id that is never 0.
fn hash(id: &str) -> u64 {
    use std::hash::BuildHasher;
    if id.is_empty() { 0 } else { BuildHasherDefault::<DefaultHasher>::default().hash_one(id) | 1 }
}
