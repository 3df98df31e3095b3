use super::Identifier;
use super::details::{Details, detail_value};
use super::layout::{CellKind, Layout};
use super::strand::Strand;
use super::track::{Cells, Track, absent};
use crate::expr::plan::{Columns, Seen};
use crate::expr::{self, Detail, EventKind, EventRow, PropertyId, RunColumn};
use crate::value::{Duration, Span, Timestamp, Value};
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

/// The strands of one customer read as one story, up to what was known at an instant. Copies nothing.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    strands: &'a [Strand],
    known_at: Timestamp,
}

/// One event of a view.
#[derive(Clone, Copy)]
pub struct StoryRow<'a> {
    strand: &'a Strand,
    kind: EventKind,
    track: &'a Track,
    row: usize,
}

/// Rows of one track that lie in a span.
struct Run<'a> {
    strand: &'a Strand,
    kind: EventKind,
    track: &'a Track,
    row: usize,
    end: usize,
}

impl<'a> View<'a> {
    /// A view of strands, seeing only what was known at `known_at`.
    #[must_use]
    pub fn new(strands: &'a [Strand], known_at: Timestamp) -> Self {
        View { strands, known_at }
    }

    /// The same, seeing only what was told under one identifier. Without one all of it when there is only one, else nothing.
    pub(crate) fn on(self, identifier: Option<&Identifier>) -> Self {
        let place = |wanted: &Identifier| self.strands.iter().position(|strand| strand.identifier() == wanted);
        let strands = match (identifier, self.strands) {
            (None, [_]) => self.strands,
            (None, _) => &[],
            (Some(wanted), strands) => place(wanted).and_then(|place| strands.get(place..=place)).unwrap_or(&[]),
        };
        View { strands, ..self }
    }

    /// Up to when knowledge counts.
    #[must_use]
    pub fn known_at(&self) -> Timestamp {
        self.known_at
    }

    /// The strands.
    #[must_use]
    pub fn strands(&self) -> &'a [Strand] {
        self.strands
    }

    /// Whether nothing is hidden because it became known later than it happened.
    #[must_use]
    pub fn sees_all(&self) -> bool {
        self.strands.iter().all(|strand| strand.late().is_none_or(|late| late <= self.known_at))
    }

    /// Visits the events of some types in a span in the order of the story.
    pub fn events(&self, kinds: &[EventKind], span: Span, visit: &mut dyn FnMut(StoryRow<'a>) -> ControlFlow<()>) {
        let mut runs: SmallVec<[Run<'a>; 4]> = SmallVec::new();
        let first = kinds.iter().min().copied().unwrap_or(EventKind(u16::MAX));
        for strand in self.strands {
            for (kind, track) in strand.tracks() {
                if kind >= first
                    && kinds.contains(&kind)
                    && let Some(run) = self.run(strand, kind, track, span)
                {
                    runs.push(run);
                }
            }
        }
        if let [run] = &mut runs[..] {
            while let Some(row) = run.next(self.known_at) {
                if visit(row).is_break() {
                    return;
                }
            }
            return;
        }
        while let Some(run) = runs.iter_mut().filter(|run| run.row < run.end).min_by(|a, b| a.compare(b)) {
            if let Some(row) = run.next(self.known_at)
                && visit(row).is_break()
            {
                return;
            }
        }
    }

    /// The events of some types in a span as columns, when they are all of one type in one strand and nothing of it is hidden.
    #[must_use]
    pub fn run_of(&self, kinds: &[EventKind], span: Span, properties: &[PropertyId]) -> Option<expr::Run<'a>> {
        let mut found: Option<Run<'a>> = None;
        for strand in self.strands {
            for kind in kinds {
                let Some(run) = strand.track(*kind).and_then(|track| self.run(strand, *kind, track, span)) else { continue };
                // With a column of its own, when an event was known can differ from row to row.
                let all_known = span.until <= self.known_at && strand.late().is_none_or(|late| late <= self.known_at);
                let hidden = !run.track.known().is_empty() && !all_known;
                if hidden || found.is_some() {
                    return None;
                }
                found = Some(run);
            }
        }
        let Some(Run { strand, kind, track, row, end }) = found else {
            return Some(expr::Run { times: &[], columns: properties.iter().map(|_| RunColumn::Absent).collect() });
        };
        let columns: Option<_> = properties.iter().map(|property| column(strand, kind, track, *property, row, end)).collect();
        Some(expr::Run { times: track.times.get(row..end)?, columns: columns? })
    }

    /// The events of a type as columns, all that are known; for a plan.
    pub(crate) fn seen(&self, kind: EventKind) -> Seen<'a> {
        let mut found = Seen::Nothing;
        for (number, strand) in self.strands.iter().enumerate() {
            if strand.folded_until(kind).is_some() {
                return Seen::Scattered;
            }
            let Some((place, track)) = strand.placed(kind) else { continue };
            let Some(last) = track.times.last() else { continue };
            if matches!(found, Seen::Columns(_)) {
                return Seen::Scattered;
            }
            let mut times = &track.times[..];
            if *last > self.known_at {
                // With a column of its own, when an event was known can differ from row to row.
                if !track.known().is_empty() {
                    return Seen::Scattered;
                }
                times = times.get(..times.partition_point(|time| *time <= self.known_at)).unwrap_or(&[]);
            } else if !track.known().is_empty() && strand.late().is_some_and(|late| late > self.known_at) {
                return Seen::Scattered;
            }
            let (Ok(number), Ok(place)) = (u32::try_from(number), u32::try_from(place)) else { return Seen::Scattered };
            let (marks, marked, odd, blocks) = match &track.marks {
                Some(marks) => (&marks.words[..], marks.marked, marks.odd, &marks.blocks[..]),
                None => (&[][..], 0, 0, &[][..]),
            };
            found = Seen::Columns(Columns { times, marks, marked, odd, blocks, place: (number, place) });
        }
        found
    }

    /// A property of the events of the track at a place that [`seen`](Self::seen) told.
    pub(crate) fn column(&self, place: (u32, u32), property: PropertyId) -> Option<RunColumn<'a>> {
        self.strands.get(place.0 as usize)?.column(place.1 as usize, property)
    }

    /// What is left of events of some types that were folded and lie, or may lie, in a span.
    pub(crate) fn folded(&self, kinds: &[EventKind], span: Span, property: Option<PropertyId>) -> Option<expr::Folded> {
        let mut found: Option<expr::Folded> = None;
        for strand in self.strands.iter().filter(|strand| strand.folded().is_some()) {
            for kind in kinds {
                let Some(totals) = strand.totals(*kind).filter(|totals| totals.count > 0) else { continue };
                if totals.last <= span.after || totals.first > span.until {
                    continue;
                }
                let within = totals.first > span.after && totals.last <= span.until && totals.known <= self.known_at;
                let numbers = property.and_then(|property| {
                    let column = strand.layout().column(*kind, property)?;
                    let name = &strand.layout().schema().event_decl(*kind)?.properties.get(column)?.name;
                    totals.numbers(name, strand.layout().cell(*kind, column)?)
                });
                let count = i64::try_from(totals.count).unwrap_or(i64::MAX);
                let (first, last, until) = (totals.first, totals.last, totals.until);
                found = Some(match found {
                    None => expr::Folded { whole: within, count, first, last, until, numbers },
                    Some(before) => expr::Folded {
                        whole: before.whole && within,
                        count: before.count.saturating_add(count),
                        first: before.first.min(first),
                        last: before.last.max(last),
                        until: before.until.max(until),
                        numbers: before.numbers.zip(numbers).and_then(|(one, other)| one.with(&other)),
                    },
                });
            }
        }
        found
    }

    /// The latest event of a type at or before an instant.
    #[must_use]
    pub fn last(&self, kind: EventKind, now: Timestamp) -> Option<StoryRow<'a>> {
        let mut best: Option<StoryRow<'a>> = None;
        for strand in self.strands {
            let Some(track) = strand.track(kind) else { continue };
            let Some(run) = self.run(strand, kind, track, Span::lifetime(now)) else { continue };
            let latest = (run.row..run.end)
                .rev()
                .map(|row| StoryRow { strand, kind, track, row })
                .find(|row| row.known_at() <= self.known_at);
            if let Some(row) = latest
                && best.is_none_or(|best| best.compare(&row) == Ordering::Less)
            {
                best = Some(row);
            }
        }
        best
    }

    /// The first property of the last event of a type, where that is kept in bits, is known and no event of the type happened after an
    /// instant; nothing where it has none. `None` where it takes more to tell.
    pub(crate) fn told_last(&self, kind: EventKind, now: Timestamp) -> Option<Option<Value>> {
        let [strand] = self.strands else { return None };
        if strand.folded().is_some() || strand.late().is_some_and(|late| late > self.known_at) || now > self.known_at {
            return None;
        }
        let Some(track) = strand.track(kind) else { return Some(None) };
        track.times.last().filter(|last| **last <= now)?;
        let Some(Cells::Bits { bits, missing }) = track.columns.first() else { return None };
        let Some(CellKind::Bits(meaning)) = strand.layout().cell(kind, 0) else { return None };
        let (row, bits) = (bits.len().checked_sub(1)?, bits.last()?);
        let lacks = absent(missing).get(row).copied().unwrap_or(false);
        Some((!lacks).then(|| meaning.value(*bits)))
    }

    /// The latest event at or before an instant, of a type that the playbook declares, whose details are wanted. Looks only at
    /// types of which an event has details.
    #[must_use]
    pub(crate) fn last_detailed(&self, now: Timestamp, wanted: impl Fn(&StoryRow<'a>) -> bool) -> Option<StoryRow<'a>> {
        let mut best: Option<StoryRow<'a>> = None;
        for strand in self.strands {
            for (kind, track) in strand.tracks().filter(|(_, track)| !track.details().is_empty()) {
                let declared = strand.layout().kind(kind).is_some_and(|kind| kind.in_sessions);
                let Some(run) = declared.then(|| self.run(strand, kind, track, Span::lifetime(now))).flatten() else {
                    continue;
                };
                let found = (run.row..run.end).rev().map(|row| StoryRow { strand, kind, track, row }).find(|row| {
                    let told = track.details().get(row.row).is_some_and(|code| *code != 0);
                    told && row.known_at() <= self.known_at && wanted(row)
                });
                if let Some(row) = found
                    && best.is_none_or(|best| best.compare(&row) == Ordering::Less)
                {
                    best = Some(row);
                }
            }
        }
        best
    }

    /// The first instant after `now` at which an event of these types happened.
    #[must_use]
    pub fn next_event(&self, kinds: &[EventKind], now: Timestamp) -> Option<Timestamp> {
        self.next_where(now, |kind| kinds.contains(&kind))
    }

    /// The first instant after `now` at which any event happened; the first of all when `now` is not given.
    #[must_use]
    pub fn next_instant(&self, now: Option<Timestamp>) -> Option<Timestamp> {
        self.next_where(now.unwrap_or(Timestamp::MIN.saturating_add_micros(-1)), |_| true)
    }

    /// The types of the events of an instant, and the first of its events.
    pub(crate) fn at(&self, instant: Timestamp) -> (SmallVec<[EventKind; 4]>, Option<StoryRow<'a>>) {
        let mut kinds = SmallVec::new();
        let mut first: Option<StoryRow<'a>> = None;
        for strand in self.strands {
            for (kind, track) in strand.tracks() {
                let run = self.run(strand, kind, track, Span::from(instant, instant));
                let Some(row) = run.and_then(|mut run| run.next(self.known_at)) else { continue };
                if !kinds.contains(&kind) {
                    kinds.push(kind);
                }
                if first.is_none_or(|first| row.compare(&first) == Ordering::Less) {
                    first = Some(row);
                }
            }
        }
        (kinds, first)
    }

    /// The last instant at which any event happened.
    #[must_use]
    pub fn last_instant(&self) -> Option<Timestamp> {
        let tracks = self.strands.iter().flat_map(|strand| strand.tracks());
        tracks.filter_map(|(_, track)| track.times.last().copied()).max()
    }

    /// The first and the last instant at which an event that the playbook declares happened, and how many there were.
    #[must_use]
    pub fn declared(&self) -> Option<(Timestamp, Timestamp, usize)> {
        let tracks = self.strands.iter().flat_map(|strand| {
            strand
                .tracks()
                .filter(|(kind, _)| strand.layout().kind(*kind).is_some_and(|kind| kind.in_sessions))
                .map(|(_, track)| track)
        });
        tracks.fold(None, |found, track| {
            let (Some(first), Some(last)) = (track.times.first(), track.times.last()) else { return found };
            Some(match found {
                None => (*first, *last, track.len()),
                Some((earliest, latest, count)) => ((*first).min(earliest), (*last).max(latest), count + track.len()),
            })
        })
    }

    fn next_where(&self, now: Timestamp, wanted: impl Fn(EventKind) -> bool) -> Option<Timestamp> {
        let span = Span { after: now, until: Timestamp::MAX };
        let mut first: Option<Timestamp> = None;
        for strand in self.strands.iter().filter(|strand| strand.last() > now) {
            for (kind, track) in strand.tracks().filter(|(kind, _)| wanted(*kind)) {
                if track.times.last().is_none_or(|last| *last <= now) {
                    continue;
                }
                if let Some(row) = self.run(strand, kind, track, span).and_then(|mut run| run.next(self.known_at)) {
                    first = Some(first.map_or(row.time(), |first| first.min(row.time())));
                }
            }
        }
        first
    }

    /// The session open at `now`: its first instant, and the first instant at which it is over. Sessions are made of the
    /// events that the playbook declares; a pause longer than `gap` ends one.
    #[must_use]
    pub fn session(&self, now: Timestamp, gap: Duration) -> Option<(Timestamp, Timestamp)> {
        let span = Span::lifetime(now);
        let mut runs: SmallVec<[Run<'a>; 4]> = SmallVec::new();
        for strand in self.strands {
            for (kind, track) in strand.tracks() {
                let counts = strand.layout().kind(kind).is_some_and(|kind| kind.in_sessions);
                if counts && let Some(run) = self.run(strand, kind, track, span) {
                    runs.push(run);
                }
            }
        }
        let mut earlier = || {
            let run = runs
                .iter_mut()
                .filter_map(|run| {
                    run.drop_unknown(self.known_at);
                    let last = run.end.checked_sub(1).filter(|last| *last >= run.row)?;
                    Some((*run.track.times.get(last)?, run))
                })
                .max_by_key(|(time, _)| *time);
            run.map(|(time, run)| {
                run.end -= 1;
                time
            })
        };
        let last = earlier()?;
        let over = last.saturating_add_micros(gap.micros().saturating_add(1));
        if over <= now {
            return None;
        }
        let mut start = last;
        while let Some(time) = earlier() {
            if start.micros() - time.micros() > gap.micros() {
                break;
            }
            start = time;
        }
        Some((start, over))
    }

    /// Whether a strand holds an event up to an instant of one of the first so many types, which are the playbook's own.
    pub(crate) fn holds_declared(&self, strand: &'a Strand, declared: usize, now: Timestamp) -> bool {
        let own = strand.tracks().filter(|(kind, _)| usize::from(kind.0) < declared);
        let mut runs = own.filter_map(|(kind, track)| self.run(strand, kind, track, Span::lifetime(now)));
        runs.any(|mut run| run.next(self.known_at).is_some())
    }

    fn run(&self, strand: &'a Strand, kind: EventKind, track: &'a Track, span: Span) -> Option<Run<'a>> {
        // Without a column of its own an event was known when it happened.
        let until = if track.known().is_empty() { span.until.min(self.known_at) } else { span.until };
        let row = track.times.partition_point(|time| *time <= span.after);
        let end = track.times.partition_point(|time| *time <= until);
        (row < end).then_some(Run { strand, kind, track, row, end })
    }
}

/// A property's column between two rows; `None` when it cannot be read as one.
fn column<'a>(
    strand: &'a Strand,
    kind: EventKind,
    track: &'a Track,
    property: PropertyId,
    row: usize,
    end: usize,
) -> Option<RunColumn<'a>> {
    let Some(place) = strand.layout().column(kind, property) else { return Some(RunColumn::Absent) };
    track.columns.get(place)?.as_run(strand.layout().cell(kind, place)?, strand.all_texts())?.slice(row, end)
}

impl<'a> Run<'a> {
    /// The next row that was known, if there is one.
    fn next(&mut self, known_at: Timestamp) -> Option<StoryRow<'a>> {
        while self.row < self.end {
            let row = StoryRow { strand: self.strand, kind: self.kind, track: self.track, row: self.row };
            self.row += 1;
            if row.known_at() <= known_at {
                return Some(row);
            }
        }
        None
    }

    /// Takes rows off the end that were not known.
    fn drop_unknown(&mut self, known_at: Timestamp) {
        while self.row < self.end && self.track.known().get(self.end - 1).is_some_and(|known| *known > known_at) {
            self.end -= 1;
        }
    }

    fn compare(&self, other: &Self) -> Ordering {
        let row = |run: &Self| StoryRow { strand: run.strand, kind: run.kind, track: run.track, row: run.row };
        row(self).compare(&row(other))
    }
}

impl<'a> StoryRow<'a> {
    /// A row of a strand.
    pub(super) fn at(strand: &'a Strand, kind: EventKind, row: usize) -> Option<Self> {
        let track = strand.track(kind).filter(|track| row < track.len())?;
        Some(StoryRow { strand, kind, track, row })
    }

    /// When it happened.
    #[must_use]
    pub fn time(&self) -> Timestamp {
        self.track.times.get(self.row).copied().unwrap_or(Timestamp::MIN)
    }

    /// When it was known.
    #[must_use]
    pub fn known_at(&self) -> Timestamp {
        self.track.known().get(self.row).copied().unwrap_or_else(|| self.time())
    }

    /// Its sequence number, which orders events of one instant.
    #[must_use]
    pub fn sequence(&self) -> i64 {
        self.track.sequences().get(self.row).copied().unwrap_or(0)
    }

    /// Its type.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        self.kind
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> &'a str {
        self.strand.id(self.track.ids.get(self.row).copied().unwrap_or(0))
    }

    /// Its source, when known.
    #[must_use]
    pub fn source(&self) -> Option<&'a str> {
        let code = self.track.sources().get(self.row).copied().unwrap_or(0);
        (code != 0).then(|| self.strand.text(code))
    }

    /// The channel it came through, when known.
    #[must_use]
    pub fn channel(&self) -> Option<&'a str> {
        let code = self.track.channels().get(self.row).copied().unwrap_or(0);
        (code != 0).then(|| self.strand.text(code))
    }

    /// The canonical text of its details; empty without any.
    #[must_use]
    pub(crate) fn details_text(&self) -> &'a str {
        self.strand.text(self.track.details().get(self.row).copied().unwrap_or(0))
    }

    /// Its details.
    #[must_use]
    pub fn details(&self) -> Details {
        Details::of_canonical(self.details_text())
    }

    /// The property in a column.
    #[must_use]
    pub fn value(&self, column: usize) -> Option<Value> {
        self.strand.value(self.kind, self.track, self.row, column)
    }

    /// The text in a column, without copying it.
    #[must_use]
    pub fn text(&self, column: usize) -> Option<&'a str> {
        match self.track.columns.get(column)? {
            Cells::Codes(codes) => codes.get(self.row).filter(|code| **code != 0).map(|code| self.strand.text(*code)),
            _ => None,
        }
    }

    /// The strand it stands in.
    #[must_use]
    pub fn strand(&self) -> &'a Strand {
        self.strand
    }

    /// The order of the story: time, sequence number, id, and the strand's identifier at last.
    pub(crate) fn compare(&self, other: &Self) -> Ordering {
        let sequence = |row: &Self| row.track.sequences().get(row.row).copied().unwrap_or(0);
        (self.time(), sequence(self))
            .cmp(&(other.time(), sequence(other)))
            .then_with(|| self.id().cmp(other.id()))
            .then_with(|| self.strand.identifier().cmp(other.strand.identifier()))
    }

    fn layout(&self) -> &'a Layout {
        self.strand.layout()
    }
}

impl EventRow for StoryRow<'_> {
    fn time(&self) -> Timestamp {
        StoryRow::time(self)
    }

    fn kind(&self) -> EventKind {
        self.kind
    }

    fn property(&self, property: PropertyId) -> Option<Value> {
        let column = self.layout().column(self.kind, property)?;
        self.value(column)
    }

    fn channel(&self) -> Option<Arc<str>> {
        StoryRow::channel(self).map(Arc::from)
    }

    fn detail(&self, detail: Detail) -> Option<Value> {
        detail_value(detail, self.details_text())
    }

    fn source(&self) -> Option<Arc<str>> {
        StoryRow::source(self).map(Arc::from)
    }
}

/// Which event, not what it says.
impl fmt::Debug for StoryRow<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoryRow").field("kind", &self.kind).field("time", &self.time()).finish_non_exhaustive()
    }
}
