use super::bytes::Aside;
use super::fold::{Fold, Numbers, Totals};
use super::identifier::Identifier;
use super::layout::{CellKind, Layout};
use super::struck::Struck;
use super::texts::{Code, Texts};
use super::track::{Cell, Cells, Head, Track};
use crate::expr::plan::Filters;
use crate::expr::{EventKind, PropertyId, RunColumn};
use crate::value::{Timestamp, Value};
use sha2::{Digest, Sha256};
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

/// The story under one primary identifier: all its events, one track per event type, each in the total order of time,
/// sequence number and id.
#[derive(Clone)]
pub struct Strand {
    identifier: Identifier,
    layout: Arc<Layout>,
    /// Sorted by event type.
    tracks: SmallVec<[(EventKind, Track); 1]>,
    texts: Texts,
    ids: Texts,
    /// How many events there are.
    rows: usize,
    /// No event happened after this.
    last: Timestamp,
    /// The latest instant at which an event became known after it happened; the smallest when none did.
    late: Timestamp,
    /// Events of another version of the playbook that do not fit this one.
    #[expect(clippy::box_collection, reason = "most customers have none, and a word is less than three")]
    aside: Option<Box<Vec<Aside>>>,
    /// What is left of events that were folded.
    fold: Option<Box<Fold>>,
    /// Events that were rectified, and those that will be when they come; none without an event that rectifies.
    struck: Option<Box<Struck>>,
}

/// An event that fits the schema, ready to be put in its place. Borrows its texts.
#[derive(Clone)]
pub struct Prepared<'a> {
    pub(crate) kind: EventKind,
    pub(crate) time: Timestamp,
    pub(crate) known_at: Timestamp,
    pub(crate) sequence: i64,
    pub(crate) id: std::borrow::Cow<'a, str>,
    pub(crate) channel: Option<&'a str>,
    pub(crate) source: Option<&'a str>,
    /// The canonical text of the details; empty without any.
    pub(crate) details: std::borrow::Cow<'a, str>,
    /// One per declared property, in declared order.
    pub(crate) cells: SmallVec<[PreparedCell<'a>; 8]>,
}

/// A property of a prepared event.
#[derive(Clone, PartialEq)]
pub(crate) enum PreparedCell<'a> {
    Missing,
    Bits(u64),
    Text(std::borrow::Cow<'a, str>),
    Whole(Value),
}

/// What became of an event that was put into a strand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It is new.
    New,
    /// The same event was there already.
    Duplicate,
    /// An event with the same id and other content was there, and stays: its canonical hash is smaller.
    ConflictKeptOld,
    /// An event with the same id and other content was there at this time, and gave way: its canonical hash was larger.
    ConflictKeptNew {
        /// When the event that gave way had happened.
        old_time: Timestamp,
    },
}

impl Arrival {
    /// What became of two parts of one event: what is new says more than a conflict, and that more than a duplicate.
    #[must_use]
    pub(crate) fn or(self, other: Arrival) -> Arrival {
        let rank = |arrival: &Arrival| match arrival {
            Arrival::New => 3,
            Arrival::ConflictKeptNew { .. } => 2,
            Arrival::ConflictKeptOld => 1,
            Arrival::Duplicate => 0,
        };
        if rank(&other) > rank(&self) { other } else { self }
    }
}

/// A strand holds at most 4 GiB of text and 4 billion different texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StrandFull;

impl Strand {
    /// A strand without events.
    #[must_use]
    pub fn new(identifier: Identifier, layout: Arc<Layout>) -> Self {
        Strand {
            identifier,
            layout,
            tracks: SmallVec::new(),
            texts: Texts::default(),
            ids: Texts::default(),
            rows: 0,
            last: Timestamp::MIN,
            late: Timestamp::MIN,
            aside: None,
            fold: None,
            struck: None,
        }
    }

    /// A strand out of its parts: tracks sorted by event type, and their texts.
    pub(super) fn of_parts(
        identifier: Identifier,
        layout: Arc<Layout>,
        tracks: impl IntoIterator<Item = (EventKind, Track)>,
        texts: Texts,
        ids: Texts,
    ) -> Self {
        let tracks: SmallVec<[(EventKind, Track); 1]> = tracks.into_iter().collect();
        let known = tracks.iter().flat_map(|(_, track)| track.known().iter().zip(&track.times));
        let late = known.filter(|(known, time)| known > time).map(|(known, _)| *known).max().unwrap_or(Timestamp::MIN);
        let last = tracks.iter().filter_map(|(_, track)| track.times.last().copied()).max().unwrap_or(Timestamp::MIN);
        let rows = count(&tracks);
        Strand { identifier, layout, tracks, texts, ids, rows, last, late, aside: None, fold: None, struck: None }
    }

    /// Events that were told to another version of the playbook and do not fit this one: kept, but not read.
    #[must_use]
    pub fn aside(&self) -> &[Aside] {
        self.aside.as_ref().map_or(&[], |aside| aside)
    }

    /// What is left of events that were folded.
    #[must_use]
    pub fn folded(&self) -> Option<&Fold> {
        self.fold.as_deref()
    }

    pub(crate) fn set_fold(&mut self, fold: Option<Fold>) {
        self.fold = fold.map(Box::new);
    }

    /// Up to when events of a type are folded.
    pub(crate) fn folded_until(&self, kind: EventKind) -> Option<Timestamp> {
        self.totals(kind).map(|totals| totals.until)
    }

    pub(super) fn totals(&self, kind: EventKind) -> Option<&Totals> {
        let fold = self.fold.as_ref()?;
        fold.kinds.get(&self.layout.schema().event_decl(kind)?.name)
    }

    /// Whether there are events of a type at or before an instant.
    pub(crate) fn has_before(&self, kind: EventKind, until: Timestamp) -> bool {
        self.track(kind).and_then(|track| track.times.first()).is_some_and(|first| *first <= until)
    }

    /// How many events of a type are kept, when the oldest of them happened, and how many happened at or before an instant.
    pub(crate) fn age(&self, kind: EventKind, until: Option<Timestamp>) -> (u64, Option<Timestamp>, u64) {
        let times = self.track(kind).map_or(&[][..], |track| &track.times);
        let due = until.map_or(0, |until| times.partition_point(|time| *time <= until));
        (times.len() as u64, times.first().copied(), due as u64)
    }

    /// When the last of its events became known.
    pub(crate) fn known(&self) -> Timestamp {
        let last = self.tracks.iter().filter_map(|(_, track)| track.times.last().copied()).max();
        last.map_or(self.late, |last| last.max(self.late))
    }

    /// Folds the events of a type up to an instant into totals; tells how many there were.
    pub(crate) fn fold(&mut self, kind: EventKind, until: Timestamp) -> u64 {
        let layout = self.layout.clone();
        let Some(event) = layout.schema().event_decl(kind) else { return 0 };
        let Some(track) = self.track(kind) else { return 0 };
        let rows = track.times.partition_point(|time| *time <= until);
        let Some(first) = track.times.first().copied().filter(|_| rows > 0) else { return 0 };
        let before = self.fold.as_ref().and_then(|fold| fold.kinds.get(&event.name)).cloned();
        let mut totals = before.unwrap_or_else(|| Totals::new(until, first));
        for row in 0..rows {
            let Some(head) = track.head(row) else { break };
            totals.count += 1;
            totals.last = head.time;
            totals.known = totals.known.max(head.known_at);
            for (column, property) in event.properties.iter().enumerate() {
                if let (Some(CellKind::Bits(meaning)), Cell::Bits(bits)) = (layout.cell(kind, column), track.cell(row, column))
                    && Numbers::of(meaning)
                {
                    match totals.numbers.get_mut(&property.name) {
                        Some(numbers) if numbers.meaning == meaning => numbers.add(bits),
                        _ => {
                            totals.numbers.insert(property.name.clone(), Numbers::first(meaning, bits));
                        }
                    }
                }
            }
        }
        totals.until = totals.until.max(until);
        if let Some(track) = self.track_mut(kind) {
            track.remove_first(rows);
        }
        self.tidy();
        self.forget_rectified(&event.name, until);
        self.fold.get_or_insert_default().kinds.insert(event.name.clone(), totals);
        rows as u64
    }

    pub(super) fn set_aside(&mut self, aside: Vec<Aside>) {
        self.aside = (!aside.is_empty()).then(|| Box::new(aside));
    }

    /// Takes an event out again, whatever its type.
    pub(super) fn remove(&mut self, id: &str) {
        let Some(code) = self.ids.find(id) else { return };
        for (_, track) in &mut self.tracks {
            if let Some(row) = track.ids.iter().position(|other| *other == code) {
                track.remove(row);
            }
        }
        self.tidy();
    }

    /// Lets go of tracks without events.
    fn tidy(&mut self) {
        self.tracks.retain(|(_, track)| track.len() > 0);
        self.rows = count(&self.tracks);
    }

    /// Takes an event of some types out again that stands at its place in the story; says whether it was there.
    pub(crate) fn withdraw(&mut self, kinds: &[EventKind], id: &str, time: Timestamp, sequence: i64) -> bool {
        let Some(code) = self.ids.find(id) else { return false };
        let mut found = false;
        for (_, track) in self.tracks.iter_mut().filter(|(kind, _)| kinds.contains(kind)) {
            let is_it = |head: Head| head.id == code && head.time == time && head.sequence == sequence;
            let first = track.times.partition_point(|own| *own < time);
            if let Some(row) = (first..track.len()).find(|row| track.head(*row).is_some_and(is_it)) {
                track.remove(row);
                found = true;
            }
        }
        self.tidy();
        found
    }

    /// How many events of each type there are, by name.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&Arc<str>, usize)> {
        self.tracks.iter().filter_map(|(kind, track)| Some((&self.layout.schema().event_decl(*kind)?.name, track.len())))
    }

    /// Whether nothing is left of anything that was told.
    pub(crate) fn is_blank(&self) -> bool {
        self.is_empty() && self.fold.is_none() && self.aside.is_none()
    }

    /// How many texts there are.
    pub(super) fn text_count(&self) -> usize {
        self.texts.len()
    }

    /// The primary identifier.
    #[must_use]
    pub fn identifier(&self) -> &Identifier {
        &self.identifier
    }

    /// How its events are kept.
    #[must_use]
    pub fn layout(&self) -> &Arc<Layout> {
        &self.layout
    }

    /// How many events it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether it holds no event.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tracks.is_empty()
    }

    /// Bytes of memory in use, roughly.
    #[must_use]
    pub fn memory(&self) -> usize {
        let spilled = if self.tracks.spilled() { self.tracks.capacity() * size_of::<(EventKind, Track)>() } else { 0 };
        let tracks: usize = self.tracks.iter().map(|(_, track)| track.memory()).sum::<usize>() + spilled;
        tracks + self.texts.memory() + self.ids.memory() + size_of::<Self>()
    }

    pub(super) fn struck(&self) -> Option<&Struck> {
        self.struck.as_deref()
    }

    pub(super) fn struck_mut(&mut self) -> &mut Option<Box<Struck>> {
        &mut self.struck
    }

    /// Whether an id was ever told here.
    pub(super) fn has_id(&self, id: &str) -> bool {
        self.ids.find(id).is_some()
    }

    /// Whether this very event was told.
    pub(super) fn has(&self, event: &Prepared<'_>) -> bool {
        let found = self.ids.find(&event.id).and_then(|id| self.find(id, event));
        found.is_some_and(|(kind, row)| self.canonical(kind, row) == event.canonical(&self.layout))
    }

    /// How much text there is, and how many texts.
    pub(super) fn room(&self) -> usize {
        self.texts.memory() + self.ids.memory()
    }

    pub(super) fn all_ids(&self) -> &Texts {
        &self.ids
    }

    pub(super) fn texts_mut(&mut self) -> &mut Texts {
        &mut self.texts
    }

    pub(super) fn ids_mut(&mut self) -> &mut Texts {
        &mut self.ids
    }

    pub(super) fn into_tracks(self) -> impl Iterator<Item = (EventKind, Track)> {
        self.tracks.into_iter()
    }

    /// Takes in when events of another strand happened, and became known late.
    pub(super) fn seen(&mut self, last: Timestamp, late: Option<Timestamp>) {
        self.last = self.last.max(last);
        self.late = late.map_or(self.late, |late| self.late.max(late));
    }

    /// Where the event of an id stands.
    pub(super) fn row_of(&self, id: &str) -> Option<(EventKind, usize)> {
        let id = self.ids.find(id)?;
        self.tracks.iter().find_map(|(kind, track)| Some((*kind, track.ids.iter().position(|code| *code == id)?)))
    }

    /// Puts an event in its place, whether it was rectified or not.
    pub(super) fn place(&mut self, event: &Prepared<'_>) -> Result<Arrival, StrandFull> {
        let Some((id, new)) = self.ids.intern(&event.id) else { return Err(StrandFull) };
        let mut arrival = Arrival::New;
        if !new && let Some((kind, row)) = self.find(id, event) {
            let Some(head) = self.track(kind).and_then(|track| track.head(row)) else { return Err(StrandFull) };
            let (old, told) = (self.canonical(kind, row), event.canonical(&self.layout));
            if old == told {
                if let Some(track) = self.track_mut(kind) {
                    track.known_earlier(row, event.known_at);
                }
                return Ok(Arrival::Duplicate);
            }
            if Sha256::digest(&old) <= Sha256::digest(&told) {
                return Ok(Arrival::ConflictKeptOld);
            }
            if let Some(track) = self.track_mut(kind) {
                track.remove(row);
            }
            // It may have been the only one of its type.
            self.tidy();
            arrival = Arrival::ConflictKeptNew { old_time: head.time };
        }
        let text = |texts: &mut Texts, text: &str| texts.intern(text).map(|(code, _)| code).ok_or(StrandFull);
        let channel = event.channel.map_or(Ok(0), |channel| text(&mut self.texts, channel))?;
        let source = event.source.map_or(Ok(0), |source| text(&mut self.texts, source))?;
        let details = if event.details.is_empty() { 0 } else { text(&mut self.texts, &event.details)? };
        let found = self.tracks.binary_search_by_key(&event.kind, |(kind, _)| *kind);
        let before = found.ok().and_then(|place| self.tracks.get(place)).map(|(_, track)| &track.columns);
        let mut codes: SmallVec<[Code; 8]> = SmallVec::new();
        for (column, cell) in event.cells.iter().enumerate() {
            let PreparedCell::Text(value) = cell else { continue };
            // Often it is what the event before said.
            let last = match before.and_then(|columns| columns.get(column)) {
                Some(Cells::Codes(codes)) => codes.last().copied().filter(|code| *code != 0),
                _ => None,
            };
            codes.push(match last.filter(|code| self.texts.get(*code) == &**value) {
                Some(code) => code,
                None => text(&mut self.texts, value)?,
            });
        }
        self.last = self.last.max(event.time);
        if event.known_at > event.time {
            self.late = self.late.max(event.known_at);
        }
        let head = Head { time: event.time, known_at: event.known_at, sequence: event.sequence, id, channel, source, details };
        let place = found.unwrap_or_else(|_| self.place_of(event.kind));
        let row = self.row_for(place, event);
        if let Some((_, track)) = self.tracks.get_mut(place) {
            let mut codes = codes.into_iter();
            let cells = event.cells.iter().map(|cell| match cell {
                PreparedCell::Missing => Cell::Missing,
                PreparedCell::Bits(bits) => Cell::Bits(*bits),
                PreparedCell::Text(_) => codes.next().map_or(Cell::Missing, Cell::Code),
                PreparedCell::Whole(value) => Cell::Whole(value.clone()),
            });
            track.insert(row, head, cells);
            self.rows += 1;
        }
        Ok(arrival)
    }

    /// The place of the track of an event type, which is made when it is not there.
    fn place_of(&mut self, kind: EventKind) -> usize {
        match self.tracks.binary_search_by_key(&kind, |(kind, _)| *kind) {
            Ok(place) => place,
            Err(place) => {
                let layout = self.layout.kind(kind).map_or(&[][..], |kind| &kind.cells);
                self.tracks.insert(place, (kind, Track::new(layout)));
                place
            }
        }
    }

    /// Gives the track of an event type to a function, which takes it out or puts it back.
    pub(super) fn with_track<T>(&mut self, kind: EventKind, change: impl FnOnce(&mut Track) -> T) -> Option<T> {
        let place = self.place_of(kind);
        let changed = self.tracks.get_mut(place).map(|(_, track)| change(track));
        self.rows = count(&self.tracks);
        changed
    }

    /// Remembers what conditions on single events come to.
    pub(super) fn mark(&mut self, filters: &Filters) {
        for (kind, track) in &mut self.tracks {
            track.mark(*kind, &self.layout, &self.texts, filters);
        }
    }

    /// The same for events of one type.
    pub(super) fn mark_kind(&mut self, kind: EventKind, filters: &Filters) {
        let Ok(place) = self.tracks.binary_search_by_key(&kind, |(kind, _)| *kind) else { return };
        if let Some((kind, track)) = self.tracks.get_mut(place) {
            track.mark(*kind, &self.layout, &self.texts, filters);
        }
    }

    /// The same story, of which nothing is remembered.
    #[cfg(test)]
    pub(crate) fn without_marks(mut self) -> Self {
        self.tracks.iter_mut().for_each(|(_, track)| track.marks = None);
        self
    }

    /// The track of an event type, and its place.
    pub(super) fn placed(&self, kind: EventKind) -> Option<(usize, &Track)> {
        let place = self.tracks.binary_search_by_key(&kind, |(kind, _)| *kind).ok()?;
        self.tracks.get(place).map(|(_, track)| (place, track))
    }

    /// A property of the events of the track at a place.
    pub(super) fn column(&self, place: usize, property: PropertyId) -> Option<RunColumn<'_>> {
        let (kind, track) = self.tracks.get(place)?;
        track.column(*kind, &self.layout, &self.texts, property)
    }

    /// Where an event belongs in the track at `place`.
    fn row_for(&self, place: usize, event: &Prepared<'_>) -> usize {
        let Some((_, track)) = self.tracks.get(place) else { return 0 };
        let after_last = track.len().checked_sub(1).is_none_or(|last| self.compare(track, last, event) == Ordering::Less);
        if after_last {
            return track.len();
        }
        let (mut low, mut high) = (0, track.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.compare(track, middle, event) == Ordering::Less {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    fn compare(&self, track: &Track, row: usize, event: &Prepared<'_>) -> Ordering {
        let Some(head) = track.head(row) else { return Ordering::Greater };
        (head.time, head.sequence).cmp(&(event.time, event.sequence)).then_with(|| self.ids.get(head.id).cmp(&*event.id))
    }

    /// Where the event with this id stands: most likely where the new one would, otherwise anywhere.
    fn find(&self, id: u32, event: &Prepared<'_>) -> Option<(EventKind, usize)> {
        if let Ok(place) = self.tracks.binary_search_by_key(&event.kind, |(kind, _)| *kind) {
            let row = self.row_for(place, event);
            if self.tracks.get(place).and_then(|(_, track)| track.ids.get(row)) == Some(&id) {
                return Some((event.kind, row));
            }
        }
        self.tracks.iter().find_map(|(kind, track)| Some((*kind, track.ids.iter().position(|code| *code == id)?)))
    }

    /// The event as canonical bytes; what [`Prepared::canonical`] gives for the same event.
    fn canonical(&self, kind: EventKind, row: usize) -> Vec<u8> {
        let Some((track, head)) = self.track(kind).and_then(|track| Some((track, track.head(row)?))) else { return Vec::new() };
        let optional = |code: u32| (code != 0).then(|| self.texts.get(code));
        let mut bytes =
            canonical_head(&self.layout, kind, head.time, head.sequence, optional(head.channel), optional(head.source));
        put_details(&mut bytes, self.texts.get(head.details));
        for column in 0..track.columns.len() {
            let cell = match track.cell(row, column) {
                Cell::Missing => PreparedCell::Missing,
                Cell::Bits(bits) => PreparedCell::Bits(bits),
                Cell::Code(code) => PreparedCell::Text(self.texts.get(code).into()),
                Cell::Whole(value) => PreparedCell::Whole(value),
            };
            canonical_cell(&mut bytes, &cell);
        }
        bytes
    }

    pub(super) fn track(&self, kind: EventKind) -> Option<&Track> {
        let place = self.tracks.binary_search_by_key(&kind, |(kind, _)| *kind).ok()?;
        self.tracks.get(place).map(|(_, track)| track)
    }

    fn track_mut(&mut self, kind: EventKind) -> Option<&mut Track> {
        let place = self.tracks.binary_search_by_key(&kind, |(kind, _)| *kind).ok()?;
        self.tracks.get_mut(place).map(|(_, track)| track)
    }

    pub(super) fn tracks(&self) -> impl Iterator<Item = (EventKind, &Track)> {
        self.tracks.iter().map(|(kind, track)| (*kind, track))
    }

    /// Whether there is an event of any of some types.
    pub(crate) fn tells_any(&self, kinds: &[EventKind]) -> bool {
        let (Some(first), Some(last)) = (kinds.iter().min(), kinds.iter().max()) else { return false };
        // They stand together, so that mostly none is near.
        let from = self.tracks.partition_point(|(kind, _)| kind < first);
        self.tracks.iter().skip(from).take_while(|(kind, _)| kind <= last).any(|(kind, _)| kinds.contains(kind))
    }

    /// When the last event of a type happened.
    pub(crate) fn last_of(&self, kind: EventKind) -> Option<Timestamp> {
        self.track(kind).and_then(|track| track.times.last().copied())
    }

    /// A word of whatever an event of a type is going to touch.
    #[inline]
    pub(super) fn warm(&self, kind: EventKind) -> u64 {
        let track = self.track(kind).map_or(0, Track::warm);
        track ^ self.texts.warm() ^ self.ids.warm()
    }

    /// Whether all events of the story's last instant are of one type.
    pub(crate) fn holds_at_only(&self, kind: EventKind, at: Timestamp) -> bool {
        self.tracks.iter().all(|(own, track)| *own == kind || track.times.last().is_none_or(|last| *last < at))
    }

    /// Whether an event is the last of its type.
    pub(super) fn ends_with(&self, event: &Prepared<'_>) -> bool {
        let track = self.track(event.kind);
        let last = track.and_then(|track| Some((*track.times.last()?, *track.ids.last()?)));
        last.is_some_and(|(time, id)| time == event.time && self.ids.get(id) == &*event.id)
    }

    /// How many events happened at an instant or later.
    pub(crate) fn count_from(&self, from: Timestamp) -> usize {
        self.tracks.iter().map(|(_, track)| track.len() - track.times.partition_point(|time| *time < from)).sum()
    }

    /// When its first event happened.
    pub(crate) fn first(&self) -> Option<Timestamp> {
        self.tracks.iter().filter_map(|(_, track)| track.times.first().copied()).min()
    }

    /// An instant after which no event happened.
    pub(crate) fn last(&self) -> Timestamp {
        self.last
    }

    pub(super) fn late(&self) -> Option<Timestamp> {
        (self.late > Timestamp::MIN).then_some(self.late)
    }

    pub(super) fn id(&self, code: u32) -> &str {
        self.ids.get(code)
    }

    pub(super) fn text(&self, code: u32) -> &str {
        self.texts.get(code)
    }

    pub(super) fn all_texts(&self) -> &Texts {
        &self.texts
    }

    /// A property of an event.
    pub(super) fn value(&self, kind: EventKind, track: &Track, row: usize, column: usize) -> Option<Value> {
        match track.cell(row, column) {
            Cell::Missing => None,
            Cell::Bits(bits) => match self.layout.cell(kind, column) {
                Some(CellKind::Bits(meaning)) => Some(meaning.value(bits)),
                _ => None,
            },
            Cell::Code(code) => Some(Value::text(self.texts.get(code))),
            Cell::Whole(value) => Some(value),
        }
    }
}

/// How many events there are in tracks.
fn count(tracks: &[(EventKind, Track)]) -> usize {
    tracks.iter().map(|(_, track)| track.len()).sum()
}

impl Prepared<'_> {
    /// The event as canonical bytes, without its id and without when it was known.
    pub(crate) fn canonical(&self, layout: &Layout) -> Vec<u8> {
        let mut bytes = canonical_head(layout, self.kind, self.time, self.sequence, self.channel, self.source);
        put_details(&mut bytes, &self.details);
        for cell in &self.cells {
            canonical_cell(&mut bytes, cell);
        }
        bytes
    }
}

fn canonical_head(
    layout: &Layout,
    kind: EventKind,
    time: Timestamp,
    sequence: i64,
    channel: Option<&str>,
    source: Option<&str>,
) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    let name = layout.schema().event_decl(kind).map_or("", |event| &event.name);
    put_text(&mut bytes, name);
    bytes.extend_from_slice(&time.micros().to_be_bytes());
    bytes.extend_from_slice(&sequence.to_be_bytes());
    for text in [channel, source] {
        bytes.push(u8::from(text.is_some()));
        put_text(&mut bytes, text.unwrap_or(""));
    }
    bytes
}

/// Details as canonical bytes: nothing without any, so that other events have the ids they always had.
fn put_details(bytes: &mut Vec<u8>, details: &str) {
    if !details.is_empty() {
        bytes.push(4);
        put_text(bytes, details);
    }
}

fn canonical_cell(bytes: &mut Vec<u8>, cell: &PreparedCell<'_>) {
    match cell {
        PreparedCell::Missing => bytes.push(0),
        PreparedCell::Bits(bits) => {
            bytes.push(1);
            bytes.extend_from_slice(&bits.to_be_bytes());
        }
        PreparedCell::Text(text) => {
            bytes.push(2);
            put_text(bytes, text);
        }
        PreparedCell::Whole(value) => {
            bytes.push(3);
            put_text(bytes, &value.to_json().to_string());
        }
    }
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u64).to_be_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// How much it holds, not what.
impl fmt::Debug for Strand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Strand").field("identifier", &self.identifier).field("events", &self.len()).finish_non_exhaustive()
    }
}

/// Which kind of event, not what it says.
impl fmt::Debug for Prepared<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("kind", &self.kind).field("time", &self.time).finish_non_exhaustive()
    }
}

impl fmt::Debug for PreparedCell<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PreparedCell::Missing => "missing",
            PreparedCell::Bits(_) => "bits",
            PreparedCell::Text(_) => "text",
            PreparedCell::Whole(_) => "whole",
        })
    }
}
