use super::{CounterError, Counters, Hold};
use crate::value::{Span, Timestamp};

/// Counters of which there is always enough, to see what would be decided then. They reserve nothing.
#[derive(Debug)]
pub(crate) struct Unlimited;

impl Counters for Unlimited {
    fn taken(&self, _: &str, _: Span) -> i64 {
        i64::MIN / 4
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
