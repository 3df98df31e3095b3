use std::fmt;

/// A reservation that cannot be made, confirmed or released. Nothing was changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterError {
    code: &'static str,
    /// The counter or the slot.
    what: String,
}

impl CounterError {
    /// For a counter without room.
    #[must_use]
    pub fn used_up(key: &str) -> Self {
        CounterError { code: "used_up", what: key.to_owned() }
    }

    /// For a slot that was never reserved.
    #[must_use]
    pub fn not_reserved(id: &str) -> Self {
        CounterError { code: "not_reserved", what: id.to_owned() }
    }

    /// For a slot that is confirmed.
    #[must_use]
    pub fn already_confirmed(id: &str) -> Self {
        CounterError { code: "already_confirmed", what: id.to_owned() }
    }

    /// For a slot that is released.
    #[must_use]
    pub fn already_released(id: &str) -> Self {
        CounterError { code: "already_released", what: id.to_owned() }
    }

    /// For a slot whose reservation is over.
    #[must_use]
    pub fn expired(id: &str) -> Self {
        CounterError { code: "expired", what: id.to_owned() }
    }

    /// `used_up`, `not_reserved`, `already_confirmed`, `already_released` or `expired`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// The counter that has no room, or the slot.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for CounterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        match self.code {
            "used_up" => write!(f, "`{what}` has no room; decide again"),
            "not_reserved" => write!(f, "nothing is reserved as `{what}`; reserve it first"),
            "already_confirmed" => write!(f, "`{what}` was confirmed before, and counts once"),
            "already_released" => write!(f, "`{what}` was released before; reserve again"),
            _ => write!(f, "the reservation `{what}` is over; decide and reserve again"),
        }
    }
}

impl std::error::Error for CounterError {}
