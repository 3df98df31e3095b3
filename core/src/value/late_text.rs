use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A text that is written when somebody reads it, such as an id that is a hash or a reason in words: most are never read.
///
/// It is the text in every respect: it compares, hashes, prints and serializes as such.
#[derive(Clone)]
pub struct LateText {
    text: OnceLock<Arc<str>>,
    recipe: Option<Arc<dyn Recipe>>,
}

/// How a text is written.
pub(crate) trait Recipe: Send + Sync {
    /// The text; the same every time.
    fn write(&self) -> String;
}

impl LateText {
    /// A text that a recipe writes.
    pub(crate) fn new(recipe: impl Recipe + 'static) -> Self {
        LateText { text: OnceLock::new(), recipe: Some(Arc::new(recipe)) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.text.get_or_init(|| self.recipe.as_ref().map_or_else(String::new, |recipe| recipe.write()).into())
    }
}

impl From<String> for LateText {
    fn from(text: String) -> Self {
        LateText { text: OnceLock::from(Arc::from(text)), recipe: None }
    }
}

impl Deref for LateText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl PartialEq for LateText {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for LateText {}

impl PartialEq<str> for LateText {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for LateText {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl Hash for LateText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl fmt::Debug for LateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for LateText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl serde::Serialize for LateText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}
