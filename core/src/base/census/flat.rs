use crate::context::{Rule, Rules, Source};
use crate::customer::Layout;
use crate::decide::{OfferRule, Offers};
use crate::engine::Engine;
use crate::expr::plan::Code;
use crate::expr::{EventKind, PropertyId};
use crate::playbook::Assurance;
use crate::value::Timestamp;
use std::sync::Arc;

/// The rules of a playbook, when rows laid out by customer and event type are enough to answer them.
pub(super) struct Flat<'e> {
    pub(super) rules: &'e Rules,
    /// The event types that are read: those of the plan by their numbers there, then those of attributes.
    pub(super) kinds: Vec<FlatKind>,
    /// By number of the attribute, the number of its event type among `kinds`.
    pub(super) attributes: Vec<Option<usize>>,
    pub(super) segments: Vec<Code>,
    /// The offers of the placement that are valid at some time.
    pub(super) offers: Vec<FlatOffer<'e>>,
    /// How many properties a row has at most.
    pub(super) width: usize,
}

/// An event type that is read.
pub(super) struct FlatKind {
    pub(super) kind: EventKind,
    /// The properties that are read, and their columns in the event type.
    pub(super) properties: Vec<(PropertyId, usize)>,
    /// Whether the order of events of one instant matters.
    pub(super) ordered: bool,
}

/// An offer that nothing but its conditions and factors can stop.
pub(super) struct FlatOffer<'e> {
    pub(super) name: &'e Arc<str>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    /// Each with what it counts as when it is unknown.
    pub(super) gates: Vec<(Code, bool)>,
    /// In the order in which they are multiplied; each with its prior.
    pub(super) factors: Vec<Option<(Code, Option<f64>)>>,
    pub(super) priority: i64,
}

impl FlatOffer<'_> {
    pub(super) fn valid(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| now >= from) && self.until.is_none_or(|until| now < until)
    }
}

/// A row holds at most so many properties.
pub(super) const WIDEST: usize = 16;

impl<'e> Flat<'e> {
    /// The rules for segments and the offers of a placement; `None` when a story is needed.
    pub(super) fn of(engine: &'e Engine, placement: Option<usize>) -> Option<Self> {
        let (rules, layout) = (&engine.model().rules, engine.layout());
        if rules.customer_zone.is_some() || rules.plan.reads_sessions() {
            return None;
        }
        let mut kinds: Vec<FlatKind> = rules
            .plan
            .reads()
            .into_iter()
            .map(|read| {
                let doubled = |property: &PropertyId| layout.is_double(read.kind, *property);
                let ordered = read.ordered || read.summed.iter().any(doubled);
                FlatKind { kind: read.kind, properties: columns(layout, read.kind, &read.properties), ordered }
            })
            .collect();
        let mut attributes = vec![None; rules.attributes.len()];
        let mut readable = |rule: &Rule| -> Option<Code> {
            for fact in &rule.reads().facts {
                match rules.sources.source(*fact)? {
                    Source::Segment(_) => {}
                    Source::Attribute(place) => {
                        let (attribute, kind) = (rules.attributes.get(place)?, *rules.sources.reserved.attributes.get(place)?);
                        if !attribute.is_plain() {
                            return None;
                        }
                        let known = attributes.get_mut(place)?;
                        if let Some(number) = kinds.iter().position(|own| own.kind == kind) {
                            *known = Some(number);
                        } else {
                            *known = Some(kinds.len());
                            let property = rules.sources.schema.property("value")?;
                            kinds.push(FlatKind { kind, properties: columns(layout, kind, &[property]), ordered: true });
                        }
                    }
                    _ => return None,
                }
            }
            rule.code()
        };
        let segments: Option<Vec<Code>> = rules.segments.iter().map(&mut readable).collect();
        let offers = match placement {
            Some(placement) => offers(engine.offers(), placement, &mut readable)?,
            None => Vec::new(),
        };
        let width = kinds.iter().map(|kind| kind.properties.len()).max().unwrap_or(0);
        let fits = width <= WIDEST && kinds.len() <= usize::from(u16::MAX >> 4);
        // The layout keeps what has no fixed form as it is, which a row cannot.
        let plain = kinds.iter().all(|kind| kind.properties.iter().all(|(_, column)| layout.is_flat(kind.kind, *column)));
        (fits && plain).then_some(Flat { rules, kinds, attributes, segments: segments?, offers, width })
    }

    /// Whether events of a type tell an attribute that is read.
    pub(super) fn is_attribute(&self, number: usize) -> bool {
        self.attributes.contains(&Some(number))
    }

    /// The number of an event type, when it is read.
    pub(super) fn number_of(&self, kind: EventKind) -> Option<u16> {
        self.kinds.iter().position(|own| own.kind == kind).and_then(|number| u16::try_from(number).ok())
    }

    pub(super) fn offer(&self, number: usize) -> Option<&Arc<str>> {
        self.offers.get(number).map(|offer| offer.name)
    }
}

fn columns(layout: &Layout, kind: EventKind, properties: &[PropertyId]) -> Vec<(PropertyId, usize)> {
    properties.iter().filter_map(|property| Some((*property, layout.column_of(kind, *property)?))).collect()
}

fn offers<'e>(
    offers: &'e Offers,
    number: usize,
    readable: &mut dyn FnMut(&Rule) -> Option<Code>,
) -> Option<Vec<FlatOffer<'e>>> {
    let placement = offers.placements.get(number)?;
    let guarded = offers.minors.is_some() || offers.do_not_contact.is_some() || offers.graded || !offers.contact.is_empty();
    let plain = placement.ranking.is_plain() && offers.offers.iter().all(|offer| !offer.mandatory);
    if guarded || !plain || !placement.purposes.is_empty() || placement.assurance > Assurance::Recognised {
        return None;
    }
    let mut found = Vec::new();
    for offer in &offers.offers {
        let here = offer.placements.is_empty() || offer.placements.contains(&number);
        let treatment = offer.treatments.iter().find(|treatment| treatment.channel == placement.channel);
        let (true, Some(treatment)) = (here, treatment) else { continue };
        // A message that shows something of the customer may turn out not to be writable.
        let tried = offer.experiments.iter().any(|experiments| !experiments.is_empty());
        let more = offer.question.is_some() || offer.promise.is_some() || offer.items.is_some() || !offer.counted.is_empty();
        if tried
            || more
            || !offer.purposes.is_empty()
            || offer.special
            || !treatment.with.is_empty()
            || !offers.is_constant(treatment)
        {
            return None;
        }
        found.push(flat_offer(offer, readable)?);
    }
    Some(found)
}

fn flat_offer<'e>(offer: &'e OfferRule, readable: &mut dyn FnMut(&Rule) -> Option<Code>) -> Option<FlatOffer<'e>> {
    let mut gates = Vec::new();
    for condition in &offer.gates {
        gates.push((readable(&condition.rule)?, condition.when_unknown));
    }
    let mut factors = Vec::new();
    for factor in &offer.factors {
        factors.push(match factor {
            Some((factor, prior)) => Some((readable(factor.rule()?)?, *prior)),
            None => None,
        });
    }
    Some(FlatOffer { name: &offer.name, from: offer.from, until: offer.until, gates, factors, priority: offer.priority })
}
