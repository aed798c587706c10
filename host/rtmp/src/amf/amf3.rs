//! AMF3, read only: replies may be AMF0 to whoever asked in AMF3 (AMF 3 specification, §3).

use bytes::Bytes;

use super::reader::Reader;
use super::{Error, Object, Value};

const UNDEFINED: u8 = 0x00;
const NULL: u8 = 0x01;
const FALSE: u8 = 0x02;
const TRUE: u8 = 0x03;
const INTEGER: u8 = 0x04;
const DOUBLE: u8 = 0x05;
pub(super) const STRING: u8 = 0x06;
const XML_DOCUMENT: u8 = 0x07;
const DATE: u8 = 0x08;
const ARRAY: u8 = 0x09;
const OBJECT: u8 = 0x0a;
const XML: u8 = 0x0b;
const BYTE_ARRAY: u8 = 0x0c;
const VECTOR_INT: u8 = 0x0d;
const VECTOR_UINT: u8 = 0x0e;
const VECTOR_DOUBLE: u8 = 0x0f;
const VECTOR_OBJECT: u8 = 0x10;
const DICTIONARY: u8 = 0x11;

/// What references may name. Objects are not kept: references to them are not followed.
#[derive(Debug, Default)]
pub(super) struct Tables {
    strings: Vec<String>,
    classes: Vec<Class>,
}

/// "Traits": what the instances of a class have in common (§3.12).
#[derive(Debug, Clone)]
struct Class {
    name: String,
    fields: Vec<String>,
    dynamic: bool,
    externalizable: bool,
}

/// A length, or a reference to something earlier: bit 0 tells (§3.1 and others).
enum Head {
    Inline(usize),
    Reference(usize),
}

pub(super) fn read_value(reader: &mut Reader<'_>, tables: &mut Tables) -> Result<Value, Error> {
    reader.spend_value()?;
    let offset = reader.offset();
    Ok(match reader.u8()? {
        UNDEFINED => Value::Undefined,
        NULL => Value::Null,
        FALSE => Value::Boolean(false),
        TRUE => Value::Boolean(true),
        // 29 bits with a sign (§3.6).
        INTEGER => Value::Number(f64::from((read_u29(reader)? << 3).cast_signed() >> 3)),
        DOUBLE => Value::Number(reader.f64()?),
        STRING => Value::String(read_string(reader, tables)?),
        XML_DOCUMENT | XML => match read_head(reader)? {
            Head::Inline(len) => Value::String(reader.text(len)?),
            Head::Reference(index) => Value::Reference(index as u32),
        },
        DATE => match read_head(reader)? {
            Head::Inline(_) => Value::Date(reader.f64()?),
            Head::Reference(index) => Value::Reference(index as u32),
        },
        BYTE_ARRAY => match read_head(reader)? {
            Head::Inline(len) => Value::Binary(Bytes::copy_from_slice(reader.take(len)?)),
            Head::Reference(index) => Value::Reference(index as u32),
        },
        ARRAY => reader.nested(|reader| read_array(reader, tables))?,
        OBJECT => reader.nested(|reader| read_object(reader, tables))?,
        VECTOR_INT => read_vector(reader, |reader| {
            Ok(Value::Number(reader.u32()?.cast_signed().into()))
        })?,
        VECTOR_UINT => read_vector(reader, |reader| Ok(Value::Number(reader.u32()?.into())))?,
        VECTOR_DOUBLE => read_vector(reader, |reader| Ok(Value::Number(reader.f64()?)))?,
        VECTOR_OBJECT => reader.nested(|reader| read_object_vector(reader, tables))?,
        DICTIONARY => reader.nested(|reader| read_dictionary(reader, tables))?,
        marker => return Err(Error::Marker { marker, offset }),
    })
}

/// One to four bytes, seven bits each but the fourth, which has eight (§1.3.1).
fn read_u29(reader: &mut Reader<'_>) -> Result<u32, Error> {
    let mut value = 0;
    for _ in 0..3 {
        let byte = reader.u8()?;
        value = value << 7 | u32::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Ok(value);
        }
    }
    Ok(value << 8 | u32::from(reader.u8()?))
}

fn read_head(reader: &mut Reader<'_>) -> Result<Head, Error> {
    let word = read_u29(reader)?;
    let value = (word >> 1) as usize;
    Ok(if word & 1 == 1 {
        Head::Inline(value)
    } else {
        Head::Reference(value)
    })
}

fn read_string(reader: &mut Reader<'_>, tables: &mut Tables) -> Result<String, Error> {
    match read_head(reader)? {
        Head::Inline(0) => Ok(String::new()),
        Head::Inline(len) => {
            let text = reader.text(len)?;
            // Kept a second time for references, so paid for a second time.
            reader.spend_text(text.len())?;
            tables.strings.push(text.clone());
            Ok(text)
        }
        Head::Reference(index) => {
            let text = tables.strings.get(index).ok_or(Error::Reference {
                index,
                offset: reader.offset(),
            })?;
            reader.spend_text(text.len())?;
            Ok(text.clone())
        }
    }
}

/// A named part, if there is one, and then the values in order (§3.11).
fn read_array(reader: &mut Reader<'_>, tables: &mut Tables) -> Result<Value, Error> {
    let count = match read_head(reader)? {
        Head::Inline(count) => count,
        Head::Reference(index) => return Ok(Value::Reference(index as u32)),
    };
    let mut fields = read_dynamic(reader, tables)?;
    let mut values = Vec::new();
    for _ in 0..count {
        values.push(read_value(reader, tables)?);
    }
    if fields.is_empty() {
        return Ok(Value::StrictArray(values));
    }
    let numbered = values.into_iter().enumerate();
    fields.extend(numbered.map(|(index, value)| (index.to_string(), value)));
    Ok(Value::EcmaArray(Object {
        class: None,
        fields,
    }))
}

/// Names and values, up to an empty name.
fn read_dynamic(
    reader: &mut Reader<'_>,
    tables: &mut Tables,
) -> Result<Vec<(String, Value)>, Error> {
    let mut fields = Vec::new();
    loop {
        let name = read_string(reader, tables)?;
        if name.is_empty() {
            return Ok(fields);
        }
        fields.push((name, read_value(reader, tables)?));
    }
}

fn read_object(reader: &mut Reader<'_>, tables: &mut Tables) -> Result<Value, Error> {
    let offset = reader.offset();
    let head = match read_head(reader)? {
        Head::Inline(head) => head,
        Head::Reference(index) => return Ok(Value::Reference(index as u32)),
    };
    let class = read_class(reader, tables, head)?;
    if class.externalizable {
        // Its bytes are known to its class alone, but this one wraps a single value.
        if class.name == "flex.messaging.io.ArrayCollection" {
            return read_value(reader, tables);
        }
        return Err(Error::Marker {
            marker: OBJECT,
            offset,
        });
    }
    let mut fields = Vec::new();
    for name in class.fields {
        fields.push((name, read_value(reader, tables)?));
    }
    if class.dynamic {
        fields.extend(read_dynamic(reader, tables)?);
    }
    let class = Some(class.name).filter(|name| !name.is_empty());
    Ok(Value::Object(Object { class, fields }))
}

/// The traits of an object whose first word, without its lowest bit, is `head` (§3.12).
fn read_class(reader: &mut Reader<'_>, tables: &mut Tables, head: usize) -> Result<Class, Error> {
    if head & 1 == 0 {
        let index = head >> 1;
        let class = tables.classes.get(index).ok_or(Error::Reference {
            index,
            offset: reader.offset(),
        })?;
        // Each use builds the names anew, the empty ones too.
        for name in std::iter::once(&class.name).chain(&class.fields) {
            reader.spend_value()?;
            reader.spend_text(name.len())?;
        }
        return Ok(class.clone());
    }
    let name = read_string(reader, tables)?;
    let mut fields = Vec::new();
    for _ in 0..head >> 3 {
        reader.spend_value()?;
        fields.push(read_string(reader, tables)?);
    }
    let class = Class {
        name,
        fields,
        dynamic: head & 4 != 0,
        externalizable: head & 2 != 0,
    };
    tables.classes.push(class.clone());
    Ok(class)
}

/// A vector of plain numbers (§3.15): a length, whether it is fixed, the numbers.
fn read_vector(
    reader: &mut Reader<'_>,
    read: impl Fn(&mut Reader<'_>) -> Result<Value, Error>,
) -> Result<Value, Error> {
    let count = match read_head(reader)? {
        Head::Inline(count) => count,
        Head::Reference(index) => return Ok(Value::Reference(index as u32)),
    };
    reader.u8()?;
    let mut values = Vec::new();
    for _ in 0..count {
        reader.spend_value()?;
        values.push(read(reader)?);
    }
    Ok(Value::StrictArray(values))
}

fn read_object_vector(reader: &mut Reader<'_>, tables: &mut Tables) -> Result<Value, Error> {
    let count = match read_head(reader)? {
        Head::Inline(count) => count,
        Head::Reference(index) => return Ok(Value::Reference(index as u32)),
    };
    reader.u8()?;
    read_string(reader, tables)?; // the class its members have in common
    let mut values = Vec::new();
    for _ in 0..count {
        values.push(read_value(reader, tables)?);
    }
    Ok(Value::StrictArray(values))
}

fn read_dictionary(reader: &mut Reader<'_>, tables: &mut Tables) -> Result<Value, Error> {
    let count = match read_head(reader)? {
        Head::Inline(count) => count,
        Head::Reference(index) => return Ok(Value::Reference(index as u32)),
    };
    reader.u8()?; // whether keys are held weakly
    let mut pairs = Vec::new();
    for _ in 0..count {
        let key = read_value(reader, tables)?;
        let value = read_value(reader, tables)?;
        pairs.push(Value::StrictArray(vec![key, value]));
    }
    Ok(Value::StrictArray(pairs))
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, decode, decode_amf3_message};
    use super::*;

    fn read(bytes: &[u8]) -> Result<Value, Error> {
        let mut reader = Reader::new(bytes, Limits::default());
        read_value(&mut reader, &mut Tables::default())
    }

    #[test]
    fn integers_have_29_bits_and_a_sign() {
        assert_eq!(read(&[INTEGER, 0x7f]), Ok(Value::Number(127.0)));
        assert_eq!(read(&[INTEGER, 0x81, 0x00]), Ok(Value::Number(128.0)));
        assert_eq!(
            read(&[INTEGER, 0xff, 0xff, 0xff, 0xff]),
            Ok(Value::Number(-1.0))
        );
        assert_eq!(
            read(&[INTEGER, 0xbf, 0xff, 0xff, 0xff]),
            Ok(Value::Number(f64::from((1 << 28) - 1)))
        );
    }

    #[test]
    fn strings_and_classes_are_found_by_reference() {
        // An array of two instances of one class with field "a", and its name once more.
        let bytes = [
            ARRAY, 0x07, 0x01, // three values, none named
            OBJECT, 0x13, 0x03, b'C', 0x03, b'a', TRUE, // class C, sealed, one field
            OBJECT, 0x01, FALSE, // class 0 again
            STRING, 0x00, // string 0 again
        ];
        let instance = |truth| {
            Value::Object(Object {
                class: Some("C".into()),
                fields: vec![("a".into(), Value::Boolean(truth))],
            })
        };
        assert_eq!(
            read(&bytes),
            Ok(Value::StrictArray(vec![
                instance(true),
                instance(false),
                "C".into()
            ]))
        );
    }

    #[test]
    fn dynamic_objects_and_mixed_arrays_keep_their_names() {
        let object = [OBJECT, 0x0b, 0x01, 0x03, b'x', INTEGER, 5, 0x01];
        assert_eq!(read(&object), Ok(Value::object([("x", 5.0.into())])));
        let array = [ARRAY, 0x03, 0x03, b'x', NULL, 0x01, TRUE];
        let named = [("x", Value::Null), ("0", true.into())]
            .into_iter()
            .collect();
        assert_eq!(read(&array), Ok(Value::EcmaArray(named)));
    }

    #[test]
    fn amf0_switches_to_amf3_for_one_value() {
        let bytes = [0x11, INTEGER, 7, 0x05];
        assert_eq!(
            decode(&bytes, Limits::default()),
            Ok(vec![7.0.into(), Value::Null])
        );
    }

    #[test]
    fn a_type_17_body_is_read_in_each_of_its_three_forms() {
        let expected = Ok(vec![Value::from("a"), Value::Null]);
        for bytes in [
            &[0, 2, 0, 1, b'a', 5][..],
            &[2, 0, 1, b'a', 5],
            &[STRING, 3, b'a', NULL],
        ] {
            assert_eq!(decode_amf3_message(bytes, Limits::default()), expected);
        }
    }

    #[test]
    fn a_long_string_said_again_and_again_runs_into_the_limit() {
        let mut bytes = vec![STRING, 0x9f, 0x41]; // 2000 bytes
        bytes.extend([b'x'; 2000]);
        bytes.extend([STRING, 0x00].repeat(1000));
        let limits = Limits {
            max_text_bytes: 100_000,
            ..Limits::default()
        };
        assert_eq!(
            decode_amf3_message(&bytes, limits),
            Err(Error::TooMuchText(100_000))
        );
    }

    #[test]
    fn empty_fields_of_a_class_are_paid_for_at_each_use() {
        let mut bytes = vec![ARRAY, 0xff, 0xff, 0xff, 0xff, 0x01];
        bytes.extend([OBJECT, 0x83, 0x73, 0x01]); // 62 fields, all of them empty
        bytes.extend([0x01; 62]);
        bytes.extend([NULL; 62]);
        for _ in 0..1000 {
            bytes.extend([OBJECT, 0x01]);
            bytes.extend([NULL; 62]);
        }
        assert!(matches!(read(&bytes), Err(Error::TooManyValues(_))));
    }
}
