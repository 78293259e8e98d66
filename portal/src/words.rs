//! Closed lists: enums whose values are words in the database and labels on screen.

/// Gives an enum its words, and its Italian labels where the list has them.
macro_rules! words {
    ($kind:ident { $($variant:ident = $key:literal, $label:literal;)+ }) => {
        $crate::words::words! { $kind { $($variant = $key;)+ } }

        impl $kind {
            /// The Italian words on screen.
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label),+ }
            }
        }
    };
    ($kind:ident { $($variant:ident = $key:literal;)+ }) => {
        impl $kind {
            /// Every value, in the order of pick-lists.
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            /// The word in the database, in addresses and in forms.
            pub fn key(self) -> &'static str {
                match self { $(Self::$variant => $key),+ }
            }
        }

        impl std::str::FromStr for $kind {
            type Err = $crate::words::UnknownWord;

            fn from_str(key: &str) -> Result<Self, Self::Err> {
                match key {
                    $($key => Ok(Self::$variant),)+
                    _ => Err($crate::words::UnknownWord(key.to_owned())),
                }
            }
        }
    };
}
pub(crate) use words;

/// A word that is not in its list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown value {0:?}")]
pub struct UnknownWord(pub String);
