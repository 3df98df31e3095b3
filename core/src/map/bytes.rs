use super::spec::MapSpec;
use super::tally::{Count, JourneyMap, MoveTally, StageTally, Tally, Touch, TouchTally};
use super::times::{Bucket, Times};
use crate::encoding::{Content, Reader, StateError, Writer, open, seal, sections};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Tags of sections.
mod tag {
    pub(super) const SPEC: u64 = 21;
    pub(super) const GROUP: u64 = 22;
}

impl MapSpec {
    /// What is counted, as text: equal for maps that can be added.
    fn definition(&self) -> String {
        let stages: Vec<&str> = self.stages.iter().map(|stage| &*stage.name).collect();
        let calendar = match self.options.split {
            super::Split::Periods(_) => format!("\n{} {}", self.calendar.zone, self.calendar.week_begins),
            _ => String::new(),
        };
        format!("{}\n{:?}\n{}{calendar}", self.playbook, self.options, stages.join("\n"))
    }
}

impl JourneyMap {
    /// The map as bytes, to be added to others elsewhere. Canonical. It holds numbers about few customers too.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = open(Content::Map);
        writer.section(tag::SPEC, 1, |writer| writer.text(&self.spec.definition()));
        for (name, tally) in &self.groups {
            writer.section(tag::GROUP, 1, |writer| {
                writer.text(name);
                tally.write(writer);
            });
        }
        seal(writer)
    }

    /// A map of the same journey, instant, period and split as this one, out of the bytes that [`to_bytes`](Self::to_bytes) wrote.
    ///
    /// # Errors
    /// [`StateError`] for bytes that are damaged, or of a map of something else.
    pub fn like(&self, bytes: &[u8]) -> Result<Self, StateError> {
        let mut map = JourneyMap { spec: self.spec.clone(), groups: BTreeMap::new() };
        let mut checked = false;
        for part in sections(bytes, Content::Map)? {
            let part = part?;
            let mut body = part.body;
            match part.tag {
                tag::SPEC if !checked => {
                    let offset = body.offset();
                    if body.text()? != self.spec.definition() {
                        let message =
                            "the map is of another journey, instant, period or split; make an empty one like it first";
                        return Err(StateError::new("other_playbook", offset, message));
                    }
                    checked = true;
                }
                tag::GROUP if checked => {
                    let name: Arc<str> = Arc::from(body.text()?);
                    let last = map.groups.last_key_value().is_some_and(|(last, _)| *last >= name);
                    if last || map.groups.is_empty() != name.is_empty() {
                        return Err(body.corrupt("everyone, then groups once, in order"));
                    }
                    map.groups.insert(name, Tally::read(&mut body)?);
                }
                _ => return Err(body.corrupt("what is counted, and groups")),
            }
            body.end()?;
        }
        if map.groups.is_empty() {
            return Err(StateError::new("truncated", bytes.len(), "expected a map"));
        }
        Ok(map)
    }
}

fn write_map<K, V>(writer: &mut Writer, map: &BTreeMap<K, V>, each: impl Fn(&mut Writer, &K, &V)) {
    writer.size(map.len());
    map.iter().for_each(|(key, value)| each(writer, key, value));
}

/// Entries in rising order, each key once.
fn read_map<K: Ord, V>(
    reader: &mut Reader<'_>,
    mut each: impl FnMut(&mut Reader<'_>) -> Result<(K, V), StateError>,
) -> Result<BTreeMap<K, V>, StateError> {
    let count = reader.count(2)?;
    let mut map = BTreeMap::new();
    for _ in 0..count {
        let (key, value) = each(reader)?;
        if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
            return Err(reader.corrupt("keys once, in order"));
        }
        map.insert(key, value);
    }
    Ok(map)
}

fn number<T: TryFrom<u64>>(reader: &mut Reader<'_>) -> Result<T, StateError> {
    T::try_from(reader.varint()?).map_err(|_| reader.corrupt("a smaller number"))
}

fn write_stage(writer: &mut Writer, stage: Option<u16>) {
    writer.varint(stage.map_or(0, |stage| u64::from(stage) + 1));
}

fn read_stage(reader: &mut Reader<'_>) -> Result<Option<u16>, StateError> {
    let stage = reader.varint()?;
    stage.checked_sub(1).map(|stage| u16::try_from(stage).map_err(|_| reader.corrupt("the number of a stage"))).transpose()
}

impl Count {
    fn write(self, writer: &mut Writer) {
        writer.varint(self.count);
        writer.varint(self.customers);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StateError> {
        Ok(Count { count: reader.varint()?, customers: reader.varint()? })
    }
}

impl Times {
    fn write(&self, writer: &mut Writer) {
        write_map(writer, &self.buckets, |writer, number, bucket| {
            writer.varint(u64::from(*number));
            writer.varint(bucket.count);
            writer.wide(bucket.sum);
        });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StateError> {
        let bucket = |reader: &mut Reader<'_>| Ok((number(reader)?, Bucket { count: reader.varint()?, sum: reader.wide()? }));
        Ok(Times { buckets: read_map(reader, bucket)? })
    }
}

impl Tally {
    fn write(&self, writer: &mut Writer) {
        writer.varint(self.customers);
        writer.varint(self.outside);
        write_map(writer, &self.stages, |writer, stage, tally| {
            writer.varint(u64::from(*stage));
            tally.write(writer);
        });
        write_map(writer, &self.moves, |writer, (from, to), way| {
            write_stage(writer, *from);
            write_stage(writer, *to);
            way.moves.write(writer);
            way.times.write(writer);
        });
        write_map(writer, &self.reached, |writer, (from, to), count| {
            writer.varint(u64::from(*from));
            writer.varint(u64::from(*to));
            count.write(writer);
        });
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StateError> {
        Ok(Tally {
            customers: reader.varint()?,
            outside: reader.varint()?,
            stages: read_map(reader, |reader| Ok((number(reader)?, StageTally::read(reader)?)))?,
            moves: read_map(reader, |reader| {
                let ends = (read_stage(reader)?, read_stage(reader)?);
                Ok((ends, MoveTally { moves: Count::read(reader)?, times: Times::read(reader)? }))
            })?,
            reached: read_map(reader, |reader| Ok(((number(reader)?, number(reader)?), Count::read(reader)?)))?,
        })
    }
}

impl StageTally {
    fn write(&self, writer: &mut Writer) {
        let StageTally { here, entries, returns, exits, complaints, complained, .. } = self;
        [here, entries, returns, exits, complaints, complained].into_iter().for_each(|count| count.write(writer));
        self.lasting.write(writer);
        write_map(writer, &self.touches, |writer, touch, tally| {
            writer.text(&touch.event);
            writer.byte(u8::from(touch.channel.is_some()));
            touch.channel.iter().for_each(|channel| writer.text(channel));
            tally.events.write(writer);
            writer.varint(tally.ended);
            writer.varint(tally.dropped);
            tally.times.write(writer);
        });
        write_map(writer, &self.outcomes, |writer, name, count| {
            writer.text(name);
            count.write(writer);
        });
        for answers in [&self.nps, &self.csat] {
            write_map(writer, answers, |writer, answer, count| {
                writer.byte(*answer);
                count.write(writer);
            });
        }
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StateError> {
        Ok(StageTally {
            here: Count::read(reader)?,
            entries: Count::read(reader)?,
            returns: Count::read(reader)?,
            exits: Count::read(reader)?,
            complaints: Count::read(reader)?,
            complained: Count::read(reader)?,
            lasting: Times::read(reader)?,
            touches: read_map(reader, |reader| {
                let event = Arc::from(reader.text()?);
                let channel = if reader.flag()? { Some(Arc::from(reader.text()?)) } else { None };
                let events = Count::read(reader)?;
                let tally =
                    TouchTally { events, ended: reader.varint()?, dropped: reader.varint()?, times: Times::read(reader)? };
                Ok((Touch { event, channel }, tally))
            })?,
            outcomes: read_map(reader, |reader| Ok((Arc::from(reader.text()?), Count::read(reader)?)))?,
            nps: read_map(reader, |reader| Ok((reader.byte()?, Count::read(reader)?)))?,
            csat: read_map(reader, |reader| Ok((reader.byte()?, Count::read(reader)?)))?,
        })
    }
}
