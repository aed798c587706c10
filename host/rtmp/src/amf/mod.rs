//! AMF0 and AMF3: the values that commands and metadata are made of.
//!
//! Decoding is bounded in depth, in the number of values, and in the bytes of text, the last
//! because AMF3 can say a long string again with two bytes. Sources: AMF 0 specification
//! (December 2007), AMF 3 specification (January 2013).

mod amf0;
mod amf3;
mod reader;

use bytes::{Bytes, BytesMut};

/// A value of either format; what only one of them has is folded into its nearest relative.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A number; AMF3 integers too.
    Number(f64),
    /// True or false.
    Boolean(bool),
    /// Text of any length; XML documents too. Bytes that are not UTF-8 became U+FFFD.
    String(String),
    /// Named values, and their class if they have one.
    Object(Object),
    /// Named values that say they are an array ("ECMA array"): `onMetaData`'s form.
    EcmaArray(Object),
    /// Values in order; AMF3 vectors too, and dictionaries as pairs.
    StrictArray(Vec<Value>),
    /// Milliseconds since 1970, UTC.
    Date(f64),
    /// AMF3 raw bytes.
    Binary(Bytes),
    /// An earlier object of the same message, by its number; not followed.
    Reference(u32),
    /// Nothing, on purpose.
    Null,
    /// Nothing, by omission; "unsupported" too.
    Undefined,
}

/// Named values, in the order they were sent.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Object {
    /// The class of a typed object.
    pub class: Option<String>,
    /// Names and values; a name may come twice, and then the last counts.
    pub fields: Vec<(String, Value)>,
}

/// How much a message may make the decoder build.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Objects and arrays within one another.
    pub max_depth: usize,
    /// Values of one message, at any depth.
    pub max_values: usize,
    /// Bytes of all strings and names of one message, repetitions counted.
    pub max_text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_depth: 16,
            max_values: 4096,
            max_text_bytes: 256 << 10,
        }
    }
}

/// Why bytes are no AMF, or more of it than allowed. Offsets count from the first byte given.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A value goes on behind the last byte.
    #[error("AMF ends within a value, at byte {offset}")]
    Truncated {
        /// Where bytes were missing.
        offset: usize,
    },
    /// A type marker that no specification knows, or that needs the movie's classes.
    #[error("AMF type marker {marker:#04x} at byte {offset} cannot be read")]
    Marker {
        /// The marker.
        marker: u8,
        /// Where it is.
        offset: usize,
    },
    /// A reference to a string or class that was not sent before.
    #[error("AMF reference {index} at byte {offset} names nothing that came before")]
    Reference {
        /// The number referred to.
        index: usize,
        /// Where the reference ends.
        offset: usize,
    },
    /// Nested deeper than [`Limits::max_depth`].
    #[error("AMF is nested deeper than {0} levels")]
    TooDeep(usize),
    /// More values than [`Limits::max_values`].
    #[error("AMF has more than {0} values in one message")]
    TooManyValues(usize),
    /// More text than [`Limits::max_text_bytes`].
    #[error("AMF has more than {0} bytes of text in one message")]
    TooMuchText(usize),
}

/// Decodes all AMF0 values of a message; those marked as AMF3 (0x11) too.
pub fn decode(bytes: &[u8], limits: Limits) -> Result<Vec<Value>, Error> {
    let mut reader = reader::Reader::new(bytes, limits);
    let mut values = Vec::new();
    while !reader.is_empty() {
        values.push(amf0::read_value(&mut reader)?);
    }
    Ok(values)
}

/// Decodes the body of a type 15 or 17 message.
///
/// As peers send it: a zero byte and then AMF0, or AMF0 outright, or AMF3 outright where the
/// first byte is AMF3's string marker (which is AMF0's "undefined", where no message begins).
pub fn decode_amf3_message(bytes: &[u8], limits: Limits) -> Result<Vec<Value>, Error> {
    match bytes {
        [0, amf0 @ ..] => decode(amf0, limits),
        [amf3::STRING, ..] => {
            let mut reader = reader::Reader::new(bytes, limits);
            let mut tables = amf3::Tables::default();
            let mut values = Vec::new();
            while !reader.is_empty() {
                values.push(amf3::read_value(&mut reader, &mut tables)?);
            }
            Ok(values)
        }
        amf0 => decode(amf0, limits),
    }
}

/// Encodes values as AMF0, one behind the other. [`Value::Reference`] becomes undefined: what it
/// referred to is not known here.
pub fn encode(values: &[Value]) -> Bytes {
    let mut out = BytesMut::with_capacity(64 * values.len());
    for value in values {
        amf0::write_value(&mut out, value);
    }
    out.freeze()
}

impl Value {
    /// An object of these named values.
    pub fn object<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        Self::Object(fields.into_iter().collect())
    }

    /// The text of a string.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number, of a number or a date.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Number(number) | Self::Date(number) => Some(*number),
            _ => None,
        }
    }

    /// The truth of a boolean, or whether a number differs from zero.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Boolean(truth) => Some(*truth),
            Self::Number(number) => Some(*number != 0.0),
            _ => None,
        }
    }

    /// The named values, of an object or an ECMA array.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) | Self::EcmaArray(object) => Some(object),
            _ => None,
        }
    }
}

impl Object {
    /// The value of that name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.fields
            .iter()
            .rev()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// The text of that name, if it is a string.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name)?.as_str()
    }
}

impl<'a> FromIterator<(&'a str, Value)> for Object {
    fn from_iter<I: IntoIterator<Item = (&'a str, Value)>>(fields: I) -> Self {
        let fields = fields
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        Self {
            class: None,
            fields,
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Boolean(truth)
    }
}
