use crate::value::Type;

/// One of the circumstances that any event may tell of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Detail {
    /// The device it came from.
    Device,
    /// The campaign that brought the customer.
    Campaign,
    /// The page or app that the customer came from.
    Referrer,
    /// The page or screen that was looked at.
    Page,
    /// The country.
    Country,
    /// The region.
    Region,
    /// The city.
    City,
    /// The postal code, canonical.
    PostalCode,
    /// The store.
    Store,
    /// Latitude and longitude.
    Point,
    /// How the facts it tells came to be known.
    Origin,
    /// How sure they are, 0 to 1.
    Confidence,
}

impl Detail {
    /// All of them, in the order of the story's text.
    pub const ALL: [Detail; 12] = [
        Detail::Device,
        Detail::Campaign,
        Detail::Referrer,
        Detail::Page,
        Detail::Country,
        Detail::Region,
        Detail::City,
        Detail::PostalCode,
        Detail::Store,
        Detail::Point,
        Detail::Origin,
        Detail::Confidence,
    ];

    /// Its name in events and rules.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Detail::Device => "device",
            Detail::Campaign => "campaign",
            Detail::Referrer => "referrer",
            Detail::Page => "page",
            Detail::Country => "country",
            Detail::Region => "region",
            Detail::City => "city",
            Detail::PostalCode => "postal_code",
            Detail::Store => "store",
            Detail::Point => "point",
            Detail::Origin => "origin",
            Detail::Confidence => "confidence",
        }
    }

    /// The type under which rules read it.
    #[must_use]
    pub fn ty(self) -> Type {
        match self {
            Detail::PostalCode => Type::PostalCode { country: None },
            Detail::Point => Type::Point,
            Detail::Confidence => Type::Double,
            _ => Type::String,
        }
    }

    /// The detail of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|detail| detail.name() == name)
    }
}
