use crate::customer::layout::CellKind;
use crate::customer::strand::Strand;
use crate::customer::texts::{Code, Texts};
use crate::customer::track::{Cells, Rare, Track, absent};
use crate::encoding::{Reader, StateError, Writer, read_value, write_value};
use crate::expr::{Bits, EventKind};
use crate::value::{Date, Point, Timestamp, Value};

/// Numbers texts in the order in which they are first written, so that the order of arrival does not show.
pub(super) struct Numbers {
    numbers: Vec<Code>,
    order: Vec<Code>,
}

impl Numbers {
    pub(super) fn new(texts: usize) -> Self {
        Numbers { numbers: vec![0; texts + 1], order: Vec::with_capacity(texts) }
    }

    /// The texts, in the order of their numbers.
    pub(super) fn order(&self) -> &[Code] {
        &self.order
    }

    fn number(&mut self, code: Code) -> u64 {
        if code == 0 {
            return 0;
        }
        let Some(place) = self.numbers.get_mut(code as usize) else { return 0 };
        if *place == 0 {
            self.order.push(code);
            *place = Code::try_from(self.order.len()).unwrap_or(Code::MAX);
        }
        u64::from(*place)
    }
}

const SECOND: i64 = 1_000_000;
const MILLISECOND: i64 = 1_000;

/// Writes a track: times, when each was known, sequence numbers, ids, channels, sources, details, and the properties.
pub(super) fn write_track(writer: &mut Writer, strand: &Strand, track: &Track, cells: &[CellKind], numbers: &mut Numbers) {
    writer.size(track.len());
    write_times(writer, &track.times);
    write_sparse(writer, track.known().iter().zip(&track.times).any(|(known, time)| known != time), |writer| {
        track.known().iter().zip(&track.times).for_each(|(known, time)| writer.signed(known.micros() - time.micros()));
    });
    write_sparse(writer, track.sequences().iter().any(|sequence| *sequence != 0), |writer| {
        let mut before = 0_i64;
        for sequence in track.sequences() {
            writer.signed(sequence.wrapping_sub(before));
            before = *sequence;
        }
    });
    let mut before = "";
    for code in &track.ids {
        let id = strand.id(*code);
        write_id(writer, before, id);
        before = id;
    }
    for codes in [track.channels(), track.sources(), track.details()] {
        write_sparse(writer, codes.iter().any(|code| *code != 0), |writer| {
            codes.iter().for_each(|code| writer.varint(numbers.number(*code)));
        });
    }
    for (column, cell) in track.columns.iter().zip(cells) {
        write_column(writer, column, *cell, numbers);
    }
}

/// A part that is left out when it holds nothing but what is usual.
fn write_sparse(writer: &mut Writer, there: bool, write: impl FnOnce(&mut Writer)) {
    writer.byte(u8::from(there));
    if there {
        write(writer);
    }
}

/// The unit (0 microseconds, 1 milliseconds, 2 seconds), the first time, and the steps from one to the next.
fn write_times(writer: &mut Writer, times: &[Timestamp]) {
    let all = |unit: i64| times.iter().all(|time| time.micros() % unit == 0);
    let (letter, unit) = if all(SECOND) {
        (2, SECOND)
    } else if all(MILLISECOND) {
        (1, MILLISECOND)
    } else {
        (0, 1)
    };
    writer.byte(letter);
    let mut before: Option<i64> = None;
    for time in times {
        let time = time.micros() / unit;
        match before {
            None => writer.signed(time),
            Some(before) => writer.varint((time - before).cast_unsigned()),
        }
        before = Some(time);
    }
}

/// The prefix of ids that the engine makes itself out of an event's content.
const CONTENT: &str = "content:";

/// How many bytes an id takes from the one before it, so that a few bytes cannot stand for very many.
const MOST_SHARED: usize = 64;

/// 0 and sixteen bytes for an id made of an event's content; else one more than the bytes it begins with like the id before it,
/// and the rest.
fn write_id(writer: &mut Writer, before: &str, id: &str) {
    if let Some(bytes) = id.strip_prefix(CONTENT).and_then(from_hex) {
        writer.byte(0);
        writer.raw(&bytes);
        return;
    }
    let mut shared = before.bytes().zip(id.bytes()).take(MOST_SHARED).take_while(|(a, b)| a == b).count();
    while !id.is_char_boundary(shared) {
        shared -= 1;
    }
    writer.size(shared + 1);
    writer.text(id.get(shared..).unwrap_or(""));
}

fn from_hex(text: &str) -> Option<[u8; 16]> {
    let digits: &[u8; 32] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        for digit in pair {
            let digit = match digit {
                b'0'..=b'9' => digit - b'0',
                b'a'..=b'f' => digit - b'a' + 10,
                _ => return None,
            };
            *byte = *byte << 4 | digit;
        }
    }
    Some(bytes)
}

/// Which rows have a value (0 all, 1 none, 2 as a bit each), then the values of those that do.
fn write_column(writer: &mut Writer, column: &Cells, cell: CellKind, numbers: &mut Numbers) {
    match column {
        Cells::Codes(codes) => write_sparse(writer, codes.iter().any(|code| *code != 0), |writer| {
            codes.iter().for_each(|code| writer.varint(numbers.number(*code)));
        }),
        Cells::Bits { bits, missing } => {
            let CellKind::Bits(meaning) = cell else { return };
            let missing = absent(missing);
            let there = |row: usize| !missing.get(row).copied().unwrap_or(false);
            if !write_presence(writer, bits.len(), there) {
                return;
            }
            let mut present = bits.iter().enumerate().filter(|(row, _)| there(*row)).map(|(_, bits)| *bits);
            match meaning {
                Bits::Bool => {
                    let bits: Vec<u64> = present.collect();
                    write_bits(writer, bits.len(), |row| bits.get(row).is_some_and(|bit| *bit != 0));
                }
                Bits::Uint => present.for_each(|bits| writer.varint(bits)),
                Bits::Double | Bits::Point => present.for_each(|bits| writer.raw(&bits.to_le_bytes())),
                Bits::Timestamp => {
                    let mut before = 0;
                    present.by_ref().for_each(|bits| {
                        writer.signed(bits.cast_signed().wrapping_sub(before));
                        before = bits.cast_signed();
                    });
                }
                Bits::Int | Bits::Decimal { .. } | Bits::Duration | Bits::Date => {
                    present.for_each(|bits| writer.signed(bits.cast_signed()))
                }
            }
        }
        Cells::Whole(values) => {
            if write_presence(writer, values.len(), |row| values.get(row).is_some_and(Option::is_some)) {
                values.iter().flatten().for_each(|value| write_value(writer, value));
            }
        }
    }
}

/// Whether any row has a value.
fn write_presence(writer: &mut Writer, rows: usize, there: impl Fn(usize) -> bool) -> bool {
    let present = (0..rows).filter(|row| there(*row)).count();
    if present == rows || present == 0 {
        writer.byte(u8::from(present == 0));
        return present > 0;
    }
    writer.byte(2);
    write_bits(writer, rows, there);
    true
}

fn write_bits(writer: &mut Writer, rows: usize, bit: impl Fn(usize) -> bool) {
    for first in (0..rows).step_by(8) {
        let byte = (first..rows.min(first + 8)).fold(0_u8, |byte, row| byte | u8::from(bit(row)) << (row - first));
        writer.byte(byte);
    }
}

/// Reads what [`write_track`] wrote. Ids go into `ids`; `texts` says how many texts there are.
pub(super) fn read_track(
    reader: &mut Reader<'_>,
    cells: &[CellKind],
    ids: &mut Texts,
    texts: usize,
) -> Result<Track, StateError> {
    // A row takes at least a byte for its time and two for its id.
    let rows = reader.count(3)?;
    if rows == 0 {
        return Err(reader.corrupt("at least one event of a type"));
    }
    let mut track = Track { times: read_times(reader, rows)?, ..Track::default() };
    let (mut rare, mut any) = (Rare::default(), false);
    if reader.flag()? {
        any = true;
        rare.known = Vec::with_capacity(rows);
        for time in &track.times {
            let micros = reader.signed()?.wrapping_add(time.micros());
            rare.known.push(reader.instant(micros)?);
        }
    }
    if reader.flag()? {
        any = true;
        let mut before = 0_i64;
        rare.sequences = Vec::with_capacity(rows);
        for _ in 0..rows {
            before = before.wrapping_add(reader.signed()?);
            rare.sequences.push(before);
        }
    }
    track.ids = read_ids(reader, rows, ids)?;
    for codes in [&mut rare.channels, &mut rare.sources, &mut rare.details] {
        if reader.flag()? {
            any = true;
            *codes = read_codes(reader, rows, texts)?;
        }
    }
    track.rare = any.then(|| Box::new(rare));
    let columns: Result<Vec<_>, _> = cells.iter().map(|cell| read_column(reader, *cell, rows, texts)).collect();
    track.columns = columns?.into_boxed_slice();
    in_order(reader, &track, ids)?;
    Ok(track)
}

/// Refuses rows that do not stand in the order of the story.
fn in_order(reader: &Reader<'_>, track: &Track, ids: &Texts) -> Result<(), StateError> {
    let key = |row: usize| (track.times.get(row), track.sequences().get(row));
    for row in 1..track.len() {
        let ascending = match key(row - 1).cmp(&key(row)) {
            std::cmp::Ordering::Less => true,
            std::cmp::Ordering::Greater => false,
            std::cmp::Ordering::Equal => {
                let id = |row: usize| track.ids.get(row).map(|code| ids.get(*code));
                id(row - 1) < id(row)
            }
        };
        if !ascending {
            return Err(reader.corrupt("events in the order of the story"));
        }
    }
    Ok(())
}

fn read_times(reader: &mut Reader<'_>, rows: usize) -> Result<Vec<Timestamp>, StateError> {
    let unit = match reader.byte()? {
        0 => 1,
        1 => MILLISECOND,
        2 => SECOND,
        _ => return Err(reader.corrupt("a unit of time")),
    };
    let mut times = Vec::with_capacity(rows);
    let mut time = reader.signed()?;
    loop {
        let micros = time.checked_mul(unit).unwrap_or(i64::MAX);
        times.push(reader.instant(micros)?);
        if times.len() == rows {
            return Ok(times);
        }
        let step = i64::try_from(reader.varint()?).unwrap_or(i64::MAX);
        time = time.saturating_add(step);
    }
}

fn read_ids(reader: &mut Reader<'_>, rows: usize, ids: &mut Texts) -> Result<Vec<Code>, StateError> {
    let mut codes = Vec::with_capacity(rows);
    let mut id = String::new();
    for _ in 0..rows {
        match reader.varint()? {
            0 => {
                id.clear();
                id.push_str(CONTENT);
                for byte in reader.take(16)? {
                    for digit in [byte >> 4, byte & 15] {
                        id.extend(char::from_digit(u32::from(digit), 16));
                    }
                }
            }
            shared => {
                let shared = usize::try_from(shared - 1).unwrap_or(usize::MAX);
                if shared > MOST_SHARED || !id.is_char_boundary(shared) {
                    return Err(reader.corrupt("an id that begins like the one before it"));
                }
                id.truncate(shared);
                id.push_str(reader.text()?);
                if id.len() > crate::customer::MAX_TEXT {
                    return Err(reader.corrupt("a shorter id"));
                }
            }
        }
        match ids.intern(&id) {
            Some((code, true)) => codes.push(code),
            _ => return Err(reader.corrupt("every id once")),
        }
    }
    Ok(codes)
}

fn read_codes(reader: &mut Reader<'_>, rows: usize, texts: usize) -> Result<Vec<Code>, StateError> {
    let mut codes = Vec::with_capacity(rows);
    for _ in 0..rows {
        let code = reader.varint()?;
        match Code::try_from(code) {
            Ok(code) if code as usize <= texts => codes.push(code),
            _ => return Err(reader.corrupt("the number of a text")),
        }
    }
    Ok(codes)
}

fn read_column(reader: &mut Reader<'_>, cell: CellKind, rows: usize, texts: usize) -> Result<Cells, StateError> {
    let meaning = match cell {
        CellKind::Text if reader.flag()? => return read_codes(reader, rows, texts).map(Cells::Codes),
        CellKind::Text => return Ok(Cells::Codes(vec![0; rows])),
        CellKind::Whole => {
            let missing = read_presence(reader, rows)?;
            let mut values: Vec<Option<Value>> = Vec::with_capacity(rows);
            for row in 0..rows {
                let absent = missing.get(row).copied().unwrap_or(false);
                values.push(if absent { None } else { Some(read_value(reader)?) });
            }
            return Ok(Cells::Whole(values));
        }
        CellKind::Bits(meaning) => meaning,
    };
    let missing = read_presence(reader, rows)?;
    let mut bits = Vec::with_capacity(rows);
    let mut packed: &[u8] = &[];
    if meaning == Bits::Bool {
        let present = rows - missing.iter().filter(|missing| **missing).count();
        packed = reader.take(present.div_ceil(8))?;
    }
    let (mut before, mut place) = (0_i64, 0);
    for row in 0..rows {
        if missing.get(row).copied().unwrap_or(false) {
            bits.push(0);
            continue;
        }
        bits.push(match meaning {
            Bits::Bool => {
                let bit = packed.get(place / 8).map_or(0, |byte| byte >> (place % 8) & 1);
                place += 1;
                u64::from(bit)
            }
            Bits::Uint => reader.varint()?,
            Bits::Double => {
                let number = reader.eight()?;
                if !f64::from_bits(number).is_finite() {
                    return Err(reader.corrupt("a finite number"));
                }
                number
            }
            Bits::Timestamp => {
                before = before.wrapping_add(reader.signed()?);
                reader.instant(before)?.micros().cast_unsigned()
            }
            Bits::Point => {
                let bits = reader.eight()?;
                let point = Point::from_bits(bits);
                Point::new(point.latitude(), point.longitude()).ok_or_else(|| reader.corrupt("a point on the earth"))?;
                bits
            }
            Bits::Date => {
                let days = reader.signed()?;
                let date = i32::try_from(days).ok().and_then(Date::from_days);
                date.ok_or_else(|| reader.corrupt("a date between the years 1 and 9999"))?;
                days.cast_unsigned()
            }
            Bits::Int | Bits::Decimal { .. } | Bits::Duration => reader.signed()?.cast_unsigned(),
        });
    }
    Ok(Cells::Bits { bits, missing: (!missing.is_empty()).then(|| Box::new(missing)) })
}

/// Which rows lack a value; empty when none does.
fn read_presence(reader: &mut Reader<'_>, rows: usize) -> Result<Vec<bool>, StateError> {
    match reader.byte()? {
        0 => Ok(Vec::new()),
        1 => Ok(vec![true; rows]),
        2 => {
            let bits = reader.take(rows.div_ceil(8))?;
            Ok((0..rows).map(|row| bits.get(row / 8).is_none_or(|byte| byte >> (row % 8) & 1 == 0)).collect())
        }
        _ => Err(reader.corrupt("which rows have a value")),
    }
}

/// The tracks of a strand with the numbers that the state gives their types.
pub(super) type Tracks = Vec<(EventKind, Track)>;
