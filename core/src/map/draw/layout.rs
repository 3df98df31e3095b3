use super::super::report::{FlowReport, MapReport, StageReport};
use super::words;

/// Where everything stands, in pixels.
pub(super) struct Layout<'a> {
    pub(super) report: &'a MapReport,
    pub(super) width: f64,
    pub(super) columns: Vec<Column<'a>>,
    pub(super) pools: Vec<Pool<'a>>,
    pub(super) flows: Vec<Drawn<'a>>,
    /// The width of a column.
    pub(super) step: f64,
    /// The most lines that a title takes.
    pub(super) title_lines: usize,
    pub(super) bars_top: f64,
    pub(super) bars_bottom: f64,
    /// Below bars, ways past them, and pools.
    pub(super) bottom: f64,
}

/// A stage from left to right.
pub(super) struct Column<'a> {
    pub(super) stage: &'a StageReport,
    pub(super) x: f64,
    pub(super) height: f64,
    pub(super) title: Vec<String>,
}

/// A stage that counts as lost, below the others.
pub(super) struct Pool<'a> {
    pub(super) stage: &'a StageReport,
    pub(super) y: f64,
}

/// How a flow goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Way {
    /// In from outside.
    In,
    /// On to a later stage.
    On,
    /// On past other stages.
    Past,
    /// Back to an earlier stage.
    Back,
    /// Into a pool.
    Lost,
    /// Out of a pool.
    Regained,
    /// Out of the journey.
    Out,
}

/// A flow as it is drawn: a line as thick as its volume.
pub(super) struct Drawn<'a> {
    pub(super) flow: &'a FlowReport,
    pub(super) way: Way,
    pub(super) path: String,
    pub(super) thickness: f64,
    /// The middle of its label.
    pub(super) label: (f64, f64),
    /// Whether there is room for one.
    pub(super) labelled: bool,
}

/// Room for the names of lanes.
pub(super) const LEFT: f64 = 150.0;
const RIGHT: f64 = 40.0;
pub(super) const BAR: f64 = 20.0;
const TALLEST: f64 = 210.0;
const LEAST_STEP: f64 = 178.0;
const POOL: f64 = 38.0;
pub(super) const TITLE: f64 = 17.0;
pub(super) const TITLE_TOP: f64 = 128.0;
/// From the end of a title to the middle of its mark.
pub(super) const MARK: f64 = 16.0;

impl<'a> Layout<'a> {
    pub(super) fn of(report: &'a MapReport) -> Self {
        let on_the_way: Vec<&StageReport> = report.stages.iter().filter(|stage| !stage.drop_out).collect();
        let lost: Vec<&StageReport> = report.stages.iter().filter(|stage| stage.drop_out).collect();
        let number = on_the_way.len().max(1) as f64;
        let least = LEAST_STEP.max((1_200.0 - LEFT - RIGHT) / number);
        let titles: Vec<Vec<String>> =
            on_the_way.iter().map(|stage| words::wrap(&stage.title, TITLE, least - 52.0, 3)).collect();
        // Behind the last line of a title there is room for a mark.
        let longest = titles.iter().filter_map(|title| title.last()).map(|line| words::bold(line, TITLE)).fold(0.0, f64::max);
        let step = least.max(longest + MARK + 36.0);
        let width = LEFT + RIGHT + number * step;
        let title_lines = titles.iter().map(Vec::len).max().unwrap_or(1).max(1);
        let backs = report.flows.iter().any(|flow| way(&on_the_way, &lost, flow) == Some(Way::Back));
        let bars_top = TITLE_TOP + 21.0 * title_lines as f64 + 52.0 + if backs { 46.0 } else { 12.0 };
        let scale = scale(report, &on_the_way, &lost, step);
        let columns: Vec<Column<'a>> = on_the_way
            .iter()
            .zip(titles)
            .enumerate()
            .map(|(place, (stage, title))| {
                let x = LEFT + place as f64 * step;
                let (comes, goes) = volumes(report, &stage.stage);
                let height = if stage.no_data.is_some() {
                    TALLEST * 0.7
                } else {
                    // What came before the period stands here too.
                    let most = comes.max(goes).max(stage.entries.unwrap_or(0)).max(stage.here.unwrap_or(0));
                    (most as f64 * scale).clamp(5.0, TALLEST)
                };
                Column { stage, x, height, title }
            })
            .collect();
        let floor = columns.iter().map(|column| column.height).fold(40.0, f64::max);
        let bars_bottom = bars_top + floor;
        let mut layout = Layout {
            report,
            width,
            columns,
            pools: Vec::new(),
            flows: Vec::new(),
            step,
            title_lines,
            bars_top,
            bars_bottom,
            bottom: bars_bottom,
        };
        layout.draw(&on_the_way, &lost, scale);
        layout
    }

    fn draw(&mut self, on_the_way: &[&'a StageReport], lost: &[&'a StageReport], scale: f64) {
        let mut sorted: Vec<(Way, &'a FlowReport)> =
            self.report.flows.iter().filter_map(|flow| Some((way(on_the_way, lost, flow)?, flow))).collect();
        let place = |name: Option<&str>| {
            name.and_then(|name| on_the_way.iter().position(|stage| *stage.stage == *name)).unwrap_or(usize::MAX)
        };
        sorted.sort_by_key(|(way, flow)| {
            let (from, to) = (place(flow.from.as_deref()), place(flow.to.as_deref()));
            // Nearer ways lie higher.
            (*way, to.abs_diff(from), from, to)
        });
        let mut taken_left = vec![0.0; self.columns.len()];
        let mut taken_right = vec![0.0; self.columns.len()];
        let thickness = |flow: &FlowReport| (flow.count as f64 * scale).max(1.5);
        // Ways past other stages run below them, each in the highest channel that is free there.
        let channels = Channels::of(&sorted, &place, &thickness);
        let channel = self.bars_bottom + 26.0;
        let (top, middle) = (self.bars_top, BAR / 2.0);
        let mut drawn: Vec<Drawn<'a>> = Vec::new();
        for (way, flow) in sorted.iter().filter(|(way, _)| matches!(way, Way::In | Way::On | Way::Past | Way::Out | Way::Back))
        {
            let thick = thickness(flow);
            let (from, to) = (place(flow.from.as_deref()), place(flow.to.as_deref()));
            let (source, target) = (self.columns.get(from), self.columns.get(to));
            let mut leave = || {
                let y = taken_right.get(from).copied().unwrap_or(0.0);
                taken_right.get_mut(from).into_iter().for_each(|taken| *taken += thick);
                top + y + thick / 2.0
            };
            let mut arrive = || {
                let y = taken_left.get(to).copied().unwrap_or(0.0);
                taken_left.get_mut(to).into_iter().for_each(|taken| *taken += thick);
                top + y + thick / 2.0
            };
            let (path, label) = match (way, source, target) {
                (Way::In, _, Some(target)) => {
                    let y = arrive();
                    let start = target.x - if to == 0 { 64.0 } else { 62.0 };
                    (format!("M{start:.1} {y:.1}H{:.1}", target.x), (start + 4.0, y))
                }
                (Way::On, Some(source), Some(target)) => {
                    let (y1, y2) = (leave(), arrive());
                    let (x1, x2) = (source.x + BAR, target.x);
                    let bend = (x1 + x2) / 2.0;
                    (format!("M{x1:.1} {y1:.1}C{bend:.1} {y1:.1} {bend:.1} {y2:.1} {x2:.1} {y2:.1}"), (bend, (y1 + y2) / 2.0))
                }
                (Way::Past, Some(source), Some(target)) => {
                    let (y1, y2) = (leave(), arrive());
                    let (x1, x2) = (source.x + BAR, target.x);
                    let y = channel + channels.middle(flow);
                    let turn = (self.step - BAR) * 0.62;
                    let (a, b) = (x1 + turn, x2 - turn);
                    let path = format!(
                        "M{x1:.1} {y1:.1}C{:.1} {y1:.1} {:.1} {y:.1} {a:.1} {y:.1}H{b:.1}C{:.1} {y:.1} {:.1} {y2:.1} {x2:.1} {y2:.1}",
                        x1 + turn * 0.55,
                        x1 + turn * 0.45,
                        x2 - turn * 0.45,
                        x2 - turn * 0.55,
                    );
                    (path, ((a + b) / 2.0, y))
                }
                (Way::Back, Some(source), Some(target)) => {
                    let (x1, x2) = (source.x + middle, target.x + middle);
                    let rise = (18.0 + 7.0 * from.abs_diff(to) as f64).min(38.0);
                    let path = format!(
                        "M{x1:.1} {top:.1}C{x1:.1} {:.1} {x2:.1} {:.1} {x2:.1} {top:.1}",
                        top - rise * 1.33,
                        top - rise * 1.33
                    );
                    (path, ((x1 + x2) / 2.0, top - rise))
                }
                (Way::Out, Some(source), _) => {
                    let y = leave();
                    let x = source.x + BAR;
                    (format!("M{x:.1} {y:.1}H{:.1}", x + 46.0), (x + 52.0, y))
                }
                _ => continue,
            };
            let thick = if *way == Way::Back { thick.min(7.0) } else { thick };
            drawn.push(Drawn { flow, way: *way, path, thickness: thick, label, labelled: true });
        }
        let channel = channel + channels.height();
        let below = channel.max(self.bars_bottom + 30.0) + if lost.is_empty() { 0.0 } else { 34.0 };
        let pools = lost.iter().enumerate();
        self.pools = pools.map(|(place, stage)| Pool { stage, y: below + place as f64 * (POOL + 14.0) }).collect();
        self.bottom = if lost.is_empty() { channel + 4.0 } else { below + lost.len() as f64 * (POOL + 14.0) };
        self.falls(&sorted, &place, &thickness, &mut drawn);
        drawn.sort_by(|a, b| b.thickness.total_cmp(&a.thickness));
        self.flows = drawn;
    }

    /// Flows into pools and out of them.
    fn falls(
        &self,
        sorted: &[(Way, &'a FlowReport)],
        place: &dyn Fn(Option<&str>) -> usize,
        thickness: &dyn Fn(&FlowReport) -> f64,
        drawn: &mut Vec<Drawn<'a>>,
    ) {
        let pool = |name: Option<&str>| self.pools.iter().find(|pool| name == Some(&*pool.stage.stage));
        let mut down = vec![0.0; self.columns.len()];
        let mut up = vec![0.0; self.columns.len()];
        for (way, flow) in sorted {
            let thick = thickness(flow);
            match way {
                Way::Lost => {
                    let from = place(flow.from.as_deref());
                    let (Some(column), Some(pool)) = (self.columns.get(from), pool(flow.to.as_deref())) else { continue };
                    let taken = down.get(from).copied().unwrap_or(0.0);
                    down.get_mut(from).into_iter().for_each(|taken| *taken += thick + 6.0);
                    let y1 = self.bars_top + (column.height - taken - thick / 2.0).max(thick / 2.0);
                    let (x1, x2, y2) = (column.x + BAR, column.x + BAR + 14.0 + taken + thick / 2.0, pool.y);
                    let path = format!(
                        "M{x1:.1} {y1:.1}C{:.1} {y1:.1} {x2:.1} {:.1} {x2:.1} {:.1}V{y2:.1}",
                        x2 - 2.0,
                        y1 + 10.0,
                        y1 + 34.0 + thick / 2.0
                    );
                    let label = (x2 + thick / 2.0 + 5.0, y2 - 9.0);
                    drawn.push(Drawn { flow, way: *way, path, thickness: thick, label, labelled: true });
                }
                Way::Regained => {
                    let to = place(flow.to.as_deref());
                    let (Some(column), Some(pool)) = (self.columns.get(to), pool(flow.from.as_deref())) else { continue };
                    let thick = thick.min(9.0);
                    let taken = up.get(to).copied().unwrap_or(0.0);
                    up.get_mut(to).into_iter().for_each(|taken| *taken += thick + 6.0);
                    let y2 = self.bars_top + (column.height - taken - thick / 2.0).max(thick / 2.0);
                    let (x1, x2, y1) = (column.x - 14.0 - taken - thick / 2.0, column.x, pool.y);
                    let path = format!(
                        "M{x1:.1} {y1:.1}V{:.1}C{x1:.1} {:.1} {:.1} {y2:.1} {x2:.1} {y2:.1}",
                        y2 + 34.0 + thick / 2.0,
                        y2 + 10.0,
                        x1 + 2.0
                    );
                    // Above those of what falls beside it.
                    let label = (x1 - thick / 2.0 - 5.0, y1 - 29.0);
                    drawn.push(Drawn { flow, way: *way, path, thickness: thick, label, labelled: true });
                }
                _ => {}
            }
        }
    }
}

/// Lanes for ways past other stages, one below the other.
struct Channels<'a> {
    /// Which flow runs in which channel.
    flows: Vec<(&'a FlowReport, usize)>,
    /// How thick the thickest of each is.
    thick: Vec<f64>,
}

impl<'a> Channels<'a> {
    /// What lies between two channels.
    const APART: f64 = 16.0;

    fn of(
        sorted: &[(Way, &'a FlowReport)],
        place: &dyn Fn(Option<&str>) -> usize,
        thickness: &dyn Fn(&FlowReport) -> f64,
    ) -> Self {
        let mut channels = Channels { flows: Vec::new(), thick: Vec::new() };
        // The stages between which each channel is taken.
        let mut taken: Vec<Vec<(usize, usize)>> = Vec::new();
        for (_, flow) in sorted.iter().filter(|(way, _)| *way == Way::Past) {
            let (from, to) = (place(flow.from.as_deref()), place(flow.to.as_deref()));
            let free = taken.iter().position(|taken| taken.iter().all(|(begin, end)| to <= *begin || *end <= from));
            let number = free.unwrap_or(taken.len());
            if free.is_none() {
                taken.push(Vec::new());
                channels.thick.push(0.0);
            }
            taken.get_mut(number).into_iter().for_each(|taken| taken.push((from, to)));
            channels.thick.get_mut(number).into_iter().for_each(|thick| *thick = thick.max(thickness(flow)));
            channels.flows.push((flow, number));
        }
        channels
    }

    /// How far below the first channel's top the middle of a flow's is.
    fn middle(&self, flow: &FlowReport) -> f64 {
        let number = self.flows.iter().find(|(own, _)| std::ptr::eq(*own, flow)).map_or(0, |(_, number)| *number);
        let above: f64 = self.thick.iter().take(number).map(|thick| thick + Self::APART).sum();
        above + self.thick.get(number).copied().unwrap_or(0.0) / 2.0
    }

    fn height(&self) -> f64 {
        self.thick.iter().map(|thick| thick + Self::APART).sum()
    }
}

fn volumes(report: &MapReport, stage: &str) -> (u64, u64) {
    let sum = |end: &dyn Fn(&FlowReport) -> Option<&str>| {
        report.flows.iter().filter(|flow| end(flow) == Some(stage)).map(|flow| flow.count).sum()
    };
    (sum(&|flow| flow.to.as_deref()), sum(&|flow| flow.from.as_deref()))
}

/// Pixels per move: the tallest bar fits, and what drops out of a stage and comes back to the next fits between the two.
fn scale(report: &MapReport, on_the_way: &[&StageReport], lost: &[&StageReport], step: f64) -> f64 {
    let most = on_the_way.iter().map(|stage| {
        let (comes, goes) = volumes(report, &stage.stage);
        comes.max(goes).max(stage.entries.unwrap_or(0)).max(stage.here.unwrap_or(0))
    });
    let most = most.max().unwrap_or(0).max(1) as f64;
    let falling = |stage: &StageReport| {
        let falls = report.flows.iter().filter(|flow| {
            flow.from.as_deref() == Some(&*stage.stage) && lost.iter().any(|lost| flow.to.as_deref() == Some(&*lost.stage))
        });
        falls.map(|flow| flow.count).sum::<u64>()
    };
    let widest = on_the_way.iter().map(|stage| falling(stage)).max().unwrap_or(0).max(1) as f64;
    (TALLEST / most).min((step - BAR - 80.0) / widest)
}

fn way(on_the_way: &[&StageReport], lost: &[&StageReport], flow: &FlowReport) -> Option<Way> {
    let place = |name: &str| on_the_way.iter().position(|stage| *stage.stage == *name);
    let is_lost = |name: &str| lost.iter().any(|stage| *stage.stage == *name);
    match (flow.from.as_deref(), flow.to.as_deref()) {
        (None, Some(to)) => place(to).map(|_| Way::In),
        (Some(from), None) => place(from).map(|_| Way::Out),
        (Some(from), Some(to)) if is_lost(to) => place(from).map(|_| Way::Lost),
        (Some(from), Some(to)) if is_lost(from) => place(to).map(|_| Way::Regained),
        (Some(from), Some(to)) => {
            let (from, to) = (place(from)?, place(to)?);
            Some(match to {
                _ if to == from + 1 => Way::On,
                _ if to > from => Way::Past,
                _ => Way::Back,
            })
        }
        (None, None) => None,
    }
}
