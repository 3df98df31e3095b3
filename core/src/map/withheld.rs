use super::spec::MapSpec;
use super::tally::{Count, Tally};
use std::collections::{BTreeMap, BTreeSet};

/// A number of a map that follows from others by adding and subtracting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    Customers,
    Outside,
    Here(u16),
    Entries(u16),
    /// Entries of customers who had not been here before.
    First(u16),
    Returns(u16),
    Exits(u16),
    /// Of the entries, stays that last.
    Lasting(u16),
    DropOuts(u16),
    Flow(Option<u16>, Option<u16>),
    /// Flows from outside, all together.
    Began,
    /// What is told nowhere: moves out of stays from before the period.
    Carried(u16),
    /// What is told nowhere: stays that last and began before the period.
    Older(u16),
    /// What is told nowhere, where a customer may be in several instances: all that last.
    Standing,
}

/// Where customers pass: what comes in goes out, so that each place is an equation between cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Outside,
    /// Where flows into a stage come together.
    Door(u16),
    /// Behind it, before the new are told from those who return.
    Hall(u16),
    Stage(u16),
    /// Where flows out of a stage, or from outside, part.
    Exit(Option<u16>),
    /// Where drop-outs part.
    Fall(u16),
    /// Where those who stay come together with those who were there before the period.
    Seat(u16),
    Standing,
}

struct Arc {
    cell: Cell,
    from: usize,
    to: usize,
    count: Count,
}

/// Which numbers of a map are withheld: those about fewer than `k` customers, and as many others as it takes that neither one of them
/// nor any sum of numbers that are all about fewer than `k` follows from what is told (secondary cell suppression; the rule of a path
/// through a network is that of Gusfield 1988 and of Kelly, Golden and Assad 1992).
///
/// The numbers of a map are a circulation: customers pass from place to place, and at each place what comes in goes out. What can be
/// concluded by adding and subtracting are then the cuts of the network of withheld numbers, and a sum can be concluded when all its
/// numbers cross a cut in one direction and none the other. No such sum holds a small number when one can go from its begin to its end
/// otherwise: along withheld numbers that are not small, or against any. For each small number the cheapest such way is withheld.
#[derive(Debug, Default)]
pub(super) struct Withheld(BTreeSet<Cell>);

impl Withheld {
    pub(super) fn of(spec: &MapSpec, tally: &Tally, k: u64) -> Self {
        let network = Network::of(spec, tally);
        let few = |arc: &Arc| arc.count.customers < k;
        let mut withheld: Vec<bool> = network.arcs.iter().map(|arc| few(arc) || arc.cell.never_told()).collect();
        for (number, arc) in network.arcs.iter().enumerate() {
            if few(arc) {
                for other in network.way(number, &withheld, k) {
                    withheld.get_mut(other).into_iter().for_each(|own| *own = true);
                }
            }
        }
        Withheld(network.arcs.iter().zip(withheld).filter(|(_, withheld)| *withheld).map(|(arc, _)| arc.cell).collect())
    }

    /// Whether a number may be told. Nothing is told by naught.
    pub(super) fn tells(&self, cell: Cell) -> bool {
        !self.0.contains(&cell)
    }

    pub(super) fn told(&self, cell: Cell, number: u64) -> Option<u64> {
        self.tells(cell).then_some(number)
    }

    /// Whether it may be told how many customers came to a stage: also beside those who were new to it, as entries and returns tell.
    pub(super) fn tells_entered(&self, tally: &Tally, stage: u16, k: u64) -> bool {
        let apart = tally.stages.get(&stage).map_or(0, |stage| {
            let new = stage.entries.count.saturating_sub(stage.returns.count);
            stage.entries.customers.abs_diff(new)
        });
        self.tells(Cell::First(stage)) && (apart == 0 || apart >= k)
    }

    /// Whether it may be told how many came to a stage and later to another: also when subtracted from those who came to either.
    pub(super) fn tells_conversion(&self, tally: &Tally, (from, to): (u16, u16), k: u64) -> bool {
        let reached = tally.reached.get(&(from, to)).map_or(0, |reached| reached.customers);
        let apart = |stage: u16| {
            let came = tally.stages.get(&stage).map_or(0, |stage| stage.entries.customers);
            came <= reached || came - reached >= k
        };
        reached >= k && self.tells_entered(tally, from, k) && apart(from) && apart(to)
    }
}

impl Cell {
    fn never_told(self) -> bool {
        matches!(self, Cell::Carried(_) | Cell::Older(_) | Cell::Standing)
    }

    /// How much is lost when a number is not told that counts so many: flows are what a map is for.
    fn cost(self, count: u64) -> u64 {
        let weight = match self {
            Cell::Flow(..) => 3,
            Cell::Began | Cell::Lasting(_) | Cell::First(_) | Cell::Returns(_) => 1,
            _ => 2,
        };
        count.saturating_mul(weight).saturating_add(1)
    }
}

#[derive(Default)]
struct Network {
    places: BTreeMap<Place, usize>,
    arcs: Vec<Arc>,
    /// By place: the arcs that begin and end there.
    beside: Vec<Vec<usize>>,
}

impl Network {
    fn of(spec: &MapSpec, tally: &Tally) -> Self {
        let mut network = Network::default();
        let people = |count: u64, customers: u64| Count { count, customers: customers.min(count) };
        let loses = |stage: Option<u16>| {
            stage.and_then(|stage| spec.stages.get(usize::from(stage))).is_some_and(|stage| stage.drop_out)
        };
        // A customer has one stay from before a period, but one in each instance.
        let once = |count: u64| if spec.keyed { count.min(1) } else { count };
        let mut came: BTreeMap<u16, u64> = BTreeMap::new();
        let mut began = Count::default();
        for ((from, to), way) in &tally.moves {
            to.iter().for_each(|to| *came.entry(*to).or_default() += way.moves.count);
            if from.is_none() {
                began = Count { count: began.count + way.moves.count, customers: began.customers.max(way.moves.customers) };
            }
            let begin = match from {
                Some(from) if loses(*to) => Place::Fall(*from),
                from => Place::Exit(*from),
            };
            network.add(Cell::Flow(*from, *to), begin, to.map_or(Place::Outside, Place::Door), way.moves);
        }
        network.add(Cell::Began, Place::Outside, Place::Exit(None), began);
        let mut here = 0;
        for (stage, counted) in &tally.stages {
            let stage = *stage;
            let (entries, exits, returns) = (counted.entries, counted.exits, counted.returns);
            let lasting = entries.count.saturating_sub(exits.count);
            let first = entries.count.saturating_sub(returns.count);
            let carried = entries.count.saturating_sub(came.get(&stage).copied().unwrap_or(0));
            let older = counted.here.count.saturating_sub(lasting);
            here += counted.here.count;
            let exit = Place::Exit(Some(stage));
            network.add(Cell::Carried(stage), Place::Outside, Place::Door(stage), people(carried, once(carried)));
            network.add(Cell::Entries(stage), Place::Door(stage), Place::Hall(stage), entries);
            let new = if spec.keyed { entries.customers.saturating_sub(returns.customers).max(1) } else { first };
            network.add(Cell::First(stage), Place::Hall(stage), Place::Stage(stage), people(first, new));
            network.add(Cell::Returns(stage), Place::Hall(stage), Place::Stage(stage), returns);
            network.add(Cell::Exits(stage), Place::Stage(stage), exit, exits);
            network.add(Cell::DropOuts(stage), exit, Place::Fall(stage), tally.drop_outs(stage, spec));
            // Of several instances of one customer some may be older: so many customers are sure.
            let sure = if spec.keyed { counted.here.customers.saturating_sub(older).max(1) } else { counted.here.customers };
            let stays = people(lasting, sure);
            network.add(Cell::Lasting(stage), Place::Stage(stage), Place::Seat(stage), stays);
            network.add(Cell::Older(stage), Place::Outside, Place::Seat(stage), people(older, once(older)));
            network.add(Cell::Here(stage), Place::Seat(stage), Place::Standing, counted.here);
        }
        let customers = people(tally.customers, tally.customers);
        if here + tally.outside == tally.customers {
            let outside = people(tally.outside, tally.outside);
            network.add(Cell::Outside, Place::Outside, Place::Standing, outside);
            network.add(Cell::Customers, Place::Standing, Place::Outside, customers);
        } else {
            network.add(Cell::Standing, Place::Standing, Place::Outside, people(here, here));
            // A customer may be in several instances: here the two add up to nothing that is told, but to all customers.
            let (inside, outside) = (tally.customers.saturating_sub(tally.outside), tally.outside);
            network.add(
                Cell::Outside,
                Place::Outside,
                Place::Outside,
                people(outside, if inside > 0 { outside.min(inside) } else { outside }),
            );
            network.add(Cell::Customers, Place::Outside, Place::Outside, customers);
        }
        network
    }

    fn place(&mut self, place: Place) -> usize {
        let next = self.places.len();
        let number = *self.places.entry(place).or_insert(next);
        if number == self.beside.len() {
            self.beside.push(Vec::new());
        }
        number
    }

    /// Adds a number. Naught is told, for nothing follows from it.
    fn add(&mut self, cell: Cell, from: Place, to: Place, count: Count) {
        if count.count == 0 {
            return;
        }
        let (from, to) = (self.place(from), self.place(to));
        for place in [from, to] {
            let number = self.arcs.len();
            self.beside.get_mut(place).into_iter().for_each(|beside| beside.push(number));
        }
        self.arcs.push(Arc { cell, from, to, count });
    }

    /// The cheapest way from the begin of a number to its end without it (Dijkstra 1959): along numbers about at least `k` customers,
    /// against any. What is withheld already costs nothing.
    fn way(&self, number: usize, withheld: &[bool], k: u64) -> Vec<usize> {
        let Some(Arc { from: begin, to: end, .. }) = self.arcs.get(number) else { return Vec::new() };
        let mut best: Vec<Option<(u64, Option<usize>)>> = vec![None; self.beside.len()];
        let mut next: BTreeSet<(u64, usize)> = BTreeSet::from([(0, *begin)]);
        best.get_mut(*begin).into_iter().for_each(|best| *best = Some((0, None)));
        while let Some((so_far, place)) = next.pop_first() {
            if place == *end {
                break;
            }
            for own in self.beside.get(place).into_iter().flatten().copied().filter(|own| *own != number) {
                let Some(arc) = self.arcs.get(own) else { continue };
                let along = arc.from == place;
                if along && arc.count.customers < k {
                    continue;
                }
                let cost = if withheld.get(own) == Some(&true) { 0 } else { arc.cell.cost(arc.count.count) };
                let (to, cost) = (if along { arc.to } else { arc.from }, so_far.saturating_add(cost));
                if let Some(best) = best.get_mut(to)
                    && best.is_none_or(|(known, _)| cost < known)
                {
                    if let Some((known, _)) = *best {
                        next.remove(&(known, to));
                    }
                    *best = Some((cost, Some(own)));
                    next.insert((cost, to));
                }
            }
        }
        let mut way = Vec::new();
        let mut place = *end;
        while place != *begin
            && let Some((_, Some(own))) = best.get(place).copied().flatten()
            && let Some(arc) = self.arcs.get(own)
        {
            way.push(own);
            place = if arc.to == place { arc.from } else { arc.to };
        }
        way
    }
}
