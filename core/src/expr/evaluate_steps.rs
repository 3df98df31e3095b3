//! The reference evaluator's part about steps: what is visited, compared and built is counted.

use super::ErrorCode;
use super::evaluate::Machine;
use super::value_ops::Fault;
use crate::value::Value;

impl Machine<'_> {
    /// Counts a step.
    pub(super) fn step(&self) -> Result<(), Fault> {
        self.take_steps(1)
    }

    /// Counts as many steps as a value has parts, for operations that go through all of them. Shared parts count as often as
    /// they are met: a few nested macros can write a list of lists with more elements than any machine could visit.
    pub(super) fn weigh(&self, value: &Value) -> Result<(), Fault> {
        match value {
            Value::List(items) => {
                self.take_steps(items.len() as u64)?;
                items.iter().try_for_each(|item| self.weigh(item))
            }
            Value::Map(entries) => {
                self.take_steps(entries.len() as u64)?;
                entries.iter().try_for_each(|(_, value)| self.weigh(value))
            }
            Value::String(text) => self.take_steps(text.len() as u64 / 64),
            Value::Bytes(bytes) => self.take_steps(bytes.len() as u64 / 64),
            Value::Optional(Some(held)) => self.weigh(held),
            _ => Ok(()),
        }
    }

    /// Counts what an operation has built, so that the steps also bound the memory: about 16 bytes a step.
    pub(super) fn charge(&self, value: &Value) -> Result<(), Fault> {
        match value {
            Value::String(text) => self.take_steps(text.len() as u64 / 16),
            Value::Bytes(bytes) => self.take_steps(bytes.len() as u64 / 16),
            Value::List(items) => self.take_steps(2 * items.len() as u64),
            Value::Map(entries) => self.take_steps(4 * entries.len() as u64),
            _ => Ok(()),
        }
    }

    pub(super) fn take_steps(&self, count: u64) -> Result<(), Fault> {
        let taken = self.steps.get().saturating_add(count);
        self.steps.set(taken);
        if taken > self.limits().steps {
            return Err(Fault::new(ErrorCode::OutOfSteps, format!("more than {} steps", self.limits().steps)));
        }
        Ok(())
    }
}
