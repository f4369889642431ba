//! Fixed lists of words, each an enum whose names are the same in JSON, in the
//! database and in the code.

/// Defines an enum of words with `ALL`, `name` and `named`.
macro_rules! words {
    ($(#[$doc:meta])* pub enum $kind:ident { $($(#[$note:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub enum $kind { $($(#[$note])* #[serde(rename = $word)] $variant,)* }

        impl $kind {
            /// Every one of them.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The word in the database and in JSON.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            /// The one of that word.
            #[must_use]
            pub fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.name() == word)
            }

            /// As people say it: `fleet administrator`.
            #[must_use]
            pub fn in_words(self) -> String {
                self.name().replace('_', " ")
            }
        }
    };
}
pub(super) use words;
