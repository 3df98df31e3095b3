use super::forecast::Forecast;
use super::publish::Published;
use super::spec::{NextError, NextOptions, NextSpec};
use super::steps::{Cell, Context, Contribution, Contributions, Track};
use super::transitions::Transitions;
use crate::encoding::{Content, Reader, StateError, Writer, open, seal, sections};
use std::sync::Arc;

/// Tags of sections.
mod tag {
    pub(super) const SPEC: u64 = 30;
    pub(super) const CONTRIBUTION: u64 = 31;
    pub(super) const CELLS: u64 = 32;
}

/// What is counted for some options, by the playbook that reads.
pub(crate) type SpecOf<'a> = &'a dyn Fn(&NextOptions) -> Result<NextSpec, NextError>;

impl NextSpec {
    fn write(&self, writer: &mut Writer) {
        writer.section(tag::SPEC, 1, |writer| {
            writer.signed(self.options.at.micros());
            writer.byte(u8::from(self.options.since.is_some()));
            self.options.since.iter().for_each(|since| writer.signed(since.micros()));
            writer.text(&self.definition());
        });
    }

    fn read(body: &mut Reader<'_>, spec_of: SpecOf<'_>) -> Result<Self, StateError> {
        let offset = body.offset();
        let at = body.time()?;
        let since = if body.flag()? { Some(body.time()?) } else { None };
        let spec =
            spec_of(&NextOptions { at, since }).map_err(|_| body.corrupt("a period that does not end before it begins"))?;
        if body.text()? != spec.definition() {
            let message = "the transitions were counted by another playbook; observe the customers again";
            return Err(StateError::new("other_playbook", offset, message));
        }
        Ok(spec)
    }
}

impl Transitions {
    /// The transitions as bytes: what each customer contributed. Canonical.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = open(Content::Transitions);
        self.spec.write(&mut writer);
        for (id, contribution) in &self.contributions {
            writer.section(tag::CONTRIBUTION, 2, |writer| {
                writer.text(id);
                writer.size(contribution.0.len());
                for (cell, count) in &contribution.0 {
                    write_place(writer, cell.journey, cell.track, &cell.context, cell.next);
                    writer.byte(cell.bucket);
                    writer.varint(*count);
                }
            });
        }
        seal(writer)
    }

    pub(crate) fn of_bytes(spec_of: SpecOf<'_>, bytes: &[u8]) -> Result<Self, StateError> {
        let mut spec: Option<Arc<NextSpec>> = None;
        let mut contributions = Contributions::new();
        for part in sections(bytes, Content::Transitions)? {
            let part = part?;
            let mut body = part.body;
            refuse_old(part.tag, part.version, &body)?;
            match (part.tag, &spec) {
                (tag::SPEC, None) => spec = Some(Arc::new(NextSpec::read(&mut body, spec_of)?)),
                (tag::CONTRIBUTION, Some(spec)) => {
                    let id: Arc<str> = Arc::from(body.text()?);
                    let count = body.count(10)?;
                    let mut contribution = Contribution::default();
                    for _ in 0..count {
                        let (journey, track, context, next) = read_place(&mut body)?;
                        let (bucket, count) = (body.byte()?, body.varint()?);
                        let cell = Cell { journey, track, context, next, bucket };
                        let known = usize::from(journey) < spec.journeys.len() && usize::from(bucket) < super::span::BUCKETS;
                        let last = contribution.0.last_key_value().is_some_and(|(last, _)| *last >= cell);
                        if !known || last || count == 0 {
                            return Err(body.corrupt("cells of journeys once, in order, with a count"));
                        }
                        contribution.0.insert(cell, count);
                    }
                    if contributions.last_key_value().is_some_and(|(last, _)| *last >= id) || contribution.0.is_empty() {
                        return Err(body.corrupt("customers once, in order, each with cells"));
                    }
                    contributions.insert(id, Arc::new(contribution));
                }
                _ => return Err(body.corrupt("what is counted, and what customers contributed")),
            }
            body.end()?;
        }
        let missing = || StateError::new("truncated", bytes.len(), "expected what is counted");
        Ok(Transitions { spec: spec.ok_or_else(missing)?, contributions })
    }
}

impl Forecast {
    /// The forecast as bytes. Canonical; every number in it is about at least `k` customers.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = open(Content::Forecast);
        self.spec.write(&mut writer);
        writer.section(tag::CELLS, 2, |writer| {
            writer.size(self.cells.len());
            for cell in &self.cells {
                write_place(writer, cell.journey, cell.track, &cell.context, cell.next);
                [cell.level, cell.first, cell.last].into_iter().for_each(|byte| writer.byte(byte));
                writer.varint(cell.count);
                writer.varint(cell.customers);
            }
        });
        seal(writer)
    }

    pub(crate) fn of_bytes(spec_of: SpecOf<'_>, bytes: &[u8]) -> Result<Self, StateError> {
        let mut spec: Option<Arc<NextSpec>> = None;
        let mut cells: Option<Vec<Published>> = None;
        for part in sections(bytes, Content::Forecast)? {
            let part = part?;
            let mut body = part.body;
            refuse_old(part.tag, part.version, &body)?;
            match (part.tag, &spec) {
                (tag::SPEC, None) => spec = Some(Arc::new(NextSpec::read(&mut body, spec_of)?)),
                (tag::CELLS, Some(spec)) if cells.is_none() => {
                    let count = body.count(13)?;
                    let mut read: Vec<Published> = Vec::new();
                    for _ in 0..count {
                        let (journey, track, context, next) = read_place(&mut body)?;
                        let (level, first, last) = (body.byte()?, body.byte()?, body.byte()?);
                        let (count, customers) = (body.varint()?, body.varint()?);
                        let cell = Published { journey, track, level, context, next, first, last, count, customers };
                        if !cell.is_sound(spec) || read.last().is_some_and(|last| *last >= cell) {
                            return Err(body.corrupt("cells once, in order"));
                        }
                        read.push(cell);
                    }
                    cells = Some(read);
                }
                _ => return Err(body.corrupt("what is counted, and how often")),
            }
            body.end()?;
        }
        let missing = || StateError::new("truncated", bytes.len(), "expected a forecast");
        let (spec, cells) = spec.zip(cells).ok_or_else(missing)?;
        Ok(Forecast::of_cells(spec, cells))
    }
}

/// What was counted with two steps of context cannot be counted on with three.
fn refuse_old(tag: u64, version: u64, body: &Reader<'_>) -> Result<(), StateError> {
    if version == if tag == tag::SPEC { 1 } else { 2 } {
        return Ok(());
    }
    let message = "the transitions were counted by another version of the library; observe the customers again";
    Err(StateError::new("other_version", body.offset(), message))
}

fn write_place(writer: &mut Writer, journey: u16, track: Track, context: &Context, next: u32) {
    writer.varint(u64::from(journey));
    writer.byte(Track::ALL.iter().position(|own| *own == track).and_then(|place| u8::try_from(place).ok()).unwrap_or(0));
    // The codes at the end of the range are the most frequent, so that they come first.
    context.iter().chain([&next]).for_each(|part| writer.varint(u64::from(part.wrapping_add(4))));
}

fn read_place(reader: &mut Reader<'_>) -> Result<(u16, Track, Context, u32), StateError> {
    let journey = u16::try_from(reader.varint()?).map_err(|_| reader.corrupt("the number of a journey"))?;
    let track = *Track::ALL.get(usize::from(reader.byte()?)).ok_or_else(|| reader.corrupt("the number of a sequence"))?;
    let mut code = || -> Result<u32, StateError> {
        let code = u32::try_from(reader.varint()?).map_err(|_| reader.corrupt("a smaller number"))?;
        Ok(code.wrapping_sub(4))
    };
    let context = [code()?, code()?, code()?, code()?, code()?];
    Ok((journey, track, context, code()?))
}
