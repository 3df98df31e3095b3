//! The instances of a journey with a key: a balanced tree by key, of which copies share what is the same.
//!
//! Every node holds what is asked of all below it, so that one change costs the way down to it, however many instances there are. A copy
//! (for a checkpoint, for what rules read) is a pointer; what changes afterwards copies the way down, not the tree.

use super::derived::{JourneyState, Place};
use crate::value::Timestamp;
use smallvec::SmallVec;
use std::cmp::Ordering;
use std::sync::Arc;

/// The instances of a journey with a `key`.
#[derive(Debug, Clone, Default)]
pub struct Instances {
    root: Link,
    /// How often customers came into each stage, over all that are remembered.
    visits: SmallVec<[u32; 8]>,
    /// How often they came in.
    entries: u64,
    /// Whether one was refused because there were too many, and none has ended since.
    pub full: bool,
}

/// What of the instances of a journey changed, as it was before.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct InstancesWere {
    pub(crate) full: bool,
    /// In the order in which they changed; `None` for one that was not there.
    pub(crate) each: Vec<(Arc<str>, Option<Arc<JourneyState>>)>,
}

type Link = Option<Arc<Node>>;

#[derive(Debug, Clone)]
struct Node {
    key: Arc<str>,
    state: Arc<JourneyState>,
    left: Link,
    right: Link,
    /// Of its own instance.
    own: Sum,
    sum: Sum,
}

/// What is asked of all instances below a node, its own included. Instants are microseconds.
#[derive(Debug, Clone, Copy)]
struct Sum {
    /// Of the tree.
    height: u8,
    count: u32,
    open: u32,
    /// The first instant at which one of them may change without an event.
    due: i64,
    /// Since when the one is in its stage that moved last, of those that are open.
    latest: i64,
    /// When the first of those ended that did.
    ended: i64,
}

/// Of nobody.
const NONE: Sum = Sum { height: 0, count: 0, open: 0, due: i64::MAX, latest: i64::MIN, ended: i64::MAX };

impl Sum {
    fn of(state: &JourneyState) -> Self {
        let open = state.is_open();
        Sum {
            height: 1,
            count: 1,
            open: u32::from(open),
            // One that ended begins again with an event of its own only.
            due: state.due().filter(|_| open).map_or(i64::MAX, Timestamp::micros),
            latest: state.place.filter(|_| open).map_or(i64::MIN, |place| place.since.micros()),
            ended: if open { i64::MAX } else { state.walk.ended.map_or(i64::MIN, Timestamp::micros) },
        }
    }

    fn with(self, left: Sum, right: Sum) -> Self {
        Sum {
            height: 1 + left.height.max(right.height),
            count: self.count + left.count + right.count,
            open: self.open + left.open + right.open,
            due: self.due.min(left.due).min(right.due),
            latest: self.latest.max(left.latest).max(right.latest),
            ended: self.ended.min(left.ended).min(right.ended),
        }
    }
}

fn sum(link: &Link) -> Sum {
    link.as_ref().map_or(NONE, |node| node.sum)
}

impl Node {
    /// Sums up again what is below.
    fn add_up(&mut self) {
        self.sum = self.own.with(sum(&self.left), sum(&self.right));
    }
}

impl Instances {
    /// Of instances by key.
    pub(crate) fn of(all: Vec<(Arc<str>, Arc<JourneyState>)>, full: bool) -> Self {
        let mut instances = Instances { full, ..Instances::default() };
        for (key, state) in all {
            instances.put(&key, state);
        }
        instances
    }

    /// All of them in the order of their keys.
    pub fn all(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<JourneyState>)> {
        Walk::of(&self.root, |_| true).map(|node| (&node.key, &node.state))
    }

    /// Those that have not ended.
    pub fn open(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<JourneyState>)> {
        Walk::of(&self.root, |sum| sum.open > 0).filter(|node| node.own.open > 0).map(|node| (&node.key, &node.state))
    }

    /// Those that may change without an event up to an instant.
    pub(crate) fn due_by(&self, at: Timestamp) -> impl Iterator<Item = (&Arc<str>, &Arc<JourneyState>)> {
        let at = at.micros();
        let due = move |sum: &Sum| sum.due <= at;
        Walk::of(&self.root, due).filter(move |node| due(&node.own)).map(|node| (&node.key, &node.state))
    }

    /// The instance of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Arc<JourneyState>> {
        let mut link = &self.root;
        while let Some(node) = link {
            link = match key.cmp(&node.key) {
                Ordering::Less => &node.left,
                Ordering::Greater => &node.right,
                Ordering::Equal => return Some(&node.state),
            };
        }
        None
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.root.is_none() && !self.full
    }

    /// How many are remembered.
    #[must_use]
    pub fn count(&self) -> usize {
        sum(&self.root).count as usize
    }

    /// How many have not ended.
    #[must_use]
    pub fn count_open(&self) -> usize {
        sum(&self.root).open as usize
    }

    /// How often the customer came in, over all that are remembered.
    pub(crate) fn entries(&self) -> u64 {
        self.entries
    }

    /// How often the customer came into each stage, over all that are remembered.
    pub(crate) fn visits(&self) -> &[u32] {
        &self.visits
    }

    /// The first instant at which one of them may change without an event.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        Some(sum(&self.root).due).filter(|due| *due < i64::MAX).and_then(|due| Timestamp::from_micros(due).ok())
    }

    /// The open one that moved last, of several at one instant that of the greatest key.
    pub(crate) fn latest(&self) -> Option<&Arc<JourneyState>> {
        let wanted = sum(&self.root).latest;
        let mut link = self.root.as_ref().filter(|node| node.sum.open > 0);
        while let Some(node) = link {
            if sum(&node.right).latest == wanted && sum(&node.right).open > 0 {
                link = node.right.as_ref();
            } else if node.own.open > 0 && node.own.latest == wanted {
                return Some(&node.state);
            } else {
                link = node.left.as_ref();
            }
        }
        None
    }

    /// Where that is.
    pub(crate) fn place(&self) -> Option<Place> {
        self.latest().and_then(|state| state.place)
    }

    /// The key of the one that ended first, of several at one instant the smallest.
    pub(crate) fn first_ended(&self) -> Option<&Arc<str>> {
        let ended = |sum: Sum| sum.count > sum.open;
        let wanted = sum(&self.root).ended;
        let mut link = self.root.as_ref().filter(|node| ended(node.sum));
        while let Some(node) = link {
            if ended(sum(&node.left)) && sum(&node.left).ended == wanted {
                link = node.left.as_ref();
            } else if ended(node.own) && node.own.ended == wanted {
                return Some(&node.key);
            } else {
                link = node.right.as_ref();
            }
        }
        None
    }

    /// Puts an instance in its place; returns what was there.
    pub(crate) fn put(&mut self, key: &Arc<str>, state: Arc<JourneyState>) -> Option<Arc<JourneyState>> {
        self.count_in(&state);
        let before = put(&mut self.root, key, state);
        if let Some(before) = &before {
            self.count_out(before);
        }
        before
    }

    /// Takes an instance out.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Arc<JourneyState>> {
        let state = remove(&mut self.root, key)?;
        self.count_out(&state);
        Some(state)
    }

    /// Makes everything as it was.
    pub(crate) fn restore(&mut self, were: InstancesWere) {
        for (key, state) in were.each.into_iter().rev() {
            match state {
                Some(state) => self.put(&key, state),
                None => self.remove(&key),
            };
        }
        self.full = were.full;
    }

    fn count_in(&mut self, state: &JourneyState) {
        self.entries = self.entries.saturating_add(u64::from(state.walk.entries));
        for visit in &state.visits {
            let stage = usize::from(visit.stage);
            if self.visits.len() <= stage {
                self.visits.resize(stage + 1, 0);
            }
            if let Some(count) = self.visits.get_mut(stage) {
                *count = count.saturating_add(1);
            }
        }
    }

    fn count_out(&mut self, state: &JourneyState) {
        self.entries = self.entries.saturating_sub(u64::from(state.walk.entries));
        for visit in &state.visits {
            if let Some(count) = self.visits.get_mut(usize::from(visit.stage)) {
                *count = count.saturating_sub(1);
            }
        }
    }
}

/// Equal are the same instances, whatever the order in which they came; the shape of the tree does not matter.
impl PartialEq for Instances {
    fn eq(&self, other: &Self) -> bool {
        let same = |a: &Arc<Node>, b: &Arc<Node>| Arc::ptr_eq(a, b);
        let shared = matches!((&self.root, &other.root), (Some(a), Some(b)) if same(a, b));
        self.full == other.full && (shared || (self.count() == other.count() && self.all().eq(other.all())))
    }
}

impl Eq for Instances {}

/// The nodes of a tree in order, those left out below which nothing is wanted.
struct Walk<'a, F> {
    /// Nodes whose left side was walked through.
    open: SmallVec<[&'a Node; 24]>,
    wanted: F,
}

impl<'a, F: Fn(&Sum) -> bool> Walk<'a, F> {
    fn of(root: &'a Link, wanted: F) -> Self {
        let mut walk = Walk { open: SmallVec::new(), wanted };
        walk.down(root);
        walk
    }

    fn down(&mut self, mut link: &'a Link) {
        while let Some(node) = link.as_deref().filter(|node| (self.wanted)(&node.sum)) {
            self.open.push(node);
            link = &node.left;
        }
    }
}

impl<'a, F: Fn(&Sum) -> bool> Iterator for Walk<'a, F> {
    type Item = &'a Node;

    fn next(&mut self) -> Option<&'a Node> {
        let node = self.open.pop()?;
        self.down(&node.right);
        Some(node)
    }
}

fn put(link: &mut Link, key: &Arc<str>, state: Arc<JourneyState>) -> Option<Arc<JourneyState>> {
    let Some(node) = link else {
        let own = Sum::of(&state);
        *link = Some(Arc::new(Node { key: key.clone(), state, left: None, right: None, own, sum: own }));
        return None;
    };
    let own = Arc::make_mut(node);
    let before = match key.cmp(&own.key) {
        Ordering::Less => put(&mut own.left, key, state),
        Ordering::Greater => put(&mut own.right, key, state),
        Ordering::Equal => {
            own.own = Sum::of(&state);
            Some(std::mem::replace(&mut own.state, state))
        }
    };
    balance(node);
    before
}

fn remove(link: &mut Link, key: &str) -> Option<Arc<JourneyState>> {
    let node = link.as_mut()?;
    let own = Arc::make_mut(node);
    let state = match key.cmp(&own.key) {
        Ordering::Less => remove(&mut own.left, key),
        Ordering::Greater => remove(&mut own.right, key),
        Ordering::Equal => {
            let state = own.state.clone();
            match (own.left.take(), own.right.take()) {
                (Some(left), right @ Some(_)) => {
                    own.left = Some(left);
                    own.right = right;
                    if let Some((key, next)) = take_first(&mut own.right) {
                        (own.key, own.own, own.state) = (key, Sum::of(&next), next);
                    }
                }
                (one, None) | (None, one) => {
                    *link = one;
                    return Some(state);
                }
            }
            Some(state)
        }
    };
    balance(node);
    state
}

/// Takes the instance of the smallest key out.
fn take_first(link: &mut Link) -> Option<(Arc<str>, Arc<JourneyState>)> {
    let node = link.as_mut()?;
    let own = Arc::make_mut(node);
    if own.left.is_none() {
        let first = (own.key.clone(), own.state.clone());
        *link = own.right.take();
        return Some(first);
    }
    let first = take_first(&mut own.left);
    balance(node);
    first
}

/// The two sides of a node differ by at most one in height afterwards, if it was two, and it is added up.
fn balance(node: &mut Arc<Node>) {
    let own = Arc::make_mut(node);
    let (left, right) = (sum(&own.left).height, sum(&own.right).height);
    if left > right + 1 {
        if let Some(side) = &mut own.left
            && sum(&side.left).height < sum(&side.right).height
        {
            rotate_left(side);
        }
        rotate_right(node);
    } else if right > left + 1 {
        if let Some(side) = &mut own.right
            && sum(&side.right).height < sum(&side.left).height
        {
            rotate_right(side);
        }
        rotate_left(node);
    } else {
        own.add_up();
    }
}

/// The left side becomes the top.
fn rotate_right(node: &mut Arc<Node>) {
    let own = Arc::make_mut(node);
    let Some(mut top) = own.left.take() else { return };
    own.left = Arc::make_mut(&mut top).right.take();
    own.add_up();
    std::mem::swap(node, &mut top);
    let own = Arc::make_mut(node);
    own.right = Some(top);
    own.add_up();
}

/// The right side becomes the top.
fn rotate_left(node: &mut Arc<Node>) {
    let own = Arc::make_mut(node);
    let Some(mut top) = own.right.take() else { return };
    own.right = Arc::make_mut(&mut top).left.take();
    own.add_up();
    std::mem::swap(node, &mut top);
    let own = Arc::make_mut(node);
    own.left = Some(top);
    own.add_up();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn state(since: i64, ended: bool, due: Option<i64>) -> Arc<JourneyState> {
        let instant = |micros: i64| Timestamp::from_micros(micros).unwrap();
        let mut state = JourneyState::default();
        let due = due.map(instant);
        state.place = Some(Place { stage: 0, since: instant(since), timeout: due, stays_until: None });
        state.walk.ended = ended.then(|| instant(since));
        state.walk.entries = 1;
        Arc::new(state)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        // What is answered from the sums is what is found by looking at every instance, and copies stay as they were.
        #[test]
        fn sums_are_what_all_instances_say(
            steps in prop::collection::vec((0_u32..40, 0_i64..9, any::<bool>(), prop::option::of(0_i64..9), 0_u8..4), 0..120)
        ) {
            let mut tree = Instances::default();
            let mut plain: BTreeMap<Arc<str>, Arc<JourneyState>> = BTreeMap::new();
            for (key, since, ended, due, act) in steps {
                let (copy, was) = (tree.clone(), plain.clone());
                let key: Arc<str> = format!("k{key}").into();
                if act == 0 {
                    prop_assert_eq!(tree.remove(&key), plain.remove(&key));
                } else {
                    let state = state(since, ended, due);
                    prop_assert_eq!(tree.put(&key, state.clone()), plain.insert(key.clone(), state));
                }
                prop_assert!(copy.all().eq(was.iter()));
                prop_assert!(tree.all().eq(plain.iter()));
                let height = f64::from(sum(&tree.root).height);
                prop_assert!(height <= 1.45 * f64::from(u32::try_from(plain.len()).unwrap() + 2).log2());
                let open = || plain.iter().filter(|(_, state)| state.is_open());
                prop_assert_eq!(tree.count_open(), open().count());
                prop_assert!(tree.open().eq(open()));
                prop_assert_eq!(tree.entries(), plain.len() as u64);
                prop_assert_eq!(tree.due(), open().filter_map(|(_, state)| state.due()).min());
                let at = Timestamp::from_micros(4).unwrap();
                let due = open().filter(|(_, state)| state.due().is_some_and(|due| due <= at));
                prop_assert!(tree.due_by(at).eq(due));
                let latest = open().max_by_key(|(key, state)| (state.place.map(|place| place.since), (*key).clone()));
                prop_assert_eq!(tree.latest(), latest.map(|(_, state)| state));
                let ended = plain.iter().filter(|(_, state)| !state.is_open());
                let first = ended.min_by_key(|(key, state)| (state.walk.ended, (*key).clone()));
                prop_assert_eq!(tree.first_ended(), first.map(|(key, _)| key));
                let shuffled = plain.iter().rev().map(|(key, state)| (key.clone(), state.clone())).collect();
                prop_assert_eq!(&tree, &Instances::of(shuffled, false));
            }
        }
    }
}
