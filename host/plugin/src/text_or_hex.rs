//! Bytes in JSON: text as it stands, anything else in hexadecimal, so that logs can be read.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt::Write;

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form<'a> {
    Text(Cow<'a, str>),
    Hex { hex: String },
}

pub(crate) fn serialize<S: Serializer>(bytes: &[u8], to: S) -> Result<S::Ok, S::Error> {
    let form = match std::str::from_utf8(bytes) {
        Ok(text) => Form::Text(text.into()),
        Err(_) => Form::Hex {
            hex: bytes.iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            }),
        },
    };
    form.serialize(to)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<u8>, D::Error> {
    let hex = match Form::deserialize(from)? {
        Form::Text(text) => return Ok(text.into_owned().into_bytes()),
        Form::Hex { hex } => hex,
    };
    let digits = hex.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    let bytes: Option<Vec<u8>> = digits.collect();
    bytes.ok_or_else(|| D::Error::custom("not pairs of hexadecimal digits"))
}

#[cfg(test)]
mod tests {
    use crate::Entry;

    #[test]
    fn text_stays_text_and_other_bytes_come_back_whole() {
        for (value, json) in [
            (b"on air".to_vec(), r#"{"value":"on air","revision":1}"#),
            (
                vec![0, 255, 16],
                r#"{"value":{"hex":"00ff10"},"revision":1}"#,
            ),
        ] {
            let entry = Entry { value, revision: 1 };
            assert_eq!(serde_json::to_string(&entry).unwrap(), json);
            assert_eq!(serde_json::from_str::<Entry>(json).unwrap(), entry);
        }
        let odd = r#"{"value":{"hex":"0g"},"revision":1}"#;
        assert!(serde_json::from_str::<Entry>(odd).is_err());
    }
}
