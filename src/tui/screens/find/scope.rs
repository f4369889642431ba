//! Where the find box looks.

use crate::api::customer::SearchBy;

/// Where to look: everywhere, in one field of customers, or among assets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Where {
    #[default]
    Everything,
    Field(SearchBy),
    Assets,
}

impl Where {
    pub(super) const ALL: [Self; 6] =
        [Self::Everything, Self::Field(SearchBy::Name), Self::Field(SearchBy::City), Self::Field(SearchBy::State), Self::Field(SearchBy::Number), Self::Assets];

    pub(super) const fn in_words(self) -> &'static str {
        match self {
            Self::Everything => "All",
            Self::Field(SearchBy::City) => "City",
            Self::Field(SearchBy::State) => "State",
            Self::Field(SearchBy::Number) => "Number",
            Self::Field(_) => "Name",
            Self::Assets => "Asset or plate",
        }
    }
}
