//! Numbers made of counts and sums that stand, as short programs: a score is one walk over a few steps. What such a program tells is what
//! the plan tells, operation by operation; where a slot does not stand, or nothing was told, it tells nothing.

use super::super::Bits;
use super::super::ast::BinaryOp;
use super::super::stream::Terminal;
use super::live::Live;
use super::{Code, Constant, Node, Plan, Scalar};
use crate::value::Timestamp;

/// By number of the node: the program.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    programs: Vec<Option<Box<[Step]>>>,
}

/// A step over a stack of doubles.
#[derive(Debug, Clone, Copy)]
enum Step {
    Constant(f64),
    /// How many events a slot counts.
    Count(u8),
    /// How many different texts.
    Distinct(u8),
    /// A sum of doubles, and what stands for none.
    Sum(u8, f64),
    Add,
    Subtract,
    Multiply,
}

/// So many numbers wait on the way at most.
const DEEP: usize = 8;

impl Plan {
    /// Prepares the numbers that are asked for often.
    pub(crate) fn quicken(&mut self, codes: impl IntoIterator<Item = Code>) {
        let mut numbers = Numbers::default();
        for Code(at) in codes {
            let mut steps = Vec::new();
            if self.steps(at, 0, &mut steps).is_none() {
                continue;
            }
            if numbers.programs.len() <= at as usize {
                numbers.programs.resize(at as usize + 1, None);
            }
            if let Some(program) = numbers.programs.get_mut(at as usize) {
                *program = Some(steps.into_boxed_slice());
            }
        }
        self.numbers = numbers;
    }

    /// Appends the steps of a double; `None` when it is made of anything else.
    fn steps(&self, at: u32, depth: usize, steps: &mut Vec<Step>) -> Option<()> {
        if depth >= DEEP {
            return None;
        }
        let step = match self.nodes.get(at as usize)? {
            Node::Constant(Constant::Plain(Scalar::Double(number))) => Step::Constant(*number),
            Node::Slot(slot) => {
                let (place, meaning) = self.place(*slot)?;
                let slot = self.slots.get(*slot as usize)?;
                match (slot.terminal, meaning, slot.zero) {
                    (Terminal::Sum, Some(Bits::Double), Some(Scalar::Double(zero))) => Step::Sum(place, zero),
                    _ => return None,
                }
            }
            Node::Computed(_, inner) => return self.steps(*inner, depth, steps),
            Node::Double(number) => {
                let Node::Slot(slot) = self.nodes.get(*number as usize)? else { return None };
                let (place, _) = self.place(*slot)?;
                match self.slots.get(*slot as usize)?.terminal {
                    Terminal::Count => Step::Count(place),
                    Terminal::CountDistinct => Step::Distinct(place),
                    _ => return None,
                }
            }
            Node::Binary(op, left, right) => {
                let step = match op {
                    BinaryOp::Add => Step::Add,
                    BinaryOp::Subtract => Step::Subtract,
                    BinaryOp::Multiply => Step::Multiply,
                    _ => return None,
                };
                self.steps(*left, depth, steps)?;
                self.steps(*right, depth + 1, steps)?;
                step
            }
            _ => return None,
        };
        steps.push(step);
        Some(())
    }

    /// Whether there is a program for an expression.
    pub(crate) fn is_quick(&self, code: Code) -> bool {
        matches!(self.numbers.programs.get(code.0 as usize), Some(Some(_)))
    }

    /// The number that an expression comes to; `None` when somebody else has to be asked.
    #[inline]
    pub(crate) fn number(&self, code: Code, live: &Live, now: Timestamp) -> Option<f64> {
        let steps = self.numbers.programs.get(code.0 as usize)?.as_ref()?;
        let mut stack = [0.0; DEEP + 1];
        let mut top = 0;
        for step in steps {
            let number = match *step {
                Step::Constant(number) => number,
                Step::Count(place) => f64::from(live.at_place(place, now)?.rows),
                Step::Distinct(place) => live.at_place(place, now)?.distinct() as f64,
                Step::Sum(place, zero) => {
                    let state = live.at_place(place, now)?;
                    if state.told == 0 { zero } else { f64::from_bits(state.value.cast_unsigned()) }
                }
                operation => {
                    top = usize::checked_sub(top, 2)?;
                    let (left, right) = (*stack.get(top)?, *stack.get(top + 1)?);
                    match operation {
                        Step::Add => left + right,
                        Step::Subtract => left - right,
                        _ => left * right,
                    }
                }
            };
            *stack.get_mut(top)? = number;
            top += 1;
        }
        (top == 1).then_some(stack[0])
    }
}
