use super::ast::Extent;

/// A finding in a source text, before it is known which document the text came from.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) code: &'static str,
    pub(super) severity: crate::error::Severity,
    pub(super) extent: Extent,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Finding {
    pub(super) fn error(code: &'static str, extent: Extent, message: impl Into<String>) -> Self {
        Finding { code, severity: crate::error::Severity::Error, extent, message: message.into(), hint: None }
    }

    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Finding { hint: Some(hint.into()), ..self }
    }
}
