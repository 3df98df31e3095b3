use super::{Receipt, Setting, answers, story};
use crate::counters::{CounterError, Counters, Hold};
use crate::decide::{Detail, RequestError};
use crate::value::{Span, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Whether a decision comes out again.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "verdict")]
pub(crate) struct Verdict {
    /// `same`, `inputs_changed`, `erased`, or `not_genuine` for a receipt that was altered.
    pub(crate) verdict: &'static str,
    /// What differs now from what the decision was made from.
    pub(crate) inputs: Vec<Difference>,
    /// What comes out otherwise now; null when it could not be asked again.
    pub(crate) answers: Option<Vec<AnswerDiffers>>,
}

/// Something that is otherwise.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "difference")]
pub(crate) struct Difference {
    /// `playbook`, `story`, `related`, `customer`, `trends`, `catalog` or `forecast`.
    input: &'static str,
    /// Of a story: the type of event; else empty.
    of: String,
    /// What it was: a version, a number of events, a digest; null for nothing.
    was: Option<String>,
    /// What it is.
    is: Option<String>,
}

/// What a placement gets now.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "answer_differs")]
pub(crate) struct AnswerDiffers {
    /// The placement.
    placement: String,
    /// The offers then, or `fallback` or `silence`.
    was: Vec<String>,
    /// The offers now. The same offers when only score or message differ.
    is: Vec<String>,
}

/// Makes the decision of a receipt again, with the counters that were read then. `setting` asks what the receipt says.
pub(crate) fn verify(receipt: &Receipt, setting: &Setting<'_>) -> Result<Verdict, RequestError> {
    if !receipt.is_genuine() {
        return Ok(Verdict { verdict: "not_genuine", inputs: Vec::new(), answers: None });
    }
    if let (Some(base), Some(met)) = (setting.base(), &setting.request.identifier)
        && base.is_erased(met).unwrap_or(false)
    {
        return Ok(Verdict { verdict: "erased", inputs: Vec::new(), answers: None });
    }
    let mut inputs = Vec::new();
    let mut differs = |input, of: &str, was: Option<String>, is: Option<String>| {
        if was != is {
            inputs.push(Difference { input, of: of.to_owned(), was, is });
        }
    };
    let playbook = setting.engine.playbook();
    let named = |version: u64, digest: &str| Some(format!("version {version}, {digest}"));
    differs(
        "playbook",
        "",
        named(receipt.playbook.version, &receipt.playbook.digest),
        named(playbook.version, &playbook.digest),
    );
    differs("customer", "", Some(receipt.customer.clone()), Some(setting.customer.id().to_owned()));
    let known = story(&setting.engine.as_known(setting.customer, setting.known_at), setting.now, setting.known_at);
    let types: BTreeSet<&String> = receipt.story.keys().chain(known.keys()).collect();
    for name in types {
        let (was, is) = (receipt.story.get(name), known.get(name));
        let count = |read: Option<&super::EventsRead>| read.map(|read| read.count.to_string());
        match (count(was) == count(is), was == is) {
            (_, true) => {}
            // As many, and not the same.
            (true, false) => differs("story", name, was.map(|read| read.digest.clone()), is.map(|read| read.digest.clone())),
            (false, false) => differs("story", name, count(was), count(is)),
        }
    }
    differs("trends", "", receipt.trends.clone(), setting.trends());
    differs("catalog", "", receipt.catalog.clone(), setting.catalog());
    differs("forecast", "", receipt.forecast.clone(), setting.forecast());
    differs("related", "", receipt.related.clone(), setting.related());
    let fixed = Fixed(receipt.counters.iter().map(|read| ((&*read.counter, read.after, read.until), read.taken)).collect());
    let again = setting.decide_with(setting.engine, setting.customer, &setting.request, Some(&fixed), Detail::Brief);
    let answers = match again {
        Ok((decision, _)) => {
            let now = answers(&decision);
            let told =
                |read: &super::AnswerRead| if read.offers.is_empty() { vec![read.kind.clone()] } else { read.offers.clone() };
            let pairs = receipt.answers.iter().zip(&now).filter(|(was, is)| was != is);
            let differ = |(was, is): (&super::AnswerRead, &super::AnswerRead)| AnswerDiffers {
                placement: was.placement.clone(),
                was: told(was),
                is: told(is),
            };
            Some(pairs.map(differ).collect::<Vec<_>>())
        }
        // Another playbook may know the placement or a fact no more.
        Err(_) if !inputs.is_empty() => None,
        Err(error) => return Err(error),
    };
    let same = inputs.is_empty() && answers.as_ref().is_some_and(Vec::is_empty);
    Ok(Verdict { verdict: if same { "same" } else { "inputs_changed" }, inputs, answers })
}

/// Counters as they were read then.
#[derive(Debug)]
struct Fixed<'a>(BTreeMap<(&'a str, Timestamp, Timestamp), i64>);

impl Counters for Fixed<'_> {
    fn taken(&self, key: &str, span: Span) -> i64 {
        self.0.get(&(key, span.after, span.until)).copied().unwrap_or(0)
    }

    fn reserve(&self, _: &[Hold], _: Timestamp, _: Timestamp) -> Result<(), CounterError> {
        Err(CounterError::not_reserved(""))
    }

    fn confirm(&self, id: &str, _: Timestamp) -> Result<(), CounterError> {
        Err(CounterError::not_reserved(id))
    }

    fn release(&self, id: &str, _: Timestamp) -> Result<(), CounterError> {
        Err(CounterError::not_reserved(id))
    }
}
