//! How sure a host is who is there.

use std::fmt;

/// How sure a host is who is there, from least to most. A request says it; attributes, offers, treatments and placements may ask
/// for a minimum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Assurance {
    /// It may be anybody: only the present session is read. As a minimum, that nothing is asked for.
    Anonymous,
    /// By a cookie, a link in an e-mail, a telephone number: probably the customer.
    #[default]
    Recognised,
    /// The customer proved it, by logging in or otherwise.
    Authenticated,
}

impl Assurance {
    /// All of them, from least to most.
    pub const ALL: [Assurance; 3] = [Assurance::Anonymous, Assurance::Recognised, Assurance::Authenticated];

    /// Its name in requests, playbooks and answers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Assurance::Anonymous => "anonymous",
            Assurance::Recognised => "recognised",
            Assurance::Authenticated => "authenticated",
        }
    }

    /// The assurance of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Assurance::ALL.into_iter().find(|assurance| assurance.name() == name)
    }
}

impl fmt::Display for Assurance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl serde::Serialize for Assurance {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}
