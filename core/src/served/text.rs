use super::ask::{Closed, Served};
use super::bias::{ProtectedServed, Selection};
use std::fmt;

pub(super) fn closed(by: &[Closed]) -> String {
    let parts: Vec<String> = by.iter().map(|closed| format!("{} {}", closed.customers, closed.gate)).collect();
    parts.join(", ")
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

/// What is said about the use of a protected attribute.
pub(super) fn used(protected: &ProtectedServed) -> String {
    match protected.read_by.as_slice() {
        [] => "no offer reads it".to_owned(),
        offers => format!("read by {}", offers.join(", ")),
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} of {} customers get an offer", self.served, self.customers)?;
        for placement in &self.placements {
            writeln!(f, "\n{:<24} {:>10} {:>10} {:>10}", placement.placement, "closed", "unknown", "left")?;
            for gate in &placement.gates {
                writeln!(f, "  {:<22} {:>10} {:>10} {:>10}", gate.gate, gate.closed, gate.unknown, gate.left)?;
            }
            writeln!(f, "  {:<22} {:>10} {:>10} {:>10}", "served", "", "", placement.served)?;
        }
        for need in &self.needs {
            let strong = need.strong;
            writeln!(f, "\nneed {}: {strong} customers from strength {}", need.need, self.strong)?;
            if need.unserved > 0 {
                writeln!(f, "  {} get no offer at all ({})", need.unserved, closed(&need.unserved_by))?;
            }
            match need.offers.as_slice() {
                [] => writeln!(f, "  no offer reads it")?,
                offers if need.unmet > 0 => {
                    writeln!(f, "  {} get none of {} ({})", need.unmet, offers.join(", "), closed(&need.unmet_by))?;
                }
                offers => writeln!(f, "  all get one of {}", offers.join(", "))?,
            }
        }
        for protected in &self.protected {
            writeln!(f, "\nby {}: {}", protected.name, used(protected))?;
            if protected.withheld > 0 {
                writeln!(
                    f,
                    "  {} groups are told together, so that nothing is told of fewer than {} customers",
                    protected.withheld, self.k
                )?;
            }
            for Selection { offer, alarm, groups } in &protected.selections {
                let mark = if *alarm { "  below four fifths, more than chance explains" } else { "" };
                writeln!(f, "  {}{mark}", offer.as_deref().unwrap_or("any offer"))?;
                for group in groups {
                    let ratio = group.ratio.map_or_else(String::new, |ratio| format!("{ratio:>6.2}"));
                    let between = format!("{} to {}", percent(group.interval.low), percent(group.interval.high));
                    let (rate, name) = (percent(group.rate), &group.group);
                    writeln!(f, "    {name:<20} {:>8} of {:<8} {rate:>8} ({between}) {ratio}", group.served, group.customers)?;
                }
            }
        }
        Ok(())
    }
}
