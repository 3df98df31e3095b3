use super::super::report::{StageReport, TimeReport};
use super::layout::{Column, Layout};
use super::svg::{Canvas, pain_words, pains, room};
use super::words::{self, count, percent};

/// The rows below the stages; returns where they end.
pub(super) fn lanes(canvas: &mut Canvas, layout: &Layout<'_>) -> f64 {
    let mut top = layout.bottom + 20.0;
    let any = |has: &dyn Fn(&StageReport) -> bool| layout.columns.iter().any(|column| has(column.stage));
    if any(&|stage| stage.time.is_some()) {
        top = time(canvas, layout, top);
    }
    if any(&|stage| !stage.touchpoints.is_empty()) {
        top = touchpoints(canvas, layout, top);
    }
    if any(&|stage| stage.nps.is_some() || stage.csat.is_some() || stage.complaints.is_some_and(|count| count > 0)) {
        top = satisfaction(canvas, layout, top);
    }
    if !layout.report.pain_points.is_empty() {
        top = out_of_line(canvas, layout, top);
    }
    top
}

fn lane(canvas: &mut Canvas, layout: &Layout<'_>, top: f64, name: &[&str]) {
    canvas.add(format_args!(r#"<path class="tm-rule" d="M40 {top:.1}H{:.1}"/>"#, layout.width - 40.0));
    for (line, words) in name.iter().enumerate() {
        canvas.text(if line == 0 { "tm-lane" } else { "tm-note" }, 40.0, top + 27.0 + 17.0 * line as f64, words);
    }
}

fn seen<'a, 'b>(layout: &'b Layout<'a>) -> impl Iterator<Item = &'b Column<'a>> {
    layout.columns.iter().filter(|column| column.stage.no_data.is_none())
}

/// How long customers stay: the median in words, and the middle half as a bar on one scale for all stages.
fn time(canvas: &mut Canvas, layout: &Layout<'_>, top: f64) -> f64 {
    lane(canvas, layout, top, &["Time", "in the stage"]);
    let times = || seen(layout).filter_map(|column| column.stage.time.as_ref());
    let known = |time: &TimeReport| [time.quarter_seconds, time.median_seconds, time.three_quarters_seconds];
    let all: Vec<f64> = times().flat_map(known).flatten().map(|seconds| seconds.max(1.0)).collect();
    let (low, high) = (all.iter().copied().fold(f64::MAX, f64::min), all.iter().copied().fold(1.0, f64::max));
    let (low, high) = (libm::log(low.max(1.0)), libm::log(high.max(1.0)));
    let reach = room(layout) - 8.0;
    let place = |seconds: f64| {
        if high - low < 1e-9 { 0.5 * reach } else { (libm::log(seconds.max(1.0)) - low) / (high - low) * reach }
    };
    for column in seen(layout) {
        let x = column.x;
        let Some(time) = &column.stage.time else {
            // Times are told when enough have left.
            let why = match (column.stage.exits, column.stage.entries) {
                (Some(0), Some(entries)) if entries > 0 => "nobody left yet",
                (_, Some(0)) => "nobody came in",
                _ => "few left",
            };
            canvas.text("tm-note", x, top + 27.0, why);
            continue;
        };
        let Some(median) = time.median_seconds else {
            let rest = column.stage.entries.map_or_else(String::new, |all| format!("fewer than half of {} left", count(all)));
            canvas.text("tm-value", x, top + 27.0, "most stay");
            canvas.text("tm-note", x, top + 45.0, &words::fit(&rest, 13.0, room(layout)));
            continue;
        };
        canvas.text("tm-value", x, top + 27.0, &words::length(median));
        let note = match (time.quarter_seconds, time.three_quarters_seconds) {
            (Some(low), Some(high)) => format!("half {}", words::range(low, high)),
            (Some(low), None) => format!("quarter {}", words::length(low)),
            _ => String::new(),
        };
        canvas.text("tm-note", x, top + 45.0, &words::fit(&note, 13.0, room(layout)));
        let (from, to) = (time.quarter_seconds.unwrap_or(median), time.three_quarters_seconds);
        let (a, b) = (place(from), to.map_or(reach, &place));
        canvas.add(format_args!(r#"<path class="tm-scale" d="M{x:.1} {:.1}h{reach:.1}"/>"#, top + 62.0));
        canvas.add(format_args!(
            r#"<rect class="tm-span" x="{:.1}" y="{:.1}" width="{:.1}" height="8" rx="4"/>"#,
            x + a,
            top + 58.0,
            (b - a).max(3.0)
        ));
        canvas.add(format_args!(r#"<circle class="tm-dot" cx="{:.1}" cy="{:.1}" r="5.5"/>"#, x + place(median), top + 62.0));
    }
    top + 86.0
}

/// The most frequent touchpoints, with a bar each on one scale for all stages.
fn touchpoints(canvas: &mut Canvas, layout: &Layout<'_>, top: f64) -> f64 {
    const SHOWN: usize = 4;
    lane(canvas, layout, top, &["Touchpoints", "and channels"]);
    let most = seen(layout).flat_map(|column| &column.stage.touchpoints).map(|touch| touch.count).max().unwrap_or(1) as f64;
    let mut lines = 1;
    for column in seen(layout) {
        let shown = column.stage.touchpoints.iter().take(SHOWN);
        let more = column.stage.touchpoints.len().saturating_sub(SHOWN);
        for (line, touch) in shown.enumerate() {
            let y = top + 27.0 + 30.0 * line as f64;
            let number = count(touch.count);
            let reach = room(layout);
            let name = match &touch.channel {
                Some(channel) => format!("{} · {}", words::plain(&touch.event), words::plain(channel)),
                None => words::plain(&touch.event),
            };
            canvas.text("tm-touch", column.x, y, &words::fit(&name, 13.4, reach - words::width(&number, 13.4) - 10.0));
            canvas.text("tm-touch tm-end", column.x + reach, y, &number);
            canvas.add(format_args!(
                r#"<rect class="tm-track" x="{:.1}" y="{:.1}" width="{reach:.1}" height="4" rx="2"/>"#,
                column.x,
                y + 6.0
            ));
            canvas.add(format_args!(
                r#"<rect class="tm-meter" x="{:.1}" y="{:.1}" width="{:.1}" height="4" rx="2"/>"#,
                column.x,
                y + 6.0,
                (touch.count as f64 / most * reach).max(2.0)
            ));
            lines = lines.max(line + 1);
        }
        if more > 0 {
            let y = top + 27.0 + 30.0 * SHOWN as f64;
            canvas.text("tm-note", column.x, y, &format!("and {more} more"));
            lines = lines.max(SHOWN + 1);
        }
    }
    top + 22.0 + 30.0 * lines as f64
}

/// How satisfied customers are: a line through the stages, higher is better.
fn satisfaction(canvas: &mut Canvas, layout: &Layout<'_>, top: f64) -> f64 {
    const HEIGHT: f64 = 84.0;
    let nps = seen(layout).any(|column| column.stage.nps.is_some());
    let csat = !nps && seen(layout).any(|column| column.stage.csat.is_some());
    let what = if nps {
        "NPS, −100 to 100"
    } else if csat {
        "share satisfied"
    } else {
        "complaints"
    };
    lane(canvas, layout, top, &["Satisfaction", what]);
    if !nps && !csat {
        complaints(canvas, layout, top + 27.0);
        return top + 48.0;
    }
    let score = |column: &Column<'_>| {
        let found = if nps { &column.stage.nps } else { &column.stage.csat };
        let scale = |score: f64| if nps { (score + 1.0) / 2.0 } else { score };
        found
            .as_ref()
            .map(|found| (scale(found.score), scale(found.interval.0), scale(found.interval.1), found.score, found.answers))
    };
    let place = |score: f64| top + 34.0 + HEIGHT * (1.0 - score);
    let reach = layout.width - 40.0;
    let first = layout.columns.first().map_or(0.0, |column| column.x);
    canvas.add(format_args!(r#"<path class="tm-scale" d="M{first:.1} {:.1}H{reach:.1}"/>"#, place(0.5)));
    let mut line = String::new();
    for column in seen(layout) {
        if let Some((value, ..)) = score(column) {
            line += &format!("{}{:.1} {:.1}", if line.is_empty() { "M" } else { "L" }, column.x + 10.0, place(value));
        }
    }
    canvas.add(format_args!(r#"<path class="tm-mood" d="{line}"/>"#));
    for column in seen(layout) {
        let x = column.x + 10.0;
        let Some((value, low, high, shown, answers)) = score(column) else {
            canvas.text("tm-note", column.x, place(0.5) - 8.0, "not asked");
            continue;
        };
        let y = place(value);
        canvas.add(format_args!(r#"<path class="tm-sure" d="M{x:.1} {:.1}V{:.1}"/>"#, place(low), place(high)));
        canvas.add(format_args!(
            r#"<circle class="{}" cx="{x:.1}" cy="{y:.1}" r="7"/>"#,
            if value >= 0.5 { "tm-glad" } else { "tm-sad" }
        ));
        let words = if nps { format!("{:+.0}", shown * 100.0).replace('-', "−").replace("+0", "0") } else { percent(shown) };
        // Words stand on the side from which the line to the next goes away.
        let next = seen(layout).filter(|next| next.x > column.x).find_map(|next| score(next).map(|(value, ..)| value));
        let above = next.filter(|next| (next - value).abs() > 0.02).map_or(value >= 0.5, |next| next < value);
        let y = if above { y - 15.0 } else { y + 27.0 };
        let answers = format!(" of {} answers", count(answers));
        canvas.add(format_args!(
            r#"<text class="tm-value tm-halo" x="{:.1}" y="{y:.1}">{}<tspan class="tm-note">{}</tspan></text>"#,
            x - 10.0,
            words::escaped(&words),
            words::escaped(&answers)
        ));
    }
    complaints(canvas, layout, top + HEIGHT + 84.0);
    top + HEIGHT + 102.0
}

fn complaints(canvas: &mut Canvas, layout: &Layout<'_>, y: f64) {
    for column in seen(layout) {
        if let Some(complaints) = column.stage.complaints.filter(|complaints| *complaints > 0) {
            let words = if complaints == 1 { "complaint" } else { "complaints" };
            canvas.text("tm-note", column.x, y, &format!("{} {words}", count(complaints)));
        }
    }
}

fn out_of_line(canvas: &mut Canvas, layout: &Layout<'_>, top: f64) -> f64 {
    const SHOWN: usize = 3;
    lane(canvas, layout, top, &["Out of line", "pain points"]);
    let mut bottom = top + 40.0;
    for column in seen(layout) {
        let mut y = top + 27.0;
        let found: Vec<_> = pains(layout, &column.stage.stage).collect();
        for pain in found.iter().take(SHOWN) {
            let (what, compared) = pain_words(pain);
            canvas.mark(column.x + 9.0, y - 4.0);
            let reach = room(layout) - 26.0;
            for line in words::wrap(&what, 14.0, reach, 2) {
                canvas.text("tm-pain", column.x + 26.0, y, &line);
                y += 18.0;
            }
            for line in words::wrap(&compared, 13.0, reach, 3) {
                canvas.text("tm-note", column.x + 26.0, y, &line);
                y += 17.0;
            }
            y += 9.0;
        }
        if found.len() > SHOWN {
            canvas.text("tm-note", column.x + 26.0, y, &format!("and {} more", found.len() - SHOWN));
            y += 17.0;
        }
        bottom = bottom.max(y);
    }
    bottom
}
