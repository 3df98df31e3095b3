//! The parser's part about macros and numbers.

use super::ast::{Extent, Form, Kind, NodeId};
use super::finding::Finding;
use super::lex::TokenKind;
use super::parse::{Parsed, Parser};
use crate::value::Value;
use std::sync::Arc;

impl Parser<'_> {
    pub(super) fn number(&self, token: &TokenKind, negative: bool, start: Extent) -> Parsed<Value> {
        let range = |what: &str| {
            let message = format!("the number does not fit into {what}");
            Err(Box::new(Finding::error("number_out_of_range", start.to(self.extent()), message)))
        };
        let sign = if negative { "-" } else { "" };
        match token {
            TokenKind::Int(text) => {
                let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                    Some(digits) => i64::from_str_radix(&format!("{sign}{digits}"), 16),
                    None => format!("{sign}{text}").parse(),
                };
                parsed.map(Value::Int).or_else(|_| range("a 64-bit integer"))
            }
            TokenKind::Uint(text) => {
                let parsed = match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
                    Some(digits) => u64::from_str_radix(digits, 16),
                    None => text.parse(),
                };
                parsed.map(Value::Uint).or_else(|_| range("an unsigned 64-bit integer"))
            }
            TokenKind::Double(text) => match format!("{sign}{text}").parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Value::Double(number)),
                _ => range("a double"),
            },
            _ => Err(self.unexpected("expected a number")),
        }
    }

    pub(super) fn has(&mut self, args: &[NodeId], extent: Extent) -> Parsed<NodeId> {
        let selected = match args {
            [arg] => match self.nodes.get(arg.0 as usize).map(|node| node.kind.clone()) {
                Some(Kind::Select { base, field }) => Some((base, field)),
                _ => None,
            },
            _ => None,
        };
        match selected {
            Some((base, field)) => self.push(Kind::Has { base, field }, extent),
            None => {
                let finding = Finding::error("bad_macro", extent, "`has` takes one field, such as `has(customer.age)`");
                Err(Box::new(finding))
            }
        }
    }

    /// A call of a method: a macro when its name and the number of arguments are those of one.
    pub(super) fn method(&mut self, target: NodeId, function: Arc<str>, args: Vec<NodeId>, extent: Extent) -> Parsed<NodeId> {
        let form = match (&*function, args.len()) {
            ("all", 2 | 3) => Some(Form::All),
            ("exists", 2 | 3) => Some(Form::Exists),
            ("exists_one" | "existsOne", 2 | 3) => Some(Form::ExistsOne),
            ("map", 2 | 3) => Some(Form::Map),
            ("filter", 2) => Some(Form::Filter),
            ("optMap", 2) => Some(Form::OptMap),
            ("optFlatMap", 2) => Some(Form::OptFlatMap),
            ("sortBy", 2) => Some(Form::SortBy),
            ("transformList", 3 | 4) => Some(Form::TransformList),
            ("transformMap", 3 | 4) => Some(Form::TransformMap),
            ("transformMapEntry", 3 | 4) => Some(Form::TransformMapEntry),
            _ => None,
        };
        match (form, &args[..]) {
            (Some(Form::Map), [variable, filter, body]) => {
                let variable = self.variable(*variable, &function)?;
                let kind =
                    Kind::Loop { form: Form::Map, range: target, variable, second: None, filter: Some(*filter), body: *body };
                self.push(kind, extent)
            }
            (Some(form), [variable, body]) => {
                let variable = self.variable(*variable, &function)?;
                self.push(Kind::Loop { form, range: target, variable, second: None, filter: None, body: *body }, extent)
            }
            (Some(form), [first, second, filter @ .., body]) => {
                let variable = self.variable(*first, &function)?;
                let second = self.variable(*second, &function)?;
                if variable == second {
                    let message = format!("`{function}` binds `{variable}` twice");
                    return Err(Box::new(Finding::error("bad_macro", extent, message)));
                }
                let filter = filter.first().copied();
                self.push(Kind::Loop { form, range: target, variable, second: Some(second), filter, body: *body }, extent)
            }
            (None, [variable, condition]) if &*function == "where" => {
                let variable = self.variable(*variable, &function)?;
                self.push(Kind::Where { stream: target, variable, condition: *condition }, extent)
            }
            (None, [variable, value, body]) if &*function == "bind" && self.is_name(target, "cel") => {
                let variable = self.variable(*variable, &function)?;
                self.push(Kind::Bind { variable, value: *value, body: *body }, extent)
            }
            (None, args) if self.is_name(target, "cel") && matches!(&*function, "block" | "index" | "iterVar" | "accuVar") => {
                self.block(&function, args, extent)
            }
            _ => self.push(Kind::Call { target: Some(target), function, absolute: false, args }, extent),
        }
    }

    /// What optimisers write: `cel.block([a, b], body)` with the names `cel.index(0)`, `cel.iterVar(0, 1)`, `cel.accuVar(0, 1)`.
    fn block(&mut self, function: &str, args: &[NodeId], extent: Extent) -> Parsed<NodeId> {
        let number = |id: &NodeId| match self.nodes.get(id.0 as usize).map(|node| &node.kind) {
            Some(Kind::Literal(Value::Int(number))) if *number >= 0 => Some(*number),
            _ => None,
        };
        let name = |name: String| Kind::Name { name: Arc::from(name), absolute: false };
        let kind = match (function, args) {
            ("block", [values, body]) => match self.nodes.get(values.0 as usize).map(|node| &node.kind) {
                Some(Kind::List(values)) if !values.iter().any(|value| self.may_lack(*value)) => {
                    Some(Kind::Block { values: values.clone(), body: *body })
                }
                _ => None,
            },
            ("index", [at]) => number(at).map(|at| name(block_name(at))),
            ("iterVar", [depth, at]) => number(depth).zip(number(at)).map(|(depth, at)| name(format!("@it:{depth}:{at}"))),
            ("accuVar", [depth, at]) => number(depth).zip(number(at)).map(|(depth, at)| name(format!("@ac:{depth}:{at}"))),
            _ => None,
        };
        match kind {
            Some(kind) => self.push(kind, extent),
            None => {
                let message = match function {
                    "block" => "`cel.block` takes a list of values and what is made of them",
                    "index" => "`cel.index` takes one whole number",
                    _ => "`cel.iterVar` and `cel.accuVar` take two whole numbers",
                };
                Err(Box::new(Finding::error("bad_macro", extent, message)))
            }
        }
    }

    fn may_lack(&self, id: NodeId) -> bool {
        matches!(self.nodes.get(id.0 as usize).map(|node| &node.kind), Some(Kind::Maybe(_)))
    }

    fn is_name(&self, id: NodeId, expected: &str) -> bool {
        matches!(self.nodes.get(id.0 as usize).map(|node| &node.kind), Some(Kind::Name { name, .. }) if &**name == expected)
    }

    fn variable(&self, id: NodeId, function: &str) -> Parsed<Arc<str>> {
        match self.nodes.get(id.0 as usize).map(|node| &node.kind) {
            Some(Kind::Name { name, absolute: false }) => Ok(name.clone()),
            _ => {
                let message = format!("`{function}` needs the name of a variable here");
                Err(Box::new(Finding::error("bad_macro", self.node_extent(id), message)))
            }
        }
    }
}

/// The name of a value of `cel.block`; nobody can write it.
pub(super) fn block_name(at: i64) -> String {
    format!("@index{at}")
}

/// A name as it is written.
pub(super) fn name_text(name: &str) -> String {
    if let Some(at) = name.strip_prefix("@index") {
        return format!("cel.index({at})");
    }
    let both = |rest: &str| rest.replace(':', ", ");
    match (name.strip_prefix("@it:"), name.strip_prefix("@ac:")) {
        (Some(rest), _) => format!("cel.iterVar({})", both(rest)),
        (_, Some(rest)) => format!("cel.accuVar({})", both(rest)),
        _ => name.to_string(),
    }
}
