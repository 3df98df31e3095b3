//! The checker's part about what ends a stream: what it takes besides a property, and what it gives.

use super::ast::{Kind, NodeId};
use super::check::Checker;
use super::check_calendar::is_unit;
use super::finding::Finding;
use super::stream::{Calendar, Terminal};
use crate::value::{Decimal, Duration, Type, Unit, Value};

impl Checker<'_> {
    /// What an end takes besides a property: the share of `quantile`, the unit of `streak`. Gives the arguments left.
    pub(super) fn further<'n>(
        &mut self,
        id: NodeId,
        terminal: Terminal,
        args: &'n [NodeId],
    ) -> (&'n [NodeId], Decimal, Calendar) {
        let (mut left, mut share, mut unit) =
            (args, Decimal::new(0, 0, None), Calendar { unit: Unit::Day, before: 0, zone: None });
        match (terminal, args) {
            (Terminal::Quantile, [property, at]) => {
                left = std::slice::from_ref(property);
                match self.share(*at) {
                    Some(found) => share = found,
                    None => {
                        let message = "`quantile` takes a number from 0 to 1, such as `quantile(\"amount\", 0.9)`";
                        self.report(Finding::error("bad_call", self.extent(*at), message));
                    }
                }
            }
            (Terminal::Quantile, _) => {
                let message = "`quantile` takes a property and a number from 0 to 1, such as `quantile(\"amount\", 0.9)`";
                self.report(Finding::error("bad_call", self.extent(id), message));
                left = args.get(..1).unwrap_or(args);
            }
            (Terminal::Streak, _) => {
                self.reads.now = true;
                left = &[];
                let found = args.split_first().map(|(unit, further)| (self.names_a_unit(*unit), *unit, further));
                match found {
                    Some((true, named, further)) => match self.calendar(named, further) {
                        Some(found) if found.before > 0 => self.no_unit(id),
                        found => unit = found.unwrap_or(unit),
                    },
                    _ => self.no_unit(id),
                }
            }
            _ => {}
        }
        (left, share, unit)
    }

    /// Whether an argument is the text of a unit of the calendar.
    pub(super) fn names_a_unit(&self, id: NodeId) -> bool {
        matches!(&self.tree.node(id).kind, Kind::Literal(Value::String(text)) if is_unit(text))
    }

    fn no_unit(&mut self, id: NodeId) {
        let message = "`streak` takes `\"day\"`, `\"week\"` or `\"month\"`";
        let finding = Finding::error("bad_call", self.extent(id), message);
        self.report(finding.hint("a first day of the week and a zone may follow: `streak(\"week\", \"sunday\", \"UTC\")`"));
    }

    fn share(&self, id: NodeId) -> Option<Decimal> {
        let Kind::Literal(Value::Int(_) | Value::Double(_)) = &self.tree.node(id).kind else { return None };
        let share = Decimal::parse(&self.tree.number_text(id), Decimal::MAX_SCALE, None).ok()?;
        let whole = 10_i128.pow(u32::from(share.scale()));
        (0..=whole).contains(&share.units()).then_some(share)
    }
}

pub(super) fn result_type(terminal: Terminal, ty: &Type) -> Type {
    match terminal {
        Terminal::Count | Terminal::CountDistinct | Terminal::Streak => Type::Int,
        Terminal::Rate => Type::Double,
        Terminal::Exists => Type::Bool,
        Terminal::Avg => match ty {
            Type::Int | Type::Uint | Type::Double => Type::Double,
            Type::Decimal { scale } => Type::Decimal { scale: average_scale(*scale) },
            Type::Money { currency, scale } => Type::Money { currency: *currency, scale: average_scale(*scale) },
            other => other.clone(),
        },
        Terminal::Sum
        | Terminal::Min
        | Terminal::Max
        | Terminal::First
        | Terminal::Last
        | Terminal::MostFrequent
        | Terminal::LeastFrequent
        | Terminal::Quantile => ty.clone(),
        Terminal::Distinct => Type::List(Box::new(ty.clone())),
        Terminal::SinceLast | Terminal::SinceFirst | Terminal::UsualGap => Type::Duration,
    }
}

fn average_scale(scale: u8) -> u8 {
    scale.saturating_add(4).min(Decimal::MAX_SCALE)
}

pub(super) fn zero(ty: &Type) -> Value {
    match ty {
        Type::Uint => Value::Uint(0),
        Type::Double => Value::Double(0.0),
        Type::Decimal { scale } => Value::Decimal(Decimal::new(0, *scale, None)),
        Type::Money { currency, scale } => Value::Decimal(Decimal::new(0, *scale, Some(*currency))),
        Type::Duration => Value::Duration(Duration::ZERO),
        _ => Value::Int(0),
    }
}
