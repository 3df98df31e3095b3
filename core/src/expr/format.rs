//! Formatting: the text of an expression with one layout, whatever its author's was. Comments are kept.

use super::ast::{Extent, Kind, NodeId, Tree};
use super::parse::parse;
use super::parse_macro::name_text;
use super::print::{Printer, field_text, strength};
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
    let items = layout.items(vec![Part::of(tree.root(), 0)], 0, (0, text.len()));
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

/// A part that is to have lines of its own: what stands before it on its first line, and the least strength that it needs
/// without brackets.
struct Part {
    before: String,
    id: NodeId,
    least: u8,
}

impl Part {
    fn of(id: NodeId, least: u8) -> Part {
        Part { before: String::new(), id, least }
    }
}

/// A part as it is laid out.
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

    /// Parts one below the other.
    fn items(&mut self, parts: Vec<Part>, indent: usize, (from, to): (usize, usize)) -> Vec<Item> {
        let extents: Vec<(usize, usize)> = parts.iter().map(|part| self.extent(part.id)).collect();
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
        for ((part, (start, end)), (mut above, behind)) in parts.into_iter().zip(extents).zip(around) {
            let body = self.lay(part.id, part.least, indent, indent + part.before.chars().count());
            above.extend(self.claim(start, end));
            items.push(Item { above, body: part.before + &body, behind });
        }
        items
    }

    fn extent(&self, id: NodeId) -> (usize, usize) {
        let extent = self.tree.node(id).extent;
        (extent.start as usize, extent.end as usize)
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
                let part = |before: &str, id, least| Part { before: before.to_string(), id, least };
                self.joined(id, vec![part("", condition, 2), part("? ", yes, 2), part(": ", no, 1)], indent)
            }
            Kind::Binary { op, left, right } => {
                let strength = strength(self.tree, id);
                let left = self.lay(left, strength, indent, column);
                let before = left.rsplit('\n').next().map_or(0, |line| line.chars().count());
                let right = self.lay(right, strength + 1, indent, column + before + op.symbol().len() + 2);
                format!("{left} {} {right}", op.symbol())
            }
            Kind::List(items) => {
                let parts = items.into_iter().map(|item| Part::of(item, 0)).collect();
                self.enclosed("[", parts, "]", indent, self.extent(id))
            }
            Kind::Map(entries) => {
                let parts = entries.into_iter().map(|(key, value)| {
                    // The mark of an entry that may be absent stands before its key.
                    let (mark, id) = match self.tree.node(value).kind {
                        Kind::Maybe(inner) => ("?", inner),
                        _ => ("", value),
                    };
                    Part { before: format!("{mark}{}: ", self.flat(key, 0)), id, least: 0 }
                });
                let parts = parts.collect();
                self.enclosed("{", parts, "}", indent, self.extent(id))
            }
            Kind::Call { target: None, function, absolute, args } if !args.is_empty() => {
                let head = format!("{}{function}(", if absolute { "." } else { "" });
                let parts = args.into_iter().map(|arg| Part::of(arg, 0)).collect();
                self.enclosed(&head, parts, ")", indent, self.extent(id))
            }
            Kind::Bind { variable, value, body } => {
                let head = format!("cel.bind({}, ", name_text(&variable));
                self.enclosed(&head, vec![Part::of(value, 0), Part::of(body, 0)], ")", indent, self.extent(id))
            }
            _ if self.link(id).is_some() => self.links(id, indent, column),
            _ => flat,
        }
    }

    /// What a part does with the part before its dot: that part, the name with what is bound, and the arguments.
    fn link(&self, id: NodeId) -> Option<(NodeId, String, Vec<NodeId>)> {
        Some(match &self.tree.node(id).kind {
            Kind::Call { target: Some(target), function, args, .. } => {
                (*target, format!(".{}(", field_text(function)), args.clone())
            }
            Kind::Where { stream, variable, condition } => {
                (*stream, format!(".where({}, ", name_text(variable)), vec![*condition])
            }
            Kind::Loop { form, range, variable, second, filter, body } => {
                let name = if second.is_some() && form.name() == "exists_one" { "existsOne" } else { form.name() };
                let second = second.as_ref().map(|second| format!("{}, ", name_text(second))).unwrap_or_default();
                let head = format!(".{name}({}, {second}", name_text(variable));
                (*range, head, filter.iter().chain([body]).copied().collect())
            }
            _ => return None,
        })
    }

    /// Calls in a row. Of several, each has a line of its own.
    fn links(&mut self, id: NodeId, indent: usize, column: usize) -> String {
        let mut links = Vec::new();
        let mut first = id;
        while let Some((target, head, args)) = self.link(first) {
            links.push((first, target, head, args));
            first = target;
        }
        links.reverse();
        let broken = links.len() > 1;
        let indent_of_links = if broken { indent + 2 } else { indent };
        let mut text = self.lay(first, 8, indent, column);
        for (link, target, head, args) in links {
            let (_, before) = self.extent(target);
            let (_, end) = self.extent(link);
            let comments = self.claim_adjacent(before);
            if broken || !comments.is_empty() {
                let pad = " ".repeat(indent_of_links);
                let line = self.tree.text.get(..before).map_or(0, |text| text.matches('\n').count());
                for comment in comments {
                    let same = self.tree.text.get(..comment.1).is_some_and(|text| text.matches('\n').count() == line);
                    text.push_str(&if same { format!(" {}", comment.0) } else { format!("\n{pad}{}", comment.0) });
                }
                text.push_str(&format!("\n{pad}"));
            }
            let start = text.rsplit('\n').next().map_or(0, |line| line.chars().count());
            let start = if text.contains('\n') { start } else { column + start };
            let flat: Vec<String> = args.iter().map(|arg| self.flat(*arg, 0)).collect();
            let flat = format!("{head}{})", flat.join(", "));
            let clean = self.within(before, end).all(|at| self.comments[at].claimed);
            if args.is_empty() || (clean && !flat.contains('\n') && start + flat.chars().count() <= WIDTH) {
                text.push_str(&flat);
            } else {
                let parts = args.into_iter().map(|arg| Part::of(arg, 0)).collect();
                text.push_str(&self.enclosed(&head, parts, ")", indent_of_links, (before, end)));
            }
        }
        text
    }

    /// Takes the comments that follow a byte with nothing but space between, each with where it begins.
    fn claim_adjacent(&mut self, from: usize) -> Vec<(String, usize)> {
        let text = self.tree.text.clone();
        let mut found = Vec::new();
        let mut at = from;
        loop {
            let space = text.get(at..).map_or(0, |rest| rest.len() - rest.trim_start().len());
            let start = at + space;
            let Some(number) = self.within(start, start + 1).next().filter(|number| !self.comments[*number].claimed) else {
                return found;
            };
            self.comments[number].claimed = true;
            found.push((self.comment(number), start));
            at = self.comments[number].extent.end as usize;
        }
    }

    fn chain(&mut self, id: NodeId, operands: &[NodeId], sign: &str, least: u8, indent: usize) -> String {
        let before = |at| if at == 0 { String::new() } else { sign.to_string() };
        let parts = operands.iter().enumerate().map(|(at, id)| Part { before: before(at), id: *id, least });
        self.joined(id, parts.collect(), indent)
    }

    /// Parts one below the other with signs in front.
    fn joined(&mut self, id: NodeId, parts: Vec<Part>, indent: usize) -> String {
        let mut lines = Vec::new();
        for item in self.items(parts, indent, self.extent(id)) {
            lines.extend(item.above);
            lines.push(item.body + &item.behind);
        }
        lines.join(&format!("\n{}", " ".repeat(indent)))
    }

    /// Parts one below the other within brackets, with commas behind.
    fn enclosed(&mut self, head: &str, parts: Vec<Part>, close: &str, indent: usize, range: (usize, usize)) -> String {
        let count = parts.len();
        let pad = " ".repeat(indent + 2);
        let mut text = head.trim_end().to_string();
        for (at, item) in self.items(parts, indent + 2, range).into_iter().enumerate() {
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
