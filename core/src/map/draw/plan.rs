//! The declared map beside the walked one, as a picture: segments from top to bottom, stages from left to right.

use super::super::plan::{Deviation, PlanCell, PlanReport, PlanSegment, PlanShare, PlanStage, PlannedWay};
use super::svg::{Canvas, DARK, Ground, LIGHT, PATTERNS, STYLE, pain_words};
use super::words::{self, count, count_or, escaped, percent};

const OWN: &str = include_str!("plan_svg.css");

/// Room for the names of segments.
const LEFT: f64 = 178.0;
const RIGHT: f64 = 36.0;
const LEAST_STEP: f64 = 280.0;
const PAD: f64 = 14.0;
const GAP: f64 = 16.0;
const TOP: f64 = 158.0;

/// Where the parts of a cell stand, below each other.
struct Parts {
    planned: Vec<Line>,
    deviations: Vec<Line>,
    walked: f64,
}

/// A line of words: what stands before it, its class, and how far below the line before.
struct Line {
    class: &'static str,
    label: Option<&'static str>,
    words: String,
    down: f64,
    mark: bool,
}

impl PlanReport {
    /// What was planned beside what was walked, as a picture: a card for each segment and stage with its plan above, what customers did
    /// below, and what deviates marked. It needs nothing else.
    #[must_use]
    pub fn svg(&self, ground: Ground) -> String {
        // Stages for which nothing is planned for anybody are left out.
        let planned = |stage: &&PlanStage| self.cells.iter().any(|cell| cell.stage == stage.stage);
        let stages: Vec<&PlanStage> = self.stages.iter().filter(planned).collect();
        let blank: Vec<&str> = self.stages.iter().filter(|stage| !planned(stage)).map(|stage| &*stage.title).collect();
        let columns = stages.len().max(1) as f64;
        let width = (LEFT + RIGHT + columns * LEAST_STEP).max(1_100.0);
        let step = (width - LEFT - RIGHT) / columns;
        let mut canvas = Canvas::default();
        canvas.text("tm-title", 36.0, 58.0, &words::fit(&format!("{}: planned and walked", self.title), 39.0, width - 72.0));
        let when = match self.since {
            Some(since) => format!("{} to {}", words::date(since), words::date(self.at)),
            None => format!("up to {}", words::date(self.at)),
        };
        let deviating = self.cells.iter().filter(|cell| !cell.deviations.is_empty()).count();
        let sum = match (self.cells.len(), deviating) {
            (0, _) => "nothing is planned".to_owned(),
            (1, 0) => "the one cell goes as planned".to_owned(),
            (all, 0) => format!("all {all} cells go as planned, as far as can be told"),
            (all, some) => format!("people do otherwise than planned in {some} of {all} cells"),
        };
        let blank = match blank.as_slice() {
            [] => String::new(),
            _ if self.cells.is_empty() => String::new(),
            names => format!(" · no plan for {}", names.join(", ")),
        };
        canvas.text("tm-sub", 36.0, 86.0, &words::fit(&format!("{when} · {sum}{blank}"), 16.0, width - 72.0));
        for (place, stage) in stages.iter().enumerate() {
            let x = LEFT + place as f64 * step;
            let title = words::fit(&stage.title, 19.5, step - GAP - 34.0);
            canvas.text("tm-stage", x, TOP - 24.0, &title);
            let class = if stage.drop_out { "tm-under tm-under-lost" } else { "tm-under" };
            canvas.add(format_args!(r#"<path class="{class}" d="M{x:.1} {:.1}h{:.1}"/>"#, TOP - 12.0, step - GAP));
        }
        let scale = Scale::of(self, step - GAP - 2.0 * PAD);
        let mut top = TOP + 6.0;
        for segment in &self.segments {
            top = self.row(&mut canvas, segment, &stages, top, step, &scale);
        }
        let height = top + self.foot(&mut canvas, top, width);
        let scheme = match ground {
            Ground::Light => format!(".tactful-map{{{LIGHT}color-scheme:light}}"),
            Ground::Dark => format!(".tactful-map{{{DARK}color-scheme:dark}}"),
            Ground::Either => {
                format!(".tactful-map{{{LIGHT}}}@media (prefers-color-scheme:dark){{.tactful-map{{{DARK}}}}}")
            }
        };
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"tactful-map\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\
<title>{}</title><desc>{}</desc><style>{scheme}{STYLE}{OWN}</style>{PATTERNS}\
<rect class=\"tm-ground\" width=\"{width:.0}\" height=\"{height:.0}\" rx=\"14\"/>{}</svg>\n",
            escaped(&format!("Plan of {} beside what was walked", self.title)),
            escaped(&self.to_string()),
            canvas.text_of()
        )
    }

    fn cell(&self, segment: &PlanSegment, stage: &str) -> Option<&PlanCell> {
        self.cells.iter().find(|cell| cell.segment == segment.segment && *cell.stage == *stage)
    }

    fn row(
        &self,
        canvas: &mut Canvas,
        segment: &PlanSegment,
        stages: &[&PlanStage],
        top: f64,
        step: f64,
        scale: &Scale,
    ) -> f64 {
        let reach = step - GAP - 2.0 * PAD;
        let parts: Vec<Option<Parts>> =
            stages.iter().map(|stage| Some(Parts::of(self.cell(segment, &stage.stage)?, reach))).collect();
        let most = |part: &dyn Fn(&Parts) -> f64| parts.iter().flatten().map(part).fold(0.0, f64::max);
        let planned = most(&|parts| parts.planned.iter().map(|line| line.down).sum()).max(26.0);
        let walked = most(&|parts| parts.walked).max(40.0);
        let deviations = most(&|parts| parts.deviations.iter().map(|line| line.down).sum());
        let border = top + PAD + planned + 12.0;
        let deviating = border + 12.0 + walked;
        let bottom = deviating + if deviations > 0.0 { deviations + 8.0 } else { 0.0 } + PAD;

        for (line, words) in words::wrap(&segment.title, 19.0, LEFT - 66.0, 4).iter().enumerate() {
            canvas.text("tp-segment", 36.0, top + 30.0 + 22.0 * line as f64, words);
        }
        let below = top + 30.0 + 22.0 * words::wrap(&segment.title, 19.0, LEFT - 66.0, 4).len() as f64;
        let people = match segment.customers {
            Some(1) => "1 customer".to_owned(),
            told => format!("{} customers", count_or(told)),
        };
        canvas.text("tm-note", 36.0, below - 2.0, &people);
        canvas.text("tp-part tm-end", LEFT - 14.0, (border - 10.0).max(below + 18.0), "planned");
        canvas.text("tp-part tm-end", LEFT - 14.0, (border + 20.0).max(below + 34.0), "walked");

        for (place, (stage, parts)) in stages.iter().zip(&parts).enumerate() {
            let (x, wide, high) = (LEFT + place as f64 * step, step - GAP, bottom - top);
            let Some((parts, cell)) = parts.as_ref().zip(self.cell(segment, &stage.stage)) else {
                canvas.add(format_args!(
                    r#"<rect class="tp-none" x="{x:.1}" y="{top:.1}" width="{wide:.1}" height="{high:.1}" rx="10"/>"#
                ));
                canvas.text("tp-blank tm-mid", x + wide / 2.0, top + high / 2.0 + 4.0, "nothing planned");
                continue;
            };
            let class = if cell.deviations.is_empty() { "tp-card" } else { "tp-card tp-off" };
            canvas.add(format_args!(
                r#"<rect class="{class}" x="{x:.1}" y="{top:.1}" width="{wide:.1}" height="{high:.1}" rx="10"/>"#
            ));
            canvas.add(format_args!(r#"<path class="tp-border" d="M{:.1} {border:.1}h{:.1}"/>"#, x + 1.0, wide - 2.0));
            if !cell.deviations.is_empty() {
                canvas.mark(x + wide - 18.0, top + 20.0);
            }
            lines(canvas, &parts.planned, x + PAD, top + PAD);
            self.walked(canvas, cell, stage.no_data.as_deref(), (x + PAD, border + 12.0), reach, scale);
            lines(canvas, &parts.deviations, x + PAD, deviating + 8.0);
        }
        bottom + 18.0
    }

    fn walked(
        &self,
        canvas: &mut Canvas,
        cell: &PlanCell,
        no_data: Option<&str>,
        (x, top): (f64, f64),
        reach: f64,
        scale: &Scale,
    ) {
        if let Some(why) = no_data {
            let no_data = format!("no data: {why}");
            for (line, words) in words::wrap(&no_data, 13.0, reach, 3).iter().enumerate() {
                canvas.text("tm-none tp-small", x, top + 16.0 + 17.0 * line as f64, words);
            }
            return;
        }
        let came = count_or(cell.entries);
        canvas.add(format_args!(
            r#"<text class="tp-came" x="{x:.1}" y="{:.1}">{}<tspan class="tm-note"> came in</tspan></text>"#,
            top + 18.0,
            escaped(&came)
        ));
        if cell.entries.is_none_or(|entries| entries == 0) {
            return;
        }
        let mut y = top + 34.0;
        if cell.goes_on.is_some() || cell.planned_goes_on.is_some() {
            bullet(
                canvas,
                (x, y),
                reach,
                cell.goes_on.map(|own| own.share),
                cell.planned_goes_on,
                cell.goes_on.map(|own| own.interval),
            );
            let told = going_on(cell);
            canvas.text("tm-note", x, y + 30.0, &words::fit(&told, 13.0, reach));
            y += 48.0;
        }
        if cell.exits.is_some_and(|exits| exits > 0) && !cell.ways.is_empty() {
            ways(canvas, cell, (x, y), reach);
            for (line, words) in words::wrap(&gone(cell), 13.0, reach, 2).iter().enumerate() {
                canvas.text("tm-note", x, y + 30.0 + 16.0 * line as f64, words);
            }
            y += 48.0 + 16.0 * (words::wrap(&gone(cell), 13.0, reach, 2).len().saturating_sub(1)) as f64;
        }
        if cell.median_seconds.is_some() || cell.planned_stay_seconds.is_some() {
            dwell(canvas, cell, (x, y), reach, scale);
            canvas.text("tm-note", x, y + 30.0, &words::fit(&staying(cell), 13.0, reach));
        }
    }

    fn foot(&self, canvas: &mut Canvas, top: f64, width: f64) -> f64 {
        let y = top + 14.0;
        let keys: [(&str, &str); 5] = [
            ("tp-way-on", "went on as planned"),
            ("tp-way-skipped", "skipped stages"),
            ("tp-way-back", "went back"),
            ("tm-key-lost", "dropped out"),
            ("tp-way-left", "left"),
        ];
        let mut x = LEFT;
        for (class, words) in keys {
            canvas.add(format_args!(r#"<rect class="{class}" x="{x:.1}" y="{:.1}" width="15" height="13" rx="3"/>"#, y - 11.0));
            canvas.text("tm-key", x + 22.0, y, words);
            x += 22.0 + words::width(words, 13.0) + 22.0;
        }
        canvas.add(format_args!(r#"<path class="tp-goal" d="M{:.1} {:.1}v15"/>"#, x + 4.0, y - 12.0));
        canvas.text("tm-key", x + 14.0, y, "planned");
        x += 14.0 + words::width("planned", 13.0) + 22.0;
        canvas.mark(x + 8.0, y - 4.0);
        canvas.text("tm-key", x + 24.0, y, "otherwise than planned");
        let note = "The thin line at a bar is its 95 % interval.".to_owned();
        let note = if self.k > 1 { format!("{note} No number is about fewer than {} customers.", self.k) } else { note };
        canvas.text("tm-key", LEFT, y + 24.0, &words::fit(&note, 13.0, width - LEFT - RIGHT));
        62.0
    }
}

impl Parts {
    fn of(cell: &PlanCell, reach: f64) -> Self {
        let mut planned = Vec::new();
        if let Some(goal) = &cell.goal {
            for (place, words) in words::wrap(goal, 16.4, reach - 22.0, 3).into_iter().enumerate() {
                planned.push(Line {
                    class: "tp-goal-words",
                    label: None,
                    words,
                    down: if place == 0 { 15.0 } else { 19.0 },
                    mark: false,
                });
            }
        }
        let told = [("Pain", &cell.pain_point), ("Selling point", &cell.selling_point)];
        for (label, text) in told.into_iter().filter_map(|(label, text)| Some((label, text.as_ref()?))) {
            for (place, words) in words::wrap(&format!("{label}  {text}"), 13.7, reach, 3).into_iter().enumerate() {
                let (label, words) = match (place, words.strip_prefix(label)) {
                    (0, Some(rest)) => (Some(label), rest.trim_start().to_owned()),
                    _ => (None, words),
                };
                planned.push(Line { class: "tp-words", label, words, down: if place == 0 { 23.0 } else { 17.0 }, mark: false });
            }
        }
        if let Some(wording) = &cell.wording {
            let quoted = format!("“{wording}”");
            for (place, words) in words::wrap(&quoted, 15.6, reach, 3).into_iter().enumerate() {
                let down = if place == 0 { 26.0 } else { 19.0 };
                planned.push(Line { class: "tp-quote", label: None, words, down, mark: false });
            }
        }
        let mut deviations = Vec::new();
        for deviation in &cell.deviations {
            for (place, words) in words::wrap(&deviation.words(cell), 15.6, reach - 24.0, 3).into_iter().enumerate() {
                let down = if place == 0 { 21.0 } else { 17.0 };
                deviations.push(Line { class: "tp-deviation", label: None, words, down, mark: place == 0 });
            }
        }
        let mut walked = 24.0;
        if cell.entries.is_some_and(|entries| entries > 0) {
            if cell.goes_on.is_some() || cell.planned_goes_on.is_some() {
                walked += 48.0;
            }
            if cell.exits.is_some_and(|exits| exits > 0) && !cell.ways.is_empty() {
                walked += 48.0 + 16.0 * (words::wrap(&gone(cell), 13.0, reach, 2).len().saturating_sub(1)) as f64;
            }
            if cell.median_seconds.is_some() || cell.planned_stay_seconds.is_some() {
                walked += 48.0;
            }
        }
        Parts { planned, deviations, walked }
    }
}

fn lines(canvas: &mut Canvas, lines: &[Line], x: f64, top: f64) {
    let mut y = top;
    for line in lines {
        y += line.down;
        let indent = if line.class == "tp-deviation" { 24.0 } else { 0.0 };
        if line.mark {
            canvas.mark(x + 8.0, y - 4.0);
        }
        let label = line.label.map_or_else(String::new, |label| format!(r#"<tspan class="tp-label">{label} </tspan>"#));
        canvas.add(format_args!(
            r#"<text class="{}" x="{:.1}" y="{y:.1}">{label}{}</text>"#,
            line.class,
            x + indent,
            escaped(&line.words)
        ));
    }
}

/// A bar for a share with its interval, and a mark where it was planned to be.
fn bullet(
    canvas: &mut Canvas,
    (x, y): (f64, f64),
    reach: f64,
    share: Option<f64>,
    planned: Option<f64>,
    interval: Option<(f64, f64)>,
) {
    canvas.add(format_args!(r#"<rect class="tp-track" x="{x:.1}" y="{y:.1}" width="{reach:.1}" height="12" rx="3"/>"#));
    if let Some(share) = share {
        canvas.add(format_args!(
            r#"<rect class="tp-way-on" x="{x:.1}" y="{y:.1}" width="{:.1}" height="12" rx="3"/>"#,
            (share * reach).max(2.0)
        ));
    }
    if let Some((low, high)) = interval {
        canvas.add(format_args!(
            r#"<path class="tp-sure" d="M{:.1} {:.1}H{:.1}"/>"#,
            x + low * reach,
            y + 6.0,
            x + high * reach
        ));
    }
    if let Some(planned) = planned {
        canvas.add(format_args!(r#"<path class="tp-goal" d="M{:.1} {:.1}v20"/>"#, x + planned * reach, y - 4.0));
    }
}

/// Where those who left the stage went, as parts of one bar.
fn ways(canvas: &mut Canvas, cell: &PlanCell, (x, y): (f64, f64), reach: f64) {
    canvas.add(format_args!(r#"<rect class="tp-track" x="{x:.1}" y="{y:.1}" width="{reach:.1}" height="12" rx="3"/>"#));
    let mut from = x;
    for way in &cell.ways {
        let Some(share) = way.share else { continue };
        let class = match way.way {
            PlannedWay::On => "tp-way-on",
            PlannedWay::Skipped => "tp-way-skipped",
            PlannedWay::Back => "tp-way-back",
            PlannedWay::Lost => "tp-way-lost",
            PlannedWay::Left => "tp-way-left",
        };
        let wide = (share * reach).max(1.5);
        canvas.add(format_args!(
            r#"<rect class="{class}" x="{from:.1}" y="{y:.1}" width="{:.1}" height="12" rx="2"><title>{}</title></rect>"#,
            (wide - 1.0).max(1.0),
            escaped(&format!("{} {} ({})", count(way.count), way.way.words(), percent(share)))
        ));
        from += wide;
    }
}

/// Lengths of time on one scale for all cells.
struct Scale {
    low: f64,
    high: f64,
    reach: f64,
}

impl Scale {
    fn of(report: &PlanReport, reach: f64) -> Self {
        let all = report.cells.iter().flat_map(|cell| [cell.median_seconds, cell.planned_stay_seconds]).flatten();
        let all: Vec<f64> = all.map(|seconds| seconds.max(1.0)).collect();
        let low = all.iter().copied().fold(f64::MAX, f64::min) / 2.0;
        let high = all.iter().copied().fold(1.0, f64::max) * 2.0;
        Scale { low: libm::log(low.max(0.5)), high: libm::log(high), reach }
    }

    fn place(&self, seconds: f64) -> f64 {
        let part = (libm::log(seconds.max(1.0)) - self.low) / (self.high - self.low).max(1e-9);
        part.clamp(0.0, 1.0) * self.reach
    }
}

fn dwell(canvas: &mut Canvas, cell: &PlanCell, (x, y): (f64, f64), reach: f64, scale: &Scale) {
    let middle = y + 6.0;
    canvas.add(format_args!(r#"<path class="tm-scale" d="M{x:.1} {middle:.1}h{reach:.1}"/>"#));
    if let Some((walked, planned)) = cell.median_seconds.zip(cell.planned_stay_seconds) {
        let (a, b) = (scale.place(walked), scale.place(planned));
        canvas.add(format_args!(r#"<path class="tp-between" d="M{:.1} {middle:.1}H{:.1}"/>"#, x + a, x + b));
    }
    if let Some(planned) = cell.planned_stay_seconds {
        canvas.add(format_args!(r#"<path class="tp-goal" d="M{:.1} {:.1}v20"/>"#, x + scale.place(planned), y - 4.0));
    }
    if let Some(walked) = cell.median_seconds {
        canvas.add(format_args!(r#"<circle class="tm-dot" cx="{:.1}" cy="{middle:.1}" r="6"/>"#, x + scale.place(walked)));
    }
}

/// How many came to the next stage, and how many were to.
pub(super) fn going_on(cell: &PlanCell) -> String {
    match (cell.goes_on, cell.planned_goes_on) {
        (Some(own), Some(planned)) => format!("{} go on, planned {}", percent(own.share), percent(planned)),
        (Some(own), None) => format!("{} go on", percent(own.share)),
        (None, Some(planned)) => format!("not told, planned {}", percent(planned)),
        (None, None) => String::new(),
    }
}

/// How long half of them stay, and were to.
pub(super) fn staying(cell: &PlanCell) -> String {
    match (cell.median_seconds, cell.planned_stay_seconds) {
        (Some(own), Some(planned)) => format!("half stay {}, planned {}", in_days(own, planned), in_days(planned, planned)),
        (Some(own), None) => format!("half stay {}", words::length(own)),
        (None, Some(planned)) => format!("most still stay, planned {}", in_days(planned, planned)),
        (None, None) => String::new(),
    }
}

/// A length in days, where the planned one is whole days and no year: `90d` was planned, not 3 months.
fn in_days(seconds: f64, planned: f64) -> String {
    let (days, whole) = (seconds / 86_400.0, planned % 86_400.0 == 0.0);
    if whole && (2.0..2_000.0).contains(&days) { format!("{days:.0} days") } else { words::length(seconds) }
}

/// Where those who left went.
pub(super) fn gone(cell: &PlanCell) -> String {
    let ways = cell.ways.iter().map(|way| match way.share {
        Some(share) => format!("{} {}", percent(share), way.way.words()),
        None => format!("{} {}", count(way.count), way.way.words()),
    });
    let ways: Vec<String> = ways.collect();
    match cell.exits {
        Some(exits) => format!("of {} who left: {}", count(exits), ways.join(", ")),
        None => ways.join(", "),
    }
}

impl PlannedWay {
    pub(super) fn words(self) -> &'static str {
        match self {
            PlannedWay::On => "on",
            PlannedWay::Skipped => "past stages",
            PlannedWay::Back => "back",
            PlannedWay::Lost => "lost",
            PlannedWay::Left => "out",
        }
    }
}

impl Deviation {
    /// What deviates, in words.
    pub(super) fn words(self, cell: &PlanCell) -> String {
        let told = |what: &str, share: Option<PlanShare>| match share {
            Some(share) => {
                format!("{what} ({}, {} to {})", percent(share.share), percent(share.interval.0), percent(share.interval.1))
            }
            None => what.to_owned(),
        };
        let way = |way: PlannedWay| {
            let own = cell.ways.iter().find(|own| own.way == way);
            own.and_then(|own| Some(PlanShare { share: own.share?, interval: own.interval? }))
        };
        match self {
            Deviation::StaysLonger => told("Most stay longer than planned", cell.stays_longer),
            Deviation::StaysShorter => told("Most do not stay as long as planned", cell.stays_longer),
            Deviation::FewerGoOn => told("Fewer go on than planned", cell.goes_on),
            Deviation::MoreSkip => told("More skip stages than go on to the next", way(PlannedWay::Skipped)),
            Deviation::MoreGoBack => told("More go back than on", way(PlannedWay::Back)),
            Deviation::MoreAreLost => told("More are lost than go on", way(PlannedWay::Lost)),
            Deviation::MoreLeave => told("More leave the journey than go on", way(PlannedWay::Left)),
            Deviation::UnplannedPain => {
                let found = cell.found.iter().take(2).map(|pain| {
                    let (what, compared) = pain_words(pain);
                    format!("{what}: {compared}")
                });
                format!("Nobody planned for this pain: {}", found.collect::<Vec<_>>().join("; "))
            }
        }
    }
}
