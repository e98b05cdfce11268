//! JSON of others as a tree: bounded in depth and number, and without a member that is given twice, of
//! which readers disagree on what it means. Knows nothing of signatures.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};

use super::error::SignatureError;

/// Lists in objects and so on, one in the other. Signatures have six.
const DEPTH: usize = 16;
/// Values in all. Those of 100 000 files have four for each.
const VALUES: usize = 500_000;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    /// Nothing, or a number, of which signatures have none that matters.
    Other,
    Bool(bool),
    Text(String),
    List(Vec<Self>),
    Object(BTreeMap<String, Self>),
}

/// Reads a whole text.
pub(super) fn parse(bytes: &[u8]) -> Result<Json, serde_json::Error> {
    let values = Cell::new(0);
    let seed = Value {
        depth: 0,
        values: &values,
    };
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let json = seed.deserialize(&mut reader)?;
    reader.end()?;
    Ok(json)
}

/// A value in a tree and the way to it, so that what is wrong can be named.
#[derive(Clone, Debug)]
pub(super) struct Node<'a> {
    json: &'a Json,
    at: String,
}

impl<'a> Node<'a> {
    /// The value that a text is.
    pub(super) const fn root(json: &'a Json) -> Self {
        Self {
            json,
            at: String::new(),
        }
    }

    /// The member of this name, which must be there.
    pub(super) fn member(&self, name: &str) -> Result<Self, SignatureError> {
        let member = self.optional(name)?;
        member.ok_or_else(|| SignatureError::Member {
            at: self.below(name),
            what: "is missing",
        })
    }

    /// The member of this name, if it is there.
    pub(super) fn optional(&self, name: &str) -> Result<Option<Self>, SignatureError> {
        let member = self.object()?.get(name);
        Ok(member.map(|json| Self {
            json,
            at: self.below(name),
        }))
    }

    /// Checks that there are no members but these.
    pub(super) fn only(&self, names: &[&str]) -> Result<(), SignatureError> {
        let mut members = self.object()?.keys();
        match members.find(|member| !names.contains(&member.as_str())) {
            None => Ok(()),
            Some(member) => Err(SignatureError::Member {
                at: self.below(member),
                what: "is not known",
            }),
        }
    }

    pub(super) fn text(&self) -> Result<&'a str, SignatureError> {
        match self.json {
            Json::Text(text) => Ok(text),
            _ => Err(self.is_not("is no text")),
        }
    }

    pub(super) fn list(&self) -> Result<Vec<Self>, SignatureError> {
        let Json::List(items) = self.json else {
            return Err(self.is_not("is no list"));
        };
        let items = items.iter().enumerate().map(|(position, json)| Self {
            json,
            at: format!("{}[{position}]", self.at),
        });
        Ok(items.collect())
    }

    /// The item of a list that must have just one.
    pub(super) fn only_item(&self) -> Result<Self, SignatureError> {
        let mut items = self.list()?;
        match (items.pop(), items.is_empty()) {
            (Some(item), true) => Ok(item),
            _ => Err(self.is_not("is not a list of one")),
        }
    }

    /// What is wrong with this value.
    pub(super) fn is_not(&self, what: &'static str) -> SignatureError {
        SignatureError::Member {
            at: if self.at.is_empty() {
                "/".to_owned()
            } else {
                self.at.clone()
            },
            what,
        }
    }

    fn object(&self) -> Result<&'a BTreeMap<String, Json>, SignatureError> {
        match self.json {
            Json::Object(members) => Ok(members),
            _ => Err(self.is_not("is no object")),
        }
    }

    fn below(&self, name: &str) -> String {
        let name: String = name.chars().take(64).collect();
        if self.at.is_empty() {
            name
        } else {
            format!("{}.{name}", self.at)
        }
    }
}

#[derive(Clone, Copy)]
struct Value<'c> {
    depth: usize,
    values: &'c Cell<usize>,
}

impl Value<'_> {
    /// What is inside of this value.
    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH {
            return Err(E::custom(format_args!("more than {DEPTH} levels deep")));
        }
        let depth = self.depth + 1;
        Ok(Self { depth, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Json;

    fn deserialize<D: serde::Deserializer<'de>>(self, reader: D) -> Result<Json, D::Error> {
        self.values.set(self.values.get() + 1);
        if self.values.get() > VALUES {
            return Err(D::Error::custom(format_args!("more than {VALUES} values")));
        }
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Json, E> {
        Ok(Json::Other)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_str<E>(self, text: &str) -> Result<Json, E> {
        Ok(Json::Text(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Json, E> {
        Ok(Json::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let deeper = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(deeper)? {
            list.push(item);
        }
        Ok(Json::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json, A::Error> {
        let deeper = self.deeper()?;
        let mut object = BTreeMap::new();
        while let Some(name) = members.next_key::<String>()? {
            if object.contains_key(&name) {
                let name: String = name.chars().take(64).collect();
                return Err(A::Error::custom(format_args!("{name:?} is given twice")));
            }
            object.insert(name, members.next_value_seed(deeper)?);
        }
        Ok(Json::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_in_two_ways_or_has_no_bounds_is_refused() {
        let check = |text: &str, expected: &str| {
            let error = parse(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(r#"{"a": 1, "a": 2}"#, "\"a\" is given twice");
        check(r#"[{"b": {"\u0061": 1, "a": 2}}]"#, "\"a\" is given twice");
        check("{} {}", "trailing characters at line 1 column 4");
        check("", "EOF");
        check(&"[".repeat(17), "more than 16 levels deep");
        check(&"[".repeat(1 << 20), "more than 16 levels deep");
        let many = format!("[{}0]", "0,".repeat(VALUES));
        check(&many, "more than 500000 values");
        check("\"\u{1}\"", "control character");
        assert!(parse(b"\"\xff\"").is_err());
    }

    #[test]
    fn what_is_wrong_is_named_by_its_way() {
        let json = parse(br#"{"a": [{"b": 1, "c": "text"}], "d": []}"#).unwrap();
        let root = Node::root(&json);
        let item = root.member("a").unwrap().only_item().unwrap();
        let check = |error: SignatureError, expected: &str| assert_eq!(error.to_string(), expected);
        check(
            item.member("e").unwrap_err(),
            "`a[0].e` in the signature is missing",
        );
        check(
            item.only(&["b"]).unwrap_err(),
            "`a[0].c` in the signature is not known",
        );
        let number = item.member("b").unwrap();
        check(
            number.text().unwrap_err(),
            "`a[0].b` in the signature is no text",
        );
        let empty = root.member("d").unwrap();
        check(
            empty.only_item().unwrap_err(),
            "`d` in the signature is not a list of one",
        );
        assert_eq!(item.member("c").unwrap().text().unwrap(), "text");
    }
}
