//! Groups of neighbouring codes that have one bitmap together.

/// A number for each code, rising from 0 on.
#[derive(Debug)]
pub(super) struct Groups {
    by_code: Box<[u16]>,
    /// How many codes each group has.
    sizes: Box<[u32]>,
}

impl Groups {
    /// At most `most` groups of codes of about the same weight, so that a code that many rules name has a group of its own. `sums`
    /// has, before each code and after the last, the weight of all that are below.
    pub(super) fn new(sums: &[u32], most: usize) -> Self {
        let most = most.clamp(1, usize::from(u16::MAX));
        let (codes, all) = (sums.len().saturating_sub(1), sums.last().copied().unwrap_or(0));
        // The middle of a code says where it belongs.
        let place = |low: u32, high: u32| (u64::from(low) + u64::from(high)) * most as u64 / (2 * u64::from(all) + 1);
        let (mut by_code, mut sizes, mut last) = (Vec::with_capacity(codes), Vec::<u32>::new(), None);
        for pair in sums.windows(2) {
            let own = codes <= most;
            let at = place(pair[0], pair[1]);
            match sizes.last_mut() {
                Some(size) if !own && last == Some(at) => *size += 1,
                _ => sizes.push(1),
            }
            last = Some(at);
            by_code.push(u16::try_from(sizes.len() - 1).unwrap_or(u16::MAX));
        }
        Groups { by_code: by_code.into(), sizes: sizes.into() }
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.sizes.len()).unwrap_or(u32::MAX)
    }

    /// The group of a code; `None` for one that is not known.
    #[inline]
    pub(super) fn of(&self, code: u32) -> Option<u32> {
        self.by_code.get(code as usize).map(|group| u32::from(*group))
    }

    /// Calls `set` with the groups of some ranges of codes, which do not overlap. Whether the ranges are all of those groups.
    pub(super) fn cover(&self, ranges: impl Iterator<Item = (u32, u32)>, mut set: impl FnMut(u32)) -> bool {
        let (mut covered, mut wanted, mut last) = (0_u64, 0_u64, None);
        let Some(end) = u32::try_from(self.by_code.len()).ok().and_then(|codes| codes.checked_sub(1)) else { return true };
        for (low, high) in ranges {
            let high = high.min(end);
            let (Some(from), Some(to)) = (self.of(low), self.of(high)) else { continue };
            if low > high {
                continue;
            }
            covered += u64::from(high - low + 1);
            for group in from..=to {
                // Ranges are in order, so that only the last group can come again.
                if last != Some(group) {
                    set(group);
                    wanted += self.sizes.get(group as usize).map_or(0, |size| u64::from(*size));
                }
                last = Some(group);
            }
        }
        covered == wanted
    }

    /// Bytes on the heap.
    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.by_code) + size_of_val(&*self.sizes)
    }
}
