//! AMF against itself, against rml_amf0, and against noise.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests fail as tests do"
)]

use std::collections::HashMap;

use proptest::prelude::*;
use rml_amf0::Amf0Value;
use rtmp::amf::{self, Error, Limits, Object, Value};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        any::<i32>().prop_map(|number| Value::Number(number.into())),
        any::<bool>().prop_map(Value::Boolean),
        "\\PC{0,40}".prop_map(Value::String),
        Just(Value::String("x".repeat(70_000))),
        Just(Value::Null),
        Just(Value::Undefined),
        any::<i32>().prop_map(|ms| Value::Date(ms.into())),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        let fields = prop::collection::vec(("[a-z]{1,8}", inner.clone()), 0..6);
        let object = (prop::option::of("[A-Z]{1,4}"), fields.clone())
            .prop_map(|(class, fields)| Value::Object(Object { class, fields }));
        let array = fields.prop_map(|fields| {
            Value::EcmaArray(Object {
                class: None,
                fields,
            })
        });
        prop_oneof![
            object,
            array,
            prop::collection::vec(inner, 0..6).prop_map(Value::StrictArray)
        ]
    })
}

const ROOMY: Limits = Limits {
    max_depth: 16,
    max_values: 4096,
    max_text_bytes: 64 << 20,
};

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(values in prop::collection::vec(value(), 0..4)) {
        prop_assert_eq!(amf::decode(&amf::encode(&values), ROOMY), Ok(values));
    }

    #[test]
    fn a_cut_anywhere_is_an_error_or_fewer_values(values in prop::collection::vec(value(), 1..3), at in any::<prop::sample::Index>()) {
        let bytes = amf::encode(&values);
        if let Ok(decoded) = amf::decode(&bytes[..at.index(bytes.len())], ROOMY) {
            prop_assert!(decoded.len() <= values.len());
        }
    }

    #[test]
    fn noise_never_panics(bytes in prop::collection::vec(prop_oneof![0..20u8, any::<u8>()], 0..400)) {
        let _ = amf::decode(&bytes, Limits::default());
        let _ = amf::decode_amf3_message(&bytes, Limits::default());
        let _ = amf::decode_amf3_message(&[&[6, 1][..], &bytes].concat(), Limits::default());
    }
}

#[test]
fn rml_amf0_reads_and_writes_the_same() {
    let ours = vec![
        Value::from("connect"),
        Value::Number(1.0),
        Value::object([
            ("app", "live".into()),
            ("fpad", false.into()),
            ("none", Value::Null),
        ]),
        Value::StrictArray(vec![Value::Undefined, 2.5.into()]),
    ];
    let theirs = vec![
        Amf0Value::Utf8String("connect".into()),
        Amf0Value::Number(1.0),
        Amf0Value::Object(HashMap::from([
            ("app".into(), Amf0Value::Utf8String("live".into())),
            ("fpad".into(), Amf0Value::Boolean(false)),
            ("none".into(), Amf0Value::Null),
        ])),
        Amf0Value::StrictArray(vec![Amf0Value::Undefined, Amf0Value::Number(2.5)]),
    ];
    let read = rml_amf0::deserialize(&mut std::io::Cursor::new(amf::encode(&ours))).unwrap();
    assert_eq!(read, theirs);
    let mut read = amf::decode(&rml_amf0::serialize(&theirs).unwrap(), ROOMY).unwrap();
    if let Value::Object(object) = &mut read[2] {
        object.fields.sort_by(|left, right| left.0.cmp(&right.0)); // theirs has no order
    }
    assert_eq!(read, ours);
}

#[test]
fn nesting_and_counts_that_lie_end_at_the_limit() {
    let limits = Limits::default();
    let deep = [3, 0, 1, b'a'].repeat(100_000);
    assert_eq!(amf::decode(&deep, limits), Err(Error::TooDeep(16)));
    let deep = [10, 0, 0, 0, 1].repeat(100_000);
    assert_eq!(amf::decode(&deep, limits), Err(Error::TooDeep(16)));
    let deep = [0x11]
        .into_iter()
        .chain([9, 3, 1].repeat(100_000))
        .collect::<Vec<u8>>();
    assert_eq!(amf::decode(&deep, limits), Err(Error::TooDeep(16)));
    assert_eq!(
        amf::decode(&[5; 5000], limits),
        Err(Error::TooManyValues(4096))
    );
    let counted = [10, 0xff, 0xff, 0xff, 0xff, 5, 5];
    assert_eq!(
        amf::decode(&counted, limits),
        Err(Error::Truncated { offset: 7 })
    );
    let long = [12, 0x00, 0x98, 0x96, 0x80, b'x'];
    assert_eq!(
        amf::decode(&long, limits),
        Err(Error::TooMuchText(256 << 10))
    );
}

#[test]
fn metadata_of_sloppy_encoders_is_read() {
    let latin1 = [2, 0, 1, 0xe9];
    assert_eq!(amf::decode(&latin1, ROOMY), Ok(vec!["\u{fffd}".into()]));
    let endless = [8, 0, 0, 0, 0, 0, 1, b'a', 1, 1];
    let fields = Object {
        class: None,
        fields: vec![("a".into(), true.into())],
    };
    assert_eq!(
        amf::decode(&endless, ROOMY),
        Ok(vec![Value::EcmaArray(fields)])
    );
}
