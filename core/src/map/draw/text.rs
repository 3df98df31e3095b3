use super::super::report::MapReport;
use super::words::{count, count_or, length, volume};
use std::fmt::Write;
use std::sync::Arc;

/// A label in quotes: what would end it or begin markup is left out or written otherwise.
fn quoted(text: &str) -> String {
    let plain: String = text.chars().filter(|sign| !sign.is_control()).collect();
    plain.replace('&', "&amp;").replace('"', "&quot;").replace('<', "&lt;").replace('>', "&gt;").replace('\\', "&#92;")
}

impl MapReport {
    /// The number of a stage, as graphs name it: names may hold anything.
    fn place(&self, name: &Arc<str>) -> usize {
        self.stages.iter().position(|stage| stage.stage == *name).unwrap_or(usize::MAX)
    }

    /// The map as text for [Mermaid](https://mermaid.js.org): a flow chart from left to right, shown by many wikis and by GitHub.
    #[must_use]
    pub fn mermaid(&self) -> String {
        let mut text = String::from("flowchart LR\n");
        // Writing to a string cannot fail.
        for (place, stage) in self.stages.iter().enumerate() {
            let here = match &stage.no_data {
                Some(_) => "no data".to_owned(),
                None => format!("{} here", count_or(stage.here)),
            };
            let (open, close) = if stage.drop_out { ("([", "])") } else { ("[", "]") };
            let _ = writeln!(text, "  s{place}{open}\"{}<br/>{here}\"{close}", quoted(&stage.title));
        }
        for flow in &self.flows {
            let lost = flow.to.as_ref().is_some_and(|to| self.stages.iter().any(|stage| stage.stage == *to && stage.drop_out));
            let arrow = if lost { "-.->" } else { "-->" };
            let node = |end: &Option<Arc<str>>, outside: &str| {
                end.as_ref().map_or_else(|| outside.to_owned(), |end| format!("s{}", self.place(end)))
            };
            let (from, to) = (node(&flow.from, "in((in))"), node(&flow.to, "out((out))"));
            let _ = writeln!(text, "  {from} {arrow}|\"{}\"| {to}", volume(flow));
        }
        for (place, stage) in self.stages.iter().enumerate() {
            if self.pain_points.iter().any(|pain| pain.stage == stage.stage) {
                let _ = writeln!(text, "  class s{place} pain");
            }
        }
        if !self.pain_points.is_empty() {
            text.push_str("  classDef pain stroke:#a9341a,stroke-width:3px\n");
        }
        text
    }

    /// The map as text for [Graphviz](https://graphviz.org) in the DOT language: edges as thick as their volume.
    #[must_use]
    pub fn dot(&self) -> String {
        let mut text = String::from(
            "digraph journey {\n  rankdir=LR;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n  edge [fontname=\"sans-serif\"];\n",
        );
        for (place, stage) in self.stages.iter().enumerate() {
            let here = match &stage.no_data {
                Some(_) => "no data".to_owned(),
                None => format!("{} here", count_or(stage.here)),
            };
            let pain = self.pain_points.iter().any(|pain| pain.stage == stage.stage);
            let style = match (stage.drop_out, pain) {
                (true, _) => ", style=\"rounded,dashed\"",
                (false, true) => ", penwidth=3, color=\"#a9341a\"",
                (false, false) => "",
            };
            let time = stage.time.as_ref().and_then(|time| time.median_seconds);
            let time = time.map_or_else(String::new, |seconds| format!("\\nmedian {}", length(seconds)));
            let _ = writeln!(text, "  s{place} [label=\"{}\\n{here}{time}\"{style}];", quoted(&stage.title));
        }
        let ends = |outside: fn(&super::super::report::FlowReport) -> bool| self.flows.iter().any(outside);
        if ends(|flow| flow.from.is_none()) {
            text.push_str("  in [shape=circle, label=\"in\"];\n");
        }
        if ends(|flow| flow.to.is_none()) {
            text.push_str("  out [shape=circle, label=\"out\"];\n");
        }
        let most = self.flows.iter().map(|flow| flow.count).max().unwrap_or(1).max(1) as f64;
        for flow in &self.flows {
            let node = |end: &Option<Arc<str>>, outside: &str| {
                end.as_ref().map_or_else(|| outside.to_owned(), |end| format!("s{}", self.place(end)))
            };
            let thick = 1.0 + 7.0 * flow.count as f64 / most;
            let (from, to) = (node(&flow.from, "in"), node(&flow.to, "out"));
            let _ = writeln!(text, "  {from} -> {to} [label=\"{}\", penwidth={thick:.1}];", count(flow.count));
        }
        text.push_str("}\n");
        text
    }
}
