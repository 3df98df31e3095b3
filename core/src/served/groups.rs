use super::ask::undeclared;
use crate::context::Context;
use crate::decide::RequestError;
use crate::engine::Engine;
use crate::expr::{Answer, FactId, Facts};
use crate::value::Value;
use std::sync::Arc;

/// By what groups are told apart that must not be treated differently.
#[derive(Debug, Clone, PartialEq)]
pub struct Protected {
    /// An attribute or a segment of the playbook.
    pub name: String,
    /// For numbers: where one group ends and the next begins, rising; each belongs to the group above it. Without any each number is a group.
    pub bands: Vec<f64>,
}

impl Protected {
    /// By each value of an attribute, or by who is in a segment.
    #[must_use]
    pub fn by(name: &str) -> Self {
        Protected { name: name.to_owned(), bands: Vec::new() }
    }
}

/// What tells groups apart, found in a playbook.
pub(super) struct Grouping {
    pub(super) name: Arc<str>,
    source: Source,
    bands: Vec<f64>,
    /// The offers that read it.
    pub(super) read_by: Vec<Arc<str>>,
}

enum Source {
    Attribute(usize),
    Segment(usize),
}

impl Grouping {
    pub(super) fn of(engine: &Engine, protected: &Protected, place: usize) -> Result<Self, RequestError> {
        let playbook = engine.playbook();
        let path = format!("protected[{place}]");
        let rising = protected.bands.windows(2).all(|pair| pair[0] < pair[1]);
        if !rising || !protected.bands.iter().all(|border| border.is_finite()) {
            let message = "expected numbers that rise, such as [18, 30, 65]".to_owned();
            return Err(RequestError::new("out_of_range", format!("{path}.bands"), message));
        }
        let attribute = playbook.attributes.iter().position(|own| *own.name.text == *protected.name);
        let segment = playbook.segments.iter().position(|own| *own.name.text == *protected.name);
        let (source, read_by) = match (attribute, segment) {
            (Some(number), _) => (Source::Attribute(number), engine.attribute_readers(number)),
            (None, Some(number)) => (Source::Segment(number), engine.segment_readers(number)),
            (None, None) => {
                let names = playbook.attributes.iter().map(|own| &*own.name.text);
                let names = names.chain(playbook.segments.iter().map(|own| &*own.name.text));
                return Err(undeclared("attribute or segment", &protected.name, path, names));
            }
        };
        Ok(Grouping { name: protected.name.as_str().into(), source, bands: protected.bands.clone(), read_by })
    }

    /// In which group the customer is.
    pub(super) fn group(&self, context: &Context<'_>) -> Arc<str> {
        let answer = match self.source {
            Source::Attribute(number) => context.fact(FactId(u32::try_from(number).unwrap_or(u32::MAX))).value,
            Source::Segment(number) => context.segment(number).value,
        };
        let Answer::Known(value) = answer else { return "unknown".into() };
        let number = match &value {
            Value::Int(number) => Some(*number as f64),
            Value::Uint(number) => Some(*number as f64),
            Value::Double(number) => Some(*number),
            _ => None,
        };
        match number.filter(|_| !self.bands.is_empty()) {
            Some(number) => band(&self.bands, number),
            None => match (&self.source, &value) {
                (Source::Segment(_), Value::Bool(member)) => if *member { "in" } else { "out" }.into(),
                (_, Value::String(text)) => text.clone(),
                (_, value) => value.to_json().to_string().into(),
            },
        }
    }
}

fn band(bands: &[f64], number: f64) -> Arc<str> {
    let above = bands.partition_point(|border| *border <= number);
    let (low, high) = (above.checked_sub(1).and_then(|place| bands.get(place)), bands.get(above));
    match (low, high) {
        (None, Some(high)) => format!("below {high}").into(),
        (Some(low), Some(high)) => format!("{low} to below {high}").into(),
        (Some(low), None) => format!("{low} and above").into(),
        (None, None) => number.to_string().into(),
    }
}
