//! A program: many expressions over shared nodes, evaluated lazily, each node at most once per question.

use super::checked::{Checked, Node, Ref};
use super::evaluate::{Evaluated, Machine, Partial, evaluate};
use super::{Facts, Limits, Outcome, Reads};
use crate::value::Value;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The number of an expression in its [`Program`], in the order added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExprId(pub u32);

/// Many expressions compiled together. Immutable; cheap to share.
#[derive(Debug, Clone)]
pub struct Program {
    nodes: Arc<[Node]>,
    /// Of each node: whether its result may be kept, because no variable is bound around it.
    closed: Arc<[bool]>,
    roots: Arc<[Root]>,
    limits: Limits,
}

#[derive(Debug, Clone)]
pub(super) struct Root {
    pub(super) node: Ref,
    pub(super) expression: Checked,
}

/// What the nodes of a program came to for one question. Kept between questions so that its memory is used again.
#[derive(Debug, Clone, Default)]
pub struct Scratch {
    memo: Memo,
}

/// Results by node, of the current question only.
#[derive(Debug, Clone, Default)]
pub(super) struct Memo {
    question: u64,
    closed: Arc<[bool]>,
    cells: RefCell<Vec<(u64, Option<Partial>)>>,
}

impl Scratch {
    /// Memory for a program's questions.
    #[must_use]
    pub fn new(program: &Program) -> Self {
        Scratch {
            memo: Memo {
                question: 1,
                closed: program.closed.clone(),
                cells: RefCell::new(vec![(0, None); program.nodes.len()]),
            },
        }
    }

    /// Begins another question: forgets everything. To be called whenever anything about the facts has changed.
    pub fn begin(&mut self) {
        self.memo.question += 1;
    }
}

impl Memo {
    /// One that gives some nodes a value of their own and remembers nothing else.
    pub(super) fn of(nodes: usize, values: &BTreeMap<Ref, &Value>) -> Self {
        let mut cells = vec![(0, None); nodes];
        let mut closed = vec![false; nodes];
        for (id, value) in values {
            let at = id.0 as usize;
            if let (Some(cell), Some(closed)) = (cells.get_mut(at), closed.get_mut(at)) {
                *cell = (1, Some(Partial::new(Outcome::Value((*value).clone()), None)));
                *closed = true;
            }
        }
        Memo { question: 1, closed: closed.into(), cells: RefCell::new(cells) }
    }

    pub(super) fn recall(&self, id: Ref) -> Option<Partial> {
        if self.closed.get(id.0 as usize) != Some(&true) {
            return None;
        }
        match self.cells.borrow().get(id.0 as usize) {
            Some((question, Some(known))) if *question == self.question => Some(known.clone()),
            _ => None,
        }
    }

    pub(super) fn keep(&self, id: Ref, found: &Partial) {
        if self.closed.get(id.0 as usize) != Some(&true) {
            return;
        }
        if let Some(cell) = self.cells.borrow_mut().get_mut(id.0 as usize) {
            *cell = (self.question, Some(found.clone()));
        }
    }
}

impl Program {
    pub(super) fn new(nodes: Vec<Node>, closed: Vec<bool>, roots: Vec<Root>) -> Self {
        let limits = roots.first().map_or(Limits::DEFAULT, |root| root.expression.limits);
        Program { nodes: nodes.into(), closed: closed.into(), roots: roots.into(), limits }
    }

    /// Evaluates one expression; what the question's earlier expressions came to is used again. An expression that is not of
    /// this program is an error of code `unknown_name`.
    ///
    /// The result is that of [`evaluate`] on the expression alone. `scratch` must be one of this program, see
    /// [`Scratch::begin`].
    #[must_use]
    pub fn evaluate(&self, id: ExprId, facts: &dyn Facts, scratch: &mut Scratch) -> Evaluated {
        let Some(root) = self.roots.get(id.0 as usize) else {
            let message = format!("there is no expression {}", id.0);
            let error = super::EvalError { code: super::ErrorCode::UnknownName, span: super::ast::Extent::default(), message };
            return Evaluated { outcome: Outcome::Error(error), until: None };
        };
        if scratch.memo.cells.borrow().len() != self.nodes.len() {
            *scratch = Scratch::new(self);
        }
        let steps = Cell::new(0);
        let machine = Machine::new(&self.nodes, &self.limits, facts, &steps).remembering(&scratch.memo);
        let found = machine.settled(root.node, None);
        if matches!(found.outcome, Outcome::Error(_)) {
            // A shared node does not know in which expression it failed; the reference tells the place.
            return evaluate(&root.expression, facts);
        }
        Evaluated { outcome: found.outcome, until: found.until }
    }

    /// What an expression reads; nothing for one that is not of this program.
    #[must_use]
    pub fn reads(&self, id: ExprId) -> Option<&Reads> {
        self.roots.get(id.0 as usize).map(|root| root.expression.reads())
    }

    /// The checked tree of an expression.
    #[must_use]
    pub fn expression(&self, id: ExprId) -> Option<&Checked> {
        self.roots.get(id.0 as usize).map(|root| &root.expression)
    }

    /// How many expressions there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.roots.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// How many nodes all expressions together have: fewer than their sum when they share parts.
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }
}
