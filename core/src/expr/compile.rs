//! Many expressions together: equal parts become one node.

use super::checked::{Checked, Node, Op, Ref};
use super::program::{ExprId, Program, Root};
use std::collections::{BTreeMap, BTreeSet};

/// Gathers expressions into a [`Program`].
///
/// # Examples
/// ```
/// use tactful::expr::{Expression, ProgramBuilder, Scratch, NamedFacts};
/// use tactful::{Timestamp, Value};
///
/// let mut builder = ProgramBuilder::new();
/// let adult = builder.add(Expression::compile("age >= 18", None)?.checked());
/// let senior = builder.add(Expression::compile("age >= 18 && age > 65", None)?.checked());
/// let program = builder.build();
/// let facts = NamedFacts::new(Timestamp::parse("2026-01-01T00:00:00Z")?).with("age", Value::Int(42));
/// let mut scratch = Scratch::new(&program);
/// assert!(program.evaluate(adult, &facts, &mut scratch).outcome.is_true());
/// assert!(!program.evaluate(senior, &facts, &mut scratch).outcome.is_true());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct ProgramBuilder {
    nodes: Vec<Node>,
    /// Of each node: the variables that must be bound around it.
    open: Vec<BTreeSet<u32>>,
    /// Operations over numbered nodes, by their text.
    known: BTreeMap<String, Ref>,
    roots: Vec<Root>,
}

impl ProgramBuilder {
    /// No expressions yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an expression. All expressions of one program must be checked against the same schema.
    ///
    /// Takes time in proportion to the size of the expression and the logarithm of the program's.
    pub fn add(&mut self, expression: &Checked) -> ExprId {
        let mut numbers: Vec<Option<Ref>> = vec![None; expression.nodes.len()];
        let mut needed = vec![false; expression.nodes.len()];
        needed[expression.root.0 as usize] = true;
        // Parts stand before what is made of them.
        for at in (0..expression.nodes.len()).rev() {
            if needed[at] {
                for child in expression.nodes[at].op.children() {
                    needed[child.0 as usize] = true;
                }
            }
        }
        for (at, node) in expression.nodes.iter().enumerate().filter(|(at, _)| needed[*at]) {
            let number = self.intern(node, &|part: Ref| numbers[part.0 as usize].unwrap_or(part));
            numbers[at] = Some(number);
        }
        let node = numbers[expression.root.0 as usize].unwrap_or(Ref(0));
        let id = ExprId(u32::try_from(self.roots.len()).unwrap_or(u32::MAX));
        self.roots.push(Root { node, expression: expression.clone() });
        id
    }

    fn intern(&mut self, node: &Node, to: &dyn Fn(Ref) -> Ref) -> Ref {
        let op = node.op.renumbered(to);
        let key = format!("{op:?}");
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let number = Ref(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        let mut open: BTreeSet<u32> =
            op.children().iter().flat_map(|child| self.open[child.0 as usize].iter().copied()).collect();
        // Inner variables have larger numbers than outer ones, so removing the bound ones never hides an outer one.
        for bound in op.binds() {
            open.remove(&bound);
        }
        open.extend(op.reads_slot());
        self.known.insert(key, number);
        self.nodes.push(Node { op, ..node.clone() });
        self.open.push(open);
        number
    }

    /// The finished program.
    #[must_use]
    pub fn build(self) -> Program {
        let closed = self
            .nodes
            .iter()
            .zip(&self.open)
            .map(|(node, open)| open.is_empty() && !matches!(node.op, Op::Constant(_)))
            .collect();
        Program::new(self.nodes, closed, self.roots)
    }
}
