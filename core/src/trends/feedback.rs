//! Feedback as trends count it: who said what of whom, and how it sounds.

use super::cell::double;
use super::contribution::Values;
use crate::customer::{Layout, StoryRow, read_detail};
use crate::expr::{Detail, EventKind};
use crate::playbook::{Name, Playbook, Sentiment};
use crate::value::Value;
use std::sync::Arc;

/// Where the parts of one feedback are found in the story.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FeedbackReads {
    name: Arc<str>,
    /// Event types, with the columns of score, topic and region.
    kinds: Vec<(EventKind, [Option<usize>; 3])>,
    scored: bool,
    negative: Option<f64>,
    positive: Option<f64>,
    /// Whether a property tells the region, rather than where the event happened.
    placed: bool,
}

impl Eq for FeedbackReads {}

/// What tells feedback apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FeedbackPart {
    /// Which feedback.
    Name,
    /// How it sounds.
    Sentiment,
    /// What it is about.
    Topic,
    /// From where it comes.
    Region,
}

impl FeedbackPart {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "feedback" => FeedbackPart::Name,
            "sentiment" => FeedbackPart::Sentiment,
            "topic" => FeedbackPart::Topic,
            "region" => FeedbackPart::Region,
            _ => return None,
        })
    }
}

impl FeedbackReads {
    pub(super) fn of(playbook: &Playbook, layout: &Layout) -> Vec<Self> {
        let schema = layout.schema();
        let one = |feedback: &crate::playbook::Feedback| {
            let kind = |name: &Name| {
                let kind = schema.event(&name.text)?;
                let properties = schema.event_decl(kind).map(|event| &event.properties[..]).unwrap_or_default();
                let column = |name: &Option<Name>| {
                    properties.iter().position(|own| name.as_ref().is_some_and(|name| own.name == name.text))
                };
                Some((kind, [column(&feedback.score), column(&feedback.topic), column(&feedback.region)]))
            };
            let number = |text: &Option<Arc<str>>| text.as_ref().and_then(|text| text.parse::<f64>().ok());
            FeedbackReads {
                name: feedback.name.text.clone(),
                kinds: feedback.on.iter().filter_map(kind).collect(),
                scored: feedback.score.is_some(),
                negative: number(&feedback.negative),
                positive: number(&feedback.positive),
                placed: feedback.region.is_some(),
            }
        };
        playbook.feedback.iter().map(one).collect()
    }

    /// The event types.
    pub(super) fn kinds(&self) -> Vec<EventKind> {
        self.kinds.iter().map(|(kind, _)| *kind).collect()
    }

    /// What is counted, as text.
    pub(super) fn counted(&self) -> String {
        format!("{} {:?} {:?}", self.name, self.negative, self.positive)
    }

    /// The value of a part for an event; none when it is not told.
    pub(super) fn part(&self, row: &StoryRow<'_>, part: FeedbackPart) -> Values {
        let columns = self.kinds.iter().find(|(kind, _)| *kind == row.kind()).map(|(_, columns)| *columns);
        let [score, topic, region] = columns.unwrap_or_default();
        let text = |column: Option<usize>| match row.value(column?)? {
            Value::String(text) => Some(text),
            _ => None,
        };
        let value: Option<Arc<str>> = match part {
            FeedbackPart::Name => Some(self.name.clone()),
            FeedbackPart::Sentiment => self.sentiment(row, score).map(|sentiment| sentiment.name().into()),
            FeedbackPart::Topic => text(topic),
            FeedbackPart::Region if self.placed => text(region),
            FeedbackPart::Region => read_detail(Detail::Region, row.details_text()).map(Arc::from),
        };
        value.into_iter().collect()
    }

    fn sentiment(&self, row: &StoryRow<'_>, score: Option<usize>) -> Option<Sentiment> {
        if !self.scored {
            return Some(Sentiment::Negative);
        }
        let score = row.value(score?).as_ref().and_then(double)?;
        Some(match (self.negative, self.positive) {
            (Some(negative), _) if score <= negative => Sentiment::Negative,
            (_, Some(positive)) if score >= positive => Sentiment::Positive,
            _ => Sentiment::Neutral,
        })
    }
}
