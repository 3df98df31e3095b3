use super::kinds::{read_storage, write_storage};
use crate::customer::layout::CellKind;
use crate::customer::{
    Change, Checkpoint, Derived, Fold, Instances, JourneyState, Migrated, Numbers, Place, ReactionState, SegmentState,
    StateNames, Sum, Totals, Visit, Waiting, Walk, WatchState, Way, What,
};
use crate::encoding::{Reader, StateError, Writer};
use crate::value::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// More events than anybody can have folded, and few enough that what is counted on stays in range.
const MOST: u64 = 1 << 48;

/// Totals by event type, and the checkpoint of the strand alone.
pub(super) fn write_fold(writer: &mut Writer, fold: &Fold) {
    writer.size(fold.kinds.len());
    for (name, totals) in &fold.kinds {
        writer.text(name);
        for time in [totals.until, totals.first, totals.last, totals.known] {
            writer.signed(time.micros());
        }
        writer.varint(totals.count);
        writer.size(totals.numbers.len());
        for (name, numbers) in &totals.numbers {
            writer.text(name);
            write_storage(writer, CellKind::Bits(numbers.meaning));
            writer.varint(numbers.told);
            match numbers.sum {
                Sum::Whole(sum) => writer.wide(sum),
                Sum::Double(sum) => writer.wide(i128::from(sum.to_bits())),
            }
            writer.raw(&numbers.least.to_le_bytes());
            writer.raw(&numbers.greatest.to_le_bytes());
        }
    }
    writer.byte(u8::from(fold.checkpoint.is_some()));
    fold.checkpoint.iter().for_each(|checkpoint| write_checkpoint(writer, checkpoint));
}

pub(super) fn read_fold(mut reader: Reader<'_>) -> Result<Fold, StateError> {
    let mut kinds: BTreeMap<Arc<str>, Totals> = BTreeMap::new();
    for _ in 0..reader.count(7)? {
        let name = reader.text()?;
        let (until, first, last, known) = (reader.time()?, reader.time()?, reader.time()?, reader.time()?);
        let mut totals = Totals { until, first, last, known, count: reader.varint()?, numbers: BTreeMap::new() };
        if first > last || last > until {
            return Err(reader.corrupt("totals whose times are in order"));
        }
        if totals.count == 0 || totals.count > MOST {
            return Err(reader.corrupt("a number of events that can have been"));
        }
        for _ in 0..reader.count(35)? {
            let name = reader.text()?;
            let CellKind::Bits(meaning) = CellKind::of(&read_storage(&mut reader)?) else {
                return Err(reader.corrupt("a numeric property"));
            };
            let told = reader.varint()?;
            let (sum, least, greatest) = (reader.wide()?, reader.eight()?, reader.eight()?);
            if told == 0 || told > totals.count {
                return Err(reader.corrupt("a property of at most as many events as there were"));
            }
            let sum = if meaning == crate::expr::Bits::Double {
                let sum = u64::try_from(sum).map(f64::from_bits).ok();
                Sum::Double(sum.ok_or_else(|| reader.corrupt("a double"))?)
            } else if sum.unsigned_abs() > u128::from(told) << 64 {
                return Err(reader.corrupt("a sum of so many numbers"));
            } else {
                Sum::Whole(sum)
            };
            totals.numbers.insert(Arc::from(name), Numbers { meaning, told, sum, least, greatest });
        }
        kinds.insert(Arc::from(name), totals);
    }
    let checkpoint = if reader.flag()? { Some(read_checkpoint(&mut reader)?) } else { None };
    reader.end()?;
    Ok(Fold { kinds, checkpoint })
}

pub(crate) fn write_checkpoint(writer: &mut Writer, checkpoint: &Checkpoint) {
    let Checkpoint { known, names, state } = checkpoint;
    writer.signed(known.micros());
    write_time(writer, state.settled);
    writer.size(names.segments.len());
    for (place, name) in names.segments.iter().enumerate() {
        writer.text(name);
        write_segment(writer, state.segments.get(place).copied().unwrap_or_default());
    }
    writer.size(names.journeys.len());
    for (place, (name, stages)) in names.journeys.iter().enumerate() {
        writer.text(name);
        writer.size(stages.len());
        stages.iter().for_each(|stage| writer.text(stage));
        let nowhere = JourneyState::default();
        let journey = state.journeys.get(place).unwrap_or(&nowhere);
        write_journey(writer, journey);
    }
    writer.size(state.changes.len());
    for change in &state.changes {
        writer.signed(change.at.micros());
        writer.text(change.event.as_deref().unwrap_or(""));
        let stage = |stage: Option<u16>| stage.map_or(0, |stage| u64::from(stage) + 1);
        match &change.what {
            What::Entered { segment } => [0, u64::from(*segment), 0, 0],
            What::Left { segment } => [1, u64::from(*segment), 0, 0],
            What::Moved { journey, from, to, instance } => {
                [if instance.is_some() { 4 } else { 2 }, u64::from(*journey), stage(*from), stage(*to)]
            }
            What::Watched { watch, .. } => [3, u64::from(*watch), 0, 0],
            What::Full { journey, .. } => [5, u64::from(*journey), 0, 0],
            What::Migrated { journey, to, how, .. } => [6, u64::from(*journey), *how as u64, stage(*to)],
            What::Capped { journey, .. } => [8, u64::from(*journey), 0, 0],
            What::Proposed { reaction, by, .. } => [7, u64::from(*reaction), u64::from(*by), 0],
        }
        .into_iter()
        .for_each(|number| writer.varint(number));
        if let What::Watched { from, to, .. } = &change.what {
            writer.text(from);
            writer.text(to);
        }
        if let What::Proposed { since, instance, .. } = &change.what {
            writer.signed(since.micros());
            writer.text(instance.as_deref().unwrap_or(""));
        }
        match &change.what {
            What::Moved { instance: Some(instance), .. } | What::Full { instance, .. } => writer.text(instance),
            What::Capped { cap, .. } => writer.text(cap),
            What::Migrated { instance, from, .. } => {
                writer.text(instance.as_deref().unwrap_or(""));
                writer.text(from.as_deref().unwrap_or(""));
            }
            _ => {}
        }
    }
    // Left out where there are none, so that a state without watches has the same bytes as ever.
    let walked = !names.journeys.is_empty();
    let reacts = !names.reactions.is_empty();
    if names.watches.is_empty() && !walked && !reacts {
        return;
    }
    writer.size(names.watches.len());
    for (place, name) in names.watches.iter().enumerate() {
        writer.text(name);
        let never = WatchState::default();
        let watch = state.watches.get(place).unwrap_or(&never);
        writer.byte(u8::from(watch.value.is_some()));
        watch.value.iter().for_each(|value| writer.text(value));
        write_time(writer, watch.due);
    }
    // Walks are written before reactions, though nobody walked anywhere.
    if walked || reacts {
        let nowhere = JourneyState::default();
        for place in 0..names.journeys.len() {
            let journey = state.journeys.get(place).unwrap_or(&nowhere);
            write_walk(writer, journey);
            let instances = journey.instances.as_deref().cloned().unwrap_or_default();
            writer.size(instances.count());
            for (key, instance) in instances.all() {
                writer.text(key);
                write_journey(writer, instance);
                write_walk(writer, instance);
            }
            writer.byte(u8::from(instances.full));
            write_time(writer, instances.due());
        }
    }
    if walked || reacts {
        writer.size(names.reactions.len());
        for (place, name) in names.reactions.iter().enumerate() {
            writer.text(name);
            let never = ReactionState::default();
            write_reaction(writer, state.reactions.get(place).unwrap_or(&never));
        }
    }
    if walked {
        names.definitions.iter().for_each(|definition| writer.text(definition));
    }
}

/// How conditions stand, when something was proposed last, and what waits.
fn write_reaction(writer: &mut Writer, reaction: &ReactionState) {
    writer.size(reaction.conditions.len());
    reaction.conditions.iter().for_each(|condition| write_segment(writer, *condition));
    write_time(writer, reaction.last);
    writer.size(reaction.waiting.len());
    for waiting in &reaction.waiting {
        [waiting.due, waiting.since, waiting.first].into_iter().for_each(|time| writer.signed(time.micros()));
        writer.varint(u64::from(waiting.by));
        writer.text(waiting.instance.as_deref().unwrap_or(""));
        writer.text(waiting.event.as_deref().unwrap_or(""));
    }
}

fn read_reaction(reader: &mut Reader<'_>) -> Result<ReactionState, StateError> {
    let mut reaction = ReactionState::default();
    for _ in 0..reader.count(2)? {
        reaction.conditions.push(read_segment(reader)?);
    }
    reaction.last = read_time(reader)?;
    let named = |text: &str| Some(Arc::from(text)).filter(|text: &Arc<str>| !text.is_empty());
    for _ in 0..reader.count(6)? {
        reaction.waiting.push(Waiting {
            due: reader.time()?,
            since: reader.time()?,
            first: reader.time()?,
            by: number(reader, usize::from(u16::MAX))?,
            instance: named(reader.text()?),
            event: named(reader.text()?),
        });
    }
    Ok(reaction)
}

/// Where a customer is in a journey, how its conditions stand, and the stays so far.
fn write_journey(writer: &mut Writer, journey: &JourneyState) {
    writer.byte(u8::from(journey.place.is_some()));
    if let Some(place) = &journey.place {
        writer.varint(u64::from(place.stage));
        writer.signed(place.since.micros());
        write_time(writer, place.timeout);
        write_time(writer, place.stays_until);
    }
    writer.size(journey.conditions.len());
    journey.conditions.iter().for_each(|condition| write_segment(writer, *condition));
    writer.size(journey.waiting.len());
    journey.waiting.iter().for_each(|waiting| writer.byte(u8::from(*waiting)));
    writer.size(journey.visits.len());
    for visit in &journey.visits {
        writer.varint(u64::from(visit.stage));
        writer.signed(visit.entered.micros());
        write_time(writer, visit.left);
    }
}

/// What led into and out of each stay, and how the way as a whole stands.
fn write_walk(writer: &mut Writer, journey: &JourneyState) {
    for visit in &journey.visits {
        writer.byte(visit.by as u8);
        writer.byte(visit.ended.map_or(0, |way| way as u8 + 1));
    }
    let Walk { began, ended, entries, wait, limit, end, back } = journey.walk;
    [began, ended, wait, limit, end].into_iter().for_each(|time| write_time(writer, time));
    writer.varint(u64::from(entries));
    writer.varint(back.map_or(0, |stage| u64::from(stage) + 1));
}

fn read_journey(reader: &mut Reader<'_>, stages: usize) -> Result<JourneyState, StateError> {
    let mut journey = JourneyState::default();
    if reader.flag()? {
        journey.place = Some(Place {
            stage: number(reader, stages)?,
            since: reader.time()?,
            timeout: read_time(reader)?,
            stays_until: read_time(reader)?,
        });
    }
    for _ in 0..reader.count(2)? {
        journey.conditions.push(read_segment(reader)?);
    }
    for _ in 0..reader.count(1)? {
        journey.waiting.push(reader.flag()?);
    }
    for _ in 0..reader.count(3)? {
        let (stage, entered) = (number(reader, stages)?, reader.time()?);
        journey.visits.push(Visit { stage, entered, left: read_time(reader)?, by: Way::Event, ended: None });
    }
    Ok(journey)
}

fn read_walk(reader: &mut Reader<'_>, journey: &mut JourneyState, stages: usize) -> Result<(), StateError> {
    for visit in &mut journey.visits {
        let ways = (reader.byte()?, reader.byte()?);
        let way = |number: u8| Way::ALL.get(usize::from(number)).copied();
        visit.by = way(ways.0).ok_or_else(|| reader.corrupt("a way into a stage"))?;
        if let Some(ended) = ways.1.checked_sub(1) {
            visit.ended = Some(way(ended).ok_or_else(|| reader.corrupt("a way out of a stage"))?);
        }
    }
    journey.walk = Walk {
        began: read_time(reader)?,
        ended: read_time(reader)?,
        wait: read_time(reader)?,
        limit: read_time(reader)?,
        end: read_time(reader)?,
        entries: u32::try_from(reader.varint()?).map_err(|_| reader.corrupt("a number of entries"))?,
        back: number(reader, stages + 1)?.checked_sub(1),
    };
    Ok(())
}

pub(crate) fn read_checkpoint(reader: &mut Reader<'_>) -> Result<Checkpoint, StateError> {
    let known = reader.time()?;
    let mut names = StateNames::default();
    let mut state = Derived::default();
    state.settled = read_time(reader)?;
    let (mut segments, mut journeys, mut watches) = (Vec::new(), Vec::new(), Vec::new());
    let mut reactions: Vec<ReactionState> = Vec::new();
    for _ in 0..reader.count(3)? {
        names.segments.push(Arc::from(reader.text()?));
        segments.push(read_segment(reader)?);
    }
    for _ in 0..reader.count(6)? {
        let name: Arc<str> = Arc::from(reader.text()?);
        let mut stages: Vec<Arc<str>> = Vec::new();
        for _ in 0..reader.count(1)? {
            stages.push(Arc::from(reader.text()?));
        }
        let journey = read_journey(reader, stages.len())?;
        names.journeys.push((name, stages));
        journeys.push(journey);
    }
    for _ in 0..reader.count(6)? {
        let at = reader.time()?;
        let event = Some(reader.text()?).filter(|id| !id.is_empty()).map(Arc::from);
        let what = match reader.varint()? {
            kind @ (0 | 1) => {
                let segment = number(reader, names.segments.len())?;
                let nothing = (reader.varint()?, reader.varint()?);
                if nothing != (0, 0) {
                    return Err(reader.corrupt("two zeros"));
                }
                if kind == 0 { What::Entered { segment } } else { What::Left { segment } }
            }
            2 => {
                let journey = number(reader, names.journeys.len())?;
                let stages = names.journeys.get(usize::from(journey)).map_or(0, |(_, stages)| stages.len());
                let mut stage = || number(reader, stages + 1).map(|stage| stage.checked_sub(1));
                What::Moved { journey, from: stage()?, to: stage()?, instance: None }
            }
            kind @ (4..=6) => {
                let journey = number(reader, names.journeys.len())?;
                let stages = names.journeys.get(usize::from(journey)).map_or(0, |(_, stages)| stages.len());
                let mut numbers = [0; 2];
                for place in &mut numbers {
                    *place = number(reader, stages.max(Migrated::ALL.len()) + 1)?;
                }
                let stage = |number: u16| number.checked_sub(1).filter(|stage| usize::from(*stage) < stages);
                let instance: Arc<str> = Arc::from(reader.text()?);
                let named = |text: Arc<str>| Some(text).filter(|text| !text.is_empty());
                match kind {
                    4 => What::Moved { journey, from: stage(numbers[0]), to: stage(numbers[1]), instance: Some(instance) },
                    5 => What::Full { journey, instance },
                    _ => {
                        let how = Migrated::ALL.get(usize::from(numbers[0])).copied();
                        let how = how.ok_or_else(|| reader.corrupt("how a place was taken over"))?;
                        let (instance, from) = (named(instance), named(Arc::from(reader.text()?)));
                        What::Migrated { journey, instance, from, to: stage(numbers[1]), how }
                    }
                }
            }
            8 => {
                let journey = number(reader, names.journeys.len())?;
                if (reader.varint()?, reader.varint()?) != (0, 0) {
                    return Err(reader.corrupt("two zeros"));
                }
                What::Capped { journey, cap: Arc::from(reader.text()?) }
            }
            3 => {
                let watch = number(reader, usize::from(u16::MAX))?;
                if (reader.varint()?, reader.varint()?) != (0, 0) {
                    return Err(reader.corrupt("two zeros"));
                }
                What::Watched { watch, from: Arc::from(reader.text()?), to: Arc::from(reader.text()?) }
            }
            7 => {
                let bound = usize::from(u16::MAX);
                let (reaction, by) = (number(reader, bound)?, number(reader, bound)?);
                if reader.varint()? != 0 {
                    return Err(reader.corrupt("a zero"));
                }
                let since = reader.time()?;
                let instance = Some(Arc::from(reader.text()?)).filter(|text: &Arc<str>| !text.is_empty());
                What::Proposed { reaction, by, since, instance }
            }
            _ => return Err(reader.corrupt("the kind of a change")),
        };
        state.changes.push(Change { at, what, event });
    }
    if !reader.is_empty() {
        for _ in 0..reader.count(3)? {
            names.watches.push(Arc::from(reader.text()?));
            let value = if reader.flag()? { Some(Arc::from(reader.text()?)) } else { None };
            watches.push(WatchState { value, due: read_time(reader)? });
        }
    }
    if !reader.is_empty() {
        for (journey, (_, stages)) in journeys.iter_mut().zip(&names.journeys) {
            read_walk(reader, journey, stages.len())?;
            let mut all: Vec<(Arc<str>, Arc<JourneyState>)> = Vec::new();
            for _ in 0..reader.count(8)? {
                let key: Arc<str> = Arc::from(reader.text()?);
                let mut instance = read_journey(reader, stages.len())?;
                read_walk(reader, &mut instance, stages.len())?;
                if all.last().is_some_and(|(last, _)| *last >= key) {
                    return Err(reader.corrupt("keys of instances in order"));
                }
                all.push((key, Arc::new(instance)));
            }
            let instances = Instances::of(all, reader.flag()?);
            // When the first is due follows from the instances.
            read_time(reader)?;
            journey.instances = (!instances.is_empty()).then(|| Box::new(instances));
        }
    }
    if !reader.is_empty() {
        for _ in 0..reader.count(4)? {
            names.reactions.push(Arc::from(reader.text()?));
            reactions.push(read_reaction(reader)?);
        }
    }
    if !reader.is_empty() {
        for _ in 0..names.journeys.len() {
            names.definitions.push(Arc::from(reader.text()?));
        }
    }
    (state.segments, state.journeys, state.watches) = (segments.into(), journeys.into(), watches.into());
    state.reactions = reactions.into();
    let declared = |change: &Change| match change.what {
        What::Watched { watch, .. } => usize::from(watch) < names.watches.len(),
        What::Proposed { reaction, .. } => usize::from(reaction) < names.reactions.len(),
        _ => true,
    };
    if !state.changes.iter().all(declared) {
        return Err(reader.corrupt("the number of a watch or reaction"));
    }
    Ok(Checkpoint { known, names: Arc::new(names), state })
}

/// A number below a bound.
fn number(reader: &mut Reader<'_>, bound: usize) -> Result<u16, StateError> {
    let number = reader.varint()?;
    match u16::try_from(number) {
        Ok(number) if usize::from(number) < bound => Ok(number),
        _ => Err(reader.corrupt("the number of a segment, journey or stage")),
    }
}

/// 0 for no time, 1 and the time.
fn write_time(writer: &mut Writer, time: Option<Timestamp>) {
    writer.byte(u8::from(time.is_some()));
    time.iter().for_each(|time| writer.signed(time.micros()));
}

fn read_time(reader: &mut Reader<'_>) -> Result<Option<Timestamp>, StateError> {
    if reader.flag()? { reader.time().map(Some) } else { Ok(None) }
}

/// 0 unknown, 1 out, 2 in; then when that may change.
fn write_segment(writer: &mut Writer, segment: SegmentState) {
    writer.byte(segment.member().map_or(0, |member| 1 + u8::from(member)));
    write_time(writer, segment.due());
}

fn read_segment(reader: &mut Reader<'_>) -> Result<SegmentState, StateError> {
    let member = match reader.byte()? {
        0 => None,
        1 => Some(false),
        2 => Some(true),
        _ => return Err(reader.corrupt("unknown, out or in")),
    };
    Ok(SegmentState::new(member, read_time(reader)?))
}
