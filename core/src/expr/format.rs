//! Formatting: the text of an expression with one layout, whatever its author's was. Comments are kept.

use super::ast::{Extent, Kind, NodeId, Tree};
use super::parse::parse;
use super::print::{Printer, strength};
use super::{Limits, lex};
use crate::error::{Diagnostic, Diagnostics};
use crate::playbook::Text;

/// Lines are at most this long, unless a single part is longer.
const WIDTH: usize = 100;

const MOST_PASSES: usize = 16;

/// What is laid out may be longer than what is compiled: lines and indents count too.
const LIMITS: Limits = Limits { source: 1_000_000, ..Limits::DEFAULT };

/// Lays an expression out: `&&`, `||`, `?:`, lists, maps and arguments that do not fit a line of 100 characters stand one
/// below the other, needless brackets go, texts are in double quotes. Comments stay before or behind what they stood at.
///
/// Formatting what was formatted changes nothing, and the meaning is never changed.
///
/// # Errors
/// What keeps the text from being parsed, with places. Names and types are not looked at.
///
/// # Examples
/// ```
/// let text = tactful::expr::format("(customer.age>=18)  &&customer.city=='Bonn' // adults")?;
/// assert_eq!(text, "customer.age >= 18 && customer.city == \"Bonn\" // adults");
/// # Ok::<(), tactful::Diagnostics>(())
/// ```
pub fn format(text: &str) -> Result<String, Diagnostics> {
    let mut text = lay_out(text)?;
    // A comment within a part that has no lines of its own moves out of it, which may let the rest stand on one line.
    for _ in 0..MOST_PASSES {
        let next = lay_out(&text)?;
        if next == text {
            break;
        }
        text = next;
    }
    Ok(text)
}

/// The text of an expression on one line; none when comments or texts of several lines keep it from that.
pub(crate) fn format_line(text: &str) -> Option<String> {
    let tree = parse(text, &LIMITS).ok().filter(|_| lex::comments(text).is_empty())?;
    let mut printer = Printer { tree: &tree, out: String::new(), faithful: true };
    printer.node(tree.root(), 0);
    Some(printer.out).filter(|line| !line.contains(['\n', '\r']))
}

/// What keeps a rule from being parsed, with places in its document.
pub(crate) fn unreadable(rule: &Text) -> Vec<Diagnostic> {
    let findings = parse(&rule.text, &LIMITS).err().unwrap_or_default();
    let shown = findings.iter().map(|finding| Diagnostic {
        code: finding.code,
        severity: finding.severity,
        message: finding.message.clone(),
        path: rule.path.to_string(),
        place: Some(finding.extent.place_in(rule)),
        hint: finding.hint.clone(),
        related: None,
    });
    shown.collect()
}

fn lay_out(text: &str) -> Result<String, Diagnostics> {
    let tree = parse(text, &LIMITS).map_err(|findings| {
        let shown = findings.iter().map(|finding| Diagnostic {
            code: finding.code,
            severity: finding.severity,
            message: finding.message.clone(),
            path: String::new(),
            place: Some(finding.extent.place(text)),
            hint: finding.hint.clone(),
            related: None,
        });
        Diagnostics(shown.collect())
    })?;
    let comments = lex::comments(text).into_iter().map(|extent| Comment { extent, claimed: false }).collect();
    let mut layout = Layout { tree: &tree, comments };
    let items = layout.items(&[(tree.root(), 0)], 0, (0, text.len()));
    let mut lines: Vec<String> = Vec::new();
    for item in items {
        lines.extend(item.above);
        lines.push(item.body + &item.behind);
    }
    lines.extend(layout.left_over());
    Ok(lines.join("\n"))
}

struct Comment {
    extent: Extent,
    claimed: bool,
}

struct Layout<'a> {
    tree: &'a Tree,
    comments: Vec<Comment>,
}

/// A part that may have lines of its own.
struct Item {
    /// Comments on lines of their own before it.
    above: Vec<String>,
    body: String,
    /// A comment at the end of its last line, with a blank before it.
    behind: String,
}

impl Layout<'_> {
    fn comment(&self, at: usize) -> String {
        let extent = self.comments[at].extent;
        self.tree.text.get(extent.start as usize..extent.end as usize).unwrap_or("").trim_end().to_string()
    }

    /// The comments that begin in a range of bytes, by number.
    fn within(&self, from: usize, to: usize) -> std::ops::Range<usize> {
        let place = |byte: usize| self.comments.partition_point(|comment| (comment.extent.start as usize) < byte);
        place(from)..place(to).max(place(from))
    }

    fn has_comment(&self, extent: Extent) -> bool {
        self.comments[self.within(extent.start as usize, extent.end as usize)].iter().any(|comment| !comment.claimed)
    }

    /// Takes the comments that begin in a range of bytes.
    fn claim(&mut self, from: usize, to: usize) -> Vec<String> {
        let mut found = Vec::new();
        for at in self.within(from, to) {
            if !self.comments[at].claimed {
                self.comments[at].claimed = true;
                found.push(self.comment(at));
            }
        }
        found
    }

    fn left_over(&mut self) -> Vec<String> {
        self.claim(0, usize::MAX)
    }

    /// Takes the comment that stands behind a part, on the line on which it ends.
    fn claim_behind(&mut self, end: usize, before: usize) -> String {
        let text = self.tree.text.clone();
        let line_end = text.get(end..).and_then(|rest| rest.find('\n')).map_or(text.len(), |at| end + at);
        let found = self.claim(end, before.min(line_end));
        if found.is_empty() { String::new() } else { format!(" {}", found.join(" ")) }
    }

    /// Parts one below the other, each with the least strength that it needs without brackets.
    fn items(&mut self, parts: &[(NodeId, u8)], indent: usize, (from, to): (usize, usize)) -> Vec<Item> {
        let extents: Vec<(usize, usize)> = parts
            .iter()
            .map(|(id, _)| {
                let extent = self.tree.node(*id).extent;
                (extent.start as usize, extent.end as usize)
            })
            .collect();
        // What stands around the parts is taken before what stands within them.
        let mut around = Vec::new();
        let mut last = from;
        for (at, (start, end)) in extents.iter().enumerate() {
            let above = self.claim(last, *start);
            let next = extents.get(at + 1).map_or(to, |(next, _)| *next);
            let behind = self.claim_behind(*end, next);
            around.push((above, behind));
            last = *end;
        }
        let mut items = Vec::new();
        for (((id, least), (start, end)), (mut above, behind)) in parts.iter().zip(&extents).zip(around) {
            let body = self.lay(*id, *least, indent, indent);
            above.extend(self.claim(*start, *end));
            items.push(Item { above, body, behind });
        }
        items
    }

    fn flat(&self, id: NodeId, least: u8) -> String {
        let mut printer = Printer { tree: self.tree, out: String::new(), faithful: true };
        printer.node(id, least);
        printer.out
    }

    fn fits(&self, id: NodeId, text: &str, column: usize) -> bool {
        !text.contains('\n') && column + text.chars().count() <= WIDTH && !self.has_comment(self.tree.node(id).extent)
    }

    /// A part that begins at a column, where something that binds with `least` stands around it.
    fn lay(&mut self, id: NodeId, least: u8, indent: usize, column: usize) -> String {
        let flat = self.flat(id, least);
        if self.fits(id, &flat, column) {
            return flat;
        }
        if strength(self.tree, id) < least {
            let inner = self.lay(id, 0, indent + 2, indent + 2);
            return format!("(\n{}{inner}\n{})", " ".repeat(indent + 2), " ".repeat(indent));
        }
        match self.tree.node(id).kind.clone() {
            Kind::And(operands) => self.chain(id, &operands, "&& ", 4, indent),
            Kind::Or(operands) => self.chain(id, &operands, "|| ", 3, indent),
            Kind::Ternary { condition, yes, no } => {
                let parts = [(condition, 2), (yes, 2), (no, 1)];
                self.joined(id, &parts, &["", "? ", ": "], indent)
            }
            Kind::Binary { op, left, right } => {
                let strength = strength(self.tree, id);
                let left = self.lay(left, strength, indent, column);
                let before = left.rsplit('\n').next().map_or(0, |line| line.chars().count());
                let right = self.lay(right, strength + 1, indent, column + before + op.symbol().len() + 2);
                format!("{left} {} {right}", op.symbol())
            }
            Kind::List(items) => self.enclosed(id, "[", &items, "]", indent),
            Kind::Call { target: Some(target), function, args, .. } if !args.is_empty() => {
                let head = format!("{}.{}(", self.lay(target, 8, indent, column), super::print::field_text(&function));
                self.enclosed(id, &head, &args, ")", indent)
            }
            Kind::Call { target: None, function, absolute, args } if !args.is_empty() => {
                let head = format!("{}{function}(", if absolute { "." } else { "" });
                self.enclosed(id, &head, &args, ")", indent)
            }
            Kind::Call { target: Some(target), function, .. } => {
                format!("{}.{}()", self.lay(target, 8, indent, column), super::print::field_text(&function))
            }
            Kind::Where { stream, variable, condition } => {
                let head = format!("{}.where({variable}, ", self.lay(stream, 8, indent, column));
                self.enclosed(id, &head, &[condition], ")", indent)
            }
            _ => flat,
        }
    }

    fn chain(&mut self, id: NodeId, operands: &[NodeId], sign: &str, least: u8, indent: usize) -> String {
        let parts: Vec<(NodeId, u8)> = operands.iter().map(|operand| (*operand, least)).collect();
        let signs: Vec<&str> = (0..operands.len()).map(|at| if at == 0 { "" } else { sign }).collect();
        self.joined(id, &parts, &signs, indent)
    }

    /// Parts one below the other with signs in front.
    fn joined(&mut self, id: NodeId, parts: &[(NodeId, u8)], signs: &[&str], indent: usize) -> String {
        let extent = self.tree.node(id).extent;
        let items = self.items(parts, indent, (extent.start as usize, extent.end as usize));
        let mut lines = Vec::new();
        for (item, sign) in items.into_iter().zip(signs) {
            lines.extend(item.above);
            lines.push(format!("{sign}{}{}", item.body, item.behind));
        }
        lines.join(&format!("\n{}", " ".repeat(indent)))
    }

    /// Parts one below the other within brackets, with commas behind.
    fn enclosed(&mut self, id: NodeId, head: &str, parts: &[NodeId], close: &str, indent: usize) -> String {
        let end = self.tree.node(id).extent.end as usize;
        let first = parts.first().map_or(end, |part| self.tree.node(*part).extent.start as usize);
        let parts: Vec<(NodeId, u8)> = parts.iter().map(|part| (*part, 0)).collect();
        let count = parts.len();
        let open = self.tree.text.get(..first).and_then(|before| before.rfind(['(', '['])).unwrap_or(first);
        let items = self.items(&parts, indent + 2, (open, end));
        let pad = " ".repeat(indent + 2);
        let mut text = head.trim_end().to_string();
        for (at, item) in items.into_iter().enumerate() {
            for line in item.above {
                text.push_str(&format!("\n{pad}{line}"));
            }
            let comma = if at + 1 < count { "," } else { "" };
            text.push_str(&format!("\n{pad}{}{comma}{}", item.body, item.behind));
        }
        text.push_str(&format!("\n{}{close}", " ".repeat(indent)));
        text
    }
}
