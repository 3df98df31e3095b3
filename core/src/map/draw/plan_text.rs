use super::super::plan::PlanReport;
use super::plan::{going_on, gone, staying};
use super::words::{self, count_or};
use std::fmt;

impl fmt::Display for PlanReport {
    /// As text: a paragraph for each segment, and in it one for each stage that is planned; what deviates begins with `!`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let when = match self.since {
            Some(since) => format!("{} to {}", words::date(since), words::date(self.at)),
            None => format!("up to {}", words::date(self.at)),
        };
        writeln!(f, "{}: planned and walked, {when}", self.title)?;
        if self.cells.is_empty() {
            writeln!(f, "nothing is planned")?;
        }
        for segment in &self.segments {
            writeln!(f, "\n{} ({} customers)", segment.title, count_or(segment.customers))?;
            for cell in self.cells.iter().filter(|cell| cell.segment == segment.segment) {
                let stage = self.stages.iter().find(|stage| stage.stage == cell.stage);
                writeln!(f, "  {}", stage.map_or(&*cell.stage, |stage| &*stage.title))?;
                let planned = [
                    ("goal", &cell.goal),
                    ("pain point", &cell.pain_point),
                    ("selling point", &cell.selling_point),
                    ("wording", &cell.wording),
                ];
                for (what, text) in planned {
                    if let Some(text) = text {
                        writeln!(f, "    {what:<14} {text}")?;
                    }
                }
                if let Some(why) = stage.and_then(|stage| stage.no_data.as_ref()) {
                    writeln!(f, "    {:<14} no data: {why}", "walked")?;
                    continue;
                }
                writeln!(f, "    {:<14} {} came in", "walked", count_or(cell.entries))?;
                let told = [going_on(cell), if cell.ways.is_empty() { String::new() } else { gone(cell) }, staying(cell)];
                if cell.entries.is_some_and(|entries| entries > 0) {
                    for line in told.iter().filter(|line| !line.is_empty()) {
                        writeln!(f, "    {:<14} {line}", "")?;
                    }
                }
                for deviation in &cell.deviations {
                    writeln!(f, "    !              {}", deviation.words(cell))?;
                }
            }
        }
        Ok(())
    }
}
