//! Sets of 64-bit keys as sorted ranges.

use smallvec::SmallVec;

/// Ranges, both ends included: sorted, with a gap between neighbours.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(in crate::expr) struct Ranges(pub(in crate::expr) SmallVec<[(u64, u64); 2]>);

impl Ranges {
    /// No key.
    pub(in crate::expr) fn none() -> Self {
        Ranges::default()
    }

    /// From `low` to `high`; nothing when they are the wrong way round.
    pub(in crate::expr) fn of(low: u64, high: u64) -> Self {
        let mut ranges = SmallVec::new();
        if low <= high {
            ranges.push((low, high));
        }
        Ranges(ranges)
    }

    /// The keys of any of the ranges, given in any order.
    pub(in crate::expr) fn union(mut parts: Vec<(u64, u64)>) -> Self {
        parts.sort_unstable();
        let mut ranges: SmallVec<[(u64, u64); 2]> = SmallVec::new();
        for (low, high) in parts.into_iter().filter(|(low, high)| low <= high) {
            match ranges.last_mut() {
                Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
                _ => ranges.push((low, high)),
            }
        }
        Ranges(ranges)
    }

    /// All other keys.
    pub(in crate::expr) fn complement(&self) -> Self {
        let mut ranges = SmallVec::new();
        let mut next = Some(0);
        for (low, high) in &self.0 {
            if let Some(next) = next.filter(|next| next < low) {
                ranges.push((next, low - 1));
            }
            next = high.checked_add(1);
        }
        if let Some(next) = next {
            ranges.push((next, u64::MAX));
        }
        Ranges(ranges)
    }

    /// The keys of both.
    pub(in crate::expr) fn intersection(&self, other: &Ranges) -> Self {
        let mut ranges = SmallVec::new();
        let (mut a, mut b) = (self.0.iter().peekable(), other.0.iter().peekable());
        while let (Some(left), Some(right)) = (a.peek(), b.peek()) {
            let (low, high) = (left.0.max(right.0), left.1.min(right.1));
            if low <= high {
                ranges.push((low, high));
            }
            if left.1 < right.1 {
                a.next()
            } else {
                b.next()
            };
        }
        Ranges(ranges)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_of_keys_follow_the_laws_of_sets() {
        let set = Ranges::union(vec![(9, 12), (3, 5), (6, 6), (20, u64::MAX), (7, 2)]);
        assert_eq!(set.0.as_slice(), [(3, 6), (9, 12), (20, u64::MAX)]);
        assert_eq!(set.complement().0.as_slice(), [(0, 2), (7, 8), (13, 19)]);
        assert_eq!(set.complement().complement(), set);
        assert_eq!(set.intersection(&set.complement()), Ranges::none());
        assert_eq!(set.intersection(&Ranges::of(5, 10)).0.as_slice(), [(5, 6), (9, 10)]);
        assert_eq!(Ranges::none().complement().complement(), Ranges::none());
    }
}
