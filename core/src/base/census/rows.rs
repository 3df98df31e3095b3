use super::super::load::{Roles, bad, missing, refused, required};
use super::super::replay::ReplayError;
use super::super::rows::BadRow;
use super::CensusOptions;
use super::block::{Answers, Block};
use super::deal::{self, Deal};
use super::flat::Flat;
use super::sums::{Added, Sums};
use super::table::{Reader, Table, Target, UNKNOWN};
use super::who::Who;
use crate::column::Batch;
use crate::customer::{Identifier, PreparedCell, Texts};
use crate::engine::Engine;
use crate::value::Timestamp;
use smallvec::SmallVec;
use std::hash::{BuildHasherDefault, DefaultHasher};

/// Rows by blocks of customers, so that each block is laid out in memory that is near.
pub(super) struct Rows<'e> {
    engine: &'e Engine,
    blocks: Vec<Vec<u64>>,
    pub(super) texts: Texts,
    pub(super) who: Who<'e>,
    /// Whom rows alone do not answer.
    pub(super) hard: Vec<bool>,
    /// Of whom an event was seen.
    pub(super) seen: Vec<bool>,
    /// Where rows are added up as they come, and not kept.
    pub(super) sums: Option<Sums>,
    pub(super) width: usize,
}

/// A block has so many customers.
pub(super) const BLOCK: usize = 1 << 11;

/// Words of a row before its properties: customer, event type and what is missing; time; hash of the id.
pub(super) const HEAD: usize = 3;

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
            who: Who::new(engine),
            hard: Vec::new(),
            seen: Vec::new(),
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
            rows.who.named(namespace);
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
        self.who.customers.len()
    }

    pub(super) fn customer(&self, number: u32) -> Option<&Identifier> {
        self.who.customers.get(number as usize)
    }

    /// The number of a customer by identifier.
    pub(super) fn number(&self, identifier: &Identifier) -> Option<u32> {
        self.who.find(identifier)
    }

    /// What was added up, when rows were.
    pub(super) fn sums(&self) -> Option<&Sums> {
        self.sums.as_ref()
    }

    /// Answers for one customer after the other, out of rows that were laid out.
    pub(super) fn answer(&self, flat: &Flat<'_>, now: Timestamp, take: &mut dyn FnMut(Answers<'_>)) {
        for (number, words) in self.blocks.iter().enumerate() {
            let first = number * BLOCK;
            let count = BLOCK.min(self.len() - first);
            Block::new(flat, self, words, count).answer(flat, now, first, (&self.seen, &self.hard), take);
        }
    }

    /// Whoever is new has seen nothing.
    pub(super) fn fit(&mut self) {
        let customers = self.len();
        self.hard.resize(customers, false);
        self.seen.resize(customers, false);
        match &mut self.sums {
            Some(sums) => sums.fit(customers),
            None => self.blocks.resize(customers.div_ceil(BLOCK), Vec::new()),
        }
    }

    fn add(&mut self, flat: &Flat<'_>, count: usize, roles: &Roles<'_, '_>, now: Timestamp) -> Result<(), (usize, BadRow)> {
        let engine = self.engine;
        let (mut table, mut deal) = (Table::new(engine, flat, roles), Deal::default());
        let mut buffer = String::new();
        for from in (0..count).step_by(deal::ROWS) {
            let rows = from..count.min(from + deal::ROWS);
            let singles = match self.sums {
                Some(_) => self.add_many(flat, &mut table, &mut deal, rows.clone()),
                None => None,
            };
            let mut one = |row: usize| self.add_row(flat, &mut table, row, now, &mut buffer).map_err(|bad| (row, bad));
            match singles {
                Some(singles) => singles.into_iter().try_for_each(&mut one)?,
                None => rows.into_iter().try_for_each(&mut one)?,
            }
            if self.sums.as_ref().is_some_and(Sums::failed) {
                break;
            }
        }
        Ok(())
    }

    /// Adds a row of any kind.
    fn add_row(
        &mut self,
        flat: &Flat<'_>,
        table: &mut Table<'_, '_>,
        row: usize,
        now: Timestamp,
        buffer: &mut String,
    ) -> Result<(), BadRow> {
        let roles = table.roles;
        let name = required(roles.event_type.name(row, buffer), "type")?;
        let target = table.target(name).map_err(|error| refused("type", &error))?;
        let time = required(roles.time.timestamp(row), "time")?;
        let customer = self.who.of(roles, row)?;
        if customer as usize >= self.seen.len() {
            self.fit();
        }
        let known = match roles.known_at {
            Some(column) => column.timestamp(row).map_err(|error| bad("known_at", &error))?.unwrap_or(time),
            None => time,
        };
        if time > now || known > now {
            return Ok(());
        }
        if let Some(seen) = self.seen.get_mut(customer as usize) {
            *seen = true;
        }
        let id = match roles.id {
            Some(column) => column.name(row, buffer).map_err(|error| bad("id", &error))?.map_or(0, hash),
            None => 0,
        };
        match target {
            Target::Unread => {}
            Target::Hard => self.hard(customer),
            Target::Row(kind) => self.push(flat, (customer, kind), time, id, table, row)?,
            Target::Attribute { cleared } => {
                let column = roles.attribute.ok_or_else(|| missing("attribute"))?;
                let name = required(column.name(row, buffer), "attribute")?;
                let kind = self.engine.layout().attribute_kind(name).map_err(|error| refused("type", &error))?;
                let Some(kind) = flat.number_of(kind) else { return Ok(()) };
                if cleared {
                    self.put(flat, (customer, kind), time, id, &[Read::Missing]);
                    return Ok(());
                }
                self.push(flat, (customer, kind), time, id, table, row)?;
            }
            Target::Attributes => {
                for (kind, name, column) in &roles.attributes {
                    let Some(number) = flat.number_of(*kind) else { continue };
                    let ty = self.engine.layout().property_type(*kind, 0);
                    let value = ty.map_or(Ok(None), |ty| column.value_as(row, ty));
                    let Some(value) = value.map_err(|error| bad(name, &error))? else { continue };
                    let cell = self.engine.layout().store(*kind, 0, value);
                    let cell = cell.map_err(|reason| wrong(name, reason))?;
                    let cell = self.cell(cell).ok_or_else(|| wrong(name, FULL))?;
                    self.put(flat, (customer, number), time, id, &[cell]);
                }
            }
        }
        Ok(())
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
        table: &mut Table<'_, '_>,
        row: usize,
    ) -> Result<(), BadRow> {
        let mut cells: SmallVec<[Read; 4]> = SmallVec::new();
        for (place, reader) in table.readers.get(usize::from(kind)).into_iter().flatten().enumerate() {
            cells.push(match reader {
                Reader::Absent => Read::Missing,
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
                Reader::Text(number) => {
                    let Some(text) = table.texts.get_mut(*number) else { continue };
                    let (column, codes) = (text.column, &mut text.codes);
                    let entry = if codes.is_empty() { None } else { column.entry(row).ok().flatten() };
                    match entry.and_then(|entry| codes.get(entry).copied()) {
                        Some(code) if code != UNKNOWN => Read::Bits(u64::from(code)),
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
            sums.expect(1);
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

const FULL: &str = "the tables hold more than 4 GiB of text";

fn wrong(name: &str, reason: &str) -> BadRow {
    let code = if reason == FULL { "story_full" } else { "wrong_type" };
    BadRow { row: 0, column: Some(name.into()), code, reason: reason.to_owned() }
}

/// A hash of an id that is never 0.
fn hash(id: &str) -> u64 {
    use std::hash::BuildHasher;
    if id.is_empty() { 0 } else { BuildHasherDefault::<DefaultHasher>::default().hash_one(id) | 1 }
}
