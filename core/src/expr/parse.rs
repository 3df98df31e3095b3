//! Tokens to a syntax tree: CEL's grammar by precedence climbing, macros recognised on the way.

use super::Limits;
use super::ast::{BinaryOp, Extent, Kind, Node, NodeId, Tree, UnaryOp};
use super::finding::Finding;
use super::lex::{self, Token, TokenKind};
use super::meant::foreign_word;
use crate::value::Value;
use std::sync::Arc;

/// Words that are no identifiers.
const RESERVED: [&str; 20] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
];

/// Words that not even a field may have as its name without backticks.
const KEYWORDS: [&str; 4] = ["false", "in", "null", "true"];

pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.contains(&word) || word == "while"
}

/// Parses one expression.
pub(super) fn parse(text: &str, limits: &Limits) -> Result<Tree, Vec<Finding>> {
    if text.len() > limits.source {
        let message = format!("the expression has {} bytes; at most {} are allowed", text.len(), limits.source);
        return Err(vec![Finding::error("too_large", Extent::default(), message)]);
    }
    let (tokens, errors) = lex::tokens(text);
    if !errors.is_empty() {
        let finding = |error: lex::LexError| Finding {
            hint: error.hint.map(String::from),
            ..Finding::error("syntax", error.extent, error.message)
        };
        return Err(errors.into_iter().take(MOST_FINDINGS).map(finding).collect());
    }
    let mut parser = Parser { tokens, at: 0, nodes: Vec::new(), nesting: 0, limits, findings: Vec::new(), told: None };
    match parser.whole() {
        Ok(root) if parser.findings.is_empty() => {
            let own = (text.len(), parser.nodes.len());
            Ok(Tree { text: Arc::from(text), nodes: parser.nodes, root, own })
        }
        Ok(_) => Err(parser.findings),
        Err(finding) => {
            parser.findings.push(*finding);
            Err(parser.findings)
        }
    }
}

/// How many mistakes of one expression are told.
pub(super) const MOST_FINDINGS: usize = 20;

pub(super) type Parsed<T> = Result<T, Box<Finding>>;

pub(super) struct Parser<'a> {
    tokens: Vec<Token>,
    pub(super) at: usize,
    pub(super) nodes: Vec<Node>,
    pub(super) nesting: u32,
    limits: &'a Limits,
    /// What was found so far, while the rest is still read.
    pub(super) findings: Vec<Finding>,
    /// The token up to which nothing more needs to be told.
    pub(super) told: Option<usize>,
}

impl Parser<'_> {
    pub(super) fn peek(&self) -> &TokenKind {
        self.tokens.get(self.at).map_or(&TokenKind::End, |token| &token.kind)
    }

    pub(super) fn extent(&self) -> Extent {
        self.tokens.get(self.at).or(self.tokens.last()).map_or(Extent::default(), |token| token.extent)
    }

    fn last_extent(&self) -> Extent {
        self.tokens.get(self.at.saturating_sub(1)).map_or(Extent::default(), |token| token.extent)
    }

    fn is(&self, sign: &str) -> bool {
        matches!(self.peek(), TokenKind::Sign(found) if *found == sign)
    }

    pub(super) fn take(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, sign: &'static str) -> Parsed<()> {
        if self.take(sign) {
            return Ok(());
        }
        Err(self.unexpected(&format!("expected `{sign}`")))
    }

    pub(super) fn unexpected(&self, expected: &str) -> Box<Finding> {
        let found = match self.peek() {
            TokenKind::Word(word) if is_reserved(word) => format!("the reserved word `{word}`"),
            TokenKind::Word(word) | TokenKind::Quoted(word) => format!("`{word}`"),
            TokenKind::Int(text) | TokenKind::Uint(text) | TokenKind::Double(text) => format!("the number `{text}`"),
            TokenKind::Constant(_) => "a text".to_string(),
            TokenKind::Sign(sign) => format!("`{sign}`"),
            TokenKind::End => "the end".to_string(),
        };
        let finding = Finding::error("syntax", self.extent(), format!("{expected}, found {found}"));
        Box::new(match self.peek() {
            TokenKind::Word(word) if matches!(&**word, "and" | "AND") => finding.hint("write `&&`"),
            TokenKind::Word(word) if matches!(&**word, "or" | "OR") => finding.hint("write `||`"),
            TokenKind::Word(word) => match (foreign_word(word), self.before()) {
                (Some(hint), _) => finding.hint(hint),
                (None, Some(TokenKind::Int(number))) if matches!(&**word, "w" | "d" | "h" | "m" | "s") => {
                    finding.hint(format!("write a length of time as a text: `\"{number}{word}\"`"))
                }
                (None, _) => finding,
            },
            TokenKind::Double(text) if text.starts_with('.') && matches!(self.before(), Some(TokenKind::Sign("."))) => {
                finding.hint("a range is written `18 <= x && x <= 25`")
            }
            _ => finding,
        })
    }

    /// The token before this one.
    fn before(&self) -> Option<&TokenKind> {
        self.at.checked_sub(1).and_then(|at| self.tokens.get(at)).map(|token| &token.kind)
    }

    /// What stands where the expression should have ended.
    pub(super) fn not_the_end(&self) -> Box<Finding> {
        let mut finding = self.unexpected("expected an operator or the end");
        match (self.before(), self.peek()) {
            (Some(TokenKind::Word(word)), _) if foreign_word(word).is_some() => {
                finding.hint = foreign_word(word).map(String::from);
                finding.message = format!("`{word}` is no operator");
                finding.extent = self.last_extent();
            }
            (_, TokenKind::Sign(")" | "]" | "}")) => finding.hint = Some("it closes nothing".to_string()),
            (_, TokenKind::Word(_)) if finding.hint.is_none() => {
                finding.hint = Some("join conditions with `&&` or `||`".to_string());
            }
            _ => {}
        }
        finding
    }

    pub(super) fn push(&mut self, kind: Kind, extent: Extent) -> Parsed<NodeId> {
        let below = |id: &NodeId| self.nodes.get(id.0 as usize).map_or(0, |node| node.depth);
        // The values of a block stand within each other.
        let own = if let Kind::Block { values, .. } = &kind { u32::try_from(values.len()).unwrap_or(u32::MAX) } else { 1 };
        let depth = own.saturating_add(children(&kind).iter().map(below).max().unwrap_or(0));
        if depth > self.limits.depth {
            return Err(self.too_deep(extent));
        }
        if self.nodes.len() >= self.limits.nodes {
            let message = format!("the expression has more than {} parts", self.limits.nodes);
            return Err(Box::new(Finding::error("too_large", extent, message)));
        }
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(Node { kind, extent, depth });
        Ok(id)
    }

    fn too_deep(&self, extent: Extent) -> Box<Finding> {
        let message = format!("the expression is nested more than {} levels deep", self.limits.depth);
        Box::new(Finding::error("too_deep", extent, message).hint("split it into segments of their own"))
    }

    pub(super) fn node_extent(&self, id: NodeId) -> Extent {
        self.nodes.get(id.0 as usize).map_or(Extent::default(), |node| node.extent)
    }

    pub(super) fn expression(&mut self) -> Parsed<NodeId> {
        self.nesting += 1;
        if self.nesting > self.limits.depth {
            return Err(self.too_deep(self.extent()));
        }
        let condition = self.chain("||")?;
        let result = if self.take("?") {
            let yes = self.chain("||")?;
            self.expect(":")?;
            let no = self.expression()?;
            let extent = self.node_extent(condition).to(self.node_extent(no));
            self.push(Kind::Ternary { condition, yes, no }, extent)?
        } else {
            condition
        };
        self.nesting -= 1;
        Ok(result)
    }

    /// `a && b && c` or `a || b || c` as one node.
    fn chain(&mut self, sign: &'static str) -> Parsed<NodeId> {
        let operand =
            |parser: &mut Self| if sign == "||" { parser.chain("&&") } else { parser.recovered(|parser| parser.binary(0)) };
        let first = operand(self)?;
        if !self.is(sign) {
            return Ok(first);
        }
        let mut operands = vec![first];
        while self.take(sign) {
            operands.push(operand(self)?);
        }
        let extent = self.node_extent(first).to(self.last_extent());
        self.push(if sign == "||" { Kind::Or(operands) } else { Kind::And(operands) }, extent)
    }

    fn operator(&self) -> Option<(BinaryOp, u8)> {
        Some(match self.peek() {
            TokenKind::Word(word) if &**word == "in" => (BinaryOp::In, 0),
            TokenKind::Sign(sign) => match *sign {
                "==" => (BinaryOp::Equal, 0),
                "!=" => (BinaryOp::NotEqual, 0),
                "<" => (BinaryOp::Less, 0),
                "<=" => (BinaryOp::LessEqual, 0),
                ">" => (BinaryOp::Greater, 0),
                ">=" => (BinaryOp::GreaterEqual, 0),
                "+" => (BinaryOp::Add, 1),
                "-" => (BinaryOp::Subtract, 1),
                "*" => (BinaryOp::Multiply, 2),
                "/" => (BinaryOp::Divide, 2),
                "%" => (BinaryOp::Remainder, 2),
                _ => return None,
            },
            _ => return None,
        })
    }

    fn binary(&mut self, level: u8) -> Parsed<NodeId> {
        let mut left = self.unary()?;
        while let Some((op, precedence)) = self.operator() {
            if precedence < level {
                break;
            }
            self.at += 1;
            let right = self.binary(precedence + 1)?;
            let extent = self.node_extent(left).to(self.node_extent(right));
            left = self.push(Kind::Binary { op, left, right }, extent)?;
        }
        Ok(left)
    }

    fn unary(&mut self) -> Parsed<NodeId> {
        let mut signs = Vec::new();
        loop {
            let extent = self.extent();
            let number =
                matches!(self.tokens.get(self.at + 1), Some(Token { kind: TokenKind::Int(_) | TokenKind::Double(_), .. }));
            if self.is("-") && number {
                break;
            }
            if self.take("!") {
                signs.push((UnaryOp::Not, extent));
            } else if self.take("-") {
                signs.push((UnaryOp::Negate, extent));
            } else {
                break;
            }
        }
        let mut operand = self.member()?;
        for (op, extent) in signs.into_iter().rev() {
            let extent = extent.to(self.node_extent(operand));
            operand = self.push(Kind::Unary { op, operand }, extent)?;
        }
        Ok(operand)
    }

    fn member(&mut self) -> Parsed<NodeId> {
        let mut base = self.primary()?;
        loop {
            let start = self.node_extent(base);
            if self.take(".") {
                let optional = self.take("?");
                let quoted = matches!(self.peek(), TokenKind::Quoted(_));
                let field = self.field()?;
                if quoted && self.is("(") {
                    return Err(self.unexpected("a name in backticks is a field, no function"));
                }
                if optional {
                    base = self.push(Kind::OptionalSelect { base, field }, start.to(self.last_extent()))?;
                    continue;
                }
                if self.is("(") {
                    let args = self.arguments("(", ")")?;
                    base = self.method(base, field, args, start.to(self.last_extent()))?;
                } else {
                    base = self.push(Kind::Select { base, field }, start.to(self.last_extent()))?;
                }
            } else if self.take("[") {
                let optional = self.take("?");
                let index = self.expression()?;
                self.close("]")?;
                let kind = if optional { Kind::OptionalIndex { base, index } } else { Kind::Index { base, index } };
                base = self.push(kind, start.to(self.last_extent()))?;
            } else if self.is("{") && self.names_a_message(base) {
                let finding =
                    Finding::error("message_literal", self.extent(), "messages such as `Name{field: value}` are not supported");
                return Err(Box::new(finding.hint("write a map: `{\"field\": value}`")));
            } else {
                return Ok(base);
            }
        }
    }

    fn names_a_message(&self, id: NodeId) -> bool {
        matches!(self.nodes.get(id.0 as usize).map(|node| &node.kind), Some(Kind::Name { .. } | Kind::Select { .. }))
    }

    fn field(&mut self) -> Parsed<Arc<str>> {
        let name = match self.peek() {
            TokenKind::Word(word) if !KEYWORDS.contains(&&**word) => word.clone(),
            TokenKind::Quoted(word) => word.clone(),
            _ => return Err(self.unexpected("expected the name of a field or function")),
        };
        self.at += 1;
        Ok(name)
    }

    fn arguments(&mut self, open: &'static str, close: &'static str) -> Parsed<Vec<NodeId>> {
        self.expect(open)?;
        let mut args = Vec::new();
        while !self.is(close) {
            args.push(if close == "]" { self.element()? } else { self.expression()? });
            if !self.take(",") {
                break;
            }
            if self.is(close) && close == ")" {
                return Err(self.unexpected("expected another argument"));
            }
        }
        self.close(close)?;
        Ok(args)
    }

    /// An element of a list; with `?` in front, one that may be absent.
    fn element(&mut self) -> Parsed<NodeId> {
        let start = self.extent();
        if !self.take("?") {
            return self.expression();
        }
        let inner = self.expression()?;
        self.push(Kind::Maybe(inner), start.to(self.node_extent(inner)))
    }

    fn primary(&mut self) -> Parsed<NodeId> {
        let start = self.extent();
        if self.take("(") {
            let inner = self.expression()?;
            self.close(")")?;
            return Ok(inner);
        }
        if self.is("[") {
            let items = self.arguments("[", "]")?;
            return self.push(Kind::List(items), start.to(self.last_extent()));
        }
        if self.take("{") {
            return self.map(start);
        }
        let absolute = self.take(".");
        let negative = !absolute && self.take("-");
        let kind = self.peek().clone();
        let literal = match &kind {
            TokenKind::Word(word) if !negative => return self.name(word.clone(), absolute, start),
            TokenKind::Int(_) | TokenKind::Uint(_) | TokenKind::Double(_) if !absolute => {
                self.number(&kind, negative, start)?
            }
            TokenKind::Constant(value) if !negative && !absolute => value.clone(),
            _ => return Err(self.unexpected("expected a value")),
        };
        self.at += 1;
        self.push(Kind::Literal(literal), start.to(self.last_extent()))
    }

    fn map(&mut self, start: Extent) -> Parsed<NodeId> {
        let mut entries = Vec::new();
        while !self.is("}") {
            let entry = self.extent();
            let optional = self.take("?");
            let key = self.expression()?;
            self.expect(":")?;
            let value = self.expression()?;
            let extent = entry.to(self.node_extent(value));
            entries.push((key, if optional { self.push(Kind::Maybe(value), extent)? } else { value }));
            if !self.take(",") {
                break;
            }
        }
        self.close("}")?;
        self.push(Kind::Map(entries), start.to(self.last_extent()))
    }

    fn name(&mut self, name: Arc<str>, absolute: bool, start: Extent) -> Parsed<NodeId> {
        let literal = match &*name {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            "null" => Some(Value::Null),
            _ => None,
        };
        if let Some(value) = literal.filter(|_| !absolute) {
            self.at += 1;
            return self.push(Kind::Literal(value), start);
        }
        if is_reserved(&name) {
            return Err(self.unexpected("expected a value"));
        }
        self.at += 1;
        if !self.is("(") {
            return self.push(Kind::Name { name, absolute }, start.to(self.last_extent()));
        }
        let args = self.arguments("(", ")")?;
        let extent = start.to(self.last_extent());
        if &*name == "has" && !absolute {
            return self.has(&args, extent);
        }
        self.push(Kind::Call { target: None, function: name, absolute, args }, extent)
    }
}

/// The nodes right below a node, in the order written.
pub(super) fn children(kind: &Kind) -> Vec<NodeId> {
    match kind {
        Kind::Literal(_) | Kind::Name { .. } => Vec::new(),
        Kind::Select { base, .. } | Kind::Has { base, .. } => vec![*base],
        Kind::OptionalSelect { base, .. } => vec![*base],
        Kind::Index { base, index } | Kind::OptionalIndex { base, index } => vec![*base, *index],
        Kind::Maybe(inner) => vec![*inner],
        Kind::Call { target, args, .. } => target.iter().chain(args).copied().collect(),
        Kind::Unary { operand, .. } => vec![*operand],
        Kind::Binary { left, right, .. } => vec![*left, *right],
        Kind::And(operands) | Kind::Or(operands) | Kind::List(operands) => operands.clone(),
        Kind::Ternary { condition, yes, no } => vec![*condition, *yes, *no],
        Kind::Map(entries) => entries.iter().flat_map(|(key, value)| [*key, *value]).collect(),
        Kind::Loop { range, filter, body, .. } => std::iter::once(*range).chain(*filter).chain([*body]).collect(),
        Kind::Bind { value, body, .. } => vec![*value, *body],
        Kind::Block { values, body } => values.iter().chain([body]).copied().collect(),
        Kind::Where { stream, condition, .. } => vec![*stream, *condition],
    }
}
