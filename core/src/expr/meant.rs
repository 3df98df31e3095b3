//! What was probably meant: hints for people who know other languages better than this one.

use super::ast::{BinaryOp, Extent, Kind, NodeId};
use super::check::Checker;
use super::checked::Ref;
use super::finding::Finding;
use super::stream::Terminal;
use super::{functions, types};
use crate::error::nearest;
use crate::value::{Type, Value};

/// What to write instead of a word that other languages have.
pub(super) fn foreign_word(word: &str) -> Option<&'static str> {
    Some(match word {
        "not" | "NOT" => "write `!`",
        "and" | "AND" => "write `&&`",
        "or" | "OR" => "write `||`",
        "is" => "compare with `==`; whether something is known says `has(customer.city)`",
        "equals" | "eq" => "compare with `==`",
        "yes" => "write `true`",
        "no" => "write `false`",
        "between" | "BETWEEN" => "write `3 <= x && x <= 5`",
        "like" | "LIKE" => "write `x.startsWith(\"A\")`, `x.contains(\"A\")` or `x.matches(\"^A.*\")`",
        "contains" => "write `x.contains(\"A\")`",
        "if" | "then" | "else" => "write `condition ? yes : no`",
        "IN" => "write `in`",
        "True" | "TRUE" => "write `true`",
        "False" | "FALSE" => "write `false`",
        _ => return None,
    })
}

/// How a macro is written.
pub(super) fn macro_usage(name: &str) -> Option<&'static str> {
    Some(match name {
        "all" => "list.all(x, x > 1)",
        "exists" => "list.exists(x, x > 1)",
        "exists_one" | "existsOne" => "list.exists_one(x, x > 1)",
        "filter" => "list.filter(x, x > 1)",
        "map" => "list.map(x, x + 1)",
        "sortBy" => "list.sortBy(x, x.price)",
        "transformList" => "list.transformList(i, x, x + i)",
        "transformMap" => "map.transformMap(key, value, value + 1)",
        "transformMapEntry" => "map.transformMapEntry(key, value, {value: key})",
        "optMap" => "optional.optMap(x, x + 1)",
        "optFlatMap" => "optional.optFlatMap(x, x.?y)",
        _ => return None,
    })
}

/// What to write instead of a function that other languages have.
pub(super) fn function(name: &str) -> Option<String> {
    let meant = match name.to_ascii_lowercase().as_str() {
        "length" | "len" | "lenght" => "`x.size()`",
        "count" => "`x.size()`, or ask a stream: `events(\"purchase\").count()`",
        "empty" | "isempty" | "is_empty" => "`x.size() == 0`",
        "lower" | "tolower" | "tolowercase" | "lowercase" => "`x.lowerAscii()`",
        "upper" | "toupper" | "touppercase" | "uppercase" => "`x.upperAscii()`",
        "includes" => "`x.contains(\"…\")`",
        "substr" => "`x.substring(from, to)`",
        "strip" => "`x.trim()`",
        "min" => "`math.least(a, b)`",
        "max" => "`math.greatest(a, b)`",
        "days_since" | "dayssince" => "`(now - x).days()`",
        "date" | "datetime" => "`timestamp(\"2026-01-01T00:00:00Z\")`",
        "isnull" | "is_null" | "isset" | "exists" => "`has(x.y)`",
        "any" => "`x.exists(y, y > 1)`",
        "today" => "`now`",
        _ => {
            let qualified = ["math", "strings", "lists", "sets", "optional"]
                .into_iter()
                .map(|space| format!("{space}.{name}"))
                .find(|qualified| functions::find(qualified).is_some());
            return qualified.map(|qualified| format!("`{qualified}(x)`"));
        }
    };
    Some(meant.to_string())
}

impl Checker<'_> {
    /// Where the name of a called function stands.
    pub(super) fn called(&self, id: NodeId, target: Option<NodeId>, function: &str) -> Extent {
        let whole = self.extent(id);
        let from = target.map_or(whole.start, |target| self.extent(target).end) as usize;
        let found = self.tree.text.get(from..whole.end as usize).and_then(|rest| rest.find(function));
        match found.and_then(|at| u32::try_from(from + at).ok().zip(u32::try_from(function.len()).ok())) {
            Some((start, length)) => Extent { start, end: start + length },
            None => whole,
        }
    }

    /// Whether a part is the beginning of declared paths, such as `customer`.
    pub(super) fn is_group(&self, id: NodeId) -> bool {
        let Some(parts) = self.names(id) else { return false };
        let group = format!("{}.", parts.join("."));
        let declared = |schema: &super::Schema| schema.facts().iter().any(|fact| fact.path.starts_with(&group));
        self.local(&parts[0]).is_none() && self.schema.is_some_and(declared)
    }

    /// Whether a part calls a function that does not exist and is almost called `events`.
    pub(super) fn is_near_stream(&self, id: NodeId) -> bool {
        let Kind::Call { target: None, function, .. } = &self.tree.node(id).kind else { return false };
        functions::find(function).is_none() && nearest(function, ["events"]).is_some() && **function != *"events"
    }

    /// `segment(loyal)` with the quotes that it needs.
    pub(super) fn in_quotes(&self, function: &str, args: &[NodeId]) -> Option<String> {
        let [arg] = args else { return None };
        let parts = self.names(*arg)?;
        Some(format!("write `{function}(\"{}\")`", parts.join(".")))
    }

    /// `events("purchase").count` without brackets.
    pub(super) fn unasked(&mut self, id: NodeId, field: &str) -> Ref {
        let message = format!("a stream of events has no field `{field}`");
        let finding = Finding::error("no_such_field", self.extent(id), message);
        self.wrong(
            id,
            match Terminal::named(field) {
                Some(terminal) if terminal.takes_property() => finding.hint(format!("write `.{field}(\"amount\")`")),
                Some(_) => finding.hint(format!("write `.{field}()`")),
                None => finding.hint(format!("read the last one with `.last(\"{field}\")`")),
            },
        )
    }

    /// What was meant by an operator between types that it does not take.
    pub(super) fn meant(&self, op: BinaryOp, left: (NodeId, &Type), right: (NodeId, &Type)) -> Option<String> {
        if op == BinaryOp::In {
            return match (&self.tree.node(right.0).kind, right.1) {
                (Kind::List(_), _) => None,
                (_, Type::String | Type::Enum(_)) if matches!(left.1, Type::String | Type::Enum(_)) => {
                    Some(format!("look into a text with `{}.contains({})`", self.shown(right.0), self.shown(left.0)))
                }
                (_, Type::List(_) | Type::Map(..)) => None,
                _ => Some(format!("`in` needs a list on its right, such as `[{}]`", self.shown(right.0))),
            };
        }
        for ((literal, literal_ty), (_, other)) in [(left, right), (right, left)] {
            if let Kind::Literal(Value::String(text)) = &self.tree.node(literal).kind {
                if types::is_number(other) && text.parse::<f64>().is_ok() {
                    return Some(format!("write `{text}` without quotes"));
                }
                if *other == Type::Timestamp {
                    let day = text.len() == 10 && text.chars().all(|c| c.is_ascii_digit() || c == '-');
                    let written = if day { format!("{text}T00:00:00Z") } else { "2026-01-01T00:00:00Z".to_string() };
                    return Some(format!("write `timestamp(\"{written}\")`"));
                }
                if *other == Type::Date {
                    let day = if crate::value::Date::parse(text).is_some() { text } else { "2000-02-29" };
                    return Some(format!("write `date(\"{day}\")`"));
                }
                if *other == Type::Duration {
                    return Some("write `duration(\"30d\")`, or take `.days()` of it and compare with a number".to_string());
                }
                if *other == Type::Bool {
                    return Some("it is already true or false, nothing needs to be compared".to_string());
                }
            }
            if types::is_number(literal_ty) && matches!(other, Type::Timestamp) {
                return Some("write a length of time such as `duration(\"3d\")`".to_string());
            }
            if types::is_number(literal_ty) && *other == Type::Duration {
                return Some("take `.days()` or `.hours()` of it, or write a length such as `duration(\"3d\")`".to_string());
            }
        }
        let inner = &self.tree.node(left.0).kind;
        if op.is_ordering() && matches!(inner, Kind::Binary { op, .. } if op.is_ordering()) {
            return Some("write `a < b && b < c`".to_string());
        }
        None
    }
}
