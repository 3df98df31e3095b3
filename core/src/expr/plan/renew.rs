//! Slots whose window lost an event, as far as they count one type of event without a condition: read in one go along the columns, without what
//! questions keep beside each other. What comes out is what a look at every row finds, to the last bit.

use super::super::stream::Terminal;
use super::super::{Bits, RunColumn};
use super::ask::{Ground, NEVER};
use super::live::{State, start};
use super::slot::{Columns, Seen};
use super::{Plan, Slot};
use crate::value::Timestamp;

impl Plan {
    /// What a slot comes to at the instant of the question; `None` when it has to be looked at row by row. `was` is what it came to before.
    pub(super) fn renew<'a, G: Ground<'a>>(&self, ground: &G, number: u32, was: &State) -> Option<State> {
        let slot = self.slots.get(number as usize)?;
        let length = self.length(slot)?;
        let [part] = &slot.parts[..] else { return self.renew_parts(ground, slot, length) };
        let (Seen::Columns(columns), None) = (ground.seen(part.kind), part.filter) else { return None };
        let now = ground.now();
        if columns.times.last().is_none_or(|last| *last > now) {
            return None;
        }
        let (first, end) = (start(columns.times, length, now), columns.times.len());
        let mut state = State { until: NEVER, value: 0, told: 0, rows: u32::try_from(end - first).ok()? };
        if let Some(time) = columns.times.get(first).filter(|_| length != NEVER) {
            state.until = time.micros().saturating_add(length).min(Timestamp::MAX.micros());
        }
        match (slot.terminal, slot.property) {
            (Terminal::Count | Terminal::Exists, _) => {}
            (Terminal::SinceLast, _) => state.value = columns.times.get(first..)?.last().map_or(0, |time| time.micros()),
            (Terminal::SinceFirst, _) => state.value = columns.times.get(first).map_or(0, |time| time.micros()),
            (_, Some(property)) => {
                let column = ground.column(columns.place, property)?;
                self.renew_values(slot, &mut state, was, (&columns, &column), first)?;
            }
            (_, None) => return None,
        }
        Some(state)
    }

    /// The same for a slot that counts several types of events, or the different texts that they tell.
    fn renew_parts<'a, G: Ground<'a>>(&self, ground: &G, slot: &Slot, length: i64) -> Option<State> {
        let texts = match (slot.terminal, slot.property) {
            (Terminal::Count | Terminal::Exists | Terminal::SinceLast | Terminal::SinceFirst, _) => None,
            (Terminal::CountDistinct, Some(property)) => Some(property),
            _ => return None,
        };
        let now = ground.now();
        let (mut rows, mut ticked, mut begins, mut ends) = (0, 0_i64, i64::MAX, i64::MIN);
        for part in &slot.parts {
            let columns = match ground.seen(part.kind) {
                Seen::Columns(columns) if part.filter.is_none() => columns,
                Seen::Nothing => continue,
                _ => return None,
            };
            if columns.times.last().is_none_or(|last| *last > now) {
                return None;
            }
            let first = start(columns.times, length, now);
            let within = columns.times.get(first..)?;
            let (Some(begin), Some(end)) = (within.first(), within.last()) else { continue };
            (rows, begins, ends) = (rows + within.len(), begins.min(begin.micros()), ends.max(end.micros()));
            let Some(property) = texts else { continue };
            match ground.column(columns.place, property)? {
                RunColumn::Absent => {}
                RunColumn::Codes { codes, .. } => {
                    for code in codes.get(first..columns.times.len())? {
                        if *code >= 64 {
                            return None;
                        }
                        ticked |= 1_i64.wrapping_shl(*code);
                    }
                }
                RunColumn::Bits { .. } => return None,
            }
        }
        let mut state = State { until: NEVER, value: 0, told: 0, rows: u32::try_from(rows).ok()? };
        if rows > 0 && length != NEVER {
            state.until = begins.saturating_add(length).min(Timestamp::MAX.micros());
        }
        match slot.terminal {
            // 0 stands for none.
            Terminal::CountDistinct => (state.value, state.told) = (ticked & !1, 1),
            Terminal::SinceLast if rows > 0 => state.value = ends,
            Terminal::SinceFirst if rows > 0 => state.value = begins,
            _ => {}
        }
        Some(state)
    }

    fn renew_values(
        &self,
        slot: &Slot,
        state: &mut State,
        was: &State,
        (columns, column): (&Columns<'_>, &RunColumn<'_>),
        first: usize,
    ) -> Option<()> {
        let end = columns.times.len();
        match (slot.terminal, column) {
            (Terminal::CountDistinct, RunColumn::Codes { codes, .. }) => {
                // The texts before, and that of an event that may have come: once all of them are found there are no others.
                let last = codes.get(first..end)?.last().copied().unwrap_or(0);
                let all = if was.told > 0 && last < 64 { was.value | 1_i64.wrapping_shl(last) | 1 } else { -1 };
                let mut ticked = 1;
                for code in codes.get(first..end)? {
                    if *code >= 64 {
                        return None;
                    }
                    ticked |= 1_i64.wrapping_shl(*code);
                    if ticked == all {
                        break;
                    }
                }
                // 0 stands for none.
                (state.value, state.told) = (ticked & !1, 1);
            }
            (Terminal::CountDistinct, _) => return None,
            (terminal, RunColumn::Bits { bits, meaning, missing: [] }) => {
                let told = bits.get(first..end)?;
                let blocks = || columns.blocks.iter().find(|blocks| slot.property.is_some_and(|own| own.0 == blocks.property));
                state.told = state.rows;
                state.value = match (terminal, meaning) {
                    _ if told.is_empty() => 0,
                    (Terminal::Sum, Bits::Double) => {
                        told.iter().fold(0.0, |sum, value| sum + f64::from_bits(*value)).to_bits().cast_signed()
                    }
                    (Terminal::Sum | Terminal::Avg, Bits::Int | Bits::Decimal { .. }) => {
                        let quick = blocks().and_then(|blocks| i64::try_from(blocks.sum(bits, first, end, false)?).ok());
                        match quick {
                            Some(sum) => sum,
                            None => told.iter().try_fold(0_i64, |sum, value| sum.checked_add(value.cast_signed()))?,
                        }
                    }
                    (Terminal::Min | Terminal::Max, Bits::Int | Bits::Decimal { .. }) => {
                        let least = terminal == Terminal::Min;
                        match blocks() {
                            Some(blocks) => blocks.extreme(bits, first, end, least)?,
                            None if least => told.iter().map(|value| value.cast_signed()).min()?,
                            None => told.iter().map(|value| value.cast_signed()).max()?,
                        }
                    }
                    _ => return None,
                };
            }
            _ => return None,
        }
        Some(())
    }
}
