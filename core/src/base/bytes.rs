use super::CustomerBase;
use super::count::Carried;
use super::links::{Links, Saying, Word};
use super::tombstones::Tombstones;
use crate::customer::{
    Checkpoint, Customer, Derived, Identifier, Read, Strand, read, read_checkpoint, read_places, tag, write_checkpoint,
    write_places, write_rectified, write_strands, write_unknown,
};
use crate::encoding::{Content, Reader, StateError, Writer, open, seal};
use crate::engine::Engine;
use crate::relation::Relations;
use crate::value::Timestamp;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

impl CustomerBase {
    /// The whole base as bytes: all strands, what was told about links between identifiers, up to when the effects of each customer
    /// were told, and who was erased (hashes, without their key). Canonical, as [`Customer::to_bytes`].
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut strands: Vec<(&Strand, Option<Timestamp>)> = Vec::new();
        for customer in self.customers.values() {
            strands.extend(customer.strands().iter().map(|strand| (strand, customer.derived.told())));
        }
        strands.sort_by(|(a, _), (b, _)| a.identifier().cmp(b.identifier()));
        let mut writer = open(Content::Base);
        write_strands(&mut writer, self.engine.layout(), &strands.iter().map(|(strand, _)| *strand).collect::<Vec<_>>());
        for (owner, customer) in self.customers.iter().filter(|(_, customer)| customer.strands().len() > 1) {
            if let Some(checkpoint) = customer.checkpoint() {
                writer.section(tag::CHECKPOINT, 1, |writer| {
                    writer.text(owner.as_str());
                    write_checkpoint(writer, checkpoint);
                });
            }
        }
        writer.section(tag::LINKS, 1, |writer| write_links(writer, &self.links));
        writer.section(tag::TOLD_EACH, 1, |writer| {
            for (_, told) in &strands {
                writer.byte(u8::from(told.is_some()));
                told.iter().for_each(|told| writer.signed(told.micros()));
            }
        });
        if !self.tombstones.is_empty() {
            writer.section(tag::TOMBSTONES, 1, |writer| self.tombstones.write(writer));
        }
        write_rectified(&mut writer, strands.iter().map(|(strand, _)| *strand));
        if !self.carried.is_empty() {
            writer.section(tag::CARRIED, 1, |writer| self.carried.write(writer));
        }
        let saved = |(owner, customer)| Some((Identifier::as_str(owner), Customer::saved(customer)?));
        let saved: Vec<_> = self.customers.iter().filter_map(saved).collect();
        if !saved.is_empty() {
            writer.section(tag::PLACES, 1, |writer| write_places(writer, &saved));
        }
        if let Some(forecast) = &self.forecast {
            writer.section(tag::FORECAST, 1, |writer| writer.raw(&forecast.to_bytes()));
        }
        write_unknown(&mut writer, &self.unknown);
        seal(writer)
    }

    /// A base out of the bytes that [`to_bytes`](Self::to_bytes) wrote, under the engine's playbook or another version of it.
    ///
    /// # Errors
    /// [`StateError`] for bytes that are damaged, of a newer format or of another playbook.
    pub fn from_bytes(engine: Engine, bytes: &[u8]) -> Result<Self, StateError> {
        let (mut links, mut tombstones) = (Links::default(), Tombstones::default());
        let (mut carried, mut told) = (Carried::default(), None::<Reader<'_>>);
        let (mut forecast, mut saved) = (None, BTreeMap::new());
        let mut checkpoints: BTreeMap<String, Checkpoint> = BTreeMap::new();
        let read = read(bytes, Content::Base, engine.layout(), |part| {
            match part.tag {
                tag::CHECKPOINT => {
                    let mut body = part.body.clone();
                    let owner = body.text()?.to_owned();
                    checkpoints.insert(owner, read_checkpoint(&mut body)?);
                    body.end()?;
                }
                tag::LINKS => read_links(part.body.clone(), &engine, &mut links)?,
                tag::TOLD_EACH if told.is_none() => told = Some(part.body.clone()),
                tag::TOMBSTONES if tombstones.is_empty() => tombstones = Tombstones::read(part.body.clone())?,
                tag::PLACES if saved.is_empty() => saved = read_places(part.body.clone())?,
                tag::CARRIED if carried.is_empty() => carried = Carried::read(part.body.clone())?,
                // What was learned with another version of the playbook is learned again.
                tag::FORECAST => forecast = engine.forecast_from_bytes(part.body.rest()).ok().map(Arc::new),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let Read { strands, unknown, same_version, .. } = read;
        let mut groups: BTreeMap<Identifier, (Vec<Strand>, Option<Timestamp>)> = BTreeMap::new();
        let mut told = told.unwrap_or_else(|| Reader::new(&[], bytes.len()));
        for strand in strands {
            engine.owns(strand.identifier())?;
            let (strands, last) = groups.entry(links.customer_of(strand.identifier()).clone()).or_default();
            if !told.is_empty() && told.flag()? {
                *last = (*last).max(Some(told.time()?));
            }
            strands.push(strand);
        }
        told.end()?;
        let customers = groups.into_iter().map(|(owner, (strands, told))| {
            let mut customer = Customer::of_strands(strands).known_by(owner.clone());
            customer.derived = Derived::told_until(told, same_version);
            if let Some(mut checkpoint) = checkpoints.remove(owner.as_str()) {
                checkpoint.settle_definitions(same_version.then(|| engine.layout().journeys()));
                customer.set_checkpoint(checkpoint);
            }
            engine.restart(&mut customer);
            if let Some(saved) = saved.remove(owner.as_str()) {
                customer.set_saved(saved);
                engine.pin(&mut customer);
            }
            (owner, customer)
        });
        let relations = Relations::default();
        let (customers, counted) = (customers.collect(), OnceLock::new());
        let mut base = CustomerBase { customers, engine, links, relations, tombstones, counted, carried, forecast, unknown };
        base.relate_all();
        Ok(base)
    }
}

fn write_links(writer: &mut Writer, links: &Links) {
    let told = links.told();
    writer.size(told.len());
    for (saying, (time, sequence, id), known_at) in &told {
        match saying {
            Saying::Pair(a, b, word) => {
                writer.byte(if let Word::Linked { .. } = word { LINKED } else { UNLINKED });
                writer.text(a.as_str());
                writer.text(b.as_str());
                if let Word::Linked { confidence } = word {
                    writer.raw(&confidence.to_bits().to_le_bytes());
                }
            }
            Saying::Revoke(identifier, event) => {
                writer.byte(REVOKED);
                writer.text(identifier.as_str());
                writer.text(event);
            }
        }
        writer.signed(time.micros());
        writer.signed(*sequence);
        writer.text(id);
        writer.signed(known_at.micros());
    }
}

const UNLINKED: u8 = 0;
const LINKED: u8 = 1;
const REVOKED: u8 = 2;

fn read_links(mut reader: Reader<'_>, engine: &Engine, links: &mut Links) -> Result<(), StateError> {
    let count = reader.count(8)?;
    for _ in 0..count {
        let kind = reader.byte()?;
        let identifier = |reader: &mut Reader<'_>| -> Result<Identifier, StateError> {
            let identifier =
                Identifier::parse(reader.text()?).map_err(|_| reader.corrupt("an identifier `namespace:value`"))?;
            engine.owns(&identifier).map(|()| identifier)
        };
        let first = identifier(&mut reader)?;
        let saying = match kind {
            LINKED | UNLINKED => {
                let second = identifier(&mut reader)?;
                if first >= second {
                    return Err(reader.corrupt("two different identifiers in order"));
                }
                let word = if kind == LINKED {
                    let confidence = f64::from_bits(reader.eight()?);
                    if !(0.0..=1.0).contains(&confidence) || confidence.is_sign_negative() {
                        return Err(reader.corrupt("a confidence from 0 to 1"));
                    }
                    Word::Linked { confidence }
                } else {
                    Word::Unlinked
                };
                Saying::Pair(first, second, word)
            }
            REVOKED => Saying::Revoke(first, Arc::from(reader.text()?)),
            _ => return Err(reader.corrupt("a link, its revocation, or that of an event")),
        };
        let turn = (reader.time()?, reader.signed()?, Arc::from(reader.text()?));
        let known_at = reader.time()?;
        links.tell(engine.identity(), &saying, &turn, known_at);
    }
    reader.end()
}
