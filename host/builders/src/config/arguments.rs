//! Values in `guesthouse.toml` that may be written short or in full: commands, and requests.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::de;
use serde::de::value::MapAccessDeserializer;
use serde::de::value::SeqAccessDeserializer;

/// A command: `"make component"`, or `["make", "component"]` where a word has a space in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Arguments(pub Vec<String>);

/// A request that an app answers while it is built: `"/"`, or a table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Request {
    /// Where, with its query.
    pub path: String,
    /// How; GET unless it is said.
    pub method: String,
    /// With which fields.
    pub headers: BTreeMap<String, String>,
    /// With which body.
    pub body: String,
}

impl fmt::Display for Arguments {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join(" "))
    }
}

impl Request {
    /// `GET` of a path.
    pub fn get(path: &str) -> Request {
        Request { path: path.to_owned(), method: get(), headers: BTreeMap::new(), body: String::new() }
    }
}

impl Arguments {
    fn check<E: de::Error>(self) -> Result<Arguments, E> {
        if self.0.is_empty() { Err(E::custom("a command needs a word at least")) } else { Ok(self) }
    }
}

impl<'de> Deserialize<'de> for Arguments {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Arguments, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Arguments;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a command: \"make component\", or a list of its words")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Arguments, E> {
                Arguments(text.split_whitespace().map(str::to_owned).collect()).check()
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, words: A) -> Result<Arguments, A::Error> {
                Arguments(Vec::deserialize(SeqAccessDeserializer::new(words))?).check()
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// The request as a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    path: String,
    #[serde(default = "get")]
    method: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
}

fn get() -> String {
    "GET".to_owned()
}

impl<'de> Deserialize<'de> for Request {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Request, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Request;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a path such as \"/\", or a table with `path`")
            }

            fn visit_str<E: de::Error>(self, path: &str) -> Result<Request, E> {
                checked(Written { path: path.to_owned(), method: get(), headers: BTreeMap::new(), body: String::new() })
            }

            fn visit_map<A: de::MapAccess<'de>>(self, table: A) -> Result<Request, A::Error> {
                checked(Written::deserialize(MapAccessDeserializer::new(table))?)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

fn checked<E: de::Error>(written: Written) -> Result<Request, E> {
    let Written { path, method, headers, body } = written;
    if !path.starts_with('/') {
        return Err(E::custom(format!("`{path}` is not a path: it begins with `/`")));
    }
    Ok(Request { path, method, headers, body })
}
