use super::CustomerBase;
use super::links::Links;
use crate::customer::{Customer, Derived, Identifier, Read, Strand, read, tag, write_strands, write_unknown};
use crate::encoding::{Content, Reader, StateError, Writer, open, seal};
use crate::engine::Engine;
use crate::value::Timestamp;
use std::collections::BTreeMap;

impl CustomerBase {
    /// The whole base as bytes: all strands, what was told about links between identifiers, and up to when the effects of each
    /// customer were told. Canonical, as [`Customer::to_bytes`].
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut strands: Vec<(&Strand, Option<Timestamp>)> = Vec::new();
        for customer in self.customers.values() {
            strands.extend(customer.strands().iter().map(|strand| (strand, customer.derived.advanced)));
        }
        strands.sort_by(|(a, _), (b, _)| a.identifier().cmp(b.identifier()));
        let mut writer = open(Content::Base);
        write_strands(&mut writer, self.engine.layout(), &strands.iter().map(|(strand, _)| *strand).collect::<Vec<_>>());
        writer.section(tag::LINKS, 1, |writer| write_links(writer, &self.links));
        writer.section(tag::TOLD_EACH, 1, |writer| {
            for (_, told) in &strands {
                writer.byte(u8::from(told.is_some()));
                told.iter().for_each(|told| writer.signed(told.micros()));
            }
        });
        write_unknown(&mut writer, &self.unknown);
        seal(writer)
    }

    /// A base out of the bytes that [`to_bytes`](Self::to_bytes) wrote, under the engine's playbook or another version of it.
    ///
    /// # Errors
    /// [`StateError`] for bytes that are damaged, of a newer format or of another playbook.
    pub fn from_bytes(engine: Engine, bytes: &[u8]) -> Result<Self, StateError> {
        let mut links = Links::default();
        let mut told: Option<Reader<'_>> = None;
        let read = read(bytes, Content::Base, engine.layout(), |part| {
            match part.tag {
                tag::LINKS => read_links(part.body.clone(), &mut links)?,
                tag::TOLD_EACH if told.is_none() => told = Some(part.body.clone()),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        let Read { strands, unknown, .. } = read;
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
            let mut customer = Customer::of_strands(strands);
            customer.derived = Derived::told_until(told);
            (owner, customer)
        });
        Ok(CustomerBase { customers: customers.collect(), engine, links, unknown })
    }
}

fn write_links(writer: &mut Writer, links: &Links) {
    let told: Vec<_> = links.told().collect();
    writer.size(told.len());
    for (a, b, (time, sequence, id), linked) in told {
        writer.text(a.as_str());
        writer.text(b.as_str());
        writer.signed(time.micros());
        writer.signed(*sequence);
        writer.text(id);
        writer.byte(u8::from(linked));
    }
}

fn read_links(mut reader: Reader<'_>, links: &mut Links) -> Result<(), StateError> {
    let count = reader.count(7)?;
    let mut affected = Vec::with_capacity(count);
    for _ in 0..count {
        let mut identifier =
            || Identifier::parse(reader.text()?).map_err(|_| reader.corrupt("an identifier `namespace:value`"));
        let (a, b) = (identifier()?, identifier()?);
        if a >= b {
            return Err(reader.corrupt("two different identifiers in order"));
        }
        let (time, sequence, id, linked) = (reader.time()?, reader.signed()?, reader.text()?, reader.flag()?);
        links.tell(&a, &b, time, sequence, id, linked);
        affected.extend([a, b]);
    }
    reader.end()?;
    links.regroup(&affected);
    Ok(())
}
