use crate::expr::{EventKind, Schema};
use crate::value::{Currency, Decimal, Type, Value};
use std::sync::Arc;

/// How the story keeps its events: which types there are and how each property is stored. Made from a playbook's schema;
/// a story made under one layout is only read under the same.
#[derive(Debug)]
pub struct Layout {
    schema: Arc<Schema>,
    digest: Arc<str>,
    kinds: Vec<KindLayout>,
}

/// One event type.
#[derive(Debug)]
pub(super) struct KindLayout {
    pub(super) cells: Vec<CellKind>,
    /// Whether events of this type make up sessions: those that the playbook declares, not the reserved ones.
    pub(super) in_sessions: bool,
}

/// How a property is stored.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum CellKind {
    Bool,
    Int,
    Uint,
    Double,
    Decimal {
        scale: u8,
        currency: Option<Currency>,
    },
    Text,
    Timestamp,
    Duration,
    /// Kept as it is: lists, maps, bytes, and whatever has no type.
    Whole,
}

impl Layout {
    /// The layout of a schema, of which the first `declared` event types are the playbook's own.
    #[must_use]
    pub fn new(schema: Arc<Schema>, declared: usize, digest: Arc<str>) -> Self {
        let kinds = schema
            .events()
            .iter()
            .enumerate()
            .map(|(place, event)| KindLayout {
                cells: event.properties.iter().map(|property| CellKind::of(&property.ty)).collect(),
                in_sessions: place < declared,
            })
            .collect();
        Layout { schema, digest, kinds }
    }

    /// The names and types.
    #[must_use]
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The digest of the playbook it belongs to.
    #[must_use]
    pub fn digest(&self) -> &Arc<str> {
        &self.digest
    }

    pub(super) fn kind(&self, kind: EventKind) -> Option<&KindLayout> {
        self.kinds.get(usize::from(kind.0))
    }

    /// The storage of a property of an event type.
    pub(super) fn cell(&self, kind: EventKind, column: usize) -> Option<&CellKind> {
        self.kind(kind).and_then(|kind| kind.cells.get(column))
    }
}

impl CellKind {
    fn of(ty: &Type) -> Self {
        match ty {
            Type::Bool => CellKind::Bool,
            Type::Int => CellKind::Int,
            Type::Uint => CellKind::Uint,
            Type::Double => CellKind::Double,
            Type::Decimal { scale } => CellKind::Decimal { scale: *scale, currency: None },
            Type::Money { currency, scale } => CellKind::Decimal { scale: *scale, currency: Some(*currency) },
            Type::String | Type::Enum(_) => CellKind::Text,
            Type::Timestamp => CellKind::Timestamp,
            Type::Duration => CellKind::Duration,
            Type::Dyn
            | Type::Null
            | Type::Bytes
            | Type::List(_)
            | Type::Map(..)
            | Type::Type
            | Type::Optional(_)
            | Type::Stream
            | Type::Event => CellKind::Whole,
            // A type added to the language is kept whole until it has a better form.
            #[allow(unreachable_patterns, reason = "`Type` may grow")]
            _ => CellKind::Whole,
        }
    }

    /// The value of a 64-bit cell.
    pub(super) fn value(&self, bits: u64) -> Value {
        let signed = bits.cast_signed();
        match self {
            CellKind::Bool => Value::Bool(bits != 0),
            CellKind::Int => Value::Int(signed),
            CellKind::Uint => Value::Uint(bits),
            CellKind::Double => Value::Double(f64::from_bits(bits)),
            CellKind::Decimal { scale, currency } => Value::Decimal(Decimal::new(i128::from(signed), *scale, *currency)),
            CellKind::Timestamp => match crate::value::Timestamp::from_micros(signed) {
                Ok(time) => Value::Timestamp(time.into()),
                Err(_) => Value::Null,
            },
            CellKind::Duration => Value::Duration(crate::value::Duration::from_nanos(signed)),
            CellKind::Text | CellKind::Whole => Value::Null,
        }
    }
}
