use super::strand::Strand;
use super::texts::{Code, Texts};
use super::track::{Cells, Gaps, Rare, Track};
use std::cmp::Ordering;

impl Strand {
    /// Takes in the events of another strand of the same identifier, of whose ids it knows none. O(n), however many there are.
    pub(super) fn absorb(&mut self, other: Strand) {
        let (texts, ids) =
            (Renumbered::new(other.all_texts(), self.texts_mut()), Renumbered::new(other.all_ids(), self.ids_mut()));
        self.seen(other.last(), other.late());
        for (kind, mut track) in other.into_tracks() {
            track.renumber(&texts, &ids);
            let Some(mut own) = self.with_track(kind, std::mem::take) else { continue };
            let mut at = Vec::with_capacity(track.len());
            let mut low = 0;
            for row in 0..track.len() {
                let mut high = own.len();
                while low < high {
                    let middle = low + (high - low) / 2;
                    match self.order((&own, middle), (&track, row)) {
                        Ordering::Less => low = middle + 1,
                        _ => high = middle,
                    }
                }
                at.push(low);
            }
            own.weave(track, &at);
            self.with_track(kind, |track| *track = own);
        }
    }

    fn order(&self, (one, row): (&Track, usize), (other, place): (&Track, usize)) -> Ordering {
        let (Some(one), Some(other)) = (one.head(row), other.head(place)) else { return Ordering::Greater };
        let by_id = || self.id(one.id).cmp(self.id(other.id));
        (one.time, one.sequence).cmp(&(other.time, other.sequence)).then_with(by_id)
    }
}

/// The numbers that texts have elsewhere.
struct Renumbered(Vec<Code>);

impl Renumbered {
    fn new(texts: &Texts, elsewhere: &mut Texts) -> Self {
        let all = (1..).take(texts.len()).map(|code| elsewhere.intern(texts.get(code)).map_or(0, |(code, _)| code));
        Renumbered(std::iter::once(0).chain(all).collect())
    }

    fn all(&self, codes: &mut [Code]) {
        codes.iter_mut().for_each(|code| *code = self.0.get(*code as usize).copied().unwrap_or(0));
    }
}

impl Track {
    fn renumber(&mut self, texts: &Renumbered, ids: &Renumbered) {
        ids.all(&mut self.ids);
        if let Some(rare) = &mut self.rare {
            [&mut rare.channels, &mut rare.sources, &mut rare.details].into_iter().for_each(|codes| texts.all(codes));
        }
        for column in &mut self.columns {
            if let Cells::Codes(codes) = column {
                texts.all(codes);
            }
        }
    }

    /// Puts rows of another track of the same type before its own rows of these numbers, which do not fall.
    fn weave(&mut self, other: Track, at: &[usize]) {
        let (rows, more) = (self.len(), other.len());
        if let (Some(marks), Some(first)) = (&mut self.marks, at.first()) {
            marks.forget(*first);
        }
        if self.rare.is_some() || other.rare.is_some() {
            let own = self.rare.get_or_insert_default();
            let Rare { mut known, sequences, channels, sources, details } = other.rare.map(|rare| *rare).unwrap_or_default();
            if !own.known.is_empty() || !known.is_empty() {
                if own.known.is_empty() {
                    own.known.clone_from(&self.times);
                }
                if known.is_empty() {
                    known.clone_from(&other.times);
                }
                weave(&mut own.known, known, at);
            }
            weave_sparse(&mut own.sequences, rows, sequences, more, at);
            weave_sparse(&mut own.channels, rows, channels, more, at);
            weave_sparse(&mut own.sources, rows, sources, more, at);
            weave_sparse(&mut own.details, rows, details, more, at);
        }
        weave(&mut self.times, other.times, at);
        weave(&mut self.ids, other.ids, at);
        for (column, others) in self.columns.iter_mut().zip(other.columns) {
            match (column, others) {
                (Cells::Bits { bits, missing }, Cells::Bits { bits: others, missing: lacking }) => {
                    weave_gaps(missing, rows, lacking, more, at);
                    weave(bits, others, at);
                }
                (Cells::Codes(codes), Cells::Codes(others)) => weave(codes, others, at),
                (Cells::Whole(values), Cells::Whole(others)) => weave(values, others, at),
                // Columns of one type are of one kind.
                _ => {}
            }
        }
    }
}

fn weave<T>(column: &mut Vec<T>, others: Vec<T>, at: &[usize]) {
    let before = std::mem::take(column);
    column.reserve_exact(before.len() + others.len());
    let (mut before, mut taken) = (before.into_iter(), 0);
    for (place, other) in at.iter().zip(others) {
        column.extend(before.by_ref().take(place.saturating_sub(taken)));
        taken = *place;
        column.push(other);
    }
    column.extend(before);
}

/// The same for columns that stay empty as long as they hold nothing but defaults.
fn weave_sparse<T: Copy + Default>(column: &mut Vec<T>, rows: usize, mut others: Vec<T>, more: usize, at: &[usize]) {
    if column.is_empty() && others.is_empty() {
        return;
    }
    column.resize(rows, T::default());
    others.resize(more, T::default());
    weave(column, others, at);
}

fn weave_gaps(gaps: &mut Gaps, rows: usize, others: Gaps, more: usize, at: &[usize]) {
    if gaps.is_some() || others.is_some() {
        let others = others.map(|gaps| *gaps).unwrap_or_default();
        weave_sparse(gaps.get_or_insert_default(), rows, others, more, at);
    }
}
