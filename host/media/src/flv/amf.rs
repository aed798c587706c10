//! The few AMF0 values that `onMetaData` is made of (Adobe AMF0 specification §2).

use bytes::{BufMut, BytesMut};

const NUMBER: u8 = 0;
const BOOLEAN: u8 = 1;
const STRING: u8 = 2;
const ECMA_ARRAY: u8 = 8;
const OBJECT_END: u8 = 9;

/// A property's value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Value {
    Number(f64),
    Boolean(bool),
    Text(&'static str),
}

/// Appends a string value.
pub(super) fn put_string(text: &str, out: &mut BytesMut) {
    out.put_u8(STRING);
    put_name(text, out);
}

/// Appends an ECMA array of properties.
pub(super) fn put_ecma_array(properties: &[(&str, Value)], out: &mut BytesMut) {
    out.put_u8(ECMA_ARRAY);
    out.put_u32(properties.len() as u32);
    for (name, value) in properties {
        put_name(name, out);
        match *value {
            Value::Number(number) => {
                out.put_u8(NUMBER);
                out.put_f64(number);
            }
            Value::Boolean(truth) => out.put_slice(&[BOOLEAN, truth.into()]),
            Value::Text(text) => put_string(text, out),
        }
    }
    out.put_slice(&[0, 0, OBJECT_END]);
}

/// Text behind a 16-bit length. All texts here are short and our own.
fn put_name(text: &str, out: &mut BytesMut) {
    debug_assert!(text.len() <= usize::from(u16::MAX));
    out.put_u16(text.len() as u16);
    out.put_slice(text.as_bytes());
}
