//! What pushes: reactions to what happens to a customer, and what customers say of the organisation.

use super::contact::{Clock, ContactRule, Demand, Named, Scope, UnknownZone};
use super::model::{EventType, Name, Text};
use super::read::{At, Loader, Names};
use super::source::cut;
use super::tree::Content;
use crate::value::{Duration, Type};
use std::sync::Arc;

/// A rule that pushes: on a trigger it proposes a decision.
#[derive(Debug, Clone, PartialEq)]
pub struct Reaction {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// What triggers it, any of these.
    pub triggers: Vec<Trigger>,
    /// `if`: has to be true when it is proposed.
    pub condition: Option<Text>,
    /// `after`: how long after the trigger it is proposed.
    pub after: Option<Duration>,
    /// `debounce`: it is proposed when nothing triggered it for so long.
    pub debounce: Option<Duration>,
    /// `at_latest`: with `debounce`, so long after the first trigger.
    pub at_latest: Option<Duration>,
    /// `pause`: after a proposal there is none for so long.
    pub pause: Option<Duration>,
    /// `cancel`: event types that take back what waits.
    pub cancel: Vec<Name>,
    /// `same`: the property that tells what waits apart, such as an order.
    pub same: Option<Name>,
    /// `placement`: where a decision is proposed.
    pub placement: Option<Name>,
    /// `offers`: which offers are looked at; with those of `groups` all of them when neither is declared.
    pub offers: Vec<Name>,
    /// `groups`.
    pub groups: Vec<Name>,
    /// `valid_for`: how long the proposal stands.
    pub valid_for: Option<Duration>,
    /// `priority`: larger ones come first in the queue.
    pub priority: i64,
}

/// What triggers a reaction.
#[derive(Debug, Clone, PartialEq)]
pub enum Trigger {
    /// `on`: an event of one of these types, for which `where` is true if declared; rules read it as `event`.
    Event(Vec<Name>, Option<Text>),
    /// `enters`: the customer comes into a segment.
    Enters(Name),
    /// `leaves`: the customer goes out of a segment.
    Leaves(Name),
    /// `stage`: the customer comes into a stage of a journey, or into any of it.
    Stage(Name, Option<Name>),
    /// `watch`: a watched fact changes.
    Watch(Name),
    /// `told`: an attribute is told, taken back ones aside.
    Told(Name),
    /// `when`: a condition becomes true.
    When(Text),
    /// `due`: the instant that an expression gives comes.
    Due(Text),
    /// `feedback`: the feedback of this name has a sentiment.
    Feedback(Name, Sentiment),
}

/// How feedback sounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sentiment {
    /// The score is at most `negative`, or there is no score at all.
    Negative,
    /// Neither.
    Neutral,
    /// The score is at least `positive`.
    Positive,
}

impl Sentiment {
    /// All of them.
    pub const ALL: [Sentiment; 3] = [Sentiment::Negative, Sentiment::Neutral, Sentiment::Positive];
    /// The words in playbooks.
    pub const WORDS: [&'static str; 3] = ["negative", "neutral", "positive"];

    /// The word in playbooks, effects and trends.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Sentiment::Negative => "negative",
            Sentiment::Neutral => "neutral",
            Sentiment::Positive => "positive",
        }
    }
}

/// What customers say of the organisation, and what follows when they are unhappy.
#[derive(Debug, Clone, PartialEq)]
pub struct Feedback {
    /// Its name.
    pub name: Name,
    /// `title`.
    pub title: Option<Arc<str>>,
    /// `on`: the event types that are feedback.
    pub on: Vec<Name>,
    /// `score`: the property that says how content they are; without it all of it is negative.
    pub score: Option<Name>,
    /// `negative`: the score up to which it is.
    pub negative: Option<Arc<str>>,
    /// `positive`: the score from which on it is.
    pub positive: Option<Arc<str>>,
    /// `same`: the property that tells cases apart.
    pub same: Option<Name>,
    /// `topic`: the property that says what it is about.
    pub topic: Option<Name>,
    /// `region`: the property that says from where it comes; where the event happened when not declared.
    pub region: Option<Name>,
    /// `resolved_by`: event types that end a case.
    pub resolved_by: Vec<Name>,
    /// `time_out`: after which time a case ends by itself.
    pub time_out: Option<Duration>,
    /// `respond_within`: up to when somebody has to answer.
    pub respond_within: Option<Duration>,
    /// `answered_by`: event types that are an answer, beside those that resolve.
    pub answered_by: Vec<Name>,
    /// `hold`: what is held back while a case is open.
    pub hold: Option<Scope>,
}

impl Feedback {
    /// The condition under which an event, called `event`, sounds so; `None` where nothing ever does.
    #[must_use]
    pub fn sounds(&self, sentiment: Sentiment) -> Option<Text> {
        let written = |condition: String| Text {
            text: condition.into(),
            place: self.name.place.clone(),
            path: format!("feedback.{}", self.name.text).into(),
            lines: Vec::new(),
        };
        let Some(score) = &self.score else {
            return (sentiment == Sentiment::Negative).then(|| written("true".to_owned()));
        };
        let score = format!("event.{}", score.text);
        let (negative, positive) = (self.negative.as_ref(), self.positive.as_ref());
        let condition = match sentiment {
            Sentiment::Negative => format!("{score} <= {}", negative?),
            Sentiment::Positive => format!("{score} >= {}", positive?),
            Sentiment::Neutral => match (negative, positive) {
                (Some(negative), Some(positive)) => format!("{score} > {negative} && {score} < {positive}"),
                (Some(negative), None) => format!("{score} > {negative}"),
                (None, Some(positive)) => format!("{score} < {positive}"),
                (None, None) => return None,
            },
        };
        Some(written(format!("has({score}) && {condition}")))
    }

    /// The condition under which a case is open.
    fn open(&self) -> Option<Text> {
        let sounds = self.sounds(Sentiment::Negative)?;
        let types = |names: &[Name]| names.iter().map(|name| format!("\"{}\"", name.text)).collect::<Vec<_>>().join(", ");
        let mut condition = format!("events({}).where(event, {})", types(&self.on), sounds.text);
        if let Some(length) = self.time_out {
            condition += &format!(".within(\"{length}\")");
        }
        if !self.resolved_by.is_empty() {
            let same = self.same.as_ref().map_or_else(String::new, |name| format!(", \"{}\"", name.text));
            condition += &format!(".not_followed_by(events({}){same})", types(&self.resolved_by));
        }
        Some(Text { text: format!("{condition}.exists()").into(), ..sounds })
    }

    /// The contact rule that holds others back while a case is open.
    pub(super) fn held(&self, zone: crate::value::Zone) -> Option<ContactRule> {
        Some(ContactRule {
            name: format!("feedback.{}", self.name.text).into(),
            place: self.name.place.clone(),
            scope: self.hold.clone()?,
            subject: None,
            clock: Clock::Customer { unknown: UnknownZone::Zone(zone) },
            demand: Demand::While { when: self.open()?, when_unknown: true },
        })
    }
}

impl Text {
    /// The same text inside of another; places are those of the text itself.
    #[must_use]
    pub fn within(&self, before: &str, after: &str) -> Text {
        let shift = u32::try_from(before.len()).unwrap_or(u32::MAX);
        let start = (0, self.place.line, self.place.column, self.place.source.clone());
        let own = if self.lines.is_empty() { vec![start.clone()] } else { self.lines.clone() };
        let moved = own.into_iter().map(|(byte, line, column, source)| (byte.saturating_add(shift), line, column, source));
        let lines = std::iter::once(start).chain(moved).collect();
        Text { text: format!("{before}{}{after}", self.text).into(), lines, ..self.clone() }
    }
}

/// Keys of which each is a trigger.
const TRIGGERS: [&str; 8] = ["on", "enters", "leaves", "stage", "watch", "told", "when", "due"];

impl Loader<'_> {
    pub(super) fn feedback(&mut self, root: &At<'_>, events: &[EventType], named: &Named<'_>) -> Vec<Feedback> {
        let Some(section) = root.get("feedback") else { return Vec::new() };
        let mut all = Vec::new();
        for (name, at) in self.named(&section, "feedback") {
            let known = self.declared.events.clone();
            let on = self.references(&at, "on", "event type", &known);
            let resolved_by = self.references(&at, "resolved_by", "event type", &known);
            let answered_by = self.references(&at, "answered_by", "event type", &known);
            let score = self.shared_property(&at, "score", &on, events, is_number);
            let joined: Vec<Name> = on.iter().chain(&resolved_by).chain(&answered_by).cloned().collect();
            let same = self.shared_property(&at, "same", &joined, events, |_| true);
            let text = |ty: &Type| matches!(ty, Type::String | Type::Enum(_));
            let topic = self.shared_property(&at, "topic", &on, events, text);
            let region = self.shared_property(&at, "region", &on, events, text);
            let threshold = |key: &str| match at.get(key).map(|at| &at.node.content) {
                Some(Content::Number(text)) => Some(text.clone()),
                _ => None,
            };
            let (negative, positive) = (threshold("negative"), threshold("positive"));
            if score.is_some() && negative.is_none() && positive.is_none() {
                let hint = "such as `negative: 2` and `positive: 4`".to_owned();
                let message = "a score says nothing without `negative` or `positive`".to_owned();
                self.error_at_key("missing_key", &at, message, Some(hint));
            }
            if let (None, Some(place)) = (at.get("score"), at.get("negative").or_else(|| at.get("positive"))) {
                let message = "there is no `score` to compare with; without one all of it is negative".to_owned();
                self.error_at_key("missing_key", &place, message, None);
            }
            let number = |text: &Option<Arc<str>>| text.as_ref().and_then(|text| text.parse::<f64>().ok());
            if let (Some(low), Some(high), Some(place)) = (number(&negative), number(&positive), at.get("positive"))
                && low >= high
            {
                let message = format!("up to {low} it is negative, so that it cannot be positive from {high} on");
                self.error("contradiction", &place, message, None);
            }
            let hold = at.get("hold").and_then(|scope| self.scope(&scope, &at, named));
            let respond_within = self.duration_of(&at, "respond_within");
            if let (Some(_), true, true) = (respond_within, resolved_by.is_empty(), answered_by.is_empty()) {
                let message = "nothing is an answer: say which events are with `answered_by` or `resolved_by`".to_owned();
                self.error_at_key("missing_key", &at, message, None);
            }
            let time_out = self.duration_of(&at, "time_out");
            all.push(Feedback {
                name,
                title: at.text("title"),
                on,
                score,
                negative,
                positive,
                same,
                topic,
                region,
                resolved_by,
                time_out,
                respond_within,
                answered_by,
                hold,
            });
        }
        all
    }

    pub(super) fn reactions(&mut self, root: &At<'_>, events: &[EventType]) -> Vec<Reaction> {
        let Some(section) = root.get("reactions") else { return Vec::new() };
        let named = self.named(&section, "a reaction");
        named.into_iter().map(|(name, at)| self.reaction(root, name, &at, events)).collect()
    }

    fn reaction(&mut self, root: &At<'_>, name: Name, at: &At<'_>, events: &[EventType]) -> Reaction {
        let keys =
            |section: &str| -> Names { root.get(section).iter().flat_map(At::children).map(|child| child.key).collect() };
        let known = self.declared.events.clone();
        let mut triggers = Vec::new();
        let on = self.references(at, "on", "event type", &known);
        let when = self.rule_of(at, "where");
        if let (true, Some(place)) = (on.is_empty(), at.get("where")) {
            let message = "`where` is about the events of `on`, which is not declared".to_owned();
            self.error_at_key("misplaced", &place, message, Some("a condition on the customer is `if`".to_owned()));
        }
        if !on.is_empty() {
            triggers.push(Trigger::Event(on.clone(), when));
        }
        let (segments, watches) = (keys("segments"), keys("watches"));
        triggers.extend(self.references(at, "enters", "segment", &segments).into_iter().map(Trigger::Enters));
        triggers.extend(self.references(at, "leaves", "segment", &segments).into_iter().map(Trigger::Leaves));
        for stage in at.get("stage").iter().flat_map(At::one_or_more) {
            triggers.extend(self.stage_of(root, &stage));
        }
        triggers.extend(self.references(at, "watch", "watch", &watches).into_iter().map(Trigger::Watch));
        let attributes = self.declared.attributes.clone();
        triggers.extend(self.references(at, "told", "attribute", &attributes).into_iter().map(Trigger::Told));
        triggers.extend(self.rule_of(at, "when").map(Trigger::When));
        triggers.extend(self.rule_of(at, "due").map(Trigger::Due));
        if let Some(feedback) = at.get("feedback").and_then(|at| self.reference(&at, "feedback", &keys("feedback"))) {
            let sentiment = at.text("sentiment");
            let sentiment = Sentiment::ALL.into_iter().find(|own| sentiment.as_deref() == Some(own.name()));
            triggers.push(Trigger::Feedback(feedback, sentiment.unwrap_or(Sentiment::Negative)));
        } else if let Some(place) = at.get("sentiment") {
            self.error_at_key("misplaced", &place, "`sentiment` is about `feedback`".to_owned(), None);
        }
        if triggers.is_empty() && TRIGGERS.iter().chain(&["feedback"]).all(|key| at.get(key).is_none()) {
            let hint = format!("declare `{}` or `feedback`", TRIGGERS.join("`, `"));
            self.error_at_key("empty", at, format!("nothing triggers reaction `{}`", name.text), Some(hint));
        }
        let (after, debounce) = (self.duration_of(at, "after"), self.duration_of(at, "debounce"));
        let (at_latest, pause) = (self.duration_of(at, "at_latest"), self.duration_of(at, "pause"));
        if let (Some(_), Some(_), Some(place)) = (after, debounce, at.get("after")) {
            let message = "`after` counts from each trigger, `debounce` from the last: only one of them can hold".to_owned();
            self.error_at_key("contradiction", &place, message, None);
        }
        match (at.get("at_latest"), debounce, at_latest) {
            (Some(place), None, _) => {
                let message = "`at_latest` bounds the wait of `debounce`, which is not declared".to_owned();
                self.error_at_key("misplaced", &place, message, None);
            }
            (Some(place), Some(debounce), Some(latest)) if latest <= debounce => {
                let message =
                    format!("it waits {debounce} after the last trigger, so that {latest} after the first is too early");
                self.error("contradiction", &place, message, None);
            }
            _ => {}
        }
        let cancel = self.references(at, "cancel", "event type", &known);
        if let (Some(place), None, None) = (at.get("cancel"), after, debounce) {
            let message = "nothing waits that could be cancelled; declare `after` or `debounce`".to_owned();
            self.error_at_key("misplaced", &place, message, None);
        }
        let joined: Vec<Name> = on.iter().chain(&cancel).cloned().collect();
        if let (true, Some(place)) = (on.is_empty(), at.get("same")) {
            let message = "`same` is a property of the events of `on`, which is not declared".to_owned();
            self.error_at_key("misplaced", &place, message, None);
        }
        let same = if on.is_empty() { None } else { self.shared_property(at, "same", &joined, events, |_| true) };
        let placements = self.declared.placements.clone();
        let groups = self.declared.groups.clone();
        Reaction {
            title: at.text("title"),
            triggers,
            condition: self.rule_of(at, "if"),
            after,
            debounce,
            at_latest,
            pause,
            cancel,
            same,
            placement: at.get("placement").and_then(|at| self.reference(&at, "placement", &placements)),
            offers: self.references(at, "offers", "offer", &keys("offers")),
            groups: self.references(at, "groups", "group", &groups),
            valid_for: self.duration_of(at, "valid_for"),
            priority: at.number("priority").unwrap_or(0),
            name,
        }
    }

    /// A journey, or a stage of one: `lifecycle` or `lifecycle.retention`.
    fn stage_of(&mut self, root: &At<'_>, at: &At<'_>) -> Option<Trigger> {
        let text = at.node.text()?.clone();
        let name = |text: &str| Name { text: Arc::from(text), place: self.findings.place(at.node.spot) };
        let (journey, stage) = text.split_once('.').map_or((&*text, None), |(journey, stage)| (journey, Some(stage)));
        let (journey, stage) = (name(journey), stage.map(name));
        let section = root.get("journeys");
        let Some(found) = section.as_ref().and_then(|section| section.get(&journey.text)) else {
            let near = section.iter().flat_map(At::children).map(|child| child.key).collect::<Vec<_>>();
            let near = crate::error::nearest(&journey.text, near.iter().map(|name| &**name));
            let hint = near.map(|near| format!("did you mean `{near}`?"));
            self.error("unknown_name", at, format!("unknown journey `{}`", cut(&journey.text)), hint);
            return None;
        };
        if let Some(stage) = &stage {
            let stages: Names = found.get("stages").iter().flat_map(At::children).map(|child| child.key).collect();
            if !stages.contains(&stage.text) {
                let near = crate::error::nearest(&stage.text, stages.iter().map(|name| &**name));
                let hint = near.map(|near| format!("did you mean `{}.{near}`?", journey.text));
                let message = format!("journey `{}` has no stage `{}`", journey.text, cut(&stage.text));
                self.error("unknown_name", at, message, hint);
                return None;
            }
        }
        Some(Trigger::Stage(journey, stage))
    }

    /// A property that all of some event types have.
    fn shared_property(
        &mut self,
        parent: &At<'_>,
        key: &str,
        of: &[Name],
        events: &[EventType],
        fits: impl Fn(&Type) -> bool,
    ) -> Option<Name> {
        let at = parent.get(key)?;
        let text = at.node.text()?.clone();
        for name in of {
            let event = events.iter().find(|event| event.name.text == name.text);
            let property = event.and_then(|event| event.properties.iter().find(|property| property.name.text == text));
            let wrong = match (event, property) {
                (_, Some(property)) if fits(&property.ty) => continue,
                (_, Some(property)) => format!("property `{text}` of `{}` is of type {}", name.text, property.ty),
                (Some(_), None) => format!("event type `{}` has no property `{}`", name.text, cut(&text)),
                // What is not declared is a mistake already; an outcome has no properties of its own.
                (None, None) if !super::OUTCOMES.contains(&&*name.text) => return None,
                (None, None) => format!("outcome `{}` has no property `{}`", name.text, cut(&text)),
            };
            let own = event.iter().flat_map(|event| &event.properties).filter(|property| fits(&property.ty));
            let near = crate::error::nearest(&text, own.map(|property| &*property.name.text));
            self.error("unknown_name", &at, wrong, near.map(|near| format!("did you mean `{near}`?")));
            return None;
        }
        Some(Name { text, place: self.findings.place(at.node.spot) })
    }
}

fn is_number(ty: &Type) -> bool {
    matches!(ty, Type::Int | Type::Uint | Type::Double | Type::Decimal { .. })
}
