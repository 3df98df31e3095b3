use std::fmt;
use std::sync::Arc;
use thiserror::Error;

/// A namespaced key that points to a customer, written `namespace:value`, such as `email:a@b.example` or `crm_id:17`.
///
/// Ordered by its text. At most [`MAX_BYTES`](Self::MAX_BYTES) long.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Identifier(Arc<str>);

/// Text that is no identifier.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IdentifierError {
    /// No colon, or nothing before or after it.
    #[error("an identifier is written `namespace:value`, with something on both sides of the first colon")]
    Form,
    /// Too long.
    #[error("an identifier has at most 512 bytes")]
    TooLong,
}

impl IdentifierError {
    /// The stable code.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            IdentifierError::Form => "identifier_form",
            IdentifierError::TooLong => "identifier_too_long",
        }
    }
}

impl Identifier {
    /// The longest identifier, in bytes of UTF-8.
    pub const MAX_BYTES: usize = 512;

    /// From text of the form `namespace:value`; the namespace ends at the first colon.
    ///
    /// # Errors
    /// [`IdentifierError`] when a part is missing or the whole is too long.
    ///
    /// # Examples
    /// ```
    /// use tactful::Identifier;
    /// let id = Identifier::parse("email:ada@example.org")?;
    /// assert_eq!(id.namespace(), "email");
    /// assert_eq!(id.value(), "ada@example.org");
    /// # Ok::<(), tactful::IdentifierError>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self, IdentifierError> {
        match text.split_once(':') {
            _ if text.len() > Self::MAX_BYTES => Err(IdentifierError::TooLong),
            Some((namespace, value)) if !namespace.is_empty() && !value.is_empty() => Ok(Identifier(Arc::from(text))),
            _ => Err(IdentifierError::Form),
        }
    }

    /// From a namespace and a value.
    ///
    /// # Errors
    /// [`IdentifierError`] when a part is empty, the namespace holds a colon, or the whole is too long.
    pub fn new(namespace: &str, value: &str) -> Result<Self, IdentifierError> {
        if namespace.contains(':') {
            return Err(IdentifierError::Form);
        }
        Self::parse(&format!("{namespace}:{value}"))
    }

    /// The text, shared.
    pub(crate) fn text(&self) -> Arc<str> {
        self.0.clone()
    }

    /// The part before the first colon.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.0.split_once(':').map_or("", |(namespace, _)| namespace)
    }

    /// Whether it is of a namespace.
    #[inline]
    pub(crate) fn is_of(&self, namespace: &str) -> bool {
        // A namespace holds no colon, so this is the first one.
        self.0.strip_prefix(namespace).is_some_and(|rest| rest.as_bytes().first() == Some(&b':'))
    }

    /// The part after the first colon.
    #[must_use]
    pub fn value(&self) -> &str {
        self.0.split_once(':').map_or("", |(_, value)| value)
    }

    /// The whole text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Only the namespace: the value says who somebody is.
impl fmt::Debug for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identifier({}:\u{2026})", self.namespace())
    }
}

impl fmt::Display for Identifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
