//! Calls and data messages: a name, and AMF values behind it (RTMP 1.0 §7.1.1, §7.1.2).

use bytes::{BufMut, Bytes, BytesMut};

use super::{Error, Kind, Message};
use crate::amf::{self, Value};

/// `@setDataFrame` as an AMF0 string: what encoders put before metadata they publish.
const SET_DATA_FRAME: &[u8] = b"\x02\x00\x0d@setDataFrame";

/// A call, a reply (`_result`, `_error`) or a status (`onStatus`).
#[derive(Debug, Clone, PartialEq)]
pub struct Command {
    /// What is called.
    pub name: String,
    /// Ties a reply to its call; zero where none is wanted.
    pub transaction: f64,
    /// The values behind: first the "command object", often null.
    pub arguments: Vec<Value>,
}

impl Command {
    /// A call with those arguments, the command object first.
    pub fn new(name: &str, transaction: f64, arguments: impl Into<Vec<Value>>) -> Self {
        Self {
            name: name.to_owned(),
            transaction,
            arguments: arguments.into(),
        }
    }

    /// Reads a command; `None` if `message` is of another kind.
    ///
    /// Fewer values than the usual three are fine: a missing transaction is zero.
    pub fn parse(message: &Message, limits: amf::Limits) -> Result<Option<Self>, Error> {
        let kind = message.kind;
        let values = match kind {
            Kind::CommandAmf0 => amf::decode(&message.payload, limits),
            Kind::CommandAmf3 => amf::decode_amf3_message(&message.payload, limits),
            _ => return Ok(None),
        };
        let mut values = values
            .map_err(|source| Error::Amf { kind, source })?
            .into_iter();
        let Some(Value::String(name)) = values.next() else {
            return Err(Error::NoName { kind });
        };
        let transaction = values
            .next()
            .and_then(|value| value.as_f64())
            .unwrap_or_default();
        Ok(Some(Self {
            name,
            transaction,
            arguments: values.collect(),
        }))
    }

    /// The argument at `index`, where 0 is the command object; null if it is not there.
    pub fn argument(&self, index: usize) -> &Value {
        self.arguments.get(index).unwrap_or(&Value::Null)
    }

    /// The message to send, in AMF0.
    pub fn to_message(&self, stream_id: u32) -> Message {
        let mut values = vec![Value::from(&*self.name), Value::Number(self.transaction)];
        values.extend_from_slice(&self.arguments);
        let payload = amf::encode(&values);
        Message {
            kind: Kind::CommandAmf0,
            timestamp_ms: 0,
            stream_id,
            payload,
        }
    }
}

/// The body of a data message as players are to get it: AMF0, and without `@setDataFrame`.
///
/// `None` if `message` is of another kind. AMF0 bodies are passed on as they are, unread.
pub fn data_payload(message: &Message, limits: amf::Limits) -> Result<Option<Bytes>, Error> {
    let kind = message.kind;
    let body = match kind {
        Kind::DataAmf0 => message.payload.clone(),
        Kind::DataAmf3 => {
            let values = amf::decode_amf3_message(&message.payload, limits)
                .map_err(|source| Error::Amf { kind, source })?;
            amf::encode(&values)
        }
        _ => return Ok(None),
    };
    let prefix = if body.starts_with(SET_DATA_FRAME) {
        SET_DATA_FRAME.len()
    } else {
        0
    };
    Ok(Some(body.slice(prefix..)))
}

/// The body of a data message as another server is to get it: `@setDataFrame` in front.
pub fn set_data_frame(payload: &[u8]) -> Bytes {
    let mut out = BytesMut::with_capacity(SET_DATA_FRAME.len() + payload.len());
    out.put_slice(SET_DATA_FRAME);
    out.put_slice(payload);
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: Kind, payload: &[u8]) -> Message {
        let payload = Bytes::copy_from_slice(payload);
        Message {
            kind,
            timestamp_ms: 0,
            stream_id: 1,
            payload,
        }
    }

    fn parse(payload: &[u8]) -> Result<Option<Command>, Error> {
        Command::parse(&message(Kind::CommandAmf0, payload), amf::Limits::default())
    }

    #[test]
    fn fewer_than_three_values_are_a_command_all_the_same() {
        let command = parse(b"\x02\x00\x04ping").unwrap().unwrap();
        assert_eq!(command, Command::new("ping", 0.0, []));
        assert_eq!(command.argument(3), &Value::Null);
    }

    #[test]
    fn a_command_begins_with_its_name() {
        let error = Err(Error::NoName {
            kind: Kind::CommandAmf0,
        });
        assert_eq!(parse(b""), error);
        assert_eq!(parse(b"\x05"), error);
    }

    #[test]
    fn metadata_in_either_format_loses_its_prefix_and_regains_it() {
        let limits = amf::Limits::default();
        let plain = amf::encode(&[
            "onMetaData".into(),
            Value::object([("width", 320.0.into())]),
        ]);
        let published = set_data_frame(&plain);
        let amf0 = message(Kind::DataAmf0, &published);
        assert_eq!(data_payload(&amf0, limits), Ok(Some(plain.clone())));
        let amf3 = message(Kind::DataAmf3, &[&[0], &published[..]].concat());
        assert_eq!(data_payload(&amf3, limits), Ok(Some(plain.clone())));
        assert_eq!(
            data_payload(&message(Kind::DataAmf0, &plain), limits),
            Ok(Some(plain))
        );
    }
}
