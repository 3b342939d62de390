//! From a tree to a type, with the path to what does not fit.

use std::borrow::Cow;
use std::fmt::{self, Display};

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess,
    SeqAccess, Unexpected, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::Tree;

/// A value that does not fit. One word, because every decoder hands it on.
#[derive(Debug)]
pub(super) struct Misfit(Box<Parts>);

#[derive(Debug)]
pub(super) struct Parts {
    /// Steps to it, the last one first.
    pub(super) path: Vec<String>,
    /// What is wrong.
    pub(super) problem: String,
}

impl Misfit {
    pub(super) fn into_parts(self) -> Parts {
        *self.0
    }

    #[cold]
    #[inline(never)]
    fn new(problem: fmt::Arguments<'_>) -> Self {
        Self(Box::new(Parts { path: Vec::new(), problem: problem.to_string() }))
    }

    #[cold]
    #[inline(never)]
    fn in_field(mut self, name: &str) -> Self {
        self.0.path.push(name.to_owned());
        self
    }

    #[cold]
    #[inline(never)]
    fn in_item(mut self, number: usize) -> Self {
        self.0.path.push(format!("[{number}]"));
        self
    }
}

impl Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.problem)
    }
}

impl std::error::Error for Misfit {}

// All of these are in every decoder: out of line they are a call.
impl de::Error for Misfit {
    fn custom<T: Display>(problem: T) -> Self {
        Self::new(format_args!("{problem}"))
    }

    #[cold]
    #[inline(never)]
    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format_args!("expected {expected}, not {}", kind(&found)))
    }

    #[cold]
    #[inline(never)]
    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(format_args!("expected {expected}, not {}", kind(&found)))
    }

    #[cold]
    #[inline(never)]
    fn invalid_length(found: usize, expected: &dyn Expected) -> Self {
        Self::new(format_args!("invalid length {found}, expected {expected}"))
    }

    #[cold]
    #[inline(never)]
    fn unknown_variant(found: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format_args!("`{found}` is none of: {}", expected.join(", ")))
    }

    #[cold]
    #[inline(never)]
    fn unknown_field(found: &str, expected: &'static [&'static str]) -> Self {
        Self::new(format_args!("there is no field `{found}`, only: {}", expected.join(", ")))
    }

    #[cold]
    #[inline(never)]
    fn missing_field(field: &'static str) -> Self {
        Self::new(format_args!("missing field `{field}`"))
    }

    #[cold]
    #[inline(never)]
    fn duplicate_field(field: &'static str) -> Self {
        Self::new(format_args!("duplicate field `{field}`"))
    }
}

/// What was found, without the value: that of a float would bring all that prints floats into the component.
fn kind(found: &Unexpected<'_>) -> String {
    match found {
        Unexpected::Str(text) => format!("`{text}`"),
        Unexpected::Unsigned(number) => number.to_string(),
        Unexpected::Signed(number) => number.to_string(),
        Unexpected::Bool(_) => "true or false".into(),
        Unexpected::Float(_) => "a fraction".into(),
        Unexpected::Unit => "null".into(),
        Unexpected::Seq => "a list".into(),
        Unexpected::Map => "an object".into(),
        _ => "this".into(),
    }
}

/// A part of a tree, to be decoded.
#[derive(Clone, Copy)]
pub(super) struct Node<'t>(pub(super) &'t Tree<'t>);

impl<'de> Deserializer<'de> for Node<'de> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Tree::Null => visitor.visit_unit(),
            Tree::Bool(value) => visitor.visit_bool(*value),
            Tree::Unsigned(value) => visitor.visit_u64(*value),
            Tree::Negative(value) => visitor.visit_i64(*value),
            Tree::Float(value) => visitor.visit_f64(*value),
            Tree::Text(value) => visitor.visit_borrowed_str(value),
            Tree::List(items) => visitor.visit_seq(Items { rest: items.iter(), number: 0 }),
            Tree::Object(fields) => visitor.visit_map(Entries { rest: fields.iter(), value: None }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Tree::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.0 {
            Tree::Text(name) => visitor.visit_enum(Case { name, content: None }),
            Tree::Object(fields) => match fields.as_slice() {
                [(name, content)] => visitor.visit_enum(Case { name, content: Some(content) }),
                _ => Err(de::Error::custom("expected one field that names the case")),
            },
            other => Err(other.is_not("a name")),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    // What a type asks for is the only way into its visitor: each way more is code for each type.

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Tree::Bool(value) => visitor.visit_bool(*value),
            other => Err(other.is_not("true or false")),
        }
    }

    fn deserialize_u64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Tree::Unsigned(value) => visitor.visit_u64(*value),
            other => Err(other.is_not("a whole number from zero up")),
        }
    }

    fn deserialize_u32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_u64(visitor)
    }

    fn deserialize_i64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Tree::Unsigned(value) => visitor.visit_u64(*value),
            Tree::Negative(value) => visitor.visit_i64(*value),
            other => Err(other.is_not("a whole number")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Tree::Text(value) => visitor.visit_borrowed_str(value),
            other => Err(other.is_not("a string")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Tree::List(items) => visitor.visit_seq(Items { rest: items.iter(), number: 0 }),
            other => Err(other.is_not("a list")),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let fields = match self.0 {
            Tree::Object(fields) => fields.as_slice(),
            // What PHP makes of an empty object.
            Tree::List(items) if items.is_empty() => &[],
            other => return Err(other.is_not("an object")),
        };
        visitor.visit_map(Entries { rest: fields.iter(), value: None })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i128 u8 u16 u128 f32 f64 char bytes byte_buf unit unit_struct tuple tuple_struct
        identifier
    }
}

impl Tree<'_> {
    #[cold]
    #[inline(never)]
    fn is_not(&self, expected: &str) -> Misfit {
        let found = match self {
            Self::Null => "null",
            Self::Bool(_) => "true or false",
            Self::Unsigned(number) => {
                return Misfit::new(format_args!("expected {expected}, not {number}"));
            }
            Self::Negative(number) => {
                return Misfit::new(format_args!("expected {expected}, not {number}"));
            }
            Self::Float(_) => "a fraction",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        };
        Misfit::new(format_args!("expected {expected}, not {found}"))
    }
}

struct Items<'t> {
    rest: std::slice::Iter<'t, Tree<'t>>,
    number: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Misfit> {
        let Some(item) = self.rest.next() else { return Ok(None) };
        let number = self.number;
        self.number += 1;
        seed.deserialize(Node(item)).map(Some).map_err(|misfit| misfit.in_item(number))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

struct Entries<'t> {
    rest: std::slice::Iter<'t, (Cow<'t, str>, Tree<'t>)>,
    value: Option<(&'t str, &'t Tree<'t>)>,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Misfit> {
        let Some((key, value)) = self.rest.next() else { return Ok(None) };
        self.value = Some((key, value));
        let name: StrDeserializer<'de, Misfit> = key.as_ref().into_deserializer();
        // A name that is refused is where the problem lies.
        seed.deserialize(name).map(Some).map_err(|misfit| misfit.in_field(key))
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let (key, value) = self.value.take().unwrap_or(("", &Tree::Null));
        seed.deserialize(Node(value)).map_err(|misfit| misfit.in_field(key))
    }
}

/// A case of an enum: a name, or a name with content.
struct Case<'t> {
    name: &'t str,
    content: Option<&'t Tree<'t>>,
}

impl<'de> EnumAccess<'de> for Case<'de> {
    type Error = Misfit;
    type Variant = Content<'de>;

    fn variant_seed<V: DeserializeSeed<'de>>(
        self,
        seed: V,
    ) -> Result<(V::Value, Self::Variant), Misfit> {
        let name: StrDeserializer<'de, Misfit> = self.name.into_deserializer();
        Ok((seed.deserialize(name)?, Content { name: self.name, tree: self.content }))
    }
}

struct Content<'t> {
    name: &'t str,
    tree: Option<&'t Tree<'t>>,
}

impl<'t> Content<'t> {
    fn node(&self) -> Result<Node<'t>, Misfit> {
        let missing = || de::Error::invalid_type(Unexpected::UnitVariant, &"a case with content");
        self.tree.map(Node).ok_or_else(missing)
    }
}

impl<'de> VariantAccess<'de> for Content<'de> {
    type Error = Misfit;

    fn unit_variant(self) -> Result<(), Misfit> {
        match self.tree {
            None | Some(Tree::Null) => Ok(()),
            Some(_) => Err(de::Error::custom("expected a case without content")),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Misfit> {
        seed.deserialize(self.node()?).map_err(|misfit| misfit.in_field(self.name))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.node()?.deserialize_seq(visitor).map_err(|misfit| misfit.in_field(self.name))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let node = self.node()?;
        node.deserialize_struct("", fields, visitor).map_err(|misfit| misfit.in_field(self.name))
    }
}
