use super::super::plan::{PlanCell, PlanReport, PlanStage};
use super::plan::{going_on, gone, staying};
use super::words::{self, count_or, escaped};
use std::fmt::Write;

const STYLE: &str = include_str!("plan.css");

impl PlanReport {
    /// As a part of a page: a table with a row for each segment and a column for each stage, which brings its styles. Every name is escaped.
    #[must_use]
    pub fn html(&self) -> String {
        // Writing to a string cannot fail.
        let mut html = format!(
            "<div class=\"tactful-plan\" tabindex=\"0\" role=\"region\" aria-label=\"Plan\"><style>{STYLE}</style><table>"
        );
        let when = match self.since {
            Some(since) => format!("{} to {}", words::date(since), words::date(self.at)),
            None => format!("up to {}", words::date(self.at)),
        };
        let k = if self.k > 1 { format!(" No number is about fewer than {} customers.", self.k) } else { String::new() };
        let _ = write!(html, "<caption>{}: planned and walked, {when}.{k}</caption><thead><tr><td></td>", escaped(&self.title));
        for stage in &self.stages {
            let _ = write!(html, "<th scope=\"col\">{}</th>", escaped(&stage.title));
        }
        html.push_str("</tr></thead><tbody>");
        for segment in &self.segments {
            let people = count_or(segment.customers);
            let _ = write!(html, "<tr><th scope=\"row\">{}<small>{people} customers</small></th>", escaped(&segment.title));
            for stage in &self.stages {
                let cell = self.cells.iter().find(|cell| cell.segment == segment.segment && cell.stage == stage.stage);
                match cell {
                    Some(cell) => self.write_cell(&mut html, stage, cell),
                    None => html.push_str("<td class=\"none\">nothing planned</td>"),
                }
            }
            html.push_str("</tr>");
        }
        html.push_str("</tbody></table></div>\n");
        html
    }

    fn write_cell(&self, html: &mut String, stage: &PlanStage, cell: &PlanCell) {
        html.push_str(if cell.deviations.is_empty() { "<td>" } else { "<td class=\"off\">" });
        if let Some(goal) = &cell.goal {
            let _ = write!(html, "<p class=\"goal\">{}</p>", escaped(goal));
        }
        for (what, text) in [("Pain", &cell.pain_point), ("Selling point", &cell.selling_point)] {
            if let Some(text) = text {
                let _ = write!(html, "<p><b>{what}</b> {}</p>", escaped(text));
            }
        }
        if let Some(wording) = &cell.wording {
            let _ = write!(html, "<p class=\"wording\">“{}”</p>", escaped(wording));
        }
        html.push_str("<div class=\"walked\">");
        match &stage.no_data {
            Some(why) => {
                let _ = write!(html, "<p class=\"quiet\">no data: {}</p>", escaped(why));
            }
            None => {
                let _ = write!(html, "<p><strong>{}</strong> came in</p>", count_or(cell.entries));
                let told = [going_on(cell), if cell.ways.is_empty() { String::new() } else { gone(cell) }, staying(cell)];
                if cell.entries.is_some_and(|entries| entries > 0) {
                    for line in told.iter().filter(|line| !line.is_empty()) {
                        let _ = write!(html, "<p class=\"quiet\">{}</p>", escaped(line));
                    }
                }
            }
        }
        if !cell.deviations.is_empty() {
            html.push_str("<ul>");
            for deviation in &cell.deviations {
                let _ = write!(html, "<li>{}</li>", escaped(&deviation.words(cell)));
            }
            html.push_str("</ul>");
        }
        html.push_str("</div></td>");
    }
}
