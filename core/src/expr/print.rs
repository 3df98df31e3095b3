//! Canonical text of syntax trees and values: what explanations show.

use super::ast::{BinaryOp, Kind, NodeId, Tree, UnaryOp};
use super::functions_text::double_text;
use super::functions_time::{length_text, time_text};
use super::parse_macro::name_text;
use crate::value::Value;
use std::fmt::Write;

/// The canonical text of a whole expression.
///
/// # Examples
/// ```
/// let parsed = tactful::expr::Expression::compile("(1+2) *3", None)?;
/// assert_eq!(tactful::expr::print(parsed.checked().tree()), "(1 + 2) * 3");
/// # Ok::<(), tactful::Diagnostics>(())
/// ```
#[must_use]
pub fn print(tree: &Tree) -> String {
    print_node(tree, tree.root())
}

/// The canonical text of one part of an expression.
#[must_use]
pub fn print_node(tree: &Tree, id: NodeId) -> String {
    let mut printer = Printer { tree, out: String::new(), faithful: false };
    printer.node(id, 0);
    printer.out
}

/// How strongly a part binds: larger binds more.
pub(super) fn strength(tree: &Tree, id: NodeId) -> u8 {
    match &tree.node(id).kind {
        Kind::Ternary { .. } => 1,
        Kind::Or(_) => 2,
        Kind::And(_) => 3,
        Kind::Binary { op, .. } => match op {
            BinaryOp::Add | BinaryOp::Subtract => 5,
            BinaryOp::Multiply | BinaryOp::Divide | BinaryOp::Remainder => 6,
            _ => 4,
        },
        Kind::Unary { .. } => 7,
        Kind::Literal(Value::Int(i64::MIN..0)) => 7,
        Kind::Literal(Value::Double(number)) if number.is_sign_negative() => 7,
        _ => 9,
    }
}

pub(super) struct Printer<'a> {
    pub(super) tree: &'a Tree,
    pub(super) out: String,
    /// Whether raw, long and bytes literals stay as they were written.
    pub(super) faithful: bool,
}

impl Printer<'_> {
    /// Prints a part where something that binds with `least` stands around it.
    pub(super) fn node(&mut self, id: NodeId, least: u8) {
        let tree = self.tree;
        let strength = strength(tree, id);
        if strength < least {
            self.out.push('(');
            self.node(id, 0);
            self.out.push(')');
            return;
        }
        match &tree.node(id).kind {
            Kind::Literal(Value::Int(_) | Value::Uint(_) | Value::Double(_)) => self.out.push_str(&tree.number_text(id)),
            Kind::Literal(Value::String(_) | Value::Bytes(_)) if self.faithful && self.is_special(id) => {
                self.out.push_str(tree.source(id));
            }
            Kind::Literal(value) => self.out.push_str(&value_text(value)),
            Kind::Name { name, absolute } => {
                self.out.push_str(if *absolute { "." } else { "" });
                self.out.push_str(&name_text(name));
            }
            Kind::Select { base, field } => {
                self.node(*base, 8);
                self.field(field);
            }
            Kind::OptionalSelect { base, field } => {
                self.node(*base, 8);
                let plain = field_text(field);
                let _ = write!(self.out, ".?{plain}");
            }
            Kind::OptionalIndex { base, index } => {
                self.node(*base, 8);
                self.out.push_str("[?");
                self.node(*index, 0);
                self.out.push(']');
            }
            Kind::Maybe(inner) => {
                self.out.push('?');
                self.node(*inner, 0);
            }
            Kind::Has { base, field } => {
                self.out.push_str("has(");
                self.node(*base, 8);
                self.field(field);
                self.out.push(')');
            }
            Kind::Index { base, index } => {
                self.node(*base, 8);
                self.out.push('[');
                self.node(*index, 0);
                self.out.push(']');
            }
            Kind::Call { target, function, absolute, args } => {
                if let Some(target) = target {
                    self.node(*target, 8);
                    self.field(function);
                } else {
                    self.out.push_str(if *absolute { "." } else { "" });
                    self.out.push_str(function);
                }
                self.list('(', args, ')');
            }
            Kind::Unary { op, operand } => {
                self.out.push(if *op == UnaryOp::Not { '!' } else { '-' });
                let start = self.out.len();
                self.node(*operand, 7);
                // A number after a minus would become one literal with it, whatever is asked of the number.
                let rest = self.out.get(start..).unwrap_or("");
                let number = rest.trim_start_matches('.').starts_with(|c: char| c.is_ascii_digit());
                if *op == UnaryOp::Negate && number {
                    self.out.insert(start, '(');
                    self.out.push(')');
                }
            }
            Kind::Binary { op, left, right } => {
                self.node(*left, strength);
                let _ = write!(self.out, " {} ", op.symbol());
                self.node(*right, strength + 1);
            }
            Kind::And(operands) => self.operands(operands, " && ", 4),
            Kind::Or(operands) => self.operands(operands, " || ", 3),
            Kind::Ternary { condition, yes, no } => {
                self.node(*condition, 2);
                self.out.push_str(" ? ");
                self.node(*yes, 2);
                self.out.push_str(" : ");
                self.node(*no, 1);
            }
            Kind::List(items) => self.list('[', items, ']'),
            Kind::Map(entries) => {
                self.out.push('{');
                for (i, (key, value)) in entries.iter().enumerate() {
                    self.out.push_str(if i > 0 { ", " } else { "" });
                    let value = match &tree.node(*value).kind {
                        Kind::Maybe(inner) => {
                            self.out.push('?');
                            inner
                        }
                        _ => value,
                    };
                    self.node(*key, 0);
                    self.out.push_str(": ");
                    self.node(*value, 0);
                }
                self.out.push('}');
            }
            Kind::Loop { form, range, variable, second, filter, body } => {
                self.node(*range, 8);
                let name = if second.is_some() && form.name() == "exists_one" { "existsOne" } else { form.name() };
                let _ = write!(self.out, ".{name}({}, ", name_text(variable));
                if let Some(second) = second {
                    let _ = write!(self.out, "{}, ", name_text(second));
                }
                if let Some(filter) = filter {
                    self.node(*filter, 0);
                    self.out.push_str(", ");
                }
                self.node(*body, 0);
                self.out.push(')');
            }
            Kind::Bind { variable, value, body } => {
                let _ = write!(self.out, "cel.bind({}, ", name_text(variable));
                self.node(*value, 0);
                self.out.push_str(", ");
                self.node(*body, 0);
                self.out.push(')');
            }
            Kind::Block { values, body } => {
                self.out.push_str("cel.block(");
                self.list('[', values, ']');
                self.out.push_str(", ");
                self.node(*body, 0);
                self.out.push(')');
            }
            Kind::Where { stream, variable, condition } => {
                self.node(*stream, 8);
                let _ = write!(self.out, ".where({}, ", name_text(variable));
                self.node(*condition, 0);
                self.out.push(')');
            }
        }
    }

    /// Whether a text is written with a prefix or in three quotes.
    fn is_special(&self, id: NodeId) -> bool {
        let source = self.tree.source(id);
        !source.starts_with(['"', '\'']) || source.starts_with("\"\"\"") || source.starts_with("'''")
    }

    fn field(&mut self, field: &str) {
        let _ = write!(self.out, ".{}", field_text(field));
    }

    fn list(&mut self, open: char, items: &[NodeId], close: char) {
        self.out.push(open);
        self.operands(items, ", ", 0);
        self.out.push(close);
    }

    fn operands(&mut self, operands: &[NodeId], between: &str, least: u8) {
        for (i, operand) in operands.iter().enumerate() {
            self.out.push_str(if i > 0 { between } else { "" });
            self.node(*operand, least);
        }
    }
}

/// A field's name, in backticks where it needs them.
pub(super) fn field_text(field: &str) -> String {
    let plain = field.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !field.starts_with(|c: char| c.is_ascii_digit())
        && !matches!(field, "in" | "true" | "false" | "null");
    if plain { field.to_string() } else { format!("`{field}`") }
}

/// A value as an expression would write it.
#[must_use]
pub fn value_text(value: &Value) -> String {
    let mut out = String::new();
    write_value(&mut out, value);
    out
}

/// Long values are cut: an explanation is read by people.
const LONGEST: usize = 2_000;

fn write_value(out: &mut String, value: &Value) {
    if out.len() > LONGEST {
        if !out.ends_with('…') {
            out.push('…');
        }
        return;
    }
    let _ = match value {
        Value::Null => write!(out, "null"),
        Value::Bool(truth) => write!(out, "{truth}"),
        Value::Int(number) => write!(out, "{number}"),
        Value::Uint(number) => write!(out, "{number}u"),
        Value::Double(number) => {
            let text = double_text(*number);
            let whole = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
            write!(out, "{text}{}", if whole { ".0" } else { "" })
        }
        Value::Decimal(amount) => write!(out, "{amount}"),
        Value::String(text) => {
            quote(out, text);
            Ok(())
        }
        Value::Bytes(bytes) => {
            out.push_str("b\"");
            for byte in bytes.iter().take(LONGEST) {
                let _ = match byte {
                    b'"' | b'\\' => write!(out, "\\{}", char::from(*byte)),
                    b' '..=b'~' => write!(out, "{}", char::from(*byte)),
                    _ => write!(out, "\\x{byte:02x}"),
                };
            }
            out.push('"');
            Ok(())
        }
        Value::List(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate().take(LONGEST) {
                out.push_str(if i > 0 { ", " } else { "" });
                write_value(out, item);
            }
            out.push(']');
            Ok(())
        }
        Value::Map(entries) => {
            out.push('{');
            for (i, (key, value)) in entries.iter().enumerate().take(LONGEST) {
                out.push_str(if i > 0 { ", " } else { "" });
                write_value(out, key);
                out.push_str(": ");
                write_value(out, value);
            }
            out.push('}');
            Ok(())
        }
        Value::Timestamp(time) => write!(out, "timestamp(\"{}\")", time_text(*time)),
        Value::Duration(length) => write!(out, "duration(\"{}\")", length_text(*length)),
        Value::Date(day) => write!(out, "date(\"{day}\")"),
        Value::Point(point) => write!(out, "point({:?}, {:?})", point.latitude(), point.longitude()),
        Value::Type(name) => write!(out, "{name}"),
        Value::Optional(None) => write!(out, "optional.none()"),
        Value::Optional(Some(held)) => {
            out.push_str("optional.of(");
            write_value(out, held);
            out.push(')');
            Ok(())
        }
    };
}

fn quote(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            c if c.is_control() => write!(out, "\\u{:04x}", u32::from(c)),
            c => write!(out, "{c}"),
        };
    }
    out.push('"');
}
