//! Questions: whether it is time to ask, whether it was answered, and who is among those who are asked.

use super::gates::{Detail, Stop};
use super::trace::Gate;
use crate::context::{Context, bucket, oldest};
use crate::customer::{StoryRow, outcome_column};
use crate::expr::{EventKind, Facts};
use crate::playbook::{Playbook, Question, Scale, WHOLE};
use crate::value::{Duration, Span, Timestamp};
use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

/// A compiled question.
#[derive(Debug)]
pub(crate) struct QuestionRule {
    /// The offer that asks it.
    offer: Arc<str>,
    /// The number of the attribute that the answer becomes.
    pub(crate) attribute: usize,
    pub(crate) scale: Option<Scale>,
    after: Vec<EventKind>,
    delay: i64,
    within: Option<Duration>,
    every: Option<Duration>,
    retry: Option<Duration>,
    at_most: Option<u32>,
    sample: Option<u32>,
    /// `sent` and `shown`.
    asking: Vec<EventKind>,
}

impl QuestionRule {
    pub(super) fn compile(
        offer: &crate::playbook::Offer,
        playbook: &Playbook,
        sources: &crate::context::Sources,
    ) -> Option<Self> {
        let question: &Question = offer.question.as_ref()?;
        let attribute = playbook.attributes.iter().position(|own| own.name.text == question.attribute.text)?;
        let reserved = &sources.reserved;
        Some(QuestionRule {
            offer: offer.name.text.clone(),
            attribute,
            scale: question.scale,
            after: question.after.iter().filter_map(|name| sources.schema.event(&name.text)).collect(),
            delay: question.delay.map_or(0, Duration::micros),
            within: question.within,
            every: question.every,
            retry: question.retry,
            at_most: question.at_most,
            sample: question.sample,
            asking: ["sent", "shown"].iter().filter_map(|name| reserved.outcome(name)).collect(),
        })
    }

    /// Whether it is time to ask: after the touchpoint, and as long as nothing answers it.
    pub(super) fn open(&self, context: &Context<'_>, detail: Detail) -> Result<(), Stop> {
        let now = context.now();
        let touchpoint = match self.after.is_empty() {
            true => None,
            false => Some(self.touchpoint(context, detail)?),
        };
        let answered = self.answered(context);
        let stop = |until: Option<Timestamp>, reason: &dyn Fn() -> String| {
            Err(Stop { until, ..Stop::because(Gate::Applicable, false, detail, reason) })
        };
        if let (Some(answered), Some(touchpoint)) = (answered, touchpoint)
            && answered >= touchpoint
        {
            return stop(None, &|| format!("it was answered on {answered}, after what happened on {touchpoint}"));
        }
        if let (Some(answered), Some(every)) = (answered, self.every) {
            let again = answered.saturating_add_micros(every.micros());
            if now < again {
                return stop(Some(again), &|| format!("it was answered on {answered} and is asked again from {again} on"));
            }
        }
        if self.every.is_none() && touchpoint.is_none() && context.attribute(self.attribute).1 {
            return stop(None, &|| "the answer is known".to_owned());
        }
        Ok(())
    }

    /// When that happened after which it is asked now.
    fn touchpoint(&self, context: &Context<'_>, detail: Detail) -> Result<Timestamp, Stop> {
        let now = context.now();
        let latest = now.saturating_add_micros(-self.delay);
        let (mut last, mut soon) = (None, None);
        Facts::events(context, &self.after, Span::lifetime(now), &mut |row| {
            if row.time() <= latest {
                last = Some(row.time())
            } else {
                soon = soon.or(Some(row.time()))
            }
            ControlFlow::Continue(())
        });
        let begins = soon.map(|soon: Timestamp| soon.saturating_add_micros(self.delay));
        let stop =
            |reason: &dyn Fn() -> String| Stop { until: begins, ..Stop::because(Gate::Applicable, false, detail, reason) };
        let over = |last: Timestamp| self.within.map(|within| last.saturating_add_micros(within.micros()));
        match last {
            Some(last) if over(last).is_none_or(|over| now < over) => Ok(last),
            Some(last) => Err(stop(&|| format!("what happened on {last} is too long ago to ask about"))),
            None if begins.is_some() => Err(stop(&|| "it is too early to ask about what just happened".to_owned())),
            None => Err(stop(&|| "nothing happened yet after which it is asked".to_owned())),
        }
    }

    /// When the customer answered last.
    fn answered(&self, context: &Context<'_>) -> Option<Timestamp> {
        context.rules().attributes.get(self.attribute)?.stated(context.view(), context.now())
    }

    /// Whether it was asked often enough, or too short a time ago.
    pub(super) fn patient(&self, context: &Context<'_>, detail: Detail) -> Result<(), Stop> {
        if self.retry.is_none() && self.at_most.is_none() {
            return Ok(());
        }
        let (now, answered) = (context.now(), self.answered(context));
        let mut asked: BTreeSet<String> = BTreeSet::new();
        let mut last = None;
        context.view().events(&self.asking, Span::lifetime(now), &mut |row: StoryRow<'_>| {
            let own = row.text(outcome_column::OFFER) == Some(&*self.offer);
            if own && answered.is_none_or(|answered| row.time() > answered) {
                // What was sent and then shown is one question.
                asked.insert(row.text(outcome_column::DECISION).unwrap_or(row.id()).to_owned());
                last = Some(row.time());
            }
            ControlFlow::Continue(())
        });
        if let Some(most) = self.at_most.filter(|most| asked.len() >= *most as usize) {
            return Err(Stop::because(Gate::Contact, false, detail, || {
                format!("it was asked {} times without an answer, at most {most}", asked.len())
            }));
        }
        let again =
            last.zip(self.retry).map(|(last, retry): (Timestamp, Duration)| (last, last.saturating_add_micros(retry.micros())));
        match again.filter(|(_, again)| now < *again) {
            Some((last, again)) => {
                let stop = Stop::because(Gate::Contact, false, detail, || {
                    format!("it was asked on {last} without an answer and is asked again from {again} on")
                });
                Err(Stop { until: Some(again), ..stop })
            }
            None => Ok(()),
        }
    }

    /// Whether the customer is among those who are asked. The part of the 10,000 is that of experiments, with the salt `question
    /// <offer>`, and behind a further blank the number of the period since 1970 where it is asked again and again.
    pub(super) fn sampled(&self, context: &Context<'_>, detail: Detail) -> Result<(), Stop> {
        let Some(sample) = self.sample.filter(|sample| *sample < WHOLE) else { return Ok(()) };
        let mut salt = format!("question {}", self.offer);
        if let Some(every) = self.every {
            salt += &format!(" {}", context.now().micros().div_euclid(every.micros().max(1)));
        }
        let part = oldest(context.view()).map(|identifier| bucket(&salt, identifier));
        match part.filter(|part| *part < sample) {
            Some(_) => Ok(()),
            None => Err(Stop::because(Gate::Experiment, false, detail, || match part {
                Some(part) => format!("not among those who are asked: part {part} of {WHOLE}, {sample} are"),
                None => "not among those who are asked: nothing is known to draw by".to_owned(),
            })),
        }
    }
}
