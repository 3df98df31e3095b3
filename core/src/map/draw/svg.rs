use super::super::pain::{PainKind, PainPoint};
use super::super::report::MapReport;
use super::layout::{BAR, Column, LEFT, Layout, MARK, Pool, TITLE, TITLE_TOP, Way};
use super::words::{self, count, count_or, escaped, percent};
use std::fmt::Write;

/// On which ground a picture is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ground {
    /// Light or dark, as the reader's system prefers it.
    #[default]
    Either,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

pub(super) const LIGHT: &str = "--ground:#fffefb;--ink:#1f2a2e;--muted:#5b676c;--line:#e3ded3;--faint:#f3f0e8;--on:#a9cdcf;--bar:#1d6a72;\
--bar-soft:#8fbcc0;--lost:#c8643f;--lost-soft:#f3d9cc;--back:#b98516;--good:#1d6a72;--mark:#a9341a;--mark-ink:#ffffff;";
pub(super) const DARK: &str = "--ground:#171d1f;--ink:#ece9e2;--muted:#a7b1b3;--line:#333e41;--faint:#20282b;--on:#2f646a;--bar:#6cc0c6;\
--bar-soft:#3c7f86;--lost:#e8926f;--lost-soft:#4a2e25;--back:#e2bd66;--good:#6cc0c6;--mark:#f0977a;--mark-ink:#171d1f;";
pub(super) const STYLE: &str = include_str!("style.css");

/// Text that is written piece by piece; writing to it cannot fail.
#[derive(Default)]
pub(super) struct Canvas(String);

impl Canvas {
    pub(super) fn text_of(&self) -> &str {
        &self.0
    }

    pub(super) fn add(&mut self, part: std::fmt::Arguments<'_>) {
        let _ = self.0.write_fmt(part);
    }

    pub(super) fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        self.add(format_args!(r#"<text class="{class}" x="{x:.1}" y="{y:.1}">{}</text>"#, escaped(text)));
    }

    /// A triangle with an exclamation mark, which says `look here` in any colour.
    pub(super) fn mark(&mut self, x: f64, y: f64) {
        self.add(format_args!(
            r#"<g class="tm-mark" transform="translate({x:.1} {y:.1})"><path d="M0 -9.5L9.5 7.5H-9.5Z"/><path class="tm-sign" d="M0 -3.5V2.2M0 4.6V5.4"/></g>"#
        ));
    }
}

impl MapReport {
    /// The map as a picture: stages from left to right, flows as thick as their volume, what is lost below, and under each stage how
    /// long customers stay, where they meet the brand, how satisfied they are, and what is out of line. It needs nothing else.
    #[must_use]
    pub fn svg(&self, ground: Ground) -> String {
        let layout = Layout::of(self);
        let mut canvas = Canvas::default();
        head(&mut canvas, &layout);
        for column in
            self.stages.iter().filter(|stage| !stage.drop_out).count().checked_sub(1).into_iter().flat_map(|last| 1..=last)
        {
            let x = LEFT - 22.0 + column as f64 * layout.step;
            canvas.add(format_args!(
                r#"<path class="tm-rule" d="M{x:.1} {:.1}V{:.1}"/>"#,
                TITLE_TOP - 18.0,
                layout.bottom + 6.0
            ));
        }
        flows(&mut canvas, &layout);
        layout.pools.iter().for_each(|pool| self::pool(&mut canvas, &layout, pool));
        layout.columns.iter().for_each(|column| self::column(&mut canvas, &layout, column));
        super::labels::labels(&mut canvas, &layout);
        let bottom = super::lanes::lanes(&mut canvas, &layout);
        let height = bottom + foot(&mut canvas, &layout, bottom);
        let scheme = match ground {
            Ground::Light => format!(".tactful-map{{{LIGHT}color-scheme:light}}"),
            Ground::Dark => format!(".tactful-map{{{DARK}color-scheme:dark}}"),
            Ground::Either => {
                format!(".tactful-map{{{LIGHT}}}@media (prefers-color-scheme:dark){{.tactful-map{{{DARK}}}}}")
            }
        };
        let width = layout.width;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"tactful-map\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\
<title>{}</title><desc>{}</desc><style>{scheme}{STYLE}</style>{}\
<rect class=\"tm-ground\" width=\"{width:.0}\" height=\"{height:.0}\" rx=\"14\"/>{}</svg>\n",
            escaped(&format!("Journey map: {}", self.title)),
            escaped(&in_words(self)),
            PATTERNS,
            canvas.0
        )
    }
}

pub(super) const PATTERNS: &str = "<defs>\
<pattern id=\"tm-hatch\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect class=\"tm-h0\" width=\"7\" height=\"7\"/><path class=\"tm-h1\" d=\"M1.5 0V7\"/></pattern>\
<pattern id=\"tm-none\" width=\"8\" height=\"8\" patternUnits=\"userSpaceOnUse\" patternTransform=\"rotate(45)\"><rect class=\"tm-n0\" width=\"8\" height=\"8\"/><path class=\"tm-n1\" d=\"M1 0V8\"/></pattern>\
<marker id=\"tm-arrow\" viewBox=\"0 0 8 8\" refX=\"5\" refY=\"4\" markerWidth=\"11\" markerHeight=\"11\" markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"tm-arrow\" d=\"M0 .5L7.5 4L0 7.5Z\"/></marker>\
</defs>";

fn head(canvas: &mut Canvas, layout: &Layout<'_>) {
    let report = layout.report;
    canvas.text("tm-title", 40.0, 58.0, &words::fit(&report.title, 39.0, layout.width - 80.0));
    let who = report.group.as_deref().map_or_else(|| "everyone".to_owned(), words::plain);
    let when = match report.since {
        Some(since) => format!("{} to {}", words::date(since), words::date(report.at)),
        None => format!("up to {}", words::date(report.at)),
    };
    let outside = report
        .outside
        .filter(|outside| *outside > 0)
        .map_or_else(String::new, |outside| format!(" · {} nowhere in it", count(outside)));
    let line = format!("{} customers · {who} · {when}{outside}", count_or(report.customers));
    canvas.text("tm-sub", 40.0, 86.0, &words::fit(&line, 16.0, layout.width - 80.0));
}

fn class(way: Way) -> &'static str {
    match way {
        Way::In => "tm-flow tm-in",
        Way::On => "tm-flow tm-on",
        Way::Past => "tm-flow tm-past",
        Way::Back => "tm-flow tm-back",
        Way::Lost => "tm-flow tm-lost",
        Way::Regained => "tm-flow tm-regained",
        Way::Out => "tm-flow tm-out",
    }
}

fn flows(canvas: &mut Canvas, layout: &Layout<'_>) {
    for drawn in &layout.flows {
        let title = |name: &Option<std::sync::Arc<str>>| {
            let stage = layout.report.stages.iter().find(|stage| Some(&stage.stage) == name.as_ref());
            stage.map_or_else(|| "outside".to_owned(), |stage| stage.title.to_string())
        };
        let flow = drawn.flow;
        let told = format!("{} to {}: {}", title(&flow.from), title(&flow.to), words::volume(flow));
        let arrow = if matches!(drawn.way, Way::Back | Way::Out) { r#" marker-end="url(#tm-arrow)""# } else { "" };
        canvas.add(format_args!(
            r#"<path class="{}" d="{}" stroke-width="{:.1}"{arrow}><title>{}</title></path>"#,
            class(drawn.way),
            drawn.path,
            drawn.thickness,
            escaped(&told)
        ));
        // An edge on both sides tells a thick line from its ground in grey.
        if drawn.way == Way::Lost && drawn.thickness > 4.0 {
            canvas.add(format_args!(
                r#"<path class="tm-hatch" d="{}" stroke-width="{:.1}"/>"#,
                drawn.path,
                drawn.thickness - 2.0
            ));
        }
    }
}

/// How far words of a column may go.
pub(super) fn room(layout: &Layout<'_>) -> f64 {
    layout.step - 30.0
}

/// The pain points of a stage.
pub(super) fn pains<'a>(layout: &Layout<'a>, stage: &str) -> impl Iterator<Item = &'a PainPoint> {
    layout.report.pain_points.iter().filter(move |pain| *pain.stage == *stage).collect::<Vec<_>>().into_iter()
}

fn column(canvas: &mut Canvas, layout: &Layout<'_>, column: &Column<'_>) {
    let (stage, x) = (column.stage, column.x);
    // Titles stand on one line at their foot.
    let first = TITLE_TOP + 21.0 * (layout.title_lines - column.title.len()) as f64;
    for (line, words) in column.title.iter().enumerate() {
        canvas.text("tm-stage", x, first + 21.0 * line as f64, words);
    }
    let y = TITLE_TOP + 21.0 * layout.title_lines as f64;
    let bar = layout.bars_top;
    if let Some(why) = &stage.no_data {
        canvas.text("tm-none", x, y + 6.0, "no data");
        canvas.add(format_args!(
            r#"<rect class="tm-bar-none" x="{x:.1}" y="{bar:.1}" width="{BAR}" height="{:.1}" rx="4"/>"#,
            column.height
        ));
        for (line, words) in words::wrap(why, 13.0, room(layout) - BAR - 56.0, 5).iter().enumerate() {
            canvas.text("tm-note", x + BAR + 10.0, bar + 16.0 + 17.0 * line as f64, words);
        }
        return;
    }
    let here = count_or(stage.here);
    canvas.add(format_args!(
        r#"<text class="tm-here" x="{x:.1}" y="{:.1}">{}<tspan class="tm-note"> here now</tspan></text>"#,
        y + 10.0,
        escaped(&here)
    ));
    if pains(layout, &stage.stage).next().is_some() {
        let title = column.title.last().map_or(0.0, |line| words::bold(line, TITLE));
        canvas.mark(x + title + MARK, y - 27.0);
    }
    let entered = format!("{} came in", count_or(stage.entries));
    canvas.text("tm-note", x, y + 30.0, &words::fit(&entered, 13.0, room(layout)));
    let told = format!("{}: {here} here, {entered}", stage.title);
    canvas.add(format_args!(
        r#"<g><title>{}</title><rect class="tm-bar" x="{x:.1}" y="{bar:.1}" width="{BAR}" height="{:.1}" rx="4"/>"#,
        escaped(&told),
        column.height
    ));
    let (here, all) = (stage.here.unwrap_or(0) as f64, stage.entries.unwrap_or(0).max(stage.here.unwrap_or(0)).max(1) as f64);
    let dark = (column.height * here / all).min(column.height);
    if dark >= 1.0 {
        canvas.add(format_args!(
            r#"<rect class="tm-bar-here" x="{x:.1}" y="{:.1}" width="{BAR}" height="{dark:.1}" rx="{:.1}"/>"#,
            bar + column.height - dark,
            dark.min(8.0) / 2.0
        ));
    }
    canvas.add(format_args!("</g>"));
}

fn pool(canvas: &mut Canvas, layout: &Layout<'_>, pool: &Pool<'_>) {
    let (x, width) = (LEFT - 46.0, layout.width - LEFT + 6.0);
    canvas.add(format_args!(r#"<rect class="tm-pool" x="{x:.1}" y="{:.1}" width="{width:.1}" height="38" rx="8"/>"#, pool.y));
    let told = format!("{} here now · {} came", count_or(pool.stage.here), count_or(pool.stage.entries));
    let returned: u64 = layout
        .flows
        .iter()
        .filter(|drawn| drawn.way == Way::Regained && drawn.flow.from.as_ref() == Some(&pool.stage.stage))
        .map(|drawn| drawn.flow.count)
        .sum();
    let told = if returned > 0 { format!("{told} · {} came back", count(returned)) } else { told };
    canvas.add(format_args!(
        r#"<text class="tm-stage" x="{:.1}" y="{:.1}">{}<tspan class="tm-pool-note" dx="12">{}</tspan></text>"#,
        x + 16.0,
        pool.y + 25.0,
        escaped(&words::fit(&pool.stage.title, TITLE, 420.0)),
        escaped(&told)
    ));
}

/// What the signs mean; returns how high it is.
fn foot(canvas: &mut Canvas, layout: &Layout<'_>, top: f64) -> f64 {
    let y = top + 26.0;
    let has = |way: Way| layout.flows.iter().any(|drawn| drawn.way == way);
    let mut keys: Vec<(&str, &str)> = vec![("tm-key-here", "here now"), ("tm-key-bar", "went on")];
    if has(Way::On) || has(Way::Past) {
        keys.push(("tm-key-on", "moves, as thick as their number"));
    }
    if has(Way::Lost) {
        keys.push(("tm-key-lost", "dropped out"));
    }
    if has(Way::Back) || has(Way::Regained) {
        keys.push(("tm-key-back", "went back"));
    }
    if layout.columns.iter().any(|column| column.stage.no_data.is_some()) {
        keys.push(("tm-key-none", "no data"));
    }
    let mut x = LEFT;
    for (class, words) in keys {
        canvas.add(format_args!(r#"<rect class="{class}" x="{x:.1}" y="{:.1}" width="15" height="13" rx="3"/>"#, y - 11.0));
        canvas.text("tm-key", x + 22.0, y, words);
        x += 22.0 + words::width(words, 13.0) + 26.0;
    }
    if !layout.report.pain_points.is_empty() {
        canvas.mark(x + 8.0, y - 4.0);
        canvas.text("tm-key", x + 24.0, y, "out of line");
    }
    let k = layout.report.k;
    if k > 1 {
        let note = format!("No number is about fewer than {k} customers.");
        canvas.text("tm-key", LEFT, y + 24.0, &note);
        return 74.0;
    }
    50.0
}

pub(super) fn pain_words(pain: &PainPoint) -> (String, String) {
    let compared = format!("{}, elsewhere {}", percent(pain.share), percent(pain.otherwise));
    let where_ = pain.event.as_ref().map(|event| match &pain.channel {
        Some(channel) => format!(" with {} ({})", words::plain(event), words::plain(channel)),
        None => format!(" with {}", words::plain(event)),
    });
    let compared = if where_.is_some() { compared.replace("elsewhere", "without it") } else { compared };
    let where_ = where_.unwrap_or_default();
    match (pain.kind, pain.median_seconds) {
        (PainKind::DropOut, _) => (format!("Drop-outs{where_}"), compared),
        (PainKind::Time, Some((here, others))) => {
            ("Takes long".to_owned(), format!("half {}, elsewhere {}", words::length(here), words::length(others)))
        }
        (PainKind::Time, None) => ("Takes long".to_owned(), compared),
        (PainKind::Dissatisfaction, _) => (format!("Dissatisfied{where_}"), compared),
        (PainKind::Complaints, _) => (format!("Complaints{where_}"), compared),
    }
}

fn in_words(report: &MapReport) -> String {
    let stages = report.stages.iter().map(|stage| match &stage.no_data {
        Some(why) => format!("{}: no data, {why}.", stage.title),
        None => {
            format!("{}: {} here, {} came in.", stage.title, count_or(stage.here), count_or(stage.entries))
        }
    });
    let pains = report.pain_points.iter().map(|pain| {
        let (what, compared) = pain_words(pain);
        format!("{} in {}: {compared}.", what, words::plain(&pain.stage))
    });
    stages.chain(pains).collect::<Vec<_>>().join(" ")
}
