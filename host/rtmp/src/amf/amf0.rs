//! AMF0 (AMF 0 specification, December 2007, §2).

use bytes::{BufMut, BytesMut};

use super::amf3;
use super::reader::Reader;
use super::{Error, Object, Value};

const NUMBER: u8 = 0x00;
const BOOLEAN: u8 = 0x01;
const STRING: u8 = 0x02;
const OBJECT: u8 = 0x03;
const NULL: u8 = 0x05;
const UNDEFINED: u8 = 0x06;
const REFERENCE: u8 = 0x07;
const ECMA_ARRAY: u8 = 0x08;
const OBJECT_END: u8 = 0x09;
const STRICT_ARRAY: u8 = 0x0a;
const DATE: u8 = 0x0b;
const LONG_STRING: u8 = 0x0c;
const UNSUPPORTED: u8 = 0x0d;
const XML: u8 = 0x0f;
const TYPED_OBJECT: u8 = 0x10;
/// From here on, for one value, AMF3 (§3.1).
const AVMPLUS: u8 = 0x11;

pub(super) fn read_value(reader: &mut Reader<'_>) -> Result<Value, Error> {
    reader.spend_value()?;
    let offset = reader.offset();
    Ok(match reader.u8()? {
        NUMBER => Value::Number(reader.f64()?),
        BOOLEAN => Value::Boolean(reader.u8()? != 0),
        STRING => Value::String(short_text(reader)?),
        LONG_STRING | XML => {
            let len = reader.u32()?;
            Value::String(reader.text(len as usize)?)
        }
        OBJECT => Value::Object(Object {
            class: None,
            fields: fields(reader)?,
        }),
        TYPED_OBJECT => {
            let class = Some(short_text(reader)?);
            Value::Object(Object {
                class,
                fields: fields(reader)?,
            })
        }
        ECMA_ARRAY => {
            // The count is a hint that some encoders leave at zero.
            reader.u32()?;
            Value::EcmaArray(Object {
                class: None,
                fields: fields(reader)?,
            })
        }
        STRICT_ARRAY => {
            let count = reader.u32()?;
            Value::StrictArray(reader.nested(|reader| {
                // Not collected with the count as capacity: it may lie.
                let mut values = Vec::new();
                for _ in 0..count {
                    values.push(read_value(reader)?);
                }
                Ok(values)
            })?)
        }
        DATE => {
            let date = Value::Date(reader.f64()?);
            reader.u16()?; // a time zone, which "should not be filled" (§2.13)
            date
        }
        REFERENCE => Value::Reference(reader.u16()?.into()),
        NULL => Value::Null,
        UNDEFINED | UNSUPPORTED => Value::Undefined,
        AVMPLUS => amf3::read_value(reader, &mut amf3::Tables::default())?,
        marker => return Err(Error::Marker { marker, offset }),
    })
}

fn short_text(reader: &mut Reader<'_>) -> Result<String, Error> {
    let len = reader.u16()?;
    reader.text(len.into())
}

/// Names and values up to the end marker, or to the end of the message: some encoders forget the
/// marker of the last ECMA array.
fn fields(reader: &mut Reader<'_>) -> Result<Vec<(String, Value)>, Error> {
    reader.nested(|reader| {
        let mut fields = Vec::new();
        while !reader.is_empty() {
            let name = short_text(reader)?;
            if name.is_empty() {
                let offset = reader.offset();
                match reader.u8()? {
                    OBJECT_END => break,
                    marker => return Err(Error::Marker { marker, offset }),
                }
            }
            fields.push((name, read_value(reader)?));
        }
        Ok(fields)
    })
}

pub(super) fn write_value(out: &mut BytesMut, value: &Value) {
    match value {
        Value::Number(number) => {
            out.put_u8(NUMBER);
            out.put_f64(*number);
        }
        Value::Boolean(truth) => out.put_slice(&[BOOLEAN, u8::from(*truth)]),
        Value::String(text) => write_string(out, text),
        Value::Object(object) => {
            match &object.class {
                Some(class) => {
                    out.put_u8(TYPED_OBJECT);
                    write_name(out, class);
                }
                None => out.put_u8(OBJECT),
            }
            write_fields(out, object);
        }
        Value::EcmaArray(object) => {
            out.put_u8(ECMA_ARRAY);
            out.put_u32(object.fields.len() as u32);
            write_fields(out, object);
        }
        Value::StrictArray(values) => {
            out.put_u8(STRICT_ARRAY);
            out.put_u32(values.len() as u32);
            for value in values {
                write_value(out, value);
            }
        }
        Value::Date(ms) => {
            out.put_u8(DATE);
            out.put_f64(*ms);
            out.put_u16(0);
        }
        // AMF0 has no bytes; undefined keeps the position of what follows.
        Value::Undefined | Value::Reference(_) | Value::Binary(_) => out.put_u8(UNDEFINED),
        Value::Null => out.put_u8(NULL),
    }
}

fn write_string(out: &mut BytesMut, text: &str) {
    match u16::try_from(text.len()) {
        Ok(len) => {
            out.put_u8(STRING);
            out.put_u16(len);
        }
        Err(_) => {
            out.put_u8(LONG_STRING);
            out.put_u32(text.len() as u32);
        }
    }
    out.put_slice(text.as_bytes());
}

fn write_fields(out: &mut BytesMut, object: &Object) {
    for (name, value) in object.fields.iter().filter(|(name, _)| !name.is_empty()) {
        write_name(out, name);
        write_value(out, value);
    }
    out.put_slice(&[0, 0, OBJECT_END]);
}

/// Names have two bytes of length; a longer one is cut at a character.
fn write_name(out: &mut BytesMut, name: &str) {
    let name = &name[..name.floor_char_boundary(usize::from(u16::MAX))];
    out.put_u16(name.len() as u16);
    out.put_slice(name.as_bytes());
}
