//! Helpers for decoding what Stripe may send in more than one shape.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};

use super::Page;
use crate::json::{self, Tree};

/// Null counts as the default.
pub(crate) fn null_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

/// An expandable field: an id, an object with an id, or null.
pub(crate) fn id<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: From<String>,
{
    match Tree::deserialize(deserializer)? {
        Tree::Null => Ok(None),
        Tree::Text(id) => Ok(Some(T::from(id.into_owned()))),
        object @ Tree::Object(_) => match object.get("id").and_then(Tree::as_str) {
            Some(id) => Ok(Some(T::from(id.to_owned()))),
            None => Err(D::Error::custom("an expanded object without an id")),
        },
        _ => Err(D::Error::custom("neither an id nor an object")),
    }
}

/// A sub-list that cannot be read counts as one that was not sent: it is then listed by itself.
pub(crate) fn sub_list<'de, D, T>(deserializer: D) -> Result<Option<Page<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    Ok(json::decode(&Tree::deserialize(deserializer)?).ok())
}

/// A field that is good to have: what cannot be read counts as the default.
pub(crate) fn readable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    Ok(json::decode(&Tree::deserialize(deserializer)?).unwrap_or_default())
}

/// True where the field is left out: `captured` and `livemode` are missing in many exports.
pub(crate) fn yes() -> bool {
    true
}

/// An enumeration that Stripe may extend: known values are cases, others are kept as text.
macro_rules! open_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$case_doc])* $case,)+
            /// A value that Stripe added later.
            Other(String),
        }

        impl $name {
            /// Stripe's word.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$case => $text,)+
                    Self::Other(text) => text,
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$case,)+
                    other => Self::Other(other.to_owned()),
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <std::borrow::Cow<'de, str> as serde::Deserialize>::deserialize(deserializer)?;
                Ok(Self::from(text.as_ref()))
            }
        }

        #[cfg(feature = "schema")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "examples": [$($text),+] })
            }
        }
    };
}
pub(crate) use open_enum;
