//! An estimate as a page to read.

use super::estimators::{Estimated, OffPolicy};
use super::history::{LeftOut, OffPolicyReport};
use std::fmt;

impl fmt::Display for OffPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let slots = if self.slots > self.choices { format!(" with {} slots", self.slots) } else { String::new() };
        let (choices, customers) = (self.choices, self.customers);
        writeln!(f, "{choices} choices{slots} of {customers} customers, as good as {:.1}", self.effective_size)?;
        writeln!(f, "{:<28} {:>12} {:>12} {:>12} {:>12}", "reward per choice", "estimate", "error", "from", "to")?;
        let rows = [
            ("as recorded", &self.logged),
            ("inverse propensity", &self.inverse_propensity),
            ("self-normalised", &self.self_normalised),
            ("doubly robust", &self.doubly_robust),
            ("gain (doubly robust)", &self.gain),
        ];
        for (name, Estimated { value, error, low, high }) in rows {
            writeln!(f, "{name:<28} {value:>12.4} {error:>12.4} {low:>12.4} {high:>12.4}")?;
        }
        if self.silent > 0.0 {
            writeln!(f, "{:.1} % silence", self.silent * 100.0)?;
        }
        self.warnings.iter().try_for_each(|warning| writeln!(f, "warning: {}", warning.message))
    }
}

impl fmt::Display for OffPolicyReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.all)?;
        let clip = self.clip.map_or_else(|| "no limit of weights".to_owned(), |clip| format!("weights up to {clip}"));
        writeln!(f, "{} % intervals, normal, by customer; {clip}", self.confidence * 100.0)?;
        let LeftOut { incomplete, without_request, approximate, without_probability, open } = self.left_out;
        let left = [
            (incomplete, "of which not every slot is told"),
            (without_request, "of which is not known what was asked"),
            (approximate, "without an exact probability"),
            (without_probability, "without a probability"),
            (open, "still open"),
        ];
        for (count, why) in left.into_iter().filter(|(count, _)| *count > 0) {
            writeln!(f, "left out: {count} {why}")?;
        }
        if self.refused_events > 0 {
            writeln!(f, "{} events are not known to the other playbook", self.refused_events)?;
        }
        if self.placements.len() > 1 {
            for one in &self.placements {
                write!(f, "\n{}: {}", one.placement, one.found)?;
            }
        }
        Ok(())
    }
}
