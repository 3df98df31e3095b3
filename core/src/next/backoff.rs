//! From the cells that are published to what follows in one context: its own counts, its share of what was too rare to be told, and the
//! wider contexts.

use super::curve::{Curve, Prior};
use super::publish::Published;
use super::span::{BUCKETS, end, start};
use super::steps::{Context, NOT_YET, OTHER, Track, seen};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// What is counted of a journey's sequence in a context of a level.
pub(super) type Place = (u16, Track, u8, Context);

/// What followed, and whether later than at the same instant: the two are told apart.
type What = (u32, bool);

/// How often what followed, by time.
pub(super) type Series<'n> = BTreeMap<What, Cow<'n, [f64]>>;

/// How many times `k` more are taken to have waited in a context and gone on as in the wider one.
///
/// Chosen on three logs (loan applications, a service desk, retail); from 2 to 8 makes little difference. What `k` steps say counts for a
/// sixth, what a thousand say with `k` of ten for nineteen in twenty.
const PRIOR: f64 = 5.0;

/// A context: what followed, told in it and in narrower ones.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    all: BTreeMap<What, Vec<f64>>,
    /// The part of it that no narrower context tells.
    own: BTreeMap<What, Vec<f64>>,
    steps: u64,
    /// After how many steps something followed at once, and after how many later.
    followed: [f64; 2],
    /// How many of both are told in narrower contexts.
    narrower: [f64; 2],
    /// How many are told in narrower contexts that tell this as what followed.
    telling: BTreeMap<What, f64>,
}

/// All contexts of all sequences.
pub(super) fn nodes(cells: &[Published]) -> BTreeMap<Place, Node> {
    // Times that were counted together are first taken as spread evenly over their buckets. That says how many were waiting when, and those who
    // were counted together came in proportion to that.
    let evenly = told(cells, &BTreeMap::new());
    let mut nodes = told(cells, &evenly.into_iter().map(|(place, node)| (place, node.waiting())).collect());
    let mut wider: BTreeMap<Place, Vec<([f64; 2], Vec<What>)>> = BTreeMap::new();
    for ((journey, track, level, context), node) in &nodes {
        let Some(level) = level.checked_sub(1) else { continue };
        let Some(looks) = track.levels().get(usize::from(level)) else { continue };
        let told = (node.followed, node.all.keys().copied().collect());
        wider.entry((*journey, *track, level, seen(context, *looks))).or_default().push(told);
    }
    for (place, narrower) in wider {
        let Some(node) = nodes.get_mut(&place) else { continue };
        for (followed, told) in narrower {
            node.narrower.iter_mut().zip(followed).for_each(|(own, followed)| *own += followed);
            for what in told {
                *node.telling.entry(what).or_default() += of(followed, what);
            }
        }
    }
    nodes
}

/// The part for what follows at once, or later.
fn of([at_once, later]: [f64; 2], (_, is_later): What) -> f64 {
    if is_later { later } else { at_once }
}

fn of_mut([at_once, later]: &mut [f64; 2], (_, is_later): What) -> &mut f64 {
    if is_later { later } else { at_once }
}

fn what(cell: &Published) -> What {
    (cell.next, cell.last > 0)
}

fn add(series: &mut Vec<f64>, (first, told): &(usize, Vec<f64>)) {
    series.resize(BUCKETS, 0.0);
    series.iter_mut().skip(*first).zip(told).for_each(|(own, told)| *own += told);
}

/// What cells tell of their contexts and of wider ones, when so many were waiting.
fn told(cells: &[Published], waiting: &BTreeMap<Place, Vec<f64>>) -> BTreeMap<Place, Node> {
    let mut nodes: BTreeMap<Place, Node> = BTreeMap::new();
    for cell in cells {
        let waiting = waiting.get(&(cell.journey, cell.track, cell.level, cell.context)).filter(|_| cell.next != NOT_YET);
        let told = spread(cell, waiting);
        for (level, context) in cell.contexts() {
            let node = nodes.entry((cell.journey, cell.track, level, context)).or_default();
            node.steps = node.steps.saturating_add(cell.count);
            let followed = if cell.next == NOT_YET { 0.0 } else { cell.count as f64 };
            *of_mut(&mut node.followed, what(cell)) += followed;
            add(node.all.entry(what(cell)).or_default(), &told);
            if level == cell.level {
                add(node.own.entry(what(cell)).or_default(), &told);
            }
        }
    }
    nodes
}

/// A cell by bucket, from its first on: spread in proportion to who was waiting, evenly when that is not known.
fn spread(cell: &Published, waiting: Option<&Vec<f64>>) -> (usize, Vec<f64>) {
    let (first, last) = (usize::from(cell.first), usize::from(cell.last));
    let holds = |bucket: usize| f64::from(u8::from(bucket == 0 || start(bucket) < end(bucket)));
    let weight = |bucket: usize| waiting.map_or(1.0, |waiting| waiting.get(bucket).copied().unwrap_or(0.0)) * holds(bucket);
    let weights: Vec<f64> = (first..=last).map(weight).collect();
    let whole: f64 = weights.iter().sum();
    (first, weights.into_iter().map(|weight| if whole > 0.0 { cell.count as f64 * weight / whole } else { 0.0 }).collect())
}

impl Node {
    /// How many were still waiting, by time.
    fn waiting(&self) -> Vec<f64> {
        let mut waiting = vec![0.0; BUCKETS];
        let mut left = 0.0;
        for (bucket, waiting) in waiting.iter_mut().enumerate().rev() {
            left += self.all.values().filter_map(|series| series.get(bucket)).sum::<f64>();
            *waiting = left;
        }
        waiting
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }
}

/// What follows in a context, from the widest to the narrowest that is told.
#[derive(Debug, Default)]
pub(super) struct BackOff<'n> {
    curve: Option<Curve>,
    wider: Option<&'n Node>,
    /// What of the wider context no narrower one tells, and how much that is.
    untold: Series<'n>,
    much: [f64; 2],
}

impl<'n> BackOff<'n> {
    /// Goes on to a narrower context.
    ///
    /// What was too rare to be told in narrower contexts stands in the wider one. It came from those which do not tell it, and from those of which
    /// nothing is told; so every context that does not tell it is taken to have a part of it that is in proportion to what followed there.
    /// Its shares are then drawn to those of the wider one: in the context of the last step as if as many more had waited as different
    /// steps are known to follow (Witten and Bell 1991), in narrower ones as if a number had of which few customers alone count little
    /// (credibility, Buehlmann 1967).
    pub(super) fn narrow(&mut self, level: u8, node: &'n Node, k: u32) {
        let mut counts: Series<'n> = node.all.iter().map(|(what, series)| (*what, Cow::Borrowed(&**series))).collect();
        if let Some(wider) = self.wider {
            for (what, series) in self.untold.iter().filter(|(what, _)| !node.all.contains_key(what)) {
                let not_telling = of(wider.narrower, *what) - wider.telling.get(what).copied().unwrap_or(0.0);
                let followed = of(node.followed, *what);
                if followed <= 0.0 {
                    continue;
                }
                let part = followed / (not_telling.max(followed) + of(self.much, *what));
                counts.insert(*what, series.iter().map(|count| count * part).collect());
            }
        }
        match &mut self.curve {
            None => self.curve = Some(Curve::of(&counts)),
            Some(curve) => {
                let different = counts.keys().filter(|(what, later)| *what < OTHER && *later).count().max(1) as f64;
                let credible = PRIOR * f64::from(k);
                let (first, narrower) = (Prior { what: different, whether: 1.0 }, Prior { what: credible, whether: credible });
                curve.narrow(&counts, if level == 1 { first } else { narrower });
            }
        }
        counts.retain(|what, _| !node.all.contains_key(what));
        counts.extend(node.own.iter().map(|(what, series)| (*what, Cow::Borrowed(&**series))));
        self.much = [0.0; 2];
        for (what, series) in counts.iter().filter(|((what, _), _)| *what != NOT_YET) {
            *of_mut(&mut self.much, *what) += series.iter().sum::<f64>();
        }
        self.untold = counts;
        self.wider = Some(node);
    }

    pub(super) fn curve(self) -> Option<Curve> {
        self.curve
    }
}
