//! The checker's part about computed values: each is checked where it is read.

use super::ast::{Extent, NodeId, Tree};
use super::check::Checker;
use super::checked::{Op, Ref};
use super::computed::Computed;
use super::finding::Finding;
use super::functions;
use crate::value::{Type, Value};
use std::sync::Arc;

/// The computed values that an expression reads, and which of them is being checked.
#[derive(Debug, Default)]
pub(super) struct Taken<'a> {
    /// Their syntax trees, in the order of the numbers of their nodes.
    pub(super) trees: Vec<&'a Tree>,
    /// The first number of the nodes of the one that is being checked; 0 in the expression itself.
    pub(super) base: u32,
    /// How many nodes the expression itself has.
    own: u32,
    /// Where the outermost is read.
    pub(super) site: Option<Extent>,
    /// How many bound names are not seen.
    pub(super) floor: usize,
    /// Levels of those around it.
    depth: u32,
}

impl Taken<'_> {
    /// Nothing yet, in an expression.
    pub(super) fn by(tree: &Tree) -> Self {
        Taken { own: u32::try_from(tree.nodes.len()).unwrap_or(u32::MAX), ..Taken::default() }
    }
}

/// How many levels a tree has.
fn levels(tree: &Tree) -> u32 {
    tree.node(tree.root()).depth
}

impl<'a> Checker<'a> {
    /// `computed.<name>`.
    pub(super) fn computed(&mut self, id: NodeId, computed: &'a Computed) -> Ref {
        let Some(tree) = computed.tree.as_deref() else { return self.broken(id) };
        if let Some(finding) = self.too_much(id, tree) {
            return self.wrong(id, finding);
        }
        self.reads.computed.insert(computed.name.clone());
        let base = self.base_of(tree);
        let (site, floor) = (Some(self.extent(id)), self.scope.len());
        let depth = self.taken.depth.saturating_add(levels(self.tree));
        let outer = (self.tree, self.container, self.journey);
        let around = (self.taken.base, self.taken.site, self.taken.floor, self.taken.depth);
        (self.tree, self.container, self.journey) = (tree, "", "");
        (self.taken.base, self.taken.site, self.taken.floor, self.taken.depth) = (base, site, floor, depth);
        let value = self.lower(tree.root());
        (self.tree, self.container, self.journey) = outer;
        (self.taken.base, self.taken.site, self.taken.floor, self.taken.depth) = around;
        let (ty, class, free) = (self.ty(value).clone(), self.class(value), self.free[value.0 as usize]);
        let op = match &self.nodes[value.0 as usize].op {
            Op::Constant(constant) => Op::Constant(constant.clone()),
            // What can be said of a fact or a list, an index above all, can be said of it under another name.
            Op::Fact(_) | Op::List(_) => return value,
            _ => Op::Computed(value),
        };
        let read = self.push(id, op, ty, class);
        self.free[read.0 as usize] = free;
        read
    }

    /// `has(computed.<name>)`: whether it has a value.
    pub(super) fn has_computed(&mut self, id: NodeId, parts: &[Arc<str>]) -> Ref {
        let Some(value) = self.declared(id, parts, false) else { return self.broken(id) };
        let (held, class) = (self.ty(value).clone(), self.mixed([value]));
        let told = self.push(id, Op::Told(value), Type::Optional(Box::new(held)), class);
        match functions::find("hasValue") {
            Some(function) => self.push(id, Op::Call { function, args: vec![told] }, Type::Bool, class),
            None => self.push(id, Op::Constant(Value::Bool(true)), Type::Bool, class),
        }
    }

    /// Why a computed value cannot be taken in.
    fn too_much(&self, id: NodeId, tree: &Tree) -> Option<Finding> {
        let depth = self.taken.depth.saturating_add(levels(self.tree)).saturating_add(levels(tree));
        let finding = |code, message: String| {
            Finding::error(code, self.extent(id), message).hint("take it apart, or let fewer computed values read others")
        };
        if depth > self.limits.depth {
            let message =
                format!("with the computed values that it reads the expression has more than {} levels", self.limits.depth);
            return Some(finding("too_deep", message));
        }
        let parts = tree.nodes.len();
        let fits = self.nodes.len() + parts <= self.limits.nodes;
        if !fits || !self.schema.is_none_or(|schema| schema.computed().take(parts)) {
            let message = match fits {
                false => {
                    format!("with the computed values that it reads the expression has more than {} parts", self.limits.nodes)
                }
                true => "the computed values that all rules together read have too many parts".to_owned(),
            };
            return Some(finding("too_large", message));
        }
        None
    }

    /// The first number of a tree's nodes.
    fn base_of(&mut self, tree: &'a Tree) -> u32 {
        let mut base = self.taken.own;
        for known in &self.taken.trees {
            if std::ptr::eq(*known, tree) {
                return base;
            }
            base = base.saturating_add(u32::try_from(known.nodes.len()).unwrap_or(u32::MAX));
        }
        self.taken.trees.push(tree);
        base
    }
}
