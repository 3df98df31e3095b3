//! Warnings about what is never known: conditions on facts that nothing tells any more, and windows that reach further back than
//! events are kept.

use super::Schema;
use super::ast::Tree;
use super::checked::{Checked, Node, Op, Ref};
use super::finding::Finding;
use super::print::print_node;
use super::stream::{Bound, Stream};
use crate::error::Severity;
use crate::value::{Duration, Unit};
use std::collections::BTreeSet;

/// Hours of the longest day, of the longest week and month around a change of clocks.
const HOURS: (i64, i64, i64) = (25, 7 * 24 + 1, 31 * 24 + 1);

/// Whether a condition can never be known, because it stands on facts that nothing tells any more.
pub(super) fn is_never_known(condition: &Checked, schema: &Schema) -> bool {
    let reader = Reader { tree: &condition.tree, nodes: &condition.nodes, schema, findings: Vec::new() };
    reader.cause(condition.root).is_some()
}

/// The largest parts that can never be known, and questions for facts that are never told.
pub(super) fn never_known(tree: &Tree, nodes: &[Node], root: Ref, schema: &Schema) -> Vec<Finding> {
    if !schema.facts().iter().any(|fact| fact.retired) {
        return Vec::new();
    }
    let mut reader = Reader { tree, nodes, schema, findings: Vec::new() };
    reader.look(root);
    reader.findings
}

struct Reader<'a> {
    tree: &'a Tree,
    nodes: &'a [Node],
    schema: &'a Schema,
    findings: Vec<Finding>,
}

impl Reader<'_> {
    fn node(&self, id: Ref) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// The retired fact for which a part is never known; `None` when it may be known.
    fn cause(&self, id: Ref) -> Option<String> {
        match &self.node(id).op {
            Op::Fact(fact) => {
                let fact = self.schema.fact_decl(*fact).filter(|fact| fact.retired)?;
                Some(fact.path.to_string())
            }
            // What absorbs: one operand that is known may be enough.
            Op::And(operands) | Op::Or(operands) => {
                operands.iter().map(|operand| self.cause(*operand)).reduce(|all, one| all.and(one)).flatten()
            }
            Op::Ternary { condition, yes, no } => self.cause(*condition).or_else(|| self.cause(*yes).and(self.cause(*no))),
            Op::Loop { range, .. } => self.cause(*range),
            Op::Bind { body, .. } => self.cause(*body),
            Op::Told(_) | Op::HasFact(_) | Op::HasField { .. } | Op::OrElse { .. } => None,
            Op::Stream(stream) => bounds(stream).find_map(|bound| self.cause(bound)),
            op => op.children().into_iter().find_map(|child| self.cause(child)),
        }
    }

    fn look(&mut self, id: Ref) {
        let node = self.node(id);
        let (extent, text) = (node.extent, || print_node(self.tree, node.syntax));
        if let Some(cause) = self.cause(id) {
            let message = format!("`{}` is never known: nothing tells `{cause}` any more", text());
            self.warn("never_known", extent, message, "leave it out, or tell the fact again and take `retired` away");
            return;
        }
        if let Op::HasFact(fact) = &node.op
            && self.schema.fact_decl(*fact).is_some_and(|fact| fact.retired)
        {
            let message = format!("`{}` is never true: nothing tells it any more", text());
            self.warn("always_false", extent, message, "leave it out, or tell the fact again and take `retired` away");
            return;
        }
        // Absence is what `.?` asks about.
        if matches!(node.op, Op::Told(_) | Op::Computed(_)) {
            return;
        }
        for child in node.op.children() {
            self.look(child);
        }
    }

    fn warn(&mut self, code: &'static str, extent: super::ast::Extent, message: String, hint: &str) {
        let finding = Finding::error(code, extent, message).hint(hint);
        self.findings.push(Finding { severity: Severity::Warning, ..finding });
    }
}

fn bounds(stream: &Stream) -> impl Iterator<Item = Ref> + '_ {
    stream.bounds.iter().filter_map(|bound| match bound {
        Bound::RollingBy(by) | Bound::Since(by) | Bound::Before(by) => Some(*by),
        Bound::Rolling(_) | Bound::Calendar(_) | Bound::Session => None,
    })
}

/// Windows that reach further back than their events are kept.
pub(super) fn beyond_retention(tree: &Tree, nodes: &[Node], schema: &Schema) -> Vec<Finding> {
    if !schema.events().iter().any(|event| event.retention.is_some()) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut seen = BTreeSet::new();
    for node in nodes.iter().filter(|node| !tree.is_taken_in(node.syntax)) {
        let Op::Stream(stream) = &node.op else { continue };
        let Some(longest) = reaches_back(stream) else { continue };
        let kinds = stream.kinds.iter().chain(stream.follows.iter().flat_map(|follow| &follow.kinds));
        for kind in kinds {
            let Some(event) = schema.event_decl(*kind) else { continue };
            let Some(retention) = event.retention.filter(|retention| *retention < longest) else { continue };
            let text = print_node(tree, node.syntax);
            if !seen.insert((text.clone(), *kind)) {
                continue;
            }
            let message = format!("`{text}` looks back {longest}, but `{}` events are kept for {retention}", event.name);
            let hint = "beyond that it is unknown; take a shorter window or a longer `retention`";
            let finding = Finding::error("beyond_retention", node.extent, message).hint(hint);
            findings.push(Finding { severity: Severity::Warning, ..finding });
        }
    }
    findings
}

/// How far back the narrowest window of a stream reaches at most; `None` when that is not fixed.
fn reaches_back(stream: &Stream) -> Option<Duration> {
    let hours = |hours: i64| Duration::from_nanos(hours * 3_600_000_000_000);
    let lengths = stream.bounds.iter().filter_map(|bound| match bound {
        Bound::Rolling(length) => Some(*length),
        Bound::Calendar(calendar) => Some(match calendar.unit {
            Unit::Day => hours(HOURS.0 + 24 * i64::from(calendar.before)),
            Unit::Week { .. } => hours(HOURS.1),
            Unit::Month => hours(HOURS.2),
        }),
        _ => None,
    });
    lengths.min()
}
