use super::ask::{Closed, Served};
use super::text::{closed, percent, used};
use crate::value::escaped;
use std::fmt::Write;

impl Served {
    /// Sections of a page: who is left after each gate, unmet needs, protected groups. Every name is escaped; styles are left to the page.
    #[must_use]
    pub fn to_html(&self) -> String {
        let mut html = String::new();
        let lead = format!("{} of {} customers get an offer at {}.", self.served, self.customers, self.now);
        section(&mut html, "served", "Who goes without", &lead, |html| {
            for placement in &self.placements {
                let mut rows: Vec<Vec<String>> = placement
                    .gates
                    .iter()
                    .map(|gate| {
                        vec![gate.gate.to_owned(), gate.closed.to_string(), gate.unknown.to_string(), gate.left.to_string()]
                    })
                    .collect();
                rows.push(vec!["served".to_owned(), String::new(), String::new(), placement.served.to_string()]);
                let caption = format!("{}: where the last candidate stops", placement.placement);
                table(html, &caption, &["gate", "customers", "for something unknown", "left"], &rows);
            }
        });
        if !self.needs.is_empty() {
            let lead = format!("Strong needs, from {}, and the gate at which the last offer stops.", self.strong);
            section(&mut html, "unmet", "Unmet needs", &lead, |html| {
                let by =
                    |count: u64, by: &[Closed]| if count == 0 { "0".to_owned() } else { format!("{count} ({})", closed(by)) };
                let rows: Vec<Vec<String>> = self
                    .needs
                    .iter()
                    .map(|need| {
                        vec![
                            need.need.to_string(),
                            need.strong.to_string(),
                            by(need.unserved, &need.unserved_by),
                            need.offers.join(", "),
                            by(need.unmet, &need.unmet_by),
                        ]
                    })
                    .collect();
                table(html, "Needs", &["need", "customers", "no offer at all", "offers for it", "none of these"], &rows);
            });
        }
        if !self.protected.is_empty() {
            let lead = format!(
                "Rates with {} % intervals, compared with the highest; groups of fewer than {} customers are put together.",
                self.confidence * 100.0,
                self.k
            );
            section(&mut html, "protected", "Who gets what", &lead, |html| {
                for protected in &self.protected {
                    let mut rows = Vec::new();
                    for selection in &protected.selections {
                        for group in &selection.groups {
                            let span = |ends: Option<crate::measure::Interval>| {
                                ends.map_or_else(String::new, |ends| format!("{:.2} to {:.2}", ends.low, ends.high))
                            };
                            rows.push(vec![
                                selection.offer.as_deref().unwrap_or("any offer").to_owned(),
                                group.group.to_string(),
                                format!("{} of {}", group.served, group.customers),
                                format!(
                                    "{} ({} to {})",
                                    percent(group.rate),
                                    percent(group.interval.low),
                                    percent(group.interval.high)
                                ),
                                group.ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}")),
                                span(group.ratio_interval),
                                span(group.difference_interval),
                                if group.below_four_fifths { "below four fifths" } else { "" }.to_owned(),
                            ]);
                        }
                    }
                    let caption = format!("{}: {}", protected.name, used(protected));
                    let head = ["offer", "group", "customers", "rate", "ratio", "from to", "difference from to", ""];
                    table(html, &caption, &head, &rows);
                }
            });
        }
        html
    }
}

fn section(html: &mut String, anchor: &str, title: &str, lead: &str, fill: impl FnOnce(&mut String)) {
    let _ = write!(html, "<section aria-labelledby=\"{anchor}\"><div class=\"heading\"><h2 id=\"{anchor}\">{title}</h2>");
    let _ = write!(html, "<p class=\"lead\">{}</p></div>", escaped(lead));
    fill(html);
    html.push_str("</section>");
}

fn table(html: &mut String, caption: &str, head: &[&str], rows: &[Vec<String>]) {
    let caption = escaped(caption);
    let _ = write!(html, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\"><table>");
    let _ = write!(html, "<caption>{caption}</caption><thead><tr>");
    for name in head {
        let _ = write!(html, "<th scope=\"col\">{}</th>", escaped(name));
    }
    html.push_str("</tr></thead><tbody>");
    for row in rows {
        html.push_str("<tr>");
        for cell in row {
            let _ = write!(html, "<td>{}</td>", escaped(cell));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table></div>");
}
