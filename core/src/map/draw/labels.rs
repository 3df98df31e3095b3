use super::layout::{BAR, Drawn, Layout, TITLE, TITLE_TOP, Way};
use super::svg::{Canvas, room};
use super::words::{self, count, percent};

/// A rectangle in pixels: left, top, right, bottom.
#[derive(Debug, Clone, Copy)]
struct Area([f64; 4]);

impl Area {
    fn overlaps(self, Area([left, top, right, bottom]): Area) -> bool {
        let Area([own_left, own_top, own_right, own_bottom]) = self;
        own_left < right && left < own_right && own_top < bottom && top < own_bottom
    }
}

/// Where a line of words ends to which its place belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Anchor {
    Start,
    Middle,
    End,
}

/// What a flow is labelled with: lines of words with their class, size and how far below the first they stand.
struct Label {
    anchor: Anchor,
    x: f64,
    y: f64,
    lines: Vec<(&'static str, String, f64, f64)>,
}

impl Label {
    fn of(layout: &Layout<'_>, drawn: &Drawn<'_>) -> Self {
        let ((x, y), flow) = (drawn.label, drawn.flow);
        let number = count(flow.count);
        let part = flow.share.map_or_else(String::new, percent);
        let both = |number: String, part: String| if part.is_empty() { number } else { format!("{number} · {part}") };
        let share = |words: String| vec![("tm-share", words, 13.0, 0.0)];
        let label = |anchor, x, y, lines| Label { anchor, x, y, lines };
        match drawn.way {
            Way::On if flow.share.is_some_and(|share| share < 0.9995) => {
                let lines = vec![("tm-number", number, 15.0, 0.0), ("tm-share", part, 13.0, 16.0)];
                label(Anchor::Middle, x + BAR / 2.0, y, lines)
            }
            Way::On => label(Anchor::Middle, x + BAR / 2.0, y + 5.0, vec![("tm-number", number, 15.0, 0.0)]),
            Way::Past => label(Anchor::Middle, x, y + 4.5, share(both(number, part))),
            Way::Back => label(Anchor::Middle, x, y + 4.0, share(format!("{number} back"))),
            Way::In => {
                let first = layout.columns.first().is_some_and(|column| Some(&column.stage.stage) == flow.to.as_ref());
                let (anchor, x) = if first { (Anchor::End, x - 8.0) } else { (Anchor::Middle, x + 27.0) };
                label(anchor, x, y + 4.5, share(if first { format!("{number} in") } else { number }))
            }
            Way::Lost if drawn.thickness >= WIDE && number.len() <= 6 => {
                // In the ribbon itself.
                let lines = vec![("tm-number", number, 15.0, 0.0), ("tm-share", part, 13.0, 16.0)];
                label(Anchor::Middle, x - 5.0 - drawn.thickness / 2.0, y - 12.0, lines)
            }
            Way::Lost => label(Anchor::Start, x, y, share(both(number, part))),
            Way::Regained => {
                let lines = vec![("tm-number", number, 15.0, 0.0), ("tm-share", "back".to_owned(), 13.0, 16.0)];
                label(Anchor::End, x - 2.0, y - 6.0, lines)
            }
            Way::Out => label(Anchor::Start, x, y + 4.5, share(format!("{number} left"))),
        }
    }

    fn area(&self, (right, down): (f64, f64)) -> Area {
        let wide = self.lines.iter().map(|(_, words, size, _)| words::width(words, *size) * 1.06).fold(0.0, f64::max);
        let left = match self.anchor {
            Anchor::Start => self.x,
            Anchor::Middle => self.x - wide / 2.0,
            Anchor::End => self.x - wide,
        } + right;
        let high = self.lines.first().map_or(0.0, |(_, _, size, _)| size * 0.85);
        let low = self.lines.last().map_or(0.0, |(_, _, size, below)| below + size * 0.3);
        Area([left - 2.0, self.y + down - high, left + wide + 2.0, self.y + down + low])
    }

    fn write(&self, canvas: &mut Canvas, (right, down): (f64, f64)) {
        let anchor = match self.anchor {
            Anchor::Start => "",
            Anchor::Middle => " tm-mid",
            Anchor::End => " tm-end",
        };
        for (class, words, _, below) in &self.lines {
            canvas.text(&format!("{class}{anchor} tm-halo"), self.x + right, self.y + down + below, words);
        }
    }
}

/// How thick a ribbon is that holds its number.
const WIDE: f64 = 50.0;

/// How many flows are labelled at most; the others tell their number when they are pointed at.
const MOST: usize = 150;

/// How far a label may move from where it belongs, up, down and sideways.
const MOVES: [f64; 15] = [0.0, -9.0, 9.0, -17.0, 17.0, -26.0, 26.0, -36.0, 36.0, -48.0, 48.0, -62.0, 62.0, -78.0, 78.0];
const ASIDE: [f64; 9] = [0.0, -22.0, 22.0, -46.0, 46.0, -74.0, 74.0, -104.0, 104.0];

/// The numbers at the flows, the thickest first, each at the nearest place where it covers no other words. One for which there is no place is
/// left out.
pub(super) fn labels(canvas: &mut Canvas, layout: &Layout<'_>) {
    let mut taken = fixed(layout);
    let falls: Vec<Area> = layout.flows.iter().filter_map(|drawn| fall(layout, drawn)).collect();
    let mut moves: Vec<(f64, f64)> = ASIDE.iter().flat_map(|aside| MOVES.iter().map(|along| (*aside, *along))).collect();
    // Sideways is further than it is, since a label then leaves its flow.
    let far = |(aside, along): &(f64, f64)| aside.abs() * 1.5 + along.abs();
    moves.sort_by(|a, b| far(a).total_cmp(&far(b)));
    for drawn in layout.flows.iter().filter(|drawn| drawn.labelled).take(MOST) {
        let label = Label::of(layout, drawn);
        let free = |to: &&(f64, f64)| {
            let area = label.area(**to);
            let Area([left, top, right, bottom]) = area;
            let inside = left >= 4.0 && right <= layout.width - 4.0 && top >= TITLE_TOP - 20.0 && bottom <= layout.bottom + 4.0;
            inside && !taken.iter().any(|other| area.overlaps(*other))
        };
        // Where it also crosses nothing that falls or comes back, if there is such a place.
        let clear = |to: &&(f64, f64)| free(to) && !falls.iter().any(|fall| label.area(**to).overlaps(*fall));
        let crosses = matches!(drawn.way, Way::Past | Way::Regained);
        let place = if crosses { moves.iter().find(clear) } else { None };
        if let Some(place) = place.or_else(|| moves.iter().find(free)) {
            label.write(canvas, *place);
            taken.push(label.area(*place));
        }
    }
}

/// Where a flow into a pool or out of it goes straight down or up.
fn fall(layout: &Layout<'_>, drawn: &Drawn<'_>) -> Option<Area> {
    let (x, y) = drawn.label;
    let x = match drawn.way {
        Way::Lost => x - 5.0 - drawn.thickness / 2.0,
        Way::Regained => x + 5.0 + drawn.thickness / 2.0,
        _ => return None,
    };
    Some(Area([x - drawn.thickness / 2.0, layout.bars_top + 20.0, x + drawn.thickness / 2.0, y]))
}

/// What stands where it stands: titles and numbers of stages, notes about stages without data, and pools.
fn fixed(layout: &Layout<'_>) -> Vec<Area> {
    let mut areas = Vec::new();
    let foot = TITLE_TOP + 21.0 * layout.title_lines as f64;
    for column in &layout.columns {
        let (x, lines) = (column.x, column.title.len() as f64);
        let title = column.title.iter().map(|line| words::bold(line, TITLE)).fold(0.0, f64::max);
        areas.push(Area([x, foot - 21.0 * lines - 16.0, x + title + 28.0, foot - 14.0]));
        // How many are here, and how many came in.
        areas.push(Area([x, foot - 14.0, x + room(layout).min(150.0), foot + 36.0]));
        areas.push(Area([x, layout.bars_top, x + BAR, layout.bars_top + column.height.min(24.0)]));
        if column.stage.no_data.is_some() {
            areas.push(Area([x, layout.bars_top, x + room(layout), layout.bars_top + 90.0]));
        }
    }
    for pool in &layout.pools {
        areas.push(Area([0.0, pool.y - 1.0, layout.width, pool.y + 39.0]));
    }
    areas
}
