use super::feedback::{FeedbackPart, FeedbackReads};
use super::items::{self, ItemReads, ItemsOf};
use crate::customer::{Layout, Reserved, outcome_column};
use crate::expr::EventKind;
use crate::playbook::{FEEDBACK, OUTCOME, OUTCOMES, OUTCOMES_TREND, Playbook, SEGMENT_ENTERED, STAGE_ENTERED, USUAL_K};
use crate::value::Type;
use std::sync::Arc;

/// The trends of a playbook, and those that every playbook has: `events` by `type`, `outcomes` by `outcome`, `offer`, `placement`
/// and `channel`, `stages` by `journey` and `stage`. One that the playbook declares under such a name stands in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrendRules {
    pub(crate) playbook: Arc<str>,
    pub(crate) trends: Vec<TrendRule>,
    /// Names of the segments and, by journey, of the stages.
    pub(crate) segments: Vec<Arc<str>>,
    pub(crate) journeys: Vec<(Arc<str>, Vec<Arc<str>>)>,
    /// Where items are found in the story.
    pub(super) items: Option<ItemReads>,
    /// Where feedback is found in the story.
    pub(super) feedback: Vec<FeedbackReads>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TrendRule {
    pub(crate) name: Arc<str>,
    /// What is counted and summed, by name.
    pub(crate) counted: String,
    pub(crate) what: What,
    pub(crate) dimensions: Vec<(Arc<str>, Dimension)>,
    pub(crate) sum: Option<usize>,
    /// Digits after the point of sums.
    pub(crate) scale: u8,
    pub(crate) histogram: Option<usize>,
    /// In microseconds.
    pub(crate) half_life: Option<i64>,
    /// In microseconds.
    pub(crate) epoch: i64,
    pub(crate) k: u32,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    Events(Vec<EventKind>),
    Stages,
    Segments,
    Items(ItemsOf),
    Feedback,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dimension {
    /// A property, by column.
    Column(usize),
    Channel,
    /// The offer and the channel of an outcome: an offer has one form for each channel.
    Treatment,
    Segment,
    /// The name of the event type.
    Type,
    Journey,
    Stage,
    /// An item or its category.
    Item,
    /// An attribute of the customer, by its place in the playbook.
    Attribute(usize),
    /// What tells feedback apart.
    Feedback(FeedbackPart),
}

const DAY: i64 = 86_400_000_000;

impl TrendRules {
    pub(crate) fn of(playbook: &Playbook, layout: &Layout, reserved: &Reserved) -> Self {
        let outcomes: Vec<EventKind> = OUTCOMES.iter().filter_map(|name| reserved.outcome(name)).collect();
        let feedback = FeedbackReads::of(playbook, layout);
        let declared = playbook.trends.iter().map(|trend| {
            let kind = layout.schema().event(&trend.count.text);
            let event = kind.and_then(|kind| layout.schema().event_decl(kind));
            let column = |name: &str| event.and_then(|event| event.properties.iter().position(|own| *own.name == *name));
            let what = match &*trend.count.text {
                STAGE_ENTERED => What::Stages,
                SEGMENT_ENTERED => What::Segments,
                FEEDBACK if kind.is_none() => What::Feedback,
                OUTCOME => What::Events(outcomes.clone()),
                _ => What::Events(kind.into_iter().collect()),
            };
            let dimension = |name: &Arc<str>| {
                let meant = match &**name {
                    "channel" => Dimension::Channel,
                    "segment" => Dimension::Segment,
                    "treatment" if told_of_outcomes(&what, &outcomes) => Dimension::Treatment,
                    OUTCOME if trend.count.text.as_ref() == OUTCOME => Dimension::Type,
                    "offer" if trend.count.text.as_ref() == OUTCOME => Dimension::Column(outcome_column::OFFER),
                    "placement" if trend.count.text.as_ref() == OUTCOME => Dimension::Column(outcome_column::PLACEMENT),
                    name if what == What::Feedback => Dimension::Feedback(FeedbackPart::named(name)?),
                    "journey" if what == What::Stages => Dimension::Journey,
                    "stage" if what == What::Stages => Dimension::Stage,
                    name => Dimension::Column(column(name)?),
                };
                Some((name.clone(), meant))
            };
            let sum = trend.sum.as_ref().and_then(|name| column(&name.text));
            let ty = sum.and_then(|column| Some(&event?.properties.get(column)?.ty));
            // Feedback that sounds otherwise is counted otherwise.
            let sounds = feedback.iter().map(FeedbackReads::counted).collect::<Vec<_>>().join("/");
            TrendRule {
                name: trend.name.text.clone(),
                counted: [Some(&trend.count), trend.sum.as_ref(), trend.histogram.as_ref()]
                    .map(|name| name.map_or("", |name| &*name.text))
                    .join("/")
                    + if what == What::Feedback { &sounds } else { "" },
                dimensions: trend.by.iter().filter_map(|name| dimension(&name.text)).collect(),
                what,
                sum,
                scale: match ty {
                    Some(Type::Decimal { scale } | Type::Money { scale, .. }) => *scale,
                    Some(Type::Double) => 6,
                    _ => 0,
                },
                histogram: trend.histogram.as_ref().and_then(|name| column(&name.text)),
                half_life: trend.half_life.map(|length| length.micros().max(1)),
                epoch: trend.epoch.micros().max(1),
                k: trend.k,
            }
        });
        let mut trends: Vec<TrendRule> = declared.collect();
        let own: Vec<EventKind> =
            (0..playbook.events.len()).filter_map(|kind| u16::try_from(kind).ok().map(EventKind)).collect();
        let built_in = [
            ("events", What::Events(own), vec![("type", Dimension::Type)]),
            (
                OUTCOMES_TREND,
                What::Events(outcomes),
                vec![
                    (OUTCOME, Dimension::Type),
                    ("offer", Dimension::Column(outcome_column::OFFER)),
                    ("placement", Dimension::Column(outcome_column::PLACEMENT)),
                    ("channel", Dimension::Channel),
                ],
            ),
            ("stages", What::Stages, vec![("journey", Dimension::Journey), ("stage", Dimension::Stage)]),
        ];
        for (name, what, dimensions) in built_in {
            if trends.iter().all(|trend| *trend.name != *name) {
                let dimensions = dimensions.into_iter().map(|(name, dimension)| (Arc::from(name), dimension)).collect();
                let name = Arc::from(name);
                trends.push(TrendRule {
                    counted: String::new(),
                    name,
                    what,
                    dimensions,
                    sum: None,
                    scale: 0,
                    histogram: None,
                    half_life: None,
                    epoch: DAY,
                    k: USUAL_K,
                });
            }
        }
        let items = items::item_trends(playbook, layout.schema(), reserved).map(|(reads, counted)| {
            trends.extend(counted);
            reads
        });
        let segments = playbook.segments.iter().map(|segment| segment.name.text.clone()).collect();
        let stages = |journey: &crate::playbook::Journey| journey.stages.iter().map(|stage| stage.name.text.clone()).collect();
        let journeys = playbook.journeys.iter().map(|journey| (journey.name.text.clone(), stages(journey))).collect();
        TrendRules { playbook: playbook.name.text.clone(), trends, segments, journeys, items, feedback }
    }

    pub(crate) fn find(&self, name: &str) -> Option<(u16, &TrendRule)> {
        let place = self.trends.iter().position(|trend| *trend.name == *name)?;
        Some((u16::try_from(place).ok()?, self.trends.get(place)?))
    }

    pub(crate) fn rule(&self, trend: u16) -> Option<&TrendRule> {
        self.trends.get(usize::from(trend))
    }
}

/// Whether only outcomes are counted.
fn told_of_outcomes(what: &What, outcomes: &[EventKind]) -> bool {
    matches!(what, What::Events(kinds) if kinds.iter().all(|kind| outcomes.contains(kind)))
}
